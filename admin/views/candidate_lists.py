"""What a list of candidates can be asked for, beside the columns themselves."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select

from admin.filters import Among, Contains, PanelFilter
from admin.session import current_actor, reader
from core.models.candidates import Candidate, MergedCandidate
from core.models.records import ImportJob
from core.notifications.words import when
from core.queries import scoping

IMPORTS_OFFERED = 50  # the newest
SHEETS = ("candidates", "social-candidates")


class MajorFilter(Contains):
    """The major by its name or its code."""

    def apply(self, query: Any, value: Any, alias: Any = None) -> Any:
        found = (column.icontains(value, autoescape=True) for column in (Candidate.major_name, Candidate.major_code))
        return query.filter(or_(*found))


class RegisteredFilter(Among):
    """Registered for anything at all, or not."""

    def __init__(self, name: str) -> None:
        super().__init__(Candidate.registered_count, name, [("yes", "已报考"), ("no", "未报考")])

    def apply(self, query: Any, value: Any, alias: Any = None) -> Any:
        count = Candidate.registered_count
        return query.filter(count > 0 if value == "yes" else count == 0)


def filter_of(name: str, label: str) -> PanelFilter | None:
    """The special filter of this column, if it has one."""
    if name == "major_name":
        return MajorFilter(Candidate.major_name, label)
    if name == "registered_count":
        return RegisteredFilter("是否报考")
    if name == "import_job_id":
        return Among(Candidate.import_job_id, "导入批次", imports_offered)
    return None


def imports_offered() -> list[tuple[int, str]]:
    """(id, file and time) of the newest imports that brought candidates, of those this person may see."""
    query = (
        select(ImportJob.id, ImportJob.file_name, ImportJob.created_at)
        .where(ImportJob.sheet.in_(SHEETS), ImportJob.accepted_count > 0, scoping.visible(ImportJob, current_actor()))
        .order_by(ImportJob.id.desc())
        .limit(IMPORTS_OFFERED)
    )
    return [(ident, f"{file_name} · {when(at)}") for ident, file_name, at in reader().execute(query)]


def survivor_of(typed: str) -> str:
    """The number of whoever a candidate was merged into, where this is the number of one that is gone; else ""."""
    query = (
        select(Candidate.candidate_no)
        .join(MergedCandidate, MergedCandidate.candidate_id == Candidate.id)
        .where(MergedCandidate.candidate_no == typed, scoping.visible(Candidate, current_actor()))
    )
    return reader().scalar(query) or ""
