"""Editing: a profile that is there, ready-made or saved, as the choices of the steps; and its text with what was chosen in it.
What the steps do not ask, and what was not changed, stays as it was written, comments and all.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import Table

from daemon import toml
from daemon.importing.choices import Choices
from daemon.profiles import Column, Conventions, Format, Profile, Profiles, ready_made

_SOURCES = ("header", "others", "credit", "flag", "value", "written")
"""What a choice says of where a field's value comes from."""
_BESIDE = ("slice", "default", "optional", "unfilled")
"""What a column says beside where its value comes from."""


def as_profile(text: str, name: str) -> Profile:
    """The profile that a text says. Raises ConfigInvalid with every mistake of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        return toml.load(path, Profile, name=name)


def with_ready_made(choices: Choices, name: str) -> Choices:
    """The choices once a ready-made profile says how such files are read, and what their columns are."""
    profile = Profiles(ready_made()[0].parent).get(name)
    read_as = profile.format.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    day = profile.import_.business_date
    told = day if isinstance(day, str) else choices.business_date
    kept = replace(choices, ready_made=name, format=read_as, business_date=told)
    return replace(kept, columns={}, words={}, match=[], protect=[])


def by_ready_made(choices: Choices, language: str) -> str:
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


def choices_of(text: str, name: str) -> Choices:
    """A saved profile as choices. Raises ConfigInvalid."""
    profile = as_profile(text, name)
    day = profile.import_.business_date
    return Choices(
        profile.dataset,
        format=_read_as(profile),
        columns={field: _source(column) for field, column in profile.columns.items()},
        words={field: column.map for field, column in profile.columns.items() if column.map and column.from_},
        mode=profile.import_.mode,
        entity=profile.entity,
        pattern=profile.pattern or "",
        name=name,
        to=[person.email for person in profile.notify.to],
        business_date=day if isinstance(day, str) else "",
        match=profile.import_.match,
        protect=profile.import_.protect or [],
        expect=_expected(profile),
        edited=text,
    )


def edited(choices: Choices, language: str) -> str:
    """The text of the profile that is edited, with the choices that are others now in it."""
    before, written = choices_of(choices.edited, choices.name), tomlkit.parse(choices.edited)
    for key in ("pattern", "entity"):
        _put(written, key, getattr(before, key), getattr(choices, key))
    if choices.pattern:
        written.pop("regex", None)
    for key in before.format | choices.format:
        _put(_table(written, "format"), key, before.format.get(key), choices.format.get(key))
    columns = _table(written, "columns")
    for field in before.columns | choices.columns:
        _put_column(columns, field, before, choices)
        _put_default(columns, field, *(each.columns.get(field, {}).get("default") for each in (before, choices)))
    for key in ("mode", "business_date", "match", "protect"):
        _put(_table(written, "import"), key, getattr(before, key), getattr(choices, key))
    if before.protect and not choices.protect:
        written["import"]["protect"] = []  # without it the dataset's own fields are protected
    for key in before.expect | choices.expect:
        _put(_table(written, "expect"), key, before.expect.get(key), choices.expect.get(key))
    if choices.to != before.to:
        notify = _table(written, "notify")
        notify["to"] = _people(notify, choices.to, language)
    for name in ("format", "import", "expect", "notify"):
        if name in written and (not written[name] or (name == "expect" and not choices.expect)):
            written.remove(name)
    return tomlkit.dumps(written)


def _people(notify: Any, to: Sequence[str], language: str) -> Any:
    """Who gets the mail, those who were known as they were known."""
    known = {person["email"]: person.unwrap() for person in notify.get("to", [])}
    people = tomlkit.array()
    for email in to:
        person = tomlkit.inline_table()
        person.update(known.get(email, {"email": email, "language": language}))
        people.append(person)
    return people


def _read_as(profile: Profile) -> dict[str, Any]:
    said = profile.format.model_dump(mode="json", exclude_unset=True)
    return {name: value for name, value in said.items() if name in Format.model_fields | Conventions.model_fields}


def _expected(profile: Profile) -> dict[str, str]:
    said = profile.expect.model_dump(mode="json", exclude_unset=True) if profile.expect else {}
    return {name: str(said[name]) for name in ("by", "days", "timezone") if name in said}


def _source(column: Column) -> dict[str, Any]:
    """Where a field's value comes from, as the steps say it, and what it is where that is blank."""
    return _cells(column) | ({"default": column.default} if column.default else {})


