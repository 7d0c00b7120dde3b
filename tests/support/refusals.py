"""Refusals, as people are told of them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from daemon.errors import FileRefused
from daemon.words import Words


@contextmanager
def refused(pattern: str) -> Iterator["pytest.ExceptionInfo[FileRefused]"]:
    """A block in which a file is refused, with a code and a sentence in which the pattern is found."""
    with pytest.raises(FileRefused) as caught:
        yield caught
    told = f"{caught.value.code}: {Words('en').detail(caught.value.detail)}"
    assert re.search(pattern, told), told
