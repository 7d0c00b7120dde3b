"""Rewriting: a saved profile's text is put in the place of the one before; every version stays in the audit."""

from pathlib import Path

from sqlalchemy import Connection

from daemon import ledger
from daemon.errors import Detail
from daemon.toml import ConfigInvalid, Mistake

DISK = "(disk)"
"""Who wrote what was found in the folder, and that nobody wrote in the console."""


def rewrite(conn: Connection, path: Path, text: str, by: str) -> None:
    """Put a text in the place of a profile's, whole or not at all, with the line ends that it had; what was written in the folder
    since the last time is a version of its own.

    Raises ConfigInvalid when the folder does not let it.
    """
    half = path.with_suffix(".half")
    try:
        before = path.read_text(encoding="utf-8")
        half.write_text(text, encoding="utf-8", newline="\r\n" if b"\r\n" in path.read_bytes() else "\n")
        half.rename(path)
    except OSError as error:
        raise ConfigInvalid([Mistake(path, None, "", Detail.of("not_written", why=str(error.strerror)))]) from error
    last = next((act.about.get("after", "") for act in ledger.people.profile_acts(conn, path.stem, 1)), before)
    for who, old, new in ((DISK, last, before), (by, before, text)):
        if old != new:
            ledger.people.record_act(conn, who, "write profile", name=path.stem, before=old, after=new)
