"""Setting up from a file: look, suggest, try, save, import; and templates, for those who have no file yet."""

import json
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from tests.support.exports import EXPORTS

Run = Callable[..., "subprocess.CompletedProcess[str]"]
ITEMS = (
    "Kundennr.;Belegnr.;Belegart;Belegdatum;Fälligkeit;Betrag;Offen;Währung;Sachbearbeiter\n"
    "10001;RE-1;Rechnung;15.03.2026;14.04.2026;1.234,50;1.234,50;EUR;MK\n"
    "10002;RE-2;Rechnung;02.04.2026;02.05.2026;99,00;0,00;EUR;MK\n"
    "10001;GU-1;Gutschrift;03.04.2026;03.04.2026;-12,00;-12,00;EUR;JB\n"
)


@pytest.fixture
def items(tmp_path: Path) -> Path:
    """A German export of open items, in the encoding of its time."""
    path = tmp_path / "OPOS_20261120.csv"
    path.write_bytes(ITEMS.encode("cp1252"))
    return path


def test_a_suggestion_is_saved_and_imports_the_file(items: Path, tmp_path: Path, command: Run) -> None:
    """From an unknown file to imported rows in three commands, no key of a profile typed by hand."""
    (tmp_path / "kunden_1.csv").write_text(
        "Kundennummer;Firma;PLZ;Ort\n10001;Müller AG;01067;Dresden\n10002;Meier;10115;Berlin\n"
    )
    for file, dataset, name in ((tmp_path / "kunden_1.csv", "customers", "kunden"), (items, "receivables", "opos")):
        mode = ["--mode", "snapshot"] if dataset == "receivables" else []
        assert command("profile", "suggest", file, "--dataset", dataset, "--save", name, *mode).returncode == 0
        done = command("import", file, "--json")
        result = json.loads(done.stdout)
        assert (result["status"], result["tally"]["rejected"]) == ("imported", 0), done.stdout
    saved = (tmp_path / "profiles" / "opos.toml").read_text(encoding="utf-8")
    assert tomllib.loads(saved)["pattern"] == "OPOS_[0-9]*.csv"
    assert re.search(r'customer_code = "Kundennr\."   # \d+ %: (called|much like) “.+” \(de\)', saved)
    assert "# Columns that are not imported: Sachbearbeiter" in saved


def test_a_suggestion_says_how_the_file_was_read_and_why(items: Path, command: Run) -> None:
    """The fixed keys: format, columns with source, confidence and reason, what is unused and what is missing."""
    found = json.loads(command("profile", "suggest", items, "--dataset", "receivables", "--json").stdout)
    assert {k: found["format"][k] for k in ("kind", "encoding", "delimiter", "decimal", "thousands", "date_order", "header_row")} == {
        "kind": "delimited", "encoding": "cp1252", "delimiter": ";", "decimal": ",", "thousands": ".", "date_order": "dd/mm/yyyy", "header_row": 1,
    }  # fmt: skip
    assert {field: column["from"] for field, column in found["columns"].items()} == {
        "customer_code": "Kundennr.", "item_number": "Belegnr.", "item_type": "Belegart", "issue_date": "Belegdatum", "due_date": "Fälligkeit",
        "amount": "Betrag", "remaining": "Offen", "currency": "Währung",
    }  # fmt: skip
    assert all(0.7 <= column["confidence"] <= 1 and column["why"] for column in found["columns"].values())
    assert (found["unused"], found["missing"]) == (["Sachbearbeiter"], [])


