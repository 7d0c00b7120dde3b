"""What the admins are told: drops that fail, files that do not come, and many files at once."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from daemon.upkeep.missing import check_expectations
from tests.support.drop_kinds import sshd_drop
from tests.support.night import MAIL, Night, customers
from tests.support.office import CUSTOMERS, Office
from tests.support.servers import MailServer, Sshd

EXPECTED = CUSTOMERS + '    [expect]\n    by = "00:00"\n    [notify]\n    to = [{ email = "credit@example.com" }]\n'


@pytest.fixture
def night(office: Office) -> Night:
    """A night with one drop."""
    return Night(office, erp={})


def check(night: Night) -> list[str]:
    """Look whether what was due has come; the kinds of all mails owed since the beginning."""
    check_expectations(night.office.engine, night.office.settings, night.office.profiles)
    return [kind for kind, _ in night.mails() if kind != "result"]


def a_day_passes(night: Night) -> None:
    """Everything so far was a day ago."""
    night.do("UPDATE nightporter.expectation SET due_at = due_at - interval '1 day'")
    night.do("UPDATE nightporter.arrival SET arrived_at = arrived_at - interval '1 day'")


def test_a_file_that_does_not_come_is_told_once_and_again_when_it_comes(night: Night) -> None:
    """The first night of a profile misses nothing; then one mail when the file is missing, and one when it comes late."""
    night.office.profile("customers", EXPECTED)
    assert check(night) == []
    a_day_passes(night)
    assert check(night) == check(night) == ["missing"]
    night.arrive("erp/customers.csv", customers("C1"))
    night.pass_by()
    assert check(night) == check(night) == ["missing", "late"]


def test_a_file_that_comes_in_time_is_not_told(night: Night) -> None:
    """Nor is one that comes again."""
    night.office.profile("customers", EXPECTED)
    check(night)
    for code in ("C1", "C2"):
        a_day_passes(night)
        night.arrive("erp/customers.csv", customers(code))
        night.pass_by()
        assert check(night) == []


def test_yesterdays_file_again_is_told(night: Night) -> None:
    """A duplicate came, but the ERP's export has not run: the admins hear of it, beside the credit department."""
    night.office.profile("customers", EXPECTED)
    for _ in range(2):
        night.arrive("erp/customers.csv", customers("C1"))
        night.pass_by()
    assert check(night) == ["identical"]


def test_a_drop_that_is_away_is_told_once(office: Office) -> None:
    """After three looks in a row, one mail; another when it works again; and the wait between looks grows."""
    night = Night(office, erp={"poll": "10s"})
    folder = office.home / "erp"
    folder.rename(office.home / "away")
    waits: list[float] = []
    for _ in range(5):
        night.look()
        waits += office.rows("SELECT extract(epoch FROM next_look - looked_at)::float FROM nightporter.drop_state")[0]
    assert night.mails() == [("drop_fault", "it@example.com")]
    assert all(0.7 * 10 * 2**n <= wait <= 1.3 * 10 * 2**n for n, wait in enumerate(waits))
    night.visitors["erp"].visit(listing=True)
    assert office.rows("SELECT faults FROM nightporter.drop_state") == [(5,)]
    (office.home / "away").rename(folder)
    night.look()
    assert night.mails() == [("drop_fault", "it@example.com"), ("drop_well", "it@example.com")]


def test_a_wrong_password_is_shown_three_times_only(office: Office, sshd: Sshd, tmp_path: Path) -> None:
    """Then the drop stops, whatever the clock says, the admins are told, and it goes on when the credentials change."""
    key = tmp_path / "key"
    key.write_bytes(_new_key(tmp_path))
    key.chmod(0o600)
    (tmp_path / "erp").mkdir()
    night = Night(office, erp=sshd_drop(sshd, tmp_path / "erp", key_file=key))
    for _ in range(6):
        night.look()
    assert office.rows("SELECT faults, refusals FROM nightporter.drop_state") == [(3, 3)]
    assert night.mails() == [("drop_stopped", "it@example.com")]
    key.write_bytes(sshd.key_file.read_bytes())
    night.visitors["erp"].visit(listing=True)
    assert office.rows("SELECT faults, refusals FROM nightporter.drop_state") == [(0, 0)]


def _new_key(folder: Path) -> bytes:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "other_key"], check=True)
    return (folder / "other_key").read_bytes()


def test_another_host_key_is_told_at_once_and_once(office: Office, sshd: Sshd, tmp_path: Path) -> None:
    """Case 12: no credential is sent, and the mail shows the key that the server has."""
    _new_key(tmp_path)
    other = " ".join((tmp_path / "other_key.pub").read_text().split()[:2])
    night = Night(office, erp=sshd_drop(sshd, tmp_path, host_keys=[other]))
    for _ in range(4):
        night.look()
    assert night.mails() == [("drop_fault", "it@example.com")]
    assert sshd.host_key in office.rows("SELECT about->>'fault' FROM nightporter.email")[0][0]


def test_many_files_at_once_are_one_mail(office: Office, mail_server: MailServer) -> None:
    """Thirty files of a drop, three of them bad and five nobody's: one mail each for the department and the admins."""
    night = Night(office, erp={})
    office.settings = type(office.settings).model_validate(
        office.settings.model_dump(by_alias=True, exclude_none=True)
        | {"mail": MAIL | {"port": mail_server.port, "security": "none"}}
    )
    night.office.profile("customers", CUSTOMERS + '    [notify]\n    to = [{ email = "credit@example.com" }]\n')
    for number in range(30):
        night.arrive(f"erp/customers-{number:02}.csv", "nonsense\n" if number % 10 == 0 else customers(f"C{number}"))
    for number in range(5):
        night.arrive(f"erp/K{number}.csv")
    night.visitors = {name: type(t)(office.engine, office.settings, office.profiles, name) for name, t in night.visitors.items()}
    night.pass_by()
    night.send_mails()
    told = {(message["To"], message["Subject"]) for message in mail_server.messages}
    assert told == {
        ("credit@example.com", "erp: 30 files, 3 to look at"),
        ("it@example.com", "erp: 5 files, 5 to look at"),
    }
    texts = {message["To"]: body.get_content() for message in mail_server.messages if (body := message.get_body(("plain",)))}
    assert "customers-10.csv" in texts["credit@example.com"]
    assert "K4.csv" in texts["it@example.com"]
    assert office.rows("SELECT count(*) FROM nightporter.email WHERE sent_at IS NULL") == [(0,)]


def test_a_few_files_are_a_mail_each(office: Office, mail_server: MailServer) -> None:
    """Nobody waits for a digest on an ordinary night."""
    night = Night(office, erp={})
    for number in range(4):
        night.arrive(f"erp/customers-{number}.csv", customers(f"C{number}"))
    night.pass_by()
    assert night.mails() == [("result", "it@example.com")] * 4


def test_what_is_missing_is_shown(office: Office, command: Callable[..., "subprocess.CompletedProcess[str]"]) -> None:
    """`imports list` names the files that should have come and did not."""
    night = Night(office, erp={})
    night.office.profile("customers", EXPECTED)
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    night.do(f"INSERT INTO nightporter.expectation (profile, due_at, state) VALUES ('customers', '{day} 00:00+00', 'missing')")
    shown = command("imports", "list")
    assert f"missing: the file of profile customers, due {day} 00:00 UTC" in shown.stdout
    assert '"status": "missing"' in command("imports", "list", "--json").stdout
