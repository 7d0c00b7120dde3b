"""Drafting: an import that is being set up. Its choices make the text of a profile, the same that the command line writes; a dry
run of exactly that text says what it would do.
"""

import fnmatch
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import tomlkit
from sqlalchemy import Engine

from daemon import db, ledger, loading, reading, toml
from daemon.datasets import datasets
from daemon.errors import Detail, FileRefused, TryLater
from daemon.importing.rehearsal import rehearse
from daemon.ledger.drafts import Draft
from daemon.mapping import Proposal, Suggestion, Wishes, day_in, draft, evidence_of, pattern, suggest
from daemon.model import Batch, Held, Imported, Refused, Rejection, RemoteFile
from daemon.profiles import Conventions, Format, Profile, Profiles, ready_made
from daemon.settings import Sandbox, Settings
from daemon.toml import ConfigInvalid
from daemon.words import Words

_SEEN_ROWS = 100_000
"""So many rows say what columns hold, while an import is set up; the import itself proves it by all."""
_SHOWN_ROWS = 8
_CHANGES = 100
_EARLIER = 500
_AGAINST = 3
"""Of the latest files so many are tried whose names match."""
_UNNAMED: dict[str, Any] = {"header": "", "confidence": 1.0, "why": ()}


@dataclass(frozen=True)
class Choices:
    """Every choice about a draft. `format` has what is chosen of the file's shape and its conventions; `columns` says of each
    field which column it is, `words` what a field's words mean.
    """

    dataset: str
    format: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, dict[str, Any]] = field(default_factory=dict)
    words: dict[str, dict[str, str]] = field(default_factory=dict)
    mode: str = ""
    entity: str = ""
    pattern: str = ""
    name: str = ""
    to: list[str] = field(default_factory=list)
    business_date: str = ""
    match: list[str] = field(default_factory=list)
    protect: list[str] = field(default_factory=list)
    expect: dict[str, str] = field(default_factory=dict)
    ready_made: str = ""
    """The ready-made profile that says everything but whose files these are and when they come; '' where the columns do."""

    @classmethod
    def of(cls, draft: Draft) -> "Choices":
        """Those of a draft."""
        return cls(**draft.choices)

    @property
    def missing(self) -> list[str]:
        """The required fields that nothing fills."""
        if self.ready_made:
            return []
        fields = datasets()[self.dataset].fields
        return [
            name
            for name, each in fields.items()
            if each.required and name not in self.columns and not set(each.given_by) & set(self.columns)
        ]


@dataclass(frozen=True)
class Seen:
    """A file as it is read: its headers, its first rows, three different values of each column, and what is proposed for it."""

    header: list[str]
    rows: list[list[str]]
    samples: dict[str, list[str]]
    format: dict[str, Any]
    suggestion: Suggestion


def seen(path: Path, choices: Choices, sandbox: Sandbox, engine: Engine) -> Seen:
    """Read a draft's file as its choices say. Raises FileRefused."""
    shape = Format.model_validate({name: value for name, value in choices.format.items() if name in Format.model_fields})
    reader = reading.read(path, shape, sandbox)
    rows: list[list[str]] = []
    held = evidence_of(reader.header, _some(reader, rows))

    def known(codes: list[str]) -> int:
        with db.transaction(engine) as conn:
            return loading.known_customers(conn, codes)

    found = suggest(datasets()[choices.dataset], held, known)
    said = {name: value for name, value in choices.format.items() if name in Conventions.model_fields}
    if said:
        conventions = Conventions.model_validate(found.conventions.model_dump(exclude_defaults=True) | said)
        found = replace(found, conventions=conventions)
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
    asked = {
        name: column["header"] for name, column in choices.columns.items() if column.get("header") and fields[name].is_worded
    }
    shape = Format.model_validate({name: value for name, value in choices.format.items() if name in Format.model_fields})
    counts: dict[str, Counter[str]] = {name: Counter() for name in asked}
    for item in reading.read(path, shape, sandbox):
        if isinstance(item, Batch):
            for name, header in asked.items():
                if header in item.frame:
                    counts[name].update(item.frame[header].fillna("").str.strip().value_counts().to_dict())
    return counts


def reasons_of(column: Mapping[str, Any]) -> tuple[Detail, ...]:
    """Why a column was proposed for a field, as a draft keeps it."""
    return tuple(Detail(**each) for each in column.get("why", ()))


def profile_text(file: str, choices: Choices, found: Seen, words: Words) -> str:
    """The profile that the choices make, as TOML, with its reasons in somebody's words."""
    if choices.ready_made:
        return _by_ready_made(choices, words.language)
    columns = {
        name: Proposal(**(_UNNAMED | column | {"words": choices.words.get(name, {}), "why": reasons_of(column)}))
        for name, column in choices.columns.items()
    }
    used = {column.get(part) for column in choices.columns.values() for part in ("header", "credit", "flag")}
    made = Suggestion(
        columns, [name for name in found.header if name not in used], choices.missing, found.suggestion.conventions, []
    )
    shape = Format.model_validate({name: value for name, value in found.format.items() if name in Format.model_fields})
    rules = {name: getattr(choices, name) for name in ("pattern", "entity", "to", "business_date", "match", "protect", "expect")}
    wishes = Wishes(choices.mode or None, **rules, language=words.language, said=words.detail)
    return draft(file, datasets()[choices.dataset], shape, made, [], wishes)


