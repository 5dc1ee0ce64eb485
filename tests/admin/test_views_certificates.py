"""证书签发 and 证书发放 through the browser: both parties, refusals, generation, the document and who may have it."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from sqlalchemy import select

from core.db import transaction
from core.errors import NotReady
from core.models.certificates import Certificate, CertificateIssuance, SigningRecord
from core.models.organisations import ElectronicSeal, EvaluationOrg
from core.models.plans import ExamPlan
from core.models.records import AuditEntry
from core.rules.certificates import ISSUANCE, IssuanceState, IssueMethod, Party
from tests.admin.conftest import Browser, OpenPanel, Panel, words
from tests.admin.test_views_registrations import tabs
from tests.factories import generate, one, rows

LIST = "/admin/issuances/"
DESK = "/admin/signing/"
S = IssuanceState
REASON = {"reason": "江某的成绩与试卷不符，请核对。"}


def states(year: Any) -> set[IssuanceState]:
    return {row.state for row in rows(select(CertificateIssuance))}


def verb(name: str, year: Any) -> str:
    return f"{DESK}do/{name}/?id={year['plan']}"


def offered(browser: Browser, page: str = DESK) -> set[str]:
    """Labels of the buttons in the list's last column."""
    text = browser.text(page)
    known = ("拒绝签发", "处理退回", "生成证书", "核对签发清单", "重试盖章")
    return {word for word in known if f">{word}</a>" in text}


# -- the organisation signs -------------------------------------------------------------------------------------------


@pytest.fixture
def concluded(panel: OpenPanel) -> Panel:
    return panel("concluded")


def test_eight_tabs_stand_in_the_order_of_the_states(concluded: Panel) -> None:
    counted = tabs(concluded.browser("teo").text(LIST))
    assert list(counted) == ["全部", *(state.label for state in S)]
    assert (counted["全部"], counted["培训评价组织待签发"]) == (2, 2)


def test_the_organisation_is_led_to_the_ceremony_and_the_college_is_not_yet(concluded: Panel) -> None:
    year, teo = concluded.year, concluded.browser("teo")
    address = f"/phone/qr?plan={year['plan']}&amp;party=teo"
    assert address in teo.text(DESK)
    assert address in teo.text(LIST)
    assert teo.get(address.replace("&amp;", "&")).status_code == 200
    assert "/phone/qr" not in concluded.browser("signatory").text(LIST)


def test_the_organisation_may_refuse_a_batch_with_a_reason_and_sign_it_after_all(concluded: Panel) -> None:
    year, teo = concluded.year, concluded.browser("teo")
    url = verb("reject-teo", year)
    assert teo.do(url, {"reason": "  "}).status_code == 422
    assert teo.do(url, REASON).status_code == 303
    assert states(year) == {S.TEO_REJECTED}
    assert "party=teo" in teo.text(DESK)
    year.sign("teo", year.open_signing("teo", Party.TEO))
    assert states(year) == {S.SITE_PENDING}


def test_a_single_certificate_is_refused_alone(concluded: Panel) -> None:
    year, teo = concluded.year, concluded.browser("teo")
    assert teo.do(f"{LIST}do/reject-teo/?id={year['issuance:0']}", REASON).status_code == 303
    assert one(CertificateIssuance, year["issuance:0"]).state is S.TEO_REJECTED
    assert one(CertificateIssuance, year["issuance:1"]).state is S.TEO_PENDING


def test_what_is_refused_is_what_was_shown(concluded: Panel) -> None:
    year, teo = concluded.year, concluded.browser("teo")
    seen = teo.hidden(verb("reject-teo", year))
    teo.do(f"{LIST}do/reject-teo/?id={year['issuance:0']}", REASON)
    late = teo.client.post(verb("reject-teo", year), data=seen | REASON)
    assert late.status_code == 409
    assert one(CertificateIssuance, year["issuance:1"]).state is S.TEO_PENDING


def test_checking_the_list_again_makes_nothing_twice(concluded: Panel) -> None:
    year, teo = concluded.year, concluded.browser("teo")
    teo.do(verb("list-again", year))
    assert "没有遗漏" in words(teo.get(DESK))
    assert len(rows(select(CertificateIssuance.id))) == 2


def test_a_missing_seal_is_said_with_the_way_to_it(concluded: Panel) -> None:
    year = concluded.year
    with transaction(year.actor("system")) as tx:
        tx.get(EvaluationOrg, year["org"]).seal_image = None
        for seal in tx.all(select(ElectronicSeal)):
            tx.delete(seal)
    page = concluded.browser("teo").text(DESK)
    assert "还没有上传印章" in page
    assert f"/admin/orgs/do/set_org_seal/?id={year['org']}" in page
    page = concluded.browser("signatory").text(LIST)
    assert f"/admin/colleges/do/preview_seal/?id={year['college']}" in page
    assert "请考核站点负责人先上传" in concluded.browser("reviewer").text(LIST)


# -- the college signs ------------------------------------------------------------------------------------------------


@pytest.fixture
def for_college(panel: OpenPanel) -> Panel:
    return panel("signed_by_teo")


