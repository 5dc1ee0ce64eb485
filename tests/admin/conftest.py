"""A small world for panel tests: two provinces, each with authorities, a TEO and a college, and people of every role."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from admin.app import create_app
from core.actors import SYSTEM, Actor
from core.db import reading, transaction
from core.models.accounts import UserAccount
from core.queries.accounts import account_by_login, actor_for
from tests.admin.world import PASSWORD, World, build


@pytest.fixture
def world(database: str) -> World:
    """People and organisations; see tests.admin.world."""
    return build()


@pytest.fixture
def app(world: World) -> Flask:
    """The whole web application on this test's database."""
    made = create_app()
    made.testing = True
    return made


@pytest.fixture
def browser(app: Flask) -> Callable[[str], Browser]:
    """browser("login") is a logged-in browser of that person."""
    return lambda login: Browser(app.test_client()).log_in(login)


class Browser:
    """A test client that sends CSRF tokens like a page would."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def log_in(self, login: str, password: str = PASSWORD) -> Browser:
        answer = self.post("/admin/login", {"login": login, "password": password}, page="/admin/login")
        assert answer.status_code == 303, answer.text
        return self

    def get(self, url: str) -> Any:
        return self.client.get(url)

    def text(self, url: str) -> str:
        answer = self.client.get(url)
        assert answer.status_code == 200, f"{url}: {answer.status_code}"
        return str(answer.text)

    def token(self, page: str = "/admin/") -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.client.get(page).text)
        assert found, page
        return found[1]

    def hidden(self, page: str) -> dict[str, str]:
        """Hidden fields of a verb's form."""
        text = self.client.get(page).text
        form = text[text.rindex('<form method="post" class="card form') :] if 'class="card form' in text else text
        fields = re.findall(r"<input[^>]*type=\"hidden\"[^>]*>", form)
        named = {re.search(r'name="([^"]*)"', field): re.search(r'value="([^"]*)"', field) for field in fields}
        return {name[1]: value[1] if value else "" for name, value in named.items() if name}

    def post(self, url: str, data: dict[str, Any] | None = None, *, page: str = "/admin/", **options: Any) -> Any:
        return self.client.post(url, data={"csrf_token": self.token(page)} | (data or {}), **options)

    def do(self, url: str, data: dict[str, Any] | None = None, **options: Any) -> Any:
        """Open a verb's page, fill in, send."""
        return self.client.post(url, data=self.hidden(url) | (data or {}), **options)


def actor_of(login: str) -> Actor:
    """The Actor of a person of this world."""
    with reading() as session:
        account = account_by_login(session, login)
        assert account is not None
        found = actor_for(session, account.id, "panel")
        assert found is not None
        return found


def account_of(login: str) -> UserAccount:
    """The account row of a person of this world."""
    with transaction(SYSTEM) as tx:
        found = account_by_login(tx.session, login)
        assert found is not None
        return found


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hashing at the product's strength would make up most of a run."""
    from argon2 import PasswordHasher

    from core.usecases import accounts

    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(accounts, "_hasher", cheap)
    monkeypatch.setattr(accounts, "_NOBODY", cheap.hash("a password nobody has"))
    yield
