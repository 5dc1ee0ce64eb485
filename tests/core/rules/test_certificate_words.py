"""G-07: words with gaps. Known gaps are filled, unknown ones and lone braces refused, facts never read as gaps."""

from __future__ import annotations

import pytest

from core.errors import ValueRefused
from core.notifications.words import sentence
from core.rules.catalogue import in_tenths, study_credits
from core.rules.certificate_words import DEFAULT_STATEMENT, DEFAULT_STATEMENT_EN, GAPS, filled, require_words


@pytest.mark.parametrize("gap", GAPS)
def test_every_gap_is_taken_and_filled(gap: str) -> None:
    assert filled(require_words(f"甲{{{gap}}}乙", maximum=99), dict.fromkeys(GAPS, "丙")) == "甲丙乙"


@pytest.mark.parametrize("words", [DEFAULT_STATEMENT, DEFAULT_STATEMENT_EN])
def test_the_platforms_own_words_pass(words: str) -> None:
    assert require_words(words, maximum=999) == words


def test_full_width_braces_and_line_breaks_become_plain() -> None:
    assert require_words(" 甲｛证书｝\n 乙 ", maximum=99) == "甲{证书} 乙"


@pytest.mark.parametrize("words", ["{姓名}", "{}", "{证书.__class__}", "{0}", "{ 证书 }", "{证书!r}", "{证书:>9}"])
def test_a_gap_nobody_fills_is_refused_and_the_known_ones_are_named(words: str) -> None:
    with pytest.raises(ValueRefused) as caught:
        require_words(words, maximum=99)
    assert caught.value.sentence_code == "template_gap"
    assert all(f"{{{gap}}}" in sentence(caught.value) for gap in GAPS)


@pytest.mark.parametrize("words", ["{证书", "证书}", "{{证书}}", "}{", "甲{", "｝甲"])
def test_a_lone_brace_is_refused(words: str) -> None:
    with pytest.raises(ValueRefused) as caught:
        require_words(words, maximum=99)
    assert caught.value.sentence_code == "template_brace"
    assert "{名称}" in sentence(caught.value)


def test_the_longest_words_pass_and_one_more_character_does_not() -> None:
    assert require_words("字" * 10, maximum=10) == "字" * 10
    with pytest.raises(ValueRefused) as caught:
        require_words("字" * 11, maximum=10)
    assert caught.value.sentence_code == "text_too_long"


def test_braces_within_a_fact_stay_as_they_are() -> None:
    facts = dict.fromkeys(GAPS, "") | {"证书": "{院校}", "院校": "甲"}
    assert filled("{证书}{院校}", facts) == "{院校}甲"


@pytest.mark.parametrize(
    ("typed", "kept", "tenths"),
    [("1.5", "1.5", 15), ("2", "2", 20), ("2.0", "2", 20), (" 0.5分", "0.5", 5), ("999.9", "999.9", 9999)],
)
def test_credits_have_one_decimal_place(typed: str, kept: str, tenths: int) -> None:
    """§2.9 建议学分."""
    assert study_credits(typed) == kept
    assert in_tenths(study_credits(kept)) == tenths


@pytest.mark.parametrize("typed", ["", "1.55", "1000", "-1", "sNaN", "1e2", "一", "１.５.", None])
def test_other_credits_are_refused(typed: str | None) -> None:
    with pytest.raises(ValueRefused) as caught:
        study_credits(typed)
    assert caught.value.sentence_code == "credits_shape"
