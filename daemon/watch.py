"""The watch over local drops: something changed there, look now. It carries no data; the schedule would find it anyway."""

from collections.abc import Callable

from watchdog.events import FileClosedEvent, FileCreatedEvent, FileMovedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from daemon.drop_settings import LocalDrop
from daemon.log import get
from daemon.settings import Settings

log = get(__name__)


class Watch:
    """Calls `look` with a local drop's name whenever a file in it is made, moved in, or closed after writing."""

    def __init__(self, settings: Settings, look: Callable[[str], None]) -> None:
        self._observer = Observer()
        self._look = look
        self._folders = {name: settings.path(drop.path) for name, drop in settings.drops.items() if isinstance(drop, LocalDrop)}

    def start(self) -> None:
        """Begin. A folder that cannot be watched (gone, or more than the system's limit) is polled all the same."""
        self._observer.start()
        for name, folder in self._folders.items():
            try:
                self._observer.schedule(_Told(name, self._look), str(folder))
            except OSError as error:
                log.warning("not_watched", drop=name, reason=str(error))

    def stop(self) -> None:
        """End."""
        self._observer.stop()
        self._observer.join()


class _Told(FileSystemEventHandler):
    def __init__(self, name: str, look: Callable[[str], None]) -> None:
        self._name = name
        self._look = look

    def on_any_event(self, event: FileSystemEvent) -> None:
        if isinstance(event, (FileCreatedEvent, FileMovedEvent, FileClosedEvent)):
            self._look(self._name)
