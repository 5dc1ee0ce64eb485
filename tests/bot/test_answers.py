"""Seen, later, and the two written sentences: whatever happens to a key or a code, one act and one truthful answer."""

from __future__ import annotations

import pytest

from core.actors import Actor
from core.db import Tx, reading, transaction
from core.models.records import Notification
from core.queries.accounts import actor_for
from core.rules.notices import ReplyState
from core.usecases import notices
from tests.bot.conftest import Chat, later

DECIDED, CLOSING = "pilots.application_decided", "plans.registration_closing"
TO_SIGN = "certificates.signing_requested"


def actor(chat: Chat, login: str) -> Actor:
    with reading() as session:
        found = actor_for(session, chat.account(login), "panel")
    assert found is not None
    return found


async def test_one_tap_acknowledges_and_the_message_says_when(chat: Chat) -> None:
    row, message = await chat.gets_decision("jiangcheng")
    async with chat.running():
        toast = await chat.presses("jiangcheng", message, "已知悉")
        text = await chat.reads("jiangcheng", message, "已知悉 · 5月20日 周三 09:00")
    assert toast.startswith("已知悉")
    assert chat.again(row).reply_state is ReplyState.ACKNOWLEDGED
    assert chat.labels("jiangcheng", message) == ["撤回“已知悉”"]  # for ten minutes
    assert f"待办编号 {row.task_code}" not in text


async def test_a_double_tap_is_one_answer_and_both_taps_hear_the_same(chat: Chat) -> None:
    row, message = await chat.gets_decision("jiangcheng")
    key = chat.data("jiangcheng", message, "已知悉")
    api = chat.telegram.api
    presses = [api.user_presses(chat.user("jiangcheng"), message, key, stale=True) for _ in range(2)]
    async with chat.running():
        toasts = [await chat.answer(press) for press in presses]
        with later(minutes=5):
            toasts.append(await chat.presses("jiangcheng", message, key, stale=True))
    assert len(set(toasts)) == 1
    assert chat.again(row).reply_state is ReplyState.ACKNOWLEDGED


async def test_a_forwarded_copy_is_nobody_elses_to_answer(chat: Chat) -> None:
    row, message = await chat.gets_decision("jiangcheng")
    api = chat.telegram.api
    copy = api.user_forwards(chat.user("jiangcheng"), message, to=chat.user("chutian"), despite_protection=True)
    async with chat.running():
        press = api.user_presses(chat.user("chutian"), copy, "已知悉")
        assert "另一位同事" in await chat.answer(press)
    assert chat.again(row).reply_state is ReplyState.OPEN


async def test_an_invented_key_is_not_recognised(chat: Chat) -> None:
    _, message = await chat.gets_decision("jiangcheng")
    async with chat.running():
        assert "无法识别" in await chat.presses("jiangcheng", message, "ak:1", stale=True)


async def test_a_tap_after_the_panel_decided_shows_who_did_and_when(chat: Chat) -> None:
    row, message = await chat.gets("jiangcheng", CLOSING)
    with transaction(actor(chat, "jiangcheng")) as tx:
        notices.close_tasks(tx, thing_type=row.thing_type or "", thing_id=row.thing_id or 0)
    async with chat.running():
        with later(minutes=5):
            toast = await chat.presses("jiangcheng", message, "已知悉")
    assert toast == "已办理 · jiangcheng · 5月20日 周三 09:00"


async def test_a_tap_after_its_time_says_so_and_the_message_loses_its_keys(chat: Chat) -> None:
    row, message = await chat.gets_decision("jiangcheng")
    async with chat.running():
        with later(days=31):
            assert "失效" in await chat.presses("jiangcheng", message, "已知悉")
            await chat.reads("jiangcheng", message, "已过期")
    assert chat.again(row).reply_state is ReplyState.EXPIRED
    assert chat.labels("jiangcheng", message) == []


async def test_an_old_key_still_works_after_a_restart(chat: Chat) -> None:
    row, message = await chat.gets_decision("jiangcheng")
    async with chat.running():
        await chat.says("jiangcheng", "/help")
    async with chat.running():
        await chat.presses("jiangcheng", message, "已知悉")
    assert chat.again(row).reply_state is ReplyState.ACKNOWLEDGED


async def test_the_same_update_twice_acts_once_and_answers_twice(chat: Chat) -> None:
    row, message = await chat.gets_decision("jiangcheng")
    async with chat.running():
        await chat.presses("jiangcheng", message, "已知悉")
    answered = chat.again(row).replied_at
    api = chat.telegram.api
    reopen(chat, row)
    api.deliver_again(api.last_update_id)
    answers = len(api.accepted("answerCallbackQuery")) + len(api.refused("answerCallbackQuery"))
    with later(minutes=1):
        async with chat.running():
            await chat.until(
                lambda: len(api.accepted("answerCallbackQuery")) + len(api.refused("answerCallbackQuery")) > answers
            )
    assert answered is not None
    assert chat.again(row).reply_state is ReplyState.OPEN


def reopen(chat: Chat, row: Notification) -> None:
    """As if it had never been answered, so that a second act would show."""

    def back(tx: Tx) -> None:
        held = tx.get(Notification, row.id)
        held.reply_state, held.replied_at, held.replied_by = ReplyState.OPEN, None, None

    chat.do(back)


async def test_a_press_telegram_no_longer_waits_for_still_changes_the_message(chat: Chat) -> None:
    row, message = await chat.gets_decision("jiangcheng")
    api = chat.telegram.api
    api.user_presses(chat.user("jiangcheng"), message, "已知悉")
    api.presses_grow_old()
    async with chat.running():
        await chat.reads("jiangcheng", message, "已知悉 · ")
    assert chat.again(row).reply_state is ReplyState.ACKNOWLEDGED


