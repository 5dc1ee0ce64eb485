"""Files that nobody works on: what a panel left behind when it ended, and what came in by chat."""

from __future__ import annotations

from core.sheets import clinic


def work_off() -> None:
    """§3.22."""
    clinic.work_off()
