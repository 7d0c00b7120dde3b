"""How fast a large file loads, as ratios to PostgreSQL's own COPY of the same rows into a plain keyed table, in one run.

make bench                       # 1,000,000 rows, three rounds; then 4,000,000 rows once, for memory
make bench ARGS="--rows 100000 --rounds 1 --memory-rows 400000"
make bench ARGS="--url postgresql://…"      # on a server of one's own, whose tables of ours are emptied
SLING=/usr/bin/sling make bench ARGS=…  # with that peer on the same rows, and with dlt where it is installed

The rows are as a French ERP prints them: more than a third of the amounts in groups, one in seven below zero, accents in every
comment; a seed a round, so that no file is loaded twice. The yardstick, what a person would have picked instead: the clean rows,
ten typed columns, into an empty logged table with one primary key.
"""

import argparse
import csv
import datetime
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import psycopg

from daemon import db, ledger, log
from daemon.db import embedded
from daemon.importing.attempt import attempt
from daemon.model import RemoteFile
from daemon.profiles import Profiles
from daemon.settings import Settings
from tests.bench.import_peers import peers

CUSTOMERS = 50_000
PROFILE = """
dataset = "receivables"
pattern = "*"
entity = "FR01"
[format]
encoding = "cp1252"
delimiter = ";"
decimal = ","
date = "dd/mm/yyyy"
[columns]
customer_code = "Code client"
item_number = "N° pièce"
item_type = { from = "Type", map = { FAC = "invoice", AVO = "credit_note" } }
issue_date = "Date pièce"
due_date = "Échéance"
amount = "Montant"
remaining = "Solde"
currency = "Devise"
order_number = "Commande"
comment = "Commentaire"
"""
PLAIN = """
CREATE TABLE plain (
    customer_code text, item_number text, item_type text, issue_date date, due_date date, amount numeric(18, 5), remaining numeric(18, 5),
    currency char(3), order_number text, comment text, PRIMARY KEY (item_number, issue_date)
)
"""
COLUMNS = ["customer_code", "item_number", "item_type", "issue_date", "due_date", "amount", "remaining", "currency"]
COLUMNS += ["order_number", "comment"]
DAYS = [datetime.date(2024, 1, 1) + datetime.timedelta(days=n) for n in range(731)]


Row = tuple[str, str, str, datetime.date, datetime.date, int, str]


def rows(seed: int, count: int, changed: float, left_out: float = 0) -> Iterator[Row]:
    """Made-up open items; of a second file's rows the share `changed` has another open amount, and `left_out` is not there."""
    chance, change, out = random.Random(seed), random.Random(seed + 1), random.Random(seed + 2)
    for number in range(count):
        day, below = chance.randrange(700), chance.randrange(7) == 0
        cents = int(10 ** chance.uniform(2.5, 7)) + (1 if change.random() < changed else 0)
        code = f"C{chance.randrange(CUSTOMERS):06d}"
        if out.random() < left_out:
            continue
        item = f"FA{2024_000000 + number}"
        yield code, item, "AVO" if below else "FAC", DAYS[day], DAYS[day + 30], -cents if below else cents, f"{number % 97:02d}"


def printed(cents: int) -> str:
    """An amount as it is printed: groups of three, a decimal comma, the minus before it."""
    return f"{cents / 100:,.2f}".replace(",", " ").replace(".", ",")


def export(path: Path, seed: int, count: int, changed: float = 0, left_out: float = 0, tail: str = "") -> Path:
    """The rows as an ERP prints them: cp1252, semicolons, dd/mm/yyyy."""
    days = {day: day.strftime("%d/%m/%Y") for day in DAYS}
    with path.open("w", encoding="cp1252", newline="") as out:
        out.write("Code client;N° pièce;Type;Date pièce;Échéance;Montant;Solde;Devise;Commande;Commentaire\r\n")
        for code, item, kind, issued, due, cents, tag in rows(seed, count, changed, left_out):
            amount = printed(cents)
            out.write(
                f"{code};{item};{kind};{days[issued]};{days[due]};{amount};{amount};EUR;CMD-{item[2:]};Livraison à l'entrepôt n° {tag}\r\n"
            )
        out.write(tail)
    return path


def clean(path: Path, seed: int, count: int, changed: float = 0) -> Path:
    """The same rows as COPY takes them, under a header."""
    words = {"FAC": "invoice", "AVO": "credit_note"}
    with path.open("w", newline="", encoding="utf-8") as out:
        write = csv.writer(out).writerow
        write(COLUMNS)
        for code, item, kind, issued, due, cents, tag in rows(seed, count, changed):
            amount = f"{cents / 100:.2f}"
            write(
                [
                    code,
                    item,
                    words[kind],
                    issued,
                    due,
                    amount,
                    amount,
                    "EUR",
                    f"CMD-{item[2:]}",
                    f"Livraison à l'entrepôt n° {tag}",
                ]
            )
    return path


