"""Weighing: which encoding a text is in that proves none, by all that speaks for one or another; and by how much it is clear."""

import codecs
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import chardet
import numpy as np

from daemon.errors import FileRefused, Refusal
from daemon.reading import letters
from daemon.reading.languages import OF_COUNTRY, OF_LANGUAGE, encodings

_ENOUGH = 1000
"""So many bad bytes leave no doubt that a text is not UTF-8."""
_LINES, HEAD, SAMPLE = 400, 5, 1 << 13
_SURE, _SUREOF_LANGUAGE, _VERY_SURE = 0.995, 0.985, 0.9999
"""How much of all that speaks for readings must be for one: without a language, in an encoding of the profile's, in another."""
_READINGS = 3
_NEXT = 0.3
"""How likely each of a language's encodings is, next to the one before."""
_ANY = 1e-6
"""How likely an encoding is in which a language is not written."""
_SPOKEN, _NEIGHBOURS = 0.99, 0.01
_EARLIER, _FILES = 20.0, 2
"""How much each of so many earlier files says."""
_BY_CHANCE = 1e-5
"""How likely a few letters of another encoding make good sequences of UTF-8."""
_MIXED = 1e-3
"""How likely a text is of two encodings."""
_CHARDET = 2.0
_DOUBT = 0.7
"""How much of what letters say is believed: names are fewer and odder than the tables have them."""
_ODDITIES = 0.1


class Clues(NamedTuple):
    """What else is known of a text: the countries of its entity's customers, each with its share, and the encodings that earlier
    files of its profile were in, each with how many were.
    """

    countries: Mapping[str, float] = {}
    earlier: Mapping[str, int] = {}


WhatElse = Callable[[], Clues]
"""Asked where the bytes alone do not say."""


class Seen:
    """What of a text tells its encoding: lines that are not ASCII, the first ones and those with bytes not met before; how many
    good sequences of UTF-8 there are, and bytes that are none.
    """

    def __init__(self) -> None:
        self.good = self.bad = 0
        self.head = b""
        self.lines: list[tuple[int, bytes]] = []
        self._size, self._line, self._met = 0, 1, b""
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")

    @property
    def sample(self) -> bytes:
        """The first lines, and those that are not ASCII."""
        return b"\n".join(dict.fromkeys([*self.head.splitlines()[:HEAD], *(line for _, line in self.lines)]))

    @property
    def is_ascii(self) -> bool:
        """Whether no byte was beyond ASCII."""
        return not self.lines and not self.good and not self.bad

    def see(self, chunk: bytes) -> None:
        """Take a chunk into account."""
        if len(self.head) < SAMPLE:
            self.head += chunk[: SAMPLE - len(self.head)]
        if not chunk.isascii():
            self._count(chunk)
            fresh = chunk.translate(None, self._met + bytes(range(128)))
            if self._size < SAMPLE or fresh:
                self._keep(chunk, set(fresh))
                self._met += bytes(set(fresh))
        self._line += chunk.count(b"\n")

    def _count(self, chunk: bytes) -> None:
        """Count sequences: each good one is a character, each bad byte is told apart."""
        if self.bad > _ENOUGH:
            return
        text = self._decoder.decode(chunk)
        beyond = len(text) - len(text.encode("ascii", "ignore"))
        bad = len(text) - len(text.encode("utf-8", "ignore").decode("utf-8"))
        self.good, self.bad = self.good + beyond - bad, self.bad + bad

    def _keep(self, chunk: bytes, fresh: set[int]) -> None:
        for number, line in enumerate(re.split(rb"\r\n|\n|\r", chunk) if self._size < SAMPLE else chunk.split(b"\n"), self._line):
            if line.isascii() or (self._size >= SAMPLE and fresh.isdisjoint(line)) or len(self.lines) >= _LINES:
                continue
            fresh.difference_update(line)
            self.lines.append((number, line[:SAMPLE]))
            self._size += len(line)


@dataclass
class _Reading:
    """What a text would say, the encodings in which it does, and how likely that is."""

    encodings: list[str]
    score: float
    plausible: bool


class _Weighing:
    """What is known of a text before its letters are."""

    def __init__(self, seen: Seen, language: str | None, clues: Clues) -> None:
        self._seen, self._earlier = seen, clues.earlier
        self._before = np.log(_spoken(language, clues))
        below = seen.head.lstrip().partition(b"\n")[2]  # English headers stand above names of every language
        self._before += _DOUBT * letters.of_words(letters.ascii_words(below.decode("ascii", "ignore")))
        self._chardet = {
            _python_name(str(found["encoding"])): float(found["confidence"]) for found in chardet.detect_all(seen.sample)
        }

    def reading(self, text: str, encodings: Iterable[str]) -> _Reading:
        """How likely a text is, in any of the encodings in which it is so; the likeliest of them first."""
        likely, signs = letters.likelihoods(text)
        headers = letters.headers(cell for line in text.splitlines()[:HEAD] for cell in re.split(r"[;,\t|]", line))
        spoken = self._before + headers + _DOUBT * likely
        each = {name: float(np.logaddexp.reduce(spoken + _written(name))) for name in encodings}
        score = float(np.logaddexp.reduce(list(each.values())))
        score += math.log1p(_CHARDET * max(self._chardet.get(name, 0.0) for name in each))
        score += math.log(_EARLIER) * min(sum(self._earlier.get(name, 0) for name in each), _FILES)
        if "utf-8" not in each:
            score += signs.weight + math.log(_BY_CHANCE) * self._seen.good * (not self._seen.bad)
        plausible = "utf-8" in each or signs.odd <= _ODDITIES * max(signs.words, 1)
        return _Reading(sorted(each, key=lambda name: -each[name]), score, plausible)


