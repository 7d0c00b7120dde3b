"""What people are told: mails, links, rejected rows to take away."""

import csv
import io
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from daemon.errors import Detail, Refusal
from daemon.languages import LANGUAGES
from daemon.ledger.runs import Grouped
from daemon.model import ImportRun, Money, ReadAs, Reason, ReasonCode, Rejection, State, Tally
from daemon.results import Links, as_csv, as_xlsx
from daemon.results.email import compose
from daemon.results.outbox import Owed
from daemon.results.result import Result
from daemon.settings import Settings
from daemon.words import Words

MONEY = Money(file_total=Decimal(100), taken=Decimal(60), open_after=Decimal(60), new=Decimal(60), rejected=Decimal(40))
NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
RUN = ImportRun(
    id=7, arrival_id=7, section=0, member="", parent_id=None, corrects=None, profile="items", dataset="receivables", state=State.IMPORTED, attempt=1, deferrals=0, drop="erp",
    name="ITEMS.csv", size=1, mtime=1, archive_host="h", archive="a", sha256="0", control=None, arrived_at=NOW, finished_at=NOW, code=None, detail=None,
    header=["Code", "Montant"], read_as=ReadAs(delimiter=";"), tally=Tally(read=3, created=2, rejected=1, money={"EUR": MONEY}), disposed_as=None,
    fault=None, follows=None, business_date=None, notes=(), effect=None, approved=None, decided_by=None, undone_at=None, undone_by=None,
)  # fmt: skip
REJECTION = Rejection(
    5, ["007", "1 28O"], (Reason(ReasonCode.NOT_A_NUMBER, "amount", "1 28O", "Montant"),), amount=Decimal(40), currency="EUR"
)
OWED = Owed(1, "result", 7, None, "credit@example.com", "en", "<1@nightporter>", 1, NOW, None, None, None, None)
SETTINGS = Settings(home=Path("/nowhere"))


def result(run: ImportRun = RUN, rejections: Sequence[Rejection] = (), *, is_admin: bool = True) -> Result:
    reasons = [Grouped(each.reasons[0], 1, 1, {"EUR": Decimal(40)}) for each in rejections]
    return Result(run, [*rejections], reasons, [], "https://np/r/token", 30, "https://np/d/token", 14, is_admin)


def message(run: ImportRun = RUN, language: str = "en", rejections: Sequence[Rejection] = (REJECTION,)) -> tuple[str, str, str]:
    mail = compose(SETTINGS, replace(OWED, language=language), "np@example.com", result(run, rejections))
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain
    assert html
    return mail["Subject"], plain.get_content(), html.get_content()


def test_a_mail_says_what_came_of_the_file() -> None:
    """Subject, counts, both statements of its money, the first rejected rows and the link are all there."""
    subject, text, html = message()
    assert subject == "ITEMS.csv: 1 of 3 rows rejected"
    for part in (
        "  Taken: 60.00",
        "  Rejected: 40.00",
        "= The file's total: 100.00",
        "  Open before: 0.00",
        "  New: 60.00",
        "= Open after: 60.00",
        "2 rows taken, 60.00 EUR open now; 1 row, 40.00 EUR, needs a look.",
        "Line 5 · 40.00 EUR",
        "Montant: “1 28O” is not an amount",
    ):
        assert part in text
    assert "https://np/r/token" in text
    assert 'href="https://np/r/token"' in html


def test_what_is_wrong_with_the_world_is_told_to_those_who_can_act() -> None:
    """A delay is told to all, in their language; what caused it, as the machine says it, to the admins."""
    delayed = replace(RUN, state=State.ARRIVED, tally=None, detail=Detail.of("plain", text="the database: disk full"))
    for is_admin in (True, False):
        mail = compose(SETTINGS, replace(OWED, language="fr"), "np@example.com", result(delayed, is_admin=is_admin))
        for kind in ("plain", "html"):
            part = mail.get_body((kind,))
            assert part
            assert "De nouvelles tentatives" in part.get_content()
            assert ("disk full" in part.get_content()) is is_admin


def test_a_mail_speaks_the_readers_language() -> None:
    """A French reader gets French sentences and numbers."""
    subject, text, _ = message(language="fr")
    assert "ITEMS.csv" in subject
    assert "3" in subject
    assert "Montant : « 1 28O » n'est pas un montant" in text
    assert "= Encours après : 60,00" in text


@pytest.mark.parametrize("code", list(Refusal))
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_refusal_has_its_sentence(code: Refusal, language: str) -> None:
    """A refused file's mail says why, whatever the reason."""
    refused = replace(RUN, state=State.REFUSED, code=code, detail=Detail.of("plain", text="the detail"), tally=None)
    subject, text, _ = message(refused, language, ())
    assert "ITEMS.csv" in subject
    assert "the detail" in text


