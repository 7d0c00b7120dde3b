"""What FTP servers answer when they are asked for a folder."""

from datetime import UTC, datetime

import pytest

from daemon.drops.ftp_lines import Entry, fact_line, list_line

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def at(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(("line", "entry"), [
    ("-rw-r--r--   1 erp      users        1234 Nov 20 06:30 ITEMS.csv", Entry("ITEMS.csv", False, 1234, at(2026, 11, 20, 6, 30))),
    ("-rw-r--r--   1 erp      users        1234 Dec 31 23:50 a b  c.csv", Entry("a b  c.csv", False, 1234, at(2025, 12, 31, 23, 50))),
    ("-rw-r--r--   1 erp  users  1234 Jan  3  2024 old.csv", Entry("old.csv", False, 1234, at(2024, 1, 3))),
    ("-rw-r--r--   1 1001     5 Feb 29 12:00 leap", Entry("leap", False, 5, at(2024, 2, 29, 12))),
    ("drwxr-xr-x   2 erp users  4096 Nov 20 06:30 sub", Entry("sub", True, 4096, at(2026, 11, 20, 6, 30))),
    ("-rw-rw----+  1 DOMAIN\\erp Domain Users  77 Nov  2 06:30 x", Entry("x", False, 77, at(2026, 11, 2, 6, 30))),
    ("-rw-r--r--   1 ftp ftp  12 2026-11-20 06:30 iso.csv", Entry("iso.csv", False, 12, at(2026, 11, 20, 6, 30))),
    ("-rw-r--r--   1 ftp ftp  12 20 Nov 06:30 day-first.csv", Entry("day-first.csv", False, 12, at(2026, 11, 20, 6, 30))),
    ("-rw-r--r--   1 ftp ftp  12 Nov 23 10:00 clock-ahead", Entry("clock-ahead", False, 12, at(2026, 11, 23, 10))),
    ("11-20-26  06:30AM                 1234 ITEMS.csv", Entry("ITEMS.csv", False, 1234, at(2026, 11, 20, 6, 30))),
    ("11-20-2026  12:05AM            1,234 MID.csv", Entry("MID.csv", False, 1234, at(2026, 11, 20, 0, 5))),
    ("2026-11-20  18:30                 12 x y.csv", Entry("x y.csv", False, 12, at(2026, 11, 20, 18, 30))),
    ("11-20-26  06:30PM       <DIR>          sub", Entry("sub", True, 0, at(2026, 11, 20, 18, 30))),
    ("lrwxrwxrwx   1 erp users 11 Nov 20 06:30 link -> /etc/passwd", None),
    ("prw-r--r--   1 erp users  0 Nov 20 06:30 pipe", None),
])  # fmt: skip
def test_a_line_of_list(line: str, entry: Entry | None) -> None:
    """Unix' and DOS' way, with spaces in names and owners, and years that must be guessed the same way every day."""
    assert list_line(line, NOW) == entry


def test_months_of_other_languages_tell_change() -> None:
    """Nobody knows when it was, but another time is another number."""
    first, second = (list_line(f"-rw-r--r-- 1 a b 5 {day} déc 06:30 x", NOW) for day in (20, 21))
    assert first
    assert second
    assert first.mtime != second.mtime


@pytest.mark.parametrize(
    "line", ["", "garbage", "-rw-r--r-- 1 a b five Nov 20 06:30 x", "226 done", "-rw-r--r-- 1 a b 5 Nov 99 06:30 x"]
)
def test_what_is_no_line_is_said(line: str) -> None:
    """It is logged and left out; the lines around it are good."""
    with pytest.raises(ValueError):  # noqa: PT011
        list_line(line, NOW)


def test_a_line_of_facts() -> None:
    """MLSD: types in any case, names with spaces at their front, fractions of a second; the folder itself is left out."""
    assert fact_line("type=file;size=3;modify=20261120063000.123;  a b") == Entry(" a b", False, 3, at(2026, 11, 20, 6, 30))
    assert fact_line("Type=DIR;Modify=20261120063000; sub") == Entry("sub", True, 0, at(2026, 11, 20, 6, 30))
    assert fact_line("type=cdir;modify=20261120063000; .") is None
    assert fact_line("type=OS.unix=slink:/etc/passwd;size=1; link") is None
