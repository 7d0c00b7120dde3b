"""Sending: one message to one recipient through the admin's mail server."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage

from daemon.errors import MailRefused, SetupFault, TryLater
from daemon.settings import Mail, Settings


def send(settings: Settings, mail: Mail, message: EmailMessage) -> None:
    """Hand a message to the mail server; without its attachments, where it would be too large for the server with them.

    Raises TryLater when it was not taken for now, and MailRefused when it never will be.
    """
    taken = False
    try:
        with session(settings, mail) as smtp:
            _fit(message, int(smtp.esmtp_features.get("size") or 0))
            smtp.send_message(message)
            taken = True
    except TryLater as error:
        if taken:  # a fault while saying goodbye is none: the message is theirs
            return
        if (said := _final(error.__cause__)) is not None:
            raise MailRefused(f"{said}; correct the address, or ask whoever runs {mail.host}") from error
        raise


def _fit(message: EmailMessage, most: int) -> None:
    """Leave the attachments out of a message that is larger than a server takes."""
    if most and len(bytes(message)) > most and any(message.iter_attachments()):
        message.set_payload([part for part in message.iter_parts() if not part.is_attachment()])


def _final(error: BaseException | None) -> str | None:
    """What a server said by which it refused for good (5xx), of the recipient, the sender or the message; else None."""
    answers: list[tuple[int, bytes | str]] = []
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answers = list(error.recipients.values())
    elif isinstance(error, smtplib.SMTPSenderRefused | smtplib.SMTPDataError):
        answers = [(error.smtp_code, error.smtp_error)]
    final = [(code, said) for code, said in answers if 500 <= code < 600]
    if not final or len(final) < len(answers):
        return None
    code, said = final[0]
    return f"{code} {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}"


@contextmanager
def session(settings: Settings, mail: Mail) -> Iterator[smtplib.SMTP]:
    """A session with the mail server, encrypted and logged in as the settings say; its certificate is verified."""
    try:
        context = ssl.create_default_context(cafile=settings.path(mail.ca_file) if mail.ca_file else None)
        with _connected(mail, context) as smtp:
            if mail.security == "starttls":
                smtp.starttls(context=context)
            if mail.username:
                smtp.login(mail.username, settings.secret(mail.password_file, "mail_password") or "")
            yield smtp
    except (smtplib.SMTPException, OSError, ValueError, SetupFault) as error:
        raise TryLater(f"the mail server {mail.host}:{mail.port}: {error}") from error


def _connected(mail: Mail, context: ssl.SSLContext) -> smtplib.SMTP:
    if mail.security == "tls":
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=mail.timeout, context=context)
    return smtplib.SMTP(mail.host, mail.port, timeout=mail.timeout)
