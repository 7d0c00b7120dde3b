"""Encodings: told by proof, by the profile's language, or refused; never mojibake."""

from pathlib import Path

import pytest

from daemon.errors import FileRefused
from daemon.model import Batch, Rejection
from daemon.profiles.format import Format
from daemon.reading import read
from tests.support.refusals import refused

TEXTS = {
    "fr": "Société Générale d'Électricité, façade à Besançon",
    "de": "Müller & Söhne Großhandel, Straße 5, Gebäude Süd",
    "sv": "Åhléns Bygg och Plåtslageri, Östgöta Kungsängen",
    "es": "Construcciones Peñalver, Avenida de España, Muñoz",
    "pt": "Comércio de Alimentação São João, Avenida São Paulo",
    "pl": "Zakład Ubezpieczeń Społecznych, ulica Żółkiewskiego, Łódź",
    "hr": "Poduzeće za čišćenje, Žitnjak, Đorđićeva ulica šest",
    "ro": "Societatea Comercială Înfrăţirea, strada Şcolii",
    "tr": "Gıda Sanayi ve Dış Ticaret Şirketi, İğneli Sokağı, Çarşı",
    "ru": "Общество с ограниченной ответственностью Ромашка, Москва",
    "el": "Ανώνυμη Εταιρεία Εμπορίου Τροφίμων, Αθήνα",
    "ja": "株式会社日本商事 東京都千代田区丸の内一丁目",
    "zh": "上海国际贸易有限公司 浦东新区世纪大道",
    "ko": "주식회사 한국무역 서울특별시 강남구 테헤란로",
}


def names(path: Path, **format: str) -> list[str]:
    """The second column of a file."""
    return [
        str(row[2])
        for item in read(path, Format(**format))
        if isinstance(item, Batch)
        for row in item.frame.itertuples(name=None)
    ]


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        *(("fr", e) for e in ("cp1252", "iso8859-15", "cp850", "mac-roman")),
        *(("de", e) for e in ("cp1252", "cp850", "cp437", "mac-roman", "iso8859-1")),
        *(("sv", e) for e in ("cp1252", "cp850", "mac-roman")),
        *(("es", e) for e in ("cp1252", "cp850", "cp437")),
        *(("pt", e) for e in ("cp1252", "cp850", "mac-roman")),
        *(("pl", e) for e in ("cp1250", "iso8859-2", "cp852")),
        *(("hr", e) for e in ("cp1250", "iso8859-2", "cp852")),
        *(("tr", e) for e in ("cp1254", "iso8859-9", "cp857")),
        *(("ru", e) for e in ("cp1251", "koi8-r", "cp866", "iso8859-5")),
        *(("el", e) for e in ("cp1253", "cp737")),
        *(("ja", e) for e in ("cp932", "euc-jp", "shift_jis")),
        *(("zh", e) for e in ("gb18030", "gbk")),
        ("ko", "euc-kr"),
        *(("ro", e) for e in ("cp1250", "iso8859-2", "cp852")),
    ],
)
def test_the_profiles_language_says_which_encodings_there_may_be(language: str, encoding: str, tmp_path: Path) -> None:
    """With `language` in its profile, a file in any of the language's old encodings is read as it was written."""
    path = tmp_path / "file.csv"
    path.write_bytes(f"code;name\n1;{TEXTS[language]}\n2;{TEXTS[language]}\n".encode(encoding))
    assert names(path, language=language) == [TEXTS[language]] * 2


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-le"])
def test_unicode_needs_no_word_from_anybody(language: str, encoding: str, tmp_path: Path) -> None:
    """UTF-8, and UTF-16 and UTF-32 with and without a mark, in every script."""
    path = tmp_path / "file.csv"
    rows = "".join(f"{n};{TEXTS[language]};2026-11-21;1200.00;EUR;invoice\n" for n in range(5))
    path.write_bytes(("code;name;date;amount;currency;kind\n" + rows).encode(encoding))
    assert names(path) == [TEXTS[language]] * 5


