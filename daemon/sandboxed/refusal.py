"""How a task of the sandbox says that a file cannot be read."""

_LONGEST = 1000
"""Characters of one thing that is told of a file."""


class Unreadable(Exception):
    """The file cannot be read: a refusal's code, the code of what else there is to say, and what stands in its gaps."""

    def __init__(self, code: str, said: str, **values: str | int) -> None:
        super().__init__(code, said)
        self.told = [code, said, {name: value[:_LONGEST] if isinstance(value, str) else value for name, value in values.items()}]


def check_unpacking(packed: int, unpacked: int, limits: dict[str, int]) -> None:
    """Raise Unreadable when what is packed unpacks to more than the limits allow."""
    if unpacked > limits["unpacked_mb"] << 20:
        raise Unreadable("unreadable", "unpacks_to_more", mb=limits["unpacked_mb"])
    if unpacked > (16 << 20) + limits["ratio"] * packed:
        raise Unreadable("unreadable", "unpacks_to_many_times", ratio=limits["ratio"])
