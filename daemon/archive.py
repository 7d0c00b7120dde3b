"""The archive: the bytes of every file as it came, compressed, written before anything else is done with them."""

import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from daemon.errors import TryLater
from daemon.model import Fetched


def keep(folder: Path, arrival_id: int, chunks: Iterable[bytes]) -> Fetched:
    """Write `chunks` to the archive as the bytes of one arrival, and make sure that they survive a power cut.

    The file is named by the arrival's id and by chance: no name that came from outside is ever a path here, and of two
    processes that fetch the same file none writes over what the other one has.
    Raises TryLater when the disk does not take them.
    """
    digest, size = hashlib.sha256(), 0
    folder = folder / f"{arrival_id // 1000:06d}"
    final = folder / f"{arrival_id}-{secrets.token_hex(4)}.zst"
    half: Path | None = None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f"{arrival_id}.", suffix=".half", dir=folder)
        half = Path(name)
        os.close(descriptor)
        with pa.OSFile(name, "wb") as file, pa.CompressedOutputStream(file, "zstd") as out:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                out.write(chunk)
        _sync(half)
        half.rename(final)
        _sync(folder)
    except OSError as error:
        raise TryLater(f"the archive {folder}: {error.strerror or error}") from error
    finally:
        if half:
            half.unlink(missing_ok=True)
    return Fetched(final, size, digest.hexdigest())


def digest(chunks: Iterable[bytes]) -> str:
    """The sha256 of some bytes, as `keep` tells it."""
    sha256 = hashlib.sha256()
    for chunk in chunks:
        sha256.update(chunk)
    return sha256.hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
