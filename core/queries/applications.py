"""Pilot applications as reviewers read them: what was submitted, word for word, and its fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core.models.catalogue import CertificateType
from core.models.files import Attachment
from core.models.pilots import DeclarationPlan, PilotApplication, PilotSubmission, Quota
from core.rules.organisations import Switch
from core.rules.pilots import EDITABLE_APPLICATION, CertificateScope
from core.rules.submissions import Changes, changes_between


def as_submitted(session: Session, application: PilotApplication) -> str:
    """Everything a reviewer decides on, as JSON that is the same for the same content."""
    files = select(Attachment.file_name, Attachment.sha256).where(Attachment.application_id == application.id)
    content = {
        "certificate_id": application.certificate_id,
        "certificate": application.certificate.full_name,
        "requested_count": application.requested_count,
        "faculty_description": application.faculty_description,
        "venue_description": application.venue_description,
        "majors": [
            {
                "major_id": row.major_id,
                "name": f"{row.major.name}（{row.major.code}）",
                "students_enrolled": row.students_enrolled,
                "full_time_teachers": row.full_time_teachers,
                "requested_count": row.requested_count,
            }
            for row in sorted(application.majors, key=lambda row: row.major_id)
        ],
        "files": [list(row) for row in session.execute(files.order_by(Attachment.id))],
    }
    return json.dumps(content, ensure_ascii=False, sort_keys=True)


def fingerprint_of(content: str) -> str:
    """64 hexadecimal digits that change with the content; people are shown the first eight."""
    return hashlib.sha256(content.encode()).hexdigest()


def missing_parts(application: PilotApplication) -> list[str]:
    """What still has to be filled in before submitting, in the words of the form (R-029, R-033)."""
    missing = []
    if not application.faculty_description:
        missing.append("师资情况")
    if not application.venue_description:
        missing.append("场地情况")
    if application.plan.by_major_required and not application.majors:
        missing.append("拟申报专业")
    return missing


def has_applications(session: Session, plan_id: int) -> bool:
    """True once some college has saved something for the plan."""
    return session.scalar(select(PilotApplication.id).where(PilotApplication.plan_id == plan_id).limit(1)) is not None


def submissions_of(session: Session, application_id: int) -> list[PilotSubmission]:
    """Every round, first to last."""
    rounds = select(PilotSubmission).where(PilotSubmission.application_id == application_id)
    return list(session.scalars(rounds.order_by(PilotSubmission.round)))


def since_last(session: Session, application: PilotApplication) -> tuple[PilotSubmission, Changes] | None:
    """The submission before, and what is different: of a draft against the last round, else between the last two."""
    rounds = submissions_of(session, application.id)
    if application.state in EDITABLE_APPLICATION:
        return (rounds[-1], _between(rounds[-1].content, as_submitted(session, application))) if rounds else None
    return (rounds[-2], _between(rounds[-2].content, rounds[-1].content)) if len(rounds) > 1 else None


def _between(before: str, after: str) -> Changes:
    return changes_between(json.loads(before), json.loads(after))


def used_quota(session: Session, applications: Iterable[PilotApplication]) -> dict[int, int]:
    """Application id → 已使用指标数 of its college, certificate and year (R-045); one query for a whole page."""
    keys = {row.id: (row.college_id, row.certificate_id, row.plan.year) for row in applications}
    colleges, certificates, years = (set(column) for column in zip(*keys.values(), strict=True)) if keys else ((),) * 3
    held = select(Quota.college_id, Quota.certificate_id, Quota.year, Quota.used).where(
        Quota.college_id.in_(colleges), Quota.certificate_id.in_(certificates), Quota.year.in_(years)
    )
    used = {(college, certificate, year): number for college, certificate, year, number in session.execute(held)}
    return {ident: used[key] for ident, key in keys.items() if key in used}


def earlier_applications(college_id: int, plan: DeclarationPlan) -> Select[PilotApplication]:
    """What a college applied for in other batches and not yet in this one, newest first: it may be copied."""
    taken = select(PilotApplication.certificate_id).where(
        PilotApplication.college_id == college_id, PilotApplication.plan_id == plan.id
    )
    open_here = [
        PilotApplication.college_id == college_id,
        PilotApplication.plan_id != plan.id,
        PilotApplication.certificate_id.not_in(taken),
        CertificateType.state == Switch.ENABLED,
    ]
    if plan.scope is CertificateScope.PART:
        open_here.append(CertificateType.id.in_([certificate.id for certificate in plan.certificates]))
    return (
        select(PilotApplication)
        .join(PilotApplication.certificate)
        .where(*open_here)
        .order_by(PilotApplication.id.desc())
    )
