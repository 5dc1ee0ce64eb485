"""12 to 14, 20 and 23: what Telegram may do to a message, and what becomes of it in chat and in the rows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bot.simulator.faults import Fault
from core import clock
from core.db import reading, transaction
from core.models.accounts import ChatBinding
from core.models.records import Notification
from core.notifications.render import panel_text
from core.notifications.sites import SiteDecided
from core.queries.bindings import reach_of
from core.rules.delegations import Duty
from core.rules.notices import DeliveryState, ReplyState
from core.rules.organisations import BindingState, Reach, Role
from core.usecases import delegations
from tests.bot.acceptance.conftest import (
    broken_laws,
    clear_the_way,
    colleague,
    deliver,
    impatient,
    result,
    tell,
    told,
)
from tests.bot.conftest import STRANGER, Chat, later
from tests.bot.review_steps import (
    CONFIRM,
    DECIDED,
    GO,
    NO,
    PROVINCE,
    WAITING,
    actor,
    asked,
    decisions_made,
    drafts,
    ident,
    recapped,
)
from tests.conftest import PATIENCE

RESULTS = 500


def states(login: str, chat: Chat, kind: str) -> dict[DeliveryState, int]:
    """How many messages of a kind to a person are how far."""
    with reading() as session:
        counted = select(Notification.delivery_state, func.count()).where(
            Notification.kind == kind, Notification.account_id == chat.account(login)
        )
        found = session.execute(counted.group_by(Notification.delivery_state)).all()
    return {row[0]: row[1] for row in found}


async def test_12_429_with_retry_time(chat: Chat) -> None:
    """As long as Telegram says, nothing lost, nothing twice, no repeat; the bot's own answers wait as well."""
    clear_the_way(chat)
    tell(chat, result(chat, 90))
    row = chat.notice("jiangcheng", DECIDED)
    chat.telegram.api.faults.script("sendMessage", Fault.too_many(1), times=2)
    await deliver()
    held = chat.again(row)
    assert (held.delivery_state, held.last_error) == (DeliveryState.PENDING, "RetryAfter")
    assert held.next_attempt_at == clock.now() + timedelta(seconds=1)
    assert not held.may_have_arrived
    await deliver()
    assert chat.heard("jiangcheng") == []
    with later(seconds=1):
        await deliver()
        await deliver()
    (copy,) = chat.heard("jiangcheng")
    assert copy["text"].startswith("【审核退回】")
    assert chat.again(row).message_id == copy["message_id"]
    async with chat.running():
        chat.telegram.api.faults.script("editMessageText", Fault.too_many(1))
        await chat.presses("jiangcheng", copy["message_id"], "已知悉")
        await chat.reads("jiangcheng", copy["message_id"], "已知悉 · 5月20日")
    assert chat.again(row).reply_state is ReplyState.ACKNOWLEDGED


async def test_13_403_blocked(chat: Chat) -> None:
    """The binding is dead at once, the colleagues hear of it, and open work goes to the deputy, who can answer."""
    clear_the_way(chat)
    deputy = colleague(chat, "jiangcheng", Role.SIGN_REVIEWER)
    with transaction(actor(chat, "jiangcheng")) as tx:
        principal = chat.account("jiangcheng")
        given = {"principal_id": principal, "deputy_id": deputy, "duty": Duty.SITE, "is_default": True}
        held = delegations.propose_delegation(tx, **given)
        delegations.accept_delegation(tx, delegation_id=held.id)
    clear_the_way(chat)
    tell(chat, result(chat, 90))
    await deliver()
    row = chat.notice("jiangcheng", DECIDED)
    assert (chat.again(row).delivery_state, chat.heard("stranger")) == (DeliveryState.DELIVERED, [])
    chat.telegram.api.user_blocks_bot(chat.user("jiangcheng"))
    tell(chat, SiteDecided(chat.world.ids["site:jiangcheng:yunfan"], True, "", 90))
    await deliver()
    lost = chat.notice("jiangcheng", SiteDecided.kind)
    assert (chat.again(lost).delivery_state, chat.again(lost).last_error) == (DeliveryState.FAILED, "Forbidden")
    assert chat.again(lost).reply_state is ReplyState.OPEN, "the panel still asks"
    with reading() as session:
        mine = select(ChatBinding.state).where(ChatBinding.account_id == chat.account("jiangcheng"))
        assert session.scalars(mine).one() is BindingState.DEAD
        assert reach_of(session, chat.account("jiangcheng")) is Reach.DEAD, "red in the panel"
    assert told("accounts.chat_lost") == {"jiangcheng-fzr"}
    await deliver()
    assert "jiangcheng" in chat.last("jiangcheng-fzr")
    handed = {m["text"][:8]: m["message_id"] for m in chat.heard("stranger") if "您代账号 jiangcheng 办理" in m["text"]}
    assert {"【审核退回】We", "【站点审核通过】"} <= set(handed), "what had arrived, and what had not"
    async with chat.running():
        await chat.presses("stranger", handed["【审核退回】We"], "已知悉")
    answered = chat.again(chat.notice("tongshi", DECIDED))
    assert (answered.reply_state, answered.instead_of) == (ReplyState.ACKNOWLEDGED, chat.account("jiangcheng"))
    assert chat.user("tongshi") == STRANGER


