"""How fast files are read, as ratios to the fastest that the libraries underneath can do alone, in one run.

make bench-reading              # 100,000 x 8 cells as .xlsx, 1,000,000 rows as CSV, three rounds each
"""

import argparse
import datetime
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import openpyxl

DAYS = [datetime.date(2024, 1, 1) + datetime.timedelta(n) for n in range(700)]
TASKS = {
    "xlsx, calamine alone": "from python_calamine import CalamineWorkbook as W; W.from_path({path!r}).get_sheet_by_index(0).to_python()",
    "xlsx, read": "import pathlib; from daemon.reading import read; begin(); list(read(pathlib.Path({path!r})))",
    "CSV, pyarrow alone": "import pyarrow as pa; from pyarrow import csv; begin(); [b for b in csv.open_csv({path!r}, csv.ReadOptions("
    "encoding='cp1252', use_threads=False), csv.ParseOptions(delimiter=';'), csv.ConvertOptions(column_types=dict.fromkeys("
    "'ABCDEFGH', pa.string())))]",
    "CSV, read": "import pathlib; from daemon.reading import read; begin(); [b for b in read(pathlib.Path({path!r}))]",
}
"""What is timed, each in a process of its own; the clock begins after the imports."""


def rows(count: int) -> "list[list[object]]":
    """Made-up open items of eight columns."""
    return [
        [
            f"C{n % 5000:06d}",
            f"FA{n}",
            "INV",
            DAYS[n % 700],
            DAYS[(n + 30) % 700],
            round(n * 1.37, 2),
            "EUR",
            f"Livré à l'entrepôt {n % 97}",
        ]
        for n in range(count)
    ]


def timed(task: str, path: Path) -> float:
    """Seconds that a task takes."""
    code = f"import time\nt = time.perf_counter()\ndef begin():\n    global t\n    t = time.perf_counter()\n{task.format(path=str(path))}\nprint(time.perf_counter() - t)"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=100_000, help="of the workbook; the CSV has ten times as many")
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        xlsx, text = Path(folder, "b.xlsx"), Path(folder, "b.csv")
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet()
        for row in [list("ABCDEFGH"), *rows(given.rows)]:
            sheet.append(row)
        book.save(xlsx)
        lines = [";".join(map(str, row)) for row in [list[object]("ABCDEFGH"), *rows(given.rows * 10)]]
        text.write_text("\n".join(lines) + "\n", encoding="cp1252")
        took: dict[str, list[float]] = {name: [] for name in TASKS}
        for _ in range(given.rounds):
            for name, task in TASKS.items():
                took[name].append(timed(task, xlsx if name.startswith("xlsx") else text))
    for alone, ours in (("xlsx, calamine alone", "xlsx, read"), ("CSV, pyarrow alone", "CSV, read")):
        ratio = statistics.median(a / b for a, b in zip(took[ours], took[alone], strict=True))
        print(
            f"{alone:24}{statistics.median(took[alone]):8.2f} s\n{ours:24}{statistics.median(took[ours]):8.2f} s   {ratio:5.2f} x"
        )
    print(f"{'peak memory of a child':24}{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:8.0f} MB")


if __name__ == "__main__":
    main()
