"""What the desk has to know of a sheet besides its columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.actors import Actor
from core.db import Tx
from core.errors import NotPermitted, Refusal, ValueRefused
from core.models.accounts import UserAccount
from core.models.base import Base
from core.models.plans import ExamPlan
from core.models.records import ImportJob
from core.sheets.spec import SheetSpec
from core.usecases.imports import Outcome, Row


@dataclass(frozen=True, slots=True)
class Batch:
    """The clean rows of one file, or of a block of it, on their way to the use case."""

    rows: Sequence[Row]
    import_job_id: int
    plan_id: int | None = None

    @property
    def plan(self) -> int:
        """The plan they belong to; refused where none was chosen."""
        return chosen(self.plan_id)


@dataclass(frozen=True, slots=True)
class Export:
    """Rows in the order of the sheet's columns; whose: the thing in whose trail the export is written."""

    whose: Base
    rows: Iterable[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Undo:
    """How an import of a sheet is taken back: why it cannot be now, or None; and doing it, how many rows."""

    blocked: Callable[[Session, ImportJob], Refusal | None]
    take_back: Callable[[Tx, ImportJob], int]


@dataclass(frozen=True, slots=True)
class SheetKind:
    """A sheet with its verbs. act: what an actor must be granted; export: the same sheet filled in.

    plans: those an actor may import for now, where one has to be chosen; None where the sheet belongs to no plan.
    undo: None where the next import of the same sheet is the way back.
    takes_blocks: take judges each row by itself (the key of the spec apart, which the reader watches over), so a long
    file may come to it in several calls of one transaction; the others see all rows at once.
    """

    spec: SheetSpec
    act: str
    take: Callable[[Tx, Batch], Outcome]
    export: Callable[[Tx, int | None], Export]
    plans: Callable[[Session, Actor, datetime], Sequence[ExamPlan]] | None = None
    undo: Undo | None = None
    takes_blocks: bool = False

    @property
    def needs_plan(self) -> bool:
        """True where a plan has to be chosen first (R-136)."""
        return self.plans is not None


def asker(tx: Tx) -> UserAccount:
    """The account in whose trail an export of the platform's own lists is written."""
    return tx.get(UserAccount, tx.actor.account_id or 0)


def own_college(actor: Actor) -> int:
    """The college whose people import for it; NotPermitted for everybody else."""
    if actor.college_id is None:
        raise NotPermitted(rule="§8.8")
    return actor.college_id


def chosen(plan_id: int | None) -> int:
    """The plan, which must be chosen first (R-136)."""
    if plan_id is None:
        raise ValueRefused("plan_not_chosen", rule="R-136")
    return plan_id
