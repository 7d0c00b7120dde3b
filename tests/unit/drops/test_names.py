"""File names: bytes on a server, text in the ledger."""

from hypothesis import given
from hypothesis import strategies as st

from daemon.drops.names import LONGEST, as_bytes, as_text, numbered, plain

NAMES = st.binary(min_size=1, max_size=60).filter(lambda name: not {0, 47} & set(name))


@given(NAMES, st.sampled_from(["utf-8", "cp1252", "latin-1", "shift_jis"]))
def test_every_name_can_be_turned_back(name: bytes, encoding: str) -> None:
    """Case 18: whatever bytes a server lists, the text that stands for them names the same file, and Postgres can hold it."""
    text = as_text(name, encoding)
    assert as_bytes(text, encoding) == name
    text.encode()


def test_a_name_that_is_text_is_itself() -> None:
    """Only what is no text is escaped, and a backslash that could be taken for that."""
    assert as_text("é.csv".encode(), "utf-8") == "é.csv"
    assert as_text("é.csv".encode("cp1252"), "cp1252") == "é.csv"
    assert as_text("é.csv".encode("cp1252"), "utf-8") == "\\xe9.csv"
    assert as_text(rb"\xe9", "utf-8") == r"\x5cxe9"


def test_only_one_segment_is_plain() -> None:
    """Security 2: what could leave its folder is no file of ours."""
    assert [name for name in ("a", "-x", "..", ".", "", "a/b", "a\0", "../x", "a\nb") if plain(name)] == ["a", "-x", "a\nb"]


@given(st.text(min_size=1, max_size=255).filter(plain), st.integers(1, 10**9))
def test_our_own_names_are_never_too_long(name: str, number: int) -> None:
    """A name of 255 bytes gets its number and is cut."""
    for after in (False, True):
        made = numbered(name.encode("utf-8", "replace").decode(), number, after)
        assert str(number) in made
        assert len(made.encode()) <= LONGEST
