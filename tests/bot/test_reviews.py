"""审核 from chat (R-039…R-042): message, recap, second tap, outcome; interrupted, pressed twice, changed underneath."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from bot.simulator.faults import Fault
from core.db import Tx, reading, transaction
from core.models.accounts import AccountRole, UserAccount
from core.models.catalogue import Major
from core.models.pilots import PilotApplication, PilotApplicationMajor, Quota, ReviewRecord
from core.rules.notices import ReplyState
from core.rules.organisations import Role
from core.rules.pilots import ApplicationState
from core.usecases import notices, reviews
from tests.bot.conftest import Chat, later
from tests.bot.review_steps import (
    AT_CITY,
    CITY,
    COLLEGE,
    DECIDED,
    GO,
    NO,
    OTHER_PROVINCE,
    PROVINCE,
    WAITING,
    WHY,
    actor,
    application,
    ask_for,
    asked,
    decisions_made,
    drafts,
    ident,
    newest,
    recapped,
)


def with_majors(chat: Chat) -> None:
    """It is declared by majors, and its reviewers' messages know."""

    def add(tx: Tx) -> None:
        major = tx.session.scalars(select(Major).limit(1)).one()
        tx.add(PilotApplicationMajor(application_id=ident(chat), major_id=major.id, requested_count=24))
        notices.retarget_tasks(tx, thing_type=PilotApplication.__tablename__, thing_id=ident(chat))

    chat.do(add)


# -- the two ways ------------------------------------------------------------------------------------------------------


async def test_a_province_officer_approves_fewer_wholly_from_chat_R040(chat: Chat) -> None:
    """Message, recap, another number by reply, the same recap, second tap: quota, messages and both copies follow."""
    row, message = await asked(chat)
    assert chat.labels(PROVINCE, message) == [GO, "查看明细", NO]
    assert chat.text(PROVINCE, message).startswith("【待省级初审】Web前端开发演示职业技能等级证书")
    async with chat.running():
        recap = await recapped(chat, PROVINCE, message)
        assert "批准 24 人" in recap
        assert "楚天演示学院" in recap
        assert "首次提交" in recap
        assert "指纹 " in recap
        assert chat.labels(PROVINCE, message) == ["暂不通过", "改批人数", "确认批准 24 人"]
        assert await chat.presses(PROVINCE, message, "改批人数") == "请发送批准人数"
        await chat.until(lambda: "请直接发送批准人数" in chat.last(PROVINCE))
        assert "批准 20 人" in await chat.says(PROVINCE, "20")
        second = newest(chat)
        assert chat.labels(PROVINCE, second) == ["暂不通过", "改批人数", "确认批准 20 人"]
        assert decisions_made(chat) == 0
        with later(seconds=2):
            assert await chat.presses(PROVINCE, second, "确认批准 20 人") == "已批准 20 人 · hubei"
            text = await chat.reads(PROVINCE, second, "结果：通过，批准 20 人")
    assert "已办理 · hubei · 5月20日 周三 09:00" in text
    found = application(chat)
    assert (found.state, found.approved_count) == (ApplicationState.APPROVED, 20)
    with reading() as session:
        quota = session.scalars(
            select(Quota).where(Quota.college_id == found.college_id, Quota.certificate_id == found.certificate_id)
        ).one()
        record = session.scalars(select(ReviewRecord).order_by(ReviewRecord.id.desc()).limit(1)).one()
        assert quota.granted >= 20
        assert (record.channel, record.approved_count, record.actor_id) == ("chat", 20, chat.account(PROVINCE))
    assert chat.again(row).reply_state is ReplyState.DONE
    assert chat.again(row).is_stale, "the first copy is edited by the sender"
    assert '"is_approved": true' in chat.notice(COLLEGE, DECIDED).facts
    assert drafts() == 0


