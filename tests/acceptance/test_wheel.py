"""The wheel: installed on its own, elsewhere, it is the whole product."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(300)
def test_the_demo_runs_from_the_wheel_in_an_environment_of_its_own(tmp_path: Path) -> None:
    """Built and installed elsewhere, without the checkout, the demo starts everything, imports, mails and ends."""
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, ROOT], check=True, capture_output=True
    )
    (wheel,) = tmp_path.glob("nightporter-*.whl")
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    site = next(path for path in map(Path, sys.path) if path.name == "site-packages")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel], check=True)
    (
        Path(subprocess.check_output([python, "-c", "import site; print(site.getsitepackages()[0])"], text=True).strip())
        / "dependencies.pth"
    ).write_text(str(site))
    where = subprocess.check_output(
        [python, "-c", "import daemon; print(daemon.__file__, daemon.shipped('schema'))"], text=True, cwd="/"
    )
    assert str(ROOT) not in where
    done = subprocess.run(
        [python.with_name("nightporter"), "demo", "--once"], capture_output=True, text=True, timeout=120, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("imported") == 3
    assert "/r/" in done.stdout
    (mails,) = [Path(line.split()[-1]) for line in done.stdout.splitlines() if line.endswith("/mails")]
    assert len(list(mails.glob("*.eml"))) == 4
    shutil.rmtree(mails.parent)
