"""1 to 4, 15 and 27: whoever presses, and wherever: ids decide, a second tap is no second act, groups do nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.simulator.api import PhoneRefused
from bot.simulator.faults import Fault
from bot.simulator.people import Group
from bot.words import say
from core.db import reading
from core.models.accounts import ChatBinding
from core.models.records import ChatUpdate, Notification
from core.rules.notices import ReplyState
from core.rules.organisations import BindingState
from tests.bot.acceptance.conftest import clear_the_way, deliver, kept, told
from tests.bot.conftest import STRANGER, Chat, later
from tests.bot.review_steps import (
    CONFIRM,
    DECIDED,
    GO,
    OTHER_PROVINCE,
    PROVINCE,
    application,
    asked,
    decisions_made,
    drafts,
    ident,
    recapped,
)

GROUP = -7


def group_of(chat: Chat, *logins: str) -> Group:
    return chat.telegram.api.add_group(Group(GROUP, "审核交流群", [chat.user(login) for login in logins]))


def results_told(chat: Chat) -> list[int]:
    """Who has been told the result of the application, an account id each time."""
    with reading() as session:
        rows = session.scalars(
            select(Notification).where(Notification.kind == DECIDED, Notification.facts.contains('"is_approved": true'))
        )
        return [row.account_id for row in rows if f'"application_id": {ident(chat)},' in row.facts]


async def test_01_double_tap(any_chat: Chat) -> None:
    """Neither screen lets a double tap through, and of three confirmations one acts and all say the same."""
    chat = any_chat
    row, message = await asked(chat)
    api, me = chat.telegram.api, chat.user(PROVINCE)
    before = results_told(chat)
    go = chat.data(PROVINCE, message, GO)
    async with chat.running():
        twice = [api.user_presses(me, message, go, stale=True) for _ in range(2)]
        assert len({await chat.answer(press) for press in twice}) == 1
        await chat.reads(PROVINCE, message, "现在还没有通过")
        assert (drafts(), decisions_made(chat)) == (1, 0)
        confirm = chat.data(PROVINCE, message, CONFIRM)
        assert "再按一次" in await chat.presses(PROVINCE, message, confirm)
        assert decisions_made(chat) == 0
        with later(seconds=1):
            presses = [api.user_presses(me, message, confirm, stale=True) for _ in range(3)]
            assert {await chat.answer(press) for press in presses} == {"已批准 24 人 · hubei"}
            await chat.reads(PROVINCE, message, "结果：通过，批准 24 人")
    assert (decisions_made(chat), drafts(), application(chat).approved_count) == (1, 0, 24)
    assert chat.again(row).reply_state is ReplyState.DONE
    now_told = results_told(chat)[len(before) :]
    assert now_told, "the college hears of it"
    assert len(now_told) == len(set(now_told)), "and once"


async def test_02_tap_by_another_person(chat: Chat) -> None:
    """A colleague's key, pressed from one's own chat: words and nothing else; the third time somebody is told."""
    row, message = await asked(chat)
    stolen = chat.data(PROVINCE, message, GO)
    async with chat.running():
        await chat.says(OTHER_PROVINCE, "/help")
        own = int(chat.heard(OTHER_PROVINCE)[-1]["message_id"])
        for events in (0, 0, 1, 1):
            assert "属于另一位同事" in await chat.presses(OTHER_PROVINCE, own, stolen, stale=True)
            assert kept("security_event") == events
        assert told("accounts.keys_of_others") == {"admin"}
        assert kept("press_of_another") == 3, "nobody fills the trail by pressing"
        await recapped(chat, PROVINCE, message)
    assert (decisions_made(chat), chat.again(row).reply_state) == (0, ReplyState.OPEN)


async def test_03_tap_in_a_group(chat: Chat) -> None:
    """Not even whose task it is decides anything where others look on."""
    row, message = await asked(chat)
    api, me = chat.telegram.api, chat.user(PROVINCE)
    group = group_of(chat, PROVINCE, OTHER_PROVINCE)
    copy = api.user_forwards(me, message, to=group.id, despite_protection=True)
    async with chat.running():
        for presser in (PROVINCE, OTHER_PROVINCE):
            press = api.user_presses(group.id, copy, GO, presser=chat.user(presser))
            assert "私聊" in await chat.answer(press)
    assert (drafts(), decisions_made(chat), chat.again(row).reply_state) == (0, 0, ReplyState.OPEN)
    assert GO in [key["text"] for key in api.buttons(me, message)], "the message in the private chat is as it was"
    with reading() as session:
        assert not list(session.scalars(select(ChatUpdate))), "no verb was even begun"


async def test_04_forwarded_copy(chat: Chat) -> None:
    """Telegram is asked to forbid it; where a phone forwards all the same, the copy is worth nothing to its reader."""
    row, message = await asked(chat)
    api, me, other = chat.telegram.api, chat.user(PROVINCE), chat.user(OTHER_PROVINCE)
    with pytest.raises(PhoneRefused, match="simulator_protected"):
        api.user_forwards(me, message, to=other)
    copy = api.user_forwards(me, message, to=other, despite_protection=True)
    forwarded = next(m for m in api.history(other) if m["message_id"] == copy)["text"]
    async with chat.running():
        for _ in range(3):
            assert "属于另一位同事" in await chat.answer(api.user_presses(other, copy, GO))
        await chat.until(lambda: kept("security_event") == 1)
        assert (drafts(), decisions_made(chat)) == (0, 0)
        await recapped(chat, PROVINCE, message)
        with later(seconds=2):
            await chat.presses(PROVINCE, message, CONFIRM)
    assert next(m for m in api.history(other) if m["message_id"] == copy)["text"] == forwarded
    assert (decisions_made(chat), chat.again(row).reply_state) == (1, ReplyState.DONE)
    await deliver()
    words = chat.do(lambda tx: [n.facts for n in tx.all(select(Notification)) if n.kind == "accounts.keys_of_others"])
    assert len(words) == 1


async def test_15_group_became_supergroup(chat: Chat) -> None:
    """Groups move, are silenced and throw the bot out: no act, no binding lost, and never a message of a person's."""
    clear_the_way(chat)
    row, message = await chat.gets_decision("jiangcheng")
    api, me = chat.telegram.api, chat.user("jiangcheng")
    group = group_of(chat, "jiangcheng")
    copy = api.user_forwards(me, message, to=group.id, despite_protection=True)
    api.user_presses(group.id, copy, "已知悉", presser=me)
    api.user_sends_text(group.id, "/todo", sender=me)
    moved = api.group_becomes_supergroup(group.id)
    api.user_sends_text(moved, f"确认 {row.task_code}", sender=me)
    api.user_sends_text(moved, f"/start@{api.bot['username']} K7Q4", sender=me)
    async with chat.running():
        await chat.until(lambda: len([m for m in api.history(moved) if m["from"]["is_bot"]]) == 2)
        await chat.says("jiangcheng", "/help")
    assert {m["text"] for m in api.history(moved) if m["from"]["is_bot"]} == {say("private_only")}
    with reading() as session:
        held = session.scalars(select(ChatBinding).where(ChatBinding.telegram_user_id == me)).one()
        assert held.state is BindingState.ACTIVE
        assert not list(session.scalars(select(ChatBinding).where(ChatBinding.telegram_user_id < 0)))
    await deliver()
    assert chat.again(row).reply_state is ReplyState.OPEN
    assert all(call.chat_id in api.people or call.chat_id == moved for call in api.accepted("sendMessage"))


