"""证书查验: what the public may learn of a certificate by its number and the holder's ID number (R-247)."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.models.catalogue import CertificateType
from core.models.certificates import Certificate, CertificateIssuance
from core.models.organisations import College, EvaluationOrg
from core.models.registrations import CandidateSnapshot, Registration
from core.rules.certificates import IssuanceState
from core.rules.values import mask_id

_LONGEST = 64  # longer than any certificate or ID number


@dataclass(frozen=True, slots=True)
class VerifiedCertificate:
    """A genuine certificate as strangers may see it: the holder masked, the rest as printed."""

    certificate_no: str
    name: str
    id_number: str
    certificate: str
    level: str
    issuer: str
    college: str
    issued_on: date | None
    sealed_at: datetime
    sha256: str


def verified_certificate(session: Session, certificate_no: str, id_number: str) -> VerifiedCertificate | None:
    """The certificate both numbers belong to; a wrong one and an unknown one give the same None by the same way."""
    row = session.execute(
        select(Certificate, CertificateIssuance, CandidateSnapshot, CertificateType, EvaluationOrg.name, College.name)
        .join(CertificateIssuance, CertificateIssuance.id == Certificate.issuance_id)
        .join(Registration, Registration.id == CertificateIssuance.registration_id)
        .join(CandidateSnapshot, CandidateSnapshot.id == Registration.snapshot_id)
        .join(CertificateType, CertificateType.id == CertificateIssuance.certificate_id)
        .join(EvaluationOrg, EvaluationOrg.id == CertificateIssuance.org_id)
        .join(College, College.id == CertificateIssuance.college_id)
        .where(
            Certificate.certificate_no == as_typed(certificate_no),
            CertificateIssuance.state == IssuanceState.ISSUED,
        )
    ).one_or_none()
    holder = row[2].id_number if row else ""
    is_same = hmac.compare_digest(_digest(holder), _digest(id_number))
    if row is None or not is_same:
        return None
    document, issuance, snapshot, certificate, issuer, college = row
    return VerifiedCertificate(
        certificate_no=document.certificate_no,
        name=masked_name(snapshot.name),
        id_number=mask_id(snapshot.id_number),
        certificate=certificate.name,
        level=certificate.level.label,
        issuer=issuer,
        college=college,
        issued_on=issuance.issued_on,
        sealed_at=document.sealed_at,
        sha256=document.sha256,
    )


def is_on_file(session: Session, content: bytes) -> bool:
    """True for exactly the bytes of a certificate that was issued here."""
    digest = hashlib.sha256(content).hexdigest()
    return session.scalar(select(Certificate.id).where(Certificate.sha256 == digest)) is not None


def masked_name(name: str) -> str:
    """张* for 张三, 欧** for 欧阳笛: the first character, the rest counted but not said."""
    return name[:1] + "*" * max(len(name) - 1, 1)


def as_typed(number: str) -> str:
    """A number as it was meant: full-width made narrow, blanks and what nobody can see gone, letters large."""
    narrow = unicodedata.normalize("NFKC", number[:_LONGEST])
    return "".join(letter for letter in narrow if letter.isprintable() and not letter.isspace()).upper()


def _digest(number: str) -> bytes:
    return hashlib.sha256(as_typed(number).encode("utf-8", "replace")).digest()
