"""Which class is behind which kind of drop."""

from daemon.drops.base import Drop
from daemon.drops.ftp import Ftp
from daemon.drops.local import Local
from daemon.drops.posted import Posted
from daemon.drops.sftp import Sftp
from daemon.settings import DropSettings, HttpDrop, LocalDrop, Settings, SftpDrop


def open_drop(name: str, drop: DropSettings, settings: Settings) -> Drop:
    """A drop, to be entered."""
    if isinstance(drop, LocalDrop):
        return Local(settings.path(drop.path), drop.name_encoding)
    if isinstance(drop, HttpDrop):
        return Posted(settings.uploads(name))
    if isinstance(drop, SftpDrop):
        return Sftp(name, drop, settings)
    return Ftp(name, drop, settings)
