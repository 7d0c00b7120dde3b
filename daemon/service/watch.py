"""The watch over local drops: something changed there, look now. It carries no data; the schedule would find it anyway."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil
from watchdog.events import FileClosedEvent, FileCreatedEvent, FileMovedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.polling import PollingObserver

from daemon.drops import open_drop
from daemon.log import get
from daemon.settings import Settings

log = get(__name__)

_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "afs", "sshfs", "fuse", "davfs", "vboxsf")
"""File systems whose kernels do not hear what other machines do to them."""
_POLLING_SECONDS = 5


class Watch:
    """Calls `look` with a local drop's name whenever a file in it is made, moved in, or closed after writing."""

    def __init__(self, settings: Settings, look: Callable[[str], None]) -> None:
        self._observers = {False: Observer(), True: PollingObserver(timeout=_POLLING_SECONDS)}
        self._look = look
        self._drops = settings.drops
        opened = {name: open_drop(name, drop, settings) for name, drop in settings.drops.items()}
        self._folders = {name: drop.watched for name, drop in opened.items() if drop.watched}

    def start(self) -> None:
        """Begin. A folder that cannot be watched (gone, or more than the system's limit) is polled all the same."""
        mounts = [(each.mountpoint, each.fstype) for each in psutil.disk_partitions(all=True)]
        for observer in self._observers.values():
            observer.start()
        for name, folder in self._folders.items():
            observer = self._observers[on_network(folder, mounts)]
            try:
                observer.schedule(_Told(name, self._look), str(folder), recursive=self._drops[name].depth > 0)
            except OSError as error:
                log.warning("not_watched", drop=name, reason=str(error))

    def stop(self) -> None:
        """End."""
        for observer in self._observers.values():
            observer.stop()
        for observer in self._observers.values():
            observer.join()


def on_network(folder: Path, mounts: Iterable[tuple[str, str]]) -> bool:
    """Whether a folder lies on a file system that other machines write to unheard; `mounts` are (mount point, type)."""
    path = os.path.realpath(folder)
    above = [(point, kind) for point, kind in mounts if os.path.commonpath([path, point]) == point]
    return max(above, key=lambda mount: len(mount[0]), default=("", ""))[1].split(".")[0] in _NETWORK


class _Told(FileSystemEventHandler):
    def __init__(self, name: str, look: Callable[[str], None]) -> None:
        self._name = name
        self._look = look

    def on_any_event(self, event: FileSystemEvent) -> None:
        if isinstance(event, (FileCreatedEvent, FileMovedEvent, FileClosedEvent)):
            self._look(self._name)
