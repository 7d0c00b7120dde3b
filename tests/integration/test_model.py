"""Random nights against a model of the rules in plain Python: after each step items, parked rows and tallies are equal."""

import copy
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from daemon import db, decisions
from daemon.attempt import attempt
from daemon.model import ImportRun
from tests.office import CUSTOMERS, ITEMS, ITEMS_HEADER, Office, counts

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
    """An item as it is stored, or parked."""

    amount: int
    scope: str
    open: bool = True


@dataclass
class Model:
    """What the department knows."""

    customers: set[str] = field(default_factory=set)
    items: dict[Key, Item] = field(default_factory=dict)
    parked: dict[Key, Item] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    """By profile, the content of its latest import."""

    def put(self, key: Key, amount: int, scope: str, snapshot: bool, tally: dict[str, int]) -> None:
        """Store a row whose customer is known."""
        was = self.items.get(key)
        now = Item(amount, scope if was is None or snapshot or not was.scope else was.scope, amount != 0)
        tally["created" if was is None else "unchanged" if was == now else "updated"] += 1
        tally["cleared"] += was is not None and was.open and not now.open
        tally["reopened"] += was is not None and not was.open and now.open
        self.items[key] = now

    def take(self, rows: dict[Key, int | None], snapshot: bool) -> dict[str, int]:
        """Import a file of items; returns its tally."""
        tally = dict.fromkeys(("read", "created", "updated", "unchanged", "rejected", "parked", "cleared", "reopened"), 0)
        scope = "ledger" if snapshot else ""
        good = {key: amount for key, amount in rows.items() if amount is not None}
        tally |= {"read": len(rows), "rejected": len(rows) - len(good)}
        known = {key: amount for key, amount in good.items() if key[0] in self.customers}
        waiting = {key: Item(amount, scope) for key, amount in good.items() if key not in known}
        protected = {number for _, number in [key for key, amount in rows.items() if amount is None] + list(waiting)}
        self.parked = {
            key: item
            for key, item in self.parked.items()
            if key not in good and not (snapshot and item.scope == scope and key[1] not in protected)
        } | waiting
        tally["parked"] = len(waiting)
        absent = {
            key: item
            for key, item in self.items.items()
            if snapshot and item.scope == scope and item.open and key not in known and key[1] not in protected
        }
        listed = {number for _, number in known}
        tally["moved"] = sum(number in listed for _, number in absent)
        for key, amount in known.items():
            self.put(key, amount, scope, snapshot, tally)
        for item in absent.values():
            item.open = False
            tally["cleared"] += 1
        return tally

    def meet(self, codes: set[str]) -> dict[str, int]:
        """Import a file of customers; returns its tally."""
        new = codes - self.customers
        self.customers |= codes
        freed = [key for key in self.parked if key[0] in self.customers]
        nothing = dict.fromkeys(("created", "updated", "unchanged", "cleared", "reopened"), 0)
        for key in freed:
            item = self.parked.pop(key)
            self.put(key, item.amount, item.scope, False, nothing)
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
        self.history: list[tuple[ImportRun, Model]] = []

    def load(self, profile: str, text: str) -> ImportRun:
        """The next night's file."""
        self.day += 1
        return self.office.load(profile, text, f"file-2024{self.day // 28 + 1:02}{self.day % 28 + 1:02}.csv")

    def expect(self, run: ImportRun, profile: str, text: str, tally: Any) -> None:
        """The run is a duplicate, or came to what the model comes to."""
        if self.model.texts.get(profile) == text:
            assert run.code == "duplicate"
            return
        assert run.state == "imported", run.detail
        before = copy.deepcopy(self.model)
        assert counts(run) == {name: count for name, count in tally().items() if count}
        self.model.texts[profile] = text
        self.history.append((run, before))

    @rule(rows=ROWS, profile=st.sampled_from(["delta", "snapshot"]))
    def items(self, rows: dict[Key, int | None], profile: str) -> None:
        """A file of items comes."""
        printed = (f"{code};{number};01/02/2024;02/03/2024;{'x' if a is None else a}\n" for (code, number), a in rows.items())
        text = ITEMS_HEADER + "".join(printed)
        self.expect(self.load(profile, text), profile, text, lambda: self.model.take(rows, profile == "snapshot"))

    @rule(codes=st.sets(st.sampled_from(CODES), min_size=1))
    def customers(self, codes: set[str]) -> None:
        """A file of customers comes."""
        text = "Code;Name;City;Limit\n" + "".join(f"{code};Customer {code};Paris;\n" for code in sorted(codes))
        self.expect(self.load("customers", text), "customers", text, lambda: self.model.meet(codes))

    @rule()
    def nothing_is_open(self) -> None:
        """A snapshot with its header only is held, and somebody approves it."""
        if self.model.texts.get("snapshot") == ITEMS_HEADER:
            return
        run = self.load("snapshot", ITEMS_HEADER)
        assert run.state == "held"
        with db.transaction(self.office.engine) as conn:
            assert decisions.approve(conn, run, "clerk")
        attempt(self.office.engine, self.office.settings, self.office.profiles, run.id)
        self.expect(self.office.run(run.id), "snapshot", ITEMS_HEADER, lambda: self.model.take({}, snapshot=True))

    @rule()
    def undo(self) -> None:
        """The latest import is taken back, unless its customers have items by now."""
        if not self.history:
            return
        run, before = self.history[-1]
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


def test_random_nights(office: Office) -> None:
    """Snapshots, deltas, late customers, empty nights that are approved, duplicates and undos, in any order."""
    run_state_machine_as_test(
        lambda: type("These", (Nights,), {"office": office})(),
        settings=settings(max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)),
    )
