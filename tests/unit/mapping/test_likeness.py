"""Headers compared with what ERPs call the fields."""

import pytest

from daemon.datasets import datasets, plain, synonyms
from daemon.mapping.dates import LANGUAGES
from daemon.mapping.likeness import Names, nothing


@pytest.mark.parametrize(
    ("header", "same"),
    [
        ("KUNDEN-NR.", "Kunden Nummer"),
        ("N° pièce", "No piece"),
        ("Betrag (EUR)", "Betrag"),
        ("CARİ KODU", "Cari Kodu"),
        ("Straße", "STRASSE"),
        ("invoice_number", "Invoice No."),
        ("Code du client", "code DU client"),
    ],
)
def test_the_same_header_in_other_clothes_is_the_same(header: str, same: str) -> None:
    """Case, accents, punctuation, units and the words for `number` make no difference."""
    assert plain(header) == plain(same)


@pytest.mark.parametrize("dataset", datasets())
def test_every_field_is_known_in_every_language(dataset: str) -> None:
    """Each field that a profile may map has names in the fifteen languages, and no name means two fields of a type."""
    owner: dict[tuple[str, str], str] = {}
    for field, spoken in synonyms(dataset).items():
        if field == "nothing":
            continue
        if ":" not in field:
            assert field in datasets()[dataset].mappable
            assert set(LANGUAGES) <= set(spoken)
        type = datasets()[dataset].fields[field.partition(":")[0]].type
        for names in spoken.values():
            for name in map(plain, names):
                assert owner.setdefault((type, name), field) == field, f"{name}: {field} and {owner[type, name]}"
    assert set(datasets()[dataset].mappable) <= synonyms(dataset).keys()


@pytest.mark.parametrize("dataset", datasets())
def test_what_is_no_field_is_known_too(dataset: str) -> None:
    """Headers that look like a field and are none, a clearing document or a posting key, are no field's names."""
    told = nothing(dataset)
    assert told
    fields = {
        plain(name) for field, spoken in synonyms(dataset).items() if field != "nothing" for n in spoken.values() for name in n
    }
    assert not told & fields


@pytest.mark.parametrize(
    ("header", "field", "like"),
    [
        ("Invoice Dt.", "issue_date", True),
        ("Vlr. Titulo", "amount", True),
        ("Kunden Nr", "customer_code", True),
        ("Vårt ordernr", "customer_po", False),
        ("Customer", "customer_po", False),
        ("Cont", "business_case", False),
        ("Portador", "customer_po", False),
        ("Nome da Empresa", "comment", False),
    ],
)
def test_abbreviations_are_alike_and_chance_resemblances_are_not(header: str, field: str, like: bool) -> None:
    """A header is like a name word by word; having letters in common is not enough."""
    assert (Names(datasets()["receivables"]).likeness(header, field, None).score >= 0.7) == like


def test_the_language_of_a_file_is_that_of_most_of_its_headers() -> None:
    """It decides what false friends mean; a tie decides nothing."""
    names = Names(datasets()["receivables"])
    assert names.language(["Belegdatum", "Fälligkeit", "Betrag", "X"]) == "de"
    assert names.language(["X", "Y"]) is None
