"""Dates: text to a date by a pattern, and the order of day and month that a column proves."""

import datetime
import re
from collections.abc import Iterable
from functools import lru_cache

from babel import Locale

from daemon.profiles import DATE_PATTERN, DAY_OF_YEAR, SERIAL, Conventions

EARLIEST, LATEST = datetime.date(1900, 1, 1), datetime.date(2199, 12, 31)
"""Open items are not older or later; a year like 0201 or 12025 is a slip of the hand."""

ISO = "yyyy-mm-dd"
_DAY_SECOND = "yyyy-dd-mm"
"""Written by few, and taken for proven only where no day stands at the end."""
LANGUAGES = ("en", "sv", "pt_BR", "zh", "hr", "de", "nl", "es", "fr", "it", "ja", "pl", "pt", "ro", "tr")
"""The languages whose names of months, and whose headers, are known."""
_NEIGHBOURS = ("cs", "sk", "sl", "da", "nb", "fi", "hu", "et", "lv", "lt", "ca", "ru", "uk", "bg", "sr", "el")
"""Languages whose months, too, are known, and may mean another month by the same name."""
_PARTS = {
    "yyyy": r"(?P<y>\d{4})",
    "yy": r"(?P<y>\d{2})",
    "mm": r"(?P<m>\d{1,2})",
    "dd": r"(?P<d>\d{1,2})",
    "mmm": r"(?P<m>[^\W\d_]+)\.?",
}
_TIME = r"(?:,?[ T](?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?: ?[AaPp][Mm])?(?:Z|[+-](?:0\d|1[0-4]):?[0-5]\d)?)?"
BLANK = (
    r"^[0./\- ]*$|^(?:31[-./]12[-./]9999|12[-./]31[-./]9999|9999[-./]?12[-./]?31|31129999|12319999|9{6,8}"
    r"|0001-01-01|01[-./]01[-./]0001|1753-01-01|01[-./]01[-./]1753|1899-12-3[01]|3[01][-./]12[-./]1899)(?:[ T][0-9:.]*Z?)?$"
)
"""How ERPs print that there is no date, or no end: `00000000`, `00/00/0000`, `0`, `31.12.9999`; and the first days that .NET,
Navision's database and FoxPro know of.
"""
_EPOCH = datetime.date(1899, 12, 30)
"""Day 0 of a spreadsheet: it takes 1900 for a leap year, so its numbers are right from March 1900 on."""
_ERAS = {"R": 2018, "令和": 2018, "H": 1988, "平成": 1988, "S": 1925, "昭和": 1925}
"""Japan's eras, each with the year before its first."""
_ERA_DAY = re.compile(r"^([^\W\d_]{1,2})?(\d{1,4})[年](\d{1,2})[月](\d{1,2})[日]$")
_AROUND = re.compile(r"^[^\W\d_]{2,9}[.,]? (?=[0-9]{1,2}[ .])|(?<=^1)(?:er|º|ª|°)(?= )|(?<=[0-9]) ?[rг]\.?$")
"""What may stand around a date in words: the day of the week, `1er`, the Slavic `r.` for the year."""
_SHORT = {"mrz": 3, "mrt": 3, "ene": 1, "set": 9, "sept": 9}


def is_blank(text: str) -> bool:
    """Whether a text is how ERPs print that there is no date."""
    return bool(re.match(BLANK, text))


def parse(text: str, conventions: Conventions) -> datetime.date | None:
    """The date that `text`, in Latin digits, writes by the conventions, or None.

    Any of `- / . space` may stand for the pattern's separator. A time of day after it is left off: the date counts as written.
    """
    pattern = conventions.date or ISO
    if pattern == SERIAL:
        return _day(text)
    if pattern in DAY_OF_YEAR or conventions.calendar:
        return _of_calendar(text, conventions)
    match = _match(pattern, text)
    if match is None:
        return None
    year, month = int(match["y"]), match["m"]
    if len(match["y"]) == 2:
        year += 2000 if year < (conventions.pivot or 0) else 1900
    number = int(month) if month.isdigit() else _months(conventions.language).get(month.casefold())
    if number is None:
        return None
    try:
        date = datetime.date(year, number, int(match["d"]))
    except ValueError:
        return None
    return date if EARLIEST <= date <= LATEST else None


def _match(pattern: str, text: str) -> re.Match[str] | None:
    """A text as a pattern takes it; a month that comes first is no day of the week."""
    expression = _expression(pattern)
    return expression.fullmatch(text) or expression.fullmatch(_AROUND.sub("", text))


