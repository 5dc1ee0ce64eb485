"""签发: the ceremony of each party, refusals and their handling, and the certificate made once."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO

from PIL import Image, ImageStat, UnidentifiedImageError
from sqlalchemy import func, select

from core import clock
from core.db import Tx
from core.documents.certificate import TEMPLATE_VERSION, CertificateFacts, draw_certificate
from core.errors import (
    IllegalMove,
    NotFound,
    NotPermitted,
    NotReady,
    ReasonMissing,
    Refusal,
    StaleState,
    ValueRefused,
    WindowClosed,
)
from core.gateways import storage
from core.gateways.seal import Sealer
from core.models.accounts import UserAccount
from core.models.candidates import CandidatePhoto
from core.models.catalogue import CertificateType
from core.models.certificates import Certificate, CertificateIssuance, SigningItem, SigningRecord, SigningSession
from core.models.organisations import College, ElectronicSeal, EvaluationOrg
from core.models.plans import ExamPlan, ExamSession
from core.models.registrations import RoomArrangement, SeatAssignment, SubjectRegistration
from core.notifications.certificates import (
    CertificatesIssued,
    SigningRejected,
    SigningRequested,
    StampFailed,
    TeoSigningRequested,
)
from core.queries.accounts import secret_hash
from core.queries.certificates import fingerprint, pending_for
from core.rules.certificates import (
    ISSUANCE,
    OPEN_SIGNING,
    SIGNING,
    SIGNING_VALIDITY,
    IssuanceState,
    IssueMethod,
    Party,
    SigningDecision,
    SigningState,
    signing_is_open,
)
from core.rules.notices import ReplyState
from core.rules.permissions import permit
from core.usecases.imports import in_parts
from core.usecases.notices import close_tasks, retarget_tasks
from core.usecases.organisations import require_active_seal
from core.usecases.scores import create_issuances

CHUNK = 5_000
SIGNATURE_MAX_BYTES = 400_000
_SIGN_ACT = {Party.TEO: "sign_as_teo", Party.COLLEGE: "sign_as_college"}
_REJECT_ACT = {Party.TEO: "reject_as_teo", Party.COLLEGE: "reject_as_college"}


@dataclass(frozen=True, slots=True)
class Ceremony:
    """What the signer is shown before signing: numbers, the plan, until when; token opens the page once made."""

    session: SigningSession
    token: str


@dataclass(frozen=True, slots=True)
class Recap:
    """The recap page: what exactly is about to be signed, by certificate."""

    session_id: int
    party: Party
    plan_no: str
    plan_name: str
    org: str
    college: str
    signer: str
    count: int
    by_certificate: tuple[tuple[str, int], ...]
    fingerprint: str
    expires_at: datetime


# -- the ceremony --------------------------------------------------------------------------------------------------


def open_signing(tx: Tx, *, plan_id: int, party: Party) -> Ceremony:
    """Begin a ceremony over everything of a plan that waits for this party; lives five minutes (§3.19, T-19).

    An earlier open ceremony of the same person is cancelled. Refused without a seal (R-260).
    """
    plan = tx.get(ExamPlan, plan_id)
    items = _pending(tx, plan, party)
    if not items:
        raise NotFound("nothing_to_sign", rule="R-232")
    permit(tx.actor, _SIGN_ACT[party], items[0])
    _require_seal(tx, items[0], party)
    _cancel_open(tx, plan, party)
    token = secrets.token_urlsafe(32)
    session = SigningSession(
        party=party,
        account_id=tx.actor.account_id,
        plan_id=plan.id,
        college_id=tx.actor.college_id,
        org_id=plan.org_id,
        token_hash=secret_hash(token),
        item_count=len(items),
        fingerprint=fingerprint([(item.id, item.version) for item in items]),
        expires_at=tx.now + SIGNING_VALIDITY,
    )
    tx.add(session)
    tx.insert_all(
        SigningItem,
        [{"session_id": session.id, "issuance_id": item.id, "issuance_version": item.version} for item in items],
    )
    return Ceremony(session, token)


def _pending(tx: Tx, plan: ExamPlan, party: Party) -> list[CertificateIssuance]:
    if (party is Party.COLLEGE and tx.actor.college_id is None) or (party is Party.TEO and tx.actor.org_id is None):
        raise NotPermitted(rule="§8.8", act=_SIGN_ACT[party])
    where = pending_for(party, plan.id, org_id=tx.actor.org_id, college_id=tx.actor.college_id)
    wanted = select(CertificateIssuance).where(where).order_by(CertificateIssuance.id).with_for_update()
    return list(tx.all(wanted.execution_options(populate_existing=True)))


def _require_seal(tx: Tx, item: CertificateIssuance, party: Party) -> None:
    if party is Party.COLLEGE:
        require_active_seal(tx, college_id=item.college_id)
    elif not tx.first(
        select(EvaluationOrg.id).where(EvaluationOrg.id == item.org_id, EvaluationOrg.seal_image.is_not(None))
    ):
        raise NotReady("seal_missing", rule="R-244")


def _cancel_open(tx: Tx, plan: ExamPlan, party: Party) -> None:
    for session in tx.all(
        select(SigningSession).where(
            SigningSession.account_id == tx.actor.account_id,
            SigningSession.plan_id == plan.id,
            SigningSession.party == party,
            SigningSession.state.in_(OPEN_SIGNING),
        )
    ):
        tx.advance(session, SIGNING, "cancel")


def look_at_signing(tx: Tx, *, token: str) -> Recap:
    """The phone has opened the page (CREATED → SCANNED); shows what will be signed."""
    session = _session(tx, token)
    if session.state is SigningState.CREATED:
        tx.advance(session, SIGNING, "scan")
    return _recap(tx, session)


def _session(tx: Tx, token: str) -> SigningSession:
    session: SigningSession | None = tx.first(
        select(SigningSession)
        .where(SigningSession.token_hash == secret_hash(token))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if session is None:
        raise NotFound("signing_unknown", rule="§3.19")
    if tx.actor.account_id != session.account_id:
        raise NotPermitted("task_of_another", rule="§3.19", act="sign")
    if session.state is SigningState.SIGNED:
        raise StaleState(
            "signed_already", rule="R-237", thing=SIGNING.name, state=session.state.label, count=session.item_count
        )
    if not signing_is_open(session.state, session.created_at, tx.now):
        raise WindowClosed("signing_expired", rule="T-19", minutes=5)
    return session


def _recap(tx: Tx, session: SigningSession) -> Recap:
    counted = tx.session.execute(
        select(CertificateType, func.count(SigningItem.id))
        .join(CertificateIssuance, CertificateIssuance.certificate_id == CertificateType.id)
        .join(SigningItem, SigningItem.issuance_id == CertificateIssuance.id)
        .where(SigningItem.session_id == session.id)
        .group_by(CertificateType.id)
        .order_by(CertificateType.code)
    ).all()
    account = tx.get(UserAccount, session.account_id)
    return Recap(
        session_id=session.id,
        party=session.party,
        plan_no=session.plan.plan_no,
        plan_name=session.plan.name,
        org=session.plan.org.name,
        college=account.college.name if account.college else "",
        signer=account.real_name,
        count=session.item_count,
        by_certificate=tuple((certificate.full_name, count) for certificate, count in counted),
        fingerprint=session.fingerprint[:12],
        expires_at=session.expires_at,
    )


def sign(tx: Tx, *, token: str, typed_count: str, hand_signature: bytes) -> SigningSession:
    """Sign everything of the ceremony, for good (R-233…R-238, R-246).

    typed_count must be the number shown; hand_signature a PNG with ink on it. If anything of the batch has changed
    since it was shown, nothing is signed (StaleState).
    """
    session = _session(tx, token)
    if typed_count.strip() != str(session.item_count):
        raise ValueRefused("typed_count", rule="R-234", count=session.item_count)
    _require_ink(hand_signature)
    items = _unchanged_items(tx, session)
    permit(tx.actor, _SIGN_ACT[session.party], items[0])
    _require_seal(tx, items[0], session.party)
    if session.plan.locked_at is None:
        raise NotReady("scores_not_locked", rule="R-246")
    if session.state is SigningState.CREATED:
        tx.advance(session, SIGNING, "scan")
    tx.advance(
        session,
        SIGNING,
        "sign",
        signed_at=tx.now,
        hand_signature=hand_signature,
        signature_hash=hashlib.sha256(hand_signature).hexdigest(),
    )
    _move(tx, items, _SIGN_ACT[session.party])
    _write_records(tx, items, session.party, SigningDecision.APPROVE, session_id=session.id)
    _after_signing(tx, session, items)
    return session


def _require_ink(png: bytes) -> None:
    """R-234: an empty canvas is no signature."""
    if not png or len(png) > SIGNATURE_MAX_BYTES:
        raise ValueRefused("signature_missing", rule="R-234")
    try:
        with Image.open(BytesIO(png)) as picture:
            if picture.format != "PNG" or picture.width * picture.height > 4_000_000:
                raise ValueRefused("signature_missing", rule="R-234")
            layer = picture.convert("RGBA").getchannel("A")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        raise ValueRefused("signature_missing", rule="R-234") from None
    if ImageStat.Stat(layer).sum[0] / 255 < 120:
        raise ValueRefused("signature_too_short", rule="R-234")


def _unchanged_items(tx: Tx, session: SigningSession) -> list[CertificateIssuance]:
    query = (
        select(CertificateIssuance, SigningItem.issuance_version)
        .join(SigningItem, SigningItem.issuance_id == CertificateIssuance.id)
        .where(SigningItem.session_id == session.id)
        .order_by(CertificateIssuance.id)
        .with_for_update(of=CertificateIssuance)
        .execution_options(populate_existing=True)
    )
    rows = tx.session.execute(query).all()
    if any(issuance.version != version for issuance, version in rows):
        raise StaleState("batch_changed", rule="R-237", thing=ISSUANCE.name, state="")
    return [issuance for issuance, _ in rows]


def _move(tx: Tx, items: Sequence[CertificateIssuance], action: str) -> None:
    ids = [item.id for item in items]
    for part in in_parts(ids, CHUNK):
        moved = tx.advance_all(
            CertificateIssuance, ISSUANCE, action, CertificateIssuance.id.in_(part), is_rejection_handled=False
        )
        if len(moved) != len(part):
            raise StaleState("batch_changed", rule="R-237", thing=ISSUANCE.name, state="")


def _write_records(
    tx: Tx,
    items: Sequence[CertificateIssuance],
    party: Party,
    decision: SigningDecision,
    *,
    session_id: int | None = None,
    reason: str = "",
) -> None:
    name = tx.get(UserAccount, tx.actor.account_id or 0).real_name
    tx.insert_all(
        SigningRecord,
        [
            {
                "issuance_id": item.id,
                "party": party,
                "decision": decision,
                "actor_id": tx.actor.account_id,
                "signer_name": name,
                "session_id": session_id,
                "reason": reason,
                "channel": tx.actor.channel,
                "at": tx.now,
            }
            for item in items
        ],
        reason=reason,
    )


def _after_signing(tx: Tx, session: SigningSession, items: Sequence[CertificateIssuance]) -> None:
    wave = int(tx.now.timestamp())
    if session.party is Party.TEO:
        _close_requests(tx, session.plan, TeoSigningRequested.kind)
        for college_id in sorted({item.college_id for item in items}):
            tx.notify(SigningRequested(session.plan_id, wave, college_id))
        return
    college_id = items[0].college_id
    _close_requests(tx, session.plan, SigningRequested.kind, college_id)
    ordered = [item.id for item in items]
    for part in in_parts(ordered, CHUNK):
        tx.advance_all(
            CertificateIssuance,
            ISSUANCE,
            "generate",
            CertificateIssuance.id.in_(part),
            CertificateIssuance.state == IssuanceState.READY,
            CertificateIssuance.is_generation_ordered.is_(True),
        )


def _close_requests(
    tx: Tx, plan: ExamPlan, kind: str, college_id: int | None = None, reply: ReplyState = ReplyState.DONE
) -> None:
    people = None
    if college_id is not None:
        people = list(tx.all(select(UserAccount.id).where(UserAccount.college_id == college_id)))
    close_tasks(
        tx,
        thing_type=CertificateIssuance.__tablename__,
        thing_id=plan.id,
        kind=kind,
        account_ids=people,
        reply=reply,
    )


def cancel_signing(tx: Tx, *, token: str) -> None:
    """The signer turns back; nothing has happened to the batch."""
    tx.advance(_session(tx, token), SIGNING, "cancel")


def expire_signing(tx: Tx, *, session_id: int) -> None:
    """T-19: record what the clock has closed already."""
    session = tx.lock(SigningSession, session_id)
    if session.state in OPEN_SIGNING and tx.now > session.expires_at:
        tx.advance(session, SIGNING, "expire")


# -- refusing ------------------------------------------------------------------------------------------------------


def reject_batch(tx: Tx, *, plan_id: int, party: Party, reason: str, issuance_ids: Sequence[int] | None = None) -> int:
    """拒绝签发 of everything that waits, or of some of it, with a reason the other party reads (R-235, M-29)."""
    if not reason.strip():
        raise ReasonMissing(rule="R-235")
    plan = tx.get(ExamPlan, plan_id)
    waiting = [item for item in _pending(tx, plan, party) if ISSUANCE.allows(item.state, _REJECT_ACT[party])]
    items = waiting if issuance_ids is None else [item for item in waiting if item.id in set(issuance_ids)]
    if not items:
        raise NotFound("nothing_to_sign", rule="R-232")
    permit(tx.actor, _SIGN_ACT[party], items[0])
    _move(tx, items, _REJECT_ACT[party])
    _write_records(tx, items, party, SigningDecision.REJECT, reason=reason.strip())
    if len(items) < len(waiting):
        _refresh_open_requests(tx, plan)  # the rest still waits for the same person
    elif party is Party.COLLEGE:
        _close_requests(tx, plan, SigningRequested.kind, items[0].college_id, ReplyState.REFUSED)
    else:
        _close_requests(tx, plan, TeoSigningRequested.kind, reply=ReplyState.REFUSED)
    if party is Party.COLLEGE:
        college = tx.get(College, items[0].college_id)
        tx.notify(SigningRejected(plan.id, college.name, len(items), reason.strip(), int(tx.now.timestamp())))
    return len(items)


def handle_rejections(tx: Tx, *, plan_id: int, note: str, college_id: int | None = None) -> int:
    """The TEO has dealt with what the college refused; only now may the college sign again (D-18, R-236)."""
    if not note.strip():
        raise ReasonMissing(rule="D-18")
    plan = tx.get(ExamPlan, plan_id)
    permit(tx.actor, "handle_rejection", plan)
    where = [
        CertificateIssuance.plan_id == plan.id,
        CertificateIssuance.state == IssuanceState.SITE_REJECTED,
        CertificateIssuance.is_rejection_handled.is_(False),
    ]
    if college_id is not None:
        where.append(CertificateIssuance.college_id == college_id)
    colleges = set(tx.all(select(CertificateIssuance.college_id).where(*where).distinct()))
    handled = tx.update_all(
        CertificateIssuance, *where, reason=note.strip(), is_rejection_handled=True, rejection_note=note.strip()
    )
    if not handled:
        raise NotFound("nothing_to_handle", rule="D-18")
    for ident in sorted(colleges):
        tx.notify(SigningRequested(plan.id, int(tx.now.timestamp()), ident))
    return len(handled)


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
    _refresh_open_requests(tx, plan)
    return len(started)


def _refresh_open_requests(tx: Tx, plan: ExamPlan) -> None:
    """The batch's fingerprint has changed by our own hand: what was asked stays asked, for the batch as it is now."""
    retarget_tasks(tx, thing_type=CertificateIssuance.__tablename__, thing_id=plan.id)


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
        pdf = sealer.seal(draw_certificate(facts), reason=issuance.certificate_no, picture=facts.issuer_seal)
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
            template_version=TEMPLATE_VERSION,
            sealed_at=tx.now,
        )
    )
    tx.advance(issuance, ISSUANCE, "issue")
    _tell_when_all_issued(tx, issuance)
    return certificate


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
