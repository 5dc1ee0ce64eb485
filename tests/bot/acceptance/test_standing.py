"""16 to 18: whoever stands in, is frozen, or has a new phone; what each may still do, by level."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from core import clock
from core.db import reading, transaction
from core.demo.world import hand_signature
from core.errors import NotPermitted, Refusal, WindowNotOpen
from core.models.accounts import UserAccount
from core.models.certificates import SigningRecord
from core.notifications.words import sentence
from core.rules.certificates import Party
from core.rules.delegations import DelegationState, Duty
from core.rules.notices import DeliveryState, ReplyState
from core.rules.organisations import Role
from core.usecases import bindings, delegations, signing
from jobs import telling
from tests.bot.acceptance.conftest import (
    clear_the_way,
    colleague,
    copy_of,
    deliver,
    kept,
    result,
    tell,
    told,
    was_told,
)
from tests.bot.conftest import STRANGER, Chat, confirm_new_chat, later
from tests.bot.review_steps import DECIDED, actor, drafts
from tests.core.sheets.conftest import BORN

DEPUTY = "tongshi"
SIGNER, COORDINATOR = "chutian-fzr", "chutian"
TO_SIGN = "certificates.signing_requested"
DAY = timedelta(days=1)


def reply(chat: Chat, login: str, round_: int) -> ReplyState:
    """How somebody answered a result they were told of."""
    return copy_of(chat, login, round_).reply_state


def place(chat: Chat, login: str, round_: int) -> int:
    """Where it stands in their chat."""
    return copy_of(chat, login, round_).message_id or 0


async def test_16_delegate_before_within_and_after_the_dates(chat: Chat) -> None:
    """Before: not told, and a forwarded copy is not theirs. Within: told and heard. After: the copies are over."""
    deputy = colleague(chat, "jiangcheng", Role.SIGN_REVIEWER, DEPUTY)
    start, end = clock.now() + DAY, clock.now() + 3 * DAY
    with transaction(actor(chat, "jiangcheng")) as tx:
        given = {"deputy_id": deputy, "duty": Duty.SITE, "starts_at": start, "ends_at": end}
        row = delegations.propose_delegation(tx, principal_id=chat.account("jiangcheng"), **given)
        delegations.accept_delegation(tx, delegation_id=row.id)
    clear_the_way(chat)
    api = chat.telegram.api
    tell(chat, result(chat, 90))
    await deliver()
    assert (chat.heard("stranger"), was_told(chat, DEPUTY, 90)) == ([], False)
    original = place(chat, "jiangcheng", 90)
    forwarded = api.user_forwards(chat.user("jiangcheng"), original, to=STRANGER, despite_protection=True)
    async with chat.running():
        assert "属于另一位同事" in await chat.answer(api.user_presses(STRANGER, forwarded, "已知悉"))
        with clock.pinned(start):
            tell(chat, *(result(chat, number) for number in (91, 92, 93)))
            await deliver()
            answered, pressed, left = (place(chat, DEPUTY, number) for number in (91, 92, 93))
            assert "您代账号 jiangcheng 办理" in chat.text("stranger", answered)
            await chat.presses("stranger", answered, "已知悉")
            await chat.reads("stranger", answered, "已知悉 · ")
            assert reply(chat, DEPUTY, 91) is ReplyState.ACKNOWLEDGED
            assert reply(chat, "jiangcheng", 91) is ReplyState.OPEN, "each is asked for the own word"
        with clock.pinned(end):
            assert "已过期 · 代办授权已结束" in await chat.presses("stranger", pressed, "已知悉")
            assert "代办授权已结束" in await chat.reads("stranger", pressed, "已过期")
            tell(chat, result(chat, 94))
            telling.lapse_delegations()
            telling.expire_requests()
            await deliver()
    assert "已过期 · 代办授权已结束" in chat.text("stranger", left)
    assert chat.labels("stranger", left) == []
    assert [reply(chat, DEPUTY, n) for n in (92, 93)] == [ReplyState.EXPIRED] * 2
    assert not was_told(chat, DEPUTY, 94)
    assert [reply(chat, "jiangcheng", n) for n in (92, 93, 94)] == [ReplyState.OPEN] * 3
    assert chat.do(lambda tx: tx.get(type(row), row.id).state) is DelegationState.LAPSED


def open_the_page(chat: Chat) -> signing.Ceremony:
    """What the phone page does that the chat's key opens (L3)."""
    with transaction(actor(chat, SIGNER, "phone")) as tx:
        ceremony = signing.open_signing(tx, plan_id=chat.world.ids["plan:to_sign"], party=Party.COLLEGE)
        signing.look_at_signing(tx, token=ceremony.token)
        return ceremony


