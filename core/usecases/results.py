"""What scores add up to: results by the plan's rule, the lock at the end of publication, and who gets a certificate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from core import clock
from core.db import Tx
from core.errors import IllegalMove
from core.models.certificates import CertificateIssuance
from core.models.organisations import EvaluationOrg
from core.models.plans import ExamPlan, ExamPlanCertificate, ExamPlanSubject
from core.models.registrations import (
    Registration,
    SubjectRegistration,
)
from core.models.scores import CertificateResult, SubjectScore
from core.models.sites import ExamSite
from core.notifications.certificates import TeoSigningRequested
from core.rules.catalogue import PassRule
from core.rules.certificates import IssuanceState
from core.rules.numbering import certificate_no
from core.rules.registrations import SittingState
from core.rules.results import SubjectOutcome, composite_hundredths, result_state
from core.rules.scores import SCORE, ResultState, ScoreState
from core.usecases.imports import in_parts

CHUNK = 5_000


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
