"""Certificates and subjects: what may be set, what is fixed by their numbers, and what a disabled one is good for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from core.errors import AlreadyThere, Incomplete, Refusal, ValueRefused
from core.models.catalogue import CertificateType, Major, Subject
from core.models.files import Attachment
from core.models.plans import ExamPlanCertificate, ExamPlanSubject
from core.rules.catalogue import CertificateLevel, ExamMode
from core.rules.numbering import is_subject_code, level_digit
from core.usecases import applications, catalogue, organisations, plans, sites
from tests.core.attached_files import pdf, picture
from tests.factories import (
    Year,
    Years,
    application_values,
    at_once,
    count,
    last_entries,
    one,
    planned,
    site_values,
)

At = Callable[[Any], Any]


@pytest.fixture
def year(years: Years) -> Year:
    return years("set_up")


def refused(verb: Callable[[], Any], kind: type[Refusal], code: str, rule: str) -> None:
    """It is refused for this reason."""
    with pytest.raises(kind) as caught:
        verb()
    assert (caught.value.sentence_code, caught.value.rule) == (code, rule)


def new(year: Year, **other: Any) -> Any:
    """A certificate of the first organisation."""
    given = {
        "org_id": year["org"],
        "name": "新示例证书",
        "short_name": "新示例",
        "level": CertificateLevel.ADVANCED,
        "standard_code": "990007",
        "major_codes": ["610205"],
    }
    return year.do("teo", catalogue.create_certificate, **(given | other))


def test_every_level_is_a_certificate_with_a_number_of_its_own(year: Year) -> None:
    """R-051, N9: the same name at another level is another certificate; the same level again is refused."""
    made = [new(year, level=level) for level in CertificateLevel]
    assert len({row.code for row in made}) == 3
    assert [level_digit(row.code) for row in made] == [1, 2, 3]
    refused(lambda: new(year), AlreadyThere, "certificate_there", "R-051")


def test_two_clerks_who_make_the_same_certificate_at_once_make_one(any_years: Years) -> None:
    year = any_years("set_up")
    found = at_once(lambda: new(year), lambda: new(year))
    assert sorted(isinstance(one, AlreadyThere) for one in found) == [False, True]
    assert count(CertificateType, CertificateType.name == "新示例证书") == 1


def test_all_fields_of_a_certificate_are_kept(year: Year) -> None:
    """§2.9."""
    details = {
        "english_name": "New Sample", "national_batch": "第一批", "opened_on": date(2026, 1, 2),
        "exam_modes": frozenset({ExamMode.COMPUTER, ExamMode.PRACTICAL}), "exam_time_note": "每年 5 月",
        "study_hours": "64", "credit_tenths": 15, "major_category": "电子与信息大类", "target_group": "在校学生",
        "obtain_requirements": "各科合格", "intro": "简介",
    }  # fmt: skip
    row = one(CertificateType, new(year, **details).id)
    assert {name: getattr(row, name) for name in details} == details


def test_an_edit_changes_words_and_majors_and_leaves_number_level_and_owner(year: Year) -> None:
    before = one(CertificateType, year["certificate"])
    year.do(
        "teo",
        catalogue.edit_certificate,
        certificate_id=year["certificate"],
        name="改名证书",
        major_codes=["620201"],
        intro="新的简介",
    )
    row = one(CertificateType, year["certificate"])
    assert (row.name, row.intro) == ("改名证书", "新的简介")
    assert (row.code, row.level, row.org_id, row.standard_code) == (
        before.code, before.level, before.org_id, before.standard_code,
    )  # fmt: skip
    assert '"majors": ' in last_entries()[0].after
    for fixed in ("code", "level", "org_id", "state"):
        with pytest.raises(TypeError):
            year.do("teo", catalogue.edit_certificate, certificate_id=year["certificate"], **{fixed: "1"})


def test_an_edit_cannot_take_the_name_of_another(year: Year) -> None:
    """R-051."""
    taken = new(year, level=CertificateLevel.PRIMARY)
    refused(
        lambda: year.do(
            "teo", catalogue.edit_certificate, certificate_id=taken.id, name="示例证书", major_codes=["610205"]
        ),
        AlreadyThere,
        "certificate_there",
        "R-051",
    )
    year.do("teo", catalogue.edit_certificate, certificate_id=taken.id, name="新示例证书")  # its own is no other's


def test_majors_are_wanted_and_must_be_of_the_national_list(year: Year) -> None:
    """R-031, G-24: by code."""
    refused(lambda: new(year, major_codes=[]), Incomplete, "incomplete", "R-031")
    refused(lambda: new(year, major_codes=["610205", "999999"]), ValueRefused, "majors_unknown", "R-031")
    assert count(CertificateType, CertificateType.name == "新示例证书") == 0


@pytest.mark.parametrize("code", ["", "99000", "9900077", "99000A", "９９０００７"])
def test_a_standard_code_has_six_digits_or_certificate_numbers_could_not_be_built(year: Year, code: str) -> None:
    """N17."""
    refused(lambda: new(year, standard_code=code), ValueRefused, "standard_code_length", "N17")


def test_two_majors_of_one_name_are_two_majors(year: Year) -> None:
    """G-24: same name, different code; the code is what cannot be edited."""
    other = year.do("admin", catalogue.create_major, code="310207", name="软件技术")
    year.do("admin", catalogue.edit_major, major_id=other.id, name="软件工程技术", category="电子与信息大类")
    assert one(Major, other.id).code == "310207"
    assert one(Major, year["major:610205"]).name == "软件技术"


# -- subjects ----------------------------------------------------------------------------------------------------------


def subject(year: Year, **other: Any) -> Any:
    """A further subject of the year's certificate."""
    given = {"certificate_id": year["certificate"], "name": "综合", "exam_modes": {ExamMode.WRITTEN}}
    return year.do("teo", catalogue.create_subject, **(given | other))


