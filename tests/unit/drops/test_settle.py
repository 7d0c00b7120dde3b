"""When a file is complete."""

from daemon.drops import Seen, next_look, observe
from daemon.model import RemoteFile
from daemon.settings.drops import LocalDrop

QUIET = LocalDrop(kind="local", path="/drop", settle=10)
MARKED = LocalDrop(kind="local", path="/drop", marker="{name}.ok")


def test_a_growing_file_waits_whatever_its_age() -> None:
    """A file settles only when size and mtime stood still for the whole time between listings, by our own clock."""
    seen = Seen()
    assert observe(seen, [RemoteFile("a", 1, 100)], QUIET, 0) == []
    assert observe(seen, [RemoteFile("a", 2, 100)], QUIET, 11) == []
    assert observe(seen, [RemoteFile("a", 2, 100)], QUIET, 20) == []
    assert observe(seen, [RemoteFile("a", 2, 100)], QUIET, 21) == [RemoteFile("a", 2, 100)]


def test_one_listing_never_settles_a_file() -> None:
    """However old its mtime, a file seen for the first time waits for a second look."""
    assert observe(Seen(), [RemoteFile("old", 5, 0)], LocalDrop(kind="local", path="/", settle=0), 1e9) == []


def test_a_file_that_went_and_came_back_begins_anew() -> None:
    """A listing without the file forgets how long it stood still."""
    seen, file = Seen(), RemoteFile("a", 1, 1)
    observe(seen, [file], QUIET, 0)
    observe(seen, [], QUIET, 5)
    assert observe(seen, [file], QUIET, 12) == []


def test_temporary_names_and_dotfiles_are_never_files() -> None:
    """`.part`, `.tmp`, `.filepart` in any case and dotfiles are left alone."""
    names = ["x.part", "x.TMP", "x.filepart", ".x", "sub/.x", "sub/x.part"]
    seen, listing = Seen(), [RemoteFile(name, 1, 1) for name in names]
    observe(seen, listing, QUIET, 0)
    assert observe(seen, listing, QUIET, 100) == []


def test_with_a_marker_the_marker_decides() -> None:
    """A file with its marker is complete at once, one without never is, and the marker itself is no file."""
    listing = [RemoteFile("a.csv", 1, 1), RemoteFile("a.csv.ok", 0, 1), RemoteFile("b.csv", 1, 1)]
    assert observe(Seen(), listing, MARKED, 0) == [RemoteFile("a.csv", 1, 1)]


def test_a_marker_left_over_from_an_earlier_file_says_nothing() -> None:
    """A marker older than the file beside it is not that file's."""
    assert observe(Seen(), [RemoteFile("a.csv", 1, 7), RemoteFile("a.csv.ok", 0, 6)], MARKED, 0) == []


def test_the_next_look_is_when_the_first_file_may_have_settled() -> None:
    """Nobody waits a whole interval for a file that settles sooner."""
    seen = Seen()
    observe(seen, [RemoteFile("a", 1, 1)], QUIET, 0)
    assert next_look(seen, QUIET, 4) == 6
    assert next_look(seen, QUIET, 11) is None
