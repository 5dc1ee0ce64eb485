"""The frame around every page: who is logged in, the menu, unread notices, and the demo's clock."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from admin import cells
from admin.menu import menu_for
from admin.session import (
    current_account,
    current_actor,
    is_logged_in,
    organisation_words,
    reader,
    role_words,
)
from core import clock
from core.models.records import Notification
from core.notifications.reminding import listed_singly
from core.notifications.words import day, when


def facts() -> dict[str, Any]:
    """What templates may ask of the frame; functions, so that a page without a frame pays nothing."""
    return {"frame": frame, "is_logged_in": is_logged_in, "now": clock.now}


def frame() -> dict[str, Any]:
    """Name, organisation, roles, menu, unread notices and the travelling clock of the person logged in."""
    account, actor = current_account(), current_actor()
    return {
        "name": account.real_name,
        "login": account.login,
        "organisation": organisation_words(account),
        "roles": role_words(account),
        "menu": menu_for(actor),
        "unread": unread(),
        "clock": clock.now() if clock.can_travel() else None,
    }


def unread() -> int:
    """Notices this person has not opened yet."""
    mine = (listed_singly(current_actor().account_id), Notification.seen_at.is_(None))
    return reader().scalar(select(func.count(Notification.id)).where(*mine)) or 0


def add_filters(app: Flask) -> None:
    """when, day, until, days and shown for templates."""
    app.jinja_env.filters |= {"when": when, "day": day, "until": until, "days": days, "shown": cells.shown}


def until(instant: datetime, now: datetime) -> str:
    """还有 3 天, 还有 5 小时, 已过 2 天: how far an instant is from now, in the unit that matters."""
    seconds = (instant - now).total_seconds()
    word = "还有" if seconds >= 0 else "已过"
    minutes = int(abs(seconds) // 60)
    if minutes >= 48 * 60:
        return f"{word} {minutes // 1440} 天"
    return f"{word} {minutes // 60} 小时" if minutes >= 60 else f"{word} {max(minutes, 1)} 分钟"


def days(first: datetime, last: datetime) -> str:
    """5月1日 – 10日, or with both months: the business days a window covers."""
    a, b = clock.local(first), clock.local(last)
    end = f"{b.day}日" if (a.year, a.month) == (b.year, b.month) else f"{b.month}月{b.day}日"
    return f"{a.month}月{a.day}日" + ("" if a.date() == b.date() else f" – {end}")