def writable(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


OLD = ["cp1252", "cp1250", "cp1251", "cp1254", "cp850", "cp932", "gb18030", "big5", "euc-kr", "koi8-r"]


@pytest.mark.parametrize(("text", "encoding"), [(text, e) for text in TEXTS.values() for e in OLD if writable(text, e)])
def test_without_a_language_a_text_is_read_right_or_refused(text: str, encoding: str, tmp_path: Path) -> None:
    """Long enough texts in old encodings are read as what they are, or the file is refused and asks; never garbled."""
    path = tmp_path / "file.csv"
    path.write_bytes(f"code;name\n1;{text}\n2;{text}\n".encode(encoding))
    try:
        assert names(path) == [text] * 2
    except FileRefused as refused:
        assert refused.code == "encoding_unknown"


def test_a_file_in_another_language_than_the_profiles_is_refused(tmp_path: Path) -> None:
    """Where none of the language's encodings makes its letters, the place and the remedy are named."""
    path = tmp_path / "file.csv"
    path.write_bytes(f"code;name\n1;{TEXTS['ru']}\n".encode("cp1251"))
    with refused(r'encoding_unknown: line 2: the byte CE fits none of the encodings of language "de"'):
        read(path, Format(language="de"))


def test_a_line_that_does_not_decode_is_rejected_with_its_byte(tmp_path: Path) -> None:
    """In double-byte encodings too, the line is told and what does not fit; the lines around it are read."""
    path = tmp_path / "file.csv"
    path.write_bytes("code;name\n1;日本\n".encode("cp932") + b"2;\x81\n" + "3;東京\n".encode("cp932"))
    items = list(read(path, Format(encoding="cp932")))
    (rejection,) = [item for item in items if isinstance(item, Rejection)]
    assert (rejection.line, rejection.reasons[0].code, rejection.reasons[0].detail) == (3, "undecodable", "81")
    assert names(path, encoding="cp932") == ["日本", "東京"]


def test_a_character_whose_second_byte_is_a_delimiter_is_one_character(tmp_path: Path) -> None:
    """In Shift-JIS the bytes of `ソ`, `表` and `ポ` hold a backslash or a bar."""
    path = tmp_path / "file.csv"
    path.write_bytes('code|name\n1|"ポ表ソ"\n2|ポ|x\n3|ソ表\n'.encode("cp932"))
    items = list(read(path, Format(encoding="cp932", delimiter="|")))
    assert [item.line for item in items if isinstance(item, Rejection)] == [3]
    assert names(path, encoding="cp932", delimiter="|") == ["ポ表ソ", "ソ表"]


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("José", "cp850"),
        ("Voilà", "cp850"),
        ("Perú", "cp437"),
        ("Michał", "cp1250"),
        ("Łukasz", "cp1250"),
        ("Gérard", "mac-roman"),
    ],
)
def test_one_short_name_is_not_garbled(name: str, encoding: str, tmp_path: Path) -> None:
    """In a file whose only letter beyond ASCII stands in one name, too little to tell by, it is refused rather than misread."""
    path = tmp_path / "file.csv"
    path.write_bytes(f"Code;Name\n1;{name}\n".encode(encoding))
    try:
        assert names(path) == [name]
    except FileRefused as refused:
        assert refused.code == "encoding_unknown"


def test_units_and_old_latin_pages_are_western(tmp_path: Path) -> None:
    """`m²` is no letter of another alphabet; a page that says iso-8859-1 means what browsers take it for."""
    path = tmp_path / "file.csv"
    path.write_bytes("Code;Name\n1;Büro 50 m², 3 m³\n".encode("cp1252"))
    assert names(path) == ["Büro 50 m², 3 m³"]
    page = "<html><meta charset=iso-8859-1><table><tr><td>Code<td>Name<tr><td>1<td>L’Oréal 5 €</table></html>"
    path.write_bytes(page.encode("cp1252"))
    assert names(path) == ["L’Oréal 5 €"]


@pytest.mark.parametrize("encoding", ["big5", "gb18030"])
def test_chinese_may_be_written_in_two_ways(encoding: str, tmp_path: Path) -> None:
    """Traditional characters in Big5 are told from GB18030."""
    path = tmp_path / "file.csv"
    text = "台灣國際貿易股份有限公司 台北市信義區市府路一號"
    path.write_bytes(f"code;name\n1;{text}\n".encode(encoding))
    assert names(path, language="zh") == [text]
