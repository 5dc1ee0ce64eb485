"""通知公告: to chosen roles of the issuer's own people, confirmed and reminded one by one (§2.38, chat.md)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core import clock
from core.db import reading
from core.errors import NotFound, NotPermitted, NotReady, ReasonMissing, Refusal, StaleState, ValueRefused
from core.models.announcements import Announcement
from core.models.records import Notification
from core.notifications.render import chat_text
from core.queries.announcements import told_of
from core.queries.due import tasks_for
from core.rules.announcements import LONGEST_BODY, LONGEST_TIME, LONGEST_TITLE, SHORTEST_TIME, AnnouncementKind
from core.rules.notices import DeliveryState, ReplyState
from core.rules.organisations import Role
from core.rules.telling import MOST_REMINDERS, NUDGE_EVERY
from core.usecases import announcements, notices
from tests.factories import SECOND, Year, Years, at_once, count, moment, one, rows

At = Callable[[datetime | str], datetime]
DAY = timedelta(days=1)


@pytest.fixture
def year(years: Years, at: At) -> Year:
    found = years("planned")
    at(moment("planned"))
    return found


def words(**other: Any) -> dict[str, Any]:
    given = {
        "kind": AnnouncementKind.NOTICE,
        "title": "考点网络保障",
        "body": "请检查备用线路。\n\n考前一周完成。",
        "roles": [Role.COORDINATOR],
        "is_receipt_asked": True,
        "answer_until": clock.now() + 3 * DAY,
    }
    return given | other


def published(year: Year, by: str = "teo", **other: Any) -> int:
    ident = year.do(by, announcements.draft_announcement, **words(**other)).id
    year.do(by, announcements.publish_announcement, announcement_id=ident)
    return int(ident)


def told(year: Year, ident: int) -> dict[str, Notification]:
    logins = {year[f"account:{login}"]: login for login in year.actors if f"account:{login}" in year.ids}
    with reading() as session:
        return {logins[found.notice.account_id]: found.notice for found in told_of(session, ident)}


def arrived(year: Year, ident: int) -> None:
    """Everybody's message has reached their chat."""
    with year.acting("system") as tx:
        for row in tx.all(select(Notification).where(Notification.thing_type == "announcements")):
            row.delivery_state, row.delivered_at, row.chat_id, row.message_id = (
                DeliveryState.DELIVERED, tx.now, 1, row.id,
            )  # fmt: skip


# -- to whom -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "roles", "hear"),
    [
        ("teo", [Role.COORDINATOR], {"coordinator", "second_coordinator", "other_coordinator"}),
        ("teo", [Role.SIGNATORY], {"signatory", "other_signatory"}),
        ("teo", [Role.COORDINATOR, Role.SIGN_REVIEWER],
         {"coordinator", "second_coordinator", "other_coordinator", "reviewer"}),
        ("province", [Role.COORDINATOR], {"coordinator", "second_coordinator"}),
        ("province", [Role.CITY], {"city"}),
        ("city", [Role.SIGNATORY], {"signatory"}),
        ("other_province", [Role.SIGNATORY], {"other_signatory"}),
        ("admin", [Role.TEO, Role.PROVINCE], {"teo", "other_teo", "province", "other_province"}),
    ],
)  # fmt: skip
def test_an_issuer_reaches_the_people_it_answers_for(year: Year, by: str, roles: list[Role], hear: set[str]) -> None:
    assert set(told(year, published(year, by, roles=roles))) == hear


@pytest.mark.parametrize(
    ("by", "roles", "refused"),
    [
        ("teo", [], ValueRefused),
        ("teo", [Role.CITY], NotPermitted),
        ("city", [Role.PROVINCE], NotPermitted),
        ("province", [Role.TEO], NotPermitted),
        ("admin", [Role.CANDIDATE], NotPermitted),
        ("coordinator", [Role.COORDINATOR], NotPermitted),
        ("other_teo", [Role.SIGNATORY], NotReady),  # no college tries its certificates
    ],
)
def test_nobody_is_told_by_whom_they_do_not_belong_to(
    year: Year, by: str, roles: list[Role], refused: type[Refusal]
) -> None:
    with pytest.raises(refused):
        published(year, by, roles=roles)
    assert count(Notification, Notification.thing_type == "announcements") == 0


