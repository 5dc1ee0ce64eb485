"""A lost phone: frozen by any colleague, thawed by a second person in the panel; and "is this still you?" (chat.md)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from core.db import reading
from core.errors import NotFound, NotPermitted, NotReady, Refusal, ValueRefused
from core.models.accounts import ChatBinding, UserAccount
from core.models.certificates import CertificateIssuance
from core.models.records import Notification
from core.notifications.certificates import SigningRequested
from core.notifications.pilots import ApplicationDecided
from core.queries.bindings import still_you_due
from core.rules.certificates import IssuanceState, Party
from core.rules.notices import ReplyState
from core.rules.organisations import ANSWER_STILL_YOU_WITHIN, ASK_STILL_YOU_EVERY, is_unconfirmed
from core.usecases import bindings, decisions, freezing, locking, notices, replies, signing
from core.usecases.decisions import CONFIRM_LASTS, LEAST_THOUGHT, Place
from tests.factories import SECOND, Year, Years, at_once, census, count, last_entries, moment, one, rows
from tests.factories import notices as told

At = Callable[[datetime | str], datetime]
NOW = moment("signed_by_teo")
READY = (CertificateIssuance.state == IssuanceState.SITE_PENDING,)
REASON = "姓名与身份证不一致，请核对"


@pytest.fixture
def year(years: Years, at: At) -> Year:
    found = years("signed_by_teo")
    at(NOW)
    return found


def freeze(year: Year, by: str, who: str, channel: str = "chat") -> UserAccount:
    with year.acting(by, channel) as tx:
        return freezing.freeze_acts(tx, account_id=year[f"account:{who}"])


def is_frozen(year: Year, who: str) -> bool:
    return one(UserAccount, year[f"account:{who}"]).acts_frozen_at is not None


def to_sign(year: Year) -> Notification:
    return told(SigningRequested.kind, year["account:signatory"])[-1]


def decided(year: Year, who: str = "signatory") -> Notification:
    with year.acting("system") as tx:
        tx.notify(ApplicationDecided(year["application"], True, "", 81), to=[year[f"account:{who}"]])
    return told(ApplicationDecided.kind, year[f"account:{who}"])[-1]


# -- who freezes whom --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["coordinator", "reviewer", "signatory", "invigilator"])
def test_any_colleague_and_the_person_freeze(year: Year, by: str) -> None:
    freeze(year, by, "signatory")
    assert is_frozen(year, "signatory")
    entry = last_entries()[0]
    assert (entry.action, entry.actor_login, entry.channel) == ("freeze_acts", by, "chat")
    heard = {row.account_id for row in told("accounts.acts_frozen")}
    assert heard == {year["account:signatory"], year[f"account:{by}"], year["account:admin"]}


def test_whoever_may_end_it_hears_of_it(year: Year) -> None:
    freeze(year, "invigilator", "coordinator")
    heard = {row.account_id for row in told("accounts.acts_frozen")}
    assert {year["account:second_coordinator"], year["account:signatory"], year["account:admin"]} <= heard


@pytest.mark.parametrize("by", ["other_coordinator", "teo", "province", "city", "candidate", "public"])
def test_nobody_from_outside_freezes_or_learns_who_is_there(year: Year, by: str) -> None:
    before = census()
    with pytest.raises(NotFound) as unknown:
        year.do(by, freezing.freezable, login="nobody-at-all")
    with pytest.raises(NotFound) as foreign:
        year.do(by, freezing.freezable, login="signatory")
    assert unknown.value.sentence_code == foreign.value.sentence_code == "colleague_unknown"
    with pytest.raises(NotFound):
        freeze(year, by, "signatory")
    assert census() == before


def test_freezing_twice_is_one_freeze_and_the_frozen_freeze_nobody(year: Year) -> None:
    first = freeze(year, "coordinator", "signatory").acts_frozen_at
    assert freeze(year, "reviewer", "signatory").acts_frozen_at == first
    assert len({row.dedupe_key for row in told("accounts.acts_frozen")}) == 1
    with pytest.raises(NotPermitted, match="acts_frozen"):
        freeze(year, "signatory", "coordinator")


def test_two_freeze_at_once_and_everybody_hears_once(any_years: Years, at: At) -> None:
    year = any_years("planned")
    at(moment("planned"))
    at_once(
        lambda: freeze(year, "coordinator", "signatory"),
        lambda: freeze(year, "reviewer", "signatory"),
    )
    assert len({row.dedupe_key for row in told("accounts.acts_frozen")}) == 1


# -- what a frozen account still does (acceptance test 17) -------------------------------------------------------------


@pytest.mark.parametrize("channel", ["phone", "panel"])
def test_a_frozen_account_signs_nothing(year: Year, channel: str) -> None:
    freeze(year, "coordinator", "signatory")
    waiting = count(CertificateIssuance, *READY)
    assert waiting
    with pytest.raises(NotPermitted, match="acts_frozen"), year.acting("signatory", channel) as tx:
        signing.open_signing(tx, plan_id=year["plan"], party=Party.COLLEGE)
    assert count(CertificateIssuance, *READY) == waiting


def test_a_ceremony_opened_before_signs_and_returns_nothing_after(year: Year) -> None:
    ceremony = year.open_signing("signatory", Party.COLLEGE)
    freeze(year, "coordinator", "signatory")
    with pytest.raises(NotPermitted, match="acts_frozen"):
        year.sign("signatory", ceremony)
    waiting = count(CertificateIssuance, *READY)
    with pytest.raises(NotPermitted, match="acts_frozen"), year.acting("signatory", "phone") as tx:
        signing.send_back(tx, token=ceremony.token, reason=REASON, shown=waiting)
    assert count(CertificateIssuance, *READY) == waiting


def test_a_colleague_signs_meanwhile(year: Year) -> None:
    freeze(year, "coordinator", "signatory")
    year.sign("reviewer", year.open_signing("reviewer", Party.COLLEGE))
    assert count(CertificateIssuance, *READY) == 0


def test_every_step_of_a_decision_in_chat_is_refused(year: Year) -> None:
    row = to_sign(year)
    place, version = Place(9009, 3), row.thing_version or 0
    with year.acting("signatory", "chat") as tx:
        decisions.ask_reason(tx, notification_id=row.id, version=version, place=place)
    freeze(year, "coordinator", "signatory")
    steps = [
        lambda tx: decisions.ask_reason(tx, notification_id=row.id, version=version, place=place),
        lambda tx: decisions.open_recap(tx, notification_id=row.id, version=version, place=place),
        lambda tx: decisions.ask_number(tx, notification_id=row.id, version=version, place=place),
        lambda tx: decisions.hear(tx, text=REASON),
        lambda tx: decisions.confirm(tx, notification_id=row.id, version=version),
        lambda tx: decisions.refuse_by_code(tx, code=row.task_code or "", reason=REASON, chat_id=9009),
    ]
    for step in steps:
        with pytest.raises(NotPermitted, match="acts_frozen"), year.acting("signatory", "chat") as tx:
            step(tx)
    assert one(Notification, row.id).reply_state is ReplyState.OPEN


def test_a_recap_that_was_open_is_not_confirmed(year: Year, at: At) -> None:
    row = to_sign(year)
    with year.acting("signatory", "chat") as tx:
        decisions.refuse_by_code(tx, code=row.task_code or "", reason=REASON, chat_id=9009)
        draft = decisions.awaited(tx)
        assert draft is not None
        mark = decisions.recap_mark(draft)
    freeze(year, "coordinator", "signatory")
    at(NOW + LEAST_THOUGHT)
    waiting = count(CertificateIssuance, *READY)
    with pytest.raises(NotPermitted, match="acts_frozen"), year.acting("signatory", "chat") as tx:
        decisions.confirm(tx, notification_id=row.id, version=mark)
    assert count(CertificateIssuance, *READY) == waiting


def test_reading_and_acknowledging_go_on(year: Year) -> None:
    row = decided(year)
    freeze(year, "coordinator", "signatory")
    with year.acting("signatory", "chat") as tx:
        replies.acknowledge(tx, notification_id=row.id)
    assert one(Notification, row.id).reply_state is ReplyState.ACKNOWLEDGED
    with year.acting("signatory", "chat") as tx:
        replies.take_back(tx, notification_id=row.id)
    assert one(Notification, row.id).reply_state is ReplyState.OPEN


def test_the_panel_still_decides_behind_its_login(year: Year) -> None:
    """Sending back is L2, and whoever has logged in is no thief of a phone."""
    freeze(year, "coordinator", "signatory")
    assert year.do("signatory", signing.reject_batch, plan_id=year["plan"], party=Party.COLLEGE, reason=REASON)


# -- the way back ------------------------------------------------------------------------------------------------------


def thaw(year: Year, by: str, who: str, channel: str = "panel") -> None:
    with year.acting(by, channel) as tx:
        freezing.thaw_acts(tx, account_id=year[f"account:{who}"])


def test_only_a_second_person_in_the_panel_thaws(year: Year) -> None:
    freeze(year, "invigilator", "coordinator")
    for by, channel, code in (
        ("coordinator", "panel", "thaw_by_another"),
        ("coordinator", "chat", "thaw_in_panel"),
        ("second_coordinator", "chat", "thaw_in_panel"),
        ("admin", "phone", "thaw_in_panel"),
        ("invigilator", "panel", "not_permitted"),
        ("other_coordinator", "panel", "not_permitted"),
    ):
        with pytest.raises(NotPermitted) as refused:
            thaw(year, by, "coordinator", channel)
        assert refused.value.sentence_code == code, (by, channel)
    thaw(year, "second_coordinator", "coordinator")
    assert not is_frozen(year, "coordinator")
    assert [row.account_id for row in told("accounts.acts_thawed")] == [year["account:coordinator"]]
    thaw(year, "second_coordinator", "coordinator")
    assert len(told("accounts.acts_thawed")) == 1


def test_the_signing_officer_is_thawed_by_the_platform(year: Year) -> None:
    freeze(year, "coordinator", "signatory")
    with pytest.raises(NotPermitted):
        thaw(year, "coordinator", "signatory")
    thaw(year, "admin", "signatory")
    year.sign("signatory", year.open_signing("signatory", Party.COLLEGE))


def rebind(year: Year, who: str, telegram: int) -> ChatBinding:
    code = year.do(who, bindings.issue_binding_code)
    year.do("public", bindings.bind_chat, code=code, telegram_user_id=telegram)
    return rows(select(ChatBinding).where(ChatBinding.account_id == year[f"account:{who}"]).order_by(ChatBinding.id))[
        -1
    ]


def test_a_new_phone_somebody_has_vouched_for_is_free_after_its_day_of_rest(year: Year, at: At) -> None:
    """chat.md test 18, after test 17: frozen until confirmed, then 24 hours, one second before, at and after."""
    freeze(year, "coordinator", "signatory")
    new = rebind(year, "signatory", 800)
    assert is_frozen(year, "signatory"), "a code alone frees nobody"
    given = {"account_id": year["account:signatory"], "binding_id": new.id}
    year.do("admin", bindings.confirm_binding, **given)
    assert not is_frozen(year, "signatory")
    for after, code in ((timedelta(hours=24) - SECOND, "rebound_lately"), (timedelta(hours=24), "")):
        at(NOW + after)
        if code:
            with pytest.raises(Refusal, match=code):
                year.open_signing("signatory", Party.COLLEGE)
        else:
            year.sign("signatory", year.open_signing("signatory", Party.COLLEGE))


# -- /lock: recap and second tap ---------------------------------------------------------------------------------------


def ask(year: Year, by: str = "coordinator", who: str = "signatory") -> int:
    with year.acting(by, "chat") as tx:
        locking.ask_freeze(tx, login=who, place=Place(1))
        draft = locking.awaited_freeze(tx)
        return 0 if draft is None else decisions.recap_mark(draft)


def confirm(year: Year, mark: int, by: str = "coordinator", who: str = "signatory") -> None:
    with year.acting(by, "chat") as tx:
        locking.confirm_freeze(tx, account_id=year[f"account:{who}"], mark=mark)


@pytest.mark.parametrize(
    ("after", "outcome"),
    [
        (LEAST_THOUGHT - SECOND / 2, "confirmed_too_soon"),
        (LEAST_THOUGHT, ""),
        (CONFIRM_LASTS - SECOND, ""),
        (CONFIRM_LASTS, ""),
        (CONFIRM_LASTS + SECOND, "recap_forgotten"),
    ],
)
def test_a_second_tap_not_too_soon_and_not_too_late(year: Year, at: At, after: timedelta, outcome: str) -> None:
    mark = ask(year)
    assert not is_frozen(year, "signatory")
    at(NOW + after)
    if outcome:
        with pytest.raises(Refusal, match=outcome):
            confirm(year, mark)
    else:
        confirm(year, mark)
        confirm(year, mark)  # the same tap again shows the same outcome
    assert is_frozen(year, "signatory") is not outcome.startswith(("c", "r"))


def test_a_key_of_another_recap_freezes_nobody(year: Year, at: At) -> None:
    mark = ask(year)
    ask(year, who="reviewer")
    at(NOW + LEAST_THOUGHT)
    with pytest.raises(NotFound, match="recap_forgotten"):
        confirm(year, mark)
    assert not is_frozen(year, "signatory")


def test_rather_not(year: Year, at: At) -> None:
    mark = ask(year)
    with year.acting("coordinator", "chat") as tx:
        locking.keep_free(tx, account_id=year["account:signatory"])
    at(NOW + LEAST_THOUGHT)
    with pytest.raises(NotFound, match="recap_forgotten"):
        confirm(year, mark)


def test_one_who_is_frozen_already_is_only_shown(year: Year) -> None:
    freeze(year, "reviewer", "signatory")
    assert ask(year) == 0


# -- is this still you? ------------------------------------------------------------------------------------------------

BORN = NOW + timedelta(days=1)


@pytest.fixture
def asked(year: Year, at: At) -> ChatBinding:
    """The signing officer has just been asked."""
    with year.acting("system") as tx:
        tx.update_all(ChatBinding, ChatBinding.id > 0, bound_at=BORN - ASK_STILL_YOU_EVERY)
    at(BORN)
    held = rows(select(ChatBinding).where(ChatBinding.account_id == year["account:signatory"]))[0]
    year.do("system", bindings.ask_still_you, binding_id=held.id)
    return one(ChatBinding, held.id)


def question(year: Year) -> Notification:
    return told("accounts.still_you", year["account:signatory"])[-1]


def test_once_a_quarter_and_not_a_second_sooner(year: Year, asked: ChatBinding, at: At) -> None:
    assert (len(told("accounts.still_you")), question(year).reply_state) == (1, ReplyState.OPEN)
    again = BORN + ASK_STILL_YOU_EVERY
    for now, is_due in ((again - SECOND, False), (again, True), (again + SECOND, False)):
        at(now)
        with reading() as session:
            assert (asked.id in session.scalars(still_you_due(now)).all()) is is_due, now
        year.do("system", bindings.ask_still_you, binding_id=asked.id)
    assert [row.reply_state for row in told("accounts.still_you")] == [ReplyState.EXPIRED, ReplyState.OPEN]
    with pytest.raises(NotPermitted):
        year.do("signatory", bindings.ask_still_you, binding_id=asked.id)


def test_no_deputy_and_no_colleague_answers_for_the_person(year: Year, asked: ChatBinding) -> None:
    assert {row.account_id for row in told("accounts.still_you")} == {year["account:signatory"]}
    assert question(year).next_escalation_at is None


@pytest.mark.parametrize(("after", "is_refused"), [(-SECOND, False), (timedelta(), False), (SECOND, True)])
@pytest.mark.parametrize("channel", ["chat", "phone"])
def test_after_a_fortnight_without_an_answer_acts_want_the_panel_first(
    year: Year, asked: ChatBinding, at: At, channel: str, after: timedelta, is_refused: bool
) -> None:
    at(BORN + ANSWER_STILL_YOU_WITHIN + after)
    with year.acting("signatory", channel) as tx:
        if is_refused:
            with pytest.raises(NotReady, match="still_you_unanswered"):
                freezing.require_free_hand(tx)
        else:
            freezing.require_free_hand(tx)
    with year.acting("signatory", "panel") as tx:
        freezing.require_free_hand(tx)


def test_an_unanswered_chat_signs_nothing_until_the_panel_has_heard(year: Year, asked: ChatBinding, at: At) -> None:
    at(BORN + ANSWER_STILL_YOU_WITHIN + SECOND)
    with pytest.raises(NotReady, match="still_you_unanswered"), year.acting("signatory", "phone") as tx:
        signing.open_signing(tx, plan_id=year["plan"], party=Party.COLLEGE)
    with pytest.raises(NotReady, match="still_you_unanswered"), year.acting("signatory", "chat") as tx:
        bindings.affirm_binding(tx)
    year.do("signatory", bindings.affirm_binding)
    assert not is_unconfirmed(asked.asked_at, one(ChatBinding, asked.id).affirmed_at, BORN + timedelta(days=90))
    with year.acting("signatory", "phone") as tx:
        assert signing.open_signing(tx, plan_id=year["plan"], party=Party.COLLEGE).session.item_count


def test_the_key_in_chat_is_the_answer(year: Year, asked: ChatBinding, at: At) -> None:
    at(BORN + ANSWER_STILL_YOU_WITHIN)
    with year.acting("signatory", "chat") as tx:
        replies.acknowledge(tx, notification_id=question(year).id)
    assert question(year).reply_state is ReplyState.DONE
    assert one(ChatBinding, asked.id).affirmed_at == BORN + ANSWER_STILL_YOU_WITHIN


def test_the_key_pressed_too_late_is_no_answer(year: Year, asked: ChatBinding, at: At) -> None:
    at(BORN + ANSWER_STILL_YOU_WITHIN + SECOND)
    with year.acting("signatory", "chat") as tx:
        replies.acknowledge(tx, notification_id=question(year).id)
    assert question(year).reply_state is ReplyState.EXPIRED
    assert one(ChatBinding, asked.id).affirmed_at is None


def test_whoever_has_no_chat_has_nothing_to_confirm(year: Year) -> None:
    with pytest.raises(NotFound, match="no_binding_held"):
        year.do("invigilator", bindings.affirm_binding)


# -- 已知悉 taken back -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "is_open"),
    [(timedelta(), True), (timedelta(minutes=10) - SECOND, True), (timedelta(minutes=10), False),
     (timedelta(minutes=10) + SECOND, False)],
)  # fmt: skip
def test_seen_is_taken_back_within_ten_minutes(year: Year, at: At, after: timedelta, is_open: bool) -> None:
    row = decided(year)
    year.do("signatory", replies.acknowledge, notification_id=row.id)
    at(NOW + after)
    if is_open:
        year.do("signatory", replies.take_back, notification_id=row.id)
        year.do("signatory", replies.take_back, notification_id=row.id)  # a second tap is no error
        found = one(Notification, row.id)
        assert (found.reply_state, found.replied_at, found.replied_by) == (ReplyState.OPEN, None, None)
        year.do("signatory", replies.acknowledge, notification_id=row.id)
        return
    with pytest.raises(Refusal, match="too_late_to_take_back"):
        year.do("signatory", replies.take_back, notification_id=row.id)
    assert one(Notification, row.id).reply_state is ReplyState.ACKNOWLEDGED


def test_what_was_done_is_not_taken_back_and_nobody_elses_is(year: Year) -> None:
    row = decided(year)
    year.do("signatory", replies.acknowledge, notification_id=row.id)
    with pytest.raises(NotPermitted, match="task_of_another"):
        year.do("coordinator", replies.take_back, notification_id=row.id)
    with year.acting("system") as tx:
        notices.close_tasks(tx, thing_type=str(row.thing_type), thing_id=int(row.thing_id or 0))
    if one(Notification, row.id).reply_state is ReplyState.DONE:
        with pytest.raises(Refusal, match="nothing_to_take_back"):
            year.do("signatory", replies.take_back, notification_id=row.id)


def test_taken_back_and_acknowledged_at_once_has_one_outcome(any_years: Years, at: At) -> None:
    year = any_years("planned")
    at(moment("planned"))
    row = decided(year)
    year.do("signatory", replies.acknowledge, notification_id=row.id)
    found = at_once(*[lambda: year.do("signatory", replies.take_back, notification_id=row.id)] * 2)
    assert one(Notification, row.id).reply_state is ReplyState.OPEN
    assert all(result is None or isinstance(result, Refusal) for result in found)
    assert None in found


def test_a_typed_value_freezes_nobody(year: Year) -> None:
    with pytest.raises((NotFound, ValueRefused)):
        ask(year, who="signatory' OR '1'='1")
