"""The second factor: from the QR code to the login, wrong tries, lost phones, two at once (§2.5, §3.5, chat.md L3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pyotp
import pytest
from sqlalchemy import select

from core import settings
from core.db import reading
from core.errors import AlreadyThere, NotPermitted, NotReady, ReasonMissing, Refusal, TooMany, ValueRefused
from core.gateways import vault
from core.models.accounts import RecoveryCode, UserAccount
from core.models.certificates import CertificateIssuance
from core.models.records import AuditEntry
from core.rules.certificates import IssuanceState, Party
from core.rules.organisations import AccountState
from core.usecases import accounts, second_factor, signing
from tests.factories import (
    SECOND,
    Year,
    Years,
    at_once,
    census,
    count,
    last_entries,
    moment,
    notices,
    on,
    one,
    rows,
)

At = Callable[[datetime | str], datetime]
NOON = on("2026-03-05 12:00")
GOOD = "yanshi-2026"
STEP = timedelta(seconds=30)


@pytest.fixture
def year(years: Years, at: At) -> Year:
    found = years("set_up")
    at(NOON)
    return found


def app_of(year: Year, who: str) -> pyotp.TOTP:
    """The authenticator on the person's phone."""
    kept = one(UserAccount, year[f"account:{who}"]).second_factor_secret
    return pyotp.TOTP(vault.opened(kept) or "")


def enrol(year: Year, who: str, now: datetime = NOON) -> list[str]:
    """Scan and confirm, a minute ago so that the codes of now are fresh."""
    year.do(who, second_factor.begin_second_factor)
    words = year.do(who, second_factor.confirm_second_factor, typed=app_of(year, who).at(now - STEP))
    assert isinstance(words, list)
    return words


def prove(year: Year, who: str, typed: str, by: str = "public") -> str:
    """Type a code; the refusal's code, or "" when it was right."""
    ident = year[f"account:{who}"]
    refusal = year.do(by, second_factor.prove_second_factor, account_id=ident, typed=typed)
    return refusal.sentence_code if refusal else ""


# -- enrolment ---------------------------------------------------------------------------------------------------------


def test_it_counts_only_once_the_app_has_shown_a_right_code(year: Year) -> None:
    made = year.do("teo", second_factor.begin_second_factor)
    assert made.secret in made.uri
    assert one(UserAccount, year["account:teo"]).second_factor_since is None
    wrong = year.do("teo", second_factor.confirm_second_factor, typed="000000")
    assert wrong.sentence_code == "second_factor_wrong"
    assert one(UserAccount, year["account:teo"]).second_factor_since is None
    right = year.do("teo", second_factor.confirm_second_factor, typed=pyotp.TOTP(made.secret).at(NOON))
    assert len(set(right)) == 10
    assert one(UserAccount, year["account:teo"]).second_factor_since == NOON
    with pytest.raises(AlreadyThere):
        year.do("teo", second_factor.begin_second_factor)
    with pytest.raises(AlreadyThere):
        year.do("teo", second_factor.confirm_second_factor, typed="000000")


def test_nothing_of_it_can_be_read_in_the_tables_or_the_trail(year: Year, monkeypatch: pytest.MonkeyPatch) -> None:
    made = year.do("teo", second_factor.begin_second_factor)
    words = year.do("teo", second_factor.confirm_second_factor, typed=pyotp.TOTP(made.secret).at(NOON))
    account = one(UserAccount, year["account:teo"])
    assert made.secret not in str(account.second_factor_secret)
    assert not set(rows(select(RecoveryCode.code_hash))) & {word.replace("-", "") for word in words}
    trail = "".join(f"{e.before}{e.after}{e.reason}" for e in rows(select(AuditEntry)))
    assert made.secret not in trail
    assert str(account.second_factor_secret) not in trail
    monkeypatch.setenv("KAOWU_SECRET_KEY", "another installation's key")
    settings.forget()
    assert vault.opened(str(account.second_factor_secret)) is None
    with pytest.raises(NotReady, match="second_factor_unreadable"):
        prove(year, "teo", "000000")


