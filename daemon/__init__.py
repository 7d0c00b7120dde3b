"""Nightporter: takes in an ERP's nightly exports, checks every row and loads the good ones into Postgres."""

from pathlib import Path

_package = Path(__file__).parent


def shipped(folder: str) -> Path:
    """The folder `schema` or `profiles` of this installation: in the package's `shipped` in a wheel, beside it in a checkout."""
    inside = _package / "shipped"
    return (inside if inside.is_dir() else _package.parent) / folder
