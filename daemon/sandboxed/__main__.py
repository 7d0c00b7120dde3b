"""The child process: one task on the bytes of stdin, its answer on stdout, within limits set before the first byte is read.

A file that cannot be read ends it with status 3 and `code: detail` on stderr.
"""

import codecs
import json
import resource
import struct
import sys
import zipfile
import zlib
from importlib import import_module
from xml.etree import ElementTree

from daemon.sandboxed import confine
from daemon.sandboxed.refusal import Unreadable

_BROKEN = (
    EOFError, ValueError, OSError, LookupError, NotImplementedError,
    struct.error, zipfile.BadZipFile, zlib.error, ElementTree.ParseError,
)  # fmt: skip
"""What the standard library says of bytes that are not what they should be."""


def main() -> None:
    """Do the task named by the first argument, with the rest of it as keywords."""
    confine.apart()
    order = json.loads(sys.argv[1])
    module = import_module(f"daemon.sandboxed.{order.pop('module')}")  # by the parent's code, never by the file
    task = getattr(module, order.pop("task"))
    for name in ("cp437", "utf-16-le", "latin-1", order.get("encoding") or "utf-8"):
        codecs.lookup(name)  # loaded from a file at first use: names in a zip, in an OLE file, the text of a page
    _limit(order["limits"])
    try:
        task(sys.stdin.buffer, sys.stdout.buffer, **order)
    except Unreadable as error:
        _fail(error)
    except _BROKEN as error:
        _fail(Unreadable("unreadable", "plain", text=str(error) or type(error).__name__))


def _limit(limits: dict[str, int]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limits["memory_mb"] << 20,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu_seconds"],) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    confine.confine()
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))  # no new descriptor: no file, no socket, no network


def _fail(error: Unreadable) -> None:
    print(json.dumps(error.told), file=sys.stderr)
    sys.exit(3)


if __name__ == "__main__":
    main()
