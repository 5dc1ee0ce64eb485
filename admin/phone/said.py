"""Every no of the ceremony as a page: what happened, why, and the one thing to do next."""

from __future__ import annotations

from flask import render_template

from admin.phone.visit import Visit, acting, present
from core import clock
from core.db import reading
from core.errors import (
    NotFound,
    NotPermitted,
    NotReady,
    Refusal,
    StaleState,
    TooMany,
    ValueRefused,
    WindowClosed,
    WindowNotOpen,
)
from core.notifications import words
from core.queries.signing import ceremony_of, waiting_now
from core.rules.certificates import SigningState

_STATUS: tuple[tuple[type[Refusal], int], ...] = (
    (NotPermitted, 403),
    (NotFound, 404),
    (WindowClosed, 410),
    (TooMany, 429),
    (ValueRefused, 422),
    (StaleState, 409),
    (NotReady, 409),
    (WindowNotOpen, 409),
)
_WORTH_ANOTHER_TRY = {"signing_expired", "batch_changed"}


def sentence(refusal: Refusal) -> str:
    """The refusal in words, without the number of its rule: these pages are read standing up."""
    return words.sentence(refusal).removesuffix(f"（{refusal.rule}）")


def status_of(refusal: Refusal) -> int:
    """The HTTP status that fits."""
    return next((status for kind, status in _STATUS if isinstance(refusal, kind)), 400)


def refused(refusal: Refusal) -> tuple[str, int]:
    """The page of a refusal, with a button to start afresh where that can help and is allowed."""
    visit = present()
    can_retry = visit is not None and refusal.sentence_code in _WORTH_ANOTHER_TRY
    page = render_template(
        "phone/said.html",
        code="signing_replaced" if can_retry and _is_replaced(visit) else refusal.sentence_code,
        text=sentence(refusal),
        visit=visit,
        can_retry=can_retry,
        numbers=None,
    )
    return page, status_of(refusal)


def changed(visit: Visit, stale: StaleState) -> tuple[str, int]:
    """The batch is another one by now: what it was, what it is, and a fresh start; nothing was signed."""
    actor = acting(visit.account_id)
    with reading() as look:
        ceremony = ceremony_of(look, visit.token, clock.now())
        now_waiting = waiting_now(look, actor, visit.plan_id, visit.party)
    if not now_waiting:
        return refused(NotFound("nothing_to_sign", rule="R-232"))
    page = render_template(
        "phone/said.html",
        code="batch_changed",
        text=sentence(stale),
        visit=visit,
        can_retry=True,
        numbers=(ceremony.count if ceremony else 0, now_waiting),
    )
    return page, status_of(stale)


def _is_replaced(visit: Visit | None) -> bool:
    if visit is None:
        return False
    with reading() as look:
        ceremony = ceremony_of(look, visit.token, clock.now())
    return ceremony is not None and ceremony.state is SigningState.CANCELLED
