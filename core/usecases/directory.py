"""院校名录 (§2.2): the official list that registration goes by; the platform keeps it."""

from __future__ import annotations

from sqlalchemy import select

from core.db import Tx
from core.errors import AlreadyThere
from core.models.organisations import College, InstitutionDirectoryEntry
from core.rules.organisations import CollegeType
from core.rules.permissions import permit
from core.usecases.edits import set_only

ACT = "manage_organisations"


def create_entry(
    tx: Tx, *, code: str, name: str, city_code: str, college_type: CollegeType | None = None
) -> InstitutionDirectoryEntry:
    """An institution of the ministry's list; a college that is here already is its (R-004)."""
    permit(tx.actor, ACT)
    _require_free(tx, code=code, name=name)
    college = tx.first(select(College).where(College.college_code == code))
    return tx.add(
        InstitutionDirectoryEntry(
            code=code,
            name=name,
            province_code=city_code[:2],
            city_code=city_code,
            college_type=college_type,
            college_id=college.id if college is not None else None,
        )
    )


def edit_entry(
    tx: Tx, *, entry_id: int, name: str, city_code: str, college_type: CollegeType | None = None
) -> InstitutionDirectoryEntry:
    """Name, place and type as the ministry changes them; a registered college keeps its own until edited."""
    permit(tx.actor, ACT)
    entry = tx.get(InstitutionDirectoryEntry, entry_id)
    if entry.name != name:
        _require_free(tx, name=name)
    changes = {"name": name, "city_code": city_code, "province_code": city_code[:2], "college_type": college_type}
    set_only(entry, frozenset(changes), changes)
    tx.session.flush()
    return entry


def _require_free(tx: Tx, *, name: str, code: str = "") -> None:
    for column, value in ((InstitutionDirectoryEntry.code, code), (InstitutionDirectoryEntry.name, name)):
        there = tx.first(select(InstitutionDirectoryEntry).where(column == value)) if value else None
        if there is not None:
            raise AlreadyThere("entry_there", rule="§2.2", value=value, code_there=there.code, name_there=there.name)
