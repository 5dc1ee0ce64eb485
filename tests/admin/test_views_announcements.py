"""通知公告 in the panel: drafted, published after a recap, read and confirmed, and who has not (§2.38)."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import select

from core import clock
from core.models.announcements import Announcement
from core.rules.announcements import AnnouncementKind, AnnouncementState
from core.rules.organisations import Role
from core.usecases import announcements
from tests.admin.conftest import OpenPanel
from tests.factories import Year, count, one, rows

PAGE = "/admin/announcements/"


def drafted(year: Year, **other: object) -> int:
    given = {
        "kind": AnnouncementKind.NOTICE,
        "title": "考点网络保障",
        "body": "请检查<b>备用</b>线路。\n\n考前一周完成。",
        "roles": [Role.COORDINATOR],
        "is_receipt_asked": True,
        "answer_until": clock.now() + timedelta(days=3),
    }
    return int(year.do("teo", announcements.draft_announcement, **(given | other)).id)


def published(year: Year) -> int:
    ident = drafted(year)
    year.do("teo", announcements.publish_announcement, announcement_id=ident)
    return ident


def test_a_teo_writes_recaps_and_publishes(panel: OpenPanel) -> None:
    place = panel("planned")
    browser = place.browser("teo")
    form = browser.text(f"{PAGE}do/draft_announcement/")
    assert "院校管理员" in form
    assert "地市级教育局" not in form
    until = clock.local(clock.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    sent = {
        "kind": "notice",
        "title": "考点网络保障",
        "body": "请检查备用线路。",
        "roles": ["coordinator", "signatory"],
        "is_receipt_asked": "y",
        "answer_until": until,
    }
    assert browser.post(f"{PAGE}do/draft_announcement/", sent).status_code == 303
    (ident,) = rows(select(Announcement.id))
    recap = browser.text(f"{PAGE}do/publish_announcement/?id={ident}")
    assert "5 人" in recap
    assert "院校管理员、考核站点负责人" in recap
    assert browser.post(f"{PAGE}do/publish_announcement/?id={ident}").status_code == 303
    assert one(Announcement, ident).state is AnnouncementState.PUBLISHED


def test_a_refusal_keeps_what_was_typed_and_says_the_way_out(panel: OpenPanel) -> None:
    place = panel("planned")
    sent = {
        "kind": "notice",
        "title": "考点网络",
        "body": "请检查。",
        "roles": ["coordinator"],
        "is_receipt_asked": "y",
    }
    answer = place.browser("teo").post(f"{PAGE}do/draft_announcement/", sent)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "须写明截止时间" in page
    assert "考点网络" in page
    assert count(Announcement) == 0


def test_a_reader_reads_the_text_as_text_and_confirms_once(panel: OpenPanel) -> None:
    place = panel("planned")
    ident = published(place.year)
    browser = place.browser("coordinator")
    assert "待您确认" in browser.text(PAGE)
    page = browser.text(f"{PAGE}details/?id={ident}")
    assert "<p>请检查&lt;b&gt;备用&lt;/b&gt;线路。</p><p>考前一周完成。</p>" in page
    assert "收件人" not in page
    assert "confirm_reading" in page
    assert browser.post(f"{PAGE}do/confirm_reading/?id={ident}").status_code == 303
    page = browser.text(f"{PAGE}details/?id={ident}")
    assert "confirm_reading" not in page
    assert "已确认" in page


def test_the_issuer_sees_who_has_not_confirmed_and_by_which_way_they_were_told(panel: OpenPanel) -> None:
    place = panel("planned")
    ident = published(place.year)
    place.year.do("coordinator", announcements.confirm_reading, announcement_id=ident)
    browser = place.browser("teo")
    assert "已确认 1 人，共 3 人" in browser.text(PAGE)
    page = re.sub(r"<[^>]+>|\s+", " ", browser.text(f"{PAGE}details/?id={ident}"))
    assert "收件人 3 人" in page
    assert page.index("second_coordinator") < page.rindex(" coordinator "), "those who have not come first"
    assert "待回复（提醒 0 次）" in page


def test_a_draft_is_seen_by_its_own_house_and_what_is_told_by_whom_it_addresses(panel: OpenPanel) -> None:
    place = panel("planned")
    draft, told = drafted(place.year), published(place.year)
    sees = {"teo": (200, 200), "admin": (200, 200), "coordinator": (404, 200), "signatory": (404, 404),
            "other_teo": (404, 404), "province": (404, 404)}  # fmt: skip
    for login, expected in sees.items():
        browser = place.browser(login)
        found = tuple(browser.get(f"{PAGE}details/?id={ident}").status_code for ident in (draft, told))
        assert found == expected, login
