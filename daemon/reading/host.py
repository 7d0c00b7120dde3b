"""Files of a host: records of one length without line ends, in EBCDIC as a rule, with packed decimals if the format says so."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from daemon.errors import FileRefused, Refusal
from daemon.model import Batch, Reason, ReasonCode, Rejection
from daemon.profiles import Format
from daemon.reading import encoding, sniff
from daemon.reading.delimited import columns_of
from daemon.reading.sieve import Sieve
from daemon.reading.source import open_bytes

_RECORDS = 20_000
_SIGNS = {0xA: "", 0xB: "-", 0xC: "", 0xD: "-", 0xE: "", 0xF: ""}
"""The last half byte of a packed decimal, after IBM's z/Architecture Principles of Operation."""


class Records:
    """A file of records of one length, counted from 1. See `reading.Reader`."""

    above = 0
    total: dict[str, str] = {}
    trailers: list[str] = []
    final_newline = None
    """Records without line ends have none at the end."""

    def __init__(self, path: Path, format: Format) -> None:
        assert format.positions  # the profile was checked
        assert format.record_length
        self._path, self._length, self._packed = path, format.record_length, format.packed or {}
        with open_bytes(path) as file:
            head = file.read(1 << 12)
        self._encoding = encoding.declared(format.encoding or "", head)
        self._places = {name: (first - 1, last) for name, (first, last) in format.positions.items()}
        self.header = sniff.unique(list(self._places))
        self._sieve = Sieve(self.header, list(self._places), format)
        self.format = format.model_copy(update={"encoding": self._encoding})

    @property
    def ignored(self) -> int:
        """Records that are blank, or that the profile says are none."""
        return self._sieve.ignored

    def __iter__(self) -> Iterator[Batch | Rejection]:
        first = 1
        with open_bytes(self._path) as file:
            while block := file.read(self._length * _RECORDS):
                if len(block) % self._length:
                    raise FileRefused(Refusal.SHAPE_UNCLEAR, "records_cut", length=self._length, left=len(block) % self._length)
                yield from self._records(block, first)
                first += len(block) // self._length

    def _records(self, block: bytes, first: int) -> Iterator[Batch | Rejection]:
        rows: list[list[str]] = []
        numbers: list[int] = []
        for number, at in enumerate(range(0, len(block), self._length), first):
            cells = [self._cell(name, block[at + start : at + end]) for name, (start, end) in self._places.items()]
            texts = [cell for cell in cells if isinstance(cell, str)]
            if len(texts) == len(cells):
                rows.append(texts)
                numbers.append(number)
            else:
                shown = [cell if isinstance(cell, str) else cell.value or "" for cell in cells]
                yield Rejection(number, shown, tuple(cell for cell in cells if isinstance(cell, Reason)))
        batch = self._sieve.batch(columns_of(rows, len(self.header)), np.array(numbers, dtype=np.int64))
        if len(batch.frame):
            yield batch

    def _cell(self, name: str, raw: bytes) -> str | Reason:
        if name in self._packed:
            return _unpacked(raw, self._packed[name])
        try:
            text = raw.decode(self._encoding)
        except UnicodeDecodeError as error:
            return Reason(ReasonCode.UNDECODABLE, value=raw.hex(), detail=f"{raw[error.start]:02X}")
        return text.rstrip("\0 ").lstrip(" ")


def _unpacked(raw: bytes, decimals: int) -> str | Reason:
    """A packed decimal: two digits a byte, the last half byte its sign."""
    digits, sign = raw.hex()[:-1], _SIGNS.get(raw[-1] & 0xF)
    if sign is None or not digits.isdecimal():
        return Reason(ReasonCode.NOT_A_NUMBER, value=raw.hex())
    number = digits.rjust(decimals + 1, "0")
    whole = number[: len(number) - decimals].lstrip("0") or "0"
    return f"{sign}{whole}.{number[len(number) - decimals :]}" if decimals else f"{sign}{whole}"
