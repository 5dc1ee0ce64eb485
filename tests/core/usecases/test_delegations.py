"""Who stands in for whom: proposed, accepted with one act, in force by the clock, never in a chain (chat.md)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core import clock
from core.db import reading
from core.errors import (
    AlreadyThere,
    IllegalMove,
    NotPermitted,
    NotReady,
    ReasonMissing,
    Refusal,
    StaleState,
    ValueRefused,
)
from core.models.accounts import ChatBinding, UserAccount
from core.models.certificates import CertificateIssuance, SigningRecord
from core.models.delegations import Delegation
from core.models.organisations import ElectronicSeal
from core.models.records import Notification
from core.notifications import audiences
from core.notifications.accounts import BindingWaits
from core.notifications.pilots import ApplicationDecided
from core.notifications.render import chat_text
from core.queries.delegations import lapsing_delegations
from core.queries.due import tasks_for
from core.queries.telling import escalations_due
from core.rules.certificates import Party
from core.rules.delegations import LONGEST, DelegationState, Duty, Term, require_no_chain
from core.rules.notices import ReplyState
from core.rules.organisations import AccountState, BindingState, SealState
from core.usecases import accounts, decisions, delegations, signing, telling
from core.usecases.decisions import CONFIRM_LASTS, LEAST_THOUGHT, Place
from tests.channels import install
from tests.factories import SECOND, Year, Years, at_once, count, generate, moment, on, one, order, rows
from tests.factories import notices as told

At = Callable[[datetime | str], datetime]
NOON = on("2026-04-05 12:00")
START, END = on("2026-04-06 08:00"), on("2026-04-16 18:00")
DAY = timedelta(days=1)


@pytest.fixture
def year(years: Years, at: At) -> Year:
    found = years("planned")
    at(NOON)
    return found


@pytest.fixture
def two_databases(any_years: Years, at: At) -> Year:
    found = any_years("planned")
    at(NOON)
    return found


def propose(
    year: Year, by: str = "coordinator", principal: str = "coordinator", deputy: str = "reviewer", **given: Any
) -> int:
    values = {"duty": Duty.SITE, "starts_at": START, "ends_at": END} | given
    who = {"principal_id": year[f"account:{principal}"], "deputy_id": year[f"account:{deputy}"]}
    return int(year.do(by, delegations.propose_delegation, **who, **values).id)


def accepted(year: Year, principal: str = "coordinator", deputy: str = "reviewer", **given: Any) -> int:
    ident = propose(year, principal, principal, deputy, **given)
    year.do(principal, delegations.accept_delegation, delegation_id=ident)
    return ident


def default(year: Year, principal: str = "signatory", deputy: str = "coordinator", **given: Any) -> int:
    values = {"is_default": True, "starts_at": None, "ends_at": None} | given
    return accepted(year, principal, deputy, **values)


def bound(year: Year, login: str, telegram: int) -> None:
    with year.acting("system") as tx:
        tx.add(ChatBinding(account_id=year[f"account:{login}"], telegram_user_id=telegram, bound_at=tx.now))


def state(ident: int) -> DelegationState:
    return DelegationState(one(Delegation, ident).state)


def in_stead(year: Year, login: str, duty: Duty = Duty.SITE) -> list[int]:
    """Who stands in for a person now, as logins' account ids."""
    with reading() as session:
        account = session.get_one(UserAccount, year[f"account:{login}"])
        return audiences.stand_ins(session, account, clock.now(), duty)


def heard(year: Year, login: str, kind: str) -> list[Notification]:
    return told(kind, year[f"account:{login}"])


# -- proposing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("length", "is_fine"), [(LONGEST - SECOND, True), (LONGEST, True), (LONGEST + SECOND, False)])
def test_a_term_is_at_most_thirty_days(year: Year, length: timedelta, is_fine: bool) -> None:
    if is_fine:
        assert one(Delegation, propose(year, ends_at=START + length)).ends_at == START + length
        return
    with pytest.raises(ValueRefused, match="delegation_too_long"):
        propose(year, ends_at=START + length)
    assert count(Delegation) == 0


@pytest.mark.parametrize(("ends_in", "is_fine"), [(-SECOND, False), (timedelta(), False), (SECOND, True)])
def test_a_term_lies_ahead(year: Year, ends_in: timedelta, is_fine: bool) -> None:
    given = {"starts_at": NOON - 3 * DAY, "ends_at": NOON + ends_in}
    if not is_fine:
        with pytest.raises(ValueRefused, match="delegation_backwards"):
            propose(year, **given)
        return
    assert one(Delegation, propose(year, **given)).starts_at == NOON, "nobody has stood in yesterday"


