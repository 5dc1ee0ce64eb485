"""/lock, a proposal to stand in, and 已知悉 taken back, pressed in a real chat."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from core.db import Tx, reading, transaction
from core.models.accounts import AccountRole, ChatBinding, UserAccount
from core.models.delegations import Delegation
from core.queries.accounts import active_binding, actor_for
from core.rules.delegations import DelegationState, Duty
from core.rules.notices import ReplyState
from core.rules.organisations import Role
from core.usecases import bindings, delegations, freezing
from tests.bot.conftest import Chat, later
from tests.channels import install

CONFIRM = "确认冻结 1 个账号"


def frozen(chat: Chat, login: str) -> bool:
    with reading() as session:
        return session.get_one(UserAccount, chat.account(login)).acts_frozen_at is not None


async def test_lock_asks_first_and_acts_on_the_second_tap(chat: Chat) -> None:
    async with chat.running():
        recap = await chat.says("jiangcheng", "/lock jiangcheng")
        message = int(chat.heard("jiangcheng")[-1]["message_id"])
        assert "现在还没有冻结" in recap
        assert chat.labels("jiangcheng", message) == ["不冻结", CONFIRM]
        assert "还没有办理" in await chat.presses("jiangcheng", message, CONFIRM)
        assert not frozen(chat, "jiangcheng")
        with later(seconds=2):
            assert "已冻结" in await chat.presses("jiangcheng", message, CONFIRM)
            assert "登录面板" in await chat.reads("jiangcheng", message, "已冻结账号 jiangcheng")
    assert frozen(chat, "jiangcheng")
    assert chat.labels("jiangcheng", message) == []


async def test_lock_turned_down_and_lock_without_a_name(chat: Chat) -> None:
    async with chat.running():
        assert "/lock jiangcheng" in await chat.says("jiangcheng", "/lock")
        await chat.says("jiangcheng", "/lock jiangcheng")
        message = int(chat.heard("jiangcheng")[-1]["message_id"])
        assert await chat.presses("jiangcheng", message, "不冻结") == "没有冻结"
    assert not frozen(chat, "jiangcheng")


async def test_nobody_of_another_house_is_locked(chat: Chat) -> None:
    async with chat.running():
        answer = await chat.says("jiangcheng", "/lock chutian")
        assert "本单位没有账号" in answer
        assert answer.replace("chutian", "x") == (await chat.says("jiangcheng", "/lock nobody")).replace("nobody", "x")
    assert not frozen(chat, "chutian")


async def test_what_a_frozen_person_acknowledged_is_acknowledged(chat: Chat) -> None:
    row, message = await chat.gets_decision("jiangcheng")

    def freeze() -> None:
        with reading() as session:
            actor = actor_for(session, chat.account("jiangcheng"), "panel")
        assert actor is not None
        with transaction(actor) as tx:
            freezing.freeze_acts(tx, account_id=chat.account("jiangcheng"))

    freeze()
    async with chat.running():
        await chat.presses("jiangcheng", message, "已知悉")
    assert chat.again(row).reply_state is ReplyState.ACKNOWLEDGED


async def test_seen_is_taken_back_while_the_key_is_there(chat: Chat) -> None:
    row, message = await chat.gets_decision("jiangcheng")
    async with chat.running():
        await chat.presses("jiangcheng", message, "已知悉")
        await chat.until(lambda: chat.labels("jiangcheng", message) == ["撤回“已知悉”"])
        with later(minutes=9, seconds=59):
            assert await chat.presses("jiangcheng", message, "撤回“已知悉”") == "待回复"
            await chat.until(lambda: "已知悉" in chat.labels("jiangcheng", message))
    assert chat.again(row).reply_state is ReplyState.OPEN


async def test_after_ten_minutes_the_key_answers_with_words_and_is_gone(chat: Chat) -> None:
    row, message = await chat.gets_decision("jiangcheng")
    async with chat.running():
        await chat.presses("jiangcheng", message, "已知悉")
        await chat.until(lambda: chat.labels("jiangcheng", message) == ["撤回“已知悉”"])
        with later(minutes=10):
            assert "10 分钟内撤回" in await chat.presses("jiangcheng", message, "撤回“已知悉”")
            await chat.until(lambda: chat.labels("jiangcheng", message) == [])
    assert chat.again(row).reply_state is ReplyState.ACKNOWLEDGED


async def test_a_proposal_is_accepted_with_a_recap(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    """One L2 act of the person whose work it is; a deputy with a mail address can be reached."""
    install(monkeypatch, "mailto://example.org?to={email}")
    home = chat.account("jiangcheng")

    def colleague(tx: Tx) -> int:
        mine = tx.get(UserAccount, home)
        made = UserAccount(login="tongshi", real_name="演同事", email="t@example.com", college_id=mine.college_id)
        made.roles = [AccountRole(role=Role.COORDINATOR)]
        return int(tx.add(made).id)

    deputy = chat.do(colleague)
    with reading() as session:
        actor = actor_for(session, home, "panel")
    assert actor is not None
    with transaction(actor) as tx:
        ends_at = clock.now() + timedelta(days=7)
        ident = delegations.propose_delegation(
            tx, principal_id=home, deputy_id=deputy, duty=Duty.SITE, ends_at=ends_at
        ).id
    _, message = await chat.gets("jiangcheng", "delegations.proposed", ident)
    async with chat.running():
        await chat.presses("jiangcheng", message, "接受 1 项代办授权")
        assert "tongshi" in await chat.reads("jiangcheng", message, "现在还没有接受")
        with later(seconds=2):
            await chat.presses("jiangcheng", message, "确认接受 1 项")
    with reading() as session:
        assert session.get_one(Delegation, ident).state is DelegationState.ACCEPTED


async def test_is_this_still_you_is_answered_with_one_tap(chat: Chat) -> None:
    with reading() as session:
        held = active_binding(session, chat.account("jiangcheng"))
        assert held is not None
        ident = held.id

    def ask(tx: Tx) -> None:
        tx.get(ChatBinding, ident).bound_at = clock.now() - timedelta(days=92)
        bindings.ask_still_you(tx, binding_id=ident)

    chat.do(ask)
    row, message = await chat.gets("jiangcheng", "accounts.still_you")
    async with chat.running():
        assert (await chat.presses("jiangcheng", message, "是我本人")).startswith("已办理")
    assert chat.again(row).reply_state is ReplyState.DONE
    with reading() as session:
        assert session.get_one(ChatBinding, ident).affirmed_at is not None
