"""What must be true of a year whoever was lazy in it: each check yields in words what is wrong, or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Enum, func, select
from sqlalchemy.orm import Session

from core import clock
from core.actors import Actor
from core.models.accounts import UserAccount
from core.models.base import Base
from core.models.certificates import Certificate, SigningRecord
from core.models.pilots import ReviewRecord
from core.models.records import AuditEntry, Notification
from core.notifications import audiences
from core.notifications.message import KINDS
from core.notifications.reminding import Escalated, Reminder, WeeklyLate
from core.queries.accounts import actor_for, people
from core.queries.late import THINGS, late_things, unreachable_people
from core.queries.moments import moment
from core.queries.reconcile import reconcile, verify_chain
from core.queries.scoping import visible
from core.rules.dwelling import DWELLS, Dwell
from core.rules.notices import DeliveryState, ReplyState
from core.rules.organisations import KEEPS_WORK, Role
from core.rules.telling import LADDER, LAST_CALL, MOST_REMINDERS, NIGHT, Tempo
from tests.journeys.flapping import STEP, Arrival

DAWN = datetime(2000, 1, 1, tzinfo=UTC)
LAST_WEEK = timedelta(days=8)
ENDED = {ReplyState.ACKNOWLEDGED, ReplyState.DONE, ReplyState.REFUSED, ReplyState.EXPIRED}
# Moves that happen once in a thing's life here: nobody has anything returned to them in this year.
ONCE = {
    "submit",
    "take_up_city",
    "take_up_province",
    "pass_city",
    "approve",
    "publish",
    "accept",
    "lapse",
    "die",
    "issue",
}


# -- along the way ---------------------------------------------------------------------------------------------------


def nothing_useless_waits(session: Session, now: datetime) -> Iterator[str]:
    """(5) Nothing sits pending past the time at which anybody wants to hear it."""
    waiting = select(Notification).where(
        Notification.delivery_state.in_([DeliveryState.PENDING, DeliveryState.SENDING]),
        Notification.useful_until < now - STEP,
    )
    for row in session.scalars(waiting):
        yield f"{_when(now)}: message {row.id} ({row.kind}) is pending past its time, {_when(row.useful_until)}"


def sums_hold(session: Session, now: datetime) -> Iterator[str]:
    """(2) Every law of the reconciler, and queued = delivered + failed + suppressed + pending."""
    for law in reconcile(session):
        if law.broken:
            yield f"{_when(now)}: {law.name}: {law.broken} rows break it, {law.examples}"
    queued = session.scalar(select(func.count(Notification.id))) or 0
    states = Counter(session.scalars(select(Notification.delivery_state)))
    pending = states.pop(DeliveryState.PENDING, 0) + states.pop(DeliveryState.SENDING, 0)
    ended = [DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.SUPPRESSED]
    if queued != pending + sum(states[state] for state in ended):
        yield f"{_when(now)}: {queued} queued, but {states} and {pending} pending"


def requests_end(session: Session, now: datetime) -> Iterator[str]:
    """(8) A request that is over is open no longer."""
    still = select(Notification).where(
        Notification.reply_state == ReplyState.OPEN, Notification.useful_until < now - STEP
    )
    for row in session.scalars(still):
        yield f"{_when(now)}: request {row.id} ({row.kind}) is open past its time, {_when(row.useful_until)}"


# -- at the end ------------------------------------------------------------------------------------------------------


def nothing_is_stuck(session: Session, now: datetime) -> Iterator[str]:
    """(1) What stands in a state too long is listed as late for somebody named, who was told of it in a chat.

    Walks every column of every table that holds a state of a lifecycle, and asks the lists that people see.
    """
    told = _told_of_what_is_late(session, now)
    for name, model, column, turns in _lifecycles():
        for state, turn in turns.items():
            if not isinstance(turn, Dwell):
                continue
            late = session.scalars(select(model).where(column == state, _since(model) < now - turn.longest)).all()
            for row in late:
                what = f"{model.__tablename__} {row.id} in {state.label}"  # type: ignore[attr-defined]
                if turn.owner is None:
                    yield f"{what}: the system's own turn, and nothing happens"
                    continue
                owners = [login for login, actor in _actors(session, turn.owner) if _sees(session, model, row, actor)]
                if not owners:
                    yield f"{what}: it is the turn of {turn.owner.label}, and there is nobody of that name"
                if name not in THINGS or (DWELLS[name][0].name, state.label) not in told:
                    yield f"{what}: nobody with a working channel has been told"


def _lifecycles() -> Iterator[tuple[str, type[Base], Any, Any]]:
    """(name, model, its column, the turns) of every mapped state column."""
    for name, (machine, turns) in DWELLS.items():
        for mapper in Base.registry.mappers:
            column = mapper.columns.get(machine.column)
            if column is not None and isinstance(column.type, Enum) and column.type.enum_class is machine.states:
                yield name, mapper.class_, getattr(mapper.class_, machine.column), turns


def _since(model: Any) -> Any:
    """When a row last moved; a table without such a column has only rows that move within moments."""
    return next((getattr(model, name) for name in ("updated_at", "created_at") if hasattr(model, name)), moment(DAWN))


def _told_of_what_is_late(session: Session, now: datetime) -> dict[tuple[str, str], list[str]]:
    """(lifecycle, state) to the logins whose weekly message of these days arrived and whose list has them."""
    found: dict[tuple[str, str], list[str]] = {}
    for account in session.scalars(
        select(UserAccount)
        .join(Notification, Notification.account_id == UserAccount.id)
        .where(
            Notification.kind == WeeklyLate.kind,
            Notification.delivery_state == DeliveryState.DELIVERED,
            Notification.delivered_at > now - LAST_WEEK,
        )
    ):
        actor = actor_for(session, account.id, "panel")
        if actor is not None and audiences.reachable(session, [account.id]):
            for item in late_things(session, actor, now):
                found.setdefault((item.thing, item.state), []).append(account.login)
    return found


def _actors(session: Session, role: Any) -> list[tuple[str, Actor]]:
    found = []
    for account in session.scalars(select(UserAccount).where(UserAccount.id.in_(people(role)))):
        actor = actor_for(session, account.id, "panel")
        if actor is not None:
            found.append((account.login, actor))
    return found


def _sees(session: Session, model: Any, row: Any, actor: Actor) -> bool:
    return session.scalar(select(model.id).where(model.id == row.id, visible(model, actor, clock.now()))) is not None


def requests_are_answered_or_escalated(session: Session, now: datetime) -> Iterator[str]:
    """(8) Nobody's word is waited for in vain: answered, or somebody else named has been told in a chat."""
    asked = session.scalars(select(Notification).where(Notification.reply_state != ReplyState.NOT_ASKED)).all()
    if len(asked) < 20:
        yield f"only {len(asked)} requests in a year"
    for row in asked:
        kind = KINDS[row.kind]
        is_over = row.due_at is not None and row.due_at < now
        if row.reply_state not in ENDED and not is_over:
            continue
        if row.reply_state in ENDED - {ReplyState.EXPIRED} or not (kind.has_ladder and kind.escalates):
            continue
        heard = session.scalars(
            select(UserAccount.login)
            .join(Notification, Notification.account_id == UserAccount.id)
            .where(
                UserAccount.id != row.account_id,
                Notification.delivery_state == DeliveryState.DELIVERED,
                Notification.dedupe_key.in_([f"{Escalated.kind}:{row.dedupe_key}"[:160], row.dedupe_key]),
            )
        ).all()
        if not heard:
            what = f"request {row.id} ({row.kind}) to {row.account.login}"
            yield f"{what} is {row.reply_state.label}, and nobody else heard"


