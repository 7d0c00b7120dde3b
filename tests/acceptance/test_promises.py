"""The promises, by name, kept by the service as a user starts it."""

import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon import db
from daemon.pickup.visit import Visitor
from daemon.profiles import Profiles
from daemon.settings import load
from tests.support.drop_kinds import sshd_drop
from tests.support.office import ITEMS_HEADER
from tests.support.servers import MailServer, Sshd, free_port
from tests.support.service import Service

CUSTOMERS = "Code;Name;City;Limit\nC1;Martin;Paris;\n"


def items(*numbers: str, amount: str = "5") -> str:
    return ITEMS_HEADER + "".join(f"C1;{number};01/02/2024;02/03/2024;{amount}\n" for number in numbers)


def test_p1_what_arrived_while_nobody_looked_is_picked_up(
    tmp_path: Path, database: str, mail_server: MailServer, eventually: Callable[..., object]
) -> None:
    """P1: files that came while the service was down, and files whose event nobody saw, are found by the listing."""
    service = Service(tmp_path, database, mail_server, eventually)
    service.arrive("customers.csv", CUSTOMERS)
    with service:
        service.wait_for("imported")
        service.arrive("items.csv", items("F1"))
        service.wait_for("imported", 2)
        assert [run[0] for run in service.runs()] == ["customers.csv", "items.csv"]


def test_p2_rows_load_once_though_two_services_look(
    tmp_path: Path, database: str, mail_server: MailServer, eventually: Callable[..., object]
) -> None:
    """P2: two services on one drop and one database import each file once."""
    first = Service(tmp_path, database, mail_server, eventually)
    with first, Service(tmp_path, database, mail_server, eventually):
        first.arrive("customers.csv", CUSTOMERS)
        first.wait_for("imported")
        for number in range(20):
            first.arrive(f"items-{number}.csv", items(f"F{number}"))
        first.wait_for("imported", 21)
        eventually(lambda: not [path for path in first.drop.iterdir() if path.is_file()])
    assert first.query("SELECT count(*), count(DISTINCT item_number) FROM ar.receivable") == [(20, 20)]
    assert len(first.runs()) == 21


def test_p3_every_row_is_accounted_for(service: Service) -> None:
    """P3: read is created, updated, unchanged, rejected, parked and skipped, in the ledger and in the tables."""
    service.arrive("customers.csv", CUSTOMERS)
    service.wait_for("imported")
    service.arrive("items.csv", items("F1", "F2", "F2") + "C9;F3;01/02/2024;02/03/2024;5\nC1;F4\nC1;F5;x;x;5\n")
    service.wait_for("imported", 2)
    ((tally,),) = service.query("SELECT tally FROM nightporter.import_run WHERE dataset = 'receivables'")
    assert isinstance(tally, dict)
    assert [tally[name] for name in ("read", "created", "rejected", "parked", "skipped")] == [6, 2, 2, 1, 1]
    assert service.query("SELECT line FROM nightporter.rejection ORDER BY 1") == [(6,), (7,)]


def test_p4_somebody_is_told_whatever_happened(service: Service) -> None:
    """P4: an import, a refusal and a file nobody expects each have their mail; a mail server that says no is asked again."""
    service.mail.refuse = 1
    service.arrive("customers.csv", CUSTOMERS)
    service.wait_for("imported")
    service.arrive("items.csv", "nonsense\n")
    service.arrive("surprise.bin", "?")
    service.wait_for_mails(3, 60)
    told = {(message["Subject"], message["To"]) for message in service.mail.messages}
    assert told == {
        ("customers.csv: 1 row, imported", "credit@example.com"),
        ("items.csv: not imported", "credit@example.com"),
        ("surprise.bin: no profile for this file", "it@example.com"),
    }
    assert (service.drop / "surprise.bin").exists()