def _of_calendar(text: str, conventions: Conventions) -> datetime.date | None:
    """A date that counts its days through the year, its centuries from 1900, or its years otherwise than ours."""
    pattern = conventions.date or ISO
    if form := DAY_OF_YEAR.get(pattern):
        match = re.fullmatch(form, text)
        if match is None:
            return None
        year = int(match["y"]) + 100 * (19 + int(match["c"])) if "(?P<c>" in form else int(match["y"])
        if "m" in match.groupdict():
            return _date(year, int(match["m"]), int(match["d"]))
        day = (
            datetime.date(year, 1, 1) + datetime.timedelta(int(match["n"]) - 1) if EARLIEST.year <= year <= LATEST.year else None
        )
        return day if day and day.year == year else None
    text = text.replace("元年", "1年")  # an era's first year
    match = re.fullmatch(
        r"(?P<era>[^\W\d_]{1,2})?(?P<y>\d{1,4})(?P<s>[-./ ])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})",
        _ERA_DAY.sub(r"\1\2-\3-\4", text.replace("元年", "1年")),
    )
    if conventions.calendar == "buddhist" and not (match and not match["era"] and len(match["y"]) == 4):
        turned = re.fullmatch(r"(?P<d>\d{1,2})(?P<s>[-./ ])(?P<m>\d{1,2})(?P=s)(?P<y>\d{4})", text)
        return _date(int(turned["y"]) - 543, int(turned["m"]), int(turned["d"])) if turned else None
    if match is None:
        return None
    begins = {"buddhist": -543, "minguo": 1911}.get(conventions.calendar or "", _ERAS.get((match["era"] or "").upper()))
    return None if begins is None else _date(int(match["y"]) + begins, int(match["m"]), int(match["d"]))


def _date(year: int, month: int, day: int) -> datetime.date | None:
    try:
        date = datetime.date(year, month, day)
    except ValueError:
        return None
    return date if EARLIEST <= date <= LATEST else None


def _day(text: str) -> datetime.date | None:
    """The date of a spreadsheet's day number, its time of day left off."""
    number = re.fullmatch(r"(\d{5,6})(?:\.\d+)?", text, re.ASCII)
    date = _EPOCH + datetime.timedelta(int(number[1])) if number else LATEST
    return date if date < LATEST else None


@lru_cache
def _expression(pattern: str) -> re.Pattern[str]:
    parts = DATE_PATTERN.fullmatch(pattern)
    assert parts  # profiles are checked, and the rest is written here
    first, separator, second, third = parts.groups()
    if not separator:
        digits = [_PARTS[part].replace("{1,2}", "{2}") for part in (first, second, third)]
        return re.compile("".join(digits) + _TIME, re.ASCII)
    if "mmm" in pattern:
        between = r"(?:[-/. ]|, ?|\. ?| (?:de|of|di|den) )"
        return re.compile(between.join(_PARTS[part] for part in (first, second, third)) + _TIME, re.IGNORECASE)
    return re.compile(rf"{_PARTS[first]}(?P<s>[-/.] ?| ){_PARTS[second]}(?P=s){_PARTS[third]}\.?{_TIME}", re.ASCII)


@lru_cache
def _months(language: str | None) -> dict[str, int]:
    """The names of months, long and short, in one language; or in all known, but for those that differ between them."""
    meant: dict[str, set[int]] = {}
    cut: dict[str, set[int]] = {}
    for locale in [Locale.parse(language)] if language else map(Locale.parse, (*LANGUAGES, *_NEIGHBOURS)):
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in locale.months[context][width].items():
                    plain = name.casefold().rstrip(".")
                    meant.setdefault(plain, set()).add(number)
                    for form in {plain[:3], plain[:4]}:
                        cut.setdefault(form, set()).add(number)
    return _SHORT | {name: min(numbers) for name, numbers in (cut | meant).items() if len(numbers) == 1}


PROVABLE = ("dd/mm/yyyy", "mm/dd/yyyy", ISO, "yyyymmdd", "ddmmyyyy", "dd/mm/yy", "mm/dd/yy", "yy/mm/dd",
            "dd mmm yyyy", "mmm dd yyyy", "dd mmm yy")  # fmt: skip


def fitting(text: str, language: str | None = None) -> frozenset[str]:
    """The patterns under which `text`, in Latin digits, is a date, be it one that no month has (31/11): that is a slip, and no
    proof of another order; a day number only where it is nothing else.
    """
    found = frozenset(str(known.date) for known in _provable(language) if parse(text, known) or _is_slip(text, known))
    if found <= {ISO, _DAY_SECOND} and parse(text, _known(_DAY_SECOND, language)):
        found |= {_DAY_SECOND}
    return found or frozenset({SERIAL} if _day(text) else ())


def _is_slip(text: str, known: Conventions) -> bool:
    """Whether a text is the 29th, 30th or 31st of a month that has no such day."""
    match = _match(str(known.date), text)
    if match is None or not 29 <= int(match["d"]) <= 31:
        return False
    month = match["m"]
    number = int(month) if month.isdigit() else _months(known.language).get(month.casefold(), 0)
    return 1 <= number <= 12


@lru_cache
def _provable(language: str | None) -> list[Conventions]:
    return [_known(pattern, language) for pattern in PROVABLE]


def _known(pattern: str, language: str | None) -> Conventions:
    return Conventions(date=pattern, pivot=70, language=language)


def proven(readings: Iterable[frozenset[str]]) -> set[str]:
    """The patterns that a column's texts leave, each text given as those that fit it.

    One means proven, but for day numbers, which are numbers like any other. None: nothing in the column is a date.
    Several: each could be meant, or two are proven at once.
    """
    told = [reading for reading in readings if reading]
    sure = {pattern for reading in told if len(reading) == 1 for pattern in reading} - {SERIAL}
    left = sure or (set(frozenset.intersection(*told)) or set(PROVABLE) if told else set())
    return left - {_DAY_SECOND} if ISO in left else left
