"""The provider by which people may log in, beside their passwords: OpenID Connect."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from daemon.toml import Table

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Oidc(Table):
    """A login provider. It is told to send people back to `public_url` and `/oidc/back`."""

    name: str = Field(description="what the button says: “Log in with …”")
    issuer: str = Field(description="its address, without /.well-known/openid-configuration")
    client_id: str = Field(description="as whom Nightporter is known there")
    client_secret_file: Path | None = Field(None, description="the file with its secret; or NIGHTPORTER_OIDC_CLIENT_SECRET")
    claim: str = Field(
        "email", description="what of its word is the name of an account here; an address counts only if the provider verified it"
    )

    @field_validator("issuer")
    @classmethod
    def _encrypted(cls, url: str) -> str:
        parts = urlsplit(url)
        if not parts.hostname or (parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK)):
            raise ValueError("not an https address")
        return url.rstrip("/")
