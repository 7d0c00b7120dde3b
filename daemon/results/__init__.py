"""Results: what people are told of an import: the email, the page's link, the rejected rows to take away."""

from daemon.results.digest import Digest, gathered
from daemon.results.email import Result, compose
from daemon.results.facts import run_json
from daemon.results.links import Links
from daemon.results.outbox import (
    DIGEST_FROM,
    GATHERING_SECONDS,
    Owed,
    gathering,
    mails_of,
    owe_notice,
    owe_result,
    take,
    undelivered,
    was_sent,
)
from daemon.results.rejections import OURS, as_csv, as_xlsx, file_name
from daemon.results.smtp import send
from daemon.results.words import Words

__all__ = [
    "DIGEST_FROM",
    "GATHERING_SECONDS",
    "OURS",
    "Digest",
    "Links",
    "Owed",
    "Result",
    "Words",
    "as_csv",
    "as_xlsx",
    "compose",
    "file_name",
    "gathered",
    "gathering",
    "mails_of",
    "owe_notice",
    "owe_result",
    "run_json",
    "send",
    "take",
    "undelivered",
    "was_sent",
]
