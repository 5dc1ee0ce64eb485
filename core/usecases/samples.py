"""样张: what a certificate will look like, before anything real is made (§2.6, R-257, G-07). Nothing is written."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select

from core import clock
from core.db import Tx
from core.documents.certificate import CertificateFacts, CertificateWords, draw_certificate, preview_certificate
from core.documents.sample import sample_facts
from core.errors import NotReady
from core.models.catalogue import CertificateTemplate, CertificateType
from core.models.organisations import College, ElectronicSeal, EvaluationOrg
from core.queries.scoping import visible
from core.rules.organisations import SealState
from core.rules.permissions import permit
from core.usecases.organisations import require_seal_image

_CERTIFICATE, _LEVEL, _ENGLISH = "示例技能职业技能等级证书", "中级", "Sample Skill"
_COLLEGE, _ORG = "示例职业技术学院", "示例培训评价组织"


@dataclass(frozen=True, slots=True)
class SealPreview:
    """A seal that is not in use yet, and the certificate it would stand on; picture is a PNG."""

    officer_name: str
    image: bytes = field(repr=False)
    picture: bytes = field(repr=False)


def words_of(template: CertificateTemplate | None) -> CertificateWords:
    """A template's words, named T<id>r<revision> on what is made with them; the platform's words without one."""
    if template is None:
        return CertificateWords()
    return CertificateWords(
        template.title,
        template.title_en,
        template.statement,
        template.statement_en,
        f"T{template.id}r{template.revision}",
    )


def template_sample(tx: Tx, *, template_id: int, verify_base: str) -> bytes:
    """A PDF with a template's words, for whoever may see the template."""
    template: CertificateTemplate = tx.one(
        select(CertificateTemplate).where(
            CertificateTemplate.id == template_id, visible(CertificateTemplate, tx.actor, tx.now)
        )
    )
    return draw_certificate(_facts(tx, verify_base, org=template.org, words=words_of(template)))


def certificate_sample(tx: Tx, *, certificate_id: int, verify_base: str) -> bytes:
    """A PDF of a certificate type as it would be made now, for whoever may see the type."""
    certificate: CertificateType = tx.one(
        select(CertificateType).where(CertificateType.id == certificate_id, visible(CertificateType, tx.actor, tx.now))
    )
    return draw_certificate(_facts(tx, verify_base, org=certificate.org, certificate=certificate))


def preview_seal(tx: Tx, *, college_id: int, officer_name: str, image: bytes, verify_base: str = "") -> SealPreview:
    """R-257: an uploaded seal on a sample certificate, before it is in use; R-254: for the signing officer alone."""
    college = tx.get(College, college_id)
    permit(tx.actor, "manage_seal", college)
    require_seal_image(image)
    facts = _facts(tx, verify_base, college=college, officer_seal=image)
    return SealPreview(officer_name, image, preview_certificate(facts))


def seal_effect(tx: Tx, *, college_id: int, verify_base: str = "") -> SealPreview:
    """R-257, R-254: the seal in use on a sample certificate; NotReady while there is none."""
    college = tx.get(College, college_id)
    permit(tx.actor, "manage_seal", college)
    active = select(ElectronicSeal).where(
        ElectronicSeal.college_id == college.id, ElectronicSeal.state == SealState.ACTIVE
    )
    seal: ElectronicSeal | None = tx.first(active)
    if seal is None:
        raise NotReady("seal_missing", rule="R-260")
    facts = _facts(tx, verify_base, college=college, officer_seal=seal.image)
    return SealPreview(seal.officer_name, seal.image, preview_certificate(facts))


def _facts(
    tx: Tx,
    verify_base: str,
    *,
    org: EvaluationOrg | None = None,
    college: College | None = None,
    certificate: CertificateType | None = None,
    words: CertificateWords | None = None,
    officer_seal: bytes | None = None,
) -> CertificateFacts:
    return sample_facts(
        certificate=certificate.name if certificate is not None else _CERTIFICATE,
        level=certificate.level.label if certificate is not None else _LEVEL,
        certificate_en=certificate.english_name if certificate is not None else _ENGLISH,
        issuer=org.name if org is not None else _ORG,
        college=college.name if college is not None else _COLLEGE,
        on=clock.local(tx.now).date(),
        verify_url=f"{verify_base}/verify",
        words=words or words_of(certificate.template if certificate is not None else None),
        officer_seal=officer_seal,
    )
