"""标准管理, 证书管理 and 考试科目 in the panel: columns, tabs and filters of §8.1, and what a TEO does there (§8.3)."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from sqlalchemy import select

from core.models.catalogue import CertificateTemplate, CertificateType, SiteStandard, SkillStandard, Subject
from core.models.files import Attachment
from core.rules.organisations import Switch
from core.usecases import catalogue, certificate_templates, standards
from tests.admin.conftest import OpenPanel, Panel, words
from tests.core.attached_files import docx, pdf
from tests.core.documents.opened import opened
from tests.core.usecases.test_certificate_templates import WORDS
from tests.factories import count, one, rows


def head(page: str) -> list[str]:
    """The column titles of a list."""
    found = re.search(r"<thead>(.*?)</thead>", page, re.S)
    assert found
    return [word for word in re.findall(r">([^<>]+)<", found[1]) if word.strip()]


def standard(place: Panel) -> int:
    """A skill standard the year's certificate has."""
    given = {"org_id": place.year["org"], "code": "990011", "name": "示例标准", "edition": "2026版"}
    ident = int(place.year.do("teo", standards.create_skill_standard, **given).id)
    place.year.do("teo", catalogue.edit_certificate, certificate_id=place.year["certificate"], standard_id=ident)
    return ident


# -- standards ---------------------------------------------------------------------------------------------------------


def test_the_list_of_standards_has_the_columns_tabs_and_filters_of_the_manual(panel: OpenPanel) -> None:
    """§8.1, R-049."""
    place = panel("applied")
    standard(place)
    page = place.browser("coordinator").text("/admin/skill-standards/")
    assert head(page) == ["序号", "标准代码", "标准名称", "标准版本", "发布单位", "对应证书", "标准状态", "操作"]
    for word in ("全部<span>1", "已启用<span>1", "已停用<span>0", "示例证书（初级）", "标准管理"):
        assert word in page
    assert re.findall(r'<label for="flt[^"]*">([^<]+)<', page) == ["标准代码", "标准名称", "标准版本"]
    given = {"org_id": place.year["org"], "code": "990012", "name": "没有申报的标准", "edition": "2026版"}
    place.year.do("teo", standards.create_skill_standard, **given)
    assert "没有申报的标准" not in place.browser("coordinator").text("/admin/skill-standards/")


def test_a_teo_makes_a_standard_attaches_its_text_and_takes_it_off(panel: OpenPanel) -> None:
    place = panel("set_up")
    teo = place.browser("teo")
    made = teo.do(
        "/admin/skill-standards/do/create_skill_standard/",
        {"code": "990012", "name": "新标准", "edition": "2026版", "major_categories": ""},
    )
    assert made.status_code == 303
    (row,) = rows(select(SkillStandard))
    address = f"/admin/skill-standards/do/attach/?id={row.id}"
    assert teo.do(address, {"file": (io.BytesIO(docx()), "标准.pdf")}).status_code == 422
    assert teo.do(address, {"file": (io.BytesIO(pdf()), "标准.pdf")}).status_code == 303
    (file,) = rows(select(Attachment))
    page = teo.text(f"/admin/skill-standards/details/?id={row.id}")
    assert f"/admin/files/{file.id}" in page
    assert teo.do(f"/admin/skill-standards/do/detach/?id={row.id}", {"attachment_id": file.id}).status_code == 303
    assert count(Attachment) == 0
    assert teo.do(f"/admin/skill-standards/do/disable/?id={row.id}").status_code == 303
    assert one(SkillStandard, row.id).state is Switch.DISABLED


