"""Scores in words and cells, and which of them whoever is logged in may know of."""

from __future__ import annotations

from flask import g
from markupsafe import Markup
from sqlalchemy import select

from admin import cells
from admin.session import current_actor, reader
from admin.usecase_view import Related
from admin.views.people import sitting_time
from core.models.plans import ExamPlanCertificate
from core.models.registrations import Registration, SubjectRegistration
from core.models.scores import SubjectScore
from core.queries import scoping
from core.rules.catalogue import PassRule, modes_text


def tenths_text(tenths: int | None) -> str:
    """850 → 85, 725 → 72.5."""
    if tenths is None:
        return ""
    return f"{tenths // 10}.{tenths % 10}" if tenths % 10 else str(tenths // 10)


def hundredths_text(hundredths: int | None) -> str:
    """7635 → 76.35: two decimals always (R-229)."""
    return "" if hundredths is None else f"{hundredths // 100}.{hundredths % 100:02d}"


def mark_text(tenths: int | None, is_absent: bool, is_invalid: bool = False) -> str:
    """A score in words: 缺考, 成绩无效, a number, or nothing yet."""
    return "成绩无效" if is_invalid else "缺考" if is_absent else tenths_text(tenths) or "未登记"


def score_cell(score: SubjectScore | None) -> Markup | str:
    """The number large, other words small."""
    if score is None:
        return cells.NOTHING
    words = mark_text(score.score_tenths, score.is_absent, score.is_invalid)
    faint = "" if words[:1].isdigit() else " is-faint"
    return Markup('<span class="points{}">{}</span>').format(faint, words)


def known_score(sitting: SubjectRegistration) -> SubjectScore | None:
    """The score of a sitting, as far as whoever is logged in may know of it; one query a page."""
    if "scores" not in g or sitting.id not in g.scores:
        learn_scores([sitting])
    found: SubjectScore | None = g.scores[sitting.id]
    return found


def learn_scores(sittings: list[SubjectRegistration]) -> None:
    """Read the scores of these sittings at once, so that a list asks once."""
    ids = [sitting.id for sitting in sittings]
    query = select(SubjectScore).where(
        SubjectScore.subject_registration_id.in_(ids), scoping.visible(SubjectScore, current_actor())
    )
    found = {score.subject_registration_id: score for score in reader().scalars(query)}
    g.scores = getattr(g, "scores", {}) | {ident: found.get(ident) for ident in ids}


def rule_words(rule: ExamPlanCertificate) -> str:
    """考核通过条件 in words."""
    if rule.pass_rule is PassRule.COMPOSITE:
        return f"综合成绩合格：加权总分不低于 {tenths_text(rule.composite_pass_tenths)} 分"
    return "各科成绩合格：每一科都不低于合格分数"


def subject_table(registration: Registration) -> Related:
    """The subjects of a registration with what they count, for results and certificates (R-248)."""
    learn_scores(registration.sittings)
    rows = []
    for sitting in registration.sittings:
        subject, score = sitting.plan_subject, known_score(sitting)
        weight = f"{subject.weight_percent}%" if subject.weight_percent is not None else cells.NOTHING
        facts = (subject.code, subject.name, modes_text(subject.exam_modes), sitting_time(sitting))
        rows.append((*facts, weight, tenths_text(subject.pass_tenths), score_cell(score)))
    headers = ("科目编号", "科目名称", "考试方式", "考试时间", "权重", "合格分数", "考试成绩")
    return Related("考试科目与成绩", headers, rows)
