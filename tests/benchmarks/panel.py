"""The panel as somebody sees it who has logged in."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask.testing import FlaskClient

PASSWORD = "a-benchmark-2026"


def without_obstacles() -> None:
    """No picture and no second factor at the login, which is not what is measured; before the settings are read."""
    os.environ |= {"KAOWU_LOGIN_CAPTCHA": "after_failure", "KAOWU_SECOND_FACTOR": "offered"}


def browser(login: str) -> FlaskClient:
    """Somebody's browser; the account's password is PASSWORD."""
    from admin.app import create_app  # only those who open pages wait for it

    client = create_app().test_client()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/admin/login").text)
    assert token
    answer = client.post("/admin/login", data={"csrf_token": token[1], "login": login, "password": PASSWORD})
    assert answer.status_code == 303
    return client
