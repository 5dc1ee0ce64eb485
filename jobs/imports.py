"""Files that nobody works on: what a panel left behind when it ended."""

from __future__ import annotations

from core.sheets import clinic_steps


def work_off() -> None:
    """§3.22."""
    clinic_steps.work_off()
