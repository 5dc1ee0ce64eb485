"""Scores: entered by the TEO in their window, corrected with a reason, locked by the clock; results follow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from core import clock
from core.db import Tx
from core.errors import IllegalMove, NotFound, NotPermitted, ReasonMissing, Refusal, ValueRefused
from core.models.certificates import CertificateIssuance
from core.models.organisations import EvaluationOrg
from core.models.plans import ExamPlan, ExamPlanCertificate, ExamPlanSubject, ExamSession
from core.models.registrations import (
    CandidateSnapshot,
    Registration,
    RoomArrangement,
    SeatAssignment,
    SubjectRegistration,
)
from core.models.scores import CertificateResult, ScoreAmendment, SubjectScore
from core.models.sites import ExamSite
from core.notifications.certificates import TeoSigningRequested
from core.rules.catalogue import PassRule
from core.rules.certificates import IssuanceState
from core.rules.numbering import certificate_no
from core.rules.permissions import permit
from core.rules.plans import PlanState
from core.rules.registrations import Attendance, SittingState
from core.rules.results import SubjectOutcome, composite_hundredths, result_state
from core.rules.scores import SCORE, ResultState, ScoreState
from core.usecases.imports import Outcome, Row, in_parts

CHUNK = 5_000


@dataclass(slots=True)
class _Seated:
    """A sitting a score may belong to, and the score it has."""

    sitting_id: int
    registration_id: int
    name: str
    id_number: str
    full_tenths: int
    is_required: bool
    ends_at: Any
    score: SubjectScore | None


def enter_scores(tx: Tx, *, plan_id: int, rows: Sequence[Row]) -> Outcome:
    """Import of scores inside the entry window (R-199, R-201, R-207, R-208); again later in it, the last word counts.

    rows hold: ticket_no, subject_code, name, id_number, score_tenths (None when absent), is_absent.
    """
    plan = tx.lock(ExamPlan, plan_id)
    permit(tx.actor, "enter_scores", plan)
    if plan.state is not PlanState.PUBLISHED:
        raise NotPermitted("plan_not_published", rule="R-199")
    plan.windows.score_entry.require(tx.now, rule="R-199")
    if plan.windows.publication.over(tx.now):
        plan.windows.publication.require(tx.now, rule="R-205")  # locked by the clock, whether the job has come or not
    seated = _seated(tx, plan, [values["ticket_no"] for _, values in rows])
    outcome = Outcome()
    fresh: list[dict[str, Any]] = []
    changed: set[int] = set()
    for number, values in rows:
        place = seated.get((values["ticket_no"], values["subject_code"]))
        fault = _fault(tx, place, values)
        if fault is not None or place is None:
            outcome.refuse(number, *(fault or ("ticket_no", NotFound("ticket_unknown", rule="R-208"))))
        elif place.score is not None and _is_same(place.score, values):
            outcome.unchanged += 1
        else:
            outcome.accepted += 1
            changed.add(place.registration_id)
            _enter(tx, place, values, fresh)
    tx.insert_all(SubjectScore, fresh)
    _note_attendance(tx, seated, rows, outcome)
    recompute_results(tx, plan=plan, registration_ids=changed)
    return outcome


def _seated(tx: Tx, plan: ExamPlan, tickets: Sequence[str]) -> dict[tuple[str, str], _Seated]:
    found: dict[tuple[str, str], _Seated] = {}
    for part in in_parts(tickets, CHUNK):
        rows = tx.session.execute(
            select(CandidateSnapshot, ExamPlanSubject, SubjectRegistration, SubjectScore, ExamSession.ends_at)
            .join(Registration, Registration.snapshot_id == CandidateSnapshot.id)
            .join(SubjectRegistration, SubjectRegistration.registration_id == Registration.id)
            .join(ExamPlanSubject, ExamPlanSubject.id == SubjectRegistration.plan_subject_id)
            .outerjoin(SubjectScore, SubjectScore.subject_registration_id == SubjectRegistration.id)
            .outerjoin(SeatAssignment, SeatAssignment.subject_registration_id == SubjectRegistration.id)
            .outerjoin(RoomArrangement, RoomArrangement.id == SeatAssignment.room_arrangement_id)
            .outerjoin(ExamSession, ExamSession.id == RoomArrangement.session_id)
            .where(CandidateSnapshot.plan_id == plan.id, CandidateSnapshot.ticket_no.in_(part))
        )
        for person, subject, sitting, score, ends_at in rows:
            found[person.ticket_no or "", subject.code] = _Seated(
                sitting.id,
                sitting.registration_id,
                person.name,
                person.id_number,
                subject.full_tenths,
                sitting.state is SittingState.SEATED,
                ends_at,
                score,
            )
    return found


def _fault(tx: Tx, place: _Seated | None, values: Mapping[str, Any]) -> tuple[str, Refusal] | None:
    if place is None:
        return "ticket_no", NotFound("ticket_unknown", rule="R-208")
    if not place.is_required:
        return "subject_code", ValueRefused("subject_not_required", rule="R-208")
    if place.name != values["name"] or place.id_number != values["id_number"]:
        return "name", ValueRefused("person_differs", rule="R-208")
    if place.ends_at is None or tx.now < place.ends_at:
        return "subject_code", IllegalMove("exam_not_over", rule="§3.15", thing=SCORE.name)
    tenths, is_absent = values["score_tenths"], values["is_absent"]
    if is_absent and tenths is not None:
        return "score_tenths", ValueRefused("absent_with_score", rule="R-207")
    if not is_absent and tenths is None:
        return "score_tenths", ValueRefused("score_missing", rule="R-201")
    if tenths is not None and not 0 <= tenths <= place.full_tenths:
        return "score_tenths", ValueRefused("score_range", rule="R-201", full=place.full_tenths // 10)
    return None


def _is_same(score: SubjectScore, values: Mapping[str, Any]) -> bool:
    entered = score.state is ScoreState.ENTERED
    return entered and (score.score_tenths, score.is_absent) == (values["score_tenths"], values["is_absent"])


def _enter(tx: Tx, place: _Seated, values: Mapping[str, Any], fresh: list[dict[str, Any]]) -> None:
    if place.score is None:
        fresh.append(
            {
                "subject_registration_id": place.sitting_id,
                "score_tenths": values["score_tenths"],
                "is_absent": values["is_absent"],
                "is_invalid": False,
                "state": ScoreState.ENTERED,
                "entered_at": tx.now,
            }
        )
        return
    _amend(tx, place.score, values["score_tenths"], values["is_absent"], "re-import")
    tx.advance(
        place.score,
        SCORE,
        "enter",
        score_tenths=values["score_tenths"],
        is_absent=values["is_absent"],
        entered_at=tx.now,
    )


def _amend(tx: Tx, score: SubjectScore, tenths: int | None, is_absent: bool, reason: str) -> None:
    tx.add(
        ScoreAmendment(
            score_id=score.id,
            old_tenths=score.score_tenths,
            old_absent=score.is_absent,
            new_tenths=tenths,
            new_absent=is_absent,
            reason=reason,
            actor_id=tx.actor.account_id,
            at=tx.now,
        )
    )


def _note_attendance(tx: Tx, seated: Mapping[tuple[str, str], _Seated], rows: Sequence[Row], outcome: Outcome) -> None:
    refused = {item.row for item in outcome.refused}
    groups: dict[Attendance, list[int]] = defaultdict(list)
    for number, values in rows:
        if number not in refused:
            there = Attendance.ABSENT if values["is_absent"] else Attendance.PRESENT
            groups[there].append(seated[values["ticket_no"], values["subject_code"]].sitting_id)
    for there, ids in groups.items():
        for part in in_parts(ids, CHUNK):
            tx.update_all(
                SubjectRegistration,
                SubjectRegistration.id.in_(part),
                SubjectRegistration.attendance.is_distinct_from(there),
                attendance=there,
            )


def correct_score(tx: Tx, *, score_id: int, score_tenths: int | None, is_absent: bool, reason: str) -> SubjectScore:
    """During publication, by the TEO, with a reason (R-204, R-205); the result is computed anew (R-227)."""
    if not reason.strip():
        raise ReasonMissing(rule="R-204")
    registration = tx.get(SubjectScore, score_id).sitting.registration
    plan = tx.lock(ExamPlan, registration.plan_id)  # the plan first, as the lock at the end of publication does
    score = tx.lock(SubjectScore, score_id)
    permit(tx.actor, "enter_scores", plan)
    plan.windows.publication.require(tx.now, rule="R-204")
    if (score_tenths is None) is not is_absent:
        raise ValueRefused("score_missing" if score_tenths is None else "absent_with_score", rule="R-207")
    full = score.sitting.plan_subject.full_tenths
    if score_tenths is not None and not 0 <= score_tenths <= full:
        raise ValueRefused("score_range", rule="R-201", full=full // 10)
    _amend(tx, score, score_tenths, is_absent, reason.strip())
    tx.advance(
        score,
        SCORE,
        "correct",
        reason=reason.strip(),
        score_tenths=score_tenths,
        is_absent=is_absent,
        entered_at=score.entered_at or tx.now,
    )
    recompute_results(tx, plan=plan, registration_ids={registration.id})
    return score


# -- results -------------------------------------------------------------------------------------------------------


def recompute_results(
    tx: Tx, *, plan: ExamPlan, registration_ids: Iterable[int] | None = None, is_final: bool = False
) -> None:
    """考证结果 by the plan's rule, never by hand (R-223…R-229); registration_ids None means the whole plan."""
    rules = {row.id: row for row in plan.certificates}
    wanted = sorted(registration_ids) if registration_ids is not None else _everybody(tx, plan)
    for part in in_parts(wanted, CHUNK):
        _recompute_part(tx, plan, rules, part, is_final)


