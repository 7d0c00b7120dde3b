"""Languages: which there are, the nearest to one that is asked for, and what is said in each."""

from daemon.languages.catalogues import LANGUAGES, locale_of, nearest_language, translation
from daemon.languages.sentences import sentence, sentences

__all__ = ["LANGUAGES", "locale_of", "nearest_language", "sentence", "sentences", "translation"]
