"""Digests, bursts, quiet hours and reminders as people live them (chat.md), on both databases where rows race."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core import clock
from core.db import reading
from core.errors import ValueRefused
from core.models.accounts import TellingChoice, UserAccount
from core.models.pilots import DeclarationPlan
from core.models.records import Notification
from core.models.sites import ExamSite
from core.notifications.accounts import CodeSent
from core.notifications.imports import ImportDone
from core.notifications.pilots import ApplicationDecided, DeclarationOpened
from core.notifications.quotas import QuotaLapsed
from core.notifications.render import chat_text
from core.notifications.sites import SiteSubmitted
from core.queries.late import late_things
from core.queries.notices import earlier_copy
from core.queries.telling import digests_due, escalations_due, reminders_due, requests_over
from core.rules.notices import DeliveryState, ReplyState
from core.rules.organisations import CodePurpose
from core.rules.sites import SiteReview, SiteStatus
from core.usecases import bindings, codes, notices, replies, telling
from core.usecases.imports import open_import
from tests.factories import SECOND, Year, Years, at_once, on, one, rows

At = Callable[[datetime | str], datetime]
NOON, EVENING, MORNING = on("2026-05-20 12:00"), on("2026-05-20 22:00"), on("2026-05-21 07:30")
DIGEST, DAY = on("2026-05-21 08:30"), timedelta(days=1)


@pytest.fixture
def year(any_years: Years, at: At) -> Year:
    """Decisions have been made; everything told so far is out of the way."""
    found = any_years("planned")
    at(NOON - DAY)
    with found.acting("system") as tx:
        tx.update_all(Notification, Notification.id > 0, delivery_state=DeliveryState.SUPPRESSED, next_reminder_at=None)
        tx.update_all(Notification, Notification.reply_state == ReplyState.OPEN, reply_state=ReplyState.EXPIRED)
    at(NOON)
    return found


def tell(year: Year, *messages: Any) -> list[Notification]:
    """Messages told, as rows of the coordinator."""
    with year.acting("system") as tx:
        for message in messages:
            tx.notify(message)
    keys = [message.dedupe_key()[:160] for message in messages]
    mine = select(Notification).where(
        Notification.dedupe_key.in_(keys), Notification.account_id == year["account:coordinator"]
    )
    return rows(mine.order_by(Notification.id))


def decided(year: Year, round_: int = 71) -> Notification:
    """A request that asks for 已知悉 within three days."""
    return tell(year, ApplicationDecided(year["application"], True, "", round_))[0]


def send(year: Year) -> list[Notification]:
    """What the sender takes now, delivered; rows of the coordinator."""
    with year.acting("system") as tx:
        claims = notices.claim_due(tx, limit=1_000)
        for claim in claims:
            notices.mark_delivered(
                tx, notification_id=claim.notification_id, chat_id=1, message_id=1_000 + claim.notification_id
            )
    taken = {claim.notification_id for claim in claims}
    mine = select(Notification).where(
        Notification.id.in_(taken), Notification.account_id == year["account:coordinator"]
    )
    return rows(mine.order_by(Notification.id))


def is_mine(year: Year, row: Notification) -> bool:
    return bool(row.account_id == year["account:coordinator"])


def words(row: Notification) -> str:
    with reading() as session:
        return chat_text(session, session.get_one(Notification, row.id), clock.now()).text


def labels(row: Notification) -> list[str]:
    with reading() as session:
        shown = chat_text(session, session.get_one(Notification, row.id), clock.now())
        return [key.label for line in shown.keys for key in line]


def digest(year: Year) -> None:
    with reading() as session:
        due = session.scalars(digests_due(clock.now())).all()
    for account_id in due:
        year.do("system", telling.send_digest, account_id=account_id)


def remind(year: Year) -> list[int]:
    with reading() as session:
        due = session.scalars(reminders_due(clock.now())).all()
    for ident in due:
        year.do("system", telling.remind, notification_id=ident)
    return list(due)


def kinds(found: Iterable[Notification]) -> list[str]:
    return [row.kind for row in found]


def lapsed(year: Year) -> QuotaLapsed:
    """Information, of a year nobody has told of."""
    return QuotaLapsed(year["college"], 2019)


# -- quiet hours -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "goes_at"),
    [(EVENING - SECOND, EVENING - SECOND), (EVENING, MORNING), (MORNING - SECOND, MORNING), (MORNING, MORNING)],
)
def test_a_request_of_the_night_is_told_in_the_morning(moment: datetime, goes_at: datetime, year: Year, at: At) -> None:
    """19: quiet hours across midnight."""
    at(moment)
    row = decided(year)
    assert row.next_attempt_at == goes_at
    at(goes_at - SECOND)
    assert (send(year) == []) or goes_at == moment
    at(goes_at)
    assert [sent.id for sent in send(year)] == [row.id] or goes_at == moment


def test_what_was_done_in_the_night_is_not_announced(year: Year, at: At) -> None:
    """Deferred messages are checked again before they go."""
    at(EVENING)
    row = decided(year)
    year.do("coordinator", notices.acknowledge, notification_id=row.id)
    at(MORNING)
    assert row.id not in [sent.id for sent in send(year)]


def test_a_code_somebody_waits_for_comes_at_midnight(year: Year, at: At) -> None:
    at(on("2026-05-21 00:00"))
    given = {"purpose": CodePurpose.EXPORT, "account_id": year["account:coordinator"]}
    year.do("system", codes.send_code, **given)
    assert kinds(send(year)) == [CodeSent.kind]


def test_each_person_chooses_the_own_quiet_hours(year: Year, at: At) -> None:
    chosen = {"quiet_from": time(12), "quiet_until": time(14), "wants_digest": False}
    year.do("coordinator", telling.choose, **chosen)
    row = decided(year)
    assert row.next_attempt_at == on("2026-05-20 14:00")
    year.do("coordinator", telling.choose, **chosen | {"quiet_until": time(12)})
    at(EVENING)
    assert decided(year, 72).next_attempt_at == EVENING
    assert len(rows(select(TellingChoice))) == 1


@pytest.mark.parametrize(
    ("begins", "ends", "may"),
    [
        (time(18), time(8), True),
        (time(18), time(8, 1), False),
        (time(0), time(14), True),
        (time(8), time(22, 1), False),
    ],
)
def test_nobody_is_quiet_all_day(begins: time, ends: time, may: bool, year: Year) -> None:
    given = {"quiet_from": begins, "quiet_until": ends, "wants_digest": True}
    if may:
        year.do("coordinator", telling.choose, **given)
        return
    with pytest.raises(ValueRefused, match="quiet_too_long"):
        year.do("coordinator", telling.choose, **given)
    assert rows(select(TellingChoice)) == []


# -- the digest --------------------------------------------------------------------------------------------------------


def test_information_comes_in_one_message_at_half_past_eight(year: Year, at: At) -> None:
    (row,) = tell(year, lapsed(year))
    assert send(year) == []
    at(DIGEST - SECOND)
    digest(year)
    assert send(year) == []
    at(DIGEST)
    digest(year)
    (sent,) = send(year)
    assert sent.kind == "telling.digest"
    assert "【每日汇总】2026年5月21日 · 1 条" in words(sent)
    assert one(Notification, row.id).gathered_in == sent.id
    digest(year)
    assert send(year) == []


def test_a_digest_that_runs_twice_or_late_finds_its_own_row(year: Year, at: At) -> None:
    """Digest windows are rows with a unique key (Novu #12373)."""
    tell(year, lapsed(year))
    at(DIGEST + timedelta(hours=3))
    account = year["account:coordinator"]

    def once() -> None:
        year.do("system", telling.send_digest, account_id=account)

    assert not [found for found in at_once(once, once) if isinstance(found, Exception)]
    held = rows(select(Notification).where(Notification.kind == "telling.digest", Notification.account_id == account))
    assert len(held) == 1


def test_a_digest_of_what_is_no_longer_true_is_not_sent(year: Year, at: At) -> None:
    """The window is over before half past eight."""
    closes = one(DeclarationPlan, year["declaration"]).apply_closes_at
    at(closes)
    tell(year, DeclarationOpened(year["declaration"]))
    at(closes + DAY)
    digest(year)
    assert "telling.digest" not in kinds(send(year))


def test_who_wants_no_digest_is_told_singly(year: Year) -> None:
    year.do("coordinator", telling.choose, quiet_from=time(22), quiet_until=time(7), wants_digest=False)
    tell(year, lapsed(year))
    assert kinds(send(year)) == [QuotaLapsed.kind]


# -- bursts ------------------------------------------------------------------------------------------------------------


def test_five_hundred_alike_are_three_messages_and_one_that_grows(year: Year, at: At) -> None:
    """20: a burst of 500 results to one person."""
    told = tell(year, *(ApplicationDecided(year["application"], True, "", number) for number in range(100, 600)))
    assert len(told) == 500
    sent = send(year)
    assert kinds(sent) == [ApplicationDecided.kind] * 3
    (burst,) = send(year)
    assert burst.kind == "telling.burst"
    assert "【合并提醒】497 条同类消息" in words(burst)
    at(NOON + timedelta(minutes=5))
    decided(year, 700)
    assert send(year) == []
    again = one(Notification, burst.id)
    assert again.is_stale
    assert "498 条" in words(again)
    states = {row.reply_state for row in rows(select(Notification).where(Notification.gathered_in == burst.id))}
    assert states == {ReplyState.OPEN}  # spared in the chat, not forgotten


def test_what_joins_a_burst_while_it_is_on_its_way_is_counted_in_it(year: Year) -> None:
    """The words have left, Telegram has not answered: the copy is brought up to date as soon as it has."""
    tell(year, *(ApplicationDecided(year["application"], True, "", number) for number in range(100, 104)))
    send(year)
    mine = [row.id for row in rows(select(Notification)) if row.kind == "telling.burst" and is_mine(year, row)]
    with year.acting("system") as tx:
        claimed = {claim.notification_id for claim in notices.claim_due(tx, limit=10)}
    assert set(mine) <= claimed
    decided(year, 104)
    assert send(year) == []
    with year.acting("system") as tx:
        notices.mark_delivered(tx, notification_id=mine[0], chat_id=1, message_id=7)
    assert one(Notification, mine[0]).is_stale
    assert "2 条" in words(one(Notification, mine[0]))


def test_two_senders_gather_into_one_message(year: Year) -> None:
    tell(year, *(ApplicationDecided(year["application"], True, "", number) for number in range(100, 103)))
    send(year)
    tell(year, *(ApplicationDecided(year["application"], True, "", number) for number in range(103, 143)))

    def once() -> None:
        year.do("system", notices.claim_due, limit=20)

    assert not [found for found in at_once(once, once) if isinstance(found, Exception)]
    held = rows(select(Notification).where(Notification.kind == "telling.burst"))
    assert len([row for row in held if is_mine(year, row)]) == 1


def test_reminders_of_many_requests_are_no_flood_either(year: Year, at: At) -> None:
    """20, three days later: what was told in one message is not said again in five hundred."""
    tell(year, *(ApplicationDecided(year["application"], True, "", number) for number in range(100, 140)))
    send(year)
    send(year)
    at(NOON + 2 * DAY)
    remind(year)
    said = send(year)
    assert kinds(said) == ["telling.reminder"] * 3
    (burst,) = [row for row in send(year) if row.kind == "telling.burst"]
    assert "37 条同类消息" in words(burst)
    assert "/todo" in words(burst)


def test_what_somebody_waits_for_is_never_gathered(year: Year) -> None:
    jobs = []
    for _ in range(5):
        with year.acting("coordinator") as tx:
            jobs.append(open_import(tx, sheet="candidates", file_name="学生.xlsx", file_hash="0" * 64).id)
    tell(year, *(ImportDone(job, "本校学生导入模板", 1) for job in jobs))
    assert kinds(send(year)) == [ImportDone.kind] * 5


def test_a_slow_trickle_is_no_burst(year: Year, at: At) -> None:
    for number in range(8):
        at(NOON + number * timedelta(minutes=5))
        decided(year, 100 + number)
        assert kinds(send(year)) == [ApplicationDecided.kind], number


# -- reminders ---------------------------------------------------------------------------------------------------------


def test_an_open_request_is_said_again_as_an_answer_to_itself_until_it_is_answered(year: Year, at: At) -> None:
    row = decided(year)  # due on the 23rd at noon
    assert row.due_at == NOON + 3 * DAY
    send(year)
    at(NOON + 2 * DAY - SECOND)
    assert remind(year) == []
    at(NOON + 2 * DAY)
    assert row.id in remind(year)
    (said,) = send(year)
    assert (said.kind, said.about_id) == ("telling.reminder", row.id)
    assert words(said).startswith("【提醒 · 还剩 24 小时】")
    assert labels(said) == labels(row)
    with reading() as session:
        assert earlier_copy(session, session.get_one(Notification, said.id)) == 1_000 + row.id
    assert remind(year) == []
    with year.acting("coordinator") as tx:
        assert replies.copy_at(tx, chat_id=1, message_id=said.message_id or 0) == row.id
        notices.acknowledge(tx, notification_id=row.id)
    assert one(Notification, said.id).is_stale
    assert "已知悉" in words(said)
    at(NOON + 3 * DAY - timedelta(hours=2))
    assert row.id not in remind(year)


def test_a_reminder_on_its_way_dies_with_the_request(year: Year, at: At) -> None:
    row = decided(year)
    send(year)
    at(NOON + 2 * DAY)
    remind(year)
    with year.acting("coordinator") as tx:
        notices.acknowledge(tx, notification_id=row.id)
    assert send(year) == []


def test_late_reminders_are_not_made_up_for(year: Year, at: At) -> None:
    """The jobs were down for days: the last rung only is left."""
    row = decided(year)
    send(year)
    at(NOON + 3 * DAY - timedelta(hours=1))
    remind(year)
    (said,) = send(year)
    assert said.about_id == row.id
    assert one(Notification, row.id).next_reminder_at is None
    assert remind(year) == []


def test_what_was_put_off_is_not_reminded_of_meanwhile(year: Year, at: At) -> None:
    row = decided(year)
    send(year)
    at(NOON + 2 * DAY - timedelta(hours=1))
    year.do("coordinator", notices.snooze, notification_id=row.id)
    at(NOON + 2 * DAY)
    remind(year)
    assert [found for found in rows(select(Notification)) if found.about_id == row.id] == []
    assert one(Notification, row.id).next_reminder_at == NOON + 3 * DAY - timedelta(hours=2)


def test_two_senders_remind_once(year: Year, at: At) -> None:
    row = decided(year)
    send(year)
    at(NOON + 2 * DAY)

    def once() -> None:
        year.do("system", telling.remind, notification_id=row.id)

    at_once(once, once)
    assert len([found for found in rows(select(Notification)) if found.about_id == row.id]) == 1
    assert one(Notification, row.id).reminders == 1


# -- escalation --------------------------------------------------------------------------------------------------------


def escalate(year: Year) -> list[int]:
    with reading() as session:
        due = session.scalars(escalations_due(clock.now())).all()
    for ident in due:
        year.do("system", telling.escalate, notification_id=ident)
    return list(due)


def told_to(kind: str) -> list[str]:
    """Logins of everybody who was told something of a kind."""
    with reading() as session:
        found = select(UserAccount.login).join(Notification).where(Notification.kind == kind)
        return sorted(session.scalars(found))


def waiting(year: Year) -> Notification:
    """A site for the TEO to look at within two days; nobody does."""
    with year.acting("system") as tx:
        tx.notify(SiteSubmitted(year["site"], 77))
        site = tx.get(ExamSite, year["site"])
        site.review_state, site.site_state = SiteReview.PENDING, SiteStatus.NOT_ENABLED
    found = select(Notification).where(Notification.dedupe_key == SiteSubmitted(year["site"], 77).dedupe_key())
    return rows(found.order_by(Notification.id))[0]


def test_a_request_nobody_answers_reaches_a_named_person(year: Year, at: At) -> None:
    """A day before the end the leader hears, once, whoever was asked; and the person hears of it."""
    row = waiting(year)
    assert row.due_at == NOON + 2 * DAY
    at(NOON + DAY - SECOND)
    assert escalate(year) == []
    at(NOON + DAY)
    assert row.id in escalate(year)
    assert escalate(year) == []
    leaders = told_to("telling.escalated")
    assert leaders
    with reading() as session:
        asked = session.get_one(UserAccount, row.account_id).login
    assert asked not in leaders
    assert asked in told_to("telling.escalated_own")
    again = one(Notification, row.id)
    assert (again.reply_state, again.escalations, again.next_escalation_at) == (ReplyState.OPEN, 1, None)


def test_what_is_answered_in_time_is_nobody_elses_business(year: Year, at: At) -> None:
    row = waiting(year)
    with year.acting("system") as tx:
        notices.close_tasks(tx, thing_type=ExamSite.__tablename__, thing_id=year["site"])
    at(NOON + DAY)
    assert row.id not in escalate(year)
    assert told_to("telling.escalated") == []


def test_two_workers_escalate_once(year: Year, at: At) -> None:
    row = waiting(year)
    at(NOON + DAY)

    def once() -> None:
        year.do("system", telling.escalate, notification_id=row.id)

    at_once(once, once)
    assert one(Notification, row.id).escalations == 1
    assert len(told_to("telling.escalated")) == len(set(told_to("telling.escalated")))


def test_a_request_whose_time_is_over_is_open_no_longer_and_its_copies_say_so(year: Year, at: At) -> None:
    """Delivered, reminded of, never pressed; a job ends it, and nothing is reminded of or escalated any more."""
    row = decided(year)
    send(year)
    at(NOON + 2 * DAY)
    remind(year)
    send(year)
    with reading() as session:
        assert row.id not in session.scalars(requests_over(row.useful_until)).all()
        assert row.id in session.scalars(requests_over(row.useful_until + SECOND)).all()
    at(row.useful_until)
    year.do("system", replies.expire_request, notification_id=row.id)
    assert one(Notification, row.id).reply_state is ReplyState.OPEN
    at(row.useful_until + DAY)
    year.do("system", replies.expire_request, notification_id=row.id)
    held = one(Notification, row.id)
    assert (held.reply_state, held.replied_at) == (ReplyState.EXPIRED, row.useful_until)
    copies = [found for found in rows(select(Notification)) if row.id in (found.id, found.about_id)]
    assert len(copies) == 2
    assert all(copy.is_stale for copy in copies)
    assert row.id not in [*remind(year), *escalate(year)]


def test_a_request_that_never_left_ends_with_its_time_and_is_not_sent(year: Year, at: At) -> None:
    row = decided(year)
    at(row.useful_until + SECOND)
    year.do("system", replies.expire_request, notification_id=row.id)
    held = one(Notification, row.id)
    assert (held.reply_state, held.delivery_state, held.last_error) == ("expired", "suppressed", "useless")


def test_who_loses_the_chat_has_the_work_handed_on_at_once(year: Year) -> None:
    """chat.md, blocked bot: nobody waits two days for somebody who hears nothing."""
    row = waiting(year)
    assert row.id not in escalate(year)
    with reading() as session:
        lost = session.get_one(UserAccount, row.account_id).id
    year.do("system", bindings.bury_binding, account_id=lost, reason="Forbidden")
    assert row.id in escalate(year)
    assert told_to("telling.escalated") == ["admin"]
    assert escalate(year) == []


def test_a_dead_chat_is_late_after_a_week_until_another_one_is_bound(year: Year, at: At) -> None:
    def late() -> list[str]:
        with reading() as session:
            return [
                item.state for item in late_things(session, year.actor("admin"), clock.now()) if "聊天" in item.thing
            ]

    coordinator = year["account:coordinator"]
    year.do("system", bindings.bury_binding, account_id=coordinator, reason="Forbidden")
    at(NOON + 7 * DAY)
    assert late() == []
    at(NOON + 7 * DAY + SECOND)
    assert late() == ["已失效"]
    code = year.do("coordinator", bindings.issue_binding_code)
    year.do("system", bindings.bind_chat, code=code, telegram_user_id=9008)
    assert late() == []


def test_what_both_have_signed_and_nobody_orders_is_the_organisations_turn(years: Years, at: At) -> None:
    """R-241: the TEO says how and when; until then nothing happens, and it is not the system that is late."""
    year = years("signed")
    signed = at("2026-06-16 10:00")
    for late, found in ((SECOND, ["培训评价组织"]), (timedelta(), [])):
        at(signed + 3 * DAY + late)
        with reading() as session:
            items = late_things(session, year.actor("teo"), clock.now())
        assert [item.owner for item in items if item.is_mine and "生成证书" in item.next_act] == found


def test_what_is_late_is_told_on_mondays_once(year: Year, at: At) -> None:
    """Whose turn, and since when: to everybody who sees it."""
    waiting(year)
    at(on("2026-05-25 08:30"))
    for _ in range(2):
        year.do("system", telling.tell_what_is_late, account_id=year["account:teo"])
    (row,) = rows(select(Notification).where(Notification.kind == "telling.weekly_late"))
    assert "【本周逾期】" in words(row)
    assert "考核站点·待审核 1 项 · 培训评价组织" in words(row)


def test_where_nothing_is_late_nobody_is_told(year: Year) -> None:
    year.do("system", telling.tell_what_is_late, account_id=year["account:other_coordinator"])
    assert told_to("telling.weekly_late") == []
