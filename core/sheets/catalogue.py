"""Every sheet there is, by the name the command line and the panel call it."""

from __future__ import annotations

from core.errors import NotFound
from core.sheets.candidates import CANDIDATES, SOCIAL_CANDIDATES
from core.sheets.candidates_update import CANDIDATES_UPDATE
from core.sheets.certificates import CERTIFICATES
from core.sheets.directory import DIRECTORY
from core.sheets.kind import SheetKind
from core.sheets.majors import MAJORS
from core.sheets.organisations import ORGANISATIONS
from core.sheets.registrations import REGISTRATIONS
from core.sheets.scores import SCORES
from core.sheets.subjects import SUBJECTS

_SETTING_UP = (DIRECTORY, MAJORS, ORGANISATIONS, CERTIFICATES, SUBJECTS)
SHEETS: dict[str, SheetKind] = {
    kind.spec.name: kind
    for kind in (CANDIDATES, SOCIAL_CANDIDATES, CANDIDATES_UPDATE, REGISTRATIONS, SCORES, *_SETTING_UP)
}


def sheet(name: str) -> SheetKind:
    """The sheet of this name, or NotFound."""
    if name not in SHEETS:
        raise NotFound("sheet_unknown", value=name, known=list(SHEETS))
    return SHEETS[name]
