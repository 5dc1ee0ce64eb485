"""Between the right password and the panel: the second factor of those who have one (§2.5)."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import Any

from flask import redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from admin.session import password_digest, reader, start_session
from core import clock
from core.actors import Actor
from core.db import transaction
from core.errors import Refusal
from core.models.accounts import UserAccount
from core.notifications.words import sentence
from core.usecases.second_factor import prove_second_factor

LASTS = timedelta(minutes=5)
_KEY = "halfway"


def ask_for_second_factor(account: UserAccount, target: str) -> ResponseReturnValue:
    """Remember whose password was right, and nothing else of the session before; the code decides."""
    session.clear()
    session[_KEY] = {
        "account_id": account.id,
        "digest": password_digest(account),
        "until": (clock.now() + LASTS).timestamp(),
        "target": target,
    }
    return redirect(url_for("auth.second_factor"), 303)


def second_factor() -> ResponseReturnValue:
    """Six digits of the app, or a recovery word; wrong ones are counted like passwords."""
    kept: dict[str, Any] | None = session.get(_KEY)
    account = _account(kept) if kept else None
    if kept is None or account is None:
        session.pop(_KEY, None)
        return redirect(url_for("auth.login"))
    problem = ""
    if request.method == "POST":
        refusal = _prove(account, request.form.get("code", "")[:80])
        if refusal is None:
            start_session(account.id)
            return redirect(kept["target"], 303)
        problem = sentence(refusal)
    return render_template("admin/second_factor_login.html", problem=problem), 422 if problem else 200


def _account(kept: dict[str, Any]) -> UserAccount | None:
    """Still the account whose password was right a moment ago."""
    if clock.now() > datetime.fromtimestamp(kept["until"], clock.zone()):
        return None
    account = reader().get(UserAccount, kept["account_id"])
    if account is None or not hmac.compare_digest(kept["digest"], password_digest(account)):
        return None
    return account


def _prove(account: UserAccount, typed: str) -> Refusal | None:
    actor = Actor(login=account.login, roles=frozenset(), channel="panel")
    ident = account.id
    reader().rollback()
    try:
        with transaction(actor) as tx:
            return prove_second_factor(tx, account_id=ident, typed=typed)
    except Refusal as refusal:
        return refusal
