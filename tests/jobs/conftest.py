"""The small year of tests.factories, the demo's world, a clock that stands without stopping sleep, and a Telegram."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime

import pytest

from bot.simulator.people import Persona
from core import clock, settings
from core.gateways import telegram
from tests.factories import (
    CAST,
    any_years,
    demo,
    on,
    postgres_stages,
    postgres_years,
    stage_folder,
    years,
)
from tests.fakes import RunningBotApi, running_bot_api

__all__ = ["any_years", "demo", "postgres_stages", "postgres_years", "stage_folder", "years"]


@pytest.fixture
def stand() -> Iterator[Callable[[datetime | str], datetime]]:
    """stand(instant): the product's clock stands there; unlike `at` it leaves sleeping and timeouts alone."""
    with ExitStack() as stack:

        def move(moment: datetime | str) -> datetime:
            stack.close()
            instant = on(moment) if isinstance(moment, str) else moment
            stack.enter_context(clock.pinned(instant))
            return instant

        yield move


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch, own_settings: None) -> Iterator[RunningBotApi]:
    """A Bot API over real HTTP in which everybody of the year has started the bot; timeouts are short."""
    people = [Persona(number, f"人物{number}") for _, _, number in CAST.values() if number is not None]
    with running_bot_api(people) as running:
        for person in people:
            running.api.user_sends_text(person.id, "/start")
        monkeypatch.setenv("KAOWU_TELEGRAM_TOKEN", running.token)
        monkeypatch.setenv("KAOWU_TELEGRAM_API_URL", running.root)
        settings.forget()
        request = telegram.Connection
        monkeypatch.setattr(telegram, "Connection", lambda to, **given: request(to, **given | {"read_timeout": 0.5}))
        yield running
