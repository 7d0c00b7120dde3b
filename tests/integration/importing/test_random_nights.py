"""Random nights against a model of the rules in plain Python: after each step items, parked rows, tallies and totals are equal.

Every import that ends has closed both statements of its money to the cent (P8), or it would not have ended so.
"""

import copy
import os
from collections.abc import Callable
from datetime import date, timedelta

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from openpyxl.worksheet.worksheet import Worksheet

from daemon import db, ledger, loading
from daemon.importing import decisions
from daemon.importing.attempt import attempt
from daemon.model import ImportRun
from tests.support.corrections import corrected, send
from tests.support.ledger_model import NEVER, Amount, Item, Key, Model, When
from tests.support.office import CUSTOMERS, ITEMS, ITEMS_HEADER, Office, counts

STEPS = 15
EXAMPLES = -(-int(os.environ.get("NIGHTS", "2000")) // STEPS)
"""`make nights ARGS=100000` takes so many steps."""

DATED = '    [import]\n    business_date = "*-%Y%m%d.csv"\n'
SNAPSHOT = ITEMS + DATED + '    mode = "snapshot"\n'
CODES, NUMBERS = ("C1", "C2", "C3"), ("F1", "F2", "F3", "F4")
ROWS = st.dictionaries(
    st.tuples(st.sampled_from(CODES), st.sampled_from(NUMBERS)), st.sampled_from([0, 1, 2, None]), min_size=1, max_size=8
)
"""A file: by customer and item what is open of it; None is printed as rubbish."""


def fill(sheet: Worksheet, amount: int) -> None:
    """Put the amount of every row right."""
    titles = [cell.value for cell in sheet[1]]
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, titles.index("Amount") + 1, amount)


