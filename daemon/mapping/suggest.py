"""Suggestion: which of a file's columns is which field, by the headers and by what the columns hold.

One column to one field, the best assignment over all of them; nothing below a threshold, for a column left unmapped is
better than one mapped wrongly.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from daemon.datasets import BOOLS, Dataset, Field, plain, synonyms
from daemon.errors import Detail, FileRefused
from daemon.mapping.assignment import best_pairs
from daemon.mapping.currencies import CODES, sign_of
from daemon.mapping.evidence import Evidence
from daemon.mapping.likeness import Likeness, Names, nothing
from daemon.mapping.numbers import CREDIT, DEBIT
from daemon.mapping.prove import Amounts, Dates, decided
from daemon.profiles import Conventions

_THRESHOLD = 0.7
_ONLY = 0.75
_LETTERS = dict.fromkeys(["y", "j", "o", "s", "t", "d", "e", "i", "x", "-1"], True) | dict.fromkeys(["n", "h", "f"], False)
"""What yes and no are written as beside whole words: what a language means by them is for the profile to say."""
_YES_OR_NO = BOOLS | _LETTERS
_UNLIKE = 0.3
"""What is left of a likeness of names where the column holds something else."""

Why = tuple[Detail, ...]
"""What speaks for a column being a field, a sentence each."""
Known = Callable[[list[str]], int]
"""How many of some codes are customers that are known."""


@dataclass(frozen=True)
class Proposal:
    """A field's proposed column, or the two that are its debit and credit, or the one that flags its side; and why."""

    header: str
    confidence: float
    why: tuple[Detail, ...] = ()
    credit: str = ""
    flag: str = ""
    others: tuple[str, ...] = ()
    """The columns that are looked into where the first is empty."""
    value: str = ""
    """The same value for every row, where no column has it: then there is no header."""
    default: str = ""
    """The value where a cell is blank."""
    words: dict[str, str] = field(default_factory=dict)
    """Where the file's words are not all the field's own: each with the value it means, '' where that is for a person to say."""


@dataclass(frozen=True)
class Suggestion:
    """What is proposed for a file: columns by field, the headers left over, and the required fields that nothing fills."""

    columns: dict[str, Proposal]
    unused: list[str]
    missing: list[str]
    conventions: Conventions
    unclear: list[Detail]
    """What about the conventions a person must say, each as the sentence of a refusal."""


def suggest(
    dataset: Dataset, evidence: dict[str, Evidence], known: Known = lambda codes: 0, said: Conventions | None = None
) -> Suggestion:
    """Propose a mapping for a file by its headers and what stands below them; some of its conventions may be `said`."""
    names, none = Names(dataset), nothing(dataset.name)
    language = names.language(list(evidence))
    sides = _sides(dataset, evidence)
    fields = dataset.mappable
    scores = np.zeros((len(fields), len(evidence)))
    reasons: dict[tuple[int, int], Why] = {}
    for row, name in enumerate(fields):
        for column, (header, seen) in enumerate(evidence.items()):
            likeness = names.likeness(header, name, language)
            fit, held = _fit(name, dataset, seen, known)
            scores[row, column], reasons[row, column] = _score(likeness, fit, held)
    _take_only(scores, reasons, dataset, list(evidence.values()))
    for column, header in enumerate(evidence):
        if header in sides or plain(header) in none:
            scores[:, column] = 0
    scores[scores < _THRESHOLD] = 0
    found = {
        fields[row]: Proposal(list(evidence)[column], round(float(scores[row, column]), 2), reasons[row, column])
        for row, column in best_pairs(scores)
    }
    if sides and "amount" not in found:
        found["amount"] = Proposal(sides[0], 0.95, _said("sides"), credit=sides[1])
    found = {name: _refined(dataset.fields[name], proposal, evidence, found) for name, proposal in found.items()}
    _whole_of_open(dataset, found)
    used = {header for p in found.values() for header in (p.header, p.credit, p.flag)}
    missing = [
        name for name, f in dataset.fields.items() if f.required and name not in found and not set(f.given_by) & set(found)
    ]
    conventions, unclear = _conventions(dataset, found, evidence, said or Conventions())
    return Suggestion(
        {name: found[name] for name in fields if name in found},
        [header for header in evidence if header not in used],
        missing,
        conventions,
        unclear,
    )


