"""The house: packages are used by their faces, tests mirror it, and files keep to a size."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOUSE = ROOT / "daemon"
PACKAGES = {path.parent.name for path in HOUSE.glob("*/__init__.py")}
WITHOUT_A_FACE = {"service", "sandboxed", "cli"}
"""The worker child loads no web server, the sandbox's child nothing else at all, a command only what it needs."""


def imports(file: Path) -> Iterator[tuple[str, str]]:
    """The modules of ours from which a file imports, and what."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("daemon."):
            yield from ((node.module, name.name) for name in node.names)


def test_nothing_reaches_past_a_packages_face() -> None:
    """What another package needs, the `__init__` names; the ledger has three faces."""
    past = [
        (str(file.relative_to(ROOT)), module)
        for file in HOUSE.rglob("*.py")
        for module, _ in imports(file)
        if (parts := module.split("."))[1] in PACKAGES - WITHOUT_A_FACE - {file.relative_to(HOUSE).parts[0]}
        and len(parts) > 2 + (parts[1] == "ledger")
    ]
    assert past == []


def test_a_face_names_only_what_somebody_uses() -> None:
    """Another package of the house, or a test."""
    used: Counter[tuple[str, str]] = Counter()
    for file in (path for folder in ("daemon", "tests", "docs") for path in (ROOT / folder).rglob("*.py")):
        own = ".".join(file.parent.relative_to(ROOT).parts)
        used.update((module.removeprefix("daemon."), name) for module, name in imports(file) if module != own)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                used[ast.unparse(node.value), node.attr] += 1
    for face in HOUSE.rglob("__init__.py"):
        room = ".".join(face.parent.relative_to(HOUSE).parts)
        for node in ast.parse(face.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.List):
                names = [each.value for each in node.value.elts if isinstance(each, ast.Constant)]
                assert [name for name in names if not used[room, str(name)] and not used[room.split(".")[-1], str(name)]] == [], (
                    room
                )


def test_no_two_test_files_have_one_name() -> None:
    """So that a failure's name is enough to find it; and helpers are all in one package."""
    files = [path for path in (ROOT / "tests").rglob("*.py") if path.name not in ("__init__.py", "conftest.py")]
    assert [name for name, count in Counter(path.name for path in files).items() if count > 1] == []
    others = {path.parent.relative_to(ROOT / "tests").parts[0] for path in files if not path.name.startswith("test_")}
    assert others <= {"support", "bench"}


def test_unit_and_integration_tests_stand_where_what_they_test_stands() -> None:
    """Each folder of them is a room of the house."""
    folders = {path.name for kind in ("unit", "integration") for path in (ROOT / "tests" / kind).iterdir() if path.is_dir()}
    assert folders - {"__pycache__"} <= PACKAGES


def test_files_are_short_and_no_drawer_is_called_utils() -> None:
    """At most 280 lines; a file is named by what is in it."""
    assert [path.name for path in HOUSE.rglob("*.py") if len(path.read_text(encoding="utf-8").splitlines()) > 280] == []
    assert not {path.stem for path in HOUSE.rglob("*.py")} & {"utils", "helpers", "common", "manager", "misc"}
