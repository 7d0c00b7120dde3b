"""A mail of every kind, as a credit department gets them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from daemon.errors import Detail, Refusal
from daemon.ledger.runs import Grouped, Night
from daemon.model import (
    Effect,
    ImportRun,
    Money,
    Note,
    ReadAs,
    Reason,
    ReasonCode,
    Rejection,
    ScopeEffect,
    State,
    Tally,
    ValueChange,
)
from daemon.results.digest import Digest
from daemon.results.email import Told, compose
from daemon.results.outbox import Owed
from daemon.results.result import Result
from daemon.results.summary import Expected, Summary
from daemon.settings import Settings

NOW = datetime(2026, 11, 21, 4, 7, 12, tzinfo=UTC)
SETTINGS = Settings(home=Path("/nowhere"))
MONEY = Money(
    file_total=Decimal("1551103.31"), taken=Decimal("1492109.06"), rejected=Decimal("35544.20"), parked=Decimal("23450.05"),
    open_before=Decimal("1463872.18"), new=Decimal("120403.11"), increased=Decimal("1240.00"), decreased=Decimal("3400.50"),
    cleared=Decimal("90005.73"), open_after=Decimal("1492109.06"),
)  # fmt: skip
RUN = ImportRun(
    id=117, arrival_id=117, section=0, member="", parent_id=None, corrects=None, profile="sage-open-items", dataset="receivables",
    state=State.IMPORTED, attempt=1, deferrals=0, drop="erp", name="ECHEANCES_20261120.csv", size=1, mtime=1, archive_host="h",
    archive="a", sha256="0", control=None, arrived_at=NOW, finished_at=NOW, code=None, detail=None,
    header=["Code client", "N° pièce", "Montant"], read_as=ReadAs(delimiter=";", new_columns=("Région",)),
    tally=Tally(read=491, created=61, updated=12, unchanged=400, rejected=9, parked=9, cleared=32, money={"EUR": MONEY}),
    disposed_as=None, fault=None, follows=None, business_date=date(2026, 11, 20), notes=(), effect=None, approved=None,
    decided_by=None, undone_at=None, undone_by=None,
)  # fmt: skip
BAD = Reason(ReasonCode.NOT_A_NUMBER, "amount", "1 28O,00", "Montant")
UNKNOWN = Reason(ReasonCode.MISSING, "due_date", "", "Échéance")
ROWS = [
    Rejection(45, ["411AQUIT", "FA061744", "21 280,00"], (UNKNOWN,), amount=Decimal("21280.00"), currency="EUR"),
    Rejection(212, ["411BRIOC", "FA061802", "9 964,20"], (UNKNOWN,), amount=Decimal("9964.20"), currency="EUR"),
    Rejection(18, ["411LEVAGE", "FA061811-UN-NUMÉRO-TRÈS-LONG-SANS-ESPACE-QUI-NE-SE-COUPE-PAS", "1 28O,00"], (BAD,)),
]
REASONS = [Grouped(UNKNOWN, 7, 1, {"EUR": Decimal("35544.20")}), Grouped(BAD, 2, 2, {})]
NIGHTS = [Night(date(2026, 11, 7) + timedelta(n), {"EUR": Decimal(1400000 + 9000 * (n * 7 % 11))}) for n in range(13)]
NIGHTS.append(Night(date(2026, 11, 20), {"EUR": MONEY.open_after}))
HELD = Effect(
    control=Detail.of("control_file_rows", told="500", read=480),
    value=(ValueChange("FR01", "EUR", "debits", Decimal("1463872.18"), Decimal("602110.00")),),
    snapshot=(
        ScopeEffect("FR01", 482, 301, 181, {"EUR": Decimal(602110)}, {"EUR": Decimal("861762.18")}, 482, {"EUR": Decimal("1463872.18")}),
    ),
)  # fmt: skip


def owed(kind: str, language: str, **about: Any) -> Owed:
    return Owed(
        1, kind, 117, about or None, "credit@example.com", language, "<1@nightporter>", 1, NOW, "Europe/Paris", None, None, None
    )


def told(run: ImportRun, *, rows: bool = False, is_admin: bool = False) -> Result:
    links = "https://np.example/r/eyJydW4iOjExN30.token", 30, "https://np.example/d/eyJydW4iOjExN30.token", 14
    return Result(run, ROWS if rows else [], REASONS if rows else [], NIGHTS if run.tally else [], *links, is_admin)


def kinds() -> dict[str, tuple[str, Told, dict[str, Any]]]:
    """Each kind of mail by a name: what it is in the outbox, what it tells, what it is about."""
    clean = replace(RUN, tally=replace(RUN.tally or Tally(), rejected=0, parked=0, unchanged=418))
    notes = (Note("vat_numbers", 3, "FR123 (line 4), DE99 (line 7)"), Note("look_alikes", 1, "411-AQUIT"))
    refused = replace(
        RUN,
        state=State.REFUSED,
        tally=None,
        code=Refusal.DATE_ORDER_AMBIGUOUS,
        detail=Detail.of("add_to_format", examples="03/04/2026", line='date = "dd/mm/yyyy"'),
    )
    files = {"file": "ECHEANCES_20261120.csv", "drop": "erp", "profile": "sage-open-items", "run": 117}
    due = {"profile": "sage-open-items", "by": "06:00", "zone": "Europe/Paris"}
    fault = {"drop": "erp", "fault": "sftp.example.com:22: timed out", "refusals": 3}
    summary = Summary(
        date(2026, 11, 21),
        [
            Expected("sage-customers", NOW, "missing", None),
            Expected("sage-open-items", NOW, "held", replace(RUN, state=State.HELD)),
            Expected("de-open-items", NOW, "rejected", RUN),
            Expected("contacts", NOW, "imported", clean),
        ],
        {"EUR": Decimal("1492109.06"), "USD": Decimal("20110.50")},
        1,
        ["bank"],
        2,
    )  # fmt: skip
    counts = {
        "files": 30,
        "imported": 27,
        "refused": 3,
        "unmatched": 5,
        "read": 12030,
        "created": 900,
        "updated": 11,
        "unchanged": 11100,
        "rejected": 19,
        "troubled": 4,
        "attention": 8,
    }
    digest = Digest("erp", counts, [(refused, ""), (RUN, "https://np.example/r/x")], ["K1.csv", "K2.csv"])
    return {
        "imported": ("result", told(clean), {}),
        "imported, notes, for an admin": ("result", told(replace(clean, notes=notes), is_admin=True), {}),
        "with rejections": ("result", told(RUN, rows=True), {}),
        "nothing taken": ("result", told(replace(RUN, tally=Tally(read=9, rejected=9, money={"EUR": MONEY})), rows=True), {}),
        "corrected": ("result", told(replace(clean, corrects=110, tally=Tally(read=9, created=9))), {}),
        "refused": ("result", told(refused), {}),
        "held": ("result", told(replace(RUN, state=State.HELD, tally=None, effect=HELD)), {}),
        "delayed": ("result", told(replace(RUN, state=State.ARRIVED, tally=None, detail=Detail.of("plain", text="the database: disk full"))), {}),
        "vanished": ("result", told(replace(RUN, state=State.VANISHED, tally=None)), {}),
        "digest": ("digest", digest, files),
        "summary": ("summary", summary, {"day": "2026-11-21"}),
        "missing": ("missing", None, due),
        "late": ("late", None, due),
        "undone": ("undone", None, files | {"by": "ada", "restored": 412, "deleted": 61}),
        "parked": ("parked", None, {"profile": "sage-open-items", "count": 9, "days": 30, "codes": "411AQUIT, 411BRIOC"}),
        "loaded": ("loaded", None, {"profile": "sage-open-items", "count": 9, "codes": "411AQUIT, 411BRIOC"}),
        "unmatched": ("unmatched", None, files),
        "drop in fault": ("drop_fault", None, fault),
        "drop stopped": ("drop_stopped", None, fault),
        "drop well": ("drop_well", None, fault),
        "file in fault": ("file_fault", None, files | {"fault": "permission denied"}),
        "identical": ("identical", None, files | {"detail": {"code": "run_and_file", "values": {"run": 110, "file": "ECHEANCES_20261119.csv"}}}),
        "orphans": ("orphans", None, {"entity": "FR01", "dataset": "receivables", "scope": "old", "count": 12, "money": "1,200.00 EUR"}),
        "test": ("test", None, {}),
    }  # fmt: skip


def mail(name: str, language: str) -> EmailMessage:
    """The mail of a kind, in a language, by the clock of Paris."""
    kind, tells, about = kinds()[name]
    return compose(SETTINGS, owed(kind, language, **about), "nightporter@example.com", tells, "Europe/Paris")


def parts(message: EmailMessage) -> tuple[str, str]:
    """Its text and its HTML."""
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain
    assert html
    return plain.get_content(), html.get_content()