# -- what --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "refused"),
    [
        ({"title": "  "}, ReasonMissing),
        ({"body": ""}, ReasonMissing),
        ({"title": "字" * (LONGEST_TITLE + 1)}, ValueRefused),
        ({"body": "字" * (LONGEST_BODY + 1)}, ValueRefused),
        ({"title": "请与13900001234联系"}, ValueRefused),
        ({"body": "身份证１１０１０１１９９００３０７１０１１"}, ValueRefused),
        ({"answer_until": None}, ValueRefused),
        ({"is_receipt_asked": False}, ValueRefused),
    ],
)
def test_what_cannot_be_announced(year: Year, other: dict[str, Any], refused: type[Refusal]) -> None:
    with pytest.raises(refused):
        year.do("teo", announcements.draft_announcement, **words(**other))
    assert count(Announcement) == 0


@pytest.mark.parametrize(
    ("time", "fits"),
    [(SHORTEST_TIME - SECOND, False), (SHORTEST_TIME, True), (LONGEST_TIME, True), (LONGEST_TIME + SECOND, False)],
)
def test_the_time_to_confirm_in_has_two_edges(year: Year, time: timedelta, fits: bool) -> None:
    if fits:
        published(year, answer_until=clock.now() + time)
        return
    with pytest.raises(ValueRefused):
        published(year, answer_until=clock.now() + time)


def test_a_draft_that_lay_too_long_is_not_published_with_too_little_time(year: Year, at: At) -> None:
    ident = year.do("teo", announcements.draft_announcement, **words()).id
    at(clock.now() + 3 * DAY - SHORTEST_TIME + SECOND)
    with pytest.raises(ValueRefused, match="announcement_out_of_time"):
        year.do("teo", announcements.publish_announcement, announcement_id=ident)


def test_what_was_published_is_neither_edited_nor_removed_nor_published_again(year: Year) -> None:
    ident = published(year)
    for verb, given in (
        (announcements.edit_announcement, words(title="另一个")),
        (announcements.remove_announcement, {}),
        (announcements.publish_announcement, {}),
    ):
        with pytest.raises((NotReady, StaleState, Refusal)):
            year.do("teo", verb, announcement_id=ident, **given)
    assert one(Announcement, ident).title == "考点网络保障"
    assert len(told(year, ident)) == 3


def test_two_who_publish_at_once_tell_everybody_once(any_years: Years, at: At) -> None:
    year = any_years("planned")
    with clock.pinned(moment("planned")):
        ident = year.do("teo", announcements.draft_announcement, **words()).id
        publish = announcements.publish_announcement
        results = at_once(*[lambda: year.do("teo", publish, announcement_id=ident)] * 2)
        assert sum(isinstance(result, Refusal) for result in results) == 1
        assert len(told(year, ident)) == 3


# -- reading -----------------------------------------------------------------------------------------------------------


def test_what_asks_for_no_receipt_waits_for_the_digest_and_for_nobody(year: Year) -> None:
    ident = published(year, is_receipt_asked=False, answer_until=None)
    notice = told(year, ident)["coordinator"]
    assert notice.reply_state is ReplyState.NOT_ASKED
    assert notice.digest_on is not None
    with pytest.raises(NotReady, match="announcement_not_asked"):
        year.do("coordinator", announcements.confirm_reading, announcement_id=ident)


def test_a_receipt_is_each_persons_own_and_given_once(year: Year, at: At) -> None:
    ident = published(year)
    first = year.do("coordinator", announcements.confirm_reading, announcement_id=ident).replied_at
    at(clock.now() + SECOND)
    assert year.do("coordinator", announcements.confirm_reading, announcement_id=ident).replied_at == first
    states = {login: notice.reply_state for login, notice in told(year, ident).items()}
    assert states == {
        "coordinator": ReplyState.ACKNOWLEDGED,
        "second_coordinator": ReplyState.OPEN,
        "other_coordinator": ReplyState.OPEN,
    }
    with pytest.raises(NotFound):
        year.do("signatory", announcements.confirm_reading, announcement_id=ident)


def test_what_is_to_be_confirmed_stands_on_the_desk_until_it_is(year: Year, at: At) -> None:
    first, second = published(year), published(year, title="准考证", answer_until=clock.now() + 9 * DAY)

    def desk() -> list[tuple[int, datetime | None]]:
        with reading() as session:
            items = tasks_for(session, year.actor("coordinator"), clock.now())
        return [(item.count, item.due_at) for item in items if item.kind == "announcements.unread"]

    assert desk() == [(2, clock.now() + 3 * DAY)]
    year.do("coordinator", announcements.confirm_reading, announcement_id=first)
    assert desk() == [(1, clock.now() + 9 * DAY)]
    year.do("coordinator", announcements.confirm_reading, announcement_id=second)
    assert desk() == []


