"""Which of the listed files are ours to take, and in what order."""

import fnmatch
from pathlib import PurePosixPath

from daemon.settings import DropSettings


def chosen(path: str, drop: DropSettings) -> bool:
    """Whether a file is one that the drop's settings include and do not ignore, by its name without folders, in any case."""
    name = path.rpartition("/")[2].casefold()
    return _any(name, drop.include) and not _any(name, drop.ignore)


def marker_of(path: str, marker: str) -> str:
    """The path of the marker file that says that `path` is complete."""
    folder, slash, name = path.rpartition("/")
    return folder + slash + marker.replace("{name}", name).replace("{stem}", PurePosixPath(name).stem)


def _any(name: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern.casefold()) for pattern in patterns)
