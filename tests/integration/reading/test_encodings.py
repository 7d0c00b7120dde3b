"""Encodings: told by proof, by the profile's language, or refused; never mojibake."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from daemon.errors import FileRefused
from daemon.model import Batch, Rejection
from daemon.profiles.format import Format
from daemon.reading import Clues, read
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


SIGNS = {
    "en": ("Account;Name;Address\n", "Café Rouge;1 High St", ["Smith´s;2 Low St", "Zoë & Co • Ltd;3 Mid St", "Unit 3½;Flat 2º"]),
    "de": (
        "Nummer;Firma;Straße\n",
        "Müller;Hauptstraße 1",
        ["Jäger´s Bäckerei;Weg 2", "»Süß«;Weg 3", "Döner & Co. •;Lager 100 m²"],
    ),
    "es": ("Nº Cliente;Razón social;Dirección\n", "Muñoz;C/ Colón 3, 2º B", ["Mª Ángeles Ruiz;Avda. 4", "L´Hospitalet;200 m²"]),
    "pt": ("Nº Doc.;Nome;Morada\n", "Construções Leão;Rua A, 1º Dtº", ["Silva & Cª;Rua B", "Drª Inês Sá;Rua C"]),
    "fr": (
        "Code;Raison sociale;Adresse\n",
        "Crépin;1 rue de l'Hôtel",
        ["M² Habitat;2 place", "L´Étoile;3 rue", "Pâtisserie • Thé;4"],
    ),
    "sv": ("Kundnr;Namn;Adress\n", "Åkerlund;Storgatan 1", ["Åke´s Bil;Torget 3", "Café ”Söder”;Vägen 2"]),
    "nl": ("Klantnr;Naam;Adres\n", "Café België;Dorpsstraat 1", ["Eethuis ‘t Hoekje;Weg 2", "Foto´s Müller;Plein 3"]),
}
"""Names as people write them in the West, with a sign of their typewriter's or their word processor's."""


@pytest.mark.parametrize(("language", "odd"), [(name, odd) for name, (_, _, all_odd) in SIGNS.items() for odd in all_odd])
@pytest.mark.parametrize("told", [True, False])
def test_one_sign_among_the_names_makes_no_other_encoding_of_it(language: str, odd: str, told: bool, tmp_path: Path) -> None:
    """An accent for an apostrophe, a bullet, an ordinal, a quotation mark alone: it is what it is on every machine of the West."""
    header, usual, _ = SIGNS[language]
    path = tmp_path / "file.csv"
    path.write_bytes((header + f"C1;{usual}\nC2;{odd}\nC3;{usual}\n").encode("cp1252"))
    frames = [item.frame for item in read(path, Format(language=language if told else None)) if isinstance(item, Batch)]
    assert [list(row) for row in frames[0].itertuples(index=False)][1] == ["C2", *odd.split(";")]


def test_romanian_is_read_in_the_encoding_that_windows_writes(tmp_path: Path) -> None:
    """With its letters as they are spelt there, with cedillas: with commas they would be the same bytes in an encoding that is rare."""
    path = tmp_path / "file.csv"
    path.write_bytes("code;Denumire\n1;Brutăria Ţăranul\n2;Şoimii Timişoara\n".encode("cp1250"))
    assert names(path, language="ro") == ["Brutăria Ţăranul", "Şoimii Timişoara"]


def test_a_file_may_be_in_another_language_than_the_profiles(tmp_path: Path) -> None:
    """The profile's language weighs much, but letters that none of its encodings makes weigh more."""
    path = tmp_path / "file.csv"
    path.write_bytes(f"code;name\n1;{TEXTS['ru']}\n".encode("cp1251"))
    assert names(path, language="de") == [TEXTS["ru"]]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("iso2022_jp", TEXTS["ja"]),
        ("iso2022_kr", TEXTS["ko"]),
        ("hz", "上海国际贸易有限公司"),
        ("cp037", "Société; Générale"),
        ("cp424", "כהן ובניו"),
        ("cp273", "Müller Söhne"),
    ],
)
def test_encodings_in_which_ascii_is_not_itself_are_read_too(encoding: str, text: str, tmp_path: Path) -> None:
    """Those that shift by escapes, and EBCDIC with its own line end, where the profile says so."""
    path = tmp_path / "file.csv"
    path.write_bytes(
        f"code|name\n1|{text}\n2|{text}\n".replace("\n", "\x85" if encoding in ("cp037", "cp424", "cp273") else "\n").encode(
            encoding
        )
    )
    assert names(path, encoding=encoding, delimiter="|") == [text] * 2


@pytest.mark.parametrize("language", ["ja", "ko"])
def test_seven_bits_that_shift_are_no_ascii(language: str, tmp_path: Path) -> None:
    """A file of seven bits with escapes is what they say, without a word from anybody."""
    path = tmp_path / "file.csv"
    path.write_bytes(f"code;name\n1;{TEXTS[language]}\n".encode(f"iso2022_{'jp' if language == 'ja' else 'kr'}"))
    assert names(path) == [TEXTS[language]]


def test_headers_say_what_names_are_in(tmp_path: Path) -> None:
    """A short list under headers of a language is read in that, where its names alone would leave it open."""
    path = tmp_path / "file.csv"
    path.write_bytes("Kód zákazníka;Název;Město\n1;Dvořák;Brno\n".encode("cp1250"))
    assert names(path) == ["Dvořák"]


def test_what_is_not_clear_is_shown_and_asked(tmp_path: Path) -> None:
    """Too little to tell by: the likeliest readings are shown beside each other, with what to add to the profile."""
    path = tmp_path / "file.csv"
    path.write_bytes(b"A;B\n1;\xe8\n")
    with refused('encoding_unknown: line 2 may be cp125.: ".*" · .*; say which in \\[format\\] encoding'):
        read(path)


def test_customers_countries_and_earlier_files_help(tmp_path: Path) -> None:
    """Where a name may be read in two ways, the countries of the entity's customers and the profile's earlier files decide."""
    path = tmp_path / "file.csv"
    path.write_bytes("A;B\n1;Per\xfa\n".encode("latin-1"))

    def name(**known: Any) -> str:
        return next(str(item.frame.iloc[0, 1]) for item in read(path, clues=partial(Clues, **known)) if isinstance(item, Batch))

    assert name(countries={"PE": 1.0}, earlier={"cp1252": 3}) == "Perú"


def test_one_bad_byte_in_a_file_of_utf8_costs_its_line(tmp_path: Path) -> None:
    """Several good sequences prove UTF-8; a byte that is none is one rejected row, not another encoding."""
    path = tmp_path / "file.csv"
    path.write_bytes("code;name\n1;Müller\n2;Dvořák\n3;Łódź\n".encode() + b"4;J\xf6rg\n" + "5;Ñuñoa\n".encode())
    items = list(read(path))
    assert [(item.line, item.reasons[0].code) for item in items if isinstance(item, Rejection)] == [(5, "undecodable")]
    assert names(path) == ["Müller", "Dvořák", "Łódź", "Ñuñoa"]


def test_ascii_is_no_word_on_what_the_next_file_is_in(tmp_path: Path) -> None:
    """A file without a letter beyond ASCII is read as that, and pins nothing."""
    path = tmp_path / "file.csv"
    path.write_bytes(b"code;name\n1;Smith\n")
    assert read(path).format.encoding == "ascii"


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
