"""What the admins are told: drops that fail, files that do not come, and many files at once."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from daemon.upkeep.missing import check_expectations
from daemon.upkeep.summaries import owe_summaries
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


def posted(office: Office, server: MailServer, *people: str) -> Night:
    """A night whose customers' results go to some people, by a server."""
    night = Night(office, erp={})
    office.settings = type(office.settings).model_validate(
        office.settings.model_dump(by_alias=True, exclude_none=True) | {"mail": MAIL | {"port": server.port, "security": "none"}}
    )
    to = ", ".join(f'{{ email = "{each}" }}' for each in people)
    night.office.profile("customers", CUSTOMERS + f"    [notify]\n    to = [{to}]\n")
    night.arrive("erp/customers.csv", customers("C1"))
    night.pass_by()
    return night


def test_one_of_three_readers_who_is_not_known_costs_the_others_nothing(office: Office, mail_server: MailServer) -> None:
    """Two get their mail; the third is shown as undelivered at once, with what the server said and what to do."""
    mail_server.nobody = {"gone@example.com"}
    night = posted(office, mail_server, "a@example.com", "gone@example.com", "b@example.com")
    night.send_mails()
    assert sorted(message["To"] for message in mail_server.messages) == ["a@example.com", "b@example.com"]
    ((fault, given_up),) = office.rows(
        "SELECT fault, given_up_at IS NOT NULL FROM nightporter.email WHERE recipient LIKE 'gone%'"
    )
    assert given_up
    assert "550 5.1.1 nobody of that name; correct the address" in fault


def test_a_server_that_greylists_gets_each_mail_once(office: Office, mail_server: MailServer) -> None:
    """What it does not take now is sent later, to that reader alone."""
    mail_server.refuse = 1
    night = posted(office, mail_server, "a@example.com", "b@example.com")
    for _ in range(3):
        night.send_mails()
    assert sorted(message["To"] for message in mail_server.messages) == ["a@example.com", "b@example.com"]


def test_a_server_that_hangs_up_gets_the_same_mail_again(office: Office, mail_server: MailServer) -> None:
    """Nobody can know whether it kept the first: the second is the same to the letter, so that a mailbox shows one."""
    mail_server.drop = 1
    night = posted(office, mail_server, "a@example.com")
    for _ in range(3):
        night.send_mails()
    assert len({message["Message-ID"] for message in mail_server.messages}) == 1
    assert office.rows("SELECT count(*) FROM nightporter.email WHERE sent_at IS NULL") == [(0,)]


def test_who_is_muted_is_left_alone_but_for_what_waits(office: Office, mail_server: MailServer) -> None:
    """Until the day, and told why on the run; a refused file is told all the same. Quiet hours only put off."""
    night = posted(office, mail_server, "a@example.com")
    person = '{ email = "m@example.com", muted_until = 2999-01-01, muted_because = "leave" }, { email = "k@example.com", kinds = ["missing"] }'
    night.office.profile("customers", CUSTOMERS + f"    [notify]\n    to = [{person}]\n")
    night.arrive("erp/customers-2.csv", customers("C2"))
    night.arrive("erp/customers-3.csv", "nonsense\n")
    night.pass_by()
    told = office.rows(
        "SELECT run_id, given_up_at IS NOT NULL, fault FROM nightporter.email WHERE recipient = 'm@example.com' ORDER BY run_id"
    )
    assert told == [(2, True, "muted until 2999-01-01: leave"), (3, False, None)]
    assert office.rows("SELECT count(*) FROM nightporter.email WHERE recipient = 'k@example.com'") == [(0,)]


def test_a_summary_tells_each_expected_file_once_a_day(office: Office, mail_server: MailServer) -> None:
    """Who wishes one gets one mail a day, the worst first."""
    night = posted(office, mail_server, "a@example.com")
    expect = '    [expect]\n    by = "00:01"\n    [notify]\n    to = [{ email = "a@example.com", summary = "00:00" }]\n'
    night.office.profile("customers", CUSTOMERS + expect)
    night.office.profile("late", CUSTOMERS.replace("customers*", "late*") + expect)
    for _ in range(2):
        owe_summaries(office.engine, office.settings, office.profiles)
    night.send_mails()
    (summary,) = [message for message in mail_server.messages if "expected" in str(message["Subject"])]
    body = summary.get_body(("plain",))
    assert body
    text = body.get_content()
    assert text.index("late: ") < text.index("customers: ")
