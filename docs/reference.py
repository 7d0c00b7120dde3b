"""Makes the tables of `profile.md`, `settings.md` and `datasets.md` from the models and TOML they tell of: `make docs`."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from daemon.datasets import Field, datasets
from daemon.profiles import Column, Control, Conventions, Expect, Format, Profile, Section
from daemon.profiles.profile import Notify
from daemon.profiles.rules import Import
from daemon.settings import FtpDrop, FtpsDrop, HttpDrop, LocalDrop, Oidc, Person, Sandbox, SftpDrop
from daemon.settings.settings import Archive, Database, Entity, Imports, Mail, Web

MARK = "<!-- From here on made by `make docs`; what is written by hand stands above. -->"
PROFILE: dict[str, type[BaseModel]] = {
    "The profile itself": Profile,
    "[format]: shape": Format,
    "[format]: conventions": Conventions,
    "[columns]: one column": Column,
    "[import]": Import,
    "[control]": Control,
    "[expect]": Expect,
    "[notify]": Notify,
    "[notify] to": Person,
    "[[also]]": Section,
}
SETTINGS: dict[str, type[BaseModel]] = {
    '[drops.NAME], kind = "local"': LocalDrop,
    '[drops.NAME], kind = "sftp"': SftpDrop,
    '[drops.NAME], kind = "ftps"': FtpsDrop,
    '[drops.NAME], kind = "ftp"': FtpDrop,
    '[drops.NAME], kind = "http"': HttpDrop,
    "[mail]": Mail,
    "[mail] admins": Person,
    "[web]": Web,
    "[web.oidc]": Oidc,
    "[database]": Database,
    "[archive]": Archive,
    "[import]": Imports,
    "[entities.NAME]": Entity,
    "[sandbox]": Sandbox,
}


def pages() -> dict[str, str]:
    """What stands below the mark in each page."""
    return {
        "profile.md": "\n\n".join(_table(title, model) for title, model in PROFILE.items()),
        "settings.md": "\n\n".join(_table(title, model) for title, model in SETTINGS.items()),
        "datasets.md": "\n\n".join(map(_dataset, datasets())),
    }


def _table(title: str, model: type[BaseModel]) -> str:
    own = [(field.alias or name, field) for name, field in model.model_fields.items() if field.description]
    rows = "\n".join(f"| `{key}` | {_kind(field)} | {_default(field)} | {_cell(field.description or '')} |" for key, field in own)
    doc = (model.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    return f"## `{title}`\n\n{' '.join(doc.split())}\n\n| key | | without it | |\n|---|---|---|---|\n{rows}"


def _kind(field: FieldInfo) -> str:
    if any("_seconds" in repr(each) for each in field.metadata):
        return "a length of time"
    return _type(field.annotation)


def _type(annotation: Any) -> str:
    origin, parts = get_origin(annotation), [part for part in get_args(annotation) if part is not NoneType]
    if origin is Literal:
        return ", ".join(f"`{str(part).lower() if isinstance(part, bool) else repr(part)}`" for part in parts).replace("'", '"')
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(map(_type, parts)))
    if origin is Annotated:
        return _type(parts[0])
    if origin in (list, tuple):
        inner = _type(parts[0])
        return f"list of {inner}" if inner.startswith("`") else f"list of {inner}s"
    plain = {date: "day", Decimal: "number", str: "text", int: "number", float: "number", bool: "true or false", Path: "path"}
    return plain.get(annotation, "table")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.default
    if value is None or value == [] or isinstance(value, BaseModel):
        return ""
    if any("_seconds" in repr(each) for each in field.metadata):
        return f"`{_time(value)}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`" if value != "" else ""


def _time(seconds: float) -> str:
    size, unit = next((size, unit) for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")) if seconds % size == 0)
    return f"{seconds / size:g}{unit}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _dataset(name: str) -> str:
    dataset = datasets()[name]
    rows = "\n".join(
        f"| `{name}` | {field.label['en']} | {field.type} | {_needed(field)} | {field.owner} "
        f"| {_cell(field.description)}{_words(field.words)} |"
        for name, field in dataset.fields.items()
    )
    keys = "; ".join(" + ".join(f"`{each}`" for each in key) for key in dataset.keys + dataset.matches)
    head = f"## `{name}` → `{dataset.table}`\n\nA row is known by its entity and {keys}."
    return f"{head}\n\n| field | | type | | owner | |\n|---|---|---|---|---|---|\n{rows}"


def _needed(field: Field) -> str:
    return "required" if field.required else "worked out" if field.derived else ""


def _words(words: dict[str, list[str]]) -> str:
    return f" One of {', '.join(f'`{word}`' for word in words)}." if words else ""


def main() -> None:
    """Write the pages."""
    for name, made in pages().items():
        page = Path(__file__).with_name(name)
        page.write_text(f"{page.read_text(encoding='utf-8').split(MARK)[0]}{MARK}\n\n{made}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
