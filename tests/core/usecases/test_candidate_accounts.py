"""Accounts of candidates: opened when one is verified, entered by a link, gone with the candidate (R-096, M-35)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import event, select

from core import clock, db
from core.actors import SYSTEM
from core.db import reading, transaction
from core.errors import AlreadyThere, NotReady, Refusal, TooMany, ValueRefused
from core.gateways.identity import RuleVerifier
from core.models.accounts import AccountRole, OneTimeCode, UserAccount
from core.models.candidates import Candidate
from core.models.records import AuditEntry, Notification
from core.notifications.render import letter_of, message_of
from core.queries.accounts import actor_for
from core.queries.reconcile import verify_chain
from core.rules.candidates import LINK_VALID_FOR, CandidateKind, CandidateState
from core.rules.organisations import AccountState, Role
from core.usecases import accounts, candidates, notices, verification
from core.usecases.candidate_accounts import LETTERS_A_SECOND, ask_for_link, close_for, log_in, open_for, send_link
from core.usecases.candidate_accounts import set_password as set_by_link
from tests.factories import (
    SECOND,
    Year,
    Years,
    at_once,
    candidate_values,
    count,
    moment,
    one,
    people,
    photo,
    rows,
)

At = Callable[[datetime | str], datetime]
PASSWORD = "lake-and-heron-26"


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing at the product's strength would be most of a run."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(accounts, "_hasher", cheap)
    monkeypatch.setattr(accounts, "_NOBODY", cheap.hash("a password nobody has"))


@pytest.fixture
def year(any_years: Years, at: At) -> Year:
    """Students who were verified in March."""
    found = any_years("peopled")
    at(moment("peopled") + timedelta(hours=2))
    return found


def account_of(candidate_id: int) -> UserAccount:
    return rows(select(UserAccount).where(UserAccount.candidate_id == candidate_id))[0]


def letters(candidate_id: int) -> list[Notification]:
    account = account_of(candidate_id).id
    return rows(select(Notification).where(Notification.account_id == account).order_by(Notification.id))


def words_of(row: Notification) -> str:
    with reading() as session:
        letter = letter_of(session, session.get_one(Notification, row.id), clock.now())
    assert letter is not None
    return letter.text


def secret(row: Notification) -> str:
    """What the candidate opens."""
    found = re.search(r"/my/link/(\S+)$", words_of(row))
    assert found
    return found[1]


def enter(typed: str, password: str = PASSWORD) -> UserAccount | Refusal:
    with transaction(SYSTEM) as tx:
        return log_in(tx, typed=typed, password=password)


def open_link(code: str, password: str = PASSWORD) -> UserAccount:
    with transaction(SYSTEM) as tx:
        return set_by_link(tx, code=code, password=password)


def newcomer(year: Year, place: int = 40, **other: Any) -> int:
    """Somebody imported with a picture, and not verified yet."""
    person = people(7, place + 1)[place]
    with year.acting("coordinator") as tx:
        values = candidate_values(person, **other)
        made = candidates.create_candidate(tx, college_id=year["college"], kind=CandidateKind.COLLEGE, values=values)
        candidates.put_photos(tx, college_id=year["college"], photos=[(1, photo(person.id_number, 900 + place))])
        return made.id


# -- opened ----------------------------------------------------------------------------------------------------------


def test_whoever_is_verified_has_one_account_of_the_own_and_a_letter_with_its_link(year: Year) -> None:
    """R-096: the login is the candidate number, there is no password, and nobody is shown one."""
    verified = rows(select(Candidate).where(Candidate.state == CandidateState.VERIFIED))
    assert len(verified) == 8
    for person in verified:
        account = account_of(person.id)
        assert (account.login, account.mobile, account.password_hash) == (person.candidate_no, person.mobile, None)
        assert rows(select(AccountRole.role).where(AccountRole.account_id == account.id)) == [Role.CANDIDATE]
        (letter,) = letters(person.id)
        assert letter.kind == "candidate_accounts.link_sent"
        assert account.login in words_of(letter)
    assert count(UserAccount, UserAccount.candidate_id.is_not(None)) == 8


def test_who_is_confirmed_by_hand_gets_one_and_who_is_not_verified_has_none(year: Year) -> None:
    """R-087, R-096."""
    ident = newcomer(year)
    assert count(UserAccount, UserAccount.candidate_id == ident) == 0
    other = people(7, 60)[59].id_number
    with year.acting("coordinator") as tx:  # the same picture under two names does not pass by itself
        twin = candidates.create_candidate(
            tx, college_id=year["college"], kind=CandidateKind.COLLEGE, values=candidate_values(people(7, 60)[59])
        ).id
        candidates.put_photos(tx, college_id=year["college"], photos=[(1, photo(other, 940))])
        verification.verify_candidates(tx, candidate_ids=[twin], verifier=RuleVerifier())
    assert one(Candidate, twin).state is CandidateState.NEEDS_MANUAL
    assert count(UserAccount, UserAccount.candidate_id == twin) == 0
    year.do("second_coordinator", verification.confirm_by_hand, candidate_id=twin, note="已核对证件原件")
    assert len(letters(twin)) == 1


def test_opening_again_opens_nothing_and_a_second_account_is_impossible(year: Year) -> None:
    everybody = rows(select(Candidate.id))
    with transaction(SYSTEM) as tx:
        assert open_for(tx, everybody) == 0
    with pytest.raises(AlreadyThere), transaction(SYSTEM) as tx:
        tx.add(UserAccount(login="second", real_name="x", candidate_id=year["student:0"]))


def test_two_who_open_at_once_open_one(year: Year) -> None:
    ident = newcomer(year)

    def verify() -> Any:
        return year.do("coordinator", verification.verify_candidates, candidate_ids=[ident], verifier=RuleVerifier())

    outcomes = at_once(verify, verify)
    assert any(not isinstance(outcome, Exception) for outcome in outcomes)
    assert all(isinstance(outcome, Refusal | tuple) for outcome in outcomes), outcomes
    assert count(UserAccount, UserAccount.candidate_id == ident) == 1


def test_five_thousand_are_opened_in_a_handful_of_statements_and_their_letters_let_others_pass(year: Year) -> None:
    """Set-based, and a message of somebody else does not wait for five thousand letters."""
    with transaction(SYSTEM) as tx:
        tx.insert_all(
            Candidate,
            [
                candidate_values(people(7, 1)[0])
                | {
                    "id_number": f"P{number:08}",
                    "candidate_no": f"BULK{number:08}",
                    "college_id": year["college"],
                    "kind": CandidateKind.COLLEGE,
                    "state": CandidateState.VERIFIED,
                    "photo_hash": "0" * 64,
                    "registered_count": 0,
                }
                for number in range(5_000)
            ],
        )
    ids = rows(select(Candidate.id).where(Candidate.candidate_no.like("BULK%")))
    statements: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(db.engine(), "before_cursor_execute", note)
    try:
        with transaction(SYSTEM) as tx:
            assert open_for(tx, ids) == 5_000
    finally:
        event.remove(db.engine(), "before_cursor_execute", note)
    assert len(statements) < 40, len(statements)
    due_now = count(
        Notification, Notification.kind == "candidate_accounts.link_sent", Notification.next_attempt_at <= clock.now()
    )
    assert due_now == 8 + LETTERS_A_SECOND
    with reading() as session:
        assert verify_chain(session).broken_at is None


# -- entered by the link ---------------------------------------------------------------------------------------------


def test_the_link_sets_the_password_once_and_the_candidate_gets_in_by_either_number(year: Year) -> None:
    person, code = one(Candidate, year["student:0"]), secret(letters(year["student:0"])[0])
    assert open_link(code).candidate_id == person.id
    for typed in (person.candidate_no, person.id_number, f" {person.id_number.lower()} "):
        outcome = enter(typed)
        assert isinstance(outcome, UserAccount), typed
    with pytest.raises(ValueRefused):
        open_link(code, "another-good-9")
    assert isinstance(enter(person.candidate_no, "another-good-9"), ValueRefused)


@pytest.mark.parametrize(("late", "is_good"), [(-SECOND, True), (timedelta(0), True), (SECOND, False)])
def test_a_link_lives_as_long_as_its_letter_says(late: timedelta, is_good: bool, year: Year, at: At) -> None:
    letter = letters(year["student:0"])[0]
    code = secret(letter)
    at(moment("peopled") + LINK_VALID_FOR + late)
    with reading() as session:
        assert message_of(letter).is_still_true(session, clock.now()) is is_good
    if is_good:
        open_link(code)
    else:
        with pytest.raises(ValueRefused):
            open_link(code)


def test_a_weak_password_is_refused_and_the_link_stays_good(year: Year) -> None:
    code = secret(letters(year["student:0"])[0])
    with pytest.raises(ValueRefused):
        open_link(code, "1234567890")
    open_link(code)


def test_the_doors_of_panel_and_personal_space_do_not_know_each_others_people(year: Year) -> None:
    """R-097."""
    open_link(secret(letters(year["student:0"])[0]))
    number = one(Candidate, year["student:0"]).candidate_no
    with transaction(SYSTEM) as tx:
        accounts.set_password(tx, account_id=year["account:coordinator"], password=PASSWORD)
    with transaction(SYSTEM) as tx:
        refused = accounts.log_in(tx, login=number, password=PASSWORD)
    assert isinstance(refused, ValueRefused)
    assert refused.sentence_code == "wrong_login"
    refused = enter("coordinator")
    assert isinstance(refused, ValueRefused)
    assert refused.sentence_code == "wrong_login"
    assert account_of(year["student:0"]).wrong_passwords == 0


def test_staff_links_and_candidates_links_are_no_good_at_each_others_doors(year: Year) -> None:
    of_candidate = secret(letters(year["student:0"])[0])
    of_staff = year.do("admin", accounts.issue_activation_code, account_id=year["account:coordinator"])
    with pytest.raises(ValueRefused), transaction(SYSTEM) as tx:
        accounts.activate(tx, code=of_candidate, password=PASSWORD)
    with pytest.raises(ValueRefused):
        open_link(of_staff)


def test_five_wrong_passwords_lock_the_account_by_either_number(year: Year, at: At) -> None:
    """§3.5; a link that is opened ends the lock."""
    open_link(secret(letters(year["student:0"])[0]))
    person = one(Candidate, year["student:0"])
    for typed in (person.id_number, person.candidate_no) * 2:
        assert isinstance(enter(typed, "wrong-wrong-1"), ValueRefused)
    assert isinstance(enter(person.id_number, "wrong-wrong-1"), TooMany)
    assert isinstance(enter(person.candidate_no), TooMany)
    assert account_of(person.id).state is AccountState.LOCKED
    year.do("coordinator", send_link, candidate_id=person.id)
    open_link(secret(letters(person.id)[-1]), "newer-and-better-2")
    assert isinstance(enter(person.candidate_no, "newer-and-better-2"), UserAccount)


def test_an_id_number_typed_at_the_door_stands_in_no_trail(year: Year) -> None:
    person = one(Candidate, year["student:0"])
    enter(person.id_number, "wrong-wrong-1")
    enter("11010119900307123X", "wrong-wrong-1")
    said = [entry.actor_login + entry.before + entry.after for entry in rows(select(AuditEntry))]
    assert not [line for line in said if person.id_number in line or "11010119900307123X" in line]


# -- asked for again -------------------------------------------------------------------------------------------------


def test_a_reset_sends_a_new_link_ends_the_old_ones_and_leaves_the_password(year: Year) -> None:
    """R-096."""
    ident = year["student:0"]
    first = secret(letters(ident)[0])
    open_link(first)
    year.do("coordinator", send_link, candidate_id=ident)
    second = letters(ident)[-1]
    with reading() as session:
        assert message_of(second).is_still_true(session, clock.now())
    assert "新密码" in words_of(second)
    assert isinstance(enter(one(Candidate, ident).candidate_no), UserAccount)
    open_link(secret(second), "newer-and-better-2")
    assert isinstance(enter(one(Candidate, ident).candidate_no), ValueRefused)


def test_a_later_link_ends_the_one_before_also_where_its_letter_has_not_left(year: Year, at: At) -> None:
    ident = year["student:0"]
    year.do("coordinator", send_link, candidate_id=ident)
    first, second = letters(ident)
    with pytest.raises(ValueRefused):
        open_link(secret(first))
    with transaction(SYSTEM.on("jobs")) as tx:
        taken = {claim.notification_id for claim in notices.claim_due(tx, limit=100)}
    assert second.id in taken
    assert first.id not in taken


def test_resets_are_for_verified_candidates_with_a_mobile(year: Year) -> None:
    """R-096."""
    ident = newcomer(year)
    with pytest.raises(NotReady) as refused:
        year.do("coordinator", send_link, candidate_id=ident)
    assert refused.value.sentence_code == "link_before_verification"
    year.do("coordinator", candidates.edit_candidate, candidate_id=year["student:0"], changes={"mobile": ""})
    with pytest.raises(NotReady) as refused:
        year.do("coordinator", send_link, candidate_id=year["student:0"])
    assert refused.value.sentence_code == "link_no_mobile"


@pytest.mark.parametrize(("wait", "is_sent"), [(59, False), (60, True), (61, True)])
def test_a_minute_lies_between_two_links(wait: int, is_sent: bool, year: Year, at: At) -> None:
    ident = year["student:0"]
    year.do("coordinator", send_link, candidate_id=ident)
    at(clock.now() + timedelta(seconds=wait))
    if is_sent:
        year.do("coordinator", send_link, candidate_id=ident)
    else:
        with pytest.raises(TooMany):
            year.do("coordinator", send_link, candidate_id=ident)
    assert len(letters(ident)) == (3 if is_sent else 2)


def test_no_more_than_five_links_an_hour_whoever_asks(year: Year, at: At) -> None:
    ident = year["student:0"]
    for _ in range(5):
        year.do("coordinator", send_link, candidate_id=ident)
        at(clock.now() + timedelta(minutes=2))
    with pytest.raises(TooMany):
        year.do("coordinator", send_link, candidate_id=ident)
    with transaction(SYSTEM) as tx:
        ask_for_link(tx, typed=one(Candidate, ident).candidate_no)
    assert len(letters(ident)) == 6


def test_a_candidate_asks_for_the_link_and_learns_nothing_of_others(year: Year) -> None:
    person = one(Candidate, year["student:0"])
    for typed in (person.id_number, "nobody", "", "coordinator"):
        with transaction(SYSTEM) as tx:
            ask_for_link(tx, typed=typed)
    assert len(letters(person.id)) == 2
    assert (
        count(Notification, Notification.account_id == year["account:coordinator"], Notification.kind.like("%link%"))
        == 0
    )


def test_whoever_was_verified_before_there_were_accounts_gets_one_with_the_first_reset(year: Year) -> None:
    ident = year["student:0"]
    with transaction(SYSTEM) as tx:
        close_for(tx, [ident])
    year.do("coordinator", send_link, candidate_id=ident)
    assert len(letters(ident)) == 1


# -- changed and gone ------------------------------------------------------------------------------------------------


def test_another_mobile_ends_the_links_and_who_was_never_in_gets_one_there(year: Year) -> None:
    ident = year["student:0"]
    old = secret(letters(ident)[0])
    year.do("coordinator", candidates.edit_candidate, candidate_id=ident, changes={"mobile": "13900007777"})
    with pytest.raises(ValueRefused):
        open_link(old)
    assert account_of(ident).mobile == "13900007777"
    with reading() as session:
        letter = letter_of(session, session.get_one(Notification, letters(ident)[-1].id), clock.now())
    assert letter is not None
    assert letter.mobile == "13900007777"
    open_link(secret(letters(ident)[-1]))
    year.do("coordinator", candidates.edit_candidate, candidate_id=ident, changes={"mobile": "13900008888"})
    assert len(letters(ident)) == 2  # the password is set: nothing to send


def test_another_major_leaves_the_link_alone(year: Year) -> None:
    ident = year["student:0"]
    year.do("coordinator", candidates.edit_candidate, candidate_id=ident, changes={"enrolment_year": 2024})
    open_link(secret(letters(ident)[0]))


def test_the_account_goes_with_its_candidate(year: Year) -> None:
    """R-092; who was in is out."""
    ident = year["student:0"]
    account = open_link(secret(letters(ident)[0])).id
    removed, blocked = year.do("coordinator", candidates.delete_candidates, candidate_ids=[ident])
    assert (removed, list(blocked)) == (1, [])
    assert count(UserAccount, UserAccount.id == account) == 0
    assert count(OneTimeCode, OneTimeCode.account_id == account) == 0
    assert count(Notification, Notification.account_id == account) == 0
    with reading() as session:
        assert actor_for(session, account, "my") is None
        assert verify_chain(session).broken_at is None
