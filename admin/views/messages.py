"""消息目录: every message the bot sends, with sample facts, as people see it; nobody real is in it."""

from __future__ import annotations

from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup

from admin.page_view import PageView
from core.actors import Actor
from core.notifications.samples import specimens
from core.rules.organisations import Role


class MessagesView(PageView):
    """For whoever answers for the words: nothing here is sent."""

    title = "消息目录"
    slug = "messages"
    menu_group = "待办与消息"
    menu_order = 30

    def is_open_to(self, actor: Actor) -> bool:
        """The platform's administrators."""
        return Role.ADMIN in actor.roles

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """All of them, in the order of their kinds."""
        shown = [(one, Markup(one.text)) for one in specimens()]  # noqa: S704  our own templates, facts escaped
        return render_template("admin/messages.html", specimens=shown)


def views(db: Any) -> list[PageView]:
    """For the application to register."""
    return [MessagesView()]
