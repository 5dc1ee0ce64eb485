"""院校注册: from the official directory to the college's one initial account (R-001…R-007, M-01, M-02)."""

from __future__ import annotations

from dataclasses import dataclass

from core.db import Tx
from core.errors import AlreadyThere, Incomplete, NotFound, NotPermitted, Refusal, ValueRefused
from core.gateways.courier import Letter
from core.models.accounts import AccountRole, UserAccount
from core.models.organisations import College, InstitutionDirectoryEntry
from core.notifications.words import letter_text
from core.queries.accounts import account_by_login, province_contact
from core.queries.directory import college_of_entry, entry_in, has_account
from core.rules.organisations import CodePurpose, CollegeType, Role, Switch
from core.usecases import one_time
from core.usecases.accounts import ACTIVATION_VALIDITY, activation_link
from core.usecases.codes import SentCode, send_code, use_code


@dataclass(frozen=True, slots=True)
class Wish:
    """What a college fills in to register (R-003); values are clean, mobile is the registrant's."""

    province_code: str
    city_code: str
    name: str
    college_code: str
    registrant: str
    mobile: str


@dataclass(frozen=True, slots=True)
class Joined:
    """The new account, the secret that sets its password (shown once), and the letter with both for the courier."""

    account_id: int
    login: str
    college: str
    secret: str
    letter: Letter


def ask_to_join(tx: Tx, *, wish: Wish) -> SentCode:
    """M-01: a code to the registrant's mobile, once nothing but the code is missing."""
    _require_joinable(tx, wish)
    return send_code(tx, purpose=CodePurpose.REGISTER, mobile=wish.mobile)


def join(tx: Tx, *, wish: Wish, code_id: int, typed: str) -> Joined | Refusal:
    """The college, its signing officer's account and the link for its password, all at once (R-005, R-006).

    A wrong code is a value, for it has to be counted and kept. Of two who register the same college one wins; the
    other is sent to the login (R-004).
    """
    entry = _require_joinable(tx, wish, hold=True)
    refusal = use_code(tx, code_id=code_id, typed=typed, purpose=CodePurpose.REGISTER, mobile=wish.mobile)
    if refusal is not None:
        return refusal
    college = college_of_entry(tx.session, entry) or _college(tx, entry)
    college.registered_mobile, college.registered_at = wish.mobile, tx.now
    entry.college_id = college.id
    tx.because(college, "register")
    tx.because(entry, "register")
    account = _initial_account(tx, college, wish)
    secret = one_time.issue(tx, account, one_time.ACTIVATION, ACTIVATION_VALIDITY)
    words = letter_text(
        "joined",
        college=college.name,
        login=account.login,
        link=activation_link(secret),
        days=ACTIVATION_VALIDITY.days,
    )
    return Joined(account.id, account.login, college.name, secret, Letter(words, mobile=wish.mobile))


def _require_joinable(tx: Tx, wish: Wish, *, hold: bool = False) -> InstitutionDirectoryEntry:
    """The directory's entry, held until the end of this unit if asked: two at once stand in line here."""
    _require_whole(wish)
    if not wish.city_code.startswith(wish.province_code):
        raise ValueRefused("join_region", rule="R-001")
    entry = entry_in(tx.session, wish.province_code, wish.city_code, wish.name, hold=hold)
    if entry is None:
        contact = province_contact(tx.session, wish.province_code)
        if not contact:
            raise NotFound("join_not_listed_no_contact", rule="R-002", name=wish.name)
        raise NotFound("join_not_listed", rule="R-002", name=wish.name, contact=contact)
    if wish.college_code != entry.code:
        raise ValueRefused("join_code", rule="R-003", name=entry.name)
    _require_no_account(tx, entry)
    return entry


def _require_whole(wish: Wish) -> None:
    words = {
        "省": wish.province_code,
        "市": wish.city_code,
        "院校名称": wish.name,
        "院校代码": wish.college_code,
        "注册人姓名": wish.registrant,
        "手机号": wish.mobile,
    }
    missing = [word for word, value in words.items() if not value]
    if missing:
        raise Incomplete(rule="R-003", fields=missing)


def _require_no_account(tx: Tx, entry: InstitutionDirectoryEntry) -> None:
    college = college_of_entry(tx.session, entry)
    if college is not None and college.state is Switch.DISABLED:
        raise NotPermitted("join_college_disabled", rule="§3.4", act="register")
    has_one = college is not None and has_account(tx.session, college)
    if has_one or account_by_login(tx.session, entry.code) is not None:
        raise AlreadyThere("join_has_account", rule="R-004", name=entry.name)


def _college(tx: Tx, entry: InstitutionDirectoryEntry) -> College:
    return tx.add(
        College(
            college_code=entry.code,
            name=entry.name,
            college_type=entry.college_type or CollegeType.VOCATIONAL_COLLEGE,
            province_code=entry.province_code,
            city_code=entry.city_code,
        )
    )


def _initial_account(tx: Tx, college: College, wish: Wish) -> UserAccount:
    """R-006: 试点院校负责人账号; its login is the college's code, its password only its owner will know."""
    account = UserAccount(
        login=college.college_code,
        real_name=wish.registrant,
        mobile=wish.mobile,
        college_id=college.id,
        is_initial=True,
        must_change_password=True,
    )
    account.roles = [AccountRole(role=Role.SIGNATORY)]
    return tx.add(account)
