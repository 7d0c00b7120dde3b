"""Login by a company's provider, on loopback: whom it vouches for comes in, as what the accounts here say; nobody else does."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pydantic
import pytest
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient

from daemon.settings import Oidc, Settings
from tests.support.console import Person
from tests.support.identity import CLIENT, SECRET, Provider, provider
from tests.support.office import Office


@pytest.fixture
def company() -> Iterator[Provider]:
    """The company's provider."""
    with provider() as made:
        yield made


@pytest.fixture
def browser(office: Office, company: Provider) -> TestClient:
    """A browser of somebody who has an account, and has not logged in."""
    secret = office.home / "oidc.secret"
    secret.write_text(SECRET)
    oidc = {"name": "ACME", "issuer": company.issuer, "client_id": CLIENT, "client_secret_file": str(secret)}
    office.settings = Settings.model_validate({"home": office.home, "web": {"oidc": oidc}})
    person = Person(office, "ada@example.com")
    person.client.cookies.clear()
    return person.client


def came_back(browser: TestClient, path: str = "/oidc/login?next=/runs") -> str:
    """Leave for the provider; the address that it sends the browser back to."""
    left = browser.get(path, follow_redirects=False)
    back = urlsplit(httpx2.get(left.headers["location"]).headers["location"])
    return f"{back.path}?{back.query}"


def arrived(browser: TestClient, path: str) -> Any:
    """What is answered to who comes back."""
    return browser.get(path, follow_redirects=False)


def test_who_is_known_comes_in(browser: TestClient) -> None:
    """The page offers it; whoever the provider vouches for goes on to what was asked for, logged in under the name of the account."""
    assert "Log in with ACME" in browser.get("/runs").text
    answer = arrived(browser, came_back(browser))
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
    assert "Log out ada@example.com" in browser.get("/runs").text
    assert "logged in" in browser.get("/audit").text


def test_it_leads_nowhere_else(browser: TestClient) -> None:
    """What is to be gone on with is an address of ours."""
    assert arrived(browser, came_back(browser, "/oidc/login?next=//evil.example")).headers["location"] == "/"


def test_who_has_no_account_stays_out(browser: TestClient, company: Provider) -> None:
    """To be known there is not enough; it is said who would have to be known here."""
    company.claims["email"] = "eve@example.com"
    answer = arrived(browser, came_back(browser))
    assert answer.status_code == 403
    assert "eve@example.com is unknown here" in answer.text
    assert "Log in" in browser.get("/runs").text


@pytest.mark.parametrize("verified", [False, None, "true"])
def test_an_address_that_nobody_verified_is_none(browser: TestClient, company: Provider, verified: object) -> None:
    """Somebody may have written any address into their profile there."""
    company.claims["email_verified"] = verified
    assert arrived(browser, came_back(browser)).status_code == 401


@pytest.mark.parametrize("claim", [{"aud": "another"}, {"iss": "http://127.0.0.1:1"}, {"nonce": "another"}, {"exp": 1}])
def test_a_word_for_somebody_else_is_not_taken(browser: TestClient, company: Provider, claim: dict[str, object]) -> None:
    """A token for another client, by another issuer, of another login, or that has run out lets nobody in."""
    company.claims |= claim
    assert arrived(browser, came_back(browser)).status_code == 401


def test_a_forged_word_is_not_taken(browser: TestClient, company: Provider) -> None:
    """A token that the provider's keys did not sign lets nobody in."""
    company.signs_by = RSAKey.generate_key(2048, {"kid": "1"}, private=True)
    assert arrived(browser, came_back(browser)).status_code == 401


def test_nobody_is_logged_in_by_another_ones_address(office: Office, browser: TestClient) -> None:
    """The address to come back to works in the browser that left, and once."""
    back = came_back(browser)
    other = Person(office, "gerd").client
    other.cookies.clear()
    assert arrived(other, back).status_code == 401
    assert arrived(browser, back).status_code == 303
    assert arrived(browser, back).status_code == 401


def test_a_provider_that_is_down_is_told(office: Office) -> None:
    """Whoever would log in by it is told so, and may still use a password."""
    oidc = {"name": "ACME", "issuer": "http://127.0.0.1:1", "client_id": CLIENT}
    office.settings = Settings.model_validate({"home": office.home, "web": {"oidc": oidc}})
    browser = Person(office).client
    browser.cookies.clear()
    answer = browser.get("/oidc/login")
    assert (answer.status_code, "did not succeed" in answer.text) == (503, True)
    assert 'type="password"' in answer.text


def test_without_a_provider_there_is_nothing(office: Office) -> None:
    """The page offers none, and its addresses open nothing; one whose address is not encrypted is a mistake in the settings."""
    person = Person(office)
    assert person.client.get("/oidc/login").status_code == 404
    with pytest.raises(pydantic.ValidationError, match="not an https address"):
        Oidc(name="ACME", issuer="http://login.example.com", client_id="x")
