"""Who is at the keyboard: read again from the database on every request, so that a disabled account is out at once."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any, cast

from flask import Flask, current_app, g, session
from flask_login import LoginManager, UserMixin, current_user, login_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import Session

from core import settings
from core.actors import Actor
from core.models.accounts import UserAccount
from core.queries.accounts import actor_for
from core.rules.organisations import Role

CHANNEL = "panel"
LARGEST_ROW_NUMBER = 2**31 - 1  # of the INTEGER keys; PostgreSQL raises above it where SQLite finds nothing


class PanelUser(UserMixin):
    """What the cookie stands for: an account, and a digest of its password, so that a new password ends old logins."""

    def __init__(self, account: UserAccount, actor: Actor) -> None:
        self.account = account
        self.actor = actor

    def get_id(self) -> str:
        """`<account id>.<digest>`."""
        return f"{self.account.id}.{password_digest(self.account)}"


def password_digest(account: UserAccount) -> str:
    """Changes with the password, and says nothing of it."""
    stored = (account.password_hash or "").encode()
    return hmac.new(settings.secret_key(), b"login" + stored, hashlib.sha256).hexdigest()[:24]


def reader() -> Session:
    """The request's read-only session; what is changed in it is never written."""
    return cast(Session, cast(SQLAlchemy, current_app.extensions["sqlalchemy"]).session)


def load_user(key: str) -> PanelUser | None:
    """The user behind a cookie, or None: unknown, disabled, locked, a candidate, or the password has changed since."""
    ident, _, digest = key.partition(".")
    if not ident.isdigit():
        return None
    actor = actor_for(reader(), int(ident), CHANNEL)
    if actor is None or actor.candidate_id is not None:
        return None
    user = PanelUser(reader().get_one(UserAccount, int(ident)), actor)
    return user if hmac.compare_digest(digest, password_digest(user.account)) else None


def enter(account_id: int) -> None:
    """Log this account in on this browser; the caller has cleared the old session."""
    reader().rollback()  # look again: the login itself has just written
    actor = actor_for(reader(), account_id, CHANNEL)
    if actor is not None and actor.candidate_id is None:
        login_user(PanelUser(reader().get_one(UserAccount, account_id), actor))


def start_session(account_id: int) -> None:
    """A new session for a new person: nothing of the one before is carried over (no session fixation)."""
    session.clear()
    session.permanent = True
    enter(account_id)


def current_actor() -> Actor:
    """Whoever is logged in, on channel panel; only behind a login."""
    return cast(Actor, current_user.actor)


def current_account() -> UserAccount:
    """The account of whoever is logged in; only behind a login."""
    return cast(UserAccount, current_user.account)


def is_logged_in() -> bool:
    """True behind a login."""
    return bool(current_user and current_user.is_authenticated)


def role_words(account: UserAccount) -> str:
    """院校管理员、考核站点负责人, in the order the roles are declared."""
    held = {row.role for row in account.roles}
    return "、".join(role.label for role in Role if role in held)


def organisation_words(account: UserAccount) -> str:
    """The name of whatever the account belongs to."""
    owner: Any = account.college or account.org or account.authority
    return owner.name if owner is not None else "平台"


def set_up_login(app: Flask) -> None:
    """Flask-Login on this application."""
    manager = LoginManager(app)
    manager.login_view = "auth.login"
    manager.login_message = None  # the login page explains itself
    manager.session_protection = "basic"
    manager.user_loader(load_user)


def row_number(typed: str) -> int | None:
    """A row's number as it stands in an address or form; None for whatever cannot be one."""
    if not (typed.isascii() and typed.isdigit() and len(typed) < 11):
        return None
    return int(typed) if int(typed) <= LARGEST_ROW_NUMBER else None


def nonce() -> str:
    """One random word per request for the rare inline script; asking for it puts it into the page's policy."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return cast(str, g.csp_nonce)
