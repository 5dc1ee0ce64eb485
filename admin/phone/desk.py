"""The panel's side of 扫码签名: a QR code for the officer's phone, and how far the phone has got."""

from __future__ import annotations

import math
from urllib.parse import urlsplit

import segno
from flask import Blueprint, jsonify, redirect, render_template, request, session, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from admin.phone.visit import acting, asked_batch, panel_account, to_login
from core import clock, settings
from core.db import reading, transaction
from core.queries.signing import CeremonyView, ceremony_of
from core.rules.certificates import Party, SigningState
from core.usecases.signing import open_signing

_KEY = "phone_desk"
_MASK = 4  # any of the eight reads well; trying all of them takes most of the time
_ANYWHERE = "0.0.0.0"  # noqa: S104  # compared with, not listened on


def add_to(web: Blueprint) -> None:
    """/qr and the state it asks for every two seconds."""
    web.add_url_rule("/qr", "qr", qr)
    web.add_url_rule("/qr", "qr_afresh", qr_afresh, methods=["POST"])
    web.add_url_rule("/qr/state", "qr_state", qr_state)


def qr() -> str | Response:
    """Open a ceremony and show its code; a reload shows the one that is still open instead of making another."""
    plan_id, party = asked_batch(request.args)
    account_id = panel_account()
    if account_id is None:
        return to_login()
    ceremony = _mine(account_id)
    if ceremony is None or not ceremony.is_open or (ceremony.plan_id, ceremony.party) != (plan_id, party):
        ceremony = _open(account_id, plan_id, party)
    return _page(ceremony)


def qr_afresh() -> Response:
    """重新生成二维码: the code before it is worth nothing any more."""
    plan_id, party = asked_batch(request.form)
    account_id = panel_account()
    if account_id is not None:
        _open(account_id, plan_id, party)
    return redirect(url_for("phone.qr", plan=plan_id, party=party.value), 303)


def qr_state() -> Response | tuple[Response, int]:
    """{"state", "label", "left"} of the ceremony this browser shows; 404 where it shows none."""
    account_id = panel_account()
    ceremony = _mine(account_id) if account_id is not None else None
    if ceremony is None:
        return jsonify(state="gone"), 404
    return jsonify(state=ceremony.state.value, label=ceremony.state.label, left=_seconds_left(ceremony))


def _mine(account_id: int) -> CeremonyView | None:
    token = session.get(_KEY)
    if not token:
        return None
    with reading() as look:
        ceremony = ceremony_of(look, token, clock.now())
    return ceremony if ceremony and ceremony.account_id == account_id else None


def _open(account_id: int, plan_id: int, party: Party) -> CeremonyView:
    with transaction(acting(account_id)) as tx:
        token = open_signing(tx, plan_id=plan_id, party=party).token
    session[_KEY] = token
    with reading() as look:
        ceremony = ceremony_of(look, token, clock.now())
    assert ceremony is not None
    return ceremony


def _page(ceremony: CeremonyView) -> str:
    base = settings.current().base_url
    path = url_for("phone.scan", token=session[_KEY])
    return render_template(
        "phone/qr.html",
        ceremony=ceremony,
        code=_code(f"{base}{path}"),
        left=_seconds_left(ceremony),
        states=SigningState,
        this_machine=path if urlsplit(base).hostname in (*settings.LOOPBACK, _ANYWHERE) else "",
    )


def _code(address: str) -> Markup:
    drawn = segno.make_qr(address, error="m", mask=_MASK)
    return Markup(drawn.svg_inline(scale=4, border=2, omitsize=True, svgclass="code", lineclass=None))  # noqa: S704


def _seconds_left(ceremony: CeremonyView) -> int:
    return max(0, math.ceil((ceremony.expires_at - clock.now()).total_seconds())) if ceremony.is_open else 0
