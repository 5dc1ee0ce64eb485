"""The personal space itself: who I am here, what I am registered for, tickets, scores, certificates (§8.5, R-097)."""

from __future__ import annotations

import io
import tempfile
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from admin.my.session import Visitor, for_candidates
from admin.session import reader
from core import clock
from core.db import transaction
from core.errors import NotFound, Refusal
from core.gateways import storage
from core.notifications.words import sentence
from core.queries.own_space import own_photo, own_registrations
from core.rules import values
from core.rules.marks import hundredths_text
from core.usecases.own_space import print_own_ticket, take_own_certificate

_IN_MEMORY = 1024 * 1024


def add_to(web: Blueprint) -> None:
    """Everything behind the login."""
    web.add_url_rule("/", "home", for_candidates(home))
    web.add_url_rule("/photo", "photo", for_candidates(photo))
    web.add_url_rule("/ticket/<int:plan_id>", "ticket", for_candidates(ticket))
    web.add_url_rule("/certificate/<int:issuance_id>", "certificate", for_candidates(certificate))


def home(visitor: Visitor) -> ResponseReturnValue:
    """All of it on one page: there is little, and a phone scrolls better than it navigates."""
    me = visitor.candidate
    return render_template(
        "my/home.html",
        me=me,
        id_number=values.mask_id(me.id_number),
        mobile=values.mask_mobile(me.mobile) if me.mobile else "",
        has_photo=own_photo(reader(), visitor.actor) is not None,
        registrations=own_registrations(reader(), visitor.actor, clock.now()),
        composite=hundredths_text,
    )


def photo(visitor: Visitor) -> ResponseReturnValue:
    """The own picture."""
    found = own_photo(reader(), visitor.actor)
    if found is None:
        abort(404)
    response = Response(found.data, mimetype="image/jpeg")
    response.set_etag(found.sha256)
    return response.make_conditional(request)


def ticket(visitor: Visitor, plan_id: int) -> ResponseReturnValue:
    """准考证 as PDF, once printing is open (R-179); before, the page says when to come back."""
    reader().rollback()
    out = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  # closed by the response
    try:
        with transaction(visitor.actor) as tx:
            number = print_own_ticket(tx, plan_id=plan_id, out=out)  # type: ignore[arg-type]
    except Refusal as refusal:
        out.close()
        return _back(refusal)
    out.seek(0)
    return _pdf(out, f"准考证-{number}")


def certificate(visitor: Visitor, issuance_id: int) -> ResponseReturnValue:
    """电子证书, exactly as it was sealed."""
    reader().rollback()
    try:
        with transaction(visitor.actor) as tx:
            row = take_own_certificate(tx, issuance_id=issuance_id)
            content = storage.read(row.storage_key)
    except Refusal as refusal:
        return _back(refusal)
    return _pdf(io.BytesIO(content), f"电子证书-{row.certificate_no}")


def _back(refusal: Refusal) -> ResponseReturnValue:
    """What is not one's own does not exist; what is too early is said on the page."""
    if isinstance(refusal, NotFound):
        abort(404)
    flash(sentence(refusal), "error")
    return redirect(url_for("my.home"), 303)


def _pdf(content: Any, name: str) -> Response:
    """Names no person: it ends up in the downloads of a phone that others hold too."""
    response = send_file(content, mimetype="application/pdf", max_age=0)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}.pdf"
    response.headers["Cache-Control"] = "no-store"
    return response
