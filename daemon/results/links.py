"""Links: addresses that open one run's rejected rows for one recipient, signed, and good for some days."""

import time
from dataclasses import dataclass
from typing import Self

from itsdangerous import BadData, URLSafeSerializer

from daemon.settings import Settings


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

    def rejects(self, run_id: int, recipient: str) -> str:
        """The address of a run's rejected rows."""
        expiry = int(time.time()) + self.days * 86400
        return f"{self.public_url}/r/{self._signer().dumps({'run': run_id, 'to': recipient, 'exp': expiry})}"

    def run_of(self, token: str) -> int | None:
        """The run that a token opens; None for one that is forged, damaged or expired, without telling which."""
        try:
            content = self._signer().loads(token)
        except BadData:
            return None
        return int(content["run"]) if content["exp"] >= time.time() else None

    def _signer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self.keys, salt="nightporter.rejects")
