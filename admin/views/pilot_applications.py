"""证书试点申报 in the panel: filed by colleges, reviewed by city and province."""

from __future__ import annotations

from typing import Any

from flask import g, jsonify, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import select

from admin import application_page, history
from admin.export_page import ExportDoor
from admin.filters import Among, PanelFilter
from admin.plan_page import two_lines
from admin.session import current_account, current_actor, reader
from admin.usecase_view import Related, UseCaseView
from admin.verbs import Verb
from admin.views.pilot_forms import open_declarations
from admin.views.pilot_verbs import BATCH_VERBS, CREATE, EDIT, ROW_VERBS
from core.db import transaction
from core.errors import Refusal
from core.models.organisations import College, RegionName
from core.models.pilots import PilotApplication, ReviewRecord
from core.notifications.words import sentence, when
from core.queries.accounts import province_contact
from core.queries.applications import as_submitted, fingerprint_of, missing_parts, since_last, used_quota
from core.queries.attachments import attachments_of
from core.queries.scoping import visible
from core.queries.standing import applications_by_state
from core.rules import richtext, values
from core.rules.catalogue import AttachmentKind
from core.rules.organisations import Role
from core.rules.permissions import has_role
from core.rules.pilots import UNDER_REVIEW, ApplicationState
from core.usecases.applications import GivenFile, attach_picture

A = ApplicationState


class ApplicationView(UseCaseView):
    """证书试点申报, and for reviewers 试点申报审核."""

    model = PilotApplication
    title = "证书试点申报"
    titles = {Role.PROVINCE: "试点申报审核", Role.CITY: "试点申报审核"}
    slug = "applications"
    menu_group = "证书管理"
    menu_order = 20
    one = "份申报"
    column_list = (
        "plan.batch_name",
        "college.name",
        "certificate.full_name",
        "requested_count",
        "approved_count",
        "used",
        "state",
    )
    column_labels = {
        "plan.year": "申报年度",
        "plan.batch_name": "申报批次",
        "requested_count": "申请总培训人数",
        "approved_count": "批准总培训人数",
        "used": "已使用指标数",
        "state": "申报状态",
        "city_code": "城市",
        "submitted_at": "提交时间",
        "faculty_description": "师资情况",
        "venue_description": "场地情况",
        "college.name": "院校名称",
        "college.college_code": "院校代码",
        "college.college_type": "院校类型",
        "college.address": "详细地址",
        "college.contact_name": "联系人",
        "college.contact_mobile": "联系人手机",
        "college.contact_email": "联系人邮箱",
    }
    column_filters = (
        "plan.year", "plan.batch_name", "college.name", "certificate.name", "certificate.org.name", "city_code",
    )  # fmt: skip
    column_searchable_list = ("college.name", "certificate.name")
    status_tabs = PilotApplication.state
    exports = (ExportDoor("application-list", "按证书导出申报明细表"),)
    status_groups = (
        ("未提交", (A.DRAFT,)),
        ("审核中", UNDER_REVIEW),
        ("审核通过", (A.APPROVED,)),
        ("审核退回", (A.RETURNED,)),
    )
    column_formatters = {
        "used": lambda view, context, row, name: view.used(row),
        "plan.batch_name": lambda view, context, row, name: two_lines(row.plan.batch_name, f"{row.plan.year} 年"),
        "certificate.full_name": lambda view, context, row, name: two_lines(
            row.certificate.full_name, row.certificate.org.name
        ),
    }
    column_formatters_detail = {"used": column_formatters["used"]}
    detail_groups = (
        ("院校基本信息", ("college.name", "college.college_code", "college.college_type", "college.address")),
        ("联系人信息", ("college.contact_name", "college.contact_mobile", "college.contact_email")),
        (
            "证书申报明细",
            (
                "plan.year",
                "plan.batch_name",
                "certificate.full_name",
                "certificate.org.name",
                "requested_count",
                "approved_count",
                "used",
                "state",
                "submitted_at",
                "decided_at",
            ),
        ),
    )
    recap_columns = (
        "college.name",
        "certificate.full_name",
        "plan.year",
        "plan.batch_name",
        "requested_count",
        "state",
    )
    create_with = CREATE
    edit_with = EDIT
    row_verbs = ROW_VERBS
    batch_verbs = BATCH_VERBS

    def name_of(self, row: PilotApplication) -> str:
        return f"{row.college.name} · {row.certificate.full_name}"

    def scaffold_filters(self, name: Any) -> list[PanelFilter]:
        if name != "city_code":
            return super().scaffold_filters(name)
        return [self.handle_filter(Among(name, self.label(name), _cities))]

    def get_list(self, *args: Any, **kwargs: Any) -> tuple[int, list[Any]]:
        """The page's used quota comes with it, not with each row (R-045)."""
        count, rows = super().get_list(*args, **kwargs)
        g.used_quota = used_quota(reader(), rows)
        return count, rows

    def kept_counts(self) -> dict[ApplicationState, int] | None:
        """The tallies, so that a list of a million opens as fast as one of a thousand."""
        return applications_by_state(reader(), current_actor())

    def used(self, row: PilotApplication) -> int | None:
        """已使用指标数 of the year, once there is a quota (R-045)."""
        if "used_quota" not in g:
            g.used_quota = used_quota(reader(), [row])
        return g.used_quota.get(row.id)

    def notes(self) -> str:
        """Colleges without an open plan learn that there is nothing to apply for (R-024)."""
        if not has_role(current_actor(), "apply_for_pilot") or open_declarations(reader()):
            return ""
        return nothing_open()

    # -- one application -----------------------------------------------------------------------------------------------

    def majors(self, row: PilotApplication) -> Related:
        """拟申报专业 as a table."""
        lines = [
            (
                f"{line.major.name}（{line.major.code}）",
                line.students_enrolled,
                line.full_time_teachers,
                line.requested_count,
                line.approved_count,
            )
            for line in row.majors
        ]
        headers = ("专业", "在校学生数", "专任教师数", "申请培训人数", "批准培训人数")
        return Related("拟申报专业", headers, lines, "没有按专业填报，覆盖该证书的全部对应专业。")

    def words(self, row: PilotApplication) -> list[tuple[str, Markup]]:
        """Both descriptions, cleaned once more on their way out."""
        return [
            ("师资情况", Markup(richtext.shown(row.faculty_description))),  # noqa: S704  cleaned by nh3
            ("场地情况", Markup(richtext.shown(row.venue_description))),  # noqa: S704  likewise
        ]

    def shown_facts(self, row: PilotApplication) -> dict[str, Any]:
        """What details, form and second look have in common."""
        records = _records(ReviewRecord.application_id == row.id)
        return {
            "majors": self.majors(row),
            "words": self.words(row),
            "files": attachments_of(reader(), application_id=row.id, kind=AttachmentKind.EVIDENCE),
            "fingerprint": fingerprint_of(as_submitted(reader(), row))[:8],
            "since": since_last(reader(), row),
            "returned": application_page.last_return(records) if row.state is A.RETURNED else None,
            "records": records,
            "draft_key": f"{current_account().id}-{row.id}",
        }

    def verb_facts(self, verb: Verb, row: Any) -> dict[str, Any]:
        if row is None or verb.template == Verb.template:
            return {}
        return self.shown_facts(row) | {"missing": missing_parts(row)}

    @expose("/details/")
    def details_view(self) -> ResponseReturnValue:
        """申报信息 and 审核信息 (R-046, R-047), as a page that prints whole (F-19)."""
        row: PilotApplication = self.row_or_404(request.args.get("id"))
        facts = self.shown_facts(row)
        return self.render(
            "admin/application.html",
            row=row,
            groups=self._groups(row),
            flow=application_page.flow(row, facts["records"]),
            review=review_record(ReviewRecord.application_id == row.id),
            history=history.of(reader(), PilotApplication.__tablename__, row.id),
            **facts,
        )

    @expose("/picture/", methods=("POST",))
    def picture_view(self) -> ResponseReturnValue:
        """A picture from the editor: where it is shown from, or why it cannot be."""
        row = self.row_or_404(request.args.get("id"))
        given = request.files.get("picture")
        file = GivenFile(values.tidy(given.filename or "")[-200:], given.read()) if given else GivenFile("", b"")
        actor, ident = current_actor(), row.id
        reader().rollback()
        try:
            with transaction(actor) as tx:
                number = attach_picture(tx, application_id=ident, file=file).id
        except Refusal as refusal:
            return jsonify(problem=sentence(refusal)), 422
        return jsonify(src=f"{richtext.PICTURE}{number}")


