"""Exports of real ERPs' shapes, and the ready-made profiles that read them."""

from pathlib import Path

from daemon import toml
from daemon.profiles import Profile, ready_made

EXPORTS = Path(__file__).parents[1] / "exports"


def ready_made_profile(name: str) -> Profile:
    """A profile that comes with the installation."""
    (path,) = [path for path in ready_made() if path.stem == name]
    return toml.load(path, Profile, name=name)
