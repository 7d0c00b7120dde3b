"""A drop that is filled by `POST /api/imports`: a local folder of ours where what was posted waits to be taken in."""

import contextlib
import hashlib
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from daemon.drops.local import Local
from daemon.model import RemoteFile


class Posted(Local):
    """Posted files, each in a folder of its own, which is named by the post: two posts of one name never meet."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._folder = path

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
