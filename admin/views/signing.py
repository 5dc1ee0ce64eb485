"""证书签发: the plans whose certificates wait for somebody, with everything a party decides over a whole batch."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import abort, g, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session
from wtforms import DateField, HiddenField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length

from admin.forms import Choice, PanelForm
from admin.session import current_actor, is_logged_in, reader
from admin.usecase_view import Related, UseCaseView
from admin.verbs import Verb
from admin.views.people import two_lines
from core import clock
from core.actors import Actor
from core.models.certificates import CertificateIssuance
from core.models.plans import ExamPlan
from core.queries import scoping
from core.queries.certificates import batch_version, pending_for
from core.queries.issuances import (
    PlanNumbers,
    has_seal,
    numbers_of,
    party_of,
    refusals_of,
    refusing_colleges,
)
from core.rules.certificates import IssuanceState, IssueMethod, Party
from core.rules.permissions import may
from core.usecases.batches import reject_shown
from core.usecases.certificates import order_generation, renew_issuances
from core.usecases.signing import handle_rejections

S = IssuanceState
UNDER_WAY = (S.GENERATING, S.ISSUED)


def numbers(plan: ExamPlan) -> PlanNumbers:
    """The plan's numbers for whoever is logged in, read once a request."""
    held: dict[int, PlanNumbers] = g.setdefault("plan_numbers", {})
    if plan.id not in held:
        held.update(numbers_of(reader(), current_actor(), [plan.id]))
    return held[plan.id]


def signing_url(plan: ExamPlan) -> str:
    """The QR page of a ceremony over what waits for this person."""
    party = party_of(current_actor())
    return url_for("phone.qr", plan=plan.id, party=party.value) if party else ""


def seal_note() -> str | Markup:
    """What is missing before one can sign, with the way to it; nothing when the seal is there."""
    actor = current_actor()
    party = party_of(actor)
    if party is None or has_seal(reader(), actor):
        return ""
    if party is Party.TEO:
        url = url_for("orgs.verb_view", verb_name="set_org_seal", id=actor.org_id)
        return _missing("贵单位还没有上传印章，不能签发。", url)
    if may(actor, "manage_seal", actor):
        url = url_for("colleges.verb_view", verb_name="preview_seal", id=actor.college_id)
        return _missing("本校还没有使用中的电子签章，不能签发。", url)
    return "本校还没有使用中的电子签章，不能签发。请考核站点负责人先上传。"


def _missing(words: str, url: str) -> Markup:
    return Markup('{}<a href="{}">去上传</a>').format(words, url)


# -- forms -------------------------------------------------------------------------------------------------------------


class RejectForm(PanelForm):
    """Why a whole batch is sent back; shown is what exactly the person was looking at."""

    shown = HiddenField()
    reason = TextAreaField(
        "拒绝理由",
        [DataRequired("请写明拒绝的理由。"), Length(max=500, message="请控制在 500 字以内。")],
        description="对方会看到这段话，请写清哪些考生、什么问题、需要怎样处理。",
    )


class HandleForm(PanelForm):
    """What the TEO has done about a refusal (D-18)."""

    college_id = Choice("院校", required=False, blank="全部院校")
    note = TextAreaField(
        "处理说明",
        [DataRequired("请写明怎样处理的。"), Length(max=500, message="请控制在 500 字以内。")],
        description="院校会看到这段话；保存后院校可以重新签发。",
    )

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        self.college_id.offer(refusing_colleges(session, row.id if row is not None else 0))


class OrderForm(PanelForm):
    """发证方式 and 发证时间 (R-242, R-252)."""

    issue_method = Choice(
        "发证方式",
        choices=IssueMethod.choices(),
        coerce=IssueMethod,
        blank=None,
        description="与院校商定：电子证书在线加盖签章；纸质证书由贵单位打印、盖章并邮寄。",
    )
    issued_on = DateField(
        "发证时间", [InputRequired("请选择日期。")], description="印在证书上的日期，不早于公示结束日。"
    )


