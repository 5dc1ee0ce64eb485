"""What has grown longer than Telegram takes is cut, says so, and is still Telegram's markup."""

from __future__ import annotations

import html
import re

import pytest

from core.notifications.wording import CUT, LONGEST, ROOM, fitted


def units(text: str) -> int:
    """As Telegram counts, markup not."""
    return len(html.unescape(re.sub(r"<[^>]+>", "", text)).encode("utf-16-le")) // 2


@pytest.mark.parametrize("filling", ["字", "𠮷", "&amp;", "a\n"])
def test_a_long_message_is_cut_where_no_character_is_torn(filling: str) -> None:
    text = "<b>【站点审核退回】1 &lt; 2</b>\n理由：" + filling * 5_000
    cut = fitted(text)
    assert ROOM - 1 <= units(cut) - units(CUT) <= ROOM
    assert units(cut) + 400 <= LONGEST
    assert cut.startswith("<b>【站点审核退回】1 &lt; 2</b>\n理由：" + filling)
    assert cut.endswith(CUT)
    assert re.findall(r"</?(\w+)>", cut) == ["b", "b"]


def test_what_fits_is_left_alone() -> None:
    text = "<b>行</b>\n" + "字" * (ROOM - 2)
    assert fitted(text) == text
    assert fitted(text + "字") != text + "字"
