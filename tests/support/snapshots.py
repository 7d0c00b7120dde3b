"""A ledger that is all that is open, night after night."""

from decimal import Decimal

from daemon.model import ImportRun
from tests.support.office import ITEMS, ITEMS_HEADER, Office

SNAPSHOT = ITEMS + '    [import]\n    mode = "snapshot"\n    scope = "ledger"\n    business_date = "items-%Y%m%d*"\n'


def night(office: Office, day: int, *rows: str, profile: str = "items") -> ImportRun:
    """The night's file: each row `customer item amount`."""
    lines = (row + "\n" if ";" in row else "{};{};01/02/2024;02/03/2024;{}\n".format(*row.split()) for row in rows)
    return office.load(profile, ITEMS_HEADER + "".join(lines), f"items-202411{day:02}.csv")


def open_items(office: Office) -> list[tuple[str, Decimal]]:
    """What is open in the morning."""
    return office.rows("SELECT item_number, remaining FROM ar.receivable WHERE state = 'open' ORDER BY 1")
