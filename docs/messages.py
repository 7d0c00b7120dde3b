"""Brings the catalogues in `daemon/languages/po` up to what is said: `make messages`. What is new in them is to be translated."""

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from daemon.datasets import datasets
from daemon.languages import LANGUAGES, locale_of, sentences

FOLDER = Path(__file__).parent.parent / "daemon" / "languages" / "po"


def template() -> Catalog:
    """Every message: the sentences by their keys, the labels and descriptions of the datasets and their fields."""
    catalog = Catalog(project="Nightporter", charset="utf-8")
    for key, said in sentences().items():
        catalog.add(said.other if said.one is None else (said.one, said.other), context=said.context, auto_comments=[key])
    for name, dataset in datasets().items():
        catalog.add(dataset.label["en"], context="label", auto_comments=[f"dataset {name}"])
        for field, described in dataset.fields.items():
            catalog.add(described.label["en"], context="label", auto_comments=[f"{name}.{field}: {described.description}"])
            if described.description:
                catalog.add(described.description, context="description", auto_comments=[f"{name}.{field}"])
    return catalog


def main() -> None:
    """Update each language's file: what is new is there to translate, what is not said any more is gone."""
    for language in LANGUAGES:
        if language == "en":
            continue
        file, locale = FOLDER / f"{language}.po", locale_of(language)
        catalog = Catalog(locale=locale, charset="utf-8", fuzzy=False, header_comment=f"# Nightporter in {LANGUAGES[language]}.")
        catalog.update(template(), no_fuzzy_matching=True, update_header_comment=False, update_creation_date=False)
        if file.exists():
            with file.open("rb") as source:
                _keep(catalog, read_po(source, locale=locale))
        head = [("Language", language), ("Content-Type", "text/plain; charset=utf-8"), ("Plural-Forms", catalog.plural_forms)]
        with file.open("wb") as out:
            out.write(f'# Nightporter in {LANGUAGES[language]}.\nmsgid ""\nmsgstr ""\n'.encode())
            out.writelines(f'"{name}: {value}\\n"\n'.encode() for name, value in head)
            out.write(b"\n")
            write_po(out, catalog, width=0, omit_header=True)


def _keep(catalog: Catalog, before: Catalog) -> None:
    """Take over what was translated before."""
    for message in catalog:
        known = before.get(message.id, message.context) if message.id else None
        if known is not None and known.string:
            message.string = known.string


if __name__ == "__main__":
    main()
