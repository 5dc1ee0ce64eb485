"""The arithmetic of the second factor, against the vectors of RFC 6238, and the shape of recovery words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.rules.second_factor import (
    ALPHABET,
    matching_step,
    recovery_length,
    recovery_letters,
    recovery_word,
    step_at,
)

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # "12345678901234567890" of the RFC


def instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_the_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    """RFC 6238 appendix B, the last six digits."""
    assert matching_step(SECRET, code, instant(seconds), None) == seconds // 30


@pytest.mark.parametrize(
    ("off", "fits"), [(-31, False), (-30, True), (-29, True), (0, True), (29, True), (59, True), (60, False)]
)
def test_a_phones_clock_may_be_one_step_off(off: int, fits: bool) -> None:
    """The code of the step that begins at 1,111,111,080 s, read so many seconds after its beginning."""
    begin = 1111111080
    assert step_at(instant(begin)) * 30 == begin
    found = matching_step(SECRET, "081804", instant(begin + off), None)
    assert found == (begin // 30 if fits else None)


def test_a_code_works_once_and_none_before_it_works_again() -> None:
    now = instant(1111111111)
    step = matching_step(SECRET, "050471", now, None)
    assert step is not None
    assert matching_step(SECRET, "050471", now, step) is None
    assert matching_step(SECRET, "081804", now, step) is None, "the one of the step before"
    assert matching_step(SECRET, "050471", now, step - 1) == step


@pytest.mark.parametrize("typed", ["０５０４７１", " 050 471 ", "050471"])
def test_full_width_digits_and_spaces_are_the_same_code(typed: str) -> None:
    assert matching_step(SECRET, typed, instant(1111111111), None) is not None


@pytest.mark.parametrize("typed", ["", "050472", "50471", "0504711", "abcdef", "²³⁴"])
def test_anything_else_is_wrong(typed: str) -> None:
    assert matching_step(SECRET, typed, instant(1111111111), None) is None


def test_a_recovery_word_is_the_same_however_it_is_typed() -> None:
    word = recovery_word("abcdefghjkmn")
    assert word == "abcd-efgh-jkmn"
    for typed in (word, "ABCD EFGH JKMN", "ａｂｃｄefgh－jkmn ", "abcdefghjkmn"):
        assert recovery_letters(typed) == "abcdefghjkmn"
    assert recovery_length() == 12
    assert not set("01ilo") & set(ALPHABET)