def _everybody(tx: Tx, plan: ExamPlan) -> list[int]:
    return list(tx.all(select(Registration.id).where(Registration.plan_id == plan.id).order_by(Registration.id)))


def _recompute_part(
    tx: Tx, plan: ExamPlan, rules: Mapping[int, ExamPlanCertificate], ids: Sequence[int], is_final: bool
) -> None:
    outcomes, certificate_of = _outcomes(tx, ids)
    held = {
        row.registration_id: row
        for row in tx.all(select(CertificateResult).where(CertificateResult.registration_id.in_(ids)))
    }
    fresh, changed = [], []
    for ident in ids:
        rule = rules[certificate_of[ident]]
        values = _result(tx, rule, outcomes[ident], is_final)
        row = held.get(ident)
        if row is None:
            fresh.append({"registration_id": ident, "plan_id": plan.id} | values)
        elif (row.state, row.composite_hundredths, row.is_final) != (
            values["state"],
            values["composite_hundredths"],
            is_final,
        ):
            changed.append({"id": row.id} | values)
    tx.insert_all(CertificateResult, fresh)
    tx.update_each(CertificateResult, changed)


def _result(tx: Tx, rule: ExamPlanCertificate, outcomes: Sequence[SubjectOutcome], is_final: bool) -> dict[str, Any]:
    state = result_state(rule.pass_rule, outcomes, composite_pass_score=rule.composite_pass_tenths, is_final=is_final)
    decided = state in (ResultState.PASSED, ResultState.FAILED)
    composite = composite_hundredths(outcomes) if rule.pass_rule is PassRule.COMPOSITE else None
    return {
        "state": state,
        "composite_hundredths": composite,
        "decided_at": tx.now if decided else None,
        "is_final": is_final,
    }


