"""证书发放: every certificate on its way from a passed result to the sealed document, and the document itself."""

from __future__ import annotations

import io
from typing import Any, ClassVar
from urllib.parse import quote

from flask import Response, abort, g, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from admin import cells
from admin.export_page import ExportDoor
from admin.forms import ReasonForm
from admin.session import current_actor, reader
from admin.usecase_view import Link, Related, UseCaseView
from admin.verbs import Verb
from admin.views.marks import rule_words, subject_table
from admin.views.people import WHO, WHO_LABELS, clipped, person_cell, plan_cell, portrait, two_lines
from admin.views.signing import SigningView, seal_note, signing_url
from core.actors import Actor
from core.db import transaction
from core.gateways import storage
from core.models.certificates import CertificateIssuance, SigningRecord, SigningSession
from core.models.plans import ExamPlan
from core.models.registrations import Registration
from core.notifications.words import problem
from core.queries import scoping
from core.queries.issuances import PlanNumbers, numbers_of, party_of
from core.rules.certificates import ISSUANCE, IssuanceState, Party
from core.rules.marks import hundredths_text
from core.rules.organisations import Role
from core.rules.permissions import may
from core.usecases.batches import reject_one, stamp_again
from core.usecases.certificates import note_download

DOWNLOAD = "download_certificate"


def may_see_hand(issuance: CertificateIssuance, actor: Actor) -> bool:
    """G-25: those who sign for either party, and the administrator."""
    signs = may(actor, "sign_as_teo", issuance) or may(actor, "sign_as_college", issuance)
    return signs or Role.ADMIN in actor.roles


def waits_for_college(row: CertificateIssuance, actor: Actor) -> bool:
    """This one waits for the college's word (R-232, D-18)."""
    if not may(actor, "sign_as_college", row):
        return False
    return row.state is IssuanceState.SITE_PENDING or (
        row.state is IssuanceState.SITE_REJECTED and row.is_rejection_handled
    )


def document_cell(row: CertificateIssuance) -> str | Markup:
    """电子证书 as a link for those who may have it."""
    if row.state is not IssuanceState.ISSUED or not may(current_actor(), DOWNLOAD, row):
        return ""
    return Markup('<a href="{}">下载电子证书</a>').format(url_for("issuances.document_view", ident=row.id))


def state_cell(row: CertificateIssuance) -> Markup:
    """The state, and below it what stands in the way, or the document."""
    below = document_cell(row)
    if row.state is IssuanceState.STAMP_FAILED:
        below = problem(row.failure_code or "")
    elif row.state is IssuanceState.SITE_REJECTED:
        below = "已处理，可重新签发" if row.is_rejection_handled else "等待培训评价组织处理"
    return Markup("{}{}").format(cells.badge(row.state), Markup("<br><small>{}</small>").format(below) if below else "")


