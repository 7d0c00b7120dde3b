"""Words: what there is to say, in a reader's language, numbers, money and times as they are written there."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent

from daemon.datasets import datasets, labelled
from daemon.errors import Detail
from daemon.languages import locale_of, own_words, sentence, sentences
from daemon.model import Effect, Note, Reason, ScopeEffect, ValueChange, shown
from daemon.toml import Mistake

_MOMENTS = frozenset({"day", "until"})
_MONEY = frozenset({"total"})
"""Gaps for days, and for sums: a detail keeps them as they are written nowhere in particular."""
_A_DAY = len("2026-11-20")
_UNSPACED = frozenset({"ja", "zh-Hans"})
"""The languages between whose sentences there is no space."""
_PLAIN = frozenset({"act", "corrects", "header_row", "line", "other_line", "run"})
"""Gaps for numbers that name something, and count nothing."""


class Words:
    """What there is to say, in one language, by the clock of one time zone."""

    def __init__(self, language: str, timezone: str = "UTC") -> None:
        self.language = language
        self._locale = locale_of(language)
        self._zone = ZoneInfo(timezone)

    def __call__(self, key: str, **values: object) -> str:
        """The sentence `section.name`, its gaps filled; numbers as they are written in the language."""
        chosen = sentence(key)
        number = values.get(chosen.by)
        own = own_words(self.language, key)
        told = own.other if own else chosen.said(self.language, number if isinstance(number, int) else 2)
        return told.format(**{name: self._written(name, value) for name, value in values.items()})

    def _written(self, name: str, value: object) -> object:
        if isinstance(value, int):
            return value if name in _PLAIN else self.count(value)
        if isinstance(value, dict):
            return self.amounts({currency: Decimal(amount) for currency, amount in value.items()})
        with contextlib.suppress(ValueError, ArithmeticError):
            if name in _MOMENTS:
                return self._moment(datetime.fromisoformat(str(value)), with_time=len(str(value)) > _A_DAY)
            if name in _MONEY:
                return self.money(Decimal(str(value)))
        return value

    def _moment(self, when: datetime, *, with_time: bool) -> str:
        """A day, and what the clock of whoever told it said."""
        return self._at(when) if with_time else self.day(when.date())

    def reason(self, reason: Reason, dataset: str) -> str:
        """Why a row was rejected."""
        field = _short(reason.column) or self.field(dataset, reason.field)
        value, detail = _short(reason.value), _short(self.dataset(reason.detail), 200)
        chosen = sentence(f"reason.{reason.code}")
        counted = {name: int(text) for name, text in (("value", value), ("detail", detail)) if _counts(chosen.by, name, text)}
        return self(f"reason.{reason.code}", **({"field": field, "value": value, "detail": detail} | counted))

    def grouped(self, reason: Reason, values: int, dataset: str) -> str:
        """Why rows were rejected: the first one's reason, and of how many other values the same is said."""
        told = self.reason(reason, dataset)
        others = self("mail.reason_others", count=values - 1)
        return told if values < 2 else f"{told} {others}"

    def refusal(self, code: str, detail: Detail | None) -> str:
        """Why a file was refused."""
        return self(f"refusal.{code}", detail=self.detail(detail))

    def detail(self, detail: Detail | None) -> str:
        """What else there is to say."""
        if detail is None:
            return ""
        return shown(self(f"detail.{detail.code}", **self._gaps(detail)))

    def _gaps(self, detail: Detail) -> dict[str, object]:
        return {name: self._one_of(value) if isinstance(value, list) else value for name, value in detail.values.items()}

    def mistake(self, detail: Detail) -> str:
        """What is wrong with a value of a TOML file."""
        return self(f"mistake.{detail.code}", **self._gaps(detail))

    def mistakes(self, found: Sequence[Mistake]) -> list[str]:
        """What is wrong with a TOML file, each with its line and its key."""
        return [f"{each.line or ''} {each.key}: {self.mistake(each.detail)}".strip(" :") for each in found]

    def _one_of(self, choices: list[str]) -> str:
        return str(format_list(choices, style="or", locale=self._locale))

    def effect(self, effect: Effect | None) -> list[str]:
        """What a held run would do, and why that is not plausible."""
        if effect is None:
            return []
        told = [self(f"decision.{name}", detail=self.detail(detail)) for name, detail in effect.details.items()]
        if effect.empty:
            told.append(self("decision.empty"))
        return told + [self._value(each) for each in effect.value] + [self._scope(each) for each in effect.snapshot or ()]

    def _value(self, change: ValueChange) -> str:
        sums = {"before": self.money(change.before), "after": self.money(change.after)}
        side = self(f"decision.{change.side}")
        return self("decision.value", entity=self._entity(change.entity), side=side, currency=change.currency, **sums)

    def _entity(self, entity: str) -> str:
        return self("decision.entity", entity=shown(entity)) if entity else ""

    def _scope(self, effect: ScopeEffect) -> str:
        amounts = self.amounts(effect.amounts)
        told = f" ({amounts})" if amounts else ""
        sentences = [self("decision.snapshot", to_clear=effect.to_clear, open=effect.open, amounts=told)]
        if effect.rows_before is not None:
            sentences.append(self("decision.compared", rows=effect.rows, before=effect.rows_before))
        if effect.totals_before:
            totals = {"totals": self.amounts(effect.totals) or "0", "before": self.amounts(effect.totals_before)}
            sentences.append(self("decision.totals", **totals))
        return self._entity(effect.entity) + self.told(*sentences)

    def told(self, *sentences: str) -> str:
        """Sentences, one after the other."""
        return ("" if self.language in _UNSPACED else " ").join(filter(None, sentences))

    def amounts(self, sums: Mapping[str, Decimal]) -> str:
        """Sums of several currencies, one after the other."""
        return self.listed([f"{self.money(amount)} {currency}" for currency, amount in sorted(sums.items())])

    def listed(self, parts: Sequence[str]) -> str:
        """Things side by side."""
        return str(format_list(list(parts), locale=self._locale)) if parts else ""

    def note(self, note: Note) -> str:
        """What else there is to tell of a run."""
        return self(f"note.{note.code}", count=note.count, examples=note.examples)

    def dataset(self, name: str) -> str:
        """What a dataset is called."""
        return labelled(datasets()[name].label, self.language) if name in datasets() else name

    def field(self, dataset: str, name: str) -> str:
        """What a field is called."""
        fields = datasets()[dataset].fields if dataset in datasets() else {}
        return labelled(fields[name].label, self.language) if name in fields else name

    def value(self, name: object) -> str:
        """What an item is, yes or no: a word of ours; any other is what it is."""
        return self(f"value.{name}") if f"value.{name}" in sentences() else str(name)

    def cell(self, dataset: str, name: str, value: object) -> str:
        """What a field holds."""
        if value is None:
            return "–"
        type = datasets()[dataset].fields[name].type
        with contextlib.suppress(ValueError, ArithmeticError):
            if type == "money":
                return self.money(Decimal(str(value)))
            if type == "date":
                return self.day(date.fromisoformat(str(value)))
        if isinstance(value, bool):
            return self.value("yes" if value else "no")
        return self.value(value) if type == "enum" else str(value)

    def percent(self, share: float) -> str:
        """A share of one."""
        return _plain_spaces(str(format_percent(share, locale=self._locale)))

    def amount(self, name: str) -> str:
        """What an amount of a statement is."""
        counted = ("rejected", "parked", "skipped", "released", "reopened", "cleared")  # whose bare names are of rows
        return self(f"mail.{name}_money" if name in counted else f"mail.{name}")

    def count(self, number: int) -> str:
        """A count, with its thousands set off."""
        return _plain_spaces(str(format_decimal(number, locale=self._locale)))

    def money(self, amount: Decimal) -> str:
        """An amount with two decimals or as many as it has."""
        return _plain_spaces(str(format_decimal(amount, format="#,##0.00###", locale=self._locale)))

    def day(self, day: date) -> str:
        """A day."""
        return _plain_spaces(str(format_date(day, "medium", locale=self._locale)))

    def _at(self, local: datetime) -> str:
        clock = format_datetime(local, "HH:mm", locale=self._locale)
        joined = Locale.parse(self._locale).datetime_formats["medium"]
        return _plain_spaces(str(joined).replace("{1}", self.day(local.date())).replace("{0}", clock))

    def time(self, when: datetime) -> str:
        """A day and a time, to the minute, by the reader's clock."""
        local = when.astimezone(self._zone)
        told = self._at(local)
        return f"{told} UTC" if local.utcoffset() == UTC.utcoffset(None) and self._zone.key == "UTC" else told


def _counts(by: str, name: str, text: str) -> bool:
    return by == name and text.isascii() and text.isdecimal()


def _plain_spaces(text: str) -> str:
    """Text whose spaces are the plain no-break space: the narrow one is a box in many a mail program."""
    return text.replace("\u202f", "\u00a0")


def _short(value: str, most: int = 60) -> str:
    """A value as shown in a sentence: its beginning, control characters made visible."""
    text = shown(value)
    return text if len(text) <= most else text[: most - 1] + "…"
