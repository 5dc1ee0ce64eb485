"""When to ask again, whose word counts, and what a question is about (R-087, §2.20)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.rules.verification import FIRST_PAUSE, LONGEST_PAUSE, fingerprint, may_vouch, next_asking

NOW = datetime(2026, 5, 20, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(("attempts", "times"), [(1, 1), (2, 2), (3, 4), (7, 64)])
def test_the_pause_doubles(attempts: int, times: int) -> None:
    assert next_asking(NOW, attempts, None, 0.0) == NOW + FIRST_PAUSE * times


@pytest.mark.parametrize("attempts", [8, 9, 40, 10_000])
def test_the_pause_has_an_end(attempts: int) -> None:
    assert next_asking(NOW, attempts, None, 0.0) == NOW + LONGEST_PAUSE


def test_chance_adds_a_quarter_at_most() -> None:
    assert next_asking(NOW, 1, None, 1.0) == NOW + FIRST_PAUSE * 1.25
    assert next_asking(NOW, 1, None, 0.5) < next_asking(NOW, 1, None, 1.0)


def test_a_service_that_wants_longer_gets_longer_and_never_shorter() -> None:
    assert next_asking(NOW, 1, timedelta(minutes=5), 0.0) == NOW + timedelta(minutes=5)
    assert next_asking(NOW, 1, timedelta(seconds=1), 0.0) == NOW + FIRST_PAUSE


@pytest.mark.parametrize(
    ("staff", "asked_by", "edited_by", "able"),
    [
        ({1}, 1, 1, {1}),  # alone
        ({1, 2}, 1, 1, {2}),
        ({1, 2}, 1, None, {2}),
        ({1, 2}, 1, 2, {1}),  # nobody else is left: the one who asked looks at what the other typed
        ({1, 2, 3}, 1, 2, {3}),
        ({1, 2, 3}, None, None, {1, 2, 3}),
        ({1}, 9, 8, {1}),  # both have left
    ],
)
def test_two_pairs_of_eyes_where_there_are_two_R087(
    staff: set[int], asked_by: int | None, edited_by: int | None, able: set[int]
) -> None:
    assert may_vouch(staff, asked_by, edited_by) == able


def test_a_question_is_about_name_document_and_photo_and_comparable_to_no_other() -> None:
    about = ("k1", "演示甲", "resident", "420111200501011234", "a" * 64)
    same = fingerprint(*about)
    assert fingerprint(*about) == same
    for place in range(5):
        changed = [*about]
        changed[place] += "x"
        assert fingerprint(*changed) != same
    assert fingerprint("k1", "演", "示", "x", None) != fingerprint("k1", "演示", "", "x", None)
