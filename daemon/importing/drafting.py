"""Drafting: an import that is being set up: what its file holds, what is proposed for it, and the profile that its choices make,
the same that the command line writes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import Engine

from daemon import db, loading, reading
from daemon.datasets import datasets, template
from daemon.errors import Detail, FileRefused
from daemon.importing.choices import Choices, headers_of
from daemon.importing.editing import as_profile, by_ready_made, edited
from daemon.mapping import Proposal, Suggestion, Wishes, convert, day_in, draft, evidence_of, fit, pattern, suggest
from daemon.model import Batch, ReasonCode, Rejection
from daemon.profiles import Conventions, Format
from daemon.settings import Sandbox
from daemon.toml import ConfigInvalid
from daemon.words import Words

_SEEN_ROWS = 100_000
"""So many rows say what columns hold, while an import is set up; the import itself proves it by all."""
_SHOWN_ROWS = 8
_NO_VALUE = (ReasonCode.MISSING, ReasonCode.MATCH_KEY_BLANK, ReasonCode.TOO_LONG)
"""Why a row may be rejected though another value in the place of the one that is there would not help."""
_UNNAMED: dict[str, Any] = {"header": "", "confidence": 1.0, "why": ()}


@dataclass(frozen=True)
class Seen:
    """A file as it is read: its headers, its first rows, three different values of each column, and what is proposed for it."""

    header: list[str]
    rows: list[list[str]]
    samples: dict[str, list[str]]
    format: dict[str, Any]
    suggestion: Suggestion


def as_it_comes(dataset: str, path: Path, sandbox: Sandbox) -> dict[str, Any]:
    """What is known of a file's format before anybody chose: the examples of a template are no records."""
    try:
        header = reading.read(path, Format(), sandbox).header
    except FileRefused:
        return {}
    target = datasets()[dataset]
    titles = {title for name in target.mappable for title in template.names(name, target.fields[name])}
    return {"ignore": [f"{mark}*" for mark in template.examples()]} if set(header) <= titles else {}


def seen(path: Path, choices: Choices, sandbox: Sandbox, engine: Engine) -> Seen:
    """Read a draft's file as its choices say. Raises FileRefused."""
    reader = reading.read(path, _shape(choices.format), sandbox)
    rows: list[list[str]] = []
    held = evidence_of(reader.header, _some(reader, rows))

    def known(codes: list[str]) -> int:
        with db.transaction(engine) as conn:
            return loading.known_customers(conn, codes)

    said = {name: value for name, value in choices.format.items() if name in Conventions.model_fields}
    found = suggest(datasets()[choices.dataset], held, known, Conventions.model_validate(said))
    samples = {name: sorted(evidence.values, key=len, reverse=True)[:3] for name, evidence in held.items()}
    read_as = reader.format.model_dump(exclude_defaults=True) | found.conventions.model_dump(exclude_defaults=True)
    return Seen(reader.header, rows, samples, {n: v for n, v in read_as.items() if v not in ([], "")}, found)


def _some(reader: reading.Reader, rows: list[list[str]]) -> Iterator[Batch | Rejection]:
    """A file's beginning; its first rows are kept."""
    count = 0
    for item in reader:
        if isinstance(item, Batch):
            first = item.of(list(range(min(len(item.frame), _SHOWN_ROWS - len(rows)))))
            rows += [cells for _, cells in first.rows()]
            count += len(item.frame)
        yield item
        if count >= _SEEN_ROWS:
            return


def first_choices(file: str, dataset: str, found: Seen) -> Choices:
    """What is proposed for a file."""
    columns = {name: _column(proposal) for name, proposal in found.suggestion.columns.items()}
    words = {name: proposal.words for name, proposal in found.suggestion.columns.items() if proposal.words}
    parts = "".join(char if char.isalnum() else "-" for char in Path(file).stem.casefold()).split("-")
    name = "-".join(part for part in parts if part and not part.isdecimal())[:60]
    return Choices(dataset, {}, columns, words, pattern=pattern(file), name=name or "import", business_date=day_in(file))


def _column(proposal: Proposal) -> dict[str, Any]:
    return {name: value for name, value in asdict(proposal).items() if value and name != "words"}