def refusal_of(refused: type[Refusal], chat: Chat) -> str:
    with pytest.raises(refused) as caught:
        open_the_page(chat)
    return sentence(caught.value)


def signatures(chat: Chat) -> int:
    with reading() as session:
        mine = select(func.count(SigningRecord.id)).where(SigningRecord.actor_id == chat.account(SIGNER))
        return session.scalar(mine.where(SigningRecord.at >= BORN)) or 0


async def test_17_locked_user(chat: Chat) -> None:
    """/lock by any colleague: looking and 已知悉 go on, sending back and signing do not, and nobody unlocks in chat."""
    request, to_sign = await chat.gets(SIGNER, TO_SIGN, chat.world.ids["plan:to_sign"])
    seen, to_see = await chat.gets_decision(SIGNER)
    clear_the_way(chat)
    async with chat.running():
        await chat.says(COORDINATOR, f"/lock {SIGNER}")
        recap = int(chat.heard(COORDINATOR)[-1]["message_id"])
        with later(seconds=2):
            assert "已冻结" in await chat.presses(COORDINATOR, recap, "确认冻结 1 个账号")
            await deliver()
        assert f"【已冻结】账号 {SIGNER}" in chat.last(SIGNER)
        assert "【待办】" in await chat.says(SIGNER, "/todo")
        await chat.presses(SIGNER, to_see, "已知悉")
        await chat.reads(SIGNER, to_see, "已知悉 · ")
        assert "冻结" in await chat.presses(SIGNER, to_sign, "退回并说明")
        assert "冻结" in await chat.says(SIGNER, f"退回 {request.task_code} 数据不符")
        assert "什么也没有改动" in await chat.says(SIGNER, "/unlock")
        assert "冻结" in refusal_of(NotPermitted, chat)
    assert (drafts(), signatures(chat), kept("freeze_acts")) == (0, 0, 1)
    assert chat.again(seen).reply_state is ReplyState.ACKNOWLEDGED
    assert chat.again(request).reply_state is ReplyState.OPEN
    assert {SIGNER, COORDINATOR, "admin"} <= told("accounts.acts_frozen")
    with reading() as session:
        assert session.get_one(UserAccount, chat.account(SIGNER)).acts_frozen_by == chat.account(COORDINATOR)


async def test_18_re_bound_user_within_24_hours(chat: Chat) -> None:
    """The new phone gets the open tasks and does L1 and L2 at once, L3 after a day; the old phone does nothing."""
    request, old = await chat.gets(SIGNER, TO_SIGN, chat.world.ids["plan:to_sign"])
    clear_the_way(chat)
    old_key = chat.data(SIGNER, old, "退回并说明")
    with transaction(actor(chat, SIGNER)) as tx:
        code = bindings.issue_binding_code(tx)
    async with chat.running():
        assert "等待确认" in await chat.says("stranger", f"/start {code}")
        assert "等另一位" in await chat.says("stranger", "/todo")
        chat.do(lambda tx: confirm_new_chat(tx, chat.account(SIGNER)))
        await deliver()
        again = chat.again(request)
        assert (again.delivery_state, again.chat_id) == (DeliveryState.DELIVERED, STRANGER)
        new = again.message_id or 0
        assert "绑定" in await chat.presses(SIGNER, old, "退回并说明")
        assert "属于另一位同事" in await chat.presses("stranger", new, old_key, stale=True)
        tell(chat, result(chat, 90), to=SIGNER)
        await deliver()
        seen = chat.notice(SIGNER, DECIDED)
        await chat.presses("stranger", seen.message_id or 0, "已知悉")
        await chat.presses("stranger", new, "退回并说明")
        await chat.until(lambda: "请直接发送退回理由" in chat.last("stranger"))
        assert "现在还没有退回" in await chat.says("stranger", "成绩待核对")
        assert drafts() == 1
        await chat.presses("stranger", int(chat.heard("stranger")[-1]["message_id"]), "不退回")
        with later(hours=23, minutes=59):
            assert "5月21日 周四 09:00 起才能签发" in refusal_of(WindowNotOpen, chat)
            assert signatures(chat) == 0
    assert chat.again(seen).reply_state is ReplyState.ACKNOWLEDGED
    with later(hours=24):
        ceremony = open_the_page(chat)
        with transaction(actor(chat, SIGNER, "phone")) as tx:
            count = str(ceremony.session.item_count)
            signing.sign(tx, token=ceremony.token, typed_count=count, hand_signature=hand_signature())
        await deliver()
    assert signatures(chat) == int(count)
    assert "已办理" in chat.text("stranger", new)
    assert chat.again(request).reply_state is ReplyState.DONE