def test_a_receipt_after_the_time_is_one_too(year: Year, at: At) -> None:
    ident = published(year)
    at(clock.now() + 10 * DAY)
    assert year.do("coordinator", announcements.confirm_reading, announcement_id=ident).reply_state == "acknowledged"


def test_nobody_reads_in_somebody_else_s_stead(year: Year, at: At) -> None:
    """A deputy is sent the work, not the reading."""
    from core.rules.delegations import Duty
    from core.usecases import delegations

    given = {"principal_id": year["account:signatory"], "deputy_id": year["account:coordinator"], "duty": Duty.SITE}
    held = year.do("signatory", delegations.propose_delegation, **given, ends_at=clock.now() + 9 * DAY)
    year.do("signatory", delegations.accept_delegation, delegation_id=held.id)
    assert set(told(year, published(year, roles=[Role.SIGNATORY]))) == {"signatory", "other_signatory"}


# -- reminding ---------------------------------------------------------------------------------------------------------


def test_a_colleague_reminds_the_unread_at_most_once_in_four_hours(year: Year, at: At) -> None:
    ident = published(year, answer_until=clock.now() + 30 * DAY)
    arrived(year, ident)
    year.do("coordinator", announcements.confirm_reading, announcement_id=ident)
    begun = clock.now()
    nudge = announcements.remind_unread
    at(begun + NUDGE_EVERY - SECOND)
    with pytest.raises(NotReady, match="nobody_to_nudge"):
        year.do("teo", nudge, announcement_id=ident)
    at(begun + NUDGE_EVERY)
    assert year.do("teo", nudge, announcement_id=ident) == 2
    at(begun + 2 * NUDGE_EVERY - SECOND)
    with pytest.raises(NotReady, match="nobody_to_nudge"):
        year.do("teo", nudge, announcement_id=ident)
    for turn in range(2, MOST_REMINDERS + 1):
        at(begun + turn * NUDGE_EVERY)
        assert year.do("teo", nudge, announcement_id=ident) == 2
    at(begun + 9 * NUDGE_EVERY)
    with pytest.raises(NotReady, match="nobody_to_nudge"):
        year.do("teo", nudge, announcement_id=ident)
    assert count(Notification, Notification.kind == "telling.reminder") == 2 * MOST_REMINDERS


# -- withdrawing -------------------------------------------------------------------------------------------------------


def test_what_is_withdrawn_says_so_everywhere_and_keeps_the_receipts_it_has(year: Year) -> None:
    ident = published(year)
    arrived(year, ident)
    year.do("coordinator", announcements.confirm_reading, announcement_id=ident)
    with pytest.raises(ReasonMissing):
        year.do("teo", announcements.withdraw_announcement, announcement_id=ident, reason=" ")
    year.do("teo", announcements.withdraw_announcement, announcement_id=ident, reason="时间有误")
    found = told(year, ident)
    assert found["coordinator"].reply_state is ReplyState.ACKNOWLEDGED
    assert found["second_coordinator"].reply_state is ReplyState.EXPIRED
    assert all(notice.is_stale for notice in found.values()), "every copy is edited"
    with reading() as session:
        row = session.get_one(Notification, found["second_coordinator"].id)
        shown = chat_text(session, row, clock.now())
    assert "【已撤回】考点网络保障" in shown.text
    assert "撤回理由：时间有误" in shown.text
    assert shown.keys == ()
    withdrawn = rows(select(Notification.account_id).where(Notification.kind == "announcements.withdrawn"))
    assert set(withdrawn) == {year[f"account:{login}"] for login in found}
    with pytest.raises(StaleState):
        year.do("teo", announcements.remind_unread, announcement_id=ident)
    with pytest.raises(StaleState):
        year.do("second_coordinator", announcements.confirm_reading, announcement_id=ident)


def test_what_was_withdrawn_before_it_left_is_not_sent(year: Year) -> None:
    ident = published(year)
    year.do("teo", announcements.withdraw_announcement, announcement_id=ident, reason="时间有误")
    claims = {claim.notification_id for claim in year.do("system", notices.claim_due, limit=500)}
    assert not claims & {notice.id for notice in told(year, ident).values()}
