"""Reading: a file of any shape as batches of text rows, each with its line; what is no row is said, never dropped."""

import weakref
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from daemon.model import Batch, Rejection
from daemon.profiles import Format
from daemon.reading import delimited, grid, host, lines, packed, sniff
from daemon.reading.packed import mark_of, members
from daemon.reading.sandbox import confinement
from daemon.reading.source import open_bytes
from daemon.reading.weighing import Clues, WhatElse
from daemon.sandboxed.zipped import matching
from daemon.settings import Sandbox

__all__ = ["Clues", "Reader", "confinement", "mark_of", "matching", "members", "open_bytes", "read", "unpacked"]

_HEAD = 1 << 14


class Reader(Protocol):
    """A file being read. Iterate it once; `ignored` is complete when the iteration is."""

    @property
    def header(self) -> list[str]:
        """The headers, trimmed, each different."""
        ...

    @property
    def format(self) -> Format:
        """The shape, as given or as found."""
        ...

    @property
    def above(self) -> int:
        """How many lines stand above the header."""
        ...

    @property
    def ignored(self) -> int:
        """How many lines below the header were no records: blank ones, repeated headers, totals, page headers."""
        ...

    @property
    def trailers(self) -> list[str]:
        """The lines that the format says count the others, their cells joined by `;`."""
        ...

    @property
    def total(self) -> dict[str, str]:
        """The cells of the file's own total, by their headers; complete when the iteration is."""
        ...

    @property
    def final_newline(self) -> bool | None:
        """Of text, whether its last line has a line end; complete when the iteration is."""
        ...

    def __iter__(self) -> Iterator[Batch | Rejection]: ...


def read(
    path: Path,
    format: Format | None = None,
    sandbox: Sandbox | None = None,
    headers: Collection[str] = frozenset(),
    clues: WhatElse = Clues,
) -> Reader:
    """Open a file: plain, packed, or as the archive keeps it. What `format` leaves out is sniffed; of several sheets the one
    that has the `headers` is read; `clues` help where letters are not clear.

    Raises FileRefused when the file has no readable shape; rows that have none come as rejections.
    """
    format, sandbox = format or Format(), sandbox or Sandbox()
    if packed.packing(path):
        content = packed.unpack(path, format.member, sandbox)
        reader = _open(Path(content.name), format, sandbox, headers, clues)
        weakref.finalize(reader, content.close)
        return reader
    return _open(path, format, sandbox, headers, clues)


@contextmanager
def unpacked(path: Path, member: str | None, sandbox: Sandbox) -> Iterator[Path]:
    """A file's content as `read` can read it again and again: itself, or what is packed in it, unpacked once."""
    if packed.packing(path):
        with packed.unpack(path, member, sandbox) as content:
            yield Path(content.name)
    else:
        yield path


def _open(path: Path, format: Format, sandbox: Sandbox, headers: Collection[str], clues: WhatElse) -> Reader:
    with open_bytes(path) as file:
        kind = sniff.kind(file.read(_HEAD), format.kind)
    format = format.model_copy(update={"kind": kind})
    if format.record_length:
        return host.Records(path, format)
    match kind:
        case "excel" | "html":
            return grid.Grid(path, format, sandbox, headers, clues)
        case "list":
            return lines.List(path, format, clues)
        case "fixed_width":
            return lines.FixedWidth(path, format, clues)
        case _:
            return delimited.Delimited(path, format, clues, headers)
