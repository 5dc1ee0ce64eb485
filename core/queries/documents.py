"""Facts for printed things, gathered in few statements."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core.actors import Actor
from core.models.candidates import CandidatePhoto
from core.models.catalogue import CertificateType
from core.models.organisations import College
from core.models.plans import ExamPlan, ExamPlanSubject, ExamSession
from core.models.registrations import (
    CandidateSnapshot,
    Registration,
    RoomArrangement,
    SeatAssignment,
    SubjectRegistration,
)
from core.models.sites import ExamRoom, ExamSite
from core.rules.arrangement import ArrangementState


@dataclass(frozen=True, slots=True)
class SeatedRow:
    """One seat with everything a ticket, sheet or label says about it."""

    arrangement: RoomArrangement
    room: ExamRoom
    site: ExamSite
    session: ExamSession
    subject: ExamPlanSubject
    certificate: CertificateType
    snapshot: CandidateSnapshot
    college: College
    seat_no: int


def published_seats(plan: ExamPlan, actor: Actor) -> Select[SeatAssignment]:
    """Seats of a plan whose arrangement is published (R-180), as far as this actor may see them (R-182)."""
    query = (
        select(SeatAssignment)
        .join(RoomArrangement, RoomArrangement.id == SeatAssignment.room_arrangement_id)
        .join(ExamPlanSubject, ExamPlanSubject.id == RoomArrangement.plan_subject_id)
        .join(ExamRoom, ExamRoom.id == RoomArrangement.room_id)
        .join(ExamSite, ExamSite.id == ExamRoom.site_id)
        .join(SubjectRegistration, SubjectRegistration.id == SeatAssignment.subject_registration_id)
        .join(Registration, Registration.id == SubjectRegistration.registration_id)
        .where(RoomArrangement.plan_id == plan.id, ExamPlanSubject.arrangement_state == ArrangementState.PUBLISHED)
    )
    if actor.college_id is not None:
        query = query.where((Registration.college_id == actor.college_id) | (ExamSite.college_id == actor.college_id))
    elif actor.org_id is not None:
        query = query.where(Registration.org_id == actor.org_id)
    elif actor.candidate_id is not None:
        query = query.where(Registration.candidate_id == actor.candidate_id)
    return query


def seated_rows(
    session: Session, plan: ExamPlan, actor: Actor, *, site_id: int | None = None, room_name: str | None = None
) -> list[SeatedRow]:
    """Published seats in the order of room, session and seat; narrowed to a site or a room when asked."""
    query = (
        published_seats(plan, actor)
        .join(ExamSession, ExamSession.id == RoomArrangement.session_id)
        .join(CandidateSnapshot, CandidateSnapshot.id == Registration.snapshot_id)
        .join(College, College.id == Registration.college_id)
        .join(CertificateType, CertificateType.id == Registration.certificate_id)
        .order_by(ExamSite.site_no, ExamRoom.name, ExamSession.starts_at, SeatAssignment.seat_no)
        .with_only_columns(
            RoomArrangement,
            ExamRoom,
            ExamSite,
            ExamSession,
            ExamPlanSubject,
            CertificateType,
            CandidateSnapshot,
            College,
            SeatAssignment.seat_no,
        )
    )
    if site_id is not None:
        query = query.where(ExamSite.id == site_id)
    if room_name is not None:
        query = query.where(ExamRoom.name == room_name)
    return [SeatedRow(*row) for row in session.execute(query)]


def photos_of(session: Session, candidate_ids: list[int]) -> dict[int, bytes]:
    """Candidate id to picture."""
    query = select(CandidatePhoto.candidate_id, CandidatePhoto.data).where(
        CandidatePhoto.candidate_id.in_(candidate_ids)
    )
    return dict(session.execute(query).all())


def by_candidate(rows: list[SeatedRow]) -> dict[int, list[SeatedRow]]:
    """The same rows, a ticket's worth at a time."""
    grouped: dict[int, list[SeatedRow]] = defaultdict(list)
    for row in rows:
        grouped[row.snapshot.id].append(row)
    return grouped


def by_room_session(rows: list[SeatedRow]) -> dict[int, list[SeatedRow]]:
    """The same rows, a sign-in sheet's worth at a time."""
    grouped: dict[int, list[SeatedRow]] = defaultdict(list)
    for row in rows:
        grouped[row.arrangement.id].append(row)
    return grouped
