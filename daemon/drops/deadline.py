"""A deadline over several steps of a conversation with a server: a trickle passes every time-out on a single one."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def within(seconds: float, hang_up: Callable[[], object]) -> Iterator[None]:
    """Call `hang_up`, in a thread of its own, unless what is done inside has ended after `seconds`."""
    clock = threading.Timer(seconds, hang_up)
    clock.daemon = True
    clock.start()
    try:
        yield
    finally:
        clock.cancel()