def weigh(seen: Seen, language: str | None, clues: Clues) -> str:
    """The encoding of a text that proves none. Raises FileRefused, with the likeliest readings, when that is not clear."""
    weighing = _Weighing(seen, language, clues)
    texts: dict[str, list[str]] = {}
    for name in (*([] if seen.bad else ["utf-8"]), *encodings()):
        if decodes(seen.sample, name):
            texts.setdefault(seen.sample.decode(name), []).append(name)
    ranked = sorted((weighing.reading(*each) for each in texts.items()), key=lambda each: -each.score)
    if seen.good and seen.bad:
        _refuse_mixed(seen, weighing, ranked[:_READINGS])
    plausible = [each for each in ranked if each.plausible]
    if plausible:
        best = plausible[0]
        sure = 1 / sum(math.exp(max(each.score - best.score, -700)) for each in plausible)
        written = [name for own in _own(language or "") for name in OF_LANGUAGE[own]]
        enough = _SURE if not language else _VERY_SURE if set(written).isdisjoint(best.encodings) else _SUREOF_LANGUAGE
        if sure >= enough:
            return best.encodings[0]
    raise _unclear(seen, (plausible or ranked)[:_READINGS], language)


def _refuse_mixed(seen: Seen, weighing: _Weighing, ranked: list[_Reading]) -> None:
    """Raise FileRefused where a text is likelier to be of two encodings, UTF-8 and another, than of one."""
    lines = seen.sample.split(b"\n")
    for name in ("cp1252", *(each.encodings[0] for each in ranked)):
        text = "\n".join(line.decode("utf-8" if decodes(line, "utf-8") else name, "replace") for line in lines)
        mixed = weighing.reading(text, [name])
        if mixed.plausible and (not ranked or mixed.score + math.log(_MIXED) > ranked[0].score):
            number, line = next((n, line) for n, line in seen.lines if not decodes(line, "utf-8"))
            raise FileRefused(Refusal.ENCODING_MIXED, "not_utf8_here", line=number, byte=_first_byte(line))


def _unclear(seen: Seen, readings: list[_Reading], language: str | None) -> FileRefused:
    """A refusal that shows the likeliest readings of the first line in which they differ."""
    number, line = seen.lines[0]
    if not readings:
        said = "fits_no_encoding_of_language" if language else "fits_no_encoding"
        byte = _first_byte(line)
        return FileRefused(Refusal.ENCODING_UNKNOWN, said, line=number, byte=byte, language=language or "")
    names = [each.encodings[0] for each in readings]
    for each in seen.lines:
        if len({each[1].decode(name, "replace") for name in names}) == len(names):
            number, line = each
            break
    shown = " · ".join(f'{name}: "{_telling(line, name)}"' for name in names)
    return FileRefused(Refusal.ENCODING_UNKNOWN, "encoding_unclear", line=number, readings=shown, encodings=", ".join(names))


def _first_byte(line: bytes) -> str:
    return next(f"{value:02X}" for value in line if value > 127)


def _telling(line: bytes, name: str) -> str:
    """The cells of a line that are not ASCII."""
    cells = re.split(r"[;\t|]", line.decode(name, "replace"))
    return " ".join(cell.strip() for cell in cells if not cell.isascii())[:60]


@cache
def _written(encoding: str) -> letters.Likelihoods:
    """The logarithm of how likely a text in each language is in an encoding."""
    shares = []
    for language in letters.languages():
        names = OF_LANGUAGE[language]
        shares.append(_NEXT ** names.index(encoding) if encoding in names else 1.0 if encoding == "utf-8" else _ANY)
    found: letters.Likelihoods = np.log(np.array(shares))
    return found


def _own(language: str) -> list[str]:
    """The languages of the tables that a profile's language stands for."""
    return [name for name in letters.languages() if name.split("_")[0] == language.split("_")[0]]


def _spoken(language: str | None, clues: Clues) -> letters.Likelihoods:
    """How likely each language is, before the text is looked at."""
    names = letters.languages()
    weights = np.ones(len(names)) / len(names)
    for country, share in clues.countries.items():
        for spoken in OF_COUNTRY.get(country, "").split():
            weights[names.index(spoken)] += share
    weights /= weights.sum()
    if language:
        own = np.array([name in _own(language) for name in names])
        weights = _SPOKEN * own / max(own.sum(), 1) + _NEIGHBOURS * weights
    shares: letters.Likelihoods = weights / weights.sum()
    return shares


def _python_name(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        return name.casefold()


def decodes(sample: bytes, name: str) -> bool:
    """Whether bytes are text in an encoding."""
    try:
        sample.decode(name)
    except (LookupError, UnicodeDecodeError):
        return False
    return True
