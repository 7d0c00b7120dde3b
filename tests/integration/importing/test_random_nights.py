"""Random nights against a model of the rules in plain Python: after each step items, parked rows and tallies are equal."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from daemon import db, ledger
from daemon.importing import decisions
from daemon.importing.attempt import attempt
from daemon.model import ImportRun
from tests.support.office import CUSTOMERS, ITEMS, ITEMS_HEADER, Office, counts

DATED = '    [import]\n    business_date = "*-%Y%m%d.csv"\n'
SNAPSHOT = ITEMS + DATED + '    mode = "snapshot"\n    scope = "ledger"\n'
CODES, NUMBERS = ("C1", "C2", "C3"), ("F1", "F2", "F3", "F4")
Key = tuple[str, str]
ROWS = st.dictionaries(
    st.tuples(st.sampled_from(CODES), st.sampled_from(NUMBERS)), st.sampled_from([0, 1, 2, None]), min_size=1, max_size=8
)
"""A file: by customer and item what is open of it; None is printed as rubbish."""


@dataclass
class Item:
    """An item as it is stored, or parked; and the last day of which a file had it so."""

    amount: int
    scope: str
    open: bool = True
    day: int = field(default=0, compare=False)


@dataclass
class Model:
    """What the department knows."""

    customers: set[str] = field(default_factory=set)
    items: dict[Key, Item] = field(default_factory=dict)
    parked: dict[Key, Item] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    """By profile, the content of its latest import."""
    spoken: int = 0
    """The day of the latest snapshot."""

    def put(self, key: Key, amount: int, scope: str, snapshot: bool, day: int, tally: dict[str, int]) -> None:
        """Store a row whose customer is known."""
        was = self.items.get(key)
        now = Item(amount, scope if was is None or snapshot or not was.scope else was.scope, amount != 0, day)
        if was == now and (snapshot or was.day > day):
            now.day = was.day
        tally["created" if was is None else "unchanged" if was == now else "updated"] += 1
        tally["cleared"] += was is not None and was.open and not now.open
        tally["reopened"] += was is not None and not was.open and now.open
        self.items[key] = now

    def is_late(self, key: Key, day: int) -> bool:
        """Whether something younger is known of an item."""
        item = self.items.get(key)
        return item is not None and max(item.day, self.spoken if item.scope else 0) > day

    def take(self, rows: dict[Key, int | None], snapshot: bool, day: int) -> dict[str, int]:
        """Import a file of items about a day; returns its tally."""
        counted = ("read", "created", "updated", "unchanged", "rejected", "parked", "skipped", "cleared", "reopened")
        tally = dict.fromkeys(counted, 0)
        scope = "ledger" if snapshot else ""
        good = {key: amount for key, amount in rows.items() if amount is not None}
        tally |= {"read": len(rows), "rejected": len(rows) - len(good)}
        known = {key: amount for key, amount in good.items() if key[0] in self.customers}
        waiting = {key: Item(amount, scope, day=day) for key, amount in good.items() if key not in known}
        protected = {number for _, number in [key for key, amount in rows.items() if amount is None] + list(waiting)}
        older = {key: item for key, item in self.parked.items() if item.day <= day}
        stays = {
            key: item
            for key, item in older.items()
            if key not in good and not (snapshot and item.scope == scope and key[1] not in protected)
        }
        younger = {key: item for key, item in self.parked.items() if key not in older}
        self.parked = stays | waiting | younger
        tally["parked"] = len(waiting)
        late = {key for key in known if self.is_late(key, day)}
        tally["skipped"] = len(late)
        known = {key: amount for key, amount in known.items() if key not in late}
        absent = {
            key: item
            for key, item in self.items.items()
            if snapshot and item.scope == scope and item.open and key not in known and key[1] not in protected and item.day <= day
        }
        listed = {number for _, number in known}
        tally["moved"] = sum(number in listed for _, number in absent)
        for key, amount in known.items():
            self.put(key, amount, scope, snapshot, day, tally)
        for item in absent.values():
            item.open, item.day = False, day
            tally["cleared"] += 1
        self.spoken = max(self.spoken, day if snapshot else 0)
        return tally

    def meet(self, codes: set[str]) -> dict[str, int]:
        """Import a file of customers; returns its tally."""
        new = codes - self.customers
        self.customers |= codes
        freed = [key for key in self.parked if key[0] in self.customers]
        nothing = dict.fromkeys(("created", "updated", "unchanged", "cleared", "reopened"), 0)
        for key in freed:
            item = self.parked.pop(key)
            self.put(key, item.amount, item.scope, False, item.day, nothing)
        return {"read": len(codes), "created": len(new), "unchanged": len(codes) - len(new), "released": len(freed)}


class Nights(RuleBasedStateMachine):
    """A department's nights, one after the other."""

    office: Office

    @initialize()
    def begin(self) -> None:
        """An empty department."""
        tables = "ar.customer, ar.receivable, nightporter.parked, nightporter.import_run, nightporter.row_change, nightporter.confirmed"
        self.office.do(f"TRUNCATE {tables}, nightporter.snapshot CASCADE")
        for name, toml in (("customers", CUSTOMERS), ("delta", ITEMS + DATED), ("snapshot", SNAPSHOT)):
            self.office.profile(name, toml)
        self.model, self.day = Model(), 0
        self.history: list[tuple[ImportRun, Model, Callable[[], dict[str, int]]]] = []
        self.held: list[ImportRun] = []

    def load(self, profile: str, text: str, late: int = 0) -> tuple[ImportRun, int]:
        """The next night's file, or one that is some nights late; and the day it is about."""
        self.day += 1
        day = max(self.day - late, 1)
        return self.office.load(profile, text, f"file-{date(2024, 1, 1) + timedelta(day):%Y%m%d}.csv"), day

    def expect(self, run: ImportRun, profile: str, text: str, day: int, tally: Callable[[], dict[str, int]]) -> None:
        """The run is a duplicate, or stale, or came to what the model comes to."""
        if self.model.texts.get(profile) == text:
            assert run.code == "duplicate"
            self.model.spoken = max(self.model.spoken, day if profile == "snapshot" else 0)
            return
        if profile == "snapshot" and day < self.model.spoken:
            assert run.code == "stale"
            return
        assert run.state == "imported", run.detail
        before = copy.deepcopy(self.model)
        assert counts(run) == {name: count for name, count in tally().items() if count}
        self.model.texts[profile] = text
        self.history.append((run, before, tally))
        if profile == "snapshot":
            for held in self.held:
                assert held.business_date
                assert run.business_date
                assert self.office.run(held.id).code == ("superseded" if held.business_date <= run.business_date else None)
            self.held = [held for held in self.held if self.office.run(held.id).state == "held"]

    @rule(rows=ROWS, profile=st.sampled_from(["delta", "snapshot"]), late=st.sampled_from([0, 0, 0, 1, 3]))
    def items(self, rows: dict[Key, int | None], profile: str, late: int) -> None:
        """A file of items comes, perhaps after younger ones."""
        printed = (f"{code};{number};01/02/2024;02/03/2024;{'x' if a is None else a}\n" for (code, number), a in rows.items())
        text = ITEMS_HEADER + "".join(printed)
        run, day = self.load(profile, text, late)
        self.expect(run, profile, text, day, lambda: self.model.take(rows, profile == "snapshot", day))

    @rule(codes=st.sets(st.sampled_from(CODES), min_size=1))
    def customers(self, codes: set[str]) -> None:
        """A file of customers comes."""
        text = "Code;Name;City;Limit\n" + "".join(f"{code};Customer {code};Paris;\n" for code in sorted(codes))
        run, day = self.load("customers", text)
        self.expect(run, "customers", text, day, lambda: self.model.meet(codes))

    @rule()
    def again(self) -> None:
        """The latest import is asked for once more."""
        if not self.history or self.history[-1][0].undone_at:
            return
        latest, _, tally = self.history[-1]
        with db.transaction(self.office.engine) as conn:
            child = ledger.runs.retry_run(conn, latest)
        attempt(self.office.engine, self.office.settings, self.office.profiles, child)
        run, before = self.office.run(child), copy.deepcopy(self.model)
        if run.state == "held":  # nothing is open, once more
            with db.transaction(self.office.engine) as conn:
                assert decisions.decline(conn, self.office.settings, self.office.profiles, run, "clerk")
            return
        assert counts(run) == {name: count for name, count in tally().items() if count}
        self.history.append((run, before, tally))

    @rule(decides=st.booleans())
    def nothing_is_open(self, decides: bool) -> None:
        """A snapshot with its header only is held, and somebody approves it; or nobody looks at it."""
        if self.model.texts.get("snapshot") == ITEMS_HEADER:
            return
        run, day = self.load("snapshot", ITEMS_HEADER)
        assert run.state == "held"
        if not decides:
            self.held.append(run)
            return
        with db.transaction(self.office.engine) as conn:
            assert decisions.approve(conn, run, "clerk")
        attempt(self.office.engine, self.office.settings, self.office.profiles, run.id)
        self.expect(self.office.run(run.id), "snapshot", ITEMS_HEADER, day, lambda: self.model.take({}, snapshot=True, day=day))

    @rule()
    def undo(self) -> None:
        """The latest import is taken back, unless its customers have items by now."""
        if not self.history:
            return
        run, before, _ = self.history[-1]
        with db.transaction(self.office.engine) as conn:
            undone = decisions.undo(conn, self.office.settings, self.office.profiles, run, "clerk")
        gone = self.model.customers - before.customers
        if any(code in gone for code, _ in self.model.items):
            assert undone.obstacles
            self.history.clear()
        else:
            assert not undone.obstacles
            self.history.pop()
            self.model = before

    @invariant()
    def everything_is_as_the_model_says(self) -> None:
        """Items, their state and scope, parked rows, and the open total."""
        stored = self.office.rows("SELECT customer_code, item_number, remaining, scope, state = 'open' FROM ar.receivable")
        model = getattr(self, "model", Model())
        assert {(c, n): Item(int(amount), scope, is_open) for c, n, amount, scope, is_open in stored} == model.items
        parked = "SELECT customer_code, content->>'item_number', (content->>'remaining')::numeric::int, scope FROM nightporter.parked WHERE ended_at IS NULL"
        assert {(c, n): Item(amount, scope) for c, n, amount, scope in self.office.rows(parked)} == model.parked
        ((total,),) = self.office.rows("SELECT coalesce(sum(amount), 0) FROM ar.open_total")
        assert total == sum(item.amount for item in model.items.values() if item.open)


@pytest.mark.parametrize("examples", [10, pytest.param(250, marks=pytest.mark.thorough)])
def test_random_nights(office: Office, examples: int) -> None:
    """Snapshots, deltas, late customers, late files, retries, holds approved or superseded, duplicates and undos, in any order."""
    run_state_machine_as_test(
        type("These", (Nights,), {"office": office}),
        settings=settings(max_examples=examples, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)),
    )
