"""§9.7 as data: every item of the table, typed again here with what the table demands of it."""

from __future__ import annotations

import pytest

from core.rules.catalogue import RequirementKind
from core.rules.site_requirements import REQUIREMENTS

# code → (least number where it is counted, mandatory, a word of the minimum, a word of the recommendation)
TABLE = {
    "S1": (1, True, "16 GB", "UPS"),
    "S2": (1, True, "Photoshop", "8 GB"),
    "S3": (40, True, "局域网", "8 GB"),
    "S4": (None, True, "固定 IP", ""),
    "S5": (None, True, "千兆", ""),
    "S6": (None, True, "1.1 GHz", ""),
    "S7": (None, True, "活体检测", ""),
    "S8": (None, True, "200 万像素", ""),
    "S9": (40, True, "消防", ""),
    "S10": (None, False, "1 米", ""),
    "S11": (None, True, "5 小时", "双路"),
    "S12": (None, True, "模拟考核", ""),
    "S13": (None, True, "负责人 1 名", ""),
    "S14": (None, True, "保险柜", ""),
    "S15": (None, True, "规章制度", ""),
    "S16": (None, True, "视频监考室", ""),
    "S17": (None, True, "专用电话", ""),
    "S18": (None, True, "警戒线", ""),
    "S19": (None, False, "现场核查", ""),
}


@pytest.mark.parametrize("code", list(TABLE))
def test_the_item_says_what_the_table_says(code: str) -> None:
    (item,) = [item for item in REQUIREMENTS if item.code == code]
    minimum, is_mandatory, least, better = TABLE[code]
    assert (item.minimum, item.is_mandatory) == (minimum, is_mandatory)
    assert least in item.minimum_words
    assert better in item.recommended
    assert bool(item.recommended) == bool(better)
    assert (item.kind is RequirementKind.NUMBER) == (minimum is not None)


def test_there_are_nineteen_items_in_the_order_of_the_table() -> None:
    assert [item.code for item in REQUIREMENTS] == list(TABLE)
