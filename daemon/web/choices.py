"""What a step of Smart Upload says about a draft: each form, and the choices that it makes."""

import fnmatch
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request

from daemon import db, ledger
from daemon.datasets import datasets
from daemon.errors import Detail, Refusal
from daemon.importing import Choices, distinct_words, first_choices, seen, with_ready_made
from daemon.ledger.drafts import Draft
from daemon.ledger.people import Account
from daemon.mapping import asks_mode
from daemon.model import basename
from daemon.profiles import Conventions, Expect, Format, Import, day_told, fitting
from daemon.settings import EMAIL
from daemon.web.state import engine_of, profiles_of, settings_of
from daemon.web.tongue import words_of

_SHAPE = ("encoding", "delimiter", "header_row", "sheet", "decimal", "thousands", "date", "language")
_NAMES = 500
_SHOWN_NAMES = 10
_NARROW = re.compile(r"[^*?\[]{4}")
"""How the pattern of somebody who is no admin begins."""
MOST_WORDS = 60
"""Of a column whose words are asked for."""


def is_theirs(account: Account, choices: Choices) -> bool:
    """Whether the choices import nothing but what is of somebody's entities: a column could name any."""
    return account.is_admin or ("entity" not in choices.columns and (not choices.entity or account.may_see([choices.entity])))


def _take_shape(request: Request, account: Account, draft: Draft, choices: Choices, form: FormData) -> Choices:
    """The shape; when it is another one, the columns are proposed anew. A ready-made profile says it all, until it is let go."""
    if ready := str(form.get("ready_made", "")):
        found = seen(Path(draft.path), choices, settings_of(request).sandbox, engine_of(request))
        return with_ready_made(choices, ready) if ready in fitting(found.header, choices.dataset) else choices
    if choices.ready_made and "by_hand" not in form:
        return choices
    choices = replace(choices, ready_made="")
    said: dict[str, Any] = {name: text for name in _SHAPE if (text := str(form.get(name, "")).strip())}
    if said.get("header_row", "1").isdecimal() and "header_row" in said:
        said["header_row"] = int(said["header_row"])
    said["delimiter"] = {"tab": "\t"}.get(said.get("delimiter", ""), said.get("delimiter"))
    said = {name: value for name, value in said.items() if value}
    Format.model_validate({name: value for name, value in said.items() if name in Format.model_fields})
    Conventions.model_validate({name: value for name, value in said.items() if name in Conventions.model_fields})
    if said == choices.format and choices.columns:
        return choices
    changed = replace(choices, format=said)
    found = seen(Path(draft.path), changed, settings_of(request).sandbox, engine_of(request))
    proposed = first_choices(draft.file, choices.dataset, found)
    return replace(
        changed, columns=proposed.columns, words=proposed.words, pattern=choices.pattern or proposed.pattern, name=proposed.name
    )


def _take_columns(request: Request, account: Account, draft: Draft, choices: Choices, form: FormData) -> Choices:
    """Which column is which field; a field of which no column is, may have one value for all rows."""
    if choices.ready_made:
        return choices
    found = seen(Path(draft.path), choices, settings_of(request).sandbox, engine_of(request))
    columns: dict[str, dict[str, Any]] = {}
    words = words_of(request)
    for number, header in enumerate(found.header):
        field, _, side = str(form.get(f"column_{number}", "")).partition(":")
        if field not in datasets()[choices.dataset].fields:
            continue
        part = {"debit": "header", "credit": "credit", "flag": "flag"}.get(side, "header")
        if part in columns.setdefault(field, {}):
            raise ValueError(words("page.fault_twice", field=words.field(choices.dataset, field)))
        columns[field][part] = header
    for field, column in columns.items():
        if "header" not in column:
            raise ValueError(words("page.fault_side", field=words.field(choices.dataset, field)))
        before = choices.columns.get(field, {})
        if before.get("header") == column["header"]:
            column |= {name: before[name] for name in ("confidence", "why") if name in before}
    for field in datasets()[choices.dataset].mappable:
        if field not in columns and (value := str(form.get(f"value_{field}", "")).strip()):
            columns[field] = {"value": value}
    kept = {name: meant for name, meant in choices.words.items() if name in columns}
    match, protect = ([name for name in rule if name in columns] for rule in (choices.match, choices.protect))
    return replace(choices, columns=columns, words=kept, match=match, protect=protect)


