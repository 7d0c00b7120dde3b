"""Places where a test may kill the process, to prove that the promises survive it.

A failpoint does nothing unless `NIGHTPORTER_FAILPOINT=name:flag-file` arms it. It fires once: the process that manages
to remove the flag file kills itself with SIGKILL.
"""

import os
import signal

_name, _, _flag = os.environ.get("NIGHTPORTER_FAILPOINT", "").partition(":")


def reach(name: str) -> None:
    """Die here if the failpoint `name` is armed and its flag file still stands."""
    if name != _name:
        return
    try:
        os.remove(_flag)
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