@pytest.mark.parametrize("given", [{"ends_at": None}, {"is_default": True}])
def test_only_a_default_deputy_has_no_end(year: Year, given: dict[str, Any]) -> None:
    with pytest.raises(ValueRefused, match="delegation_term"):
        propose(year, **given)


def test_the_person_is_asked_and_nobody_else_is(year: Year) -> None:
    ident = propose(year, by="second_coordinator", principal="signatory", deputy="coordinator")
    asked = told("delegations.proposed")
    assert [row.account_id for row in asked] == [year["account:signatory"]]
    assert (asked[0].thing_id, asked[0].reply_state, state(ident)) == (ident, ReplyState.OPEN, DelegationState.PROPOSED)


@pytest.mark.parametrize(
    ("by", "principal", "deputy", "refused"),
    [
        ("other_coordinator", "signatory", "coordinator", NotPermitted),  # another college's coordinator
        ("reviewer", "signatory", "coordinator", NotPermitted),
        ("signatory", "coordinator", "reviewer", NotPermitted),  # somebody else's work, and no coordinator
        ("signatory", "signatory", "other_coordinator", NotPermitted),  # out of the house
        ("signatory", "signatory", "signatory", NotPermitted),
        ("coordinator", "invigilator", "reviewer", NotPermitted),  # nothing anybody could do instead
        ("teo", "teo", "coordinator", NotPermitted),
        ("signatory", "signatory", "invigilator", NotReady),  # no chat, no mobile, no mail
    ],
)
def test_who_may_propose_whom(year: Year, by: str, principal: str, deputy: str, refused: type[Refusal]) -> None:
    with pytest.raises(refused):
        propose(year, by=by, principal=principal, deputy=deputy)
    assert count(Delegation) == 0


def test_a_deputy_needs_a_working_channel_when_it_is_accepted_too(year: Year, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "mailto://example.org?to={email}")
    ident = propose(year)
    with year.acting("system") as tx:
        tx.update_all(
            ChatBinding, ChatBinding.account_id == year["account:reviewer"], state=BindingState.DEAD, ended_at=tx.now
        )
    with pytest.raises(NotReady, match="deputy_unreachable"):
        year.do("coordinator", delegations.accept_delegation, delegation_id=ident)
    year.do(
        "admin", accounts.edit_account, account_id=year["account:reviewer"], real_name="演乙", email="b@example.com"
    )
    year.do("coordinator", delegations.accept_delegation, delegation_id=ident)
    assert state(ident) is DelegationState.ACCEPTED


def test_the_same_proposal_by_two_at_once_is_one(two_databases: Year) -> None:
    year = two_databases
    results = at_once(
        lambda: propose(year, "coordinator", "signatory", "reviewer"),
        lambda: propose(year, "second_coordinator", "signatory", "reviewer"),
    )
    assert sorted(type(result).__name__ for result in results) == ["AlreadyThere", "int"]
    assert count(Delegation) == 1


# -- signing -----------------------------------------------------------------------------------------------------------


def test_a_signature_is_handed_to_a_sign_reviewer_alone(year: Year) -> None:
    with pytest.raises(NotReady, match="deputy_not_authorised"):
        propose(year, "signatory", "signatory", "coordinator", duty=Duty.SIGNING)
    with pytest.raises(NotPermitted, match="signing_not_theirs"):
        propose(year, "coordinator", "coordinator", "reviewer", duty=Duty.SIGNING)
    assert state(accepted(year, "signatory", "reviewer", duty=Duty.SIGNING)) is DelegationState.ACCEPTED


def test_without_the_letter_on_file_nobody_signs_for_anybody(year: Year) -> None:
    ident = propose(year, "signatory", "signatory", "reviewer", duty=Duty.SIGNING)
    with year.acting("system") as tx:
        tx.update_all(ElectronicSeal, ElectronicSeal.id > 0, state=SealState.REPLACED)
    with pytest.raises(NotReady, match="letter_missing"):
        year.do("signatory", delegations.accept_delegation, delegation_id=ident)
    assert state(ident) is DelegationState.PROPOSED


