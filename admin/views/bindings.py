"""聊天绑定: who is reached in which chat, who is not, and which new chat waits for a second person (chat.md)."""

from __future__ import annotations

from typing import Any, ClassVar

from markupsafe import Markup
from wtforms import HiddenField

from admin import cells
from admin.forms import PanelForm
from admin.session import current_actor, reader
from admin.usecase_view import UseCaseView
from admin.verbs import Verb
from admin.views.accounts import is_bound, may_manage, roles_of
from core import clock
from core.actors import Actor
from core.models.accounts import UserAccount
from core.notifications.words import when
from core.queries.accounts import active_binding
from core.queries.bindings import newest_binding, reach_column, reach_of, waiting_binding
from core.rules.organisations import AccountState, Reach, is_unconfirmed
from core.rules.permissions import has_role
from core.usecases.bindings import confirm_binding, end_binding
from core.usecases.freezing import freeze_acts, thaw_acts


class ConfirmForm(PanelForm):
    """Which binding was looked at."""

    binding_id = HiddenField()


def _shown_binding(row: UserAccount) -> dict[str, Any]:
    waiting = waiting_binding(reader(), row.id)
    return {"binding_id": str(waiting.id) if waiting else "0"}


def _as_number(typed: dict[str, Any], row: Any) -> dict[str, Any]:
    sent = str(typed.get("binding_id") or "")
    return {"binding_id": int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else 0}


def _may_confirm(row: UserAccount, actor: Actor) -> bool:
    return row.id != actor.account_id and may_manage(row, actor) and reach_of(reader(), row.id) is Reach.WAITING


def _may_thaw(row: UserAccount, actor: Actor) -> bool:
    return row.acts_frozen_at is not None and row.id != actor.account_id and may_manage(row, actor)


