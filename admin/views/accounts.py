"""用户管理: the accounts of one's own organisation; the platform's administrators see all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import url_for
from markupsafe import Markup, escape
from sqlalchemy.orm import Session

from admin.forms import Choice, PanelForm, ReasonForm, Ticks, text_field
from admin.letters import deliver, in_demo
from admin.session import current_actor, reader
from admin.usecase_view import UseCaseView, choices_of
from admin.verbs import Verb
from core import settings
from core.actors import Actor
from core.gateways.courier import Letter
from core.models.accounts import UserAccount
from core.models.organisations import College, EducationAuthority, EvaluationOrg
from core.queries.bindings import reach_of
from core.rules import values
from core.rules.organisations import ACCOUNT, Reach, Role, grantable
from core.rules.permissions import has_role
from core.usecases.accounts import (
    create_account,
    disable_account,
    edit_account,
    enable_account,
    issue_activation_code,
    send_activation_letter,
)
from core.usecases.bindings import end_binding
from core.usecases.second_factor import reset_second_factor

COLLEGE_ROLES = (Role.COORDINATOR, Role.SIGN_REVIEWER, Role.INVIGILATOR)  # the signing officer's is made once
ADMIN_ROLES = tuple(role for role in Role if role is not Role.CANDIDATE)
_KINDS = {"a": "authority_id", "o": "org_id", "c": "college_id"}


class AccountForm(PanelForm):
    """账号 of one's own organisation."""

    login = text_field("账号", values.login, description="登录用，建好后不能改；建议用姓名拼音或工号。")
    real_name = text_field("姓名", values.person_name)
    mobile = text_field("手机", values.mobile, optional=True)
    email = text_field("邮箱", values.email, optional=True)
    owner = Choice("所属单位", coerce=str)
    roles = Ticks("角色", coerce=Role)

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        self.owner.offer(_owners(actor))
        offered = ADMIN_ROLES if Role.ADMIN in actor.roles else COLLEGE_ROLES
        self.roles.offer([(role, role.label) for role in offered])
        if Role.ADMIN not in actor.roles:
            self.owner.blank = None
            self.owner.offer(_owners(actor))


class EditAccountForm(PanelForm):
    """Another name, mobile or mail; full numbers are not shown to whoever looks after the account (R-010)."""

    real_name = text_field("姓名", values.person_name)
    mobile = text_field("新手机", values.mobile, optional=True)
    email = text_field("新邮箱", values.email, optional=True)
    reason = text_field("理由", values.text(200), optional=True)

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        if row is None:
            return
        self.mobile.description = f"现为 {values.mask_mobile(row.mobile) or '空'}，不填则不变。"
        self.email.description = f"现为 {row.email or '空'}，不填则不变。"
        self.reason.description = (
            "修改考核站点负责人的手机须写明依据，例如单位来函的编号，记入操作日志。"
            if row.is_initial
            else "记入操作日志，可不填。"
        )


def _owners(actor: Actor) -> list[tuple[str, str]]:
    """a, o or c with the organisation's id; nothing chosen is the platform itself."""
    if Role.ADMIN not in actor.roles:
        return [(f"c{ident}", word) for ident, word in choices_of(College, lambda row: row.name)]
    return [
        ("platform", "平台（不属于任何单位）"),
        *((f"a{ident}", word) for ident, word in choices_of(EducationAuthority, lambda row: row.name)),
        *((f"o{ident}", word) for ident, word in choices_of(EvaluationOrg, lambda row: row.name)),
        *((f"c{ident}", word) for ident, word in choices_of(College, lambda row: row.name)),
    ]


def _owned(typed: dict[str, Any], row: Any) -> dict[str, Any]:
    """owner "c12" becomes college_id 12."""
    owner = typed.pop("owner")
    return typed if owner == "platform" else typed | {_KINDS[owner[0]]: int(owner[1:])}


def roles_of(roles: Iterable[Any]) -> str:
    """角色, in declared order."""
    held = {row.role for row in roles}
    return "、".join(role.label for role in Role if role in held)


def may_manage(row: UserAccount, actor: Actor) -> bool:
    """Nobody is offered an account whose roles they could not have given (R-006, R-240)."""
    return {held.role for held in row.roles} <= grantable(actor.roles)


def is_bound(row: UserAccount) -> bool:
    """Bound to a chat, or waiting to be."""
    return reach_of(reader(), row.id) in (Reach.BOUND, Reach.WAITING)


