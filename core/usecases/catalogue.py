"""What a TEO certifies: majors, certificates per level, subjects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select

from core.db import Tx
from core.errors import AlreadyThere, Incomplete, NotFound, ValueRefused
from core.models.catalogue import CertificateTemplate, CertificateType, Major, SkillStandard, Subject
from core.models.files import Attachment
from core.rules.catalogue import EVERYBODY, FULL_SCORE, AttachmentKind, CertificateLevel, ExamMode
from core.rules.numbering import certificate_code, subject_code
from core.rules.organisations import SWITCH, Switch
from core.rules.permissions import permit
from core.usecases.attachments import attach, detach
from core.usecases.edits import set_only

_STANDARD_DIGITS = 6  # N17
DETAILS = frozenset(
    {
        "short_name", "english_name", "national_batch", "opened_on", "exam_modes", "exam_time_note", "study_hours",
        "credit_tenths", "major_category", "target_group", "obtain_requirements", "intro",
    }
)  # fmt: skip


# -- majors ------------------------------------------------------------------------------------------------------------


def create_major(tx: Tx, *, code: str, name: str, category: str = "") -> Major:
    """A major of the national list; another code is another major (G-24)."""
    permit(tx.actor, "manage_organisations")
    return tx.add(Major(code=code, name=name, category=category))


def edit_major(tx: Tx, *, major_id: int, name: str, category: str = "") -> Major:
    """Its name and category; the code is what everything is matched by and stays (G-24)."""
    permit(tx.actor, "manage_organisations")
    major = tx.get(Major, major_id)
    set_only(major, frozenset({"name", "category"}), {"name": name, "category": category})
    return major


# -- certificates ------------------------------------------------------------------------------------------------------


def create_certificate(
    tx: Tx,
    *,
    org_id: int,
    name: str,
    short_name: str,
    level: CertificateLevel,
    major_codes: Sequence[str],
    standard_code: str = "",
    standard_id: int | None = None,
    template_id: int | None = None,
    **details: Any,
) -> CertificateType:
    """One certificate at one level (R-051); its number follows N9. details: further columns of §2.9."""
    permit(tx.actor, "manage_catalogue", CertificateType(org_id=org_id))
    return make_certificate(
        tx,
        org_id=org_id,
        name=name,
        short_name=short_name,
        level=level,
        major_codes=major_codes,
        standard_code=standard_code,
        standard_id=standard_id,
        template_id=template_id,
        **details,
    )


def make_certificate(
    tx: Tx,
    *,
    org_id: int,
    name: str,
    level: CertificateLevel,
    major_codes: Sequence[str],
    standard_code: str = "",
    standard_id: int | None = None,
    template_id: int | None = None,
    code: str = "",
    **details: Any,
) -> CertificateType:
    """The certificate itself, for verbs that have permitted; code where it has a number already (N9)."""
    certificate = CertificateType(org_id=org_id, name=name, level=level, code=code, standard_code="")
    _require_new(tx, certificate)
    if code and tx.first(select(CertificateType.id).where(CertificateType.code == code)) is not None:
        raise AlreadyThere("certificate_code_taken", rule="N9", value=code)
    certificate.standard_code = _standard_code(tx, certificate, standard_id, standard_code)
    _require_own_template(tx, certificate, template_id)
    certificate.standard_id, certificate.template_id = standard_id, template_id
    certificate.majors = _majors(tx, major_codes)
    set_only(certificate, DETAILS, details)
    if not certificate.code:
        certificate.code = certificate_code(tx.now, level.digit, tx.next_number("certificate_type"))
    return tx.add(certificate)


def edit_certificate(
    tx: Tx,
    *,
    certificate_id: int,
    name: str | None = None,
    major_codes: Sequence[str] | None = None,
    standard_code: str = "",
    standard_id: int | None = None,
    template_id: int | None = None,
    **details: Any,
) -> CertificateType:
    """Everything but level and number, which the numbers built from them would contradict (N9, N10, N17).

    What is sealed stays as it is; plans keep the names and subjects they copied (G-19).
    """
    certificate = tx.get(CertificateType, certificate_id)
    permit(tx.actor, "manage_catalogue", certificate)
    return change_certificate(
        tx,
        certificate,
        name=name,
        major_codes=major_codes,
        standard_code=standard_code,
        standard_id=standard_id,
        template_id=template_id,
        **details,
    )


def change_certificate(
    tx: Tx,
    certificate: CertificateType,
    *,
    name: str | None = None,
    major_codes: Sequence[str] | None = None,
    standard_code: str = "",
    standard_id: int | None = None,
    template_id: int | None = None,
    **details: Any,
) -> CertificateType:
    """The change itself, for verbs that have permitted; nothing is touched before everything is found right."""
    if name is not None and name != certificate.name:
        _require_new(tx, CertificateType(org_id=certificate.org_id, name=name, level=certificate.level))
    majors = certificate.majors if major_codes is None else _majors(tx, major_codes)
    code = _standard_code(tx, certificate, standard_id, standard_code or certificate.standard_code)
    _require_own_template(tx, certificate, template_id)
    set_only(certificate, DETAILS, details)
    certificate.name, certificate.majors = name or certificate.name, majors
    certificate.standard_id, certificate.standard_code = standard_id, code
    certificate.template_id = template_id
    tx.session.flush()
    return certificate


def switch_certificate(tx: Tx, *, certificate_id: int, action: str) -> None:
    """action: enable or disable; a disabled one stays in history and is offered nowhere new (R-054)."""
    certificate = tx.get(CertificateType, certificate_id)
    permit(tx.actor, "manage_catalogue", certificate)
    tx.advance(certificate, SWITCH, action)


def attach_sample(tx: Tx, *, certificate_id: int, file_name: str, data: bytes) -> Attachment:
    """证书样本 as a PDF (§2.9)."""
    certificate = tx.get(CertificateType, certificate_id)
    permit(tx.actor, "manage_catalogue", certificate)
    return attach(tx, kind=AttachmentKind.SAMPLE, file_name=file_name, data=data, certificate_id=certificate.id)


def remove_sample(tx: Tx, *, attachment_id: int) -> None:
    """Take a sample off its certificate."""
    file = tx.get(Attachment, attachment_id)
    if file.certificate_id is None:
        raise NotFound(thing=Attachment.__tablename__)
    permit(tx.actor, "manage_catalogue", tx.get(CertificateType, file.certificate_id))
    detach(tx, attachment_id=file.id)


def require_offered(certificate: CertificateType) -> None:
    """R-054, §3.4: nothing new is made of a disabled certificate, nor of one whose organisation is disabled."""
    if certificate.state is not Switch.ENABLED:
        raise ValueRefused("certificate_disabled", rule="R-054", certificate=certificate.full_name)
    if certificate.org.state is not Switch.ENABLED:
        raise ValueRefused("org_disabled", rule="R-054", organisation=certificate.org.name)


def _require_new(tx: Tx, certificate: CertificateType) -> None:
    """R-051: one certificate per organisation, name and level."""
    twin = select(CertificateType).where(
        CertificateType.org_id == certificate.org_id,
        CertificateType.name == certificate.name,
        CertificateType.level == certificate.level,
    )
    there: CertificateType | None = tx.first(twin)
    if there is not None:
        raise AlreadyThere("certificate_there", rule="R-051", certificate=there.full_name, number=there.code)


def _majors(tx: Tx, codes: Sequence[str]) -> list[Major]:
    """R-031, R-138: at least one, all of the national list."""
    wanted = list(dict.fromkeys(codes))
    if not wanted:
        raise Incomplete(rule="R-031", fields=["对应专业"])
    found = {major.code: major for major in tx.all(select(Major).where(Major.code.in_(wanted)))}
    missing = [code for code in wanted if code not in found]
    if missing:
        raise ValueRefused("majors_unknown", rule="R-031", value="、".join(missing), suggestion=None)
    return [found[code] for code in wanted]


def _standard_code(tx: Tx, certificate: CertificateType, standard_id: int | None, typed: str) -> str:
    """对应标准 gives its code to the certificate; without one it is typed. Six digits either way (N17)."""
    code = typed
    if standard_id is not None:
        standard = tx.get(SkillStandard, standard_id)
        code = standard.code
        if standard.org_id != certificate.org_id:
            raise ValueRefused("standard_of_another", rule="§2.9", standard=standard.name)
        if standard.state is not Switch.ENABLED and standard_id != certificate.standard_id:
            raise ValueRefused("standard_disabled", rule="R-054", standard=standard.name)
    if not (len(code) == _STANDARD_DIGITS and code.isascii() and code.isdigit()):
        raise ValueRefused("standard_code_length", rule="N17", value=code, suggestion=None)
    return code


def _require_own_template(tx: Tx, certificate: CertificateType, template_id: int | None) -> None:
    if template_id is None or template_id == certificate.template_id:
        return
    template = tx.get(CertificateTemplate, template_id)
    if template.org_id != certificate.org_id:
        raise ValueRefused("template_of_another", rule="G-07", template=template.name)
    if template.state is not Switch.ENABLED:
        raise ValueRefused("template_disabled", rule="R-054", template=template.name)


# -- subjects ----------------------------------------------------------------------------------------------------------


def create_subject(
    tx: Tx,
    *,
    certificate_id: int,
    name: str,
    exam_modes: Iterable[ExamMode],
    examinee_category: str = EVERYBODY,
    full_score: int = FULL_SCORE,
) -> Subject:
    """A subject of a certificate; its number follows N10. Modes are a set (R-052)."""
    certificate = tx.get(CertificateType, certificate_id)
    permit(tx.actor, "manage_catalogue", certificate)
    return make_subject(
        tx,
        certificate,
        name=name,
        exam_modes=exam_modes,
        examinee_category=examinee_category,
        full_score=full_score,
    )


def make_subject(
    tx: Tx,
    certificate: CertificateType,
    *,
    name: str,
    exam_modes: Iterable[ExamMode],
    examinee_category: str = EVERYBODY,
    full_score: int = FULL_SCORE,
    code: str = "",
) -> Subject:
    """The subject itself, for verbs that have permitted; code where it has a number already (N10)."""
    modes = _modes(exam_modes)
    if code and tx.first(select(Subject.id).where(Subject.code == code)) is not None:
        raise AlreadyThere("subject_code_taken", rule="N10", value=code)
    return tx.add(
        Subject(
            code=code or _free_subject_code(tx, certificate),
            name=name,
            certificate_id=certificate.id,
            exam_modes=modes,
            examinee_category=examinee_category or EVERYBODY,
            full_score=full_score,
        )
    )


def edit_subject(
    tx: Tx,
    *,
    subject_id: int,
    name: str,
    exam_modes: Iterable[ExamMode],
    examinee_category: str = EVERYBODY,
    full_score: int = FULL_SCORE,
) -> Subject:
    """Name, modes (R-052), category (R-053) and full score for plans made from now on; made ones keep their copy."""
    subject = tx.get(Subject, subject_id)
    permit(tx.actor, "manage_catalogue", subject)
    return change_subject(
        tx,
        subject,
        name=name,
        exam_modes=exam_modes,
        examinee_category=examinee_category,
        full_score=full_score,
    )


def change_subject(
    tx: Tx,
    subject: Subject,
    *,
    name: str,
    exam_modes: Iterable[ExamMode],
    examinee_category: str = EVERYBODY,
    full_score: int = FULL_SCORE,
) -> Subject:
    """The change itself, for verbs that have permitted."""
    changes = {
        "name": name,
        "exam_modes": _modes(exam_modes),
        "examinee_category": examinee_category or EVERYBODY,
        "full_score": full_score,
    }
    set_only(subject, frozenset(changes), changes)
    tx.session.flush()
    return subject


def switch_subject(tx: Tx, *, subject_id: int, action: str) -> None:
    """action: enable or disable (R-054)."""
    subject = tx.get(Subject, subject_id)
    permit(tx.actor, "manage_catalogue", subject)
    tx.advance(subject, SWITCH, action)


def _modes(given: Iterable[ExamMode]) -> frozenset[ExamMode]:
    modes = frozenset(given)
    if not modes:
        raise Incomplete(rule="R-052", fields=["考试方式"])
    return modes


def _free_subject_code(tx: Tx, certificate: CertificateType) -> str:
    """The next number of the certificate that no imported subject has taken."""
    while True:
        running = tx.next_number(f"subject:{certificate.code}")
        code = subject_code(certificate.code, certificate.level.digit, running)
        if tx.first(select(Subject.id).where(Subject.code == code)) is None:
            return code