async def test_a_province_officer_returns_with_a_reason_wholly_from_chat_R042(chat: Chat) -> None:
    row, message = await asked(chat)
    async with chat.running():
        assert await chat.presses(PROVINCE, message, NO) == "请发送退回理由"
        await chat.until(lambda: "院校会看到它" in chat.last(PROVINCE))
        text = await chat.says(PROVINCE, WHY)
        assert text.startswith("退回 · Web前端开发演示")
        assert f"理由：{WHY}" in text
        assert "修改重报" in text
        recap = newest(chat)
        assert chat.labels(PROVINCE, recap) == ["不退回", "确认退回 24 人的申报"]
        assert decisions_made(chat) == 0
        with later(seconds=2):
            assert await chat.presses(PROVINCE, recap, "确认退回 24 人的申报") == "已退回 · hubei"
            await chat.reads(PROVINCE, recap, "结果：退回")
    assert application(chat).state is ApplicationState.RETURNED
    assert chat.again(row).reply_state is ReplyState.REFUSED
    assert WHY in chat.notice(COLLEGE, DECIDED).facts


async def test_the_city_passes_it_on_and_the_province_is_asked_R039(chat: Chat) -> None:
    row, message = await asked(chat, CITY, AT_CITY)
    assert chat.labels(CITY, message)[0] == "审核通过"
    async with chat.running():
        await chat.presses(CITY, message, "审核通过")
        assert "转交省级审核" in await chat.reads(CITY, message, "现在还没有通过")
        assert chat.labels(CITY, message) == ["暂不通过", "确认审核通过 24 人"]
        with later(seconds=2):
            assert await chat.presses(CITY, message, "确认审核通过 24 人") == "已通过 · wuhan"
    assert application(chat, AT_CITY).state is ApplicationState.PRELIMINARY_REVIEW
    assert chat.again(row).reply_state is ReplyState.DONE
    told = chat.notice(PROVINCE, WAITING, ident(chat, AT_CITY))
    assert (told.reply_state, '"step": "preliminary"' in told.facts) == (ReplyState.OPEN, True)


async def test_where_a_final_review_follows_the_first_look_is_passed_on_and_asked_again_D19(chat: Chat) -> None:
    def want_two(tx: Tx) -> None:
        tx.get(PilotApplication, ident(chat)).plan.final_review_required = True
        tx.session.flush()
        notices.retarget_tasks(tx, thing_type=PilotApplication.__tablename__, thing_id=ident(chat))

    chat.do(want_two)
    first, message = await asked(chat)
    assert chat.labels(PROVINCE, message)[0] == "初审通过"
    async with chat.running():
        await chat.presses(PROVINCE, message, "初审通过")
        assert "省厅复审" in await chat.reads(PROVINCE, message, "现在还没有通过")
        with later(seconds=2):
            await chat.presses(PROVINCE, message, "确认初审通过 24 人")
    assert application(chat).state is ApplicationState.FINAL_REVIEW
    final, message = await asked(chat)
    assert final.id != first.id
    assert chat.text(PROVINCE, message).startswith("【待省厅复审】")
    assert chat.labels(PROVINCE, message)[0] == GO


# -- the number --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "why"),
    [("25", "1 至申请人数 24"), ("0", "1 至申请人数 24"), ("二十", "只发送一个数字"), ("20 或 22", "只发送一个数字")],
    ids=["too many", "nobody", "a word", "two numbers"],
)
async def test_a_number_that_cannot_be_approved_is_refused_and_asked_again_R041(
    chat: Chat, said: str, why: str
) -> None:
    _, message = await asked(chat)
    async with chat.running():
        await recapped(chat, PROVINCE, message)
        await chat.presses(PROVINCE, message, "改批人数")
        await chat.until(lambda: "请直接发送批准人数" in chat.last(PROVINCE))
        assert why in await chat.says(PROVINCE, said)
        assert "批准 20 人" in await chat.says(PROVINCE, " ２０人 ")


async def test_with_majors_the_panel_is_named_because_each_needs_its_number_R041(chat: Chat) -> None:
    with_majors(chat)
    _, message = await asked(chat)
    async with chat.running():
        assert "各专业按申请人数批准" in await recapped(chat, PROVINCE, message)
        assert chat.labels(PROVINCE, message) == ["暂不通过", "在面板按专业改批", "确认批准 24 人"]
        with later(seconds=2):
            await chat.presses(PROVINCE, message, "确认批准 24 人")
    with reading() as session:
        major = select(PilotApplicationMajor.approved_count).where(PilotApplicationMajor.application_id == ident(chat))
        assert session.scalars(major).one() == 24