async def test_15_a_group_that_silences_the_bot_costs_nobody_their_binding(chat: Chat) -> None:
    api, me = chat.telegram.api, chat.user("jiangcheng")
    group = group_of(chat, "jiangcheng")
    api.faults.script("sendMessage", Fault.refused(403, "Forbidden: bot was kicked from the group chat"))
    api.user_sends_text(group.id, "/todo", sender=me)
    async with chat.running():
        await chat.until(lambda: api.refused("sendMessage"))
        assert "【待办】" in await chat.says("jiangcheng", "/todo")


async def test_27_presser_renamed_like_an_approver(chat: Chat) -> None:
    """Names and @names are anybody's to choose; the id is not."""
    row, message = await asked(chat)
    api, other = chat.telegram.api, chat.user(OTHER_PROVINCE)
    approver = api.people[chat.user(PROVINCE)]
    approver.username = "hubei_shenhe"
    for person in (api.people[other], api.people[STRANGER]):
        person.first_name, person.username = approver.first_name, approver.username
    copies = {
        user: api.user_forwards(approver.id, message, to=user, despite_protection=True) for user in (other, STRANGER)
    }
    async with chat.running():
        assert "属于另一位同事" in await chat.answer(api.user_presses(other, copies[other], GO))
        assert "绑定" in await chat.answer(api.user_presses(STRANGER, copies[STRANGER], GO))
        for login in (OTHER_PROVINCE, "stranger"):
            answer = await chat.says(login, f"确认 {row.task_code}")
            assert "没有找到编号" in answer or "绑定" in answer
        assert (drafts(), decisions_made(chat)) == (0, 0)
        approver.first_name, approver.username = "谁也不认识", ""
        await recapped(chat, PROVINCE, message)
    assert drafts() == 1
