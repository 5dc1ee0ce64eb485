"""Changing a draft by name: only what the verb says may be changed, so that no slip reaches a state or an owner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.models.base import Base


def set_only(row: Base, allowed: frozenset[str], changes: Mapping[str, Any]) -> None:
    """Set columns of a row; TypeError, a bug, for a name that is not allowed."""
    strangers = changes.keys() - allowed
    if strangers:
        raise TypeError(f"{type(row).__name__} is not edited by {', '.join(sorted(strangers))}")
    for name, value in changes.items():
        setattr(row, name, value)
