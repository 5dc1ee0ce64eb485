"""代办授权: who stands in for whom, in what, from when until when (chat.md, delegation).

Whoever stands in never gains a role by it: their own roles go on deciding what they may do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import NotReady, ValueRefused
from core.rules.machine import Labelled, Machine, Move

LONGEST = timedelta(days=30)  # chat.md; the default deputy alone has no end
ANSWER_WITHIN = timedelta(days=14)  # then a proposal nobody has answered lapses


class Duty(Labelled):
    """What is handed over: an enumeration, so that one person may watch the site and another one sign."""

    SITE = "site", "站点工作"
    SIGNING = "signing", "签发"


class DelegationState(Labelled):
    """Proposed by a colleague, accepted by whose work it is, and over in one of three ways."""

    PROPOSED = "proposed", "待本人接受"
    ACCEPTED = "accepted", "已接受"
    ENDED = "ended", "已结束"
    REFUSED = "refused", "已谢绝"
    LAPSED = "lapsed", "已到期"


S = DelegationState
DELEGATION = Machine(
    "代办授权",
    DelegationState,
    S.PROPOSED,
    (
        Move("accept", {S.PROPOSED}, S.ACCEPTED),
        Move("refuse", {S.PROPOSED}, S.REFUSED),
        Move("end", {S.PROPOSED, S.ACCEPTED}, S.ENDED),
        Move("lapse", {S.PROPOSED, S.ACCEPTED}, S.LAPSED),
    ),
)
LIVING = frozenset({S.PROPOSED, S.ACCEPTED})


@dataclass(frozen=True, slots=True)
class Term:
    """From starts_at on, until ends_at exclusive; a default deputy's term has no end."""

    starts_at: datetime
    ends_at: datetime | None = None

    @property
    def is_default(self) -> bool:
        """True for the deputy who is drawn in whenever nobody answers."""
        return self.ends_at is None

    def contains(self, now: datetime) -> bool:
        """True from the first instant to the last before the end."""
        return self.starts_at <= now and (self.ends_at is None or now < self.ends_at)

    def overlaps(self, other: Term) -> bool:
        """True where some instant lies in both."""
        begins_before = other.ends_at is None or self.starts_at < other.ends_at
        return begins_before and (self.ends_at is None or other.starts_at < self.ends_at)

    def require(self, now: datetime) -> None:
        """ValueRefused for a term that is over, runs backwards, or is longer than LONGEST."""
        if self.ends_at is None:
            return
        if self.ends_at <= self.starts_at or self.ends_at <= now:
            raise ValueRefused("delegation_backwards", rule="chat.md")
        if self.ends_at - self.starts_at > LONGEST:
            raise ValueRefused("delegation_too_long", rule="chat.md", limit=LONGEST.days)


def require_no_chain(term: Term, *, away: Iterable[Term], stands_in: Iterable[Term]) -> None:
    """chat.md, A→B→C: neither to somebody who is away then, nor by somebody who stands in for another one then.

    away: the dated terms in which the deputy has handed over the same duty; stands_in: those in which the principal has
    taken over somebody else's. Default deputies are never away: they are only drawn in.
    """
    if any(term.overlaps(other) for other in away if not other.is_default):
        raise NotReady("deputy_is_away", rule="chat.md")
    if not term.is_default and any(term.overlaps(other) for other in stands_in if not other.is_default):
        raise NotReady("principal_stands_in", rule="chat.md")


def lapses_at(term: Term, proposed_at: datetime) -> datetime:
    """When a proposal that nobody answers is over: never later than what it proposes."""
    unanswered = proposed_at + ANSWER_WITHIN
    return unanswered if term.ends_at is None else min(unanswered, term.ends_at)
