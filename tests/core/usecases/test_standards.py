"""Skill and site standards: numbers, files, items, and who sees which (§2.7, §2.8, R-049)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from core.db import reading
from core.errors import AlreadyThere, Incomplete, Refusal, ValueRefused
from core.models.catalogue import CertificateType, SiteStandard, SiteStandardItem, SkillStandard
from core.models.files import Attachment
from core.queries.scoping import visible
from core.rules.catalogue import RequirementKind
from core.rules.organisations import Switch
from core.usecases import applications, catalogue, standards
from tests.core.attached_files import docx, pdf
from tests.factories import Year, Years, application_values, at_once, count, last_entries, one, rows

At = Callable[[datetime | str], datetime]


@pytest.fixture
def year(years: Years) -> Year:
    return years("set_up")


def refused(verb: Callable[[], Any], kind: type[Refusal], code: str, rule: str) -> None:
    """It is refused for this reason."""
    with pytest.raises(kind) as caught:
        verb()
    assert (caught.value.sentence_code, caught.value.rule) == (code, rule)


def skill(year: Year, login: str = "teo", **other: Any) -> int:
    """A skill standard."""
    given = {"org_id": year["org"], "code": "990011", "name": "示例技能等级标准", "edition": "2026版"}
    return int(year.do(login, standards.create_skill_standard, **(given | other)).id)


def site(year: Year, **other: Any) -> int:
    """A site standard."""
    given = {
        "org_id": year["org"],
        "name": "示例考核站点建设标准",
        "edition": "2026版",
        "certificate_ids": [year["certificate"]],
    }
    return int(year.do("teo", standards.create_site_standard, **(given | other)).id)


# -- skill standards ---------------------------------------------------------------------------------------------------


def test_a_code_belongs_to_one_standard_of_the_whole_platform(year: Year) -> None:
    """N11."""
    skill(year)
    refused(lambda: skill(year), AlreadyThere, "standard_code_taken", "N11")
    refused(lambda: skill(year, "other_teo", org_id=year["other_org"]), AlreadyThere, "standard_code_taken", "N11")
    refused(lambda: skill(year, code="99001"), ValueRefused, "standard_code_short", "N11")


def test_an_edit_reaches_the_words_and_not_the_code(year: Year) -> None:
    ident = skill(year)
    year.do(
        "teo",
        standards.edit_skill_standard,
        standard_id=ident,
        name="新名称",
        edition="2027版",
        major_categories="电子",
    )
    row = one(SkillStandard, ident)
    assert (row.code, row.name, row.edition, row.major_categories) == ("990011", "新名称", "2027版", "电子")
    with pytest.raises(TypeError):
        year.do("teo", standards.edit_skill_standard, standard_id=ident, name="甲", edition="乙", code="990012")


def test_a_standard_of_a_certificate_gives_it_its_code(year: Year) -> None:
    """§2.9, N17."""
    ident = skill(year)
    year.do("teo", catalogue.edit_certificate, certificate_id=year["certificate"], standard_id=ident)
    row = one(CertificateType, year["certificate"])
    assert (row.standard_id, row.standard_code) == (ident, "990011")


def test_another_organisations_standard_cannot_be_chosen(year: Year) -> None:
    foreign = skill(year, "other_teo", org_id=year["other_org"])
    refused(
        lambda: year.do("teo", catalogue.edit_certificate, certificate_id=year["certificate"], standard_id=foreign),
        ValueRefused,
        "standard_of_another",
        "§2.9",
    )


def test_a_disabled_standard_is_kept_where_it_is_and_chosen_nowhere_else(year: Year) -> None:
    """R-054."""
    ident = skill(year)
    year.do("teo", catalogue.edit_certificate, certificate_id=year["certificate"], standard_id=ident)
    year.do("teo", standards.switch_skill_standard, standard_id=ident, action="disable")
    year.do("teo", catalogue.edit_certificate, certificate_id=year["certificate"], standard_id=ident, intro="改")
    refused(
        lambda: year.do("teo", catalogue.edit_certificate, certificate_id=year["certificate:2"], standard_id=ident),
        ValueRefused,
        "standard_disabled",
        "R-054",
    )
    assert one(SkillStandard, ident).state is Switch.DISABLED
    assert one(CertificateType, year["certificate"]).standard_id == ident


def test_its_text_is_a_pdf(year: Year) -> None:
    ident = skill(year)
    file = year.do("teo", standards.attach_to_skill_standard, standard_id=ident, file_name="标准.pdf", data=pdf())
    with pytest.raises(Refusal):
        year.do("teo", standards.attach_to_skill_standard, standard_id=ident, file_name="标准.docx", data=docx())
    year.do("teo", standards.detach_from_standard, attachment_id=file.id)
    assert count(Attachment) == 0


# -- site standards ----------------------------------------------------------------------------------------------------


def test_the_number_is_the_day_and_a_running_number_that_runs_on(year: Year, at: At) -> None:
    """N12: by the business day, and the count does not begin again with it."""
    at("2026-09-16 23:59:59")
    first = one(SiteStandard, site(year))
    at("2026-09-17 00:00:00")
    second = one(SiteStandard, site(year))
    assert (first.code, second.code) == ("260916001", "260917002")


def test_two_standards_made_at_once_get_two_numbers(any_years: Years) -> None:
    """N12."""
    year = any_years("set_up")
    found = at_once(lambda: site(year), lambda: site(year))
    assert len({one(SiteStandard, ident).code for ident in found}) == 2


def test_it_is_for_certificates_of_its_own_organisation_and_at_least_one(year: Year) -> None:
    """§2.8."""
    refused(lambda: site(year, certificate_ids=[]), Incomplete, "incomplete", "§2.8")
    both = [year["certificate"], year["other_certificate"]]
    refused(lambda: site(year, certificate_ids=both), ValueRefused, "certificates_of_two_orgs", "§2.8")


def test_a_disabled_certificate_joins_no_standard_but_stays_in_one(year: Year) -> None:
    """R-054."""
    ident = site(year)
    year.do("teo", catalogue.switch_certificate, certificate_id=year["certificate"], action="disable")
    refused(lambda: site(year), ValueRefused, "certificate_disabled", "R-054")
    given = {"standard_id": ident, "name": "改名", "edition": "2026版", "certificate_ids": [year["certificate"]]}
    year.do("teo", standards.edit_site_standard, **given)
    assert one(SiteStandard, ident).name == "改名"


def items(ident: int) -> list[SiteStandardItem]:
    """In their order."""
    return rows(
        select(SiteStandardItem).where(SiteStandardItem.standard_id == ident).order_by(SiteStandardItem.position)
    )


def test_the_items_of_the_guide_come_with_one_click_and_only_once(year: Year) -> None:
    """§9.7."""
    ident = site(year)
    assert year.do("teo", standards.take_over_requirements, standard_id=ident) == 19
    assert [item.code for item in items(ident)] == [f"S{number}" for number in range(1, 20)]
    assert year.do("teo", standards.take_over_requirements, standard_id=ident) == 0
    assert len(items(site(year, takes_over=True))) == 19


def test_taking_over_at_once_brings_each_item_once(any_years: Years) -> None:
    """§9.7."""
    year = any_years("set_up")
    ident = site(year)
    found = at_once(*[lambda: year.do("teo", standards.take_over_requirements, standard_id=ident)] * 2)
    assert sorted(found) == [0, 19]
    assert len(items(ident)) == 19


def test_items_can_be_changed_removed_and_brought_back(year: Year) -> None:
    ident = site(year, takes_over=True)
    third = items(ident)[2]
    year.do(
        "teo",
        standards.edit_item,
        item_id=third.id,
        title="考生机",
        kind=RequirementKind.NUMBER,
        minimum=60,
        minimum_words="60 台以上",
        is_mandatory=False,
    )
    assert (one(SiteStandardItem, third.id).minimum, one(SiteStandardItem, third.id).code) == (60, "S3")
    year.do("teo", standards.remove_item, item_id=third.id)
    assert year.do("teo", standards.take_over_requirements, standard_id=ident) == 1
    assert items(ident)[-1].code == "S3"


def test_a_counted_item_has_a_least_number_and_no_other_has(year: Year) -> None:
    ident = site(year)
    given = {"standard_id": ident, "code": "X1", "title": "电子屏"}
    refused(
        lambda: year.do("teo", standards.add_item, **given, kind=RequirementKind.NUMBER),
        Incomplete,
        "incomplete",
        "§2.8",
    )
    row = year.do("teo", standards.add_item, **given, kind=RequirementKind.TICK, minimum=5)
    assert one(SiteStandardItem, row.id).minimum is None
    refused(
        lambda: year.do("teo", standards.add_item, **given, kind=RequirementKind.TEXT),
        AlreadyThere,
        "item_there",
        "§2.8",
    )


# -- R-049 -------------------------------------------------------------------------------------------------------------


def seen(year: Year, login: str, model: Any) -> set[int]:
    """Ids this person may see."""
    with reading() as session:
        return set(session.scalars(select(model.id).where(visible(model, year.actor(login)))))


@pytest.mark.parametrize("model", [SkillStandard, SiteStandard])
def test_a_college_sees_standards_of_what_it_has_applied_for_enabled_or_not(
    years: Years, at: At, model: type[Any]
) -> None:
    """R-049: an application that was never sent is none, and a disabled standard stays in sight."""
    year = years("declared")
    at("2026-03-02 10:00")
    if model is SkillStandard:
        ident, other = skill(year), skill(year, code="990012")
        year.do("teo", catalogue.edit_certificate, certificate_id=year["certificate"], standard_id=ident)
        year.do("teo", catalogue.edit_certificate, certificate_id=year["certificate:2"], standard_id=other)
        switch = standards.switch_skill_standard
    else:
        ident, other = site(year), site(year, certificate_ids=[year["certificate:2"]])
        switch = standards.switch_site_standard
    application = year.do("coordinator", applications.save_application, **application_values(year))
    assert seen(year, "coordinator", model) == set()
    year.do("coordinator", applications.submit_application, application_id=application.id)
    for login in ("coordinator", "second_coordinator", "signatory"):
        assert seen(year, login, model) == {ident}
    assert seen(year, "other_coordinator", model) == set()
    year.do("teo", switch, standard_id=ident, action="disable")
    assert seen(year, "coordinator", model) == {ident}
    assert seen(year, "teo", model) == seen(year, "admin", model) == seen(year, "province", model) == {ident, other}
    assert seen(year, "other_teo", model) == seen(year, "invigilator", model) == set()


def test_the_trail_says_what_became_of_a_standard(year: Year) -> None:
    ident = site(year)
    year.do("teo", standards.switch_site_standard, standard_id=ident, action="disable")
    (entry,) = last_entries()
    assert (entry.object_type, entry.object_id, entry.action) == ("site_standards", ident, "disable")