def test_a_page_opened_again_shows_the_same_secret_until_it_is_confirmed(year: Year) -> None:
    made = year.do("teo", second_factor.begin_second_factor)
    assert year.do("teo", second_factor.pending_enrolment) == made
    year.do("teo", second_factor.confirm_second_factor, typed=pyotp.TOTP(made.secret).at(NOON))
    assert year.do("teo", second_factor.pending_enrolment) is None


def test_confirming_what_was_not_begun_is_refused(year: Year) -> None:
    with pytest.raises(NotReady, match="second_factor_not_begun"):
        year.do("teo", second_factor.confirm_second_factor, typed="000000")


def test_nobody_proves_another_persons(year: Year) -> None:
    enrol(year, "teo")
    with pytest.raises(NotPermitted):
        prove(year, "teo", app_of(year, "teo").at(NOON), by="other_teo")


# -- codes -------------------------------------------------------------------------------------------------------------


def test_a_code_works_once(year: Year) -> None:
    enrol(year, "teo")
    code = app_of(year, "teo").at(NOON)
    assert [prove(year, "teo", code) for _ in range(2)] == ["", "second_factor_wrong"]


def test_the_code_that_confirmed_is_used_up(year: Year) -> None:
    enrol(year, "teo")
    assert prove(year, "teo", app_of(year, "teo").at(NOON - STEP)) == "second_factor_wrong"


def test_a_code_typed_twice_at_once_is_right_once(any_years: Years, at: At) -> None:
    year = any_years("set_up")
    at(NOON)
    words = enrol(year, "teo")
    for typed in (app_of(year, "teo").at(NOON), words[0]):
        found = at_once(*[lambda typed=typed: prove(year, "teo", typed)] * 3)
        assert sorted(map(str, found)) == ["", "second_factor_wrong", "second_factor_wrong"]


def test_a_recovery_word_stands_in_once(year: Year) -> None:
    words = enrol(year, "teo")
    assert [prove(year, "teo", words[3].upper()), prove(year, "teo", words[3])] == ["", "second_factor_wrong"]
    assert prove(year, "teo", words[4]) == ""
    assert count(RecoveryCode, RecoveryCode.used_at.is_not(None)) == 2


def test_anothers_recovery_word_is_wrong(year: Year) -> None:
    words = enrol(year, "teo")
    enrol(year, "province")
    assert prove(year, "province", words[0]) == "second_factor_wrong"


def test_wrong_tries_are_counted_like_passwords_and_lock(year: Year) -> None:
    """§3.5."""
    enrol(year, "teo")
    assert [prove(year, "teo", "000000") for _ in range(5)] == ["second_factor_wrong"] * 4 + ["account_locked"]
    assert one(UserAccount, year["account:teo"]).state is AccountState.LOCKED
    assert prove(year, "teo", app_of(year, "teo").at(NOON)) == "account_locked"


def test_the_right_password_does_not_forgive_wrong_codes(year: Year) -> None:
    """Otherwise a known password would buy any number of guesses, four at a time."""
    year.do("system", accounts.set_password, account_id=year["account:teo"], password=GOOD)
    enrol(year, "teo")
    for _ in range(4):
        assert not isinstance(year.do("public", accounts.log_in, login="teo", password=GOOD), Refusal)
        prove(year, "teo", "000000")
    year.do("public", accounts.log_in, login="teo", password=GOOD)
    assert prove(year, "teo", "000000") == "account_locked"


@pytest.mark.parametrize(("after", "outcome"), [(-SECOND, "account_locked"), (timedelta(), ""), (SECOND, "")])
def test_a_lock_ends_after_a_quarter_of_an_hour(year: Year, at: At, after: timedelta, outcome: str) -> None:
    enrol(year, "teo")
    for _ in range(5):
        prove(year, "teo", "000000")
    later = at(NOON + timedelta(minutes=15) + after)
    assert prove(year, "teo", app_of(year, "teo").at(later)) == outcome


# -- off again ---------------------------------------------------------------------------------------------------------


def test_switching_off_needs_a_code(year: Year) -> None:
    enrol(year, "teo")
    wrong = year.do("teo", second_factor.end_second_factor, typed="000000")
    assert wrong.sentence_code == "second_factor_wrong"
    assert one(UserAccount, year["account:teo"]).second_factor_since is not None
    assert year.do("teo", second_factor.end_second_factor, typed=app_of(year, "teo").at(NOON)) is None
    account = one(UserAccount, year["account:teo"])
    assert (account.second_factor_since, account.second_factor_secret) == (None, None)
    assert count(RecoveryCode) == 0
    enrol(year, "teo", NOON + STEP)


