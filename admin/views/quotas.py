"""指标 in the panel: granted by approvals, adjusted by the province, with the ledger of how it came to stand so."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session
from wtforms import TextAreaField
from wtforms.validators import DataRequired

from admin.export_page import ExportDoor
from admin.forms import PanelForm, number_field
from admin.session import current_actor, reader
from admin.usecase_view import Related, UseCaseView
from admin.verbs import Verb
from core.actors import Actor
from core.models.organisations import College
from core.models.pilots import Quota, QuotaPosting
from core.notifications.words import when
from core.queries.accounts import province_contact
from core.queries.quotas import ledger_of
from core.rules.organisations import Role
from core.rules.pilots import QUOTA, QuotaState
from core.usecases.quotas import adjust_quota

EXHAUSTED = "已用完"  # §3.3: derived, never stored


class QuotaForm(PanelForm):
    """A new number with its reason (R-020)."""

    granted = number_field("指标数", 0, 1_000_000)
    reason = TextAreaField("调整理由", [DataRequired("请写明理由。")], description="会记入指标流水和操作记录。")

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        if row is not None:
            self.granted.description = f"现为 {row.granted}，已使用 {row.used}；不能低于已使用数。"


def _state(row: Quota) -> Any:
    """有效, 已用完 or 作废."""
    return EXHAUSTED if row.state is QuotaState.ACTIVE and row.left == 0 else row.state


def _line(posting: QuotaPosting) -> tuple[Any, ...]:
    by = posting.actor.real_name if posting.actor else "系统"
    changes = (_signed(posting.granted), _signed(posting.used), _signed(posting.lapsed))
    return (when(posting.at, seconds=True), posting.kind.label, *changes, posting.reason, by)


def _signed(number: int) -> str:
    """+4, -1, or nothing for no change."""
    return f"{number:+d}" if number else ""


class QuotaView(UseCaseView):
    """指标管理."""

    model = Quota
    title = "指标"
    titles = {Role.PROVINCE: "指标管理"}
    slug = "quotas"
    menu_group = "证书管理"
    menu_order = 30
    one = "条指标"
    column_list = ("year", "college.name", "certificate.full_name", "granted", "used", "left", "lapsed", "state")
    column_labels = {
        "year": "年度",
        "granted": "批准",
        "used": "已使用",
        "left": "剩余",
        "lapsed": "作废",
        "lapsed_at": "作废时间",
    }
    column_filters = ("year", "college.name", "certificate.name")
    column_searchable_list = ("college.name", "certificate.name")
    column_formatters = {"state": lambda view, context, row, name: _state(row)}
    status_tabs = Quota.state
    exports = (ExportDoor("quota-list", "导出指标"),)
    detail_groups = (
        (
            "指标",
            (
                "year",
                "college.name",
                "certificate.full_name",
                "granted",
                "used",
                "left",
                "lapsed",
                "state",
                "lapsed_at",
            ),
        ),
    )
    row_verbs = (
        Verb(
            adjust_quota,
            "调整",
            form=QuotaForm,
            act="adjust_quota",
            move=(QUOTA, "lapse"),
            fill=lambda row: {"granted": row.granted},
            done="指标已调整。",
        ),
    )

    def name_of(self, row: Quota) -> str:
        return f"{row.college.name} · {row.certificate.full_name} · {row.year} 年"

    def related(self, row: Quota) -> list[Related]:
        """The ledger; its sums are the numbers above."""
        lines = [_line(posting) for posting in reader().scalars(ledger_of(row.id))]
        heads = ("时间", "事项", "批准", "已使用", "作废", "理由", "办理人")
        return [Related("指标流水", heads, lines, "还没有流水。")]

    def notes(self) -> str:
        """R-021: whom to turn to; there is no way for a college to raise its own quota."""
        actor = current_actor()
        if actor.college_id is None:
            return ""
        province = reader().get_one(College, actor.college_id).province_code
        contact = province_contact(reader(), province) or "本省教育行政部门"
        return f"指标由省级教育行政部门核定，12月31日 24:00 未用部分作废，不能结转。指标不足请联系：{contact}。"
