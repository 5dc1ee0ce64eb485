"""The cells of a list of candidates."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from admin import cells
from admin.views.people import portrait, two_lines
from core.models.candidates import Candidate
from core.rules import values


def photo_cell(view: Any, context: Any, row: Candidate, name: str) -> Markup:
    """The picture, small; a quiet frame where there is none."""
    return portrait(row) or Markup('<span class="thumb is-empty">{}</span>').format("无照片")


def person_cell(view: Any, context: Any, row: Candidate, name: str) -> Markup:
    """Name above number."""
    return two_lines(row.name, row.candidate_no)


def document_cell(view: Any, context: Any, row: Candidate, name: str) -> Markup:
    """Masked ID above masked mobile (R-010)."""
    return two_lines(values.mask_id(row.id_number), values.mask_mobile(row.mobile) if row.mobile else cells.NOTHING)


def major_cell(view: Any, context: Any, row: Candidate, name: str) -> Markup:
    """Major with its code above the level."""
    major = f"{row.major_name}（{row.major_code}）" if row.major_code else cells.NOTHING
    level = row.education_level.label if row.education_level else cells.NOTHING
    return Markup('<span class="two"><span>{}</span><small>{}</small></span>').format(major, level)
