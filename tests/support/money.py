"""The balance by SQL, and both statements of a run."""

from daemon.model import ImportRun, Money
from tests.support.office import Office


def balance(office: Office) -> object:
    """What is open of all items that count, which the view of balances and the totals say, too."""
    ((items,),) = office.rows(
        "SELECT coalesce(sum(remaining), 0) FROM ar.receivable WHERE state = 'open' AND item_type <> 'down_payment_request'"
    )
    ((credits,),) = office.rows("SELECT coalesce(sum(balance), 0) FROM ar.balance_adjustment WHERE state = 'open'")
    ((viewed,),) = office.rows("SELECT coalesce(sum(balance), 0) FROM ar.customer_balance")
    ((items_kept, credits_kept),) = office.rows(
        "SELECT (SELECT coalesce(sum(amount), 0) FROM ar.open_total), (SELECT coalesce(sum(amount), 0) FROM ar.open_credit_total)"
    )
    assert (items_kept, credits_kept, viewed) == (items, credits, items - credits)
    return viewed


def told(run: ImportRun, currency: str = "EUR") -> dict[str, object]:
    """The amounts of both statements of a run that are not zero; both close."""
    assert run.tally, run.detail
    money = run.tally.money.get(currency, Money())
    assert not any(money.unaccounted)
    return {name: amount for name in money.__dataclass_fields__ if (amount := getattr(money, name))}
