"""Real FTP servers on loopback: vsftpd, and pyftpdlib's, which can be made to behave like the odd ones."""

import logging
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any, Self

from OpenSSL import SSL
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer

from tests.support.servers import certificate, free_port, wait_for

logging.getLogger("pyftpdlib").setLevel(logging.CRITICAL)


class Vsftpd:
    """vsftpd with TLS on every connection and a resumed session on every data connection; it knows neither MLSD nor MLST."""

    def __init__(self, **options: str) -> None:
        self._options = options

    def __enter__(self) -> Self:
        self.root = Path(tempfile.mkdtemp(prefix="nightporter-vsftpd-"))
        self.root.chmod(0o755)
        self.port = free_port()
        self.ca_file, key = certificate()
        options = {
            "listen": "YES", "listen_address": "127.0.0.1", "listen_port": self.port, "background": "NO", "run_as_launching_user": "YES",
            "anonymous_enable": "YES", "local_enable": "NO", "write_enable": "YES", "anon_upload_enable": "YES",
            "anon_mkdir_write_enable": "YES", "anon_other_write_enable": "YES", "anon_world_readable_only": "NO", "anon_root": self.root,
            "no_anon_password": "NO", "xferlog_enable": "NO", "hide_ids": "YES", "secure_chroot_dir": self.root,
            "ssl_enable": "YES", "allow_anon_ssl": "YES", "force_anon_data_ssl": "YES", "force_anon_logins_ssl": "YES",
            "require_ssl_reuse": "YES", "ssl_ciphers": "HIGH", "rsa_cert_file": self.ca_file, "rsa_private_key_file": key,
        } | self._options  # fmt: skip
        config = self.root / "vsftpd.conf"
        config.write_text("".join(f"{name}={value}\n" for name, value in options.items()))
        self._process = subprocess.Popen(["/usr/sbin/vsftpd", config], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        wait_for(self.port)
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()
        shutil.rmtree(self.root)


class WithoutMlsd(FTPHandler):
    """A server of before 2007: LIST only."""

    proto_cmds = {name: facts for name, facts in FTPHandler.proto_cmds.items() if name not in ("MLSD", "MLST")}


class Implicit(TLS_FTPHandler):
    """Encrypted from the first byte."""

    def handle(self) -> None:
        self.secure_connection(self.ssl_context)

    def handle_ssl_established(self) -> None:
        FTPHandler.handle(self)

    def ftp_AUTH(self, line: str) -> None:  # noqa: N802
        self.respond("550 not needed here")


class Ftpd:
    """pyftpdlib's server on a folder, for the user `erp` with the password `secret`."""

    def __init__(self, handler: type[FTPHandler] = FTPHandler, encoding: str = "utf8", permissions: str = "elradfmwMT") -> None:
        self.root = Path(tempfile.mkdtemp(prefix="nightporter-ftpd-"))
        self._authorizer = DummyAuthorizer()
        self._authorizer.add_user("erp", "secret", str(self.root), permissions)
        attributes: dict[str, Any] = {"authorizer": self._authorizer, "encoding": encoding, "unicode_errors": "surrogateescape"}
        if issubclass(handler, TLS_FTPHandler):
            self.ca_file, key = certificate()
            context = SSL.Context(SSL.TLS_SERVER_METHOD)
            context.use_certificate_chain_file(str(self.ca_file))
            context.use_privatekey_file(str(key))
            attributes |= {"ssl_context": context, "certfile": str(self.ca_file), "tls_data_required": True}
        self._server = FTPServer(("127.0.0.1", 0), type("Handler", (handler,), attributes))
        self.port = self._server.address[1]
        self._stop = threading.Event()

    def add_user(self, name: str, password: str) -> None:
        """Let another user in."""
        self._authorizer.add_user(name, password, str(self.root), "elradfmwMT")

    def _serve(self) -> None:
        while not self._stop.is_set():
            self._server.ioloop.loop(timeout=0.05, blocking=False)
        self._server.close_all()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._thread.join()
        shutil.rmtree(self.root)