def _take_words(request: Request, account: Account, draft: Draft, choices: Choices, form: FormData) -> Choices:
    """What the words of a column mean."""
    meant: dict[str, dict[str, str]] = {}
    for field, counts in distinct_words(Path(draft.path), choices, settings_of(request).sandbox).items():
        for number, (word, _) in enumerate(counts.most_common(MOST_WORDS)):
            value = str(form.get(f"word_{field}_{number}", "")).strip()
            if word and value and value != word:
                meant.setdefault(field, {})[word] = value
    return replace(choices, words=meant)


def _take_rules(request: Request, account: Account, draft: Draft, choices: Choices, form: FormData) -> Choices:
    """What the file is, and what files like it are called."""
    words, mode, name = words_of(request), str(form.get("mode", "")), str(form.get("name", "")).strip()
    if asks_mode(datasets()[choices.dataset]) and mode not in ("snapshot", "delta"):
        raise ValueError(words("page.fault_mode"))
    if not name or not name.replace("-", "").replace("_", "").isalnum():
        raise ValueError(words("page.fault_name"))
    with db.transaction(engine_of(request)) as conn:
        was = not account.is_admin and ledger.runs.is_of_runs(conn, name)  # whose runs they could see by it
    if was or (settings_of(request).profiles / f"{name}.toml").exists():
        raise ValueError(words("page.fault_taken", name=name))
    to = [part.strip() for part in str(form.get("to", "")).replace(";", ",").split(",") if part.strip()]
    pattern = str(form.get("pattern", "")).strip() or choices.pattern
    entity = str(form.get("entity", "")).strip()
    if not account.is_admin and not account.may_see([entity]):
        raise ValueError(words("page.fault_entity"))
    if not account.is_admin and (not _NARROW.match(pattern) or _waiting(request, pattern)):
        raise ValueError(words("page.fault_wide"))
    if taken := [each for each in _named_before(request) if fnmatch.fnmatchcase(each[0], pattern)][:5]:
        names = ", ".join(f"{file} ({profile})" for file, profile in taken)
        raise ValueError(words.refusal(Refusal.TWO_PROFILES, Detail.of("plain", text=names)))
    if wrong := [each for each in to if not re.fullmatch(EMAIL, each)]:
        raise ValueError(words("page.fault_address", addresses=words.listed(wrong)))
    match, protect = ([name for name in choices.columns if f"{rule}_{name}" in form] for rule in ("match", "protect"))
    return replace(
        choices,
        mode=mode if mode in ("snapshot", "delta") else "",
        name=name,
        pattern=pattern,
        entity=entity,
        to=to,
        business_date=_day_told(draft.file, str(form.get("business_date", "")).strip()),
        expect=_expected(form),
        match=match,
        protect=protect,
    )


def _day_told(file: str, told: str) -> str:
    """Where names have their day, if this file's has it there. Raises ValueError when it is not so."""
    if told:
        Import.model_validate({"business_date": told})
        if day_told(told, file) is None:
            raise ValueError(f"{file}: {told}")
    return told


def _expected(form: FormData) -> dict[str, str]:
    """When such a file should have come; nothing where that is not said. Raises ValueError when it says no time or days."""
    said = {name: text for name in ("by", "days", "timezone") if (text := str(form.get(name, "")).strip())}
    if "by" not in said:
        return {}
    Expect.model_validate(said)
    return said


def _waiting(request: Request, pattern: str) -> bool:
    """Whether a pattern matches a file that lies in a drop and that nobody claims: nobody knows whose it is."""
    with db.transaction(engine_of(request)) as conn:
        files = [file for drop in settings_of(request).drops for file in ledger.drops.unmatched_files(conn, drop)]
    return any(fnmatch.fnmatchcase(basename(file.name), pattern) for file in files)


def names_taken(request: Request, draft: Draft, choices: Choices) -> list[str]:
    """The names of files that came, or that lie unclaimed, and that a draft's pattern matches, this one's among them."""
    with db.transaction(engine_of(request)) as conn:
        lie = [basename(file.name) for drop in settings_of(request).drops for file in ledger.drops.unmatched_files(conn, drop)]
        names = [draft.file, *lie, *ledger.arrivals.names_seen(conn, _NAMES)]
    return [name for name in dict.fromkeys(names) if fnmatch.fnmatchcase(name, choices.pattern)][:_SHOWN_NAMES]


def _named_before(request: Request) -> list[tuple[str, str]]:
    """The names of files that came, each with the profile that took it, where there still is one."""
    profiles = profiles_of(request)
    with db.transaction(engine_of(request)) as conn:
        names = ledger.arrivals.names_seen(conn, _NAMES)
    return [(name, taken.name) for name in names for taken in profiles if taken.matches(name, taken.drop or "")]


TAKERS = {"shape": _take_shape, "columns": _take_columns, "words": _take_words, "rules": _take_rules}
