"""Who did what to a candidate, when: its own entries of the trail, those of batches, and what files changed.

Values are named before and after, ID numbers and mobiles masked (R-010).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin import cells, history
from admin.history import Step
from core.models.accounts import UserAccount
from core.models.candidates import Candidate
from core.models.records import AuditEntry, ImportChange, ImportJob

BATCHES_LOOKED_AT = 500  # of entries about many candidates, the newest
_ALONE = ("add_photo", "complete", "correct", "reopen", "pass_verification", "fail_verification")
_WORDS = {
    "name": "姓名",
    "name_pinyin": "姓名拼音",
    "gender": "性别",
    "id_type": "证件类型",
    "id_number": "证件号码",
    "mobile": "手机号码",
    "enrolment_year": "入学年份",
    "education_level": "专业层次",
    "major_name": "就读专业",
    "major_code": "专业代码",
    "photo_hash": "照片",
}


def of(session: Session, candidate: Candidate) -> list[Step]:
    """Newest first; ends with how the candidate came to be here."""
    own = session.scalars(
        select(AuditEntry)
        .where(AuditEntry.object_type == Candidate.__tablename__, AuditEntry.object_id == candidate.id)
        .order_by(AuditEntry.id.desc())
        .limit(history.LONGEST)
    ).all()
    entries = [*own, *_batches(session, candidate)]
    names = history.names_of(session, entries)
    steps = [_in_words(entry, names) for entry in entries] + list(_files(session, candidate))
    if not any(entry.action == "create" for entry in own):
        steps.append(_beginning(session, candidate))
    return sorted(steps, key=lambda step: step.at, reverse=True)


def _in_words(entry: AuditEntry, names: Mapping[int, str]) -> Step:
    before, after = (json.loads(text) if text else {} for text in (entry.before, entry.after))
    step = history.step(entry, dict(names))
    if entry.action in ("create", "delete"):
        return step
    if entry.action == "reveal":
        looked_at = _WORDS.get(after.get("looked_at", "id_number"), "")
        return _changed(step, looked_at)
    return _changed(step, _versions(before, after))


def _changed(step: Step, words: str) -> Step:
    return Step(step.at, step.who, step.channel, step.action, words, step.reason)


def _versions(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """手机号码 199****0000 → 199****0001；…"""
    return "；".join(
        word if name == "photo_hash" else f"{word} {_shown(name, before.get(name))} → {_shown(name, after[name])}"
        for name, word in _WORDS.items()
        if name in after
    )


def _shown(name: str, value: Any) -> str:
    kind = getattr(Candidate.__table__.c[name].type, "enum_class", None)
    return cells.plain(kind(value) if kind is not None and value is not None else value, name)


def _batches(session: Session, candidate: Candidate) -> Iterator[AuditEntry]:
    """Entries about many candidates of which this one is one."""
    found = session.scalars(
        select(AuditEntry)
        .where(
            AuditEntry.object_type == Candidate.__tablename__,
            AuditEntry.object_id.is_(None),
            AuditEntry.action.in_(_ALONE),
            AuditEntry.at >= candidate.created_at,
        )
        .order_by(AuditEntry.id.desc())
        .limit(BATCHES_LOOKED_AT)
    )
    return (entry for entry in found if _is_among(candidate.id, json.loads(entry.after).get("ids", "")))


def _is_among(number: int, ranges: str) -> bool:
    """ranges as the trail writes them: 1-3,7,9-10."""
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        if first and int(first) <= number <= int(last or first):
            return True
    return False


def _files(session: Session, candidate: Candidate) -> Iterator[Step]:
    found = session.execute(
        select(ImportChange, ImportJob, UserAccount.real_name)
        .join(ImportJob, ImportJob.id == ImportChange.job_id)
        .outerjoin(UserAccount, UserAccount.id == ImportJob.created_by)
        .where(
            ImportChange.thing == Candidate.__tablename__,
            ImportChange.thing_id == candidate.id,
            ImportChange.before != "",
        )
        .order_by(ImportChange.id.desc())
        .limit(history.LONGEST)
    )
    for change, job, who in found:
        words = _versions(json.loads(change.before), json.loads(change.after))
        yield Step(job.created_at, who or "系统", "导入", "批量修改", words, job.file_name)


def _beginning(session: Session, candidate: Candidate) -> Step:
    job = session.get(ImportJob, candidate.import_job_id) if candidate.import_job_id else None
    maker = session.get(UserAccount, candidate.created_by) if candidate.created_by else None
    way = ("导入", "导入", job.file_name) if job is not None else ("面板", "新增", "")
    channel, action, reason = way
    return Step(candidate.created_at, maker.real_name if maker else "系统", channel, action, "", reason)
