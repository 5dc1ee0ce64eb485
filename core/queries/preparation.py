"""R-062: how far one college is with what a plan asks of it; numbers only."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from core.models.candidates import Candidate
from core.models.organisations import College
from core.models.plans import ExamPlan
from core.models.registrations import Registration, SubjectRegistration
from core.models.sites import ExamRoom, ExamSite, ExamSiteCertificate, SiteAllocation
from core.queries.arrangement import demands
from core.rules.arrangement import ArrangementState
from core.rules.candidates import CandidateState
from core.rules.registrations import SittingState
from core.rules.sites import AllocationState, SiteStatus


@dataclass(frozen=True, slots=True)
class Preparation:
    """What a college has done for a plan. seats_missing: short at its own sites; seated: of its own people's sittings.

    published: sittings whose seat may already be printed.
    """

    certificates: int
    certificates_with_site: int
    candidates: int
    candidates_verified: int
    registered: int
    rooms: int
    seats_missing: int
    sittings: int
    published: int


def preparation(session: Session, plan: ExamPlan, college_id: int) -> Preparation:
    """The numbers behind the checklist of one college."""
    own_sites = list(session.scalars(select(ExamSite.id).where(ExamSite.college_id == college_id)))
    candidates = _by_state(session, college_id)
    sittings, published = _sittings(session, plan, college_id)
    return Preparation(
        certificates=len(plan.certificates),
        certificates_with_site=_with_site(session, plan, college_id),
        candidates=sum(candidates.values()),
        candidates_verified=candidates.get(CandidateState.VERIFIED, 0),
        registered=_number_of(session, Registration, plan, college_id),
        rooms=_number_of(session, ExamRoom, plan, college_id),
        seats_missing=sum(demand.missing for demand in demands(session, plan.id, *own_sites)) if own_sites else 0,
        sittings=sittings,
        published=published,
    )


def _number_of(session: Session, model: type[Registration] | type[ExamRoom], plan: ExamPlan, college_id: int) -> int:
    counted = select(func.count(model.id)).where(model.plan_id == plan.id, model.college_id == college_id)
    return session.scalar(counted) or 0


def _by_state(session: Session, college_id: int) -> dict[CandidateState, int]:
    counted = select(Candidate.state, func.count(Candidate.id)).where(Candidate.college_id == college_id)
    return dict(session.execute(counted.group_by(Candidate.state)).all())


def _with_site(session: Session, plan: ExamPlan, college_id: int) -> int:
    """Certificates of the plan that the college may hold: at a site of its own, or at one lent to it (R-098)."""
    wanted = [row.certificate_id for row in plan.certificates]
    own = (
        select(ExamSiteCertificate.certificate_id)
        .join(ExamSite)
        .where(ExamSite.college_id == college_id, ExamSite.site_state == SiteStatus.ENABLED)
    )
    lent = select(SiteAllocation.certificate_id).where(
        SiteAllocation.plan_id == plan.id,
        SiteAllocation.borrowing_college_id == college_id,
        SiteAllocation.state == AllocationState.ACTIVE,
    )
    held = set(session.scalars(own)) | set(session.scalars(lent))
    return sum(ident in held for ident in wanted)


def _sittings(session: Session, plan: ExamPlan, college_id: int) -> tuple[int, int]:
    printable = {
        subject.id
        for certificate in plan.certificates
        for subject in certificate.subjects
        if subject.arrangement_state is ArrangementState.PUBLISHED
    }
    counted = session.execute(
        select(SubjectRegistration.plan_subject_id, SubjectRegistration.state, func.count(SubjectRegistration.id))
        .join(Registration, Registration.id == SubjectRegistration.registration_id)
        .where(
            Registration.plan_id == plan.id,
            Registration.college_id == college_id,
            or_(
                SubjectRegistration.state == SittingState.SEATED,
                SubjectRegistration.state == SittingState.NOT_ARRANGED,
            ),
        )
        .group_by(SubjectRegistration.plan_subject_id, SubjectRegistration.state)
    )
    total = ready = 0
    for subject_id, state, number in counted:
        total += number
        ready += number if subject_id in printable and state is SittingState.SEATED else 0
    return total, ready


@dataclass(frozen=True, slots=True)
class CollegeStanding:
    """One college in a plan, for the TEO."""

    college_code: str
    name: str
    registered: int
    rooms: int


def college_standings(session: Session, plan: ExamPlan) -> list[CollegeStanding]:
    """The colleges of a plan with what they have entered; of a plan for all colleges, those that have begun."""
    registered = _per_college(session, Registration, plan)
    rooms = _per_college(session, ExamRoom, plan)
    listed = {college.id for college in plan.colleges} | registered.keys() | rooms.keys()
    found = session.scalars(select(College).where(College.id.in_(listed)).order_by(College.college_code))
    return [
        CollegeStanding(one.college_code, one.name, registered.get(one.id, 0), rooms.get(one.id, 0)) for one in found
    ]


def _per_college(session: Session, model: type[Registration] | type[ExamRoom], plan: ExamPlan) -> dict[int, int]:
    counted = select(model.college_id, func.count(model.id)).where(model.plan_id == plan.id)
    return dict(session.execute(counted.group_by(model.college_id)).all())
