"""Accounts: made, activated, locked, bound to a chat (§2.5, §3.5, R-006, chat.md)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from core.db import reading
from core.errors import AlreadyThere, NotPermitted, NotReady, ReasonMissing, Refusal, TooMany, ValueRefused
from core.models.accounts import OneTimeCode, UserAccount
from core.queries.accounts import actor_for
from core.rules import values
from core.rules.organisations import Role
from core.usecases import accounts, bindings
from tests.factories import Year, Years, last_entries, moment, one, rows

At = Callable[[datetime | str], datetime]
GOOD = "yanshi-2026"


@pytest.fixture
def year(years: Years, at: At) -> Year:
    found = years("set_up")
    at(moment("set_up"))
    return found


def make(year: Year, who: str = "admin", /, **other: Any) -> UserAccount:
    given = {"login": "new", "real_name": "新账号", "roles": [Role.COORDINATOR], "college_id": year["college"]}
    with year.acting(who) as tx:
        return accounts.create_account(tx, **(given | other))


def log_in(year: Year, login: str, password: str) -> Any:
    with year.acting("public") as tx:
        return accounts.log_in(tx, login=login, password=password)


def with_password(year: Year, who: str) -> int:
    ident = year[f"account:{who}"]
    year.do("system", accounts.set_password, account_id=ident, password=GOOD)
    return ident


# -- making ----------------------------------------------------------------------------------------------------------


def test_a_login_is_taken_once(year: Year) -> None:
    given = {"login": " teo ", "real_name": "重复", "roles": [Role.ADMIN]}
    with pytest.raises(AlreadyThere) as caught:
        year.do("admin", accounts.create_account, **given)
    assert caught.value.sentence_code == "login_taken"


@pytest.mark.parametrize("given", [{"login": "  "}, {"roles": []}])
def test_an_account_has_a_login_and_a_role(year: Year, given: dict[str, Any]) -> None:
    base = {"login": "new", "real_name": "新账号", "roles": [Role.ADMIN]}
    with pytest.raises(ValueRefused) as caught:
        year.do("admin", accounts.create_account, **(base | given))
    assert caught.value.sentence_code == "account_incomplete"


@pytest.mark.parametrize("role", [r for r in Role if r is not Role.ADMIN])
def test_a_role_belongs_to_an_organisation_of_its_kind(year: Year, role: Role) -> None:
    with pytest.raises(ValueRefused) as caught:
        year.do("admin", accounts.create_account, login="new", real_name="新账号", roles=[role])
    assert (caught.value.sentence_code, caught.value.facts["role"]) == ("role_needs_organisation", role.label)


@pytest.mark.parametrize(
    ("typed", "kept"), [(" wang.li ", "wang.li"), ("Ｗang_Li-2", "Wang_Li-2"), ("a@b.c", "a@b.c"), ("4142010901",) * 2]
)
def test_a_login_is_kept_as_it_will_be_typed(typed: str, kept: str) -> None:
    assert values.login(typed) == kept


@pytest.mark.parametrize("typed", ["", "a", ".ab", "王丽", "a" * 41, "a/b", "a,b"])
def test_what_nobody_could_type_is_no_login(typed: str) -> None:
    with pytest.raises(ValueRefused):
        values.login(typed)


def test_a_college_has_one_initial_account_R006(year: Year) -> None:
    assert one(UserAccount, year["account:signatory"]).is_initial
    with pytest.raises(AlreadyThere):
        make(year, roles=[Role.SIGNATORY])


def test_a_college_makes_no_initial_account_even_where_there_is_none_R006(year: Year) -> None:
    with year.acting("system") as tx:
        tx.get(UserAccount, year["account:signatory"]).is_initial = False
    with pytest.raises(NotPermitted):
        make(year, "coordinator", roles=[Role.SIGNATORY])


def test_editing_keeps_the_mobile_and_mail_nobody_typed(year: Year) -> None:
    """R-009."""
    given = {"account_id": year["account:second_coordinator"], "real_name": "新姓名"}
    year.do("signatory", accounts.edit_account, mobile="13900001234", email="a@example.invalid", **given)
    year.do("signatory", accounts.edit_account, **given)
    account = one(UserAccount, given["account_id"])
    assert (account.real_name, account.mobile, account.email) == ("新姓名", "13900001234", "a@example.invalid")


def test_the_signing_officers_mobile_changes_with_a_reason_only(year: Year) -> None:
    """G-39."""
    given = {"account_id": year["account:signatory"], "real_name": "演签发", "mobile": "13900001234"}
    for reason in ("", "  "):
        with pytest.raises(ReasonMissing, match="officer_mobile_reason"):
            year.do("admin", accounts.edit_account, reason=reason, **given)
    year.do("admin", accounts.edit_account, reason="来函 5 号", **given)
    assert one(UserAccount, given["account_id"]).mobile == "13900001234"
    entry = last_entries()[0]
    assert (entry.action, entry.reason, entry.actor_login) == ("edit", "来函 5 号", "admin")


def test_a_link_without_an_address_is_not_sent(year: Year) -> None:
    with pytest.raises(NotReady, match="letter_no_address"):
        year.do("admin", accounts.send_activation_letter, account_id=year["account:teo"])


# -- getting in ------------------------------------------------------------------------------------------------------


def test_an_activation_code_sets_the_password_once(year: Year) -> None:
    ident = make(year).id
    code = year.do("admin", accounts.issue_activation_code, account_id=ident)
    with pytest.raises(ValueRefused):
        year.do("public", accounts.activate, code=code, password="short")
    year.do("public", accounts.activate, code=code, password=GOOD)
    assert log_in(year, "new", GOOD).id == ident
    with pytest.raises(ValueRefused) as caught:
        year.do("public", accounts.activate, code=code, password=GOOD + "x")
    assert caught.value.sentence_code == "code_invalid"


def test_a_new_code_makes_the_old_one_worthless(year: Year) -> None:
    issue = lambda: year.do("admin", accounts.issue_activation_code, account_id=year["account:teo"])  # noqa: E731
    first, second = issue(), issue()
    with pytest.raises(ValueRefused):
        year.do("public", accounts.activate, code=first, password=GOOD)
    year.do("public", accounts.activate, code=second, password=GOOD)


def test_a_code_works_for_its_own_purpose_only(year: Year) -> None:
    code = year.do("teo", bindings.issue_binding_code)
    with pytest.raises(ValueRefused):
        year.do("public", accounts.activate, code=code, password=GOOD)


def test_a_code_is_kept_as_a_digest(year: Year) -> None:
    code = year.do("teo", bindings.issue_binding_code)
    assert code not in rows(select(OneTimeCode.code_hash))


@pytest.mark.parametrize("password", ["", "kurz1", "123456789012", "abcdefghijkl", "中文密码"])
def test_a_weak_password_is_refused_G08(year: Year, password: str) -> None:
    with pytest.raises(ValueRefused) as caught:
        year.do("system", accounts.set_password, account_id=year["account:teo"], password=password)
    assert caught.value.sentence_code == "password_too_weak"


def test_changing_ones_own_password_asks_for_the_old_one(year: Year) -> None:
    ident = with_password(year, "teo")
    change = lambda old: year.do(  # noqa: E731
        "teo", accounts.set_password, account_id=ident, password="yanshi-2027", old_password=old
    )
    for old in (None, "", "wrong"):
        with pytest.raises(ValueRefused):
            change(old)
    change(GOOD)
    assert not isinstance(log_in(year, "teo", "yanshi-2027"), Refusal)


def test_wrong_and_unknown_logins_are_answered_alike(year: Year) -> None:
    with_password(year, "teo")
    wrong, unknown, empty = log_in(year, "teo", "x"), log_in(year, "nobody", "x"), log_in(year, "city", "")
    assert {type(wrong), type(unknown), type(empty)} == {ValueRefused}
    assert {wrong.sentence_code, unknown.sentence_code, empty.sentence_code} == {"wrong_login"}


def test_five_wrong_passwords_lock_and_the_right_one_does_not_help(year: Year) -> None:
    with_password(year, "teo")
    for _ in range(4):
        log_in(year, "teo", "wrong")
    assert not isinstance(log_in(year, "teo", GOOD), Refusal)  # a right one starts the count anew
    for _ in range(5):
        log_in(year, "teo", "wrong")
    assert isinstance(log_in(year, "teo", GOOD), TooMany)
    with reading() as session:
        assert actor_for(session, year["account:teo"], "panel") is None


def test_a_disabled_account_neither_logs_in_nor_uses_a_code_nor_acts(year: Year) -> None:
    ident = with_password(year, "coordinator")
    code = year.do("coordinator", bindings.issue_binding_code)
    year.do("admin", accounts.disable_account, account_id=ident)
    assert log_in(year, "coordinator", GOOD).sentence_code == "account_disabled"
    with pytest.raises(NotPermitted):
        year.do("public", bindings.bind_chat, code=code, telegram_user_id=77)
    with reading() as session:
        assert actor_for(session, ident, "panel") is None
    year.do("admin", accounts.enable_account, account_id=ident)
    assert not isinstance(log_in(year, "coordinator", GOOD), Refusal)
