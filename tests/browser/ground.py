"""What browser tests have in common: the application at an address, and what a page must not do to a thumb."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Locator, Page
from werkzeug.serving import make_server

from admin.app import create_app

THUMB = 40  # px: what is lower is missed by a thumb


def aside(act: Callable[[], Any]) -> Any:
    """Away from the browser's own event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(act).result()


@contextmanager
def served() -> Iterator[str]:
    """The real application; its address."""
    server = make_server("127.0.0.1", 0, create_app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def fits(tab: Page) -> bool:
    """The page does not move sideways."""
    return bool(tab.evaluate("() => document.scrollingElement.scrollWidth <= window.innerWidth"))


def low(acts: Locator) -> list[str]:
    """Which of the acts are lower than a thumb; there must be some to measure."""
    shown = [act for act in acts.all() if act.is_visible()]
    assert shown, "nothing to press"
    sizes = [(act, act.bounding_box()) for act in shown]
    return [
        f"{act.evaluate('act => act.outerHTML')[:120]} {box}" for act, box in sizes if box and box["height"] < THUMB
    ]
