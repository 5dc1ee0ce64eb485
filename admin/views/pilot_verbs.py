"""What can be done to a pilot application in the panel, by the college, the city and the province."""

from __future__ import annotations

from flask import request, url_for

from admin.forms import ReasonForm
from admin.session import reader
from admin.verbs import Verb
from admin.views.pilot_forms import (
    ApplicationForm,
    ApplyForm,
    CommentForm,
    CopyForm,
    CountForm,
    SubmitForm,
    application_as_saved,
    application_as_typed,
    copy_targets,
    open_declarations,
)
from core.actors import Actor
from core.models.pilots import PilotApplication
from core.rules.organisations import Role
from core.rules.pilots import EDITABLE_APPLICATION, PILOT_APPLICATION, ApplicationState
from core.usecases.applications import copy_application, delete_application, save_application, submit_application
from core.usecases.reviews import (
    approve_application,
    approve_as_requested,
    pass_as_city,
    pass_preliminary,
    return_application,
)

A = ApplicationState


def _is_at_city(row: PilotApplication) -> bool:
    return row.state is A.CITY_REVIEW or (row.state is A.PENDING_INITIAL and row.has_city_review)


def _is_at_province(row: PilotApplication) -> bool:
    return row.state in (A.PRELIMINARY_REVIEW, A.FINAL_REVIEW) or (
        row.state is A.PENDING_INITIAL and not row.has_city_review
    )


def _may_return(row: PilotApplication, actor: Actor) -> bool:
    if _is_at_city(row):
        return Role.CITY in actor.roles and actor.city_code == row.city_code
    return _is_at_province(row) and Role.PROVINCE in actor.roles and actor.province_code == row.province_code


def _needs_first_look(row: PilotApplication) -> bool:
    return row.plan.final_review_required and row.state is not A.FINAL_REVIEW


def to_form(made: PilotApplication) -> str:
    """On to majors, words and files."""
    return url_for("applications.verb_view", verb_name="edit", id=made.id)


def _after_saving(saved: PilotApplication) -> str:
    """保存 shows what was saved, 保存并提交 goes on to the second look."""
    if request.form.get("next") == "submit":
        return url_for("applications.verb_view", verb_name="submit_application", id=saved.id, saved=1)
    return url_for("applications.details_view", id=saved.id, saved=1)


CREATE = Verb(
    save_application,
    "申报证书试点",
    key="apply",
    form=ApplyForm,
    act="apply_for_pilot",
    when=lambda row, actor: bool(open_declarations(reader())),
    given=lambda actor: {"college_id": actor.college_id},
    explain="保存后是“未提交”，可以反复修改；下一页填写专业、师资、场地和佐证材料，核对后再提交。",
    then=to_form,
    done="已保存为“未提交”，请继续填写，核对后提交。",
)
EDIT = Verb(
    save_application,
    "编辑",
    key="edit",
    row="application_id",
    form=ApplicationForm,
    act="apply_for_pilot",
    when=lambda row, actor: row.state in EDITABLE_APPLICATION,
    fill=application_as_typed,
    shape=application_as_saved,
    template="admin/application_form.html",
    then=_after_saving,
    done="申报已保存，提交之前都可以修改。",
)
ROW_VERBS = (
    Verb(
        submit_application,
        "提交",
        form=SubmitForm,
        act="apply_for_pilot",
        move=(PILOT_APPLICATION, "submit"),
        confirm="提交后，在审核结果出来之前不能修改或删除。确定提交吗？",
        tone="primary",
        send="确认提交",
        template="admin/application_submit.html",
        done="申报已提交，请等待审核。",
    ),
    Verb(
        delete_application,
        "删除",
        act="apply_for_pilot",
        when=lambda row, actor: row.state is A.DRAFT,
        confirm="删除后不能恢复。确定删除这份申报吗？",
        tone="danger",
        done="申报已删除。",
    ),
    Verb(
        copy_application,
        "沿用",
        key="copy",
        row="application_id",
        form=CopyForm,
        act="apply_for_pilot",
        when=lambda row, actor: bool(copy_targets(reader(), row)),
        explain="人数、专业、师资、场地和佐证材料一并带到新批次，保存为“未提交”，可以修改后再提交。",
        then=to_form,
        done="已沿用为新的申报，请核对修改后提交。",
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
        template="admin/application_review.html",
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
BATCH_VERBS = (
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
    Verb(
        approve_as_requested,
        "批量批准",
        key="approve_all",
        act="review_as_province",
        confirm="确定按申请人数批准这 {count} 份申报吗？指标随即下达。",
        explain="人数不变地批准；需要减少人数的，请逐份批准。",
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
