"""机构管理 in the panel: what each keeps up itself (R-014 to R-016), the directory, the seal seen first (R-257)."""

from __future__ import annotations

import io
import re

import pytest
from sqlalchemy import select

from core.models.organisations import (
    CertificateOfficer,
    College,
    EducationAuthority,
    ElectronicSeal,
    EvaluationOrg,
    InstitutionDirectoryEntry,
)
from core.rules.organisations import SealState, Switch
from core.usecases import organisations
from tests.admin.conftest import Browser, OpenPanel, words
from tests.factories import count, logo_png, one, rows, seal_png

OWN = {
    "address": "示例大道 9 号", "website": "www.college.example", "contact_name": "演联系人",
    "contact_mobile": "19900000009", "contact_email": "a@example.com", "intro": "第一行\n第二行",
}  # fmt: skip


# -- colleges ----------------------------------------------------------------------------------------------------------


def test_a_college_edits_its_record_in_the_order_of_the_manual(panel: OpenPanel) -> None:
    """R-014, §8.1: fixed facts are shown, not asked for."""
    place = panel("set_up")
    college, ident = place.browser("coordinator"), place.year["college"]
    address = f"/admin/colleges/do/edit_own_college/?id={ident}"
    page = college.text(address)
    shown = ["院校类型", "院校名称", "统一社会信用代码", "院校代码", "主管单位", "院校属性"]
    asked = ["院校网址", "所在区县", "详细地址", "院校 LOGO", "院校简介", "联系人姓名", "联系人手机号", "联系人邮箱"]
    places = [page.index(f">{word}<") for word in shown + asked]
    assert places == sorted(places)
    assert "甲省教育厅（演示）" in page
    assert "试点院校机构" in page
    for fixed in ("name", "college_code", "college_type", "uscc"):
        assert f'name="{fixed}"' not in page
    assert college.do(address, OWN | {"logo": (io.BytesIO(logo_png()), "a.png")}).status_code == 303
    row = one(College, ident)
    assert (row.website, row.intro) == ("http://www.college.example", "第一行\n第二行")
    sneaky = {"logo": (io.BytesIO(logo_png()), "a.png"), "name": "改名", "state": "disabled"}
    assert college.do(address, OWN | sneaky).status_code == 303
    assert one(College, ident).name == "江城示例职业技术学院"


@pytest.mark.parametrize("side", [99, 101])
def test_a_logo_of_another_size_is_refused_in_words(panel: OpenPanel, side: int) -> None:
    """R-015."""
    place = panel("set_up")
    address = f"/admin/colleges/do/edit_own_college/?id={place.year['college']}"
    answer = place.browser("coordinator").do(address, OWN | {"logo": (io.BytesIO(logo_png(side)), "a.png")})
    assert answer.status_code == 422
    assert f"LOGO 为 {side}×{side} 像素，应为 100×100 像素。" in words(answer)


def test_the_logo_shows_on_the_page_and_to_nobody_elses_college(panel: OpenPanel) -> None:
    place = panel("set_up")
    college, ident = place.browser("coordinator"), place.year["college"]
    address = f"/admin/colleges/{ident}/logo"
    assert college.get(address).status_code == 404
    college.do(f"/admin/colleges/do/edit_own_college/?id={ident}", OWN | {"logo": (io.BytesIO(logo_png()), "a.png")})
    assert college.get(address).data == logo_png()
    assert address in college.text(f"/admin/colleges/details/?id={ident}")
    assert place.browser("other_coordinator").get(address).status_code == 404


def test_the_platform_edits_what_is_fixed_and_switches_a_college_off(panel: OpenPanel) -> None:
    """§3.4, §8.7: its people are out in the middle of their work."""
    place = panel("set_up")
    place.year.do("admin", organisations.name_region, code="420111", name="洪山区")
    admin, college, ident = place.browser("admin"), place.browser("coordinator"), place.year["college"]
    given = {"name": "改名学院", "college_type": "undergraduate", "district_code": "420111", "uscc": ""}
    assert admin.do(f"/admin/colleges/do/edit_college/?id={ident}", given).status_code == 303
    assert one(College, ident).name == "改名学院"
    assert college.get("/admin/colleges/").status_code == 200
    assert admin.do(f"/admin/colleges/do/disable/?id={ident}").status_code == 303
    assert college.get("/admin/colleges/").status_code == 302
    assert one(College, ident).state is Switch.DISABLED
    assert admin.get(f"/admin/colleges/details/?id={ident}").status_code == 200


