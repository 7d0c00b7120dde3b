"""A drop that is filled by `POST /api/imports`: a local folder of ours where what was posted waits to be taken in."""

import contextlib
import hashlib
import uuid
from collections.abc import Iterable, Iterator
from typing import Self

from daemon.drops.base import Step
from daemon.drops.local import Local
from daemon.errors import SetupFault
from daemon.model import RemoteFile
from daemon.settings import HttpDrop, Settings


class Posted(Local):
    """Posted files, each in a folder of its own, which is named by the post: two posts of one name never meet."""

    is_ours = True

    def __init__(self, name: str, drop: HttpDrop, settings: Settings) -> None:
        self.name, self.most_bytes = name, drop.max_mb << 20
        self._settings, self._drop = settings, drop
        self._folder = settings.home / "uploads" / name
        super().__init__(self._folder)
        self.watched = None

    @property
    def token(self) -> str:
        """What callers show. Raises SetupFault when there is none, or too short a one to be a secret."""
        token = self._settings.secret(self._drop.token_file, f"{self.name}_token") or ""
        if len(token) < self._drop.shortest_token:
            raise SetupFault(f"its token has fewer than {self._drop.shortest_token} characters")
        return token

    def way(self) -> Iterator[Step]:
        """Try its token."""
        try:
            assert self.token
        except SetupFault as fault:
            yield Step(False, str(fault), "make one: openssl rand -hex 32")
            return
        yield Step(True, f"files may be posted to {self._settings.web.public_url}/api/imports with its token")

    def __enter__(self) -> Self:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self

    def put(self, path: str, chunks: Iterable[bytes]) -> RemoteFile:
        """Keep a posted file, whole or not at all. A file that is there already stays as it is."""
        half = f".{uuid.uuid4().hex}.part"
        try:
            self.write(half, chunks)
            self.move(half, path)
        finally:
            super().remove(half)
        file = self.stat(path)
        assert file
        return file

    def remove(self, path: str) -> None:
        """Delete a file, if it is there, and the folder that was its own."""
        super().remove(path)
        if (own := self._folder / path).parent != self._folder:
            with contextlib.suppress(OSError):
                own.parent.rmdir()


def folder_of(key: str | None) -> str:
    """The folder of a post: the same for the same idempotency key, else one that nobody else has."""
    return hashlib.sha256(key.encode()).hexdigest() if key else uuid.uuid4().hex


def posted_drops(settings: Settings) -> list[Posted]:
    """The drops of an installation that files are posted to."""
    return [Posted(name, drop, settings) for name, drop in settings.drops.items() if isinstance(drop, HttpDrop)]