def test_p5_only_the_imported_file_is_moved(service: Service) -> None:
    """P5: imported and refused files go to their folders; a new file under an old name is a new arrival, and moves too."""
    service.arrive("customers.csv", CUSTOMERS)
    service.wait_for("imported")
    service.arrive("items.csv", "nonsense\n")
    service.wait_for("refused")
    service.eventually(lambda: not (service.drop / "items.csv").exists())
    service.arrive("items.csv", items("F1"))
    service.wait_for("imported", 2)
    service.eventually(lambda: (service.drop / "processed" / "items.csv").exists())
    assert {path.name for path in (service.drop / "processed").iterdir()} == {"customers.csv", "items.csv"}
    assert (service.drop / "refused" / "items.csv").read_text() == "nonsense\n"
    assert len(list((service.home / "archive").rglob("*.zst"))) == 3


def test_p6_what_is_unclear_is_refused_with_its_remedy(service: Service) -> None:
    """P6: dates that could be read two ways load nothing, and the mail shows them and the line that settles it."""
    profile = service.home / "profiles" / "items.toml"
    profile.write_text(profile.read_text().replace('date = "dd/mm/yyyy"\n', ""))
    service.arrive("customers.csv", CUSTOMERS)
    service.wait_for("imported")
    service.arrive("items.csv", items("F1"))
    service.wait_for("refused")
    service.wait_for_mails(2)
    body = service.mail.messages[-1].get_body(("plain",))
    assert body
    assert 'date = "dd/mm/yyyy" or date = "mm/dd/yyyy"' in body.get_content()
    assert service.query("SELECT count(*) FROM ar.receivable") == [(0,)]


def test_p7_one_sick_drop_delays_no_other(
    tmp_path: Path, database: str, mail_server: MailServer, eventually: Callable[..., object], sshd: Sshd
) -> None:
    """P7: with one server silent, one refusing and one profile broken, a file in a healthy drop is imported at once."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sick = "".join(
            f'[drops.{name}]\nkind = "sftp"\nhost = "127.0.0.1"\nport = {port}\nusername = "u"\nhost_keys = ["{sshd.host_key}"]\npoll = "1s"\n'
            for name, port in (("silent", silent.getsockname()[1]), ("gone", free_port()))
        )
        with Service(tmp_path, database, mail_server, eventually, sick) as service:
            (tmp_path / "profiles" / "broken.toml").write_text("pattern = ")
            service.arrive("customers.csv", CUSTOMERS)
            service.wait_for("imported", seconds=10)
            assert service.runs() == [("customers.csv", "imported", None)]


def test_a_file_on_an_sftp_server_is_imported_and_moved(
    tmp_path: Path, database: str, mail_server: MailServer, eventually: Callable[..., object], sshd: Sshd
) -> None:
    """From OpenSSH's own server: settled by standing still, fetched, imported, moved to processed on the server."""
    folder = tmp_path / "remote"
    folder.mkdir()
    drop = sshd_drop(sshd, folder)
    keys = "".join(f"{key} = {value!r}\n" for key, value in drop.items() if key not in ("key_file", "host_keys"))
    more = f"[drops.remote]\n{keys}key_file = '{drop['key_file']}'\nhost_keys = ['{sshd.host_key}']\npoll = '1s'\nsettle = '1s'\n"
    with Service(tmp_path, database, mail_server, eventually, more) as service:
        (folder / "customers.csv").write_text(CUSTOMERS)
        service.wait_for("imported")
        eventually(lambda: (folder / "processed" / "customers.csv").exists())
        assert not (folder / "customers.csv").exists()


