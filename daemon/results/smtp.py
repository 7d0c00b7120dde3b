"""Sending: one message to one recipient through the admin's mail server."""

import smtplib
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from email.message import EmailMessage

from daemon.errors import MailRefused, SetupFault, TryLater
from daemon.settings import Mail, Settings

_KEPT_SECONDS = 5.0
_MOST_MAILS = 50
"""By one session: servers end those that go on and on."""


def send(settings: Settings, mail: Mail, message: EmailMessage) -> None:
    """Hand a message to the mail server; without its attachments, where it would be too large for the server with them.

    Raises TryLater when it was not taken for now, and MailRefused when it never will be.
    """
    try:
        with _kept.session(settings, mail) as smtp:
            _fit(message, int(smtp.esmtp_features.get("size") or 0))
            smtp.send_message(message)
    except TryLater as error:
        if (said := _final(error.__cause__)) is not None:
            raise MailRefused(f"{said}; correct the address, or ask whoever runs {mail.host}") from error
        raise


class _Kept:
    """A session that stays open a moment after a mail, for the next one; one thread's at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: tuple[ExitStack, smtplib.SMTP, Mail] | None = None
        self._sent = 0
        self._timer = threading.Timer(0, lambda: None)

    @contextmanager
    def session(self, settings: Settings, mail: Mail) -> Iterator[smtplib.SMTP]:
        """The one that is open to this server, or a new one; it stays open if nothing fails."""
        with self._lock:
            self._timer.cancel()
            stack, smtp = self._still(mail) or self._new(settings, mail)
            with stack:
                yield smtp
                self._open, self._sent = (stack.pop_all(), smtp, mail), self._sent + 1
            self._timer = threading.Timer(_KEPT_SECONDS, self._end)
            self._timer.daemon = True
            self._timer.start()

    def _still(self, mail: Mail) -> tuple[ExitStack, smtplib.SMTP] | None:
        if self._open is None:
            return None
        (stack, smtp, to), self._open = self._open, None
        with suppress(smtplib.SMTPException, OSError):
            if to == mail and self._sent < _MOST_MAILS and smtp.noop()[0] == 250:
                return stack, smtp
        _close(stack)
        return None

    def _new(self, settings: Settings, mail: Mail) -> tuple[ExitStack, smtplib.SMTP]:
        stack, self._sent = ExitStack(), 0
        return stack, stack.enter_context(session(settings, mail))

    def _end(self) -> None:
        with self._lock:
            if self._open:
                _close(self._open[0])
                self._open = None


def _close(stack: ExitStack) -> None:
    """A fault while saying goodbye is none: the messages are theirs."""
    with suppress(TryLater):
        stack.close()


_kept = _Kept()


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
