"""Refusals: what kaowu says instead of doing something wrong. Codes and facts here, sentences in templates/."""

from __future__ import annotations

from typing import Any, ClassVar, Self


class Refusal(Exception):
    """A rule said no; nothing was changed.

    `code` finds the sentence in templates/refusals.toml, `facts` fill its gaps; `rule` names the requirement.
    Anything else that raises in kaowu is a bug.
    """

    code: ClassVar[str] = "refused"

    def __init__(self, code: str | None = None, *, rule: str = "", **facts: Any) -> None:
        self.sentence_code = code or type(self).code
        self.rule = rule
        self.facts = facts
        super().__init__(self.sentence_code)

    def __str__(self) -> str:
        return f"{self.sentence_code} {self.rule}".strip()

    def alone(self) -> Self:
        """As a value to keep: the frames it was raised in, and those of what it was raised for, would stay with it.

        And with them everything they saw, such as the pictures of a whole block for one that is broken.
        """
        self.__context__ = None
        return self.with_traceback(None)


class ValueRefused(Refusal):
    """A typed-in value is not what its field takes; `value` and an optional `suggestion` are facts."""

    code = "value_refused"


class Incomplete(Refusal):
    """Required fields are empty; `fields` is a list of their Chinese names."""

    code = "incomplete"


class WindowNotOpen(Refusal):
    """Too early; facts: window, opens_at, closes_at."""

    code = "window_not_open"


class WindowClosed(Refusal):
    """Too late; facts: window, opens_at, closes_at."""

    code = "window_closed"


class NotPermitted(Refusal):
    """This actor may never do this, or not to this organisation's things."""

    code = "not_permitted"


class NotFound(Refusal):
    """No such thing, or none this actor may know of; the two are told apart by nobody."""

    code = "not_found"


class IllegalMove(Refusal):
    """The lifecycle has no such move from here; facts: thing, state, action."""

    code = "illegal_move"


class StaleState(Refusal):
    """Somebody else was faster; facts: thing, and state as it stands now."""

    code = "stale_state"


class AlreadyThere(Refusal):
    """One living X per Y; facts name the X that stands in the way."""

    code = "already_there"


class QuotaExceeded(Refusal):
    """R-139; facts: granted, used, asked, contact."""

    code = "quota_exceeded"


class NotReady(Refusal):
    """Something that has to be there first is missing (seal, seats, locked scores)."""

    code = "not_ready"


class ReasonMissing(Refusal):
    """A refusal, return or correction needs words."""

    code = "reason_missing"


class FileRefused(Refusal):
    """An uploaded file cannot be taken at all; no row of it was looked at."""

    code = "file_refused"


class TooMany(Refusal):
    """Too often or too much at once: locked accounts, rate limits, export caps."""

    code = "too_many"
