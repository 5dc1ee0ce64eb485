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
from core.rules.catalogue import modes_text
from core.rules.marks import mark_text, pass_rule_text, tenths_text


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
    return pass_rule_text(rule.pass_rule, rule.composite_pass_tenths)


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
