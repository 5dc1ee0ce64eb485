"""What stands in a state longer than it may: how much, whose turn it is, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from core.actors import Actor
from core.models.accounts import AccountRole, UserAccount
from core.models.base import Record
from core.models.candidates import Candidate
from core.models.certificates import CertificateIssuance
from core.models.delegations import Delegation
from core.models.photos import PhotoVerdict
from core.models.pilots import DeclarationPlan, PilotApplication
from core.models.plans import ExamPlan
from core.models.records import ImportJob, Notification
from core.models.sites import ExamSite
from core.queries.accounts import own_organisation
from core.queries.delegations import has_default_deputy
from core.queries.letters import can_be_reached
from core.queries.scoping import visible
from core.rules.dwelling import DWELLS, Dwell
from core.rules.notices import ReplyState
from core.rules.organisations import KEEPS_WORK, AccountState, Role

# What people move, its table, and the page of the panel where it is moved.
THINGS: dict[str, tuple[type[Record], str]] = {
    "issuance": (CertificateIssuance, "/admin/issuances/"),
    "pilot_application": (PilotApplication, "/admin/applications/"),
    "declaration_plan": (DeclarationPlan, "/admin/declarations/"),
    "exam_site": (ExamSite, "/admin/sites/"),
    "exam_plan": (ExamPlan, "/admin/plans/"),
    "candidate": (Candidate, "/admin/candidates/"),
    "photo_offer": (PhotoVerdict, "/admin/imports/"),
    "delegation": (Delegation, "/admin/delegations/"),
    "import": (ImportJob, "/admin/imports/"),
}


@dataclass(frozen=True, slots=True)
class LateThing:
    """Things of one kind that stand in one state too long, since the oldest of them.

    owner, told: whose turn it is and who answers for it being late, in words.
    """

    thing: str
    state: str
    count: int
    owner: str
    told: str
    next_act: str
    since: datetime
    url: str
    is_mine: bool


def late_things(session: Session, actor: Actor, now: datetime) -> list[LateThing]:
    """Everything this person may see that is late, the longest wait first; what has been touched since is not."""
    found: list[LateThing] = []
    for name, (model, url) in THINGS.items():
        machine, turns = DWELLS[name]
        column: Any = getattr(model, machine.column)
        for state, turn in turns.items():
            if not isinstance(turn, Dwell):
                continue
            counted, since = session.execute(
                select(func.count(model.id), func.min(model.updated_at)).where(
                    visible(model, actor, now), column == state, model.updated_at < now - turn.longest
                )
            ).one()
            if counted:
                owner = turn.owner.label if turn.owner else "系统"
                is_mine = turn.owner is not None and turn.owner in actor.roles
                told = (turn.then or Role.ADMIN).label
                found.append(
                    LateThing(machine.name, state.label, counted, owner, told, turn.next_act, since, url, is_mine)
                )
    return sorted(found, key=lambda item: (not item.is_mine, item.since))


def overdue_requests(session: Session, actor: Actor, now: datetime, *, limit: int) -> list[Notification]:
    """Requests to people of one's organisation that are open past their time or were escalated, the oldest first."""
    late = or_(Notification.due_at < now, Notification.escalations > 0)
    return list(
        session.scalars(
            select(Notification)
            .join(UserAccount)
            .where(
                own_organisation(actor),
                UserAccount.candidate_id.is_(None),
                Notification.reply_state == ReplyState.OPEN,
                Notification.useful_until >= now,
                late,
            )
            .order_by(Notification.created_at, Notification.id)
            .limit(limit)
            .options(joinedload(Notification.account).selectinload(UserAccount.roles))
        )
    )


def unreachable_people(session: Session, actor: Actor) -> list[UserAccount]:
    """People of one's organisation who keep work and whom no message reaches, by no channel (chat.md)."""
    keepers = select(AccountRole.account_id).where(AccountRole.role.in_(KEEPS_WORK))
    return list(
        session.scalars(
            select(UserAccount)
            .where(
                own_organisation(actor),
                UserAccount.state != AccountState.DISABLED,
                UserAccount.id.in_(keepers),
                ~can_be_reached(),
            )
            .order_by(UserAccount.login)
            .options(selectinload(UserAccount.roles))
        )
    )


def officers_lacking_deputies(session: Session, actor: Actor) -> list[UserAccount]:
    """Signing officers of one's organisation without the default deputy that chat.md asks of every college."""
    officers = select(AccountRole.account_id).where(AccountRole.role == Role.SIGNATORY)
    return list(
        session.scalars(
            select(UserAccount)
            .where(
                own_organisation(actor),
                UserAccount.state != AccountState.DISABLED,
                UserAccount.id.in_(officers),
                UserAccount.id.not_in(has_default_deputy()),
            )
            .order_by(UserAccount.login)
            .options(selectinload(UserAccount.roles))
        )
    )
