"""How a file was read, as it is kept with its run."""

from dataclasses import fields

from daemon.model import ReadAs
from daemon.profiles import Conventions, Format


def test_every_key_of_a_format_is_kept_with_the_run() -> None:
    """Whatever was declared, found or proven of a file can be looked up later."""
    kept = {each.name for each in fields(ReadAs)} - {"new_columns", "gone_columns"}
    assert kept == Format.model_fields.keys() | Conventions.model_fields.keys()


def test_what_another_version_kept_is_still_read() -> None:
    """A key that this version does not know is passed over."""
    assert ReadAs.of_json({"delimiter": ";", "wings": 2}) == ReadAs(delimiter=";")
