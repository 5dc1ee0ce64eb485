"""证书试点申报 in the panel: filed by colleges, reviewed by city and province."""

from __future__ import annotations

from typing import Any

from flask import url_for
from sqlalchemy import select

from admin.forms import ReasonForm
from admin.plan_page import two_lines
from admin.session import current_actor, reader
from admin.usecase_view import Related, UseCaseView
from admin.verbs import Verb
from admin.views.pilot_forms import (
    ApplicationForm,
    ApplyForm,
    CommentForm,
    CountForm,
    application_as_saved,
    application_as_typed,
    open_declarations,
)
from core.actors import Actor
from core.models.pilots import PilotApplication, Quota, ReviewRecord
from core.notifications.words import when
from core.queries.scoping import visible
from core.rules.organisations import Role
from core.rules.permissions import has_role
from core.rules.pilots import EDITABLE_APPLICATION, PILOT_APPLICATION, UNDER_REVIEW, ApplicationState
from core.usecases.applications import delete_application, save_application, submit_application
from core.usecases.reviews import approve_application, pass_as_city, pass_preliminary, return_application

A = ApplicationState


def _is_at_city(row: PilotApplication) -> bool:
    return row.state is A.CITY_REVIEW or (row.state is A.PENDING_INITIAL and row.plan.city_review_required)


def _is_at_province(row: PilotApplication) -> bool:
    return row.state in (A.PRELIMINARY_REVIEW, A.FINAL_REVIEW) or (
        row.state is A.PENDING_INITIAL and not row.plan.city_review_required
    )


def _may_return(row: PilotApplication, actor: Actor) -> bool:
    if _is_at_city(row):
        return Role.CITY in actor.roles and actor.city_code == row.city_code
    return _is_at_province(row) and Role.PROVINCE in actor.roles and actor.province_code == row.province_code


