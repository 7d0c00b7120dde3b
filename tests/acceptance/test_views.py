"""What the department reads: who owes how much, and for how long."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tests.support.office import CREDITS, ITEMS, ITEMS_HEADER, Office

KINDS = ITEMS + '    item_type = { from = "Type", map = { INV = "invoice", DPR = "down_payment_request" } }\n'
HEADER = ITEMS_HEADER.strip() + ";Type\n"


def row(number: str, due: date, amount: str, kind: str = "INV") -> str:
    """An item of the file."""
    return f"C1;{number};01/01/2020;{due:%d/%m/%Y};{amount};{kind}\n"


def test_what_a_customer_owes_and_since_when(office: Office) -> None:
    """Open items by how late they are, less the credits in hand; requests for down payments, and what is paid, count for nothing."""
    office.customers("C1")
    office.profile("items", KINDS)
    office.profile("credits", CREDITS)
    today = datetime.now(UTC).date()
    late = {"N": 0, "A": 1, "B": 30, "C": 31, "D": 60, "E": 61, "F": 90, "G": 91}
    rows = [row(number, today - timedelta(days), str(10 ** (place // 2))) for place, (number, days) in enumerate(late.items())]
    office.load("items", HEADER + "".join(rows) + row("P", today, "5000", "DPR") + row("Z", today, "0"))
    office.load("credits", "Customer;Credit;Date;Balance;Cur\nC1;K1;01/02/2026;7,00;EUR\n")
    aging = "SELECT not_due, days_1_30, days_31_60, days_61_90, days_over_90 FROM ar.aging"
    assert office.rows(aging) == [(Decimal(1), Decimal(11), Decimal(110), Decimal(1100), Decimal(1000))]
    balance = "SELECT customer_code, currency, open_items, adjustments, balance, overdue FROM ar.customer_balance"
    assert office.rows(balance) == [("C1", "EUR", Decimal(2222), Decimal(-7), Decimal(2215), Decimal(2221))]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_day_begins_where_the_company_is(office: Office, zone: str) -> None:
    """An item that was due yesterday by the company's own calendar is overdue, one that is due today is not."""
    office.settle(f'[entities."FR01"]\ntimezone = "{zone}"')
    office.profile(
        "customers", 'dataset = "customers"\npattern = "c"\nentity = "FR01"\n[columns]\ncustomer_code = "C"\nbusiness_name = "N"'
    )
    office.load("customers", "C;N\nC1;Martin\n")
    office.profile("items", 'entity = "FR01"\n' + "\n".join(line.strip() for line in KINDS.splitlines()))
    today = datetime.now(ZoneInfo(zone)).date()
    office.load("items", HEADER + row("A", today, "1") + row("B", today - timedelta(1), "10"))
    assert office.rows("SELECT not_due, days_1_30 FROM ar.aging") == [(Decimal(1), Decimal(10))]
