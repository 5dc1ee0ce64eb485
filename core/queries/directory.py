"""院校名录 as a registering college sees it: provinces, their cities, and the names of one city (R-001, R-002)."""

from __future__ import annotations

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from core.models.accounts import UserAccount
from core.models.organisations import College, InstitutionDirectoryEntry, RegionName

Entry = InstitutionDirectoryEntry


def provinces(session: Session) -> list[tuple[str, str]]:
    """(two-digit code, name) of every province that has a name or a listed college."""
    named = session.execute(select(RegionName.code, RegionName.name).where(RegionName.code.endswith("0000")))
    found = {code[:2]: name for code, name in named}
    listed = session.scalars(select(Entry.province_code).distinct())
    return sorted(({code: code for code in listed} | found).items())


def cities(session: Session, province_code: str) -> list[tuple[str, str]]:
    """(six-digit code, name) of every city of a province that has a name or a listed college."""
    named = session.execute(
        select(RegionName.code, RegionName.name).where(
            RegionName.code.startswith(province_code, autoescape=True),
            RegionName.code.endswith("00"),
            RegionName.code.not_like("%0000"),
        )
    )
    found = {row.code: row.name for row in named}
    listed = session.scalars(select(Entry.city_code).where(Entry.province_code == province_code).distinct())
    return sorted(({code: code for code in listed} | found).items())


def names_in(session: Session, province_code: str, city_code: str) -> list[str]:
    """The listed colleges of one city; nothing until both are chosen (R-001)."""
    if not province_code or not city_code:
        return []
    listed = select(Entry.name).where(Entry.province_code == province_code, Entry.city_code == city_code)
    return list(session.scalars(listed.order_by(Entry.name)))


def entry_in(session: Session, province_code: str, city_code: str, name: str, *, hold: bool = False) -> Entry | None:
    """The entry of this name in this very region; held against others until the end of the unit if asked."""
    wanted = select(Entry).where(Entry.province_code == province_code, Entry.city_code == city_code, Entry.name == name)
    return session.scalar(wanted.with_for_update() if hold else wanted)


def college_of_entry(session: Session, entry: Entry) -> College | None:
    """The college of an entry: the one linked to it, or one an administrator has set up under its code or name."""
    if entry.college_id is not None:
        return session.get(College, entry.college_id)
    same = or_(College.college_code == entry.code, College.name == entry.name)
    return session.scalar(select(College).where(same).order_by(College.id).limit(1))


def has_account(session: Session, college: College) -> bool:
    """Whether somebody can log in for a college, or could once (R-004)."""
    return bool(session.scalar(select(exists().where(UserAccount.college_id == college.id))))