async def test_a_key_of_an_earlier_recap_does_not_approve_the_later_number(chat: Chat) -> None:
    """Updates out of order: the old 24 must never come to mean 20, nor the other way round."""
    _, message = await asked(chat)
    async with chat.running():
        await recapped(chat, PROVINCE, message)
        old = chat.data(PROVINCE, message, "确认批准 24 人")
        await chat.presses(PROVINCE, message, "改批人数")
        await chat.until(lambda: "请直接发送批准人数" in chat.last(PROVINCE))
        await chat.says(PROVINCE, "20")
        with later(seconds=2):
            assert "什么也没有办理" in await chat.presses(PROVINCE, message, old, stale=True)
    assert decisions_made(chat) == 0


# -- taps --------------------------------------------------------------------------------------------------------------


async def test_rather_not_leaves_it_waiting_with_its_keys_and_voids_the_recap(chat: Chat) -> None:
    row, message = await asked(chat)
    async with chat.running():
        await recapped(chat, PROVINCE, message)
        key = chat.data(PROVINCE, message, "确认批准 24 人")
        await chat.presses(PROVINCE, message, "暂不通过")
        await chat.reads(PROVINCE, message, "仍待审核")
        assert chat.labels(PROVINCE, message) == [GO, "查看明细", NO]
        with later(seconds=5):
            assert "什么也没有办理" in await chat.presses(PROVINCE, message, key, stale=True)
    assert (decisions_made(chat), drafts()) == (0, 0)
    assert chat.again(row).reply_state is ReplyState.OPEN


async def test_who_no_longer_reviews_decides_nothing(chat: Chat) -> None:
    _, message = await asked(chat)

    def dismiss(tx: Tx) -> None:
        held = select(AccountRole).where(AccountRole.account_id == chat.account(PROVINCE))
        tx.session.scalars(held).one().role = Role.INVIGILATOR

    chat.do(dismiss)
    async with chat.running():
        assert "没有办理此事的权限" in await chat.presses(PROVINCE, message, GO)
    assert drafts() == 0


# -- changed, decided, expired ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [GO, NO])
async def test_a_tap_after_the_application_changed_shows_the_difference_and_a_fresh_key(chat: Chat, key: str) -> None:
    _, message = await asked(chat)
    ask_for(chat, 30)
    async with chat.running():
        assert "现申请 30 人" in await chat.presses(PROVINCE, message, key)
        assert "提交之后有变动：人数 24→30" in await chat.reads(PROVINCE, message, "申请 30 人")
        assert drafts() == 0
        assert chat.labels(PROVINCE, message)[0] == "通过 30 人"
        await chat.presses(PROVINCE, message, "通过 30 人")
    assert drafts() == 1


async def test_a_change_under_the_recap_shows_the_difference_and_never_more_than_was_chosen(chat: Chat) -> None:
    _, message = await asked(chat)
    async with chat.running():
        await recapped(chat, PROVINCE, message)
        ask_for(chat, 30)
        with later(seconds=2):
            assert "现申请 30 人" in await chat.presses(PROVINCE, message, "确认批准 24 人")
            recap = await chat.reads(PROVINCE, message, "人数 24→30")
        assert "批准 24 人" in recap
        assert decisions_made(chat) == 0
        with later(seconds=4):
            await chat.presses(PROVINCE, message, "确认批准 24 人")
    assert (application(chat).approved_count, decisions_made(chat)) == (24, 1)