def _take_only(scores: np.ndarray, reasons: dict[tuple[int, int], Why], dataset: Dataset, held: list[Evidence]) -> None:
    """Where a file has one column of dates, and the dataset one date, they belong together, whatever the header says; the
    same with amounts.
    """
    for type, what, told in (("date", "date", "why_only_dates"), ("money", "amount", "why_only_amounts")):
        rows = [row for row, name in enumerate(dataset.mappable) if dataset.fields[name].type == type]
        columns = [n for n, seen in enumerate(held) if seen.filled and seen.holds(what) and not seen.holds("digits")]
        if len(rows) == len(columns) == 1 and scores[rows[0], columns[0]] < _ONLY:
            scores[rows[0], columns[0]], reasons[rows[0], columns[0]] = _ONLY, (Detail.of(told),)


def _whole_of_open(dataset: Dataset, found: dict[str, Proposal]) -> None:
    """Where a file has one amount only, what is open, that is the required whole as well, from which the open one follows."""
    for name, described in dataset.fields.items():
        for whole in described.default_from if described.type == "money" and name in found else []:
            if whole not in found and dataset.fields[whole].required:
                open_ = found.pop(name)
                found[whole] = replace(open_, why=(*open_.why, *_said("only_open")))


def _score(likeness: Likeness, fit: float, held: Why) -> tuple[float, Why]:
    """A pair's score and the reasons for it. What a column holds may speak against its header, or alone for a field."""
    spoken = "" if likeness.language == "technical" else f" ({likeness.language})"
    named = Detail.of("why_called" if likeness.exact else "why_much_like", name=likeness.name, language=spoken)
    if fit > 1:  # certain by itself
        return max(likeness.score, fit - 1), (named, *held) if likeness.score else held
    return likeness.score * fit, (named, *held)


def _fit(name: str, dataset: Dataset, seen: Evidence, known: Known) -> tuple[float, Why]:
    """How well what a column holds fits a field, 0 to 1, and 1 more where that alone is enough; and what it holds."""
    described = dataset.fields[name]
    if not seen.filled:
        return 0.95, _said("empty")
    if described.type == "date":
        return (1.0, _said("dates")) if seen.holds("date") else (_UNLIKE, ())
    if described.type == "money":
        is_amount = seen.holds("amount") and not (seen.holds("date") and not seen.typed)
        return (1.0, _said("amounts")) if is_amount else (_UNLIKE, ())
    if described.type in ("enum", "bool"):
        few = len(seen.values) <= 20 and not seen.holds("date") and not seen.shares["decimals"]
        return (1.0, _said("words", count=len(seen.values))) if few else (_UNLIKE, ())
    if described.type == "integer":
        return (1.0, ()) if seen.holds("digits") else (_UNLIKE, ())
    return _fit_text(name, described, dataset, seen, known)


def _said(what: str, **values: str | int) -> Why:
    """What speaks for a pair, as the sentence of a detail."""
    return (Detail.of(f"why_{what}", **values),)


