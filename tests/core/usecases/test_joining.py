"""From the official directory to the first login: who may register, what comes of it, and two at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core import settings
from core.actors import Actor
from core.db import reading, transaction
from core.errors import AlreadyThere, Incomplete, NotFound, NotPermitted, Refusal, TooMany, ValueRefused
from core.models.accounts import UserAccount, VerificationCode
from core.models.organisations import College, InstitutionDirectoryEntry, RegionName
from core.queries import directory
from core.rules.codes import digits_of
from core.rules.organisations import CollegeType, Role, Switch
from core.usecases import accounts, organisations
from core.usecases.joining import Joined, Wish, ask_to_join, join
from tests.factories import SECOND, Year, Years, at_once, census, count, last_entries, on, one, rows

At = Callable[[datetime | str], datetime]
NOON = on("2026-03-05 12:00")
PUBLIC = Actor("registrant", frozenset(), channel="portal")
NAME, CODE, MOBILE = "沙洋示例职业学院", "4142080906", "13900001234"
WISH = Wish("42", "420800", NAME, CODE, "沙注册", MOBILE)
LISTED = (
    (CODE, NAME, "420800", CollegeType.SECONDARY),
    ("4142080907", "荆门演示学校", "420800", None),
    ("4142010908", "江汉演示学院", "420100", CollegeType.UNDERGRADUATE),
    ("4133010909", "湖畔示例学院", "330100", CollegeType.UNDERGRADUATE),
)


def list_colleges(year: Year) -> None:
    """The official directory of two provinces, the year's own college among it."""
    with year.acting("admin") as tx:
        for code, name in (("420100", "江城市"), ("420800", "荆门市"), ("330000", "浙江省"), ("330100", "杭州市")):
            tx.add(RegionName(code=code, name=name))
        for code, name, city, kind in LISTED:
            tx.add(_entry(code, name, city, kind))
        own = tx.get(College, year["college"])
        tx.add(_entry(own.college_code, own.name, own.city_code, own.college_type))


def _entry(code: str, name: str, city: str, kind: CollegeType | None) -> InstitutionDirectoryEntry:
    return InstitutionDirectoryEntry(code=code, name=name, province_code=city[:2], city_code=city, college_type=kind)


@pytest.fixture
def year(years: Years, at: At) -> Year:
    found = years("set_up")
    at(NOON)
    list_colleges(found)
    return found


def do(verb: Callable[..., Any], **given: Any) -> Any:
    with transaction(PUBLIC) as tx:
        return verb(tx, **given)


def digits(code_id: int) -> str:
    return digits_of(settings.secret_key(), one(VerificationCode, code_id).nonce)


def registered(wish: Wish = WISH) -> Any:
    """Ask for the code, type it back."""
    code_id = do(ask_to_join, wish=wish).code_id
    return do(join, wish=wish, code_id=code_id, typed=digits(code_id))


# -- the list ----------------------------------------------------------------------------------------------------------


def test_names_come_once_province_and_city_are_chosen_and_of_that_city_only(year: Year) -> None:
    """R-001."""
    with reading() as session:
        assert directory.names_in(session, "", "") == directory.names_in(session, "42", "") == []
        assert directory.names_in(session, "", "420800") == []
        assert directory.names_in(session, "42", "420800") == ["沙洋示例职业学院", "荆门演示学校"]
        assert directory.names_in(session, "33", "420800") == []
        assert [code for code, _ in directory.provinces(session)] == ["33", "42"]
        assert directory.cities(session, "42") == [("420100", "江城市"), ("420800", "荆门市")]


# -- who may register --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["没有这所学校", "江汉演示学院", "湖畔示例学院", NAME + " "])
def test_a_name_not_listed_in_the_region_is_refused_with_the_provinces_contact(year: Year, name: str) -> None:
    """R-002."""
    with pytest.raises(NotFound) as caught:
        do(ask_to_join, wish=replace(WISH, name=name))
    assert caught.value.sentence_code == "join_not_listed"
    assert caught.value.facts["contact"] == "甲省教育厅（演示） 027-0000-0042"


def test_a_province_without_a_contact_is_refused_too(year: Year) -> None:
    with pytest.raises(NotFound, match="join_not_listed_no_contact"):
        do(ask_to_join, wish=replace(WISH, province_code="11", city_code="110100"))


@pytest.mark.parametrize(
    ("field", "word"),
    [
        ("province_code", "省"),
        ("city_code", "市"),
        ("name", "院校名称"),
        ("college_code", "院校代码"),
        ("registrant", "注册人姓名"),
        ("mobile", "手机号"),
    ],
)
def test_nothing_may_be_missing(year: Year, field: str, word: str) -> None:
    """R-003."""
    before = census()
    with pytest.raises(Incomplete) as caught:
        do(ask_to_join, wish=replace(WISH, **{field: ""}))
    assert caught.value.facts["fields"] == [word]
    assert census() == before


def test_a_city_of_another_province_is_refused(year: Year) -> None:
    with pytest.raises(ValueRefused, match="join_region"):
        do(ask_to_join, wish=replace(WISH, city_code="330100"))


def test_the_code_has_to_be_the_directorys(year: Year) -> None:
    """R-003."""
    with pytest.raises(ValueRefused, match="join_code"):
        do(ask_to_join, wish=replace(WISH, college_code="4142080907"))


def test_a_college_with_an_account_is_sent_to_the_login(year: Year) -> None:
    """R-004: linked or not, set up by an administrator or registered."""
    own = one(College, year["college"])
    mine = replace(WISH, city_code=own.city_code, name=own.name, college_code=own.college_code)
    with pytest.raises(AlreadyThere, match="join_has_account"):
        do(ask_to_join, wish=mine)
    registered()
    with pytest.raises(AlreadyThere, match="join_has_account"):
        do(ask_to_join, wish=replace(WISH, mobile="13900005678"))


