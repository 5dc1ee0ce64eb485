"""What the page of an exam plan shows beside its facts: windows on a line, certificates, the checklist of R-062."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import url_for
from markupsafe import Markup
from sqlalchemy.orm import Session

from core import clock
from core.actors import Actor
from core.models.plans import ExamPlan, ExamPlanCertificate, ExamPlanSubject
from core.models.sites import ExamSite
from core.notifications.words import when
from core.queries.preparation import Preparation, preparation
from core.rules.catalogue import PassRule
from core.rules.plans import PlanPhase


@dataclass(frozen=True)
class Bar:
    """A window on the common line; left and width in percent of the whole plan. word: 未开始, 进行中 or 已结束."""

    name: str
    opens_at: datetime
    closes_at: datetime
    left: float
    width: float
    tone: str
    word: str


@dataclass(frozen=True)
class Check:
    """One line of the checklist: done or open, how far in numbers, and where to go on."""

    label: str
    is_done: bool
    detail: str
    url: str


def bars(plan: ExamPlan, now: datetime) -> tuple[list[Bar], float | None]:
    """The five windows, and where today stands in percent (None outside the plan)."""
    start, end = plan.registration_opens_at, max(window.closes_at for window in plan.windows)
    whole = (end - start) / timedelta(seconds=1)

    def place(instant: datetime) -> float:
        return round((instant - start) / timedelta(seconds=1) / whole * 100, 2)

    found = []
    for window in plan.windows:
        tone, word = ("now", "进行中") if window.contains(now) else ("done", "已结束")
        if not window.started(now):
            tone, word = "coming", "未开始"
        width = max(0.8, place(window.closes_at) - place(window.opens_at))
        found.append(Bar(window.name, window.opens_at, window.closes_at, place(window.opens_at), width, tone, word))
    return found, place(now) if start <= now <= end else None


def minutes(subject: ExamPlanSubject) -> int:
    """考试时长: the sum over all sessions (R-066)."""
    return int(sum((one.ends_at - one.starts_at for one in subject.sessions), timedelta()) / timedelta(minutes=1))


def span(starts_at: datetime, ends_at: datetime) -> str:
    """5月20日 周三 09:00–10:30, with the second day only where there is one."""
    end = clock.local(ends_at)
    same = clock.local(starts_at).date() == end.date()
    return f"{when(starts_at)}–{end:%H:%M}" if same else f"{when(starts_at)} – {when(ends_at)}"


def two_lines(first: object, second: object) -> Markup:
    """A cell with a main line and a quiet one below."""
    return Markup('<div class="two">{}<small>{}</small></div>').format(first, second)


def site_words(site: ExamSite) -> str:
    """A site in a narrow column: whose it is, and its number; its full name says the certificates all over again."""
    return f"{site.college.name} {site.site_no}"


def pass_words(row: ExamPlanCertificate) -> str:
    """The pass rule in words."""
    if row.pass_rule is PassRule.COMPOSITE:
        return f"{row.pass_rule.label}（{mark(row.composite_pass_tenths)} 分）"
    return row.pass_rule.label


def mark(tenths: int | None) -> str:
    """Tenths as people write marks: 60, 59.5."""
    if tenths is None:
        return "—"
    return f"{tenths // 10}" if tenths % 10 == 0 else f"{tenths / 10}"


def checklist(session: Session, actor: Actor, plan: ExamPlan, phase: PlanPhase) -> list[Check]:
    """R-062 for the actor's college; nothing for anybody else."""
    if actor.college_id is None or phase is PlanPhase.DRAFT:
        return []
    held = preparation(session, plan, actor.college_id)
    return [
        Check(
            "考核站点",
            held.certificates_with_site == held.certificates,
            f"本计划 {held.certificates} 个证书，{held.certificates_with_site} 个有可用站点",
            url_for("sites.index_view"),
        ),
        Check(
            "考生信息",
            0 < held.candidates == held.candidates_verified,
            f"{held.candidates_verified} / {held.candidates} 人信息准确",
            "/admin/candidates/",
        ),
        Check("报考", held.registered > 0, f"已报考 {held.registered} 人", "/admin/registrations/"),
        Check(
            "考场设置",
            held.rooms > 0 and not held.seats_missing,
            _rooms(held),
            url_for("rooms.index_view", flt0_0=plan.plan_no),
        ),
        Check(
            "排考与打印材料",
            0 < held.sittings == held.published,
            f"{held.published} / {held.sittings} 科次已发布座位，可下载准考证和考场材料",
            url_for("seating.details_view", id=plan.id),
        ),
    ]


def _rooms(held: Preparation) -> str:
    words = f"已设置 {held.rooms} 个考场"
    return f"{words}，还差 {held.seats_missing} 个考位" if held.seats_missing else words


def certificates(plan: ExamPlan) -> list[dict[str, Any]]:
    """Certificates with their subjects as the page prints them."""
    return [
        {
            "name": row.certificate.full_name,
            "code": row.certificate.code,
            "rule": pass_words(row),
            "id": row.certificate_id,
            "is_weighted": row.pass_rule is PassRule.COMPOSITE,
            "subjects": [
                {"row": subject, "minutes": minutes(subject), "pass": mark(subject.pass_tenths)}
                for subject in row.subjects
            ],
        }
        for row in plan.certificates
    ]