def test_a_college_names_its_officers(panel: OpenPanel) -> None:
    """§2.1 证书负责人."""
    place = panel("approved")
    college = place.browser("coordinator")
    page = college.text("/admin/officers/do/name_certificate_officer/")
    assert page.count("示例证书(") == 1
    given = {"certificate_id": place.year["certificate"], "name": "演负责", "mobile": "19900000001", "email": ""}
    assert college.do("/admin/officers/do/name_certificate_officer/", given).status_code == 303
    (row,) = rows(select(CertificateOfficer))
    assert "演负责" in college.text(f"/admin/colleges/details/?id={place.year['college']}")
    assert (
        college.do(f"/admin/officers/do/edit_certificate_officer/?id={row.id}", {"name": "演接任"}).status_code == 303
    )
    assert college.do(f"/admin/officers/do/remove_certificate_officer/?id={row.id}").status_code == 303
    assert count(CertificateOfficer) == 0


# -- the seal ----------------------------------------------------------------------------------------------------------


def look(browser: Browser, ident: int, image: bytes) -> str:
    """Upload a seal and get the preview."""
    answer = browser.do(
        f"/admin/colleges/do/preview_seal/?id={ident}",
        {"officer_name": "演签发", "image": (io.BytesIO(image), "a.png")},
    )
    assert answer.status_code == 200, words(answer)
    return str(answer.text)


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of the acceptance."""
    form = page[page.index('action="/admin/colleges/do/activate_seal/') :]
    return dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form)) | dict(
        re.findall(r'<input[^>]*name="([^"]+)"[^>]*type="hidden"[^>]*value="([^"]*)"', form)
    )


def active(college_id: int) -> list[str]:
    """Digests of the seals in use."""
    mine = (ElectronicSeal.college_id == college_id, ElectronicSeal.state == SealState.ACTIVE)
    return rows(select(ElectronicSeal.image_hash).where(*mine))


def test_a_seal_is_seen_on_a_sample_before_it_is_in_use(panel: OpenPanel) -> None:
    """R-257, R-258: upload, look, read the letter, accept."""
    place = panel("set_up")
    officer, ident = place.browser("signatory"), place.year["college"]
    before = active(ident)
    page = look(officer, ident, seal_png(99))
    assert 'src="data:image/png;base64,' in page
    assert "授权委托" in page
    assert active(ident) == before
    fields = hidden(page)
    address = f"/admin/colleges/do/activate_seal/?id={ident}"
    refused = officer.client.post(address, data=fields)
    assert refused.status_code == 422
    assert "请阅读授权委托书并勾选" in words(refused)
    assert 'src="data:image/png;base64,' in refused.text
    assert active(ident) == before
    assert officer.client.post(address, data=fields | {"has_accepted": "y"}).status_code == 303
    assert active(ident) != before
    assert len(active(ident)) == 1
    later = officer.text(f"/admin/colleges/{ident}/seal")
    assert 'src="data:image/png;base64,' in later
    assert "activate_seal" not in later


@pytest.mark.parametrize("sent", ["", "!!!", "aGVsbG8=", "A" * 50])
def test_a_tampered_acceptance_is_refused_like_a_bad_upload(panel: OpenPanel, sent: str) -> None:
    """R-256."""
    place = panel("set_up")
    officer, ident = place.browser("signatory"), place.year["college"]
    fields = hidden(look(officer, ident, seal_png(99))) | {"has_accepted": "y", "image": sent}
    before = active(ident)
    answer = officer.client.post(f"/admin/colleges/do/activate_seal/?id={ident}", data=fields)
    assert answer.status_code == 422
    assert active(ident) == before


def test_a_bad_picture_never_gets_to_the_preview(panel: OpenPanel) -> None:
    """R-256, R-257: bad → upload again."""
    place = panel("set_up")
    answer = place.browser("signatory").do(
        f"/admin/colleges/do/preview_seal/?id={place.year['college']}",
        {"officer_name": "演签发", "image": (io.BytesIO(logo_png()), "a.png")},
    )
    assert answer.status_code == 422


@pytest.mark.parametrize("login", ["coordinator", "reviewer", "admin", "other_signatory", "teo", "province"])
def test_the_effect_is_for_the_signing_officer_alone(panel: OpenPanel, login: str) -> None:
    """R-254."""
    place = panel("set_up")
    assert place.browser(login).get(f"/admin/colleges/{place.year['college']}/seal").status_code == 404


# -- organisations and authorities -------------------------------------------------------------------------------------


def test_a_college_sees_the_organisations_of_its_pilots_with_their_number(panel: OpenPanel) -> None:
    """R-016, §8.1."""
    place = panel("approved")
    page = place.browser("coordinator").text("/admin/orgs/")
    found = re.search(r"<thead>(.*?)</thead>", page, re.S)
    assert found
    assert re.findall(r">([^<>\s]+)<", found[1]) == [
        "序号", "机构代码", "机构名称", "已试点证书数量", "机构状态", "操作",
    ]  # fmt: skip
    assert '<td data-label="已试点证书数量">1</td>' in page
    detail = words(place.browser("coordinator").get(f"/admin/orgs/details/?id={place.year['org']}"))
    assert "已试点的证书信息" in detail
    assert "示例证书" in detail
    assert "已试点证书数量" not in place.browser("admin").text("/admin/orgs/")


def test_a_teo_edits_how_it_works(panel: OpenPanel) -> None:
    """§2.4."""
    place = panel("set_up")
    given = {
        "website": "", "address": "示例路 2 号", "intro": "", "contact_name": "演联系人",
        "contact_mobile": "19900000008", "contact_email": "b@example.com", "is_platform_payment": "y",
        "invigilator_mode": "auto", "review_mailbox": "c@example.com", "review_phone": "",
        "site_material_required": "y", "site_material_note": "盖章的申请表",
    }  # fmt: skip
    address = f"/admin/orgs/do/edit_own_org/?id={place.year['org']}"
    assert place.browser("teo").do(address, given).status_code == 303
    row = one(EvaluationOrg, place.year["org"])
    assert (row.is_platform_payment, row.review_mailbox) == (True, "c@example.com")
    missing = place.browser("teo").do(address, given | {"site_material_note": ""})
    assert missing.status_code == 422
    assert "佐证材料说明" in words(missing)


def test_an_authority_edits_its_contact(panel: OpenPanel) -> None:
    """§2.3, R-021."""
    place = panel("set_up")
    address = f"/admin/authorities/do/edit_own_authority/?id={place.year['province']}"
    given = {"contact_name": "演联系人", "contact_phone": "027-0000-0009"}
    assert place.browser("province").do(address, given).status_code == 303
    assert one(EducationAuthority, place.year["province"]).contact_phone == "027-0000-0009"


# -- 院校名录, 行政区划 ------------------------------------------------------------------------------------------------


def test_the_directory_is_listed_added_to_and_filtered_by_place(panel: OpenPanel) -> None:
    """§2.2, §8.7."""
    place = panel("set_up")
    admin = place.browser("admin")
    for code, name in (("420100", "武汉市"), ("330000", "浙江省"), ("330100", "杭州市")):
        assert admin.do("/admin/regions/do/name_region/", {"code": code, "name": name}).status_code == 303
    for code, name, city in (("4142010977", "甲示例学院", "420100"), ("4133010978", "乙示例学院", "330100")):
        given = {"code": code, "name": name, "city_code": city, "college_type": ""}
        assert admin.do("/admin/directory/do/create_entry/", given).status_code == 303
    again = admin.do("/admin/directory/do/create_entry/", given)
    assert again.status_code == 422
    assert "院校名录里已有" in words(again)
    page = admin.text("/admin/directory/")
    assert "未注册" in page
    by_city = re.search(r'<select id="(flt[^"]+)"[^>]*>(?:(?!</select>).)*杭州市', page, re.S)
    assert by_city
    province = re.findall(r'<select id="(flt[^"]+)"', page)[0]
    only = admin.text(f"/admin/directory/?{province}=33")
    assert "乙示例学院" in only
    assert "甲示例学院" not in only
    (row,) = rows(select(InstitutionDirectoryEntry).where(InstitutionDirectoryEntry.code == "4142010977"))
    changed = {"name": "改名学院", "city_code": "420100", "college_type": "secondary"}
    assert admin.do(f"/admin/directory/do/edit_entry/?id={row.id}", changed).status_code == 303
    mine = place.browser("province").text("/admin/directory/")
    assert "改名学院" in mine
    assert "乙示例学院" not in mine
