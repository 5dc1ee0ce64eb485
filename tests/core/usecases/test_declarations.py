"""申报计划: drafted, published, changed before its start, put off after, and told about (R-023…R-028, §3.1)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from core.db import reading
from core.errors import IllegalMove, ReasonMissing, ValueRefused, WindowClosed, WindowNotOpen
from core.models.pilots import DeclarationPlan
from core.queries.pilots import declaration_phase_at
from core.queries.scoping import visible
from core.rules.pilots import CertificateScope, DeclarationState, declaration_phase
from core.usecases import declarations, reviews
from tests.core.usecases.pilot_steps import At, declare, draft, refused, save, submit
from tests.factories import DECLARATION, SECOND, Year, Years, at_once, last_entries, notices, one, rows

OPENS, CLOSES = DECLARATION
BEFORE = OPENS - timedelta(days=1)
LATER = CLOSES + timedelta(days=5)


def test_a_plan_that_ends_before_it_starts_is_refused_R026(declared: Year) -> None:
    given = {"opens_at": DECLARATION[1], "closes_at": DECLARATION[0]}
    refused(lambda: declare(declared, **given), ValueRefused, "window_order", "R-026")


def test_a_published_plan_is_not_edited_any_more(declared: Year) -> None:
    with pytest.raises(IllegalMove):
        declared.do("province", declarations.edit_declaration_plan, plan_id=declared["declaration"], notes="x")


def test_a_plan_is_published_once(declared: Year) -> None:
    with pytest.raises(IllegalMove):
        declared.do("province", declarations.publish_declaration_plan, plan_id=declared["declaration"])


def test_a_draft_may_change_its_dates_and_its_certificates(declared: Year) -> None:
    plan = declared.do(
        "province",
        declarations.draft_declaration_plan,
        authority_id=declared["province"],
        year=2026,
        batch_name="第三批",
        opens_at=DECLARATION[0],
        closes_at=DECLARATION[1],
    )
    assert plan.scope is CertificateScope.ALL
    given = {"certificate_ids": [declared["certificate"]], "apply_closes_at": DECLARATION[1] + timedelta(days=1)}
    plan = declared.do("province", declarations.edit_declaration_plan, plan_id=plan.id, **given)
    assert plan.scope is CertificateScope.PART
    assert plan.apply_closes_at == DECLARATION[1] + timedelta(days=1)


def test_colleges_of_the_province_are_told_when_a_plan_opens_and_when_it_closes_T01_T02(declared: Year, at: At) -> None:
    tick = lambda: declared.do("system", declarations.pass_declaration_edge, plan_id=declared["declaration"])  # noqa: E731
    tick()
    told = {n.account_id for n in notices("pilots.declaration_opened")}
    assert told == {declared[f"account:{who}"] for who in ("coordinator", "second_coordinator", "signatory")}
    tick()
    assert len(notices("pilots.declaration_opened")) == 3
    assert notices("pilots.declaration_closed") == []
    at(DECLARATION[1] + SECOND)
    tick()
    tick()
    assert len(notices("pilots.declaration_closed")) == 3
    assert one(DeclarationPlan, declared["declaration"]).next_edge_at is None


def test_a_window_that_opened_and_closed_while_no_job_ran_is_not_announced_as_open(declared: Year, at: At) -> None:
    at(DECLARATION[1] + timedelta(days=1))
    declared.do("system", declarations.pass_declaration_edge, plan_id=declared["declaration"])
    assert notices("pilots.declaration_opened") == []
    assert len(notices("pilots.declaration_closed")) == 3


# -- drafts ----------------------------------------------------------------------------------------------------------


def test_a_draft_is_deleted_and_a_published_plan_is_not(declared: Year) -> None:
    ident = draft(declared, certificate_ids=[declared["certificate"]])
    declared.do("province", declarations.delete_declaration_plan, plan_id=ident)
    assert rows(select(DeclarationPlan.id).where(DeclarationPlan.id == ident)) == []
    with pytest.raises(IllegalMove):
        declared.do("province", declarations.delete_declaration_plan, plan_id=declared["declaration"])


def test_a_province_has_as_many_batches_a_year_as_it_likes_and_a_college_sees_only_those_R023(declared: Year) -> None:
    declare(declared)
    draft(declared, batch_name="第三批")
    for login, seen in (("coordinator", 2), ("other_coordinator", 1), ("province", 3), ("city", 2), ("teo", 0)):
        with declared.acting(login) as tx:
            assert len(tx.all(select(DeclarationPlan).where(visible(DeclarationPlan, tx.actor)))) == seen, login


# -- published, not started ------------------------------------------------------------------------------------------


def change(year: Year, plan: int, **other: Any) -> DeclarationPlan:
    """The province changes its plan."""
    changed: DeclarationPlan = year.do("province", declarations.change_declaration_plan, plan_id=plan, **other)
    return changed


def test_before_its_start_window_scope_and_switches_of_a_published_plan_may_change(declared: Year, at: At) -> None:
    at(BEFORE)
    plan = declared["declaration"]
    changed = change(
        declared,
        plan,
        apply_opens_at=OPENS + timedelta(hours=1),
        apply_closes_at=LATER,
        city_review_required=False,
        by_major_required=True,
        certificate_ids=[declared["certificate:2"]],
        notes="改期",
    )
    assert (changed.apply_closes_at, changed.scope, changed.notes) == (LATER, CertificateScope.PART, "改期")
    at(OPENS + timedelta(hours=1) - SECOND)
    with pytest.raises(WindowNotOpen):
        save(declared, plan_id=plan)
    at(OPENS + timedelta(hours=1))
    refused(lambda: save(declared, plan_id=plan), ValueRefused, "certificate_not_open", "R-028")


@pytest.mark.parametrize(("late", "is_open"), [(-SECOND, True), (timedelta(), False), (SECOND, False)])
def test_from_its_first_instant_on_a_plan_is_not_changed_any_more(
    declared: Year, at: At, late: timedelta, is_open: bool
) -> None:
    at(OPENS + late)
    if is_open:
        assert change(declared, declared["declaration"], notes="x").notes == "x"
        return
    refused(lambda: change(declared, declared["declaration"], notes="x"), IllegalMove, "declaration_started", "§3.1")


def test_a_change_keeps_the_end_after_the_start_and_ahead_R026(declared: Year, at: At) -> None:
    at(BEFORE)
    given = {"apply_opens_at": CLOSES, "apply_closes_at": OPENS}
    refused(lambda: change(declared, declared["declaration"], **given), ValueRefused, "window_order", "R-026")
    given = {"apply_opens_at": BEFORE - timedelta(days=2), "apply_closes_at": BEFORE - SECOND}
    refused(lambda: change(declared, declared["declaration"], **given), ValueRefused, "end_already_past", "§3.1")


def test_the_name_colleges_know_a_plan_by_does_not_change(declared: Year, at: At) -> None:
    at(BEFORE)
    with pytest.raises(TypeError):
        change(declared, declared["declaration"], batch_name="改名")


def test_whether_the_city_reviews_cannot_change_once_somebody_has_applied_R039(declared: Year, at: At) -> None:
    """A clock that is set back, or a lock waited for past the opening, opens no door to it."""
    save(declared)
    at(BEFORE)
    given = {"city_review_required": False}
    refused(lambda: change(declared, declared["declaration"], **given), IllegalMove, "declaration_started", "§3.1")
    assert one(DeclarationPlan, declared["declaration"]).city_review_required


# -- put off ---------------------------------------------------------------------------------------------------------


def extend(year: Year, **other: Any) -> DeclarationPlan:
    """The province puts the end off."""
    given = {"plan_id": year["declaration"], "closes_at": LATER, "reason": "疫情延期"}
    extended: DeclarationPlan = year.do("province", declarations.extend_declaration_plan, **(given | other))
    return extended


@pytest.mark.parametrize("now", [CLOSES, CLOSES + SECOND, CLOSES + timedelta(days=2)])
def test_an_end_put_off_lets_a_returned_application_be_mended_and_sent_again(applied: Year, at: At, now: Any) -> None:
    """§3.1: CLOSED becomes OPEN again, and with it what was RETURNED may be corrected until the new end."""
    ident = applied["application"]
    at(now)
    applied.do("city", reviews.return_application, application_id=ident, reason="请补充设备清单")
    extend(applied)
    at(LATER)
    save(applied, application_id=ident, requested_count=12)
    assert submit(applied, ident).state == "pending_initial"
    at(LATER + SECOND)
    applied.do("city", reviews.return_application, application_id=ident, reason="仍缺")
    with pytest.raises(WindowClosed):
        submit(applied, ident)


def test_an_end_is_only_put_off_with_a_reason_into_the_future(declared: Year, at: At) -> None:
    for closes_at in (CLOSES, CLOSES - SECOND):
        refused(lambda end=closes_at: extend(declared, closes_at=end), ValueRefused, "only_later_end", "§3.1")  # type: ignore[misc]
    refused(lambda: extend(declared, reason=" "), ReasonMissing, "reason_missing", "§3.1")
    refused(lambda: extend(declared, reason="请打 13900000000"), ValueRefused, "reason_personal", "chat.md")
    at(LATER + SECOND)
    refused(lambda: extend(declared), ValueRefused, "end_already_past", "§3.1")
    at(LATER)
    assert extend(declared).apply_closes_at == LATER
    entry = last_entries(1)[0]
    assert (entry.action, entry.reason) == ("extend", "疫情延期")


def test_a_plan_that_has_not_started_is_changed_and_not_put_off(declared: Year, at: At) -> None:
    at(OPENS - SECOND)
    refused(lambda: extend(declared), IllegalMove, "declaration_not_started", "§3.1")
    unpublished = draft(declared)
    refused(lambda: extend(declared, plan_id=unpublished), IllegalMove, "declaration_not_started", "§3.1")


def test_once_somebody_has_applied_the_scope_only_grows_R028(declared: Year) -> None:
    first, second = declared["certificate"], declared["certificate:2"]
    plan = declare(declared, certificate_ids=[first, second])
    extend(declared, plan_id=plan, certificate_ids=[first])  # nobody has applied yet
    save(declared, plan_id=plan)
    end = LATER + timedelta(days=1)
    refused(
        lambda: extend(declared, plan_id=plan, closes_at=end, certificate_ids=[second]),
        ValueRefused,
        "scope_only_grows",
        "R-028",
    )
    assert extend(declared, plan_id=plan, closes_at=end).scope is CertificateScope.PART, "left alone"
    wider = extend(declared, plan_id=plan, closes_at=end + SECOND, certificate_ids=[second, first])
    assert {one.id for one in wider.certificates} == {first, second}
    assert extend(declared, plan_id=plan, closes_at=end + 2 * SECOND, certificate_ids=[]).scope is CertificateScope.ALL
    refused(
        lambda: extend(declared, plan_id=plan, closes_at=end + 3 * SECOND, certificate_ids=[first, second]),
        ValueRefused,
        "scope_only_grows",
        "R-028",
    )


@pytest.mark.parametrize("has_told_the_end", [True, False])
def test_colleges_hear_of_the_new_end_and_of_both_endings(declared: Year, at: At, has_told_the_end: bool) -> None:
    tick = lambda: declared.do("system", declarations.pass_declaration_edge, plan_id=declared["declaration"])  # noqa: E731
    tick()
    at(CLOSES + SECOND)
    if has_told_the_end:
        tick()
    extend(declared)
    told = {n.account_id for n in notices("pilots.declaration_extended")}
    assert told == {declared[f"account:{who}"] for who in ("coordinator", "second_coordinator", "signatory")}
    for _ in range(4):
        tick()
    assert len(notices("pilots.declaration_opened")) == 3, "told once"
    at(LATER + SECOND)
    for _ in range(4):
        tick()
    assert len(notices("pilots.declaration_closed")) == (6 if has_told_the_end else 3)
    assert one(DeclarationPlan, declared["declaration"]).next_edge_at is None


def test_two_who_put_it_off_at_once_do_not_shorten_each_other(any_years: Years, at: At) -> None:
    year = any_years("declared")
    at(OPENS)
    done = at_once(lambda: extend(year), lambda: extend(year, closes_at=LATER + timedelta(days=1)))
    assert one(DeclarationPlan, year["declaration"]).apply_closes_at == LATER + timedelta(days=1)
    assert sum(isinstance(outcome, ValueRefused) for outcome in done) <= 1


# -- tabs ------------------------------------------------------------------------------------------------------------


def test_the_phase_of_a_plan_is_the_same_in_sql_as_in_the_rules(any_years: Years, at: At) -> None:
    year = any_years("declared")
    at(OPENS)
    draft(year)
    with reading() as session:
        for now in [edge + step for edge in DECLARATION for step in (-SECOND, timedelta(), SECOND)]:
            found = dict(session.execute(select(DeclarationPlan.id, declaration_phase_at(now))).all())
            plans = list(session.scalars(select(DeclarationPlan)))
            assert found == {plan.id: declaration_phase(plan.state, plan.apply_window, now) for plan in plans}, now
            assert {plan.state for plan in plans} == set(DeclarationState)
            column = declaration_phase_at(now)
            assert sum(session.scalars(select(func.count(DeclarationPlan.id)).group_by(column))) == len(plans)
