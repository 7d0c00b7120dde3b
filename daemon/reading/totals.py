"""Totals: lines that say what the rows above come to, in the words of the fifteen languages and their neighbours."""

import re
from collections.abc import Sequence

from daemon.reading.cells import is_typed

_WHOLE = (
    "total totals totaal totaal-generaal totale totalt total-general total-général total-geral totale-generale "
    "grand-total overall-total sum summe summa suma somme somma soma sumă gesamt gesamtsumme gesamtbetrag gesamttotal "
    "endsumme summe-gesamt eindtotaal total-gt razem ogółem łącznie suma-całkowita ukupno sveukupno zbroj toplam "
    "genel-toplam genel-toplamı celkem součet celkem-kč spolu celkom skupaj vse-skupaj összesen mindösszesen végösszeg "
    "yhteensä summa-yhteensä i-alt kokku kopā iš-viso viso итого всего итог разом общо σύνολο γενικό-σύνολο 合計 合计 总计 總計 "
    "総計 総合計 计 計 합계 총계 סהכ المجموع"
)
"""What a file's own total is called; `-` stands for a space."""
_PARTS = (
    "subtotal sub-total subtotals sous-total sous-totaux zwischensumme teilsumme übertrag suma-y-sigue suma-anterior "
    "sub-totale subtotale riporto a-riportare report à-reporter carried-forward brought-forward balance-carried-forward "
    "balance-brought-forward subtotaal transport delsumma delsum podsuma do-przeniesienia z-przeniesienia međuzbroj "
    "prijenos a-transportar transporte de-reportat report subtotal-geral ara-toplam nakli-yekün mezisoučet medzisúčet "
    "részösszeg välisumma 小計 小计"
)
"""What sums of parts, and of pages, are called."""


def _words(listed: str) -> str:
    return "|".join(re.escape(word).replace(r"\-", r"[ -]") for word in sorted(listed.split(), key=len, reverse=True))


_AROUND = r"[\s:*=.\-–>#]*"
_COUNT = r"(?:\s*\(?[0-9]+\W*(?:\w{1,12}\.?)?\)?)?"
"""A total may say of how many rows it is."""
OWN = re.compile(f"{_AROUND}(?:{_words(_WHOLE)}){_AROUND}(?:[A-Z]{{3}})?{_COUNT}{_AROUND}", re.IGNORECASE)
"""Matches what a file's own total says in its first filled cell."""
ANY = re.compile(f"{_AROUND}(?:{_words(f'{_WHOLE} {_PARTS}')})(?:{_AROUND}{_COUNT}{_AROUND}$|\\b.*$)", re.IGNORECASE | re.DOTALL)
"""Matches whatever begins with such a word; what follows may be what it is the sum of."""
SUSPECT = f"(?i)^{_AROUND}(?:{_words(f'{_WHOLE} {_PARTS}')})"
"""The same for columns at once, as RE2 writes it."""
_PART = re.compile(f"{_AROUND}(?:{_words(_PARTS)}){_AROUND}{_COUNT}{_AROUND}", re.IGNORECASE)
_AMOUNT_OR_CURRENCY = re.compile(r"[A-Z]{3}|[€$£¥]")


def is_total(cells: Sequence[str], filled_else: Sequence[bool], above: set[str]) -> bool:
    """Whether a line is a total: its first filled cell says so, the others have amounts, and of what all records have something
    is blank (`filled_else` says of which columns that is so). A sum of parts may name what it is of, as a cell `above` does.
    """
    filled = [(place, cell.strip()) for place, cell in enumerate(cells) if cell.strip()]
    if not filled or not all(is_typed(cell) or _AMOUNT_OR_CURRENCY.fullmatch(cell) for _, cell in filled[1:]):
        return False
    if not any(full and not cell.strip() for full, cell in zip(filled_else, cells, strict=True)):
        return False
    says = filled[0][1]
    if OWN.fullmatch(says) or _PART.fullmatch(says):
        return True
    found = ANY.fullmatch(says)
    return found is not None and any(name and says.endswith(name) for name in above)


def may_be(cells: Sequence[str]) -> bool:
    """Whether a line begins with such a word, and numbers follow."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    return len(filled) > 1 and bool(ANY.fullmatch(filled[0])) and all(map(is_typed, filled[1:]))
