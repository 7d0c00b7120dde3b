"""Remembering: what a word of a file means, written into the profile by which the next files come."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import tomlkit

from daemon import toml
from daemon.errors import Detail
from daemon.importing.drafting import is_value
from daemon.importing.editing import as_profile
from daemon.profiles import Profile, Section
from daemon.toml import ConfigInvalid

Meanings = Mapping[str, Mapping[str, str]]
"""For each field, words of its column, and what they mean."""


def rememberable(section: Section) -> dict[str, str]:
    """The columns of a file whose words can be remembered, each with its field: that field alone is read from them, as they are,
    and it is one of words that recur; a number, a name or a code is what it is.
    """
    readers = Counter(header for column in section.sources.values() for header in column.every_header)
    fields = section.target.fields
    return {
        column.from_: name
        for name, column in section.columns.items()
        if column.from_ and not column.slice and readers[column.from_] == 1 and name in fields and fields[name].is_worded
    }


def remembered(path: Path, dataset: str, meanings: Meanings) -> str:
    """The text of a saved profile, with these words in the columns of a section; the rest of it stays as it was written.

    Raises ConfigInvalid when it would be no profile, was none, or says that a word means something else.
    """
    section = toml.load(path, Profile, name=path.stem).section(dataset)
    written = tomlkit.parse(path.read_text(encoding="utf-8"))
    table = next(each for each in [written, *written.get("also", [])] if each["dataset"] == dataset)
    for field, meant in meanings.items():
        known = section.columns[field].map or {}
        if wrong := [value for value in meant.values() if not is_value(dataset, field, value)]:
            raise ConfigInvalid([toml.mistake_at(path, ["columns", field], Detail.of("none_of_its_values", value=wrong[0]))])
        if other := [word for word, value in meant.items() if known.get(word, value) != value]:
            told = Detail.of("means_by_now", word=other[0], value=known[other[0]])
            raise ConfigInvalid([toml.mistake_at(path, ["columns", field], told)])
        column = table["columns"][field]
        if isinstance(column, str):
            made = tomlkit.inline_table()
            made["from"] = str(column)
            table["columns"][field] = column = made
        if "map" not in column:
            column["map"] = tomlkit.inline_table()
        column["map"].update(meant)
    text = tomlkit.dumps(written)
    as_profile(text, path.stem)
    return text
