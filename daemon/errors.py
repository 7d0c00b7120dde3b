"""The shapes of error that are raised: the file's fault, the world's, and a set-up that cannot work.

A row's fault is a value, `model.Rejection`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self


class Refusal(StrEnum):
    """Why a whole file was refused."""

    COLUMN_MISSING = "column_missing"
    CORRECTS_NOTHING = "corrects_nothing"
    DATE_ORDER_AMBIGUOUS = "date_order_ambiguous"
    DECIMAL_AMBIGUOUS = "decimal_ambiguous"
    CENTURY_UNCLEAR = "century_unclear"
    DUPLICATE = "duplicate"
    EMPTY = "empty"
    ENCODING_MIXED = "encoding_mixed"
    ENCODING_UNKNOWN = "encoding_unknown"
    GAVE_UP = "gave_up"
    MEMBER_UNCLEAR = "member_unclear"
    NOT_A_TABLE = "not_a_table"
    NO_PROFILE = "no_profile"
    OTHER_KEY = "other_key"
    DATE_UNCLEAR = "date_unclear"
    DECLINED = "declined"
    EXPIRED = "expired"
    STALE = "stale"
    SUPERSEDED = "superseded"
    TOO_MANY_REJECTED = "too_many_rejected"
    PASSED_OVER = "passed_over"
    PERIOD_CLOSED = "period_closed"
    SCOPE_UNNAMED = "scope_unnamed"
    SHAPE_UNCLEAR = "shape_unclear"
    SHEET_MISSING = "sheet_missing"
    TWO_PROFILES = "two_profiles"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Detail:
    """What else there is to say: a code, whose sentence is made in the reader's language when it is shown, and what stands in
    its gaps. The code `plain` is no sentence, but a `text` as it is: names, or what somebody else said.
    """

    code: str
    values: Mapping[str, str | int | list[str]] = field(default_factory=dict)
    """Of a list, any one: it is told with an “or” before the last."""

    @classmethod
    def of(cls, code: str, **values: str | int | list[str]) -> Self:
        """A detail with its gaps filled."""
        return cls(code, values)

    def __str__(self) -> str:
        return str(self.values["text"]) if self.code == "plain" else f"{self.code} {dict(self.values)}"


class FileRefused(Exception):
    """The file cannot be imported as it is; `code` says why and `detail` what to look at.

    The sentences people read are made from their codes, in their language, when they are shown.
    """

    def __init__(self, code: Refusal, said: str, **values: str | int | list[str]) -> None:
        self.code = code
        self.detail = Detail(said, values)
        super().__init__(f"{code}: {self.detail}")


class TryLater(Exception):
    """The world is at fault (a server, the network, the database): the same work may succeed later."""


class NotAllowed(TryLater):
    """The server answers, but does not allow this one thing (a rename, say)."""


class LoginRefused(TryLater):
    """The server does not let us in with these credentials; asking again and again would have it lock the account."""


class WrongServer(TryLater):
    """The server does not prove to be the one that the settings mean: its host key or its certificate is another."""


class MailRefused(Exception):
    """The mail server will not take a mail, now or later; the message says what it said, and what to do."""


class Vanished(Exception):
    """The file was gone, or another one stood in its place, before it could be fetched."""


class SetupFault(Exception):
    """The installation or its settings cannot work as they are; the message tells the admin what to do."""

    exit_code = 1
