"""Files as they are seen in a drop, as they came, and as the archive has them; and their names as people are shown them."""

from dataclasses import dataclass
from pathlib import Path

from daemon.model.states import State


def shown(text: str) -> str:
    """Text from outside as people may be shown it: on one line, with nothing in it that acts on a terminal or a mail."""
    return "".join(char if char.isprintable() or char == "\u00a0" else "·" for char in text)


def basename(path: str) -> str:
    """A file's name without its folders."""
    return path.rpartition("/")[2]


@dataclass(frozen=True)
class RemoteFile:
    """One entry seen in a drop. `mtime` is the server's word, used only to notice change."""

    name: str
    size: int
    mtime: int


@dataclass(frozen=True)
class Arrival:
    """A file that came, as the ledger knows it: `path` is where in its drop it is now, `companions` are its marker
    and its control file.
    """

    id: int
    file: RemoteFile
    path: str
    companions: tuple[str, ...]
    sha256: str | None
    tries: int
    run_id: int
    """Its first run; `profile` is that one's, and `states` are those of all its runs."""
    profile: str
    states: frozenset[State]


@dataclass(frozen=True)
class Fetched:
    """The bytes of a file, safe in the archive: where, how many, and their sha256."""

    path: Path
    size: int
    sha256: str
