"""How each kind of Matter looks in chat: the words of its questions and recaps, and the keys below them."""

from __future__ import annotations

from datetime import datetime
from functools import singledispatch
from typing import Any

from sqlalchemy.orm import Session

from bot.keyboards import Keys, panel_key, recap_key
from core.models.records import ChatDraft
from core.notifications.message import Press
from core.notifications.pilots import files_of
from core.queries.applications import as_submitted, fingerprint_of
from core.queries.changes import changes_of
from core.rules.delegations import Duty
from core.rules.pilots import ReviewStep
from core.usecases.decisions import Question
from core.usecases.matters import Batch, Matter, Proposal, Review, Rows

_STEPS = {"pass_city": ReviewStep.CITY, "pass_preliminary": ReviewStep.PRELIMINARY, "approve": ReviewStep.FINAL}
_CONFIRM = {
    "pass_city": "确认审核通过 {count} 人",
    "pass_preliminary": "确认初审通过 {count} 人",
    "approve": "确认批准 {number} 人",
}
_SHOWN = 8  # of the fingerprint's digits
_TEMPLATES = {
    Question.REASON: "ask_reason",
    Question.NUMBER: "ask_number",
    Question.CONFIRM_RETURN: "return",
    Question.CONFIRM_APPROVAL: "approve",
}


def template_of(matter: Matter, draft: ChatDraft) -> str:
    """The words of what is being asked."""
    return f"{subject_of(matter)}_{_TEMPLATES[Question(draft.flow)]}"


@singledispatch
def subject_of(matter: Matter) -> str:
    """The first half of its templates' names."""
    raise NotImplementedError


@singledispatch
def facts_of(matter: Matter, session: Session, now: datetime) -> dict[str, Any]:
    """What its templates show: counts and names of organisations, nothing personal."""
    raise NotImplementedError


@singledispatch
def recap_keys(matter: Matter, draft: ChatDraft, user_id: int) -> Keys:
    """The keys of the second screen, the one that acts last; all die with the draft."""
    raise NotImplementedError


# -- certificates ------------------------------------------------------------------------------------------------------


@subject_of.register
def _(matter: Batch) -> str:
    return "certificates"


@facts_of.register
def _(matter: Batch, session: Session, now: datetime) -> dict[str, Any]:
    return {"plan": matter.plan.name, "count": matter.count}


@recap_keys.register
def _(matter: Batch, draft: ChatDraft, user_id: int) -> Keys:
    return (
        (recap_key("不退回", Press.KEEP, draft, user_id),),
        (recap_key(f"确认退回 {draft.shown_count} 张", Press.CONFIRM, draft, user_id),),
    )


# -- pilot applications ------------------------------------------------------------------------------------------------


@subject_of.register
def _(matter: Review) -> str:
    return "pilots"


@facts_of.register
def _(matter: Review, session: Session, now: datetime) -> dict[str, Any]:
    application = matter.application
    return {
        "count": matter.count,
        "act": matter.act,
        "step": _STEPS[matter.act].label,
        "college": application.college.name,
        "certificate": application.certificate.full_name,
        "year": application.plan.year,
        "batch": application.plan.batch_name,
        "closes_at": application.plan.apply_closes_at,
        "may_resubmit": application.plan.apply_window.contains(now),
        "majors": len(application.majors),
        "files": files_of(session, application.id),
        "changes": changes_of(session, application),
        "fingerprint": fingerprint_of(as_submitted(session, application))[:_SHOWN],
    }


@recap_keys.register
def _(matter: Review, draft: ChatDraft, user_id: int) -> Keys:
    if draft.flow == Question.CONFIRM_RETURN:
        confirm = f"确认退回 {matter.count} 人的申报"
        return (
            (recap_key("不退回", Press.KEEP, draft, user_id),),
            (recap_key(confirm, Press.CONFIRM, draft, user_id),),
        )
    confirm = _CONFIRM[matter.act].format(count=matter.count, number=draft.shown_count)
    other = {
        True: recap_key("改批人数", Press.CHANGE_NUMBER, draft, user_id),
        False: panel_key("在面板按专业改批", f"/admin/applications/details/?id={matter.application.id}"),
    }
    return (
        (recap_key("暂不通过", Press.KEEP, draft, user_id),),
        *(((other[matter.has_choice],),) if matter.act == "approve" else ()),
        (recap_key(confirm, Press.CONFIRM, draft, user_id),),
    )


# -- rows of a file ----------------------------------------------------------------------------------------------------


@subject_of.register
def _(matter: Rows) -> str:
    return "imports"


@facts_of.register
def _(matter: Rows, session: Session, now: datetime) -> dict[str, Any]:
    job = matter.job
    return {
        "title": matter.title,
        "count": matter.count,
        "rows": job.row_count,
        "created": job.accepted_count - job.changed_count,
        "changed": job.changed_count,
        "rejected": job.rejected_count,
        "fingerprint": job.file_hash[:_SHOWN],
    }


@recap_keys.register
def _(matter: Rows, draft: ChatDraft, user_id: int) -> Keys:
    return (
        (recap_key("暂不写入", Press.KEEP, draft, user_id),),
        (recap_key(f"确认写入 {draft.shown_count} 行", Press.CONFIRM, draft, user_id),),
    )


# -- who stands in for somebody ----------------------------------------------------------------------------------------


@subject_of.register
def _(matter: Proposal) -> str:
    return "delegations"


@facts_of.register
def _(matter: Proposal, session: Session, now: datetime) -> dict[str, Any]:
    row = matter.delegation
    return {
        "deputy": row.deputy.login,
        "duty": row.duty.label,
        "is_default": row.is_default,
        "starts_at": max(row.starts_at, now),
        "ends_at": row.ends_at,
        "by_reviewer": row.duty is Duty.SIGNING,
    }


@recap_keys.register
def _(matter: Proposal, draft: ChatDraft, user_id: int) -> Keys:
    if draft.flow == Question.CONFIRM_RETURN:
        return (
            (recap_key("不谢绝", Press.KEEP, draft, user_id),),
            (recap_key("确认谢绝 1 项", Press.CONFIRM, draft, user_id),),
        )
    return (
        (recap_key("暂不接受", Press.KEEP, draft, user_id),),
        (recap_key("确认接受 1 项", Press.CONFIRM, draft, user_id),),
    )
