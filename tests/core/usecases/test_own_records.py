"""What organisations keep up themselves, what they cannot reach, and what a disabled one can still do: nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from core.db import reading
from core.errors import AlreadyThere, Incomplete, NotPermitted, NotReady, Refusal, ValueRefused
from core.models.organisations import (
    CertificateOfficer,
    College,
    EducationAuthority,
    EvaluationOrg,
    InstitutionDirectoryEntry,
)
from core.notifications.words import sentence
from core.queries.accounts import actor_for
from core.queries.catalogue import piloted_counts
from core.queries.scoping import visible
from core.rules.organisations import CollegeType, InvigilatorMode, Role
from core.usecases import accounts, directory, organisations, own_records
from tests.factories import Year, Years, at_once, count, last_entries, one

At = Callable[[datetime | str], datetime]


@pytest.fixture
def year(years: Years) -> Year:
    return years("set_up")


def refused(verb: Callable[[], Any], kind: type[Refusal], code: str, rule: str) -> None:
    """It is refused for this reason."""
    with pytest.raises(kind) as caught:
        verb()
    assert (caught.value.sentence_code, caught.value.rule) == (code, rule)


def logo(width: int = 100, height: int = 100, form: str = "PNG") -> bytes:
    """A picture of this size."""
    out = BytesIO()
    Image.new("RGB", (width, height), (20, 80, 160)).save(out, form)
    return out.getvalue()


def edit(year: Year, login: str = "coordinator", college: str = "college", **changes: Any) -> Any:
    """The college's own record."""
    given = {"college_id": year[college], "logo": logo()} | changes
    return year.do(login, own_records.edit_own_college, **given)


# -- colleges ----------------------------------------------------------------------------------------------------------

OWN = {
    "address": "示例大道 9 号",
    "website": "https://college.example",
    "intro": "简介",
    "contact_name": "演联系人",
    "contact_mobile": "19900000009",
    "contact_email": "a@example.com",
    "district_code": "420111",
}


@pytest.mark.parametrize("login", ["coordinator", "signatory"])
def test_a_college_edits_its_own_record(year: Year, login: str) -> None:
    """R-014."""
    edit(year, login, **OWN)
    row = one(College, year["college"])
    assert {name: getattr(row, name) for name in OWN} == OWN
    (entry,) = last_entries()
    assert (entry.action, entry.actor_login) == ("edit_own", login)


@pytest.mark.parametrize(
    "fixed",
    ["name", "college_code", "college_type", "uscc", "province_code", "city_code", "state", "registered_mobile"],
)
def test_what_is_fixed_no_college_can_reach(year: Year, fixed: str) -> None:
    """R-014: name, code, type, credit code, place; the attribute is the same for all, the authority follows."""
    with pytest.raises(TypeError):
        edit(year, **{fixed: "x"})


def test_nobody_edits_another_colleges_record(year: Year) -> None:
    """R-014."""
    for login in ("other_coordinator", "admin", "teo", "province", "invigilator"):
        with pytest.raises(NotPermitted):
            edit(year, login)


def test_a_college_stays_in_its_city(year: Year) -> None:
    """R-014: reviewers and numbers follow from the place."""
    refused(lambda: edit(year, district_code="420502"), ValueRefused, "district_elsewhere", "R-014")


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_logo_of_the_right_size_is_taken(year: Year, form: str) -> None:
    """R-015."""
    edit(year, logo=logo(form=form))
    with reading() as session:
        assert session.get_one(College, year["college"]).logo == logo(form=form)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (logo(99, 100), "logo_size"),
        (logo(100, 101), "logo_size"),
        (logo(200, 200), "logo_size"),
        (logo(form="GIF"), "logo_not_image"),
        (b"hello", "logo_not_image"),
        (logo()[:60], "logo_not_image"),
        (logo() + bytes(600_000), "logo_too_large"),
    ],
    ids=["narrow", "high", "large", "gif", "text", "half", "heavy"],
)
def test_another_logo_is_refused_and_nothing_is_changed(year: Year, data: bytes, code: str) -> None:
    """R-015."""
    before = one(College, year["college"]).version
    refused(lambda: edit(year, logo=data, intro="改"), ValueRefused, code, "R-015")
    assert one(College, year["college"]).version == before


def test_the_first_edit_needs_a_logo_and_a_later_one_keeps_it(year: Year) -> None:
    """R-015, §2.1: the form marks it *."""
    refused(lambda: edit(year, logo=None), Incomplete, "logo_missing", "R-015")
    edit(year)
    edit(year, logo=None, intro="改")
    with reading() as session:
        assert session.get_one(College, year["college"]).logo == logo()


