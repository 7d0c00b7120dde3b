"""Files that hold their bytes compressed."""

from pathlib import Path

import pyarrow as pa


def open_bytes(path: Path) -> pa.NativeFile:
    """The bytes of a file, unpacked if it is one of the archive's."""
    return pa.input_stream(str(path), compression="zstd" if path.suffix == ".zst" else None)
