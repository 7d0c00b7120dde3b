"""Choices: what a person says of an import that is being set up, step by step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from daemon.datasets import datasets
from daemon.ledger.drafts import Draft


@dataclass(frozen=True)
class Choices:
    """Every choice about a draft. `format` has what is chosen of the file's shape and its conventions; `columns` says of each
    field which column it is, `words` what a field's words mean.
    """

    dataset: str
    format: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, dict[str, Any]] = field(default_factory=dict)
    words: dict[str, dict[str, str]] = field(default_factory=dict)
    mode: str = ""
    entity: str = ""
    pattern: str = ""
    name: str = ""
    to: list[str] = field(default_factory=list)
    business_date: str = ""
    match: list[str] = field(default_factory=list)
    protect: list[str] = field(default_factory=list)
    expect: dict[str, str] = field(default_factory=dict)
    ready_made: str = ""
    """The ready-made profile that says everything but whose files these are and when they come; '' where the columns do."""
    drop: str = ""
    """The drop in which the file lies, and from which it is fetched once its profile is saved."""
    edited: str = ""
    """The text of the saved profile that is edited; '' where one is made."""

    @classmethod
    def of(cls, draft: Draft) -> "Choices":
        """Those of a draft."""
        return cls(**draft.choices)

    @property
    def missing(self) -> list[str]:
        """The required fields that nothing fills."""
        if self.ready_made:
            return []
        fields = datasets()[self.dataset].fields
        return [
            name
            for name, each in fields.items()
            if each.required and name not in self.columns and not set(each.given_by) & set(self.columns)
        ]


def headers_of(column: Mapping[str, Any]) -> list[str]:
    """The columns of a file that a choice is about."""
    own = [column[part] for part in ("header", "credit", "flag") if column.get(part)]
    return [*own, *column.get("others", []), *column.get("written", [])]
