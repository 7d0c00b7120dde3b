"""Writes the manual page, `deploy/nightporter.1`, from the commands themselves: `make docs`."""

from pathlib import Path
from typing import Any

import typer

from daemon.cli.app import app

PAGE = Path(__file__).parent.parent / "deploy" / "nightporter.1"


def page() -> str:
    """The manual page, in roff: man(7)."""
    root: Any = typer.main.get_command(app)
    lines = [
        '.TH NIGHTPORTER 1 "" "Nightporter" "User Commands"',
        ".SH NAME",
        "nightporter \\- the night porter of a credit department",
    ]
    lines += [
        ".SH SYNOPSIS",
        ".B nightporter",
        "[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGS\\fR]",
        ".SH DESCRIPTION",
        _text(root.help),
    ]
    lines += [".SH OPTIONS", *_options(root), ".SH COMMANDS"]
    for name, command in _commands(root, []):
        arguments = " ".join(
            f"\\fI{_text(str(each.name).upper())}\\fR" for each in command.params if each.param_type_name == "argument"
        )
        lines += [f".SS {_text(name)} {arguments}".rstrip(), _text(command.help), *_options(command)]
    lines += [
        ".SH EXIT STATUS",
        "0 done; 1 a fault; 2 wrong usage or settings; 3 the file was refused; 4 it is held; 5 no row of it was taken.",
        ".SH FILES",
        "\\fIHOME\\fR/nightporter.toml, the settings; \\fIHOME\\fR/profiles/*.toml, the saved mapping profiles.",
        ".SH ENVIRONMENT",
        "NIGHTPORTER_HOME, the home folder; NIGHTPORTER_DATABASE_URL, a Postgres instead of the one in the settings.",
    ]
    return "\n".join(lines) + "\n"


def _commands(group: Any, above: list[str]) -> list[tuple[str, Any]]:
    found = []
    for name, command in group.commands.items():
        if command.hidden:
            continue
        path = [*above, name]
        found += _commands(command, path) if hasattr(command, "commands") else [(" ".join(path), command)]
    return found


def _options(command: Any) -> list[str]:
    lines = []
    for each in command.params:
        if each.param_type_name != "option" or each.hidden or not each.help:
            continue
        value = "" if each.is_flag else f" \\fI{_text(each.name.upper())}\\fR"
        lines += [".TP", f"\\fB{_text(', '.join(each.opts))}\\fR{value}", _text(each.help)]
    return lines


def _text(text: str | None) -> str:
    """Text that means nothing to roff."""
    plain = " ".join((text or "").split()).replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{plain}" if plain.startswith((".", "'")) else plain


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
