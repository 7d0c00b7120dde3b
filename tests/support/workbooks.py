"""Workbooks for tests: made, tampered with, looked at."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl

from daemon.model import Batch
from daemon.profiles.format import Format
from daemon.reading import read


def workbook(tmp_path: Path, rows: list[list[Any]], **sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    for name, more in sheets.items():
        sheet = book.create_sheet(name)
        for row in more:
            sheet.append(row)
    book.save(tmp_path / "book.xlsx")
    return tmp_path / "book.xlsx"


def frame(path: Path, **format: Any) -> tuple[list[str], list[list[Any]]]:
    """Headers, and rows with their line."""
    reader = read(path, Format(**format))
    return reader.header, [list(row) for item in reader if isinstance(item, Batch) for row in item.frame.itertuples(name=None)]


def rewrite(path: Path, part: str, change: Callable[[bytes], bytes]) -> None:
    """Change one part of a workbook."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, change(content) if name == part else content)
