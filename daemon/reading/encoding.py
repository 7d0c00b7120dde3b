"""The encoding of a text: by its byte order mark, by proof, or by all that speaks for one, weighed together."""

import codecs
import re
from collections.abc import Iterator
from functools import cache

from daemon.errors import FileRefused, Refusal
from daemon.reading.weighing import Clues, Seen, WhatElse, decodes, weigh

_MARKS = [
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
]
_ESCAPES = [
    (re.compile(rb"\x1b\$\)C"), "iso2022_kr"),
    (re.compile(rb"\x1b\$[@B]|\x1b\(J"), "iso2022_jp"),
    (re.compile(rb"\x1b\$\([DQ]|\x1b\(I"), "iso2022_jp_ext"),
    (re.compile(rb"~\{(?:[\x21-\x7e]{2})+~\}"), "hz"),
]
"""What shifts a text of seven bits to other letters."""
_NO_TEXT = ("utf-7", "idna", "punycode", "unicode", "raw")
_SEQUENCES, _TO_ONE = 4, 3
"""So many good sequences prove UTF-8; beside bad bytes, so many to one."""


def byte_order_mark(head: bytes) -> tuple[str, int] | None:
    """The encoding that a text's first bytes declare, and how many bytes say so."""
    return next(((encoding, len(mark)) for mark, encoding in _MARKS if head.startswith(mark)), None)


@cache
def is_plain(name: str) -> bool:
    """Whether ASCII is itself in an encoding, and no byte of it part of anything else: lines can be told apart in its bytes."""
    if name.startswith(("utf-16", "utf-32", "iso2022", "hz")):
        return False
    return bytes(range(128)).decode(name, "replace") == "".join(map(chr, range(128)))


def declared(name: str, head: bytes) -> str:
    """Python's name for a declared encoding of a file that begins with `head`, and not with a byte order mark.

    Raises FileRefused for one that is none.
    """
    try:
        found = codecs.lookup(name).name
        "a".encode(found).decode(found)
    except (LookupError, UnicodeError, ValueError):
        found = "raw"
    if found.startswith(_NO_TEXT):
        raise FileRefused(Refusal.ENCODING_UNKNOWN, "no_such_encoding", encoding=name)
    if found in ("utf-16", "utf-32"):
        ordered = _wide(head)
        if ordered is None or not ordered.startswith(found):
            raise FileRefused(Refusal.ENCODING_UNKNOWN, "no_byte_order_mark", encoding=found)
        return ordered
    return found


def detect(chunks: Iterator[bytes], language: str | None = None, clues: WhatElse = Clues) -> str:
    """The encoding of a whole text without a byte order mark.

    ASCII is proven over every byte, UTF-8 by its sequences, UTF-16 and UTF-32 by where their NULs stand, what shifts by its
    escapes. Of the rest all is weighed that speaks for one of the encodings: the language, the headers, letter pairs, signs and
    capitals, the clues, chardet's word. Raises FileRefused, with the likeliest readings, when that is not clear.
    """
    seen = Seen()
    for number, chunk in enumerate(chunks):
        if number == 0 and (wide := _wide(chunk)):
            return wide
        seen.see(chunk)
    if seen.is_ascii:
        return next((name for form, name in _ESCAPES if form.search(seen.head) and decodes(seen.head, name)), "ascii")
    if seen.good >= _SEQUENCES and seen.good >= _TO_ONE * seen.bad:
        return "utf-8"
    return weigh(seen, language, clues())


def _wide(head: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark, told by the NULs that their ASCII characters have in the same places."""
    places = len(head[:4096]) // 4
    nuls = [head[place:4096:4].count(0) for place in range(4)]
    often, never = [count > 0.4 * places for count in nuls], [count < 0.05 * places for count in nuls]
    if not places:
        return None
    if all(often[1:]) and never[0]:
        return "utf-32-le"
    if all(often[:3]) and never[3]:
        return "utf-32-be"
    if never[0] and often[1] and never[2] and often[3]:
        return "utf-16-le"
    return "utf-16-be" if often[0] and never[1] and often[2] and never[3] else None
