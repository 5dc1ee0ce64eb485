"""Getting into /my/ and out: login, forgotten passwords, and the one-time link of the letter (R-096, M-35)."""

from __future__ import annotations

import time

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, Length

from admin import captcha
from admin.auth import FLOOR, NewPasswordForm
from admin.failures import Failures
from admin.guard import LOGIN_LIMIT
from admin.my.session import CHANNEL, end, start, visitor
from admin.session import reader
from core import clock, settings
from core.actors import SYSTEM, Actor
from core.db import transaction
from core.errors import Refusal
from core.models.accounts import OneTimeCode, UserAccount
from core.notifications.words import sentence
from core.queries.accounts import code_row
from core.rules.candidates import LINK_PURPOSE, LINK_VALID_FOR
from core.rules.organisations import AccountState
from core.usecases.candidate_accounts import ask_for_link, log_in, set_password

STRANGER = Actor("my", frozenset(), channel=CHANNEL)  # what was typed may be an ID number, and stands nowhere


class LoginForm(FlaskForm):
    """Candidate number or ID number, and password."""

    login = StringField("考生编号或证件号码", [DataRequired("请输入考生编号或证件号码。"), Length(max=64)])
    password = PasswordField("密码", [DataRequired("请输入密码。"), Length(max=200)])


class ForgotForm(FlaskForm):
    """Whose password."""

    login = StringField("考生编号或证件号码", [DataRequired("请输入考生编号或证件号码。"), Length(max=64)])


def add_to(web: Blueprint, limiter: Limiter) -> None:
    """The pages in front of the personal space; whoever guesses is slowed down by address."""
    limit = limiter.limit(LOGIN_LIMIT, methods=["POST"])
    failures = Failures()
    web.add_url_rule("/login", "login", limit(lambda: login(failures)), methods=["GET", "POST"])
    web.add_url_rule("/logout", "logout", logout, methods=["POST"])
    web.add_url_rule("/forgot", "forgot", limit(forgot), methods=["GET", "POST"])
    web.add_url_rule("/link/<code>", "link", limit(link), methods=["GET", "POST"])


def login(failures: Failures) -> ResponseReturnValue:
    """As the panel's: captcha, the lock after five wrong ones, one answer for all that is wrong (R-008, §3.5)."""
    if visitor() is not None:
        return redirect(url_for("my.home"))
    form, problem = LoginForm(), ""
    typed = (form.login.data or "").strip()[:64]
    wants_captcha = settings.current().login_captcha == "always" or failures.has(typed)
    if not captcha.wants_another() and form.validate_on_submit():
        try:
            if wants_captcha:
                captcha.require(request.form)
            start(_logged_in(typed, form.password.data))
        except Refusal as refusal:
            failures.note(typed, refusal)
            problem, wants_captcha = sentence(refusal), wants_captcha or failures.has(typed)
        else:
            failures.forget(typed)
            return redirect(url_for("my.home"), 303)
    picture = _picture(problem) if wants_captcha else None
    return render_template("my/login.html", form=form, problem=problem, picture=picture), 422 if problem else 200


def _picture(problem: str) -> captcha.Picture:
    """A fresh one after every answer; the same where only a field was empty."""
    return captcha.fresh() if problem or captcha.wants_another() else captcha.again(request.form)


def _logged_in(typed: str, password: str) -> UserAccount:
    """The account; a refusal is raised once what it counts has been kept."""
    reader().rollback()
    with transaction(STRANGER) as tx:
        outcome = log_in(tx, typed=typed, password=password)
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def logout() -> ResponseReturnValue:
    """Out, by a button and not by a link."""
    end()
    flash("您已退出登录。", "info")
    return redirect(url_for("my.login"), 303)


def forgot() -> ResponseReturnValue:
    """忘记密码: a link to the mobile the college has on file; one answer, and one pace, whoever was asked for."""
    form, problem, is_asked = ForgotForm(), "", False
    if not captcha.wants_another() and form.validate_on_submit():
        begun = time.monotonic()
        try:
            captcha.require(request.form)
        except Refusal as refusal:
            problem = sentence(refusal)
        else:
            is_asked = True
            reader().rollback()
            with transaction(STRANGER) as tx:
                ask_for_link(tx, typed=form.login.data)
            time.sleep(max(0.0, begun + FLOOR - time.monotonic()))
    picture = None if is_asked else _picture(problem)
    page = render_template(
        "my/forgot.html", form=form, problem=problem, picture=picture, is_asked=is_asked, days=LINK_VALID_FOR.days
    )
    return page, 422 if problem else 200


def link(code: str) -> ResponseReturnValue:
    """The one-time link of the letter: choose a password and be in."""
    form, row, problem = NewPasswordForm(), _usable(code), ""
    if row is not None and form.validate_on_submit():
        reader().rollback()
        try:
            with transaction(SYSTEM.on(CHANNEL)) as tx:
                account = set_password(tx, code=code, password=form.password.data)
        except Refusal as refusal:
            problem = sentence(refusal)
        else:
            start(account)
            return redirect(url_for("my.home"), 303)
    login_shown = row.account.login if row is not None else ""
    page = render_template("my/link.html", form=form, login=login_shown, problem=problem, days=LINK_VALID_FOR.days)
    return page, 404 if row is None else 422 if problem else 200


def _usable(code: str) -> OneTimeCode | None:
    row = code_row(reader(), code, LINK_PURPOSE)
    if row is None or row.used_at is not None or clock.now() > row.expires_at:
        return None
    return row if row.account.state is not AccountState.DISABLED else None
