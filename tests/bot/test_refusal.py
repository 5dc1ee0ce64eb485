"""退回: a reason, a second look, one outcome; interrupted anywhere, pressed twice, changed underneath."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from core.db import reading, transaction
from core.models.accounts import AccountRole, ChatBinding
from core.models.certificates import CertificateIssuance, SigningRecord
from core.models.records import ChatDraft, Notification
from core.notifications.certificates import SigningRequested
from core.queries.accounts import actor_for
from core.rules.certificates import IssuanceState, Party, SigningDecision
from core.rules.notices import ReplyState
from core.rules.organisations import Role
from core.usecases.signing import reject_batch
from tests.bot.conftest import STRANGER, Chat, later

TO_SIGN = "certificates.signing_requested"
SIGNER = "chutian-fzr"
WHY = "实操成绩与现场记录不一致，请核对"


def refused_count(chat: Chat) -> int:
    with reading() as session:
        return (
            session.scalar(select(func.count(SigningRecord.id)).where(SigningRecord.decision == SigningDecision.REJECT))
            or 0
        )


def drafts() -> int:
    with reading() as session:
        return session.scalar(select(func.count(ChatDraft.id))) or 0


def waiting(chat: Chat) -> int:
    """How many certificates of the plan wait for the signer's college."""
    with reading() as session:
        return (
            session.scalar(
                select(func.count(CertificateIssuance.id)).where(
                    CertificateIssuance.plan_id == chat.world.ids["plan:to_sign"],
                    CertificateIssuance.college_id == chat.world.ids["college:chutian"],
                    CertificateIssuance.state == IssuanceState.SITE_PENDING,
                )
            )
            or 0
        )


def touch_one(chat: Chat) -> None:
    """Somebody corrects one of the waiting certificates."""
    chat.do(
        lambda tx: tx.update_all(
            CertificateIssuance, CertificateIssuance.id == waiting_id(chat), rejection_note="姓名已更正"
        )
    )


def take_one_away(chat: Chat) -> None:
    """One of the waiting certificates is signed for elsewhere."""
    with reading() as session:
        actor = actor_for(session, chat.account(SIGNER), "panel")
    assert actor is not None
    with transaction(actor) as tx:
        tx.update_all(CertificateIssuance, CertificateIssuance.id == waiting_id(chat), state=IssuanceState.READY)


def waiting_id(chat: Chat) -> int:
    with reading() as session:
        return session.scalars(
            select(CertificateIssuance.id)
            .where(
                CertificateIssuance.plan_id == chat.world.ids["plan:to_sign"],
                CertificateIssuance.college_id == chat.world.ids["college:chutian"],
                CertificateIssuance.state == IssuanceState.SITE_PENDING,
            )
            .limit(1)
        ).one()


async def asked(chat: Chat) -> tuple[Notification, int]:
    return await chat.gets(SIGNER, TO_SIGN, chat.world.ids["plan:to_sign"])


async def recapped(chat: Chat, login: str = SIGNER) -> int:
    """Press, give the reason; the message id of the second look."""
    message = next(m["message_id"] for m in chat.heard(login) if "退回并说明" in chat.labels(login, m["message_id"]))
    await chat.presses(login, message, "退回并说明")
    await chat.until(lambda: "请直接发送退回理由" in chat.last(login))
    await chat.says(login, WHY)
    return int(chat.heard(login)[-1]["message_id"])


async def test_a_batch_is_sent_back_with_its_reason_after_a_second_look(chat: Chat) -> None:
    row, message = await asked(chat)
    count = waiting(chat)
    async with chat.running():
        recap = await recapped(chat)
        assert chat.text(SIGNER, recap).startswith(f"退回 {count} 张 · 理由：{WHY}")
        assert chat.labels(SIGNER, recap) == ["不退回", f"确认退回 {count} 张"]
        assert refused_count(chat) == 0
        with later(seconds=2):
            assert await chat.presses(SIGNER, recap, f"确认退回 {count} 张") == f"已退回 {count} 张"
            text = await chat.reads(SIGNER, recap, "【已退回】")
    assert WHY in text
    assert (refused_count(chat), waiting(chat), drafts()) == (count, 0, 0)
    assert chat.again(row).reply_state is ReplyState.REFUSED
    told = chat.notice("yunfan", "certificates.signing_rejected")
    assert WHY in told.facts
    assert message != recap


async def test_a_second_tap_within_a_second_does_not_pass(chat: Chat) -> None:
    await asked(chat)
    count = waiting(chat)
    async with chat.running():
        recap = await recapped(chat)
        assert "再按一次" in await chat.presses(SIGNER, recap, f"确认退回 {count} 张")
        assert refused_count(chat) == 0
        with later(seconds=1):
            await chat.presses(SIGNER, recap, f"确认退回 {count} 张")
    assert refused_count(chat) == count


