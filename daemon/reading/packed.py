"""Files that hold their bytes compressed."""

from pathlib import Path

import pyarrow as pa

_CODECS = {b"\x28\xb5\x2f\xfd": "zstd"}


def open_bytes(path: Path) -> pa.NativeFile:
    """The bytes of a file, unpacked if it is one of the archive's."""
    with path.open("rb") as file:
        codec = _CODECS.get(file.read(4))
    return pa.input_stream(str(path), compression=codec)
