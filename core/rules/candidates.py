"""Candidates: from a row in a file to a person who may sit an exam (§3.6)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from core.rules.machine import Labelled, Machine, Move


class CandidateKind(Labelled):
    """R-071; fixed by the tab in which the candidate was created."""

    COLLEGE = "college", "院校考生"
    SOCIAL = "social", "社会考生"


class CandidateState(Labelled):
    """考生信息状态, in the order of the tabs."""

    NO_PHOTO = "no_photo", "无照片"
    INCOMPLETE = "incomplete", "信息不全"
    PENDING_VERIFICATION = "pending_verification", "信息待认证"
    NEEDS_MANUAL = "needs_manual", "需人工确认"
    VERIFIED = "verified", "信息准确"


C = CandidateState
UNVERIFIED = frozenset(CandidateState) - {C.VERIFIED}
LINK_PURPOSE = "candidate"  # of the one-time secrets behind /my/link/
LINK_VALID_FOR = timedelta(days=7)  # students do not read every short message on the day
LOCKED_WHEN_VERIFIED = frozenset({"name", "id_type", "id_number", "photo"})

CANDIDATE = Machine(
    "考生",
    CandidateState,
    C.INCOMPLETE,
    (
        Move("complete", {C.INCOMPLETE}, C.NO_PHOTO),
        Move("reopen", {C.NO_PHOTO}, C.INCOMPLETE),  # an import that completed it is undone
        Move("add_photo", {C.NO_PHOTO, C.PENDING_VERIFICATION, C.NEEDS_MANUAL}, C.PENDING_VERIFICATION),
        Move("pass_verification", {C.PENDING_VERIFICATION}, C.VERIFIED),
        Move("fail_verification", {C.PENDING_VERIFICATION}, C.NEEDS_MANUAL),
        Move("confirm_by_hand", {C.NEEDS_MANUAL}, C.VERIFIED),
        Move("correct", {C.PENDING_VERIFICATION, C.NEEDS_MANUAL}, C.PENDING_VERIFICATION),
    ),
)


class VerificationMethod(Labelled):
    """How an identity was checked (§2.20)."""

    RULES = "rules", "规则核验"
    PHOTO_MATCH = "photo_match", "照片比对"
    MANUAL = "manual", "人工确认"


class VerificationResult(Labelled):
    """What came of it."""

    PASS = "pass", "通过"
    FAIL = "fail", "未通过"


REQUIRED = (
    "name",
    "name_pinyin",
    "gender",
    "id_type",
    "id_number",
    "mobile",
    "enrolment_year",
    "education_level",
    "major_name",
    "major_code",
)
MAJOR = frozenset({"major_name", "major_code"})


def is_complete(values: Mapping[str, Any], kind: CandidateKind) -> bool:
    """Whether everything of R-076 is there; social candidates may study nothing here (I-02)."""
    wanted = (name for name in REQUIRED if kind is CandidateKind.COLLEGE or name not in MAJOR)
    return all(values.get(name) not in (None, "") for name in wanted)


def state_for(*, is_complete: bool, has_photo: bool) -> CandidateState:
    """Where a new or edited unverified candidate stands (R-084, R-085)."""
    if not is_complete:
        return C.INCOMPLETE
    return C.PENDING_VERIFICATION if has_photo else C.NO_PHOTO
