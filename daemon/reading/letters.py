"""Letters: how likely a text is of a language, by its pairs of letters (tables in `schema/letters`), its signs and capitals."""

import math
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise, takewhile
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from daemon import shipped
from daemon.datasets import header_languages

Likelihoods = npt.NDArray[np.float64]
"""A number for each of `languages()`."""

_PAIRS = 100_000.0
"""What the tables count in."""
_UNSEEN = 20.0
"""How many pairs a letter is given that may be followed by anything."""
_UNKNOWN, _ODD, _CONTROL = math.log(1e-7), math.log(1e-9), math.log(1e-12)
_SIGN, _MISPLACED = math.log(3e-3), math.log(1e-8)
_CAPITAL = math.log(1e-4)
"""A capital after a small letter, or a small letter within capitals, where one of them is beyond ASCII."""
_FOREIGN = 0.002
"""How many names are of another language than the others."""
_SCRIPTS = {"ja", "ko", "zh", "zh_Hant"}
"""Languages whose tables have characters, not pairs."""
_MOST_WORDS = 80
_HEADER = math.log(30)
_COMMON_HEADER = math.log(4)
_MOST_HEADERS = 4
_OF_THE_EAST = "※○●◎□■△▲▽▼☆★→①②③④⑤⑥⑦⑧⑨⑩・"
_PARTNERS = {"‘": "’", "«": "»", "»": "«", "“": "”„", "”": "“„”", "„": "“”", "‹": "›", "›": "‹"}
"""Quotation marks, each with those that it stands with."""
_CEDILLAS = str.maketrans("șț", "şţ")
"""How Romanian is spelt in encodings that are older than its own letters."""
_DUTCH = ("t ", "s ", "n ")
_BEFORE, _AFTER, _BETWEEN, _APART = "«“„‹‘¿¡", "»”“›’™®", "’´\u2011", "€£§½¼¾№…µ©×±–—·•\u00a0"
"""Where signs stand: before a word, after one, between letters, or beside none."""


@cache
def languages() -> tuple[str, ...]:
    """The languages that there is a table for."""
    return tuple(sorted(path.stem for path in (shipped("schema") / "letters").glob("*.tsv")))


@cache
def _tables() -> tuple[dict[str, Likelihoods], dict[str, Likelihoods], dict[str, Likelihoods]]:
    """By pair how often it is in each language; by letter how often it begins a pair, and how often it is at all."""
    names = languages()
    pairs: dict[str, Likelihoods] = {}
    for place, name in enumerate(names):
        for line in (shipped("schema") / "letters" / f"{name}.tsv").read_text(encoding="utf-8").splitlines():
            pair, often = line.split("\t")
            for spelt in {pair, pair.translate(_CEDILLAS) if name == "ro" else pair}:
                pairs.setdefault(spelt, np.zeros(len(names)))[place] = float(often)
    first: dict[str, Likelihoods] = {}
    single: dict[str, Likelihoods] = {}
    for pair, shares in pairs.items():
        for table, letter in ((first, pair[0]), (single, pair[-1])):
            table[letter] = table.get(letter, np.zeros(len(names))) + shares
    return pairs, first, single


@cache
def _pair(before: str, letter: str) -> Likelihoods:
    """The logarithm of how likely a letter follows another, in each language."""
    pairs, first, single = _tables()
    nothing = np.zeros(len(languages()))
    alone = np.maximum(single.get(letter, nothing) / _PAIRS, math.exp(_UNKNOWN))
    likely = (pairs.get(before + letter, nothing) + _UNSEEN * alone) / (first.get(before, nothing) + _UNSEEN)
    in_characters = np.array([name in _SCRIPTS for name in languages()])
    found: Likelihoods = np.log(np.where(in_characters, alone, likely))
    return found


@cache
def _word(word: str) -> Likelihoods:
    """The logarithm of how likely a word is, in each language."""
    found: Likelihoods = np.sum([_pair(*pair) for pair in pairwise(f"_{word.lower()}_")], axis=0)
    return found


class Signs(NamedTuple):
    """Of what is beyond ASCII in a text: the logarithm of how likely its signs and capitals stand so, whatever the language; how
    many of them are odd; and how many words there are.
    """

    weight: float
    odd: int
    words: int


def likelihoods(text: str) -> tuple[Likelihoods, Signs]:
    """The logarithm of how likely the words of a text are in each language; only those beyond ASCII, each once; and its signs."""
    text = unicodedata.normalize("NFC", text)
    words = list(dict.fromkeys(word for word in _words(text) if not word.isascii()))[:_MOST_WORDS]
    signs, oddities = set(_signs(text)), sum(map(_oddities, words))
    odd = oddities + sum(weight <= _MISPLACED for _, weight in signs)
    return of_words(words), Signs(oddities * _CAPITAL + sum(weight for _, weight in signs), odd, len(words))


def of_words(words: Iterable[str]) -> Likelihoods:
    """The logarithm of how likely words are in each language, one in many being of another one."""
    found = np.zeros(len(languages()))
    for word in words:
        own = _word(word)
        other = float(np.logaddexp.reduce(own) - math.log(len(own)))
        found += np.logaddexp(own + math.log(1 - _FOREIGN), other + math.log(_FOREIGN))
    return found


