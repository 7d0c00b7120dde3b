"""The mails in a real browser: nothing sticks out on a phone, and everything can be read, by day and by night."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from daemon.languages import LANGUAGES
from tests.support.mails import kinds, mail, parts

CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]}
PSEUDO = "qps"


@pytest.mark.parametrize("name", list(kinds()))
def test_no_mail_is_wider_than_its_window(page: Page, name: str) -> None:
    """At 390 and 640 pixels, in every language and one of long words, no element is wider than the view."""
    page.goto("about:blank")  # away from pages whose policy allows no inline style
    for width in (390, 640):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(f"innerWidth == {width}")
        for language in (*LANGUAGES, PSEUDO):
            page.set_content(parts(mail(name, language))[1])
            assert page.evaluate(_WIDE) == 0, (language, width)


_WIDE = "[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).length"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_of_a_mail_has_enough_contrast(page: Page, scheme: str) -> None:
    """AA, computed by axe, in the light and in the dark; and no text is smaller than 14 pixels."""
    page.goto("about:blank")
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": 640, "height": 900})
    for name in kinds():
        page.set_content(parts(mail(name, "de"))[1])
        found = Axe().run(page, options=CONTRAST)
        assert found.violations_count == 0, (name, found.generate_report())
        small = page.evaluate(
            "[...document.querySelectorAll('body *')].filter(e => [...e.childNodes].some(n => n.nodeType == 3 && n.textContent.trim())"
            " && parseFloat(getComputedStyle(e).fontSize) < 14).map(e => e.textContent)"
        )
        assert small == [], name
