"""One-time codes: six digits to a chat or a mobile, five minutes, few tries, used once (R-003, R-011, T-20)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from core import settings
from core.actors import SYSTEM
from core.db import transaction
from core.errors import NotFound, NotReady, TooMany
from core.models.accounts import UserAccount, VerificationCode
from core.notifications.render import chat_text, panel_text
from core.rules.codes import digits_of
from core.rules.organisations import CodePurpose
from core.usecases import accounts
from core.usecases.codes import SentCode, send_code, use_code
from tests.factories import SECOND, Year, Years, at_once, count, notices, on, one

At = Callable[[datetime | str], datetime]
MOBILE = "13900001234"
NOON = on("2026-03-05 12:00")


@pytest.fixture
def year(years: Years, at: At) -> Year:
    found = years("set_up")
    at(NOON)
    return found


def to_mobile(year: Year) -> SentCode:
    sent = year.do("system", send_code, purpose=CodePurpose.REGISTER, mobile=MOBILE)
    assert isinstance(sent, SentCode)
    return sent


def digits(code_id: int) -> str:
    return digits_of(settings.secret_key(), one(VerificationCode, code_id).nonce)


def typed(year: Year, code_id: int, what: str) -> str:
    """Type something back; the refusal's code, or "" when it was right."""
    refusal = year.do("system", use_code, code_id=code_id, typed=what, purpose=CodePurpose.REGISTER, mobile=MOBILE)
    return refusal.sentence_code if refusal else ""


def test_a_code_to_a_mobile_travels_as_a_letter_and_works_once(year: Year) -> None:
    sent = to_mobile(year)
    assert sent.letter is not None
    assert (sent.letter.mobile, sent.tail) == (MOBILE, "1234")
    assert digits(sent.code_id) in sent.letter.text
    assert typed(year, sent.code_id, digits(sent.code_id)) == ""
    assert typed(year, sent.code_id, digits(sent.code_id)) == "code_expired"


def test_full_width_digits_and_spaces_are_the_same_code(year: Year) -> None:
    sent = to_mobile(year)
    wide = " ".join(chr(ord(sign) + 0xFEE0) for sign in digits(sent.code_id))
    assert typed(year, sent.code_id, wide) == ""


@pytest.mark.parametrize(
    ("after", "outcome"),
    [(timedelta(minutes=5) - SECOND, ""), (timedelta(minutes=5), ""), (timedelta(minutes=5) + SECOND, "code_expired")],
)
def test_a_code_lives_five_minutes(year: Year, at: At, after: timedelta, outcome: str) -> None:
    """T-20."""
    sent = to_mobile(year)
    at(NOON + after)
    assert typed(year, sent.code_id, digits(sent.code_id)) == outcome


def test_five_wrong_tries_end_a_code_and_are_kept(year: Year) -> None:
    sent = to_mobile(year)
    wrong = f"{(int(digits(sent.code_id)) + 1) % 10**6:06d}"
    assert [typed(year, sent.code_id, wrong) for _ in range(5)] == ["code_wrong"] * 5
    assert typed(year, sent.code_id, digits(sent.code_id)) == "code_worn_out"


def test_a_new_code_ends_the_one_before(year: Year, at: At) -> None:
    first = to_mobile(year)
    at(NOON + timedelta(seconds=60))
    second = to_mobile(year)
    assert typed(year, first.code_id, digits(first.code_id)) == "code_expired"
    assert typed(year, second.code_id, digits(second.code_id)) == ""


@pytest.mark.parametrize(("seconds", "is_refused"), [(59, True), (60, False), (61, False)])
def test_a_minute_lies_between_two_codes(year: Year, at: At, seconds: int, is_refused: bool) -> None:
    to_mobile(year)
    at(NOON + timedelta(seconds=seconds))
    if not is_refused:
        to_mobile(year)
        return
    with pytest.raises(TooMany, match="code_too_soon"):
        to_mobile(year)


def test_five_codes_an_hour_are_enough(year: Year, at: At) -> None:
    for minute in range(0, 10, 2):
        at(NOON + timedelta(minutes=minute))
        to_mobile(year)
    at(NOON + timedelta(minutes=59, seconds=59))
    with pytest.raises(TooMany, match="code_too_often"):
        to_mobile(year)
    at(NOON + timedelta(minutes=60))
    to_mobile(year)


def test_a_code_for_a_bound_account_goes_to_the_chat_and_is_veiled_in_the_panel(year: Year) -> None:
    """M-33: the second channel is worth nothing when the digits stand in the first."""
    sent = year.do("province", send_code, purpose=CodePurpose.EXPORT, account_id=year["account:province"])
    assert sent.letter is None
    row = notices("accounts.code_sent", year["account:province"])[-1]
    with transaction(SYSTEM) as tx:
        assert digits(sent.code_id) in chat_text(tx.session, row, tx.now).text
        assert digits(sent.code_id) not in panel_text(tx.session, row, tx.now)
    assert digits(sent.code_id) not in row.facts


def test_an_account_without_chat_gets_a_letter_and_without_any_address_a_refusal(year: Year) -> None:
    who = year["account:second_coordinator"]
    with pytest.raises(NotReady, match="code_no_channel"):
        year.do("second_coordinator", send_code, purpose=CodePurpose.EXPORT, account_id=who)
    with transaction(SYSTEM) as tx:
        tx.get(UserAccount, who).mobile = MOBILE
    sent = year.do("second_coordinator", send_code, purpose=CodePurpose.EXPORT, account_id=who)
    assert sent.letter is not None
    assert sent.letter.mobile == MOBILE


def test_a_code_is_of_no_use_to_another_person_or_for_another_purpose(year: Year) -> None:
    sent = year.do("province", send_code, purpose=CodePurpose.EXPORT, account_id=year["account:province"])
    for purpose, who in ((CodePurpose.EXPORT, "city"), (CodePurpose.RESET_PASSWORD, "province")):
        with pytest.raises(NotFound):
            year.do(
                "system",
                use_code,
                code_id=sent.code_id,
                typed=digits(sent.code_id),
                purpose=purpose,
                account_id=year[f"account:{who}"],
            )


def test_a_code_typed_twice_at_once_is_right_once(any_years: Years, at: At) -> None:
    year = any_years("set_up")
    at(NOON)
    sent = to_mobile(year)
    right = digits(sent.code_id)
    found = at_once(*[lambda: typed(year, sent.code_id, right)] * 4)
    assert sorted(found) == ["", "code_expired", "code_expired", "code_expired"]


def test_forgetting_a_password_where_no_letter_arrives_writes_down_no_code(year: Year) -> None:
    with transaction(SYSTEM) as tx:
        login = tx.get(UserAccount, year["account:second_coordinator"]).login
    before = count(VerificationCode)
    with transaction(SYSTEM) as tx:
        assert accounts.ask_to_reset(tx, login=login) is None
    assert count(VerificationCode) == before
