"""The catalogue of messages: every one of them with sample facts, short, in verbs, and nobody's number in it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest

from core import clock
from core.db import reading
from core.notifications import registry  # noqa: F401  # all messages there are
from core.notifications.message import KINDS, Message
from core.notifications.samples import NOON, SAMPLES, Specimen, specimens
from tests.core.notifications.test_messages import EVERY, queued, year  # noqa: F401  # a fixture
from tests.factories import Year

ON_ONE_SCREEN = 280  # chat.md
MOST_KEYS = 3
NUMBERS = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|\d{17}[\dXx])(?!\d)")  # a mobile, an ID number
ALL = specimens(NOON)


def plain(text: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", text))


def test_every_message_is_in_the_catalogue() -> None:
    assert SAMPLES.keys() == KINDS.keys()


@pytest.mark.parametrize("shown", ALL, ids=[f"{one.kind}-{place}" for place, one in enumerate(ALL)])
def test_a_message_fits_one_screen_speaks_in_verbs_and_names_no_number(shown: Specimen) -> None:
    words = plain(shown.text)
    assert len(words) <= ON_ONE_SCREEN, len(words)
    assert words.splitlines()[0].startswith("【")
    assert "None" not in words
    assert "{" not in words
    assert len(shown.keys) <= MOST_KEYS
    assert not set(shown.keys) & {"确定", "取消", "OK", "是", "否"}
    if not shown.kind.startswith("candidate_accounts."):  # the one letter to candidates carries their own login
        assert not NUMBERS.search(words)


@pytest.mark.parametrize("make", EVERY)
def test_a_sample_has_the_facts_the_message_really_has(make: Callable[[Year], Message], year: Year) -> None:  # noqa: F811
    message = make(year)
    queued(message)
    with reading() as session:
        assert message.details(session, clock.now()).keys() == SAMPLES[message.kind][0].keys()