def nothing_open() -> str:
    """What a college is told while no plan is open: whom to call (R-021, R-024)."""
    province = reader().get_one(College, current_actor().college_id).province_code
    contact = province_contact(reader(), province) or "本省教育行政部门"
    return f"本省目前没有进行中的申报计划，暂时不能新建或提交申报。请联系：{contact}。"


def _cities() -> list[tuple[str, str]]:
    """The cities of the colleges this person may see, by name (§8.2)."""
    codes = select(College.city_code).where(visible(College, current_actor()))
    found = select(RegionName.code, RegionName.name).where(RegionName.code.in_(codes)).order_by(RegionName.code)
    return [(code, name) for code, name in reader().execute(found)]


def _records(condition: Any) -> list[ReviewRecord]:
    wanted = select(ReviewRecord).where(condition, visible(ReviewRecord, current_actor())).order_by(ReviewRecord.id)
    return list(reader().scalars(wanted))


def review_record(condition: Any) -> Related:
    """审核记录 of an application or a site, to the second (R-046)."""
    lines = [
        (
            row.step.label,
            row.decision.label,
            row.approved_count,
            row.reason,
            row.actor.real_name if row.actor else "系统",
            when(row.at, seconds=True),
        )
        for row in _records(condition)
    ]
    return Related("审核记录", ("环节", "结论", "批准人数", "意见", "办理人", "时间"), lines, "还没有审核记录。")
