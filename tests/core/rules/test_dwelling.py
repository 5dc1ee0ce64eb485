"""Nothing stuck: a state something leads out of says whose turn it is, how long, what comes next, who is told."""

from __future__ import annotations

import importlib
import pkgutil
from datetime import timedelta

import pytest

import core.rules
from core.rules.dwelling import DWELLS, Dwell, Rest
from core.rules.machine import Machine
from core.rules.organisations import Role


def machines() -> dict[str, Machine]:
    """Every lifecycle of the product, by the name it has in its module."""
    found: dict[str, Machine] = {}
    for module in pkgutil.iter_modules(core.rules.__path__, "core.rules."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Machine):
                found[name] = value
    return found


@pytest.mark.parametrize(("name", "machine"), sorted(machines().items()))
def test_every_state_that_can_be_left_is_somebodys_turn(name: str, machine: Machine) -> None:
    declared = [turns for known, turns in DWELLS.values() if known is machine]
    assert len(declared) == 1, f"{name} has no line in core/rules/dwelling.py"
    open_states = frozenset(machine.states) & (frozenset(machine.states) - machine.finals())
    ours = frozenset().union(*(move.sources for move in machine.moves)) & open_states
    assert frozenset(declared[0]) == ours, f"{name}: states without whose turn it is, or final ones with it"


def test_no_line_is_about_a_lifecycle_that_is_gone() -> None:
    assert {id(machine) for machine, _ in DWELLS.values()} == {id(machine) for machine in machines().values()}


@pytest.mark.parametrize(
    ("thing", "state", "turn"),
    [(thing, state, turn) for thing, (_, turns) in DWELLS.items() for state, turn in turns.items()],
)
def test_a_line_says_what_to_do_in_words(thing: str, state: object, turn: Dwell | Rest) -> None:
    if isinstance(turn, Rest):
        assert turn.why
        return
    assert turn.next_act
    assert timedelta(0) < turn.longest <= timedelta(days=60)
    assert turn.then is not turn.owner or turn.then is None
    assert turn.owner not in {Role.CANDIDATE, Role.ADMIN}
