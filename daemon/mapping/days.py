"""Days: whether a spreadsheet took the days of a column's dates for their months, where there are so many months."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Days:
    """Of a column of a workbook, how many dates are dates to the spreadsheet and the latest day of a month among them; how many
    are text and the earliest day, and one of them.
    """

    typed: int = 0
    latest: int = 0
    text: int = 0
    earliest: int = 31
    example: str = ""

    @classmethod
    def of(cls, dates: pa.Array, typed: pa.Array) -> "Days":
        """Those of a column."""
        days, texts = pc.day(dates.filter(typed)), dates.filter(pc.and_(pc.invert(typed), pc.is_valid(dates)))
        if not len(texts):
            return cls(len(days), pc.max(days).as_py() or 0)
        return cls(len(days), pc.max(days).as_py() or 0, len(texts), pc.min(pc.day(texts)).as_py(), str(texts[0]))

    def __add__(self, other: "Days") -> "Days":
        latest, earliest = max(self.latest, other.latest), min(self.earliest, other.earliest)
        return Days(self.typed + other.typed, latest, self.text + other.text, earliest, self.example or other.example)

    @property
    def are_turned(self) -> bool:
        """Whether a spreadsheet took days for months where it could, and left the others as text."""
        return self.typed > 1 and self.text > 1 and self.latest <= 12 < self.earliest
