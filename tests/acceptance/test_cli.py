"""The command line, as people and scripts use it."""

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import openpyxl
import pytest

from tests.support.exports import EXPORTS
from tests.support.office import CUSTOMERS, ITEMS, ITEMS_HEADER
from tests.support.servers import MailServer, free_port

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with profiles for customers and open items."""
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "customers.toml").write_text(dedent(CUSTOMERS))
    (tmp_path / "profiles" / "items.toml").write_text(dedent(ITEMS))
    (tmp_path / "customers.csv").write_text("Code;Name;City;Limit\nC1;Martin;Paris;\n")
    (tmp_path / "items.csv").write_text(ITEMS_HEADER + "C1;F1;01/02/2024;02/03/2024;5\nC9;F2;31/02/2024;02/03/2024;-7,50\n")
    return tmp_path


def test_import_prints_one_object_and_says_how_it_ended(home: Path, command: Run) -> None:
    """Exit 0 for an import with rejections, 3 for a refusal; the object has the fixed keys."""
    assert command("import", home / "customers.csv", "--profile", "customers", "--json").returncode == 0
    done = command("import", home / "items.csv", "--profile", "items", "--json")
    result = json.loads(done.stdout)
    assert (done.returncode, result["status"], result["code"]) == (0, "imported", None)
    assert list(result["tally"])[:6] == ["read", "created", "updated", "unchanged", "rejected", "parked"]
    assert result["tally"]["money"]["EUR"]["rejected"] == "-7.50"
    assert result["rejects_url"].startswith("http://127.0.0.1:8080/r/")
    again = command("import", home / "items.csv", "--profile", "items", "--json")
    assert (again.returncode, json.loads(again.stdout)["code"]) == (3, "duplicate")
    assert (home / "items.csv").exists()


def test_a_dry_run_leaves_everything_as_it_is(home: Path, command: Run) -> None:
    """What would happen is printed, and nothing happened."""
    done = command("import", home / "customers.csv", "--profile", "customers", "--dry-run")
    assert done.stdout.splitlines() == [
        "would import into customers: 1 read, 1 created",
        "  + created C1: customer_code C1, business_name Martin, city Paris, presence present",
    ]
    done = command("import", home / "customers.csv", "--profile", "customers", "--dry-run", "--json")
    assert json.loads(done.stdout)["tally"]["created"] == 1
    assert json.loads(command("imports", "list", "--json").stdout) == []


def test_a_dry_run_of_a_file_that_would_be_refused_says_so_to_a_script(home: Path, command: Run) -> None:
    """One object, with the code, and ends as the import would."""
    command("import", home / "customers.csv", "--profile", "customers")
    done = command("import", home / "customers.csv", "--profile", "customers", "--dry-run", "--json")
    assert (done.returncode, json.loads(done.stdout)["code"]) == (3, "duplicate")


def test_rejected_rows_come_as_csv_xlsx_and_json(home: Path, command: Run, tmp_path: Path) -> None:
    """A script gets each rejected row with line, cells and reasons, in the language asked for."""
    command("import", home / "items.csv", "--profile", "items")
    (first,) = json.loads(command("imports", "rejects", 1, "--to", "json", "--language", "fr").stdout)
    assert first["line"] == 3
    assert first["cells"] == ["C9", "F2", "31/02/2024", "02/03/2024", "-7,50"]
    assert first["reasons"] == [
        {
            "code": "not_a_date",
            "field": "issue_date",
            "value": "31/02/2024",
            "message": "Issued\u00a0: «\u00a031/02/2024\u00a0» n'est pas une date",
        }
    ]
    rows = list(csv.reader(io.StringIO(command("imports", "rejects", 1).stdout.removeprefix("\ufeff")), delimiter=";"))
    assert rows[1][-1] == "Issued: “31/02/2024” is not a date"


def test_runs_are_listed_and_shown(home: Path, command: Run) -> None:
    """People see a table, and all of one run."""
    command("import", home / "items.csv", "--profile", "items")
    assert "items.csv" in command("imports", "list").stdout
    shown = json.loads(command("imports", "show", 1, "--json").stdout)
    assert shown["read_as"]["delimiter"] == ";"
    assert command("imports", "show", 99).returncode == 2


def test_a_run_is_retried_from_the_archive(home: Path, command: Run) -> None:
    """A retry reads the bytes once more, though the file is gone; what has been loaded meanwhile is not loaded twice."""
    command("import", home / "items.csv", "--profile", "items")
    (home / "items.csv").unlink()
    command("import", home / "customers.csv", "--profile", "customers")
    done = command("imports", "retry", 1, "--json")
    result = json.loads(done.stdout)
    assert done.returncode == 0
    assert (result["status"], result["tally"]["unchanged"], result["tally"]["rejected"]) == ("imported", 1, 1)


def test_read_shows_the_table_before_any_mapping(home: Path, command: Run) -> None:
    """As CSV, JSON or a table: the cells as they stand in the file; lines that are no rows go to stderr."""
    (home / "odd.csv").write_text("a;b\n1;x\nragged\n")
    done = command("read", home / "odd.csv", "--to", "csv")
    assert done.stdout.splitlines() == ['"a","b"', '"1","x"']
    assert done.stderr == "line 3: The row has 1 cell instead of 2\n"
    assert json.loads(command("read", home / "odd.csv", "--to", "json").stdout) == [{"line": 2, "a": "1", "b": "x"}]
    assert "1 rows; 0 lines that are no records" in command("read", home / "odd.csv").stdout


def test_settings_that_do_not_load_start_nothing(home: Path, command: Run) -> None:
    """Every fault is told at once with file and line, and the exit status is 2."""
    (home / "nightporter.toml").write_text('[mail]\nhst = "x"\n[web]\nlink_days = "many"\n')
    done = command("run")
    assert done.returncode == 2
    assert [line.split(": ")[0].rpartition("/")[2] for line in done.stderr.splitlines()] == [
        "nightporter.toml:1", "nightporter.toml:2", "nightporter.toml:4",
    ]  # fmt: skip


def test_check_says_of_each_part_whether_it_works(home: Path, command: Run) -> None:
    """Drops, profiles, database and mail server: each works or is told with what to do, and a fault makes exit 1."""
    with MailServer() as mail:
        good = f'[drops.local]\nkind = "local"\npath = "."\n[mail]\nhost = "127.0.0.1"\nport = {mail.port}\nsecurity = "none"\nadmins = [{{ email = "it@example.com" }}]\n'
        (home / "nightporter.toml").write_text(good)
        done = command("check", "--json")
        found = {finding["what"]: finding["ok"] for finding in json.loads(done.stdout)}
        assert (done.returncode, set(found.values())) == (0, {True})
        assert {"database", "profile customers", "profile items", "drop local", "mail"} <= found.keys()
    (home / "nightporter.toml").write_text(good.replace('path = "."', 'path = "gone"'))
    (home / "profiles" / "items.toml").write_text("x")
    for name in ("one", "two"):
        snapshot = '[import]\nmode = "snapshot"\nscope = "all"\n'
        (home / "profiles" / f"{name}.toml").write_text(dedent(ITEMS).replace("items*", name) + snapshot)
    done = command("check")
    assert done.returncode == 1
    for part in (
        "FAULT profiles: one and two hold all of the same items",
        "FAULT drop local: ",
        "FAULT mail: the mail server",
        "FAULT profile items: ",
        "ok    profile customers: ",
    ):
        assert part in done.stdout


def test_a_port_that_is_taken_ends_the_service_with_a_reason(home: Path, command: Run) -> None:
    """A service that cannot serve its pages says which setting to change, and does not linger."""
    import socket

    with socket.create_server(("127.0.0.1", free_port())) as taken:
        (home / "nightporter.toml").write_text(f'[web]\nlisten = "127.0.0.1:{taken.getsockname()[1]}"\n')
        done = command("run")
    assert done.returncode == 1
    assert "[web] listen names another" in done.stderr


def test_profiles_are_listed_and_printed(home: Path, command: Run) -> None:
    """Saved profiles and the ready-made ones to copy are there to see."""
    assert [p["name"] for p in json.loads(command("profile", "list", "--json").stdout)["profiles"]] == ["customers", "items"]
    assert command("profile", "show", "datev-customers").stdout.startswith("# DATEV")
    assert command("profile", "show", "nothing").returncode == 2


def test_the_datev_profile_imports_customers_and_leaves_suppliers(home: Path, command: Run) -> None:
    """A DATEV export: the line above the headers passed over, suppliers skipped, companies and people named."""
    assert command("migrate").returncode == 0
    (home / "profiles" / "datev-customers.toml").write_text(command("profile", "show", "datev-customers").stdout)
    done = command("import", EXPORTS / "EXTF_Stammdaten.csv", "--profile", "datev-customers", "--json")
    tally = json.loads(done.stdout)["tally"]
    assert (tally["read"], tally["created"], tally["skipped"], tally["rejected"]) == (6, 3, 3, 0)


def test_a_public_style_export_with_customers_in_it(home: Path, command: Run) -> None:
    """Comma-separated, m/d/yyyy, customers made from the same file: date order proven, every row accounted for."""
    (home / "profiles" / "ar.toml").write_text(
        dedent("""
            dataset = "receivables"
            pattern = "accounts-receivable*.csv"
            [columns]
            customer_code = "customerID"
            item_number = "invoiceNumber"
            issue_date = "InvoiceDate"
            due_date = "DueDate"
            amount = "InvoiceAmount"
            currency = { value = "USD" }
            [[also]]
            dataset = "customers"
            columns = { customer_code = "customerID", business_name = "customerID" }
        """)
    )
    result = json.loads(command("import", EXPORTS / "accounts-receivable.csv", "--profile", "ar", "--json").stdout)
    assert result["tally"]["created"] == result["tally"]["read"] == 200
    assert result["also"][0]["tally"]["created"] == 20
    assert json.loads(command("imports", "show", 2, "--json").stdout)["read_as"]["date"] == "mm/dd/yyyy"


def test_a_workbook_of_rejected_rows_opens(home: Path, command: Run, database: str) -> None:
    """`--to xlsx` writes a workbook to stdout."""
    import os
    import sys

    command("import", home / "items.csv", "--profile", "items")
    environment = os.environ | {"NIGHTPORTER_DATABASE_URL": database, "NIGHTPORTER_HOME": str(home)}
    made = subprocess.run(
        [sys.executable, "-m", "daemon", "imports", "rejects", "1", "--to", "xlsx"],
        capture_output=True,
        env=environment,
        check=True,
    )
    sheet = openpyxl.load_workbook(io.BytesIO(made.stdout)).active
    assert sheet is not None
    assert sheet.max_row == 2


def test_a_home_is_begun_by_one_command(tmp_path: Path, command: Run) -> None:
    """`init` leaves commented settings that are right as they are; a second one changes nothing of them."""
    assert command("init").returncode == 0
    settings = tmp_path / "nightporter.toml"
    settings.write_text(settings.read_text() + '[drops.mine]\nkind = "local"\npath = "mine"\n')
    assert command("init").returncode == 0
    assert "[drops.mine]" in settings.read_text()
    assert (tmp_path / "link.keys").stat().st_mode & 0o777 == 0o600
    assert "drop erp" in command("check").stdout


def test_people_are_let_in_by_a_command(command: Run) -> None:
    """A first one with the home; others by their entities; a password that is too short lets nobody in, and is not shown."""
    assert "ada may come in" in command("init", "--admin", "ada", given="a long enough one\n").stdout
    assert "keeps the password" in command("init", "--admin", "ada", given="another long one\n").stdout
    assert command("init", "--admin", " ", given="another long one\n").returncode == 2
    short = command("user", "add", "bob", "--role", "admin", given="short\n")
    assert (short.returncode, "at least 10 characters" in short.stderr) == (2, True)
    assert command("user", "add", "fred", given="a long enough one\n").returncode == 2
    command("user", "add", "fred", "--entity", "FR01", given="a long enough one\n")
    people = json.loads(command("user", "list", "--json").stdout)
    assert people == [{"name": "ada", "role": "admin", "entities": []}, {"name": "fred", "role": "manager", "entities": ["FR01"]}]
    assert command("user", "remove", "ada").returncode == 0
    assert [each["name"] for each in json.loads(command("user", "list", "--json").stdout)] == ["fred"]


def test_what_there_is_to_write_about_is_listed(command: Run) -> None:
    """The settings' schema, the datasets and their fields; `-h` helps everywhere."""
    schema = json.loads(command("settings", "schema").stdout)
    assert {"drops", "mail", "web"} <= set(schema["properties"])
    assert "receivables" in command("datasets", "list").stdout
    fields = json.loads(command("datasets", "show", "receivables", "--json").stdout)["fields"]
    assert fields["item_number"]["required"]
    assert command("imports", "-h").returncode == 0


