"""Settings and profiles: what is wrong is told with file, line and remedy."""

from pathlib import Path

import pytest

from daemon import settings
from daemon.toml import ConfigInvalid, Table, load


def faults_of(path: Path, text: str) -> list[str]:
    (path / "nightporter.toml").write_text(text)
    with pytest.raises(ConfigInvalid) as caught:
        settings.load(path)
    return [str(fault).removeprefix(f"{path}/") for fault in caught.value.mistakes]


def test_an_unknown_key_is_answered_with_the_nearest_right_one(tmp_path: Path) -> None:
    """A misspelt key is refused, with its line and the key that was probably meant."""
    assert faults_of(tmp_path, '[mail]\nhost = "smtp"\nprot = 25\n') == [
        'nightporter.toml:3: mail.prot: unknown key; did you mean "port"?'
    ]


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    """Three faults in three tables are three messages, not one after each correction."""
    text = '[web]\nlink_days = 0\n[drops.erp]\nkind = "sftp"\nusername = "u"\nport = 22\nhost_key = "x"\n[imports]\n'
    faults = faults_of(tmp_path, text)
    assert [fault.split(": ")[0] for fault in faults] == [
        "nightporter.toml:2",
        "nightporter.toml:3",
        "nightporter.toml:7",
        "nightporter.toml:8",
    ]
    assert 'did you mean "host_keys"?' in faults[2]
    assert 'did you mean "import"?' in faults[3]


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    """A file that is no TOML is refused with the line where it stops being one."""
    (fault,) = faults_of(tmp_path, "[mail]\nhost = \n")
    assert fault.startswith("nightporter.toml:2: is not TOML")


@pytest.mark.parametrize(("written", "seconds"), [('"90s"', 90), ('"5m"', 300), ('"2h"', 7200), ('"250ms"', 0.25), ("7", 7)])
def test_durations_are_written_with_their_unit(tmp_path: Path, written: str, seconds: float) -> None:
    """`90s`, `5m`, `2h` and plain seconds are lengths of time."""
    (tmp_path / "nightporter.toml").write_text(f'[mail]\nhost = "smtp"\ntimeout = {written}\n')
    mail = settings.load(tmp_path).mail
    assert mail
    assert mail.timeout == seconds


def test_a_folder_without_settings_has_the_defaults(tmp_path: Path) -> None:
    """A new home folder works without any file in it."""
    assert settings.load(tmp_path).drops == {}


def test_secrets_come_from_files_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password is read from the named file, else from NIGHTPORTER_<NAME>_PASSWORD."""
    loaded = settings.load(tmp_path)
    (tmp_path / "p").write_text("from file\n")
    monkeypatch.setenv("NIGHTPORTER_ERP_1_PASSWORD", "from environment")
    assert loaded.secret(Path("p"), "erp-1_password") == "from file"
    assert loaded.secret(None, "erp-1_password") == "from environment"


def test_a_password_in_the_settings_is_refused(tmp_path: Path) -> None:
    """There is no key to write a password into."""
    assert any("password_file" in fault for fault in faults_of(tmp_path, '[mail]\nhost = "h"\npassword = "secret"\n'))


def test_the_link_keys_are_made_once(tmp_path: Path) -> None:
    """The signing key is made on first use, readable by its owner only, and stays."""
    loaded = settings.load(tmp_path)
    assert loaded.link_keys == settings.load(tmp_path).link_keys
    assert (tmp_path / "link.keys").stat().st_mode & 0o777 == 0o600


def test_a_fault_deep_in_a_list_is_placed_at_its_table(tmp_path: Path) -> None:
    """Where no line spells a key, the nearest table above it is named."""

    class Inner(Table):
        number: int

    class Outer(Table):
        part: list[Inner]

    (tmp_path / "x.toml").write_text("\n[[part]]\nnumber = 1\n[[part]]\nnumber = 'x'\n")
    with pytest.raises(ConfigInvalid) as caught:
        load(tmp_path / "x.toml", Outer)
    assert caught.value.mistakes[0].line