def test_a_slow_upload_waits_until_it_is_whole(
    tmp_path: Path, database: str, mail_server: MailServer, eventually: Callable[..., object]
) -> None:
    """A file written in two halves under its final name, with an old mtime kept, is imported once and whole."""
    with Service(tmp_path, database, mail_server, eventually) as service:
        settings = tmp_path / "nightporter.toml"
        service.stop()
        settings.write_text(settings.read_text().replace('marker = "{name}.ok"', 'settle = "1s"'))
        service.start()
        target = service.drop / "customers.csv"
        with target.open("w") as upload:
            for part in ("Code;Name;City;Limit\nC1;Mar", "tin;Paris;\nC2;Du", "rand;Lyon;\n"):
                upload.write(part)
                upload.flush()
                os.utime(target, (0, 0))
                threading.Event().wait(0.7)
        service.wait_for("imported")
        assert service.query("SELECT business_name FROM ar.customer ORDER BY 1") == [("Durand",), ("Martin",)]
        assert len(service.runs()) == 1


@pytest.mark.thorough
def test_from_a_rename_to_the_mail_in_two_seconds(service: Service) -> None:
    """A file of a hundred rows, dropped with its marker, has its mail at the mail server within 2 s (median of seven)."""
    service.arrive("customers.csv", CUSTOMERS)
    service.wait_for_mails(1)
    took = []
    for number in range(7):
        began = time.monotonic()
        service.arrive(f"items-{number}.csv", items(*(f"F{number}-{row}" for row in range(100))))
        service.wait_for_mails(number + 2)
        took.append(time.monotonic() - began)
    assert statistics.median(took) <= 2, took


def test_the_service_stops_when_it_is_told(service: Service) -> None:
    """SIGTERM ends the service and its worker in order, with status 0, and leaves nothing half done."""
    service.arrive("customers.csv", CUSTOMERS)
    service.wait_for("imported")
    assert service.stop() == 0
    assert service.query("SELECT count(*) FROM nightporter.procrastinate_jobs WHERE status = 'doing'") == [(0,)]


def test_a_worker_on_its_own_takes_from_the_queue(
    tmp_path: Path, database: str, mail_server: MailServer, eventually: Callable[..., object]
) -> None:
    """`nightporter worker` imports what is queued though no service runs, and ends in order; the next service puts the file away."""
    service = Service(tmp_path, database, mail_server, eventually)
    settings = load(tmp_path)
    engine = db.connect(database)
    service.arrive("customers.csv", CUSTOMERS)
    Visitor(engine, settings, Profiles(settings.profiles), "erp").visit(listing=True)
    engine.dispose()
    assert service.runs() == [("customers.csv", "arrived", None)]
    command = [sys.executable, "-m", "daemon", "--home", str(tmp_path), "worker"]
    with (tmp_path / "worker.log").open("wb") as log, subprocess.Popen(command, env=service.environment, stderr=log) as worker:
        service.wait_for("imported")
        service.wait_for_mails(1)
        worker.terminate()
        assert worker.wait(30) == 0
    assert (service.drop / "processing" / "1~customers.csv").exists()
    with service:
        eventually((service.drop / "processed" / "customers.csv").exists)


def test_a_service_manager_is_told_when_it_serves(
    tmp_path: Path, database: str, mail_server: MailServer, eventually: Callable[..., object]
) -> None:
    """Under systemd the unit is ready when the pages answer and the drops are watched, and says when it stops."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        service = Service(tmp_path, database, mail_server, eventually).start(NOTIFY_SOCKET=str(tmp_path / "notify"))
        assert manager.recv(100) == b"READY=1"
        service.stop()
        assert manager.recv(100) == b"STOPPING=1"


def test_two_profiles_for_one_file_refuse_it(service: Service) -> None:
    """A file that two profiles claim is kept, refused, and the admins are told both names."""
    (service.home / "profiles" / "greedy.toml").write_text(
        'dataset = "customers"\npattern = "*.csv"\ncolumns = { customer_code = "Code", business_name = "Name" }\n'
    )
    service.arrive("customers.csv", CUSTOMERS)
    service.wait_for_mails(1)
    (message,) = service.mail.messages
    assert message["To"] == "it@example.com"
    body = message.get_body(("plain",))
    assert body
    assert "customers and greedy" in body.get_content()
    assert service.runs() == [("customers.csv", "refused", "two_profiles")]