def distinct_words(path: Path, choices: Choices, sandbox: Sandbox) -> dict[str, Counter[str]]:
    """For each field with fixed words, or a currency or country, each different value of its column and how often it is there."""
    fields = datasets()[choices.dataset].fields
    asked = {name: _headers(column) for name, column in choices.columns.items() if name in fields and fields[name].is_worded}
    counts: dict[str, Counter[str]] = {name: Counter() for name, headers in asked.items() if headers}
    for item in reading.read(path, _shape(choices.format), sandbox):
        if isinstance(item, Batch):
            for name, counted in counts.items():
                cells = [item.frame[header].fillna("").str.strip() for header in asked[name] if header in item.frame]
                if cells:
                    filled = reduce(lambda first, other: first.where(first != "", other), cells)
                    counted.update({str(word): count for word, count in filled.value_counts().items()})
    return counts


def unread_values(path: Path, choices: Choices, found: Seen, sandbox: Sandbox) -> dict[str, Counter[str]]:
    """For each other field, the values of its column that cannot be one of it, and how often each is there; none while the
    choices make no profile, or leave open how amounts and dates are written.
    """
    fields, counts = datasets()[choices.dataset].fields, dict[str, Counter[str]]()
    try:
        text = profile_text(path.name, replace(choices, mode=choices.mode or "delta"), found, Words("en"))
        profile = as_profile(text, choices.name)
        reader = reading.read(path, profile.format, sandbox)

        def again() -> reading.Reader:
            return reading.read(path, reader.format, sandbox)

        mapping = fit(profile.section(choices.dataset), reader.header, again, profile.format.conventions)
        for item in _some(reader, []):
            for rejection in mapping.apply(item).rejections if isinstance(item, Batch) else []:
                for reason in rejection.reasons:
                    column, field = choices.columns.get(reason.field, {}), fields.get(reason.field)
                    if reason.code not in _NO_VALUE and _headers(column) and field and not field.is_worded:
                        counts.setdefault(reason.field, Counter())[reason.value] += 1
    except (FileRefused, ConfigInvalid):
        return {}
    return counts


def is_value(dataset: str, field: str, text: str) -> bool:
    """Whether a text can be a value of a field whose words recur; of others nothing is told."""
    return understood(dataset, field, [text])[text] != ""


def understood(dataset: str, field: str, words: Iterable[str]) -> dict[str, str | None]:
    """What some words are in a field whose words recur, '' where they are nothing; None for other fields."""
    known, told = datasets()[dataset].fields.get(field), list(words)
    if known is None or not known.is_worded:
        return dict.fromkeys(told)
    values, _ = convert(pa.array(told, pa.string()), known, Conventions())
    said = {True: "yes", False: "no", None: ""}
    return {word: said.get(value, value) for word, value in zip(told, values.to_pylist(), strict=True)}


def _headers(column: Mapping[str, Any]) -> list[str]:
    """The columns whose words may have meanings: of an amount's two sides neither."""
    return [] if "header" not in column or "credit" in column else [column["header"], *column.get("others", [])]


def _shape(format: Mapping[str, Any]) -> Format:
    return Format.model_validate({name: value for name, value in format.items() if name in Format.model_fields})


def reasons_of(column: Mapping[str, Any]) -> tuple[Detail, ...]:
    """Why a column was proposed for a field, as a draft keeps it."""
    return tuple(Detail(**each) for each in column.get("why", ()))


def profile_text(file: str, choices: Choices, found: Seen, words: Words) -> str:
    """The profile that the choices make, as TOML, with its reasons in somebody's words."""
    if choices.edited:
        return edited(choices, words.language)
    if choices.ready_made:
        return by_ready_made(choices, words.language)
    columns = {
        name: Proposal(**(_UNNAMED | column | {"words": choices.words.get(name, {}), "why": reasons_of(column)}))
        for name, column in choices.columns.items()
    }
    used = {header for column in choices.columns.values() for header in headers_of(column)}
    made = Suggestion(
        columns, [name for name in found.header if name not in used], choices.missing, found.suggestion.conventions, []
    )
    rules = {name: getattr(choices, name) for name in ("pattern", "entity", "to", "business_date", "match", "protect", "expect")}
    wishes = Wishes(choices.mode or None, **rules, language=words.language, said=words.detail)
    return draft(file, datasets()[choices.dataset], _shape(found.format), made, [], wishes)
