"""Languages: which there are, the nearest to one that is asked for, and what is said in each."""

from daemon.languages.catalogues import LANGUAGES, locale_of, nearest_language, translation
from daemon.languages.own import faults_of_words, own_words, use_own_words
from daemon.languages.sentences import sentence, sentences

__all__ = [
    "LANGUAGES",
    "faults_of_words",
    "locale_of",
    "nearest_language",
    "own_words",
    "sentence",
    "sentences",
    "translation",
    "use_own_words",
]
