"""Declaration plans, pilot applications and quota (§3.1–3.3)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from core.errors import QuotaExceeded, ValueRefused
from core.rules.machine import Labelled, Machine, Move
from core.rules.windows import Window


class DeclarationState(Labelled):
    """What is stored of a declaration plan; whether it is open is the clock's business."""

    DRAFT = "draft", "未发布"
    PUBLISHED = "published", "已发布"


class DeclarationPhase(Labelled):
    """What the clock makes of it (§3.1)."""

    DRAFT = "draft", "未发布"
    NOT_STARTED = "not_started", "未开始"
    OPEN = "open", "进行中"
    CLOSED = "closed", "已结束"


class DeclarationEdge(Labelled):
    """An instant at which the province's colleges are told something about a batch (T-01, T-02, M-06)."""

    COMING = "coming", "即将开始"
    OPENS = "opens", "申报开始"
    CLOSING = "closing", "即将截止"
    CLOSED = "closed", "申报截止"


NOTICE = timedelta(days=3)  # M-06
REVIEW_WITHIN = timedelta(days=5)  # proposed: the sources name no time, and a college waits
LEAST_TO_REVIEW = timedelta(hours=24)  # of the window left, else there is nothing to hurry for


def declaration_edges(window: Window) -> list[tuple[datetime, DeclarationEdge]]:
    """The four instants in time; a window shorter than three days has no reminder of its end."""
    edges = [
        (window.opens_at - NOTICE, DeclarationEdge.COMING),
        (window.opens_at, DeclarationEdge.OPENS),
        (window.closed_from, DeclarationEdge.CLOSED),
    ]
    closing = window.closes_at - NOTICE
    if closing > window.opens_at:
        edges.insert(2, (closing, DeclarationEdge.CLOSING))
    return edges


def next_declaration_edge(window: Window, after: datetime) -> datetime | None:
    """The first of them that lies ahead; None once the window is over."""
    return next((at for at, _ in declaration_edges(window) if at > after), None)


LAPSE_RUNGS = (60, 30, 7)  # M-07: days before 31 December


def lapse_rung(today: date) -> int | None:
    """The rung of the ladder to the year's end that a business day has reached; None before the first."""
    left = (date(today.year, 12, 31) - today).days
    return min((rung for rung in LAPSE_RUNGS if left <= rung), default=None)


class CertificateScope(Labelled):
    """开放证书范围 (R-028)."""

    PART = "part", "部分"
    ALL = "all", "全部"


DECLARATION_PLAN = Machine(
    "申报计划",
    DeclarationState,
    DeclarationState.DRAFT,
    (Move("publish", {DeclarationState.DRAFT}, DeclarationState.PUBLISHED),),
)


def declaration_phase(state: DeclarationState, window: Window, now: datetime) -> DeclarationPhase:
    """The phase at an instant (T-01, T-02)."""
    if state is DeclarationState.DRAFT:
        return DeclarationPhase.DRAFT
    if not window.started(now):
        return DeclarationPhase.NOT_STARTED
    return DeclarationPhase.CLOSED if window.over(now) else DeclarationPhase.OPEN


class ApplicationState(Labelled):
    """证书试点申报 (§3.2); the three review steps are states of their own so that each has one owner."""

    DRAFT = "draft", "未提交"
    PENDING_INITIAL = "pending_initial", "待初审"
    CITY_REVIEW = "city_review", "审核中 · 地市级审核"
    PRELIMINARY_REVIEW = "preliminary_review", "审核中 · 省级初审"
    FINAL_REVIEW = "final_review", "审核中 · 省厅复审"
    APPROVED = "approved", "审核通过"
    RETURNED = "returned", "审核退回"


A = ApplicationState
UNDER_REVIEW = frozenset({A.PENDING_INITIAL, A.CITY_REVIEW, A.PRELIMINARY_REVIEW, A.FINAL_REVIEW})
WITH_CITY = frozenset({A.PENDING_INITIAL, A.CITY_REVIEW})  # where the plan wants a city review
EDITABLE_APPLICATION = frozenset({A.DRAFT, A.RETURNED})

PILOT_APPLICATION = Machine(
    "证书试点申报",
    ApplicationState,
    A.DRAFT,
    (
        Move("submit", {A.DRAFT, A.RETURNED}, A.PENDING_INITIAL),
        Move("take_up_city", {A.PENDING_INITIAL}, A.CITY_REVIEW),
        Move("take_up_province", {A.PENDING_INITIAL}, A.PRELIMINARY_REVIEW),
        Move("pass_city", {A.CITY_REVIEW}, A.PRELIMINARY_REVIEW),
        Move("pass_preliminary", {A.PRELIMINARY_REVIEW}, A.FINAL_REVIEW),
        Move("approve", {A.PRELIMINARY_REVIEW, A.FINAL_REVIEW}, A.APPROVED),
        Move("return", {A.CITY_REVIEW, A.PRELIMINARY_REVIEW, A.FINAL_REVIEW}, A.RETURNED),
    ),
)


class ReviewStep(Labelled):
    """环节 of a review record (§2.14)."""

    SUBMIT = "submit", "提交"
    CITY = "city", "地市级审核"
    PRELIMINARY = "preliminary", "省级初审"
    FINAL = "final", "省厅复审"
    TEO = "teo", "培训评价组织审核"


def step_due(state: ApplicationState, *, has_city_review: bool) -> ReviewStep | None:
    """Whose review an application waits for (R-039); None while nobody's."""
    if state is A.PENDING_INITIAL:
        return ReviewStep.CITY if has_city_review else ReviewStep.PRELIMINARY
    steps = {
        A.CITY_REVIEW: ReviewStep.CITY,
        A.PRELIMINARY_REVIEW: ReviewStep.PRELIMINARY,
        A.FINAL_REVIEW: ReviewStep.FINAL,
    }
    return steps.get(state)


def pass_action(step: ReviewStep, *, has_final_review: bool) -> str:
    """The move that passing an application at this step makes (§3.2, D-19)."""
    if step is ReviewStep.CITY:
        return "pass_city"
    return "pass_preliminary" if step is ReviewStep.PRELIMINARY and has_final_review else "approve"


class ReviewDecision(Labelled):
    """结论 of a review record."""

    SUBMIT = "submit", "提交"
    PASS = "pass", "通过"
    RETURN = "return", "退回"
    WITHDRAW = "withdraw", "撤销"


class QuotaState(Labelled):
    """§3.3; 已用完 is derived."""

    ACTIVE = "active", "有效"
    LAPSED = "lapsed", "作废"


QUOTA = Machine("指标", QuotaState, QuotaState.ACTIVE, (Move("lapse", {QuotaState.ACTIVE}, QuotaState.LAPSED),))


class PostingKind(Labelled):
    """A line of the quota's ledger."""

    OPEN = "open", "期初"
    GRANT = "grant", "批准"
    USE = "use", "使用"
    RELEASE = "release", "退还"
    ADJUST = "adjust", "调整"
    LAPSE = "lapse", "作废"


def require_room_in_quota(*, granted: int, used: int, asked: int, contact: str) -> None:
    """R-139, R-021: no more college candidates than granted; the refusal names the province's contact."""
    if used + asked > granted:
        raise QuotaExceeded(rule="R-139", granted=granted, used=used, asked=asked, contact=contact)


def require_counts(*, requested: int, approved: int) -> None:
    """R-041: 0 < approved ≤ requested; a refusal of everybody is a return, not an approval of nobody."""
    if approved < 1 or approved > requested:
        raise ValueRefused("approved_count", rule="R-041", approved=approved, requested=requested)