@pytest.mark.parametrize("is_handed_over", [True, False])
def test_record_and_certificate_say_who_signed_for_whom(years: Years, at: At, is_handed_over: bool) -> None:
    """R-240: a sign reviewer signs for the officer, with a dated delegation or as a standing one."""
    year = years("signed_by_teo")
    at(moment("signed_by_teo"))
    if is_handed_over:
        now = moment("signed_by_teo")
        accepted(year, "signatory", "reviewer", duty=Duty.SIGNING, starts_at=now, ends_at=now + DAY)
    year.sign("reviewer", year.open_signing("reviewer", Party.COLLEGE))
    officer = one(UserAccount, year["account:signatory"])
    college = rows(select(SigningRecord).where(SigningRecord.party == Party.COLLEGE))
    assert {(row.signer_name, row.principal_name, row.signer) for row in college} == {
        ("演reviewer", officer.real_name, "演reviewer 代 演signatory")
    }
    teo = rows(select(SigningRecord).where(SigningRecord.party == Party.TEO))
    assert {(row.principal_id, row.signer) for row in teo} == {(None, "演teo")}
    reasons: list[str] = []

    class Sealer:
        def seal(self, pdf: bytes, *, reason: str, picture: bytes | None = None) -> bytes:
            reasons.append(reason)
            return pdf

    order(year)
    generate(year, year["issuance:0"], Sealer())
    number = one(CertificateIssuance, year["issuance:0"]).certificate_no
    assert reasons == [f"{number} · 演reviewer 代 演signatory"]


def test_the_officers_own_signature_stands_for_nobody(years: Years, at: At) -> None:
    years("signed")
    at(moment("signed"))
    assert {row.signer for row in rows(select(SigningRecord))} == {"演teo", "演signatory"}


def test_a_deputy_never_gains_a_role(years: Years, at: At) -> None:
    """The work at the site handed to a coordinator lets nobody sign."""
    year = years("signed_by_teo")
    at(moment("signed_by_teo"))
    default(year, "signatory", "coordinator")
    with pytest.raises(NotPermitted):
        year.do("coordinator", signing.open_signing, plan_id=year["plan"], party=Party.COLLEGE)


# -- answering ---------------------------------------------------------------------------------------------------------


def test_only_the_person_accepts(year: Year) -> None:
    ident = propose(year, by="coordinator", principal="signatory", deputy="reviewer")
    for login in ("coordinator", "second_coordinator", "reviewer", "other_signatory", "admin"):
        with pytest.raises(NotPermitted):
            year.do(login, delegations.accept_delegation, delegation_id=ident)
    year.do("signatory", delegations.accept_delegation, delegation_id=ident)
    assert {row.account_id for row in told("delegations.accepted")} == {
        year["account:reviewer"], year["account:coordinator"],
    }  # fmt: skip
    assert [row.reply_state for row in told("delegations.proposed")] == [ReplyState.DONE]
    with pytest.raises(IllegalMove):
        year.do("signatory", delegations.accept_delegation, delegation_id=ident)


def test_a_refusal_has_a_reason_the_proposer_reads(year: Year) -> None:
    ident = propose(year, by="coordinator", principal="signatory", deputy="reviewer")
    with pytest.raises(ReasonMissing):
        year.do("signatory", delegations.refuse_delegation, delegation_id=ident, reason=" ")
    year.do("signatory", delegations.refuse_delegation, delegation_id=ident, reason="我这几天在校")
    assert state(ident) is DelegationState.REFUSED
    (row,) = told("delegations.refused")
    assert row.account_id == year["account:coordinator"]
    with reading() as session:
        assert "我这几天在校" in chat_text(session, session.get_one(Notification, row.id), NOON).text


def test_ended_by_the_deputy_by_the_person_and_by_a_coordinator_of_the_house(year: Year) -> None:
    for by in ("reviewer", "signatory", "second_coordinator"):
        ident = accepted(year, "signatory", "reviewer")
        with pytest.raises(NotPermitted):
            year.do("other_coordinator", delegations.end_delegation, delegation_id=ident, reason="不该由我")
        with pytest.raises(ReasonMissing):
            year.do(by, delegations.end_delegation, delegation_id=ident, reason="")
        year.do(by, delegations.end_delegation, delegation_id=ident, reason="提前回校")
        assert state(ident) is DelegationState.ENDED
        both = {row.account_id for row in told("delegations.over") if f'"delegation_id": {ident}' in row.facts}
        assert both == {year["account:signatory"], year["account:reviewer"]}


