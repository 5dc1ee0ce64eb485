"""Who hears what: each function answers with account ids, enabled people only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.models.accounts import UserAccount
from core.models.organisations import College, EducationAuthority
from core.models.plans import ExamPlan, ExamPlanCollege
from core.queries.accounts import people
from core.queries.delegations import deputies_of
from core.queries.letters import can_be_reached
from core.rules.delegations import Duty
from core.rules.organisations import Role


def college_staff(session: Session, college_id: int) -> Iterable[int]:
    """Coordinators and the signing officer of a college."""
    return session.scalars(people(Role.COORDINATOR, Role.SIGNATORY).where(UserAccount.college_id == college_id)).all()


def coordinators(session: Session, college_id: int) -> Iterable[int]:
    """Coordinators of a college."""
    return session.scalars(people(Role.COORDINATOR).where(UserAccount.college_id == college_id)).all()


def signers(session: Session, college_id: int) -> Iterable[int]:
    """The signing officer and whoever signs for him (R-240)."""
    wanted = people(Role.SIGNATORY, Role.SIGN_REVIEWER).where(UserAccount.college_id == college_id)
    return session.scalars(wanted).all()


def teo(session: Session, org_id: int) -> Iterable[int]:
    """Everybody of a training evaluation organisation."""
    return session.scalars(people(Role.TEO).where(UserAccount.org_id == org_id)).all()


def province(session: Session, province_code: str) -> Iterable[int]:
    """Reviewers of a province."""
    return _authority(session, Role.PROVINCE, province_code=province_code)


def city(session: Session, city_code: str) -> Iterable[int]:
    """Reviewers of a city."""
    return _authority(session, Role.CITY, city_code=city_code)


def colleges_of_province(session: Session, province_code: str) -> Iterable[int]:
    """Coordinators and signing officers of every college of a province."""
    wanted = people(Role.COORDINATOR, Role.SIGNATORY).join(College, College.id == UserAccount.college_id)
    return session.scalars(wanted.where(College.province_code == province_code)).all()


def colleges_of_plan(session: Session, plan_id: int) -> Iterable[int]:
    """Coordinators of the colleges that take part in a plan (R-061)."""
    wanted = people(Role.COORDINATOR)
    if not session.get_one(ExamPlan, plan_id).is_open_to_all:
        taking_part = select(ExamPlanCollege.college_id).where(ExamPlanCollege.plan_id == plan_id)
        wanted = wanted.where(UserAccount.college_id.in_(taking_part))
    return session.scalars(wanted.where(UserAccount.college_id.is_not(None))).all()


def leaders_over(session: Session, account: UserAccount) -> Iterable[int]:
    """Who answers for a person's work: the signing officer of the college, colleagues, the authority above.

    Only people somebody can reach; the platform's administrators where there are none.
    """
    found: list[int] = []
    if account.college is not None:
        found = [*college_staff(session, account.college.id), *province(session, account.college.province_code)]
    elif account.org_id is not None:
        found = list(teo(session, account.org_id))
    elif account.authority is not None:
        found = list(province(session, account.authority.province_code))
    others = reachable(session, [ident for ident in found if ident != account.id])
    return others or reachable(session, session.scalars(people(Role.ADMIN)).all())


def stand_ins(session: Session, account: UserAccount, now: datetime, duty: Duty = Duty.SITE) -> list[int]:
    """Deputies in force who can be reached, the dated one and the default one; never a deputy's own deputy."""
    return reachable(session, [held.deputy_id for held in deputies_of(session, account.id, duty, now)])


def colleagues(session: Session, account: UserAccount) -> Iterable[int]:
    """People of the same organisation who hold one of a person's roles, and can be reached."""
    wanted = people(*(row.role for row in account.roles)).where(
        UserAccount.id != account.id,
        UserAccount.college_id.is_not_distinct_from(account.college_id),
        UserAccount.org_id.is_not_distinct_from(account.org_id),
        UserAccount.authority_id.is_not_distinct_from(account.authority_id),
    )
    return reachable(session, session.scalars(wanted).all())


def reachable(session: Session, account_ids: Iterable[int]) -> list[int]:
    """Those of them with a working channel: a chat that is bound, or one of the installation's others."""
    wanted = select(UserAccount.id).where(UserAccount.id.in_(list(account_ids)), can_be_reached())
    return list(session.scalars(wanted.order_by(UserAccount.id)))


def _authority(
    session: Session, role: Role, *, province_code: str | None = None, city_code: str | None = None
) -> Iterable[int]:
    wanted = people(role).join(EducationAuthority, EducationAuthority.id == UserAccount.authority_id)
    if province_code is not None:
        wanted = wanted.where(EducationAuthority.province_code == province_code)
    if city_code is not None:
        wanted = wanted.where(EducationAuthority.city_code == city_code)
    return session.scalars(wanted).all()
