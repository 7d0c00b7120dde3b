"""A file's headers, as a profile's columns find them."""

import unicodedata

from daemon.profiles import Column


class Header:
    """A file's headers as a profile finds them: exactly, or else without regard to case, spacing and how accents are composed."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self._alike: dict[str, list[str]] = {}
        for name in names:
            self._alike.setdefault(_plain(name), []).append(name)

    def __contains__(self, header: str) -> bool:
        return header in self.names or len(self._alike.get(_plain(header), [])) == 1

    def found(self, headers: list[str]) -> list[str]:
        """The file's own of some headers, those that it has."""
        return [self[header] for header in headers if header in self]

    def __getitem__(self, header: str) -> str:
        return header if header in self.names else self._alike[_plain(header)][0]


def _plain(header: str) -> str:
    """A header as it is compared: without regard to case, spacing around it, or how its accents are composed."""
    return unicodedata.normalize("NFC", header).strip().casefold()


def missing(column: Column, header: Header) -> list[str]:
    """The headers a column cannot do without and the file does not have; of `first_of` one is enough."""
    if column.first_of:
        each = [missing(part, header) for part in column.first_of]
        return [] if any(not names for names in each) else [name for names in each for name in names]
    flag = column.flag.headers if column.flag else []
    return [name for name in column.headers + flag if name not in header]
