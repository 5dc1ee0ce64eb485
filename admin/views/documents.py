"""Printed things of a plan, a site or a room: one address a kind, as a download (R-179…R-182)."""

from __future__ import annotations

import tempfile
from typing import Any
from urllib.parse import quote, urlencode

from flask import Response, abort, flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select

from admin.downloads_view import DownloadsView
from admin.session import current_actor, reader
from admin.steps import asked
from admin.usecase_view import Link
from core.db import transaction
from core.errors import Refusal
from core.models.plans import ExamPlan
from core.models.sites import ExamSite
from core.notifications.words import sentence
from core.queries.scoping import visible
from core.rules.permissions import has_role
from core.usecases.printing import KINDS, print_documents

_IN_MEMORY = 4 * 1024 * 1024


def document_links(plan_id: int, site_id: int | None = None, room: str | None = None) -> list[Link]:
    """A button per kind, for whoever may print; back leads to the page they stand on."""
    if not has_role(current_actor(), "print_documents"):
        return []
    narrowed = {"plan": plan_id, "site": site_id, "room": room, "back": request.full_path}
    query = urlencode({name: value for name, value in narrowed.items() if value is not None})
    return [Link(word, f"/admin/documents/{kind}?{query}") for kind, word in KINDS.items()]


class DocumentsView(DownloadsView):
    """No page of its own, only downloads; a refusal is said on the page the person came from."""

    @expose("/<kind>")
    def download(self, kind: str) -> ResponseReturnValue:
        """One PDF of a plan, narrowed by site (an id) and room (a name)."""
        actor = current_actor()
        plan = _seen(ExamPlan, asked("plan"))
        site = _seen(ExamSite, asked("site")) if request.args.get("site") else None
        if kind not in KINDS or not has_role(actor, "print_documents"):
            abort(404)
        room = request.args.get("room", "")[:200] or None
        name = "-".join(part for part in (plan.plan_no, KINDS[kind], site.site_no if site else "", room) if part)
        plan_id, site_id = plan.id, site.id if site else None
        reader().rollback()
        out = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  # closed by the response
        try:
            with transaction(actor) as tx:
                print_documents(tx, kind=kind, plan_id=plan_id, out=out, site_id=site_id, room_name=room)  # type: ignore[arg-type]
        except Refusal as refusal:
            out.close()
            flash(sentence(refusal), "error")
            return redirect(_back(plan_id), 303)
        return _pdf(out, name)


def _seen(model: Any, ident: int | None) -> Any:
    """The row within the person's scope; anything else does not exist."""
    row = reader().scalar(select(model).where(model.id == ident, visible(model, current_actor()))) if ident else None
    if row is None:
        abort(404)
    return row


def _back(plan_id: int) -> str:
    wanted = request.args.get("back", "")
    inside = wanted.startswith("/admin/") and not wanted.startswith("/admin/documents/")
    return wanted if inside and not set("\\\r\n") & set(wanted) else url_for("plans.details_view", id=plan_id)


def _pdf(out: Any, name: str) -> Response:
    size = out.tell()
    out.seek(0)
    response = send_file(out, mimetype="application/pdf", max_age=0)
    safe = "".join(sign if sign.isprintable() and sign not in '/\\:*?"<>|' else "_" for sign in name)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(safe)}.pdf"
    response.headers["Cache-Control"] = "no-store"
    response.content_length = size
    return response


def views(db: Any) -> list[DownloadsView]:
    """For the application to register."""
    return [DocumentsView(name="文档", endpoint="documents", url="/admin/documents")]
