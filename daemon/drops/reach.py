"""The way to a server, before anything is said to it: its name has an address, and its port answers."""

import socket
from collections.abc import Iterator

from daemon.drops.base import Step


def reached(host: str, port: int, timeout: float) -> Iterator[Step]:
    """Try name resolution and port, as far as it goes."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or error
        yield Step(False, f"{host} has no address: {said}", "is the host's name right, and the DNS reachable?")
        return
    yield Step(True, f"{host} is {found[0][4][0]}")
    try:
        socket.create_connection((host, port), timeout).close()
    except (OSError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or str(error)
        yield Step(False, f"port {port} does not answer: {said}", "is the port right, and open in every firewall between?")
        return
    yield Step(True, f"port {port} answers")
