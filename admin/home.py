"""The first page: whose turn it is, what the clock will do next, notices, and the demo's clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import AdminIndexView, expose
from markupsafe import Markup
from sqlalchemy import select

from admin.session import current_actor, is_logged_in, reader
from admin.standing import standing
from core import clock
from core.db import transaction
from core.errors import Refusal
from core.models.records import Notification
from core.notifications.reminding import listed_singly
from core.notifications.render import outcome, panel_text
from core.notifications.words import sentence, when
from core.queries.due import next_event, tasks_for, timeline, ways
from core.rules.notices import ReplyState, may_take_back
from core.usecases.notices import see_notices
from core.usecases.replies import acknowledge, take_back

NOTICES_SHOWN = 60
STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}


class HomeView(AdminIndexView):
    """/admin/ and the pages that belong to nobody's subject."""

    def is_accessible(self) -> bool:
        return is_logged_in()

    def inaccessible_callback(self, name: str, **kwargs: Any) -> ResponseReturnValue:
        return current_app.login_manager.unauthorized()  # type: ignore[attr-defined]

    def _run_view(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        return fn(self, *args, **kwargs)

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Tasks and timeline."""
        now, actor = clock.now(), current_actor()
        return render_template(
            "admin/home.html",
            tasks=tasks_for(reader(), actor, now),
            edges=timeline(reader(), actor, now),
            ways=ways(reader(), actor, now),
            standing=standing(),
            now=now,
        )

    @expose("/notices/")
    def notices(self) -> ResponseReturnValue:
        """Everything one has been told, newest first; looking at it empties the bell."""
        actor, now = current_actor(), clock.now()
        mine = select(Notification).where(listed_singly(actor.account_id))
        rows = reader().scalars(mine.order_by(Notification.id.desc()).limit(NOTICES_SHOWN)).all()
        shown = [
            {
                "id": row.id,
                "at": row.created_at,
                "is_new": row.seen_at is None,
                "html": Markup(panel_text(reader(), row, now)),  # noqa: S704  # escaped by the message's own template
                "outcome": outcome(row),
                "code": row.task_code if not outcome(row) else "",
                "can_acknowledge": row.reply_state is ReplyState.OPEN,
                "can_take_back": row.reply_state is ReplyState.ACKNOWLEDGED and may_take_back(row.replied_at, now),
            }
            for row in rows
        ]
        page = render_template("admin/notices.html", notices=shown)
        if any(row["is_new"] for row in shown):
            reader().rollback()
            with transaction(actor) as tx:
                see_notices(tx)
        return page

    @expose("/notices/<int:notice>/acknowledge", methods=("POST",))
    def acknowledge_notice(self, notice: int) -> ResponseReturnValue:
        """已知悉, as in chat."""
        actor = current_actor()
        reader().rollback()
        with transaction(actor) as tx:
            acknowledge(tx, notification_id=notice)
        flash("已记录：您已知悉。", "success")
        return redirect(url_for("admin.notices"), 303)

    @expose("/notices/<int:notice>/take-back", methods=("POST",))
    def take_back_notice(self, notice: int) -> ResponseReturnValue:
        """撤回“已知悉”, as in chat."""
        actor = current_actor()
        reader().rollback()
        try:
            with transaction(actor) as tx:
                take_back(tx, notification_id=notice)
        except Refusal as refusal:
            flash(sentence(refusal), "error")
        else:
            flash("已撤回，请在看清后再确认。", "success")
        return redirect(url_for("admin.notices"), 303)

    @expose("/clock/", methods=("POST",))
    def travel(self) -> ResponseReturnValue:
        """The demo's clock goes forward; outside the demo there is no such page."""
        if not clock.can_travel():
            abort(404)
        step = self._step(request.form.get("step", ""))
        if step is None:
            flash("没有更晚的事件了。", "info")
        else:
            flash(f"演示时钟已前进到 {when(clock.travel(step))}。", "success")
        return redirect(_own_page(request.form.get("back", "")), 303)

    def _step(self, wanted: str) -> timedelta | None:
        if wanted in STEPS:
            return STEPS[wanted]
        target = next_event(reader(), clock.now())
        return None if target is None else max(target - clock.now(), timedelta()) + timedelta(seconds=1)


def _own_page(wanted: str) -> str:
    is_inside = wanted.startswith("/admin/") and "\\" not in wanted and "\n" not in wanted
    return wanted if is_inside else url_for("admin.index")