def test_a_broken_profile_is_said_to_be_broken(home: Path, command: Run) -> None:
    """Not missing: with its file, its line and what is wrong; and no other command is disturbed by it."""
    (home / "profiles" / "types.toml").write_text(
        dedent(ITEMS).replace("[columns]", '[columns]\nitem_type = { from = "T", map = { R = "invoise" } }')
    )
    done = command("profile", "test", "types", home / "items.csv")
    assert done.returncode == 2
    assert "types.toml" in done.stderr
    assert '"item_type" can be no "invoise"; did you mean "invoice"?' in done.stderr
    assert command("imports", "list").stderr == ""


def test_nothing_is_cut_where_a_terminal_is_narrow(home: Path, command: Run) -> None:
    """What goes to a pipe is as wide as it is: a row a line, each whole."""
    (home / "wide.csv").write_text(
        ";".join(f"Column {n}" for n in range(30)) + "\n" + ";".join("x" * 20 for _ in range(30)) + "\n"
    )
    (header, row) = [
        line for line in command("read", home / "wide.csv").stdout.splitlines() if "x" * 20 in line or "Column 29" in line
    ]
    assert row.count("x" * 20) == 30
    assert "Column 29" in header


def test_how_much_is_logged_is_said_in_any_case(command: Run) -> None:
    """`--log-level debug` and `DEBUG` are one; a word that is no level is a wrong usage, without a traceback."""
    assert command("--log-level", "debug", "datasets", "list").returncode == 0
    done = command("--log-level", "loud", "datasets", "list")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
