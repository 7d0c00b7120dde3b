"""Remembering: what a word of a file means, written into the profile by which the next files come."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import tomlkit

from daemon.profiles import Section

Meanings = Mapping[str, Mapping[str, str]]
"""For each field, words of its column, and what they mean."""


def rememberable(section: Section) -> dict[str, str]:
    """The columns of a file whose words can be remembered, each with its field: one field alone is read from them, as they are,
    and it is neither an amount nor a day.
    """
    readers = Counter(header for column in section.sources.values() for header in column.every_header)
    words = {name for name, field in section.target.fields.items() if field.type not in ("money", "date", "integer")}
    return {
        column.from_: name
        for name, column in section.columns.items()
        if column.from_ and readers[column.from_] == 1 and name in words
    }


def remembered(text: str, dataset: str, meanings: Meanings) -> str:
    """The text of a profile, with these words in the columns of a section; the rest of it stays as it was written."""
    written = tomlkit.parse(text)
    section = next(each for each in [written, *written.get("also", [])] if each["dataset"] == dataset)
    for field, meant in meanings.items():
        column = section["columns"][field]
        if isinstance(column, str):
            made = tomlkit.inline_table()
            made["from"] = str(column)
            section["columns"][field] = column = made
        if "map" not in column:
            column["map"] = tomlkit.inline_table()
        column["map"].update(meant)
    return tomlkit.dumps(written)


def rewrite(path: Path, text: str) -> str:
    """Put a text in the place of a profile's, whole or not at all; returns what stood there."""
    before, half = path.read_text(encoding="utf-8"), path.with_suffix(".half")
    half.write_text(text, encoding="utf-8")
    half.rename(path)
    return before
