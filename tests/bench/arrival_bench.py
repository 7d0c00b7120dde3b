"""How fast files arrive: many small ones, a folder of many, one large one, and nothing at all.

python tests/bench/arrival_bench.py files [--count 10000]     20 files/s and more; one of another drop within 10 s
python tests/bench/arrival_bench.py listing [--count 100000]  seconds for one listing
python tests/bench/arrival_bench.py fetch [--mb 500] [--rounds 10]   against OpenSSH's own client, in turns
python tests/bench/arrival_bench.py idle [--count 200]        the share of one core while nothing is there
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[2]))

from daemon import db
from daemon.db import embedded
from daemon.drops import fetch, open_drop
from daemon.settings import Settings
from tests.support.drop_kinds import settings_with, sshd_drop
from tests.support.night import customers, items
from tests.support.servers import MailServer, Sshd
from tests.support.service import Service

ROWS = 200


def main() -> None:
    """Run one of the measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["files", "listing", "fetch", "idle"])
    parser.add_argument("--count", type=int)
    parser.add_argument("--mb", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    with Sshd(rekey="default") as sshd, tempfile.TemporaryDirectory(prefix="nightporter-bench-") as home:
        match given.what:
            case "files":
                files(Path(home), sshd, given.count or 10_000)
            case "listing":
                listing(Path(home), sshd, given.count or 100_000)
            case "fetch":
                large(Path(home), sshd, given.mb, given.rounds)
            case "idle":
                idle(Path(home), sshd, given.count or 200)


def files(home: Path, sshd: Sshd, count: int) -> None:
    """Many small files in one SFTP drop, and after a while one in another."""
    for name in ("many", "other"):
        (home / name).mkdir()
    drops = "".join(toml(name, sshd_drop(sshd, home / name, at_once=True, poll="5s")) for name in ("many", "other"))
    (home / "other" / "customers.csv").write_text(customers("C1"))
    with _service(home, drops) as (service, mail):
        service.wait_for("imported", 1, 60)
        for number in range(count):
            text = items(*(f"F{number}-{row}" for row in range(ROWS)))
            (home / "many" / f"items-{number:05}.csv").write_text(text)
        began, peak, other = time.monotonic(), _Peak(service.process.pid), None
        while (done := _imported(service)) < count:
            if other is None and done > count // 20:
                (home / "other" / "customers-2.csv").write_text(customers("C2"))
                other = time.monotonic()
                service.eventually(lambda: ("customers-2.csv", "imported", None) in service.runs()[-50:] or _has(service), 60)
                print(f"a file of another drop: imported {time.monotonic() - other:.1f} s after it came, {done} of {count} done")
            time.sleep(1)
        seconds = time.monotonic() - began
        print(
            f"{count} files of {ROWS} rows: {seconds:.0f} s, {count / seconds:.1f} files/s; memory at most {peak.stop() >> 20} MB"
        )
        service.eventually(lambda: len(list((home / "many" / "processed").iterdir())) == count, 120)
        print(f"all put away after {time.monotonic() - began:.0f} s")
        service.eventually(lambda: service.query("SELECT FROM nightporter.email WHERE sent_at IS NULL") == [], 120)
        print(f"mails: {len(mail.messages)}: {[str(m['Subject']) for m in mail.messages][:5]}")


def _imported(service: Service) -> int:
    (row,) = service.query("SELECT count(*) FROM nightporter.import_run WHERE state = 'imported' AND profile = 'items'")
    return int(str(row[0]))


def _has(service: Service) -> bool:
    return bool(service.query("SELECT FROM ar.customer WHERE customer_code = 'C2'"))


def listing(home: Path, sshd: Sshd, count: int) -> None:
    """One listing of a folder of many."""
    (home / "drop").mkdir()
    for number in range(count):
        (home / "drop" / f"file-{number:06}.csv").touch()
    for name, drop in (("local", {"kind": "local", "path": home / "drop"}), ("sftp", sshd_drop(sshd, home / "drop"))):
        settings = settings_with(home, drop)
        with open_drop("d", settings.drops["d"], settings) as opened:
            began = time.monotonic()
            found = len(opened.list().files)
            print(f"{name}: {found} entries in {time.monotonic() - began:.2f} s")


def large(home: Path, sshd: Sshd, mb: int, rounds: int) -> None:
    """One large file, by OpenSSH's client and by us, in turns; ours is hashed, compressed and synced besides."""
    (home / "drop").mkdir()
    with (home / "drop" / "large.csv").open("wb") as out:
        block = "".join(f"C{n};F{n};01/02/2024;02/03/2024;{n},50\n" for n in range(40_000)).encode()
        while out.tell() < mb << 20:
            out.write(block)
    settings = settings_with(home, sshd_drop(sshd, home / "drop"))
    client = [
        "sftp", "-q", "-P", str(sshd.port), "-i", str(sshd.key_file), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
        "-o", "LogLevel=ERROR", f"127.0.0.1:{home}/drop/large.csv", str(home / "theirs"),
    ]  # fmt: skip
    ratios = []
    for _ in range(rounds):
        began = time.monotonic()
        subprocess.run(client, check=True, stdout=subprocess.DEVNULL)
        theirs = time.monotonic() - began
        with open_drop("d", settings.drops["d"], settings) as drop:
            (seen,) = drop.list().files
            began = time.monotonic()
            kept = fetch(drop, seen, "large.csv", home / "archive", 1)
            ours = time.monotonic() - began
        kept.path.unlink()
        ratios.append(theirs / ours)
        print(f"OpenSSH's client {theirs:.1f} s, ours {ours:.1f} s: {theirs / ours:.0%} of its rate", flush=True)
    print(f"lowest {min(ratios):.0%}, median {sorted(ratios)[len(ratios) // 2]:.0%} of OpenSSH's rate")


def idle(home: Path, sshd: Sshd, count: int) -> None:
    """Many SFTP drops, each polled every minute, with nothing in them."""
    drops = ""
    for number in range(count):
        (home / f"drop-{number}").mkdir()
        drops += toml(f"drop-{number}", sshd_drop(sshd, home / f"drop-{number}", poll="60s"))
    with _service(home, drops) as (service, _):
        service.eventually(lambda: service.query("SELECT count(*) FROM nightporter.drop_state") == [(count + 1,)], 300)
        time.sleep(30)
        processes = [each for each in [psutil.Process(service.process.pid)] if each.is_running()]
        processes += [each for each in processes[0].children(recursive=True) if "daemon" in each.cmdline()]
        before, began = [_cpu(each) for each in processes], time.monotonic()
        time.sleep(120)
        seconds = time.monotonic() - began
        for each, spent in zip(processes, before, strict=True):
            print(
                f"{' '.join(each.cmdline()[-2:])}: {(_cpu(each) - spent) / seconds:.1%} of one core, {each.memory_info().rss >> 20} MB"
            )


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def toml(name: str, drop: dict[str, object]) -> str:
    """A drop's table in the settings."""
    values = ", ".join(f"{key} = {_value(value)}" for key, value in drop.items())
    return f"\ndrops.{name} = {{ {values} }}\n"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return str(value) if isinstance(value, int) else f'"{value}"'


class _service:  # noqa: N801
    """The service on a home folder, with a database and a mail server of its own."""

    def __init__(self, home: Path, drops: str) -> None:
        self._home, self._drops = home, drops

    def __enter__(self) -> tuple[Service, MailServer]:
        folder = Path(tempfile.mkdtemp(prefix="nightporter-bench-pg-"))
        folder.chmod(0o711)  # Postgres runs as another user where we are root
        self._cluster = embedded.postgres(folder)
        url = self._cluster.__enter__()
        engine = db.connect(url)
        db.migrate(engine)
        engine.dispose()
        self._mail = MailServer()
        self._mail.__enter__()
        self._service = Service(self._home, url, self._mail, _eventually)
        settings = self._home / "nightporter.toml"
        settings.write_text(self._drops + settings.read_text())
        Settings.model_validate({"home": self._home})
        self._service.start()
        return self._service, self._mail

    def __exit__(self, *exception: object) -> None:
        self._service.stop()
        self._mail.__exit__()
        self._cluster.__exit__(None, None, None)


def _eventually(probe: object, seconds: float = 30) -> object:
    end = time.monotonic() + seconds
    while not (result := probe()):  # type: ignore[operator]
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.05)
    return result


class _Peak:
    """The most memory that a process and its children of ours had together."""

    def __init__(self, pid: int) -> None:
        self._pid, self._most, self._done = pid, 0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._done.wait(0.5):
            parent = psutil.Process(self._pid)
            self._most = max(self._most, sum(each.memory_info().rss for each in [parent, *parent.children(recursive=True)]))

    def stop(self) -> int:
        """Bytes."""
        self._done.set()
        self._thread.join()
        return self._most


if __name__ == "__main__":
    os.umask(0o022)
    main()