async def test_confirming_twice_sends_back_once_and_says_the_same(chat: Chat) -> None:
    await asked(chat)
    count = waiting(chat)
    async with chat.running():
        recap = await recapped(chat)
        key = chat.data(SIGNER, recap, f"确认退回 {count} 张")
        with later(seconds=2):
            presses = [chat.telegram.api.user_presses(chat.user(SIGNER), recap, key, stale=True) for _ in range(3)]
            toasts = {await chat.answer(press) for press in presses}
    assert toasts == {f"已退回 {count} 张"}
    assert refused_count(chat) == count


async def test_keeping_changes_nothing_and_the_old_confirmation_is_void(chat: Chat) -> None:
    row, _ = await asked(chat)
    count = waiting(chat)
    async with chat.running():
        recap = await recapped(chat)
        key = chat.data(SIGNER, recap, f"确认退回 {count} 张")
        await chat.presses(SIGNER, recap, "不退回")
        await chat.reads(SIGNER, recap, f"{count} 张证书仍待签发")
        with later(seconds=5):
            assert "什么也没有办理" in await chat.presses(SIGNER, recap, key, stale=True)
    assert (refused_count(chat), drafts()) == (0, 0)
    assert chat.again(row).reply_state is ReplyState.OPEN


@pytest.mark.parametrize("change", [touch_one, take_one_away], ids=["corrected", "fewer"])
async def test_a_batch_that_changed_before_the_press_is_shown_afresh_instead(chat: Chat, change: Any) -> None:
    _, message = await asked(chat)
    change(chat)
    count = waiting(chat)
    async with chat.running():
        assert f"现有 {count} 张待签发" in await chat.presses(SIGNER, message, "退回并说明")
        assert drafts() == 0
        await chat.until(lambda: chat.telegram.api.accepted("editMessageText"))
        assert f"签字确认 {count} 张" in chat.labels(SIGNER, message)
        await chat.presses(SIGNER, message, "退回并说明")
    assert drafts() == 1


@pytest.mark.parametrize("change", [touch_one, take_one_away], ids=["corrected", "fewer"])
async def test_a_batch_that_changed_under_the_recap_shows_the_difference_and_a_fresh_key(
    chat: Chat, change: Any
) -> None:
    await asked(chat)
    before = waiting(chat)
    async with chat.running():
        recap = await recapped(chat)
        change(chat)
        now = waiting(chat)
        with later(seconds=5):
            toast = await chat.presses(SIGNER, recap, f"确认退回 {before} 张")
            await chat.reads(SIGNER, recap, f"原 {before} 张，现 {now} 张")
            assert refused_count(chat) == 0
            with later(seconds=1):
                await chat.presses(SIGNER, recap, f"确认退回 {now} 张")
    assert f"原 {before} 张，现 {now} 张" in toast
    assert refused_count(chat) == now


async def test_a_restart_between_any_two_steps_forgets_nothing(chat: Chat) -> None:
    _, message = await asked(chat)
    count = waiting(chat)
    async with chat.running():
        await chat.presses(SIGNER, message, "退回并说明")
    async with chat.running():
        await chat.says(SIGNER, WHY)
    recap = int(chat.heard(SIGNER)[-1]["message_id"])
    async with chat.running():
        with later(seconds=2):
            await chat.presses(SIGNER, recap, f"确认退回 {count} 张")
    assert refused_count(chat) == count


async def test_a_reason_delivered_twice_leads_to_one_refusal(chat: Chat) -> None:
    await asked(chat)
    count = waiting(chat)
    api = chat.telegram.api
    async with chat.running():
        await recapped(chat)
    api.deliver_again(api.last_update_id)
    async with chat.running():
        await chat.says(SIGNER, "/help")
        recaps = [m["message_id"] for m in chat.heard(SIGNER) if str(m["text"]).startswith("退回 ")]
        with later(seconds=2):
            for recap in recaps:
                await chat.presses(SIGNER, recap, f"确认退回 {count} 张")
    assert len(recaps) == 2
    assert refused_count(chat) == count


async def test_a_confirmation_left_lying_expires(chat: Chat) -> None:
    await asked(chat)
    count = waiting(chat)
    async with chat.running():
        recap = await recapped(chat)
        with later(minutes=11):
            assert "失效" in await chat.presses(SIGNER, recap, f"确认退回 {count} 张")
    assert refused_count(chat) == 0
    assert chat.labels(SIGNER, recap) == []


async def test_a_reason_given_too_late_is_no_reason(chat: Chat) -> None:
    _, message = await asked(chat)
    async with chat.running():
        await chat.presses(SIGNER, message, "退回并说明")
        await chat.until(lambda: "请直接发送退回理由" in chat.last(SIGNER))
        with later(minutes=31):
            assert "什么也没有改动" in await chat.says(SIGNER, WHY)


@pytest.mark.parametrize(
    ("reason", "why"),
    [("理由" * 151, "最多 300 个"), ("420111200001011234 成绩有误", "证件号码"), ("请联系 13800001111", "手机号")],
    ids=["long", "id number", "mobile"],
)
async def test_a_reason_that_cannot_be_passed_on_is_asked_again(chat: Chat, reason: str, why: str) -> None:
    _, message = await asked(chat)
    async with chat.running():
        await chat.presses(SIGNER, message, "退回并说明")
        await chat.until(lambda: "请直接发送退回理由" in chat.last(SIGNER))
        assert why in await chat.says(SIGNER, reason)
        assert "理由：" in await chat.says(SIGNER, WHY)


