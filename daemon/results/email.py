"""The result email: what came of a file, in HTML and in plain text, in the recipient's language."""

import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from daemon.model import ImportRun, Rejection, State, detail_of, shown
from daemon.results.digest import Digest
from daemon.results.outbox import Owed
from daemon.results.statements import of_the_file, of_the_ledger
from daemon.results.words import Words

FIRST_REJECTIONS = 10

_templates = SandboxedEnvironment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=lambda name: name is not None and name.endswith(".html"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {"shown": shown, "of_the_file": of_the_file, "of_the_ledger": of_the_ledger}

_DIGEST_ROWS = [
    ("files", "files"),
    ("imported", "files_imported"),
    ("refused", "files_refused"),
    ("unmatched", "files_unmatched"),
    ("read", "rows_read"),
    ("created", "created"),
    ("updated", "updated"),
    ("unchanged", "unchanged"),
    ("rejected", "rejected_rows"),
]


@dataclass(frozen=True)
class Result:
    """What a result email tells of: a run, its first rejected rows, and where all of them are."""

    run: ImportRun
    rejections: list[Rejection]
    link: str
    link_days: int
    decide: str
    """Where a held run is approved or declined; after `held_days` it counts as declined."""
    held_days: int


def compose(mail: Owed, sender: str, told: Result | Digest | None) -> EmailMessage:
    """The message that is owed: the result of an import, those of many in a digest, or other news."""
    words = Words(mail.language)
    content: dict[str, object] = {"words": words}
    match told:
        case Result(run):
            template, subject = "result", _subject(run, words)
            content |= {"result": told, "run": run}
        case Digest(drop, counts):
            template, subject = "digest", words("mail.subject_digest", drop=drop, **_counted(counts, words))
            content |= {"digest": told, "counts": _counted(counts, words), "rows": _DIGEST_ROWS}
        case None:
            about = {name: _said(value, words) for name, value in (mail.about or {}).items()}
            template, subject = "notice", words(f"notice.{mail.kind}_subject", **about)
            content |= {"sentence": words(f"notice.{mail.kind}", **about)}
    message = EmailMessage()
    message["Subject"] = _header(subject)
    message["From"] = sender
    message["To"] = mail.recipient
    message["Date"] = format_datetime(mail.queued_at)
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(_templates.get_template(f"{template}.txt").render(content))
    message.add_alternative(_templates.get_template(f"{template}.html").render(content | {"subject": subject}), subtype="html")
    return message


def _said(value: object, words: Words) -> str:
    return words.detail(detail_of(value)) if isinstance(value, dict) else shown(str(value))


def _counted(counts: dict[str, int], words: Words) -> dict[str, str]:
    return {name: words.count(count) for name, count in counts.items()}


def _subject(run: ImportRun, words: Words) -> str:
    tally = run.tally
    if run.state is State.HELD:
        return words("mail.subject_held", file=run.title)
    if run.state is State.VANISHED:
        return words("mail.subject_vanished", file=run.title)
    if run.code is None and tally is None:
        return words("mail.subject_delayed", file=run.title)
    if tally is None:
        return words("mail.subject_refused", file=run.title)
    kind = "nothing" if tally.took_nothing else "rejected" if tally.rejected else "parked" if tally.parked else "imported"
    counts = {name: words.count(getattr(tally, name)) for name in ("read", "rejected", "parked")}
    return words(f"mail.subject_{kind}", file=run.title, **counts)


def _header(text: str) -> str:
    """Text that is safe in a header: no control characters, and no `=?`, which would be read as an encoded word."""
    return re.sub(r"[\x00-\x1f\x7f\u2028\u2029]", "·", text).replace("=?", "= ?")
