"""Chats bound to accounts: one-time codes, a second person for every move, a day of rest, and chats that die."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from core.actors import SYSTEM
from core.db import reading
from core.errors import AlreadyThere, NotFound, NotPermitted, StaleState, ValueRefused, WindowNotOpen
from core.models.accounts import ChatBinding, UserAccount
from core.models.certificates import CertificateIssuance
from core.models.records import Notification
from core.notifications.render import chat_text
from core.queries.accounts import account_of_chat
from core.queries.bindings import managers_of, reach_of
from core.rules.certificates import IssuanceState, Party
from core.rules.notices import DeliveryState, ReplyState
from core.rules.organisations import AccountState, BindingState, Reach, Role
from core.usecases import accounts, bindings, notices
from kaowu import main
from tests.factories import (
    SECOND,
    Year,
    Years,
    at_once,
    census,
    count,
    last_entries,
    moment,
    on,
    one,
    rows,
)
from tests.factories import (
    notices as told,
)

At = Callable[[datetime | str], datetime]
NOON = on("2026-03-05 12:00")
OLD, NEW, OTHER = 9008, 800, 801  # the coordinator's phone, a new one, and yet another


@pytest.fixture
def year(years: Years, at: At) -> Year:
    found = years("set_up")
    at(NOON)
    return found


def bind(year: Year, who: str, telegram: int, asked_by: str = "") -> UserAccount:
    """Ask for a code in the panel and type it into a chat."""
    code = year.do(asked_by or who, bindings.issue_binding_code, account_id=year[f"account:{who}"])
    with year.acting("public") as tx:
        return bindings.bind_chat(tx, code=code, telegram_user_id=telegram)


def chats(year: Year, who: str) -> list[tuple[int, BindingState]]:
    """Everything an account was ever bound to, oldest first."""
    mine = select(ChatBinding).where(ChatBinding.account_id == year[f"account:{who}"]).order_by(ChatBinding.id)
    return [(row.telegram_user_id, row.state) for row in rows(mine)]


def newest(year: Year, who: str) -> ChatBinding:
    mine = select(ChatBinding).where(ChatBinding.account_id == year[f"account:{who}"]).order_by(ChatBinding.id)
    return rows(mine)[-1]


def confirm(year: Year, by: str, who: str) -> Any:
    given = {"account_id": year[f"account:{who}"], "binding_id": newest(year, who).id}
    return year.do(by, bindings.confirm_binding, **given)


def bound_login(telegram: int) -> str | None:
    with reading() as session:
        account = account_of_chat(session, telegram)
        return account.login if account else None


# -- the first chat ----------------------------------------------------------------------------------------------------


def test_a_chat_is_bound_by_user_id_and_a_one_time_code(year: Year) -> None:
    bind(year, "invigilator", 700)
    assert (bound_login(700), bound_login(701)) == ("invigilator", None)


def test_the_same_code_by_the_same_person_again_is_no_error(year: Year) -> None:
    code = year.do("invigilator", bindings.issue_binding_code)
    given = {"code": code, "telegram_user_id": 700}
    year.do("public", bindings.bind_chat, **given)
    before = census()
    assert year.do("public", bindings.bind_chat, **given).login == "invigilator"
    assert census() == before
    with pytest.raises(ValueRefused):
        year.do("public", bindings.bind_chat, code=code, telegram_user_id=701)


def test_a_person_bound_elsewhere_has_to_end_that_first(year: Year) -> None:
    code = year.do("invigilator", bindings.issue_binding_code)
    with pytest.raises(AlreadyThere) as caught:
        year.do("public", bindings.bind_chat, code=code, telegram_user_id=9006)  # the TEO's
    assert caught.value.sentence_code == "chat_bound_elsewhere"
    year.do("teo", bindings.end_binding, account_id=year["account:teo"])
    year.do("public", bindings.bind_chat, code=code, telegram_user_id=9006)


def test_ending_a_binding_that_is_not_there_is_no_error(year: Year) -> None:
    year.do("invigilator", bindings.end_binding, account_id=year["account:invigilator"])


# -- another phone -----------------------------------------------------------------------------------------------------


def test_asking_for_a_code_ends_the_old_chat_at_once(year: Year) -> None:
    """chat.md, lost phone: whoever found it does nothing more with it."""
    year.do("coordinator", bindings.issue_binding_code)
    assert chats(year, "coordinator") == [(OLD, BindingState.ENDED)]
    assert bound_login(OLD) is None


def test_another_phone_waits_for_a_second_person(year: Year) -> None:
    bind(year, "coordinator", NEW)
    assert chats(year, "coordinator") == [(OLD, BindingState.ENDED), (NEW, BindingState.WAITING)]
    assert bound_login(NEW) is None
    confirm(year, "signatory", "coordinator")
    assert bound_login(NEW) == "coordinator"
    row = newest(year, "coordinator")
    assert (row.confirmed_by, row.acts_from) == (year["account:signatory"], NOON + timedelta(hours=24))
    assert last_entries(2)[0].actor_login == "signatory"


def test_the_same_phone_again_waits_for_nobody(year: Year) -> None:
    bind(year, "coordinator", OLD)
    assert chats(year, "coordinator")[-1] == (OLD, BindingState.ACTIVE)
    assert newest(year, "coordinator").acts_from is None


def test_a_move_turned_down_is_no_way_in_however_often_it_is_tried(year: Year) -> None:
    for _ in range(2):
        bind(year, "coordinator", NEW)
        year.do("signatory", bindings.end_binding, account_id=year["account:coordinator"])
    bind(year, "coordinator", NEW)
    states = [state for telegram, state in chats(year, "coordinator") if telegram == NEW]
    assert states == [BindingState.ENDED, BindingState.ENDED, BindingState.WAITING]


def test_after_a_move_it_is_the_former_phone_that_has_to_wait(year: Year) -> None:
    bind(year, "coordinator", NEW)
    confirm(year, "admin", "coordinator")
    bind(year, "coordinator", NEW)
    assert chats(year, "coordinator")[-1] == (NEW, BindingState.ACTIVE)
    bind(year, "coordinator", OLD)
    assert chats(year, "coordinator")[-1] == (OLD, BindingState.WAITING)


@pytest.mark.parametrize(
    ("by", "who"),
    [
        ("coordinator", "coordinator"),  # oneself
        ("coordinator", "signatory"),  # not theirs to look after
        ("coordinator", "reviewer"),
        ("signatory", "signatory"),
        ("other_signatory", "coordinator"),  # another college
        ("teo", "teo"),
        ("province", "teo"),
        ("admin", "admin"),  # the platform's administrator, but for themselves
    ],
)
def test_whoever_is_no_second_person_confirms_nothing(year: Year, by: str, who: str) -> None:
    bind(year, who, NEW)
    before = census()
    with pytest.raises(NotPermitted):
        confirm(year, by, who)
    assert census() == before
    assert bound_login(NEW) is None


def test_whoever_asked_for_the_code_is_not_the_second_person_but_the_platform_may(year: Year) -> None:
    bind(year, "second_coordinator", NEW)
    bind(year, "second_coordinator", OTHER, asked_by="coordinator")
    with pytest.raises(NotPermitted, match="second_person_needed"):
        confirm(year, "coordinator", "second_coordinator")
    confirm(year, "signatory", "second_coordinator")
    bind(year, "teo", NEW, asked_by="admin")
    confirm(year, "admin", "teo")
    assert bound_login(NEW) == "teo"


def test_what_is_confirmed_is_what_was_looked_at(year: Year) -> None:
    bind(year, "coordinator", NEW)
    seen = newest(year, "coordinator").id
    bind(year, "coordinator", OTHER)
    with pytest.raises(StaleState, match="binding_changed"):
        year.do("signatory", bindings.confirm_binding, account_id=year["account:coordinator"], binding_id=seen)
    assert bound_login(OTHER) is None


def test_nothing_waits_nothing_is_confirmed(year: Year) -> None:
    with pytest.raises(NotFound, match="no_binding_waits"):
        confirm(year, "signatory", "coordinator")


def test_two_second_persons_at_once_confirm_it_once(any_years: Years, at: At) -> None:
    year = any_years("set_up")
    at(NOON)
    bind(year, "coordinator", NEW)
    found = at_once(lambda: confirm(year, "signatory", "coordinator"), lambda: confirm(year, "admin", "coordinator"))
    assert sum(isinstance(one_, ChatBinding) for one_ in found) == 1, found
    assert sum(isinstance(one_, (StaleState, NotFound)) for one_ in found) == 1, found
    assert bound_login(NEW) == "coordinator"


def test_two_phones_with_one_code_at_once_leave_one_waiting(any_years: Years, at: At) -> None:
    year = any_years("set_up")
    at(NOON)
    code = year.do("coordinator", bindings.issue_binding_code)
    at_once(*[
        lambda n=n: year.do("public", bindings.bind_chat, code=code, telegram_user_id=n) for n in (NEW, OTHER)
    ])  # fmt: skip
    waiting = (ChatBinding.account_id == year["account:coordinator"], ChatBinding.state == BindingState.WAITING)
    assert count(ChatBinding, *waiting) == 1


# -- who hears of it ---------------------------------------------------------------------------------------------------


def hearers(kind: str) -> set[int]:
    return {row.account_id for row in told(kind)}


def test_the_managers_and_the_person_hear_that_a_chat_waits(year: Year) -> None:
    bind(year, "coordinator", NEW)
    expected = {year["account:signatory"], year["account:second_coordinator"]}
    assert hearers("accounts.binding_waits") == expected
    assert hearers("accounts.binding_asked") == {year["account:coordinator"]}
    confirm(year, "signatory", "coordinator")
    assert {row.reply_state for row in told("accounts.binding_waits")} == {ReplyState.DONE}
    assert hearers("accounts.binding_confirmed") == {year["account:coordinator"]}


@pytest.mark.parametrize("who", ["signatory", "teo", "province"])
def test_where_nobody_else_could_confirm_the_platform_is_asked(year: Year, who: str) -> None:
    bind(year, who, NEW)
    assert hearers("accounts.binding_waits") == {year["account:admin"]}
    confirm(year, "admin", who)


def test_disabled_colleagues_are_not_asked(year: Year) -> None:
    year.do("admin", accounts.disable_account, account_id=year["account:signatory"])
    year.do("admin", accounts.disable_account, account_id=year["account:second_coordinator"])
    bind(year, "coordinator", NEW)
    assert hearers("accounts.binding_waits") == {year["account:admin"]}


# -- what waits for an answer comes along, and what cannot be taken back rests -----------------------------------------


@pytest.fixture
def to_sign(years: Years, at: At) -> Year:
    """The signing officer is asked to sign."""
    found = years("signed_by_teo")
    at(moment("signed_by_teo"))
    return found


def request_to(year: Year, who: str) -> Notification:
    return told("certificates.signing_requested", year[f"account:{who}"])[-1]


@pytest.mark.parametrize("was", [DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.SUPPRESSED])
def test_open_tasks_are_sent_again_to_the_new_chat(to_sign: Year, was: DeliveryState) -> None:
    year, ident = to_sign, request_to(to_sign, "signatory").id
    with year.acting("system") as tx:
        notices.claim_due(tx, limit=500)
        if was is DeliveryState.DELIVERED:
            notices.mark_delivered(tx, notification_id=ident, chat_id=9009, message_id=5)
        elif was is DeliveryState.FAILED:
            notices.mark_failed(tx, notification_id=ident, why="blocked")
        else:
            notices.mark_unreachable(tx, notification_id=ident, why="no chat")
    bind(year, "signatory", NEW)
    assert one(Notification, ident).delivery_state is was, "not before the second person has spoken"
    confirm(year, "admin", "signatory")
    row = one(Notification, ident)
    assert (row.delivery_state, row.chat_id, row.message_id) == (DeliveryState.PENDING, None, None)
    with reading() as session:
        assert chat_text(session, session.get_one(Notification, ident), moment("signed_by_teo")).keys


def test_answered_tasks_are_not_sent_again(to_sign: Year) -> None:
    year, ident = to_sign, request_to(to_sign, "signatory").id
    with year.acting("system") as tx:
        notices.claim_due(tx, limit=500)
        notices.mark_delivered(tx, notification_id=ident, chat_id=9009, message_id=5)
        row = tx.get(Notification, ident)
        notices.close_tasks(tx, thing_type=str(row.thing_type), thing_id=int(row.thing_id or 0))
    bind(year, "signatory", NEW)
    confirm(year, "admin", "signatory")
    assert one(Notification, ident).delivery_state is DeliveryState.DELIVERED


@pytest.mark.parametrize(("after", "is_free"), [(-SECOND, False), (timedelta(), True), (SECOND, True)])
def test_for_a_day_after_a_move_nothing_is_signed(to_sign: Year, at: At, after: timedelta, is_free: bool) -> None:
    """chat.md test 18: re-bound user within 24 h."""
    year = to_sign
    bind(year, "signatory", NEW)
    confirm(year, "admin", "signatory")
    at(moment("signed_by_teo") + timedelta(hours=24) + after)
    ready = (CertificateIssuance.state == IssuanceState.SITE_PENDING,)
    waiting = count(CertificateIssuance, *ready)
    assert waiting
    if is_free:
        year.sign("signatory", year.open_signing("signatory", Party.COLLEGE))
        assert count(CertificateIssuance, *ready) == 0
        return
    before = census()
    with pytest.raises(WindowNotOpen, match="rebound_lately"):
        year.open_signing("signatory", Party.COLLEGE)
    assert census() == before
    assert count(CertificateIssuance, *ready) == waiting


def test_a_ceremony_opened_before_the_move_signs_nothing_after_it(to_sign: Year) -> None:
    year = to_sign
    ceremony = year.open_signing("signatory", Party.COLLEGE)
    bind(year, "signatory", NEW)
    confirm(year, "admin", "signatory")
    with pytest.raises(WindowNotOpen):
        year.sign("signatory", ceremony)


def test_a_colleague_who_has_not_moved_signs_meanwhile(to_sign: Year) -> None:
    year = to_sign
    bind(year, "signatory", NEW)
    confirm(year, "admin", "signatory")
    year.sign("reviewer", year.open_signing("reviewer", Party.COLLEGE))


# -- chats that die ----------------------------------------------------------------------------------------------------


def test_a_dead_chat_is_told_to_coordinators_and_the_signing_officer(year: Year) -> None:
    """chat.md, blocked bot: by login, nothing more of the person."""
    year.do("system", bindings.bury_binding, account_id=year["account:coordinator"], reason="blocked")
    year.do("system", bindings.bury_binding, account_id=year["account:coordinator"], reason="blocked")
    rows_ = told("accounts.chat_lost")
    assert {row.account_id for row in rows_} == {year["account:second_coordinator"], year["account:signatory"]}
    assert len(rows_) == 2
    with reading() as session:
        words = chat_text(session, session.get_one(Notification, rows_[0].id), NOON).text
    assert "coordinator" in words
    assert "演coordinator" not in words
    assert str(OLD) not in words


def test_a_dead_chat_of_an_organisation_is_told_to_the_platform(year: Year) -> None:
    year.do("system", bindings.bury_binding, account_id=year["account:teo"], reason="blocked")
    assert hearers("accounts.chat_lost") == {year["account:admin"]}


def test_a_dead_chat_is_bound_again_by_a_new_code(year: Year) -> None:
    year.do("system", bindings.bury_binding, account_id=year["account:teo"], reason="Forbidden")
    assert chats(year, "teo") == [(9006, BindingState.DEAD)]
    bind(year, "teo", 9006)
    assert chats(year, "teo") == [(9006, BindingState.DEAD), (9006, BindingState.ACTIVE)]


def test_the_jobs_may_bury_a_binding_people_may_not(year: Year) -> None:
    """The jobs act as the system on a channel of their own, which is another object than SYSTEM."""
    assert year.actor("system") is not SYSTEM
    with pytest.raises(NotPermitted):
        year.do("admin", bindings.bury_binding, account_id=year["account:teo"], reason="x")


def test_reach_says_what_the_bindings_come_to(year: Year) -> None:
    def reach(who: str) -> Reach:
        with reading() as session:
            return reach_of(session, year[f"account:{who}"])

    assert (reach("coordinator"), reach("invigilator")) == (Reach.BOUND, Reach.NONE)
    year.do("system", bindings.bury_binding, account_id=year["account:coordinator"], reason="blocked")
    assert reach("coordinator") is Reach.DEAD
    bind(year, "coordinator", NEW)
    assert reach("coordinator") is Reach.WAITING
    year.do("signatory", bindings.end_binding, account_id=year["account:coordinator"])
    assert reach("coordinator") is Reach.NONE


def test_managers_are_those_who_could_have_made_the_account(year: Year) -> None:
    def managers(who: str) -> set[str]:
        with reading() as session:
            found = managers_of(session, session.get_one(UserAccount, year[f"account:{who}"]))
            return {session.get_one(UserAccount, ident).login for ident in found}

    assert managers("reviewer") == {"signatory"}
    assert managers("invigilator") == {"coordinator", "second_coordinator", "signatory"}
    assert managers("signatory") == managers("city") == {"admin"}
    assert managers("admin") == set()
    assert one(UserAccount, year["account:admin"]).state is AccountState.ENABLED
    with year.acting("admin") as tx:
        made = accounts.create_account(tx, login="admin2", real_name="新管理", roles=[Role.ADMIN])
    assert managers("admin") == {made.login}


# -- where there is nobody else: the command line ----------------------------------------------------------------------


def test_the_only_administrators_move_is_confirmed_at_the_command_line(year: Year) -> None:
    bind(year, "admin", NEW)
    found = CliRunner().invoke(main, ["user", "confirm", "admin"])
    assert (found.exit_code, "800" in found.output) == (0, True), found.output
    assert bound_login(NEW) == "admin"
    again = CliRunner().invoke(main, ["user", "confirm", "admin"])
    assert again.exit_code == 2
    assert "没有待确认" in again.output


def test_a_lost_second_factor_of_the_only_administrator_is_reset_at_the_command_line(year: Year) -> None:
    with year.acting("system") as tx:
        account = tx.get(UserAccount, year["account:admin"])
        account.second_factor_secret, account.second_factor_since = "sealed", tx.now
    found = CliRunner().invoke(main, ["user", "reset-factor", "admin", "--reason", "手机遗失"])
    assert found.exit_code == 0, found.output
    assert one(UserAccount, year["account:admin"]).second_factor_since is None
    assert CliRunner().invoke(main, ["user", "reset-factor", "nobody", "--reason", "x"]).exit_code == 2
