"""The panel on the small year of tests.factories, and browsers that open a page, fill it in and send it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache

from admin.app import create_app
from admin.captcha import letters_of
from core import clock
from core.actors import SYSTEM
from core.db import transaction
from core.models.accounts import UserAccount
from core.usecases import accounts
from core.usecases.accounts import set_password
from tests.factories import Year, Years, moment, stage_folder, years

__all__ = ["stage_folder", "years"]

PASSWORD = "correct-horse-7"
HIDDEN = re.compile(r'<input[^>]*name="(csrf_token|row_version|ticket|back)"[^>]*value="([^"]*)"')
INPUT = re.compile(r"<input[^>]*>")
ATTRIBUTE = re.compile(r'(name|value|type)="([^"]*)"')


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing at the product's strength would be most of a run."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(accounts, "_hasher", cheap)
    monkeypatch.setattr(accounts, "_NOBODY", cheap.hash("a password nobody has"))


class Browser:
    """One person's browser."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, url: str, **options: Any) -> Any:
        return self.client.get(url, **options)

    def text(self, url: str) -> str:
        """The page's HTML; it must be there."""
        answer = self.client.get(url)
        assert answer.status_code == 200, f"{url}: {answer.status_code} {words(answer)[:300]}"
        return str(answer.text)

    def token(self) -> str:
        """A CSRF token of this session."""
        page = self.client.get("/admin/password/")
        if page.status_code != 200:
            page = self.client.get("/admin/login")
        found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        assert found
        return found[1]

    def captcha(self, url: str) -> dict[str, str]:
        """What somebody types who reads the picture on a page."""
        token = re.search(r'name="captcha_token" value="([^"]+)"', self.text(url))
        assert token, f"{url} shows no picture"
        return {"captcha_token": token[1], "captcha": letters_of(token[1])}

    def post(self, url: str, data: dict[str, Any] | None = None, **options: Any) -> Any:
        """Send with a valid token, as a page of ours would."""
        return self.client.post(url, data={"csrf_token": self.token()} | (data or {}), **options)

    def hidden(self, url: str) -> dict[str, str]:
        """The hidden fields of the form on a verb's page."""
        page = self.text(url)
        form = page[page.index('class="card form') :]
        fields: dict[str, str] = {}
        for tag in INPUT.findall(form):
            named = dict(ATTRIBUTE.findall(tag))
            if named.get("type") == "hidden" and "name" in named:
                fields[named["name"]] = unescape(named.get("value", ""))
        return fields

    def do(self, url: str, data: dict[str, Any] | None = None, **options: Any) -> Any:
        """Open a verb's page, fill it in, send it."""
        return self.client.post(url, data=self.hidden(url) | (data or {}), **options)


@dataclass(slots=True)
class Panel:
    """The application on a year at some stage."""

    year: Year
    app: Flask

    def browser(self, login: str = "") -> Browser:
        """A browser of its own, of somebody who has logged in, or of nobody."""
        browser = Browser(self.app.test_client())
        if login:
            give_password(self.year, login)
            answer = browser.post("/admin/login", {"login": login, "password": PASSWORD})
            assert answer.status_code == 303, words(answer)
        return browser


def give_password(year: Year, login: str) -> None:
    """The cast has no passwords until somebody needs one."""
    ident = year[f"account:{login}"]
    with transaction(SYSTEM) as tx:
        if tx.get(UserAccount, ident).password_hash is None:
            set_password(tx, account_id=ident, password=PASSWORD)


def words(answer: Any) -> str:
    """What a page says, without markup."""
    body = re.sub(r"<(script|style|head).*?</\1>", " ", answer.text, flags=re.S)
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)))


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Templates are compiled once a session, not once an application."""
    return tmp_path_factory.mktemp("templates")


OpenPanel = Callable[..., Panel]


@pytest.fixture
def panel(years: Years, compiled: Path) -> Iterator[OpenPanel]:
    """panel("applied"): the year at that stage, the clock stopped there (or at `at`), and the application on it."""
    with ExitStack() as stack:

        def open_at(stage: str, at: datetime | None = None) -> Panel:
            year = years(stage)
            stack.enter_context(clock.pinned(at or moment(stage)))
            app = create_app()
            app.testing = True
            app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(compiled))
            return Panel(year, app)

        yield open_at
