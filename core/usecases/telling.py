"""Being told: the daily digest, reminders of what is open, and each person's own choices (chat.md)."""

from __future__ import annotations

from datetime import time

from sqlalchemy import select, update

from core import clock
from core.db import Tx
from core.errors import ValueRefused
from core.models.accounts import TellingChoice, UserAccount
from core.models.records import Notification
from core.notifications import audiences
from core.notifications.message import Message
from core.notifications.reminding import DailyDigest, Escalated, EscalatedOwn, Reminder, WeeklyLate
from core.queries.letters import installed
from core.queries.telling import present_choice
from core.rules.letters import ROBOTS, Channel, robot_key
from core.rules.notices import IN_A_CHAT, DeliveryState, ReplyState
from core.rules.telling import (
    MOST_REMINDERS,
    NIGHT,
    NUDGE_EVERY,
    Escalation,
    QuietHours,
    next_escalation,
    next_reminder,
    week_of,
)
from core.usecases.notices import revive_of

LONGEST_QUIET_HOURS = 14  # hours; whoever is never told cannot be told what is due


# -- the digest --------------------------------------------------------------------------------------------------------


def send_digest(tx: Tx, *, account_id: int) -> None:
    """Everything that waited for this person's digest, in one message a day; a second run finds the first one's."""
    waiting = (
        Notification.account_id == account_id,
        Notification.delivery_state == DeliveryState.PENDING,
        Notification.digest_on <= clock.local(tx.now).date(),
        Notification.next_attempt_at <= tx.now,
    )
    day = clock.local(tx.now).date().isoformat()
    digest = DailyDigest(account_id, day)
    if tx.first(select(Notification.id).where(*waiting)) is None:
        return
    tx.notify(digest)
    mine = (Notification.account_id == account_id, Notification.dedupe_key == digest.dedupe_key())
    held = tx.one(select(Notification).where(*mine))
    tx.session.execute(
        update(Notification)
        .where(*waiting)
        .values(delivery_state=DeliveryState.SUPPRESSED, last_error="digest", gathered_in=held.id)
        .execution_options(synchronize_session=False)
    )
    held.is_stale = held.delivery_state in IN_A_CHAT


# -- reminders ---------------------------------------------------------------------------------------------------------


def remind(tx: Tx, *, notification_id: int) -> None:
    """Say an open request again, and note when to say it next; one that was put off, or has not arrived, only that."""
    row = tx.lock(Notification, notification_id)
    if row.reply_state is not ReplyState.OPEN or row.next_reminder_at is None or row.next_reminder_at > tx.now:
        return
    message = revive_of(row)
    if row.delivery_state is not DeliveryState.PENDING and row.reminders < MOST_REMINDERS:
        row.reminders += 1
        tx.notify(Reminder(row.id, row.reminders))
    quiet, _ = present_choice(tx.session, row.account_id)
    again = next_reminder(
        clock.local(tx.now), clock.local(row.created_at), row.due_at, quiet=quiet, wakes=message.wakes
    )
    row.next_reminder_at = again if row.reminders < MOST_REMINDERS else None


def nudge(tx: Tx, *, thing_type: str, thing_id: int) -> int:
    """A colleague reminds everybody who has not answered about a thing; how many.

    Nobody more than once in NUDGE_EVERY, nor beyond MOST_REMINDERS of a task, whoever reminded (chat.md). Part of the
    verbs that say who may.
    """
    waiting = tx.all(
        select(Notification).where(
            Notification.thing_type == thing_type,
            Notification.thing_id == thing_id,
            Notification.about_id.is_(None),
            Notification.reply_state == ReplyState.OPEN,
            Notification.useful_until >= tx.now,
            Notification.delivery_state != DeliveryState.PENDING,
            Notification.reminders < MOST_REMINDERS,
        )
    )
    lately = set(
        tx.all(
            select(Notification.about_id).where(
                Notification.about_id.in_([row.id for row in waiting]), Notification.created_at > tx.now - NUDGE_EVERY
            )
        )
    )
    fresh = [row for row in waiting if row.id not in lately and row.created_at <= tx.now - NUDGE_EVERY]
    for row in fresh:
        row.reminders += 1
        tx.notify(Reminder(row.id, row.reminders))
    return len(fresh)


# -- escalation --------------------------------------------------------------------------------------------------------


def escalate(tx: Tx, *, notification_id: int) -> None:
    """Nobody has answered: draw in a deputy or a colleague after two days, a day before the end the person's leaders.

    Added, never put in the person's place, and the person hears of each step. Without a colleague the leader hears at
    once, without a leader the platform's administrators: somebody always does.
    """
    row = tx.lock(Notification, notification_id)
    if row.reply_state is not ReplyState.OPEN or row.next_escalation_at is None or row.next_escalation_at > tx.now:
        return
    born, message = clock.local(row.created_at), revive_of(row)
    step = next_escalation(row.escalations, born, row.due_at)
    row.escalations += 1
    following = next_escalation(row.escalations, born, row.due_at)
    row.next_escalation_at = following[0] if following else None
    if step is None or not message.is_still_true(tx.session, tx.now):
        return
    people: list[int] = []
    if step[1] is Escalation.DEPUTY:
        people, are_deputies = _helpers(tx, row, message)
        tx.notify(message, to=people, instead_of=row.account_id if are_deputies else None)
    if people:
        tx.notify(EscalatedOwn(row.id, Escalation.DEPUTY, len(people)))
        return
    tx.notify(Escalated(row.id, row.dedupe_key))
    leaders = len(list(audiences.leaders_over(tx.session, row.account)))
    tx.notify(EscalatedOwn(row.id, Escalation.LEADER, leaders))


