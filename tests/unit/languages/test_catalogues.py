"""The catalogues: every language says everything, in as many forms as it has, with every gap, and without HTML."""

import importlib.util
import io
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from daemon.datasets import datasets, labelled
from daemon.languages import LANGUAGES, faults_of_words, locale_of, nearest_language, sentences, use_own_words
from daemon.languages.catalogues import FOLDER
from daemon.model import ReasonCode
from daemon.words import Words

ROOT = Path(__file__).parents[3]
spec = importlib.util.spec_from_file_location("messages", ROOT / "docs" / "messages.py")
assert spec
assert spec.loader
messages = importlib.util.module_from_spec(spec)
spec.loader.exec_module(messages)


def faults(catalog: Catalog, template: Catalog) -> Iterator[str]:
    """What is wrong with a catalogue."""
    for wanted in template:
        if not wanted.id:
            continue
        found = catalog.get(wanted.id, wanted.context)
        if found is None:
            yield f"not there: {wanted.id}"
            continue
        yield from _of(found, catalog.num_plurals)


def _of(message: Message, forms: int) -> Iterator[str]:
    said = list(message.string) if isinstance(message.string, tuple | list) else [message.string]
    if message.fuzzy:
        yield f"fuzzy: {message.id}"
    if len(said) != (forms if message.pluralizable else 1) or not all(said):
        yield f"not in every form: {message.id}"
    gaps = set(re.findall(r"\{\w*\}", str(message.id[1] if message.pluralizable else message.id)))
    for text in said:
        if text and set(re.findall(r"\{\w*\}", text)) != gaps:
            yield f"gaps differ: {text}"
        if re.search(r"</?[a-z]+[ >]|&[a-z]+;", text or ""):
            yield f"HTML: {text}"


def catalog_of(text: str, language: str) -> Catalog:
    return read_po(io.BytesIO(text.encode()), locale=locale_of(language))


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_every_language_says_everything(language: str) -> None:
    """No sentence, label or description is missing, half-made, without a gap, or HTML; and none is said that nobody says any more."""
    template = messages.template()
    catalog = catalog_of((FOLDER / f"{language}.po").read_text(encoding="utf-8"), language)
    assert list(faults(catalog, template)) == []
    assert len(catalog) == len(template)


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (
            'msgid "{count} row"\nmsgid_plural "{count} rows"\nmsgstr[0] "{count} wiersz"\nmsgstr[1] "{count} wiersze"\nmsgstr[2] ""',
            "form",
        ),
        ('#, fuzzy\nmsgid "Line"\nmsgstr "Wiersz"', "fuzzy"),
        ('msgid "Line {line}"\nmsgstr "Wiersz"', "gaps"),
        ('msgid "Line"\nmsgstr "<b>Wiersz</b>"', "HTML"),
        ('msgid "Other"\nmsgstr "Inne"', "not there"),
    ],
)
def test_the_gate_sees_what_is_wrong(entry: str, fault: str) -> None:
    """A missing plural, a fuzzy entry, a lost gap, a tag, a sentence that is not there: each is told."""
    head = 'msgid ""\nmsgstr ""\n"Language: pl\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
    head += '"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);\\n"\n\n'
    catalog = catalog_of(head + entry + "\n", "pl")
    template = Catalog()
    for message in catalog if fault != "not there" else [Message("Line")]:
        template.add(message.id, context=message.context)
    assert any(fault in each for each in faults(catalog, template))


def test_every_sentence_is_said_by_somebody() -> None:
    """No key stands in the catalogue that neither code nor template uses, and every one that they use is there."""
    sources = [*(ROOT / "daemon").rglob("*.py"), *(ROOT / "daemon").rglob("templates/*")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    literal = set(re.findall(r'"((?:mail|page|decision|summary|notice|console|template|state|note)\.[a-z_0-9]*[a-z0-9])"', text))
    literal = {key for key in literal if not key.endswith((".html", ".password"))}
    assert literal <= set(sentences()), literal - set(sentences())
    built = {"act", "value", "reason", "refusal", "detail", "note", "notice", "template", "state", "decision", "mistake"}
    quoted = set(re.findall(r'["\']([a-z_0-9]+)["\']', text))
    for key in sentences():
        section, name = key.split(".")
        endings = {name, name.removesuffix("_money"), name.removesuffix("_how"), *(name.removeprefix(each) for each in PREFIXES)}
        assert section in built or key in literal or endings & quoted, key


PREFIXES = (
    "all_",
    "cell_",
    "change_",
    "format_",
    "kind_",
    "letter_",
    "login_",
    "role_",
    "side_",
    "step_",
    "subject_",
    "new_",
    "gone_",
    "files_",
)


def test_every_reason_and_every_detail_has_its_sentence() -> None:
    """What code can say, it can say in words."""
    assert {f"reason.{code}" for code in ReasonCode} <= set(sentences())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_fields_of_a_dataset_are_told_apart_in_every_language(language: str) -> None:
    """No two labels of one dataset are the same, nor is one another field's in any other language: a filled template is clear."""
    for dataset in datasets().values():
        fields = {name: dataset.fields[name] for name in dataset.mappable}
        own = {name: labelled(field.label, language).casefold() for name, field in fields.items()}
        assert len(set(own.values())) == len(own)
        for name, field in fields.items():
            others = {labelled(field.label, other).casefold() for other in LANGUAGES}
            assert not others & {label for each, label in own.items() if each != name}, (name, language)


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("de-AT", "de"),
        ("pt-BR", "pt-BR"),
        ("pt-AO", "pt"),
        ("pt_BR", "pt-BR"),
        ("zh-CN", "zh-Hans"),
        ("zh", "zh-Hans"),
        ("da", "en"),
        ("", "en"),
    ],
)
def test_the_nearest_language_is_given(asked: str, given: str) -> None:
    """Region, then language, then English."""
    assert nearest_language(asked) == given


def test_plurals_follow_the_rules_of_the_language() -> None:
    """One, few and many are three forms in Polish, whatever English does."""
    forms = {sentences()["mail.taken_clause"].said("pl", count) for count in (1, 3, 5)}
    assert len(forms) == 3


def test_the_sentences_are_toml_without_a_double() -> None:
    """Each key is there once: TOML itself refuses a second."""
    content = tomllib.loads((ROOT / "daemon" / "languages" / "sentences.toml").read_text(encoding="utf-8"))
    assert sum(len(names) for names in content.values()) == len(sentences())


def test_an_admin_says_a_sentence_otherwise(tmp_path: Path) -> None:
    """In their language only; a sentence that there is not, or with a gap that nothing fills, is told and left as it was."""
    (tmp_path / "de.toml").write_text('[mail]\nsubject_refused = "Abgelehnt: {file}"\ncounts = "{nothing}"\nnonsense = "x"\n')
    (tmp_path / "xx.toml").write_text("")
    use_own_words(tmp_path)
    assert Words("de")("mail.subject_refused", file="a.csv") == "Abgelehnt: a.csv"
    assert Words("en")("mail.subject_refused", file="a.csv") == "a.csv: not imported"
    assert Words("de")("mail.counts") == "Zeilen"
    faults = "\n".join(faults_of_words(tmp_path))
    for told in ("mail.counts: nothing", "mail.nonsense: there is no such sentence", "xx.toml: : there is no such language"):
        assert told in faults
    use_own_words(tmp_path / "none")
