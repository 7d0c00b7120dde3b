"""Logs: one event a line, whatever comes in."""

import json
import subprocess
import sys

PROGRAM = """
from daemon import log
log.configure()
with log.bound(run=7):
    log.get("x").warning("arrived", file="a\\n{\\"event\\": \\"forged\\"}\\x1b[31m\\u202e\\u2028\\x7f")
    import logging; logging.getLogger("somebody").error("plain %s", "text")
"""


def test_a_log_line_is_one_json_object_with_the_run_on_it() -> None:
    """Away from a terminal each line is JSON, bound to its run; a file name cannot write a line of its own."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert all(line.isprintable() for line in done.stderr.split("\n"))
    first, second = map(json.loads, done.stderr.splitlines())
    assert (first["event"], first["run"], first["level"]) == ("arrived", 7, "warning")
    assert first["file"].startswith("a\n{")
    assert (second["event"], second["run"]) == ("plain text", 7)
