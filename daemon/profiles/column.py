"""Columns: where a field's value comes from, as a profile says it."""

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from daemon.toml import Table, unfit

Place = Annotated[int, Field(ge=1)]


def _source(value: object) -> object:
    """A column may be given by its header alone."""
    return {"from": value} if isinstance(value, str) else value


class Column(Table):
    """Where a field's value comes from: one of `from`, `first_of`, `join`, `value`, `debit` and `credit`, `after` and `term`;
    then `slice`, `map` and `default`.
    """

    from_: str | None = Field(None, alias="from", description="the header of a column")
    first_of: list["Source"] | None = Field(None, description="the first of these that is not empty")
    join: list[str] | None = Field(None, description="headers whose values, with a space between, make the value")
    separator: str = Field(" ", description="what stands between the values of join")
    value: str | None = Field(None, description="the same value for every row")
    debit: str | None = Field(None, description="of an amount in two columns: the one that counts as it is")
    credit: str | None = Field(None, description="of an amount in two columns: the one that counts as negative")
    flag: "Source | None" = Field(None, description="of an amount: the column that says debit or credit")
    overpunch: Annotated[int, Field(ge=0, le=9)] | None = Field(
        None,
        description="of an amount without a mark whose last digit is a letter (zoned decimals): how many digits are decimals",
    )
    after: str | None = Field(None, description="of a due date: the header of the day that its payment term counts from")
    term: "Source | None" = Field(None, description='of a due date: the payment term, "30 days", "45 jours fin de mois"')
    slice: tuple[Place, Place] | None = Field(None, description="only these characters, the first and the last, counted from 1")
    default: str | None = Field(None, description="the value where there is none")
    map: dict[str, str] | None = Field(None, description="the file's words to the dataset's")
    optional: bool = Field(
        False, description="the file may come without it; a blank cell of a column that is there is a blank cell"
    )
    unfilled: bool = Field(
        False, description="of a form: where nobody filled it in on any row, the column counts as missing, too"
    )

    @model_validator(mode="after")
    def _one_source(self) -> "Column":
        if sum(s is not None for s in (self.from_, self.first_of, self.join, self.value, self.debit, self.after)) != 1:
            raise unfit("one_source")
        if (self.after is None) != (self.term is None):
            raise unfit("together", one="after", other="term")
        if self.slice and self.slice[0] > self.slice[1]:
            raise unfit("slice")
        if (self.debit is None) != (self.credit is None):
            raise unfit("together", one="debit", other="credit")
        if self.debit is not None and (self.flag is not None or self.map is not None):
            raise unfit("beside_sides")
        if any(part.signs for part in self.first_of or []):
            raise unfit("in_first_of")
        return self

    @property
    def joins(self) -> bool:
        """Whether any part of it puts cells together."""
        return self.join is not None or any(part.joins for part in self.first_of or [])

    @property
    def given(self) -> list[str]:
        """The values that the profile itself gives, whatever the file has: a constant, a default, what its words mean."""
        own = [each for each in (self.value, self.default, *(self.map or {}).values()) if each]
        return own + [word for part in self.first_of or [] for word in part.given]

    @property
    def signs(self) -> bool:
        """Whether it makes an amount of two columns, or by a flag."""
        return self.debit is not None or self.flag is not None

    @property
    def dates(self) -> bool:
        """Whether any part of it makes a date of a day and a payment term."""
        return self.after is not None or any(part.dates for part in self.first_of or [])

    @property
    def headers(self) -> list[str]:
        """Every header this column may read."""
        own = [header for header in (self.from_, *(self.join or []), self.debit, self.credit, self.after) if header is not None]
        return own + [header for source in self.first_of or [] for header in source.headers]

    @property
    def every_header(self) -> list[str]:
        """The headers this column may read, and those of its flag and its payment terms."""
        asides = [each for each in (self.flag, self.term) if each]
        parts = [header for part in self.first_of or [] for header in part.every_header]
        return list(dict.fromkeys([*self.headers, *parts, *(header for each in asides for header in each.every_header)]))


Source = Annotated[Column, BeforeValidator(_source)]
