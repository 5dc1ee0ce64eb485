"""Certificates and subjects by the sheet (interfaces.md): a TEO brings its own, the platform any organisation's.

A row without a number is found by what it is (organisation, name and level; certificate and name), so that the same
file twice changes nothing. Numbers that exist already are kept: a programme that was running before comes with its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from core.db import Tx
from core.errors import NotPermitted, Refusal, ValueRefused
from core.models.base import Record
from core.models.catalogue import CertificateType, Subject
from core.models.organisations import EvaluationOrg
from core.rules.catalogue import EVERYBODY, FULL_SCORE
from core.rules.numbering import level_digit
from core.rules.permissions import may, permit
from core.usecases.catalogue import (
    DETAILS,
    change_certificate,
    change_subject,
    make_certificate,
    make_subject,
)
from core.usecases.imports import Outcome, Row, Taken

ACT = "set_up_catalogue"


def import_certificates(tx: Tx, *, rows: Sequence[Row]) -> Outcome:
    """Certificates with their majors (§2.9); what a cell leaves empty stays as it is."""
    _require_some_right(tx)
    return _each(tx, rows, _take_certificate)


def import_subjects(tx: Tx, *, rows: Sequence[Row]) -> Outcome:
    """Subjects of certificates that are here already (§2.10)."""
    _require_some_right(tx)
    return _each(tx, rows, _take_subject)


def _require_some_right(tx: Tx) -> None:
    """Whose certificates they are every row asks; who has none of his own is refused at once."""
    permit(tx.actor, ACT, EvaluationOrg(id=tx.actor.org_id or 0))


def _each(tx: Tx, rows: Sequence[Row], take: Callable[[Tx, Mapping[str, Any]], Taken]) -> Outcome:
    outcome = Outcome()
    for number, values in rows:
        try:
            taken = take(tx, values)
        except Refusal as refusal:  # raised before anything of the row was touched
            outcome.refuse(number, _FIELDS.get(refusal.sentence_code, ""), refusal.with_traceback(None))
            continue
        outcome.count(taken)
    return outcome


# Which cell is to blame for what the catalogue refuses.
_FIELDS = {
    "certificate_code_level": "code",
    "certificate_code_taken": "code",
    "certificate_fixed": "code",
    "certificate_there": "name",
    "certificate_unknown": "certificate_code",
    "majors_unknown": "major_codes",
    "org_not_yours": "org_code",
    "org_unknown": "org_code",
    "standard_code_length": "standard_code",
    "subject_code_foreign": "code",
    "subject_code_taken": "code",
}


# -- certificates ------------------------------------------------------------------------------------------------------


def _take_certificate(tx: Tx, values: Mapping[str, Any]) -> Taken:
    """New, other than before, or neither."""
    org = _org(tx, values["org_code"])
    code = values["code"] or ""
    if code and level_digit(code) != values["level"].digit:
        raise ValueRefused("certificate_code_level", rule="N9", value=code, level=values["level"].label)
    there = _certificate(tx, org, values)
    details = {field: values[field] for field in sorted(DETAILS) if values.get(field) not in (None, "", frozenset())}
    if there is None:
        make_certificate(
            tx,
            org_id=org.id,
            name=values["name"],
            level=values["level"],
            code=code,
            standard_code=values["standard_code"],
            major_codes=values["major_codes"],
            **({"short_name": values["name"]} | details),
        )
        return Taken.NEW
    wanted = details | {"standard_code": values["standard_code"]}
    majors = [major.code for major in there.majors]
    if _says(there, wanted) and sorted(values["major_codes"]) == sorted(majors):
        return Taken.UNCHANGED
    change_certificate(
        tx,
        there,
        major_codes=values["major_codes"],
        standard_code=values["standard_code"],
        standard_id=there.standard_id if there.standard_code == values["standard_code"] else None,
        template_id=there.template_id,
        **details,
    )
    return Taken.CHANGED


def _certificate(tx: Tx, org: EvaluationOrg, values: Mapping[str, Any]) -> CertificateType | None:
    """The certificate this row is about: by number, else by name and level."""
    wanted = select(CertificateType)
    if values["code"]:
        found: CertificateType | None = tx.first(wanted.where(CertificateType.code == values["code"]))
        same = (org.id, values["name"], values["level"])
        if found is not None and (found.org_id, found.name, found.level) != same:
            raise ValueRefused("certificate_fixed", rule="N9", value=values["code"])
        return found
    named: CertificateType | None = tx.first(
        wanted.where(
            CertificateType.org_id == org.id,
            CertificateType.name == values["name"],
            CertificateType.level == values["level"],
        )
    )
    return named


def _org(tx: Tx, code: str | None) -> EvaluationOrg:
    """The organisation a row names; a TEO's own where it names none."""
    if not code and tx.actor.org_id is not None:
        return tx.get(EvaluationOrg, tx.actor.org_id)
    org: EvaluationOrg | None = tx.first(select(EvaluationOrg).where(EvaluationOrg.org_code == (code or "")))
    if org is None:
        raise ValueRefused("org_unknown", rule="§2.4", value=code or "")
    if not may(tx.actor, ACT, org):
        raise NotPermitted("org_not_yours", rule="§8.8", value=code)
    return org


# -- subjects ----------------------------------------------------------------------------------------------------------


def _take_subject(tx: Tx, values: Mapping[str, Any]) -> Taken:
    """New, other than before, or neither."""
    code = values["code"] or ""
    owner: CertificateType | None = tx.first(
        select(CertificateType).where(CertificateType.code == values["certificate_code"])
    )
    if owner is None or not may(tx.actor, ACT, owner):
        raise ValueRefused("certificate_unknown", rule="N9", value=values["certificate_code"])
    if code and not code.startswith(owner.code):
        raise ValueRefused("subject_code_foreign", rule="N10", value=code, certificate=owner.code)
    tx.lock(CertificateType, owner.id)  # a second file at the same moment finds what this one brings
    by = Subject.code == code if code else Subject.name == values["name"]
    there: Subject | None = tx.first(select(Subject).where(Subject.certificate_id == owner.id, by))
    given = {
        "name": values["name"],
        "exam_modes": values["exam_modes"],
        "examinee_category": values["examinee_category"] or (there.examinee_category if there else EVERYBODY),
        "full_score": values["full_score"] or (there.full_score if there else FULL_SCORE),
    }
    if there is None:
        make_subject(tx, owner, code=code, **given)
        return Taken.NEW
    if _says(there, given):
        return Taken.UNCHANGED
    change_subject(tx, there, **given)
    return Taken.CHANGED


def _says(row: Record, wanted: Mapping[str, Any]) -> bool:
    return all(getattr(row, name) == value for name, value in wanted.items())
