"""Words: sentences, numbers and dates in a reader's language, from `locales/*.toml`."""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from babel.dates import format_datetime
from babel.lists import format_list
from babel.numbers import format_decimal

from daemon.datasets import datasets
from daemon.errors import Detail
from daemon.model import Effect, Note, Reason, ScopeEffect, ValueChange, shown

_LOCALES = Path(__file__).parent / "locales"


class Words:
    """What there is to say, in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._sentences = _sentences(language)

    def __call__(self, key: str, **values: object) -> str:
        """The sentence `section.key`, its gaps filled."""
        section, name = key.split(".")
        sentence: str = self._sentences[section][name]
        return sentence.format(**values)

    def reason(self, reason: Reason, dataset: str) -> str:
        """Why a row was rejected."""
        field = _short(reason.column) or self.field(dataset, reason.field)
        return self(
            f"reason.{reason.code}", field=field, value=_short(reason.value), detail=_short(self.dataset(reason.detail), 200)
        )

    def refusal(self, code: str, detail: Detail | None) -> str:
        """Why a file was refused."""
        return self(f"refusal.{code}", detail=self.detail(detail))

    def detail(self, detail: Detail | None) -> str:
        """What else there is to say."""
        if detail is None:
            return ""
        gaps = {name: self._one_of(value) if isinstance(value, list) else value for name, value in detail.values.items()}
        return shown(self(f"detail.{detail.code}", **gaps))

    def _one_of(self, choices: list[str]) -> str:
        return str(format_list(choices, style="or", locale=self.language))

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
        return self(
            "decision.value",
            entity=self._entity(change.entity),
            side=self(f"decision.{change.side}"),
            currency=change.currency,
            **sums,
        )

    def _entity(self, entity: str) -> str:
        return self("decision.entity", entity=shown(entity)) if entity else ""

    def _scope(self, effect: ScopeEffect) -> str:
        amounts = self._amounts(effect.amounts)
        sentences = [
            self(
                "decision.snapshot",
                to_clear=self.count(effect.to_clear),
                open=self.count(effect.open),
                amounts=f" ({amounts})" if amounts else "",
            )
        ]
        if effect.rows_before is not None:
            before = self.count(effect.rows_before)
            sentences.append(self("decision.compared", rows=self.count(effect.rows), before=before))
        if effect.totals_before:
            totals = {"totals": self._amounts(effect.totals) or "0", "before": self._amounts(effect.totals_before)}
            sentences.append(self("decision.totals", **totals))
        return self._entity(effect.entity) + " ".join(sentences)

    def _amounts(self, sums: Mapping[str, Decimal]) -> str:
        return ", ".join(f"{self.money(amount)} {currency}" for currency, amount in sorted(sums.items()))

    def note(self, note: Note) -> str:
        """What else there is to tell of a run."""
        return self(f"note.{note.code}", count=note.count, examples=note.examples)

    def dataset(self, name: str) -> str:
        """What a dataset is called."""
        return datasets()[name].label[self.language] if name in datasets() else name

    def field(self, dataset: str, name: str) -> str:
        """What a field is called."""
        fields = datasets()[dataset].fields if dataset in datasets() else {}
        return fields[name].label[self.language] if name in fields else name

    def amount(self, name: str) -> str:
        """What an amount of a statement is."""
        counted = ("rejected", "parked", "skipped", "released", "reopened", "cleared")  # whose bare names are of rows
        return self(f"mail.{name}_money" if name in counted else f"mail.{name}")

    def count(self, number: int) -> str:
        """A count, with its thousands set off."""
        return str(format_decimal(number, locale=self.language))

    def money(self, amount: Decimal) -> str:
        """An amount with two decimals or as many as it has."""
        return str(format_decimal(amount, format="#,##0.00###", locale=self.language))

    def time(self, when: datetime) -> str:
        """A date and time, in UTC."""
        return str(format_datetime(when, "medium", locale=self.language)) + " UTC"


@cache
def _sentences(language: str) -> dict[str, Any]:
    return tomllib.loads((_LOCALES / f"{language}.toml").read_text(encoding="utf-8"))


def _short(value: str, most: int = 60) -> str:
    """A value as shown in a sentence: its beginning, control characters made visible."""
    text = shown(value)
    return text if len(text) <= most else text[: most - 1] + "…"
