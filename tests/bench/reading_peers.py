"""How many of the corpus' texts others take apart as a person does, beside ours: letters by detectors, shapes by sniffers.

make peers       # DuckDB and charset-normalizer are asked where they are installed: pip install duckdb charset-normalizer
"""

import csv
import io
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import chardet
import pandas as pd
from python_calamine import CalamineWorkbook

from daemon.errors import FileRefused
from daemon.model import Batch
from daemon.profiles import Format
from daemon.reading import read

CORPUS = Path(__file__).parents[1] / "exports" / "corpus"
Table = list[list[str]]
"""The header and the rows, as texts."""


def ours(path: Path) -> Table:
    """By this house's reader."""
    reader = read(path)
    return [reader.header, *([*cells] for item in reader if isinstance(item, Batch) for _, cells in item.rows())]


def text(path: Path) -> str:
    """A text as the others are given it: letters are not what they are compared by here."""
    return path.read_bytes().decode(read(path).format.encoding or "utf-8", "replace")


def by_csv(path: Path) -> Table:
    """By Python's own sniffer."""
    content = text(path)
    return [row for row in csv.reader(io.StringIO(content, newline=""), csv.Sniffer().sniff(content)) if row]


def by_pandas(path: Path) -> Table:
    """By pandas, asked to find the delimiter."""
    frame = pd.read_csv(io.StringIO(text(path)), sep=None, engine="python", dtype=str, keep_default_na=False, header=None)
    return [[str(cell) for cell in row] for row in frame.itertuples(index=False, name=None)]


def by_duckdb(path: Path) -> Table:
    """By DuckDB's sniffer."""
    import duckdb  # type: ignore[import-not-found]

    found = duckdb.sql(f"SELECT * FROM read_csv('{path}', all_varchar = true)")
    return [found.columns, *([cell or "" for cell in row] for row in found.fetchall())]


def by_calamine(path: Path) -> Table:
    """By calamine, of a workbook's first sheet."""
    return [[str(cell) for cell in row] for row in CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()]


def judged(take: Callable[[Path], Table], path: Path, case: dict[str, object]) -> str:
    """Right, wrong, or refused."""
    try:
        table = take(path)
    except FileRefused:
        return "right" if case["outcome"] == "refuse" else "refused"
    except ImportError:
        return "not installed"
    except Exception:  # whatever a library says of a file
        return "right" if case["outcome"] == "refuse" else "refused"
    if case["outcome"] == "refuse":
        return "wrong"
    rows = case["rows"]
    assert isinstance(rows, list)
    wanted = [[str(cell).strip() for cell in cells] for _, *cells in rows]
    got = [[cell.strip() for cell in row] for row in table[1:]]
    told = take is ours and all(row in wanted for row in got)  # the others are handed back, each with its line
    return "right" if got == wanted else "refused" if told else "wrong"


def letters(detect: Callable[[bytes], str | None]) -> Counter[str]:
    """How many texts of the letters' section a detector decodes as a person does; those whose language is given are left out."""
    counts: Counter[str] = Counter()
    for case in CASES:
        if case["section"] == "letters" and case["outcome"] == "read" and not case.get("format"):
            raw = (CORPUS / case["file"]).read_bytes()
            try:
                decoded = raw.decode(detect(raw) or "nothing")
                counts["right" if all(str(c) in decoded for _, *cells in case["rows"] for c in cells) else "wrong"] += 1
            except (LookupError, UnicodeDecodeError, FileRefused, ImportError):
                counts["refused"] += 1
    return counts


def by_charset_normalizer(raw: bytes) -> str | None:
    """The encoding by charset-normalizer."""
    from charset_normalizer import from_bytes

    best = from_bytes(raw).best()
    return best.encoding if best else None


def by_ours(raw: bytes) -> str | None:
    """The encoding by this house's reader."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.csv"
        path.write_bytes(raw)
        return read(path, Format()).format.encoding


CASES = [json.loads(line) for line in (CORPUS / "expected.jsonl").read_text(encoding="utf-8").strip().split("\n")]


def main() -> None:
    """Print one table."""
    rows: list[tuple[str, str, Counter[str]]] = []
    for name, take, of_workbooks in (
        ("ours", ours, None), ("csv.Sniffer", by_csv, False), ("pandas", by_pandas, False), ("DuckDB", by_duckdb, False),
        ("calamine", by_calamine, True),
    ):  # fmt: skip
        counts: Counter[str] = Counter()
        for case in CASES:
            workbook = case["file"].endswith((".xls", ".xlsx", ".xlsb", ".ods"))
            if case["section"] == "shape" and not case.get("format") and of_workbooks in (None, workbook):
                counts[judged(take, CORPUS / case["file"], case)] += 1
        rows.append(("shape", name, counts))
    for name, detect in (
        ("ours", by_ours), ("chardet", lambda raw: chardet.detect(raw)["encoding"]), ("charset-normalizer", by_charset_normalizer),
    ):  # fmt: skip
        rows.append(("letters", name, letters(detect)))
    print(f"{'section':10}{'reader':22}{'right':>8}{'wrong':>8}{'refused':>9}")
    for section, name, counts in rows:
        print(f"{section:10}{name:22}{counts['right']:8}{counts['wrong']:8}{counts['refused']:9}")


if __name__ == "__main__":
    main()
