"""Holds: a file that is fine, but would do what no night should, waits for a person."""

import re
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from daemon import db
from daemon.importing import decisions
from daemon.results import Links
from daemon.web.app import create_app
from tests.support.night import Night, customers, items
from tests.support.office import ITEMS, Office, said

SNAPSHOT = ITEMS + '    [import]\n    mode = "snapshot"\n    [notify]\n    to = [{ email = "credit@example.com" }]\n'
ALL = [f"F{number}" for number in range(100)]


@pytest.fixture
def night(office: Office) -> Night:
    """A drop whose ERP sends all that is open; a hundred items are."""
    made = Night(office, erp={})
    office.profile("items", SNAPSHOT)
    made.arrive("erp/customers.csv", customers("C1"))
    made.arrive("erp/items-1.csv", items(*ALL))
    made.pass_by()
    assert len(still_open(made)) == 100
    return made


def still_open(night: Night) -> list[str]:
    """The numbers of the open items."""
    return [number for (number,) in night.office.rows("SELECT item_number FROM ar.receivable WHERE state = 'open' ORDER BY 1")]


def page(night: Night) -> TestClient:
    """The pages, as a browser sees them."""
    return TestClient(create_app(night.office.engine, night.office.settings, night.office.profiles, lambda drop: None))


def link(night: Night, run: int) -> str:
    """The address in the mail."""
    return Links.of(night.office.settings).decision(run, "credit@example.com").removeprefix("http://127.0.0.1:8080")


@pytest.mark.parametrize(("rows", "why"), [
    (items(*ALL[:60]), "cleared"),
    (items(*ALL[:45]), "cleared, rows, total"),
    (items(*ALL, *(f"G{n}" for n in range(60))), "rows, total"),
    (items(*ALL, amount="9"), "total"),
    (items(), "cleared, empty, rows, total"),
])  # fmt: skip
def test_what_is_not_plausible_is_held(night: Night, rows: str, why: str) -> None:
    """Too much paid at once, half the rows or the money gone or come, or nothing at all: nothing happens before somebody decides."""
    night.arrive("erp/items-2.csv", rows)
    night.pass_by()
    assert night.runs()[-1] == ("items-2.csv", "held", None)
    assert said(night.run(3)) == why
    assert len(still_open(night)) == 100
    assert night.mails()[-1] == ("result", "credit@example.com")


def test_what_is_plausible_passes(night: Night) -> None:
    """A night with a third of the items paid, or few of few, is a night like others."""
    night.arrive("erp/items-2.csv", items(*ALL[30:]))
    night.pass_by()
    assert len(still_open(night)) == 70
    night.arrive("erp/items-3.csv", items(*ALL[50:]))
    night.pass_by()
    assert len(still_open(night)) == 50


def test_the_mail_leads_to_a_page_with_two_buttons(night: Night) -> None:
    """It says what would happen; opening it changes nothing; its button imports the file."""
    night.arrive("erp/items-2.csv", items(*ALL[:60]))
    night.pass_by()
    client, address = page(night), link(night, 3)
    shown = client.get(address).text
    assert "would clear 40 of 100 open items (200.00 EUR)" in shown
    assert "It has 60 rows; the last one had 100." in shown
    assert night.run(3).state == "held"
    assert "It is being imported" in client.post(address, data={"decision": "approve"}).text
    night.pass_by()
    assert (night.run(3).state, night.run(3).decided_by) == ("imported", "credit@example.com")
    assert still_open(night) == sorted(ALL[:60])
    assert "nothing to decide any more" in client.post(address, data={"decision": "decline"}).text
    assert night.files() == {"processed/customers.csv", "processed/items-1.csv", "processed/items-2.csv"}


def test_declined_means_nothing_happens(night: Night) -> None:
    """The run is refused, who declined is known, and the file is put away like any that was refused."""
    night.arrive("erp/items-2.csv", items(*ALL[:60]))
    night.pass_by()
    page(night).post(link(night, 3), data={"decision": "decline"})
    night.pass_by()
    assert (night.run(3).state, night.run(3).code, said(night.run(3))) == ("refused", "declined", "credit@example.com")
    assert len(still_open(night)) == 100
    assert "refused/items-2.csv" in night.files()


