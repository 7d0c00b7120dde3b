"""Columns: where a field's value comes from, as a profile says it."""

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from daemon.config import Table


def _source(value: object) -> object:
    """A column may be given by its header alone."""
    return {"from": value} if isinstance(value, str) else value


class Column(Table):
    """Where a field's value comes from: one of `from`, `first_of`, `join`, `value`, or `debit` and `credit`; then `map`."""

    from_: str | None = Field(None, alias="from", description="the header of a column")
    first_of: list["Source"] | None = Field(None, description="the first of these that is not empty")
    join: list[str] | None = Field(None, description="headers whose values, with a space between, make the value")
    value: str | None = Field(None, description="the same value for every row")
    debit: str | None = Field(None, description="of an amount in two columns: the one that counts as it is")
    credit: str | None = Field(None, description="of an amount in two columns: the one that counts as negative")
    flag: "Source | None" = Field(None, description="of an amount: the column that says debit or credit")
    map: dict[str, str] | None = Field(None, description="the file's words to the dataset's")
    optional: bool = Field(False, description="the file may come without it")

    @model_validator(mode="after")
    def _one_source(self) -> "Column":
        if sum(s is not None for s in (self.from_, self.first_of, self.join, self.value, self.debit)) != 1:
            raise ValueError('give exactly one of "from", "first_of", "join", "value", and "debit" with "credit"')
        if (self.debit is None) != (self.credit is None):
            raise ValueError('"debit" and "credit" go together')
        if self.debit is not None and (self.flag is not None or self.map is not None):
            raise ValueError('"debit" and "credit" say the sign and hold amounts: no "flag" and no "map" beside them')
        if any(part.signs for part in self.first_of or []):
            raise ValueError('"debit", "credit" and "flag" stand beside "first_of", not in it')
        return self

    @property
    def joins(self) -> bool:
        """Whether any part of it puts cells together."""
        return self.join is not None or any(part.joins for part in self.first_of or [])

    @property
    def signs(self) -> bool:
        """Whether it makes an amount of two columns, or by a flag."""
        return self.debit is not None or self.flag is not None

    @property
    def headers(self) -> list[str]:
        """Every header this column may read."""
        own = [header for header in (self.from_, *(self.join or []), self.debit, self.credit) if header is not None]
        return own + [header for source in self.first_of or [] for header in source.headers]

    @property
    def every_header(self) -> list[str]:
        """The headers this column may read, and those of its flag."""
        return self.headers + (self.flag.headers if self.flag else [])


Source = Annotated[Column, BeforeValidator(_source)]
