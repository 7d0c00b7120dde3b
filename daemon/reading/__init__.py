"""Reading: a file of any shape as batches of text rows, each with its line; what is no row is said, never dropped."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from daemon.model import Batch, Rejection
from daemon.reading import delimited, excel, sniff
from daemon.reading.packed import open_bytes
from daemon.settings import Sandbox
from daemon.shape import Format

__all__ = ["Reader", "read"]


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
    def ignored(self) -> int:
        """How many lines below the header were no records: blank ones."""
        ...

    def __iter__(self) -> Iterator[Batch | Rejection]: ...


def read(path: Path, format: Format | None = None, sandbox: Sandbox | None = None) -> Reader:
    """Open a file: plain, or as the archive keeps it. What `format` leaves out is sniffed.

    Raises FileRefused when the file has no readable shape; rows that have none come as rejections.
    """
    format = format or Format()
    with open_bytes(path) as file:
        head = file.read(1 << 12)
    if (format.kind or sniff.kind(head)) == "excel":
        return excel.Excel(path, format, sandbox or Sandbox())
    return delimited.Delimited(path, format)