def hand_over(tx: Tx, *, account_id: int) -> None:
    """What waits for somebody no message reaches goes to their deputies now, not after two days (chat.md, blocked bot).

    To their colleagues where they have no deputy; with nobody there it is escalated at once.
    """
    waiting = select(Notification).where(
        Notification.account_id == account_id,
        Notification.reply_state == ReplyState.OPEN,
        Notification.useful_until >= tx.now,
    )
    for row in tx.all(waiting.order_by(Notification.id)):
        if not hand_over_request(tx, notification_id=row.id) and row.next_escalation_at is not None:
            row.next_escalation_at = tx.now


def hand_over_request(tx: Tx, *, notification_id: int) -> bool:
    """The same for one request, to those who have not heard it; False where there is nobody."""
    row = tx.get(Notification, notification_id)
    message = revive_of(row)
    if row.reply_state is not ReplyState.OPEN or not message.is_still_true(tx.session, tx.now):
        return False
    people, are_deputies = _helpers(tx, row, message)
    tx.notify(message, to=people, instead_of=row.account_id if are_deputies else None)
    return bool(people)


def _helpers(tx: Tx, row: Notification, message: Message) -> tuple[list[int], bool]:
    """The person's own deputies (True), their colleagues where there is none to ask; nobody who has heard already."""
    if message.is_personal:
        return [], False
    deputies = audiences.stand_ins(tx.session, row.account, tx.now, message.duty)
    for found, are_deputies in ((deputies, True), (audiences.colleagues(tx.session, row.account), False)):
        fresh = [ident for ident in found if not _was_told(tx, row, ident)]
        if fresh:
            return fresh, are_deputies
    return [], False


def _was_told(tx: Tx, row: Notification, account_id: int) -> bool:
    same = select(Notification.id).where(
        Notification.account_id == account_id, Notification.dedupe_key == row.dedupe_key
    )
    return tx.first(same) is not None


def tell_what_is_late(tx: Tx, *, account_id: int) -> None:
    """On Mondays: what is late in this person's organisation, once a week; nothing where nothing is."""
    message = WeeklyLate(account_id, week_of(clock.local(tx.now)).isoformat())
    if message.is_still_true(tx.session, tx.now):
        tx.notify(message)


# -- choices -----------------------------------------------------------------------------------------------------------


def choose(tx: Tx, *, quiet_from: time, quiet_until: time, wants_digest: bool) -> TellingChoice:
    """How the actor wants to be told from now on; what waits already keeps its time.

    quiet_from == quiet_until: no quiet hours. ValueRefused for more than LONGEST_QUIET_HOURS.
    """
    begins, ends = quiet_from.hour * 60 + quiet_from.minute, quiet_until.hour * 60 + quiet_until.minute
    if (ends - begins) % (24 * 60) > LONGEST_QUIET_HOURS * 60:
        raise ValueRefused("quiet_too_long", rule="chat.md", limit=LONGEST_QUIET_HOURS)
    held = _my_choice(tx)
    held.quiet_from = quiet_from.replace(second=0, microsecond=0)
    held.quiet_until = quiet_until.replace(second=0, microsecond=0)
    held.wants_digest = wants_digest
    return held


def choose_channel(tx: Tx, *, channel: Channel | None, robot: str = "") -> TellingChoice:
    """What carries letters to the actor when no chat does; None: in the installation's own order.

    robot: the key or address of a robot of their own; "" keeps the one they have. ValueRefused for a channel the
    installation or the person has not.
    """
    held = _my_choice(tx)
    account = tx.get(UserAccount, held.account_id)
    if channel is not None and channel not in installed():
        raise ValueRefused("channel_not_installed", rule="chat.md", channel=channel.label)
    if (channel is Channel.SMS and not account.mobile) or (channel is Channel.MAIL and not account.email):
        raise ValueRefused("channel_without_address", rule="chat.md", channel=channel.label)
    if channel not in ROBOTS:
        held.letter_channel, held.robot_key = channel, ""
        return held
    kept = held.robot_key if held.letter_channel is channel and not robot.strip() else robot_key(channel, robot)
    held.letter_channel, held.robot_key = channel, kept
    return held


def _my_choice(tx: Tx) -> TellingChoice:
    """The actor's own row, made as everybody is told where they have none."""
    mine = select(TellingChoice).where(TellingChoice.account_id == tx.actor.account_id)
    held: TellingChoice | None = tx.first(mine)
    if held is not None:
        return held
    fresh = TellingChoice(
        account_id=tx.actor.account_id or 0, quiet_from=NIGHT.start, quiet_until=NIGHT.end, wants_digest=True
    )
    return tx.add(fresh)


def change(tx: Tx, *, quiet: QuietHours | None = None, wants_digest: bool | None = None) -> TellingChoice:
    """One of the actor's choices, the other one as it is: a key of the chat says what to set, and nothing else."""
    hours, digest = present_choice(tx.session, tx.actor.account_id or 0)
    hours = hours if quiet is None else quiet
    return choose(
        tx,
        quiet_from=hours.start,
        quiet_until=hours.end,
        wants_digest=digest if wants_digest is None else wants_digest,
    )