def test_an_administrator_resets_it_with_a_reason_and_the_person_hears(year: Year) -> None:
    enrol(year, "teo")
    given = {"account_id": year["account:teo"]}
    with pytest.raises(ReasonMissing):
        year.do("admin", second_factor.reset_second_factor, reason=" ", **given)
    with pytest.raises(ValueRefused, match="reason_personal"):
        year.do("admin", second_factor.reset_second_factor, reason="本人 13900000000 来电", **given)
    year.do("admin", second_factor.reset_second_factor, reason="手机遗失，来函 3 号", **given)
    assert one(UserAccount, year["account:teo"]).second_factor_since is None
    entry = last_entries()[0]
    assert (entry.action, entry.reason) == ("reset_second_factor", "手机遗失，来函 3 号")
    assert [row.account_id for row in notices("accounts.second_factor_reset")] == [year["account:teo"]]
    with pytest.raises(NotReady):
        year.do("admin", second_factor.reset_second_factor, reason="再来", **given)


def test_an_administrator_does_not_reset_their_own(year: Year) -> None:
    enrol(year, "admin")
    with pytest.raises(NotPermitted, match="second_factor_own"):
        year.do("admin", second_factor.reset_second_factor, account_id=year["account:admin"], reason="忘了")


# -- signing -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def to_sign(years: Years, at: At) -> Year:
    """The signing officer, with a second factor, is asked to sign."""
    found = years("signed_by_teo")
    now = at(moment("signed_by_teo"))
    enrol(found, "signatory", now)
    return found


def step_up(year: Year, token: str, typed: str, by: str = "signatory") -> Any:
    with year.acting(by, "phone") as tx:
        return signing.step_up(tx, token=token, typed=typed)


def signed() -> int:
    return count(CertificateIssuance, CertificateIssuance.state != IssuanceState.SITE_PENDING)


def test_a_signature_counts_only_after_the_second_factor(to_sign: Year) -> None:
    """chat.md L3: step-up code."""
    year, now = to_sign, moment("signed_by_teo")
    ceremony = year.open_signing("signatory", Party.COLLEGE)
    before, untouched = census(), signed()
    with pytest.raises(NotReady, match="step_up_missing"):
        year.sign("signatory", ceremony)
    assert (census(), signed()) == (before, untouched)
    assert step_up(year, ceremony.token, "000000").sentence_code == "second_factor_wrong"
    with pytest.raises(NotReady, match="step_up_missing"):
        year.sign("signatory", ceremony)
    assert step_up(year, ceremony.token, app_of(year, "signatory").at(now)) is None
    year.sign("signatory", ceremony)
    assert signed() > untouched


def test_a_proof_belongs_to_one_ceremony(to_sign: Year) -> None:
    year, now = to_sign, moment("signed_by_teo")
    first = year.open_signing("signatory", Party.COLLEGE)
    assert step_up(year, first.token, app_of(year, "signatory").at(now)) is None
    second = year.open_signing("signatory", Party.COLLEGE)
    with pytest.raises(NotReady, match="step_up_missing"):
        year.sign("signatory", second)


def test_five_wrong_codes_on_the_phone_lock_too(to_sign: Year) -> None:
    ceremony = to_sign.open_signing("signatory", Party.COLLEGE)
    outcomes = [step_up(to_sign, ceremony.token, "000000") for _ in range(5)]
    assert isinstance(outcomes[-1], TooMany)
    assert one(UserAccount, to_sign["account:signatory"]).state is AccountState.LOCKED


def test_a_ceremony_of_another_is_not_stepped_up(to_sign: Year) -> None:
    ceremony = to_sign.open_signing("signatory", Party.COLLEGE)
    with pytest.raises(NotPermitted):
        step_up(to_sign, ceremony.token, "000000", by="reviewer")


def test_whoever_has_none_signs_as_before(to_sign: Year) -> None:
    to_sign.sign("reviewer", to_sign.open_signing("reviewer", Party.COLLEGE))
    with reading() as session:
        assert session.get_one(UserAccount, to_sign["account:reviewer"]).second_factor_since is None