def _outcomes(tx: Tx, ids: Sequence[int]) -> tuple[dict[int, list[SubjectOutcome]], dict[int, int]]:
    rows = tx.session.execute(
        select(
            Registration.id,
            Registration.plan_certificate_id,
            SubjectRegistration.state,
            ExamPlanSubject.pass_tenths,
            ExamPlanSubject.weight_percent,
            SubjectScore.score_tenths,
            SubjectScore.is_absent,
            SubjectScore.is_invalid,
        )
        .join(SubjectRegistration, SubjectRegistration.registration_id == Registration.id)
        .join(ExamPlanSubject, ExamPlanSubject.id == SubjectRegistration.plan_subject_id)
        .outerjoin(SubjectScore, SubjectScore.subject_registration_id == SubjectRegistration.id)
        .where(Registration.id.in_(ids))
    )
    outcomes: dict[int, list[SubjectOutcome]] = defaultdict(list)
    certificate_of: dict[int, int] = {}
    for ident, certificate, state, pass_tenths, weight, tenths, absent, invalid in rows:
        certificate_of[ident] = certificate
        outcomes[ident].append(
            SubjectOutcome(
                score=tenths,
                pass_score=pass_tenths,
                weight=weight or 0,
                is_absent=bool(absent),
                is_invalid=bool(invalid),
                is_exempt=state is SittingState.NOT_REQUIRED,
            )
        )
    return outcomes, certificate_of


