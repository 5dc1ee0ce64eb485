"""逾期事项, 提醒设置, and the notices that list nothing twice."""

from __future__ import annotations

import re
from datetime import time, timedelta

import pytest
from sqlalchemy import select

from core import clock
from core.models.accounts import TellingChoice, UserAccount
from core.models.records import Notification
from core.models.sites import ExamSite
from core.notifications.pilots import ApplicationDecided
from core.notifications.reminding import Burst, Reminder
from core.notifications.samples import specimens
from core.notifications.sites import SiteSubmitted
from core.rules.delegations import Duty
from core.rules.notices import DELIVERY, DeliveryState, ReplyState
from core.rules.sites import SiteReview, SiteStatus
from core.usecases import delegations, notices
from tests.admin.conftest import OpenPanel, Panel, words
from tests.channels import DEAD, install, running_channels
from tests.factories import Year, on, rows

LATER = on("2026-05-20 09:00")
DAY = timedelta(days=1)


def quiet(year: Year) -> None:
    """Everything told so far is answered, seen and out of the way."""
    with year.acting("system") as tx:
        tx.update_all(Notification, Notification.id > 0, seen_at=tx.now, delivery_state=DeliveryState.SUPPRESSED)
        tx.update_all(Notification, Notification.reply_state == ReplyState.OPEN, reply_state=ReplyState.EXPIRED)


def decided(year: Year, round_: int = 71) -> Notification:
    """A request for the coordinator's word within three days."""
    message = ApplicationDecided(year["application"], True, "", round_)
    with year.acting("system") as tx:
        tx.notify(message, to=[year["account:coordinator"]])
    found: Notification = rows(select(Notification).where(Notification.dedupe_key == message.dedupe_key()))[0]
    return found


def opened(panel: OpenPanel) -> Panel:
    """The year with everybody reached and nothing waiting."""
    place = panel("planned", LATER)
    quiet(place.year)
    with place.year.acting("system") as tx:
        tx.update_all(UserAccount, UserAccount.mobile == "", mobile="19900000001")
        tx.update_all(ExamSite, ExamSite.id > 0, updated_at=tx.now)
    return place


# -- every message there is --------------------------------------------------------------------------------------------


def test_the_administrator_reads_every_message_there_is(panel: OpenPanel) -> None:
    place = opened(panel)
    page = place.browser("admin").get("/admin/messages/")
    assert page.text.count('class="card notice"') == len(specimens())
    shown = words(page)
    assert "【待签发】" in shown
    assert "〔签字确认 500 张〕" in shown


# -- what is late ------------------------------------------------------------------------------------------------------


def test_what_stands_too_long_is_shown_to_those_it_concerns_and_mine_says_so(panel: OpenPanel) -> None:
    place = opened(panel)
    with place.year.acting("system") as tx:
        site = tx.get(ExamSite, place.year["site"])
        site.review_state, site.site_state = SiteReview.PENDING, SiteStatus.NOT_ENABLED
    with clock.pinned(LATER + 3 * DAY):
        teo = words(place.browser("teo").get("/admin/late/"))
        college = words(place.browser("coordinator").get("/admin/late/"))
        other = words(place.browser("other_coordinator").get("/admin/late/"))
    assert re.search(r"待审核 1 轮到您 由平台管理员督促 审核考核站点 已过 3 天", teo)
    assert re.search(r"待审核 1 培训评价组织 由平台管理员督促 审核考核站点", college)
    assert "审核考核站点" not in other


def test_nothing_late_is_said_in_so_many_words(panel: OpenPanel) -> None:
    page = words(opened(panel).browser("other_teo").get("/admin/late/"))
    assert "没有逾期的事项" in page
    assert "没有可用的联系方式" not in page


def test_a_request_past_its_time_names_who_is_asked_to_their_own_organisation_only(panel: OpenPanel) -> None:
    place = opened(panel)
    row = decided(place.year)
    with clock.pinned((row.due_at or LATER) + timedelta(minutes=1)):
        colleague = words(place.browser("signatory").get("/admin/late/"))
        asked = words(place.browser("coordinator").get("/admin/late/"))
        everybody = words(place.browser("admin").get("/admin/late/"))
        foreign = [words(place.browser(login).get("/admin/late/")) for login in ("other_coordinator", "teo", "city")]
    assert re.search(r"通过】.* coordinator 院校管理员 已过 3 天", colleague)
    assert "等您回复" in asked
    assert "江城示例职业技术学院" in everybody
    assert not [page for page in foreign if "没有回复的消息" in page]