class IssuanceView(UseCaseView):
    """证书发放."""

    model = CertificateIssuance
    title = "证书发放"
    slug = "issuances"
    menu_group = "证书管理"
    menu_order = 80
    one = "张证书"
    list_template = "admin/issuances.html"
    column_list = ("registration.snapshot", "certificate", "plan", "issued_on", "state")
    column_labels: ClassVar[dict[str, str]] = {
        **WHO_LABELS,
        "certificate": "证书 / 编号",
        "certificate_no": "证书编号",
        "certificate.name": "证书名称",
        "certificate.full_name": "证书",
        "certificate.org.name": "颁证机构",
        "plan": "考试计划",
        "plan.exam_year": "考试年度",
        "site.name": "考核站点",
        "issued_on": "发证时间",
        "issue_method": "发证方式",
        "state": "颁证状态",
        "document": "电子证书",
        "rejection_note": "退回的处理说明",
        "failure": "盖章失败原因",
        "composite": "综合成绩",
        "rule": "考核通过条件",
        "verify": "公开查验",
        "sealed_at": "盖章时间",
        "sha256": "文件摘要（SHA-256）",
    }
    column_sortable_list = ("issued_on",)
    column_searchable_list = ("registration.snapshot.name", "certificate_no")
    column_filters = (
        "plan.name",
        "certificate.name",
        "site.name",
        "plan.exam_year",
        "issue_method",
        "registration.kind",
        "registration.college.name",
        "registration.snapshot.id_number",
    )
    column_formatters: ClassVar[dict[str, Any]] = {
        "registration.snapshot": lambda view, context, row, name: person_cell(row.registration),
        "certificate": lambda view, context, row, name: two_lines(
            clipped(row.certificate.full_name), row.certificate_no
        ),
        "plan": lambda view, context, row, name: plan_cell(row.plan),
        "issued_on": lambda view, context, row, name: (
            two_lines(row.issued_on.isoformat(), row.issue_method.label) if row.issued_on else cells.NOTHING
        ),
        "state": lambda view, context, row, name: state_cell(row),
        "document": lambda view, context, row, name: document_cell(row),
        "composite": lambda view, context, row, name: hundredths_text(row.result.composite_hundredths),
        "rule": lambda view, context, row, name: rule_words(row.registration.plan_certificate),
        "verify": lambda view, context, row, name: view.verify_cell(row),
        "sealed_at": lambda view, context, row, name: row.document.sealed_at if row.document else None,
        "sha256": lambda view, context, row, name: row.document.sha256 if row.document else None,
        "registration.candidate.photo_hash": lambda view, context, row, name: portrait(row.registration.candidate),
    }
    column_formatters_detail: ClassVar[dict[str, Any]] = {
        **column_formatters,
        "state": lambda view, context, row, name: cells.badge(row.state),
        "failure": lambda view, context, row, name: problem(row.failure_code) if row.failure_code else None,
    }
    status_tabs = CertificateIssuance.state
    exports = (ExportDoor("issuance-list", "批量导出发证记录"),)
    detail_groups = (
        (
            "证书",
            (
                "certificate_no",
                "certificate.full_name",
                "certificate.org.name",
                "issued_on",
                "state",
                "document",
                "verify",
                "sealed_at",
                "sha256",
                "rejection_note",
                "failure",
            ),
        ),
        ("考生（报考时的信息）", WHO),
        ("考试", ("plan.plan_no", "plan.name", "site.name", "rule", "composite")),
    )
    recap_columns = ("registration.snapshot.name", "certificate_no", "certificate.full_name", "plan.name", "state")
    row_verbs = (
        Verb(
            reject_one,
            "拒绝签发",
            form=ReasonForm,
            act="sign_as_teo",
            move=(ISSUANCE, "reject_as_teo"),
            fixed={"party": Party.TEO},
            tone="danger",
            done="已拒绝签发；处理后可以重新签发。",
            key="reject-teo",
        ),
        Verb(
            reject_one,
            "拒绝签发",
            form=ReasonForm,
            act="sign_as_college",
            when=waits_for_college,
            fixed={"party": Party.COLLEGE},
            tone="danger",
            done="已拒绝签发，培训评价组织会收到您的理由。",
            key="reject-college",
        ),
        Verb(
            stamp_again,
            "重试盖章",
            act="generate_certificates",
            when=lambda row, actor: row.state is IssuanceState.STAMP_FAILED,
            tone="primary",
            confirm="重新生成并盖章吗？请先排除失败的原因。",
            done="已重新开始生成。",
            key="retry",
        ),
    )

    def _loaded(self) -> list[Any]:
        registration = joinedload(CertificateIssuance.registration)
        return [
            registration.joinedload(Registration.snapshot),
            joinedload(CertificateIssuance.certificate),
            joinedload(CertificateIssuance.plan),
        ]

    def name_of(self, row: Any) -> str:
        return f"{row.registration.snapshot.name} · {row.certificate.full_name}"

    def notes(self) -> str | Markup:
        return seal_note()

    def empty_words(self) -> str:
        return "没有符合条件的证书。成绩公示结束后，通过考核的考生自动进入这里。"

    def desk(self) -> list[dict[str, Any]]:
        """Plans in which something waits for this person, for the cards above the list."""
        actor = current_actor()
        if party_of(actor) is None:
            return []
        mine = select(CertificateIssuance.plan_id).where(
            scoping.visible(CertificateIssuance, actor), CertificateIssuance.state != IssuanceState.ISSUED
        )
        plans = list(reader().scalars(select(ExamPlan).where(ExamPlan.id.in_(mine)).order_by(ExamPlan.plan_no)))
        held = g.plan_numbers = numbers_of(reader(), actor, [plan.id for plan in plans])
        cards: list[dict[str, Any]] = [
            {"plan": plan, "numbers": held[plan.id], "url": signing_url(plan)} for plan in plans
        ]
        return [card for card in cards if held[card["plan"].id].for_me or self._is_for_teo(held[card["plan"].id])]

    def _is_for_teo(self, held: PlanNumbers) -> bool:
        is_teo = party_of(current_actor()) is Party.TEO
        return is_teo and (held.unhandled > 0 or held.of(IssuanceState.READY, IssuanceState.STAMP_FAILED) > 0)

    def ready(self, held: PlanNumbers) -> int:
        """How many both have signed and nobody has ordered yet."""
        return held.of(IssuanceState.READY)

    def failed(self, held: PlanNumbers) -> int:
        """How many could not be stamped."""
        return held.of(IssuanceState.STAMP_FAILED)

    def sign_word(self) -> str:
        """What the button is called for this person's party."""
        return "批量签发" if party_of(current_actor()) is Party.TEO else "签字确认"

    def desk_verbs(self, plan: ExamPlan) -> list[Verb]:
        """What this person may decide over the plan's batch; the pages are those of 证书签发."""
        wanted = ("reject-teo", "reject-college", "handle", "order")
        actor = current_actor()
        return [verb for verb in SigningView.row_verbs if verb.name in wanted and verb.offered(plan, actor)]

    def verify_cell(self, row: CertificateIssuance) -> str | Markup:
        """The public page that anybody can check the certificate with (R-247)."""
        if row.state is not IssuanceState.ISSUED:
            return "完成发放后可以查验"
        return Markup('<a href="/verify?no={}">打开查验页</a>').format(row.certificate_no)

    # -- one certificate -----------------------------------------------------------------------------------------------

    def links(self, row: Any) -> list[Link]:
        if row.state is not IssuanceState.ISSUED or not may(current_actor(), DOWNLOAD, row):
            return []
        return [Link("下载电子证书", url_for("issuances.document_view", ident=row.id))]

    def related(self, row: Any) -> list[Related]:
        return [subject_table(row.registration), self._signings(row)]

    def _signings(self, row: CertificateIssuance) -> Related:
        shows_hand = may_see_hand(row, current_actor())
        rows = []
        for record in row.signings:
            hand: Any = cells.NOTHING
            if record.session_id is not None:
                hand = self._hand(row, record) if shows_hand else "已签名"
            facts = (record.at, record.party.label, record.decision.label, record.signer)
            rows.append((*facts, record.reason or cells.NOTHING, hand))
        headers = ("时间", "签发方", "决定", "签发人", "理由", "手写签名")
        return Related("签发记录", headers, rows, "双方都还没有签发。")

    def _hand(self, row: CertificateIssuance, record: SigningRecord) -> Markup:
        address = url_for("issuances.hand_view", ident=row.id, record=record.id)
        return Markup('<img class="hand" src="{}" alt="{}的手写签名">').format(address, record.signer_name)

    @expose("/<int:ident>/certificate.pdf")
    def document_view(self, ident: int) -> ResponseReturnValue:
        """电子证书, exactly as it was sealed; who took it is written down."""
        row = self.row_or_404(ident)
        if row.document is None:
            abort(404)
        name = f"{row.registration.snapshot.name}-{row.certificate.full_name}-{row.certificate_no}.pdf"
        actor, issuance_id = current_actor(), row.id
        reader().rollback()
        with transaction(actor) as tx:
            key = note_download(tx, issuance_id=issuance_id).storage_key
            content = storage.read(key)
        response = send_file(io.BytesIO(content), mimetype="application/pdf")
        response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
        response.headers["Cache-Control"] = "no-store"
        return response

    @expose("/<int:ident>/hand/<int:record>")
    def hand_view(self, ident: int, record: int) -> ResponseReturnValue:
        """The hand signature of one signing record (G-25)."""
        row = self.row_or_404(ident)
        if not may_see_hand(row, current_actor()):
            abort(404)
        image = reader().scalar(
            select(SigningSession.hand_signature)
            .join(SigningRecord, SigningRecord.session_id == SigningSession.id)
            .where(SigningRecord.id == record, SigningRecord.issuance_id == row.id)
        )
        if image is None:
            abort(404)
        return Response(image, mimetype="image/png", headers={"Cache-Control": "private, no-store"})


def views(db: Any) -> list[UseCaseView]:
    """The pages of this subject."""
    return [SigningView(db), IssuanceView(db)]
