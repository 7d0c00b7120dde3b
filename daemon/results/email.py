"""The result email: what came of a file, in HTML and in plain text, in the recipient's language."""

import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from daemon import ledger
from daemon.model import ImportRun, Rejection, State
from daemon.results.outbox import Owed
from daemon.results.words import Words

FIRST_REJECTIONS = 10

_templates = SandboxedEnvironment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=lambda name: name is not None and name.endswith(".html"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Result:
    """What a result email tells of: a run, its first rejected rows, and where all of them are."""

    run: ImportRun
    rejections: list[Rejection]
    link: str
    link_days: int


def compose(mail: Owed, sender: str, result: Result | None) -> EmailMessage:
    """The message that is owed: the result of an import, or news of a file that no profile claims."""
    words = Words(mail.language)
    if result is None:
        about = mail.about or {}
        subject = words("mail.subject_unmatched", file=about["name"])
        content = {"words": words, "about": about}
    else:
        subject = _subject(result.run, words)
        content = {
            "words": words,
            "about": None,
            "result": result,
            "run": result.run,
            "tally": ledger.tally(result.run),
        }
    message = EmailMessage()
    message["Subject"] = _header(subject)
    message["From"] = sender
    message["To"] = mail.recipient
    message["Date"] = format_datetime(mail.queued_at)
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(_templates.get_template(f"{mail.kind}.txt").render(content))
    message.add_alternative(_templates.get_template(f"{mail.kind}.html").render(content | {"subject": subject}), subtype="html")
    return message


def _subject(run: ImportRun, words: Words) -> str:
    tally = ledger.tally(run)
    if run.state is State.VANISHED:
        return words("mail.subject_vanished", file=run.title)
    if run.code is None and tally is None:
        return words("mail.subject_delayed", file=run.title)
    if tally is None:
        return words("mail.subject_refused", file=run.title)
    kind = "mail.subject_rejected" if tally.rejected else "mail.subject_imported"
    return words(kind, file=run.title, read=words.count(tally.read), rejected=words.count(tally.rejected))


def _header(text: str) -> str:
    """Text that is safe in a header: no control characters, and no `=?`, which would be read as an encoded word."""
    return re.sub(r"[\x00-\x1f\x7f\u2028\u2029]", "·", text).replace("=?", "= ?")
