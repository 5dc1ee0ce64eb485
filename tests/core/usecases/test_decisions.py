"""Deciding in chat, below the bot: two at once, keys that stand for one recap only, and what has changed."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import select

from core.db import reading, transaction
from core.errors import IllegalMove, NotFound, NotPermitted, StaleState, ValueRefused
from core.models.pilots import PilotApplication, Quota, ReviewRecord
from core.models.records import ChatDraft, Notification
from core.notifications.pilots import ApplicationWaiting
from core.notifications.words import difference
from core.queries.changes import Changes, changes_of, review_version
from core.rules.notices import ReplyState
from core.rules.pilots import ApplicationState, ReviewStep, pass_action, step_due
from core.usecases import decisions, notices, reviews
from core.usecases.applications import DeclaredMajor
from core.usecases.decisions import LEAST_THOUGHT, Place, recap_mark
from tests.core.usecases.pilot_steps import At, save, submit
from tests.factories import SECOND, Year, Years, at_once, count, moment, one, rows

REASON = "请补充实训室的设备数量和软件清单。"
HERE = Place(9004, 1)
A, S = ApplicationState, ReviewStep


def request(year: Year, login: str, application: str = "other_application") -> Notification:
    """The newest request for a review told to somebody."""
    mine = select(Notification).where(
        Notification.account_id == year[f"account:{login}"],
        Notification.kind == ApplicationWaiting.kind,
        Notification.thing_id == year[application],
    )
    found: Notification = rows(mine.order_by(Notification.id.desc()))[0]
    return found


def open_recap(year: Year, login: str = "other_province", application: str = "other_application") -> tuple[int, int]:
    """Look at it; the message's id and the mark its confirming key carries."""
    row = request(year, login, application)
    given = {"notification_id": row.id, "version": row.thing_version, "place": HERE}
    year.do(login, decisions.open_recap, **given)
    return row.id, mark(year, login)


def mark(year: Year, login: str = "other_province") -> int:
    return recap_mark(rows(select(ChatDraft).where(ChatDraft.account_id == year[f"account:{login}"]))[0])


def confirm(year: Year, ident: int, version: int, login: str = "other_province") -> None:
    year.do(login, decisions.confirm, notification_id=ident, version=version)


def change_mind(year: Year, number: int, ident: int, version: int) -> None:
    """改批人数, and the number."""
    year.do("other_province", decisions.ask_number, notification_id=ident, version=version, place=HERE)
    year.do("other_province", decisions.hear, text=str(number))


# -- one of two --------------------------------------------------------------------------------------------------------


def test_of_two_reviewers_at_the_same_moment_one_decides_and_the_other_changes_nothing(
    any_years: Years, at: At
) -> None:
    """One approves in chat what the other returns in chat; whoever comes second finds it decided (R-040)."""
    year = any_years("applied")
    start = at(moment("applied"))
    first = open_recap(year)
    with transaction(year.actor("system")) as tx:
        copy = tx.get(Notification, first[0])
        told = notices.revive_of(copy)
        tx.update_all(
            Notification, Notification.id == first[0], dedupe_key="somebody else's"
        )  # the same request, told once more
        assert tx.notify(told) == 1
    second = request(year, "other_province").id
    assert second != first[0]
    at(start + LEAST_THOUGHT)
    panel = partial(
        year.do, "other_province", reviews.return_application, application_id=year["other_application"], reason=REASON
    )
    outcomes = at_once(partial(confirm, year, *first), panel)
    may_hear = (StaleState, IllegalMove)  # the second has read the request before the first decided, or after
    assert [kind for kind in outcomes if isinstance(kind, BaseException) and not isinstance(kind, may_hear)] == []
    decided = rows(select(ReviewRecord).where(ReviewRecord.application_id == year["other_application"]))
    assert len([record for record in decided if record.decision != "submit"]) == 1
    assert {one(Notification, ident).reply_state for ident in (first[0], second)} <= {
        ReplyState.DONE,
        ReplyState.REFUSED,
    }


def test_the_same_confirmation_at_the_same_moment_decides_once(any_years: Years, at: At) -> None:
    year = any_years("applied")
    start = at(moment("applied"))
    ident, version = open_recap(year)
    at(start + LEAST_THOUGHT)
    assert at_once(*[partial(confirm, year, ident, version)] * 3) == [None] * 3
    assert count(ReviewRecord, ReviewRecord.decision == "pass") == 1
    assert count(Quota) == 1


# -- what a key stands for ---------------------------------------------------------------------------------------------


def test_a_second_must_pass_between_recap_and_confirmation(applied: Year, at: At) -> None:
    start = at(moment("applied"))
    ident, version = open_recap(applied)
    at(start + LEAST_THOUGHT - SECOND / 1000)
    with pytest.raises(ValueRefused) as refused:
        confirm(applied, ident, version)
    assert refused.value.sentence_code == "confirmed_too_soon"
    at(start + LEAST_THOUGHT)
    confirm(applied, ident, version)
    assert one(PilotApplication, applied["other_application"]).approved_count == 24


def test_a_recap_may_be_confirmed_for_ten_minutes_and_no_second_longer(applied: Year, at: At) -> None:
    start = at(moment("applied"))
    ident, version = open_recap(applied)
    at(start + decisions.CONFIRM_LASTS + SECOND)
    with pytest.raises(NotFound):
        confirm(applied, ident, version)
    at(start + decisions.CONFIRM_LASTS)
    confirm(applied, ident, version)
    assert one(PilotApplication, applied["other_application"]).state is A.APPROVED


