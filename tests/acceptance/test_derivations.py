"""Derivations: what an ERP does not export as it is wanted, a profile says in a word; small, declared, and no code."""

from decimal import Decimal

from tests.support.office import ITEMS, Office, counts

HEAD = "Customer;Item;Issued;Due;Amount;Terms;Type\n"


def test_a_due_date_comes_of_its_payment_term(office: Office) -> None:
    """Where the file has no due date, it is counted from the invoice's; a term that is not clear is a rejection."""
    office.customers("C1")
    office.profile(
        "items", ITEMS.replace('due_date = "Due"', 'due_date = { first_of = ["Due", { after = "Issued", term = "Terms" }] }')
    )
    run = office.load("items", HEAD + "C1;F1;31/01/2024;;5;30 days;\nC1;F2;15/01/2024;01/02/2024;5;30 days;\n"
                      "C1;F3;15/01/2024;;5;45 jours fin de mois;\nC1;F4;15/01/2024;;5;as agreed;\nC1;F5;15/01/2024;;5;;\n")  # fmt: skip
    assert office.rows("SELECT item_number, due_date::text FROM ar.receivable ORDER BY 1") == [
        ("F1", "2024-03-01"), ("F2", "2024-02-01"), ("F3", "2024-02-29"),
    ]  # fmt: skip
    assert office.reasons(run) == {5: ["not_a_date"], 6: ["missing"]}
    assert office.rejections(run)[0].reasons[0].value == "as agreed"


def test_constants_defaults_slices_and_joins(office: Office) -> None:
    """A value where there is none, a part of a cell, several cells in one."""
    office.customers("C1")
    derived = (
        '    order_number = { join = ["Type", "Item"], separator = "-" }\n    location_code = { from = "Item", slice = [1, 2] }\n'
        '    comment = { from = "Terms", default = "no term" }\n'
    )
    office.profile("items", ITEMS + derived)
    office.load("items", HEAD + "C1;PA17;31/01/2024;01/02/2024;5;;INV\n")
    assert office.rows("SELECT order_number, location_code, comment FROM ar.receivable") == [("INV-PA17", "PA", "no term")]


def test_credits_printed_as_positives(office: Office) -> None:
    """`sign = "by_type"` turns the amounts of credit notes and payments, and of nothing else."""
    office.customers("C1")
    words = 'item_type = { from = "Type", map = { INV = "invoice", CRN = "credit_note", PAY = "payment" } }'
    office.profile("items", ITEMS + f'    {words}\n    [import]\n    sign = "by_type"\n')
    run = office.load("items", HEAD + "".join(f"C1;{kind};31/01/2024;01/02/2024;5;;{kind}\n" for kind in ("INV", "CRN", "PAY")))
    assert office.rows("SELECT item_number, amount FROM ar.receivable ORDER BY 1") == [
        ("CRN", Decimal(-5)), ("INV", Decimal(5)), ("PAY", Decimal(-5)),
    ]  # fmt: skip
    assert counts(run)["created"] == 3
    assert run.tally
    assert run.tally.money["EUR"].file_total == Decimal("-5.00")
