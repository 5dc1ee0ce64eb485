"""What became of a file somebody sent in and does not look at any more: by counts, never by its rows or its name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from core.models.records import ImportJob
from core.notifications.message import Button, Message, Press, told
from core.rules.imports import KEPT_FOR, ImportState
from core.rules.telling import Tempo

_PAGE = "/admin/imports/{job_id}/"


@dataclass(frozen=True, slots=True)
class _OfImport(Message):
    """Common to all; title: the sheet's; round: the version of the import it was told at, so each result is told."""

    buttons: ClassVar[tuple[Button, ...]] = (Button("打开导入页面", page=_PAGE),)
    tempo: ClassVar[Tempo] = Tempo.AT_ONCE
    job_id: int
    title: str
    round: int

    def recipients(self, session: Session) -> Iterable[int]:
        sender = self._job(session).created_by
        return [] if sender is None else [sender]

    def dedupe_key(self) -> str:
        return f"{self.kind}:{self.job_id}:{self.round}"

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        job = self._job(session)
        return {
            "job_id": job.id,
            "title": self.title,
            "rows": job.row_count,
            "taken": job.accepted_count,
            "created": job.accepted_count - job.changed_count,
            "changed": job.changed_count,
            "unchanged": job.unchanged_count,
            "rejected": job.rejected_count,
        }

    def _job(self, session: Session) -> ImportJob:
        return session.get_one(ImportJob, self.job_id)


@told
@dataclass(frozen=True, slots=True)
class ImportChecked(_OfImport):
    """§3.22: a file has been looked over and has rows that may be taken; its sender says so."""

    kind: ClassVar[str] = "imports.checked"
    is_personal: ClassVar[bool] = True
    buttons: ClassVar[tuple[Button, ...]] = (
        Button("{take_label}", press=Press.APPROVE),
        Button("打开导入页面", page=_PAGE),
    )
    useful_for: ClassVar[timedelta] = KEPT_FOR
    asks: ClassVar[bool] = True

    def thing(self, session: Session) -> tuple[str, int, int] | None:
        return ImportJob.__tablename__, self.job_id, self._job(session).version

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        facts = _OfImport.details(self, session, now)
        state = self._job(session).state
        is_taken = state in {ImportState.WRITING, ImportState.DONE, ImportState.UNDONE}  # its end is told by itself
        facts |= {"state": "已确认" if is_taken else state.label, "is_waiting": state is ImportState.PREVIEW}
        label = "只写入合格的 {taken} 行" if facts["rejected"] else "写入 {taken} 行"
        return facts | {"take_label": label.format_map(facts)}

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return self._job(session).state is ImportState.PREVIEW


@told
@dataclass(frozen=True, slots=True)
class ImportNotTaken(_OfImport):
    """§3.22: nothing of a file was taken, or nothing of it can be; reason: in words, "" where the rows say it all."""

    kind: ClassVar[str] = "imports.not_taken"
    reason: str

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        return _OfImport.details(self, session, now) | {"reason": self.reason}

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return self._job(session).state in {ImportState.PREVIEW, ImportState.REJECTED}


@told
@dataclass(frozen=True, slots=True)
class ImportDone(_OfImport):
    """R-294, R-295: the rows are in; how many, and how many were not taken."""

    kind: ClassVar[str] = "imports.done"