def test_accepting_and_ending_at_once_has_one_outcome(two_databases: Year) -> None:
    year = two_databases
    ident = propose(year, "coordinator", "signatory", "reviewer")
    results = at_once(
        lambda: year.do("signatory", delegations.accept_delegation, delegation_id=ident),
        lambda: year.do("signatory", delegations.refuse_delegation, delegation_id=ident, reason="我在校"),
    )
    refused = [result for result in results if isinstance(result, Refusal)]
    assert len(refused) == 1
    assert isinstance(refused[0], IllegalMove | StaleState)
    assert state(ident) in {DelegationState.ACCEPTED, DelegationState.REFUSED}


def test_two_overlapping_ones_accepted_at_once_leave_one(two_databases: Year) -> None:
    year = two_databases
    bound(year, "second_coordinator", 777)
    first = propose(year, "signatory", "signatory", "reviewer")
    second = propose(year, "signatory", "signatory", "second_coordinator")
    results = at_once(
        lambda: year.do("signatory", delegations.accept_delegation, delegation_id=first),
        lambda: year.do("signatory", delegations.accept_delegation, delegation_id=second),
    )
    assert sum(isinstance(result, AlreadyThere) for result in results) == 1
    assert sorted([state(first), state(second)]) == [DelegationState.ACCEPTED, DelegationState.PROPOSED]


def test_two_default_deputies_accepted_at_once_leave_one(two_databases: Year) -> None:
    year = two_databases
    given = {"is_default": True, "starts_at": None, "ends_at": None}
    idents = [propose(year, "signatory", "signatory", deputy, **given) for deputy in ("coordinator", "reviewer")]
    results = at_once(
        *(lambda i=i: year.do("signatory", delegations.accept_delegation, delegation_id=i) for i in idents)
    )
    assert sum(isinstance(result, AlreadyThere) for result in results) == 1


@pytest.mark.parametrize(("gap", "is_fine"), [(-SECOND, False), (timedelta(), True), (SECOND, True)])
def test_one_may_follow_another_without_a_gap(year: Year, gap: timedelta, is_fine: bool) -> None:
    accepted(year, "signatory", "reviewer")
    given = {"starts_at": END + gap, "ends_at": END + 3 * DAY}
    if is_fine:
        accepted(year, "signatory", "coordinator", **given)
        return
    with pytest.raises(AlreadyThere, match="delegation_overlaps"):
        propose(year, "signatory", "signatory", "coordinator", **given)


def test_duties_and_default_deputies_stand_beside_each_other(year: Year) -> None:
    accepted(year, "signatory", "reviewer")
    accepted(year, "signatory", "reviewer", duty=Duty.SIGNING)
    default(year, "signatory", "coordinator")
    assert count(Delegation, Delegation.state == DelegationState.ACCEPTED) == 3


# -- chains ------------------------------------------------------------------------------------------------------------


def test_nobody_hands_over_to_somebody_who_is_away(year: Year) -> None:
    accepted(year, "coordinator", "reviewer")
    with pytest.raises(NotReady, match="deputy_is_away"):
        propose(year, "signatory", "signatory", "coordinator", starts_at=END - SECOND, ends_at=END + DAY)
    propose(year, "signatory", "signatory", "coordinator", starts_at=END, ends_at=END + DAY)


def test_nobody_hands_on_what_was_handed_to_them(year: Year) -> None:
    accepted(year, "signatory", "coordinator")
    with pytest.raises(NotReady, match="principal_stands_in"):
        propose(year, "coordinator", "coordinator", "reviewer", starts_at=END - SECOND, ends_at=END + DAY)
    propose(year, "coordinator", "coordinator", "reviewer", starts_at=END, ends_at=END + DAY)


def test_a_chain_that_closed_meanwhile_is_refused_at_the_second_acceptance(year: Year) -> None:
    first = propose(year, "signatory", "signatory", "coordinator")
    second = propose(year, "coordinator", "coordinator", "reviewer")
    year.do("signatory", delegations.accept_delegation, delegation_id=first)
    with pytest.raises(NotReady, match="principal_stands_in"):
        year.do("coordinator", delegations.accept_delegation, delegation_id=second)


def test_a_default_deputy_who_is_away_stands_in_for_nobody(year: Year, at: At) -> None:
    default(year, "signatory", "coordinator")
    accepted(year, "coordinator", "reviewer")
    for now, who in ((START - SECOND, ["coordinator"]), (START, []), (END - SECOND, []), (END, ["coordinator"])):
        at(now)
        assert in_stead(year, "signatory") == [year[f"account:{login}"] for login in who], now


