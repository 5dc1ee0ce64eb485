"""A year in which nobody hurries and Telegram flaps: everything is done in the end, or somebody named has been told."""

from __future__ import annotations

import json
import logging
import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.simulator.people import Persona
from core import clock, settings
from core.db import reading
from core.models.accounts import ChatBinding, UserAccount
from core.models.candidates import Candidate
from core.models.certificates import CertificateIssuance
from core.models.delegations import Delegation
from core.models.pilots import DeclarationPlan
from core.models.plans import ExamPlan
from core.models.records import Notification
from core.notifications.certificates import SigningRequested, TeoSigningRequested
from core.notifications.reminding import Escalated
from core.rules.delegations import LIVING, DelegationState
from core.rules.notices import DeliveryState, ReplyState
from core.rules.organisations import ASK_STILL_YOU_EVERY, BindingState
from tests.factories import CAST, Years, on, stage_folder, years
from tests.fakes import running_bot_api
from tests.journeys import reckoning
from tests.journeys.errands import errands
from tests.journeys.flapping import STEP, Machinery, Weather
from tests.journeys.lazy import Office

__all__ = ["stage_folder", "years"]

SEED = 2026
MOST_STEPS = 1_000
NAMED = {"province", "coordinator", "signatory", "other_province"}  # who answers for the two signing officers
BEGINS, QUIET_FROM, ENDS = on("2026-03-01 09:00"), on("2026-07-13 09:00"), on("2027-01-03 10:00")


def next_moment(office: Office) -> datetime:
    """When something is due again, by rows, by the calendar and by people's habits."""
    now = clock.now()
    N = Notification
    columns = (
        (N.next_attempt_at, N.delivery_state == DeliveryState.PENDING),
        (N.lease_until, N.delivery_state == DeliveryState.SENDING),
        (N.next_reminder_at, N.reply_state == ReplyState.OPEN),
        (N.next_escalation_at, N.reply_state == ReplyState.OPEN),
        (N.useful_until, N.reply_state == ReplyState.OPEN),
        (ExamPlan.next_edge_at, True),
        (DeclarationPlan.next_edge_at, True),
        (Delegation.lapses_at, Delegation.state.in_(LIVING)),
    )
    moments = [_monday(now), *_dates(now)]
    with reading() as session:
        for column, where in columns:
            moments.append(session.scalar(select(func.min(column)).where(where, column > now - STEP)))
        asked = func.coalesce(ChatBinding.asked_at, ChatBinding.bound_at)
        for at in session.scalars(select(asked).where(ChatBinding.state == BindingState.ACTIVE)):
            moments.append(at + ASK_STILL_YOU_EVERY)
        for plan in session.scalars(select(ExamPlan)):
            moments += [plan.registration_closes_at - timedelta(hours=h) for h in (72, 24, 2)]
            moments += [
                plan.score_entry_closes_at - timedelta(hours=24),
                plan.windows.review.closes_at - timedelta(days=2),
            ]
    moments.append(office.next_at)
    later = [at for at in moments if at is not None and at > now]
    return max(min(later), now + STEP)


def _monday(now: datetime) -> datetime:
    """The next one on which the jobs are awake; in the quiet half of the year every fourth is enough."""
    local = clock.local(now).replace(hour=8, minute=31, second=0, microsecond=0)
    return local + timedelta(days=(7 - local.weekday()), weeks=3 if now > QUIET_FROM else 0)


def _dates(now: datetime) -> Iterator[datetime]:
    year = clock.local(now).year
    for month, day in ((11, 1), (12, 1), (12, 24)):
        yield on(f"{year}-{month:02}-{day:02} 09:00")
    yield on(f"{year + 1}-01-01 00:05")


def silences() -> list[tuple[datetime, datetime]]:
    """Whole hours in which nothing gets through, some by dice, one over the news that matters most."""
    dice = random.Random(SEED)
    found = [(on("2026-06-15 17:00"), on("2026-06-16 03:00")), (on("2026-05-08 20:00"), on("2026-05-09 01:00"))]
    day = BEGINS
    while day < ENDS:
        day += timedelta(days=dice.randint(6, 16), hours=dice.randint(0, 23))
        found.append((day, day + timedelta(hours=dice.randint(1, 8))))
    return found


def along_the_way(troubles: list[str], steps: int) -> None:
    """What must hold at every instant; the sums, which take longer, now and then."""
    now = clock.now()
    with reading() as session:
        troubles += reckoning.nothing_useless_waits(session, now)
        troubles += reckoning.requests_end(session, now)
        if not steps % 25:
            troubles += reckoning.sums_hold(session, now)


async def live(office: Office, troubles: list[str]) -> None:
    """From moment to moment until the year is over."""
    machinery = office.machinery
    machinery.stand(BEGINS)
    while True:
        await machinery.turn()
        while await office.act():
            await machinery.turn()
        along_the_way(troubles, machinery.steps)
        assert machinery.steps < MOST_STEPS, f"{clock.now()}: some part of the product finds no rest"
        if clock.now() >= ENDS:
            return
        machinery.stand(min(next_moment(office), ENDS))


