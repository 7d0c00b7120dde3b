"""Drops: the folders that files arrive in, one small interface over all of them."""

from daemon.drops.base import Drop, dispose, fetch, open_drop
from daemon.drops.settle import Seen, next_look, observe

__all__ = ["Drop", "Seen", "dispose", "fetch", "next_look", "observe", "open_drop"]
