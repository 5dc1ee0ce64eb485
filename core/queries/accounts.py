"""Who an account is, as an Actor, and who belongs to whom."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import ColumnElement, Select, false, select, true
from sqlalchemy.orm import Session, selectinload

from core.actors import Actor
from core.errors import NotFound
from core.models.accounts import AccountRole, ChatBinding, OneTimeCode, UserAccount, VerificationCode
from core.models.organisations import College, EducationAuthority, EvaluationOrg
from core.rules.organisations import AccountState, BindingState, CodePurpose, Role, Switch


def secret_hash(secret: str) -> str:
    """How one-time secrets are stored: long random texts need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def account_by_login(session: Session, login: str) -> UserAccount | None:
    """The account, whatever its state."""
    return session.scalar(select(UserAccount).where(UserAccount.login == login))


def account_of_chat(session: Session, telegram_user_id: int) -> UserAccount | None:
    """The account bound to a Telegram user, if the binding is in use."""
    return session.scalar(
        select(UserAccount)
        .join(ChatBinding)
        .where(ChatBinding.telegram_user_id == telegram_user_id, ChatBinding.state == BindingState.ACTIVE)
    )


def active_binding(session: Session, account_id: int) -> ChatBinding | None:
    """Where to reach an account in chat."""
    return session.scalar(
        select(ChatBinding).where(ChatBinding.account_id == account_id, ChatBinding.state == BindingState.ACTIVE)
    )


def code_row(session: Session, secret: str, purpose: str) -> OneTimeCode | None:
    """The one-time code with this secret, used or not."""
    return session.scalar(
        select(OneTimeCode).where(OneTimeCode.code_hash == secret_hash(secret), OneTimeCode.purpose == purpose)
    )


def newest_code(session: Session, purpose: CodePurpose, account_id: int) -> int | None:
    """The id of the code that was sent last to an account for this purpose, good or not."""
    return session.scalar(
        select(VerificationCode.id)
        .where(VerificationCode.account_id == account_id, VerificationCode.purpose == purpose)
        .order_by(VerificationCode.id.desc())
        .limit(1)
    )


def actor_for(session: Session, account_id: int, channel: str) -> Actor | None:
    """The Actor of an account in use; None when it is locked, disabled or gone, or its organisation is disabled."""
    account = session.get(UserAccount, account_id, options=[selectinload(UserAccount.roles)])
    if account is None or account.state is not AccountState.ENABLED or disabled_home(account) is not None:
        return None
    province, city = _rules_over(session, account)
    return Actor(
        login=account.login,
        roles=frozenset(role.role.value for role in account.roles),
        account_id=account.id,
        authority_id=account.authority_id,
        org_id=account.org_id,
        college_id=account.college_id,
        candidate_id=account.candidate_id,
        province_code=province,
        city_code=city,
        channel=channel,
    )


def disabled_home(account: UserAccount) -> College | EvaluationOrg | None:
    """The college or TEO of an account, where it is disabled: then its people can do nothing (§3.4)."""
    home = account.college or account.org
    return home if home is not None and home.state is Switch.DISABLED else None


def who_may_enable(session: Session, home: College | EvaluationOrg) -> str:
    """Whom the people of a disabled organisation ask: a college its province's contact, a TEO the platform."""
    return (province_contact(session, home.province_code) if isinstance(home, College) else "") or Role.ADMIN.label


def _rules_over(session: Session, account: UserAccount) -> tuple[str | None, str | None]:
    if account.authority_id is None:
        return None, None
    authority = session.get_one(EducationAuthority, account.authority_id)
    return authority.province_code, authority.city_code


def people(*roles: Role) -> Select[int]:
    """Ids of enabled accounts that hold any of the roles; narrow it by organisation."""
    return (
        select(UserAccount.id)
        .join(AccountRole)
        .where(AccountRole.role.in_(roles), UserAccount.state == AccountState.ENABLED)
        .distinct()
    )


def own_organisation(actor: Actor) -> ColumnElement[bool]:
    """Accounts of the actor's organisation: all of them for the platform's administrators, none for candidates."""
    if Role.ADMIN in actor.roles:
        return true()
    for column, mine in (
        (UserAccount.college_id, actor.college_id),
        (UserAccount.org_id, actor.org_id),
        (UserAccount.authority_id, actor.authority_id),
    ):
        if mine is not None:
            return column == mine
    return false()


def province_contact(session: Session, province_code: str) -> str:
    """Whom a college of this province calls (R-021)."""
    authority = session.scalar(
        select(EducationAuthority).where(
            EducationAuthority.province_code == province_code, EducationAuthority.city_code.is_(None)
        )
    )
    return authority.contact if authority else ""


def college_names(session: Session, ids: list[int]) -> dict[int, str]:
    """College id to name."""
    return dict(session.execute(select(College.id, College.name).where(College.id.in_(ids))).all())


def owner_by_code(session: Session, role: Role, code: str) -> dict[str, Any]:
    """The organisation a role belongs to, as a keyword for create_account; NotFound for an unknown code."""
    if role is Role.ADMIN:
        return {}
    if role in (Role.PROVINCE, Role.CITY):
        column = EducationAuthority.province_code if role is Role.PROVINCE else EducationAuthority.city_code
        wanted = select(EducationAuthority.id).where(column == code)
        if role is Role.PROVINCE:
            wanted = wanted.where(EducationAuthority.city_code.is_(None))
        name = "authority_id"
    elif role is Role.TEO:
        wanted, name = select(EvaluationOrg.id).where(EvaluationOrg.org_code == code), "org_id"
    else:
        wanted, name = select(College.id).where(College.college_code == code), "college_id"
    ident = session.scalar(wanted)
    if ident is None:
        raise NotFound("organisation_unknown", rule="§2.5", organisation=code)
    return {name: ident}
