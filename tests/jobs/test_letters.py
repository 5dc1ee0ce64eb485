"""Letters: to whom no chat reaches, by the channel they chose, once, and never lost (chat.md, laws 1 and 2)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from bot.simulator.faults import Fault
from core import clock, settings
from core.actors import SYSTEM
from core.db import transaction
from core.errors import ValueRefused
from core.gateways.telegram import Pacer, Telegram
from core.models.accounts import ChatBinding, TellingChoice, UserAccount
from core.models.letters import NoticeLetter
from core.models.records import Notification
from core.queries.letters import ways_of
from core.rules.letters import MAX_TRIES, Channel, LetterState, robot_key
from core.rules.notices import LEASE, DeliveryState
from core.usecases import letters, notices, telling
from jobs import letters as job
from jobs import outbox
from jobs.schedule import TIMETABLE
from tests.channels import DEAD, Channels, install, running_channels
from tests.factories import Year, Years, at_once, count, moment, one, rows
from tests.factories import notices as told
from tests.fakes import RunningBotApi

Stand = Callable[[datetime | str], datetime]
MOBILE, MAIL = "13900001234", "a@example.com"
KEY = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"


@pytest.fixture
def channels() -> Iterator[Channels]:
    with running_channels() as running:
        yield running


@pytest.fixture
def year(any_years: Years, stand: Stand, chat: RunningBotApi) -> Year:
    """Applications are decided; the second coordinator has no chat, a mobile and a mail address."""
    found = any_years("approved")
    stand(moment("approved"))
    with transaction(SYSTEM) as tx:
        account = tx.get(UserAccount, found["account:second_coordinator"])
        account.mobile, account.email = MOBILE, MAIL
    return found


async def _deliver() -> None:
    async with Telegram(pacer=Pacer(2_000)) as line:
        while await outbox.deliver_once(line):
            pass


def deliver() -> None:
    asyncio.run(_deliver())


def letter(year: Year, who: str = "second_coordinator") -> NoticeLetter | None:
    query = select(NoticeLetter).join(Notification).where(
        Notification.account_id == year[f"account:{who}"], Notification.kind == "pilots.application_decided"
    )  # fmt: skip
    return next(iter(rows(query)), None)


def state(year: Year, who: str = "second_coordinator") -> LetterState:
    found = letter(year, who)
    assert found is not None
    return found.state


# -- the way out -------------------------------------------------------------------------------------------------------


def test_the_timetable_hands_letters_over() -> None:
    assert job.hand_over in [entry.body for entry in TIMETABLE]


def test_who_has_no_chat_gets_one_letter_by_the_first_channel(
    year: Year, channels: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, channels.sms(), channels.mail())
    deliver()
    job.hand_over()
    job.hand_over()
    ((path, words),) = channels.posted
    assert path == f"/sms/{MOBILE}"
    assert words.startswith("【考务】审核通过：2026 年")
    found = letter(year)
    assert found is not None
    assert (found.state, found.channel) == (LetterState.HANDED_OVER, Channel.SMS)
    notice = one(Notification, found.notification_id)
    assert (notice.delivery_state, notice.last_error) == (DeliveryState.SUPPRESSED, "sent as a letter")


def test_a_message_without_words_of_its_own_says_its_head_and_where_to_log_in(
    year: Year, channels: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """chat.md: links carry no authority; the page asks for the login."""
    install(monkeypatch, channels.sms())
    monkeypatch.setenv("KAOWU_PUBLIC_URL", "https://kaowu.example.org")
    settings.forget()
    ident = year["account:second_coordinator"]
    with transaction(SYSTEM) as tx:
        tx.update_all(Notification, Notification.account_id == ident, delivery_state=DeliveryState.SUPPRESSED)
        bindings_of = select(ChatBinding.account_id)
        assert ident not in tx.all(bindings_of)
    year.do("coordinator", _propose(year))
    deliver()
    job.hand_over()
    ((_, words),) = channels.posted
    assert words == (
        "【考务】【待接受】代办授权 · 站点工作。请登录查看和办理：https://kaowu.example.org/admin/notices/"
    )


def _propose(year: Year) -> Callable[..., object]:
    from core.rules.delegations import Duty
    from core.usecases.delegations import propose_delegation

    def act(tx: object) -> object:
        return propose_delegation(
            tx,  # type: ignore[arg-type]
            principal_id=year["account:second_coordinator"],
            deputy_id=year["account:coordinator"],
            duty=Duty.SITE,
            is_default=True,
        )

    return act


def test_a_person_s_own_choice_comes_first_and_the_others_stay_behind_it(
    year: Year, channels: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, channels.sms(), channels.mail(), channels.wecom())
    year.do("second_coordinator", telling.choose_channel, channel=Channel.WECOM, robot=KEY)
    with transaction(SYSTEM) as tx:
        ways = ways_of(tx.session, tx.get(UserAccount, year["account:second_coordinator"]))
    assert ways.channels == (Channel.WECOM, Channel.SMS, Channel.MAIL)
    deliver()
    job.hand_over()
    assert [path for path, _ in channels.posted] == [f"/wecom/{KEY}"]


def test_a_dead_channel_is_gone_round(year: Year, channels: Channels, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, DEAD, channels.mail())
    deliver()
    job.hand_over()
    assert [path for path, _ in channels.posted] == ["/mail/a@example.com"]
    found = letter(year)
    assert found is not None
    assert found.channel is Channel.MAIL


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def test_a_letter_no_channel_takes_is_tried_again_and_fails_in_the_open(
    year: Year, channels: Channels, monkeypatch: pytest.MonkeyPatch, stand: Stand
) -> None:
    install(monkeypatch, channels.sms())
    channels.is_down = True
    deliver()
    job.hand_over()
    found = letter(year)
    assert found is not None
    assert (found.state, found.tried, found.last_error) == (LetterState.WAITING, 1, "courier")
    assert found.next_attempt_at == clock.now() + timedelta(seconds=5)
    for _ in range(MAX_TRIES):
        stand(clock.now() + timedelta(minutes=31))
        job.hand_over()
    assert state(year) is LetterState.FAILED
    channels.is_down = False
    stand(clock.now() + timedelta(hours=1))
    job.hand_over()
    assert channels.posted == []


def test_a_letter_is_not_tried_again_in_quiet_hours(
    year: Year, channels: Channels, monkeypatch: pytest.MonkeyPatch, stand: Stand
) -> None:
    install(monkeypatch, channels.sms())
    channels.is_down = True
    evening = clock.local(clock.now()).replace(hour=21, minute=59, second=58, microsecond=0)
    with transaction(SYSTEM) as tx:
        mine = Notification.account_id == year["account:second_coordinator"]
        tx.session.execute(
            update(Notification).where(mine).values(useful_until=evening + timedelta(days=9), due_at=None)
        )
    stand(evening)
    deliver()
    job.hand_over()
    found = letter(year)
    assert found is not None
    assert clock.local(found.next_attempt_at).strftime("%H:%M") == "07:30"


def test_a_sender_that_died_between_the_channel_and_the_note_says_so_the_next_time(
    year: Year, channels: Channels, monkeypatch: pytest.MonkeyPatch, stand: Stand
) -> None:
    install(monkeypatch, channels.sms())
    deliver()
    with transaction(SYSTEM) as tx:
        (claim,) = letters.claim_letters(tx, limit=5)
    assert not claim.is_repeat
    job.hand_over()
    assert channels.posted == [], "the lease is another sender's"
    stand(clock.now() + LEASE + timedelta(seconds=1))
    job.hand_over()
    ((_, words),) = channels.posted
    assert words.startswith("【重发】【考务】")
    assert state(year) is LetterState.HANDED_OVER


def test_two_senders_never_take_one_letter(year: Year, channels: Channels, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, channels.sms())
    deliver()
    at_once(job.hand_over, job.hand_over)
    assert len(channels.posted) == 1


def test_work_that_is_done_is_not_announced(year: Year, channels: Channels, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, channels.sms())
    deliver()
    found = letter(year)
    assert found is not None
    year.do("second_coordinator", notices.acknowledge, notification_id=found.notification_id)
    job.hand_over()
    assert channels.posted == []
    assert state(year) is LetterState.DROPPED


def test_quiet_hours_hold_a_letter_back_until_they_end(
    year: Year, channels: Channels, monkeypatch: pytest.MonkeyPatch, stand: Stand
) -> None:
    install(monkeypatch, channels.sms())
    night = clock.local(clock.now()).replace(hour=23, minute=0, second=0, microsecond=0)
    morning = (night + timedelta(days=1)).replace(hour=7, minute=30)
    with transaction(SYSTEM) as tx:
        tx.session.execute(
            update(Notification)
            .where(Notification.account_id == year["account:second_coordinator"])
            .values(useful_until=night + timedelta(days=9), due_at=None)
        )
    stand(night)
    deliver()
    stand(morning - timedelta(seconds=1))
    job.hand_over()
    assert channels.posted == []
    stand(morning)
    job.hand_over()
    assert len(channels.posted) == 1


# -- where the chat fails ----------------------------------------------------------------------------------------------


def test_whoever_blocked_the_bot_is_told_by_letter(
    year: Year, chat: RunningBotApi, channels: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, channels.mail())
    with transaction(SYSTEM) as tx:
        tx.get(UserAccount, year["account:coordinator"]).email = "b@example.com"
        telegram = tx.one(
            select(ChatBinding.telegram_user_id).where(ChatBinding.account_id == year["account:coordinator"])
        )
    chat.api.user_blocks_bot(telegram)
    deliver()
    job.hand_over()
    assert state(year, "coordinator") is LetterState.HANDED_OVER
    notice = told("pilots.application_decided", year["account:coordinator"])[0]
    assert notice.delivery_state is DeliveryState.FAILED
    assert "/mail/b@example.com" in [path for path, _ in channels.posted]


def test_a_request_telegram_has_not_taken_for_an_hour_leaves_as_a_letter_too(
    year: Year, chat: RunningBotApi, channels: Channels, monkeypatch: pytest.MonkeyPatch, stand: Stand
) -> None:
    install(monkeypatch, channels.mail())
    ident = year["account:coordinator"]
    with transaction(SYSTEM) as tx:
        tx.get(UserAccount, ident).email = "b@example.com"
        tx.get(UserAccount, year["account:second_coordinator"]).email = ""
    chat.api.faults.script("sendMessage", Fault.bad_gateway(), times=200)
    asked = told("pilots.application_decided", ident)[0]
    deliver()
    begun = one(Notification, asked.id).not_before
    stand(begun + timedelta(hours=1))
    job.hand_over()
    assert letter(year, "coordinator") is None, "one hour is not more than an hour"
    stand(begun + timedelta(hours=1, seconds=1))
    job.hand_over()
    job.hand_over()
    assert [path for path, _ in channels.posted] == ["/mail/b@example.com"]
    assert one(Notification, asked.id).delivery_state is DeliveryState.PENDING, "the chat is still tried"


def test_what_is_put_off_is_told_by_letter_once_more(
    year: Year, channels: Channels, monkeypatch: pytest.MonkeyPatch, stand: Stand
) -> None:
    install(monkeypatch, channels.sms())
    deliver()
    job.hand_over()
    notice = told("pilots.application_decided", year["account:second_coordinator"])[0]
    year.do("second_coordinator", notices.snooze, notification_id=notice.id)
    stand(clock.now() + timedelta(hours=2))
    deliver()
    job.hand_over()
    assert len(channels.posted) == 2
    assert "重发" not in channels.posted[1][1]


# -- choosing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "robot", "code"),
    [
        (Channel.FEISHU, KEY, "channel_not_installed"),
        (Channel.BY_HAND, "", "channel_not_installed"),
        (Channel.MAIL, "", "channel_without_address"),
        (Channel.WECOM, "", "robot_key_unknown"),
        (Channel.WECOM, "短", "robot_key_unknown"),
        (Channel.WECOM, "https://evil.example/?key=" + KEY, "robot_key_unknown"),
    ],
)
def test_a_channel_that_could_not_work_is_refused(
    year: Year, channels: Channels, monkeypatch: pytest.MonkeyPatch, channel: Channel, robot: str, code: str
) -> None:
    install(monkeypatch, channels.sms(), channels.mail(), channels.wecom())
    with pytest.raises(ValueRefused, match=code):
        year.do("coordinator", telling.choose_channel, channel=channel, robot=robot)
    assert count(TellingChoice, TellingChoice.account_id == year["account:coordinator"]) == 0


def test_a_robot_stays_until_another_channel_is_chosen(
    year: Year, channels: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, channels.sms(), channels.wecom())
    choose = telling.choose_channel
    year.do("second_coordinator", choose, channel=Channel.WECOM, robot=KEY)
    year.do("second_coordinator", choose, channel=Channel.WECOM)
    mine = select(TellingChoice).where(TellingChoice.account_id == year["account:second_coordinator"])
    assert [(row.letter_channel, row.robot_key) for row in rows(mine)] == [(Channel.WECOM, KEY)]
    year.do("second_coordinator", choose, channel=Channel.SMS)
    assert [(row.letter_channel, row.robot_key) for row in rows(mine)] == [(Channel.SMS, "")]


@pytest.mark.parametrize(
    ("channel", "typed", "key"),
    [
        (Channel.WECOM, f" {KEY} ", KEY),
        (Channel.WECOM, f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}", KEY),
        (Channel.DINGTALK, "https://oapi.dingtalk.com/robot/send?access_token=" + "a1" * 32, "a1" * 32),
        (Channel.DINGTALK, "SEC" + "b" * 64 + "@" + "a1" * 32, "SEC" + "b" * 64 + "@" + "a1" * 32),
        (Channel.FEISHU, f"https://open.feishu.cn/open-apis/bot/v2/hook/{KEY}", KEY),
    ],
)
def test_the_key_is_found_in_what_the_robot_s_page_shows(channel: Channel, typed: str, key: str) -> None:
    assert robot_key(channel, typed) == key


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("wecombot://" + KEY, "NotifyWeComBot"),
        ("dingtalk://SEC" + "b" * 64 + "@" + "a1" * 32, "NotifyDingTalk"),
        ("feishu://" + KEY, "NotifyFeishu"),
    ],
)
def test_apprise_knows_the_addresses_our_handbook_names(address: str, kind: str) -> None:
    import apprise

    assert type(apprise.Apprise.instantiate(address)).__name__ == kind


def test_a_robot_s_key_is_nowhere_in_the_trail(year: Year, channels: Channels, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.models.records import AuditEntry

    install(monkeypatch, channels.wecom())
    year.do("coordinator", telling.choose_channel, channel=Channel.WECOM, robot=KEY)
    trail = rows(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(5))
    assert any(entry.object_type == "telling_choices" for entry in trail)
    assert not [entry for entry in trail if KEY in entry.before + entry.after]


def test_a_working_channel_is_one_the_installation_has(
    year: Year, channels: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mobile number reaches nobody where no channel sends short messages."""
    from core.notifications.audiences import reachable

    ident = year["account:second_coordinator"]

    def is_reached() -> bool:
        with transaction(SYSTEM) as tx:
            return bool(reachable(tx.session, [ident]))

    assert not is_reached()
    install(monkeypatch, channels.sms())
    assert is_reached()
    install(monkeypatch, channels.wecom())
    assert not is_reached()
    year.do("second_coordinator", telling.choose_channel, channel=Channel.WECOM, robot=KEY)
    assert is_reached()
