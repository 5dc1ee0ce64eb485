"""What is late, what was delivered and one's own quiet hours, at a desk and under a finger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from core import clock
from core.models.records import Notification
from core.models.sites import ExamSite
from core.notifications.pilots import ApplicationDecided
from core.rules.notices import DeliveryState, ReplyState
from core.rules.sites import SiteReview, SiteStatus
from tests.admin.conftest import PASSWORD, give_password
from tests.browser.ground import aside, fits, low, served
from tests.factories import SECOND, Year, Years, on, stage_folder, years

__all__ = ["stage_folder", "years"]

pytestmark = pytest.mark.browser
NOON, DAY = on("2026-05-20 12:00"), timedelta(days=1)
ACTS = "main button, main .btn-quiet, main a.act, main input:not([type=hidden]):not([type=checkbox]), main .switch a"
D = DeliveryState


def furnish(year: Year) -> None:
    """A request nobody answers, a site nobody looks at, and a week of messages that fared differently."""
    with year.acting("system") as tx:
        tx.update_all(Notification, Notification.reply_state == ReplyState.OPEN, reply_state=ReplyState.EXPIRED)
        for number, state, why in (
            (70, D.FAILED, "Forbidden"),
            (71, D.FAILED, "BadRequest"),
            (72, D.SUPPRESSED, "no chat"),
            (73, D.SUPPRESSED, "digest"),
            (74, D.PENDING, None),
        ):
            tx.notify(ApplicationDecided(year["application"], True, "", number), to=[year["account:coordinator"]])
            row = tx.one(select(Notification).order_by(Notification.id.desc()).limit(1))
            row.delivery_state, row.last_error, row.created_at = state, why, NOON - number % 3 * DAY
        for number in range(40):
            tx.notify(ApplicationDecided(year["application"], True, "", 100 + number), to=[year["account:signatory"]])
            row = tx.one(select(Notification).order_by(Notification.id.desc()).limit(1))
            row.delivery_state, row.created_at = D.DELIVERED, NOON - number % 5 * DAY
            row.reply_state = ReplyState.ACKNOWLEDGED if number % 3 else ReplyState.EXPIRED
            row.not_before, row.delivered_at = row.created_at, row.created_at + (2 + number) * SECOND
        site = tx.get(ExamSite, year["site"])
        site.review_state, site.site_state = SiteReview.PENDING, SiteStatus.NOT_ENABLED


@pytest.fixture
def site(years: Years) -> Iterator[str]:
    """The application three days later, and its address."""

    def prepare() -> None:
        year = years("planned")
        furnish(year)
        for login in ("coordinator", "admin"):
            give_password(year, login)

    with clock.pinned(NOON):
        aside(prepare)
    with clock.pinned(NOON + 4 * DAY), served() as address:
        yield address


@pytest.mark.parametrize("looks", ["page", "phone"])
def test_late_things_deliveries_and_the_own_choice_fit_the_screen(
    looks: str, site: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    tab: Page = request.getfixturevalue(looks)

    def looked_at(name: str) -> None:
        tab.screenshot(path=str(tmp_path / f"{looks}-{name}.png"), full_page=True)
        assert fits(tab), name
        if looks == "phone":
            assert low(tab.locator(ACTS)) == [], name

    def enter(login: str) -> None:
        tab.goto(f"{site}/admin/login")
        tab.get_by_label("账号", exact=True).fill(login)
        tab.get_by_label("密码", exact=True).fill(PASSWORD)
        tab.get_by_role("button", name="登录").click()

    enter("coordinator")
    tab.goto(f"{site}/admin/late/")
    expect(tab.get_by_role("alert")).to_contain_text("second_coordinator")
    expect(tab.get_by_text("审核考核站点")).to_be_visible()
    expect(tab.get_by_text("等您回复").first).to_be_visible()
    looked_at("late")

    tab.goto(f"{site}/admin/telling/")
    tab.get_by_label("静默开始").fill("18:00")
    tab.get_by_label("静默结束").fill("09:00")
    tab.get_by_role("button", name="保存").click()
    expect(tab.get_by_role("alert")).to_contain_text("最长 14 小时")
    looked_at("telling")
    tab.get_by_label("静默结束").fill("08:00")
    tab.get_by_label("把只需知悉的消息").uncheck()
    tab.get_by_role("button", name="保存").click()
    expect(tab.get_by_role("status")).to_contain_text("已保存")
    expect(tab.get_by_label("静默结束")).to_have_value("08:00")
    expect(tab.get_by_label("把只需知悉的消息")).not_to_be_checked()

    tab.goto(f"{site}/admin/deliveries/")
    expect(tab.get_by_text("相符")).to_be_visible()
    looked_at("deliveries")
    tab.get_by_role("button", name="重新发送").first.click()
    expect(tab.get_by_role("status")).to_contain_text("已重新排队")
    tab.locator("details.who summary").click()
    tab.get_by_role("button", name="退出登录").click()
    enter("admin")
    tab.goto(f"{site}/admin/deliveries/")
    looked_at("deliveries-admin")
    tab.get_by_role("button", name="重新发送全部失败的 1 条").click()
    expect(tab.get_by_role("status")).to_contain_text("已重新排队 1 条")
