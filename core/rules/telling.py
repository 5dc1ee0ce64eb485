"""When a person is told: at once, when quiet hours are over, with tomorrow's digest; and when they are reminded.

Instants come in and go out aware; the hours of a day are read in the zone they come in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from core.rules.machine import Labelled

DIGEST_AT = time(8, 30)
LADDER = (timedelta(days=7), timedelta(days=3), timedelta(hours=24), timedelta(hours=2))  # before a deadline
MOST_REMINDERS = 5  # of one task, those by colleagues included
NUDGE_EVERY = timedelta(hours=4)  # reminders by colleagues, per task
LAST_CALL = timedelta(hours=2)  # so near a deadline work that is not done wakes people up
ROOM_TO_ACT = timedelta(hours=12)  # what leaves less after the night is told before it
BEFORE_NIGHT = timedelta(minutes=30)  # nobody is written to in the last minute before quiet hours
TOO_SOON = timedelta(hours=1)  # after the request itself, and after another reminder
BURST_OF = 3  # so many alike are told singly
BURST_WITHIN = timedelta(minutes=10)
DEPUTY_AFTER = timedelta(hours=48)  # without an answer somebody is added, not put in the person's place
LEADER_BEFORE = timedelta(hours=24)  # of a deadline
WEEKLY_AT, WEEKLY_ON = time(8, 30), 0  # what is late, on Mondays
_DAY = timedelta(days=1)


class Tempo(Labelled):
    """How soon a message has to reach its person."""

    AT_ONCE = "at_once", "立即"  # somebody waits for it at this moment: a code, the end of an import, an incident
    IN_TURN = "in_turn", "静默时段之外"
    DIGEST = "digest", "每日汇总"  # information only


class Escalation(Labelled):
    """Who is drawn in when a request stays open."""

    DEPUTY = "deputy", "增加代办人"
    LEADER = "leader", "告知负责人和主管部门"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From start to end, over midnight where start is the later; start == end: none."""

    start: time = time(22, 0)
    end: time = time(7, 30)

    def contains(self, local: datetime) -> bool:
        """True from the first instant of start to the last before end."""
        now = local.time()
        if self.start <= self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end

    def over_at(self, local: datetime) -> datetime:
        """When the quiet hours an instant lies in end; the instant itself outside of them."""
        if not self.contains(local):
            return local
        end = local.replace(hour=self.end.hour, minute=self.end.minute, second=0, microsecond=0)
        return end if end > local else end + _DAY

    def begun_at(self, local: datetime) -> datetime:
        """When the quiet hours an instant lies in began; the instant itself outside of them."""
        if not self.contains(local):
            return local
        start = local.replace(hour=self.start.hour, minute=self.start.minute, second=0, microsecond=0)
        return start if start <= local else start - _DAY


NIGHT = QuietHours()
NEVER_QUIET = QuietHours(time(0), time(0))


def tell_at(local: datetime, *, tempo: Tempo, quiet: QuietHours, due_at: datetime | None = None) -> datetime:
    """When a fact of this instant may reach its person (chat.md, quiet hours and digest).

    Quiet hours hold a request back until they end, but never beyond LAST_CALL before its deadline.
    """
    if tempo is Tempo.AT_ONCE:
        return local
    if tempo is Tempo.DIGEST:
        return next_digest(local)
    over = quiet.over_at(local)
    return over if due_at is None else max(local, min(over, due_at - LAST_CALL))


def next_digest(local: datetime) -> datetime:
    """The first 08:30 after an instant."""
    today = local.replace(hour=DIGEST_AT.hour, minute=DIGEST_AT.minute, second=0, microsecond=0)
    return today if local < today else today + _DAY


def digest_day(local: datetime) -> date:
    """The day of that digest, its name among the person's digests."""
    return next_digest(local).date()


def reminders(born: datetime, due_at: datetime, *, quiet: QuietHours, wakes: bool = False) -> tuple[datetime, ...]:
    """The instants a request born then is reminded at before its deadline, earliest first; local, like born.

    wakes: the last one, LAST_CALL before the deadline, breaks quiet hours (P0).
    """
    kept: list[datetime] = []
    for at in sorted(_rungs(born, due_at, quiet, wakes)):
        if at >= (kept[-1] if kept else born) + TOO_SOON and at < due_at:
            kept.append(at)
    return tuple(kept)


def _rungs(born: datetime, due_at: datetime, quiet: QuietHours, wakes: bool) -> Iterator[datetime]:
    end = due_at.astimezone(born.tzinfo)
    for before in LADDER:
        at = end - before
        if not quiet.contains(at) or (wakes and before == LAST_CALL):
            yield at
        elif end - quiet.over_at(at) >= ROOM_TO_ACT:
            yield quiet.over_at(at)
        else:
            yield quiet.begun_at(at) - BEFORE_NIGHT


def next_reminder(
    now: datetime, born: datetime, due_at: datetime | None, *, quiet: QuietHours, wakes: bool = False
) -> datetime | None:
    """The first reminder after now; None without a deadline, and after the last one."""
    if due_at is None:
        return None
    return next((at for at in reminders(born, due_at, quiet=quiet, wakes=wakes) if at > now), None)


def escalations(born: datetime, due_at: datetime | None) -> tuple[tuple[datetime, Escalation], ...]:
    """When a request that stays open draws in whom, earliest first; none without a deadline, none at or after it."""
    if due_at is None:
        return ()
    steps = (
        (born + DEPUTY_AFTER, Escalation.DEPUTY),
        (max(due_at - LEADER_BEFORE, born + TOO_SOON), Escalation.LEADER),
    )
    return tuple(sorted((at, step) for at, step in steps if at < due_at))


def next_escalation(done: int, born: datetime, due_at: datetime | None) -> tuple[datetime, Escalation] | None:
    """The step after so many; None without a deadline, and after the last."""
    steps = escalations(born, due_at)
    return steps[done] if done < len(steps) else None


def burst_of(now: datetime) -> datetime:
    """The start of the span of BURST_WITHIN an instant lies in: who gathers at the same time gathers into one."""
    return now - (now - datetime.min.replace(tzinfo=now.tzinfo)) % BURST_WITHIN


def week_of(local: datetime) -> date:
    """The Monday whose weekly message has come at an instant: the last one at or before it."""
    monday = local.date() - timedelta(days=(local.weekday() - WEEKLY_ON) % 7)
    begun = local.replace(hour=WEEKLY_AT.hour, minute=WEEKLY_AT.minute, second=0, microsecond=0)
    return monday if local.date() != monday or local >= begun else monday - timedelta(days=7)
