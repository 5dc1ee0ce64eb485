"""The people of a lazy year, each with a habit: who answers at once, only when pressed, too late, or never.

They are the cast of tests.factories: two colleges in two provinces. What the product cannot do for them they do
through its verbs; what it asks of them in chat they answer in chat, tapping twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import aliased

from core import clock
from core.db import reading
from core.errors import NotReady
from core.models.accounts import ChatBinding
from core.models.candidates import Candidate
from core.models.certificates import CertificateIssuance
from core.models.delegations import Delegation
from core.models.pilots import PilotApplication
from core.models.records import Notification
from core.models.sites import ExamSite
from core.notifications import delegations as told_of_delegations
from core.notifications.accounts import StillYou
from core.notifications.certificates import SigningRequested, TeoSigningRequested
from core.notifications.pilots import ApplicationDecided, ApplicationWaiting, DeclarationClosing, DeclarationOpened
from core.notifications.plans import RegistrationClosing, ScoresMissing
from core.notifications.reminding import EscalatedOwn, Reminder
from core.notifications.sites import SiteDecided, SiteSubmitted
from core.queries.accounts import active_binding
from core.rules.certificates import IssuanceState, IssueMethod, Party
from core.rules.delegations import Duty
from core.rules.notices import DeliveryState, ReplyState
from core.rules.organisations import BindingState, is_unconfirmed
from core.rules.sites import SiteReview
from core.usecases import (
    applications,
    bindings,
    certificates,
    delegations,
    notices,
    registrations,
    reviews,
    scores,
    signing,
    sites,
)
from tests.factories import (
    CAST,
    QUOTA,
    STAGES,
    Year,
    application_values,
    codes,
    on,
    one,
    register,
    registration_row,
    room_values,
    score_sheet,
    site_values,
)
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
BLOCKS_AT = on("2026-05-16 10:00")


@dataclass(frozen=True, slots=True)
class Initiative:
    """Something a person begins: due at an instant, None for not yet."""

    name: str
    due: Callable[[], datetime | None]
    do: Callable[[], Any]


@dataclass
class Office:
    """Everybody, the chat, and what has been done so far."""

    year: Year
    machinery: Machinery
    done: set[str] = field(default_factory=set)
    answered: set[int] = field(default_factory=set)  # notifications somebody has answered, or tried to
    said: list[tuple[str, str, str]] = field(default_factory=list)  # login, kind, what the bot answered
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
        for initiative in initiatives(self):
            if initiative.name not in self.done and (at := initiative.due()) is not None:
                found.append((at, initiative.name, initiative.do))
        for row in self.open_requests():
            if (at := self.acts_at(row)) is not None:
                found.append((at, f"answer {row.id} {row.kind}", lambda row=row: self.answer(row)))
        return sorted(found, key=lambda item: item[:2])

    async def act(self) -> int:
        """Do what is due by now; how much that was."""
        done = 0
        for at, name, do in self.due():
            if at > clock.now():
                break
            self.diary.append(f"{clock.local(clock.now()):%m-%d %H:%M} {name}")
            outcome = do()
            if isinstance(outcome, Awaitable):
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
            if words is None:  # its keys are gone, because its time is over; a phone that has not heard still shows them
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
        """On the phone page: everything that waits; who has left 是我本人 unanswered has to say it in the panel first."""
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


# -- what they begin ----------------------------------------------------------------------------------------------------


def initiatives(office: Office) -> Iterator[Initiative]:
    """The year's work, each piece as soon as its person feels like it."""
    year = office.year

    def at(text: str) -> Callable[[], datetime]:
        return lambda: on(text)

    def after(found: Callable[[], datetime | None], pause: timedelta) -> Callable[[], datetime | None]:
        return lambda: None if (begun := found()) is None else in_office(begun + pause)

    def stage(name: str) -> Callable[[], None]:
        return lambda: STAGES[name][1](year)

    yield Initiative("declare", at("2026-03-02 09:00"), stage("declared"))
    yield Initiative("deputies", at("2026-03-03 10:00"), lambda: _name_deputies(office))
    yield Initiative("draft A", at("2026-03-03 11:00"), lambda: _draft_application(year, "coordinator"))
    for login, kind in (("coordinator", DeclarationClosing.kind), ("other_coordinator", DeclarationOpened.kind)):
        hears = after(lambda login=login, kind=kind: office.heard(login, kind), 2 * HOUR)
        yield Initiative(f"apply {login}", hears, lambda login=login: _apply(year, login))
    for login in ("coordinator", "other_coordinator"):
        approved = after(lambda login=login: _approved_at(year, login), 6 * DAY)
        yield Initiative(f"site {login}", approved, lambda login=login: _apply_for_site(year, login))
    sited = after(lambda: _sited_at(year), 3 * DAY)
    yield Initiative("candidates", sited, stage("peopled"))
    yield Initiative("plan", lambda: _later(at("2026-04-08 09:30")(), sited()), lambda: _plan(year))
    pressed = lambda: office.heard("coordinator", RegistrationClosing.kind, 2)  # a Saturday night
    yield Initiative("register A", pressed, lambda: _register(year, "coordinator"))
    yield Initiative("register B", at("2026-05-04 10:00"), lambda: _register(year, "other_coordinator"))
    yield Initiative("arrange", at("2026-05-13 09:00"), stage("arranged"))
    yield Initiative("block", lambda: BLOCKS_AT, lambda: _block(office))
    missing = after(lambda: office.heard("teo", ScoresMissing.kind), HOUR)
    yield Initiative("scores", missing, lambda: _score(year))
    yield Initiative("order", after(lambda: _ready_at(), 2 * DAY), lambda: _order(year))


