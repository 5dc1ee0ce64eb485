"""Is kaowu well: schema, signs of life, and figures for a monitor. Nothing personal is in any of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Any

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from core import db
from core.models.certificates import CertificateIssuance, SigningSession
from core.models.records import Heartbeat, ImportJob, Notification
from core.rules.certificates import OPEN_SIGNING, IssuanceState
from core.rules.notices import DeliveryState

BOT_POLL = "bot.poll"
JOBS_TICK = "jobs.tick"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: a name, what it means, and its values by label (label name, label value, whole number)."""

    name: str
    meaning: str
    values: tuple[tuple[str, str, int], ...]


@lru_cache(maxsize=1)
def newest_migration() -> str:
    """The revision this code was written for."""
    return ScriptDirectory.from_config(db.alembic_config()).get_current_head() or ""


def schema_is_current(session: Session) -> bool:
    """True where the database stands at the newest migration."""
    return MigrationContext.configure(session.connection()).get_current_revision() == newest_migration()


def heartbeat_ages(session: Session, now: datetime) -> dict[str, int]:
    """Seconds since each part was last seen at work; a part never seen is not in it."""
    rows = session.execute(select(Heartbeat.name, Heartbeat.at).order_by(Heartbeat.name)).all()
    return {name: max(0, int((now - at).total_seconds())) for name, at in rows}


def note_of(session: Session, name: str) -> str:
    """What a part wrote beside its last sign of life; "" for one never seen."""
    return session.scalar(select(Heartbeat.note).where(Heartbeat.name == name)) or ""


def figures(session: Session, now: datetime) -> list[Figure]:
    """Everything a monitor may want to draw or wake somebody for."""
    ages = heartbeat_ages(session, now)
    return [
        Figure("kaowu_heartbeat_age_seconds", "Since a part was last seen at work", _by("name", ages.items())),
        _by_state(session, "kaowu_notifications", Notification.delivery_state, DeliveryState),
        Figure(
            "kaowu_outbox_oldest_pending_age_seconds",
            "How long the oldest message that may go out has waited",
            (("", "", _oldest_pending(session, now)),),
        ),
        _by_state(session, "kaowu_issuances", CertificateIssuance.state, IssuanceState),
        Figure("kaowu_open_signings", "Signing ceremonies under way", (("", "", _open_signings(session, now)),)),
        Figure("kaowu_imports", "Imports by sheet", _by("sheet", _imports(session))),
        Figure("kaowu_import_rows", "Rows of all imports by outcome", _by("outcome", _import_rows(session))),
    ]


def _by(label: str, pairs: Iterable[tuple[str, int]]) -> tuple[tuple[str, str, int], ...]:
    return tuple((label, name, number) for name, number in pairs)


def _by_state(session: Session, name: str, column: InstrumentedAttribute[Any], states: type[Enum]) -> Figure:
    """Every state has its line, also those nothing is in: a graph must not lose a line for being at zero."""
    counted: dict[Any, int] = dict(session.execute(select(column, func.count()).group_by(column)).all())
    return Figure(name, "By state", _by("state", ((state.value, counted.get(state, 0)) for state in states)))


def _oldest_pending(session: Session, now: datetime) -> int:
    since = session.scalar(
        select(func.min(Notification.not_before)).where(
            Notification.delivery_state == DeliveryState.PENDING, Notification.not_before <= now
        )
    )
    return int((now - since).total_seconds()) if since else 0


def _open_signings(session: Session, now: datetime) -> int:
    where = (SigningSession.state.in_(OPEN_SIGNING), SigningSession.expires_at >= now)
    return session.scalar(select(func.count(SigningSession.id)).where(*where)) or 0


def _imports(session: Session) -> list[tuple[str, int]]:
    rows = session.execute(select(ImportJob.sheet, func.count()).group_by(ImportJob.sheet).order_by(ImportJob.sheet))
    return [(sheet, count) for sheet, count in rows]


def _import_rows(session: Session) -> list[tuple[str, int]]:
    columns = (ImportJob.accepted_count, ImportJob.rejected_count, ImportJob.unchanged_count)
    sums = session.execute(select(*(func.coalesce(func.sum(column), 0) for column in columns))).one()
    return list(zip(("accepted", "rejected", "unchanged"), sums, strict=True))
