"""通知公告: drafted, published to chosen roles, confirmed one by one, withdrawn (§2.38, chat.md)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, update

from core.db import Tx
from core.errors import NotFound, NotReady, StaleState
from core.models.announcements import Announcement
from core.models.records import Notification
from core.notifications.announcements import AnnouncementPublished, AnnouncementToConfirm, AnnouncementWithdrawn
from core.queries.announcements import TELLING, addressed, own_notice
from core.rules.announcements import (
    ANNOUNCEMENT,
    AnnouncementKind,
    AnnouncementState,
    require_addressable,
    require_time,
    require_words,
)
from core.rules.notices import IN_A_CHAT, ReplyState
from core.rules.organisations import Role
from core.rules.permissions import permit
from core.rules.reasons import require_tellable
from core.usecases.notices import acknowledge, close_tasks
from core.usecases.telling import nudge

THING = Announcement.__tablename__


def draft_announcement(
    tx: Tx,
    *,
    kind: AnnouncementKind,
    title: str,
    body: str,
    roles: Collection[Role],
    is_receipt_asked: bool = False,
    answer_until: datetime | None = None,
) -> Announcement:
    """Of the actor's own organisation; nobody else sees it yet."""
    issuer = {"authority_id": tx.actor.authority_id, "org_id": tx.actor.org_id}
    permit(tx.actor, "announce", Announcement(**issuer))
    return tx.add(Announcement(**issuer, **_content(tx, kind, title, body, roles, is_receipt_asked, answer_until)))


def edit_announcement(
    tx: Tx,
    *,
    announcement_id: int,
    kind: AnnouncementKind,
    title: str,
    body: str,
    roles: Collection[Role],
    is_receipt_asked: bool = False,
    answer_until: datetime | None = None,
) -> Announcement:
    """A draft only: what people have read stays as they read it."""
    row = _draft(tx, announcement_id)
    for name, value in _content(tx, kind, title, body, roles, is_receipt_asked, answer_until).items():
        setattr(row, name, value)
    return row


def remove_announcement(tx: Tx, *, announcement_id: int) -> None:
    """A draft nobody needs."""
    tx.delete(_draft(tx, announcement_id))


def publish_announcement(tx: Tx, *, announcement_id: int) -> Announcement:
    """Told to everybody addressed at this moment; NotReady where that is nobody."""
    row = tx.lock(Announcement, announcement_id)
    permit(tx.actor, "announce", row)
    ANNOUNCEMENT.target(row.state, "publish")
    require_time(row.answer_until, tx.now, is_receipt_asked=row.is_receipt_asked)
    people = addressed(tx.session, row)
    if not people:
        raise NotReady("announcement_for_nobody", rule="§2.38")
    tx.advance(row, ANNOUNCEMENT, "publish", published_at=tx.now, told_count=len(people))
    tx.notify(AnnouncementToConfirm(row.id) if row.is_receipt_asked else AnnouncementPublished(row.id))
    return row


def withdraw_announcement(tx: Tx, *, announcement_id: int, reason: str) -> Announcement:
    """Taken back, with a reason everybody who was told reads; receipts that were given stay."""
    row = tx.lock(Announcement, announcement_id)
    permit(tx.actor, "announce", row)
    words = require_tellable(reason, rule="§2.38")
    tx.advance(row, ANNOUNCEMENT, "withdraw", withdrawn_at=tx.now, withdrawn_because=words, reason=words)
    told = (Notification.thing_type == THING, Notification.thing_id == row.id, Notification.kind.in_(TELLING))
    waiting = tx.all(select(Notification.account_id).where(*told, Notification.reply_state == ReplyState.OPEN))
    close_tasks(
        tx,
        thing_type=THING,
        thing_id=row.id,
        account_ids=waiting,
        reply=ReplyState.EXPIRED,
        note="发布单位已撤回",
    )
    tx.session.execute(
        update(Notification)
        .where(*told, Notification.delivery_state.in_(IN_A_CHAT))
        .values(is_stale=True)
        .execution_options(synchronize_session=False)
    )
    tx.notify(AnnouncementWithdrawn(row.id))
    return row


def confirm_reading(tx: Tx, *, announcement_id: int) -> Notification:
    """已阅, by one who was asked; twice is one receipt."""
    row = own_notice(tx.session, announcement_id, tx.actor.account_id)
    if row is None:
        raise NotFound(thing=THING)
    if row.reply_state is ReplyState.NOT_ASKED:
        raise NotReady("announcement_not_asked", rule="§2.38")
    return acknowledge(tx, notification_id=row.id)


def remind_unread(tx: Tx, *, announcement_id: int) -> int:
    """Those who have not confirmed, as often as chat.md lets a colleague remind; how many. NotReady for nobody."""
    row = tx.get(Announcement, announcement_id)
    permit(tx.actor, "announce", row)
    if row.state is not AnnouncementState.PUBLISHED:
        raise StaleState(thing=ANNOUNCEMENT.name, state=row.state.label)
    count = nudge(tx, thing_type=THING, thing_id=row.id)
    if not count:
        raise NotReady("nobody_to_nudge", rule="chat.md")
    tx.record(row, "remind_unread", after={"count": count})
    return count


def _draft(tx: Tx, announcement_id: int) -> Announcement:
    row = tx.lock(Announcement, announcement_id)
    permit(tx.actor, "announce", row)
    if row.state is not AnnouncementState.DRAFT:
        raise NotReady("announcement_not_draft", rule="§2.38")
    return row


def _content(
    tx: Tx,
    kind: AnnouncementKind,
    title: str,
    body: str,
    roles: Collection[Role],
    is_receipt_asked: bool,
    answer_until: datetime | None,
) -> dict[str, object]:
    told, text = require_words(title, body)
    require_addressable(tx.actor.roles, roles)
    require_time(answer_until, tx.now, is_receipt_asked=is_receipt_asked)
    return {
        "kind": kind,
        "title": told,
        "body": text,
        "roles": frozenset(roles),
        "is_receipt_asked": is_receipt_asked,
        "answer_until": answer_until,
    }
