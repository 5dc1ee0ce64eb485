"""Telegram's word for who is looking: taken only whole, fresh and signed with our own token."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

import pytest

from bot.simulator.init_data import derived_token, sign_init_data
from core import settings
from core.errors import NotPermitted, WindowClosed
from core.gateways.init_data import check, token_in_force

TOKEN = "7000000001:" + "A" * 35
NOW = datetime(2026, 6, 20, 4, 0, tzinfo=UTC)


def signed(token: str = TOKEN, at: datetime = NOW, **more: str) -> str:
    """initData written from Telegram's documentation, not by the code under test."""
    fields = {"auth_date": str(int(at.timestamp())), "user": json.dumps({"id": 42, "first_name": "江 & 签"}), **more}
    lines = "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    key = hmac.new(b"WebAppData", token.encode(), hashlib.sha256).digest()
    fields["hash"] = hmac.new(key, lines.encode(), hashlib.sha256).hexdigest()
    return urlencode(fields, quote_via=quote)


def test_what_telegram_signed_names_its_user() -> None:
    assert check(signed(), TOKEN, NOW) == 42
    assert check(signed(query_id="AAE", signature="x" * 86, start_param=""), TOKEN, NOW) == 42


def test_the_simulators_word_counts_with_the_simulators_token(at: Callable[[datetime | str], datetime]) -> None:
    now = at("2026-06-20 12:00")
    word = sign_init_data(settings.simulator_token(), {"id": 1022, "first_name": "江签发"})
    assert check(word, token_in_force(), now) == 1022


def test_the_simulators_token_is_shaped_like_a_bots_and_stays_the_same() -> None:
    first = settings.simulator_token()
    number, _, secret = first.partition(":")
    assert number.isdecimal()
    assert len(secret) == 35
    settings.forget()
    assert settings.simulator_token() == first == derived_token(settings.secret_key())


def test_beside_a_real_token_the_simulators_is_worth_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAOWU_TELEGRAM_TOKEN", TOKEN)
    settings.forget()
    assert token_in_force() == TOKEN


def test_on_an_open_address_without_a_token_nobody_is_vouched_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAOWU_HOST", "192.0.2.1")
    settings.forget()
    assert token_in_force() == ""
    with pytest.raises(NotPermitted, match="init_data_forged"):
        check(signed(token=""), token_in_force(), NOW)


@pytest.mark.parametrize(
    "word",
    [
        signed(token="7000000001:" + "B" * 35),
        signed().replace("42", "43"),
        signed().replace("hash=", "hash=0"),
        signed().partition("&hash")[0],
        signed() + "&user=" + quote(json.dumps({"id": 43})),
        signed() + "&extra=1",
        "",
        "nonsense",
        "hash=é",
        "%ff=%ff&hash=00",
        signed(user="{}"),
        signed(user="[]"),
        signed(user=json.dumps({"id": "42"})),
        signed(user=json.dumps({"id": True})),
        signed(auth_date="soon"),
        signed(auth_date="9" * 40),
        signed(note="x" * 9_000),
    ],
)
def test_anything_else_is_forged(word: str) -> None:
    with pytest.raises(NotPermitted, match="init_data_forged"):
        check(word, TOKEN, NOW)


@pytest.mark.parametrize(("age", "is_fresh"), [(0, True), (3600, True), (3601, False), (-120, True), (-121, False)])
def test_it_is_good_for_an_hour_and_not_before_its_time(age: int, is_fresh: bool) -> None:
    word = signed(at=NOW - timedelta(seconds=age))
    if is_fresh:
        assert check(word, TOKEN, NOW) == 42
    else:
        with pytest.raises(WindowClosed, match="init_data_stale"):
            check(word, TOKEN, NOW)