async def test_words_while_the_second_look_is_open_confirm_nothing(chat: Chat) -> None:
    await asked(chat)
    async with chat.running():
        await recapped(chat)
        with later(seconds=5):
            assert "现在还没有退回" in await chat.says(SIGNER, "确认")
    assert refused_count(chat) == 0


async def test_a_refusal_after_the_panel_sent_it_back_shows_that_outcome(chat: Chat) -> None:
    _, message = await asked(chat)
    count = waiting(chat)
    with reading() as session:
        actor = actor_for(session, chat.account(SIGNER), "panel")
    assert actor is not None
    with transaction(actor) as tx:
        reject_batch(tx, plan_id=chat.world.ids["plan:to_sign"], party=Party.COLLEGE, reason="面板退回")
    async with chat.running():
        assert await chat.presses(SIGNER, message, "退回并说明") == f"已退回 {count} 张"
        await chat.reads(SIGNER, message, "面板退回")
    assert (refused_count(chat), drafts()) == (count, 0)


@pytest.mark.parametrize("sentence", ["退回 {code} {why}", "退回　{code}　{why} ", "退回 {small}\n{why}"], ids=range(3))
async def test_a_written_refusal_leads_to_the_second_look_and_no_further(chat: Chat, sentence: str) -> None:
    row, _ = await asked(chat)
    code = row.task_code or ""
    count = waiting(chat)
    async with chat.running():
        text = await chat.says(SIGNER, sentence.format(code=code, small=code.lower(), why=WHY))
        assert text.startswith(f"退回 {count} 张 · 理由：{WHY}")
        assert refused_count(chat) == 0
        with later(seconds=2):
            await chat.presses(SIGNER, int(chat.heard(SIGNER)[-1]["message_id"]), f"确认退回 {count} 张")
    assert refused_count(chat) == count


async def test_a_written_refusal_without_a_reason_asks_for_one(chat: Chat) -> None:
    row, _ = await asked(chat)
    async with chat.running():
        assert "请填写理由" in await chat.says(SIGNER, f"退回 {row.task_code}")
    assert drafts() == 0


async def test_of_two_signers_at_once_one_wins_and_the_other_sees_who_won(any_chat: Chat) -> None:
    chat = any_chat
    reviewer = "chutian"

    def authorise(tx: Any) -> None:
        tx.add(AccountRole(account_id=chat.account(reviewer), role=Role.SIGN_REVIEWER))
        tx.notify(SigningRequested(chat.world.ids["plan:to_sign"], 1, chat.world.ids["college:chutian"]))

    chat.do(authorise)
    count = waiting(chat)
    for login in (SIGNER, reviewer):
        await chat.gets(login, TO_SIGN, chat.world.ids["plan:to_sign"])
    async with chat.running():
        recaps = {login: await recapped(chat, login) for login in (SIGNER, reviewer)}
        with later(seconds=2):
            presses = {
                login: chat.telegram.api.user_presses(chat.user(login), recap, f"确认退回 {count} 张")
                for login, recap in recaps.items()
            }
            toasts = {await chat.answer(press) for press in presses.values()}
            texts = [await chat.reads(login, recap, "【已退回】") for login, recap in recaps.items()]
    assert toasts == {f"已退回 {count} 张"}
    assert refused_count(chat) == count
    winners = {text.rsplit(" · ", 1)[1].split("\n")[0] for text in texts}
    assert len(winners) == 1
    assert winners <= {SIGNER, reviewer}


async def test_whoever_may_not_sign_may_not_send_back_either(chat: Chat) -> None:
    _, message = await asked(chat)

    def dismiss(tx: Any) -> None:
        role = tx.session.scalars(select(AccountRole).where(AccountRole.account_id == chat.account(SIGNER))).one()
        role.role = Role.COORDINATOR

    chat.do(dismiss)
    async with chat.running():
        assert "没有办理此事的权限" in await chat.presses(SIGNER, message, "退回并说明")
    assert drafts() == 0


async def test_keys_of_a_former_phone_are_void(chat: Chat) -> None:
    row, message = await asked(chat)

    def move(tx: Any) -> None:
        binding = tx.session.scalars(select(ChatBinding).where(ChatBinding.account_id == chat.account(SIGNER))).one()
        binding.telegram_user_id = STRANGER

    old = chat.user(SIGNER)
    chat.do(move)
    copy = chat.telegram.api.user_forwards(old, message, to=STRANGER, despite_protection=True)
    async with chat.running():
        press = chat.telegram.api.user_presses(STRANGER, copy, "退回并说明")
        assert "另一位同事" in await chat.answer(press)
        press = chat.telegram.api.user_presses(old, message, "退回并说明")
        assert "绑定" in await chat.answer(press)
    assert chat.again(row).reply_state is ReplyState.OPEN
