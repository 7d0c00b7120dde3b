"""Case 16: events that are lost, and folders that cannot be watched, cost nothing but the time to the next poll."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.service.watch import on_network
from tests.support.night import customers
from tests.support.servers import MailServer
from tests.support.service import Service

MORE = """
    [drops.{name}]
    kind = "local"
    path = "{name}"
    poll = "1s"
    at_once = true
    include = ["customers*"]
"""


@pytest.mark.timeout(300)
def test_lost_events_lose_no_file(
    tmp_path: Path, database: str, mail_server: MailServer, eventually: Callable[..., object]
) -> None:
    """Twenty thousand files come while the service stands still, more than the kernel keeps events for: all of ours are found."""
    (tmp_path / "big").mkdir()
    with Service(tmp_path, database, mail_server, eventually, MORE.format(name="big")) as service:
        service.process.send_signal(signal.SIGSTOP)
        for number in range(20_000):
            (tmp_path / "big" / f"other-{number}.csv").touch()
        for number in range(5):
            (tmp_path / "big" / f"customers-{number}.csv").write_text(customers(f"C{number}"))
        service.process.send_signal(signal.SIGCONT)
        service.wait_for("imported", 5, 60)
        assert len(service.runs()) == 5


def test_folders_that_cannot_be_watched_are_polled(
    tmp_path: Path, database: str, mail_server: MailServer, eventually: Callable[..., object]
) -> None:
    """With three watches for six folders, a file in each of them is imported."""
    names = [f"drop-{number}" for number in range(5)]
    for name in names:
        (tmp_path / name).mkdir()
    service = Service(tmp_path, database, mail_server, eventually, "".join(MORE.format(name=name) for name in names))
    service.command = [sys.executable, str(Path(__file__).parents[1] / "support" / "few_watches.py"), "3", *service.command]
    with service:
        for name in names:
            (tmp_path / name / f"customers-{name}.csv").write_text(customers(name))
        service.wait_for("imported", 5)
        assert (tmp_path / "service.log").read_text().count("not_watched") == 3


def test_network_mounts_are_told_apart() -> None:
    """Folders on NFS or CIFS are watched by looking, for their kernel hears nothing of other machines."""
    mounts = [("/", "ext4"), ("/mnt/share", "cifs"), ("/mnt/share/local", "ext4"), ("/mnt/erp", "fuse.sshfs")]
    folders = ["/srv", "/mnt/share/in", "/mnt/share/local/in", "/mnt/shared", "/mnt/erp"]
    assert [on_network(Path(folder), mounts) for folder in folders] == [False, True, False, False, True]


def test_a_drop_that_is_added_while_it_runs_is_looked_into(
    tmp_path: Path, database: str, mail_server: MailServer, eventually: Callable[..., object]
) -> None:
    """New settings are in force within seconds; while they are none, the last good ones are, and the log says so."""
    (tmp_path / "late").mkdir()
    with Service(tmp_path, database, mail_server, eventually) as service:
        settings = tmp_path / "nightporter.toml"
        good = settings.read_text()
        settings.write_text(good + "[drops.late\n")
        eventually(lambda: "settings_invalid" in (tmp_path / "service.log").read_text())
        settings.write_text(good + MORE.format(name="late"))
        (tmp_path / "late" / "customers.csv").write_text(customers("C1"))
        service.wait_for("imported", 1)
