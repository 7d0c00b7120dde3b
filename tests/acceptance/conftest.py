"""A service to try promises on."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.servers import MailServer
from tests.support.service import Service


@pytest.fixture
def service(tmp_path: Path, database: str, mail_server: MailServer, eventually: Callable[..., object]) -> Iterator[Service]:
    """The service, running."""
    with Service(tmp_path, database, mail_server, eventually) as running:
        yield running
