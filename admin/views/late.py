"""逾期事项: what stands too long, whose turn it is, requests nobody answers, and whom no message reaches (chat.md)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_admin import expose

from admin.page_view import PageView
from admin.session import current_actor, organisation_words, reader, role_words
from core import clock
from core.actors import Actor
from core.models.accounts import UserAccount
from core.notifications.reminding import head_line
from core.queries.late import late_things, officers_lacking_deputies, overdue_requests, unreachable_people
from core.queries.letters import installed
from core.rules.organisations import KEEPS_WORK, Role

MOST_REQUESTS = 60
MOST_PEOPLE = 40


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request that waits too long; is_mine: for the word of whoever looks."""

    head: str
    login: str
    roles: str
    organisation: str
    since: datetime
    due_at: datetime | None
    is_escalated: bool
    is_mine: bool


class LateView(PageView):
    """Mine first, then what waits for others; nothing here is changed, every line leads to where it is."""

    title = "逾期事项"
    slug = "late"
    menu_group = "待办与消息"
    menu_order = 10

    def is_open_to(self, actor: Actor) -> bool:
        """Whoever keeps work moving."""
        return bool(KEEPS_WORK & actor.roles)

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """All of it on one page."""
        actor, now = current_actor(), clock.now()
        people = unreachable_people(reader(), actor)
        return render_template(
            "admin/late.html",
            things=late_things(reader(), actor, now),
            requests=_requests(actor, now),
            people=[_person(account) for account in people[:MOST_PEOPLE]],
            more=len(people[MOST_PEOPLE:]),
            alone=[_person(account) for account in officers_lacking_deputies(reader(), actor)[:MOST_PEOPLE]],
            channels="、".join(channel.label for channel in installed()),
            now=now,
            is_platform=Role.ADMIN in actor.roles,
        )


def _requests(actor: Actor, now: datetime) -> list[OpenRequest]:
    """Those whose thing is settled by now wait for nobody."""
    found = []
    for row in overdue_requests(reader(), actor, now, limit=MOST_REQUESTS):
        head = head_line(row, reader(), now)
        if head:
            found.append(
                OpenRequest(
                    head,
                    row.account.login,
                    role_words(row.account),
                    organisation_words(row.account),
                    row.created_at,
                    row.due_at,
                    row.escalations > 0,
                    row.account_id == actor.account_id,
                )
            )
    return sorted(found, key=lambda item: (not item.is_mine, item.since))


def _person(account: UserAccount) -> dict[str, str]:
    return {"login": account.login, "roles": role_words(account), "organisation": organisation_words(account)}


def views(db: Any) -> list[PageView]:
    """For the application to register."""
    return [LateView()]
