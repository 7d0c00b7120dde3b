"""Words: headers as they are compared, and whether a word is one that files have for a header."""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache

from daemon.datasets.dataset import datasets, synonyms

_NUMBER = re.compile(r"^(?:n|nr|num|numero|nummer|number|numer|numeru|numar|nummeret|numara|numarasi|broj|br|no|nos)$")
_NUMBER_ENDING = re.compile(r"(?:nummer|numero|number|nr|num)$")
_LETTERS = str.maketrans({"ł": "l", "ı": "i", "đ": "d", "ø": "o"})
_CEDILLAS = str.maketrans("ţş", "țș")
_UNITS = {"eur", "usd", "gbp", "chf", "sek", "pln", "ron", "try", "brl", "cny", "jpy", "lei", "kn"}
_SMALL = {"a", "da", "de", "del", "della", "der", "des", "di", "do", "dos", "la", "le", "of", "the", "van", "von"}


@lru_cache(1 << 14)
def plain(header: str) -> str:
    """A header without case, accents, punctuation and units, every word for `number` the same."""
    header = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)
    text = unicodedata.normalize("NFKD", header.casefold().translate(_LETTERS))
    text = "".join(char for char in text if not unicodedata.combining(char))
    text = re.sub(rf"\((?:{'|'.join(_UNITS)}|[€$£])\)", " ", text)
    words = re.sub(r"[^\w]+|_", " ", text).split()
    if len(words) > 1 and words[-1] in _UNITS:
        words.pop()
    telling = [word for word in words if word not in _SMALL]
    words = telling if len(telling) > 1 else words
    return " ".join("no" if _NUMBER.match(word) else _NUMBER_ENDING.sub("no", word) for word in words)


def _folded(word: str) -> str:
    """A word in lower case; Romanian's letters are the same with a comma and with a cedilla."""
    return word.casefold().strip().translate(_CEDILLAS)


@cache
def _known() -> Mapping[str, frozenset[str]]:
    """What files are known to have for headers, in lower case, each with the languages in which they do."""
    known: dict[str, set[str]] = {}
    for name, dataset in datasets().items():
        for names in synonyms(name).values():  # those of columns that are no field among them: they are headers as well
            for language, each in names.items():
                for word in each:
                    known.setdefault(_folded(word), set()).add(language.split("_")[0])
        for field, described in dataset.fields.items():
            for language, word in [
                ("technical", field),
                *described.label.items(),
                *(("technical", n) for n in described.synonyms),
            ]:
                known.setdefault(_folded(word), set()).add(language.split("_")[0])
    return {word: frozenset(each) for word, each in known.items()}


@cache
def _plainly_known() -> frozenset[str]:
    return frozenset(map(plain, _known())) - {""}


def header_languages(cell: str) -> frozenset[str]:
    """The languages in which files have this word for a header; none where it is not known as one."""
    return _known().get(_folded(cell), frozenset())


@lru_cache(1 << 14)
def is_header(cell: str) -> bool:
    """Whether files are known to have this word for a header, of any dataset, in whatever language."""
    digits = sum(map(str.isdigit, cell))  # which a value has more of, mostly, and that is quickly told
    return 1 < len(cell.strip()) < 80 and digits <= _most_digits() and plain(cell) in _plainly_known()


@cache
def _most_digits() -> int:
    return max(sum(map(str.isdigit, word)) for word in _plainly_known())
