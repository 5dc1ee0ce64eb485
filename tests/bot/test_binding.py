"""Who the bot talks to: one-time links, strangers, groups, disabled accounts, people who block it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from bot.simulator.people import Group
from core.db import Tx, reading
from core.models.accounts import ChatBinding, UserAccount
from core.queries.accounts import account_of_chat
from core.rules.organisations import ACCOUNT, BindingState
from core.usecases.bindings import bury_binding, issue_binding_code
from tests.bot.conftest import STRANGER, Chat, confirm_new_chat, later


def code_for(chat: Chat, login: str) -> str:
    return chat.do(lambda tx: issue_binding_code(tx, account_id=chat.account(login)))


def bound_login(user: int) -> str | None:
    with reading() as session:
        account = account_of_chat(session, user)
        return account.login if account else None


async def test_a_one_time_link_binds_and_greets_with_organisation_and_role(chat: Chat) -> None:
    async with chat.running():
        greeting = await chat.says("stranger", f"/start {code_for(chat, 'xiajiang')}")
    assert "峡江示例职业学校" in greeting
    assert "院校管理员" in greeting
    assert bound_login(STRANGER) == "xiajiang"


async def test_a_used_or_old_or_invented_link_binds_nobody_and_says_where_to_get_one(chat: Chat) -> None:
    used = code_for(chat, "xiajiang")
    async with chat.running():
        await chat.says("stranger", f"/start {used}")
        chat.do(lambda tx: bury_binding(tx, account_id=chat.account("xiajiang"), reason="blocked"))
        assert "失效" in await chat.says("stranger", f"/start {used}")
        assert "重新生成" in await chat.says("stranger", "/start nonsense")
        old = code_for(chat, "xiajiang")
        with later(minutes=16):
            assert "失效" in await chat.says("stranger", f"/start {old}")
    assert bound_login(STRANGER) is None


async def test_the_same_link_twice_by_the_same_person_is_no_error(chat: Chat) -> None:
    code = code_for(chat, "xiajiang")
    async with chat.running():
        first = await chat.says("stranger", f"/start {code}")
        assert await chat.says("stranger", f"/start {code}") == first


async def test_a_chat_bound_to_one_account_cannot_take_another(chat: Chat) -> None:
    async with chat.running():
        answer = await chat.says("chutian", f"/start {code_for(chat, 'xiajiang')}")
    assert "已绑定另一个" in answer
    assert bound_login(chat.user("chutian")) == "chutian"


async def test_another_phone_waits_for_a_colleague_and_says_so(chat: Chat) -> None:
    """chat.md, lost phone: neither the new chat nor the old one does anything meanwhile."""
    code = code_for(chat, "jiangcheng")
    async with chat.running():
        greeting = await chat.says("stranger", f"/start {code}")
        assert "等待确认" in greeting
        assert str(STRANGER) in greeting, "what the colleague is told"
        assert await chat.says("stranger", "/start") == greeting
        assert "等另一位" in await chat.says("stranger", "/todo")
        assert "没有绑定" in await chat.says("jiangcheng", "/todo")
        assert bound_login(STRANGER) is None
        chat.do(lambda tx: confirm_new_chat(tx, chat.account("jiangcheng")))
        assert "江城示例职业技术学院" in await chat.says("stranger", "/start")
    assert bound_login(STRANGER) == "jiangcheng"


async def test_start_without_a_code_greets_whoever_is_bound(chat: Chat) -> None:
    async with chat.running():
        assert "培训评价组织" in await chat.says("yunfan", "/start")


async def test_strangers_learn_how_to_bind_and_nothing_else(chat: Chat) -> None:
    async with chat.running():
        for words in ("/start", "/todo", "你好", "确认 K7Q4"):
            assert "绑定" in await chat.says("stranger", words)


async def test_people_of_a_disabled_account_are_told_so(chat: Chat) -> None:
    chat.do(lambda tx: tx.advance(tx.get(UserAccount, chat.account("chutian")), ACCOUNT, "disable"))
    async with chat.running():
        assert "停用" in await chat.says("chutian", "/todo")


async def test_a_locked_account_hears_until_when_and_afterwards_what_to_do(chat: Chat) -> None:
    def lock(tx: Tx) -> None:
        account = tx.get(UserAccount, chat.account("chutian"))
        tx.advance(account, ACCOUNT, "lock", locked_until=tx.now + timedelta(minutes=15))

    chat.do(lock)
    async with chat.running():
        assert "09:15" in await chat.says("chutian", "/todo")
        with later(minutes=16):
            assert "登录一次面板" in await chat.says("chutian", "/todo")


async def test_groups_get_one_line_and_no_act(chat: Chat) -> None:
    row, _ = await chat.gets("jiangcheng", "pilots.application_decided")
    api = chat.telegram.api
    group = api.add_group(Group(-7, "考务交流群", [chat.user("jiangcheng"), chat.user("chutian")]))
    async with chat.running():
        for words in ("/todo", "/start", f"/start {code_for(chat, 'xiajiang')}"):
            before = len(api.history(group.id))
            api.user_sends_text(group.id, words, sender=chat.user("jiangcheng"))
            await chat.until(lambda before=before: len(api.history(group.id)) == before + 2)
    spoken = {m["text"] for m in api.history(group.id) if m["from"]["is_bot"]}
    assert len(spoken) == 1
    assert "私聊" in spoken.pop()
    assert bound_login(chat.user("jiangcheng")) == "jiangcheng"
    assert chat.again(row).reply_state == row.reply_state


async def test_a_key_pressed_in_a_group_does_nothing(chat: Chat) -> None:
    row, message = await chat.gets("jiangcheng", "pilots.application_decided")
    api = chat.telegram.api
    group = api.add_group(Group(-7, "考务交流群", [chat.user("jiangcheng")]))
    copy = api.user_forwards(chat.user("jiangcheng"), message, to=group.id, despite_protection=True)
    async with chat.running():
        press = api.user_presses(group.id, copy, "已知悉", presser=chat.user("jiangcheng"))
        assert "私聊" in await chat.answer(press)
    assert chat.again(row).reply_state == row.reply_state


async def test_whoever_blocks_the_bot_is_shown_as_unreachable_at_once(chat: Chat) -> None:
    async with chat.running():
        chat.telegram.api.user_blocks_bot(chat.user("chutian"))
        await chat.until(lambda: bound_login(chat.user("chutian")) is None)
    with reading() as session:
        binding = session.scalars(select(ChatBinding).where(ChatBinding.telegram_user_id == chat.user("chutian"))).one()
        assert binding.state is BindingState.DEAD


async def test_an_answer_refused_with_403_buries_the_binding(chat: Chat) -> None:
    chat.telegram.api.user_sends_text(chat.user("chutian"), "/help")
    chat.telegram.api.user_leaves_telegram(chat.user("chutian"))
    async with chat.running():
        await chat.until(lambda: bound_login(chat.user("chutian")) is None)


async def test_a_name_that_looks_like_the_officers_is_nobodys_key(chat: Chat) -> None:
    api = chat.telegram.api
    api.people[STRANGER].first_name, api.people[STRANGER].username = "江签发", "jiangcheng-fzr"
    async with chat.running():
        assert "绑定" in await chat.says("stranger", "/sign")
