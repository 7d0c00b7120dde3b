"""The bytes of a file, as the archive keeps them or plain."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from daemon.errors import TryLater


@contextmanager
def open_bytes(path: Path) -> Iterator[pa.NativeFile]:
    """The bytes of a file, unpacked if it is one of the archive's. Raises TryLater when the disk does not give them."""
    try:
        with pa.input_stream(str(path), compression="zstd" if path.suffix == ".zst" else None) as file:
            yield file
    except OSError as error:
        raise TryLater(f"reading {path.name}: {error}") from error
