"""Results: what people are told of an import: the email, the page's link, the rejected rows to take away."""

from daemon.results.delivery import deliver, send_test
from daemon.results.email import template_faults
from daemon.results.facts import run_json
from daemon.results.links import Links, Opened
from daemon.results.outbox import DIGEST_FROM, Owed, mails_of, owe_notice, owe_result, owed_mails, undelivered, was_told
from daemon.results.recipients import people, recipients, with_starter
from daemon.results.rejections import OURS, as_csv, as_xlsx, file_name
from daemon.results.smtp import session
from daemon.results.statements import of_the_file, of_the_ledger

__all__ = [
    "DIGEST_FROM",
    "OURS",
    "Links",
    "Opened",
    "Owed",
    "as_csv",
    "as_xlsx",
    "deliver",
    "file_name",
    "mails_of",
    "of_the_file",
    "of_the_ledger",
    "owe_notice",
    "owe_result",
    "owed_mails",
    "people",
    "recipients",
    "run_json",
    "send_test",
    "session",
    "template_faults",
    "undelivered",
    "was_told",
    "with_starter",
]