class AccountView(UseCaseView):
    """用户管理."""

    model = UserAccount
    title = "用户管理"
    slug = "accounts"
    menu_group = "系统管理"
    menu_order = 10
    one = "个账号"
    column_list = ("login", "real_name", "mobile", "roles", "owner", "state", "last_login_at")
    column_formatters_detail = {
        "mobile": lambda view, context, row, name: view.own_or_masked(row),
        "roles": lambda view, context, row, name: roles_of(row.roles),
        "owner": lambda view, context, row, name: view.owner(row),
        "chat": lambda view, context, row, name: reach_of(reader(), row.id),
        "second_factor": lambda view, context, row, name: "已启用" if row.second_factor_since else "未启用",
    }
    column_labels = {
        "roles": "角色",
        "owner": "所属单位",
        "chat": "Telegram",
        "email": "邮箱",
        "second_factor": "动态口令",
        "locked_until": "锁定至",
        "is_initial": "初始账号",
    }
    column_filters = ("login", "real_name", "state")
    column_searchable_list = ("login", "real_name")
    status_tabs = UserAccount.state
    column_formatters = {
        "roles": lambda view, context, row, name: roles_of(row.roles),
        "owner": lambda view, context, row, name: view.owner(row),
    }
    detail_groups = (
        ("账号", ("login", "real_name", "mobile", "email", "roles", "owner", "state", "is_initial")),
        ("登录", ("last_login_at", "locked_until", "second_factor", "chat")),
    )
    recap_columns = ("login", "real_name", "roles", "state")
    create_with = Verb(
        create_account,
        "新增用户",
        form=AccountForm,
        act="manage_accounts",
        shape=_owned,
        explain="新账号没有密码。建好后把激活链接交给本人自己设置；登记了手机或邮箱的，可直接发送。",
        done="账号已建好，请把激活链接交给本人。",
        then=lambda made: url_for("accounts.details_view", id=made.id),
    )
    edit_with = Verb(
        edit_account,
        "编辑",
        form=EditAccountForm,
        act="manage_accounts",
        when=lambda row, actor: may_manage(row, actor),
        fill=lambda row: {"real_name": row.real_name},
        done="已保存。",
    )
    row_verbs = (
        Verb(
            send_activation_letter,
            "发送激活链接",
            act="manage_accounts",
            when=lambda row, actor: may_manage(row, actor) and bool(row.mobile or row.email),
            confirm="将把一次性激活链接发到本人登记的手机或邮箱，此前发出的链接随即失效。确定发送吗？",
            show=lambda view, row, letter: view.letter_page(row, letter),
        ),
        Verb(
            issue_activation_code,
            "激活链接",
            act="manage_accounts",
            when=lambda row, actor: may_manage(row, actor),
            confirm="将生成一个一次性激活链接，本人用它设置新密码；此前发出的链接随即失效。确定生成吗？",
            show=lambda view, row, code: view.activation_page(row, code),
        ),
        Verb(
            reset_second_factor,
            "重置动态口令",
            form=ReasonForm,
            act="reset_second_factor",
            when=lambda row, actor: row.second_factor_since is not None and row.id != actor.account_id,
            explain="手机和恢复码都丢失时使用。请先核实本人身份；本人会收到通知和您写的理由。",
            tone="danger",
            done="动态口令已重置，本人登录后可重新启用。",
        ),
        Verb(
            end_binding,
            "解绑 Telegram",
            act="manage_accounts",
            when=lambda row, actor: may_manage(row, actor) and is_bound(row),
            confirm="解绑后，任务不再发到这个聊天，只在面板中显示。确定解绑吗？",
            tone="danger",
            done="已解绑。",
        ),
        Verb(
            disable_account,
            "停用",
            act="manage_accounts",
            move=(ACCOUNT, "disable"),
            when=lambda row, actor: row.id != actor.account_id and may_manage(row, actor),
            confirm="停用后立即退出登录，也不再收到通知。确定停用吗？",
            tone="danger",
            done="账号已停用。",
        ),
        Verb(
            enable_account,
            "启用",
            act="manage_accounts",
            move=(ACCOUNT, "enable"),
            when=lambda row, actor: may_manage(row, actor),
            confirm="确定启用这个账号吗？",
            done="账号已启用。",
        ),
    )

    def is_accessible(self) -> bool:
        """Only whoever manages accounts has this page; one's own is in the corner menu."""
        return super().is_accessible() and has_role(current_actor(), "manage_accounts")

    def scope(self) -> Any:
        """Candidates come by the thousand, and are looked after on their own page."""
        return super().scope() & UserAccount.candidate_id.is_(None)

    def activation_page(self, row: UserAccount, code: str) -> str:
        """The link, this once."""
        link = f"{settings.current().base_url}{url_for('auth.activate', code=code)}"
        return self.render("admin/activation_link.html", row=row, link=link)

    def letter_page(self, row: UserAccount, letter: Letter) -> str:
        """Whether it left, and where to; in the demo its words."""
        is_sent = deliver(letter)
        where = values.mask_mobile(row.mobile) if row.mobile else row.email
        return self.render("admin/activation_letter.html", row=row, is_sent=is_sent, where=where, words=in_demo(letter))

    def own_or_masked(self, row: UserAccount) -> str | Markup:
        """R-010: the full number of one's own only."""
        return escape(row.mobile) if row.mobile and row.id == current_actor().account_id else row.mobile

    def owner(self, row: UserAccount) -> str:
        """The organisation of an account."""
        held = row.college or row.org or row.authority
        return held.name if held is not None else "平台"

    def name_of(self, row: UserAccount) -> str:
        return f"{row.real_name}（{row.login}）"


def views(db: Any) -> list[UseCaseView]:
    """For the application to register."""
    return [AccountView(db)]
