"""What stands in a state longer than it may: how much, whose turn it is, and since when."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, true
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from core.actors import Actor
from core.models.accounts import AccountRole, ChatBinding, UserAccount
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
from core.rules.machine import Machine
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
    "binding": (ChatBinding, "/admin/bindings/"),
}

_newer = aliased(ChatBinding)
# What counts of a table where some rows are history only: a chat that is followed by another one, of nobody any more.
_COUNTS: dict[str, ColumnElement[bool]] = {
    "binding": and_(
        ~exists().where(_newer.account_id == ChatBinding.account_id, _newer.id > ChatBinding.id),
        ChatBinding.account.has(UserAccount.state != AccountState.DISABLED),
    ),
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
        dwells = {state: turn for state, turn in turns.items() if isinstance(turn, Dwell)}
        too_long = [(column == state) & (model.updated_at < now - turn.longest) for state, turn in dwells.items()]
        counted = (
            select(column, func.count(model.id), func.min(model.updated_at))
            .where(visible(model, actor, now), or_(*too_long), _COUNTS.get(name, true()))
            .group_by(column)
        )
        by_state = {state: (count, since) for state, count, since in session.execute(counted)}
        for state, turn in dwells.items():
            if state in by_state:
                found.append(_late(machine, state, turn, *by_state[state], url, actor))
    return sorted(found, key=lambda item: (not item.is_mine, item.since))


def _late(machine: Machine, state: Any, turn: Dwell, count: int, since: datetime, url: str, actor: Actor) -> LateThing:
    owner = turn.owner.label if turn.owner else "系统"
    told = (turn.then or Role.ADMIN).label
    is_mine = turn.owner is not None and turn.owner in actor.roles
    return LateThing(machine.name, state.label, count, owner, told, turn.next_act, since, url, is_mine)


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
    return _colleagues(session, actor, KEEPS_WORK, ~can_be_reached())


def officers_lacking_deputies(session: Session, actor: Actor) -> list[UserAccount]:
    """Signing officers of one's organisation without the default deputy that chat.md asks of every college."""
    return _colleagues(session, actor, {Role.SIGNATORY}, UserAccount.id.not_in(has_default_deputy()))


def _colleagues(
    session: Session, actor: Actor, roles: Collection[Role], where: ColumnElement[bool]
) -> list[UserAccount]:
    holders = select(AccountRole.account_id).where(AccountRole.role.in_(roles))
    return list(
        session.scalars(
            select(UserAccount)
            .where(
                own_organisation(actor),
                UserAccount.state != AccountState.DISABLED,
                UserAccount.id.in_(holders),
                where,
            )
            .order_by(UserAccount.login)
            .options(selectinload(UserAccount.roles))
        )
    )
