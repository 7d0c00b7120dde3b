"""Languages: the encodings that each was written in before Unicode, and the countries whose names are in it."""

from functools import cache

_WESTERN = ("cp1252", "iso8859-15", "cp850", "cp858", "cp437", "mac-roman")
_CENTRAL = ("cp1250", "iso8859-2", "cp852", "mac-latin2")
_CYRILLIC = ("cp1251", "cp866", "koi8-r", "iso8859-5", "mac-cyrillic", "cp855")
_BALTIC = ("cp1257", "cp775", "iso8859-13", "iso8859-4", "iso8859-10")
OF_LANGUAGE = {
    **dict.fromkeys(["ca", "de", "en", "es", "fi", "ga", "it", "nl", "sv"], _WESTERN),
    **dict.fromkeys(["da", "no"], (*_WESTERN, "cp865")),
    **dict.fromkeys(["cs", "hr", "hu", "pl", "sk", "sl"], _CENTRAL),
    **dict.fromkeys(["be", "bg", "mk", "ru", "sr"], _CYRILLIC),
    **dict.fromkeys(["lt", "lv"], _BALTIC),
    **dict.fromkeys(["ar", "fa"], ("cp1256", "iso8859-6", "cp864", "cp720")),
    "el": ("cp1253", "iso8859-7", "cp737", "mac-greek", "cp869"),
    "et": (*_BALTIC, *_WESTERN),
    "fr": (*_WESTERN, "cp863"),
    "he": ("cp1255", "iso8859-8", "cp862"),
    "is": (*_WESTERN, "cp861", "mac-iceland"),
    "ja": ("cp932", "euc_jp"),
    "ko": ("cp949", "johab"),
    "pt": (*_WESTERN, "cp860"),
    "ro": (*_CENTRAL, "iso8859-16", "mac-romanian"),
    "sq": (*_WESTERN, *_CENTRAL),
    "th": ("cp874", "tis-620"),
    "tr": ("cp1254", "iso8859-9", "cp857", "mac-turkish"),
    "uk": (*_CYRILLIC, "koi8-u", "cp1125"),
    "vi": ("cp1258",),
    "zh": ("gb18030", "cp950"),
    "zh_Hant": ("cp950", "gb18030"),
}
"""The encodings before Unicode in which a language is written, the likeliest first."""
OF_COUNTRY = {
    "AL": "sq", "AR": "es", "AT": "de", "BA": "hr", "BE": "nl fr", "BG": "bg", "BR": "pt", "BY": "be ru", "CH": "de fr it",
    "CL": "es", "CN": "zh", "CO": "es", "CY": "el", "CZ": "cs", "DE": "de", "DK": "da", "EE": "et", "EG": "ar",
    "ES": "es ca", "FI": "fi sv", "FR": "fr", "GB": "en", "GR": "el", "HK": "zh_Hant", "HR": "hr", "HU": "hu", "IE": "en",
    "IL": "he", "IR": "fa", "IS": "is", "IT": "it", "JP": "ja", "KR": "ko", "LT": "lt", "LU": "fr de", "LV": "lv",
    "MA": "fr ar", "ME": "sr hr", "MK": "mk", "MX": "es", "NL": "nl", "NO": "no", "PE": "es", "PL": "pl", "PT": "pt",
    "RO": "ro", "RS": "sr hr", "RU": "ru", "SA": "ar", "SE": "sv", "SI": "sl", "SK": "sk", "TH": "th", "TR": "tr",
    "TW": "zh_Hant", "UA": "uk ru", "US": "en es", "VN": "vi",
}  # fmt: skip
"""The languages of countries' names."""


@cache
def encodings() -> tuple[str, ...]:
    """Every encoding of every language, the likely ones of each first."""
    ranked = sorted((place, name) for names in OF_LANGUAGE.values() for place, name in enumerate(names))
    return tuple(dict.fromkeys(name for _, name in ranked))
