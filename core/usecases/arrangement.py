"""排考: the TEO gives every sitting of a plan its session, room, seat and ticket number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select

from core.actors import Actor
from core.arranging import problem
from core.arranging.check import faults
from core.arranging.fill import fill
from core.db import Tx, transaction
from core.errors import IllegalMove, NotReady
from core.models.plans import ExamPlan, ExamPlanSubject, ExamSession
from core.models.registrations import (
    CandidateSnapshot,
    Registration,
    RoomArrangement,
    SeatAssignment,
    SubjectRegistration,
)
from core.models.sites import ExamRoom, ExamSite
from core.rules.arrangement import ARRANGEMENT, ArrangementState
from core.rules.numbering import ticket_no
from core.rules.permissions import permit
from core.rules.plans import PlanState
from core.rules.registrations import SITTING, SittingState


@dataclass(frozen=True, slots=True)
class Seating:
    """What an arrangement run did: seated now, still without a seat, per subject code."""

    seated: int
    unseated: int
    unseated_by_subject: dict[str, int]


def arrange_seats(tx: Tx, *, plan_id: int) -> Seating:
    """Fill the rooms of a plan anew (R-170…R-178, R-183); ticket numbers once given stay.

    A subject is 已编排 only when nobody of it is left without a seat (R-175).
    """
    plan = _own_plan(tx, plan_id)
    plan.windows.arrangement.require(tx.now, rule="R-170")
    _require_before_first_session(tx, plan)
    _clear(tx, plan)
    sittings, sessions, rooms = _problem(tx, plan)
    seats, left = fill(sittings, sessions, rooms)
    broken = faults(seats, sittings, sessions, rooms)
    if broken:
        raise AssertionError(f"the seating breaks {broken[:3]}")
    _store(tx, plan, seats, sessions)
    _give_tickets(tx, plan)
    unseated: dict[str, int] = defaultdict(int)
    codes = {row.id: row.code for certificate in plan.certificates for row in certificate.subjects}
    for sitting in left:
        unseated[codes[sitting.subject_id]] += 1
    _mark_subjects(tx, plan, {sitting.subject_id for sitting in left}, {sitting.subject_id for sitting in sittings})
    return Seating(len(seats), len(left), dict(unseated))


def try_arrangement(actor: Actor, *, plan_id: int) -> Seating:
    """What arrange_seats would do, with everything taken back."""
    try:
        with transaction(actor) as tx:
            raise _Tried(arrange_seats(tx, plan_id=plan_id))
    except _Tried as tried:
        return tried.seating


class _Tried(Exception):
    def __init__(self, seating: Seating) -> None:
        self.seating = seating


def clear_arrangement(tx: Tx, *, plan_id: int) -> None:
    """Take every seat back, inside the window and before the first session (R-183)."""
    plan = _own_plan(tx, plan_id)
    plan.windows.arrangement.require(tx.now, rule="R-170")
    _require_before_first_session(tx, plan)
    _clear(tx, plan)


def publish_arrangement(tx: Tx, *, plan_id: int) -> int:
    """Colleges may download from now on; the seats stand. Returns how many subjects were published (§3.13)."""
    plan = _own_plan(tx, plan_id)
    return len(tx.advance_all(ExamPlanSubject, ARRANGEMENT, "publish", ExamPlanSubject.plan_id == plan.id))


def _own_plan(tx: Tx, plan_id: int) -> ExamPlan:
    plan = tx.lock(ExamPlan, plan_id)
    permit(tx.actor, "arrange", plan)
    if plan.state is not PlanState.PUBLISHED:
        raise NotReady("plan_not_published", rule="R-170")
    return plan


def _require_before_first_session(tx: Tx, plan: ExamPlan) -> None:
    first = tx.session.scalar(
        select(ExamSession.starts_at)
        .join(ExamPlanSubject, ExamPlanSubject.id == ExamSession.plan_subject_id)
        .where(ExamPlanSubject.plan_id == plan.id)
        .order_by(ExamSession.starts_at)
        .limit(1)
    )
    if first is not None and tx.now >= first:
        raise IllegalMove("exam_has_begun", rule="R-183", thing="排考", starts_at=first)
    if any(
        row.arrangement_state is ArrangementState.PUBLISHED
        for certificate in plan.certificates
        for row in certificate.subjects
    ):
        raise IllegalMove("arrangement_published", rule="§3.13", thing="排考")


def _clear(tx: Tx, plan: ExamPlan) -> None:
    held = select(RoomArrangement.id).where(RoomArrangement.plan_id == plan.id)
    tx.session.execute(delete(SeatAssignment).where(SeatAssignment.room_arrangement_id.in_(held)))
    tx.session.execute(delete(RoomArrangement).where(RoomArrangement.plan_id == plan.id))
    subjects = select(ExamPlanSubject.id).where(ExamPlanSubject.plan_id == plan.id)
    tx.advance_all(SubjectRegistration, SITTING, "unseat", SubjectRegistration.plan_subject_id.in_(subjects))
    tx.advance_all(ExamPlanSubject, ARRANGEMENT, "clear", ExamPlanSubject.plan_id == plan.id)


def _problem(tx: Tx, plan: ExamPlan) -> tuple[list[problem.Sitting], list[problem.Session], list[problem.Room]]:
    rows = tx.session.execute(
        select(
            SubjectRegistration.id,
            Registration.candidate_id,
            SubjectRegistration.plan_subject_id,
            Registration.site_id,
            Registration.college_id,
            CandidateSnapshot.major_code,
            CandidateSnapshot.id_number,
        )
        .join(Registration, Registration.id == SubjectRegistration.registration_id)
        .join(CandidateSnapshot, CandidateSnapshot.id == Registration.snapshot_id)
        .where(Registration.plan_id == plan.id, SubjectRegistration.state == SittingState.NOT_ARRANGED)
    )
    sittings = [problem.Sitting(r[0], r[1], r[2], r[3], (f"{r[4]:09d}", r[5], r[6])) for r in rows]
    sessions = [
        problem.Session(row.id, row.plan_subject_id, row.starts_at, row.ends_at)
        for row in tx.all(
            select(ExamSession).join(ExamPlanSubject).where(ExamPlanSubject.plan_id == plan.id).order_by(ExamSession.id)
        )
    ]
    # held until the seats are given: nobody makes a room smaller under them
    held = select(ExamRoom).where(ExamRoom.plan_id == plan.id).order_by(ExamRoom.id).with_for_update()
    rooms = [
        problem.Room(room.id, room.site_id, room.seat_count, frozenset(s.id for s in room.subjects), room.name)
        for room in tx.all(held.execution_options(populate_existing=True))
    ]
    return sittings, sessions, rooms


def _store(tx: Tx, plan: ExamPlan, seats: Sequence[problem.Seat], sessions: Sequence[problem.Session]) -> None:
    subject_of = {session.id: session.subject_id for session in sessions}
    used = sorted({(seat.room_id, seat.session_id) for seat in seats})
    tx.insert_all(
        RoomArrangement,
        [
            {"plan_id": plan.id, "room_id": room, "session_id": session, "plan_subject_id": subject_of[session]}
            for room, session in used
        ],
    )
    ids = {
        (row.room_id, row.session_id): row.id
        for row in tx.all(select(RoomArrangement).where(RoomArrangement.plan_id == plan.id))
    }
    tx.insert_all(
        SeatAssignment,
        [
            {
                "room_arrangement_id": ids[seat.room_id, seat.session_id],
                "subject_registration_id": seat.sitting_id,
                "seat_no": seat.number,
                "assigned_at": tx.now,
            }
            for seat in seats
        ],
    )
    seated = (
        select(SeatAssignment.subject_registration_id).join(RoomArrangement).where(RoomArrangement.plan_id == plan.id)
    )
    tx.advance_all(SubjectRegistration, SITTING, "seat", SubjectRegistration.id.in_(seated))


def _give_tickets(tx: Tx, plan: ExamPlan) -> None:
    """One number per candidate and plan, running per site, in the order of seating (R-177, R-178)."""
    rows = tx.session.execute(
        select(CandidateSnapshot.id, ExamSite.site_no)
        .join(Registration, Registration.snapshot_id == CandidateSnapshot.id)
        .join(ExamSite, ExamSite.id == Registration.site_id)
        .join(SubjectRegistration, SubjectRegistration.registration_id == Registration.id)
        .join(SeatAssignment, SeatAssignment.subject_registration_id == SubjectRegistration.id)
        .where(CandidateSnapshot.plan_id == plan.id, CandidateSnapshot.ticket_no.is_(None))
        .order_by(SeatAssignment.room_arrangement_id, SeatAssignment.seat_no)
    )
    site_of: dict[int, str] = {}
    for snapshot_id, site in rows:
        site_of.setdefault(snapshot_id, site)
    by_site: dict[str, list[int]] = defaultdict(list)
    for snapshot_id, site in site_of.items():
        by_site[site].append(snapshot_id)
    for site, ids in sorted(by_site.items()):
        first = tx.next_number(f"ticket:{plan.plan_no}:{site}", count=len(ids))
        tx.update_each(
            CandidateSnapshot,
            [
                {"id": ident, "ticket_no": ticket_no(plan.plan_no, site, first + offset)}
                for offset, ident in enumerate(ids)
            ],
        )


def _mark_subjects(tx: Tx, plan: ExamPlan, incomplete: set[int], wanted: set[int]) -> None:
    done = wanted - incomplete
    if done:
        tx.advance_all(ExamPlanSubject, ARRANGEMENT, "arrange", ExamPlanSubject.id.in_(done))
    tx.session.refresh(plan)
