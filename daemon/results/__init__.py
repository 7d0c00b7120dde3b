"""Results: what people are told of an import: the email, the page's link, the rejected rows to take away."""

from daemon.results.email import compose
from daemon.results.links import Links
from daemon.results.outbox import Owed, mails_of, owe_result, owe_unmatched, take, undelivered, was_sent
from daemon.results.rejections import as_csv, as_xlsx
from daemon.results.smtp import send
from daemon.results.words import Words

__all__ = [
    "Links",
    "Owed",
    "Words",
    "as_csv",
    "as_xlsx",
    "compose",
    "mails_of",
    "owe_result",
    "owe_unmatched",
    "send",
    "take",
    "undelivered",
    "was_sent",
]
