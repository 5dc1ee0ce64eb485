"""A sheet on its way in, at a desk and under a finger: looked over, mended by hand and by suggestion, taken, undone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from admin.app import create_app
from core import clock
from core.demo.people import people
from core.sheets import desk
from tests.admin.conftest import PASSWORD, give_password
from tests.admin.sheets_of_paper import filled, student_row
from tests.factories import Years, moment, stage_folder, years

__all__ = ["stage_folder", "years"]

pytestmark = pytest.mark.browser
TOO_WIDE = "() => document.scrollingElement.scrollWidth - window.innerWidth"
A, B, C = people(98, 3)


def aside(act: Callable[[], Any]) -> Any:
    """Away from the browser's own event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(act).result()


@pytest.fixture
def site(years: Years) -> Iterator[str]:
    """The application on a year with students on their way, and its address."""

    def prepare() -> None:
        give_password(years("sited"), "coordinator")

    aside(prepare)
    with clock.pinned(moment("sited")):
        server = make_server("127.0.0.1", 0, create_app(), threaded=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("looks", ["page", "phone"])
def test_a_sheet_is_mended_taken_and_undone(
    looks: str, site: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """R-294, R-295, at 1366 and at 390 px."""
    tab: Page = request.getfixturevalue(looks)
    spaced = f"{A.name[0]} {A.name[1:]}"
    lines = [student_row(A, 学生姓名=spaced), student_row(B, 手机号码="1390000"), student_row(C)]
    file = tmp_path / "students.xlsx"
    file.write_bytes(filled(desk.template_bytes("candidates"), lines))
    tab.goto(f"{site}/admin/login")
    tab.get_by_label("账号", exact=True).fill("coordinator")
    tab.get_by_label("密码", exact=True).fill(PASSWORD)
    tab.get_by_role("button", name="登录").click()
    tab.goto(f"{site}/admin/candidates/import/candidates/")
    tab.locator('input[type="file"]').set_input_files(file)
    tab.get_by_role("button", name="上传并检查").click()
    expect(tab.get_by_text("还没有写入任何数据")).to_be_visible()
    assert tab.evaluate(TOO_WIDE) <= 2
    tab.screenshot(path=str(tmp_path / "preview.png"), full_page=True)
    tab.get_by_role("button", name="采用建议").first.click()
    expect(tab.locator("input.is-changed")).to_have_value(A.name)
    tab.get_by_label("第 4 行 手机号码").fill(B.mobile)
    tab.get_by_role("button", name="保存修改并重新检查").last.click()
    expect(tab.get_by_text("每一行都通过了")).to_be_visible()
    tab.get_by_role("button", name="确认导入 3 行").click()
    expect(tab.get_by_text("导入完成：3 行已写入")).to_be_visible()
    assert tab.evaluate(TOO_WIDE) <= 2
    tab.get_by_text("撤销本次导入", exact=True).click()
    tab.screenshot(path=str(tmp_path / "done.png"), full_page=True)
    tab.get_by_role("button", name="确认撤销").click()
    expect(tab.get_by_text("本次导入已撤销")).to_be_visible()
