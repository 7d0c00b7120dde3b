"""Examining drops, as `nightporter check` does."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from daemon import queue
from daemon.pickup.check import examine_drop
from daemon.profiles import Profiles
from tests.support.drop_kinds import KINDS, settings_with, sshd_drop
from tests.support.servers import Sshd, free_port


def examined(home: Path, drop: dict[str, Any]) -> list[str]:
    """What is found of a drop, a line each; faults with their remedy."""
    settings = settings_with(home, drop)
    found = examine_drop(settings, Profiles(settings.profiles), "d")
    return [finding.detail if finding.ok else f"FAULT {finding.detail} → {finding.remedy}" for finding in found]


@pytest.fixture(params=[kind for kind in KINDS if kind != "posted"])
def drop(request: pytest.FixtureRequest, tmp_path: Path, sshd: Sshd) -> Iterator[tuple[dict[str, Any], Path]]:
    """A drop of each kind, with one file in it."""
    with KINDS[request.param](tmp_path, sshd) as (settings, folder):
        (folder / "K.csv").touch()
        yield settings, folder


def test_a_drop_that_works_is_said_to_step_by_step(drop: tuple[dict[str, Any], Path], tmp_path: Path) -> None:
    """Every step is a line, none is a fault, and the probe file is gone."""
    settings, folder = drop
    lines = examined(tmp_path, settings)
    assert not [line for line in lines if line.startswith("FAULT")]
    for said in ("1 files wait", "files may be written, renamed and deleted", "its clock agrees", "'K.csv' is for no profile"):
        assert [line for line in lines if said in line], said
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["K.csv"]
    if settings["kind"] != "local":
        assert lines[0] == "127.0.0.1 is 127.0.0.1"
        assert [line for line in lines if line.startswith("lets ")]
    if settings["kind"] == "ftps":
        assert "data connections resume the TLS session" in lines


def test_each_fault_has_its_remedy(tmp_path: Path, sshd: Sshd) -> None:
    """No such host, no such port, another host key, a user not let in, a folder that is not there, no rights."""
    (tmp_path / "token").write_text("short")
    for drop, said, remedy in [
        (sshd_drop(sshd, tmp_path, host="no.such.host.invalid"), "has no address", "DNS"),
        (sshd_drop(sshd, tmp_path, port=free_port()), "does not answer", "firewall"),
        (sshd_drop(sshd, tmp_path, host_keys=[]), "no host key is pinned", "check --pin"),
        (sshd_drop(sshd, tmp_path, host_keys=["ssh-ed25519 nonsense"]), "no host key", "settings"),
        (sshd_drop(sshd, tmp_path, username="nobody-we-know"), "not let in", "password"),
        (sshd_drop(sshd, tmp_path / "none"), "No such file", "path"),
        ({"kind": "local", "path": "/proc"}, "cannot be moved", 'imported = "leave"'),
        ({"kind": "http", "token_file": "token"}, "fewer than 20", "openssl rand"),
        ({"kind": "http", "token_file": "missing"}, "cannot be read", "openssl rand"),
    ]:
        last = next(line for line in examined(tmp_path, drop) if line.startswith("FAULT"))
        assert said in last, (drop, last)
        assert remedy in last.partition(" → ")[2], (drop, last)


def test_a_drop_whose_files_are_left_needs_no_rights(tmp_path: Path) -> None:
    """Nothing is written there."""
    lines = examined(tmp_path, {"kind": "local", "path": "/proc/self/net", "imported": "leave", "refused": "leave"})
    assert not [line for line in lines if line.startswith("FAULT")]


def test_the_host_key_is_shown_with_its_place(
    tmp_path: Path, sshd: Sshd, command: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    """Security 5: `check --pin` prints the line for the settings and the fingerprint to compare; nothing is pinned by itself."""
    settings = (
        f'[drops.erp]\nkind = "sftp"\nhost = "127.0.0.1"\nport = {sshd.port}\nusername = "erp"\nkey_file = "{sshd.key_file}"\n'
    )
    (tmp_path / "nightporter.toml").write_text(settings)
    done = command("check", "--pin")
    fingerprint = subprocess.run(
        ["ssh-keygen", "-lf", sshd.folder / "host_key.pub"], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    assert done.returncode == 0
    assert f'[drops.erp]\nhost_keys = ["{sshd.host_key}"]   # {fingerprint}' in done.stdout
    assert (tmp_path / "nightporter.toml").read_text() == settings


def test_the_services_trouble_is_shown(tmp_path: Path, database: str, command: Callable[..., Any]) -> None:
    """A drop that the running service has stopped trying is a fault with its reason."""
    (tmp_path / "nightporter.toml").write_text('[drops.erp]\nkind = "local"\npath = "."\n')
    with psycopg.connect(database) as connection:
        connection.execute(
            "INSERT INTO nightporter.drop_state (drop_name, host, faults, fault, since, refusals) VALUES ('erp', %s, 3, 'erp was not let in', now(), 3)",
            [queue.this_host()],
        )
    done = command("check")
    assert done.returncode == 1
    assert "FAULT service: drop erp: 3 looks failed since" in done.stdout
    assert "tried once a day until its credentials or settings change" in done.stdout