async def test_a_second_copy_that_was_answered_leaves_the_first_to_be_edited(chat: Chat) -> None:
    row, first = await chat.gets_decision("jiangcheng")
    async with chat.running():
        await chat.says("jiangcheng", "/todo")
        await chat.until(lambda: any(row.task_code in str(m["text"]) for m in chat.heard("jiangcheng")[1:]))
        second = next(m["message_id"] for m in chat.heard("jiangcheng")[1:] if f"编号 {row.task_code}" in m["text"])
        await chat.presses("jiangcheng", second, "已知悉")
    assert second != first
    assert chat.again(row).is_stale


# -- later -------------------------------------------------------------------------------------------------------------


async def closing_in_three_days(chat: Chat) -> tuple[Notification, int]:
    row = chat.notice("jiangcheng", CLOSING)

    def farther(tx: Tx) -> None:
        tx.get(Notification, row.id).useful_until = tx.now.replace(day=tx.now.day + 3)

    chat.do(farther)
    return await chat.gets("jiangcheng", CLOSING)


async def test_later_means_in_two_hours_and_tapping_again_does_not_put_it_off_further(chat: Chat) -> None:
    row, message = await closing_in_three_days(chat)
    async with chat.running():
        first = await chat.presses("jiangcheng", message, "稍后提醒")
        with later(minutes=20):
            second = await chat.presses("jiangcheng", message, "稍后提醒")
    assert first == second == "5月20日 周三 11:00 再提醒"
    assert chat.again(row).reply_state is ReplyState.OPEN


async def test_later_is_refused_when_the_deadline_is_too_near(chat: Chat) -> None:
    row, message = await closing_in_three_days(chat)
    async with chat.running():
        with later(days=2, hours=11):
            assert "不再推迟" in await chat.presses("jiangcheng", message, "稍后提醒")
    assert chat.again(row).delivered_at == row.delivered_at


# -- written -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sentence", ["确认 {code}", "  确认   {code}  ", "确认　{wide}", "确认 {small}", "确认\n{code}"], ids=range(5)
)
async def test_a_written_confirmation_counts_however_it_is_spaced(chat: Chat, sentence: str) -> None:
    row, _ = await chat.gets_decision("jiangcheng")
    code = row.task_code or ""
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in code)
    async with chat.running():
        answer = await chat.says("jiangcheng", sentence.format(code=code, wide=wide, small=code.lower()))
    assert "已知悉" in answer
    assert chat.again(row).reply_state is ReplyState.ACKNOWLEDGED


async def test_a_wrong_code_and_a_colleagues_code_sound_the_same(chat: Chat) -> None:
    row = chat.notice("chutian", DECIDED)
    async with chat.running():
        foreign = await chat.says("jiangcheng", f"确认 {row.task_code}")
        unknown = await chat.says("jiangcheng", "确认 ZZZZ")
    assert foreign.replace(row.task_code or "", "") == unknown.replace("ZZZZ", "")
    assert "/todo" in unknown
    assert chat.again(row).reply_state is ReplyState.OPEN


@pytest.mark.parametrize("words", ["好的", "确认", "确认 {code} 谢谢", "同意 {code}", "确认{code}", "/foo", "/unlock"])
async def test_anything_else_gets_help_and_changes_nothing(chat: Chat, words: str) -> None:
    row, _ = await chat.gets_decision("jiangcheng")
    async with chat.running():
        assert "什么也没有改动" in await chat.says("jiangcheng", words.format(code=row.task_code))
    assert chat.again(row).reply_state is ReplyState.OPEN


async def test_confirming_what_was_confirmed_already_says_when_that_was(chat: Chat) -> None:
    row, _ = await chat.gets_decision("jiangcheng")
    async with chat.running():
        await chat.says("jiangcheng", f"确认 {row.task_code}")
        with later(hours=1):
            assert "5月20日 周三 09:00" in await chat.says("jiangcheng", f"确认 {row.task_code}")


async def test_certificates_are_never_signed_by_text(chat: Chat) -> None:
    row, _ = await chat.gets("chutian-fzr", TO_SIGN)
    async with chat.running():
        answer = await chat.says("chutian-fzr", f"确认 {row.task_code}")
    assert "不能用文字完成" in answer
    opening = chat.telegram.api.buttons(chat.user("chutian-fzr"))[-1]
    assert "/phone/enter?plan=" in opening["url"]
    assert chat.again(row).reply_state is ReplyState.OPEN


async def test_sending_back_what_is_no_signing_task_is_refused(chat: Chat) -> None:
    row, _ = await chat.gets_decision("jiangcheng")
    async with chat.running():
        assert "不是审核或签发任务" in await chat.says("jiangcheng", f"退回 {row.task_code} 不对")


async def test_what_one_person_writes_is_taken_in_order(chat: Chat) -> None:
    row, _ = await chat.gets_decision("jiangcheng")
    me = chat.user("jiangcheng")
    for words in (f"确认 {row.task_code}", "/plan", "/deadlines", "/help"):
        chat.telegram.api.user_sends_text(me, words)
    async with chat.running():
        await chat.until(lambda: len(chat.heard("jiangcheng")) == 5)
    starts = [str(m["text"])[:6] for m in chat.heard("jiangcheng")[1:]]
    assert starts[1:] == ["【考试计划】", "【时间安排】", "考务助手能做"]