def test_default_deputies_of_each_other_are_no_chain() -> None:
    term = Term(START, None)
    require_no_chain(term, away=[Term(START, None)], stands_in=[Term(START, None)])


# -- in force ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "is_told"), [(START - SECOND, False), (START, True), (END - SECOND, True), (END, False)]
)
def test_a_request_goes_to_both_while_it_is_in_force(year: Year, at: At, now: datetime, is_told: bool) -> None:
    """Acceptance test 16 of chat.md: before, within and after; no job has to run for it."""
    accepted(year)
    at(now)
    message = ApplicationDecided(year["application"], True, "", 77)
    with year.acting("system") as tx:
        tx.notify(message)
    mine = select(Notification).where(Notification.dedupe_key == message.dedupe_key())
    found = {row.account_id: row for row in rows(mine)}
    assert year["account:coordinator"] in found, "added, never put in the person's place"
    assert (year["account:reviewer"] in found) is is_told
    if not is_told:
        return
    copy = found[year["account:reviewer"]]
    assert (copy.instead_of, copy.reply_state) == (year["account:coordinator"], ReplyState.OPEN)
    assert found[year["account:coordinator"]].instead_of is None
    with reading() as session:
        assert "您代账号 coordinator 办理" in chat_text(session, session.get_one(Notification, copy.id), now).text


def test_what_is_about_the_person_alone_goes_to_no_deputy(year: Year, at: At) -> None:
    accepted(year)
    at(START)
    held = rows(select(ChatBinding).where(ChatBinding.account_id == year["account:signatory"]))[0]
    with year.acting("system") as tx:
        tx.notify(BindingWaits(held.id), to=None)
    assert year["account:reviewer"] not in {row.account_id for row in told("accounts.binding_waits")}


def test_a_deputy_who_is_out_of_use_is_not_told(year: Year, at: At) -> None:
    accepted(year)
    at(START)
    assert in_stead(year, "coordinator") == [year["account:reviewer"]]
    with year.acting("system") as tx:
        tx.update_all(UserAccount, UserAccount.id == year["account:reviewer"], state=AccountState.DISABLED)
    assert in_stead(year, "coordinator") == []


def test_the_default_deputy_is_drawn_in_when_nobody_answers_and_colleagues_are_not(year: Year, at: At) -> None:
    bound(year, "second_coordinator", 777)
    default(year, "coordinator", "reviewer")
    message = ApplicationDecided(year["application"], True, "", 78)
    with year.acting("system") as tx:
        tx.update_all(Notification, Notification.id > 0, next_escalation_at=None)
        tx.notify(message)
    mine = select(Notification).where(Notification.dedupe_key == message.dedupe_key())
    assert year["account:reviewer"] not in {row.account_id for row in rows(mine)}, "not before anybody was slow"
    row = next(row for row in rows(mine) if row.account_id == year["account:coordinator"])
    at(row.next_escalation_at)
    with reading() as session:
        assert row.id in session.scalars(escalations_due(row.next_escalation_at)).all()
    year.do("system", telling.escalate, notification_id=row.id)
    drawn = next(found for found in rows(mine) if found.account_id == year["account:reviewer"])
    assert drawn.instead_of == year["account:coordinator"]


# -- over --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_accepted", [True, False])
def test_the_clock_ends_it_and_a_job_records_that(year: Year, at: At, is_accepted: bool) -> None:
    ident = accepted(year) if is_accepted else propose(year, ends_at=END)
    for now, wanted in ((END - SECOND, []), (END, [ident]), (END + SECOND, [ident])):
        with reading() as session:
            assert list(session.scalars(lapsing_delegations(now))) == wanted, now
    at(END - SECOND)
    year.do("system", delegations.lapse_delegation, delegation_id=ident)
    assert state(ident) is not DelegationState.LAPSED
    at(END)
    if not is_accepted:
        with pytest.raises(ValueRefused, match="delegation_backwards"):
            year.do("coordinator", delegations.accept_delegation, delegation_id=ident)
    with pytest.raises(NotPermitted):
        year.do("coordinator", delegations.lapse_delegation, delegation_id=ident)
    for _ in range(2):
        year.do("system", delegations.lapse_delegation, delegation_id=ident)
    assert state(ident) is DelegationState.LAPSED
    assert sorted(row.account_id for row in told("delegations.over")) == sorted(
        [year["account:coordinator"], year["account:reviewer"]]
    )
    assert {row.reply_state for row in told("delegations.proposed")} <= {ReplyState.DONE, ReplyState.EXPIRED}


