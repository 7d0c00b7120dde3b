"""Fields: what a dataset's columns hold, as TOML says it; those of the house, and those that an admin adds."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, model_validator
from pydantic import Field as Key

from daemon.languages import translation
from daemon.toml import Table

_YES = (
    "1 true yes ja oui sí sì si sim tak da jah igen ano áno evet kyllä ναι да так 是 はい 예 "
    "wahr vrai vero verdadero verdadeiro prawda"
)
_NO = "0 false no nein nee nej nei non não nao nie ne nu nem hayır όχι нет ні 否 いいえ 아니요 falsch faux falso fałsz"
BOOLS = dict.fromkeys(_YES.split(), True) | dict.fromkeys(_NO.split(), False)
"""What yes and no are written as; no word is yes in one language and no in another."""

Name = Annotated[str, Key(pattern=r"^[a-z][a-z0-9_]{0,58}$")]
"""How fields and datasets are called in Postgres."""


def _by_language(label: object) -> object:
    """A label may be one text, in English, or be given in several languages."""
    return {"en": label} if isinstance(label, str) else label


Label = Annotated[dict[str, str], BeforeValidator(_by_language)]


def labelled(label: dict[str, str], language: str) -> str:
    """A label in a language: as it is given, else as the catalogue has it."""
    english = label.get("en") or next(iter(label.values()), "")
    return label.get(language) or translation(language).pgettext("label", english)


class Field(Table):
    """One column of a dataset.

    `owner` says who may change the value of a row that exists: `erp` (the file always wins), `app` (kept as it is, unless a
    profile says otherwise), or `fill` (the file fills it, if it is empty).
    `default_from` names fields that give the value where the file has none: the year of a date, or, for an enum, one of
    the two words of `by_sign` for an amount above or below zero. `joined_from` names fields that make it together.
    """

    type: Literal["text", "integer", "money", "date", "bool", "enum", "list"]
    required: bool = False
    owner: Literal["erp", "app", "fill"] = "erp"
    code: bool = Key(False, description="of a text: a code; what a spreadsheet made of it, 4.5E+11, is none")
    folded: bool = Key(False, description="neither case nor spacing matters where rows are matched by it")
    max_length: int = 500
    words: dict[str, list[str]] = Key({}, description="of an enum: each value, with words that always mean it")
    default: str | None = None
    default_from: list[str] = []
    by_sign: list[str] = []
    joined_from: list[str] = []
    positive: bool = Key(False, description="of money: zero and less are a fault")
    derived: bool = Key(False, description="never mapped; only `default_from` fills it, and goes with that")
    iso4217: bool = Key(False, description="a currency's code")
    iso3166: bool = Key(False, description="a country's code; its name in many languages means that")
    vat: bool = Key(False, description="a VAT number; one that cannot be is told")
    shared: bool = Key(False, description="of a list: people add to it too, and a file replaces only what files brought")
    sole: bool = Key(False, description="of a customer's rows at most one has it: the latest that says so")
    label: Label = {}
    description: str = ""
    example: str = ""
    synonyms: list[str] = Key([], description="headers that files have for it, beside its label")

    @model_validator(mode="after")
    def _whole(self) -> "Field":
        if (self.type == "enum") != bool(self.words):
            raise ValueError('an "enum" needs its "words", and nothing else has any')
        return self

    @property
    def is_worded(self) -> bool:
        """Whether it holds words that recur: of its own, yes or no, a currency, a country."""
        return self.type in ("enum", "bool") or self.iso4217 or self.iso3166

    def takes(self, word: str) -> bool:
        """Whether a word may stand for one of its values; of what has no fixed values, any."""
        known = {"bool": BOOLS, "enum": {each for words in self.words.values() for each in words}}.get(self.type)
        return known is None or word.casefold() in known

    @property
    def plain(self) -> bool:
        """Whether its value comes from a file alone, and means nothing to the rows beside it."""
        works_out = (self.default, self.default_from, self.by_sign, self.joined_from, self.derived, self.shared)
        return not any((*works_out, self.default is not None, self.vat, self.sole))

    @property
    def given_by(self) -> list[str]:
        """The other fields that can give the value where a file has no column for it."""
        return self.default_from + self.joined_from
