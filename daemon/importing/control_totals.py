"""Control: what the ERP says a file holds, compared with what was read, before anything is committed."""

from collections.abc import Mapping
from decimal import Decimal

from daemon.errors import Detail
from daemon.mapping import Mapping as FileMapping
from daemon.mapping import amount
from daemon.model import Tally
from daemon.profiles import Control


def total_contradiction(said: Mapping[str, str], tally: Tally, mapping: FileMapping) -> Detail | None:
    """In what a file's own total is not the sum of its rows; None where it is, or where that cannot be told: of several
    currencies, or with amounts that could not be read.
    """
    told = said.get(mapping.total_column, "")
    if not told or len(tally.money) != 1 or tally.unread_amounts:
        return None
    known = mapping.conventions
    (money,) = tally.money.values()
    readings = [amount(told, known.decimal or ".", known.thousands), amount(told, ".")]
    if money.file_total in readings or not any(isinstance(each, Decimal) for each in readings):
        return None
    return Detail.of("total_line", told=told, total=f"{money.file_total:f}")


def contradiction(control: Control, text: str | None, tally: Tally, mapping: FileMapping, *, typed: bool) -> Detail | None:
    """In what rows or total are not those that the control file, or the trailer, tells; None where they are.

    Only a dataset of open items has a total. Where cells are `typed`, a number may be written with a point.
    """
    where = "control_file" if control.file else "trailer"
    if not text:
        return Detail.of(f"{where}_missing", read=tally.read)
    if control.rows:
        told = control.said("rows", text)
        if told is None or not told.isdecimal() or int(told) != tally.read:
            return Detail.of(f"{where}_rows", told=told or "", read=tally.read)
    if control.total and mapping.section.target.balance:
        told = control.said("total", text)
        total = sum((money.file_total for money in tally.money.values()), Decimal(0))
        known = mapping.conventions
        readings = [amount(told or "", known.decimal or ".", known.thousands), *([amount(told or "", ".")] if typed else [])]
        if total not in readings:
            return Detail.of(f"{where}_total", told=told or "", total=f"{total:f}", rejected=tally.rejected)
    return None
