"""Setting up by the sheet (interfaces.md): majors, the directory, and organisations of every kind.

The same file twice changes nothing; every row that cannot be taken is told why, and none is taken by halves. What a
cell leaves empty stays as it is, so that a sheet never wipes out what an organisation has filled in itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from core.db import Tx
from core.errors import AlreadyThere, Refusal, ValueRefused
from core.models.base import Record
from core.models.catalogue import Major
from core.models.organisations import (
    College,
    EducationAuthority,
    EvaluationOrg,
    InstitutionDirectoryEntry,
    RegionName,
)
from core.rules.organisations import AuthorityLevel, OrganisationKind
from core.rules.permissions import permit
from core.usecases.imports import Outcome, Row, Taken
from core.usecases.organisations import create_authority, create_college, create_org, name_region

ACT = "manage_organisations"
Verdict = tuple[str, Refusal] | Taken


def import_majors(tx: Tx, *, rows: Sequence[Row]) -> Outcome:
    """The national list of majors, by code (G-24)."""
    permit(tx.actor, ACT)
    known = {major.code: major for major in tx.all(select(Major))}
    outcome, fresh, changed = Outcome(), [], []
    for _, values in rows:
        row = {"code": values["code"], "name": values["name"], "category": values["category"] or ""}
        there = known.get(row["code"])
        if there is None:
            fresh.append(row)
        elif (there.name, there.category) == (row["name"], row["category"] or there.category):
            outcome.unchanged += 1
        else:
            changed.append({"id": there.id, "name": row["name"], "category": row["category"] or there.category})
    tx.insert_all(Major, fresh)
    tx.update_each(Major, changed)
    outcome.accepted, outcome.changed = len(fresh) + len(changed), len(changed)
    return outcome


# -- the directory -----------------------------------------------------------------------------------------------------


def import_directory(tx: Tx, *, rows: Sequence[Row]) -> Outcome:
    """院校名录 (§2.2), by code; a city code that is new brings its names into the dictionary of regions."""
    permit(tx.actor, ACT)
    names: dict[str, str] = dict(tx.session.execute(select(RegionName.code, RegionName.name)).all())
    known = {entry.code: entry for entry in tx.all(select(InstitutionDirectoryEntry))}
    held = {entry.name: entry.code for entry in known.values()}
    colleges = dict(tx.session.execute(select(College.college_code, College.id)).all())
    outcome = Outcome()
    fresh: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for number, values in rows:
        place = _city(tx, names, values)
        code, name = values["code"], values["name"]
        if isinstance(place, Refusal):
            outcome.refuse(number, "city_code" if values["city_code"] else "city", place)
        elif held.get(name, code) != code:
            facts = {"code_there": held[name], "name_there": name}
            outcome.refuse(number, "name", AlreadyThere("entry_there", rule="§2.2", value=name, **facts))
        else:
            held[name] = code
            _sort(known.get(code), _entry(values, place), colleges, outcome, fresh, changed)
    tx.insert_all(InstitutionDirectoryEntry, fresh)
    tx.update_each(InstitutionDirectoryEntry, changed)
    outcome.accepted, outcome.changed = len(fresh) + len(changed), len(changed)
    return outcome


def _entry(values: Mapping[str, Any], city_code: str) -> dict[str, Any]:
    return {
        "code": values["code"],
        "name": values["name"],
        "province_code": city_code[:2],
        "city_code": city_code,
        "college_type": values["college_type"],
    }


def _sort(
    there: InstitutionDirectoryEntry | None,
    row: dict[str, Any],
    colleges: Mapping[str, int],
    outcome: Outcome,
    fresh: list[dict[str, Any]],
    changed: list[dict[str, Any]],
) -> None:
    """New, other than before, or the same."""
    if there is None:
        fresh.append(row | {"college_id": colleges.get(row["code"])})
        return
    row["college_type"] = row["college_type"] or there.college_type
    if all(getattr(there, name) == value for name, value in row.items()):
        outcome.unchanged += 1
    else:
        changed.append({"id": there.id} | {name: value for name, value in row.items() if name != "code"})


def _city(tx: Tx, names: dict[str, str], values: Mapping[str, Any]) -> str | Refusal:
    """The city's code, by its code or by the names of province and city."""
    code, city, province = values["city_code"] or "", values["city"], values["province"]
    if not code:
        found = [c for c, name in names.items() if name == city and _lies_in(c, province, names)]
        return found[0] if found else ValueRefused("city_unknown", rule="§2.2", value=f"{province}{city}")
    if not re.fullmatch("[1-9][0-9]{3}00", code) or code.endswith("0000"):
        return ValueRefused("city_code_shape", rule="§2.2", value=code)
    for place, name in ((f"{code[:2]}0000", province), (code, city)):
        if names.get(place, name) != name:
            return ValueRefused("region_name_differs", rule="§2.2", place=place, known=names[place], value=name)
    for place, name in ((f"{code[:2]}0000", province), (code, city)):
        if place not in names:
            name_region(tx, code=place, name=name)
            names[place] = name
    return code


