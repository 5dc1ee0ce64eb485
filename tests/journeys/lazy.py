"""The people of a lazy year, each with a habit: who answers at once, only when pressed, too late, or never.

They are the cast of tests.factories: two colleges in two provinces. What the product cannot do for them they do
through its verbs; what it asks of them in chat they answer in chat, tapping twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import partial
from inspect import isawaitable
from typing import Any

import pytest
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import aliased

from core import clock
from core.db import reading
from core.errors import NotReady
from core.models.accounts import ChatBinding
from core.models.records import Notification
from core.notifications import delegations as told_of_delegations
from core.notifications.accounts import StillYou
from core.notifications.certificates import ReadyToOrder, SigningRequested, TeoSigningRequested
from core.notifications.pilots import ApplicationDecided, ApplicationWaiting
from core.notifications.plans import RegistrationClosing
from core.notifications.reminding import EscalatedOwn, Reminder
from core.notifications.sites import SiteDecided, SiteSubmitted
from core.queries.accounts import active_binding
from core.rules.certificates import Party
from core.rules.notices import DeliveryState, ReplyState
from core.rules.organisations import BindingState, is_unconfirmed
from core.usecases import bindings, delegations, notices, reviews, signing, sites
from tests.factories import CAST, QUOTA, Year, on
from tests.journeys.flapping import Machinery

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
IN_CHAT = 1.2  # seconds of the clock between two taps that must not be one


@dataclass(frozen=True, slots=True)
class Habit:
    """Acts when a request has reached them more than `patience` times, `after` that; from `gone_from` on never."""

    patience: int = 0
    after: timedelta = 3 * HOUR
    gone_from: datetime | None = None


# The coordinator answers the first reminder or the news that somebody was drawn in; the TEO the second; the officer of
# the first college leaves in the first week, that of the second one was never seen.
HABITS: dict[str, Habit] = {
    "province": Habit(),
    "city": Habit(after=4 * DAY),
    "other_province": Habit(patience=1),
    "teo": Habit(patience=2),
    "coordinator": Habit(patience=1, after=5 * HOUR),
    "second_coordinator": Habit(),  # no chat: reads the panel on Mondays
    "signatory": Habit(gone_from=on("2026-03-06 00:00")),
    "reviewer": Habit(patience=1),
    "other_coordinator": Habit(after=31 * DAY),  # answers when it is over, and blocks the bot in mid-year
    "other_signatory": Habit(gone_from=on("2026-01-01 00:00")),
    "admin": Habit(),
}


@dataclass(frozen=True, slots=True)
class Errand:
    """Something a person begins: due at an instant, None for not yet."""

    name: str
    at: Callable[[], datetime | None]
    do: Callable[[], Any]


@dataclass
class Office:
    """Everybody, the chat, and what has been done so far."""

    year: Year
    machinery: Machinery
    errands: Callable[[Office], Iterator[Errand]]
    done: set[str] = field(default_factory=set)
    answered: set[int] = field(default_factory=set)  # notifications somebody has answered, or tried to
    said: list[tuple[str, str, str]] = field(default_factory=list)  # login, kind, what the bot answered
    next_at: datetime | None = None  # when the next one of them means to do something
    diary: list[str] = field(default_factory=list)  # what people did, and when

    # -- what has reached whom -----------------------------------------------------------------------------------

    def account(self, login: str) -> int:
        """The id of an account."""
        return self.year[f"account:{login}"]

    def chat(self, login: str) -> int | None:
        """The chat bound to somebody now."""
        with reading() as session:
            return session.scalar(
                select(ChatBinding.telegram_user_id).where(
                    ChatBinding.account_id == self.account(login), ChatBinding.state == BindingState.ACTIVE
                )
            )

    def heard(self, login: str, kind: str, times: int = 1) -> datetime | None:
        """When a kind of message had reached somebody so many times, singly or gathered; None: not yet."""
        whole = aliased(Notification)
        reached = (
            select(Notification.delivered_at, whole.delivered_at)
            .outerjoin(whole, and_(whole.id == Notification.gathered_in))
            .where(
                Notification.account_id == self.account(login),
                Notification.kind == kind,
                or_(Notification.delivered_at.is_not(None), whole.delivered_at.is_not(None)),
            )
        )
        with reading() as session:
            found = sorted(itself or gathered for itself, gathered in session.execute(reached))
        return found[times - 1] if len(found) >= times else None

    def reached(self, row: Notification) -> list[datetime]:
        """When a request, its reminders and the news of its escalation have reached the person, in turn."""
        with reading() as session:
            mine = session.scalars(
                select(Notification.delivered_at).where(
                    Notification.account_id == row.account_id,
                    Notification.delivered_at.is_not(None),
                    or_(
                        Notification.id == row.id,
                        and_(Notification.kind == Reminder.kind, Notification.about_id == row.id),
                        Notification.dedupe_key.startswith(f"{EscalatedOwn.kind}:{row.id}:"),
                    ),
                )
            )
            return sorted(instant for instant in mine if instant is not None)

    def open_requests(self) -> list[Notification]:
        """Everything that waits for the word of somebody of the cast, and what somebody means to answer too late."""
        with reading() as session:
            found = list(
                session.scalars(
                    select(Notification)
                    .where(
                        or_(
                            Notification.reply_state == ReplyState.OPEN,
                            and_(
                                Notification.reply_state == ReplyState.EXPIRED,
                                Notification.account_id == self.account("other_coordinator"),
                            ),
                        ),
                        Notification.id.not_in(self.answered),
                    )
                    .order_by(Notification.id)
                )
            )
            session.expunge_all()
            return found

    # -- when they act ----------------------------------------------------------------------------------------------

    def acts_at(self, row: Notification) -> datetime | None:
        """When its person answers a request, by habit; None while they see no reason to."""
        login = next(name for name in CAST if self.account(name) == row.account_id)
        habit = HABITS.get(login, Habit())
        if row.kind not in ANSWERS:
            raise AssertionError(f"nobody of this year knows how to answer {row.kind}")
        if self.chat(login) is None:
            if login in ("other_coordinator", "signatory", "other_signatory"):
                return None
            return in_office(_next_monday(row.created_at))
        seen = self.reached(row)
        if len(seen) <= habit.patience:
            return None
        at = self.machinery.weather.clear_from(in_office(seen[habit.patience] + habit.after))
        return None if habit.gone_from is not None and at >= habit.gone_from else at

    def due(self) -> list[tuple[datetime, str, Callable[[], Any]]]:
        """Everything people mean to do, when they mean to do it."""
        found: list[tuple[datetime, str, Callable[[], Any]]] = []
        for errand in self.errands(self):
            if errand.name not in self.done and (at := errand.at()) is not None:
                found.append((at, errand.name, errand.do))
        for row in self.open_requests():
            if (at := self.acts_at(row)) is not None:
                found.append((at, f"answer {row.id} {row.kind}", partial(self.answer, row)))
        return sorted(found, key=lambda item: item[:2])

    async def act(self) -> int:
        """Do what is due by now; how much that was."""
        done, self.next_at = 0, None
        for at, name, do in self.due():
            if at > clock.now():
                self.next_at = at
                break
            self.diary.append(f"{clock.local(clock.now()):%m-%d %H:%M} {name}")
            outcome = do()
            if isawaitable(outcome):
                await outcome
            self.done.add(name)
            done += 1
        return done

    # -- how they answer ----------------------------------------------------------------------------------------------

    async def answer(self, row: Notification) -> None:
        """Do what a request asks for."""
        login = next(name for name in CAST if self.account(name) == row.account_id)
        self.answered.add(row.id)
        await ANSWERS[row.kind](self, login, row)

    async def tap(self, login: str, row: Notification, *keys: str) -> None:
        """Press keys one after the other on the newest copy of a request, each as a person would: twice."""
        chat = self.chat(login)
        assert chat is not None
        message_id = self._newest_copy(row)
        for key in keys:
            shown = self.machinery.api.buttons(chat, message_id)
            words = next((one["text"] for one in shown if one["text"].startswith(key)), None)
            if (
                words is None
            ):  # its keys are gone, because its time is over; a phone that has not heard still shows them
                assert clock.now() > row.useful_until, f"{login} cannot find {key} on {row.kind}: {shown}"
                self.said.append((login, row.kind, await self.machinery.press_too_late(chat, message_id)))
                return
            words = await self.machinery.press(chat, message_id, words)
            self.said.append((login, row.kind, words))
            self.machinery.stand(clock.now() + timedelta(seconds=IN_CHAT))

    def _newest_copy(self, row: Notification) -> int:
        copies = select(Notification.message_id).where(
            or_(Notification.id == row.id, Notification.about_id == row.id),
            Notification.delivery_state == DeliveryState.DELIVERED,
        )
        with reading() as session:
            return max(ident for ident in session.scalars(copies) if ident is not None)

    async def acknowledge(self, login: str, row: Notification) -> None:
        """已知悉, in chat or, without one, in the panel."""
        if self.chat(login) is None:
            self.year.do(login, notices.acknowledge, notification_id=row.id)
        else:
            await self.tap(login, row, "是我本人" if row.kind == StillYou.kind else "已知悉")

    async def review(self, login: str, row: Notification) -> None:
        """The city passes in chat, in two taps; a province gives its number in the panel."""
        if login == "city":
            await self.tap(login, row, "审核通过", "确认审核通过")
        else:
            self.year.do(login, reviews.approve_application, application_id=row.thing_id, approved_count=QUOTA)

    async def approve_site(self, login: str, row: Notification) -> None:
        """In the panel."""
        self.year.do(login, sites.approve_site, site_id=row.thing_id)

    async def accept_deputy(self, login: str, row: Notification) -> None:
        """In the panel."""
        self.year.do(login, delegations.accept_delegation, delegation_id=row.thing_id)

    async def sign(self, login: str, row: Notification) -> None:
        """On the phone page; who has left 是我本人 unanswered has to say it in the panel first."""
        party = Party.TEO if row.kind == TeoSigningRequested.kind else Party.COLLEGE
        with reading() as session:
            held = active_binding(session, row.account_id)
            is_in_doubt = held is not None and is_unconfirmed(held.asked_at, held.affirmed_at, clock.now())
        if is_in_doubt:
            with pytest.raises(NotReady, match="still_you_unanswered"), self.year.acting(login, "phone") as tx:
                signing.open_signing(tx, plan_id=self.year["plan"], party=party)
            self.year.do(login, bindings.affirm_binding)
        self.year.sign(login, self.year.open_signing(login, party))


ANSWERS: dict[str, Callable[[Office, str, Notification], Awaitable[None]]] = {
    ApplicationWaiting.kind: Office.review,
    ApplicationDecided.kind: Office.acknowledge,
    SiteSubmitted.kind: Office.approve_site,
    SiteDecided.kind: Office.acknowledge,
    RegistrationClosing.kind: Office.acknowledge,
    StillYou.kind: Office.acknowledge,
    told_of_delegations.DelegationProposed.kind: Office.accept_deputy,
    ReadyToOrder.kind: Office.acknowledge,
    TeoSigningRequested.kind: Office.sign,
    SigningRequested.kind: Office.sign,
}


def in_office(at: datetime) -> datetime:
    """The first instant from at on, on a working day between nine and half past five."""
    local = clock.local(at)
    if local.time() > time(17, 30):
        local = (local + DAY).replace(hour=9, minute=20)
    local = max(local, local.replace(hour=9, minute=20, second=0, microsecond=0))
    while local.weekday() > 4:
        local = (local + DAY).replace(hour=9, minute=20)
    return local


def _next_monday(at: datetime) -> datetime:
    local = clock.local(at)
    return (local + (7 - local.weekday()) * DAY).replace(hour=10, minute=0)
