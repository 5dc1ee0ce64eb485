"""The outbox against a strict Telegram: once each, honest about repeats, and never stuck on one message."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.simulator.faults import Fault, Rate
from core import clock, settings
from core.actors import SYSTEM
from core.db import transaction
from core.gateways.telegram import Fate, Pacer, Telegram
from core.models.accounts import ChatBinding, UserAccount
from core.models.records import Notification
from core.notifications.buttons import read_press
from core.notifications.message import Press
from core.rules.delegations import Duty
from core.rules.organisations import BindingState
from core.usecases import delegations, notices, reviews
from jobs import letters, outbox
from tests.conftest import PATIENCE, comes_true
from tests.factories import SECOND, Year, Years, at_once, count, moment, one, rows
from tests.factories import notices as told
from tests.fakes import RunningBotApi, running_bot_api
from tests.proxies import running_proxy

Stand = Callable[[datetime | str], datetime]
COORDINATOR, SIGNATORY, CITY = 9008, 9009, 9003


async def deliver(rounds: int = 20) -> None:
    """What the jobs process does until there is nothing more to do."""
    async with Telegram(pacer=Pacer(2_000)) as line:
        for _ in range(rounds):
            if not await outbox.deliver_once(line):
                return


def run() -> None:
    asyncio.run(deliver())


@pytest.fixture
def year(years: Years, stand: Stand, chat: RunningBotApi) -> Year:
    """Applications are decided; seven people wait for nine messages, two of them without a chat."""
    found = years("approved")
    stand(moment("approved"))
    return found


def sent(chat: RunningBotApi, to: int | None = None) -> list[str]:
    """The texts Telegram has taken, oldest first."""
    return [call.params["text"] for call in chat.api.accepted("sendMessage", chat_id=to)]


def decided(year: Year, who: str = "coordinator") -> Notification:
    return told("pilots.application_decided", year[f"account:{who}"])[0]


def later(stand: Stand, **step: float) -> None:
    stand(clock.now() + timedelta(**step))


# -- the ordinary way ------------------------------------------------------------------------------------------------


async def test_every_message_is_delivered_once_and_known_by_its_number(year: Year, chat: RunningBotApi) -> None:
    due = count(Notification, Notification.delivery_state == "pending")
    await deliver()
    await deliver()
    arrived = rows(select(Notification).where(Notification.delivery_state == "delivered"))
    assert len(sent(chat)) == len(arrived) == due - 1  # the second coordinator has no chat
    numbers = {(call.chat_id, call.message_id) for call in chat.api.accepted("sendMessage")}
    assert {(n.chat_id, n.message_id) for n in arrived} == numbers
    assert not [text for text in sent(chat) if "重发" in text]
    assert count(Notification, Notification.delivery_state.in_(["pending", "sending", "failed"])) == 0


async def test_who_has_no_chat_is_told_in_the_panel_only(year: Year, chat: RunningBotApi) -> None:
    await deliver()
    row = decided(year, "second_coordinator")
    assert (row.delivery_state, row.last_error, row.reply_state) == ("suppressed", "no chat", "open")


async def test_what_reaches_nobody_goes_to_the_deputy_at_once(year: Year, chat: RunningBotApi) -> None:
    """chat.md: a person without any channel; the reviewer of the college has not heard of it yet."""
    given = {"principal_id": year["account:second_coordinator"], "deputy_id": year["account:reviewer"]}
    held = year.do("coordinator", delegations.propose_delegation, **given, duty=Duty.SITE, is_default=True)
    year.do("second_coordinator", delegations.accept_delegation, delegation_id=held.id)
    await deliver()
    await deliver()
    told_instead = told("pilots.application_decided", year["account:reviewer"])
    assert [row.instead_of for row in told_instead] == [year["account:second_coordinator"]]
    assert any("您代账号 second_coordinator 办理" in text for text in sent(chat, 9010))


def give_mobile(year: Year) -> int:
    """The second coordinator, who has no chat, can be reached by a letter."""
    ident = year["account:second_coordinator"]
    with transaction(SYSTEM) as tx:
        tx.get(UserAccount, ident).mobile = "13900001234"
    return ident


async def test_without_channels_a_result_lies_in_the_letters_folder_once_R043(year: Year, chat: RunningBotApi) -> None:
    ident = give_mobile(year)
    await deliver()
    await deliver()
    await asyncio.to_thread(letters.hand_over)
    await asyncio.to_thread(letters.hand_over)
    (letter,) = (settings.current().data_dir / "letters").glob("*.txt")
    words = letter.read_text(encoding="utf-8")
    assert words.startswith("13900001234\n【考务】审核通过：2026 年")
    assert "批准 4 人" in words
    row = told("pilots.application_decided", ident)[0]
    assert (row.delivery_state, row.last_error, row.reply_state) == ("suppressed", "sent as a letter", "open")


async def test_messages_are_protected_and_their_buttons_work_for_their_person_only(
    year: Year, chat: RunningBotApi
) -> None:
    await deliver()
    call = chat.api.accepted("sendMessage", chat_id=COORDINATOR)[-1]
    assert call.params["protect_content"] in (True, "true")
    data = [key["callback_data"] for line in call.result["reply_markup"]["inline_keyboard"] for key in line
            if "callback_data" in key]  # fmt: skip
    found = read_press(data[0], user_id=COORDINATOR, now=clock.now())
    assert (found.press, found.notification_id) == (Press.ACKNOWLEDGE, decided(year).id)


async def test_no_call_uses_a_parameter_telegram_does_not_know(year: Year, chat: RunningBotApi) -> None:
    await deliver()
    assert not [call.unknown for call in chat.api.accepted() if call.unknown]


async def test_a_message_not_due_yet_waits(year: Year, chat: RunningBotApi, stand: Stand) -> None:
    with transaction(year.actor("system")) as tx:
        tx.session.execute(update(Notification).values(next_attempt_at=clock.now() + timedelta(hours=1)))
    await deliver()
    assert sent(chat) == []
    later(stand, hours=1)
    await deliver()
    assert sent(chat)


# -- what Telegram may answer ----------------------------------------------------------------------------------------


async def test_a_429_is_waited_out_and_nothing_is_lost_or_doubled(
    year: Year, chat: RunningBotApi, stand: Stand
) -> None:
    chat.api.faults.script("sendMessage", Fault.too_many(1))
    due = count(Notification, Notification.delivery_state == "pending")
    start = clock.now()
    await deliver()
    (waiting,) = rows(select(Notification).where(Notification.delivery_state == "pending"))
    assert (waiting.last_error, waiting.next_attempt_at) == ("RetryAfter", start + timedelta(seconds=1))
    later(stand, seconds=1)
    await deliver()
    assert len(sent(chat)) == due - 1
    assert not [text for text in sent(chat) if "重发" in text]


async def test_a_person_who_blocked_the_bot_loses_the_binding_not_the_message(year: Year, chat: RunningBotApi) -> None:
    chat.api.user_blocks_bot(COORDINATOR)
    await deliver()
    row = decided(year)
    assert (row.delivery_state, row.last_error, row.reply_state) == ("failed", "Forbidden", "open")
    binding = rows(select(ChatBinding).where(ChatBinding.telegram_user_id == COORDINATOR))[0]
    assert binding.state is BindingState.DEAD
    assert sent(chat, SIGNATORY)


async def test_a_chat_that_never_existed_loses_the_binding(year: Year, chat: RunningBotApi) -> None:
    chat.api.user_leaves_telegram(COORDINATOR)
    chat.api.faults.script("sendMessage", Fault.refused(400, "Bad Request: chat not found"), times=50)
    await deliver()
    assert set(rows(select(Notification.last_error).where(Notification.delivery_state == "failed"))) <= {
        "BadRequest",
        "Forbidden",
    }
    assert count(ChatBinding, ChatBinding.telegram_user_id == COORDINATOR, ChatBinding.state == "dead") == 1


async def test_a_message_telegram_cannot_read_has_failed_and_the_binding_lives(year: Year, chat: RunningBotApi) -> None:
    due = count(Notification, Notification.delivery_state == "pending")
    chat.api.faults.script("sendMessage", Fault.refused(400, "Bad Request: can't parse entities"))
    await deliver()
    (failed,) = rows(select(Notification).where(Notification.delivery_state == "failed"))
    assert failed.last_error == "BadRequest"
    assert count(ChatBinding, ChatBinding.state == "dead") == 0
    assert len(sent(chat)) == due - 2


@pytest.mark.parametrize("fault", [Fault.answer_lost(1.5), Fault.hung_up()])
async def test_a_message_whose_answer_was_lost_is_repeated_and_says_so(
    year: Year, chat: RunningBotApi, stand: Stand, fault: Fault
) -> None:
    due = count(Notification, Notification.delivery_state == "pending")
    chat.api.faults.script("sendMessage", fault)
    await deliver()
    (unsure,) = rows(select(Notification).where(Notification.delivery_state == "pending"))
    assert unsure.may_have_arrived
    assert len(sent(chat)) == due - 1  # Telegram has taken it, only nobody was told
    later(stand, hours=1)
    await deliver()
    repeats = [text for text in sent(chat) if text.startswith("【重发】")]
    assert len(repeats) == 1
    assert repeats[0].removeprefix("【重发】") in sent(chat)
    assert one(Notification, unsure.id).delivery_state == "delivered"


async def test_while_telegram_is_down_everything_waits_and_then_goes(
    year: Year, chat: RunningBotApi, stand: Stand
) -> None:
    due = count(Notification, Notification.delivery_state == "pending")
    chat.api.faults.script("sendMessage", Fault.bad_gateway(), times=50)
    await deliver()
    assert count(Notification, Notification.delivery_state == "pending") == due - 1
    assert sent(chat) == []
    chat.api.faults.clear()
    later(stand, hours=1)
    await deliver()
    assert len(sent(chat)) == due - 1


async def test_a_rate_telegram_enforces_slows_down_and_loses_nothing(
    year: Year, chat: RunningBotApi, stand: Stand
) -> None:
    due = count(Notification, Notification.delivery_state == "pending")
    chat.api.faults.limited_rate = Rate(1, 0.7)
    chat.api.faults.mode = "rate_limited"
    await deliver(2)
    chat.api.faults.clear()
    later(stand, hours=1)
    await deliver()
    assert len(sent(chat)) == due - 1


async def test_a_message_that_never_left_this_machine_is_no_repeat_later(
    years: Years, stand: Stand, own_settings: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_bot_api() as gone:
        monkeypatch.setenv("KAOWU_TELEGRAM_TOKEN", gone.token)
        monkeypatch.setenv("KAOWU_TELEGRAM_API_URL", gone.root)
        settings.forget()
        line = await Telegram(pacer=Pacer(2_000)).__aenter__()
    report = await line.send(1, "text", ())
    await line.__aexit__(None, None, None)
    assert (report.fate, report.message_id) == (Fate.LATER, None)


async def test_behind_a_dead_proxy_messages_wait_and_leave_unmarked_when_it_is_back(
    year: Year, chat: RunningBotApi, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAOWU_TELEGRAM_API_URL", "http://telegram.example.org")
    due = count(Notification, Notification.delivery_state == "pending")
    async with running_proxy("socks5", chat.port) as proxy:
        monkeypatch.setenv("KAOWU_TELEGRAM_PROXY", proxy.address)
        settings.forget()
        line = await Telegram(pacer=Pacer(2_000)).__aenter__()
    await outbox.deliver_once(line)
    waiting = rows(select(Notification).where(Notification.delivery_state == "pending"))
    assert {row.last_error for row in waiting} == {"ConnectError"}
    assert len(waiting) == due - 1  # the second coordinator has no chat
    later(stand, hours=1)
    async with running_proxy("socks5", chat.port, port=proxy.port):
        while await outbox.deliver_once(line):
            pass
    await line.__aexit__(None, None, None)
    assert len(sent(chat)) == due - 1
    assert not [text for text in sent(chat) if "重发" in text]


# -- killed in between -----------------------------------------------------------------------------------------------


async def test_a_sender_killed_after_its_claim_leaves_its_messages_to_the_next_which_marks_them(
    year: Year, chat: RunningBotApi, stand: Stand
) -> None:
    claimed = year.do("system", notices.claim_due, limit=3)
    await deliver()
    before = len(sent(chat))
    later(stand, seconds=60)
    await deliver()
    assert len(sent(chat)) == before
    later(stand, seconds=1)
    await deliver()
    fates = [one(Notification, c.notification_id).delivery_state.value for c in claimed]
    assert sorted(fates) == ["delivered", "delivered", "suppressed"]  # one of the three has no chat
    assert len([text for text in sent(chat) if text.startswith("【重发】")]) == 2


async def test_a_report_that_comes_after_somebody_else_has_delivered_breaks_nothing(
    year: Year, chat: RunningBotApi
) -> None:
    """The lease ran out while the answer was on its way: the second report finds the message delivered."""
    letters = [
        await asyncio.to_thread(outbox._letter, claim) for claim in year.do("system", notices.claim_due, limit=2)
    ]
    letter = next(found for found in letters if found is not None)
    given = {"notification_id": letter.notification_id, "chat_id": 1, "message_id": 77}
    year.do("system", notices.mark_delivered, **given)
    async with Telegram(pacer=Pacer(2_000)) as line:
        report = await line.send(letter.chat_id, letter.text, letter.keys)
        with pytest.raises(Exception, match="illegal_move"):
            await asyncio.to_thread(outbox._write_down, letter, report)
        await outbox.deliver_once(line)
    assert one(Notification, letter.notification_id).message_id == 77


async def test_one_message_that_breaks_does_not_take_the_others_with_it(
    year: Year, chat: RunningBotApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = outbox._write_down
    broken: list[int] = []

    def once_broken(letter: Any, report: Any) -> None:
        if not broken:
            broken.append(letter.notification_id)
            raise RuntimeError("the database was away")
        written(letter, report)

    monkeypatch.setattr(outbox, "_write_down", once_broken)
    due = count(Notification, Notification.delivery_state == "pending")
    await deliver()
    assert one(Notification, broken[0]).delivery_state == "sending"
    assert count(Notification, Notification.delivery_state == "delivered") == due - 2


# -- overtaken by events ---------------------------------------------------------------------------------------------


async def test_what_is_decided_before_it_is_sent_is_not_sent(years: Years, stand: Stand, chat: RunningBotApi) -> None:
    year = years("applied")
    stand(moment("applied"))
    year.do("city", reviews.return_application, application_id=year["application"], reason="缺材料")
    await deliver()
    assert sent(chat, CITY) == []
    assert told("pilots.application_waiting", year["account:city"])[0].delivery_state == "suppressed"
    assert len(sent(chat, COORDINATOR)) == 1


async def test_what_is_decided_after_it_was_sent_is_edited_and_loses_its_buttons(
    years: Years, stand: Stand, chat: RunningBotApi
) -> None:
    year = years("applied")
    stand(moment("applied"))
    await deliver()
    (first,) = chat.api.accepted("sendMessage", chat_id=CITY)
    year.do("city", reviews.return_application, application_id=year["application"], reason="缺材料")
    await deliver()
    (edit,) = chat.api.accepted("editMessageText", chat_id=CITY)
    assert edit.message_id == first.message_id
    assert "已退回 · city" in edit.params["text"]
    assert "inline_keyboard" not in json.dumps(edit.result)
    assert not told("pilots.application_waiting", year["account:city"])[0].is_stale
    await deliver()
    assert len(chat.api.accepted("editMessageText")) == 1


@pytest.mark.parametrize("answer", ["Bad Request: message to edit not found", "Bad Request: message can't be edited"])
async def test_a_copy_that_cannot_be_edited_is_let_be(
    years: Years, stand: Stand, chat: RunningBotApi, answer: str
) -> None:
    year = years("applied")
    stand(moment("applied"))
    await deliver()
    year.do("city", reviews.return_application, application_id=year["application"], reason="缺材料")
    chat.api.faults.script("editMessageText", Fault.refused(400, answer))
    await deliver()
    assert not told("pilots.application_waiting", year["account:city"])[0].is_stale


async def test_an_edit_telegram_has_no_time_for_is_tried_again(years: Years, stand: Stand, chat: RunningBotApi) -> None:
    year = years("applied")
    stand(moment("applied"))
    await deliver()
    year.do("city", reviews.return_application, application_id=year["application"], reason="缺材料")
    chat.api.faults.script("editMessageText", Fault.bad_gateway(), times=2)
    await deliver(1)
    async with Telegram(pacer=Pacer(2_000)) as line:
        assert await outbox.deliver_once(line) == 0, "a Telegram that is down would be asked without pause"
    assert told("pilots.application_waiting", year["account:city"])[0].is_stale
    await deliver()
    assert not told("pilots.application_waiting", year["account:city"])[0].is_stale


async def test_a_copy_without_words_is_let_be_and_not_tried_for_ever(
    years: Years, stand: Stand, chat: RunningBotApi
) -> None:
    year = years("applied")
    stand(moment("applied"))
    await deliver()
    year.do("city", reviews.return_application, application_id=year["application"], reason="缺材料")
    stale = told("pilots.application_waiting", year["account:city"])[0]
    with transaction(year.actor("system")) as tx:
        tx.session.execute(update(Notification).where(Notification.id == stale.id).values(kind="pilots.gone"))
    await deliver()
    assert not one(Notification, stale.id).is_stale
    assert chat.api.accepted("editMessageText") == []


async def test_what_is_no_longer_worth_hearing_is_not_sent(year: Year, chat: RunningBotApi, stand: Stand) -> None:
    later(stand, days=31)
    await deliver()
    assert sent(chat) == []
    assert count(Notification, Notification.delivery_state == "suppressed") == count(Notification)


async def test_a_message_without_words_has_failed_and_the_others_go(year: Year, chat: RunningBotApi) -> None:
    due = count(Notification, Notification.delivery_state == "pending")
    with transaction(year.actor("system")) as tx:
        tx.session.execute(update(Notification).where(Notification.id == decided(year).id).values(kind="pilots.gone"))
    await deliver()
    broken = rows(select(Notification).where(Notification.kind == "pilots.gone"))[0]
    assert (broken.delivery_state, broken.last_error) == ("failed", "unrenderable")
    assert len(sent(chat)) == due - 2


async def test_a_snoozed_message_comes_again_and_is_no_repeat(year: Year, chat: RunningBotApi, stand: Stand) -> None:
    await deliver()
    year.do("coordinator", notices.snooze, notification_id=decided(year).id)
    before = len(sent(chat, COORDINATOR))
    await deliver()
    assert len(sent(chat, COORDINATOR)) == before
    later(stand, hours=2)
    await deliver()
    assert len(sent(chat, COORDINATOR)) == before + 1
    assert "重发" not in sent(chat, COORDINATOR)[-1]


# -- two at once -----------------------------------------------------------------------------------------------------


def test_two_senders_at_once_send_each_message_once(any_years: Years, stand: Stand, chat: RunningBotApi) -> None:
    any_years("approved")
    stand(moment("approved"))
    due = count(Notification, Notification.delivery_state == "pending")
    assert at_once(run, run, run) == [None, None, None]
    run()
    assert len(sent(chat)) == due - 1
    assert len(set(sent(chat))) <= len(sent(chat))
    assert not [text for text in sent(chat) if "重发" in text]
    arrived = rows(select(Notification).where(Notification.delivery_state == "delivered"))
    assert len({(n.chat_id, n.message_id) for n in arrived}) == due - 1


# -- for ever --------------------------------------------------------------------------------------------------------


async def test_the_sender_works_until_it_is_told_to_stop(year: Year, chat: RunningBotApi) -> None:
    stop = asyncio.Event()
    work = asyncio.create_task(outbox.deliver_forever(stop))
    waiting = Notification.delivery_state.in_(["pending", "sending"])
    assert await asyncio.to_thread(comes_true, lambda: not count(Notification, waiting))
    stop.set()
    await asyncio.wait_for(work, PATIENCE)
    assert sent(chat)


async def test_a_telegram_that_cannot_be_reached_is_tried_again_not_given_up(
    year: Year, chat: RunningBotApi, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("KAOWU_TELEGRAM_API_URL", "http://127.0.0.1:9")
    settings.forget()
    due = count(Notification, Notification.delivery_state == "pending")
    stop = asyncio.Event()
    work = asyncio.create_task(outbox.deliver_forever(stop))
    assert await asyncio.to_thread(comes_true, lambda: "trying again" in caplog.text)
    assert not work.done()
    stop.set()
    await asyncio.wait_for(work, PATIENCE)
    assert count(Notification, Notification.delivery_state == "pending") == due
    assert moment("approved") - SECOND < clock.now()