# -- the end of publication ----------------------------------------------------------------------------------------


def conclude_scores(tx: Tx, *, plan: ExamPlan) -> int:
    """T-16: lock every score for good, make results final, create an issuance for each pass; returns how many.

    Happens once: a plan already concluded is left alone. What is missing now stays missing (R-205, R-206, R-228).
    """
    if plan.locked_at is not None:
        return 0
    if not plan.windows.publication.over(tx.now):
        raise IllegalMove("publication_not_over", rule="R-205", thing=SCORE.name, closes_at=plan.publication_closes_at)
    _lock_missing(tx, plan)
    tx.advance_all(
        SubjectScore, SCORE, "lock", SubjectScore.subject_registration_id.in_(_sittings(plan)), locked_at=tx.now
    )
    recompute_results(tx, plan=plan, is_final=True)
    plan.locked_at = tx.now
    tx.because(plan, "lock_scores")
    tx.session.flush()
    return create_issuances(tx, plan=plan)


def _sittings(plan: ExamPlan) -> Any:
    return (
        select(SubjectRegistration.id)
        .join(Registration, Registration.id == SubjectRegistration.registration_id)
        .where(Registration.plan_id == plan.id, SubjectRegistration.state == SittingState.SEATED)
    )


def _lock_missing(tx: Tx, plan: ExamPlan) -> None:
    scored = select(SubjectScore.subject_registration_id)
    missing = tx.all(_sittings(plan).where(SubjectRegistration.id.not_in(scored)))
    tx.insert_all(
        SubjectScore,
        [
            {
                "subject_registration_id": ident,
                "score_tenths": None,
                "is_absent": False,
                "is_invalid": False,
                "state": ScoreState.NOT_ENTERED,
            }
            for ident in missing
        ],
    )


def create_issuances(tx: Tx, *, plan: ExamPlan) -> int:
    """An issuance for every final pass that has none (R-228, R-249, R-250); any number of times, never two."""
    have = select(CertificateIssuance.result_id)
    passed = tx.session.execute(
        select(CertificateResult.id, Registration, ExamSite.site_no)
        .join(Registration, Registration.id == CertificateResult.registration_id)
        .join(ExamSite, ExamSite.id == Registration.site_id)
        .where(
            CertificateResult.plan_id == plan.id,
            CertificateResult.state == ResultState.PASSED,
            CertificateResult.is_final,
            CertificateResult.id.not_in(have),
        )
        .order_by(CertificateResult.id)
    ).all()
    if not passed:
        return 0
    org = tx.get(EvaluationOrg, plan.org_id)
    year = clock.local(tx.now).year
    tx.insert_all(
        CertificateIssuance,
        [
            {
                "result_id": result_id,
                "registration_id": registration.id,
                "plan_id": plan.id,
                "certificate_id": registration.certificate_id,
                "site_id": registration.site_id,
                "college_id": registration.college_id,
                "org_id": plan.org_id,
                "certificate_no": certificate_no(
                    standard_code=registration.certificate.standard_code,
                    level=registration.certificate.level.digit,
                    org_code=org.org_code,
                    site=site,
                    year=year,
                    running=tx.next_number(f"certificate:{registration.certificate.code}:{site}:{year}"),
                ),
                "state": IssuanceState.TEO_PENDING,
                "is_rejection_handled": False,
                "rejection_note": "",
                "is_generation_ordered": False,
            }
            for result_id, registration, site in passed
        ],
    )
    tx.notify(TeoSigningRequested(plan.id, int(tx.now.timestamp())))
    return len(passed)
