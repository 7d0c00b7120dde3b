"""Files posted to the API: by token, once per idempotency key, the same journey as a dropped one."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from daemon.web import create_app
from tests.support.night import Night, customers
from tests.support.office import Office

TOKEN = "0123456789abcdef0123456789abcdef"
AUTH = {"authorization": f"Bearer {TOKEN}"}


class Posts(Night):
    """A night with a drop that is posted to, and a client of its API."""

    def __init__(self, office: Office) -> None:
        (office.home / "token").write_text(TOKEN + "\n")
        (office.home / "other").write_text(TOKEN[::-1] + "\n")
        super().__init__(
            office, api={"kind": "http", "token_file": "token", "max_mb": 1}, elsewhere={"kind": "http", "token_file": "other"}
        )
        self.looks: list[str] = []
        self.client = TestClient(create_app(office.engine, office.settings, office.profiles, self.looks.append))


@pytest.fixture
def posts(office: Office) -> Posts:
    """An API to post to."""
    return Posts(office)


def test_a_posted_file_is_imported(posts: Posts) -> None:
    """Raw or as a form: the answer is the run, at whose URL what came of it is found; the drop is looked into at once."""
    raw = posts.client.post("/api/imports?name=customers.csv", content=customers("C1"), headers=AUTH)
    form = posts.client.post("/api/imports", files={"file": ("customers-2.csv", customers("C2"))}, headers=AUTH)
    disposed = AUTH | {"content-disposition": "attachment; filename*=UTF-8''customers-3.csv"}
    named = posts.client.post("/api/imports", content=customers("C3"), headers=disposed)
    assert [answer.status_code for answer in (raw, form, named)] == [202, 202, 202]
    assert raw.headers["location"] == raw.json()["url"] == "http://127.0.0.1:8080/api/imports/1"
    assert posts.looks == ["api"] * 3
    posts.pass_by("api")
    told = posts.client.get("/api/imports/2", headers=AUTH).json()
    assert (told["status"], told["tally"]["created"], told["file"].partition("/")[2]) == ("imported", 1, "customers-2.csv")
    assert posts.office.rows("SELECT count(*) FROM ar.customer") == [(3,)]
    assert list((posts.office.home / "uploads" / "api").iterdir()) == []


def test_the_same_key_is_the_same_import(posts: Posts) -> None:
    """A caller that did not hear the answer asks again: nothing is imported twice, also after the first is done."""
    key = AUTH | {"idempotency-key": "night-1"}
    first = posts.client.post("/api/imports?name=customers.csv", content=customers("C1"), headers=key)
    again = posts.client.post("/api/imports?name=customers.csv", content=customers("C1"), headers=key)
    posts.pass_by("api")
    later = posts.client.post("/api/imports?name=customers.csv", content=customers("C1"), headers=key)
    other = posts.client.post("/api/imports?name=customers.csv", content=customers("C9"), headers=key)
    assert [answer.status_code for answer in (first, again, later, other)] == [202, 200, 200, 409]
    assert first.json()["url"] == again.json()["url"] == later.json()["url"]
    assert len(posts.runs()) == 1


def test_only_the_token_opens_a_drop(posts: Posts) -> None:
    """No token, a wrong one, another drop's: nothing is taken, and nothing is told."""
    posts.client.post("/api/imports?name=customers.csv", content=customers("C1"), headers=AUTH)
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {TOKEN}"}, {"authorization": "Bearer "}):
        assert posts.client.post("/api/imports?name=customers.csv", content=b"x", headers=headers).status_code == 401
        assert posts.client.get("/api/imports/1", headers=headers).status_code == 401
    assert posts.client.get("/api/imports/1", headers={"authorization": f"Bearer {TOKEN[::-1]}"}).status_code == 404
    (posts.office.home / "token").write_text("short\n")
    assert posts.client.get("/api/imports/1", headers={"authorization": "Bearer short"}).status_code == 401


@pytest.mark.parametrize(
    "name", ["", "..", "a/b.csv", "..%2Fetc%2Fpasswd", "a%00b", ".hidden", "a%0Ab.csv", "x" * 300, "a%5Cb.csv"]
)
def test_a_name_that_could_be_a_path_is_not_taken(posts: Posts, name: str) -> None:
    """It is the caller's to mend, and told so."""
    answer = posts.client.post(f"/api/imports?name={name}", content=b"x", headers=AUTH)
    assert (answer.status_code, "name the file" in answer.json()["error"]) == (400, True)
    assert not (posts.office.home / "uploads").exists()


def test_what_cannot_be_taken_is_said(posts: Posts, tmp_path: Path) -> None:
    """Too large, nobody's, a form without a file: an error that says so, and nothing is kept."""
    large = posts.client.post("/api/imports?name=customers.csv", content=b"x" * (1 << 20) + b"x", headers=AUTH)
    nobodys = posts.client.post("/api/imports?name=K.csv", content=b"x", headers=AUTH)
    empty_form = posts.client.post("/api/imports", files={"other": ("a", b"x")}, headers=AUTH)
    large_form = posts.client.post("/api/imports", files={"file": ("customers.csv", b"x" * (2 << 20))}, headers=AUTH)
    assert [answer.status_code for answer in (large, nobodys, empty_form, large_form)] == [413, 422, 400, 413]
    assert nobodys.json() == {"error": "no profile claims K.csv"}
    assert posts.runs() == []
    assert not list((tmp_path / "uploads").rglob("*.csv"))
