"""Drops: the folders that files arrive in, one small interface over all of them."""

from daemon.drops.base import Drop, Listing, walk
from daemon.drops.choice import chosen, marker_of
from daemon.drops.custody import claim, fetch, put_away, release, still
from daemon.drops.ftp import Ftp
from daemon.drops.kinds import open_drop
from daemon.drops.local import Local
from daemon.drops.names import plain
from daemon.drops.posted import Posted, folder_of
from daemon.drops.settle import Seen, next_look, observe
from daemon.drops.ssh import agent_fingerprints, served_key

__all__ = [
    "Drop",
    "Ftp",
    "Listing",
    "Local",
    "Posted",
    "Seen",
    "agent_fingerprints",
    "chosen",
    "claim",
    "fetch",
    "folder_of",
    "marker_of",
    "next_look",
    "observe",
    "open_drop",
    "plain",
    "put_away",
    "release",
    "served_key",
    "still",
    "walk",
]
