"""Places where a test may kill the process, to prove that the promises survive it.

A failpoint does nothing unless the environment variable `NIGHTPORTER_FAILPOINT` names a file; that file names the
failpoint. It fires once: the process that manages to remove the file kills itself with SIGKILL.
"""

import os
import signal
from pathlib import Path

_armed = Path(os.environ["NIGHTPORTER_FAILPOINT"]) if "NIGHTPORTER_FAILPOINT" in os.environ else None


def reach(name: str) -> None:
    """Die here, if a test has armed the failpoint `name`."""
    if _armed is None:
        return
    try:
        if _armed.read_text() != name:
            return
        _armed.unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
