"""One's own account: password, the chat that is bound to it, and when one wants to be told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import segno
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_login import current_user, login_required
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import BooleanField, PasswordField, SelectField, StringField, TimeField
from wtforms.validators import DataRequired, EqualTo, InputRequired, Length

from admin.auth import PASSWORD_HINT
from admin.letters import deliver
from admin.session import current_account, current_actor, reader, start_session
from core import clock, settings
from core.db import Tx, transaction
from core.errors import Refusal
from core.gateways.courier import Letter
from core.models.accounts import UserAccount
from core.models.records import Heartbeat
from core.notifications.words import letter_text, sentence
from core.queries.accounts import active_binding
from core.queries.bindings import newest_binding, waiting_binding
from core.queries.health import BOT_POLL
from core.queries.letters import installed, ways_of
from core.queries.telling import choice_of, present_choice
from core.rules.letters import ROBOTS, Channel
from core.rules.organisations import is_unconfirmed
from core.usecases.accounts import set_password
from core.usecases.bindings import affirm_binding, end_binding, issue_binding_code
from core.usecases.freezing import freezable, freeze_acts
from core.usecases.telling import choose, choose_channel

TRIES = "5 per hour"  # of a letter to oneself
NEVER = datetime.min.replace(tzinfo=UTC)


class ChangePasswordForm(FlaskForm):
    """The old password and the new one, twice."""

    old = PasswordField("当前密码", [DataRequired("请输入当前密码。"), Length(max=200)])
    password = PasswordField("新密码", [DataRequired("请输入新密码。"), Length(max=200)], description=PASSWORD_HINT)
    again = PasswordField("再输入一次新密码", [EqualTo("password", "两次输入的密码不一致。")])


class TimeOfDay(TimeField):
    """Hours and minutes; what is no time is said in our words."""

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError("请按“时:分”填写，例如 22:00。") from None


class TellingForm(FlaskForm):
    """When one wants silence, and whether information comes in one message a day."""

    quiet_from = TimeOfDay("静默开始", [InputRequired("请填写时间。")], format=["%H:%M", "%H:%M:%S"])
    quiet_until = TimeOfDay("静默结束", [InputRequired("请填写时间。")], format=["%H:%M", "%H:%M:%S"])
    wants_digest = BooleanField("把只需知悉的消息合并成一条，早上 8:30 发送")


class ChannelForm(FlaskForm):
    """What carries letters when no chat reaches one."""

    channel = SelectField("聊天收不到时改用", coerce=lambda value: Channel(value) if value else None)
    robot = StringField(
        "机器人地址",
        [Length(max=300)],
        description="在自己的群里添加机器人，把它的 Webhook 地址整段粘贴到这里；关键词请填“考务”。",
    )


def blueprint(limiter: Limiter) -> Blueprint:
    """The pages behind one's own name."""
    web = Blueprint("profile", __name__)
    web.add_url_rule("/admin/password/", "password", login_required(password), methods=["GET", "POST"])
    web.add_url_rule("/admin/telling/", "telling", login_required(telling), methods=["GET", "POST"])
    web.add_url_rule("/admin/telling/channel", "channel", login_required(channel), methods=["POST"])
    limit = limiter.limit(TRIES, key_func=lambda: str(current_user.get_id()))  # many share one address
    web.add_url_rule("/admin/telling/try", "try_channel", limit(login_required(try_channel)), methods=["POST"])
    web.add_url_rule("/admin/telegram/", "telegram", login_required(telegram), methods=["GET"])
    web.add_url_rule("/admin/telegram/code", "new_code", login_required(new_code), methods=["POST"])
    web.add_url_rule("/admin/telegram/affirm", "affirm", login_required(affirm), methods=["POST"])
    web.add_url_rule("/admin/telegram/freeze", "freeze", login_required(freeze), methods=["POST"])
    web.add_url_rule("/admin/telegram/end", "unbind", login_required(unbind), methods=["POST"])
    return web


def password() -> ResponseReturnValue:
    """Change one's own password; every other browser is logged out by it."""
    form = ChangePasswordForm()
    problem = ""
    if form.validate_on_submit():
        actor = current_actor()
        reader().rollback()
        try:
            with transaction(actor) as tx:
                set_password(
                    tx, account_id=actor.account_id or 0, password=form.password.data, old_password=form.old.data
                )
        except Refusal as refusal:
            problem = sentence(refusal)
        else:
            start_session(actor.account_id or 0)
            flash("密码已修改，其他设备上的登录已失效。", "success")
            return redirect(url_for("admin.index"), 303)
    return render_template("admin/password.html", form=form, problem=problem), 422 if problem else 200


def telling() -> ResponseReturnValue:
    """How one wants to be told, chosen or as everybody is."""
    actor = current_actor()
    quiet, wants_digest = present_choice(reader(), actor.account_id or 0)
    form = TellingForm(quiet_from=quiet.start, quiet_until=quiet.end, wants_digest=wants_digest)
    problem = ""
    if form.validate_on_submit():
        reader().rollback()
        try:
            with transaction(actor) as tx:
                choose(
                    tx,
                    quiet_from=form.quiet_from.data,
                    quiet_until=form.quiet_until.data,
                    wants_digest=form.wants_digest.data,
                )
        except Refusal as refusal:
            problem = sentence(refusal)
        else:
            flash("已保存，从下一条消息起生效。", "success")
            return redirect(url_for("profile.telling"), 303)
    return _telling(form, problem=problem), 422 if problem or form.errors else 200


