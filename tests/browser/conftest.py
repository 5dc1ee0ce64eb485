"""A real browser, one for all tests of this folder, that may speak to this machine only.

`page` is a desk (1366 wide), `phone` a phone (390 wide, touch). Mark the tests `browser`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import PATIENCE, chromium_path, is_local

DESK: dict[str, Any] = {"viewport": {"width": 1366, "height": 768}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The system's Chromium, headless; it resolves no name but localhost."""
    expect.set_options(timeout=PATIENCE * 1_000)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=chromium_path(),
            args=[
                "--no-sandbox",  # tests may run as root, in a container
                "--disable-gpu",
                "--disable-quic",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
            ],
        )
        yield chromium
        chromium.close()


@contextmanager
def fresh_page(browser: Browser, looks: dict[str, Any]) -> Iterator[Page]:
    """A page with no history; the test fails if anything on it asked another machine for something."""
    asked: list[str] = []
    with browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", **looks) as context:
        context.on("request", lambda request: asked.append(request.url))
        context.set_default_timeout(PATIENCE * 1_000)
        yield context.new_page()
    assert not [url for url in asked if leaves(url)]


def leaves(url: str) -> bool:
    """True for an address on another machine; data: and blob: stay."""
    address = urlsplit(url)
    return address.scheme in ("http", "https", "ws", "wss") and not is_local(address.hostname)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A desk's browser, 1366 wide."""
    with fresh_page(browser, DESK) as tab:
        yield tab


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """A phone's browser, 390 wide, with touch."""
    with fresh_page(browser, PHONE) as tab:
        yield tab
