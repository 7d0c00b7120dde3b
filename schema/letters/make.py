"""Makes the tables beside this file: which letters follow each other in each language's names, of people, firms and places.

Its sources are Faker (MIT licence), whose lists of names each country's speakers keep, many with the names' frequencies, and the
names of languages, countries, days and months in Unicode's CLDR (Unicode licence), as Babel has them. To make the tables anew:

    pip install Faker Babel && python schema/letters/make.py

A table has a line for each pair of letters, in lower case, `_` for a word's begin and end, and how many of 100,000 pairs it is;
of a language that is written in characters, a line for each character.
"""

import random
import unicodedata
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

LOCALES = {
    "ar": "ar_SA ar_AA ar_PS", "bg": "bg_BG", "cs": "cs_CZ", "da": "da_DK", "de": "de_DE de_AT de_CH", "el": "el_GR",
    "en": "en_GB en_US en_IE", "es": "es_ES es_MX es_AR es_CO es_CL", "et": "et_EE", "fi": "fi_FI",
    "fr": "fr_FR fr_CA fr_BE fr_CH", "he": "he_IL", "hr": "hr_HR", "hu": "hu_HU", "is": "is_IS", "it": "it_IT",
    "ja": "ja_JP", "ko": "ko_KR", "lt": "lt_LT", "lv": "lv_LV", "mk": "mk_MK", "nl": "nl_NL nl_BE", "no": "no_NO",
    "pl": "pl_PL", "pt": "pt_PT pt_BR", "ro": "ro_RO", "ru": "ru_RU", "sk": "sk_SK", "sl": "sl_SI", "sv": "sv_SE",
    "th": "th_TH", "tr": "tr_TR", "uk": "uk_UA", "vi": "vi_VN", "zh": "zh_CN", "zh_Hant": "zh_TW", "ca": "", "sq": "",
    "be": "", "fa": "fa_IR", "ga": "ga_IE", "sr": "hr_HR",
}  # fmt: skip
ASKED = ("first_name", "last_name", "last_name", "city", "street_name", "company", "company_suffix", "job")
CHARACTERS = {"ja", "ko", "zh", "zh_Hant"}
DRAWN = 6_000
OF = 100_000
_CYRILLIC = {
    "lj": "љ", "nj": "њ", "dž": "џ", "a": "а", "b": "б", "v": "в", "g": "г", "d": "д", "đ": "ђ", "e": "е", "ž": "ж",
    "z": "з", "i": "и", "j": "ј", "k": "к", "l": "л", "m": "м", "n": "н", "o": "о", "p": "п", "r": "р", "s": "с",
    "t": "т", "ć": "ћ", "u": "у", "f": "ф", "h": "х", "c": "ц", "č": "ч", "š": "ш",
}  # fmt: skip
_CEDILLAS = str.maketrans("șțȘȚ", "şţŞŢ")


def drawn(locale: str) -> Iterator[str]:
    """Names of a country, as often as they are there."""
    from faker import Faker

    fake = Faker(locale)
    fake.seed_instance(1)
    for ask in ASKED:
        if not any(type(provider).__module__.endswith(locale) for provider in fake.providers if hasattr(provider, ask)):
            continue  # what a country does not have, Faker takes from the United States
        for _ in range(DRAWN):
            yield str(getattr(fake, ask)())


def listed(language: str) -> list[str]:
    """The names of languages, countries, days and months in a language."""
    from babel import Locale

    own = Locale.parse(language)
    days = [
        name
        for forms in (own.days, own.months)
        for context in forms.values()
        for names in context.values()
        for name in names.values()
    ]
    return [*own.languages.values(), *own.territories.values(), *days]


def cyrillic(text: str) -> str:
    """Serbian in its other letters."""
    for latin, letter in _CYRILLIC.items():
        text = text.replace(latin, letter)
    return text


def table(language: str) -> Counter[str]:
    """The pairs of a language and how often each is."""
    counts: Counter[str] = Counter()
    for locale in LOCALES[language].split():
        for name in drawn(locale):
            count(counts, language, name, 10)
            if language == "ro":  # as it is written where the encoding has no letters with a comma
                count(counts, language, name.translate(_CEDILLAS), 10)
    for name in listed(language):
        count(counts, language, name, 30 if not LOCALES[language] else 3)
    return counts


def count(counts: Counter[str], language: str, name: str, weight: int) -> None:
    """Count the pairs of one name."""
    name = unicodedata.normalize("NFC", name).lower()
    if language == "sr":
        name = cyrillic(name)
    for word in "".join(char if char.isalpha() or unicodedata.category(char)[0] == "M" else " " for char in name).split():
        if language in CHARACTERS:
            counts.update({char: weight for char in word if not char.isascii()})
        else:
            bounded = f"_{word}_"
            for pair in pairwise(bounded):
                counts["".join(pair)] += weight


def main() -> None:
    """Write all tables."""
    random.seed(1)
    for language in LOCALES:
        counts = table(language)
        whole = sum(counts.values())
        lines = [
            f"{pair}\t{max(round(often * OF / whole, 1), 0.1):g}"
            for pair, often in sorted(counts.items())
            if often * OF / whole > 0.05
        ]
        (Path(__file__).parent / f"{language}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(language, len(lines), whole)


if __name__ == "__main__":
    main()
