"""代办授权: who stands in for whom, proposed, accepted, refused and ended (chat.md, delegation)."""

from __future__ import annotations

from typing import Any, ClassVar

from markupsafe import Markup
from sqlalchemy import or_, select
from sqlalchemy.orm import Session
from wtforms import BooleanField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from admin.forms import BeijingTime, Choice, PanelForm
from admin.session import current_actor, reader
from admin.usecase_view import UseCaseView
from admin.verbs import Verb
from core import clock
from core.actors import Actor
from core.models.accounts import AccountRole, UserAccount
from core.models.delegations import Delegation
from core.queries.delegations import officers_without_deputy, possible_deputies
from core.queries.scoping import visible
from core.rules.delegations import DELEGATION, LIVING, LONGEST, DelegationState, Duty
from core.rules.organisations import KEEPS_WORK_MOVING, Role
from core.rules.permissions import may
from core.usecases.delegations import accept_delegation, end_delegation, propose_delegation, refuse_delegation


class DelegationForm(PanelForm):
    """Who, by whom, in what and how long."""

    principal_id = Choice("本人", description="谁的工作要请人代办。")
    deputy_id = Choice("代办人", description="同一单位、有联系方式的同事；代办人只按自己的角色办理，不获得本人的角色。")
    duty = Choice(
        "代办范围",
        choices=Duty.choices(),
        coerce=Duty,
        description="签发只能由考核站点负责人授权给已在册的签发审核人，签发记录写明“代办人 代 本人”。",
    )
    is_default = BooleanField("默认代办人（不设期限）", description="本人 48 小时没有回复时，待办同时发给默认代办人。")
    starts_at = BeijingTime("开始时间", [Optional()], description="不填，从接受时起。")
    ends_at = BeijingTime("结束时间", [Optional()], description=f"最长 {LONGEST.days} 天；默认代办人不填。")
    reason = TextAreaField("事由", [Optional(), Length(max=300)], description="例如：出差、休假。不写个人号码。")

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        principals = _principals(session, actor)
        self.principal_id.offer([(one.id, _word(one)) for one in principals])
        self.deputy_id.offer([(one.id, _word(one)) for one in possible_deputies(session, principals)])


class WhyForm(PanelForm):
    """Why it is refused or ended; both read it."""

    reason = TextAreaField("理由", [DataRequired("请写明理由。"), Length(max=300)], description="对方会看到这段话。")


def _word(account: UserAccount) -> str:
    return f"{account.real_name}（{account.login}）"


def _principals(session: Session, actor: Actor) -> list[UserAccount]:
    """Oneself, and for coordinators whoever keeps the college's work moving."""
    keepers = select(AccountRole.account_id).where(AccountRole.role.in_(KEEPS_WORK_MOVING))
    mine = UserAccount.id == actor.account_id
    if Role.COORDINATOR in actor.roles:
        mine = or_(mine, visible(UserAccount, actor))
    wanted = select(UserAccount).where(mine, UserAccount.id.in_(keepers)).order_by(UserAccount.id)
    return list(session.scalars(wanted))


def _may_end(row: Delegation, actor: Actor) -> bool:
    return row.state in LIVING and (row.deputy_id == actor.account_id or may(actor, "propose_delegation", row))


class DelegationView(UseCaseView):
    """代办授权."""

    model = Delegation
    title = "代办授权"
    slug = "delegations"
    menu_group = "系统管理"
    menu_order = 13
    one = "项代办授权"
    column_list = ("principal", "deputy", "duty", "is_default", "starts_at", "ends_at", "now", "state")
    column_labels: ClassVar[dict[str, str]] = {
        "principal": "本人",
        "deputy": "代办人",
        "duty": "代办范围",
        "is_default": "默认代办人",
        "starts_at": "开始时间",
        "ends_at": "结束时间",
        "now": "目前",
        "reason": "事由",
        "answer": "答复",
        "answered_at": "接受时间",
    }
    column_sortable_list = ("starts_at", "ends_at")
    column_default_sort = ("id", True)
    column_filters = ("starts_at", "ends_at")
    status_tabs = Delegation.state
    column_formatters: ClassVar[dict[str, Any]] = {
        "principal": lambda view, context, row, name: _word(row.principal),
        "deputy": lambda view, context, row, name: _word(row.deputy),
        "now": lambda view, context, row, name: _now(row),
    }
    detail_groups = (
        ("授权", ("principal", "deputy", "duty", "is_default", "starts_at", "ends_at", "reason")),
        ("办理", ("state", "now", "answered_at", "answer", "created_at")),
    )
    recap_columns = ("principal", "deputy", "duty", "is_default", "starts_at", "ends_at", "reason")
    create_with = Verb(
        propose_delegation,
        "提出代办授权",
        form=DelegationForm,
        act="propose_delegation",
        tone="primary",
        done="已提出，等待本人接受。",
    )
    row_verbs = (
        Verb(
            accept_delegation,
            "接受",
            act="answer_delegation",
            move=(DELEGATION, "accept"),
            confirm="接受后，您的待办在这段时间内同时发给代办人；您仍可办理，也可随时结束。确定接受吗？",
            tone="primary",
            done="已接受，代办人会收到通知。",
        ),
        Verb(
            refuse_delegation,
            "谢绝",
            form=WhyForm,
            act="answer_delegation",
            move=(DELEGATION, "refuse"),
            done="已谢绝，提出的同事会看到理由。",
        ),
        Verb(
            end_delegation,
            "结束",
            form=WhyForm,
            when=_may_end,
            tone="danger",
            explain="结束后，待办只发给本人；已经发出的不收回。",
            done="已结束，双方都会收到通知。",
        ),
    )

    def name_of(self, row: Delegation) -> str:
        return f"{row.principal.real_name} → {row.deputy.real_name}"

    def notes(self) -> str | Markup:
        """That a college's signing officer has no default deputy yet."""
        college_id = current_actor().college_id
        if college_id is None or not officers_without_deputy(reader(), college_id):
            return ""
        return "考核站点负责人还没有默认代办人（站点工作）：请提出一位，由其本人接受。"


def _now(row: Delegation) -> str:
    """What the clock makes of an accepted one."""
    if row.state is not DelegationState.ACCEPTED:
        return "—"
    now = clock.now()
    return "生效中" if row.term.contains(now) else "未开始" if now < row.starts_at else "已到期"


def views(db: Any) -> list[UseCaseView]:
    """For the application to register."""
    return [DelegationView(db)]
