"""Servers that misbehave, on loopback: an SFTP server of our making, a proxy that stalls or resets, and plain sockets."""

import asyncio
import contextlib
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import asyncssh
from asyncssh.sftp import SFTPAttrs, SFTPName

from tests.support.servers import free_port


class OddFiles(asyncssh.SFTPServer):
    """A folder over SFTP; `stall_after` bytes it answers no read any more, and `names` are what it lists besides."""

    stall_after: int | None = None
    stopped = False
    names: tuple[bytes, ...] = ()
    longest_read: int | None = None
    denied = b""
    no_rename = False
    broken = False

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        if self.stall_after is not None and offset >= self.stall_after:
            while not self.stopped:
                await asyncio.sleep(0.02)
        return super().read(file_obj, offset, min(size, self.longest_read or size))  # type: ignore[return-value]

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        if self.no_rename:
            raise asyncssh.SFTPError(asyncssh.FX_FAILURE, "no")
        super().rename(oldpath, newpath)

    async def scandir(self, path: bytes) -> Any:
        if self.denied and path.endswith(self.denied):
            raise asyncssh.SFTPPermissionDenied("no")
        if self.broken:
            raise asyncssh.SFTPError(asyncssh.FX_FAILURE, "\udce9")
        async for entry in super().scandir(path):
            yield entry
        for name in self.names:
            yield SFTPName(name, attrs=SFTPAttrs(type=1, size=3, permissions=0o100644, mtime=1, atime=1))


class OddSftp:
    """asyncssh's server with OddFiles, for anybody who knows the password `secret`, or shows `key`; options go to asyncssh."""

    def __init__(self, key: Path | None = None, password: str = "secret", both: bool = False, **options: Any) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="nightporter-odd-"))
        self.files: Any = type("Files", (OddFiles,), {})  # Any: its attributes are set by each test
        self.port = free_port()
        self._host_key = options.pop("host_key", None) or asyncssh.generate_private_key("ssh-ed25519")
        kind, base64, *_ = self._host_key.export_public_key().decode().split()
        self.host_key = f"{kind} {base64}"
        self.passwords: list[str] = []
        self.slow_login = False
        self._options = options
        self._logins = (key, password, both)

    def _server(self) -> asyncssh.SSHServer:
        odd, (key, password, both) = self, self._logins

        class Server(asyncssh.SSHServer):
            def begin_auth(self, username: str) -> bool:
                return True

            def password_auth_supported(self) -> bool:
                return True

            async def validate_password(self, username: str, given: str) -> bool:
                if odd.slow_login:
                    await asyncio.sleep(3)
                odd.passwords.append(given)
                return given == password

            def public_key_auth_supported(self) -> bool:
                return key is not None

            def validate_public_key(self, username: str, shown: asyncssh.SSHKey) -> bool:
                assert key
                return shown == asyncssh.read_public_key(key)

        assert not both or key
        return Server()

    async def _serve(self) -> None:
        root, files = str(self.root).encode(), self.files
        server = await asyncssh.create_server(
            self._server, "127.0.0.1", self.port, server_host_keys=[self._host_key],
            sftp_factory=lambda channel: files(channel, chroot=root), **self._options,
        )  # fmt: skip
        self._started.set()
        await self._stop.wait()
        server.close()

    def _run(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._loop.run_until_complete(self._serve())
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.05))
        self._loop.close()

    def __enter__(self) -> Self:
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._started.wait(10)
        return self

    def __exit__(self, *exception: object) -> None:
        self.files.stopped = True
        time.sleep(0.1)
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def drop(self, home: Path, **more: Any) -> dict[str, Any]:
        """Settings for a drop on this server."""
        (home / "odd.password").write_text("secret\n")
        return {
            "kind": "sftp", "host": "127.0.0.1", "port": self.port, "username": "erp", "password_file": "odd.password",
            "host_keys": [self.host_key], "timeout": "20s", **more,
        }  # fmt: skip


class Proxy:
    """A TCP proxy in front of a server; `let` says how many bytes may come from it before the connection is cut, or hangs."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.let: int | None = None
        self.reset = True
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._open:
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._open += [client, server]
                threading.Thread(target=self._pass, args=(client, server, False), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 15):
                passed += len(data)
                if counted and self.let is not None and passed > self.let:
                    if not self.reset:
                        return
                    sink.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    break
                sink.sendall(data)
            sink.close()
            source.close()


@contextmanager
def talking(say: Callable[[socket.socket], None]) -> Iterator[tuple[int, list[socket.socket]]]:
    """A server that does `say` with each connection and then keeps it open; its port, and its connections so far."""
    opened: list[socket.socket] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                opened.append(connection)
                with contextlib.suppress(OSError):
                    say(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1], opened
        listener.shutdown(socket.SHUT_RDWR)
        for connection in opened:
            connection.close()


@contextmanager
def black_hole() -> Iterator[int]:
    """A port whose connections are never answered: its queue is full, so the kernel drops what comes."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        queued = []
        for _ in range(4):
            waiting = socket.socket()
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(("127.0.0.1", port))
            queued.append(waiting)
        yield port
        for waiting in queued:
            waiting.close()
