"""The rows of exported sheets, column by column as the sheets have them, and how far an export is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core.actors import Actor
from core.models.accounts import UserAccount
from core.models.candidates import Candidate
from core.models.catalogue import CertificateType
from core.models.plans import ExamPlanSubject
from core.models.records import ExportJob
from core.models.registrations import CandidateSnapshot, Registration, SubjectRegistration
from core.models.scores import SubjectScore
from core.models.sites import ExamSite
from core.queries.accounts import active_binding
from core.rules.candidates import CandidateKind
from core.rules.exports import ExportPhase, export_phase
from core.rules.registrations import SittingState


def candidates_of(college_id: int, kind: CandidateKind, fields: Sequence[str]) -> Select[*tuple[Any, ...]]:
    """These fields of a college's candidates, in the order in which they came."""
    columns = [getattr(Candidate, field) for field in fields]
    return select(*columns).where(Candidate.college_id == college_id, Candidate.kind == kind).order_by(Candidate.id)


def registrations_of(plan_id: int, college_id: int) -> Select[*tuple[Any, ...]]:
    """A college's registrations in a plan, as they were made: the columns of the sheet by certificate."""
    return (
        select(
            CandidateSnapshot.name,
            CandidateSnapshot.id_number,
            Registration.kind,
            CertificateType.code,
            CertificateType.name,
            CertificateType.level,
            ExamSite.site_no,
            ExamSite.name,
            Registration.examinee_category,
        )
        .join(CandidateSnapshot, CandidateSnapshot.id == Registration.snapshot_id)
        .join(CertificateType, CertificateType.id == Registration.certificate_id)
        .join(ExamSite, ExamSite.id == Registration.site_id)
        .where(Registration.plan_id == plan_id, Registration.college_id == college_id)
        .order_by(Registration.id)
    )


def sittings_of(plan_id: int) -> Select[*tuple[Any, ...]]:
    """Everybody seated in a plan, subject by subject: ticket, name, ID, subject, tenths, absent."""
    return (
        select(
            CandidateSnapshot.ticket_no,
            CandidateSnapshot.name,
            CandidateSnapshot.id_number,
            ExamPlanSubject.code,
            SubjectScore.score_tenths,
            SubjectScore.is_absent,
        )
        .join(Registration, Registration.snapshot_id == CandidateSnapshot.id)
        .join(SubjectRegistration, SubjectRegistration.registration_id == Registration.id)
        .join(ExamPlanSubject, ExamPlanSubject.id == SubjectRegistration.plan_subject_id)
        .outerjoin(SubjectScore, SubjectScore.subject_registration_id == SubjectRegistration.id)
        .where(CandidateSnapshot.plan_id == plan_id, SubjectRegistration.state == SittingState.SEATED)
        .order_by(ExamPlanSubject.code, CandidateSnapshot.ticket_no)
    )


def phase_of(job: ExportJob, now: datetime) -> ExportPhase:
    """Where an export stands (T-20)."""
    return export_phase(
        needs_code=job.code_id is not None, is_verified=job.is_verified, asked_at=job.created_at, now=now
    )


def is_of(job: ExportJob | None, actor: Actor) -> bool:
    """An export is for the person who asked for it, whoever else may see that it happened."""
    return job is not None and actor.account_id is not None and job.created_by == actor.account_id


def organisation_of(session: Session, actor: Actor) -> str:
    """The name of whatever the actor belongs to; "" for the platform's own people."""
    account = session.get(UserAccount, actor.account_id) if actor.account_id is not None else None
    owner = account and (account.college or account.org or account.authority)
    return owner.name if owner else ""


def way_of_codes(session: Session, account_id: int) -> tuple[str, str]:
    """How a code would reach this account, as core.usecases.codes sends it: ("chat", ""), ("mobile", its last four
    digits), ("mail", "") or ("", "") when nothing is known of it (R-011)."""
    account = session.get_one(UserAccount, account_id)
    if active_binding(session, account_id) is not None:
        return "chat", ""
    if account.mobile:
        return "mobile", account.mobile[-4:]
    return ("mail", "") if account.email else ("", "")
