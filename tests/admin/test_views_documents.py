"""Tickets, sign-in sheets and labels as downloads: after publication, within one's own, and never as an error page."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from sqlalchemy import select

from core.models.plans import ExamPlan
from core.models.records import AuditEntry
from core.usecases.arrangement import publish_arrangement
from core.usecases.printing import KINDS
from tests.admin.conftest import OpenPanel, Panel, words
from tests.factories import one, rows


@pytest.fixture
def published(panel: OpenPanel) -> Panel:
    """Seats are public."""
    place = panel("arranged")
    place.year.do("teo", publish_arrangement, plan_id=place.year["plan"])
    return place


def address(panel: Panel, kind: str = "ticket", **other: object) -> str:
    chosen = {"plan": panel.year["plan"]} | other
    return f"/admin/documents/{kind}?" + "&".join(f"{name}={value}" for name, value in chosen.items())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_comes_as_a_pdf_with_a_chinese_name(published: Panel, kind: str) -> None:
    answer = published.browser("coordinator").get(address(published, kind))
    assert answer.status_code == 200
    assert answer.mimetype == "application/pdf"
    assert answer.data.startswith(b"%PDF-")
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    disposition = answer.headers["Content-Disposition"]
    assert disposition.isascii()
    plan_no = one(ExamPlan, published.year["plan"]).plan_no
    assert unquote(disposition) == f"attachment; filename*=UTF-8''{plan_no}-{KINDS[kind]}.pdf"
    assert rows(select(AuditEntry.id).where(AuditEntry.action == f"print_{kind}")), "nothing is taken without a trace"


def test_a_download_can_be_narrowed_to_a_site_and_a_room_and_its_name_is_safe(published: Panel) -> None:
    college = published.browser("coordinator")
    answer = college.get(address(published, "sign-in", site=published.year["site"], room="实训楼 theory"))
    assert answer.status_code == 200
    assert "实训楼 theory.pdf" in unquote(answer.headers["Content-Disposition"])
    evil = college.get(address(published, "sign-in", room="x%22%0d%0aSet-Cookie:%20a=b/../y"))
    assert evil.status_code == 303, "no such room: said in words"
    assert "Set-Cookie: a=b" not in str(evil.headers)


def test_before_publication_it_is_refused_with_a_sentence_on_the_page_one_came_from(panel: OpenPanel) -> None:
    place = panel("arranged")
    college = place.browser("coordinator")
    page = f"/admin/plans/details/?id={place.year['plan']}"
    answer = college.get(address(place, back=page.replace("?", "%3F")))
    assert answer.status_code == 303
    assert answer.location.endswith(page)
    assert "排考尚未发布" in words(college.get(page))
    assert "/admin/documents/" not in college.text(page)


def test_the_way_back_never_leaves_the_panel(panel: OpenPanel) -> None:
    place = panel("arranged")
    for back in ("https://evil.example/", "//evil.example/", "/admin/documents/ticket", "/admin/\\evil"):
        answer = place.browser("coordinator").get(address(place, back=back))
        assert answer.location.endswith(f"/admin/plans/details/?id={place.year['plan']}"), back


def test_buttons_appear_where_there_is_something_to_download(published: Panel) -> None:
    college = published.browser("coordinator")
    for page in (
        f"/admin/plans/details/?id={published.year['plan']}",
        f"/admin/seating/details/?id={published.year['plan']}",
        f"/admin/rooms/details/?id={published.year['room:theory']}",
    ):
        assert "/admin/documents/ticket?plan=" in college.text(page), page
    admin = published.browser("admin").text(f"/admin/seating/details/?id={published.year['plan']}")
    assert "/admin/documents/" not in admin


def test_documents_of_others_do_not_exist(published: Panel) -> None:
    for login in ("other_teo", "province", "admin", "invigilator", "reviewer"):
        assert published.browser(login).get(address(published)).status_code == 404, login
    college = published.browser("coordinator")
    assert college.get(address(published, "diploma")).status_code == 404
    assert college.get(address(published, site=published.year["other_site"])).status_code == 404
    assert college.get("/admin/documents/ticket?plan=x").status_code == 404
    assert college.get("/admin/documents/").status_code == 404
    nothing = published.browser("other_coordinator").get(address(published))
    assert nothing.status_code == 303, "takes part, but nobody of its own sits there"
    stranger = published.app.test_client().get(address(published))
    assert stranger.status_code == 302
    assert "/admin/login" in stranger.location