class Nights(RuleBasedStateMachine):
    """A department's nights, one after the other."""

    office: Office

    @initialize()
    def begin(self) -> None:
        """An empty department."""
        tables = (
            "ar.customer, ar.customer_alias, ar.receivable, nightporter.parked, nightporter.import_run, nightporter.row_change"
        )
        self.office.do(
            f"TRUNCATE {tables}, nightporter.confirmed, nightporter.snapshot, nightporter.protected, nightporter.act CASCADE"
        )
        self.office.settle('[entities.""]\n')
        for name, toml in (("customers", CUSTOMERS), ("delta", ITEMS + DATED), ("snapshot", SNAPSHOT)):
            self.office.profile(name, toml)
        self.model, self.day, self.closed = Model(), 0, 0
        self.history: list[tuple[ImportRun, Model, Callable[[When], dict[str, int]]]] = []
        self.held: list[ImportRun] = []
        self.merged: tuple[int, Model] | None = None

    def load(self, profile: str, text: str, late: int = 0) -> tuple[ImportRun, When]:
        """The next night's file, or one that is some nights late; and what it is about."""
        self.day += 1
        self.merged = None
        day = max(self.day - late, 1)
        run = self.office.load(profile, text, f"file-{date(2024, 1, 1) + timedelta(day):%Y%m%d}.csv")
        return run, When(day, run.arrival_id)

    def expect(self, run: ImportRun, profile: str, text: str, when: When, tally: Callable[[When], dict[str, int]]) -> None:
        """The run is of a closed period, a duplicate, sent again, or stale, or came to what the model comes to."""
        event(f"{profile} {run.state} {run.code or ''}")
        dataset = "customers" if profile == "customers" else "items"
        before = self.model.imported.setdefault(dataset, [])
        if dataset == "items" and when.day <= self.closed:
            assert run.code == "period_closed"
            return
        same = [each for each in before if each[0] == text and (profile != "snapshot" or each[2])]  # a delta said less than it
        is_overtaken = bool(same) and before[-1][0] == text and dataset in self.model.overtaken
        if same and before[-1][0] == text and not is_overtaken:
            assert run.code == "duplicate"
            self.again_on(dataset, when)
            return
        sent_again = bool(same) and not is_overtaken and (dataset == "customers" or when.day <= before[-1][1].day)
        if profile == "snapshot" and when < self.model.spoken:
            assert run.code == "stale", run.detail
            return
        if sent_again and run.approved is None:
            assert run.state == "held"
            with db.transaction(self.office.engine) as conn:
                decisions.approve(conn, run, "clerk")
            attempt(self.office.engine, self.office.settings, self.office.profiles, run.id)
            run = self.office.run(run.id)
        assert run.state == "imported", run.detail
        kept = copy.deepcopy(self.model)
        assert run.tally
        if not run.tally.took_nothing:  # of which it says nothing when it comes again
            self.model.overtaken.discard(dataset)
        assert counts(run) == {name: count for name, count in tally(when).items() if count}
        if not run.tally.took_nothing:
            self.model.imported[dataset].append((text, when, profile == "snapshot"))
        self.history.append((run, kept, tally))
        if profile == "snapshot":
            for held in self.held:
                assert held.business_date
                assert run.business_date
                assert self.office.run(held.id).code == ("superseded" if held.business_date <= run.business_date else None)
            self.held = [held for held in self.held if self.office.run(held.id).state == "held"]

    def again_on(self, dataset: str, when: When) -> None:
        """A duplicate says that what it has is so on a later day, too."""
        text, said, snapshot = self.model.imported[dataset][-1]
        if dataset == "items" and when.day >= said.day:
            self.model.imported[dataset][-1] = (text, When(when.day, said.arrival), snapshot)
            if self.model.spoke == said.arrival:
                self.model.spoken = When(when.day, said.arrival)

    @rule(rows=ROWS, profile=st.sampled_from(["delta", "snapshot"]), late=st.sampled_from([0, 0, 0, 1, 3]))
    def items(self, rows: dict[Key, Amount], profile: str, late: int) -> None:
        """A file of items comes, perhaps after younger ones."""
        printed = (f"{code};{number};01/02/2024;02/03/2024;{'x' if a is None else a}\n" for (code, number), a in rows.items())
        text = ITEMS_HEADER + "".join(printed)
        run, when = self.load(profile, text, late)
        self.expect(run, profile, text, when, lambda day: self.model.take(rows, profile == "snapshot", day))

    @rule(codes=st.sets(st.sampled_from(CODES), min_size=1))
    def customers(self, codes: set[str]) -> None:
        """A file of customers comes."""
        text = "Code;Name;City;Limit\n" + "".join(f"{code};Customer;Paris;\n" for code in sorted(codes))
        run, when = self.load("customers", text)
        self.expect(run, "customers", text, when, lambda day: self.model.meet(codes))

    @rule(amount=st.sampled_from([0, 1, 2]), does=st.integers(0, 9))
    def correct(self, amount: int, does: int) -> None:
        """The rejected rows of the latest import come back with amounts; seldom, for a workbook takes its time."""
        if does or not self.history or self.history[-1][0].undone_at or self.history[-1][0].dataset != "receivables":
            return
        latest, _, _ = self.history[-1]
        rejected = self.office.rejections(latest)
        when = When(((latest.business_date or date.min) - date(2024, 1, 1)).days, latest.arrival_id)
        known = [said for _, said, _ in self.model.imported["items"]] + [item.when for item in self.model.parked.values()]
        newest = max([*known, self.model.spoken, NEVER])
        others = any(each.reasons[0].code != "not_a_number" for each in rejected)
        if not rejected or others or latest.parent_id or latest.approved or newest > when:
            return
        run = send(self.office, corrected(self.office, latest, lambda sheet: fill(sheet, amount)))
        self.history.clear()
        self.merged = None
        assert run.state == "imported", run.detail
        event("correction")
        good: dict[Key, Amount] = {(str(each.cells[0]), str(each.cells[1])): amount for each in rejected}
        kept, self.model.spoken = self.model.spoken, NEVER
        tally = self.model.take(good, False, When(when.day, run.arrival_id))
        self.model.spoken = kept
        assert counts(run) == {name: count for name, count in tally.items() if count}

    @rule()
    def again(self) -> None:
        """The latest import is asked for once more."""
        if not self.history or self.history[-1][0].undone_at:
            return
        latest, _, tally = self.history[-1]
        if latest.approved:
            return
        with db.transaction(self.office.engine) as conn:
            child = ledger.runs.retry_run(conn, latest)
        attempt(self.office.engine, self.office.settings, self.office.profiles, child)
        run, before = self.office.run(child), copy.deepcopy(self.model)
        if run.code == "period_closed":
            assert run.dataset == "receivables"
            return
        if run.state == "held":  # nothing is open, once more
            with db.transaction(self.office.engine) as conn:
                assert decisions.decline(conn, self.office.settings, self.office.profiles, run, "clerk")
            return
        assert run.state == "imported", run.detail
        assert run.tally
        if not run.tally.took_nothing:
            self.model.overtaken.discard("items" if run.dataset == "receivables" else "customers")
        when = When(((run.business_date or date.min) - date(2024, 1, 1)).days, run.arrival_id)  # a duplicate may have moved it
        assert counts(run) == {name: count for name, count in tally(when).items() if count}
        self.history.append((run, before, tally))

    @rule(decides=st.booleans())
    def nothing_is_open(self, decides: bool) -> None:
        """A snapshot with its header only is held, and somebody approves it; or nobody looks at it."""
        before = self.model.imported.get("items", [])
        if before and before[-1][0] == ITEMS_HEADER:
            return
        run, when = self.load("snapshot", ITEMS_HEADER)
        if when.day <= self.closed:
            assert run.code == "period_closed"
            return
        assert run.state == "held", run.detail
        if not decides:
            self.held.append(run)
            return
        with db.transaction(self.office.engine) as conn:
            assert decisions.approve(conn, run, "clerk")
        attempt(self.office.engine, self.office.settings, self.office.profiles, run.id)
        self.expect(
            self.office.run(run.id), "snapshot", ITEMS_HEADER, when, lambda day: self.model.take({}, snapshot=True, when=day)
        )

    @rule()
    def undo(self) -> None:
        """The latest import is taken back, unless its customers have items by now, or its period is closed."""
        if not self.history or self.merged:
            return
        run, before, _ = self.history[-1]
        with db.transaction(self.office.engine) as conn:
            undone = decisions.undo(conn, self.office.settings, self.office.profiles, run, "clerk")
        gone = self.model.customers - before.customers
        day = (run.business_date or date.min) - date(2024, 1, 1)
        closed = run.dataset == "receivables" and day.days <= self.closed and not run.approved
        if closed or any(code in gone for code, _ in self.model.items):
            assert undone.obstacles
            self.history.clear()
        else:
            event("undo")
            assert not undone.obstacles
            self.history.pop()
            self.model = before

    @rule(old=st.sampled_from(CODES), new=st.sampled_from(CODES))
    def merge(self, old: str, new: str) -> None:
        """Two customers turn out to be one; what came before cannot be undone by the model any more."""
        before = copy.deepcopy(self.model)
        with db.transaction(self.office.engine) as conn:
            act = loading.merge_customers(conn, "", old, new, "clerk")
        assert bool(act.obstacles) is not self.model.merge(old, new), act
        if act.id:
            event("merge")
            self.history.clear()
            self.merged = act.id, before
            self.model.overtaken |= {"items", "customers"} if sum(act.rows.values()) else set()

    @rule()
    def split(self) -> None:
        """The merge that was the latest thing done is taken back."""
        if self.merged:
            act, before = self.merged
            with db.transaction(self.office.engine) as conn:
                assert not loading.undo_act(conn, act, "clerk").obstacles
            before.overtaken |= self.model.overtaken
            self.model, self.merged = before, None

    @rule(days=st.sampled_from([1, 2]))
    def close(self, days: int) -> None:
        """The books are closed up to some days ago."""
        self.closed = max(self.closed, self.day - days)
        if self.closed > 0:
            self.office.settle(f'[entities.""]\nclosed_until = {date(2024, 1, 1) + timedelta(self.closed)}\n')

    @invariant()
    def everything_is_as_the_model_says(self) -> None:
        """Items and their state, parked rows, and the open total, by scope and in the views."""
        stored = self.office.rows("SELECT customer_code, item_number, remaining, scope, state = 'open' FROM ar.receivable")
        model = getattr(self, "model", Model())
        assert {(c, n): Item(int(amount), is_open) for c, n, amount, _, is_open in stored} == model.items
        assert {scope for *_, scope, _ in stored} <= {""}
        parked = "SELECT customer_code, content->>'item_number', (content->>'remaining')::numeric::int FROM nightporter.parked WHERE ended_at IS NULL"
        assert {(c, n): Item(amount) for c, n, amount in self.office.rows(parked)} == model.parked
        totals = "SELECT coalesce((SELECT sum(amount) FROM ar.open_total), 0), coalesce((SELECT sum(balance) FROM ar.customer_balance), 0)"
        total = sum(item.amount for item in model.items.values() if item.open)
        assert self.office.rows(totals) == [(total, total)]


def test_random_nights(office: Office) -> None:
    """Snapshots, deltas, late customers and files, retries, holds, duplicates, undos, corrections, merges, closed periods, in any
    order.
    """
    run_state_machine_as_test(
        type("These", (Nights,), {"office": office}),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize="NIGHTS" not in os.environ,  # the same nights in every run of all tests; others by `make nights`
            suppress_health_check=list(HealthCheck),
        ),
    )