def reminders_keep_to_the_ladder(session: Session, arrivals: list[Arrival]) -> Iterator[str]:
    """(3) No more than the ladder allows, none of what is done, none in quiet hours unless the deadline demands it."""
    reminders = session.scalars(select(Notification).where(Notification.kind == Reminder.kind)).all()
    if len(reminders) < 20:
        yield f"only {len(reminders)} reminders in a lazy year"
    for about, number in Counter(row.about_id for row in reminders).items():
        if number > min(MOST_REMINDERS, len(LADDER)):
            yield f"request {about} was reminded of {number} times"
    for arrival in arrivals:
        row = session.get_one(Notification, arrival.notification_id)
        request = session.get(Notification, row.about_id) if row.about_id else None
        if request is not None and request.replied_at is not None and arrival.at > request.replied_at:
            over = _when(request.replied_at)
            yield f"{_when(arrival.at)}: reminded of request {request.id}, which is over since {over}"
        is_urgent = row.due_at is not None and arrival.at >= row.due_at - LAST_CALL
        if NIGHT.contains(clock.local(arrival.at)) and KINDS[row.kind].tempo is not Tempo.AT_ONCE and not is_urgent:
            yield f"message {row.id} ({row.kind}) woke somebody at {_when(arrival.at)}, due {row.due_at}"


