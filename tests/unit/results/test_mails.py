"""The mails in every kind and every language: the same numbers, nothing unfilled, nothing forgotten."""

import re

import pytest

from daemon.languages import LANGUAGES
from tests.support.mails import kinds, mail, parts

NAMES = list(kinds())


def numbers(text: str) -> set[str]:
    """What is counted or paid, whatever the marks it is written with."""
    found = re.findall(r"\d{1,3}(?:[ .,’']\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?", text)
    return {re.sub(r"\D", "", each) for each in found}


@pytest.mark.parametrize("name", NAMES)
def test_text_and_html_tell_the_same_in_every_language(name: str) -> None:
    """No gap is left open; every number and link of the HTML is in the text; text has plain spaces only."""
    english = numbers(parts(mail(name, "en"))[0])
    for language in LANGUAGES:
        message = mail(name, language)
        text, html = parts(message)
        assert not re.search(r"[{}]", text + str(message["Subject"])), (language, text)
        assert not re.search(r"[\u00a0\u202f]", text)
        assert numbers(text) >= {each for each in english if len(each) > 4}, language
        for link in re.findall(r'href="(https://[^"]+)"', html):
            assert link in text
        assert f'<html lang="{language}"' in html


@pytest.mark.parametrize("name", NAMES)
def test_a_mail_is_addressed_threaded_and_known_for_automatic(name: str) -> None:
    """What a mailbox and a robot look at is there in each: list, thread of its feed, automatic, one subject line."""
    message = mail(name, "fr")
    assert message["List-Id"] == "Nightporter <nightporter.example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == "<1@nightporter>"
    assert str(message["Subject"]).isprintable()
    if name in ("imported", "refused", "missing", "late"):
        assert message["References"] == mail("held", "fr")["References"]


def test_times_are_the_readers_to_the_minute() -> None:
    """Four in the morning UTC is five in Paris, and nobody is told the seconds."""
    text, _ = parts(mail("imported", "fr"))
    assert "05:07" in text
    assert "UTC" not in text
    assert ":12" not in text.replace("05:07", "")


def test_a_mail_says_first_what_it_means_for_the_ledger() -> None:
    """The first line of the text is one sentence with the rows, the money, and what needs a look."""
    first = parts(mail("with rejections", "en"))[0].splitlines()[0]
    assert first == (
        "473 rows taken, 1,492,109.06 EUR open now; 9 rows, 35,544.20 EUR, need a look; 9 rows wait for their customers."
    )


def test_only_admins_are_told_of_drops_and_columns() -> None:
    """A credit manager is not bothered with the drop, the profile, and columns that came and went."""
    manager, admin = (parts(mail(name, "en"))[0] for name in ("imported", "imported, notes, for an admin"))
    for technical in ("Drop: erp", "Profile: sage-open-items", "New columns: Région"):
        assert technical in admin
        assert technical not in manager
