"""Getting in and out: login, logout, and setting the first password by an activation link."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_login import logout_user
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, EqualTo, Length

from admin.guard import LOGIN_LIMIT
from admin.session import enter, is_logged_in, reader
from core import clock
from core.actors import SYSTEM, Actor
from core.db import transaction
from core.errors import Refusal
from core.models.accounts import OneTimeCode
from core.notifications.words import sentence
from core.queries.accounts import code_row
from core.rules.organisations import AccountState
from core.usecases.accounts import SHORTEST_PASSWORD, activate, log_in

PASSWORD_HINT = f"至少 {SHORTEST_PASSWORD} 位，字母与数字都要有。"


class LoginForm(FlaskForm):
    """Account and password."""

    login = StringField("账号", [DataRequired("请输入账号。"), Length(max=200)])
    password = PasswordField("密码", [DataRequired("请输入密码。"), Length(max=200)])


class NewPasswordForm(FlaskForm):
    """A password, twice."""

    password = PasswordField("新密码", [DataRequired("请输入新密码。"), Length(max=200)], description=PASSWORD_HINT)
    again = PasswordField("再输入一次", [EqualTo("password", "两次输入的密码不一致。")])


def blueprint(limiter: Limiter) -> Blueprint:
    """The pages in front of the panel; whoever guesses is slowed down by address."""
    web = Blueprint("auth", __name__)
    limit = limiter.limit(LOGIN_LIMIT, methods=["POST"])
    web.add_url_rule("/admin/login", "login", limit(login), methods=["GET", "POST"])
    web.add_url_rule("/admin/logout", "logout", logout, methods=["POST"])
    web.add_url_rule("/activate/<code>", "activate", limit(activation), methods=["GET", "POST"])
    return web


def login() -> ResponseReturnValue:
    """A wrong password is counted and kept, so the transaction is committed whatever the answer is."""
    if is_logged_in():
        return redirect(_safe_target())
    form = LoginForm()
    problem = ""
    if form.validate_on_submit():
        reader().rollback()
        with transaction(Actor(login=form.login.data.strip()[:200], roles=frozenset(), channel="panel")) as tx:
            outcome = log_in(tx, login=form.login.data, password=form.password.data)
            account_id = None if isinstance(outcome, Refusal) else outcome.id
        if isinstance(outcome, Refusal):
            problem = sentence(outcome)
        elif account_id is not None:
            target = _safe_target()
            start_session(account_id)
            return redirect(target, 303)
    return render_template("admin/login.html", form=form, problem=problem), 422 if problem else 200


def start_session(account_id: int) -> None:
    """A new session for a new person: nothing of the one before is carried over (no session fixation)."""
    session.clear()
    session.permanent = True
    enter(account_id)


def _safe_target() -> str:
    """Back to the page that asked for the login, if it is one of the panel's own."""
    wanted = urlsplit(request.args.get("next", ""))
    inside = not wanted.scheme and not wanted.netloc and wanted.path.startswith(("/admin/", "/phone/"))
    if not inside or "\\" in wanted.path or wanted.path == url_for("auth.login"):
        return url_for("admin.index")
    return wanted.path + (f"?{wanted.query}" if wanted.query else "")


def logout() -> ResponseReturnValue:
    """Out, by a button and not by a link, so that no picture on a foreign page can do it."""
    logout_user()
    session.clear()
    flash("您已退出登录。", "info")
    return redirect(url_for("auth.login"), 303)


def activation(code: str) -> ResponseReturnValue:
    """The one-time link: choose a password and be in."""
    form = NewPasswordForm()
    row = _usable(code)
    problem = ""
    if row is not None and form.validate_on_submit():
        reader().rollback()
        try:
            with transaction(SYSTEM.on("panel")) as tx:
                account_id = activate(tx, code=code, password=form.password.data).id
        except Refusal as refusal:
            problem = sentence(refusal)
        else:
            start_session(account_id)
            flash("密码已设置，欢迎使用。", "success")
            return redirect(url_for("admin.index"), 303)
    status = 404 if row is None else 422 if problem else 200
    account = row.account if row is not None else None
    return render_template("admin/activate.html", form=form, account=account, problem=problem), status


def _usable(code: str) -> OneTimeCode | None:
    row = code_row(reader(), code, "activation")
    if row is None or row.used_at is not None or clock.now() > row.expires_at:
        return None
    return row if row.account.state is not AccountState.DISABLED else None