# -- verbs' conditions -------------------------------------------------------------------------------------------------


def has_waiting(row: ExamPlan, actor: Actor) -> bool:
    """Something waits for this person's signature."""
    return numbers(row).for_me > 0


def waits_for(party: Party) -> Any:
    """The same, for one of the parties only."""
    return lambda row, actor: party_of(actor) is party and has_waiting(row, actor)


def seen_batch(row: ExamPlan) -> dict[str, Any]:
    """What exactly waits for this person now, as one number."""
    actor = current_actor()
    party = party_of(actor)
    if party is None:
        return {}
    where = pending_for(party, row.id, org_id=actor.org_id, college_id=actor.college_id)
    return {"shown": str(batch_version(reader(), where))}


def can_be_ordered(row: ExamPlan, actor: Actor) -> bool:
    """R-241: scores are locked and something is not on its way yet."""
    held = numbers(row)
    is_mine = may(actor, "generate_certificates", row)
    return is_mine and row.locked_at is not None and held.total > held.of(*UNDER_WAY)


def _started(count: int) -> str:
    return f"{count} 张证书开始生成；其余在双方签发后自动生成。" if count else "已记录，双方签发后自动生成证书。"


def _listed(count: int) -> str:
    return f"补充了 {count} 条签发记录。" if count else "签发清单是完整的，没有遗漏，也没有重复。"