def test_an_approval_is_for_what_was_seen(night: Night) -> None:
    """When the file would do something else by now, it is held again, with the new effect."""
    night.arrive("erp/items-2.csv", items(*ALL[:60]))
    night.pass_by()
    night.do("UPDATE ar.receivable SET state = 'cleared' WHERE item_number IN ('F98', 'F99')")
    page(night).post(link(night, 3), data={"decision": "approve"})
    night.pass_by()
    run = night.run(3)
    assert (run.state, run.approved) == ("held", None)
    assert run.effect.snapshot[0].to_clear == 38
    page(night).post(link(night, 3), data={"decision": "approve"})
    night.pass_by()
    assert night.run(3).state == "imported"


def test_a_later_file_takes_its_place(night: Night) -> None:
    """The next night's good file is imported, and what was held is refused as superseded."""
    night.arrive("erp/items-2.csv", items(*ALL[:60]))
    night.pass_by()
    night.arrive("erp/items-3.csv", items(*ALL[1:]))
    night.pass_by()
    assert [(run[1], run[2]) for run in night.runs()[2:]] == [("refused", "superseded"), ("imported", None)]
    assert len(still_open(night)) == 99


def test_nobody_decides(night: Night) -> None:
    """After the days that the settings give, a held file counts as declined, and somebody is told."""
    night.arrive("erp/items-2.csv", items(*ALL[:60]))
    night.pass_by()
    before = len(night.mails())
    night.do("UPDATE nightporter.import_run SET started_at = started_at - interval '15 days'")
    with db.transaction(night.office.engine) as conn:
        assert decisions.expire(conn, night.office.settings, night.office.profiles) == 1
    assert night.run(3).code == "expired"
    assert len(night.mails()) == before + 1
    assert night.office.settings.imports.held_for == timedelta(days=14).total_seconds()


def test_an_empty_night_may_be_usual(night: Night) -> None:
    """With `empty = "ignore"` a file with its header only says nothing."""
    night.office.profile("items", SNAPSHOT.replace('mode = "snapshot"\n', 'mode = "snapshot"\n    empty = "ignore"\n'))
    night.arrive("erp/items-2.csv", items())
    night.pass_by()
    assert night.runs()[-1][1] == "imported"
    assert len(still_open(night)) == 100


def test_links_are_for_deciding_or_for_looking(night: Night) -> None:
    """A link to rejected rows decides nothing, and a forged one opens nothing."""
    night.arrive("erp/items-2.csv", items(*ALL[:60]))
    night.pass_by()
    token = Links.of(night.office.settings).rejects(3, "x@example.com").rpartition("/")[2]
    for address in (f"/d/{token}", link(night, 3)[:-2]):
        assert page(night).post(address, data={"decision": "approve"}).status_code == 404
    assert page(night).post(link(night, 3), data={}).status_code == 404
    assert night.run(3).approved is None


def test_too_many_rejected_rows_refuse_the_file(night: Night) -> None:
    """Above the profile's limit nothing is imported, and every rejected row is still shown."""
    night.office.profile("items", ITEMS + '    [import]\n    max_rejected = "5%"\n')
    bad = "C1;B{};01/02/2024;02/03/2024;x\n"
    night.arrive("erp/items-2.csv", items(*(f"N{n}" for n in range(94))) + "".join(bad.format(n) for n in range(6)))
    night.pass_by()
    run = night.run(3)
    assert (run.state, run.code) == ("refused", "too_many_rejected")
    assert len(night.office.rejections(run)) == 6
    assert len(still_open(night)) == 100
    night.arrive("erp/items-3.csv", items(*(f"N{n}" for n in range(95))) + "".join(bad.format(n) for n in range(5)))
    night.pass_by()
    assert night.run(4).state == "imported"


def test_the_mail_says_what_would_happen(night: Night) -> None:
    """In the reader's language: what is held, why, and until when."""
    from daemon.results.delivery import _told
    from daemon.results.email import compose
    from daemon.results.outbox import take_mail

    night.arrive("erp/items-2.csv", items(*ALL[:60]))
    night.pass_by()
    (mail_id,) = night.office.rows("SELECT max(id) FROM nightporter.email")[0]
    with db.transaction(night.office.engine) as conn:
        mail = take_mail(conn, mail_id)
        assert mail
        told, _ = _told(conn, night.office.settings, night.office.profiles, mail)
        message = compose(night.office.settings, mail, "np@example.com", told)
    assert message["Subject"] == "items-2.csv: held, please decide"
    body = message.get_body(("plain",))
    assert body
    text = re.sub(r"\s+", " ", body.get_content())
    assert "would clear 40 of 100 open items (200.00 EUR)" in text
    assert "declined after 14 days" in text
    assert "/d/" in text
