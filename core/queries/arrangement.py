"""How far the seating of a plan is, and what it wants: counted within what the asker may see (R-175, R-182)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.actors import Actor
from core.models.plans import ExamPlanSubject, ExamSession
from core.models.registrations import Registration, RoomArrangement, SeatAssignment, SubjectRegistration
from core.models.sites import ExamRoom, ExamRoomSubject, ExamSite
from core.queries.scoping import visible
from core.rules.registrations import SittingState


@dataclass(frozen=True, slots=True)
class SessionStanding:
    """One session of a subject: at how many sites, how many people."""

    starts_at: datetime
    ends_at: datetime
    site_count: int
    arranged: int


@dataclass(frozen=True, slots=True)
class SubjectStanding:
    """A subject of a plan: registered = arranged + left; 无需考试 is counted nowhere (R-184)."""

    registered: int = 0
    left: int = 0
    sessions: tuple[SessionStanding, ...] = ()

    @property
    def arranged(self) -> int:
        """People with a seat, over all sessions."""
        return sum(session.arranged for session in self.sessions)

    @property
    def site_count(self) -> int:
        """The most sites any session uses."""
        return max((session.site_count for session in self.sessions), default=0)


def standings(session: Session, actor: Actor, subject_ids: Sequence[int]) -> dict[int, SubjectStanding]:
    """Plan subject id to its standing, as this actor may see it; three statements whatever their number."""
    registered, left = _people(session, actor, subject_ids)
    arranged = _arranged(session, actor, subject_ids)
    sessions: dict[int, list[SessionStanding]] = defaultdict(list)
    held = select(ExamSession).where(ExamSession.plan_subject_id.in_(subject_ids)).order_by(ExamSession.starts_at)
    for row in session.scalars(held):
        sites, people = arranged.get(row.id, (0, 0))
        sessions[row.plan_subject_id].append(SessionStanding(row.starts_at, row.ends_at, sites, people))
    return {
        ident: SubjectStanding(registered.get(ident, 0), left.get(ident, 0), tuple(sessions[ident]))
        for ident in subject_ids
    }


def _people(session: Session, actor: Actor, subject_ids: Sequence[int]) -> tuple[dict[int, int], dict[int, int]]:
    counted = session.execute(
        select(SubjectRegistration.plan_subject_id, SubjectRegistration.state, func.count(SubjectRegistration.id))
        .where(
            SubjectRegistration.plan_subject_id.in_(subject_ids),
            SubjectRegistration.state != SittingState.NOT_REQUIRED,
            visible(SubjectRegistration, actor),
        )
        .group_by(SubjectRegistration.plan_subject_id, SubjectRegistration.state)
    )
    registered: dict[int, int] = defaultdict(int)
    left: dict[int, int] = defaultdict(int)
    for subject_id, state, number in counted:
        registered[subject_id] += number
        left[subject_id] += number if state is SittingState.NOT_ARRANGED else 0
    return registered, left


def _arranged(session: Session, actor: Actor, subject_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    counted = session.execute(
        select(RoomArrangement.session_id, func.count(ExamRoom.site_id.distinct()), func.count(SeatAssignment.id))
        .join(SeatAssignment, SeatAssignment.room_arrangement_id == RoomArrangement.id)
        .join(ExamRoom, ExamRoom.id == RoomArrangement.room_id)
        .where(RoomArrangement.plan_subject_id.in_(subject_ids), visible(SeatAssignment, actor))
        .group_by(RoomArrangement.session_id)
    )
    return {session_id: (sites, people) for session_id, sites, people in counted}


@dataclass(frozen=True, slots=True)
class Demand:
    """A subject at a site: who wants a seat, and what the rooms set up for it could hold over all its sessions."""

    site_id: int
    site_name: str
    subject_code: str
    subject_name: str
    registered: int
    room_count: int
    seats: int
    session_count: int

    @property
    def capacity(self) -> int:
        """Seats times sessions, as if no other subject wanted the rooms."""
        return self.seats * self.session_count

    @property
    def missing(self) -> int:
        """Seats short, 0 when the rooms could hold everybody (R-128)."""
        return max(0, self.registered - self.capacity)


def demands(session: Session, plan_id: int, *site_ids: int) -> list[Demand]:
    """What every site of a plan needs and has, by subject; narrowed to sites when some are named (R-128)."""
    rooms = _rooms(session, plan_id)
    sessions = dict(
        session.execute(
            select(ExamSession.plan_subject_id, func.count(ExamSession.id))
            .join(ExamPlanSubject, ExamPlanSubject.id == ExamSession.plan_subject_id)
            .where(ExamPlanSubject.plan_id == plan_id)
            .group_by(ExamSession.plan_subject_id)
        ).all()
    )
    wanted = (
        select(ExamSite, ExamPlanSubject, func.count(SubjectRegistration.id))
        .join(Registration, Registration.site_id == ExamSite.id)
        .join(SubjectRegistration, SubjectRegistration.registration_id == Registration.id)
        .join(ExamPlanSubject, ExamPlanSubject.id == SubjectRegistration.plan_subject_id)
        .where(Registration.plan_id == plan_id, SubjectRegistration.state != SittingState.NOT_REQUIRED)
        .group_by(ExamSite.id, ExamPlanSubject.id)
        .order_by(ExamSite.site_no, ExamPlanSubject.code)
    )
    if site_ids:
        wanted = wanted.where(ExamSite.id.in_(site_ids))
    return [
        Demand(
            site.id,
            site.name,
            subject.code,
            subject.name,
            registered,
            *rooms.get((site.id, subject.id), (0, 0)),
            sessions.get(subject.id, 0),
        )
        for site, subject, registered in session.execute(wanted)
    ]


def _rooms(session: Session, plan_id: int) -> dict[tuple[int, int], tuple[int, int]]:
    """(site, plan subject) to (rooms, seats)."""
    counted = session.execute(
        select(
            ExamRoom.site_id,
            ExamRoomSubject.plan_subject_id,
            func.count(ExamRoom.id),
            func.sum(ExamRoom.seat_count),
        )
        .join(ExamRoomSubject, ExamRoomSubject.room_id == ExamRoom.id)
        .where(ExamRoom.plan_id == plan_id)
        .group_by(ExamRoom.site_id, ExamRoomSubject.plan_subject_id)
    )
    return {(site, subject): (rooms, int(seats)) for site, subject, rooms, seats in counted}
