"""Every sheet there is, by the name the command line and the panel call it."""

from __future__ import annotations

from core.errors import NotFound
from core.sheets.candidates import CANDIDATES, SOCIAL_CANDIDATES
from core.sheets.kind import SheetKind
from core.sheets.registrations import REGISTRATIONS
from core.sheets.scores import SCORES

SHEETS: dict[str, SheetKind] = {kind.spec.name: kind for kind in (CANDIDATES, SOCIAL_CANDIDATES, REGISTRATIONS, SCORES)}


def sheet(name: str) -> SheetKind:
    """The sheet of this name, or NotFound."""
    if name not in SHEETS:
        raise NotFound("sheet_unknown", value=name, known=list(SHEETS))
    return SHEETS[name]