def _needs_first_look(row: PilotApplication) -> bool:
    return row.plan.final_review_required and row.state is not A.FINAL_REVIEW


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
        "requested_count": "申请人数",
        "approved_count": "批准人数",
        "used": "已使用指标",
        "state": "申报状态",
        "submitted_at": "提交时间",
        "faculty_description": "师资情况",
        "venue_description": "场地情况",
        "college.contact_name": "联系人",
        "college.contact_mobile": "联系人手机",
        "college.contact_email": "联系人邮箱",
    }
    column_filters = ("plan.year", "plan.batch_name", "college.name", "certificate.name", "certificate.org.name")
    column_searchable_list = ("college.name", "certificate.name")
    status_tabs = PilotApplication.state
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
        ("院校与联系人", ("college.name", "college.contact_name", "college.contact_mobile", "college.contact_email")),
        (
            "申报信息",
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
        ("申报说明", ("faculty_description", "venue_description")),
    )
    recap_columns = (
        "college.name",
        "certificate.full_name",
        "plan.year",
        "plan.batch_name",
        "requested_count",
        "state",
    )
    create_with = Verb(
        save_application,
        "申报证书试点",
        key="apply",
        form=ApplyForm,
        act="apply_for_pilot",
        when=lambda row, actor: bool(open_declarations(reader())),
        given=lambda actor: {"college_id": actor.college_id},
        explain="保存后是“未提交”，可以反复修改；下一页可按专业填报，核对后再提交。",
        then=lambda made: url_for("applications.verb_view", verb_name="edit", id=made.id),
        done="已保存，可在此按专业填报，核对后请提交。",
    )
    edit_with = Verb(
        save_application,
        "编辑",
        key="edit",
        row="application_id",
        form=ApplicationForm,
        act="apply_for_pilot",
        when=lambda row, actor: row.state in EDITABLE_APPLICATION,
        fill=application_as_typed,
        shape=application_as_saved,
        done="申报已保存，核对后请提交。",
    )
    row_verbs = (
        Verb(
            submit_application,
            "提交",
            act="apply_for_pilot",
            move=(PILOT_APPLICATION, "submit"),
            confirm="提交后，在审核结果出来之前不能修改或删除。确定提交吗？",
            tone="primary",
            done="申报已提交，请等待审核。",
        ),
        Verb(
            delete_application,
            "删除",
            act="apply_for_pilot",
            when=lambda row, actor: row.state in EDITABLE_APPLICATION,
            confirm="删除后不能恢复。确定删除这份申报吗？",
            tone="danger",
            done="申报已删除。",
        ),
        Verb(
            pass_as_city,
            "审核通过",
            form=CommentForm,
            act="review_as_city",
            when=lambda row, actor: _is_at_city(row),
            tone="primary",
            done="已通过，申报转交省级审核。",
        ),
        Verb(
            pass_preliminary,
            "初审通过",
            form=CommentForm,
            act="review_as_province",
            when=lambda row, actor: _is_at_province(row) and _needs_first_look(row),
            tone="primary",
            done="初审已通过，等待复审。",
        ),
        Verb(
            approve_application,
            "批准",
            form=CountForm,
            act="review_as_province",
            when=lambda row, actor: _is_at_province(row) and not _needs_first_look(row),
            fill=lambda row: {"approved_count": row.requested_count},
            explain="批准后，院校立即得到本年度的指标，并收到通知。",
            tone="primary",
            done="已批准，指标已下达。",
        ),
        Verb(
            return_application,
            "退回",
            form=ReasonForm,
            when=_may_return,
            explain="退回后，申报期内院校可以修改后再次提交。",
            tone="danger",
            done="已退回，院校会收到理由。",
        ),
    )
    batch_verbs = (
        Verb(
            submit_application,
            "批量提交",
            key="submit_all",
            act="apply_for_pilot",
            confirm="提交后，在审核结果出来之前不能修改或删除。确定提交这 {count} 份申报吗？",
        ),
        Verb(
            pass_as_city,
            "批量审核通过",
            key="pass_all_as_city",
            form=CommentForm,
            act="review_as_city",
            confirm="确定审核通过这 {count} 份申报吗？",
        ),
        Verb(
            pass_preliminary,
            "批量初审通过",
            key="pass_all_preliminary",
            form=CommentForm,
            act="review_as_province",
            confirm="确定初审通过这 {count} 份申报吗？",
        ),
        *(
            Verb(
                return_application,
                "批量退回",
                key=f"return_all_{act}",
                form=ReasonForm,
                act=act,
                confirm="确定以同一理由退回这 {count} 份申报吗？",
                tone="danger",
            )
            for act in ("review_as_city", "review_as_province")
        ),
    )

    def name_of(self, row: PilotApplication) -> str:
        return f"{row.college.name} · {row.certificate.full_name}"

    def used(self, row: PilotApplication) -> int | None:
        """已使用指标数 of the year, once there is a quota (R-045)."""
        where = (
            Quota.college_id == row.college_id,
            Quota.certificate_id == row.certificate_id,
            Quota.year == row.plan.year,
        )
        return reader().scalar(select(Quota.used).where(*where))

    def notes(self) -> str:
        """Colleges without an open plan learn that there is nothing to apply for (R-024)."""
        if not has_role(current_actor(), "apply_for_pilot") or open_declarations(reader()):
            return ""
        return "本省目前没有进行中的申报计划，暂时不能新建或提交申报。"

    def related(self, row: PilotApplication) -> list[Related]:
        majors = [
            (
                f"{line.major.name}（{line.major.code}）",
                line.students_enrolled,
                line.full_time_teachers,
                line.requested_count,
                line.approved_count,
            )
            for line in row.majors
        ]
        headers = ("专业", "在校学生数", "专任教师数", "申请人数", "批准人数")
        return [
            Related("拟申报专业", headers, majors, "没有按专业填报，覆盖该证书的全部对应专业。"),
            review_record(ReviewRecord.application_id == row.id),
        ]


def review_record(condition: Any) -> Related:
    """审核记录 of an application or a site, to the second (R-046)."""
    rows = reader().scalars(
        select(ReviewRecord).where(condition, visible(ReviewRecord, current_actor())).order_by(ReviewRecord.id)
    )
    lines = [
        (
            row.step.label,
            row.decision.label,
            row.approved_count,
            row.reason,
            row.actor.real_name if row.actor else "系统",
            when(row.at, seconds=True),
        )
        for row in rows
    ]
    return Related("审核记录", ("环节", "结论", "批准人数", "意见", "办理人", "时间"), lines, "还没有审核记录。")
