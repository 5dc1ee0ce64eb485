"""动态口令 in the profile: on with a QR code, off with a code; and who has to have it before anything else."""

from __future__ import annotations

import segno
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_login import login_required
from markupsafe import Markup
from sqlalchemy import func, select

from admin.guard import LOGIN_LIMIT
from admin.session import current_account, current_actor, is_logged_in, reader
from core import settings
from core.db import transaction
from core.errors import Refusal
from core.models.accounts import RecoveryCode, UserAccount
from core.notifications.words import sentence
from core.rules.organisations import SIGNS_OR_APPROVES
from core.usecases.second_factor import (
    Enrolment,
    begin_second_factor,
    confirm_second_factor,
    end_second_factor,
    pending_enrolment,
)

_OPEN = {"second_factor.page", "second_factor.begin", "second_factor.confirm", "auth.logout", "admin.static"}


def blueprint(limiter: Limiter) -> Blueprint:
    """The page and its buttons; and, where the settings say so, the way that leads there first."""
    web = Blueprint("second_factor", __name__, url_prefix="/admin/second-factor")
    limit = limiter.limit(LOGIN_LIMIT, methods=["POST"])
    web.add_url_rule("/", "page", login_required(page))
    web.add_url_rule("/begin", "begin", login_required(begin), methods=["POST"])
    web.add_url_rule("/confirm", "confirm", limit(login_required(confirm)), methods=["POST"])
    web.add_url_rule("/end", "end", limit(login_required(end)), methods=["POST"])
    web.before_app_request(lead_here_first)
    return web


def must_enrol(account: UserAccount) -> bool:
    """KAOWU_SECOND_FACTOR=required: whoever signs or approves has one before anything else."""
    if settings.current().second_factor != "required" or account.second_factor_since is not None:
        return False
    return any(held.role in SIGNS_OR_APPROVES for held in account.roles)


def lead_here_first() -> ResponseReturnValue | None:
    """To the enrolment, from every page of the panel."""
    is_elsewhere = not request.path.startswith("/admin/") or request.endpoint in _OPEN
    if is_elsewhere or not is_logged_in() or not must_enrol(current_account()):
        return None
    return redirect(url_for("second_factor.page"), 303)


def page(problem: str = "") -> ResponseReturnValue:
    """Off, half-way on, or on."""
    account = current_account()
    enrolment = None
    if account.second_factor_since is None and account.second_factor_secret is not None:
        enrolment = _do(pending_enrolment)
    left = reader().scalar(
        select(func.count(RecoveryCode.id)).where(RecoveryCode.account_id == account.id, RecoveryCode.used_at.is_(None))
    )
    return _shown(problem, enrolment=enrolment, left=left or 0)


def begin() -> ResponseReturnValue:
    """A fresh secret, shown on the page."""
    try:
        _do(begin_second_factor)
    except Refusal as refusal:
        flash(sentence(refusal), "error")
    return redirect(url_for("second_factor.page"), 303)


def confirm() -> ResponseReturnValue:
    """The app works: the recovery words, shown now and never again."""
    typed = request.form.get("code", "")[:80]
    try:
        outcome = _do(lambda tx: confirm_second_factor(tx, typed=typed))
    except Refusal as refusal:
        outcome = refusal
    if isinstance(outcome, Refusal):
        return page(sentence(outcome))
    return _shown("", words=outcome)


def end() -> ResponseReturnValue:
    """Off, with a code."""
    typed = request.form.get("code", "")[:80]
    try:
        refusal = _do(lambda tx: end_second_factor(tx, typed=typed))
    except Refusal as said_no:
        refusal = said_no
    if refusal is not None:
        return page(sentence(refusal))
    flash("动态口令已停用。", "success")
    return redirect(url_for("second_factor.page"), 303)


def _do(verb):
    actor = current_actor()
    reader().rollback()
    with transaction(actor) as tx:
        return verb(tx)


def _shown(problem: str, *, enrolment: Enrolment | None = None, words: list[str] | None = None, left: int = 0):
    if not is_logged_in():  # a wrong code too many has locked the account
        return redirect(url_for("auth.login"))
    account = current_account()
    html = render_template(
        "admin/second_factor.html",
        problem=problem,
        since=account.second_factor_since,
        enrolment=enrolment,
        code=_drawn(enrolment.uri) if enrolment else "",
        words=words,
        left=left,
        is_required=must_enrol(account),
    )
    return html, 422 if problem else 200


def _drawn(address: str) -> Markup:
    svg = segno.make_qr(address, error="m").svg_inline(
        scale=4, border=2, omitsize=True, svgclass="code-qr", lineclass=None
    )
    return Markup(svg)  # noqa: S704  # drawn by segno from a base32 secret and an escaped login
