"""Reviews of a pilot application: city, preliminary, final, by panel or chat; the last one grants (R-039…R-043)."""

from __future__ import annotations

from collections.abc import Mapping

from core.db import Tx
from core.errors import IllegalMove, ValueRefused
from core.models.pilots import PilotApplication
from core.notifications.pilots import ApplicationDecided, ApplicationWaiting
from core.rules.notices import ReplyState
from core.rules.permissions import permit
from core.rules.pilots import PILOT_APPLICATION, ApplicationState, ReviewDecision, ReviewStep, require_counts
from core.rules.reasons import require_tellable
from core.usecases.applications import record_review
from core.usecases.notices import close_tasks
from core.usecases.quotas import grant_quota

A = ApplicationState


def pass_as_city(tx: Tx, *, application_id: int, comment: str = "") -> PilotApplication:
    """The city passes it on to the province (R-039)."""
    application = _taken_up(tx, application_id)
    permit(tx.actor, "review_as_city", application)
    tx.advance(application, PILOT_APPLICATION, "pass_city")
    round_ = record_review(tx, application, ReviewStep.CITY, ReviewDecision.PASS, comment)
    _close(tx, application)
    tx.notify(ApplicationWaiting(application.id, ReviewStep.PRELIMINARY.value, round_))
    return application


def pass_preliminary(tx: Tx, *, application_id: int, comment: str = "") -> PilotApplication:
    """The province's first look, where the plan wants a second one (D-19); whoever takes that one is told (M-05)."""
    application = _taken_up(tx, application_id)
    permit(tx.actor, "review_as_province", application)
    if not application.plan.final_review_required:
        raise IllegalMove(thing=PILOT_APPLICATION.name, state=application.state.label, action="pass_preliminary")
    tx.advance(application, PILOT_APPLICATION, "pass_preliminary")
    round_ = record_review(tx, application, ReviewStep.PRELIMINARY, ReviewDecision.PASS, comment)
    _close(tx, application)
    tx.notify(ApplicationWaiting(application.id, ReviewStep.FINAL.value, round_))
    return application


def approve_application(
    tx: Tx, *, application_id: int, approved_count: int, by_major: Mapping[int, int] | None = None
) -> PilotApplication:
    """The province's last step: a count not above the request (R-040, R-041), and the quota it grants.

    by_major: PilotApplicationMajor id to its approved count, summing to approved_count; without it a reduced total
    leaves the majors' own counts open.
    """
    application = _taken_up(tx, application_id)
    permit(tx.actor, "review_as_province", application)
    _require_last_step(application)
    require_counts(requested=application.requested_count, approved=approved_count)
    step = ReviewStep.FINAL if application.state is A.FINAL_REVIEW else ReviewStep.PRELIMINARY
    _approve_majors(application, approved_count, by_major or {})
    tx.advance(application, PILOT_APPLICATION, "approve", approved_count=approved_count, decided_at=tx.now)
    round_ = record_review(tx, application, step, ReviewDecision.PASS, approved_count=approved_count)
    grant_quota(tx, application, approved_count)
    _close(tx, application)
    tx.notify(ApplicationDecided(application.id, True, "", round_))
    return application


def approve_as_requested(tx: Tx, *, application_id: int) -> PilotApplication:
    """The province's last step with nothing taken off, as a batch of them is approved (R-040)."""
    asked = tx.get(PilotApplication, application_id).requested_count
    return approve_application(tx, application_id=application_id, approved_count=asked)


def _require_last_step(application: PilotApplication) -> None:
    if application.plan.final_review_required and application.state is A.PRELIMINARY_REVIEW:
        raise IllegalMove(thing=PILOT_APPLICATION.name, state=application.state.label, action="approve")


def _approve_majors(application: PilotApplication, total: int, by_major: Mapping[int, int]) -> None:
    if not by_major:
        if total == application.requested_count:
            for row in application.majors:
                row.approved_count = row.requested_count
        return
    for row in application.majors:
        row.approved_count = by_major.get(row.id, 0)
        if not 0 <= row.approved_count <= row.requested_count:
            raise ValueRefused(
                "approved_count", rule="R-041", approved=row.approved_count, requested=row.requested_count
            )
    if sum(row.approved_count or 0 for row in application.majors) != total:
        raise ValueRefused("majors_sum", rule="R-041", total=total, rows=sum(by_major.values()))


def return_application(tx: Tx, *, application_id: int, reason: str) -> PilotApplication:
    """City or province sends it back with a reason (R-042); while the plan is open it may be mended and sent again."""
    words = require_tellable(reason, rule="R-042")
    application = _taken_up(tx, application_id)
    is_city = application.state is A.CITY_REVIEW
    permit(tx.actor, "review_as_city" if is_city else "review_as_province", application)
    step = {A.CITY_REVIEW: ReviewStep.CITY, A.FINAL_REVIEW: ReviewStep.FINAL}.get(
        application.state, ReviewStep.PRELIMINARY
    )
    tx.advance(application, PILOT_APPLICATION, "return", reason=words, decided_at=tx.now)
    round_ = record_review(tx, application, step, ReviewDecision.RETURN, words)
    _close(tx, application, ReplyState.REFUSED)
    tx.notify(ApplicationDecided(application.id, False, words, round_))
    return application


def _taken_up(tx: Tx, application_id: int) -> PilotApplication:
    """The application, opened by whoever reviews first: the city where the plan wants it, else the province."""
    application = tx.get(PilotApplication, application_id)
    if application.state is A.PENDING_INITIAL:
        by_city = application.plan.city_review_required
        permit(tx.actor, "review_as_city" if by_city else "review_as_province", application)
        tx.advance(application, PILOT_APPLICATION, "take_up_city" if by_city else "take_up_province")
    return application


def _close(tx: Tx, application: PilotApplication, reply: ReplyState = ReplyState.DONE) -> None:
    close_tasks(tx, thing_type=PilotApplication.__tablename__, thing_id=application.id, reply=reply)
