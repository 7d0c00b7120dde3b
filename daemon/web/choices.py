"""What a step of Smart Upload says about a draft: each form, and the choices that it makes."""

import fnmatch
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request

from daemon import db, ledger
from daemon.datasets import datasets
from daemon.errors import Detail, Refusal
from daemon.importing import Choices, choices_of, first_choices, headers_of, is_value, seen, with_ready_made
from daemon.ledger.drafts import Draft
from daemon.ledger.people import Account
from daemon.mapping import asks_mode
from daemon.model import basename
from daemon.profiles import Conventions, Expect, Format, Import, day_told, fitting
from daemon.settings import EMAIL
from daemon.web.state import engine_of, profiles_of, settings_of
from daemon.web.tongue import words_of

_SHAPE = ("encoding", "delimiter", "header_row", "sheet", "decimal", "thousands", "date", "pivot", "language")
_NUMBERS = {"header_row": 8, "pivot": 2, "sheet": 2}
"""What is a number if it has so many digits at most; of more a sheet has a year for its name."""
_SAID = {"tab": "\t", "space": " "}
"""How marks that nobody sees are written in a form."""
_PARTS = {"debit": "header", "credit": "credit", "flag": "flag", "otherwise": "others", "written": "written"}
"""What a column may be of a field, beside all of it."""
_TWICE = "twice"
"""Where a form has the second column that is to be a field; never kept."""
_LONGEST_NAME = 60
_NAMES = 500
_SHOWN_NAMES = 10
_NARROW = re.compile(r"[^*?\[]{4}")
"""How the pattern of somebody who is no admin begins."""


class Fault(ValueError):
    """What is wrong with something that a form says, and the name of its field."""

    def __init__(self, said: str, field: str) -> None:
        super().__init__(said)
        self.field = field


def is_theirs(account: Account, choices: Choices) -> bool:
    """Whether the choices import nothing but what is of somebody's entities: a column could name any."""
    return account.is_admin or ("entity" not in choices.columns and (not choices.entity or account.may_see([choices.entity])))


def _take_shape(request: Request, account: Account, draft: Draft, choices: Choices, form: FormData) -> Choices:
    """The shape. A ready-made profile says it all, until it is let go."""
    if ready := str(form.get("ready_made", "")):
        found = seen(Path(draft.path), choices, settings_of(request).sandbox, engine_of(request))
        return with_ready_made(choices, ready) if ready in fitting(found.header, choices.dataset) else choices
    if choices.ready_made and "by_hand" not in form:
        return choices
    choices = replace(choices, ready_made="")
    said: dict[str, Any] = {name: text for name in _SHAPE if (text := str(form.get(name, "")).strip())}
    said |= {
        name: int(said[name]) for name, most in _NUMBERS.items() if said.get(name, "").isdecimal() and len(said[name]) <= most
    }
    said |= {name: _SAID[said[name]] for name in ("delimiter", "thousands") if said.get(name) in _SAID}
    said |= {name: value for name, value in choices.format.items() if name not in _SHAPE}
    return replace(choices, format=said)


def _see_shape(request: Request, account: Account, draft: Draft, said: Choices) -> None:
    """Raise Fault, or ValidationError, where the shape is none."""
    if said.ready_made:
        return
    date = str(said.format.get("date", ""))
    if "yy" in date.replace("yyyy", "") and "pivot" not in said.format:
        raise Fault(words_of(request)("page.fault_pivot"), "pivot")
    Format.model_validate({name: value for name, value in said.format.items() if name in Format.model_fields})
    Conventions.model_validate({name: value for name, value in said.format.items() if name in Conventions.model_fields})


def proposed_anew(request: Request, draft: Draft, said: Choices) -> Choices:
    """The choices of a draft whose shape is another one now: its columns are proposed anew. Raises FileRefused."""
    before = Choices.of(draft)
    if said.edited or said.ready_made or (said.format == before.format and said.columns):
        return said
    found = seen(Path(draft.path), said, settings_of(request).sandbox, engine_of(request))
    proposed = first_choices(draft.file, said.dataset, found)
    return replace(
        said,
        columns=proposed.columns,
        words=proposed.words,
        pattern=said.pattern or proposed.pattern,
        name=said.name or proposed.name,
    )


