"""Files and names that are meant to do harm: each comes to a named end within seconds, and costs nobody else anything."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.hostile import HEADER, files, names
from tests.support.servers import MailServer
from tests.support.service import Service

PATIENCE = 30.0
"""Seconds: ten and less where nothing else is going on."""
MORE = '[drops.hostile]\nkind = "local"\npath = "hostile"\nat_once = true\nignore = ["*.part"]\npoll = "1s"\n'
ANY = """
    dataset = "customers"
    regex = "(?s).*"
    drop = "hostile"
    [format]
    encoding = "utf-8"
    [columns]
    customer_code = "Code"
    business_name = "Name"
"""


@pytest.fixture
def service(tmp_path: Path, database: str, mail_server: MailServer, eventually: Callable[..., object]) -> Iterator[Service]:
    """The service, with a second drop that anybody leaves anything in."""
    (tmp_path / "hostile").mkdir()
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "any.toml").write_text(ANY)
    with Service(tmp_path, database, mail_server, eventually, MORE) as made:
        yield made


@pytest.mark.timeout(600)
def test_every_hostile_file_comes_to_its_end_and_delays_no_other(service: Service) -> None:
    """Bombs, endless comments, lies, statements: each has its outcome within seconds, and an innocent file beside it too."""
    for number, (tried, hostile) in enumerate(files()):
        name, innocent = f"h{number}.{hostile.suffix}", f"customers-{number}.csv"
        half = service.home / "hostile" / f"{name}.part"
        half.write_bytes(hostile.content)
        began = time.monotonic()
        half.rename(half.with_suffix(""))
        service.arrive(innocent, f"Code;Name;City;Limit\nI{number};Innocent;Paris;\n")
        ended = {name: 0.0, innocent: 0.0}
        while not all(ended.values()):
            for run_name, state, code in service.runs():
                if run_name in ended and state in ("imported", "refused", "held") and not ended[str(run_name)]:
                    ended[str(run_name)] = time.monotonic() - began
                    assert run_name == innocent or (state, code) in hostile.outcomes, (tried, state, code)
            assert time.monotonic() - began < PATIENCE, (tried, ended)
            time.sleep(0.05)
    assert service.query("SELECT count(*) FROM ar.customer WHERE business_name = 'Innocent'") == [(number + 1,)]


def test_no_name_does_anything_but_name_a_file(service: Service) -> None:
    """Names that act on shells, paths, logs, mails, terminals: each file is imported, told in a mail of one subject, and put away."""
    for number, name in enumerate(names()):
        half = service.home / "hostile" / f"{number}.part"
        half.write_bytes(HEADER + f"N{number};Named;Paris;\n".encode())
        half.rename(service.home / "hostile" / name)
    service.wait_for("imported", len(names()), 60)
    assert service.query("SELECT count(*) FROM ar.customer WHERE business_name = 'Named'") == [(len(names()),)]
    service.eventually(lambda: service.query("SELECT FROM nightporter.email WHERE sent_at IS NULL") == [], 60)
    left = [path.name for path in (service.home / "hostile").iterdir() if path.is_file()]
    assert left == []
    for message in service.mail.messages:
        assert str(message["Subject"]).isprintable()
        assert message["Bcc"] is None
        assert message["To"] == "it@example.com"
    log = (service.home / "service.log").read_text()
    assert all(line.isprintable() for line in log.splitlines())
