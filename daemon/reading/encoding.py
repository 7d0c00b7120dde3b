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


def byte_order_mark(head: bytes) -> tuple[str, int] | None:
    """The encoding that a text's first bytes declare, and how many bytes say so."""
    return next(((encoding, len(mark)) for mark, encoding in _MARKS if head.startswith(mark)), None)


def detect(chunks: Iterator[bytes]) -> str:
    """The encoding of a whole text without a byte order mark.

    ASCII and UTF-8 are proven over every byte, UTF-16 by where its NULs stand; the rest is chardet's word on the lines
    that are not ASCII. Raises FileRefused when nothing fits.
    """
    utf8 = codecs.getincrementaldecoder("utf-8")()
    sample, line, fault, multibyte = bytearray(), 1, None, False
    for number, chunk in enumerate(chunks):
        if number == 0 and (wide := _utf16(chunk)):
            return wide
        if not chunk.isascii():
            sample += b"\n".join(part for part in chunk.split(b"\n") if not part.isascii())[: _SAMPLE - len(sample)]
        if fault is None:
            try:
                multibyte |= not utf8.decode(chunk).isascii()
            except UnicodeDecodeError as error:
                multibyte |= not error.object[: error.start].isascii()
                fault = (line + chunk[: error.start].count(b"\n"), error.object[error.start])
        line += chunk.count(b"\n")
    if fault is None:
        return "utf-8"
    return _legacy(bytes(sample), fault, multibyte)


def _utf16(head: bytes) -> str | None:
    """UTF-16 without a mark, told by the NULs that its ASCII characters have in every second place."""
    half = len(head[:4096]) // 2
    even, odd = head[:4096:2].count(0), head[1:4096:2].count(0)
    if half and max(even, odd) > 0.4 * half and min(even, odd) < 0.05 * half:
        return "utf-16-be" if even > odd else "utf-16-le"
    return None


def _legacy(sample: bytes, fault: tuple[int, int], multibyte: bool) -> str:
    line, byte = fault
    if multibyte:
        detail = f"line {line}: the byte {byte:02X} is no UTF-8, though lines before it are; save the file in one encoding"
        raise FileRefused(Refusal.ENCODING_MIXED, detail)
    names = [_python_name(found["encoding"]) for found in chardet.detect_all(sample) if found["encoding"]]
    for name in names[:1] if names and names[0] in _MULTIBYTE else ["cp1252", *names]:
        if _decodes(sample, name):
            return name
    detail = f"line {line}: the byte {byte:02X} fits none of the likely encodings; name one in [format] encoding"
    raise FileRefused(Refusal.ENCODING_UNKNOWN, detail)


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
