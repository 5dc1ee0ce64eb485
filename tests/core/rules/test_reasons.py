"""Reasons that are told: something is said, and nobody's number (chat.md law 3)."""

from __future__ import annotations

import pytest

from core.errors import ReasonMissing, ValueRefused
from core.rules.reasons import require_tellable

ID_NUMBER = "420000200001010019"  # no such place, no such person


@pytest.mark.parametrize("reason", ["", "  ", "\n\t"])
def test_a_reason_says_something(reason: str) -> None:
    with pytest.raises(ReasonMissing) as caught:
        require_tellable(reason, rule="R-042")
    assert caught.value.rule == "R-042"


@pytest.mark.parametrize(
    "reason",
    [
        f"考生{ID_NUMBER}有误",
        f"{ID_NUMBER[:-1]}x",
        "请打13900000000联系",
        "请打１３９００００００００联系",
        "第一行\n13900000000",
    ],
)
def test_a_persons_number_is_not_told(reason: str) -> None:
    with pytest.raises(ValueRefused) as caught:
        require_tellable(reason, rule="R-042")
    assert (caught.value.sentence_code, caught.value.rule) == ("reason_personal", "chat.md")
    assert "1390" not in str(caught.value)


@pytest.mark.parametrize(
    "reason",
    [
        "请补充设备数量",
        "见来函 139 号",
        f"编号 {ID_NUMBER}0",
        "电话 027-87654321",
        "第一行\n第二行",
        "证书 " + "1" * 28,
    ],
)
def test_other_words_and_numbers_stay_as_they_are(reason: str) -> None:
    assert require_tellable(f" {reason} ", rule="R-042") == reason
