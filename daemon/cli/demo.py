"""`demo`: the real service on this machine, with an SFTP server to fetch from and a mail server that keeps what it gets."""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from daemon.model import ImportRun
    from daemon.settings import Settings

_PATIENCE = 60


def demo(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="End by itself when all is imported.")] = False,
) -> None:
    """See the whole thing work on this machine: three exports arrive, are imported, and their results are mailed."""
    try:
        import aiosmtpd  # noqa: F401
        import asyncssh  # noqa: F401
    except ImportError:
        raise typer.BadParameter("the demo needs two more packages: pip install 'nightporter[demo]'") from None
    from rich.console import Console

    out = Console()
    home = _home()
    with contextlib.ExitStack() as stack:
        _write_settings(home, stack.enter_context(_servers(home)))
        status = stack.enter_context(out.status("Starting the service and its Postgres …"))
        running = _start_service(home)
        stack.callback(_end, running)
        from daemon import db, settings  # slow: the service loads the same meanwhile
        from daemon.errors import SetupFault, TryLater

        loaded = settings.load(home)
        try:
            engine = stack.enter_context(db.opened(loaded, own=False))
        except TryLater as error:
            raise SetupFault(f"the service did not come up; see {home / 'service.log'}") from error
        runs = _import_samples(home, engine, status.update)
        status.stop()
        _tell(out, home, loaded, runs)
        if once:
            out.print("The service ends now, and with it the pages behind these links.")
        else:
            out.print("It goes on until you press Ctrl-C; then the pages end too.")
            _wait_for_interrupt()


def _home() -> Path:
    home = Path(tempfile.mkdtemp(prefix="nightporter-demo-"))
    home.chmod(0o711)  # started as root, Postgres runs as another user and must get through
    for folder in ("drop", "sftp", "mails", "profiles"):
        (home / folder).mkdir()
    return home


@contextmanager
def _servers(home: Path) -> Iterator[dict[str, Any]]:
    """The SFTP and mail servers, on a thread of their own; yields where they are and how to get in."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    stack = contextlib.AsyncExitStack()

    def wait_for(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(_PATIENCE)

    try:
        sftp = wait_for(stack.enter_async_context(_sftp_server(home / "sftp")))
        smtp = wait_for(stack.enter_async_context(_mail_server(home / "mails")))
        yield sftp | smtp | {"web_port": _free_port()}
    finally:
        wait_for(stack.aclose())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


@asynccontextmanager
async def _sftp_server(folder: Path) -> AsyncIterator[dict[str, Any]]:
    import asyncssh

    password = secrets.token_urlsafe(12)
    key = asyncssh.generate_private_key("ssh-ed25519")

    class Door(asyncssh.SSHServer):
        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, given: str) -> bool:
            return username == "erp" and secrets.compare_digest(given, password)

    def files(channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=os.fsencode(folder))

    server = await asyncssh.listen("127.0.0.1", 0, server_factory=Door, server_host_keys=[key], sftp_factory=files)
    async with server:
        host_key = key.export_public_key().decode().strip()
        yield {"sftp_port": server.get_port(), "sftp_password": password, "host_key": host_key}


@asynccontextmanager
async def _mail_server(folder: Path) -> AsyncIterator[dict[str, Any]]:
    from aiosmtpd.smtp import SMTP, Envelope

    class Keep:
        async def handle_DATA(self, server: SMTP, session: object, envelope: Envelope) -> str:
            number = len(list(folder.iterdir())) + 1
            content = envelope.content
            (folder / f"{number:03d}.eml").write_bytes(content if isinstance(content, bytes) else (content or "").encode())
            return "250 kept"

    server = await asyncio.get_running_loop().create_server(lambda: SMTP(Keep()), "127.0.0.1", 0)
    async with server:
        yield {"smtp_port": server.sockets[0].getsockname()[1]}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _write_settings(home: Path, ports: dict[str, Any]) -> None:
    from daemon.cli import demo_files

    (home / "sftp.password").write_text(ports["sftp_password"])
    (home / "nightporter.toml").write_text(demo_files.SETTINGS.format(**ports), encoding="utf-8")
    for name, text in demo_files.PROFILES.items():
        (home / "profiles" / f"{name}.toml").write_text(text, encoding="utf-8")


def _start_service(home: Path) -> "subprocess.Popen[bytes]":
    """The service itself, as a user starts it."""
    with (home / "service.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "daemon", "--home", str(home), "run"], stdout=log, stderr=log, process_group=0
        )


def _end(service: "subprocess.Popen[bytes]") -> None:
    service.terminate()
    service.wait()


def _import_samples(home: Path, engine: "Engine", say: Callable[[str], None]) -> list["ImportRun"]:
    """Drop the three samples as an ERP would, customers first, and wait until their results are mailed."""
    from daemon.cli import demo_files

    customers = demo_files.customers()
    say("Customers arrive in the local folder …")
    demo_files.drop(home / "drop" / "CLIENTS_20261120.csv", demo_files.as_csv(customers, "utf-8"))
    _wait_for_imports(engine, home, 1, mails=1)
    say("Open items arrive on the SFTP server, and a workbook in the local folder …")
    demo_files.drop(home / "sftp" / "ECHEANCES_20261120.csv", demo_files.as_csv(demo_files.open_items(customers), "cp1252"))
    demo_files.drop(home / "drop" / "open-items-export.xlsx", demo_files.as_xlsx(demo_files.more_items(customers)))
    return _wait_for_imports(engine, home, 3, demo_files.MAILS)


def _wait_for_imports(engine: "Engine", home: Path, count: int, mails: int) -> list["ImportRun"]:
    from daemon import db, ledger
    from daemon.errors import TryLater
    from daemon.model import FINAL

    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        with db.transaction(engine) as conn:
            runs = ledger.runs.latest_runs(conn, count)
        if len(runs) == count == sum(run.state in FINAL for run in runs) and len(list((home / "mails").iterdir())) >= mails:
            return runs[::-1]
        time.sleep(0.05)
    raise TryLater(f"the imports did not end within {_PATIENCE} s; see {home / 'service.log'}")


def _tell(out: Any, home: Path, settings: "Settings", runs: list["ImportRun"]) -> None:
    from daemon.cli.show import print_runs
    from daemon.results import run_json

    print_runs(runs, title="What came of the three exports")
    links = {run.title: url for run in runs if (url := run_json(run, settings)["rejects_url"])}
    out.print()
    out.print("[bold]The mails[/] that were sent are in", str(home / "mails"), soft_wrap=True, highlight=False)
    for name, link in links.items():
        out.print(f"[bold]Rejected rows[/] of {name}:", soft_wrap=True, highlight=False)
        out.print(link, style="cyan", soft_wrap=True, highlight=False)
    out.print("[bold]Drop a file of your own[/] into", str(home / "drop"), soft_wrap=True, highlight=False)
    out.print("  its profile goes into", str(home / "profiles"), soft_wrap=True, highlight=False)
    called = Path(sys.argv[0]) if Path(sys.argv[0]).name == "nightporter" else f"{sys.executable} -m daemon"
    out.print(f"[bold]Look around[/]: {called} --home {home} imports list", soft_wrap=True, highlight=False)
    out.print()


def _wait_for_interrupt() -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
