"""An installation: a home folder's settings, and the datasets that it adds to those of the house, put in force together."""

from pathlib import Path

from daemon import datasets, settings
from daemon.settings import Settings


def load(home: Path) -> Settings:
    """The settings of a home folder; its datasets are known from here on. Raises ConfigInvalid with every fault."""
    loaded = settings.load(home)
    custom = {name: added.custom for name, added in loaded.datasets.items()}
    datasets.extend(loaded.home / "datasets", custom, settings.file_of(home))
    return loaded
