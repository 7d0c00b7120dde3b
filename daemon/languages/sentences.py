"""Sentences: everything that is said to people, in English, by its key, as `sentences.toml` has it."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from daemon.languages.catalogues import translation

_FILE = Path(__file__).parent / "sentences.toml"


@dataclass(frozen=True)
class Sentence:
    """A sentence, the message id of its translations: `one` where the gap `by` is filled with 1, `other` else; with a `context`
    where the same words mean two things.
    """

    other: str
    one: str | None = None
    by: str = "count"
    context: str | None = None

    def said(self, language: str, count: int) -> str:
        """It in a language, with its gaps, about so many things."""
        there = translation(language)
        if self.context is not None:
            if self.one is not None:
                return there.npgettext(self.context, self.one, self.other, count)
            return there.pgettext(self.context, self.other)
        return there.gettext(self.other) if self.one is None else there.ngettext(self.one, self.other, count)

    @property
    def gaps(self) -> set[str]:
        """What is filled in."""
        return set(re.findall(r"\{(\w+)\}", self.other))


def sentence(key: str) -> Sentence:
    """The sentence of a key `section.name`."""
    return sentences()[key]


@cache
def sentences() -> Mapping[str, Sentence]:
    """All of them, by their keys."""
    content: dict[str, dict[str, Any]] = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {
        f"{section}.{name}": Sentence(said) if isinstance(said, str) else Sentence(**said)
        for section, names in content.items()
        for name, said in names.items()
    }