@pytest.mark.parametrize("fault", list(ReasonCode))
def test_every_fault_has_its_sentence_in_every_language(fault: ReasonCode) -> None:
    """No rejected row is without a reason in words."""
    reason = Reason(fault, "amount", "7", "", "9")
    sentences = [Words(language).reason(reason, "receivables") for language in LANGUAGES]
    assert len(set(sentences)) > len(LANGUAGES) - 3
    assert "{" not in "".join(sentences)


def test_a_file_name_makes_no_header_and_no_html() -> None:
    """A hostile name is shown, never obeyed: no second header line, no encoded word, no tag."""
    evil = "a\r\nBcc: x@example.com\r\n =?utf-8?q?a=0ABcc=3A_x?= <script>alert(1)</script>.csv"
    mail = compose(SETTINGS, OWED, "np@example.com", result(replace(RUN, name=evil)))
    assert mail["Bcc"] is None
    assert b"\nBcc:" not in bytes(mail)
    assert "<script>" not in message(replace(RUN, name=evil))[2]


def test_a_mail_is_known_for_automatic_and_for_the_same() -> None:
    """Out-of-office robots do not answer, and a second copy has the first one's Message-ID."""
    mails = [compose(SETTINGS, OWED, "np@example.com", result()) for _ in range(2)]
    assert {mail["Message-ID"] for mail in mails} == {"<1@nightporter>"}
    assert mails[0]["Auto-Submitted"] == "auto-generated"


def test_a_link_opens_its_run_until_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    """A link opens one run; forged, damaged, expired and foreign ones open nothing."""
    links = Links(["key"], "https://np", 1)
    token = links.rejects(7, "a@example.com").rpartition("/")[2]
    assert links.opened("rejects", token) == (7, "a@example.com", "", "UTC")
    other = Links(["other"], "https://np", 1)
    assert {each.opened("rejects", t) for each, t in ((links, token[:-1]), (links, ""), (other, token))} == {None}
    assert links.opened("decision", token) is None
    later = time.time() + 2 * 86400
    monkeypatch.setattr(time, "time", lambda: later)
    assert links.opened("rejects", token) is None


def test_keys_rotate_without_breaking_links() -> None:
    """A new key signs new links, and the old one's still open."""
    old, new = Links(["old"], "https://np", 1), Links(["old", "new"], "https://np", 1)
    assert new.opened("rejects", old.rejects(7, "").rpartition("/")[2]) == (7, "", "", "UTC")
    assert old.opened("rejects", new.rejects(7, "").rpartition("/")[2]) is None


EVIL = ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "-950,00", "  =cmd", "x"]


def test_a_csv_download_holds_no_live_formula_and_leaves_amounts_alone() -> None:
    """Cells that a spreadsheet would run are defused; negative amounts come back as they were."""
    run = replace(RUN, header=["=HYPERLINK()", *map(str, range(len(EVIL) - 1))])
    (content,) = as_csv(run, [Rejection(1, EVIL, REJECTION.reasons)], Words("en"))
    header, row = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";")
    assert (header[0], header[-1]) == ("'=HYPERLINK()", "Nightporter: Reasons")
    assert row[:-1] == ["'=1+1", "+1", "'-2+3", "'@SUM(A1)", "'\t=1", "'\r=1", "-950,00", "'  =cmd", "x"]
    assert row[-1] == "Montant: “1 28O” is not an amount"


def test_an_xlsx_download_holds_text_and_marks_the_cell_at_fault() -> None:
    """No cell of the workbook is a formula, and the bad one is coloured."""
    out = io.BytesIO()
    as_xlsx(
        replace(RUN, header=["Code", "Montant"]), [Rejection(5, ["=1+1", "1 28O\0"], REJECTION.reasons)], Words("en"), out, "mark"
    )
    sheet = openpyxl.load_workbook(out).active
    assert sheet is not None
    assert [cell.data_type for cell in sheet[2]] == ["s", "s", "s", "s"]
    assert sheet["B2"].fill.fgColor.rgb == "00FFE0A3"
    assert sheet["A2"].fill.fgColor.rgb != "00FFE0A3"


def test_a_row_with_surplus_cells_keeps_them_behind_the_reasons() -> None:
    """Nothing of a ragged row is lost in its download."""
    (content,) = as_csv(
        RUN, [Rejection(9, ["a", "b", "c"], (Reason(ReasonCode.TOO_MANY_CELLS, value="3", detail="2"),))], Words("en")
    )
    assert content.decode("utf-8-sig").splitlines()[1] == "a;b;The row has 3 cells instead of 2;c"


def test_a_mail_tells_which_columns_came_and_went_and_which_member_it_was() -> None:
    """Header drift is seen by the one who can act on it; a file in a zip is named with it."""
    drifted = replace(
        RUN, name="night.zip", member="items.csv", read_as=ReadAs(new_columns=("Region", "<b>"), gone_columns=("City\r\nBcc: x",))
    )
    subject, text, html = message(drifted)
    assert subject.startswith("night.zip › items.csv: ")
    assert "New columns: Region, <b>" in text
    assert "Columns that are gone: City··Bcc: x" in text
    assert "Region, &lt;b&gt;" in html
