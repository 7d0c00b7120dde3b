"""Payment terms: `30 days`, `45 jours fin de mois`, `2/10 net 30`; what they say, and when an invoice falls due by them."""

import re
from dataclasses import dataclass
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

_MONTH_END = (
    r"end of (?:the )?month|month end|e\.?o\.?m\b|fin de mois|f\.?d\.?m\b|fin mois|monatsende|ultimo|fine mese|f\.?m\.?\b|"
    r"fin de mes|final de mes|fim do m[eê]s|einde (?:van de )?maand|koniec miesi[aą]ca|månadens slut|ay sonu|kraj mjeseca|"
    r"l[øo]bende måned|\bl(?:b|øb)?\.? ?md\b\.?|lopende maand|月末"
)
_OTHER_UNITS = re.compile(
    r"month|mois\b|monat|\bmes(?:e|es|i)?\b|\bm[eê]s\b|maand|\bmnd|måned|månad|\bmdr?\b|miesi|mjesec|měsíc|mesiac|\blun[aăi]\b|kuukau|hónap|月|"
    r"week|wochen?\b|semaine|seman|settiman|tydzie|tygod|veck|\buker?\b|viikko|\bhét|týden|週|周|year|jahr|\bann[ée]e|año|"
    r"next|following|prox|suivant|siguiente|seguinte|successiv|folgend|nächst|kommend|volgend|następn|nästa|næste|翌|来|締|"
    r"\d(?:st|nd|rd|th|er|º)\b"
)
"""What a number counts that is no day after the invoice; a term with such a word is not taken for one of days."""
_AT_ONCE = (
    r"immediate|on receipt|upon receipt|due now|cash|c\.?o\.?d\b|prepa|in advance|comptant|r[eé]ception|sofort|prompt|"
    r"vorkasse|contado|contanti|a vista|à vista|contant|natychmiast|omgående|peşin"
)
_DISCOUNT = re.compile(r"^\D*\d+(?:[.,]\d+)?\s*%?\s*/\s*\d+[^\d/]*[a-z][^\d/]*(?=\d)")
"""What who pays early may deduct; it comes before the term."""
_DAYS = re.compile(r"(?<!\w)(\d{1,3})(?!\d)")
_FIXED_DAY = re.compile(
    r"(?:\ble|\bthe|\bon|\bam|\bel|\bil|\bal|\bdia|\bden|\+)\s*(\d{1,2})(?:st|nd|rd|th|er|\.)?\s*(?:days?|jours?|tage?)?\s*$"
)
_AFTER_END = re.compile(
    rf"(\d{{1,3}})[^\d]*\b(?:after|from|nach|ab|apr[èe]s|despu[ée]s|dopo|após|depois|na|po|efter|sonra)\b[^\d]*?(?:{_MONTH_END})"
    rf"|(?:{_MONTH_END})[^\d]*(\d{{1,3}})"
)
"""Days that are counted from the end of the month of the invoice, not to the end of the month that they lead to."""
_LONGEST = 730


@dataclass(frozen=True)
class Term:
    """So many days after the invoice, then to the end of that month, then so many days more."""

    days: int
    end_of_month: bool = False
    then: int = 0


@cache
def parse(text: str) -> Term | None:
    """What a payment term says; None where that is not clear."""
    said = _DISCOUNT.sub("", text.strip().casefold())
    end = re.search(_MONTH_END, said)
    then, end_of_month = 0, end is not None
    if end:
        if fixed := _FIXED_DAY.search(said):
            then, said = int(fixed[1]), said[: fixed.start()]
        elif after := _AFTER_END.search(said):
            then, said = int(after[1] or after[2]), said.replace(after[0], " ")
        said = re.sub(_MONTH_END, " ", said)
    numbers = _DAYS.findall(said)
    if _OTHER_UNITS.search(said):
        return None
    if len(numbers) > 1 or (numbers and int(numbers[0]) > _LONGEST):
        return None
    if numbers:
        return Term(int(numbers[0]), end_of_month, then)
    if end_of_month or re.search(_AT_ONCE, said):
        return Term(0, end_of_month, then)
    return None


def days(text: str) -> int | None:
    """The days of a payment term; None where days, to the end of the month or not, are not all it says."""
    term = parse(text)
    return term.days if term and not term.then else None


def end_of_month(text: str) -> bool | None:
    """Whether the days of a payment term run to the end of the month; None where that is not all it says."""
    term = parse(text)
    return term.end_of_month if term and not term.then else None


def due_dates(issued: pa.Array, terms: pa.Array) -> pa.Array:
    """When invoices of some days fall due by their terms; null where the day is, or where a term is not clear."""
    coded = terms.dictionary_encode()
    due = pa.nulls(len(issued), pa.date32())
    for code, text in enumerate(coded.dictionary.to_pylist()):
        if term := parse(text):
            its_own = pc.fill_null(pc.equal(coded.indices, code), False)
            due = pc.if_else(its_own, _after(issued, term), due)
    return due


def _after(issued: pa.Array, term: Term) -> pa.Array:
    due = _days_later(issued, term.days)
    if term.end_of_month:
        next_month = pc.ceil_temporal(due, unit="month", ceil_is_strictly_greater=True)
        due = _days_later(next_month.cast(pa.date32()), -1)
    return _days_later(due, term.then)


def _days_later(day: pa.Array, days: int) -> pa.Array:
    return pc.add(day.cast(pa.int32()), pa.scalar(days, pa.int32())).cast(pa.date32())
