"""The bytes of a file, as the archive keeps them or plain."""

from pathlib import Path

import pyarrow as pa


def open_bytes(path: Path) -> pa.NativeFile:
    """The bytes of a file, unpacked if it is one of the archive's."""
    return pa.input_stream(str(path), compression="zstd" if path.suffix == ".zst" else None)
