"""考核站点: applied for by colleges, decided by the TEO, lent to others (§3.8, R-098…R-121)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Response, abort, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from admin.forms import ReasonForm
from admin.session import reader
from admin.site_forms import AllocationForm, MaterialForm, SiteForm, free_certificates, region_words, site_values
from admin.steps import Option, Step, asked, page
from admin.usecase_view import Link, Related, UseCaseView
from admin.verbs import Verb
from core import clock
from core.actors import Actor
from core.gateways import storage
from core.models.organisations import EvaluationOrg
from core.models.pilots import ReviewRecord
from core.models.plans import ExamPlan
from core.models.sites import ExamSite, ExamSiteCertificate, SiteAllocation
from core.notifications.words import when
from core.queries.scoping import may_see, visible
from core.rules.catalogue import CertificateLevel
from core.rules.organisations import Role, Switch
from core.rules.permissions import may
from core.rules.plans import PlanState
from core.rules.sites import ALLOCATION, EDITABLE_SITE, EXAM_SITE, SITE_STATUS
from core.usecases.sites import (
    allocate_site,
    approve_site,
    attach_material,
    cancel_allocation,
    delete_site,
    disqualify_site,
    draft_site,
    edit_site,
    return_site,
    submit_site,
    withdraw_site,
)

GROUP = "考务管理"


def _is_editable(row: ExamSite, actor: Actor) -> bool:
    return row.review_state in EDITABLE_SITE


def _may_be_deleted(row: ExamSite, actor: Actor) -> bool:
    """R-107: nobody has reviewed it yet."""
    reviewed = select(ReviewRecord.id).where(ReviewRecord.site_id == row.id).limit(1)
    return _is_editable(row, actor) and reader().scalar(reviewed) is None


def _wants_material(row: ExamSite, actor: Actor) -> bool:
    return _is_editable(row, actor) and (row.org.site_material_required or row.material_key is not None)


def _to_page(row: ExamSite) -> str:
    return url_for("sites.details_view", id=row.id)


def certificate_words(row: ExamSite) -> list[str]:
    """Each certificate once, with the levels applied for."""
    levels: dict[str, list[CertificateLevel]] = {}
    for one in row.certificates:
        levels.setdefault(one.name, []).append(one.level)
    order = list(CertificateLevel)
    return [
        f"{name}（{'、'.join(level.label for level in sorted(held, key=order.index))}）"
        for name, held in levels.items()
    ]


def _to_list(nothing: Any) -> str:
    return url_for("sites.index_view")


class SiteView(UseCaseView):
    """考核站点申报 for colleges, 站点审核 for the TEO."""

    model = ExamSite
    title = "考核站点"
    titles = {Role.TEO.value: "站点审核"}
    slug = "sites"
    only_pilots = True
    menu_group = GROUP
    menu_order = 40
    one = "个考核站点"
    column_list = ("site_no", "name", "college.name", "org.name", "certificates", "review_state", "site_state")
    column_labels = {
        "site_no": "考核站点编号",
        "name": "考核站点名称",
        "college.name": "申报院校",
        "org.name": "申报对象",
        "certificates": "考核证书",
        "review_state": "审核状态",
        "site_state": "考核站点状态",
        "region_code": "所在区域",
        "intro": "考点简介",
        "material_name": "其他材料",
    }
    column_searchable_list = ("site_no", "name")
    column_filters = ("site_no", "name", "college.name", "org.name")
    column_sortable_list = ("site_no",)
    status_tabs = ExamSite.review_state
    column_formatters = {
        "certificates": lambda view, context, row, name: certificate_words(row),
        "region_code": lambda view, context, row, name: region_words(reader(), row.region_code),
    }
    detail_groups = (
        ("申报信息", ("site_no", "name", "college.name", "org.name", "certificates", "review_state", "site_state")),
        ("考点情况", ("region_code", "address", "intro", "material_name")),
        ("联系人", ("contact_name", "contact_mobile", "contact_email")),
    )
    recap_columns = ("site_no", "name", "college.name", "org.name", "certificates", "region_code", "address")

    create_with = Verb(
        draft_site,
        "申报考核站点",
        form=SiteForm,
        act="edit_site",
        given=lambda actor: {"college_id": actor.college_id, "org_id": asked("org") or 0},
        explain="站点名称由系统按院校和证书生成。可以先保存，资料齐全后再提交审核。",
        done="申报已保存，核对后请提交审核。",
        then=_to_page,
    )
    edit_with = Verb(
        edit_site,
        "编辑",
        form=SiteForm,
        act="edit_site",
        when=_is_editable,
        fill=site_values,
        done="申报信息已修改。",
        then=_to_page,
    )
    row_verbs = (
        Verb(
            attach_material,
            "上传材料",
            form=MaterialForm,
            act="edit_site",
            when=_wants_material,
            explain="培训评价组织要求附签字盖章的《考核站点申请表》扫描件等材料。",
            done="材料已上传。",
            then=_to_page,
        ),
        Verb(
            submit_site,
            "提交",
            act="edit_site",
            move=(EXAM_SITE, "submit"),
            confirm="提交后由培训评价组织审核，审核前可以撤销，但不能修改。确定提交吗？",
            done="已提交，等待培训评价组织审核。",
            tone="primary",
        ),
        Verb(
            withdraw_site,
            "撤销",
            act="edit_site",
            move=(EXAM_SITE, "withdraw"),
            confirm="确定撤销该考核站点申报信息吗？",
            done="已撤销，申报回到未提交。",
        ),
        Verb(
            approve_site,
            "审核通过",
            act="review_site",
            move=(EXAM_SITE, "approve"),
            confirm="审核通过后站点立即启用，院校可以设置考场和报考。确定通过吗？",
            done="已审核通过，站点已启用。",
            tone="primary",
        ),
        Verb(
            return_site,
            "审核退回",
            form=ReasonForm,
            act="review_site",
            move=(EXAM_SITE, "return"),
            done="已退回，院校已收到理由。",
            tone="danger",
        ),
        Verb(
            disqualify_site,
            "取消资格",
            form=ReasonForm,
            act="review_site",
            move=(SITE_STATUS, "disqualify"),
            explain="现场核查与申报不符时使用。站点停用后不能再设置考场和报考，已经排好的考试不受影响。",
            done="站点资格已取消。",
            tone="danger",
        ),
        Verb(
            delete_site,
            "删除",
            act="edit_site",
            when=_may_be_deleted,
            confirm="确定删除该考核站点申报吗？删除后不能恢复。",
            done="申报已删除。",
            tone="danger",
            then=_to_list,
        ),
    )
    batch_verbs = (
        Verb(
            approve_site,
            "批量审核通过",
            act="review_site",
            confirm="确定通过 {count} 个考核站点吗？通过后立即启用。",
            done="已通过 {count} 个考核站点。",
        ),
        Verb(
            delete_site,
            "批量删除",
            act="edit_site",
            confirm="确定删除 {count} 个考核站点吗？",
            done="已删除 {count} 个考核站点。",
            tone="danger",
        ),
    )

    def _loaded(self) -> list[Any]:
        links = selectinload(ExamSite.certificate_links).joinedload(ExamSiteCertificate.certificate)
        return [*super()._loaded(), links]

    def page_links(self) -> list[Link]:
        if not may_see(SiteAllocation, self.actor):
            return []
        return [Link("考核站点分配", url_for("allocations.index_view"))]

    def links(self, row: ExamSite) -> list[Link]:
        if row.material_key is None or not self._may_read_material(row):
            return []
        return [Link("下载其他材料", url_for("sites.material", id=row.id))]

    def related(self, row: ExamSite) -> list[Related]:
        records = reader().scalars(
            select(ReviewRecord)
            .where(ReviewRecord.site_id == row.id, visible(ReviewRecord, self.actor))
            .order_by(ReviewRecord.id.desc())
        )
        lines = [
            (when(one.at, seconds=True), one.step, one.decision, one.reason, one.actor and one.actor.real_name)
            for one in records
        ]
        return [Related("审核记录", ("时间", "环节", "结果", "理由", "经办人"), lines, "还没有审核记录。")]

    # -- first the organisation, then the form -------------------------------------------------------------------------

    @expose("/do/<verb_name>/", methods=("GET", "POST"))
    def verb_view(self, verb_name: str) -> ResponseReturnValue:
        """Applying begins with whom one applies to: all certificates of a site are of one org (R-103)."""
        assert self.create_with is not None
        is_new = verb_name == self.create_with.name and self.create_with.offered_at_all(self.actor)
        if is_new and asked("org") not in {org.id for org in self._orgs() if self._free(org)}:
            return page(self, self.create_with.label, self._first_step(), self.list_url())
        return super().verb_view(verb_name)

    def recap_new(self, verb: Verb) -> list[tuple[str, Any]]:
        org = next((one for one in self._orgs() if one.id == asked("org")), None)
        return [("申报对象", org.name), ("机构代码", org.org_code)] if org else []

    def _orgs(self) -> list[EvaluationOrg]:
        query = select(EvaluationOrg).where(visible(EvaluationOrg, self.actor), EvaluationOrg.state == Switch.ENABLED)
        return list(reader().scalars(query.order_by(EvaluationOrg.org_code)))

    def _free(self, org: EvaluationOrg) -> int:
        """How many certificates of an org this college may still apply for (R-104)."""
        return len(free_certificates(reader(), org.id, self.actor.college_id or 0))

    def _first_step(self) -> Step:
        options = [
            Option(
                url_for("sites.verb_view", verb_name="draft_site", org=org.id),
                org.name,
                f"可申报 {free} 个证书{' · 须附申请表等材料' if org.site_material_required else ''}",
            )
            for org, free in ((org, self._free(org)) for org in self._orgs())
            if free
        ]
        return Step(
            "选择申报对象（培训评价组织）",
            options,
            empty="没有可以申报的证书：贵校还没有审核通过的证书试点，或者相关证书都已申报过考核站点。",
            hint="一次申报只能选择同一个培训评价组织的证书；不同组织请分别申报。",
        )

    @expose("/material/")
    def material(self) -> ResponseReturnValue:
        """The uploaded file, as a download and never as a page."""
        row: ExamSite = self.row_or_404(request.args.get("id"))
        if row.material_key is None or not self._may_read_material(row):
            abort(404)
        answer = Response(storage.read(row.material_key), mimetype="application/octet-stream")
        answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(row.material_name or '')}"
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def _may_read_material(self, row: ExamSite) -> bool:
        """The applicant and whoever decides; a borrower sees the site, not its papers."""
        return may(self.actor, "edit_site", row) or may(self.actor, "review_site", row)


class AllocationView(UseCaseView):
    """考核站点分配 (借考): made by the TEO, read by borrower and lender."""

    model = SiteAllocation
    title = "考核站点分配"
    slug = "allocations"
    menu_group = GROUP
    menu_order = 45
    one = "条分配"
    column_list = (
        "plan.name",
        "site.site_no",
        "site.name",
        "certificate.full_name",
        "borrowing_college.name",
        "state",
    )
    column_labels = {
        "site.site_no": "站点编号",
        "site.name": "考核站点",
        "certificate.full_name": "考试证书",
        "borrowing_college.name": "借考院校",
        "plan.plan_no": "计划编号",
    }
    column_sortable_list = ()
    column_filters = ("plan.plan_no", "plan.name", "site.name", "borrowing_college.name")
    status_tabs = SiteAllocation.state
    create_with = Verb(
        allocate_site,
        "分配考核站点",
        form=AllocationForm,
        act="allocate_site",
        explain="借考院校自行为本校考生报考，考场由站点所属院校设置。",
        done="已分配，借考院校可以用这个站点报考。",
    )
    row_verbs = (
        Verb(
            cancel_allocation,
            "取消分配",
            act="allocate_site",
            thing=lambda row: row.plan,
            move=(ALLOCATION, "cancel"),
            confirm="取消后，借考院校不能再用这个站点报考。确定取消吗？",
            done="分配已取消。",
            tone="danger",
        ),
    )

    def name_of(self, row: SiteAllocation) -> str:
        return f"{row.borrowing_college.name}借用{row.site.name}"

    @expose("/do/<verb_name>/", methods=("GET", "POST"))
    def verb_view(self, verb_name: str) -> ResponseReturnValue:
        """Allocating begins with the plan."""
        assert self.create_with is not None
        is_new = verb_name == self.create_with.name and self.create_with.offered_at_all(self.actor)
        if is_new and asked("plan") not in {plan.id for plan in self._plans()}:
            return page(self, self.create_with.label, self._first_step(), self.list_url())
        return super().verb_view(verb_name)

    def recap_new(self, verb: Verb) -> list[tuple[str, Any]]:
        plan = next((one for one in self._plans() if one.id == asked("plan")), None)
        return [("考试计划", plan.name), ("计划编号", plan.plan_no)] if plan else []

    def _plans(self) -> list[ExamPlan]:
        """Own published plans that still take registrations."""
        query = select(ExamPlan).where(
            visible(ExamPlan, self.actor),
            ExamPlan.state == PlanState.PUBLISHED,
            ExamPlan.registration_closes_at >= clock.now(),
        )
        return list(reader().scalars(query.order_by(ExamPlan.registration_closes_at)))

    def _first_step(self) -> Step:
        options = [
            Option(
                url_for("allocations.verb_view", verb_name="allocate_site", plan=plan.id),
                plan.name,
                f"{plan.plan_no} · 报考 {when(plan.registration_closes_at)} 截止",
            )
            for plan in self._plans()
        ]
        return Step("选择考试计划", options, [], "没有报考尚未截止的考试计划。")


def views(db: Any) -> list[UseCaseView]:
    """For the application to register."""
    return [SiteView(db), AllocationView(db)]
