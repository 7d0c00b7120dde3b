"""Catalogues: gettext's, a file `po/LANGUAGE.po` for each language but English, whose sentences are the message ids."""

import gettext
import io
import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "po"

LANGUAGES = {
    "de": "Deutsch",
    "en": "English",
    "es": "Español",
    "fr": "Français",
    "hr": "Hrvatski",
    "it": "Italiano",
    "ja": "日本語",
    "nl": "Nederlands",
    "pl": "Polski",
    "pt": "Português",
    "pt-BR": "Português (Brasil)",
    "ro": "Română",
    "sv": "Svenska",
    "tr": "Türkçe",
    "zh-Hans": "简体中文",
}
"""The languages by their tags (BCP 47), each in its own words."""

PSEUDO = "qps"
"""A language of long words with accents, which shows what overflows; nobody is ever written to in it."""
_ACCENTED = str.maketrans("aeiouyAEIOUYncslz", "áèîőüýÁÈÎŐÜÝñçšłž")


def locale_of(language: str) -> str:
    """The locale by whose rules numbers, dates and lists are written."""
    return {PSEUDO: "en", "pt": "pt_PT"}.get(language, language.replace("-", "_"))


@cache
def nearest_language(tag: str) -> str:
    """The language that there is for one that is asked for: itself, else its own without the region, else English."""
    known = {each.casefold(): each for each in LANGUAGES} | {"zh": "zh-Hans", "no": "en"}
    parts = tag.replace("_", "-").casefold().split("-")
    wider = ("-".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((known[each] for each in wider if each in known), "en")


@cache
def translation(language: str) -> gettext.NullTranslations:
    """A language's catalogue; what it lacks is said in English."""
    if language == PSEUDO:
        return _Pseudo()
    file = FOLDER / f"{language}.po"
    if language not in LANGUAGES or not file.exists():
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo  # slow to import
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    with file.open("rb") as source:
        write_mo(compiled, read_po(source, locale=locale_of(language)))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


class _Pseudo(gettext.NullTranslations):
    """English, longer by half, its letters with accents, its gaps as they are."""

    def gettext(self, message: str) -> str:
        """A sentence in it."""
        parts = re.split(r"(\{[^}]*\})", message)
        text = "".join(part if part.startswith("{") else part.translate(_ACCENTED) for part in parts)
        return f"[{text}{' ŵŵŵŵŵŵ' * (len(message) // 21 + 1)}]"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """One of two."""
        return self.gettext(msgid1 if n == 1 else msgid2)

    def pgettext(self, context: str, message: str) -> str:
        """One that means two things."""
        return self.gettext(message)

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:
        """One of two that mean two things."""
        return self.ngettext(msgid1, msgid2, n)
