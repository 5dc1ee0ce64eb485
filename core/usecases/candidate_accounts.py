"""学生个人空间账号 (§2.18): opened on verification, one per candidate, entered by a one-time link (R-096, M-35).

The login is the candidate number: it outlives a corrected ID number (R-080), and logins stand in the trail, where an ID
number must not. Nobody else ever sees or sets a candidate's password.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlalchemy import delete, select

from core import settings
from core.db import Tx
from core.errors import NotReady, Refusal, TooMany
from core.models.accounts import AccountRole, ChatBinding, OneTimeCode, UserAccount, VerificationCode
from core.models.candidates import Candidate
from core.models.records import Notification
from core.notifications.candidate_accounts import LinkSent
from core.queries.accounts import secret_hash
from core.queries.own_space import account_typed
from core.rules.candidates import LINK_PURPOSE, LINK_VALID_FOR, CandidateState
from core.rules.codes import LINK_WORDS, MOST_AN_HOUR, require_patience, secret_of
from core.rules.organisations import AccountState, Role
from core.rules.permissions import permit
from core.usecases import accounts
from core.usecases.imports import in_parts

CHUNK = 5_000
LETTERS_A_SECOND = 20


def open_for(tx: Tx, candidate_ids: Sequence[int]) -> int:
    """An account and a letter for each that is verified and has none; returns how many were opened.

    The last line of whatever verifies. Whoever has no mobile gets the account, and the link when there is one.
    """
    return sum(_open_some(tx, part) for part in in_parts(candidate_ids, CHUNK))


def _open_some(tx: Tx, candidate_ids: Sequence[int]) -> int:
    people = tx.session.execute(
        select(Candidate.id, Candidate.candidate_no, Candidate.name, Candidate.mobile)
        .outerjoin(UserAccount, UserAccount.candidate_id == Candidate.id)
        .where(Candidate.id.in_(candidate_ids), Candidate.state == CandidateState.VERIFIED, UserAccount.id.is_(None))
        .order_by(Candidate.id)
    ).all()
    if not people:
        return 0
    made = [
        {"login": number, "real_name": name, "mobile": mobile, "candidate_id": ident, "must_change_password": True}
        for ident, number, name, mobile in people
    ]
    tx.insert_all(UserAccount, made)
    opened = tx.all(
        select(UserAccount)
        .where(UserAccount.candidate_id.in_([person.id for person in people]))
        .order_by(UserAccount.id)
    )
    tx.insert_all(AccountRole, [{"account_id": account.id, "role": Role.CANDIDATE} for account in opened])
    _send(tx, [account.id for account in opened if account.mobile], is_first=True)
    return len(opened)


def send_link(tx: Tx, *, candidate_id: int) -> None:
    """重置密码: a new link to the mobile of a verified candidate (R-096); earlier links die, the password stays.

    Not more often than a minute and five an hour.
    """
    candidate = tx.get(Candidate, candidate_id)
    permit(tx.actor, "edit_candidates", candidate)
    if candidate.state is not CandidateState.VERIFIED:
        raise NotReady("link_before_verification", rule="R-096", state=candidate.state.label)
    if not candidate.mobile:
        raise NotReady("link_no_mobile", rule="R-096")
    if open_for(tx, [candidate_id]):
        return
    account = _held(tx, candidate_id)
    if account.state is AccountState.DISABLED:
        raise NotReady("link_account_disabled", rule="§3.5")
    _send_again(tx, account)


def ask_for_link(tx: Tx, *, typed: str) -> None:
    """忘记密码 of /my/: the same link, asked for by candidate number or ID number.

    Says nothing of whether there is such a person, whether they can be reached, or whether they asked just now.
    """
    account = account_typed(tx.session, typed)
    if account is None or account.state is AccountState.DISABLED or not account.mobile:
        return
    try:
        _send_again(tx, tx.lock(UserAccount, account.id))
    except TooMany:
        return


def set_password(tx: Tx, *, code: str, password: str) -> UserAccount:
    """The password behind a link; every login of before ends, a lock too (R-096)."""
    return accounts.activate(tx, code=code, password=password, purpose=LINK_PURPOSE)


def log_in(tx: Tx, *, typed: str, password: str) -> UserAccount | Refusal:
    """A candidate by candidate number or ID number; as core.usecases.accounts.log_in, and only at this door."""
    account = account_typed(tx.session, typed)
    login = account.login if account is not None else ""
    return accounts.log_in(tx, login=login, password=password, is_candidate=True)


def follow(tx: Tx, candidate_ids: Sequence[int]) -> None:
    """Name and mobile of the accounts become those of their candidates again; links to an earlier mobile die.

    Whoever has never set a password gets a link to the new mobile. The last line of whatever edits candidates.
    """
    for part in in_parts(candidate_ids, CHUNK):
        _follow(tx, tx.all(select(UserAccount).where(UserAccount.candidate_id.in_(part)).order_by(UserAccount.id)))


def _follow(tx: Tx, held: Sequence[UserAccount]) -> None:
    people = {
        person.id: person
        for person in tx.session.execute(
            select(Candidate.id, Candidate.name, Candidate.mobile).where(
                Candidate.id.in_([account.candidate_id for account in held])
            )
        )
    }
    moved, never_in = [], []
    for account in held:
        person = people[account.candidate_id]
        account.real_name = person.name
        if account.mobile != person.mobile:
            account.mobile = person.mobile
            moved.append(account.id)
            if person.mobile and account.password_hash is None and account.state is not AccountState.DISABLED:
                never_in.append(account.id)
    tx.session.flush()
    _end_links(tx, moved)
    _send(tx, never_in, is_first=True)


def close_for(tx: Tx, candidate_ids: Sequence[int]) -> None:
    """The accounts of candidates that are deleted go first, with what was on its way to them (R-092)."""
    for part in in_parts(candidate_ids, CHUNK):
        held = tx.all(select(UserAccount).where(UserAccount.candidate_id.in_(part)).order_by(UserAccount.id))
        ids = [account.id for account in held]
        for kept in (OneTimeCode, VerificationCode, Notification, ChatBinding):
            tx.session.execute(delete(kept).where(kept.account_id.in_(ids)))
        for account in held:
            tx.session.delete(account)
        tx.session.flush()


def _held(tx: Tx, candidate_id: int) -> UserAccount:
    account: UserAccount = tx.one(select(UserAccount).where(UserAccount.candidate_id == candidate_id))
    return tx.lock(UserAccount, account.id)


def _send_again(tx: Tx, account: UserAccount) -> None:
    earlier = tx.all(
        select(OneTimeCode.created_at)
        .where(OneTimeCode.account_id == account.id, OneTimeCode.purpose == LINK_PURPOSE)
        .order_by(OneTimeCode.id.desc())
        .limit(MOST_AN_HOUR)
    )
    require_patience(list(earlier), tx.now, LINK_WORDS)
    ident, is_first = account.id, account.password_hash is None
    _end_links(tx, [ident])
    _send(tx, [ident], is_first=is_first)


def _send(tx: Tx, account_ids: Sequence[int], *, is_first: bool) -> None:
    """A fresh link to the mobile of each; earlier ones have been ended."""
    reached = [(ident, secrets.token_urlsafe(15)) for ident in account_ids]
    key = settings.secret_key()
    tx.insert_all(
        OneTimeCode,
        [
            {
                "purpose": LINK_PURPOSE,
                "account_id": ident,
                "code_hash": secret_hash(secret_of(key, nonce)),
                "expires_at": tx.now + LINK_VALID_FOR,
            }
            for ident, nonce in reached
        ],
    )
    letters = [(ident, LinkSent(ident, nonce, is_first)) for ident, nonce in reached]
    tx.notify_each(letters, a_second=LETTERS_A_SECOND)


def _end_links(tx: Tx, account_ids: Sequence[int]) -> None:
    if account_ids:
        tx.update_all(
            OneTimeCode,
            OneTimeCode.account_id.in_(account_ids),
            OneTimeCode.purpose == LINK_PURPOSE,
            OneTimeCode.used_at.is_(None),
            used_at=tx.now,
        )