def test_a_request_is_not_late_before_its_time_unless_somebody_else_was_drawn_in(panel: OpenPanel) -> None:
    place = opened(panel)
    row = decided(place.year)
    with clock.pinned(row.due_at or LATER):
        assert "没有回复的消息" not in words(place.browser("signatory").get("/admin/late/"))
    with place.year.acting("system") as tx:
        tx.get(Notification, row.id).escalations = 1
    assert "已告知负责人或增加代办人" in words(place.browser("signatory").get("/admin/late/"))
    place.year.do("coordinator", notices.acknowledge, notification_id=row.id)
    assert "没有回复的消息" not in words(place.browser("signatory").get("/admin/late/"))


def test_a_request_whose_work_is_done_is_not_shown_as_open(panel: OpenPanel) -> None:
    place = opened(panel)
    with place.year.acting("system") as tx:
        tx.notify(SiteSubmitted(place.year["site"], 77))  # the site has long been approved
    with clock.pinned(LATER + 3 * DAY):
        assert "没有回复的消息" not in words(place.browser("teo").get("/admin/late/"))


def test_a_colleague_nobody_can_reach_stands_in_red_before_the_deadline(
    panel: OpenPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = panel("planned", LATER)
    alarm = "以下同事没有可用的联系方式，消息送不到"
    college, platform = place.browser("signatory"), place.browser("admin")
    page = college.text("/admin/late/")
    assert 'class="note is-error" role="alert"' in page
    assert re.search(alarm + r".*second_coordinator 院校管理员", words(college.get("/admin/late/")))
    assert "invigilator" not in page, "whoever keeps no work is not waited for"
    assert "second_coordinator" in platform.text("/admin/late/")
    for login in ("other_signatory", "teo", "province"):
        assert alarm not in words(place.browser(login).get("/admin/late/")), login
    with place.year.acting("system") as tx:
        tx.get(UserAccount, place.year["account:second_coordinator"]).email = "a@example.com"
    assert alarm in words(college.get("/admin/late/")), "no channel of this installation carries mail"
    install(monkeypatch, DEAD, "mailto://example.org?to={email}")
    assert alarm not in words(college.get("/admin/late/"))


def test_an_officer_nobody_would_stand_in_for_is_named_to_the_college(panel: OpenPanel) -> None:
    place = panel("planned", LATER)
    alarm = "还没有默认代办人，无人回复时没有人接手"
    assert re.search(alarm + r".* signatory ", words(place.browser("coordinator").get("/admin/late/")))
    assert alarm not in words(place.browser("teo").get("/admin/late/"))
    given = {"principal_id": place.year["account:signatory"], "deputy_id": place.year["account:coordinator"]}
    propose = delegations.propose_delegation
    held = place.year.do("signatory", propose, **given, duty=Duty.SITE, is_default=True)
    assert alarm in words(place.browser("coordinator").get("/admin/late/")), "not before the person has accepted"
    place.year.do("signatory", delegations.accept_delegation, delegation_id=held.id)
    assert alarm not in words(place.browser("coordinator").get("/admin/late/"))


# -- the other channels ------------------------------------------------------------------------------------------------

KEY = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"


def test_without_channels_the_page_says_so_and_offers_none(panel: OpenPanel) -> None:
    browser = panel("planned").browser("coordinator")
    assert "本平台没有配置备用渠道" in browser.text("/admin/telling/")
    answer = browser.post("/admin/telling/channel", {"channel": "wecom", "robot": KEY})
    assert answer.status_code == 422
    assert "请从列表中选择一种渠道" in words(answer)


def test_a_person_chooses_a_robot_sees_it_kept_and_tries_it(panel: OpenPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    place = panel("planned")
    browser = place.browser("coordinator")
    with running_channels() as channels:
        install(monkeypatch, channels.sms(), channels.wecom())
        assert "目前没有可用的渠道" in browser.text("/admin/telling/")
        refused = browser.post("/admin/telling/channel", {"channel": "wecom", "robot": "短"})
        assert refused.status_code == 422
        assert "看不出这是企业微信机器人的密钥" in words(refused)
        given = {"channel": "wecom", "robot": f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}"}
        assert browser.post("/admin/telling/channel", given).status_code == 303
        page = browser.text("/admin/telling/")
        assert "目前：企业微信机器人" in page
        assert "已保存机器人地址" in page
        assert KEY not in page, "a key is not shown again"
        assert browser.post("/admin/telling/try").status_code == 303
        assert [path for path, _ in channels.posted] == [f"/wecom/{KEY}"]
        assert "已交给渠道" in browser.text("/admin/telling/")
        channels.is_down = True
        browser.post("/admin/telling/try")
        assert "没有渠道接收这条测试消息" in browser.text("/admin/telling/")
    assert "还没有答复" in place.browser("admin").text("/admin/deliveries/")


# -- notices -----------------------------------------------------------------------------------------------------------


def test_the_notices_list_a_request_once_and_the_bell_counts_it_once(panel: OpenPanel) -> None:
    place = opened(panel)
    row = decided(place.year)
    with place.year.acting("system") as tx:
        tx.notify(Reminder(row.id, 1))
        tx.notify(Burst(place.year["account:coordinator"], ApplicationDecided.kind, tx.now.isoformat()))
        burst = tx.one(select(Notification).where(Notification.kind == Burst.kind))
        held = tx.get(Notification, row.id)
        held.gathered_in = burst.id
        tx.advance(held, DELIVERY, "suppress", last_error="burst")
    browser = place.browser("coordinator")
    assert "1 条未读" in browser.text("/admin/")
    page = words(browser.get("/admin/notices/"))
    assert page.count("未读") == 1
    assert "未读 【" in page
    assert "【提醒" not in page
    assert "【合并提醒】" not in page
    assert "条未读" not in browser.text("/admin/")


# -- one's own choice --------------------------------------------------------------------------------------------------


def test_the_settings_show_how_everybody_is_told_until_one_chooses(panel: OpenPanel) -> None:
    place = panel("set_up")
    browser = place.browser("coordinator")
    page = browser.text("/admin/telling/")
    assert re.search(r'name="quiet_from"[^>]*value="22:00"', page)
    assert re.search(r'name="quiet_until"[^>]*value="07:30"', page)
    assert re.search(r'<input checked[^>]*name="wants_digest"', page)
    assert "尚未选择" in page
    assert 'href="/admin/telling/"' in browser.text("/admin/"), "in the account's menu"
    sent = browser.post("/admin/telling/", {"quiet_from": "21:15", "quiet_until": "06:00"})
    assert sent.status_code == 303
    (held,) = rows(select(TellingChoice))
    assert (held.account_id, held.quiet_from, held.quiet_until, held.wants_digest) == (
        place.year["account:coordinator"], time(21, 15), time(6), False,
    )  # fmt: skip
    page = browser.text("/admin/telling/")
    assert re.search(r'name="quiet_from"[^>]*value="21:15"', page)
    assert "尚未选择" not in page


@pytest.mark.parametrize(
    ("begins", "ends", "said"),
    [
        ("18:00", "08:01", "静默时段最长 14 小时"),
        ("25:00", "08:00", "请按“时:分”填写"),
        ("", "08:00", "请填写时间"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_in_words_and_kept_on_the_page(
    begins: str, ends: str, said: str, panel: OpenPanel
) -> None:
    browser = panel("set_up").browser("coordinator")
    answer = browser.post("/admin/telling/", {"quiet_from": begins, "quiet_until": ends, "wants_digest": "y"})
    assert answer.status_code == 422
    assert said in words(answer)
    assert f'value="{ends}"' in answer.text
    assert rows(select(TellingChoice)) == []


def test_equal_times_are_no_silence(panel: OpenPanel) -> None:
    place = opened(panel)
    answer = place.browser("coordinator").post("/admin/telling/", {"quiet_from": "00:00", "quiet_until": "00:00"})
    assert answer.status_code == 303
    with clock.pinned(on("2026-05-20 23:00")):
        assert decided(place.year).next_attempt_at == clock.now()
