"""学生个人空间 (§8.5): what a candidate sees of the own data, each thing from the moment on at which it may be seen."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from core.actors import Actor
from core.models.accounts import UserAccount
from core.models.candidates import Candidate, CandidatePhoto
from core.models.certificates import Certificate, CertificateIssuance
from core.models.plans import ExamPlanSubject, ExamSession
from core.models.registrations import Registration, RoomArrangement, SeatAssignment, SubjectRegistration
from core.models.scores import CertificateResult, SubjectScore
from core.models.sites import ExamRoom
from core.queries.accounts import account_by_login
from core.queries.scoping import visible
from core.queries.verification import as_typed
from core.rules.arrangement import ArrangementState
from core.rules.marks import mark_text
from core.rules.plans import PlanPhase, plan_phase
from core.rules.scores import ResultState


@dataclass(frozen=True, slots=True)
class OwnSitting:
    """One subject: when and where once the arrangement is published, the mark once scores are ("" before)."""

    subject: str
    starts_at: datetime | None
    ends_at: datetime | None
    room: str
    address: str
    seat_no: int | None
    mark: str


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """An issued one: issuance_id names its PDF."""

    issuance_id: int
    certificate_no: str
    issued_on: date | None
    sealed_at: datetime


@dataclass(frozen=True, slots=True)
class OwnRegistration:
    """One certificate in one plan. result and composite (hundredths) are None before the publication of scores."""

    plan_id: int
    plan_no: str
    plan_name: str
    certificate: str
    level: str
    site: str
    college: str
    phase: PlanPhase
    payment: str
    ticket_no: str
    has_ticket: bool
    sittings: tuple[OwnSitting, ...]
    result: ResultState | None
    composite_hundredths: int | None
    is_final: bool
    review_until: datetime | None
    document: OwnCertificate | None


def account_typed(session: Session, typed: str) -> UserAccount | None:
    """The account of a candidate by candidate number or ID number, full-width signs and blanks forgiven.

    None for staff, for strangers, and for an ID number that two people have on different documents.
    """
    number = as_typed(typed)
    if not number:
        return None
    account = account_by_login(session, number)
    if account is not None:
        return account if account.candidate_id is not None else None
    found = session.scalars(
        select(UserAccount)
        .join(Candidate, Candidate.id == UserAccount.candidate_id)
        .where(Candidate.id_number == number)
        .limit(2)
    ).all()
    return found[0] if len(found) == 1 else None


def own_candidate(session: Session, actor: Actor) -> Candidate | None:
    """The candidate behind a candidate's account."""
    return session.scalar(
        select(Candidate)
        .options(joinedload(Candidate.college))
        .where(Candidate.id == actor.candidate_id, visible(Candidate, actor))
    )


def own_photo(session: Session, actor: Actor) -> CandidatePhoto | None:
    """The own picture, while it is kept."""
    return session.scalar(
        select(CandidatePhoto).where(CandidatePhoto.candidate_id == actor.candidate_id, visible(CandidatePhoto, actor))
    )


def own_registrations(session: Session, actor: Actor, now: datetime) -> list[OwnRegistration]:
    """Newest first, in a handful of statements whatever their number."""
    held = session.scalars(
        select(Registration)
        .options(
            joinedload(Registration.plan),
            joinedload(Registration.certificate),
            joinedload(Registration.site),
            joinedload(Registration.college),
            joinedload(Registration.snapshot),
        )
        .where(Registration.candidate_id == actor.candidate_id, visible(Registration, actor, now))
        .order_by(Registration.id.desc())
    ).all()
    sittings = _sittings(session, actor, now)
    results = {
        result.registration_id: result
        for result in session.scalars(select(CertificateResult).where(visible(CertificateResult, actor, now)))
    }
    documents = _documents(session, actor, now)
    return [_own(row, sittings[row.id], results.get(row.id), documents.get(row.id), now) for row in held]


def _own(
    row: Registration,
    sittings: list[OwnSitting],
    result: CertificateResult | None,
    document: OwnCertificate | None,
    now: datetime,
) -> OwnRegistration:
    windows = row.plan.windows
    return OwnRegistration(
        plan_id=row.plan_id,
        plan_no=row.plan.plan_no,
        plan_name=row.plan.name,
        certificate=row.certificate.name,
        level=row.certificate.level.label,
        site=row.site.name,
        college=row.college.name,
        phase=plan_phase(row.plan.state, windows, now),
        payment=row.payment_state.label,
        ticket_no=row.snapshot.ticket_no or "",
        has_ticket=any(sitting.seat_no is not None for sitting in sittings),
        sittings=tuple(sittings),
        result=result.state if result else None,
        composite_hundredths=result.composite_hundredths if result else None,
        is_final=bool(result and result.is_final),
        review_until=windows.review.closes_at if windows.review.contains(now) else None,
        document=document,
    )


def _sittings(session: Session, actor: Actor, now: datetime) -> dict[int, list[OwnSitting]]:
    """By registration; a seat is nobody's business before the arrangement is published (R-180)."""
    is_published = ExamPlanSubject.arrangement_state == ArrangementState.PUBLISHED
    found = session.execute(
        select(SubjectRegistration.registration_id, ExamPlanSubject.name, SeatAssignment, ExamRoom, ExamSession)
        .add_columns(SubjectScore)
        .join(Registration, Registration.id == SubjectRegistration.registration_id)
        .join(ExamPlanSubject, ExamPlanSubject.id == SubjectRegistration.plan_subject_id)
        .outerjoin(SeatAssignment, (SeatAssignment.subject_registration_id == SubjectRegistration.id) & is_published)
        .outerjoin(RoomArrangement, RoomArrangement.id == SeatAssignment.room_arrangement_id)
        .outerjoin(ExamRoom, ExamRoom.id == RoomArrangement.room_id)
        .outerjoin(ExamSession, ExamSession.id == RoomArrangement.session_id)
        .outerjoin(
            SubjectScore,
            (SubjectScore.subject_registration_id == SubjectRegistration.id) & visible(SubjectScore, actor, now),
        )
        .where(Registration.candidate_id == actor.candidate_id, visible(Registration, actor, now))
        .order_by(ExamSession.starts_at, SubjectRegistration.id)
    )
    sittings: dict[int, list[OwnSitting]] = defaultdict(list)
    for registration_id, subject, seat, room, sitting, score in found:
        sittings[registration_id].append(
            OwnSitting(
                subject=subject,
                starts_at=sitting.starts_at if sitting else None,
                ends_at=sitting.ends_at if sitting else None,
                room=room.name if room else "",
                address=room.address if room else "",
                seat_no=seat.seat_no if seat else None,
                mark=mark_text(score.score_tenths, score.is_absent, score.is_invalid) if score else "",
            )
        )
    return sittings


def _documents(session: Session, actor: Actor, now: datetime) -> dict[int, OwnCertificate]:
    found = session.execute(
        select(CertificateIssuance, Certificate)
        .join(Certificate, Certificate.issuance_id == CertificateIssuance.id)
        .where(visible(CertificateIssuance, actor, now))
    )
    return {
        issuance.registration_id: OwnCertificate(
            issuance.id, issuance.certificate_no, issuance.issued_on, document.sealed_at
        )
        for issuance, document in found
    }
