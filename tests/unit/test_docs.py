"""The reference pages, and the fields of the datasets, against what they tell of."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
man_spec = importlib.util.spec_from_file_location("man", ROOT / "docs" / "man.py")
assert man_spec
assert man_spec.loader
man = importlib.util.module_from_spec(man_spec)
man_spec.loader.exec_module(man)
spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
assert spec
assert spec.loader
reference = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reference)


@pytest.mark.parametrize("name", reference.pages())
def test_a_reference_page_tells_what_is_so(name: str) -> None:
    """Every key and field is there as it is; `make docs` writes it again."""
    _, made = (ROOT / "docs" / name).read_text(encoding="utf-8").split(reference.MARK)
    assert made.strip() == reference.pages()[name].strip()


@pytest.mark.parametrize("title", [*reference.PROFILE, *reference.SETTINGS])
def test_every_key_that_an_admin_may_write_is_described(title: str) -> None:
    """But for those that are tables of their own, or the kind itself."""
    tables = {"kind", "name", "format", "columns", "import", "control", "expect", "notify", "also", "regex"}
    model = (reference.PROFILE | reference.SETTINGS)[title]
    assert {field.alias or key for key, field in model.model_fields.items() if not field.description} <= tables


@pytest.mark.parametrize(
    "page", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
)
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    """Files that pages point to are there."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert ((ROOT / page).parent / target).exists(), target


def test_the_manual_page_tells_what_is_so() -> None:
    """Every command and option stands in it as `--help` says it: `make docs` writes it anew."""
    assert man.PAGE.read_text(encoding="utf-8") == man.page()