def _take_columns(request: Request, account: Account, draft: Draft, choices: Choices, form: FormData) -> Choices:
    """Which column is which field; a field of which no column is, may have one value for all rows."""
    if choices.ready_made:
        return choices
    found = seen(Path(draft.path), choices, settings_of(request).sandbox, engine_of(request))
    fields = datasets()[choices.dataset].fields
    columns: dict[str, dict[str, Any]] = {}
    for number, header in enumerate(found.header):
        for chosen in form.getlist(f"column_{number}"):
            field, _, side = str(chosen).partition(":")
            if field not in fields:
                continue
            column, part = columns.setdefault(field, {}), _PARTS.get(side, "header")
            if part == "others":
                column.setdefault(part, []).append(header)
            elif part == "written":
                column |= choices.columns.get(field, {})
            elif part in column:
                column[_TWICE] = f"column_{number}"
            else:
                column[part] = header
    for field, column in columns.items():
        before = choices.columns.get(field, {})
        if before.get("header") == column.get("header"):
            column |= {name: before[name] for name in ("confidence", "why") if name in before}
        if _is_same(before, column):
            column["header"], column["others"] = before["header"], before["others"]
    for field, column in choices.columns.items():
        if field not in fields or ("value" not in column and not set(headers_of(column)) & set(found.header)):
            columns.setdefault(field, dict(column))  # what the form does not show
    for field, column in columns.items():
        blank = str(form.get(f"default_{field}", choices.columns.get(field, {}).get("default", ""))).strip()
        column.pop("default", None)
        column |= {"default": blank} if blank and "value" not in column else {}
    for field in datasets()[choices.dataset].mappable:
        if field not in columns and (value := str(form.get(f"value_{field}", "")).strip()):
            columns[field] = {"value": value}
    kept = {name: meant for name, meant in choices.words.items() if name in columns}
    return replace(choices, columns=columns, words=kept, match=[name for name in choices.match if name in columns])


def _is_same(before: Mapping[str, Any], column: Mapping[str, Any]) -> bool:
    """Whether several columns are a field's as before; then they stay in the order that they were given in."""
    first, then = ({each.get("header"), *each.get("others", [])} for each in (before, column))
    return "others" in before and "others" in column and first == then


def _take_words(request: Request, account: Account, draft: Draft, choices: Choices, form: FormData) -> Choices:
    """What the words of a column mean; of those that were not shown, what they meant before."""
    meant: dict[str, dict[str, str]] = {}
    for field in choices.columns:
        shown = [str(word) for word in form.getlist(f"word_{field}")]
        means = [str(value).strip() for value in form.getlist(f"means_{field}")]
        before = choices.words.get(field, {})
        words = {word: value for word, value in before.items() if word not in shown or not value}  # "": a blank, of a profile
        words |= {word: value for word, value in zip(shown, means, strict=False) if word and value and value != word}
        if words:
            meant[field] = words
    return replace(choices, words=meant)


def _take_rules(request: Request, account: Account, draft: Draft, choices: Choices, form: FormData) -> Choices:
    """What the file is, and what files like it are called."""
    said = {name: str(form.get(name, "")).strip() for name in ("mode", "name", "pattern", "entity", "business_date")}
    match, protect = (
        _ticked(form, rule, before, choices.columns) for rule, before in (("match", choices.match), ("protect", choices.protect))
    )
    return replace(
        choices,
        mode=said["mode"] if said["mode"] in ("snapshot", "delta") else "",
        name=choices.name if choices.edited else said["name"],
        pattern=said["pattern"] or choices.pattern,
        entity=said["entity"],
        to=[part.strip() for part in str(form.get("to", "")).replace(";", ",").split(",") if part.strip()],
        business_date=said["business_date"],
        expect={name: text for name in ("by", "days", "timezone") if (text := str(form.get(name, "")).strip())},
        match=match,
        protect=protect,
    )


