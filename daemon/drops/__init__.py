"""Drops: the folders that files arrive in, one small interface over all of them."""

from daemon.drops.base import Drop, Proof, walk
from daemon.drops.choice import chosen, marker_of
from daemon.drops.custody import fetch, give_back, put_away, set_aside, still
from daemon.drops.kinds import open_drop
from daemon.drops.local import Local
from daemon.drops.names import plain
from daemon.drops.posted import Posted, folder_of, posted_drops
from daemon.drops.settle import Seen, next_look, observe

__all__ = [
    "Drop",
    "Local",
    "Posted",
    "Proof",
    "Seen",
    "chosen",
    "fetch",
    "folder_of",
    "give_back",
    "marker_of",
    "next_look",
    "observe",
    "open_drop",
    "plain",
    "posted_drops",
    "put_away",
    "set_aside",
    "still",
    "walk",
]