@pytest.mark.parametrize("key", [GO, NO])
async def test_a_tap_after_the_panel_decided_shows_who_and_when(chat: Chat, key: str) -> None:
    _, message = await asked(chat)
    with transaction(actor(chat, PROVINCE)) as tx:
        reviews.approve_application(tx, application_id=ident(chat), approved_count=4)
    async with chat.running():
        with later(minutes=5):
            assert await chat.presses(PROVINCE, message, key) == "已批准 4 人 · hubei"
            text = await chat.reads(PROVINCE, message, "结果：通过，批准 4 人")
    assert "已办理 · hubei · 5月20日 周三 09:00" in text
    assert chat.labels(PROVINCE, message) == []
    assert drafts() == 0


async def test_a_recap_left_lying_expires_and_the_request_comes_back(chat: Chat) -> None:
    _, message = await asked(chat)
    async with chat.running():
        await recapped(chat, PROVINCE, message)
        with later(minutes=11):
            assert "失效" in await chat.presses(PROVINCE, message, "确认批准 24 人")
            await chat.until(lambda: chat.labels(PROVINCE, message)[0] == GO)
    assert decisions_made(chat) == 0


async def test_a_request_past_its_time_says_so(chat: Chat) -> None:
    row, message = await asked(chat)
    async with chat.running():
        with later(days=61):
            assert "失效" in await chat.presses(PROVINCE, message, GO)
            await chat.reads(PROVINCE, message, "已过期")
    assert chat.again(row).reply_state is ReplyState.EXPIRED


# -- interrupted -----------------------------------------------------------------------------------------------------


async def test_an_outcome_waits_as_long_as_telegram_asks(chat: Chat) -> None:
    _, message = await asked(chat)
    async with chat.running():
        await recapped(chat, PROVINCE, message)
        chat.telegram.api.faults.script("editMessageText", Fault.too_many(1))
        with later(seconds=2):
            await chat.presses(PROVINCE, message, "确认批准 24 人")
            await chat.reads(PROVINCE, message, "结果：通过，批准 24 人")
    assert decisions_made(chat) == 1


# -- written words -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["确认 {code}", "确认　{code}  ", "确认 {small}"], ids=["plain", "wide", "small"])
async def test_a_written_yes_opens_the_recap_and_goes_no_further(chat: Chat, words: str) -> None:
    row, _ = await asked(chat)
    code = row.task_code or ""
    async with chat.running():
        text = await chat.says(PROVINCE, words.format(code=code, small=code.lower()))
        assert "批准 24 人" in text
        assert decisions_made(chat) == 0
        with later(seconds=2):
            await chat.presses(PROVINCE, newest(chat), "确认批准 24 人")
    assert decisions_made(chat) == 1


async def test_a_written_no_opens_the_recap_and_goes_no_further(chat: Chat) -> None:
    row, _ = await asked(chat)
    async with chat.running():
        assert f"理由：{WHY}" in await chat.says(PROVINCE, f"退回　{row.task_code} {WHY}  ")
        assert decisions_made(chat) == 0
        assert "请填写理由" in await chat.says(PROVINCE, f"退回 {row.task_code}")


async def test_a_wrong_or_foreign_code_and_loose_words_change_nothing(chat: Chat) -> None:
    row, _ = await asked(chat)
    async with chat.running():
        assert "ZZZZ" in await chat.says(PROVINCE, "确认 ZZZZ")
        assert str(row.task_code) in await chat.says(OTHER_PROVINCE, f"确认 {row.task_code}")
        assert "什么也没有改动" in await chat.says(PROVINCE, "好的")
        assert "什么也没有改动" in await chat.says(PROVINCE, f"确认 {row.task_code} 吧")
    assert (decisions_made(chat), drafts()) == (0, 0)


async def test_nothing_personal_is_said_on_the_way(chat: Chat) -> None:
    with reading() as session:
        names: list[Any] = list(session.scalars(select(UserAccount.real_name)))
    _, message = await asked(chat)
    async with chat.running():
        await recapped(chat, PROVINCE, message)
        with later(seconds=2):
            await chat.presses(PROVINCE, message, "确认批准 24 人")
            await chat.reads(PROVINCE, message, "结果：")
    said = "\n".join(str(m["text"]) for m in chat.heard(PROVINCE))
    assert not [name for name in names if name and name in said]