def _see_columns(request: Request, account: Account, draft: Draft, said: Choices) -> None:
    """Raise Fault where two columns are one field, or half of one."""
    words = words_of(request)
    for field, column in said.columns.items():
        named = words.field(said.dataset, field) if field in datasets()[said.dataset].fields else field
        if _TWICE in column:
            raise Fault(words("page.fault_twice", field=named), column[_TWICE])
        if not {"header", "written", "value"} & column.keys():
            raise Fault(words("page.fault_side", field=named), "columns")
        for given in ("value", "default"):
            if column.get(given) and not is_value(said.dataset, field, column[given]):
                raise Fault(words("page.fault_no_value", field=named, value=column[given]), f"{given}_{field}")


def _ticked(form: FormData, rule: str, before: list[str], offered: Iterable[str]) -> list[str]:
    """The fields that are ticked for a rule, in the order they had, and those that the form does not offer."""
    told = list(offered)
    ticked = [name for name in told if f"{rule}_{name}" in form]
    kept = [name for name in before if name in ticked or name not in told]
    return kept + [name for name in ticked if name not in kept]


def _see_words(request: Request, account: Account, draft: Draft, said: Choices) -> None:
    """Raise Fault where a word is to mean what cannot be."""
    words = words_of(request)
    for field, meant in said.words.items():
        if wrong := [value for value in meant.values() if value and not is_value(said.dataset, field, value)]:
            named = words.field(said.dataset, field)
            raise Fault(words("page.fault_no_value", field=named, value=wrong[0]), f"means_{field}")


def _see_rules(request: Request, account: Account, draft: Draft, said: Choices) -> None:
    """Raise Fault, or ValidationError, where rules say nothing that can be, or what is another's."""
    words = words_of(request)
    before = choices_of(said.edited, said.name) if said.edited else said
    if asks_mode(datasets()[said.dataset]) and not said.mode:
        raise Fault(words("page.fault_mode"), "mode")
    if not said.edited and (not said.name.replace("-", "").replace("_", "").isalnum() or len(said.name) > _LONGEST_NAME):
        raise Fault(words("page.fault_name"), "name")
    if not said.edited and _is_taken(request, account, said.name):
        raise Fault(words("page.fault_taken", name=said.name), "name")
    if not account.is_admin and not account.may_see([said.entity]):
        raise Fault(words("page.fault_entity"), "entity")
    if said.pattern != before.pattern or not said.edited:
        _see_pattern(request, account, said.name, said.pattern)
    if wrong := [each for each in said.to if not re.fullmatch(EMAIL, each)]:
        raise Fault(words("page.fault_address", addresses=words.listed(wrong)), "to")
    if said.business_date and not (said.edited and said.business_date == before.business_date):
        Import.model_validate({"business_date": said.business_date})
        if day_told(said.business_date, draft.file) is None:
            raise Fault(f"{draft.file}: {said.business_date}", "business_date")
    if said.expect:
        Expect.model_validate(said.expect)


def _is_taken(request: Request, account: Account, name: str) -> bool:
    with db.transaction(engine_of(request)) as conn:
        was = not account.is_admin and ledger.runs.is_of_runs(conn, name)  # whose runs they could see by it
    return was or (settings_of(request).profiles / f"{name}.toml").exists()


def _see_pattern(request: Request, account: Account, own: str, pattern: str) -> None:
    """Raise Fault where a pattern takes what may be another's."""
    words = words_of(request)
    if not account.is_admin and (not _NARROW.match(pattern) or _waiting(request, pattern)):
        raise Fault(words("page.fault_wide"), "pattern")
    if taken := [each for each in _named_before(request, own) if fnmatch.fnmatchcase(each[0], pattern)][:5]:
        names = ", ".join(f"{file} ({profile})" for file, profile in taken)
        raise Fault(words.refusal(Refusal.TWO_PROFILES, Detail.of("plain", text=names)), "pattern")


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


def _named_before(request: Request, own: str) -> list[tuple[str, str]]:
    """The names of files that came, each with the profile that took it, where there still is one that is not one's `own`."""
    profiles = profiles_of(request)
    with db.transaction(engine_of(request)) as conn:
        names = ledger.arrivals.names_seen(conn, _NAMES)
    return [
        (name, taken.name) for name in names for taken in profiles if taken.name != own and taken.matches(name, taken.drop or "")
    ]


TAKERS = {"shape": _take_shape, "columns": _take_columns, "words": _take_words, "rules": _take_rules}
CHECKS = {"shape": _see_shape, "columns": _see_columns, "words": _see_words, "rules": _see_rules}