def test_a_site_standard_takes_over_the_guides_items_and_they_are_edited(panel: OpenPanel) -> None:
    """§9.7, N12."""
    place = panel("set_up")
    teo = place.browser("teo")
    given = {"name": "站点标准", "edition": "2026版", "certificate_ids": [place.year["certificate"]]}
    assert teo.do("/admin/site-standards/do/create_site_standard/", given).status_code == 303
    (row,) = rows(select(SiteStandard))
    assert "带入考场条件" in teo.text(f"/admin/site-standards/details/?id={row.id}")
    assert teo.do(f"/admin/site-standards/do/take_over_requirements/?id={row.id}").status_code == 303
    page = teo.text(f"/admin/site-standards/details/?id={row.id}")
    assert "考生机（每考场）" in page
    assert "40 台以上" in page
    listed = teo.text(f"/admin/site-standard-items/?standard={row.id}")
    assert "共 19 项条件" in listed
    item = re.search(r"site-standard-items/do/edit_item/\?id=(\d+)", listed)
    assert item
    changed = {"title": "服务器", "kind": "number", "minimum": "2", "minimum_words": "2 台", "recommended": ""}
    assert teo.do(f"/admin/site-standard-items/do/edit_item/?id={item[1]}", changed).status_code == 303
    assert "2 台" in teo.text(f"/admin/site-standards/details/?id={row.id}")
    fresh = changed | {"standard_id": row.id, "code": "X1", "title": "电子屏"}
    assert teo.do(f"/admin/site-standard-items/do/add_item/?standard={row.id}", fresh).status_code == 303
    assert teo.do(f"/admin/site-standard-items/do/add_item/?standard={row.id}", fresh).status_code == 422


@pytest.mark.parametrize("wanted", ["0", "x", "-1", "99999999999999999999"])
def test_an_odd_standard_in_the_address_breaks_nothing(panel: OpenPanel, wanted: str) -> None:
    teo = panel("set_up").browser("teo")
    assert teo.get(f"/admin/site-standard-items/?standard={wanted}").status_code == 200
    assert teo.get(f"/admin/site-standard-items/do/add_item/?standard={wanted}").status_code == 200


# -- certificates ------------------------------------------------------------------------------------------------------


def test_a_college_begins_with_what_it_takes_part_in_and_can_see_all(panel: OpenPanel) -> None:
    """R-050, §8.1: pages, tabs and counts follow; the page of any certificate opens."""
    place = panel("approved")
    college = place.browser("coordinator")
    page = college.text("/admin/certificates/")
    assert head(page) == ["序号", "所属批次", "证书编号", "证书名称", "颁证机构", "所属专业大类", "证书状态", "操作"]
    assert "共 1 张证书" in page
    assert "已参与试点证书" in page
    name = re.search(r'<select id="(flt[^"]+)"[^>]*><option value="">已参与试点证书', page)
    assert name
    everything = college.text(f"/admin/certificates/?{name[1]}=all")
    assert "共 3 张证书" in everything
    assert "全部<span>3" in everything
    assert college.get(f"/admin/certificates/details/?id={place.year['other_certificate']}").status_code == 200


def test_before_any_pilot_the_list_says_how_to_see_all(panel: OpenPanel) -> None:
    """R-050."""
    page = words(panel("declared").browser("coordinator").get("/admin/certificates/"))
    assert "还没有参与试点的证书" in page
    assert "全部证书" in page


def test_whoever_is_no_college_sees_all_and_no_switch(panel: OpenPanel) -> None:
    page = panel("set_up").browser("admin").text("/admin/certificates/")
    assert "共 3 张证书" in page
    assert "证书范围" not in page


def test_a_teo_edits_a_certificate_with_all_its_fields(panel: OpenPanel) -> None:
    """§2.9."""
    place = panel("set_up")
    teo, ident = place.browser("teo"), place.year["certificate"]
    given = {
        "name": "改名证书", "short_name": "改名", "standard_code": "990001", "english_name": "Renamed",
        "national_batch": "第二批", "opened_on": "2026-01-02", "exam_modes": ["computer", "practical"],
        "credits": "1.5", "major_codes": ["610205", "620201"], "intro": "第一行\n第二行",
    }  # fmt: skip
    assert teo.do(f"/admin/certificates/do/edit_certificate/?id={ident}", given).status_code == 303
    row = one(CertificateType, ident)
    assert (row.name, row.national_batch, row.credit_tenths) == ("改名证书", "第二批", 15)
    page = words(teo.get(f"/admin/certificates/details/?id={ident}"))
    for word in ("改名证书(初级)", "机考+实操", "1.5 分", "Renamed", "护理"):
        assert word in page
    again = teo.text(f"/admin/certificates/do/edit_certificate/?id={ident}")
    assert 'value="2026-01-02"' in again
    assert 'value="990001"' in again
    assert "edit_certificate" not in place.browser("admin").text(f"/admin/certificates/details/?id={ident}")