class SigningView(UseCaseView):
    """证书签发."""

    model = ExamPlan
    title = "证书签发"
    slug = "signing"
    menu_group = "证书管理"
    menu_order = 70
    one = "个考试计划"
    shows_history = False
    column_list = ("name", "for_me", "total", "refused", "ready", "failed", "issued")
    column_labels: ClassVar[dict[str, str]] = {
        "plan_no": "计划编号",
        "exam_year": "考试年度",
        "name": "考试计划",
        "org.name": "培训评价组织",
        "for_me": "待我签发",
        "total": "证书总数",
        "signed": "双方签发进度",
        "refused": "已拒绝",
        "ready": "待发放 / 生成中",
        "failed": "盖章失败",
        "issued": "完成发放",
        "locked_at": "成绩锁定时间",
    }
    column_sortable_list = ()
    column_searchable_list = ("name", "plan_no")
    column_filters = ("exam_year",)
    column_formatters: ClassVar[dict[str, Any]] = {
        "name": lambda view, context, row, name: two_lines(row.name, row.plan_no),
        "for_me": lambda view, context, row, name: view.sign_cell(row),
        "total": lambda view, context, row, name: str(numbers(row).total),
        "signed": lambda view, context, row, name: view.progress(row),
        "refused": lambda view, context, row, name: str(numbers(row).of(S.TEO_REJECTED, S.SITE_REJECTED)),
        "ready": lambda view, context, row, name: f"{numbers(row).of(S.READY)} / {numbers(row).of(S.GENERATING)}",
        "failed": lambda view, context, row, name: str(numbers(row).of(S.STAMP_FAILED)),
        "issued": lambda view, context, row, name: str(numbers(row).of(S.ISSUED)),
    }
    detail_groups = (
        ("考试计划", ("name", "org.name", "exam_year", "locked_at")),
        ("证书", ("total", "for_me", "refused", "signed", "ready", "failed", "issued")),
    )
    recap_columns = ("name", "total", "signed", "failed", "issued")
    row_verbs = (
        Verb(
            reject_shown,
            "拒绝签发",
            form=RejectForm,
            when=waits_for(Party.TEO),
            fixed={"party": Party.TEO},
            fill=seen_batch,
            tone="danger",
            tell=lambda count: f"已拒绝签发 {count} 张证书；处理后可以重新签发。",
            explain="拒绝该计划全部等待贵单位签发的证书。只拒绝个别证书，请到“证书发放”中逐张办理。",
            key="reject-teo",
        ),
        Verb(
            reject_shown,
            "拒绝签发",
            form=RejectForm,
            when=waits_for(Party.COLLEGE),
            fixed={"party": Party.COLLEGE},
            fill=seen_batch,
            tone="danger",
            tell=lambda count: f"已拒绝签发 {count} 张证书，培训评价组织会收到您的理由。",
            explain="拒绝该计划全部等待本校签发的证书。只拒绝个别证书，请到“证书发放”中逐张办理。",
            key="reject-college",
        ),
        Verb(
            handle_rejections,
            "处理退回",
            form=HandleForm,
            act="handle_rejection",
            when=lambda row, actor: numbers(row).unhandled > 0,
            tell=lambda count: f"已处理 {count} 张证书的退回，院校可以重新签发。",
            explain="请先与院校核实并解决问题，再在这里登记处理结果；院校看到说明后重新签发。",
            key="handle",
        ),
        Verb(
            order_generation,
            "生成证书",
            form=OrderForm,
            act="generate_certificates",
            when=can_be_ordered,
            fill=lambda row: {"issue_method": IssueMethod.ELECTRONIC, "issued_on": clock.business_today()},
            tell=_started,
            explain="双方都已签发和盖章失败的证书立即生成，尚未签发完的在双方签发后自动生成。生成后内容不能再改。",
            key="order",
        ),
        Verb(
            renew_issuances,
            "核对签发清单",
            act="sign_as_teo",
            when=lambda row, actor: row.locked_at is not None,
            confirm="按最终考证结果核对签发清单，补上遗漏的证书吗？",
            explain="每个通过的结果只有一张证书，重复核对不会产生重复记录。",
            tell=_listed,
            key="list-again",
        ),
    )

    def is_accessible(self) -> bool:
        return is_logged_in() and party_of(current_actor()) is not None

    def inaccessible_callback(self, name: str, **kwargs: Any) -> ResponseReturnValue:
        if is_logged_in():
            abort(404)
        return super().inaccessible_callback(name, **kwargs)

    def scope(self) -> Any:
        actor = current_actor()
        mine = select(CertificateIssuance.plan_id).where(scoping.visible(CertificateIssuance, actor))
        listed: ColumnElement[bool] = ExamPlan.id.in_(mine.correlate(None))
        if party_of(actor) is Party.TEO:
            listed = or_(listed, ExamPlan.locked_at.is_not(None))
        return and_(super().scope(), listed)

    def get_list(self, *args: Any, **options: Any) -> tuple[int, list[Any]]:
        count, rows = super().get_list(*args, **options)
        g.plan_numbers = numbers_of(reader(), current_actor(), [row.id for row in rows])
        return count, rows

    def notes(self) -> str | Markup:
        return seal_note()

    def empty_words(self) -> str:
        return "还没有需要签发的证书。成绩公示结束后，通过考核的考生自动进入这里。"

    def sign_cell(self, row: ExamPlan) -> str | Markup:
        """How many wait for this person, as the button that begins the ceremony."""
        count = numbers(row).for_me
        if not count:
            return "0"
        word = "批量签发" if party_of(current_actor()) is Party.TEO else "签字确认"
        return Markup('<a class="btn-main is-small" href="{}">{} {} 张</a>').format(signing_url(row), word, count)

    def progress(self, row: ExamPlan) -> str:
        """Who still has to sign how many, in words."""
        held = numbers(row)
        both = held.of(S.READY, S.STAMP_FAILED, *UNDER_WAY)
        teo = held.of(S.TEO_PENDING, S.TEO_REJECTED)
        college = held.of(S.SITE_PENDING, S.SITE_REJECTED)
        return f"双方已签发 {both} 张；等待培训评价组织 {teo} 张，等待考核站点 {college} 张"

    def related(self, row: Any) -> list[Related]:
        if not may(current_actor(), "handle_rejection", row):
            return []
        found = refusals_of(reader(), row.id)
        return [Related("院校拒绝签发，待处理", ("院校", "理由", "张数"), found, "没有待处理的退回。")]
