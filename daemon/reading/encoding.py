"""The encoding of a text: by its byte order mark, by proof, or by chardet; never by a guess that a byte contradicts."""

import codecs
from collections.abc import Iterator

import chardet

from daemon.errors import FileRefused, Refusal

_MARKS = [
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
]
_SAMPLE = 1 << 18
# Single-byte encodings decode each other's texts; chardet tells these, whose characters are pairs of bytes, reliably.
_MULTIBYTE = {"shift_jis", "cp932", "euc_jp", "gb18030", "gb2312", "gbk", "big5", "cp950", "euc_kr", "cp949"}
_SURE = 0.5


def byte_order_mark(head: bytes) -> tuple[str, int] | None:
    """The encoding that a text's first bytes declare, and how many bytes say so."""
    return next(((encoding, len(mark)) for mark, encoding in _MARKS if head.startswith(mark)), None)


def declared(name: str) -> str:
    """Python's name for a declared encoding.

    Raises FileRefused for one that is none, or in which ASCII is not itself: lines could not be told apart in it.
    """
    try:
        found = codecs.lookup(name).name
        plain = found.startswith(("utf-16", "utf-32")) or bytes(range(128)).decode(found) == "".join(map(chr, range(128)))
    except (LookupError, UnicodeError, ValueError):
        plain = False
    if not plain or found.startswith(("iso2022", "hz", "utf-7", "idna", "punycode", "unicode", "raw")):
        raise FileRefused(Refusal.ENCODING_UNKNOWN, f'[format] encoding: "{name}" is none that can be read')
    return found


def detect(chunks: Iterator[bytes]) -> str:
    """The encoding of a whole text without a byte order mark.

    ASCII and UTF-8 are proven over every byte, UTF-16 by where its NULs stand. The rest is cp1252 where that makes words,
    else chardet's word on the lines that are not ASCII. Raises FileRefused when nothing fits.
    """
    utf8 = codecs.getincrementaldecoder("utf-8")()
    line, size, fault = 1, 0, None
    sample: list[bytes] = []
    for number, chunk in enumerate(chunks):
        if number == 0 and (wide := _utf16(chunk)):
            return wide
        if not chunk.isascii() and size < _SAMPLE:
            sample += (part for part in chunk.split(b"\n") if not part.isascii())
            size += len(chunk)
        if fault is None:
            try:
                utf8.decode(chunk)
            except UnicodeDecodeError as error:
                fault = (line + error.object[: error.start].count(b"\n"), error.object[error.start])
        line += chunk.count(b"\n")
    return "utf-8" if fault is None else _legacy(sample, *fault)


def _utf16(head: bytes) -> str | None:
    """UTF-16 without a mark, told by the NULs that its ASCII characters have in every second place."""
    half = len(head[:4096]) // 2
    even, odd = head[:4096:2].count(0), head[1:4096:2].count(0)
    if half and max(even, odd) > 0.4 * half and min(even, odd) < 0.05 * half:
        return "utf-16-be" if even > odd else "utf-16-le"
    return None


def _legacy(lines: list[bytes], line: int, byte: int) -> str:
    if any(_decodes(part, "utf-8") for part in lines):
        detail = f"line {line}: the byte {byte:02X} is no UTF-8, though other lines are; save the file in one encoding"
        raise FileRefused(Refusal.ENCODING_MIXED, detail)
    sample = b"\n".join(lines)
    found = [f for f in chardet.detect_all(sample) if f["encoding"]]
    names = [_python_name(str(f["encoding"])) for f in found if f["confidence"] >= _SURE]
    if not (names and names[0] in _MULTIBYTE) and _decodes(sample, "cp1252") and _makes_words(sample.decode("cp1252")):
        return "cp1252"
    for name in names:
        if _decodes(sample, name):
            return name
    detail = f"line {line}: the byte {byte:02X} fits none of the likely encodings; name one in [format] encoding"
    raise FileRefused(Refusal.ENCODING_UNKNOWN, detail)


def _makes_words(text: str) -> bool:
    """Whether accented letters stand as in Western words: never three in a row, and no other sign between two letters.

    Cyrillic or Greek read as cp1252 fails the first, a DOS code page or Central European the second.
    """
    row = 0
    for before, char, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if char.isascii():
            row = 0
        elif char.isalpha():
            row += 1
            if row == 3:
                return False
        elif before.isalpha() and after.isalpha() and char not in "\u2019\u2018\u2013\u2014\u00b7\u00b4\u00ad\u00a0":
            return False
    return True


def _python_name(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        return name.casefold()


def _decodes(sample: bytes, name: str) -> bool:
    try:
        sample.decode(name)
    except (LookupError, UnicodeDecodeError):
        return False
    return True