def test_a_sample_opens_from_the_panel(panel: OpenPanel) -> None:
    """G-07: of a type for whoever sees it, of a template for its organisation."""
    place = panel("set_up")
    ident = place.year.do("teo", certificate_templates.create_template, org_id=place.year["org"], **WORDS).id
    place.year.do("teo", catalogue.edit_certificate, certificate_id=place.year["certificate"], template_id=ident)
    answer = place.browser("coordinator").get(f"/admin/certificates/{place.year['certificate']}/sample.pdf")
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("inline;")
    assert "示例技能等级证书" in opened(answer.data).text
    address = f"/admin/certificate-templates/{ident}/sample.pdf"
    assert "样 张" in opened(place.browser("teo").get(address).data).text
    assert place.browser("other_teo").get(address).status_code == 404
    assert place.browser("coordinator").get(address).status_code == 404


def test_a_template_is_made_with_the_gaps_named_and_refused_with_others(panel: OpenPanel) -> None:
    """G-07."""
    place = panel("set_up")
    teo = place.browser("teo")
    page = teo.text("/admin/certificate-templates/do/create_template/")
    assert "{颁证机构}" in page
    assert teo.do("/admin/certificate-templates/do/create_template/", WORDS).status_code == 303
    (row,) = rows(select(CertificateTemplate))
    wrong = teo.do(f"/admin/certificate-templates/do/edit_template/?id={row.id}", WORDS | {"statement": "{姓名}"})
    assert wrong.status_code == 422
    assert "不是可用的填空项" in words(wrong)
    assert (
        teo.do(f"/admin/certificate-templates/do/edit_template/?id={row.id}", WORDS | {"title": "新标题"}).status_code
        == 303
    )
    assert one(CertificateTemplate, row.id).revision == 2


# -- subjects ----------------------------------------------------------------------------------------------------------


def test_a_subject_is_edited_in_the_panel(panel: OpenPanel) -> None:
    """§8.1, R-052, R-053."""
    place = panel("set_up")
    teo, ident = place.browser("teo"), place.year["subject:theory"]
    given = {
        "name": "理论新",
        "exam_modes": ["computer", "written"],
        "examinee_category": "退役军人",
        "full_score": "120",
    }
    assert teo.do(f"/admin/subjects/do/edit_subject/?id={ident}", given).status_code == 303
    row = one(Subject, ident)
    assert (row.name, row.examinee_category, row.full_score) == ("理论新", "退役军人", 120)
    page = place.browser("coordinator").text("/admin/subjects/")
    assert head(page) == ["序号", "科目编号", "科目名称", "考试方式", "考核证书", "考核单位", "科目状态", "操作"]
    assert "机考+笔试" in page


# -- sheets ------------------------------------------------------------------------------------------------------------

SHEETS: dict[str, tuple[str, set[str]]] = {
    "certificates": ("certificates", {"admin", "teo", "other_teo"}),
    "subjects": ("subjects", {"admin", "teo", "other_teo"}),
    "majors": ("majors", {"admin"}),
    "directory": ("directory", {"admin"}),
    "orgs": ("organisations", {"admin"}),
}
WITH_PEOPLE = {"organisations"}  # names and mobiles leave behind a code only


@pytest.mark.parametrize("page", list(SHEETS))
def test_a_set_up_sheet_is_taken_out_by_whoever_may_bring_it_in(panel: OpenPanel, page: str) -> None:
    place = panel("set_up")
    sheet, allowed = SHEETS[page]
    for login in ("admin", "teo", "other_teo", "coordinator", "province"):
        browser: Any = place.browser(login)
        wanted = 200 if login in allowed else 404
        assert browser.get(f"/admin/{page}/import/{sheet}/").status_code == wanted, login
        filled = browser.get(f"/admin/{page}/filled/{sheet}")
        assert filled.status_code == (404 if sheet in WITH_PEOPLE else wanted), login
    assert place.browser("admin").get(f"/admin/{page}/filled/candidates").status_code == 404