@pytest.mark.parametrize("login", ["signatory", "reviewer"])
def test_the_college_has_a_card_that_leads_to_the_ceremony(for_college: Panel, login: str) -> None:
    page = for_college.browser(login).text(LIST)
    assert "<b>2</b>待签发" in page
    assert "签字确认" in page
    assert f"/phone/qr?plan={for_college.year['plan']}&amp;party=college" in page


def test_a_coordinator_looks_but_is_asked_for_nothing(for_college: Panel) -> None:
    browser = for_college.browser("coordinator")
    page = browser.text(LIST)
    assert "签字确认" not in page
    assert "拒绝签发</a>" not in page
    assert browser.get(DESK).status_code == 404
    assert browser.get(verb("reject-college", for_college.year)).status_code == 404


def test_a_refusal_goes_to_the_organisation_is_handled_and_signed_again(for_college: Panel) -> None:
    year, officer, teo = for_college.year, for_college.browser("signatory"), for_college.browser("teo")
    assert officer.do(verb("reject-college", year), REASON).status_code == 303
    assert states(year) == {S.SITE_REJECTED}
    assert "签字确认" not in officer.text(LIST)  # not before it has been handled (D-18)
    assert "等待培训评价组织处理" in officer.text(LIST)

    assert "处理退回" in offered(teo)
    assert REASON["reason"] in teo.text(f"{DESK}details/?id={year['plan']}")
    assert teo.do(verb("handle", year), {"note": ""}).status_code == 422
    assert teo.do(verb("handle", year), {"note": "已核对试卷，成绩无误。", "college_id": ""}).status_code == 303
    assert "处理退回" not in offered(teo)
    page = officer.text(LIST)
    assert "签字确认" in page
    assert "已处理，可重新签发" in page
    year.sign("signatory", year.open_signing("signatory", Party.COLLEGE))
    assert states(year) == {S.READY}


def test_handling_twice_is_refused_in_words(for_college: Panel) -> None:
    year, teo = for_college.year, for_college.browser("teo")
    for_college.browser("signatory").do(verb("reject-college", year), REASON)
    form = teo.hidden(verb("handle", year)) | {"note": "已处理。"}
    assert teo.client.post(verb("handle", year), data=form).status_code == 303
    again = teo.client.post(verb("handle", year), data=form | {"ticket": "another"})
    assert again.status_code == 422


# -- generation -------------------------------------------------------------------------------------------------------

ORDER = {"issue_method": "electronic", "issued_on": "2026-06-16"}


def test_ordered_before_the_college_has_signed_it_waits_for_the_signature(for_college: Panel) -> None:
    year, teo = for_college.year, for_college.browser("teo")
    page = teo.text(verb("order", year))
    assert "等待考核站点 2 张" in page
    assert "双方签发后自动生成" in page
    assert teo.do(verb("order", year), ORDER).status_code == 303
    assert states(year) == {S.SITE_PENDING}
    year.sign("signatory", year.open_signing("signatory", Party.COLLEGE))
    assert states(year) == {S.GENERATING}


def test_ordered_after_both_have_signed_it_goes_at_once(panel: OpenPanel) -> None:
    open_panel = panel("signed")
    year, teo = open_panel.year, open_panel.browser("teo")
    early = teo.do(verb("order", year), ORDER | {"issued_on": "2026-06-14"})
    assert early.status_code == 422
    assert teo.do(verb("order", year), ORDER).status_code == 303
    assert states(year) == {S.GENERATING}
    assert "2 张证书开始生成" in words(teo.get(DESK))
    assert "生成证书" not in offered(teo)
    assert {row.issue_method for row in rows(select(CertificateIssuance))} == {IssueMethod.ELECTRONIC}


class NoSeal:
    """A sealer that cannot."""

    def seal(self, *args: Any, **options: Any) -> bytes:
        raise NotReady("seal_missing", rule="R-244")


def test_a_failed_stamp_says_why_and_can_be_tried_again(panel: OpenPanel) -> None:
    open_panel = panel("ordered")
    year, teo = open_panel.year, open_panel.browser("teo")
    generate(year, year["issuance:0"], NoSeal())
    page = words(teo.get(LIST))
    assert "盖章失败" in page
    assert "重试盖章" in offered(teo, LIST)
    assert "重试盖章" not in offered(open_panel.browser("signatory"), LIST)
    url = f"{LIST}do/retry/?id={year['issuance:0']}"
    assert teo.do(url).status_code == 303
    assert one(CertificateIssuance, year["issuance:0"]).state is S.GENERATING
    generate(year, year["issuance:0"])
    assert one(CertificateIssuance, year["issuance:0"]).state is S.ISSUED


