"""What a TEO certifies: majors, certificates per level, subjects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from core.db import Tx
from core.models.catalogue import CertificateType, Major, Subject
from core.rules.catalogue import EVERYBODY, CertificateLevel, ExamMode
from core.rules.numbering import certificate_code, subject_code
from core.rules.organisations import SWITCH
from core.rules.permissions import permit


def create_major(tx: Tx, *, code: str, name: str, category: str = "") -> Major:
    """A major of the national list."""
    permit(tx.actor, "manage_organisations")
    return tx.add(Major(code=code, name=name, category=category))


def create_certificate(
    tx: Tx,
    *,
    org_id: int,
    name: str,
    short_name: str,
    level: CertificateLevel,
    standard_code: str,
    major_codes: Sequence[str],
    english_name: str = "",
) -> CertificateType:
    """One certificate at one level (R-051); its number follows N9."""
    certificate = CertificateType(
        org_id=org_id,
        name=name,
        short_name=short_name,
        level=level,
        standard_code=standard_code,
        english_name=english_name,
        code="",
    )
    permit(tx.actor, "manage_catalogue", certificate)
    certificate.code = certificate_code(tx.now, level.digit, tx.next_number("certificate_type"))
    certificate.majors = list(tx.all(select(Major).where(Major.code.in_(major_codes))))
    return tx.add(certificate)


def create_subject(
    tx: Tx, *, certificate_id: int, name: str, exam_modes: Iterable[ExamMode], examinee_category: str = EVERYBODY
) -> Subject:
    """A subject of a certificate; its number follows N10."""
    certificate = tx.get(CertificateType, certificate_id)
    permit(tx.actor, "manage_catalogue", certificate)
    taken = tx.next_number(f"subject:{certificate.code}")
    return tx.add(
        Subject(
            code=subject_code(certificate.code, certificate.level.digit, taken),
            name=name,
            certificate_id=certificate_id,
            exam_modes=frozenset(exam_modes),
            examinee_category=examinee_category,
        )
    )


def switch_certificate(tx: Tx, *, certificate_id: int, action: str) -> None:
    """action: enable or disable; a disabled one stays in history and is offered nowhere new (R-054)."""
    certificate = tx.get(CertificateType, certificate_id)
    permit(tx.actor, "manage_catalogue", certificate)
    tx.advance(certificate, SWITCH, action)


def switch_subject(tx: Tx, *, subject_id: int, action: str) -> None:
    """action: enable or disable (R-054)."""
    subject = tx.get(Subject, subject_id)
    permit(tx.actor, "manage_catalogue", subject)
    tx.advance(subject, SWITCH, action)
