"""What became of the photos of an archive, file by file."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.models.base import Code, Name, Record, Words, only_when, part_of
from core.models.candidates import Candidate
from core.models.records import ImportJob
from core.rules.photo_verdicts import PhotoState, Twin


class PhotoVerdict(Record):
    """One file of a photo import (I-03). file_name: names an ID number, so it is shown masked (R-010).

    sha256: of the picture taken or offered. message: why it was not taken. twin: the same picture is found under
    another name, twin_place in the archive or twin_id of the college. offer: the crop, until somebody decides on it.
    """

    __tablename__ = "photo_verdicts"
    __private__ = frozenset({"file_name", "offer"})

    job_id: Mapped[int] = part_of("import_jobs.id", index=False)
    place: Mapped[int]
    file_name: Mapped[Name]
    candidate_id: Mapped[int | None] = mapped_column(ForeignKey("candidates.id", ondelete="SET NULL"), index=True)
    state: Mapped[PhotoState]
    code: Mapped[Code] = mapped_column(default="")
    message: Mapped[Words] = mapped_column(default="")
    twin: Mapped[Twin | None]
    twin_place: Mapped[int | None]
    twin_id: Mapped[int | None] = mapped_column(ForeignKey("candidates.id", ondelete="SET NULL"), index=True)
    sha256: Mapped[str | None] = mapped_column(String(64))
    offer: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None]

    job: Mapped[ImportJob] = relationship()
    candidate: Mapped[Candidate | None] = relationship(foreign_keys=candidate_id)
    twin_candidate: Mapped[Candidate | None] = relationship(foreign_keys=twin_id)

    __table_args__ = (
        UniqueConstraint("job_id", "place"),
        Index("ix_photo_verdicts_job_state", "job_id", "state"),
        only_when("offer_while_undecided", "offer", "state", [PhotoState.OFFERED]),
    )