def _cells(column: Column) -> dict[str, Any]:
    """Where a field's value comes from; of what the steps cannot say, that it stays as it is written."""
    parts, flag = column.first_of or [], column.flag
    if column.value is not None:
        return {"value": column.value}
    if column.debit is not None:
        return {"header": column.debit, "credit": column.credit}
    if parts and all(part == Column.model_validate({"from": part.from_}) for part in parts):
        return {"header": parts[0].from_, "others": [part.from_ for part in parts[1:]]}
    if column.from_ is not None and (flag is None or flag.from_):
        return {"header": column.from_} | ({"flag": flag.from_} if flag else {})
    return {"written": column.every_header}


def _put_column(columns: Table, field: str, before: Choices, choices: Choices) -> None:
    """Write where a field comes from, and what its words mean, if that is another thing now."""
    was, said = (
        {name: column[name] for name in _SOURCES if name in column}
        for column in (before.columns.get(field, {}), choices.columns.get(field, {}))
    )
    knew, words = (each.words.get(field, {}) if "header" in said else {} for each in (before, choices))
    if not said:
        columns.pop(field, None)
    if not said or (said == was and words == knew):
        return
    made = _written(said, words)
    there = columns.get(field)
    if isinstance(there, Mapping) and said.keys() == was.keys():
        for part, key in _written_as(said).items():
            if said[part] != was[part]:
                there[key] = made[key]  # type: ignore[index]
        if words != knew:
            _put(there, "map", knew, made.get("map"))
    else:
        made.update({key: there[key] for key in _BESIDE if isinstance(there, Mapping) and key in there and "value" not in said})
        columns[field] = made["from"] if made.keys() == {"from"} else made


def _put_default(columns: Table, field: str, was: str | None, now: str | None) -> None:
    """Write what a field is where its cell is blank, if that is another thing now."""
    if was == now or field not in columns:
        return
    if not isinstance(columns[field], Mapping):
        made = tomlkit.inline_table()
        made["from"] = columns[field]
        columns[field] = made
    _put(columns[field], "default", was, now)


def _written_as(said: Mapping[str, Any]) -> dict[str, str]:
    """The keys of a column's table in which the parts of a choice stand."""
    first = "first_of" if said.get("others") else "debit" if "credit" in said else "from"
    named = {"header": first, "others": first, "credit": "credit", "flag": "flag", "value": "value"}
    return {part: named[part] for part in said}


def _written(said: Mapping[str, Any], words: Mapping[str, str]) -> Any:
    """What the steps say of a field, as a profile writes it."""
    made = tomlkit.inline_table()
    if "value" in said:
        made["value"] = said["value"]
    elif said.get("others"):
        made["first_of"] = [said["header"], *said["others"]]
    elif "credit" in said:
        made.update({"debit": said["header"], "credit": said["credit"]})
    else:
        made["from"] = said["header"]
    if "flag" in said:
        made["flag"] = said["flag"]
    if words and "credit" not in said and "value" not in said:
        made["map"] = tomlkit.inline_table()
        made["map"].update(words)
    return made


def _table(written: Any, name: str) -> Any:
    if name not in written:
        written[name] = tomlkit.table()
    return written[name]


def _put(table: Any, key: str, was: object, now: object) -> None:
    """Write what is another thing now; nothing for what is not said any more."""
    if now == was:
        return
    if now:
        table[key] = now
    else:
        table.pop(key, None)
