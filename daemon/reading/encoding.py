"""The encoding of a text: by its byte order mark, by proof, or by chardet; never by a guess that a byte contradicts."""

import codecs
import re
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
_WESTERN = ("cp1252", "iso8859-15", "cp850", "cp437", "mac-roman")
_CENTRAL = ("cp1250", "iso8859-2", "cp852", "mac-latin2")
_CYRILLIC = ("cp1251", "koi8-r", "cp866", "iso8859-5", "mac-cyrillic")
_OF_LANGUAGE = {
    **dict.fromkeys(["cs", "hr", "hu", "pl", "sk", "sl"], _CENTRAL),
    **dict.fromkeys(["be", "bg", "mk", "ru", "sr", "uk"], _CYRILLIC),
    **dict.fromkeys(["et", "lt", "lv"], ("cp1257", "iso8859-13", "cp775")),
    "ro": (*_CENTRAL, "iso8859-16"),
    "el": ("cp1253", "iso8859-7", "cp737", "mac-greek"),
    "tr": ("cp1254", "iso8859-9", "cp857", "mac-turkish"),
    "he": ("cp1255", "iso8859-8", "cp862"),
    "ar": ("cp1256", "iso8859-6", "cp864"),
    "ja": ("cp932", "euc-jp"),
    "zh": ("gb18030", "big5"),
    "ko": ("cp949",),
}
"""The encodings before Unicode in which a language is written, the likeliest first; every other language's are Western."""
_LETTERS = {
    "cs": "áčďéěíňóřšťúůýž", "de": "äöüß", "es": "áéíñóúü", "fr": "àâæçèéêëîïôœùûüÿ", "hr": "čćđšž", "hu": "áéíóöőúüű",
    "it": "àèéìòù", "nl": "áéèëïóöü", "pl": "ąćęłńóśźż", "pt": "áàâãçéêíóôõú", "ro": "ăâîșşțţ", "sk": "áäčďéíĺľňóôŕšťúýž",
    "sl": "čšž", "sv": "åäöé", "tr": "çğıöşüİ",
}  # fmt: skip
"""The letters beyond ASCII of languages whose encodings decode each other's texts."""
_GLUED = re.compile("[^\\W\\d_][‚„…†‡‰‹³¹£¦¼½¾¢]|[£¦¼½¾][^\\W\\d_]|[A-Za-zà-ÿ][À-ÞŠŽŒŸ][a-zà-ÿ]")
"""Signs that stand at no letter in Western words, and capitals that stand within none: letters of a DOS or Mac code page."""
_UNITS = re.compile("\\b[cdk]?m[²³]")
_SIGNS = "€£§°²³µ«»“”„‘’‚–—…·®©™ \u00a0"


def byte_order_mark(head: bytes) -> tuple[str, int] | None:
    """The encoding that a text's first bytes declare, and how many bytes say so."""
    return next(((encoding, len(mark)) for mark, encoding in _MARKS if head.startswith(mark)), None)


def declared(name: str, head: bytes) -> str:
    """Python's name for a declared encoding of a file that begins with `head`, and not with a byte order mark.

    Raises FileRefused for one that is none, or in which ASCII is not itself: lines could not be told apart in it.
    """
    try:
        found = codecs.lookup(name).name
        plain = found.startswith(("utf-16", "utf-32")) or bytes(range(128)).decode(found) == "".join(map(chr, range(128)))
    except (LookupError, UnicodeError, ValueError):
        plain = False
    if not plain or found.startswith(("iso2022", "hz", "utf-7", "idna", "punycode", "unicode", "raw")):
        raise FileRefused(Refusal.ENCODING_UNKNOWN, "no_such_encoding", encoding=name)
    if found in ("utf-16", "utf-32"):
        ordered = _wide(head)
        if ordered is None or not ordered.startswith(found):
            raise FileRefused(Refusal.ENCODING_UNKNOWN, "no_byte_order_mark", encoding=found)
        return ordered
    return found


