"""Links: addresses that open a run's rejected rows, or the decision about it, for one recipient: signed, good for some days."""

import time
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

from itsdangerous import BadData, URLSafeSerializer

from daemon.settings import Settings

What = Literal["rejects", "decision", "correction"]


class Opened(NamedTuple):
    """What a link opens, and whom it was made for: in which language ('' where nobody said) and by which clock."""

    run: int
    recipient: str
    language: str
    timezone: str


@dataclass(frozen=True)
class Links:
    """Makes and reads links. Of `keys` the last one signs; all of them are believed, so that keys can be rotated."""

    keys: list[str]
    public_url: str
    days: int

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Links as the settings say."""
        return cls(settings.link_keys, settings.web.public_url, settings.web.link_days)

    def rejects(self, run_id: int, recipient: str, language: str = "", timezone: str = "UTC") -> str:
        """The address of a run's rejected rows, in a reader's language and by their clock."""
        return f"{self.public_url}/r/{self._token('rejects', run_id, recipient, language, timezone)}"

    def decision(self, run_id: int, recipient: str, language: str = "", timezone: str = "UTC") -> str:
        """The address where a held run is approved or declined."""
        return f"{self.public_url}/d/{self._token('decision', run_id, recipient, language, timezone)}"

    def mark(self, run_id: int) -> str:
        """What the workbook of a run's rejected rows carries, so that it is known again."""
        return str(self._signer("correction").dumps({"run": run_id}))

    def marked(self, mark: str) -> int | None:
        """The run whose rejected rows carry a mark; None for a mark that is not ours."""
        try:
            return int(self._signer("correction").loads(mark)["run"])
        except BadData:
            return None

    def _token(self, what: What, run_id: int, recipient: str, language: str, timezone: str) -> str:
        expiry = int(time.time()) + self.days * 86400
        content = {"run": run_id, "to": recipient, "exp": expiry, "in": language, "at": timezone}
        return str(self._signer(what).dumps(content))

    def opened(self, what: What, token: str) -> "Opened | None":
        """What a token opens; None for one that is forged, damaged or expired, without telling which."""
        try:
            content = self._signer(what).loads(token)
        except BadData:
            return None
        if content["exp"] < time.time():
            return None
        return Opened(int(content["run"]), str(content["to"]), content.get("in", ""), content.get("at", "UTC"))

    def _signer(self, what: What) -> URLSafeSerializer:
        return URLSafeSerializer(self.keys, salt=f"nightporter.{what}")