def test_what_a_suggestion_cannot_know_is_said(tmp_path: Path, command: Run) -> None:
    """Days that may be months, words nobody explained and a currency that stands nowhere are named, not guessed."""
    path = tmp_path / "items.csv"
    path.write_text(
        "Customer no,Invoice no,Type,Invoice date,Due date,Amount\nC1,1,XQ,01/02/2026,03/04/2026,5.00\nC1,2,invoice,01/02/2026,03/04/2026,5.50\n"
    )
    done = command("profile", "suggest", path, "--dataset", "receivables", "--save", "items")
    assert "currency is required, and no column was found" in done.stdout
    assert "to be completed before it can be used" in done.stderr
    assert "not clear: 01/02/2026, 03/04/2026: add to" in done.stdout
    saved = (tmp_path / "profiles" / "items.toml").read_text(encoding="utf-8")
    assert '# currency = { value = "EUR" }   # required' in saved
    assert "say in its map what these mean, or their rows are rejected: XQ" in saved
    assert '# not clear: 01/02/2026, 03/04/2026: add to [format] date = "dd/mm/yyyy" or date = "mm/dd/yyyy"' in saved


def test_known_customers_tell_which_column_is_theirs(tmp_path: Path, command: Run) -> None:
    """A column without a telling name holds the codes of customers that are in the database already."""
    (tmp_path / "customers.csv").write_text("Customer code;Name\n" + "".join(f"K{n};Company {n}\n" for n in range(9)))
    command("profile", "suggest", tmp_path / "customers.csv", "--dataset", "customers", "--save", "customers")
    assert json.loads(command("import", tmp_path / "customers.csv", "--json").stdout)["tally"]["created"] == 9
    (tmp_path / "x.csv").write_text("F1;Invoice no\n" + "".join(f"K{n};R{n}\n" for n in range(9)))
    found = json.loads(command("profile", "suggest", tmp_path / "x.csv", "--dataset", "receivables", "--json").stdout)
    assert (found["columns"]["customer_code"]["from"], found["columns"]["customer_code"]["why"]) == (
        "F1",
        "holds codes of known customers",
    )


def test_a_profile_is_tried_on_a_file_without_a_database(command: Run) -> None:
    """A ready-made profile shows its first rows, its rejections, its sums and the columns it leaves out."""
    file = EXPORTS / "FBL5N_list.txt"
    text = command("profile", "test", "sap-fbl5n-list", file).stdout
    assert "15 rows would be imported, 0 rejected, 0 skipped; 60 lines are no records" in text
    assert "open in EUR: 105,312.42" in text
    (found,) = json.loads(command("profile", "test", "sap-fbl5n-list", file, "--json").stdout)
    assert (found["good"], found["first"][0]["customer_code"]) == (15, "100012")


def test_the_schema_of_profiles_is_for_editors(command: Run) -> None:
    """It knows every key; the name, which is the file's, is none."""
    schema = json.loads(command("profile", "schema").stdout)
    assert {"dataset", "pattern", "columns", "format", "import", "notify", "also"} <= schema["properties"].keys()
    assert "name" not in schema["properties"]


def test_a_template_from_the_command_line_opens(command: Run, tmp_path: Path) -> None:
    """On stdout, to be sent to a file of the name by which it is known again; a screen is no place for it."""
    import sys

    path = tmp_path / "nightporter-contacts.xlsx"
    with path.open("wb") as out:
        subprocess.run(
            [sys.executable, "-m", "daemon", "--home", str(tmp_path), "template", "contacts"], stdout=out, check=True, timeout=60
        )
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    assert sheet["A1"].value == "Customer code"
    assert command("template", "contacts", "--to", "csv", "--language", "fr").stdout.startswith("Code client;")
    assert command("template", "contact").returncode == 2


def test_read_turns_a_wide_table_round_and_tells_what_is_no_row(command: Run, tmp_path: Path) -> None:
    """Columns that would be too narrow to read stand below each other; a file without headers is told as such, and how to name them."""
    done = command("read", EXPORTS / "OPOS_20261120.TXT")
    assert (done.returncode, "name its columns in [format] header" in done.stderr) == (3, True)
    (tmp_path / "x.csv").write_text("a;b\n1;2\n3\n\n")
    done = command("read", tmp_path / "x.csv", "--profile", "nobody")
    assert (done.returncode, "no_profile" in done.stderr) == (3, True)
    done = command("read", tmp_path / "x.csv")
    assert "line 3: The row has 1 cell instead of 2" in done.stderr
    assert "1 rows; 1 lines that are no records" in done.stdout
