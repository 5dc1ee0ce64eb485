"""The three ways in: a chat button (Telegram vouches), a panel login, a QR code made by somebody logged in."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from admin.phone.visit import Door, acting, asked_batch, begin, open_for, panel_account, present, to_login
from core import clock
from core.db import reading, transaction
from core.errors import NotFound, NotPermitted
from core.gateways import init_data
from core.queries.accounts import account_of_chat
from core.queries.certificates import signing_batches
from core.queries.signing import CeremonyView, ceremony_of
from core.usecases.signing import claim_ceremony


def add_to(web: Blueprint) -> None:
    """/enter, /start and /s/<token>."""
    web.add_url_rule("/enter", "enter", enter)
    web.add_url_rule("/enter", "enter_from_chat", enter_from_chat, methods=["POST"])
    web.add_url_rule("/start", "start", start)
    web.add_url_rule("/start", "start_here", start_here, methods=["POST"])
    web.add_url_rule("/s/<token>", "scan", scan)
    web.add_url_rule("/s/<token>", "claim", claim, methods=["POST"])


def enter() -> str:
    """Opened by the chat button: the page posts what Telegram wrote behind the #, or goes on to the login."""
    plan_id, party = asked_batch(request.args)
    return render_template("phone/enter.html", plan_id=plan_id, party=party)


def enter_from_chat() -> Response:
    """Telegram vouches for the user, the binding says which account that is."""
    plan_id, party = asked_batch(request.form)
    user_id = init_data.check(request.form.get("init_data", ""), init_data.token_in_force(), clock.now())
    with reading() as look:
        account = account_of_chat(look, user_id)
    if account is None:
        raise NotPermitted("chat_not_bound", rule="chat.md")
    return open_for(account.id, plan_id, party, Door.CHAT)


def start() -> str | Response:
    """The same link in an ordinary browser: log in, then sign here or with the phone."""
    plan_id, party = asked_batch(request.args)
    account_id = panel_account()
    if account_id is None:
        return to_login()
    actor = acting(account_id)
    with reading() as look:
        mine = signing_batches(look, actor)
    batch = next((one for one in mine if (one.plan_id, one.party) == (plan_id, party)), None)
    if batch is None:
        raise NotFound("nothing_to_sign", rule="R-232")
    return render_template("phone/start.html", batch=batch)


def start_here() -> Response:
    """Sign on the device that is logged in."""
    plan_id, party = asked_batch(request.form)
    account_id = panel_account()
    if account_id is None:
        return redirect(url_for("phone.start", plan=plan_id, party=party.value), 303)
    return open_for(account_id, plan_id, party, Door.PANEL)


def scan(token: str) -> str | Response:
    """What the QR code opens. Looking claims nothing, for scanners fetch addresses ahead of people; the page posts."""
    visit = present()
    if visit is not None and visit.token == token:
        return redirect(url_for("phone.sign_page"))
    return render_template("phone/scan.html", token=token)


def claim(token: str) -> Response:
    """The token was made by the officer a moment ago for this batch: the first phone acts for them, in this alone."""
    with reading() as look:
        ceremony = ceremony_of(look, token, clock.now())
    if ceremony is None:
        raise NotFound("signing_unknown", rule="§3.19")
    visit = present()
    if visit is None or visit.token != token:
        _require_nobody_else(ceremony)
        with transaction(acting(ceremony.account_id)) as tx:
            claim_ceremony(tx, token=token)
        begin(
            account_id=ceremony.account_id,
            token=token,
            plan_id=ceremony.plan_id,
            party=ceremony.party,
            door=Door.QR,
        )
    return redirect(url_for("phone.sign_page"), 303)


def _require_nobody_else(ceremony: CeremonyView) -> None:
    """A phone on which somebody else is known to be at work signs nothing in the officer's name."""
    visit = present()
    known = {panel_account(), visit.account_id if visit else None} - {None}
    if known - {ceremony.account_id}:
        raise NotPermitted("task_of_another", rule="§3.19")
