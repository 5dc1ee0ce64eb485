"""All tables at once, for the engine, the migrations and whoever walks over everything."""

from __future__ import annotations

from core.models import (  # noqa: F401  # importing them is the point
    accounts,
    announcements,
    candidates,
    catalogue,
    certificates,
    delegations,
    files,
    letters,
    organisations,
    photos,
    pilots,
    plans,
    records,
    registrations,
    scores,
    sites,
)
from core.models.base import Base

metadata = Base.metadata