def test_a_key_stands_for_one_recap_only(applied: Year, at: At) -> None:
    start = at(moment("applied"))
    ident, first = open_recap(applied)
    change_mind(applied, 20, ident, first)
    second = mark(applied)
    at(start + LEAST_THOUGHT)
    with pytest.raises(NotFound) as refused:
        confirm(applied, ident, first)
    assert refused.value.sentence_code == "recap_forgotten"
    confirm(applied, ident, second)
    assert one(PilotApplication, applied["other_application"]).approved_count == 20


@pytest.mark.parametrize(("number", "rule"), [(0, "R-041"), (25, "R-041")])
def test_no_number_outside_the_request_is_taken_R041(applied: Year, number: int, rule: str) -> None:
    ident, version = open_recap(applied)
    with pytest.raises(ValueRefused) as refused:
        change_mind(applied, number, ident, version)
    assert refused.value.rule == rule


def test_with_majors_no_other_number_is_taken_in_chat_R041(declared: Year) -> None:
    majors = [DeclaredMajor(declared["major:610205"], 24)]
    given = {"college_id": declared["other_college"], "plan_id": declared["other_declaration"], "majors": majors}
    application = submit(declared, save(declared, "other_coordinator", **given).id, "other_coordinator")
    declared.ids["other_application"] = application.id
    ident, version = open_recap(declared)
    with pytest.raises(NotPermitted) as refused:
        change_mind(declared, 20, ident, version)
    assert refused.value.sentence_code == "counts_per_major"


def test_somebody_elses_message_is_not_mine_to_decide(applied: Year) -> None:
    row = request(applied, "other_province")
    with pytest.raises(NotPermitted):
        applied.do("province", decisions.ask_reason, notification_id=row.id, version=row.thing_version, place=HERE)


# -- what has changed --------------------------------------------------------------------------------------------------


def test_the_version_changes_with_the_content_and_with_the_act_and_with_nothing_else(applied: Year) -> None:
    def version() -> int:
        with reading() as session:
            return review_version(session, session.get_one(PilotApplication, applied["other_application"]))

    first = version()
    assert 0 < first < 2**31
    given = {"submitted_at": moment("applied")}
    with applied.acting("system") as tx:
        tx.update_all(PilotApplication, PilotApplication.id == applied["other_application"], **given)
    assert version() == first
    with applied.acting("system") as tx:
        tx.get(PilotApplication, applied["other_application"]).plan.final_review_required = True
    second = version()
    assert second != first
    with applied.acting("system") as tx:
        tx.update_all(
            PilotApplication, PilotApplication.id == applied["other_application"], faculty_description="专任教师 9 人"
        )
    assert version() not in {first, second}


def test_a_resubmission_says_what_has_changed_since_the_last_round(applied: Year) -> None:
    ident = applied["application"]
    applied.do("city", reviews.return_application, application_id=ident, reason=REASON)
    majors = [DeclaredMajor(applied["major:610205"], 30)]
    save(applied, application_id=ident, requested_count=30, majors=majors, venue_description="机房 2 间")
    submit(applied, ident)
    with reading() as session:
        changes = changes_of(session, session.get_one(PilotApplication, ident))
    assert difference(changes) == "与上次提交相比：人数 24→30，增加专业 1 个，场地情况有改动"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (Changes(is_first=True), "首次提交"),
        (Changes(), "与上次提交相比：没有变化"),
        (Changes(is_behind_back=True, requested=(24, 30)), "提交之后有变动：人数 24→30"),
        (
            Changes(majors_removed=1, majors_changed=2, files=(2, 2), has_other_files=True, has_other_certificate=True),
            "与上次提交相比：换了证书，去掉专业 1 个，改动专业 2 个，材料 2→2 份",
        ),
    ],
)
def test_the_difference_is_one_line(changes: Changes, words: str) -> None:
    assert difference(changes) == words


# Typed from §3.2 and R-039: (state, city review?) → whose review it waits for.
STEPS = {
    (A.DRAFT, True): None,
    (A.DRAFT, False): None,
    (A.PENDING_INITIAL, True): S.CITY,
    (A.PENDING_INITIAL, False): S.PRELIMINARY,
    (A.CITY_REVIEW, True): S.CITY,
    (A.PRELIMINARY_REVIEW, True): S.PRELIMINARY,
    (A.PRELIMINARY_REVIEW, False): S.PRELIMINARY,
    (A.FINAL_REVIEW, True): S.FINAL,
    (A.FINAL_REVIEW, False): S.FINAL,
    (A.APPROVED, True): None,
    (A.RETURNED, True): None,
}


@pytest.mark.parametrize(("state", "has_city"), list(STEPS))
def test_every_state_knows_whose_review_it_waits_for_R039(state: ApplicationState, has_city: bool) -> None:
    assert step_due(state, has_city_review=has_city) is STEPS[state, has_city]


@pytest.mark.parametrize(
    ("step", "has_final", "act"),
    [
        (S.CITY, False, "pass_city"),
        (S.CITY, True, "pass_city"),
        (S.PRELIMINARY, False, "approve"),
        (S.PRELIMINARY, True, "pass_preliminary"),
        (S.FINAL, True, "approve"),
    ],
)
def test_passing_means_what_the_plan_says_D19(step: ReviewStep, has_final: bool, act: str) -> None:
    assert pass_action(step, has_final_review=has_final) == act
