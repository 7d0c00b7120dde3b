r"""File names: bytes on a server, text in the ledger, and every one of them can be turned back.

A byte that is no text in the drop's encoding is written `\xe9`, and a backslash before an x as `\x5c`, so that
Postgres, logs and people can take any name, and the file it names is still found.
"""

import re
from pathlib import PurePosixPath

LONGEST = 255
"""Bytes that a name may have on most file systems."""


def as_text(name: bytes, encoding: str) -> str:
    """A name that a server wrote."""
    text = name.decode(encoding, "surrogateescape").replace("\\x", "\\x5cx")
    return re.sub("[\udc80-\udcff]", lambda byte: f"\\x{ord(byte[0]) - 0xDC00:02x}", text)


def as_bytes(name: str, encoding: str) -> bytes:
    """The same name as the server wrote it. A name of ours that the encoding cannot write is written in UTF-8."""

    def byte(escape: re.Match[str]) -> str:
        value = int(escape[1], 16)
        return chr(value if value < 0x80 else 0xDC00 + value)

    text = re.sub(r"\\x([0-9a-f]{2})", byte, name)
    try:
        return text.encode(encoding, "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")


def plain(name: str) -> bool:
    """Whether a listed name is one path segment, and nothing that would leave its folder."""
    return name not in ("", ".", "..") and "/" not in name and "\0" not in name


def numbered(name: str, number: int, after: bool = False) -> str:
    """The last part of a path with a number of ours: before it, or `after` its stem; cut so that file systems take it."""
    path = PurePosixPath(name)
    stem, suffix = (path.stem, f".run-{number}{path.suffix}") if after else (f"{number}~{path.name}", "")
    while len(f"{stem}{suffix}".encode()) > LONGEST:
        stem, suffix = (stem[:-1], suffix) if len(stem) > 1 else (stem, suffix[:-1])
    return stem + suffix
