"""Rows as they are read, and those that are refused."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from daemon.model.reasons import Reason

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd  # slow to import, and no command that only looks needs it


@dataclass(frozen=True)
class Batch:
    """Rows as read: a frame of Arrow-backed text columns, indexed by the line in the file.

    `typed` has the same shape and is true where a spreadsheet had typed the cell (a number, a date): such text is
    canonical (a decimal point, ISO dates) whatever the file's conventions. None where no cell is typed.
    """

    frame: "pd.DataFrame"
    typed: "pd.DataFrame | None" = None
    errors: "pd.DataFrame | None" = None
    """Of a workbook: true where a cell holds an error, or a formula that nobody calculated. None where none does."""

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each row's line and cells; for the few that people are shown, not for the many that are loaded."""
        columns = [self.frame.iloc[:, number].tolist() for number in range(self.frame.shape[1])]
        for line, *cells in zip(self.frame.index.tolist(), *columns, strict=True):
            yield line, cells

    def of(self, rows: "list[int] | np.ndarray[Any, np.dtype[np.bool_]]") -> "Batch":
        """Some of its rows, by their places or by a mask."""
        marks = (None if each is None else each.iloc[rows] for each in (self.typed, self.errors))
        return Batch(self.frame.iloc[rows], *marks)

    def typed_cells(self) -> list[list[int]]:
        """For each row the places of its typed cells."""
        if self.typed is None:
            return [[]] * len(self.frame)
        return [[place for place, typed in enumerate(row) if typed] for row in self.typed.to_numpy().tolist()]


@dataclass(frozen=True)
class Rejection:
    """One row refused: its line in the file, its cells as read, and every reason found."""

    line: int
    cells: Sequence[str]
    reasons: tuple[Reason, ...]
    resolved_by: int | None = None
    """The run by which the row went in after all, corrected."""
    typed: Sequence[int] = ()
    """Of a workbook: the cells that the spreadsheet had typed, whose text is canonical."""
    amount: Decimal | None = None
    currency: str | None = None
    """What the row is about in money, as far as both could be read."""