def test_two_colleagues_at_once_lose_nothing_silently(any_years: Years) -> None:
    """One wins; the other is told, or comes after."""
    year = any_years("set_up")
    edit(year)
    found = at_once(
        lambda: edit(year, logo=None, intro="甲"),
        lambda: edit(year, "signatory", logo=None, website="http://a.example"),
    )
    failed = [result for result in found if isinstance(result, Exception)]
    assert all(isinstance(result, Refusal) for result in failed)
    row = one(College, year["college"])
    assert (row.intro == "甲") + (row.website == "http://a.example") == 2 - len(failed)


def test_the_platform_edits_what_is_fixed_and_nothing_else(year: Year) -> None:
    """R-014, §8.7."""
    year.do("admin", organisations.edit_college, college_id=year["college"], name="改名学院")
    assert one(College, year["college"]).name == "改名学院"
    for own in ("address", "contact_name", "college_code", "state"):
        with pytest.raises(TypeError):
            year.do("admin", organisations.edit_college, college_id=year["college"], **{own: "x"})


# -- 证书负责人 --------------------------------------------------------------------------------------------------------


def officer(year: Year, certificate: str = "certificate", login: str = "coordinator") -> Any:
    """Somebody to ask about a certificate."""
    given = {"college_id": year["college"], "certificate_id": year[certificate], "name": "演负责"}
    return year.do(login, own_records.name_certificate_officer, **given)


def test_an_officer_is_named_for_a_certificate_the_college_is_a_pilot_for(years: Years) -> None:
    """§2.1: one each, changed and taken off by the college alone."""
    year = years("approved")
    row = officer(year)
    refused(lambda: officer(year), AlreadyThere, "officer_there", "§2.1")
    refused(lambda: officer(year, "certificate:2"), NotReady, "officer_without_pilot", "§2.1")
    given = {"officer_id": row.id, "name": "演接任", "mobile": "19900000001", "email": "b@example.com"}
    year.do("signatory", own_records.edit_certificate_officer, **given)
    assert one(CertificateOfficer, row.id).name == "演接任"
    for login in ("other_coordinator", "teo", "admin"):
        with pytest.raises(NotPermitted):
            year.do(login, own_records.remove_certificate_officer, officer_id=row.id)
    year.do("coordinator", own_records.remove_certificate_officer, officer_id=row.id)
    assert count(CertificateOfficer) == 0


# -- organisations and authorities -------------------------------------------------------------------------------------


def test_an_organisation_edits_how_it_works(year: Year) -> None:
    """§2.4."""
    own = {
        "contact_name": "演联系人", "contact_mobile": "19900000008", "contact_email": "c@example.com",
        "website": "https://org.example", "address": "示例路 2 号", "intro": "简介", "is_platform_payment": True,
        "invigilator_mode": InvigilatorMode.AUTO, "review_mailbox": "d@example.com", "review_phone": "027-0000-0001",
        "site_material_required": True, "site_material_note": "盖章的考核站点申请表",
    }  # fmt: skip
    year.do("teo", own_records.edit_own_org, org_id=year["org"], **own)
    row = one(EvaluationOrg, year["org"])
    assert {name: getattr(row, name) for name in own} == own
    for fixed in ("name", "org_code", "uscc", "state", "seal_image"):
        with pytest.raises(TypeError):
            year.do("teo", own_records.edit_own_org, org_id=year["org"], **{fixed: "x"})
    for login in ("other_teo", "admin", "coordinator"):
        with pytest.raises(NotPermitted):
            year.do(login, own_records.edit_own_org, org_id=year["org"], intro="x")


def test_a_required_material_is_described(year: Year) -> None:
    given = {"org_id": year["org"], "site_material_required": True, "site_material_note": " "}
    refused(lambda: year.do("teo", own_records.edit_own_org, **given), Incomplete, "incomplete", "§2.4")


@pytest.mark.parametrize("login", ["province", "city"])
def test_an_authority_edits_its_own_contact(year: Year, login: str) -> None:
    """§2.3, R-021: not even the province edits its city's."""
    given = {"contact_name": "演联系人", "contact_phone": "027-0000-0009"}
    year.do(login, own_records.edit_own_authority, authority_id=year[login], **given)
    row = one(EducationAuthority, year[login])
    assert (row.contact_name, row.contact_phone) == ("演联系人", "027-0000-0009")
    others = {"province", "city", "other_province", "other_city", "admin", "coordinator", "teo"} - {login}
    for other in others:
        with pytest.raises(NotPermitted):
            year.do(other, own_records.edit_own_authority, authority_id=year[login], **given)


