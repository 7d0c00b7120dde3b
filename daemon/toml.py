"""TOML into pydantic models: every mistake at once, each with its file, its line and the nearest right key.

What is wrong is a code and what stands in its gaps: told in English here, and by `words` in a reader's language.
"""

import difflib
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Annotated, Any, TypeVar
from zoneinfo import available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from daemon.errors import Detail, SetupFault
from daemon.languages import sentence

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_OF_PYDANTIC = {
    "missing": "missing",
    "literal_error": "one_of",
    "int_parsing": "whole_number",
    "int_type": "whole_number",
    "greater_than_equal": "at_least",
    "less_than_equal": "at_most",
    "string_type": "text",
    "string_too_short": "too_short",
    "string_too_long": "too_long",
    "bool_type": "true_or_false",
    "bool_parsing": "true_or_false",
    "list_type": "list",
    "dict_type": "table",
    "model_type": "table",
}
"""Its types of error whose sentences are ours; what it says of others is told as it is."""


class Unfit(ValueError):
    """What cannot stand where it stands in a TOML file, and why: sentences of `mistake`."""

    def __init__(self, *details: Detail) -> None:
        self.details = details
        super().__init__("; ".join(map(_english, details)))


def unfit(code: str, **values: str | int) -> Unfit:
    """Something that is unfit for one reason."""
    return Unfit(Detail.of(code, **values))


def _english(detail: Detail) -> str:
    gaps = {name: " or ".join(value) if isinstance(value, list) else value for name, value in detail.values.items()}
    return sentence(f"mistake.{detail.code}").said("en", 2).format(**gaps)


class Table(BaseModel):
    """A table of a TOML file; a key it does not know is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _seconds(value: object) -> object:
    if isinstance(value, str):
        if not (match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|[smhd])", value.strip())):
            raise unfit("duration")
        return float(match[1]) * _UNITS[match[2]]
    return value


Seconds = Annotated[float, BeforeValidator(_seconds)]
"""A length of time, written `"30s"`, `"5m"`, `"2h"` or `"1d"`."""


def clock_time(text: str) -> time:
    """`06:00` as a time of day. Raises Unfit."""
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise unfit("time_of_day")
    return time.fromisoformat(text)


def known_zone(name: str) -> str:
    """A time zone's name. Raises Unfit when there is none of it."""
    if name not in available_timezones():
        raise Unfit(unknown("time_zone", name, sorted(available_timezones())))
    return name


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong in a settings or profile file, for the admin who wrote it."""

    file: Path
    line: int | None
    key: str
    detail: Detail

    @property
    def message(self) -> str:
        """What is wrong, in English."""
        return _english(self.detail)

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class ConfigInvalid(SetupFault):
    """One or more TOML files do not say what they must; `mistakes` names each place."""

    exit_code = 2

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


T = TypeVar("T", bound=BaseModel)


def load(path: Path, model: type[T], **given: Any) -> T:
    """Read one TOML file as `model`; `given` adds what the file itself does not say (its own name, the home folder).

    Raises ConfigInvalid with every mistake of the file.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigInvalid([Mistake(path, None, "", Detail.of("not_read", why=str(error)))]) from error
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        told = Detail.of("not_toml", why=str(error))
        raise ConfigInvalid([Mistake(path, int(line[1]) if line else None, "", told)]) from error
    try:
        return model.model_validate(content | given)
    except ValidationError as error:
        raise ConfigInvalid([each for e in error.errors() for each in _mistakes(path, text, model, e)]) from error


def mistake_at(path: Path, keys: list[str], detail: Detail) -> Mistake:
    """A mistake of what a file says under some keys."""
    return Mistake(path, _line(path.read_text(encoding="utf-8"), keys), ".".join(keys), detail)


def unknown(code: str, word: str, known: list[str], **values: str) -> Detail:
    """That a word is none of those `known`, and the one most like it where one is."""
    close = closest(word, known)
    return Detail.of(f"{code}_close", word=word, close=close, **values) if close else Detail.of(code, word=word, **values)


def closest(word: str, known: list[str]) -> str:
    """The known word most like `word`; '' when none is like it."""
    right = {k.casefold(): k for k in known}
    close = difflib.get_close_matches(word.casefold(), right, n=1, cutoff=0.55)
    return right[close[0]] if close else ""


def details_of(error: ErrorDetails) -> Sequence[Detail]:
    """What is wrong with a value, of an error that pydantic tells."""
    given = error.get("ctx", {})
    if isinstance(told := given.get("error"), Unfit):
        return told.details
    if code := _OF_PYDANTIC.get(error["type"]):
        choices = {name: re.findall("'([^']*)'", value) for name, value in given.items() if name == "expected"}
        return [Detail.of(code, **{name: str(value) for name, value in given.items()} | choices)]
    return [Detail.of("plain", text=error["msg"].removeprefix("Value error, "))]


def _mistakes(path: Path, text: str, model: type[BaseModel], error: ErrorDetails) -> Iterator[Mistake]:
    keys, known = _walk(model, list(error["loc"]))
    is_unknown = error["type"] == "extra_forbidden"
    for detail in [unknown("key", keys[-1], known)] if is_unknown else details_of(error):
        yield Mistake(path, _line(text, keys), ".".join(keys), detail)


def _walk(model: type[BaseModel], loc: list[Any]) -> tuple[list[str], list[str]]:
    """The keys along `loc` that a file spells (a union's tag is none), and those known in the table that holds the last.

    Found by walking the model's JSON schema.
    """
    schema = model.model_json_schema(by_alias=True)
    here: list[dict[str, Any]] = [schema]
    spelled = []
    for part in loc[:-1]:
        if inside := [step for node in here for step in _into(node, part, schema)]:
            here = inside
            spelled.append(str(part))
    known = [key for node in here for resolved in _resolved(node, schema) for key in resolved.get("properties", {})]
    return [*spelled, str(loc[-1])] if loc else [], known


def _into(node: dict[str, Any], part: Any, schema: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for known in _resolved(node, schema):
        if part in known.get("properties", {}):
            found.append(known["properties"][part])
        elif isinstance(known.get("additionalProperties"), dict):
            found.append(known["additionalProperties"])
        elif "patternProperties" in known:
            found += known["patternProperties"].values()
        elif isinstance(part, int) and "items" in known:
            found.append(known["items"])
    return found


def _resolved(node: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in node:
        return _resolved(schema["$defs"][node["$ref"].rsplit("/", 1)[1]], schema)
    branches = node.get("anyOf", []) + node.get("oneOf", [])
    return [known for branch in branches for known in _resolved(branch, schema)] if branches else [node]


def _line(text: str, keys: list[str]) -> int | None:
    """The line of the deepest of `keys` that stands in the file, as a table header or as a key below one."""
    table: list[str] = []
    best: tuple[int, int] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$", line):
            table = _dotted(header[1])
            here = table
        elif key := re.match(r"\s*((?:\"[^\"]*\"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:\"[^\"]*\"|'[^']*'|[\w-]+))*)\s*=", line):
            here = table + _dotted(key[1])
        else:
            continue
        if here and here == [k for k in keys if not k.isdigit()][: len(here)] and (best is None or len(here) > best[0]):
            best = (len(here), number)
    return best[1] if best else None


def _dotted(text: str) -> list[str]:
    return [part.strip("\"'") for part in re.findall(r"\"[^\"]*\"|'[^']*'|[\w-]+", text)]