def with_ready_made(choices: Choices, name: str) -> Choices:
    """The choices once a ready-made profile says how such files are read, and what their columns are."""
    profile = Profiles(ready_made()[0].parent).get(name)
    read_as = profile.format.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    day = profile.import_.business_date
    told = day if isinstance(day, str) else choices.business_date
    kept = replace(choices, ready_made=name, format=read_as, business_date=told)
    return replace(kept, columns={}, words={}, match=[], protect=[])


def _by_ready_made(choices: Choices, language: str) -> str:
    """The text of a ready-made profile, with what a person says of the files in it."""
    path = next(each for each in ready_made() if each.stem == choices.ready_made)
    written = tomlkit.parse(path.read_text(encoding="utf-8"))
    written["pattern"] = choices.pattern
    if choices.entity:
        written["entity"] = choices.entity
    to = [{"email": email, "language": language} for email in choices.to]
    rules = {"mode": choices.mode, "business_date": choices.business_date}
    for table, values in (("import", rules), ("expect", choices.expect), ("notify", {"to": to})):
        for key, value in values.items():
            if value:
                written.setdefault(table, tomlkit.table())[key] = value
    return tomlkit.dumps(written)


def as_profile(text: str, name: str) -> Profile:
    """The profile that a text says. Raises ConfigInvalid with every mistake of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        return toml.load(path, Profile, name=name)


def rehearse_draft(engine: Engine, settings: Settings, profiles: Profiles, draft_id: int) -> None:
    """Do the dry run of a draft as it is now, and record what it came to."""
    with db.transaction(engine) as conn:
        found = ledger.drafts.draft_by_id(conn, draft_id)
    if found is None or found.run_id is not None:
        return
    result = {"version": found.version, **_came_to(engine, settings, profiles, found)}
    with db.transaction(engine) as conn:
        ledger.drafts.record_result(conn, draft_id, result)
        account = ledger.people.account_named(conn, found.made_by)
        earlier = ledger.arrivals.latest_archived(conn, found.host, _EARLIER) if account and account.is_admin else []
    against = [{"file": name, **told} for name, told in _against(engine, settings, profiles, found, earlier)]
    if against:
        with db.transaction(engine) as conn:
            ledger.drafts.record_result(conn, draft_id, result | {"against": against})


def _against(
    engine: Engine, settings: Settings, profiles: Profiles, found: Draft, earlier: list[tuple[str, str]]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What the draft would make of the last files whose names its pattern matches, the latest first."""
    pattern, told = Choices.of(found).pattern, 0
    for name, archived in earlier:
        if told < _AGAINST and name != found.file and fnmatch.fnmatchcase(name, pattern):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / name
                try:
                    with reading.open_bytes(Path(archived)) as kept, path.open("xb") as copy:
                        shutil.copyfileobj(kept, copy)
                except (OSError, EOFError, FileRefused):  # gone meanwhile, or damaged
                    continue
                yield name, _came_to(engine, settings, profiles, replace(found, path=str(path)))
            told += 1


def _came_to(engine: Engine, settings: Settings, profiles: Profiles, found: Draft) -> Mapping[str, Any]:
    """The outcome of a draft's file, by the profile that its choices make."""
    path, choices = Path(found.path), Choices.of(found)
    try:
        read = seen(path, choices, settings.sandbox, engine)
        profile = as_profile(profile_text(found.file, choices, read, Words("en")), choices.name)
        file = RemoteFile(str(path), path.stat().st_size, path.stat().st_mtime_ns)
        (rehearsed, *_) = rehearse(engine, settings, profiles.beside(profile), profile, file, lambda rows: None)
    except FileRefused as refused:
        return {"state": "refused", "code": refused.code, "detail": asdict(refused.detail)}
    except ConfigInvalid as error:
        return {"state": "fault", "fault": "; ".join(f"{each.key}: {each.message}" for each in error.mistakes)}
    except (TryLater, OSError) as error:
        return {"state": "fault", "fault": str(error)}
    match rehearsed.outcome:
        case Imported(tally):
            changes = [asdict(change) for change in rehearsed.changes[:_CHANGES]]
            return {"state": "imported", "tally": tally.as_json(), "changes": changes, "rejections": rehearsed.rejections}
        case Held(effect):
            return {"state": "held", "effect": effect.as_json()}
        case Refused(code, detail):
            return {"state": "refused", "code": code, "detail": asdict(detail)}
    return {"state": "fault", "fault": type(rehearsed.outcome).__name__}
