"""The ground the suite stands on holds: no way out, a clock that obeys, required tests that cannot vanish."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core import clock, settings

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[2]


def test_a_test_cannot_connect_to_another_machine() -> None:
    with socket.socket() as plug, pytest.raises(AssertionError, match=r"wanted to connect to 192\.0\.2\.1"):
        plug.connect(("192.0.2.1", 80))


def test_a_test_cannot_look_up_a_name() -> None:
    with pytest.raises(AssertionError, match="wanted to look up"):
        socket.create_connection(("exam.invalid", 443))


def test_a_test_can_speak_to_this_machine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as plug:
        assert plug.getpeername() == server.getsockname()


def test_the_clock_stands_where_it_was_put(at: Callable[[datetime | str], datetime]) -> None:
    opening = at("2026-05-20 09:00")
    assert clock.now() == opening == datetime(2026, 5, 20, 1, 0, tzinfo=UTC)
    assert clock.now() == opening, "it must not tick on by itself"
    assert clock.business_today().isoformat() == "2026-05-20"
    closing = at(opening + timedelta(hours=8))
    assert clock.now() == closing


def test_no_setting_of_this_machine_reaches_a_test() -> None:
    assert settings.current().database_url == ""
    assert settings.current().data_dir.is_absolute()


def test_a_suite_that_lost_its_required_tests_does_not_look_green(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest("from tests.conftest import *")
    pytester.makepyfile("def test_nothing_in_particular(): pass")
    bare = pytester.runpytest_subprocess("--require=browser")
    assert bare.ret == pytest.ExitCode.TESTS_FAILED
    bare.stdout.fnmatch_lines(["*not one browser test ran*"])