def test_a_default_deputy_nobody_accepts_lapses_after_a_fortnight_and_an_accepted_one_never(year: Year) -> None:
    given = {"is_default": True, "starts_at": None, "ends_at": None}
    ident = propose(year, "signatory", "signatory", "coordinator", **given)
    with reading() as session:
        assert list(session.scalars(lapsing_delegations(NOON + 14 * DAY - SECOND))) == []
        assert list(session.scalars(lapsing_delegations(NOON + 14 * DAY))) == [ident]
    year.do("signatory", delegations.accept_delegation, delegation_id=ident)
    with reading() as session:
        assert list(session.scalars(lapsing_delegations(NOON + 4000 * DAY))) == []


# -- mandatory ---------------------------------------------------------------------------------------------------------


def test_a_college_without_a_default_deputy_sees_that_on_its_first_page(year: Year) -> None:
    def missing(login: str) -> bool:
        with reading() as session:
            return any(item.kind == "delegations.missing" for item in tasks_for(session, year.actor(login), NOON))

    assert [login for login in ("coordinator", "signatory", "other_signatory", "teo") if missing(login)] == [
        "coordinator", "signatory", "other_signatory",
    ]  # fmt: skip
    ident = default(year, "signatory", "coordinator")
    assert not missing("coordinator")
    assert not missing("signatory")
    year.do("signatory", delegations.end_delegation, delegation_id=ident, reason="换人")
    assert missing("coordinator")


# -- one act in chat ---------------------------------------------------------------------------------------------------


def recap(year: Year, at: At, ident: int) -> tuple[Notification, int]:
    row = heard(year, "signatory", "delegations.proposed")[-1]
    place = Place(9009, 5)
    with year.acting("signatory", "chat") as tx:
        version = one(Delegation, ident).version
        decisions.open_recap(tx, notification_id=row.id, version=version, place=place)
        draft = decisions.awaited(tx)
        assert draft is not None
        return row, decisions.recap_mark(draft)


def test_accepted_in_chat_with_a_recap_and_a_second_tap(year: Year, at: At) -> None:
    ident = propose(year, "coordinator", "signatory", "reviewer")
    row, mark = recap(year, at, ident)
    assert state(ident) is DelegationState.PROPOSED
    with pytest.raises(ValueRefused, match="confirmed_too_soon"), year.acting("signatory", "chat") as tx:
        decisions.confirm(tx, notification_id=row.id, version=mark)
    at(NOON + LEAST_THOUGHT)
    with year.acting("signatory", "chat") as tx:
        decisions.confirm(tx, notification_id=row.id, version=mark)
    assert state(ident) is DelegationState.ACCEPTED
    assert one(Notification, row.id).reply_state is ReplyState.DONE


def test_ended_in_the_panel_is_over_in_chat(year: Year, at: At) -> None:
    ident = propose(year, "coordinator", "signatory", "reviewer")
    row, mark = recap(year, at, ident)
    year.do("coordinator", delegations.end_delegation, delegation_id=ident, reason="不用了")
    at(NOON + CONFIRM_LASTS)
    with year.acting("signatory", "chat") as tx:
        decisions.confirm(tx, notification_id=row.id, version=mark)
    assert state(ident) is DelegationState.ENDED


def test_refused_in_chat_with_a_reason(year: Year, at: At) -> None:
    ident = propose(year, "coordinator", "signatory", "reviewer")
    row = heard(year, "signatory", "delegations.proposed")[-1]
    with year.acting("signatory", "chat") as tx:
        version = one(Delegation, ident).version
        decisions.ask_reason(tx, notification_id=row.id, version=version, place=Place(9009, 5))
        decisions.hear(tx, text="我这几天在校")
        draft = decisions.awaited(tx)
        assert draft is not None
        mark = decisions.recap_mark(draft)
    at(NOON + LEAST_THOUGHT)
    with year.acting("signatory", "chat") as tx:
        decisions.confirm(tx, notification_id=row.id, version=mark)
    assert (state(ident), one(Delegation, ident).answer) == (DelegationState.REFUSED, "我这几天在校")