class BindingView(UseCaseView):
    """Every account in use with the chat it is bound to; whoever has none stands out."""

    model = UserAccount
    title = "聊天绑定"
    slug = "bindings"
    menu_group = "系统管理"
    menu_order = 12
    one = "个账号"
    audited_as = "user_accounts"
    column_list = ("login", "real_name", "roles", "owner", "reach", "chat", "since", "trust")
    column_labels = {
        "roles": "角色",
        "owner": "所属单位",
        "reach": "绑定状态",
        "chat": "Telegram 编号",
        "since": "绑定时间",
        "acts_from": "可签发时间",
        "trust": "本人确认",
    }
    column_sortable_list = ("login", "real_name")
    column_filters = ("login", "real_name")
    column_searchable_list = ("login", "real_name")
    status_tabs = UserAccount.state  # what the bindings come to is counted instead, see _status_column
    status_groups = tuple((reach.label, (reach.value,)) for reach in Reach)
    column_formatters: ClassVar[dict[str, Any]] = {
        "roles": lambda view, context, row, name: roles_of(row.roles),
        "owner": lambda view, context, row, name: view.owner(row),
        "reach": lambda view, context, row, name: reach_of(reader(), row.id),
        "chat": lambda view, context, row, name: view.chat(row),
        "since": lambda view, context, row, name: view.since(row),
        "acts_from": lambda view, context, row, name: view.acts_from(row),
        "trust": lambda view, context, row, name: view.trust(row),
    }
    detail_groups = (
        ("账号", ("login", "real_name", "roles", "owner")),
        ("聊天", ("reach", "chat", "since", "acts_from", "trust")),
    )
    recap_columns = ("login", "real_name", "roles", "chat", "since", "trust")
    row_verbs = (
        Verb(
            confirm_binding,
            "确认绑定",
            form=ConfirmForm,
            act="manage_accounts",
            when=_may_confirm,
            fill=_shown_binding,
            shape=_as_number,
            row="account_id",
            explain=(
                "请先当面或打电话问过本人：确实换了手机，并核对 Telegram 编号（本人可在 /start 的回复中看到）。"
                "确认后未办的任务重新发到新的聊天，24 小时内不能签发。"
            ),
            tone="danger",
            done="已确认。未办的任务会重新发到新的聊天。",
        ),
        Verb(
            end_binding,
            "解除绑定",
            act="manage_accounts",
            when=lambda row, actor: may_manage(row, actor) and is_bound(row),
            confirm="解除后，任务不再发到这个聊天，只在面板中显示；待确认的绑定随即作废。确定解除吗？",
            tone="danger",
            done="已解除。",
        ),
        Verb(
            freeze_acts,
            "冻结聊天办理",
            act="manage_accounts",
            when=lambda row, actor: row.acts_frozen_at is None,
            row="account_id",
            confirm=(
                "手机丢失或聊天可能被他人使用时冻结：不能在聊天里审核、写入，也不能签发，查看不受影响。"
                "本人和平台管理员会立即收到通知。确定冻结吗？"
            ),
            tone="danger",
            done="已冻结，本人和平台管理员会收到通知。",
        ),
        Verb(
            thaw_acts,
            "解除冻结",
            act="manage_accounts",
            when=_may_thaw,
            row="account_id",
            confirm="请先当面或打电话问过本人：手机仍在本人手中。解除后可以在聊天里办理和签发。确定解除吗？",
            done="已解除冻结，本人会收到通知。",
        ),
    )

    def is_accessible(self) -> bool:
        """Only whoever manages accounts has this page; one's own chat is in the corner menu."""
        return super().is_accessible() and has_role(current_actor(), "manage_accounts")

    def scope(self) -> Any:
        """Accounts in use of people who work here; candidates have a space of their own."""
        in_use = UserAccount.state.in_([AccountState.ENABLED, AccountState.LOCKED])
        return super().scope() & in_use & UserAccount.candidate_id.is_(None)

    def _status_column(self) -> Any:
        return reach_column()

    def notes(self) -> str | Markup:
        """How many are not reached, before a wave of deadlines and not after it."""
        column = reach_column()
        missing = reader().scalar(
            self.get_count_query().filter(column.in_([Reach.NONE.value, Reach.DEAD.value])).statement
        )
        if not missing:
            return ""
        return (
            f"有 {missing} 个账号收不到聊天消息（红色），任务只在面板中显示。请本人在右上角菜单“绑定 Telegram”中绑定。"
        )

    def owner(self, row: UserAccount) -> str:
        """The organisation of an account."""
        held = row.college or row.org or row.authority
        return held.name if held is not None else "平台"

    def chat(self, row: UserAccount) -> str:
        """The Telegram user's number; a name proves nothing."""
        held = self._held(row)
        return str(held.telegram_user_id) if held else cells.NOTHING

    def since(self, row: UserAccount) -> Any:
        """Since when it is bound or waits; when it died."""
        held = self._held(row)
        return None if held is None else held.ended_at or held.bound_at

    def acts_from(self, row: UserAccount) -> Any:
        """From when on the account signs again after a move."""
        held = self._held(row)
        return held.acts_from if held else None

    def trust(self, row: UserAccount) -> str | Markup:
        """Frozen, or not confirmed by the person for more than a fortnight: both in red; when they last said so."""
        held = active_binding(reader(), row.id)
        if row.acts_frozen_at is not None:
            return Markup('<span class="badge-state is-bad">已冻结 · {}</span>').format(when(row.acts_frozen_at))
        if held is None:
            return cells.NOTHING
        if is_unconfirmed(held.asked_at, held.affirmed_at, clock.now()):
            return Markup('<span class="badge-state is-bad">超过 14 天未确认</span>')
        return when(held.affirmed_at) if held.affirmed_at else cells.NOTHING

    def _held(self, row: UserAccount) -> Any:
        return None if reach_of(reader(), row.id) is Reach.NONE else newest_binding(reader(), row.id)

    def name_of(self, row: UserAccount) -> str:
        return f"{row.real_name}（{row.login}）"


def views(db: Any) -> list[UseCaseView]:
    """For the application to register."""
    return [BindingView(db)]