def test_before_any_approval_a_college_sees_no_organisation(years: Years) -> None:
    """R-016: an application is not a pilot yet."""
    year = years("applied")
    with reading() as session:
        found = session.scalars(select(EvaluationOrg.id).where(visible(EvaluationOrg, year.actor("coordinator"))))
        assert set(found) == set()
        assert piloted_counts(session, year["college"]) == {}


def test_after_approval_the_organisation_appears_with_one_certificate(years: Years) -> None:
    """R-016: 已试点证书数量."""
    year = years("approved")
    with reading() as session:
        found = session.scalars(select(EvaluationOrg.id).where(visible(EvaluationOrg, year.actor("coordinator"))))
        assert set(found) == {year["org"]}
        assert piloted_counts(session, year["college"]) == {year["org"]: 1}


# -- disabled ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("switch", "key", "login", "contact"),
    [
        (organisations.switch_college, "college", "coordinator", "甲省教育厅（演示） 027-0000-0042"),
        (organisations.switch_college, "college", "signatory", "甲省教育厅（演示） 027-0000-0042"),
        (organisations.switch_org, "org", "teo", "平台管理员"),
    ],
)
def test_the_people_of_a_disabled_organisation_are_out_and_told_whom_to_ask(
    year: Year, switch: Any, key: str, login: str, contact: str
) -> None:
    """§3.4: login refused, nothing can be done; enabled again, all is as it was."""
    ident, password = year[f"account:{login}"], "correct-horse-7"
    year.do("system", accounts.set_password, account_id=ident, password=password)
    given = {f"{'org' if key == 'org' else key}_id": year[key]}
    year.do("admin", switch, **given, action="disable")
    with reading() as session:
        assert actor_for(session, ident, "panel") is None
        assert actor_for(session, year["account:other_teo"], "panel") is not None
        assert actor_for(session, year["account:other_coordinator"], "panel") is not None
    answer = year.do("public", accounts.log_in, login=login, password=password)
    assert isinstance(answer, NotPermitted)
    assert answer.sentence_code == "organisation_disabled"
    assert contact in sentence(answer)
    year.do("admin", switch, **given, action="enable")
    with reading() as session:
        assert actor_for(session, ident, "panel") is not None
    assert not isinstance(year.do("public", accounts.log_in, login=login, password=password), Refusal)


def test_a_wrong_password_learns_nothing_new_of_a_disabled_college(year: Year) -> None:
    """An unknown login answers like a wrong password, whatever is disabled."""
    year.do("admin", organisations.switch_college, college_id=year["college"], action="disable")
    answer = year.do("public", accounts.log_in, login="nobody", password="x")
    assert answer.sentence_code == "wrong_login"


# -- 院校名录 ----------------------------------------------------------------------------------------------------------


def entry(year: Year, **other: Any) -> InstitutionDirectoryEntry:
    """An institution nobody has registered yet."""
    given = {"code": "4142010977", "name": "待注册示例学院", "city_code": "420100"}
    made: InstitutionDirectoryEntry = year.do("admin", directory.create_entry, **(given | other))
    return made


def test_an_institution_is_listed_once_by_code_and_by_name(year: Year) -> None:
    """§2.2."""
    entry(year)
    refused(lambda: entry(year, name="另一示例学院"), AlreadyThere, "entry_there", "§2.2")
    refused(lambda: entry(year, code="4142010978"), AlreadyThere, "entry_there", "§2.2")


def test_an_entry_finds_the_college_that_is_here_already_and_the_other_way_round(year: Year) -> None:
    """R-004: at most one college per entry, whichever came first."""
    held = entry(year, code="4142010901", name="江城示例职业技术学院")
    assert one(InstitutionDirectoryEntry, held.id).college_id == year["college"]
    fresh = entry(year)
    college = year.do(
        "admin",
        organisations.create_college,
        college_code=fresh.code,
        name=fresh.name,
        college_type=CollegeType.UNDERGRADUATE,
        province_code="42",
        city_code="420100",
    )
    assert one(InstitutionDirectoryEntry, fresh.id).college_id == college.id


def test_an_edit_moves_an_entry_with_its_province(year: Year) -> None:
    held = entry(year)
    given = {"entry_id": held.id, "name": "改名示例学院", "city_code": "330100"}
    year.do("admin", directory.edit_entry, **given, college_type=CollegeType.SECONDARY)
    row = one(InstitutionDirectoryEntry, held.id)
    assert (row.name, row.province_code, row.city_code, row.code) == ("改名示例学院", "33", "330100", "4142010977")


def test_only_one_signing_officer_per_college(year: Year) -> None:
    """R-255, R-006: whatever the number of certificates."""
    given = {"real_name": "演第二", "roles": [Role.SIGNATORY], "college_id": year["college"]}
    with pytest.raises(AlreadyThere):
        year.do("admin", accounts.create_account, login="second-officer", **given)
