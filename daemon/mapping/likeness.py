"""Headers compared with the names that fields go by, in many languages."""

from collections import Counter
from dataclasses import dataclass
from functools import cache

from rapidfuzz import fuzz

from daemon.datasets import Dataset, plain, synonyms

_ANYWHERE = {"technical", "en"}
"""Names that files of every language use."""
_ALIKE = 0.85
_FOREIGN = 0.9
_COVERING = 0.6


@dataclass(frozen=True)
class Likeness:
    """How much a header is like a field's name, 0 to 1; the name, and the language it is in."""

    score: float
    name: str = ""
    language: str = ""
    exact: bool = False


@cache
def nothing(dataset: str) -> frozenset[str]:
    """The headers of columns that are none of a dataset's fields, whatever they are like: plain."""
    return frozenset(plain(name) for names in synonyms(dataset).get("nothing", {}).values() for name in names)


class Names:
    """The names of a dataset's fields."""

    def __init__(self, dataset: Dataset) -> None:
        known_as = synonyms(dataset.name)
        self._fields: dict[str, dict[str, tuple[str, str]]] = {}
        for field in dataset.mappable:
            described = dataset.fields[field]
            each = [("technical", field), *described.label.items()]
            each += [("technical", name) for name in described.synonyms]
            each += [(language, name) for language, names in known_as.get(field, {}).items() for name in names]
            known = self._fields.setdefault(field, {})
            for language, name in each:
                if plain(name) not in known or language in _ANYWHERE:
                    known[plain(name)] = (language, name)
        self._languages = {
            (field, plain(name), language)
            for field in dataset.mappable
            for language, names in known_as.get(field, {}).items()
            for name in names
        }

    def language(self, header: list[str]) -> str | None:
        """The language that most of a file's headers are in, None where that cannot be told."""
        votes = Counter(language for title in header for _, name, language in self._languages if name == plain(title))
        votes.pop("technical", None)
        ranked = votes.most_common(2)
        return ranked[0][0] if ranked and (len(ranked) == 1 or ranked[0][1] > ranked[1][1]) else None

    def likeness(self, header: str, field: str, language: str | None) -> Likeness:
        """How much a header of a file in `language` is like a field's names; of two names the more usual counts more."""
        title, best = plain(header), Likeness(0.0)
        for place, (name, (spoken, written)) in enumerate(self._fields[field].items()):
            if not title or not name:
                continue
            own = spoken in _ANYWHERE or language in (None, spoken) or (field, name, language) in self._languages
            score = (1.0 if own else _FOREIGN) if title == name else _similar(title, name) if own else 0.0
            score -= min(place, 100) * 0.00004
            if score > best.score:
                best = Likeness(score, written, spoken, exact=title == name)
        return best


def _similar(title: str, name: str) -> float:
    """How alike two plain headers are, below 1; 0 where it is too little to mean anything.

    Word by word, for `our order` and `your order` have most letters in common: each word must be the other's beginning, or
    nearly the same.
    """
    words, others = title.split(), name.split()
    if sorted(words) == sorted(others):
        return 0.95
    if len(words) == len(others):
        alone = len(words) == 1
        return min((_alike(*pair, alone=alone) for pair in zip(words, others, strict=True)), default=0.0)
    if f" {name} " in f" {title} ":
        return 0.5 + 0.3 * len(name) / len(title)
    return 0.95 if "".join(words) == "".join(others) else 0.0


def _alike(word: str, other: str, *, alone: bool) -> float:
    """How alike two words are: the same, one the other's beginning or abbreviation, or spelt nearly the same.

    Of words that stand alone more must be there: `Cont` may be an account or a contract.
    """
    if word == other:
        return 0.99
    short, long = sorted((word, other), key=len)
    if long.startswith(short) and short.isalpha() and (len(short) >= _COVERING * len(long) if alone else len(short) > 1):
        return 0.9
    if not alone and short[:1] == long[:1] and 1 < len(short) < 5 and _letters_in_order(short, long):
        return 0.8
    ratio = fuzz.ratio(word, other) / 100
    return ratio * 0.97 if ratio >= _ALIKE and (len(short) > 4 or not word.isascii()) else 0.0


def _letters_in_order(short: str, long: str) -> bool:
    """Whether one word abbreviates the other by leaving out letters: `vlr` for `valor`."""
    letters = iter(long)
    return all(letter in letters for letter in short)