def detect(chunks: Iterator[bytes], language: str | None = None) -> str:
    """The encoding of a whole text without a byte order mark.

    ASCII and UTF-8 are proven over every byte, UTF-16 and UTF-32 by where their NULs stand. The rest is one of the
    encodings of `language`; without one, cp1252 where that makes words, else chardet's word on the lines that are not
    ASCII. Raises FileRefused when nothing fits.
    """
    utf8 = codecs.getincrementaldecoder("utf-8")()
    line, size, fault = 1, 0, None
    sample: list[bytes] = []
    for number, chunk in enumerate(chunks):
        if number == 0 and (wide := _wide(chunk)):
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
    if fault is None:
        return "utf-8"
    if any(_decodes(part, "utf-8") for part in sample):
        raise FileRefused(Refusal.ENCODING_MIXED, "not_utf8_here", line=fault[0], byte=f"{fault[1]:02X}")
    text = b"\n".join(sample)
    found = _of_language(text, language) if language else _of_any(text)
    if found is None:
        said = "fits_no_encoding_of_language" if language else "fits_no_encoding"
        raise FileRefused(Refusal.ENCODING_UNKNOWN, said, line=fault[0], byte=f"{fault[1]:02X}", language=language or "")
    return found


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


def _of_language(sample: bytes, language: str) -> str | None:
    """Of a language's encodings the one that chardet, or the language's own letters, speak for."""
    allowed = [name for name in _OF_LANGUAGE.get(language[:2], _WESTERN) if _decodes(sample, name)]
    if letters := _LETTERS.get(language[:2]):
        known = set(letters + letters.upper() + _SIGNS)
        allowed = [name for name in allowed if _makes_words(sample.decode(name), in_a_row=9)]
        shares = {name: _share(sample.decode(name), known) for name in allowed}
        best = max(allowed, key=lambda name: shares[name], default="")
        return best if shares.get(best, 0) > _SURE else None
    ranked = chardet.detect_all(sample, include_encodings=allowed, no_match_encoding=allowed[0]) if len(allowed) > 1 else []
    names = [_python_name(str(found["encoding"])) for found in ranked if found["encoding"]]
    return next((name for name in names if _decodes(sample, name)), allowed[0] if allowed else None)


def _share(text: str, known: set[str]) -> float:
    """How many of a text's characters beyond ASCII are known ones."""
    foreign = [char for char in text if not char.isascii()]
    return sum(char in known for char in foreign) / max(len(foreign), 1)


def _of_any(sample: bytes) -> str | None:
    found = [f for f in chardet.detect_all(sample) if f["encoding"]]
    names = [_python_name(str(f["encoding"])) for f in found if f["confidence"] >= _SURE]
    if not (names and names[0] in _MULTIBYTE):
        # In the one a generic sign of currency, which nobody prints, stands for the euro of the other.
        for western in ("cp1252", "iso8859-15"):
            if _decodes(sample, western) and _is_western(sample.decode(western)):
                return western
    return next((name for name in names if _decodes(sample, name)), None)


def _is_western(text: str) -> bool:
    """Whether a text makes words, and has no letters by which another language, read as Western, gives itself away.

    Turkish has `ý þ ð` for letters of its own; South Slavic `è` or `æ` beside `š` and `ž`. Danish has `æ`, but not without `ø`
    or `å`.
    """
    letters = set(text.casefold())
    if _GLUED.search(_UNITS.sub("", text)):
        return False
    slavic = letters & set("èæ") and letters & set("šž")
    return not (letters & set("ýþð¤") or slavic or ("æ" in letters and not letters & set("øå"))) and _makes_words(text)


def _makes_words(text: str, in_a_row: int = 2) -> bool:
    """Whether accented letters stand as in Western words: never three in a row, and no other sign between two letters.

    Cyrillic or Greek read as cp1252 fails the first, a DOS code page or Central European the second. Nor are there controls.
    """
    row = 0
    for before, char, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if char.isascii():
            row = 0
        elif "\x80" <= char <= "\x9f":
            return False
        elif char.isalpha():
            row += 1
            if row > in_a_row:
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