def ascii_words(text: str) -> list[str]:
    """The words of a text that tell of its language whatever its encoding."""
    return list(dict.fromkeys(word for word in _words(text) if word.isascii() and len(word) > 2))[:_MOST_WORDS]


def _words(text: str) -> Iterator[str]:
    return iter("".join(char if char.isalpha() or unicodedata.category(char)[0] == "M" else " " for char in text).split())


def _oddities(word: str) -> int:
    """How many letters beyond ASCII stand in a word as none does: a capital after a small letter, a small one within capitals,
    one of another script beside a Latin one. What is written without spaces may stand beside initials.
    """
    odd = 0
    for number, (before, letter) in enumerate(pairwise(word)):
        if before.isascii() and letter.isascii():
            continue
        odd += before.islower() and letter.isupper()
        odd += number > 0 and before.isupper() and word[number - 1].isupper() and letter.islower()
        latin, other = (before, letter) if _is_latin(before) else (letter, before)
        if _is_latin(latin) and not _is_latin(other):
            odd += 2 if unicodedata.east_asian_width(other) not in "WF" or latin.islower() else 0
    return odd


@cache
def _is_latin(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith(("LATIN", "COMBINING", "FEMININE", "MASCULINE"))


def _signs(text: str) -> Iterator[tuple[str, float]]:
    """The characters beyond ASCII that are no letters, or letters beside digits, each with the logarithm of how likely it stands
    there: one that stands well is told once, an odd one wherever it stands otherwise.
    """
    for place, char in enumerate(text):
        if not char.isascii():
            before, after = text[max(place - 3, 0) : place], text[place + 1 : place + 3]
            if weight := _MISPLACED if _is_single(char, after, text) else _sign(before, char, after):
                yield (char if weight > _MISPLACED else before + char + after), weight


def _is_single(char: str, after: str, text: str) -> bool:
    """Whether a quotation mark has none that it stands with; ‘t and ‘s are Dutch words."""
    others = (partner for partner in _PARTNERS.get(char, "") if text.count(partner) > (partner == char))
    return char in _PARTNERS and not any(others) and not (char == "‘" and after in _DUTCH)


def _sign(before: str, char: str, after: str) -> float:
    """The logarithm of how likely a sign, or a letter beside a digit, stands behind three characters and before two."""
    within = before[-3:].isalpha() and len(before) == 3 and after.isalpha() and len(after) == 2
    begins = char in "¼½¾" and len(after) == 2 and after.isalpha()  # a word
    alone, capital = after[:1].isalpha() and not after[1:].isalpha(), after[:1].isupper()
    word = "".join(takewhile(str.isalpha, reversed(before)))[::-1]
    kind, last, after = unicodedata.category(char), before[-1:], after[:1]
    apart = not last.isalpha() and not after.isalpha()
    if char.isalpha() and kind != "Lo":
        beside = last.isdigit() + after.isdigit()
        return _ODD if beside == 2 or (beside and char.islower()) else 0.0
    if kind in ("Cc", "Co", "Cn", "Cs"):
        return _CONTROL
    if kind[0] == "M":
        return 0.0 if last.isalpha() or unicodedata.category(last or " ")[0] == "M" else _ODD
    if char.isalpha() and char not in "ªº":
        return 0.0
    if unicodedata.east_asian_width(char) in "WF" or char in _OF_THE_EAST:
        return _MISPLACED if _is_latin(last or " ") or _is_latin(after or " ") else _SIGN
    if char in "²³":
        well = last.isdigit() or word.casefold() in ("m", "cm", "km", "dm", "mm")
    elif char in "°ºª":
        well = not after.isalpha() and (not word or word in "Nn" or (char != "°" and len(word) < 3))
    elif char == "´":  # an accent for an apostrophe: D´Or, Smith´s
        well = last.isalpha() and (alone or capital or not after.isalpha())
    elif char in _BETWEEN:
        well = apart or (not within if last.isalpha() else alone)  # an article or an ending stands beside it, not half a name
    elif char in "“”«»‹›":  # what opens in one language closes in another
        well = not last.isalpha() or not after.isalpha()
    elif char in _BEFORE + _AFTER:
        well = not (last if char in _BEFORE else after).isalpha()
    else:
        well = apart and char in _APART
    if well:
        return _SIGN
    known = char in _BEFORE + _AFTER + _BETWEEN + _APART + "²³°ºª" and not begins
    return _MISPLACED if known else _ODD + (0 if apart else _MISPLACED)


def headers(cells: Iterable[str]) -> Likelihoods:
    """How much the known headers among some cells speak for each language, as a logarithm; English ones do for none."""
    counts: dict[str, float] = {}
    for cell in {cell.casefold().strip() for cell in cells}:
        spoken = header_languages(cell) - {"technical"}
        for language in spoken if len(spoken) < 4 and "en" not in spoken else ():
            counts[language] = counts.get(language, 0.0) + (_COMMON_HEADER if cell.isascii() else _HEADER)
    most = _MOST_HEADERS * _COMMON_HEADER
    return np.array([min(counts.get(name.split("_")[0], 0.0), most) for name in languages()])
