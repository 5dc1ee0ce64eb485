"""Exam sites (§3.8) and what a room can hold (R-124…R-134)."""

from __future__ import annotations

from core.rules.machine import Labelled, Machine, Move


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
