"""The result of an import, as a mail tells of it: the run, what of it to look at first, and what has changed."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection

from daemon import ledger
from daemon.ledger.runs import Grouped, Night
from daemon.model import ImportRun, Rejection, State
from daemon.results.links import Links
from daemon.results.outbox import Owed
from daemon.settings import Settings
from daemon.words import Words

_FIRST = 3
_REASONS = 8
_NIGHTS = 14


@dataclass(frozen=True)
class Result:
    """What a result email tells of: a run, its dearest rejected rows, the reasons of all, and where they are."""

    run: ImportRun
    first: list[Rejection]
    reasons: list[Grouped]
    nights: list[Night]
    link: str
    link_days: int
    decide: str
    """Where a held run is approved or declined; after `held_days` it counts as declined."""
    held_days: int
    is_admin: bool
    """Whether it is told how the file was read as well."""
    is_attached: bool = False
    """Whether the workbook of its rejected rows goes with it."""

    def nights_told(self, words: Words, currency: str) -> str:
        """The last nights in words."""
        sums = [night.open.get(currency, Decimal(0)) for night in self.nights]
        told = {"lowest": min(sums), "highest": max(sums), "now": sums[-1]}
        return words("mail.nights_told", currency=currency, **{name: words.money(amount) for name, amount in told.items()})


def result_of(conn: Connection, settings: Settings, run: ImportRun, mail: Owed) -> Result:
    """What a mail tells of a run."""
    links = Links.of(settings)
    imported = run.state is State.IMPORTED
    return Result(
        run,
        ledger.runs.dearest(conn, run.id, _FIRST),
        ledger.runs.by_reason(conn, run.id, _REASONS),
        ledger.runs.nights(conn, run, _NIGHTS) if imported and run.tally and run.tally.money else [],
        links.rejects(run.id, mail.recipient, mail.language, zone_of(conn, settings, run, mail)),
        links.days,
        links.decision(run.id, mail.recipient, mail.language, zone_of(conn, settings, run, mail)),
        round(settings.imports.held_for / 86400),
        mail.recipient in {admin.email for admin in settings.admins},
    )


def zone_of(conn: Connection, settings: Settings, run: ImportRun | None, mail: Owed) -> str:
    """By whose clock a mail tells: the reader's, else that of the company which the run is of."""
    if mail.timezone:
        return mail.timezone
    entities = ledger.runs.entities_of(conn, run) if run else []
    return next((settings.entities[each].timezone for each in entities if each in settings.entities), "UTC")


def lead(run: ImportRun, words: Words) -> str:
    """What a run means for the ledger, in one sentence."""
    tally = run.tally
    if run.state is State.VANISHED:
        return words("mail.vanished")
    if run.state is State.HELD:
        return words("mail.held")
    if tally is None and run.code is None:
        return words("mail.delayed")
    if tally is None:
        return words("mail.refused")
    if tally.took_nothing:
        counts = {name: getattr(tally, name) for name in ("read", "rejected", "parked", "skipped")}
        return words("mail.nothing_taken", **counts)
    taken = words("mail.taken_clause", count=tally.read - tally.rejected - tally.parked - tally.skipped)
    clause = taken
    if tally.money:
        amounts = words.amounts({currency: money.open_after for currency, money in tally.money.items() if money.open_after})
        still = words("mail.open_clause", amounts=amounts) if amounts else words("mail.nothing_open")
        clause = words("mail.both_clause", taken=taken, open=still)
    if tally.rejected:
        bad = words.amounts({currency: money.rejected for currency, money in tally.money.items() if money.rejected})
        look = words("mail.look_money_clause", count=tally.rejected, amounts=bad) if bad else ""
        clause = words("mail.clauses", first=clause, second=look or words("mail.look_clause", count=tally.rejected))
    if tally.parked:
        clause = words("mail.clauses", first=clause, second=words("mail.parked_clause", count=tally.parked))
    return words("mail.whole", clause=clause)


def subject(run: ImportRun, words: Words) -> str:
    """A run's mail in one line: the file, what came of it, how many rows."""
    tally = run.tally
    if run.state is State.HELD:
        return words("mail.subject_held", file=run.title)
    if run.state is State.VANISHED:
        return words("mail.subject_vanished", file=run.title)
    if run.code is None and tally is None:
        return words("mail.subject_delayed", file=run.title)
    if tally is None:
        return words("mail.subject_refused", file=run.title)
    if run.corrects and not tally.rejected:
        return words("mail.subject_corrected", file=run.title, count=tally.read)
    kind = "nothing" if tally.took_nothing else "rejected" if tally.rejected else "parked" if tally.parked else "imported"
    counts = {name: getattr(tally, name) for name in ("read", "rejected", "parked")}
    return words(f"mail.subject_{kind}", file=run.title, **counts)


def tone(run: ImportRun) -> str:
    """How a run's mail looks: well, warning, or bad."""
    if run.state is State.HELD or (run.tally is None and run.code is None and run.state is not State.VANISHED):
        return "warning"
    if run.tally is None or run.tally.took_nothing:
        return "bad"
    return "warning" if run.tally.rejected or run.tally.parked else "well"