def test_a_subject_has_a_set_of_modes_and_at_least_one(year: Year) -> None:
    """R-052, N10."""
    row = one(Subject, subject(year, exam_modes=[ExamMode.PRACTICAL, ExamMode.COMPUTER, ExamMode.COMPUTER]).id)
    assert row.exam_modes == {ExamMode.COMPUTER, ExamMode.PRACTICAL}
    assert is_subject_code(row.code)
    refused(lambda: subject(year, exam_modes=[]), Incomplete, "incomplete", "R-052")


def test_a_subject_is_for_everybody_unless_it_says_for_whom(year: Year) -> None:
    """R-053, §2.10."""
    assert one(Subject, subject(year, examinee_category="").id).examinee_category == "所有考生"
    assert one(Subject, subject(year, examinee_category="退役军人").id).examinee_category == "退役军人"
    assert one(Subject, subject(year).id).full_score == 100


def test_an_edited_subject_reaches_new_plans_and_no_made_one(years: Years, at: At) -> None:
    """G-19, R-052, R-053."""
    year = years("planned")
    at("2026-04-01 10:00")
    changed = {"name": "理论新", "exam_modes": {ExamMode.WRITTEN}, "examinee_category": "退役军人", "full_score": 120}
    year.do("teo", catalogue.edit_subject, subject_id=year["subject:theory"], **changed)
    row = one(Subject, year["subject:theory"])
    assert (row.name, row.exam_modes, row.examinee_category, row.full_score) == (
        "理论新", frozenset({ExamMode.WRITTEN}), "退役军人", 120,
    )  # fmt: skip
    kept = one(ExamPlanSubject, year["plan_subject:theory"])
    assert (kept.name, kept.examinee_category) == ("理论考核", "所有考生")
    fresh = year.do("teo", plans.put_certificate, plan_id=year["draft_plan"], planned=planned(year))
    copied = next(row for row in fresh.subjects if row.subject_id == year["subject:theory"])
    assert (copied.name, copied.examinee_category) == ("理论新", "退役军人")


# -- R-054 -------------------------------------------------------------------------------------------------------------


def plan(year: Year) -> Any:
    return year.do("teo", plans.put_certificate, plan_id=year["draft_plan"], planned=planned(year))


def apply(year: Year) -> Any:
    return year.do("coordinator", applications.save_application, **application_values(year))


def site(year: Year) -> Any:
    return year.do("coordinator", sites.draft_site, **site_values(year))


USES = {
    "plan": ("planned", "2026-04-01 10:00", plan),
    "application": ("declared", "2026-03-02 10:00", apply),
    "site": ("approved", "2026-03-10 10:00", site),
}


@pytest.mark.parametrize("use", list(USES))
def test_a_disabled_certificate_is_used_for_nothing_new_and_again_once_enabled(years: Years, at: At, use: str) -> None:
    """R-054: in plans, applications and sites."""
    stage, now, make = USES[use]
    year = years(stage)
    at(now)
    year.do("teo", catalogue.switch_certificate, certificate_id=year["certificate"], action="disable")
    refused(lambda: make(year), ValueRefused, "certificate_disabled", "R-054")
    year.do("teo", catalogue.switch_certificate, certificate_id=year["certificate"], action="enable")
    assert make(year)


@pytest.mark.parametrize("use", ["application", "site"])
def test_a_disabled_organisations_certificate_is_used_for_nothing_new(years: Years, at: At, use: str) -> None:
    """R-054, §3.4; its own plans nobody could make anyway."""
    stage, now, make = USES[use]
    year = years(stage)
    at(now)
    year.do("admin", organisations.switch_org, org_id=year["org"], action="disable")
    refused(lambda: make(year), ValueRefused, "org_disabled", "R-054")
    year.do("admin", organisations.switch_org, org_id=year["org"], action="enable")
    assert make(year)


def test_a_disabled_subject_is_planned_no_more(years: Years, at: At) -> None:
    """R-054."""
    year = years("planned")
    at("2026-04-01 10:00")
    year.do("teo", catalogue.switch_subject, subject_id=year["subject:theory"], action="disable")
    refused(lambda: plan(year), ValueRefused, "subject_not_of_certificate", "R-054")


def test_what_was_made_before_is_untouched_by_the_switch(years: Years, at: At) -> None:
    """§3.7: history stays."""
    year = years("planned")
    at("2026-04-01 10:00")
    before = one(CertificateType, year["certificate"])
    year.do("teo", catalogue.switch_certificate, certificate_id=year["certificate"], action="disable")
    assert one(ExamPlanCertificate, year["plan_certificate"]).certificate_id == before.id
    assert last_entries()[0].action == "disable"


# -- samples -----------------------------------------------------------------------------------------------------------


def test_a_sample_is_a_pdf_and_can_be_taken_off_again(year: Year) -> None:
    """§2.9 证书样本."""
    given = {"certificate_id": year["certificate"], "file_name": "样本.pdf", "data": pdf()}
    file = year.do("teo", catalogue.attach_sample, **given)
    with pytest.raises(Refusal):
        year.do("teo", catalogue.attach_sample, **(given | {"file_name": "样本.png", "data": picture()}))
    year.do("teo", catalogue.remove_sample, attachment_id=file.id)
    assert count(Attachment) == 0
