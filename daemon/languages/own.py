"""Words of an admin's own: `words/LANGUAGE.toml` in the home folder says some sentences otherwise than the catalogue."""

import tomllib
from pathlib import Path

from daemon.languages.catalogues import LANGUAGES
from daemon.languages.sentences import Sentence, sentences

_own: dict[tuple[str, str], str] = {}


def use_own_words(folder: Path) -> None:
    """Say from here on what the files of a folder say; what is no sentence of ours, or lost a gap of its own, stays as it was."""
    _own.clear()
    for language, key, text, fault in _read(folder):
        if not fault:
            _own[language, key] = text


def own_words(language: str, key: str) -> Sentence | None:
    """A sentence as the admin wants it said; None where they do not say."""
    text = _own.get((language, key))
    return None if text is None else Sentence(text)


def faults_of_words(folder: Path) -> list[str]:
    """What is wrong with the words of a folder."""
    return [f"{folder / f'{language}.toml'}: {key}: {fault}" for language, key, _, fault in _read(folder) if fault]


def _read(folder: Path) -> list[tuple[str, str, str, str]]:
    """Each sentence of a folder's files: its language, its key, its text, and what is wrong with it."""
    found = []
    for path in sorted(folder.glob("*.toml")):
        language = path.stem
        if language not in LANGUAGES:
            found.append((language, "", "", f"there is no such language; there are: {', '.join(LANGUAGES)}"))
            continue
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            found.append((language, "", "", str(error)))
            continue
        for section, names in content.items():
            for name, text in (names if isinstance(names, dict) else {"": names}).items():
                found.append((language, f"{section}.{name}", str(text), _fault(f"{section}.{name}", text)))
    return found


def _fault(key: str, text: object) -> str:
    known = sentences().get(key)
    if known is None:
        return "there is no such sentence; daemon/languages/sentences.toml has them all"
    if not isinstance(text, str):
        return "not a text"
    surplus = Sentence(text).gaps - known.gaps
    return (
        f"{', '.join(sorted(surplus))}: nothing fills this; it has {', '.join(sorted(known.gaps)) or 'no gaps'}"
        if surplus
        else ""
    )
