"""Getting in and out: login, logout, forgotten passwords, and setting the first password by an activation link."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_login import logout_user
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, EqualTo, Length

from admin import captcha
from admin.failures import Failures
from admin.guard import LOGIN_LIMIT
from admin.halfway import ask_for_second_factor, second_factor
from admin.letters import deliver, deliver_unseen, in_demo
from admin.session import is_logged_in, reader, start_session
from core import clock, settings
from core.actors import SYSTEM, Actor
from core.db import transaction
from core.errors import Refusal
from core.models.accounts import OneTimeCode, UserAccount
from core.notifications.words import sentence
from core.queries.accounts import code_row
from core.rules.organisations import AccountState
from core.usecases.accounts import SHORTEST_PASSWORD, activate, ask_to_reset, log_in, reset_password

PASSWORD_HINT = f"至少 {SHORTEST_PASSWORD} 位，字母与数字都要有。"
LOOKS = "120 per minute"
FLOOR = 0.4  # seconds a request for a code takes at least, whether there is such an account or not
_FORGOT = "forgot"


class LoginForm(FlaskForm):
    """Account and password."""

    login = StringField("账号", [DataRequired("请输入账号。"), Length(max=200)])
    password = PasswordField("密码", [DataRequired("请输入密码。"), Length(max=200)])


class ForgotForm(FlaskForm):
    """Whose password."""

    login = StringField("账号", [DataRequired("请输入账号。"), Length(max=200)])


class NewPasswordForm(FlaskForm):
    """A password, twice."""

    password = PasswordField("新密码", [DataRequired("请输入新密码。"), Length(max=200)], description=PASSWORD_HINT)
    again = PasswordField("再输入一次", [EqualTo("password", "两次输入的密码不一致。")])


class ResetForm(NewPasswordForm):
    """The code that was sent, and a password twice."""

    code = StringField("验证码", [DataRequired("请输入收到的六位数字。"), Length(max=40)])


def blueprint(limiter: Limiter) -> Blueprint:
    """The pages in front of the panel; whoever guesses is slowed down by address."""
    web = Blueprint("auth", __name__)
    limit = limiter.limit(LOGIN_LIMIT, methods=["POST"])
    failures = Failures()
    web.add_url_rule("/admin/login", "login", limit(lambda: login(failures)), methods=["GET", "POST"])
    web.add_url_rule("/admin/logout", "logout", logout, methods=["POST"])
    web.add_url_rule("/admin/login/code", "second_factor", limit(second_factor), methods=["GET", "POST"])
    web.add_url_rule("/admin/forgot", "forgot", limit(forgot), methods=["GET", "POST"])
    web.add_url_rule("/admin/forgot/new", "reset", limit(reset), methods=["GET", "POST"])
    web.add_url_rule("/activate/<code>", "activate", limit(activation), methods=["GET", "POST"])
    web.add_url_rule("/captcha", "another", limiter.limit(LOOKS)(captcha.another))
    return web


def login(failures: Failures) -> ResponseReturnValue:
    """A wrong password is counted and kept, so the transaction is committed whatever the answer is (R-008)."""
    if is_logged_in():
        return redirect(_safe_target())
    form = LoginForm()
    typed = (form.login.data or "").strip()[:200]
    wants_captcha = settings.current().login_captcha == "always" or failures.has(typed)
    problem = ""
    if not captcha.wants_another() and form.validate_on_submit():
        try:
            if wants_captcha:
                captcha.require(request.form)
            account = _logged_in(typed, form.password.data)
        except Refusal as refusal:
            failures.note(typed, refusal)
            problem, wants_captcha = sentence(refusal), wants_captcha or failures.has(typed)
        else:
            failures.forget(typed)
            return _admit(account, _safe_target())
    picture = _picture(problem) if wants_captcha else None
    page = render_template("admin/login.html", form=form, problem=problem, picture=picture)
    return page, 422 if problem else 200


def _picture(problem: str) -> captcha.Picture:
    """A fresh one after every answer; the same where only a field was empty."""
    return captcha.fresh() if problem or captcha.wants_another() else captcha.again(request.form)


def _logged_in(typed: str, password: str) -> UserAccount:
    """The account; a refusal is raised once what it counts has been kept."""
    reader().rollback()
    with transaction(Actor(login=typed, roles=frozenset(), channel="panel")) as tx:
        outcome = log_in(tx, login=typed, password=password)
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def _admit(account: UserAccount, target: str) -> ResponseReturnValue:
    """In, or on to the second factor where the account has one."""
    if account.second_factor_since is not None:
        return ask_for_second_factor(account, target)
    start_session(account.id)
    return redirect(target, 303)


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


def forgot() -> ResponseReturnValue:
    """忘记密码 (R-008): a code to the account's chat or mobile; the answer is the same for every login there is not."""
    form, problem = ForgotForm(), ""
    if not captcha.wants_another() and form.validate_on_submit():
        begun = time.monotonic()
        try:
            captcha.require(request.form)
        except Refusal as refusal:
            problem = sentence(refusal)
        else:
            session[_FORGOT] = {"login": form.login.data.strip(), "letter": _ask(form.login.data)}
            time.sleep(max(0.0, begun + FLOOR - time.monotonic()))
            return redirect(url_for("auth.reset"), 303)
    page = render_template("admin/forgot.html", form=form, problem=problem, picture=_picture(problem))
    return page, 422 if problem else 200


def _ask(login: str) -> str:
    """Send the code; in the demo, whose cast everybody knows, its words are shown."""
    reader().rollback()
    with transaction(Actor(login=login.strip()[:200], roles=frozenset(), channel="panel")) as tx:
        letter = ask_to_reset(tx, login=login)
    if settings.current().demo:
        deliver(letter)
    else:
        deliver_unseen(letter)
    return in_demo(letter)


def reset() -> ResponseReturnValue:
    """The code and a new password; every login of the account ends, and the person is told."""
    kept = session.get(_FORGOT)
    if kept is None:
        return redirect(url_for("auth.forgot"))
    form, problem = ResetForm(), ""
    if form.validate_on_submit():
        reader().rollback()
        try:
            with transaction(Actor(login=kept["login"][:200], roles=frozenset(), channel="panel")) as tx:
                outcome = reset_password(tx, login=kept["login"], typed=form.code.data, password=form.password.data)
        except Refusal as refusal:
            outcome = refusal
        if not isinstance(outcome, Refusal):
            session.clear()
            flash("密码已重新设置，其他设备上的登录已失效。请用新密码登录。", "success")
            return redirect(url_for("auth.login"), 303)
        problem = sentence(outcome)
    return render_template("admin/reset.html", form=form, kept=kept, problem=problem), 422 if problem else 200


def activation(code: str) -> ResponseReturnValue:
    """The one-time link: choose a password and be in."""
    form = NewPasswordForm()
    row = _usable(code)
    problem = ""
    if row is not None and form.validate_on_submit():
        reader().rollback()
        try:
            with transaction(SYSTEM.on("panel")) as tx:
                account = activate(tx, code=code, password=form.password.data)
        except Refusal as refusal:
            problem = sentence(refusal)
        else:
            flash("密码已设置，欢迎使用。", "success")
            return _admit(account, url_for("admin.index"))
    status = 404 if row is None else 422 if problem else 200
    account_shown = row.account if row is not None else None
    return render_template("admin/activate.html", form=form, account=account_shown, problem=problem), status


def _usable(code: str) -> OneTimeCode | None:
    row = code_row(reader(), code, "activation")
    if row is None or row.used_at is not None or clock.now() > row.expires_at:
        return None
    return row if row.account.state is not AccountState.DISABLED else None
