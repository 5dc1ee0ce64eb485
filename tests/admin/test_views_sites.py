"""考核站点 and 借考 in the panel: applied for, decided, lent."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import pytest
from sqlalchemy import select, update

from core.actors import SYSTEM
from core.db import transaction
from core.models.organisations import EvaluationOrg
from core.models.sites import ExamSite, SiteAllocation
from core.rules.sites import AllocationState, SiteReview, SiteStatus
from core.usecases import organisations, plans
from tests.admin.conftest import Browser, OpenPanel, Panel, words
from tests.factories import count, moment, one, plan_values, planned, rows

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"


def site_form(panel: Panel, **other: Any) -> dict[str, Any]:
    """A complete application."""
    return {
        "certificate_ids": [panel.year["certificate"], panel.year["certificate:2"]],
        "region_code": "420111",
        "address": "示例大道 1 号实训楼",
        "intro": "机房 3 间，考位充足。",
        "contact_name": "演示联系人",
        "contact_mobile": "19900000000",
        "contact_email": "site@example.com",
    } | other


@pytest.fixture
def place(panel: OpenPanel) -> Panel:
    """Colleges are pilots, nobody has a site yet; the region is known by name."""
    made = panel("approved", moment("sited"))
    with made.year.acting("admin") as tx:
        organisations.name_region(tx, code="420100", name="武汉市")
        organisations.name_region(tx, code="420111", name="洪山区")
    return made


def draft(panel: Panel, college: Browser, **other: Any) -> int:
    """A saved application; its id."""
    answer = college.do(f"/admin/sites/do/draft_site/?org={panel.year['org']}", site_form(panel, **other))
    assert answer.status_code == 303, words(answer)
    found = re.search(r"id=(\d+)", answer.location)
    assert found
    return int(found[1])


def test_a_site_goes_from_application_to_approval(place: Panel) -> None:
    college, teo = place.browser("coordinator"), place.browser("teo")
    assert "云帆示例科技有限公司" in words(college.get("/admin/sites/do/draft_site/"))
    assert "武汉市 洪山区" in words(college.get(f"/admin/sites/do/draft_site/?org={place.year['org']}"))
    site = draft(place, college)
    assert one(ExamSite, site).name == "江城示例职业技术学院示例职业技能等级证书(初级、中级)考核站点"
    assert teo.get(f"/admin/sites/details/?id={site}").status_code == 404, "a draft is the college's own business"
    assert college.do(f"/admin/sites/do/submit_site/?id={site}").status_code == 303
    assert "待审核 1" in words(teo.get("/admin/sites/"))
    assert teo.do(f"/admin/sites/do/approve_site/?id={site}").status_code == 303
    row = one(ExamSite, site)
    assert (row.review_state, row.site_state) == (SiteReview.APPROVED, SiteStatus.ENABLED)
    shown = words(college.get(f"/admin/sites/details/?id={site}"))
    assert "审核记录" in shown
    assert "培训评价组织审核 通过" in shown
    assert "示例证书（初级、中级）" in shown


def test_what_is_missing_is_named_when_an_application_is_submitted(place: Panel) -> None:
    college = place.browser("coordinator")
    site = draft(place, college, intro="", contact_email="", region_code="")
    answer = college.do(f"/admin/sites/do/submit_site/?id={site}")
    assert answer.status_code == 422
    assert "还缺少：所在区域、考点简介、联系人邮箱" in words(answer)


def test_a_wrong_mobile_is_said_beside_its_field_and_the_rest_stays_typed(place: Panel) -> None:
    college = place.browser("coordinator")
    page = f"/admin/sites/do/draft_site/?org={place.year['org']}"
    answer = college.do(page, site_form(place, contact_mobile="12345"))
    assert answer.status_code == 422
    assert 'class="field-error"' in answer.text
    assert "示例大道 1 号实训楼" in answer.text
    assert count(ExamSite) == 0


def test_a_certificate_with_a_living_application_is_not_offered_again(place: Panel) -> None:
    college = place.browser("coordinator")
    draft(place, college, certificate_ids=[place.year["certificate"]])
    page = f"/admin/sites/do/draft_site/?org={place.year['org']}"
    offered = re.findall(r'name="certificate_ids"[^>]*value="(\d+)"', college.text(page))
    assert offered == [str(place.year["certificate:2"])]
    answer = college.do(page, site_form(place))
    assert answer.status_code == 422
    assert count(ExamSite) == 1


def test_certificates_of_two_organisations_never_stand_in_one_application(place: Panel) -> None:
    college = place.browser("coordinator")
    page = f"/admin/sites/do/draft_site/?org={place.year['org']}"
    mixed = site_form(place, certificate_ids=[place.year["certificate"], place.year["other_certificate"]])
    assert college.do(page, mixed).status_code == 422
    assert count(ExamSite) == 0


def test_a_submitted_application_can_be_withdrawn_but_neither_edited_nor_deleted(place: Panel) -> None:
    college = place.browser("coordinator")
    site = draft(place, college)
    version = college.hidden(f"/admin/sites/do/delete_site/?id={site}")
    college.do(f"/admin/sites/do/submit_site/?id={site}")
    assert college.get(f"/admin/sites/do/edit_site/?id={site}").status_code == 303
    stale = college.client.post(f"/admin/sites/do/delete_site/?id={site}", data=version)
    assert stale.status_code == 409, "the page was opened before the application was submitted"
    asked = words(college.get(f"/admin/sites/do/withdraw_site/?id={site}"))
    assert "确定撤销该考核站点申报信息吗？" in asked
    assert college.do(f"/admin/sites/do/withdraw_site/?id={site}").status_code == 303
    assert one(ExamSite, site).review_state is SiteReview.DRAFT


def test_a_return_needs_a_reason_and_the_college_reads_it_to_the_second(place: Panel) -> None:
    college, teo = place.browser("coordinator"), place.browser("teo")
    site = draft(place, college)
    college.do(f"/admin/sites/do/submit_site/?id={site}")
    page = f"/admin/sites/do/return_site/?id={site}"
    assert "请写明理由" in words(teo.do(page, {"reason": " "}))
    assert teo.do(page, {"reason": "缺少申请表扫描件"}).status_code == 303
    shown = words(college.get(f"/admin/sites/details/?id={site}"))
    assert "缺少申请表扫描件" in shown
    assert re.search(r"\d\d:\d\d:\d\d 培训评价组织审核 退回", shown)
    assert college.do(f"/admin/sites/do/edit_site/?id={site}", site_form(place)).status_code == 303


def test_only_the_organisation_applied_to_decides(place: Panel) -> None:
    college, other = place.browser("coordinator"), place.browser("other_teo")
    site = draft(place, college)
    college.do(f"/admin/sites/do/submit_site/?id={site}")
    for address in (f"details/?id={site}", f"do/approve_site/?id={site}", f"do/return_site/?id={site}"):
        assert other.get(f"/admin/sites/{address}").status_code == 404
    assert place.browser("other_coordinator").get(f"/admin/sites/details/?id={site}").status_code == 404
    forged = college.post(f"/admin/sites/do/approve_site/?id={site}", {"row_version": str(one(ExamSite, site).version)})
    assert forged.status_code == 422
    assert one(ExamSite, site).review_state is SiteReview.PENDING


def test_many_are_approved_at_once_and_the_refused_ones_are_named(place: Panel) -> None:
    college, other, teo = place.browser("coordinator"), place.browser("other_coordinator"), place.browser("teo")
    first, second = draft(place, college), draft(place, other, region_code="")
    college.do(f"/admin/sites/do/submit_site/?id={first}")
    other.do(f"/admin/sites/do/edit_site/?id={second}", site_form(place, region_code=""))
    with transaction(SYSTEM) as tx:
        tx.session.execute(update(ExamSite).where(ExamSite.id == second).values(region_code="330100"))
    other.do(f"/admin/sites/do/submit_site/?id={second}")
    asked = teo.post("/admin/sites/batch/approve_site/", {"ids": [first, second]})
    assert "确定通过 2 个考核站点吗？" in words(asked)
    done = teo.post("/admin/sites/batch/approve_site/", {"ids": [first, second], "confirmed": "1", "ticket": "t"})
    assert done.status_code == 303
    assert "已通过 2 个考核站点" in words(teo.get("/admin/sites/"))
    assert {one(ExamSite, ident).review_state for ident in (first, second)} == {SiteReview.APPROVED}


def test_a_site_that_does_not_hold_what_it_promised_is_disqualified_with_a_reason(panel: OpenPanel) -> None:
    place = panel("sited")
    teo, site = place.browser("teo"), place.year["site"]
    assert teo.do(f"/admin/sites/do/disqualify_site/?id={site}", {"reason": "考位不足"}).status_code == 303
    assert one(ExamSite, site).site_state is SiteStatus.DISQUALIFIED
    assert "取消资格" not in words(teo.get(f"/admin/sites/details/?id={site}")).split("操作记录")[0]


# -- material ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def demanding(place: Panel) -> Panel:
    """The organisation wants the signed form."""
    with transaction(SYSTEM) as tx:
        tx.get(EvaluationOrg, place.year["org"]).site_material_required = True
    return place


def send(college: Browser, site: int, data: bytes, name: str) -> Any:
    page = f"/admin/sites/do/attach_material/?id={site}"
    fields = college.hidden(page) | {"file": (io.BytesIO(data), name)}
    return college.client.post(page, data=fields, content_type="multipart/form-data")


def word_file(member: str = "word/document.xml") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr(member, "<w/>")
    return out.getvalue()


def test_material_is_asked_for_kept_and_given_back_to_those_concerned(demanding: Panel) -> None:
    place = demanding
    college, teo = place.browser("coordinator"), place.browser("teo")
    site = draft(place, college)
    assert "还缺少：其他材料" in words(college.do(f"/admin/sites/do/submit_site/?id={site}"))
    assert send(college, site, PDF, "申请表（盖章）.pdf").status_code == 303
    assert college.do(f"/admin/sites/do/submit_site/?id={site}").status_code == 303
    answer = teo.get(f"/admin/sites/material/?id={site}")
    assert answer.data == PDF
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.mimetype == "application/octet-stream"
    assert place.browser("other_teo").get(f"/admin/sites/material/?id={site}").status_code == 404
    assert place.browser("other_coordinator").get(f"/admin/sites/material/?id={site}").status_code == 404


@pytest.mark.parametrize(
    ("data", "name", "kept"),
    [
        (word_file(), "申请表.pdf", "申请表.docx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"), "../a/b.doc", "..ab.doc"),
        (word_file("xl/workbook.xml"), "申请表.docx", None),
        (b"MZ\x90 not a document", "申请表.pdf", None),
        (b"<html>%PDF-</html>", "申请表.pdf", None),
        (b"PK\x03\x04 broken", "申请表.docx", None),
    ],
)
def test_material_is_known_by_its_content_and_not_by_its_name(
    demanding: Panel, data: bytes, name: str, kept: str | None
) -> None:
    college = demanding.browser("coordinator")
    site = draft(demanding, college)
    answer = send(college, site, data, name)
    assert answer.status_code == (303 if kept else 422)
    assert one(ExamSite, site).material_name == kept
    if kept is None:
        assert "这个文件不是 PDF 或 Word 文档" in words(answer)


# -- lent sites --------------------------------------------------------------------------------------------------------


def lend(panel: Panel, teo: Browser, **other: Any) -> Any:
    page = f"/admin/allocations/do/allocate_site/?plan={panel.year['plan']}"
    chosen = {
        "place": f"{panel.year['site']}:{panel.year['certificate']}",
        "borrowing_college_id": panel.year["other_college"],
    }
    return teo.do(page, chosen | other)


def test_a_site_is_lent_seen_by_both_colleges_and_taken_back(panel: OpenPanel) -> None:
    place = panel("planned")
    teo, borrower, lender = (place.browser(login) for login in ("teo", "other_coordinator", "coordinator"))
    assert "2026年第一次考核" in words(teo.get("/admin/allocations/do/allocate_site/"))
    assert lend(place, teo).status_code == 303
    for browser in (borrower, lender):
        assert "西子演示职业学院" in words(browser.get("/admin/allocations/"))
    assert borrower.get(f"/admin/sites/details/?id={place.year['site']}").status_code == 200
    twice = lend(place, teo)
    assert twice.status_code == 422
    assert "没有更改" in words(twice) or "未重复保存" in words(twice)
    (allocation,) = rows(select(SiteAllocation.id))
    assert borrower.get(f"/admin/allocations/do/cancel_allocation/?id={allocation}").status_code == 303
    assert teo.do(f"/admin/allocations/do/cancel_allocation/?id={allocation}").status_code == 303
    assert one(SiteAllocation, allocation).state is AllocationState.CANCELLED
    assert borrower.get(f"/admin/sites/details/?id={place.year['site']}").status_code == 404


def test_a_site_is_not_lent_to_its_owner_nor_for_a_certificate_the_plan_lacks(panel: OpenPanel) -> None:
    place = panel("planned")
    teo = place.browser("teo")
    owner = lend(place, teo, borrowing_college_id=place.year["college"])
    assert owner.status_code == 422
    assert "不是站点的所属院校" in words(owner)
    assert "请从列表中选择" in words(lend(place, teo, place=f"{place.year['site']}:{place.year['certificate:2']}"))
    assert count(SiteAllocation) == 0


def test_a_college_does_not_lend_and_a_foreign_plan_is_not_offered(panel: OpenPanel) -> None:
    place = panel("planned")
    assert place.browser("coordinator").get("/admin/allocations/do/allocate_site/").status_code == 404
    with place.year.acting("other_teo") as tx:
        values = plan_values(place.year, org_id=place.year["other_org"], name="别家的计划")
        foreign = plans.draft_plan(tx, **values).id
    shown = words(place.browser("teo").get(f"/admin/allocations/do/allocate_site/?plan={foreign}"))
    assert "选择考试计划" in shown
    assert "别家的计划" not in shown
    assert planned(place.year).certificate_id == place.year["certificate"]