def _telling(form: TellingForm | None = None, channels: ChannelForm | None = None, *, problem: str = "") -> str:
    account = reader().get_one(UserAccount, current_account().id)
    quiet, wants_digest = present_choice(reader(), account.id)
    choice, ways = choice_of(reader(), account.id), ways_of(reader(), account)
    chosen = choice.letter_channel if choice is not None else None
    if form is None:
        form = TellingForm(None, quiet_from=quiet.start, quiet_until=quiet.end, wants_digest=wants_digest)
    if channels is None:
        channels = ChannelForm(None, channel=chosen or "")
    channels.channel.choices = _channel_choices()
    return render_template(
        "admin/telling.html",
        form=form,
        channels=channels,
        problem=problem,
        has_chosen=choice is not None,
        ways=ways,
        here=installed(),
        robots=[one.value for one in installed() if one in ROBOTS],
        has_robot=ways.robot is not None,
    )


def _channel_choices() -> list[tuple[str, str]]:
    here = installed()
    return [("", f"按平台的顺序（{'、'.join(one.label for one in here)}）"), *((one.value, one.label) for one in here)]


def channel() -> ResponseReturnValue:
    """What carries letters to oneself from now on."""
    form = ChannelForm()
    form.channel.choices = _channel_choices()
    if not form.validate_on_submit():
        return _telling(channels=form, problem="请从列表中选择一种渠道。"), 422
    actor = current_actor()
    reader().rollback()
    try:
        with transaction(actor) as tx:
            choose_channel(tx, channel=form.channel.data, robot=form.robot.data or "")
    except Refusal as refusal:
        return _telling(channels=form, problem=sentence(refusal)), 422
    flash("已保存。可以发一条测试消息看看是否收得到。", "success")
    return redirect(url_for("profile.telling"), 303)


def try_channel() -> ResponseReturnValue:
    """A letter to oneself, now: whoever has never seen one arrive does not know whether it would."""
    account = reader().get_one(UserAccount, current_account().id)
    ways = ways_of(reader(), account)
    letter = Letter(
        letter_text("trial", login=account.login),
        mobile=account.mobile,
        email=account.email,
        robot=ways.robot,
        first=ways.first,
    )
    if ways.channels and deliver(letter):
        flash("测试消息已交给渠道。几分钟后还没有收到，请检查号码或机器人设置。", "success")
    else:
        flash("没有渠道接收这条测试消息。请检查设置，或请平台管理员检查渠道配置。", "error")
    return redirect(url_for("profile.telling"), 303)


def telegram() -> ResponseReturnValue:
    """Whether a chat is bound, and how to bind one."""
    return _telegram(None)


def new_code() -> ResponseReturnValue:
    """A one-time code as link, QR code and text; shown now and never again."""
    with transaction(current_actor()) as tx:
        code = issue_binding_code(tx)
    reader().rollback()
    return _telegram(_way(code))


def affirm() -> ResponseReturnValue:
    """是我本人: the chat is still one's own (chat.md, quarterly)."""
    return _told(affirm_binding, "已确认，聊天仍由您本人使用。")


def freeze() -> ResponseReturnValue:
    """A colleague's phone is gone: the login first, then a recap, then the act (chat.md L2)."""
    login, actor = request.form.get("login", "")[:200], current_actor()
    try:
        account = freezable(Tx(reader(), actor), login)
    except Refusal as refusal:
        return _telegram(None, problem=sentence(refusal)), 422
    if request.form.get("sure") != str(account.id):
        return _telegram(None, freezing=account)
    return _told(partial(freeze_acts, account_id=account.id), f"账号 {account.login} 的聊天办理已冻结。")


def _told(act: Callable[[Tx], object], words: str) -> ResponseReturnValue:
    actor = current_actor()
    reader().rollback()
    try:
        with transaction(actor) as tx:
            act(tx)
    except Refusal as refusal:
        flash(sentence(refusal), "error")
    else:
        flash(words, "success")
    return redirect(url_for("profile.telegram"), 303)


def _telegram(way: dict[str, str] | None, *, problem: str = "", freezing: UserAccount | None = None) -> str:
    ident = current_account().id
    binding, waiting = active_binding(reader(), ident), waiting_binding(reader(), ident)
    has_been = newest_binding(reader(), ident) is not None
    is_late = binding is not None and is_unconfirmed(binding.asked_at, binding.affirmed_at, clock.now())
    asks = binding is not None and binding.asked_at is not None and (binding.affirmed_at or NEVER) < binding.asked_at
    return render_template(
        "admin/telegram.html",
        binding=binding,
        waiting=waiting,
        has_been=has_been,
        way=way,
        asks=asks,
        is_late=is_late,
        frozen_at=reader().get_one(UserAccount, ident).acts_frozen_at,
        problem=problem,
        freezing=freezing,
    )


def _way(code: str) -> dict[str, str]:
    name = reader().scalar(select(Heartbeat.note).where(Heartbeat.name == BOT_POLL)) or ""
    simulator = f"/simulator/?start={code}" if settings.current().simulated else ""
    link = f"https://t.me/{name}?start={code}" if name and not simulator else ""
    target = link or (f"{settings.current().base_url}{simulator}" if simulator else "")
    return {
        "code": code,
        "link": link,
        "simulator": simulator,
        "qr": segno.make(target, error="m").svg_data_uri(scale=5, border=2) if target else "",
    }


def unbind() -> ResponseReturnValue:
    """Messages stay in the panel from now on."""
    actor = current_actor()
    reader().rollback()
    with transaction(actor) as tx:
        end_binding(tx, account_id=actor.account_id or 0)
    flash("已解除绑定。通知仍可在面板的消息中查看。", "success")
    return redirect(url_for("profile.telegram"), 303)