def _fit_text(name: str, described: Field, dataset: Dataset, seen: Evidence, known: Known) -> tuple[float, Why]:
    shares = seen.shares
    if described.iso4217:
        words = len(seen.values) <= 20 and shares["letters"] > 0.5
        return (1.75, _said("currencies")) if seen.holds("currency") else (0.95 if words else _UNLIKE, ())
    for form in ("email", "url"):
        if name == form or name.endswith(f"_{form}"):
            return (1.0, _said(f"{form}s")) if shares[form] > 0.5 else (_UNLIKE, ())
    if {value.casefold() for value in seen.values} <= _YES_OR_NO.keys():
        return _UNLIKE, ()
    if shares["email"] > 0.5 or shares["url"] > 0.5 or (seen.holds("date") and not seen.holds("digits")):
        return _UNLIKE, ()
    if name == "customer_code":
        if (seen.filled > 2 and len(seen.values) == 1) or all(_is_name(value) for value in seen.values):
            return _UNLIKE, ()
        codes = sorted(seen.values)[:500]
        if len(codes) > 2 and known(codes) >= 0.9 * len(codes):
            return 1.85, _said("customers")
    is_decimal = seen.holds("amount") and shares["decimals"] > 0.5
    if name in ("business_name", "trading_name", "name", "last_name", "first_name", "city"):
        return (1.0, ()) if shares["letters"] > 0.5 else (_UNLIKE, ())
    if name == "unique_key" and seen.repeats:
        return _UNLIKE, ()
    if described.required and name.endswith(("code", "number")):
        if is_decimal or shares["words"] > 0.5:
            return _UNLIKE, ()
        identifies = [name] in dataset.keys
        return 0.85 if identifies and seen.repeats else 1.0, () if seen.repeats else _said("each_different")
    return (0.6 if is_decimal else 1.0), ()


def _is_name(value: str) -> bool:
    """Whether a value is long, and has no digit: of a firm, where words are not set apart as well."""
    return len(value) > 6 and not any(char.isdigit() for char in value) and not value.isascii()


def _sides(dataset: Dataset, evidence: dict[str, Evidence]) -> list[str]:
    """The headers of a debit and a credit column, or nothing."""
    known_as, found = synonyms(dataset.name), []
    for side in ("amount:debit", "amount:credit"):
        titles = {plain(name) for names in known_as.get(side, {}).values() for name in names}
        found += [h for h, held in evidence.items() if plain(h) in titles and (held.holds("amount") or not held.filled)][:1]
    return found if len(found) == 2 else []


def _refined(described: Field, proposal: Proposal, evidence: dict[str, Evidence], found: dict[str, Proposal]) -> Proposal:
    """A proposal with what else it needs: the flag that signs an amount, the meaning of an enum's words."""
    seen = evidence[proposal.header]
    if described.iso4217 or described.type in ("enum", "bool"):
        meant = {word: _meaning(described, word) for word in sorted(seen.values)}
        plain = described.type != "enum" and all(meaning and _reads_itself(described, word) for word, meaning in meant.items())
        return Proposal(proposal.header, proposal.confidence, proposal.why, words={} if plain else meant)
    if described.type == "money" and not proposal.credit and not any("-" in value or "(" in value for value in seen.values):
        taken = {p.header for p in found.values()}
        for header, other in evidence.items():
            words = {value.casefold() for value in other.values}
            if header not in taken and other.holds("side") and words & DEBIT and words & CREDIT:
                why = (*proposal.why, *_said("flag", header=header))
                return Proposal(proposal.header, proposal.confidence, why, flag=header)
    return proposal


def _meaning(described: Field, word: str) -> str:
    """The value of an enum, the currency, or yes or no, that a word means; '' where that is for a person to say."""
    if described.iso4217:
        return sign_of(word)
    if described.type == "bool":
        said = _YES_OR_NO.get(word.casefold())
        return "" if said is None else "yes" if said else "no"
    return next((value for value, words in described.words.items() if word.casefold() in words), "")


def _reads_itself(described: Field, word: str) -> bool:
    """Whether a word is read right without being mapped."""
    return word.casefold() in BOOLS if described.type == "bool" else word.upper() in CODES


def _conventions(
    dataset: Dataset, found: dict[str, Proposal], evidence: dict[str, Evidence], said: Conventions
) -> tuple[Conventions, list[Detail]]:
    """The conventions that are said, or that the proposed columns prove, and what is not clear about them."""
    days, amounts = Dates(), Amounts()
    for name, proposal in found.items():
        for header in filter(None, (proposal.header, proposal.credit)):
            if dataset.fields[name].type == "date":
                days.add(evidence[header].days)
            elif dataset.fields[name].type == "money":
                amounts.add(evidence[header].amounts)
    conventions, unclear = said, list[Detail]()
    for part in ((days, Amounts()), (Dates(), amounts)):
        try:
            conventions = decided(*part, conventions)
        except FileRefused as refused:
            unclear.append(refused.detail)
    return conventions, unclear
