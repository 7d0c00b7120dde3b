"""Why a row is rejected: a code, and what the sentence about it needs."""

from dataclasses import dataclass
from enum import StrEnum


class ReasonCode(StrEnum):
    """Why a row was rejected."""

    AMBIGUOUS = "ambiguous"
    AMOUNT_TOO_LARGE = "amount_too_large"
    BETWEEN_COLUMNS = "between_columns"
    CONTROL_CHARACTER = "control_character"
    COUNTRY_UNKNOWN = "country_unknown"
    CREDIT_ABOVE_ZERO = "credit_above_zero"
    CREDIT_ELSEWHERE = "credit_elsewhere"
    CREDIT_TWICE = "credit_twice"
    CREDIT_NOT_POSITIVE = "credit_not_positive"
    CURRENCY_CONTRADICTED = "currency_contradicted"
    CURRENCY_UNKNOWN = "currency_unknown"
    CODE_DAMAGED = "code_damaged"
    DATE_FAR_OFF = "date_far_off"
    DEBIT_AND_CREDIT = "debit_and_credit"
    DUE_BEFORE_ISSUE = "due_before_issue"
    DUPLICATE_KEY = "duplicate_key"
    ERROR_CELL = "error_cell"
    KEY_TAKEN = "key_taken"
    MATCH_KEY_BLANK = "match_key_blank"
    MISSING = "missing"
    MORE_OPEN_THAN_BILLED = "more_open_than_billed"
    NOT_A_BOOL = "not_a_bool"
    NOT_A_DATE = "not_a_date"
    NOT_A_NUMBER = "not_a_number"
    NOT_AN_INTEGER = "not_an_integer"
    OUTDATED = "outdated"
    SIGN_UNCLEAR = "sign_unclear"
    TOO_FEW_CELLS = "too_few_cells"
    TOO_LONG = "too_long"
    TOO_MANY_CELLS = "too_many_cells"
    TOO_MANY_DECIMALS = "too_many_decimals"
    BAD_QUOTES = "bad_quotes"
    UNDECODABLE = "undecodable"
    UNKNOWN_WORD = "unknown_word"


@dataclass(frozen=True)
class Reason:
    """One thing wrong with a row: `field` is the dataset's name for the column, or '' when the whole row is meant."""

    code: ReasonCode
    field: str = ""
    value: str = ""
    column: str = ""
    """The file's own header of the bad cell, where there is one."""
    detail: str = ""
    """What else the sentence about it needs: the other line, the limit."""
