"""Pilot applications as reviewers read them: what was submitted, word for word, and its fingerprint."""

from __future__ import annotations

import hashlib
import json

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.models.files import Attachment
from core.models.pilots import PilotApplication, PilotSubmission


def as_submitted(session: Session, application: PilotApplication) -> str:
    """Everything a reviewer decides on, as JSON that is the same for the same content."""
    files = select(Attachment.file_name, Attachment.sha256).where(Attachment.application_id == application.id)
    content = {
        "certificate_id": application.certificate_id,
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


def submissions_of(session: Session, application_id: int) -> list[PilotSubmission]:
    """Every round, first to last."""
    rounds = select(PilotSubmission).where(PilotSubmission.application_id == application_id)
    return list(session.scalars(rounds.order_by(PilotSubmission.round)))
