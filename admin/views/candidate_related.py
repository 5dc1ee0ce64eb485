"""What a candidate's page shows below its columns."""

from __future__ import annotations

from sqlalchemy import select

from admin.session import current_actor, reader
from admin.usecase_view import Related
from admin.views.candidate_checks import reason_words
from admin.views.people import clipped
from core.models.accounts import UserAccount
from core.models.candidates import Candidate, IdentityVerification, MergedCandidate
from core.models.registrations import Registration
from core.queries import scoping


def merged_into(row: Candidate) -> list[Related]:
    """The records that became this one, by their numbers."""
    found = reader().execute(
        select(MergedCandidate, UserAccount.real_name)
        .outerjoin(UserAccount, UserAccount.id == MergedCandidate.actor_id)
        .where(MergedCandidate.candidate_id == row.id)
        .order_by(MergedCandidate.id)
    )
    rows = [(merged.candidate_no, merged.merged_at, who or "系统") for merged, who in found]
    return [Related("并入的记录", ("原考生编号", "时间", "操作人"), rows)] if rows else []


def checks_of(row: Candidate) -> list[Related]:
    """实名认证记录, newest first, for those who may read them."""
    if not scoping.may_see(IdentityVerification, current_actor()):
        return []
    found = reader().execute(
        select(IdentityVerification, UserAccount.real_name)
        .outerjoin(UserAccount, UserAccount.id == IdentityVerification.actor_id)
        .where(IdentityVerification.candidate_id == row.id)
        .order_by(IdentityVerification.id.desc())
    )
    rows = [
        (check.at, check.method, check.result.label, reason_words(check.reason), who or "系统") for check, who in found
    ]
    return [Related("实名认证记录", ("时间", "方式", "结果", "说明", "操作人"), rows, "还没有认证记录。")]


def registrations_of(row: Candidate) -> Related:
    """What the candidate is registered for, of the plans this person sees."""
    found = reader().scalars(
        select(Registration)
        .where(Registration.candidate_id == row.id, scoping.visible(Registration, current_actor()))
        .order_by(Registration.id.desc())
    )
    rows = [
        (r.plan.plan_no, r.plan.name, r.certificate.full_name, clipped(r.site.name), r.snapshot.ticket_no)
        for r in found
    ]
    return Related("报考", ("计划编号", "考试计划", "证书", "考核站点", "准考证号"), rows, "还没有报考。")
