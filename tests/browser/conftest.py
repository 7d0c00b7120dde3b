"""A real browser, and the pages served to it."""

import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from daemon.settings import Settings
from daemon.web import serve
from tests.support.office import Office
from tests.support.servers import free_port


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"],
        )
        yield started
        started.close()


@pytest.fixture(scope="session")
def page(browser: Browser) -> Page:
    """A page of it."""
    return browser.new_page()


@pytest.fixture(autouse=True)
def _by_day(page: Page) -> Iterator[None]:
    """Each test leaves the page as the next one expects it: light, and as wide as a desk's."""
    yield
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 720})


@pytest.fixture
def served(office: Office) -> Iterator[Settings]:
    """The office's settings, and its pages served as they say."""
    listen = f"127.0.0.1:{free_port()}"
    settings = Settings.model_validate({"home": office.home, "web": {"listen": listen, "public_url": f"http://{listen}"}})
    serving, stop = threading.Event(), threading.Event()
    looks: list[str] = []
    pages = threading.Thread(target=serve, args=(office.engine, settings, office.profiles, looks.append, serving.set, stop))
    pages.start()
    assert serving.wait(20)
    yield settings
    stop.set()
    pages.join()
