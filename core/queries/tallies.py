"""Counts per state that are kept, not counted (Tally), and the counting that proves them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String, cast, func, literal, select
from sqlalchemy.orm import Session

from core.models.base import Base
from core.models.pilots import PilotApplication
from core.models.records import Tally

TALLIED: tuple[type[Base], ...] = (PilotApplication,)


def tallied(session: Session, model: type[Base], scope: str, key: str) -> dict[str, int]:
    """Word → rows, of the rows whose column scope holds key ("" and "": of all)."""
    mine = (Tally.table_name == model.__tablename__, Tally.scope == scope, Tally.key == key)
    return dict(session.execute(select(Tally.word, Tally.count).where(*mine)).all())


def counted(session: Session, model: Any) -> dict[tuple[str, str, str], int]:
    """(scope, key, word) → rows, counted afresh; zero counts left out."""
    found: dict[tuple[str, str, str], int] = {}
    for scope in ("", *model.__tallied__):
        key = cast(getattr(model, scope), String(20)) if scope else literal("")
        rows = select(key.label("key"), model.tally.label("word")).subquery()
        query = select(rows.c.key, rows.c.word, func.count()).group_by(rows.c.key, rows.c.word)
        found |= {(scope, value, word): number for value, word, number in session.execute(query)}
    return found


def kept(session: Session, model: type[Base]) -> dict[tuple[str, str, str], int]:
    """The same as the tallies have it."""
    query = select(Tally.scope, Tally.key, Tally.word, Tally.count).where(
        Tally.table_name == model.__tablename__, Tally.count != 0
    )
    return {(scope, key, word): number for scope, key, word, number in session.execute(query)}