def _name_deputies(office: Office) -> None:
    """For the first officer and coordinator a deputy each, and one who signs; for the second one whom he never accepts."""
    for login, principal, deputy, duty in (
        ("coordinator", "signatory", "coordinator", Duty.SITE),
        ("coordinator", "coordinator", "reviewer", Duty.SITE),
        ("coordinator", "signatory", "reviewer", Duty.SIGNING),
        ("other_coordinator", "other_signatory", "other_coordinator", Duty.SITE),
    ):
        office.year.do(
            login,
            delegations.propose_delegation,
            principal_id=office.account(principal),
            deputy_id=office.account(deputy),
            duty=duty,
            is_default=True,
        )


def _places(login: str) -> tuple[str, str, str]:
    """(college, declaration, prefix of ids) of a coordinator."""
    other = "other_" if login.startswith("other") else ""
    return f"{other}college", f"{other}declaration", other


def _draft_application(year: Year, login: str) -> None:
    college, plan, other = _places(login)
    values = application_values(year, college_id=year[college], plan_id=year[plan])
    year.ids[f"{other}application"] = year.do(login, applications.save_application, **values).id


def _apply(year: Year, login: str) -> None:
    key = f"{_places(login)[2]}application"
    if key not in year.ids:
        _draft_application(year, login)
    year.do(login, applications.submit_application, application_id=year[key])


def _approved_at(year: Year, login: str) -> datetime | None:
    """The college is a pilot once its batch has ended, too (R-044)."""
    college, plan, other = _places(login)
    if f"{other}application" not in year.ids:
        return None
    row: PilotApplication = one(PilotApplication, year[f"{other}application"])
    with reading() as session:
        closes = session.get_one(PilotApplication, row.id).plan.apply_closes_at
    return max(row.updated_at, closes) if row.state == "approved" else None


def _apply_for_site(year: Year, login: str) -> None:
    college, _, other = _places(login)
    year.ids[f"{other}site"] = year.do(login, sites.draft_site, **site_values(year, college_id=year[college])).id
    year.do(login, sites.submit_site, site_id=year[f"{other}site"])


def _sited_at(year: Year) -> datetime | None:
    if not {"site", "other_site"} <= set(year.ids):
        return None
    both = [one(ExamSite, year[key]) for key in ("site", "other_site")]
    return max(row.updated_at for row in both) if all(row.review_state is SiteReview.APPROVED for row in both) else None


def _later(first: datetime, second: datetime | None) -> datetime | None:
    return None if second is None else max(first, second + DAY)


def _plan(year: Year) -> None:
    """With a draft beside it that nobody ever publishes, and rooms in both colleges."""
    STAGES["planned"][1](year)
    for name in ("theory", "practice"):
        values = room_values(year, name, site_id=year["other_site"])
        year.do("other_coordinator", sites.create_room, **values)


def _register(year: Year, login: str) -> None:
    if login == "coordinator":
        outcome = register(year, [0, 1, 2], [0])
    else:
        code, _ = codes(year)
        site_no = one(ExamSite, year["other_site"]).site_no
        rows = [(place + 3, registration_row(_known(year, place), code, site_no)) for place in range(2)]
        outcome = year.do(
            login,
            registrations.register_by_certificate,
            plan_id=year["plan"],
            college_id=year["other_college"],
            rows=rows,
        )
    assert not outcome.refused, outcome.refused


def _known(year: Year, place: int) -> Candidate:
    found: Candidate = one(Candidate, year[f"other_student:{place}"])
    return found


def _block(office: Office) -> None:
    """The bot hears nothing of it: only the next message tells."""
    office.machinery.api.user_blocks_bot(CAST["other_coordinator"][2] or 0)
    office.machinery.api.updates.clear()


def _score(year: Year) -> None:
    outcome = year.do("teo", scores.enter_scores, plan_id=year["plan"], rows=score_sheet(year))
    assert not outcome.refused, outcome.refused


def _ready_at() -> datetime | None:
    with reading() as session:
        return session.scalar(
            select(CertificateIssuance.updated_at)
            .where(CertificateIssuance.state == IssuanceState.READY)
            .order_by(CertificateIssuance.updated_at)
            .limit(1)
        )


def _order(year: Year) -> None:
    year.do(
        "teo",
        certificates.order_generation,
        plan_id=year["plan"],
        issue_method=IssueMethod.ELECTRONIC,
        issued_on=clock.business_today(),
    )


__all__ = ["BLOCKS_AT", "HABITS", "Delegation", "Habit", "Office"]