@pytest.mark.parametrize("fault", [Fault.answer_lost(PATIENCE), Fault.hung_up()], ids=["answer lost", "hung up"])
async def test_14_time_out_after_telegram_accepted(chat: Chat, fault: Fault) -> None:
    """Nobody knows: the repeat says 重发 and carries the same keys, and those of the untracked first copy work."""
    clear_the_way(chat)
    row = chat.notice(PROVINCE, WAITING, ident(chat))
    chat.do(lambda tx: tx.update_all(Notification, Notification.id == row.id, delivery_state=DeliveryState.PENDING))
    chat.telegram.api.faults.script("sendMessage", fault)
    with impatient():
        await deliver()
    chat.telegram.api.faults.release()
    unsure = chat.again(row)
    assert (unsure.delivery_state, unsure.may_have_arrived) == (DeliveryState.PENDING, True)
    with later(hours=1):
        await deliver()
        await deliver()
        first, second = chat.heard(PROVINCE)
        assert second["text"] == "【重发】" + first["text"]
        one, other = first["message_id"], second["message_id"]
        assert chat.again(row).message_id == other
        assert [chat.data(PROVINCE, one, key) for key in (GO, NO)] == [
            chat.data(PROVINCE, other, key) for key in (GO, NO)
        ]
        key = chat.data(PROVINCE, other, GO)
        async with chat.running():
            await recapped(chat, PROVINCE, one)
            with later(seconds=2):
                assert await chat.presses(PROVINCE, one, CONFIRM) == "已批准 24 人 · hubei"
                await chat.reads(PROVINCE, one, "结果：通过，批准 24 人")
                await deliver()
                assert "结果：通过，批准 24 人" in chat.text(PROVINCE, other)
                assert await chat.presses(PROVINCE, other, key, stale=True) == "已批准 24 人 · hubei"
    assert (decisions_made(chat), drafts(), chat.again(row).reply_state) == (1, 0, ReplyState.DONE)


async def test_20_burst_of_500_results_to_one_person(chat: Chat) -> None:
    """Three by themselves and one message that is edited; every request stays open, and the sums come out."""
    clear_the_way(chat)
    tell(chat, *(result(chat, 1_000 + number) for number in range(RESULTS)), to="jiangcheng")
    await deliver(60)
    texts = [str(m["text"]) for m in chat.heard("jiangcheng")]
    assert len(texts) == 4
    assert f"【合并提醒】{RESULTS - 3} 条同类消息" in texts[-1]
    burst = chat.heard("jiangcheng")[-1]["message_id"]
    with later(minutes=5):
        tell(chat, result(chat, 2_000), to="jiangcheng")
        await deliver()
        assert f"{RESULTS - 2} 条同类消息" in chat.text("jiangcheng", burst)
        assert len(chat.heard("jiangcheng")) == 4
    counted = states("jiangcheng", chat, DECIDED)
    assert counted[DeliveryState.DELIVERED] == 3
    assert counted.get(DeliveryState.PENDING, 0) + counted.get(DeliveryState.FAILED, 0) == 0
    with reading() as session:
        gathered = select(Notification).where(
            Notification.gathered_in == chat.notice("jiangcheng", "telling.burst").id,
            Notification.delivery_state == DeliveryState.SUPPRESSED,
            Notification.reply_state == ReplyState.OPEN,
        )
        assert len(session.scalars(gathered).all()) == RESULTS + 1 - 3
    assert broken_laws() == []


async def test_23_message_longer_than_the_limit(chat: Chat) -> None:
    """Outgoing it is cut and says so, the panel has all of it; incoming it is no reason, no number and no command."""
    review, message = await asked(chat)
    clear_the_way(chat)
    why = "机房照片与实际不符；" * 800
    tell(chat, SiteDecided(chat.world.ids["site:jiangcheng:yunfan"], False, f"<b>&{why}", 90))
    await deliver()
    row = chat.notice("jiangcheng", SiteDecided.kind)
    assert chat.again(row).delivery_state is DeliveryState.DELIVERED
    (copy,) = chat.heard("jiangcheng")
    assert 3_000 < len(copy["text"]) <= 4_096
    assert "理由：<b>&机房照片" in copy["text"]
    assert "全文请登录面板" in copy["text"]
    assert f"待办编号 {row.task_code}" in copy["text"]
    with reading() as session:
        assert why in panel_text(session, session.get_one(Notification, row.id), clock.now())
    async with chat.running():
        await chat.presses("jiangcheng", copy["message_id"], "已知悉")
        await chat.reads("jiangcheng", copy["message_id"], "已知悉 · 5月20日")
        before = len(chat.heard("jiangcheng"))
        chat.telegram.api.user_sends_text(chat.user("jiangcheng"), "同意" * 2_500)  # a phone makes two messages of it
        await chat.until(lambda: len(chat.heard("jiangcheng")) == before + 2)
        assert "什么也没有改动" in chat.last("jiangcheng")
        await chat.presses(PROVINCE, message, NO)
        await chat.until(lambda: "请直接发送退回理由" in chat.last(PROVINCE))
        said = len(chat.heard(PROVINCE))
        chat.telegram.api.user_sends_text(chat.user(PROVINCE), "缺" * 5_000)
        await chat.until(lambda: len(chat.heard(PROVINCE)) == said + 2)
        assert all("最多 300 个" in m["text"] for m in chat.heard(PROVINCE)[said:])
        assert (drafts(), decisions_made(chat)) == (1, 0)
        assert "理由：缺材料" in await chat.says(PROVINCE, "缺材料")
    assert chat.again(review).reply_state is ReplyState.OPEN