@pytest.mark.parametrize("name", ["reject-teo", "handle", "order", "list-again"])
@pytest.mark.parametrize("login", ["signatory", "reviewer", "other_teo", "other_signatory"])
def test_what_the_organisation_decides_nobody_else_does(panel: OpenPanel, name: str, login: str) -> None:
    open_panel = panel("signed_by_teo")
    browser, year = open_panel.browser(login), open_panel.year
    before = states(year)
    assert browser.get(verb(name, year)).status_code in (303, 404)
    version = str(one(ExamPlan, year["plan"]).version)
    answer = browser.post(verb(name, year), {"row_version": version, "note": "x", "shown": "1"} | ORDER | REASON)
    assert answer.status_code in (403, 404, 409, 422)
    assert states(year) == before


# -- the document -----------------------------------------------------------------------------------------------------


@pytest.fixture
def issued(panel: OpenPanel) -> Panel:
    return panel("issued")


@pytest.mark.parametrize("login", ["coordinator", "signatory", "teo"])
def test_the_document_comes_as_it_was_sealed_with_its_persons_name(issued: Panel, login: str) -> None:
    year = issued.year
    browser, ident = issued.browser(login), year["issuance:0"]
    assert "下载电子证书" in browser.text(LIST)
    answer = browser.get(f"{LIST}{ident}/certificate.pdf")
    assert answer.data.startswith(b"%PDF")
    held = one(CertificateIssuance, ident)
    name = unquote(answer.headers["Content-Disposition"].split("UTF-8''")[1])
    assert name == f"{year.students[0].name}-示例证书(初级)-{held.certificate_no}.pdf"
    assert answer.headers["Cache-Control"] == "no-store"
    taken = rows(select(AuditEntry).where(AuditEntry.action == "download", AuditEntry.object_id == ident))
    assert [entry.actor_login for entry in taken] == [login]
    assert f"/verify?no={held.certificate_no}" in browser.text(f"{LIST}details/?id={ident}")


@pytest.mark.parametrize(
    "path", ["details/?id={}", "{}/certificate.pdf", "do/reject-college/?id={}", "do/retry/?id={}"]
)
@pytest.mark.parametrize("login", ["other_coordinator", "other_signatory", "other_teo", "other_province"])
def test_somebody_elses_certificate_does_not_exist(issued: Panel, path: str, login: str) -> None:
    assert issued.browser(login).get(LIST + path.format(issued.year["issuance:0"])).status_code == 404


@pytest.mark.parametrize("login", ["province", "admin"])
def test_who_may_look_but_not_download_is_told_so(issued: Panel, login: str) -> None:
    browser, ident = issued.browser(login), issued.year["issuance:0"]
    assert "下载电子证书" not in browser.text(LIST)
    assert browser.get(f"{LIST}{ident}/certificate.pdf").status_code == 403
    assert not rows(select(AuditEntry.id).where(AuditEntry.action == "download"))


def test_there_is_no_document_before_it_is_issued(panel: OpenPanel) -> None:
    open_panel = panel("signed")
    answer = open_panel.browser("teo").get(f"{LIST}{open_panel.year['issuance:0']}/certificate.pdf")
    assert answer.status_code == 404
    assert not rows(select(Certificate.id))


def test_nothing_about_an_issued_certificate_can_be_changed(issued: Panel) -> None:
    year = issued.year
    assert offered(issued.browser("teo")) == {"核对签发清单"}
    assert offered(issued.browser("signatory"), LIST) == set()
    version = str(one(CertificateIssuance, year["issuance:0"]).version)
    for login, name in (("teo", "reject-teo"), ("signatory", "reject-college"), ("teo", "retry")):
        url = f"{LIST}do/{name}/?id={year['issuance:0']}"
        assert issued.browser(login).post(url, {"row_version": version} | REASON).status_code == 422
    assert states(year) <= ISSUANCE.finals()


@pytest.mark.parametrize(
    ("login", "sees"),
    [
        ("signatory", True),
        ("reviewer", True),
        ("teo", True),
        ("admin", True),
        ("coordinator", False),
        ("province", False),
    ],
)
def test_hand_signatures_are_for_the_two_parties_and_the_administrator(issued: Panel, login: str, sees: bool) -> None:
    browser, ident = issued.browser(login), issued.year["issuance:0"]
    record = rows(select(SigningRecord.id).where(SigningRecord.issuance_id == ident))[0]
    address = f"{LIST}{ident}/hand/{record}"
    page = browser.text(f"{LIST}details/?id={ident}")
    assert (address in page) is sees
    assert "演signatory" in page  # everybody sees who signed, and when
    answer = browser.get(address)
    assert (answer.status_code, answer.data.startswith(b"\x89PNG")) == ((200, True) if sees else (404, False))


def test_a_hand_signature_belongs_to_its_own_certificate(issued: Panel) -> None:
    year, teo = issued.year, issued.browser("teo")
    other = rows(select(SigningRecord.id).where(SigningRecord.issuance_id == year["issuance:1"]))[0]
    assert teo.get(f"{LIST}{year['issuance:0']}/hand/{other}").status_code == 404


def test_details_show_scores_rule_and_both_signatures(issued: Panel) -> None:
    page = words(issued.browser("coordinator").get(f"{LIST}details/?id={issued.year['issuance:0']}"))
    assert "加权总分不低于 60 分" in page
    assert page.index("演teo") < page.index("演signatory")
    assert "64.00" in page
