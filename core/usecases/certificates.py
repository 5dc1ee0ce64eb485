"""证书: listed for signing, made once, downloaded (§3.18, R-241…R-252)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import func, select

from core import clock
from core.db import Tx
from core.documents.certificate import CertificateFacts, draw_certificate
from core.errors import (
    IllegalMove,
    NotFound,
    NotReady,
    Refusal,
    ValueRefused,
)
from core.gateways import storage
from core.gateways.seal import Sealer
from core.models.candidates import CandidatePhoto
from core.models.certificates import Certificate, CertificateIssuance
from core.models.organisations import College, ElectronicSeal, EvaluationOrg
from core.models.plans import ExamPlan, ExamSession
from core.models.registrations import RoomArrangement, SeatAssignment, SubjectRegistration
from core.notifications.certificates import (
    CertificatesIssued,
    ReadyToOrder,
    StampFailed,
)
from core.queries.certificates import ready_to_order, waiting_count
from core.rules.certificates import (
    ISSUANCE,
    IssuanceState,
    IssueMethod,
    Party,
    SigningDecision,
)
from core.rules.permissions import permit
from core.usecases.notices import close_tasks, retarget_tasks
from core.usecases.organisations import require_active_seal
from core.usecases.results import create_issuances
from core.usecases.samples import words_of

CHUNK = 5_000
SIGNATURE_MAX_BYTES = 400_000
_SIGN_ACT = {Party.TEO: "sign_as_teo", Party.COLLEGE: "sign_as_college"}
_REJECT_ACT = {Party.TEO: "reject_as_teo", Party.COLLEGE: "reject_as_college"}


def renew_issuances(tx: Tx, *, plan_id: int) -> int:
    """The TEO runs the list of certificates to sign again (R-250); returns how many were missing, usually none."""
    plan = tx.lock(ExamPlan, plan_id)
    permit(tx.actor, "sign_as_teo", plan)
    if plan.locked_at is None:
        raise NotReady("scores_not_locked", rule="R-241")
    return create_issuances(tx, plan=plan)


# -- generation ----------------------------------------------------------------------------------------------------


def order_generation(
    tx: Tx, *, plan_id: int, issue_method: IssueMethod, issued_on: date, issuance_ids: Sequence[int] | None = None
) -> int:
    """生成证书: the TEO sets how and when; what both have signed is made now, the rest as soon as it is signed.

    R-242, R-252. Returns how many go to the printer at once.
    """
    plan = tx.get(ExamPlan, plan_id)
    permit(tx.actor, "generate_certificates", plan)
    if plan.locked_at is None:
        raise NotReady("scores_not_locked", rule="R-241")
    if issued_on < clock.local(plan.publication_closes_at).date():
        raise ValueRefused("issued_on_too_early", rule="R-241", value=issued_on)
    where = [
        CertificateIssuance.plan_id == plan.id,
        CertificateIssuance.state.not_in([IssuanceState.GENERATING, IssuanceState.ISSUED]),
    ]
    if issuance_ids is not None:
        where.append(CertificateIssuance.id.in_(issuance_ids))
    set_ = tx.update_all(
        CertificateIssuance, *where, issue_method=issue_method, issued_on=issued_on, is_generation_ordered=True
    )
    if not set_:
        raise NotFound("nothing_to_generate", rule="R-241")
    started = tx.advance_all(CertificateIssuance, ISSUANCE, "generate", *where, failure_code=None)
    if not waiting_count(tx.session, ready_to_order(plan.id)):
        close_tasks(tx, thing_type=CertificateIssuance.__tablename__, thing_id=plan.id, kind=ReadyToOrder.kind)
    # The batch has changed by our own hand: what was asked stays asked, for the batch as it is now.
    retarget_tasks(tx, thing_type=CertificateIssuance.__tablename__, thing_id=plan.id)
    return len(started)


def generate_certificate(tx: Tx, *, issuance_id: int, sealer: Sealer, verify_base: str) -> Certificate | None:
    """Make, seal and store the certificate of one issuance, once; None when there is nothing to do any more.

    The row is held while the page is drawn, so two workers never make two; a kill leaves it GENERATING for the next.
    A failure that a person must mend becomes 盖章失败 (R-245).
    """
    issuance = tx.lock(CertificateIssuance, issuance_id)
    if issuance.state is not IssuanceState.GENERATING:
        return None
    try:
        facts = certificate_facts(tx, issuance, verify_base)
        pdf = sealer.seal(draw_certificate(facts), reason=_seal_reason(issuance), picture=facts.issuer_seal)
    except Refusal as refusal:
        tx.advance(issuance, ISSUANCE, "fail_stamp", failure_code=refusal.sentence_code)
        tx.notify(StampFailed(issuance.id, refusal.sentence_code, issuance.version))
        return None
    stored = storage.put(pdf, suffix="pdf")
    certificate = tx.add(
        Certificate(
            issuance_id=issuance.id,
            certificate_no=issuance.certificate_no,
            storage_key=stored.key,
            sha256=stored.sha256,
            template_version=facts.words.version,
            sealed_at=tx.now,
        )
    )
    tx.advance(issuance, ISSUANCE, "issue")
    _tell_when_all_issued(tx, issuance)
    return certificate


def _seal_reason(issuance: CertificateIssuance) -> str:
    """What readers show of the seal: the number, and who signed for whom (chat.md, delegation)."""
    stood_in = [row for row in issuance.signings if row.decision is SigningDecision.APPROVE and row.principal_name]
    return " · ".join([issuance.certificate_no, *(row.signer for row in stood_in)])


def _tell_when_all_issued(tx: Tx, issuance: CertificateIssuance) -> None:
    left = tx.session.scalar(
        select(func.count(CertificateIssuance.id)).where(
            CertificateIssuance.plan_id == issuance.plan_id,
            CertificateIssuance.college_id == issuance.college_id,
            CertificateIssuance.state == IssuanceState.GENERATING,
        )
    )
    if not left:
        tx.notify(CertificatesIssued(issuance.plan_id, issuance.college_id, int(tx.now.timestamp())))


def certificate_facts(tx: Tx, issuance: CertificateIssuance, verify_base: str) -> CertificateFacts:
    """Everything the certificate prints, from the snapshot and the seals in use now (§2.35)."""
    snapshot = issuance.registration.snapshot
    photo = tx.first(
        select(CandidatePhoto).where(
            CandidatePhoto.candidate_id == snapshot.candidate_id, CandidatePhoto.sha256 == snapshot.photo_hash
        )
    )
    if photo is None:
        raise NotReady("photo_missing", rule="§2.35")
    seal: ElectronicSeal = require_active_seal(tx, college_id=issuance.college_id)
    org = tx.get(EvaluationOrg, issuance.org_id)
    if org.seal_image is None:
        raise NotReady("seal_missing", rule="R-244")
    if issuance.issued_on is None:
        raise IllegalMove("issue_not_set", rule="R-252", thing=ISSUANCE.name)
    sat = clock.local(_last_exam(tx, issuance))
    return CertificateFacts(
        certificate_no=issuance.certificate_no,
        name=snapshot.name,
        id_number=snapshot.id_number,
        certificate=issuance.certificate.name,
        level=issuance.certificate.level.label,
        certificate_en=issuance.certificate.english_name,
        exam_year=sat.year,
        exam_month=sat.month,
        issuer=org.name,
        college=tx.get(College, issuance.college_id).name,
        issued_on=issuance.issued_on,
        verify_url=f"{verify_base}/verify?no={issuance.certificate_no}",
        photo=photo.data,
        officer_seal=seal.image,
        issuer_seal=org.seal_image,
        words=words_of(issuance.certificate.template),
    )


def _last_exam(tx: Tx, issuance: CertificateIssuance) -> datetime:
    sat = tx.session.scalar(
        select(func.max(ExamSession.starts_at))
        .join(RoomArrangement, RoomArrangement.session_id == ExamSession.id)
        .join(SeatAssignment, SeatAssignment.room_arrangement_id == RoomArrangement.id)
        .join(SubjectRegistration, SubjectRegistration.id == SeatAssignment.subject_registration_id)
        .where(SubjectRegistration.registration_id == issuance.registration_id)
    )
    return sat or issuance.plan.exam_opens_at


def note_download(tx: Tx, *, issuance_id: int) -> Certificate:
    """下载电子证书: the certificate's row, with the look recorded."""
    issuance = tx.get(CertificateIssuance, issuance_id)
    permit(tx.actor, "download_certificate", issuance)
    if issuance.document is None:
        raise NotReady("certificate_not_issued", rule="R-241")
    tx.record(issuance, "download")
    return issuance.document
