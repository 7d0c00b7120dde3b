"""Drafts: a suggestion written as a profile, with the reasons as comments, for an admin to read and save."""

import contextlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from daemon.datasets import Dataset
from daemon.errors import Detail
from daemon.mapping.suggest import Proposal, Suggestion
from daemon.model import shown
from daemon.profiles import Format

_DIGITS = {"Y": r"20\d\d", "m": r"\d\d", "d": r"\d\d"}
_SHAPE = ("kind", "encoding", "delimiter", "quote", "header_row", "sheet")


def pattern(name: str) -> str:
    """A file name's pattern: what changes from night to night, its digits, is left open."""
    escaped = re.sub(r"[\[\]?*]", "?", name)
    return re.sub(r"\d[\d_.-]*\d|\d", "[0-9]*", escaped) if re.search(r"\d{4,}", name) else escaped


def day_in(name: str) -> str:
    """Where a file's name has the day that it is about, as `business_date` says it; '' where that can be read in two ways."""
    found = []
    for order in ("Ymd", "dmY", "mdY"):
        first, second, third = (rf"(?P<{part}>{_DIGITS[part]})" for part in order)
        for each in re.finditer(
            rf"(?<!\d){first}(?P<between>[-_.]?){second}(?P=between){third}(?=(\d{{4}}(\d\d)?)?(?!\d))", name
        ):
            with contextlib.suppress(ValueError):
                date(int(each["Y"]), int(each["m"]), int(each["d"]))
                told = each["between"].join(f"%{part}" for part in order)
                found.append(
                    "*".join(re.split(r"\d+", name[: each.start()])) + told + "*".join(re.split(r"\d+", name[each.end() :]))
                )
    return found[0] if len(found) == 1 else ""


def asks_mode(dataset: Dataset) -> bool:
    """Whether somebody must say if files of a dataset are all that is open, or changes only: too much money hangs on it."""
    return dataset.balance is not None


@dataclass(frozen=True)
class Wishes:
    """What a person says of a profile beside its columns; '' and nobody where they do not."""

    mode: str | None = None
    pattern: str = ""
    entity: str = ""
    to: Sequence[str] = ()
    language: str = "en"
    business_date: str = ""
    match: Sequence[str] = ()
    protect: Sequence[str] = ()
    expect: Mapping[str, str] = field(default_factory=dict)
    said: Callable[[Detail], str] = str
    """How the reasons for a column are put in words."""


def draft(
    name: str, dataset: Dataset, format: Format, suggestion: Suggestion, unclear: Iterable[str], wishes: Wishes = Wishes()
) -> str:
    """The TOML of a profile for files like the one called `name`; `unclear` are the sentences about what is not. Where its mode
    must be said and is not, the profile asks, and cannot be used before.
    """
    return "\n".join(_lines(name, dataset, format, suggestion, unclear, wishes)) + "\n"


def _lines(
    name: str, dataset: Dataset, format: Format, suggestion: Suggestion, unclear: Iterable[str], wishes: Wishes
) -> Iterator[str]:
    yield f"# Suggested for {shown(name)}. Read it through: a comment says why each column was chosen."
    yield f"dataset = {_text(dataset.name)}"
    yield f"pattern = {_text(wishes.pattern or pattern(name))}"
    yield f"entity = {_text(wishes.entity)}" if wishes.entity else '# entity = "FR01"   # which company of the group'
    yield ""
    yield "[format]"
    for key in _SHAPE:
        value = getattr(format, key)
        if value is not None and (key, value) not in (("quote", '"'), ("kind", "delimited"), ("encoding", "ascii")):
            yield f"{key} = {value if isinstance(value, int) else _text(value)}"
    if format.ignore:
        yield f"ignore = {_listed(format.ignore)}"
    for key in ("decimal", "thousands", "date"):
        if value := getattr(suggestion.conventions, key):
            yield f"{key} = {_text(value)}"
    if suggestion.conventions.pivot is not None:
        yield f"pivot = {suggestion.conventions.pivot}"
    yield from (f"# not clear: {shown(sentence)}" for sentence in unclear)
    yield ""
    yield "[columns]"
    for filled, proposal in suggestion.columns.items():
        yield from _column(filled, proposal, list(dataset.fields[filled].words), wishes)
    for missing in suggestion.missing:
        described = dataset.fields[missing]
        kind = '{ value = "EUR" }' if described.iso4217 else '"…"'
        yield f"# {missing} = {kind}   # required, and no column was found that holds it: {described.label['en'].lower()}"
    if suggestion.unused:
        yield ""
        yield "# Columns that are not imported: " + shown(", ".join(suggestion.unused))
    yield ""
    yield from _rules(name, dataset, wishes)
    if wishes.to:
        people = ", ".join(f"{{ email = {_text(email)}, language = {_text(wishes.language)} }}" for email in wishes.to)
        yield "[notify]"
        yield f"to = [{people}]"
    else:
        yield "# [notify]"
        yield '# to = [{ email = "credit@example.com", language = "en" }]'


def _rules(name: str, dataset: Dataset, wishes: Wishes) -> Iterator[str]:
    told, day = list[str](), day_in(name)
    if wishes.mode or asks_mode(dataset):
        told.append('# "snapshot": the file is all that is open, and what it leaves out was paid; "delta": it has changes only')
        told.append(f"mode = {_text(wishes.mode or '?')}")
    if wishes.business_date:
        told.append(f"business_date = {_text(wishes.business_date)}")
    elif day:
        told.append(f"# business_date = {_text(day)}   # the day that a file is about, where its name has it")
    told += [f"{rule} = {_listed(fields)}" for rule, fields in (("match", wishes.match), ("protect", wishes.protect)) if fields]
    for title, lines in (("import", told), ("expect", [f"{key} = {_text(value)}" for key, value in wishes.expect.items()])):
        if lines:
            yield from (f"[{title}]", *lines, "")


def _column(field: str, proposal: Proposal, choices: list[str], wishes: Wishes) -> Iterator[str]:
    why = f"   # {round(proposal.confidence * 100)} %: {shown('; '.join(map(wishes.said, proposal.why)))}"
    known = {word: value for word, value in proposal.words.items() if value}
    parts = {"value": proposal.value}
    if not proposal.value and proposal.credit:
        parts = {"debit": proposal.header, "credit": proposal.credit}
    elif not proposal.value:
        parts = {} if proposal.others else {"from": proposal.header}
    said = [f"{key} = {_text(text)}" for key, text in parts.items()]
    said += [f"first_of = {_listed([proposal.header, *proposal.others])}"] if proposal.others else []
    said += [f"{key} = {_text(text)}" for key, text in (("flag", proposal.flag), ("default", proposal.default)) if text]
    words = ", ".join(f"{_text(word)} = {_text(value)}" for word, value in known.items())
    if proposal.words and not proposal.credit:
        said.append(f"map = {{ {words} }}")
    plain = len(said) == 1 and "from" in parts
    yield f"{field} = {_text(proposal.header) if plain else '{ ' + ', '.join(said) + ' }'}{why}"
    if proposal.words and choices:
        yield f"#   a word may mean {', '.join(choices)}"
    if open_ := [word for word, value in proposal.words.items() if not value]:
        yield f"#   say in its map what these mean, or their rows are rejected: {shown(', '.join(open_))}"


def _listed(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"


def _text(value: object) -> str:
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
