"""Which class is behind which kind of drop. A new one is a class that keeps the protocol in `base`, its settings, a line here."""

from collections.abc import Callable
from typing import Any

from daemon.drops.base import Drop
from daemon.drops.ftp import Ftp
from daemon.drops.local import Local
from daemon.drops.posted import Posted
from daemon.drops.sftp import Sftp
from daemon.settings import DropSettings, Settings

_KINDS: dict[str, Callable[[str, Any, Settings], Drop]] = {
    "local": Local.of,
    "http": Posted,
    "sftp": Sftp,
    "ftps": Ftp,
    "ftp": Ftp,
}


def open_drop(name: str, drop: DropSettings, settings: Settings) -> Drop:
    """A drop, to be entered."""
    return _KINDS[drop.kind](name, drop, settings)
