"""The rows of the lists that can be exported (§5.2), flat and without a join too many; the first column is the id.

Every select carries core.queries.scoping.visible by itself: nothing leaves that its reader may not see (R-023, R-203).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from core import clock
from core.actors import Actor
from core.models.candidates import Candidate, CandidatePhoto
from core.models.catalogue import CertificateType
from core.models.certificates import CertificateIssuance
from core.models.organisations import College, EvaluationOrg
from core.models.pilots import DeclarationPlan, PilotApplication, Quota
from core.models.plans import ExamPlan, ExamPlanCertificate, ExamPlanSubject, ExamSession
from core.models.registrations import (
    CandidateSnapshot,
    Registration,
    RoomArrangement,
    SeatAssignment,
    SubjectRegistration,
)
from core.models.scores import CertificateResult, SubjectScore
from core.models.sites import ExamRoom, ExamSite
from core.queries.phases import registration_phase_place, score_phase_place
from core.queries.pilot_status import is_pilot
from core.queries.scoping import visible
from core.rules.pilots import ApplicationState
from core.rules.registrations import SittingState

Rows = Select[*tuple[Any, ...]]

_PLAN = (ExamPlan.exam_year, ExamPlan.plan_no, ExamPlan.name)
_PERSON = (
    Candidate.candidate_no,
    CandidateSnapshot.name,
    CandidateSnapshot.id_type,
    CandidateSnapshot.id_number,
    CandidateSnapshot.ticket_no,
    Registration.kind,
    College.name,
)
_CERTIFICATE = (CertificateType.code, CertificateType.name, CertificateType.level)
_SITE = (ExamSite.site_no, ExamSite.name)


def organisations(actor: Actor, now: datetime) -> Rows:
    """E-01; 已试点证书数量 counts the certificates of approved applications this reader may see (R-016, §2.4)."""
    pilots = (
        select(func.count(PilotApplication.certificate_id.distinct()))
        .where(
            PilotApplication.org_id == EvaluationOrg.id,
            PilotApplication.state == ApplicationState.APPROVED,
            visible(PilotApplication, actor, now),
        )
        .correlate(EvaluationOrg)
        .scalar_subquery()
    )
    return (
        select(EvaluationOrg.id, EvaluationOrg.org_code, EvaluationOrg.name, pilots, EvaluationOrg.state)
        .where(visible(EvaluationOrg, actor, now))
        .order_by(EvaluationOrg.id)
    )


def colleges(actor: Actor, now: datetime) -> Rows:
    """E-02; the third column says whether the college is a pilot this year (R-044)."""
    pilot = is_pilot(College.id.expression, clock.local(now).year, now)
    return (
        select(College.id, College.college_code, College.name, pilot, College.college_type, College.state)
        .where(visible(College, actor, now))
        .order_by(College.id)
    )


def applications(actor: Actor, now: datetime) -> Rows:
    """E-03 (R-048); the college comes last, for readers of many colleges."""
    used = (
        select(Quota.used)
        .where(
            Quota.college_id == PilotApplication.college_id,
            Quota.certificate_id == PilotApplication.certificate_id,
            Quota.year == DeclarationPlan.year,
        )
        .correlate(PilotApplication, DeclarationPlan)
        .scalar_subquery()
    )
    return (
        select(
            PilotApplication.id,
            DeclarationPlan.year,
            DeclarationPlan.batch_name,
            CertificateType.name,
            CertificateType.level,
            EvaluationOrg.name,
            PilotApplication.requested_count,
            PilotApplication.approved_count,
            used,
            PilotApplication.state,
            College.college_code,
            College.name,
        )
        .join(DeclarationPlan, DeclarationPlan.id == PilotApplication.plan_id)
        .join(CertificateType, CertificateType.id == PilotApplication.certificate_id)
        .join(EvaluationOrg, EvaluationOrg.id == PilotApplication.org_id)
        .join(College, College.id == PilotApplication.college_id)
        .where(visible(PilotApplication, actor, now))
        .order_by(PilotApplication.id)
    )


def quotas(actor: Actor, now: datetime) -> Rows:
    """指标 (§8.2)."""
    return (
        select(
            Quota.id,
            Quota.year,
            College.college_code,
            College.name,
            CertificateType.code,
            CertificateType.name,
            CertificateType.level,
            EvaluationOrg.name,
            Quota.granted,
            Quota.used,
            Quota.granted - Quota.used - Quota.lapsed,
            Quota.lapsed,
            Quota.state,
        )
        .join(College, College.id == Quota.college_id)
        .join(CertificateType, CertificateType.id == Quota.certificate_id)
        .join(EvaluationOrg, EvaluationOrg.id == CertificateType.org_id)
        .where(visible(Quota, actor, now))
        .order_by(Quota.id)
    )


def candidates(actor: Actor, now: datetime) -> Rows:
    """E-04: every field of a candidate."""
    return (
        select(
            Candidate.id,
            Candidate.candidate_no,
            Candidate.name,
            Candidate.name_pinyin,
            Candidate.gender,
            Candidate.id_type,
            Candidate.id_number,
            Candidate.mobile,
            Candidate.enrolment_year,
            Candidate.education_level,
            Candidate.major_name,
            Candidate.major_code,
            Candidate.kind,
            College.name,
            Candidate.registered_count,
            Candidate.state,
        )
        .join(College, College.id == Candidate.college_id)
        .where(visible(Candidate, actor, now))
        .order_by(Candidate.id)
    )


def photos(actor: Actor, now: datetime) -> Rows:
    """E-04: the pictures of candidates, with what their files are named after."""
    return (
        select(Candidate.id, Candidate.id_type, Candidate.id_number, CandidatePhoto.data)
        .join(CandidatePhoto, CandidatePhoto.candidate_id == Candidate.id)
        .where(visible(Candidate, actor, now), visible(CandidatePhoto, actor, now))
        .order_by(Candidate.id)
    )


def registrations(actor: Actor, now: datetime) -> Rows:
    """E-05; the last column is the place of its phase in PHASES_OF_A_REGISTRATION."""
    return (
        _registered(
            Registration.id,
            *_PLAN,
            *_PERSON,
            CandidateSnapshot.mobile,
            CandidateSnapshot.major_name,
            *_CERTIFICATE,
            Registration.examinee_category,
            *_SITE,
            Registration.payment_state,
            registration_phase_place(now),
        )
        .where(visible(Registration, actor, now))
        .order_by(Registration.id)
    )


def sittings(actor: Actor, now: datetime) -> Rows:
    """E-09: every subject somebody sits; scores as far as this reader may know them (R-203)."""
    known = and_(SubjectScore.subject_registration_id == SubjectRegistration.id, visible(SubjectScore, actor, now))
    return (
        select(
            SubjectRegistration.id,
            *_PLAN,
            *_PERSON,
            ExamPlanSubject.code,
            ExamPlanSubject.name,
            ExamPlanSubject.exam_modes,
            *_CERTIFICATE,
            EvaluationOrg.name,
            SubjectScore.score_tenths,
            SubjectScore.is_absent,
            SubjectScore.is_invalid,
            ExamSession.starts_at,
            ExamSession.ends_at,
            *_SITE,
            ExamRoom.name,
            SeatAssignment.seat_no,
            score_phase_place(actor, now),
        )
        .join(Registration, Registration.id == SubjectRegistration.registration_id)
        .join(ExamPlanSubject, ExamPlanSubject.id == SubjectRegistration.plan_subject_id)
        .join(ExamPlan, ExamPlan.id == Registration.plan_id)
        .join(CandidateSnapshot, CandidateSnapshot.id == Registration.snapshot_id)
        .join(Candidate, Candidate.id == Registration.candidate_id)
        .join(College, College.id == Registration.college_id)
        .join(CertificateType, CertificateType.id == Registration.certificate_id)
        .join(EvaluationOrg, EvaluationOrg.id == Registration.org_id)
        .join(ExamSite, ExamSite.id == Registration.site_id)
        .outerjoin(SeatAssignment, SeatAssignment.subject_registration_id == SubjectRegistration.id)
        .outerjoin(RoomArrangement, RoomArrangement.id == SeatAssignment.room_arrangement_id)
        .outerjoin(ExamRoom, ExamRoom.id == RoomArrangement.room_id)
        .outerjoin(ExamSession, ExamSession.id == RoomArrangement.session_id)
        .outerjoin(SubjectScore, known)
        .where(visible(SubjectRegistration, actor, now), SubjectRegistration.state != SittingState.NOT_REQUIRED)
        .order_by(SubjectRegistration.id)
    )


def results(actor: Actor, now: datetime) -> Rows:
    """E-10; the second column is the registration, whose subjects subject_lines() brings."""
    return (
        _registered(
            CertificateResult.id,
            Registration.id,
            *_PLAN,
            *_PERSON,
            *_CERTIFICATE,
            *_SITE,
            ExamPlanCertificate.pass_rule,
            ExamPlanCertificate.composite_pass_tenths,
            CertificateResult.composite_hundredths,
            CertificateResult.state,
            CertificateResult.is_final,
        )
        .join(CertificateResult, CertificateResult.registration_id == Registration.id)
        .join(ExamPlanCertificate, ExamPlanCertificate.id == Registration.plan_certificate_id)
        .where(visible(CertificateResult, actor, now))
        .order_by(CertificateResult.id)
    )


def issuances(actor: Actor, now: datetime) -> Rows:
    """E-11 (R-253)."""
    return (
        _registered(
            CertificateIssuance.id,
            *_PERSON,
            CertificateIssuance.certificate_no,
            *_CERTIFICATE,
            EvaluationOrg.name,
            CertificateIssuance.issued_on,
            CertificateIssuance.issue_method,
            *_PLAN,
            *_SITE,
            CertificateIssuance.state,
        )
        .join(CertificateIssuance, CertificateIssuance.registration_id == Registration.id)
        .join(EvaluationOrg, EvaluationOrg.id == CertificateIssuance.org_id)
        .where(visible(CertificateIssuance, actor, now))
        .order_by(CertificateIssuance.id)
    )


def subject_lines(session: Session, registration_ids: Sequence[int], actor: Actor, now: datetime) -> list[Any]:
    """(registration, subject, tenths, absent, invalid) of these registrations, scores as far as they may be known."""
    known = and_(SubjectScore.subject_registration_id == SubjectRegistration.id, visible(SubjectScore, actor, now))
    query = (
        select(
            SubjectRegistration.registration_id,
            ExamPlanSubject.name,
            SubjectScore.score_tenths,
            SubjectScore.is_absent,
            SubjectScore.is_invalid,
        )
        .join(ExamPlanSubject, ExamPlanSubject.id == SubjectRegistration.plan_subject_id)
        .outerjoin(SubjectScore, known)
        .where(SubjectRegistration.registration_id.in_(registration_ids))
        .order_by(SubjectRegistration.id)
    )
    return list(session.execute(query))


def _registered(*columns: Any) -> Rows:
    """These columns of a registration with its plan, person, college, certificate and site."""
    return (
        select(*columns)
        .select_from(Registration)
        .join(ExamPlan, ExamPlan.id == Registration.plan_id)
        .join(CandidateSnapshot, CandidateSnapshot.id == Registration.snapshot_id)
        .join(Candidate, Candidate.id == Registration.candidate_id)
        .join(College, College.id == Registration.college_id)
        .join(CertificateType, CertificateType.id == Registration.certificate_id)
        .join(ExamSite, ExamSite.id == Registration.site_id)
    )
