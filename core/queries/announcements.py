"""Whom an announcement addresses, and who has read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, joinedload

from core.models.accounts import UserAccount
from core.models.announcements import Announcement
from core.models.letters import NoticeLetter
from core.models.organisations import College, EducationAuthority
from core.models.pilots import PilotApplication
from core.models.plans import ExamPlan, ExamPlanCollege
from core.models.records import Notification
from core.queries.accounts import people
from core.queries.desk import Desk, DueItem
from core.queries.letters import letters_of
from core.rules.notices import ReplyState
from core.rules.pilots import ApplicationState


def addressed(session: Session, announcement: Announcement) -> list[int]:
    """Accounts in use of the chosen roles that the issuer answers for.

    A TEO answers for colleges that try its certificates or take part in its plans, a city for its colleges, a province
    for its colleges and cities, the platform for everybody.
    """
    wanted = people(*announcement.roles)
    if announcement.org_id is not None:
        wanted = wanted.where(UserAccount.college_id.in_(_colleges_of_org(announcement.org_id)))
    elif announcement.authority is not None:
        over = announcement.authority
        mine = College.province_code == over.province_code
        if over.city_code is not None:
            mine = College.city_code == over.city_code
        colleges = UserAccount.college_id.in_(select(College.id).where(mine))
        cities = select(EducationAuthority.id).where(EducationAuthority.province_code == over.province_code)
        wanted = wanted.where(colleges if over.city_code else or_(colleges, UserAccount.authority_id.in_(cities)))
    return list(session.scalars(wanted.order_by(UserAccount.id)))


def _colleges_of_org(org_id: int) -> Select[int]:
    tried = select(PilotApplication.college_id).where(
        PilotApplication.org_id == org_id, PilotApplication.state == ApplicationState.APPROVED
    )
    invited = select(ExamPlanCollege.college_id).join(ExamPlan).where(ExamPlan.org_id == org_id)
    return select(College.id).where(or_(College.id.in_(tried), College.id.in_(invited)))


@dataclass(frozen=True, slots=True)
class Told:
    """One of those who were told: their message, and the letter that carried it, if one did."""

    notice: Notification
    letter: NoticeLetter | None

    @property
    def account(self) -> UserAccount:
        """Who it is."""
        return self.notice.account


def told_of(session: Session, announcement_id: int) -> list[Told]:
    """Everybody who was told, those who have not confirmed first."""
    rows = session.scalars(
        select(Notification)
        .where(
            Notification.thing_type == Announcement.__tablename__,
            Notification.thing_id == announcement_id,
            Notification.kind.in_(TELLING),
            Notification.about_id.is_(None),
        )
        .order_by(Notification.id)
        .options(joinedload(Notification.account).selectinload(UserAccount.roles))
    ).all()
    letters = letters_of(session, [row.id for row in rows])
    found = [Told(row, letters.get(row.id)) for row in rows]
    return sorted(found, key=lambda one: one.notice.reply_state is not ReplyState.OPEN)


def own_notice(session: Session, announcement_id: int, account_id: int | None) -> Notification | None:
    """The message by which this person was told."""
    return session.scalar(
        select(Notification).where(
            Notification.thing_type == Announcement.__tablename__,
            Notification.thing_id == announcement_id,
            Notification.kind.in_(TELLING),
            Notification.about_id.is_(None),
            Notification.account_id == account_id,
        )
    )


def unread(desk: Desk) -> Iterator[DueItem]:
    """What this person is still to confirm, by the nearest of its deadlines."""
    count, due_at = desk.session.execute(
        select(func.count(Notification.id), func.min(Notification.due_at)).where(
            Notification.account_id == desk.actor.account_id,
            Notification.kind == TO_CONFIRM,
            Notification.reply_state == ReplyState.OPEN,
            Notification.useful_until >= desk.now,
        )
    ).one()
    yield desk.item("announcements.unread", "待确认的通知公告", count, "/admin/announcements/", due_at=due_at)


TO_CONFIRM = "announcements.to_confirm"
TELLING = ("announcements.published", TO_CONFIRM)  # core.notifications.announcements
