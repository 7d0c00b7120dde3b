"""What others take for the same rows: dlt, where it is installed, and Sling, where `SLING` names its binary.

They go to a server that is reached by TCP: `make bench ARGS="--url postgresql://…"`. They are given what is easiest for them: the clean rows as CSV with a header, UTF-8, ISO dates, decimal points; the first time into
no table, then upserted by the plain table's key. None of them checks a row, or keeps what was.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

KEY = ["item_number", "issue_date"]
Peer = Callable[[str, Path, bool], float]
"""Seconds that it takes to load a file, `again` over what it loaded before."""


def peers(url: str) -> dict[str, Peer]:
    """Those that are here, and can reach the server."""
    if "host=/" in url:
        return {}
    found: dict[str, Peer] = {}
    if os.environ.get("SLING"):
        found["Sling"] = _sling
    if find_spec("dlt"):
        found["dlt"] = _dlt
    return found


def _sling(url: str, path: Path, again: bool) -> float:
    mode = ["incremental", "--primary-key", ",".join(KEY)] if again else ["full-refresh"]
    source = ["--src-stream", f"file://{path}", "--tgt-conn", url, "--tgt-object", "public.sling_items"]
    return _timed([os.environ["SLING"], "run", *source, "--mode", *mode])


def _dlt(url: str, path: Path, again: bool) -> float:
    return _timed([sys.executable, __file__, url, str(path), "merge" if again else "replace"])


def _timed(command: list[str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr[-2000:]}")
    return time.perf_counter() - began


def load_by_dlt(url: str, path: Path, disposition: str) -> None:
    """What `_dlt` starts: the file's tables, some at a time, into Postgres by its own COPY."""
    import dlt
    from pyarrow import csv, decimal128, string

    types = {"amount": decimal128(18, 5), "remaining": decimal128(18, 5), "order_number": string(), "comment": string()}

    def tables() -> Iterator[object]:
        with csv.open_csv(path, convert_options=csv.ConvertOptions(column_types=types)) as batches:
            yield from batches

    with tempfile.TemporaryDirectory() as folder:
        postgres = dlt.destinations.postgres(credentials=url)
        pipeline = dlt.pipeline("items", pipelines_dir=folder, destination=postgres, dataset_name="dlt_items")
        pipeline.run(
            tables(), table_name="items", write_disposition=disposition, primary_key=KEY, loader_file_format="csv"
        ).raise_on_failed_jobs()


if __name__ == "__main__":
    load_by_dlt(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
