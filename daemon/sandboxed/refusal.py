"""How a task of the sandbox says that a file cannot be read."""


class Unreadable(Exception):
    """The file cannot be read; the arguments are a refusal's code and detail."""


def check_unpacking(packed: int, unpacked: int, limits: dict[str, int]) -> None:
    """Raise Unreadable when what is packed unpacks to more than the limits allow."""
    if unpacked > limits["unpacked_mb"] << 20:
        raise Unreadable("unreadable", f"it unpacks to more than {limits['unpacked_mb']:,} MB")
    if unpacked > (16 << 20) + limits["ratio"] * packed:
        raise Unreadable("unreadable", f"it unpacks to more than {limits['ratio']} times its size")
