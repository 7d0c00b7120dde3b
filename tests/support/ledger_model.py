"""The rules of the ledger in plain Python, to hold what the product does against."""

from dataclasses import dataclass, field
from typing import NamedTuple

Key = tuple[str, str]
Amount = int | None


class When(NamedTuple):
    """A day, and which file it was: of two about one day the later one speaks."""

    day: int
    arrival: int


NEVER = When(0, 0)


@dataclass
class Item:
    """An item as it is stored, or parked; and what file had it so last."""

    amount: int
    open: bool = True
    when: When = field(default=NEVER, compare=False)
    by: int = field(default=0, compare=False)
    """Which import wrote it so, counted."""


@dataclass
class Model:
    """What the department knows."""

    customers: set[str] = field(default_factory=set)
    items: dict[Key, Item] = field(default_factory=dict)
    parked: dict[Key, Item] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    imported: dict[str, list[tuple[str, When, bool]]] = field(default_factory=dict)
    """By dataset, the contents of its imports that stand, in their order, what they were about, and whether they were snapshots."""
    overtaken: set[str] = field(default_factory=set)
    """The datasets of which something else than a file changed the ledger since their latest import."""
    spoken: When = NEVER
    """What the latest snapshot was about, and was again by duplicates of it; which file it was, and of what it did not speak."""
    spoke: int = 0
    imports: int = 0
    protected: frozenset[str] = frozenset()

    def put(self, key: Key, new: Item, snapshot: bool, tally: dict[str, int]) -> None:
        """Store a row whose customer is known."""
        was, when = self.items.get(key), new.when
        now = Item(new.amount, new.amount != 0, when, new.by)
        if was == now:
            now.by = was.by
        if was == now and (snapshot or was.when.day >= when.day):
            now.when = was.when
        tally["created" if was is None else "unchanged" if was == now else "updated"] += 1
        tally["cleared"] += was is not None and was.open and not now.open
        tally["reopened"] += was is not None and not was.open and now.open
        self.items[key] = now

    def is_late(self, key: Key, when: When) -> bool:
        """Whether something younger is known of an item: a file that had it, or a snapshot that left it out."""
        item = self.items.get(key)
        return (item is not None and item.when > when) or (self.spoken > when and key[1] not in self.protected)

    def is_moved_on(self, key: Key, amount: int, when: When) -> bool:
        """Whether a younger file has the item for another customer, who is not known yet."""
        return any(
            number == key[1] and code != key[0] and item.amount == amount and item.when > when
            for (code, number), item in self.parked.items()
        )

    def stood_beside(self, key: Key, parked: Item) -> bool:
        """Whether an item is as the very file had it that had another customer's parked."""
        return key in self.items and self.items[key].by == parked.by

    def resolved(self, rows: dict[Key, Amount], tally: dict[str, int]) -> tuple[dict[Key, int], set[str]]:
        """The good rows under the codes that their customers have now; and the numbers of those that are rejected."""
        bad = {number for (_, number), amount in rows.items() if amount is None}
        tally["rejected"] += sum(amount is None for amount in rows.values())
        by_key: dict[Key, list[int]] = {}
        for (code, number), amount in rows.items():
            if amount is not None:
                by_key.setdefault((self.aliases.get(code, code), number), []).append(amount)
        good = {}
        for key, amounts in by_key.items():
            if len(set(amounts)) > 1:
                tally["rejected"] += len(amounts)
                bad.add(key[1])
            else:
                tally["skipped"] += len(amounts) - 1
                good[key] = amounts[0]
        return good, bad

    def take(self, rows: dict[Key, Amount], snapshot: bool, when: When) -> dict[str, int]:
        """Import a file of items; returns its tally."""
        counted = ("read", "created", "updated", "unchanged", "rejected", "parked", "skipped", "cleared", "reopened", "moved")
        tally = dict.fromkeys(counted, 0) | {"read": len(rows)}
        good, bad = self.resolved(rows, tally)
        self.imports += 1
        late = {key for key in good if self.is_late(key, when)}
        elsewhere = {key for key, amount in good.items() if key not in late and self.is_moved_on(key, amount, when)}
        bad |= {number for _, number in elsewhere}
        late |= elsewhere
        tally["skipped"] += len(late)
        good = {key: amount for key, amount in good.items() if key not in late}
        known = {key: amount for key, amount in good.items() if key[0] in self.customers}
        waiting = {key: Item(amount, when=when, by=self.imports) for key, amount in good.items() if key not in known}
        tally["parked"] = len(waiting)
        protected = bad | {number for _, number in waiting}
        tally["moved"] += self.replace_parked(good, waiting, when, protected if snapshot else None)
        absent = {
            key: item
            for key, item in self.items.items()
            if snapshot and item.open and key not in known and key[1] not in protected and item.when <= when and key not in late
        }
        new = {key[1] for key in known if key not in self.items}
        tally["moved"] += sum(number in new for _, number in absent)
        for key, amount in known.items():
            self.put(key, Item(amount, when=when, by=self.imports), snapshot, tally)
        for item in absent.values():
            item.open, item.when = False, when
            tally["cleared"] += 1
        if snapshot:
            self.spoken, self.spoke, self.protected = when, when.arrival, frozenset(protected)
        return tally

    def replace_parked(self, good: dict[Key, int], waiting: dict[Key, Item], when: When, protected: set[str] | None) -> int:
        """End what waits and is said anew, is another customer's now, or is left out; returns how many are another's."""
        younger = {key: item for key, item in self.parked.items() if item.when.day > when.day}
        older = {key: item for key, item in self.parked.items() if key not in younger and key not in good}
        said = {key: amount for key, amount in good.items() if key not in younger}
        moved = {
            key
            for key, item in older.items()
            if any(
                number == key[1] and code != key[0] and a == item.amount and not self.stood_beside((code, number), item)
                for (code, number), a in said.items()
            )
        }
        if protected is not None:
            older = {key: item for key, item in older.items() if key[1] in protected or key in moved}
        self.parked = {key: item for key, item in older.items() if key not in moved} | waiting | younger
        return len(moved)

    def meet(self, codes: set[str]) -> dict[str, int]:
        """Import a file of customers; returns its tally."""
        named = {self.aliases.get(code, code) for code in codes}
        tally = {"read": len(codes), "created": len(named - self.customers), "skipped": len(codes) - len(named)}
        tally["unchanged"] = len(named) - tally["created"]
        self.customers |= named
        return tally | {"released": self.release()}

    def release(self) -> int:
        """Load what waited for customers that are known now."""
        freed = [key for key in self.parked if key[0] in self.customers]
        nothing = dict.fromkeys(("created", "updated", "unchanged", "cleared", "reopened"), 0)
        for key in freed:
            item = self.parked.pop(key)
            self.put(key, item, False, nothing)
        self.overtaken |= {"items"} if freed else set()
        return len(freed)

    def merge(self, old: str, new: str) -> bool:
        """Make one customer another; whether that can be."""
        new = self.aliases.get(new, new)
        both = [
            any((new, number) in theirs for code, number in ours if code == old)
            for ours, theirs in ((self.items, self.items), (self.parked, self.parked), (self.parked, self.items))
        ]
        if old == new or old in self.aliases or new not in self.customers or any(both):
            return False
        self.aliases = {code: new if to == old else to for code, to in self.aliases.items()} | {old: new}
        self.items = {(self.aliases.get(code, code), number): item for (code, number), item in self.items.items()}
        self.parked = {(self.aliases.get(code, code), number): item for (code, number), item in self.parked.items()}
        self.release()
        return True
