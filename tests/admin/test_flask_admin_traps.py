"""What Flask-Admin would do by itself (stack.md §0), and that here it does not."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from flask import url_for
from sqlalchemy.exc import IntegrityError

from admin.menu import panel_views
from admin.session import reader
from core.models.organisations import College
from core.models.pilots import PilotApplication, Quota
from tests.admin.conftest import OpenPanel, Panel, words
from tests.factories import census, one

OWN_WRITES = ("new/", "edit/?id=1", "delete/", "action/", "ajax/update/", "ajax/lookup/?name=x", "export/csv/")


def views(place: Panel) -> list[Any]:
    """Every registered view of the panel that shows a table."""
    with place.app.test_request_context():
        return [view for view in panel_views() if getattr(view, "model", None) is not None]


@pytest.mark.parametrize("address", OWN_WRITES)
def test_no_list_has_an_address_through_which_flask_admin_itself_writes(panel: OpenPanel, address: str) -> None:
    place = panel("applied")
    browser = place.browser("admin")
    before = census()
    for view in views(place):
        url = f"/admin/{view.slug}/{address}"
        assert browser.get(url).status_code in (403, 404, 405), url
        assert browser.post(url, {"list_form_pk": "1", "name": "changed", "id": "1"}).status_code in (403, 404, 405), (
            url
        )
    assert census() == before


def test_the_write_methods_of_every_view_do_nothing(panel: OpenPanel) -> None:
    place = panel("applied")
    for view in views(place):
        with place.app.test_request_context():
            assert view.create_model(None) is False
            assert view.update_model(None, None) is False
            assert view.delete_model(None) is False
            assert view.is_action_allowed("delete") is False
        assert [view.can_create, view.can_edit, view.can_delete, view.can_export] == [False] * 4, view.slug


def test_an_exception_never_flashes_sql_or_what_somebody_typed(
    panel: OpenPanel, caplog: pytest.LogCaptureFixture
) -> None:
    place = panel("set_up")
    clash = IntegrityError(
        "INSERT INTO candidates (id_number) VALUES (?)", ("110101200001011237",), Exception("UNIQUE")
    )
    with caplog.at_level(logging.DEBUG):
        for view in views(place):
            with place.app.test_request_context() as context:
                assert view.handle_view_exception(clash) is True
                said = str(context.session.get("_flashes"))
                assert not re.search("110101200001011237|INSERT", said)
    assert "110101200001011237" not in caplog.text


def test_a_row_out_of_scope_does_not_exist_whatever_the_address_says(panel: OpenPanel) -> None:
    place = panel("approved")
    theirs = place.year["other_application"]
    browser = place.browser("coordinator")
    for url in (
        f"/admin/applications/details/?id={theirs}",
        f"/admin/applications/do/edit/?id={theirs}",
        f"/admin/applications/do/submit_application/?id={theirs}",
        f"/admin/colleges/details/?id={place.year['other_college']}",
        f"/admin/quotas/details/?id={place.year['other_quota']}",
    ):
        assert browser.get(url).status_code == 404, url
    assert browser.post(f"/admin/applications/do/delete_application/?id={theirs}").status_code == 404


@pytest.mark.parametrize("ident", ["abc", "-1", "1;drop", "99999999999999999999", "1.5", "", "１"])
def test_an_id_that_is_no_number_is_no_row(panel: OpenPanel, ident: str) -> None:
    browser = panel("applied").browser("province")
    assert browser.get("/admin/applications/details/", query_string={"id": ident}).status_code == 404
    assert browser.get("/admin/applications/do/approve_application/", query_string={"id": ident}).status_code == 404


def test_an_old_form_does_not_overwrite_what_somebody_else_has_changed(panel: OpenPanel) -> None:
    place = panel("approved")
    url = f"/admin/quotas/do/adjust_quota/?id={place.year['quota']}"
    first, second = place.browser("province"), place.browser("province")
    old = second.hidden(url)
    assert first.do(url, {"granted": "6", "reason": "扩大试点"}).status_code == 303
    answer = second.client.post(url, data=old | {"granted": "9", "reason": "也想改"})
    assert answer.status_code == 409
    assert "记录已被他人修改" in words(answer)
    assert "重新载入" in words(answer)
    assert one(Quota, place.year["quota"]).granted == 6


def test_leaving_out_the_version_is_no_way_around_it(panel: OpenPanel) -> None:
    place = panel("approved")
    url = f"/admin/quotas/do/adjust_quota/?id={place.year['quota']}"
    answer = place.browser("province").post(url, {"granted": "9", "reason": "没有版本"})
    assert answer.status_code in (409, 303)
    browser = place.browser("province")
    answer = browser.do(url, {"granted": "9", "reason": "空版本", "row_version": ""})
    assert answer.status_code == 409


@pytest.mark.parametrize(
    "query",
    [
        "flt0_0=no-such-thing&flt1_1=%00&flt2_2=99999999999999999999",
        "flt0_state_equals=nonsense&flt9_99=x&flt_=&flt=1",
        "page=-5&page_size=99999999&sort=99&desc=x&tab=77",
        "page=9999999999&goto=99999999999999&tab=-1",
        "search=%00%25_%27%22--",
        "url=http://evil.example",
    ],
)
def test_no_address_breaks_a_list(panel: OpenPanel, query: str) -> None:
    place = panel("planned")
    browser = place.browser("admin")
    for view in views(place):
        if browser.get(f"/admin/{view.slug}/").status_code == 404:
            continue  # not the administrator's business
        page = browser.get(f"/admin/{view.slug}/?{query}")
        assert page.status_code == 200, f"{view.slug}?{query}"
        assert not re.search(r'(href|action)="[^/]*//evil', page.text), view.slug


def test_filters_find_what_they_say(panel: OpenPanel) -> None:
    browser = panel("approved").browser("admin")
    both = browser.text("/admin/colleges/")
    assert "江城示例职业技术学院" in both
    assert "西子演示职业学院" in both
    one_of_them = browser.text("/admin/colleges/?flt1_1=江城")
    assert "江城示例职业技术学院" in one_of_them
    assert "西子演示职业学院" not in one_of_them
    assert "没有符合条件的记录" in words(browser.get("/admin/colleges/?flt1_1=%25"))


def test_a_filter_on_a_state_takes_its_words_only(panel: OpenPanel) -> None:
    place = panel("approved")
    with place.app.test_request_context():
        view = next(view for view in views(place) if view.model is College)
        among = next(flt for flt in view._filters if flt.control == "select")
        assert [word for _, word in among.choices()] == ["本科", "高职(专科)", "中职"]
        assert not among.validate("nonsense")
        assert among.validate(among.choices()[0][0])


def test_page_sizes_are_those_offered(panel: OpenPanel) -> None:
    browser = panel("approved").browser("admin")
    page = browser.text("/admin/trail/?page_size=99999")
    assert page.count("<tr>") <= 101


def test_the_panels_reading_session_cannot_write(panel: OpenPanel) -> None:
    place = panel("approved")
    with place.app.test_request_context():
        assert reader().get_bind().get_execution_options()["write"] is False
        application = reader().get_one(PilotApplication, place.year["application"])
        application.faculty_description = "changed on the way"
        reader().flush()
    assert one(PilotApplication, place.year["application"]).faculty_description != "changed on the way"


def test_a_type_error_in_a_page_does_not_run_it_twice(panel: OpenPanel) -> None:
    place = panel("set_up")
    calls = []

    def broken(view: Any) -> None:
        calls.append(view)
        raise TypeError("a bug")

    view = views(place)[0]
    with place.app.test_request_context(), pytest.raises(TypeError, match="a bug"):
        view._run_view(broken)
    assert len(calls) == 1
    with place.app.test_request_context():
        assert url_for(f"{view.endpoint}.index_view").startswith("/admin/")
