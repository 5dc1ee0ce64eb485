"""Who stands in for whom at an instant, and who has nobody yet."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session, aliased

from core.models.accounts import UserAccount
from core.models.delegations import Delegation
from core.models.organisations import ElectronicSeal
from core.queries.accounts import people
from core.rules.delegations import LIVING, DelegationState, Duty
from core.rules.organisations import AccountState, Role, SealState


def in_force(now: datetime) -> ColumnElement[bool]:
    """Accepted, begun and not over: the clock decides, whether a job has recorded that or not."""
    begun = (Delegation.starts_at <= now) & or_(Delegation.ends_at.is_(None), Delegation.ends_at > now)
    return (Delegation.state == DelegationState.ACCEPTED) & begun


def deputies_of(session: Session, account_id: int, duty: Duty, now: datetime) -> list[Delegation]:
    """Delegations in force of one person, the dated one before the default deputy, of deputies who are there.

    Whoever has handed over the same duty in these days stands in for nobody (no chains).
    """
    away = aliased(Delegation)
    is_away = (
        select(away.id)
        .where(
            away.principal_id == Delegation.deputy_id,
            away.duty == duty,
            away.state == DelegationState.ACCEPTED,
            away.starts_at <= now,
            away.ends_at > now,
        )
        .exists()
    )
    wanted = (
        select(Delegation)
        .join(UserAccount, UserAccount.id == Delegation.deputy_id)
        .where(
            Delegation.principal_id == account_id,
            Delegation.duty == duty,
            in_force(now),
            UserAccount.state == AccountState.ENABLED,
            ~is_away,
        )
        .order_by(Delegation.is_default, Delegation.id)
    )
    return list(session.scalars(wanted))


def stands_in(session: Session, deputy_id: int, principal_id: int, now: datetime) -> bool:
    """True while some delegation of this pair is in force, whatever it hands over."""
    pair = (Delegation.deputy_id == deputy_id, Delegation.principal_id == principal_id)
    return session.scalar(select(Delegation.id).where(*pair, in_force(now)).limit(1)) is not None


def principal_of_signer(session: Session, deputy_id: int, now: datetime) -> int | None:
    """For whom a deputy signs at this instant; None where no delegation says so."""
    mine = select(Delegation).where(Delegation.deputy_id == deputy_id, Delegation.duty == Duty.SIGNING, in_force(now))
    for held in session.scalars(mine.order_by(Delegation.is_default, Delegation.id)):
        if any(one.id == held.id for one in deputies_of(session, held.principal_id, Duty.SIGNING, now)):
            return held.principal_id
    return None


def accepted_of(session: Session, duty: Duty, *, principal_id: int = 0, deputy_id: int = 0) -> list[Delegation]:
    """Everything accepted of one principal, or by one deputy; lapsed in time or not."""
    who = Delegation.principal_id == principal_id if principal_id else Delegation.deputy_id == deputy_id
    wanted = select(Delegation).where(who, Delegation.duty == duty, Delegation.state == DelegationState.ACCEPTED)
    return list(session.scalars(wanted.order_by(Delegation.id)))


def letter_is_on_file(session: Session, college_id: int | None) -> bool:
    """《电子签名章使用授权委托书》: accepted with the seal a college has in use (R-254…R-260)."""
    held = select(ElectronicSeal.id).where(
        ElectronicSeal.college_id == college_id, ElectronicSeal.state == SealState.ACTIVE
    )
    return session.scalars(held.limit(1)).first() is not None


def lapsing_delegations(now: datetime) -> Select[int]:
    """Those whose time is over, accepted or never answered."""
    return (
        select(Delegation.id)
        .where(Delegation.lapses_at <= now, Delegation.state.in_(LIVING))
        .order_by(Delegation.lapses_at, Delegation.id)
        .limit(200)
    )


def officers_without_deputy(session: Session, college_id: int) -> list[int]:
    """Signing officers of a college who have no default deputy for the work at the site (chat.md, mandatory)."""
    mine = UserAccount.college_id == college_id
    return list(session.scalars(people(Role.SIGNATORY).where(mine, UserAccount.id.not_in(has_default_deputy()))))


def has_default_deputy() -> Select[int]:
    """Accounts somebody stands in for at the site whenever they do not answer."""
    return select(Delegation.principal_id).where(
        Delegation.duty == Duty.SITE, Delegation.is_default, Delegation.state == DelegationState.ACCEPTED
    )


def possible_deputies(session: Session, principals: Iterable[UserAccount]) -> list[UserAccount]:
    """People in use of the same organisations, for a form's list."""
    homes = {(one.college_id, one.org_id, one.authority_id) for one in principals}
    found: list[UserAccount] = []
    for college_id, org_id, authority_id in sorted(homes, key=str):
        wanted = select(UserAccount).where(
            UserAccount.college_id.is_not_distinct_from(college_id),
            UserAccount.org_id.is_not_distinct_from(org_id),
            UserAccount.authority_id.is_not_distinct_from(authority_id),
            UserAccount.candidate_id.is_(None),
            UserAccount.state == AccountState.ENABLED,
        )
        found += session.scalars(wanted.order_by(UserAccount.id))
    return found
