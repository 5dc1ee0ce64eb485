"""/register: a college finds itself in the official directory and gets its account (R-001…R-007, M-01, M-02)."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from flask import Blueprint, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_wtf import FlaskForm

from admin import captcha
from admin.forms import Choice, text_field
from admin.letters import deliver, in_demo
from core.actors import Actor
from core.db import reading, transaction
from core.errors import AlreadyThere, NotReady, Refusal
from core.notifications.words import sentence
from core.queries import directory
from core.queries.accounts import province_contact
from core.rules import values
from core.usecases.joining import Joined, Wish, ask_to_join, join

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
LIMIT = "20 per minute;120 per hour"
LOOKS = "120 per minute"
REGISTRANT = Actor("registrant", frozenset(), channel="portal")
_ASKED, _DONE = "joining", "joined"  # in the visitor's own cookie: what was filled in, and what came of it


class JoinForm(FlaskForm):
    """What R-003 asks for, but for the two codes."""

    class Meta(FlaskForm.Meta):
        locales = ["zh"]

    province = Choice("省（自治区、直辖市）", coerce=str)
    city = Choice("市", coerce=str)
    name = text_field("院校名称", values.text(200))
    college_code = text_field("院校代码", values.code(10))
    registrant = text_field("注册人姓名", values.person_name)
    mobile = text_field("手机号", values.mobile)

    def wish(self) -> Wish:
        """The clean values."""
        return Wish(
            province_code=self.province.data,
            city_code=self.city.data,
            name=self.name.data,
            college_code=self.college_code.data,
            registrant=self.registrant.data,
            mobile=self.mobile.data,
        )


def blueprint(limiter: Limiter) -> Blueprint:
    """The three pages; whoever tries things out is slowed down by address."""
    web = Blueprint("joining", __name__, template_folder=str(TEMPLATES))
    limit = limiter.limit(LIMIT, methods=["POST"])
    web.add_url_rule("/register", "register", limit(register), methods=["GET", "POST"])
    web.add_url_rule("/register/names", "names", limiter.limit(LOOKS)(names))
    web.add_url_rule("/register/code", "code", limit(code), methods=["GET", "POST"])
    web.add_url_rule("/register/done", "done", done)
    return web


def register() -> ResponseReturnValue:
    """Region, college, registrant, captcha; a right form sends the code and goes on."""
    form = JoinForm(data=_draft())
    names_here = _offer(form)
    if request.method == "GET" or request.form.get("act") in ("region", "again"):
        return _form(form, names_here, captcha.fresh() if captcha.wants_another() else captcha.again(request.form))
    if not form.validate():
        return _form(form, names_here, captcha.again(request.form)), 422
    try:
        captcha.require(request.form)
        _send(form.wish())
    except Refusal as refusal:
        return _form(form, names_here, captcha.fresh(), refusal), 422
    return redirect(url_for("joining.code"), 303)


def _draft() -> dict[str, str]:
    """What this browser has filled in before, for whoever comes back from the next page."""
    kept = session.get(_ASKED, {})
    return {
        "province": kept.get("province_code", ""),
        "city": kept.get("city_code", ""),
        **{name: kept.get(name, "") for name in ("name", "college_code", "registrant", "mobile")},
    }


def _offer(form: JoinForm) -> list[str]:
    """Fill the lists: cities once a province is chosen, names once both are (R-001)."""
    with reading() as look:
        form.province.offer(directory.provinces(look))
        known = directory.cities(look, form.province.data) if form.province.data else []
        form.city.offer(known)
        if form.city.data not in {ident for ident, _ in known}:
            form.city.data = None
        return directory.names_in(look, form.province.data or "", form.city.data or "")


def _send(wish: Wish) -> None:
    with transaction(REGISTRANT) as tx:
        sent = ask_to_join(tx, wish=wish)
    if not deliver(sent.letter):
        raise NotReady("letter_not_sent", rule="M-01")
    session[_ASKED] = asdict(wish) | {"code_id": sent.code_id, "letter": in_demo(sent.letter)}
    session.permanent = True


def _form(form: JoinForm, listed: list[str], picture: captcha.Picture, refusal: Refusal | None = None) -> str:
    with reading() as look:
        contact = province_contact(look, form.province.data) if form.province.data else ""
    return render_template(
        "portal/register.html",
        form=form,
        names=listed,
        picture=picture,
        contact=contact,
        problem=sentence(refusal) if refusal else "",
        has_account=isinstance(refusal, AlreadyThere),
    )


def names() -> ResponseReturnValue:
    """The cities of a province and the names of a city, for the lists of the form; nothing else of anybody."""
    province, city = request.args.get("province", "")[:2], request.args.get("city", "")[:6]
    with reading() as look:
        found = {
            "cities": directory.cities(look, province) if len(province) == 2 else [],
            "names": directory.names_in(look, province, city),
            "contact": province_contact(look, province) if province else "",
        }
    return jsonify(found)


def code() -> ResponseReturnValue:
    """Type the code that came by short message; what was filled in stays, however often it is wrong."""
    kept: dict[str, Any] | None = session.get(_ASKED)
    if kept is None:
        return redirect(url_for("joining.register"))
    problem, has_account = "", False
    if request.method == "POST":
        try:
            outcome = _join(kept, request.form.get("code", ""))
        except Refusal as refusal:
            outcome, has_account = refusal, isinstance(refusal, AlreadyThere)
        if isinstance(outcome, Joined):
            return redirect(url_for("joining.done"), 303)
        problem = sentence(outcome)
    page = render_template("portal/register_code.html", kept=kept, problem=problem, has_account=has_account)
    return page, 422 if problem else 200


def _join(kept: dict[str, Any], typed: str) -> Joined | Refusal:
    wish = Wish(**{name: kept[name] for name in Wish.__slots__})
    with transaction(REGISTRANT) as tx:
        outcome = join(tx, wish=wish, code_id=kept["code_id"], typed=typed[:40])
    if isinstance(outcome, Joined):
        session.pop(_ASKED, None)
        session[_DONE] = {
            "college": outcome.college,
            "login": outcome.login,
            "mobile": values.mask_mobile(wish.mobile),
            "secret": outcome.secret,
            "letter": in_demo(outcome.letter),
            "is_sent": deliver(outcome.letter),
        }
    return outcome


def done() -> ResponseReturnValue:
    """Login and the way to a password, shown once in this browser; the letter says it again (R-005, M-02)."""
    kept: dict[str, Any] | None = session.get(_DONE)
    if kept is None:
        return redirect(url_for("auth.login"))
    session[_DONE] = kept | {"secret": "", "letter": ""}
    return render_template("portal/register_done.html", kept=kept)
