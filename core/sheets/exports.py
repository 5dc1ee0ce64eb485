"""What can be exported (§5.2): title, columns, rows and the right to them, one ExportSpec per list.

Exports carry whole numbers where lists mask them; that is why they need a code (R-010, R-011).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from core.actors import Actor
from core.errors import NotFound
from core.models.base import Base
from core.models.candidates import Candidate
from core.models.certificates import CertificateIssuance
from core.models.organisations import College, EvaluationOrg
from core.models.pilots import PilotApplication, Quota
from core.models.registrations import Registration, SubjectRegistration
from core.models.scores import CertificateResult
from core.queries import export_lists
from core.queries.phases import SCORE_PHASES
from core.queries.scoping import visible
from core.rules.catalogue import modes_text
from core.rules.marks import hundredths_text, mark_text, pass_rule_text
from core.rules.registrations import PHASES_OF_A_REGISTRATION
from core.sheets.photo_export import write_photos
from core.sheets.writer import Heading, Marking, in_words, write_rows

AT_ONCE = 500  # rows held in memory
Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Asking:
    """Who wants the rows, and when."""

    session: Session
    actor: Actor
    now: datetime


def as_they_are(asking: Asking, rows: Sequence[Row]) -> Iterable[Row]:
    """The columns of the query less the id."""
    return (tuple(row)[1:] for row in rows)


class Writer(Protocol):
    """Writes rows into a file and says how many there were; see core.sheets.writer.write_rows."""

    def __call__(
        self,
        headings: Sequence[Heading],
        rows: Iterable[Row],
        out: Path | BinaryIO,
        *,
        title: str = "",
        marking: Marking | None = None,
    ) -> int: ...


@dataclass(frozen=True, slots=True)
class ExportSpec:
    """One export. act: the right to it; query: its rows, id first; finish: a block of them as the columns want them.

    beyond: how many of the last columns are for readers of many colleges only. needs_code: R-011. has_plan: its rows
    belong to exam plans. only: a condition on the table for exports that are not of every row; write, suffix: the
    kind of file, a workbook by default.
    """

    name: str
    title: str
    act: str
    model: type[Base]
    headings: tuple[Heading, ...]
    query: Callable[[Actor, datetime], Select[*tuple[Any, ...]]]
    finish: Callable[[Asking, Sequence[Row]], Iterable[Row]] = as_they_are
    needs_code: bool = True
    beyond: int = 0
    has_plan: bool = False
    only: ColumnElement[bool] | None = None
    write: Writer = write_rows
    suffix: str = ".xlsx"

    def columns_for(self, actor: Actor) -> tuple[Heading, ...]:
        """The columns this reader gets."""
        return self.headings[: self._width(actor)]

    def count(self, asking: Asking, where: ColumnElement[bool] | None) -> int:
        """How many rows there are."""
        model: Any = self.model
        query = select(func.count(model.id)).where(visible(model, asking.actor, asking.now))
        query = query if self.only is None else query.where(self.only)
        return asking.session.scalar(query if where is None else query.where(where)) or 0

    def rows(self, asking: Asking, where: ColumnElement[bool] | None) -> Iterator[Row]:
        """The rows as they come, a block in memory at a time."""
        query = self.query(asking.actor, asking.now)
        found = asking.session.execute(
            (query if where is None else query.where(where)).execution_options(yield_per=AT_ONCE)
        )
        width = self._width(asking.actor)
        for block in found.partitions(AT_ONCE):
            yield from (row[:width] for row in self.finish(asking, block))

    def _width(self, actor: Actor) -> int:
        return len(self.headings) - (self.beyond if actor.college_id is not None else 0)


def _headings(words: str) -> tuple[Heading, ...]:
    """Columns from words: 证件号码:24 is one of that width."""
    parts = (word.partition(":") for word in words.split())
    return tuple(Heading(title, int(width or 16)) for title, _, width in parts)


# -- blocks of rows as the columns want them ---------------------------------------------------------------------------


def _colleges(asking: Asking, rows: Sequence[Row]) -> Iterator[Row]:
    for _, code, name, is_pilot, kind, state in rows:
        yield code, name, "试点院校机构" if is_pilot else "非试点院校机构", kind, state


def _applications(asking: Asking, rows: Sequence[Row]) -> Iterator[Row]:
    for _, year, batch, name, level, *others in rows:
        yield year, batch, f"{name}({level.label})", *others


def _registrations(asking: Asking, rows: Sequence[Row]) -> Iterator[Row]:
    for _, *cells, place in rows:
        yield *cells, PHASES_OF_A_REGISTRATION[place] if place is not None else None


def _sittings(asking: Asking, rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        _, *first = row[:13]
        modes, *certificate, tenths, is_absent, is_invalid, starts, ends = row[13:23]
        *site, phase = row[23:]
        score = "" if is_absent is None else _points(tenths, is_absent, is_invalid)
        yield *first, modes_text(modes), *certificate, score, _time(starts, ends), *site, SCORE_PHASES[phase]


def _results(asking: Asking, rows: Sequence[Row]) -> Iterator[Row]:
    subjects: dict[int, list[str]] = defaultdict(list)
    lines = export_lists.subject_lines(asking.session, [row[1] for row in rows], asking.actor, asking.now)
    for registration_id, name, tenths, is_absent, is_invalid in lines:
        words = "" if is_absent is None else mark_text(tenths, is_absent, is_invalid)
        subjects[registration_id].append(f"{name} {words or '未登记'}")
    for _, registration_id, *cells, rule, composite_pass, composite, state, is_final in rows:
        marks = "；".join(subjects[registration_id])
        ending = "最终" if is_final else "暂定"
        yield *cells, marks, pass_rule_text(rule, composite_pass), hundredths_text(composite), state, ending


def _points(tenths: int | None, is_absent: bool, is_invalid: bool) -> Any:
    """A number Excel can add up, else the word for why there is none."""
    has_points = tenths is not None and not is_absent and not is_invalid
    return tenths / 10 if has_points and tenths is not None else mark_text(tenths, is_absent, is_invalid)


def _time(starts: datetime | None, ends: datetime | None) -> str:
    return f"{in_words(starts)}–{in_words(ends)[-5:]}" if starts and ends else ""


# -- the exports -------------------------------------------------------------------------------------------------------

_PLAN = "考试年度:10 考试计划编号:20 考试计划:30 "
_PERSON = "考生编号:20 姓名 证件类型 证件号码:24 准考证号:32 考生类型 所属院校:30 "
_CERTIFICATE = "证书编号:20 考核证书:40 证书等级:10 "
_SITE = "考核站点编号:18 考核站点:36 "

EXPORTS: dict[str, ExportSpec] = {
    spec.name: spec
    for spec in (
        ExportSpec(
            "organisation-list",
            "培训评价组织信息",
            "export_organisations",
            EvaluationOrg,
            _headings("机构代码 机构名称:40 已试点证书数量 机构状态"),
            export_lists.organisations,
        ),
        ExportSpec(
            "college-list",
            "院校信息",
            "export_colleges",
            College,
            _headings("院校代码 院校名称:40 院校属性 院校类型 院校状态"),
            export_lists.colleges,
            _colleges,
        ),
        ExportSpec(
            "application-list",
            "申报明细表",
            "export_applications",
            PilotApplication,
            _headings(
                "申报年度:10 申报批次 证书名称:40 颁证机构:40 申请总培训人数 批准总培训人数 已使用指标数 申报状态"
                " 院校代码 院校名称:36"
            ),
            export_lists.applications,
            _applications,
            needs_code=False,
            beyond=2,
        ),
        ExportSpec(
            "quota-list",
            "指标明细表",
            "export_quotas",
            Quota,
            _headings(
                "年度:10 院校代码 院校名称:36 证书编号:20 证书名称:40 证书等级:10 颁证机构:40 批准:10 已使用:10 剩余:10"
                " 作废:10 状态"
            ),
            export_lists.quotas,
            needs_code=False,
        ),
        ExportSpec(
            "candidate-list",
            "学生信息",
            "export_candidates",
            Candidate,
            _headings(
                "考生编号:20 学生姓名 姓名拼音:22 性别:8 证件类型 证件号码:24 手机号码 入学年份:10 专业层次 就读专业:24"
                " 专业代码 考生类型 所属院校:30 已报考证书:12 信息状态"
            ),
            export_lists.candidates,
        ),
        ExportSpec(
            "candidate-photos",
            "学生照片",
            "export_photos",
            Candidate,
            _headings("证件类型 证件号码:24 照片"),
            export_lists.photos,
            only=Candidate.photo_hash.is_not(None),
            write=write_photos,
            suffix=".zip",
        ),
        ExportSpec(
            "registration-list",
            "报考数据",
            "export_registrations",
            Registration,
            _headings(f"{_PLAN}{_PERSON}手机号码 就读专业:24 {_CERTIFICATE}参考对象 {_SITE}缴费状态 考试状态"),
            export_lists.registrations,
            _registrations,
            has_plan=True,
        ),
        ExportSpec(
            "score-list",
            "科目成绩",
            "export_scores",
            SubjectRegistration,
            _headings(
                f"{_PLAN}{_PERSON}科目编号:24 考试科目:24 考试方式 {_CERTIFICATE}考核单位:36 考试成绩:10 考试时间:26"
                f" {_SITE}考场 座位号:8 考试状态"
            ),
            export_lists.sittings,
            _sittings,
            has_plan=True,
        ),
        ExportSpec(
            "result-list",
            "证书考核详情",
            "export_results",
            CertificateResult,
            _headings(
                f"{_PLAN}{_PERSON}{_CERTIFICATE}{_SITE}科目成绩:40 考核通过条件:40 综合成绩:10 考核状态 是否最终:10"
            ),
            export_lists.results,
            _results,
            has_plan=True,
        ),
        ExportSpec(
            "issuance-list",
            "发证记录",
            "export_issuances",
            CertificateIssuance,
            _headings(f"{_PERSON}发证编号:24 {_CERTIFICATE}颁证机构:36 发证时间:12 发证方式 {_PLAN}{_SITE}颁证状态"),
            export_lists.issuances,
            has_plan=True,
        ),
    )
}


def export_spec(name: str) -> ExportSpec:
    """The export of this name, or NotFound."""
    if name not in EXPORTS:
        raise NotFound("sheet_unknown", value=name, known=list(EXPORTS))
    return EXPORTS[name]
