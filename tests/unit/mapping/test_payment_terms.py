"""Payment terms, as ERPs print them."""

from datetime import date

import pyarrow as pa
import pytest

from daemon.mapping.payment_terms import Term, due_dates, parse


@pytest.mark.parametrize(("text", "term"), [
    ("30 days", Term(30)),
    ("Net 45", Term(45)),
    ("30", Term(30)),
    ("60J", Term(60)),
    ("45 jours fin de mois", Term(45, True)),
    ("30 jours FDM le 10", Term(30, True, 10)),
    ("30 FDM", Term(30, True)),
    ("Fin de mois", Term(0, True)),
    ("end of month + 15 days", Term(0, True, 15)),
    ("30 Tage netto", Term(30)),
    ("14 Tage zum Monatsende", Term(14, True)),
    ("30 gg fine mese", Term(30, True)),
    ("60 días fin de mes", Term(60, True)),
    ("45 days after end of month", Term(0, True, 45)),
    ("15 Tage nach Monatsende", Term(0, True, 15)),
    ("fin de mois 45 jours", Term(0, True, 45)),
    ("lb. md. + 30 dage", Term(0, True, 30)),
    ("Zahlbar innerhalb von 30 Tagen ohne Abzug", Term(30)),
    ("30 dagen einde maand", Term(30, True)),
    ("2/10 net 30", Term(30)),
    ("3% / 14 Tage, 30 Tage netto", Term(30)),
    ("Comptant", Term(0)),
    ("Due on receipt", Term(0)),
    ("Sofort zahlbar", Term(0)),
])  # fmt: skip
def test_a_term_is_understood(text: str, term: Term) -> None:
    """Days, the end of the month, days after it; a discount for who pays early is no term."""
    assert parse(text) == term


@pytest.mark.parametrize(
    "text",
    [
        "",
        "as agreed",
        "30/60/90",
        "50% now, 50% in 30 days",
        "ZB01",
        "2026",
        "1 month",
        "2 weeks",
        "15th of next month",
        "net 10th prox",
        "25 du mois suivant",
        "月末締め翌月末払い",
        "2 Monate",
        "3 mesi",
        "1 mes",
        "le 15 du mois",
        "30 days, 10th following",
    ],
)
def test_what_is_not_clear_is_none(text: str) -> None:
    """No term is made up."""
    assert parse(text) is None


def test_due_dates() -> None:
    """Counted from the day of the invoice, over ends of months and leap days."""
    days = pa.array([date(2024, 1, 31), date(2024, 1, 15), date(2024, 12, 5), None, date(2024, 1, 1)], pa.date32())
    terms = pa.array(["30 days", "30 days end of month", "30 jours FDM le 10", "30 days", "who knows"])
    assert due_dates(days, terms).to_pylist() == [date(2024, 3, 1), date(2024, 2, 29), date(2025, 2, 10), None, None]
