"""Exam sites (§3.8) and what a room can hold (R-124…R-134)."""

from __future__ import annotations

import io
import zipfile

from core.errors import FileRefused
from core.rules.machine import Labelled, Machine, Move

LARGEST_MATERIAL = 10 * 1024 * 1024
_WORD_97 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class SiteReview(Labelled):
    """审核状态."""

    DRAFT = "draft", "未提交"
    PENDING = "pending", "待审核"
    APPROVED = "approved", "审核通过"
    RETURNED = "returned", "审核退回"


class SiteStatus(Labelled):
    """考核站点状态; 已启用 exactly on approval (R-109), 已停用 when disqualified (R-112)."""

    NOT_ENABLED = "not_enabled", "未启用"
    ENABLED = "enabled", "已启用"
    DISQUALIFIED = "disqualified", "已停用"


class AllocationState(Labelled):
    """借考 (§2.23)."""

    ACTIVE = "active", "有效"
    CANCELLED = "cancelled", "已取消"


S = SiteReview
EDITABLE_SITE = frozenset({S.DRAFT, S.RETURNED})
LIVING_SITE = frozenset({S.DRAFT, S.PENDING, S.APPROVED})  # these stand in the way of a second application

EXAM_SITE = Machine(
    "考核站点",
    SiteReview,
    S.DRAFT,
    (
        Move("submit", {S.DRAFT, S.RETURNED}, S.PENDING),
        Move("withdraw", {S.PENDING}, S.DRAFT),
        Move("approve", {S.PENDING}, S.APPROVED),
        Move("return", {S.PENDING}, S.RETURNED),
    ),
    column="review_state",
)

SITE_STATUS = Machine(
    "考核站点",
    SiteStatus,
    SiteStatus.NOT_ENABLED,
    (
        Move("enable", {SiteStatus.NOT_ENABLED}, SiteStatus.ENABLED),
        Move("disqualify", {SiteStatus.ENABLED}, SiteStatus.DISQUALIFIED),
    ),
    column="site_state",
)

ALLOCATION = Machine(
    "考核站点分配",
    AllocationState,
    AllocationState.ACTIVE,
    (Move("cancel", {AllocationState.ACTIVE}, AllocationState.CANCELLED),),
)


def material_suffix(data: bytes) -> str:
    """pdf, docx or doc, found out from the content and not from the name; FileRefused for anything else (R-106)."""
    if len(data) > LARGEST_MATERIAL:
        raise FileRefused("material_too_large", rule="R-106", limit=LARGEST_MATERIAL // 2**20)
    if data.startswith(b"%PDF-"):
        return "pdf"
    if data.startswith(b"PK") and _is_word(data):
        return "docx"
    if data.startswith(_WORD_97) and "WordDocument".encode("utf-16-le") in data:
        return "doc"
    raise FileRefused("material_type", rule="R-106")


def _is_word(data: bytes) -> bool:
    try:
        return "word/document.xml" in zipfile.ZipFile(io.BytesIO(data)).namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
