"""消息送达: what became of the messages to one's people, day by day, and those that failed sent once more (chat.md)."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from admin.page_view import PageView
from admin.session import current_actor, organisation_words, reader
from core import clock
from core.actors import Actor
from core.db import transaction
from core.errors import Refusal
from core.models.letters import NoticeLetter
from core.models.records import Notification
from core.notifications.words import delivery_reason, kind_word, sentence
from core.queries.deliveries import (
    LONGEST_LOOK,
    Day,
    deliveries,
    failed_notices,
    first_instant,
    is_seen,
    together,
    unanswered_requests,
    worth_sending,
)
from core.queries.letters import failed_letters, letter_counts, letters_of
from core.rules.letters import LetterState
from core.rules.notices import UNANSWERED, DeliveryState
from core.rules.organisations import Role
from core.rules.permissions import has_role
from core.usecases.deliveries import MOST_AT_ONCE, send_again, send_all_again

PERIODS = {1: "今天", 7: "7 天", LONGEST_LOOK: f"{LONGEST_LOOK} 天"}
MOST_FAILED = 60
NO_CHANNEL = "尚无渠道接收"


class DeliveriesView(PageView):
    """Heads of organisations see their own people's messages, the platform's administrators all of them."""

    title = "消息送达"
    slug = "deliveries"
    menu_group = "待办与消息"
    menu_order = 20

    def is_open_to(self, actor: Actor) -> bool:
        """Whoever answers for what reaches the people of an organisation."""
        return has_role(actor, "read_deliveries")

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """The days, their sum, and what failed for good."""
        actor, now, days = current_actor(), clock.now(), _days(request.args)
        found = deliveries(reader(), actor, now, days=days)
        total, failed = failed_notices(reader(), actor, now, days=days, limit=MOST_FAILED)
        return render_template(
            "admin/deliveries.html",
            days=days,
            periods=PERIODS,
            found=[(day, _reasons(day)) for day in found],
            whole=together(found),
            reasons=_reasons(together(found)),
            lasting=lasting,
            total=total,
            failed=[_failed(row) for row in failed],
            again=worth_sending(reader(), actor, now, days=days) if has_role(actor, "send_all_again") else 0,
            at_once=MOST_AT_ONCE,
            is_platform=Role.ADMIN in actor.roles,
            **_otherwise(actor, first_instant(now, days)),
            unanswered=[_unanswered(row, letter) for row, letter in _waiting(actor, now)],
            most=MOST_FAILED,
        )

    @expose("/<int:ident>/again", methods=("POST",))
    def again(self, ident: int) -> ResponseReturnValue:
        """One of the failed ones."""
        actor = current_actor()
        if not is_seen(reader(), actor, ident):
            abort(404)
        reader().rollback()
        try:
            with transaction(actor) as tx:
                send_again(tx, notification_id=ident)
        except Refusal as refusal:
            flash(sentence(refusal), "error")
        else:
            flash("已重新排队。静默时段内的消息到点再发，结果会显示在这里。", "success")
        return redirect(url_for("deliveries.index", days=_days(request.form)), 303)

    @expose("/again", methods=("POST",))
    def all_again(self) -> ResponseReturnValue:
        """Everything that failed within the days that were shown."""
        actor, days, now = current_actor(), _days(request.form), clock.now()
        if not has_role(actor, "send_all_again"):
            abort(404)
        reader().rollback()
        with transaction(actor) as tx:
            sent = send_all_again(tx, since=first_instant(now, days), until=first_instant(now, 0))  # today's end
        left = worth_sending(reader(), actor, now, days=days)
        words = f"已重新排队 {sent} 条。" + (f"还有 {left} 条，请再按一次。" if left else "")
        flash(words if sent else "没有需要重新发送的消息。", "success" if sent else "info")
        return redirect(url_for("deliveries.index", days=days), 303)


def _otherwise(actor: Actor, since: datetime) -> dict[str, Any]:
    """What became of the letters, channel by channel; those no channel has taken yet stand in a line of their own."""
    lines: dict[str, Counter[LetterState]] = {}
    for (channel, state), number in letter_counts(reader(), actor, since).items():
        lines.setdefault(channel.label if channel else NO_CHANNEL, Counter())[state] += number
    failed = failed_letters(reader(), actor, since, limit=MOST_FAILED)
    return {
        "letters": sorted(lines.items()),
        "letter_states": list(LetterState),
        "letter_sum": sum((counts for counts in lines.values()), Counter()),
        "failed_letters": [
            _failed(letter.notification) | {"why": delivery_reason(letter.last_error or "")} for letter in failed
        ],
    }


def _waiting(actor: Actor, now: datetime) -> list[tuple[Notification, NoticeLetter | None]]:
    rows = unanswered_requests(reader(), actor, now, limit=MOST_FAILED)
    letters = letters_of(reader(), [row.id for row in rows])
    return [(row, letters.get(row.id)) for row in rows]


def _unanswered(row: Notification, letter: NoticeLetter | None) -> dict[str, Any]:
    """Who has not answered, and by which way they were asked."""
    how = "聊天" if row.delivery_state is DeliveryState.DELIVERED else ""
    if letter is not None:
        otherwise = f"{letter.channel.label}（{letter.state.label}）" if letter.channel else letter.state.label
        how = f"{how}、{otherwise}" if how else otherwise
    return {
        "login": row.account.login,
        "organisation": organisation_words(row.account),
        "kind": kind_word(row.kind),
        "at": row.created_at,
        "due_at": row.due_at,
        "is_late": row.due_at is not None and row.due_at < clock.now(),
        "how": how or f"只在面板（{row.delivery_state.label}）",
        "reminders": row.reminders,
        "is_escalated": row.escalations > 0,
    }


def _days(sent: Any) -> int:
    """One of the periods; the longest where something else was asked for."""
    wanted: int = sent.get("days", LONGEST_LOOK, type=int)
    return wanted if wanted in PERIODS else LONGEST_LOOK


def _reasons(day: Day) -> list[tuple[str, int]]:
    return [(delivery_reason(code), number) for code, number in day.suppressed.most_common()]


def _failed(row: Notification) -> dict[str, Any]:
    return {
        "id": row.id,
        "login": row.account.login,
        "organisation": "考生" if row.account.candidate_id is not None else organisation_words(row.account),
        "kind": kind_word(row.kind),
        "at": row.created_at,
        "why": delivery_reason(row.last_error or ""),
        "over": "已答复" if row.reply_state not in UNANSWERED else "已过期" if clock.now() > row.useful_until else "",
    }


def lasting(seconds: int | None) -> str:
    """12 秒, 3 分 20 秒, 2 小时 5 分."""
    if seconds is None:
        return "—"
    if seconds < 60:
        return f"{seconds} 秒"
    if seconds < 3600:
        return f"{seconds // 60} 分 {seconds % 60} 秒"
    return f"{seconds // 3600} 小时 {seconds % 3600 // 60} 分"


def views(db: Any) -> list[PageView]:
    """For the application to register."""
    return [DeliveriesView()]
