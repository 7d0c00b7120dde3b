"""What FTP servers answer when they are asked for a folder: MLSD's facts, or LIST's lines, Unix' and DOS' way. Pure.

Times are told to notice change and to sort by. LIST's are the server's local ones, to the minute, and taken for UTC.
"""

import calendar
import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}

_UNIX = re.compile(
    r"(?P<kind>[-dlbcps])[-rwxsStTlL]{9}\S?\s.*?(?P<size>\d+)\s+(?P<day>[^\W\d]{3,}\.?\s+\d{1,2}|\d{1,2}\.?\s+[^\W\d]{3,}\.?"
    r"|\d{4}-\d\d-\d\d)\s+(?P<time>\d{1,2}:\d\d|\d{4})(?::\d\d)?\s(?P<name>.+)"
)
_DOS = re.compile(
    r"(?P<date>\d\d-\d\d-\d{2,4}|\d{4}-\d\d-\d\d)\s+(?P<time>\d\d:\d\d)\s*(?P<half>[AaPp][Mm])?\s+(?:(?P<dir><DIR>)|(?P<size>[\d.,]+))\s+(?P<name>.+)"
)


@dataclass(frozen=True)
class Entry:
    """One line of a listing: its name as the server wrote it, whether it is a folder, its size (-1: not told) and its time."""

    name: str
    folder: bool
    size: int
    mtime: int


def fact_line(line: str) -> Entry | None:
    """A line of MLSD or MLST (RFC 3659): `type=file;size=3;modify=20261120063000; name`.

    None when it is neither a file nor a folder.
    """
    facts, _, name = line.strip("\r\n").lstrip(" ").partition(" ")
    known = {key.lower(): value for key, _, value in (fact.partition("=") for fact in facts.split(";"))}
    kind = known.get("type", "").lower()
    if kind not in ("file", "dir") or not name:
        return None
    return Entry(
        name,
        kind == "dir",
        int(known.get("size", 0 if kind == "dir" else -1)),
        moment(known["modify"]) if "modify" in known else 0,
    )


def moment(text: str) -> int:
    """`20261120063000`, with or without a fraction, as seconds since 1970. Raises ValueError."""
    return int(datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp())


def list_line(line: str, now: datetime) -> Entry | None:
    """A line of LIST; None when it is a link or a device. Raises ValueError for what is no line of a listing."""
    if unix := _UNIX.fullmatch(line):
        if unix["kind"] not in "-d":
            return None
        return Entry(unix["name"], unix["kind"] == "d", int(unix["size"]), _unix_time(unix["day"], unix["time"], now))
    if dos := _DOS.fullmatch(line):
        when = _dos_time(dos["date"], dos["time"], dos["half"])
        return Entry(dos["name"], bool(dos["dir"]), int(re.sub("[.,]", "", dos["size"] or "0")), when)
    raise ValueError(line)


def _unix_time(day: str, time: str, now: datetime) -> int:
    """`Nov 20 06:30` or `Nov 20 2025`. Without a year it is the last such day; months of other languages are only told apart."""
    words = re.findall(r"\w+", day)
    if len(words) == 3:
        return _seconds(datetime.fromisoformat(f"{day} {time}"))
    number, name = sorted(words, key=lambda word: not word.isdigit())
    month = _MONTHS.get(name[:3].title())
    if month is None:
        return zlib.crc32(f"{day} {time}".encode())
    if ":" not in time:
        return _seconds(datetime(int(time), month, int(number)))
    hour, minute = map(int, time.split(":"))
    years = (now.year + 1, now.year, now.year - 1, now.year - 2, now.year - 3, now.year - 4)  # 29 February has not every one
    for year in years:
        try:
            when = datetime(year, month, int(number), hour, minute)
        except ValueError:
            continue
        if when <= now.replace(tzinfo=None) + timedelta(days=2):
            return _seconds(when)
    raise ValueError(day)


def _dos_time(date: str, time: str, half: str | None) -> int:
    year = "%y" if len(date) == 8 else "%Y"
    shape = "%Y-%m-%d" if date[4] == "-" else f"%m-%d-{year}"
    clock = "%I:%M%p" if half else "%H:%M"
    return _seconds(datetime.strptime(f"{date} {time}{half or ''}", f"{shape} {clock}"))


def _seconds(when: datetime) -> int:
    return int(when.replace(tzinfo=UTC).timestamp())