def _lies_in(code: str, province: str, names: Mapping[str, str]) -> bool:
    return code.endswith("00") and not code.endswith("0000") and names.get(f"{code[:2]}0000") == province


# -- organisations -----------------------------------------------------------------------------------------------------


def import_organisations(tx: Tx, *, rows: Sequence[Row]) -> Outcome:
    """Colleges, TEOs and authorities, by kind and code."""
    permit(tx.actor, ACT)
    outcome = Outcome()
    takers = {
        OrganisationKind.COLLEGE: _take_college,
        OrganisationKind.ORG: _take_org,
        OrganisationKind.PROVINCE: _take_authority,
        OrganisationKind.CITY: _take_authority,
    }
    for number, values in rows:
        verdict = takers[values["kind"]](tx, values)
        if isinstance(verdict, tuple):
            outcome.refuse(number, *verdict)
        else:
            outcome.count(verdict)
    return outcome


def _take_college(tx: Tx, values: Mapping[str, Any]) -> Verdict:
    code, region = values["code"], values["region_code"] or ""
    if not re.fullmatch("[0-9]{10}", code):
        return "code", _wrong_code(values)
    there: College | None = tx.first(select(College).where(College.college_code == code))
    if region and (not re.fullmatch("[1-9][0-9]{5}", region) or region.endswith("0000")):
        return "region_code", ValueRefused("region_code_shape", rule="§2.1", value=region)
    given = _given(values, "name", "college_type", "uscc", "address", "website", *_CONTACT)
    twin = _twin(tx, College, given, there)
    if twin is not None:
        return twin
    if there is not None:
        if region and region[:4] != there.city_code[:4]:
            return "region_code", ValueRefused("organisation_fixed", rule="R-014", value=code)
        return _changed(tx, there, given | ({"district_code": region} if region else {}))
    for field in ("college_type", "region_code"):
        if not values[field]:
            return field, ValueRefused("value_missing", rule="§2.1")
    place = {"province_code": region[:2], "city_code": f"{region[:4]}00", "district_code": region}
    create_college(tx, college_code=code, **(given | place))
    return Taken.NEW


def _take_org(tx: Tx, values: Mapping[str, Any]) -> Verdict:
    code = values["code"]
    if not re.fullmatch("[0-9]{1,4}", code):
        return "code", _wrong_code(values)
    there: EvaluationOrg | None = tx.first(select(EvaluationOrg).where(EvaluationOrg.org_code == code))
    given = _given(values, "name", "uscc", "address", "website", *_CONTACT)
    twin = _twin(tx, EvaluationOrg, given, there)
    if twin is not None:
        return twin
    if there is not None:
        return _changed(tx, there, given)
    create_org(tx, org_code=code, **given)
    return Taken.NEW


def _take_authority(tx: Tx, values: Mapping[str, Any]) -> Verdict:
    code, is_city = values["code"], values["kind"] is OrganisationKind.CITY
    if not re.fullmatch("[1-9][0-9]{3}00" if is_city else "[1-9][0-9]0000", code) or (
        is_city and code.endswith("0000")
    ):
        return "code", _wrong_code(values)
    level = AuthorityLevel.CITY if is_city else AuthorityLevel.PROVINCE
    here = select(EducationAuthority).where(
        EducationAuthority.level == level, EducationAuthority.province_code == code[:2]
    )
    there = tx.first(here.where(EducationAuthority.city_code == code) if is_city else here)
    given = _given(values, "name", "contact_name")
    phone = values["contact_phone"] or values["contact_mobile"]
    given |= {"contact_phone": phone} if phone else {}
    twin = _twin(tx, EducationAuthority, given, there)
    if twin is not None:
        return twin
    if there is not None:
        return _changed(tx, there, given)
    create_authority(tx, province_code=code[:2], city_code=code if is_city else None, **given)
    return Taken.NEW


_CONTACT = ("contact_name", "contact_mobile", "contact_email")


def _given(values: Mapping[str, Any], *fields: str) -> dict[str, Any]:
    """What the row says; an empty cell says nothing."""
    return {field: values[field] for field in fields if values[field]}


def _changed(tx: Tx, there: Record, given: Mapping[str, Any]) -> Taken:
    other = {field: value for field, value in given.items() if getattr(there, field) != value}
    for field, value in other.items():
        setattr(there, field, value)
    tx.session.flush()
    return Taken.CHANGED if other else Taken.UNCHANGED


def _twin(tx: Tx, model: Any, given: Mapping[str, Any], there: Record | None) -> tuple[str, Refusal] | None:
    """A name or credit code that another of its kind has already."""
    for field in ("name", "uscc"):
        if field not in given:
            continue
        other = tx.first(select(model).where(getattr(model, field) == given[field]))
        if other is not None and other is not there:
            return field, AlreadyThere("organisation_there", rule="§2.1", value=given[field], name=other.name)
    return None


def _wrong_code(values: Mapping[str, Any]) -> Refusal:
    return ValueRefused("organisation_kind_code", rule="§2.0", kind=values["kind"].label, value=values["code"])
