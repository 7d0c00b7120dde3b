"""Somebody at the console: an office whose pages are served, and who may come in."""

import re
from typing import Any

from starlette.testclient import TestClient

from daemon import db, ledger
from daemon.importing import rehearse_draft
from daemon.web import create_app, hashed
from tests.support.office import Office

PASSWORD = "correct horse battery"


class Person:
    """A browser without a window, logged in."""

    def __init__(self, office: Office, name: str = "ada", role: str = "admin", *entities: str, language: str = "en") -> None:
        self.office = office
        with db.transaction(office.engine) as conn:
            ledger.people.add_account(conn, name, hashed(PASSWORD), role, entities, language)
        self.looks: list[str] = []
        self.client = TestClient(create_app(office.engine, office.settings, office.profiles, self.looks.append))
        self.log_in(name)

    def log_in(self, name: str, password: str = PASSWORD) -> Any:
        """Say who it is."""
        return self.client.post("/login", data={"name": name, "password": password, "next": "/"})

    def get(self, path: str) -> str:
        """A page that is there."""
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])
        return answer.text

    def token(self, page: str) -> str:
        """What the forms of a page carry."""
        found = re.search(r'name="form_token" value="([^"]+)"', page)
        assert found
        return found[1]

    def send(self, path: str, page: str, **fields: Any) -> Any:
        """Send a form of a page."""
        files = {name: fields.pop(name) for name in list(fields) if name == "file" and isinstance(fields[name], tuple)}
        return self.client.post(path, data={"form_token": self.token(page), **fields}, files=files or None)

    def rehearse(self) -> None:
        """Do the dry runs that the queue owes."""
        for (draft,) in self.office.rows(
            "DELETE FROM nightporter.procrastinate_jobs WHERE task_name = 'rehearse_draft' RETURNING (args->>'draft_id')::bigint"
        ):
            rehearse_draft(self.office.engine, self.office.settings, self.office.profiles, draft)
