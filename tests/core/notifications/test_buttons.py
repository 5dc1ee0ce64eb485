"""Buttons carry their own proof: forged, borrowed and expired ones are refused, whatever happened to the process."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta

import pytest

from core import settings
from core.errors import NotPermitted, WindowClosed
from core.notifications.buttons import press_data, read_press
from core.notifications.message import Press
from tests.factories import SECOND, on

NOW = on("2026-05-20 09:00")
ENDS = NOW + timedelta(hours=1)


def made(**other: object) -> str:
    given = {"notification_id": 7, "version": 3, "expires": ENDS, "user_id": 1001} | other
    return press_data(Press.ACKNOWLEDGE, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("press", list(Press))
def test_a_button_says_what_which_and_of_which_version(press: Press) -> None:
    data = press_data(press, notification_id=7, version=3, expires=ENDS, user_id=1001)
    found = read_press(data, user_id=1001, now=NOW)
    assert (found.press, found.notification_id, found.version) == (press, 7, 3)


def test_the_largest_button_fits_into_64_bytes() -> None:
    data = made(notification_id=2**32 - 1, version=2**32 - 1, user_id=2**52, expires=on("2999-01-01 00:00"))
    assert len(data.encode()) <= 64
    assert read_press(data, user_id=2**52, now=NOW).notification_id == 2**32 - 1


@pytest.mark.parametrize(("now", "is_good"), [(NOW, True), (ENDS - SECOND, True), (ENDS, True), (ENDS + SECOND, False)])
def test_a_button_works_until_its_time(now: datetime, is_good: bool) -> None:
    if is_good:
        read_press(made(), user_id=1001, now=now)
        return
    with pytest.raises(WindowClosed) as caught:
        read_press(made(), user_id=1001, now=now)
    assert (caught.value.sentence_code, caught.value.facts["closes_at"]) == ("button_expired", ENDS)


@pytest.mark.parametrize("user_id", [1002, 0, -1001])
def test_somebody_elses_button_is_refused(user_id: int) -> None:
    with pytest.raises(NotPermitted) as caught:
        read_press(made(), user_id=user_id, now=NOW)
    assert caught.value.sentence_code == "task_of_another"


@pytest.mark.parametrize("data", ["", "x", "ak:7:3", "=" * 64, "á", "A" * 64, "AAAA" * 100])
def test_something_that_never_was_a_button_is_refused(data: str) -> None:
    with pytest.raises(NotPermitted):
        read_press(data, user_id=1001, now=NOW)


@pytest.mark.parametrize("place", range(26))
def test_no_byte_of_a_button_can_be_changed(place: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(made() + "=="))
    raw[place] ^= 1
    forged = base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")
    with pytest.raises(NotPermitted):
        read_press(forged, user_id=1001, now=NOW)


def test_a_button_made_with_another_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAOWU_SECRET_KEY", "one key for the test, long enough")
    settings.forget()
    data = made()
    monkeypatch.setenv("KAOWU_SECRET_KEY", "another key for the test, long enough")
    settings.forget()
    with pytest.raises(NotPermitted):
        read_press(data, user_id=1001, now=NOW)


def test_a_button_survives_a_restart() -> None:
    data = made()
    settings.forget()
    assert read_press(data, user_id=1001, now=NOW).notification_id == 7