def test_a_disabled_college_does_not_come_back_by_registering(year: Year) -> None:
    """§3.4."""
    registered()
    ident = rows(select(College.id).where(College.college_code == CODE))[0]
    year.do("admin", organisations.switch_college, college_id=ident, action="disable")
    with pytest.raises(NotPermitted, match="join_college_disabled"):
        do(ask_to_join, wish=WISH)


# -- what comes of it --------------------------------------------------------------------------------------------------


def test_a_right_code_makes_the_college_and_its_one_initial_account(year: Year) -> None:
    """R-005, R-006, M-02; R-043: the registrant's mobile is kept for the results."""
    joined = registered()
    assert isinstance(joined, Joined)
    college = rows(select(College).where(College.college_code == CODE))[0]
    assert (college.name, college.college_type, college.state) == (NAME, CollegeType.SECONDARY, Switch.ENABLED)
    assert (college.registered_mobile, college.registered_at) == (MOBILE, NOON)
    with reading() as session:
        account = session.get_one(UserAccount, joined.account_id)
        assert (account.login, account.real_name, account.mobile) == (CODE, "沙注册", MOBILE)
        assert (account.is_initial, account.college_id, account.password_hash) == (True, college.id, None)
        assert [held.role for held in account.roles] == [Role.SIGNATORY]
    entry = rows(select(InstitutionDirectoryEntry).where(InstitutionDirectoryEntry.code == CODE))[0]
    assert entry.college_id == college.id
    assert {(e.actor_login, e.channel) for e in last_entries(3)} == {("registrant", "portal")}


def test_the_letter_carries_login_and_link_and_no_password(year: Year) -> None:
    """R-005, M-02; R-007: the account that registered is the one that works later."""
    joined = registered()
    assert joined.letter.mobile == MOBILE
    assert CODE in joined.letter.text
    assert f"/activate/{joined.secret}" in joined.letter.text
    year.do("public", accounts.activate, code=joined.secret, password="yanshi-2026")
    with transaction(PUBLIC) as tx:
        found = accounts.log_in(tx, login=CODE, password="yanshi-2026")
        assert not isinstance(found, Refusal)
        assert found.id == joined.account_id


def test_a_college_an_administrator_set_up_without_accounts_registers_into_its_own_row(year: Year) -> None:
    with year.acting("admin") as tx:
        made = organisations.create_college(
            tx,
            college_code=CODE,
            name=NAME,
            college_type=CollegeType.SECONDARY,
            province_code="42",
            city_code="420800",
        ).id
    registered()
    assert rows(select(College.id).where(College.college_code == CODE)) == [made]
    assert one(College, made).registered_mobile == MOBILE


def test_a_college_has_no_second_initial_account_R006(year: Year) -> None:
    registered()
    college_id = rows(select(College.id).where(College.college_code == CODE))[0]
    with pytest.raises(AlreadyThere):
        year.do(
            "admin",
            accounts.create_account,
            login="second",
            real_name="另一位",
            roles=[Role.SIGNATORY],
            college_id=college_id,
        )


def test_a_wrong_code_is_counted_and_leaves_nothing(year: Year) -> None:
    code_id = do(ask_to_join, wish=WISH).code_id
    wrong = f"{(int(digits(code_id)) + 1) % 10**6:06d}"
    colleges = count(College)
    outcomes = [do(join, wish=WISH, code_id=code_id, typed=wrong) for _ in range(5)]
    assert [found.sentence_code for found in outcomes] == ["code_wrong"] * 5
    assert isinstance(do(join, wish=WISH, code_id=code_id, typed=digits(code_id)), TooMany)
    assert count(College) == colleges


@pytest.mark.parametrize(("after", "is_in"), [(-SECOND, True), (timedelta(), True), (SECOND, False)])
def test_the_code_lives_five_minutes(year: Year, at: At, after: timedelta, is_in: bool) -> None:
    """T-20."""
    code_id = do(ask_to_join, wish=WISH).code_id
    at(NOON + timedelta(minutes=5) + after)
    found = do(join, wish=WISH, code_id=code_id, typed=digits(code_id))
    assert isinstance(found, Joined) is is_in


def test_a_code_proves_the_mobile_it_went_to_and_no_other(year: Year) -> None:
    """R-003."""
    code_id = do(ask_to_join, wish=WISH).code_id
    with pytest.raises(NotFound):
        do(join, wish=replace(WISH, mobile="13900005678"), code_id=code_id, typed=digits(code_id))


def test_two_at_once_leave_one_college_and_one_account(any_years: Years, at: At) -> None:
    """R-004, R-006."""
    year = any_years("set_up")
    at(NOON)
    list_colleges(year)
    wishes = [WISH, replace(WISH, mobile="13900005678", registrant="另注册")]
    ids = [do(ask_to_join, wish=wish).code_id for wish in wishes]
    found = at_once(*[
        lambda wish=wish, ident=ident: do(join, wish=wish, code_id=ident, typed=digits(ident))
        for wish, ident in zip(wishes, ids, strict=True)
    ])  # fmt: skip
    assert sum(isinstance(outcome, Joined) for outcome in found) == 1, found
    lost = next(outcome for outcome in found if not isinstance(outcome, Joined))
    assert isinstance(lost, AlreadyThere)
    assert lost.sentence_code == "join_has_account"
    assert (count(College, College.college_code == CODE), count(UserAccount, UserAccount.login == CODE)) == (1, 1)
