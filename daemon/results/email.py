"""The mails: what came of a file, of many, of a day, and other news; in HTML and in plain text, in the reader's language."""

import hashlib
import io
import re
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment

from daemon.model import detail_of, shown
from daemon.results.digest import Digest
from daemon.results.outbox import Owed
from daemon.results.result import Result, lead, subject, tone
from daemon.results.statements import of_the_file, of_the_ledger
from daemon.results.summary import Summary
from daemon.settings import Settings
from daemon.words import Words

Told = Result | Digest | Summary | None

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
_WELL = ("drop_well", "late", "test")
"""News that is good."""


def templates(settings: Settings) -> SandboxedEnvironment:
    """The templates: those of the home folder, where there are any of the same name, before our own."""
    own = FileSystemLoader(Path(__file__).parent / "templates")
    made = SandboxedEnvironment(
        loader=ChoiceLoader([FileSystemLoader(settings.home / "templates"), own]),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"shown": shown, "of_the_file": of_the_file, "of_the_ledger": of_the_ledger, "bars": _bars}
    return made


def template_faults(settings: Settings) -> list[str]:
    """What is wrong with the templates of the home folder: those that are no templates, or stand for none of ours."""
    made, faults = templates(settings), []
    known = {path.name for path in (Path(__file__).parent / "templates").iterdir()}
    for path in sorted((settings.home / "templates").glob("*")):
        if path.name not in known:
            faults.append(f"{path}: there is no template of this name; there are: {', '.join(sorted(known))}")
            continue
        try:
            made.get_template(path.name)
        except TemplateSyntaxError as error:
            faults.append(f"{path}:{error.lineno}: {error.message}")
    return faults


def compose(settings: Settings, mail: Owed, sender: str, told: Told, timezone: str = "UTC") -> EmailMessage:
    """The message that is owed."""
    words = Words(mail.language, timezone)
    title, content = _content(mail, told, words)
    made = templates(settings)
    message = EmailMessage()
    message["Subject"] = _header(title)
    message["From"] = sender
    message["To"] = mail.recipient
    message["Date"] = format_datetime(mail.queued_at)
    message["Message-ID"] = mail.message_id
    message["List-Id"] = f"Nightporter <nightporter.{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    if thread := _thread(mail, told):
        message["References"] = message["In-Reply-To"] = thread
    given = content | {"words": words, "subject": title}
    text = made.get_template(f"{content['template']}.txt").render(given)
    message.set_content(text.replace("\u00a0", " "))
    message.add_alternative(made.get_template(f"{content['template']}.html").render(given), subtype="html")
    return message


def attach(message: EmailMessage, name: str, workbook: io.BytesIO) -> None:
    """Put a workbook beside the text."""
    kind = "vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    message.add_attachment(workbook.getvalue(), "application", kind, filename=name)


def _content(mail: Owed, told: Told, words: Words) -> tuple[str, dict[str, Any]]:
    """A mail's subject, and what its template shows."""
    match told:
        case Result(run):
            shows = {"result": told, "run": run, "lead": lead(run, words), "tone": tone(run)}
            return subject(run, words), shows | {"template": "result"}
        case Digest(drop, counts):
            bad = "warning" if told.troubled or told.unmatched else "well"
            shows = {"digest": told, "counts": counts, "rows": _DIGEST_ROWS, "lead": lead, "tone": bad}
            return words("mail.subject_digest", drop=drop, **counts), shows | {"template": "digest"}
        case Summary():
            shows = {"summary": told, "tone": "warning" if told.to_look_at else "well"}
            return told.subject(words), shows | {"template": "summary"}
        case None:
            about = {name: _said(name, value, words) for name, value in (mail.about or {}).items()}
            about["time"] = words.time(mail.queued_at)
            shows = {"sentence": words(f"notice.{mail.kind}", **about), "tone": "well" if mail.kind in _WELL else "warning"}
            return words(f"notice.{mail.kind}_subject", **about), shows | {"template": "notice"}


def _said(name: str, value: object, words: Words) -> object:
    if isinstance(value, dict):
        return words.detail(detail_of(value))
    if name == "dataset":
        return words.dataset(str(value))
    return value if isinstance(value, int) else shown(str(value))


def _thread(mail: Owed, told: Told) -> str:
    """What all mails about one feed to one reader refer to, so that a mailbox shows them together."""
    about = told.run.profile if isinstance(told, Result) else (mail.about or {}).get("profile") or (mail.about or {}).get("drop")
    if not about:
        return ""
    key = hashlib.sha256(f"{about}\0{mail.recipient}".encode()).hexdigest()[:24]
    return f"<feed-{key}@nightporter>"


def _bars(result: Result, currency: str, steps: int = 8) -> list[int]:
    """What was open on the last nights as heights from 1 to `steps`."""
    sums = [night.open.get(currency, 0) for night in result.nights]
    least, most = min(sums), max(sums)
    return [1 + round(float((each - least) / (most - least)) * (steps - 1)) if most > least else steps // 2 for each in sums]


def _header(text: str) -> str:
    """Text that is safe in a header: no control characters, and no `=?`, which would be read as an encoded word."""
    return re.sub(r"[\x00-\x1f\x7f\u2028\u2029]", "·", text).replace("=?", "= ?").replace("\u00a0", " ")
