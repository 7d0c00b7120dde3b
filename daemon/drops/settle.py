"""When a remote file is complete. Pure: it sees listings and our own monotonic clock, never the server's."""

import math
from collections.abc import Collection
from dataclasses import dataclass, field

from daemon.drops.choice import chosen, marker_of
from daemon.model import RemoteFile
from daemon.settings import DropSettings


@dataclass
class Seen:
    """What earlier listings of one drop showed: each file as it last was, and since when it has been so."""

    since: dict[RemoteFile, float] = field(default_factory=dict)


def observe(
    seen: Seen, listing: list[RemoteFile], drop: DropSettings, now: float, controls: Collection[str] = ()
) -> list[RemoteFile]:
    """The settled files of a listing, those named in `controls` among them; `seen` then remembers it.

    Where files are put in place by a rename, whatever is there is complete. With a marker, a file is settled when its marker
    stands beside it and is no older than the file: one left over from an earlier file of that name says nothing of the one
    that is being written. Else when two listings at least `settle` seconds apart, and all between, showed the same.
    """
    files = [file for file in listing if file.name in controls or chosen(file.name, drop)]
    if drop.at_once:
        return files
    if drop.marker:
        mtimes = {file.name: file.mtime for file in listing}
        markers = {marker_of(name, drop.marker) for name in mtimes}
        return [
            file
            for file in files
            if file.name not in markers and mtimes.get(marker_of(file.name, drop.marker), -math.inf) >= file.mtime
        ]
    before = seen.since
    seen.since = {file: before.get(file, now) for file in files}
    return [file for file in files if file in before and now - before[file] >= drop.settle]


def next_look(seen: Seen, drop: DropSettings, now: float) -> float | None:
    """In how many seconds the first waiting file may have settled; None when none is waiting."""
    waits = [drop.settle - (now - since) for since in seen.since.values()]
    return max(min(waiting), 0.05) if (waiting := [wait for wait in waits if wait > 0]) else None
