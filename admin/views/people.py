"""Cells about a candidate inside a plan, the same in every list: who, with which certificate, when and where."""

from __future__ import annotations

from typing import Any

from flask import url_for
from markupsafe import Markup

from admin import cells
from admin.session import current_actor
from core.models.candidates import Candidate, CandidatePhoto
from core.models.plans import ExamPlan
from core.models.registrations import Registration, SubjectRegistration
from core.notifications.words import when
from core.queries.scoping import may_see
from core.rules import values

WHO = (
    "registration.candidate.photo_hash",
    "registration.snapshot.name",
    "registration.snapshot.id_number",
    "registration.snapshot.ticket_no",
    "registration.candidate.candidate_no",
    "registration.kind",
    "registration.college.name",
)  # the columns of a candidate as registered, for a page of something that hangs on the registration
WHO_LABELS = {
    "registration.candidate.photo_hash": "照片",
    "registration.snapshot": "考生",
    "registration.snapshot.name": "考生姓名",
    "registration.snapshot.id_number": "证件号码",
    "registration.snapshot.ticket_no": "准考证号",
    "registration.candidate.candidate_no": "考生编号",
    "registration.kind": "考生类型",
    "registration.college.name": "所属院校",
    "registration.site.name": "考核站点",
    "registration.plan.name": "考试计划",
    "registration.plan.plan_no": "计划编号",
    "registration.plan.exam_year": "考试年度",
    "registration.certificate.name": "证书名称",
    "registration.certificate.full_name": "证书",
}


def two_lines(above: Any, below: Any) -> Markup:
    """A main word with a small one below."""
    return Markup('<span class="two"><b>{}</b><small>{}</small></span>').format(above, below)


def clipped(text: str) -> Markup:
    """A long name on one line of a list, cut with …; the whole of it on pointing."""
    return Markup('<span class="clip" title="{0}">{0}</span>').format(text)


def plan_cell(plan: ExamPlan) -> Markup:
    """Plan name above its number."""
    return two_lines(plan.name, plan.plan_no)


def person_cell(registration: Registration) -> Markup:
    """Name and kind as registered, above masked ID and ticket number."""
    person = registration.snapshot
    return two_lines(f"{person.name} · {registration.kind.label}", values.mask_id(person.id_number))


def sitting_time(sitting: SubjectRegistration) -> str:
    """When a subject is sat; nothing before seats are given."""
    seat = sitting.seat
    if seat is None:
        return cells.NOTHING
    session = seat.room_arrangement.session
    ends = when(session.ends_at).rsplit(" ", 1)[-1]
    return f"{when(session.starts_at)}–{ends}"


def sitting_place(sitting: SubjectRegistration) -> str:
    """Room and seat of a subject; nothing before seats are given."""
    seat = sitting.seat
    return f"{seat.room_arrangement.room.name} {seat.seat_no} 号" if seat is not None else cells.NOTHING


def portrait(candidate: Candidate) -> Markup | None:
    """The picture, small, with a link to itself; None where there is none, or this person may not see photos."""
    if candidate.photo_hash is None or not may_see(CandidatePhoto, current_actor()):
        return None
    address = url_for("candidates.photo_view", ident=candidate.id, v=candidate.photo_hash[:8])
    return Markup(
        '<a class="thumb" href="{0}"><img src="{0}" alt="{1}的照片" width="44" height="62" loading="lazy"></a>'
    ).format(address, candidate.name)
