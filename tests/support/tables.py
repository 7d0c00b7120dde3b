"""What a file is read as, in the form that tests compare."""

from pathlib import Path
from typing import Any

from daemon.model import Rejection
from daemon.profiles.format import Format
from daemon.reading import read

Table = tuple[list[str], list[list[Any]], list[tuple[int, str]], int]
"""Header, rows with their line, rejections as (line, code), ignored lines."""

TWO = [[2, "1", "x"], [3, "2", "y"]]


def table_of(path: Path, **format: Any) -> Table:
    """Read a file."""
    reader = read(path, Format(**format))
    rows: list[list[Any]] = []
    rejections = []
    for item in reader:
        if isinstance(item, Rejection):
            rejections.append((item.line, str(item.reasons[0].code)))
        else:
            rows += [list(row) for row in item.frame.itertuples(name=None)]
    return reader.header, sorted(rows), sorted(rejections), reader.ignored


def table(content: bytes | str, tmp_path: Path, name: str = "file.txt", **format: Any) -> Table:
    """Write a file and read it."""
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return table_of(path, **format)