def nothing_was_given_up(session: Session) -> Iterator[str]:
    """However long Telegram is silent: only a chat that is gone for good makes a message fail."""
    failed = select(Notification).where(
        Notification.delivery_state == DeliveryState.FAILED, Notification.last_error != "Forbidden"
    )
    for row in session.scalars(failed):
        yield f"message {row.id} ({row.kind}) was given up after {row.attempts} tries: {row.last_error}"


def copies_say_that_they_are_copies(arrivals: list[Arrival]) -> Iterator[str]:
    """(4) Nobody gets one notification twice without 重发."""
    seen: Counter[int] = Counter()
    for arrival in arrivals:
        seen[arrival.notification_id] += 1
        if seen[arrival.notification_id] > 1 and "重发" not in arrival.text:
            yield f"{_when(arrival.at)}: message {arrival.notification_id} came again as if it were new"
    if max(seen.values()) < 2:
        yield "no message ever came twice: nothing was tried"


def acts_were_done_once(session: Session) -> Iterator[str]:
    """(6) By the trail and by the records, for all double taps and updates delivered twice."""
    entries = session.execute(
        select(AuditEntry.object_type, AuditEntry.object_id, AuditEntry.action).where(AuditEntry.object_id.is_not(None))
    ).all()
    done = Counter((thing, ident, action) for thing, ident, action in entries if action in ONCE)
    missing = ONCE - {action for _, _, action in done}
    if missing:
        yield f"nobody did {sorted(missing)} in a whole year"
    yield from (
        f"{thing} {ident}: {action} {times} times" for (thing, ident, action), times in done.items() if times > 1
    )
    for model, *key in (
        (SigningRecord, SigningRecord.issuance_id, SigningRecord.party),
        (ReviewRecord, ReviewRecord.application_id, ReviewRecord.step),
        (Certificate, Certificate.issuance_id),
    ):
        for *values, times in session.execute(select(*key, func.count()).group_by(*key)):
            if times > 1 and None not in values:
                yield f"{model.__tablename__} {values}: {times} of them"
    if verify_chain(session).broken_at is not None:
        yield "the trail is broken"


def nobody_is_named(texts: list[str], facts: list[str]) -> Iterator[str]:
    """(7) No name, ID number or mobile of a candidate in any word of the chat."""
    if len(texts) < 100 or len(facts) < 15:
        yield f"{len(texts)} texts, {len(facts)} facts: nothing to look at"
    for text in texts:
        if any(fact in text for fact in facts):
            yield f"a chat message names somebody: {text[:60]}"


def everybody_could_be_told(session: Session) -> Iterator[str]:
    """People who keep work moving and have no chat, mobile or mail stand in the list the panel shows in red."""
    admin = next(actor for _, actor in _actors(session, Role.ADMIN))
    listed = {account.id for account in unreachable_people(session, admin)}
    keepers = set(session.scalars(people(*KEEPS_WORK)))
    for ident in keepers - set(audiences.reachable(session, keepers)) - listed:
        yield f"account {ident} cannot be reached, and nobody sees it"


def _when(at: datetime | None) -> str:
    return "never" if at is None else f"{clock.local(at):%Y-%m-%d %H:%M}"
