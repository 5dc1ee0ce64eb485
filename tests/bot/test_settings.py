"""/settings: the present choice, keys that set and never turn over, and the way back (chat.md L0)."""

from __future__ import annotations

from datetime import time

import pytest
from sqlalchemy import select

from bot.handlers.telling import Choice, choice_of
from core.actors import SYSTEM
from core.db import reading, transaction
from core.errors import NotPermitted
from core.models.accounts import TellingChoice, UserAccount
from core.queries.accounts import actor_for
from core.rules.telling import NIGHT, QuietHours
from core.usecases import telling
from tests.bot.conftest import Chat, later

ME = "jiangcheng"
NONE, EARLY = "关闭静默时段", "静默改为 21:00–08:00"


@pytest.fixture(autouse=True)
def undecided(chat: Chat) -> None:
    """The demo's people are never quiet; here nobody has chosen anything yet."""
    chat.do(lambda tx: tx.delete_all(TellingChoice, TellingChoice.id > 0))


def chosen(chat: Chat) -> tuple[time, time, bool] | None:
    with reading() as session:
        mine = select(TellingChoice).join(UserAccount, UserAccount.id == TellingChoice.account_id)
        held = session.scalars(mine.where(UserAccount.login == ME)).one_or_none()
        return None if held is None else (held.quiet_from, held.quiet_until, held.wants_digest)


def in_the_panel(chat: Chat, begins: time, ends: time) -> None:
    with reading() as session:
        actor = actor_for(session, chat.account(ME), "panel")
    with transaction(actor or SYSTEM) as tx:
        telling.choose(tx, quiet_from=begins, quiet_until=ends, wants_digest=True)


async def asked(chat: Chat) -> int:
    await chat.says(ME, "/settings")
    return int(chat.heard(ME)[-1]["message_id"])


async def test_settings_show_how_everybody_is_told_and_change_nothing(chat: Chat) -> None:
    async with chat.running():
        text = await chat.says(ME, "/settings")
    assert text.startswith("【提醒设置】静默 22:00–07:30 · 每日汇总开")
    assert chat.labels(ME) == [EARLY, NONE, "关闭每日汇总"]
    assert chosen(chat) is None


async def test_a_key_changes_it_at_once_and_the_way_back_is_the_first_key(chat: Chat) -> None:
    async with chat.running():
        message = await asked(chat)
        assert await chat.presses(ME, message, NONE) == "不静默，每日汇总开"
        await chat.reads(ME, message, "【提醒设置】不静默")
        assert chosen(chat) == (time(0), time(0), True)
        assert chat.labels(ME, message)[0] == "静默改为 22:00–07:30"
        await chat.presses(ME, message, "静默改为 22:00–07:30")
        await chat.reads(ME, message, "【提醒设置】静默 22:00–07:30")
        await chat.presses(ME, message, "关闭每日汇总")
        await chat.reads(ME, message, "每日汇总关")
        assert chosen(chat) == (time(22), time(7, 30), False), "the hours are left as they were"
        assert "开启每日汇总" in chat.labels(ME, message)


async def test_hours_set_in_the_panel_are_not_lost_by_a_wrong_tap(chat: Chat) -> None:
    in_the_panel(chat, time(20, 15), time(6))
    async with chat.running():
        message = await asked(chat)
        assert len(chat.labels(ME, message)) == 3
        await chat.presses(ME, message, EARLY)
        await chat.reads(ME, message, "21:00–08:00")
        await chat.presses(ME, message, "静默改为 20:15–06:00")
        await chat.reads(ME, message, "20:15–06:00")
    assert chosen(chat) == (time(20, 15), time(6), True)


async def test_a_key_of_an_old_screen_sets_what_it_says_and_a_second_tap_does_no_more(chat: Chat) -> None:
    async with chat.running():
        old, new = await asked(chat), await asked(chat)
        data = chat.data(ME, old, "关闭每日汇总")
        await chat.presses(ME, new, "关闭每日汇总")
        await chat.reads(ME, new, "每日汇总关")
        assert await chat.presses(ME, old, data, stale=True) == "静默 22:00–07:30，每日汇总关"
        await chat.reads(ME, old, "每日汇总关")
    assert chosen(chat) == (time(22), time(7, 30), False)


async def test_a_key_works_for_a_day_and_for_its_own_person_only(chat: Chat) -> None:
    async with chat.running():
        message = await asked(chat)
        data = chat.data(ME, message, NONE)
        await chat.says("hubei", "/settings")
        other = int(chat.heard("hubei")[-1]["message_id"])
        assert "另一位同事" in await chat.presses("hubei", other, data, stale=True)
        with later(hours=24, seconds=1):
            assert "失效" in await chat.presses(ME, message, NONE)
            await chat.until(lambda: chat.labels(ME, message) == [])
    assert chosen(chat) is None


async def test_a_stranger_has_nothing_to_set(chat: Chat) -> None:
    async with chat.running():
        assert "还没有绑定" in await chat.says("stranger", "/settings")


@pytest.mark.parametrize(
    "choice",
    [
        Choice(NIGHT),
        Choice(QuietHours(time(0), time(0))),
        Choice(QuietHours(time(23, 59), time(23, 59))),
        Choice(wants_digest=True),
        Choice(wants_digest=False),
    ],
)
def test_a_key_means_what_it_was_made_of(choice: Choice) -> None:
    assert choice_of(choice.number()) == choice


def test_a_number_no_key_carries_is_refused() -> None:
    with pytest.raises(NotPermitted):
        choice_of(Choice(wants_digest=True).number() + 1)
