"""Control: what the ERP says a file holds, compared with what was read, before anything is committed."""

from decimal import Decimal

from daemon.mapping import Mapping, amount
from daemon.model import Tally
from daemon.profiles import Control


def contradiction(control: Control, text: str | None, tally: Tally, mapping: Mapping, *, typed: bool) -> str | None:
    """In what rows or total are not those that the control file, or the trailer, tells; None where they are.

    Only a dataset of open items has a total. Where cells are `typed`, a number may be written with a point.
    """
    where = "the control file" if control.file else "the trailer"
    if not text:
        return f"{where} is not there; {tally.read} rows were read"
    if control.rows:
        told = control.said("rows", text)
        if told is None or not told.isdecimal() or int(told) != tally.read:
            return f"{where} says {told or 'nothing'} of the rows; {tally.read} were read"
    if control.total and mapping.section.target.balance:
        told = control.said("total", text)
        total = sum((money.file_total for money in tally.money.values()), Decimal(0))
        known = mapping.conventions
        readings = [amount(told or "", known.decimal or ".", known.thousands), *([amount(told or "", ".")] if typed else [])]
        if total not in readings:
            unread = f", {tally.rejected} rows rejected" if tally.rejected else ""
            return f"{where} says {told or 'nothing'} of the total; it is {total:f}{unread}"
    return None