def wrong_at_the_end(office: Office) -> Iterator[str]:
    """Everything the year is judged by."""
    now, machinery = clock.now(), office.machinery
    arrivals = machinery.arrivals
    with reading() as session:
        yield from reckoning.sums_hold(session, now)
        yield from reckoning.nothing_is_stuck(session, now)
        yield from reckoning.requests_are_answered_or_escalated(session, now)
        yield from reckoning.reminders_keep_to_the_ladder(session, arrivals)
        yield from reckoning.nothing_was_given_up(session)
        yield from reckoning.copies_say_that_they_are_copies(arrivals)
        yield from reckoning.acts_were_done_once(session)
        yield from reckoning.everybody_could_be_told(session)
        facts = [
            fact
            for person in session.scalars(select(Candidate))
            for fact in (person.name, person.mobile, person.id_number)
        ]
    said = [json.dumps(call.params, ensure_ascii=False, default=str) for call in machinery.api.accepted()]
    yield from reckoning.nobody_is_named(said, facts)


def has_broken(record: logging.LogRecord) -> bool:
    """What the jobs swallow, so that one row's accident is not the others': here there must be none."""
    return record.levelno >= logging.ERROR or record.name == "jobs.due"


def heard_of(session: Session, kind: str, about: str) -> set[str]:
    """Logins whose message of a kind has arrived, with these words among its facts."""
    arrived = (Notification.kind == kind, Notification.delivery_state == DeliveryState.DELIVERED)
    mine = select(UserAccount.login).join(Notification, Notification.account_id == UserAccount.id)
    return set(session.scalars(mine.where(*arrived, Notification.facts.contains(about))))


def the_story(office: Office) -> Iterator[str]:
    """That the year went as it was written: nobody's laziness was a mere plan."""
    undone = {errand.name for errand in errands(office)} - office.done
    if undone:
        yield f"never begun: {sorted(undone)}"
    lacking = {"silence", "429", "502", "hung up"} - set(office.machinery.weather.met)
    if lacking:
        yield f"Telegram was never like this: {lacking}"
    with reading() as session:
        ends = Counter((row.college_id, row.state.value) for row in session.scalars(select(CertificateIssuance)))
        a, b = office.year["college"], office.year["other_college"]
        if ends != {(a, "issued"): 4, (b, "site_pending"): 2}:
            yield f"certificates ended as {ends}"
        escalated, signing = Escalated.kind, SigningRequested.kind
        if heard_of(session, escalated, f"{signing}:{office.year['plan']}") != NAMED:
            yield f"of unsigned certificates heard {heard_of(session, escalated, signing)}"
        if heard_of(session, escalated, TeoSigningRequested.kind) != {"admin"}:
            yield "the platform did not hear of an evaluation organisation that slept"
        drawn_in = select(Notification).where(Notification.instead_of == office.account("coordinator"))
        answers = [row.reply_state for row in session.scalars(drawn_in)]
        if ReplyState.ACKNOWLEDGED not in answers:
            yield f"the coordinator's deputy was asked for {answers}"
        lapsed = select(Delegation.principal_id).where(Delegation.state == DelegationState.LAPSED)
        if list(session.scalars(lapsed)) != [office.account("other_signatory")]:
            yield "the proposal nobody accepted has not lapsed"
        dead = select(ChatBinding.account_id).where(ChatBinding.state == BindingState.DEAD)
        if list(session.scalars(dead)) != [office.account("other_coordinator")]:
            yield "the blocked chat is not known to be dead"
    late = [words for login, _, words in office.said if login == "other_coordinator"]
    if len(late) < 2 or not all("失效" in words for words in late):
        yield f"who pressed too late was told {late}"


@pytest.mark.timeout(300)
async def test_a_lazy_year_ends_with_everything_done_or_told_to_somebody(
    years: Years, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """By seed: the same year every time. What is wrong with it is shown all at once."""
    people = [Persona(number, f"人物{number}") for _, _, number in CAST.values() if number is not None]
    weather = Weather(SEED, silences())
    with running_bot_api(people, faults=weather) as fake:
        for person in people:
            fake.api.user_sends_text(person.id, "/start")
        fake.api.updates.clear()
        monkeypatch.setenv("KAOWU_TELEGRAM_TOKEN", fake.token)
        monkeypatch.setenv("KAOWU_TELEGRAM_API_URL", fake.root)
        settings.forget()
        office = Office(years("set_up"), Machinery(fake.api, weather), errands)
        troubles: list[str] = []
        async with office.machinery.running(fake, monkeypatch):
            await live(office, troubles)
            troubles += the_story(office)
            troubles += [record.getMessage() for record in caplog.records if has_broken(record)]
            troubles += wrong_at_the_end(office)
    assert troubles == [], "\n".join(["", *troubles, "", *office.diary])
