"""Makes `gallery/`: every kind of mail in every language, an index of them, and pictures of mails and pages: `make gallery`."""

import sys
from html import escape
from pathlib import Path

from playwright.sync_api import sync_playwright

from daemon.languages import LANGUAGES
from tests.support.mails import kinds, mail, parts

ROOT = Path(__file__).parent.parent
GALLERY = ROOT / "gallery"
PICTURES = ROOT / "deploy" / "pictures"
SHOWN = {
    "mail": ("with rejections", "en", "light"),
    "mail-held": ("held", "de", "light"),
    "mail-summary": ("summary", "fr", "dark"),
}
"""The mails of which README has a picture."""


def main() -> None:
    """Write the pages; with `--pictures` also take README's pictures of mails."""
    GALLERY.mkdir(exist_ok=True)
    lines = []
    for name in kinds():
        links = []
        for language in LANGUAGES:
            file = f"{name.replace(', ', '-').replace(' ', '-')}.{language}"
            text, html = parts(mail(name, language))
            (GALLERY / f"{file}.html").write_text(html, encoding="utf-8")
            (GALLERY / f"{file}.txt").write_text(text, encoding="utf-8")
            links.append(f'<a href="{file}.html">{language}</a> (<a href="{file}.txt">text</a>)')
        lines.append(f"<h2>{escape(name)}</h2><p>{' · '.join(links)}</p>")
    (GALLERY / "index.html").write_text(
        f"<!doctype html><meta charset=utf-8><title>Mails</title>{''.join(lines)}", encoding="utf-8"
    )
    if "--pictures" in sys.argv:
        take_pictures()


def take_pictures() -> None:
    """Pictures of some mails."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        for picture, (name, language, scheme) in SHOWN.items():
            page = browser.new_page(viewport={"width": 700, "height": 900}, color_scheme="dark" if scheme == "dark" else "light")
            page.set_content(parts(mail(name, language))[1])
            page.screenshot(path=PICTURES / f"{picture}.png", full_page=True)
        browser.close()


if __name__ == "__main__":
    main()