def plain_copy(url: str, path: Path) -> float:
    """Seconds that COPY takes for the clean rows."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS plain")
        connection.execute(PLAIN)
        began = time.perf_counter()
        with path.open("rb") as file, connection.cursor().copy("COPY plain FROM STDIN (FORMAT csv, HEADER)") as sink:
            while chunk := file.read(1 << 20):
                sink.write(chunk)
        return time.perf_counter() - began


def load(url: str, home: Path, path: Path, profile: str = "delta") -> tuple[float, float]:
    """Seconds and peak megabytes of one import, archive and ledger included, in a process of its own."""
    command = [sys.executable, __file__, "--load", url, str(home), str(path), profile]
    seconds, megabytes = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(seconds), float(megabytes)


def load_here(url: str, home: Path, path: Path, profile: str) -> None:
    """What `load` starts."""
    log.configure()
    engine, settings = db.connect(url), Settings(home=home)
    profiles = Profiles(settings.profiles)
    list(profiles)
    began = time.perf_counter()
    with db.transaction(engine) as conn:
        run_id = ledger.arrivals.record_inline(
            conn, RemoteFile(str(path), path.stat().st_size, path.stat().st_mtime_ns), [(profile, "receivables")]
        )
    attempt(engine, settings, profiles, run_id)
    seconds = time.perf_counter() - began
    with db.transaction(engine) as conn:
        run = ledger.runs.run_by_id(conn, run_id)
    assert run
    assert run.state == "imported", run
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def empty(url: str) -> None:
    """The table with nothing in it, and customers for all its rows to come."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "TRUNCATE ar.receivable, ar.customer, nightporter.row_change, nightporter.confirmed, nightporter.snapshot"
        )
        connection.execute(
            "UPDATE nightporter.import_run SET state = 'refused' WHERE state = 'imported'"
        )  # so that none is a duplicate
        connection.execute(
            "INSERT INTO ar.customer (entity, customer_code, business_name, created_by_run, run_id, source_line) "
            f"SELECT 'FR01', 'C' || lpad(n::text, 6, '0'), 'Customer ' || n, 1, 1, 1 FROM generate_series(0, {CUSTOMERS - 1}) n"
        )
        connection.execute("VACUUM ANALYZE ar.customer")


def bench(count: int, rounds: int, memory_rows: int, url: str, home: Path) -> None:
    """Measure and print."""
    (home / "profiles").mkdir()
    for mode in ("delta", "snapshot"):
        (home / "profiles" / f"{mode}.toml").write_text(f'{PROFILE}[import]\nmode = "{mode}"\n', encoding="utf-8")
    took: dict[str, list[float]] = {"plain COPY": [], "first load": [], "again, unchanged": [], "again, 2 % changed": []}
    took |= {"first snapshot": [], "2 % changed, 1 % paid": []}
    peak = 0.0
    for seed in random.sample(range(1 << 20), rounds):
        print(f"making files of {count:,} rows …", flush=True)
        first, same = export(home / "first.csv", seed, count), export(home / "same.csv", seed, count, tail="\r\n")
        changed, cleaned = export(home / "changed.csv", seed, count, 0.02), clean(home / "clean.csv", seed, count)
        paid = export(home / "paid.csv", seed, count, 0.02, 0.01)
        took["plain COPY"].append(plain_copy(url, cleaned))
        for name, peer in peers(url).items():
            moved = clean(home / "moved.csv", seed, count, 0.02)
            for what, path, again in (("first", cleaned, False), ("unchanged", cleaned, True), ("2 % changed", moved, True)):
                took.setdefault(f"{name}, {what}", []).append(peer(url, path, again))
        empty(url)
        for name, path in (("first load", first), ("again, unchanged", same), ("again, 2 % changed", changed)):
            seconds, megabytes = load(url, home, path)
            took[name].append(seconds)
            peak = max(peak, megabytes)
        empty(url)
        for name, path in (("first snapshot", first), ("2 % changed, 1 % paid", paid)):
            seconds, megabytes = load(url, home, path, "snapshot")
            took[name].append(seconds)
            peak = max(peak, megabytes)
    print(f"{count:,} rows, {first.stat().st_size / 1e6:.0f} MB; {rounds} rounds; medians")
    for name, each in took.items():
        ratio = statistics.median(one / raw for one, raw in zip(each, took["plain COPY"], strict=True))
        print(f"{name:22}{statistics.median(each):8.1f} s   {ratio:5.2f} x plain COPY")
    print(f"{'peak memory':22}{peak:8.0f} MB")
    if memory_rows:
        empty(url)
        _, more = load(url, home, export(home / "many.csv", 1, memory_rows))
        print(f"{f'  at {memory_rows:,} rows':22}{more:8.0f} MB  {more / peak:5.2f} x that of {count:,}")


def main() -> None:
    """Parse the options and bench on an embedded Postgres."""
    if sys.argv[1:2] == ["--load"]:
        load_here(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]), sys.argv[5])
        return
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--memory-rows", type=int, default=4_000_000)
    options.add_argument("--url", help="a Postgres to bench on; by default an embedded one")
    given = options.parse_args()
    home = Path(tempfile.mkdtemp(prefix="nightporter-bench-"))
    home.chmod(0o711)
    try:
        with embedded.postgres(home) if not given.url else nullcontext(given.url) as url:
            engine = db.connect(url)
            db.migrate(engine)
            engine.dispose()
            bench(given.rows, given.rounds, given.memory_rows, url, home)
    finally:
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
