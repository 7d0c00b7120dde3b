"""Sending: one message to one recipient through the admin's mail server."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage

from daemon.errors import SetupFault, TryLater
from daemon.settings import Mail, Settings


def send(settings: Settings, mail: Mail, message: EmailMessage) -> None:
    """Hand a message to the mail server. Raises TryLater when it was not taken, whatever the reason."""
    taken = False
    try:
        with session(settings, mail) as smtp:
            smtp.send_message(message)
            taken = True
    except TryLater:
        if not taken:  # a fault while saying goodbye is none: the message is theirs
            raise


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
