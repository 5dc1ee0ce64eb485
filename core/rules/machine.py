"""Lifecycles as data: a Machine is a list of Moves, and what is not listed is refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from core.errors import IllegalMove


class Labelled(StrEnum):
    """An enumeration whose members carry the Chinese word people see: `DRAFT = "draft", "未提交"`."""

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label or value
        return member

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        """(value, Chinese) pairs in declared order, for forms and filters."""
        return [(member.value, member.label) for member in cls]


@dataclass(frozen=True)
class Move:
    """One arrow: action takes a thing from any of sources to target."""

    action: str
    sources: frozenset[Any]
    target: Any

    def __init__(self, action: str, sources: Iterable[Any], target: Any) -> None:
        object.__setattr__(self, "action", action)
        object.__setattr__(self, "sources", frozenset(sources))
        object.__setattr__(self, "target", target)


@dataclass(frozen=True)
class Machine:
    """A lifecycle. name: the thing's Chinese word; initial: where it is born; column: the attribute that holds it."""

    name: str
    states: type[Labelled]
    initial: Any
    moves: tuple[Move, ...]
    column: str = "state"

    def target(self, state: Any, action: str) -> Any:
        """Where action leads from state; IllegalMove where it leads nowhere."""
        for move in self.moves:
            if move.action == action and state in move.sources:
                return move.target
        raise IllegalMove(thing=self.name, state=state.label, action=action)

    def allows(self, state: Any, action: str) -> bool:
        """True where the action is listed from this state."""
        return any(move.action == action and state in move.sources for move in self.moves)

    def sources(self, action: str) -> frozenset[Any]:
        """Every state from which the action is listed."""
        return frozenset().union(*(move.sources for move in self.moves if move.action == action))

    def actions(self) -> frozenset[str]:
        """Every action of this lifecycle."""
        return frozenset(move.action for move in self.moves)

    def finals(self) -> frozenset[Any]:
        """States nothing leads out of."""
        return frozenset(self.states) - frozenset().union(*(move.sources for move in self.moves))
