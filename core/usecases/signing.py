"""签发: the ceremony of each party on the phone, refusals and their handling (§3.18, §3.19)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from PIL import Image, ImageStat, UnidentifiedImageError
from sqlalchemy import func, select

from core.db import Tx
from core.errors import (
    NotFound,
    NotPermitted,
    NotReady,
    ReasonMissing,
    Refusal,
    StaleState,
    ValueRefused,
    WindowClosed,
)
from core.models.accounts import UserAccount
from core.models.catalogue import CertificateType
from core.models.certificates import CertificateIssuance, SigningItem, SigningRecord, SigningSession
from core.models.organisations import College, EvaluationOrg
from core.models.plans import ExamPlan
from core.models.records import Notification
from core.notifications.certificates import (
    ReadyToOrder,
    SigningRejected,
    SigningRequested,
    TeoSigningRequested,
)
from core.queries.accounts import secret_hash
from core.queries.certificates import fingerprint, pending_for, ready_to_order, waiting_count
from core.queries.delegations import principal_of_signer
from core.queries.signing import refusable
from core.rules.certificates import (
    ISSUANCE,
    OPEN_SIGNING,
    SIGNING,
    SIGNING_VALIDITY,
    IssuanceState,
    Party,
    SigningDecision,
    SigningState,
    signing_is_open,
)
from core.rules.notices import ReplyState
from core.rules.organisations import Role
from core.rules.permissions import permit
from core.rules.reasons import require_tellable
from core.usecases.bindings import require_settled
from core.usecases.freezing import require_free_hand, require_unfrozen
from core.usecases.imports import in_parts
from core.usecases.notices import close_tasks, retarget_tasks
from core.usecases.organisations import require_active_seal
from core.usecases.second_factor import prove_second_factor

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
    needs_step_up: bool


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
    _require_own_hand(tx)
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


def _require_own_hand(tx: Tx) -> None:
    """chat.md: no signature of a frozen account, of one that has just moved, or of a chat nobody has vouched for."""
    require_unfrozen(tx)
    require_free_hand(tx)
    require_settled(tx)


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
        needs_step_up=needs_step_up(session),
    )


def step_up(tx: Tx, *, token: str, typed: str) -> Refusal | None:
    """The signer's second factor, seen once per ceremony (chat.md L3); a wrong try is counted and kept, so a value."""
    session = _session(tx, token)
    refusal = prove_second_factor(tx, account_id=session.account_id, typed=typed)
    if refusal is None:
        session.stepped_up_at = tx.now
        tx.because(session, "step_up")
        tx.session.flush()
    return refusal


def require_step_up(tx: Tx, session: SigningSession) -> None:
    """NotReady where the signer has a second factor that this ceremony has not seen."""
    if needs_step_up(session):
        raise NotReady("step_up_missing", rule="chat.md")


def needs_step_up(session: SigningSession) -> bool:
    """Whether this ceremony has yet to see the signer's second factor."""
    return session.account.second_factor_since is not None and session.stepped_up_at is None


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
    _require_own_hand(tx)
    require_step_up(tx, session)
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
    signer = tx.get(UserAccount, tx.actor.account_id or 0)
    principal = _signs_for(tx, signer) if party is Party.COLLEGE else None
    tx.insert_all(
        SigningRecord,
        [
            {
                "issuance_id": item.id,
                "party": party,
                "decision": decision,
                "actor_id": tx.actor.account_id,
                "signer_name": signer.real_name,
                "principal_id": principal.id if principal else None,
                "principal_name": principal.real_name if principal else "",
                "session_id": session_id,
                "reason": reason,
                "channel": tx.actor.channel,
                "at": tx.now,
            }
            for item in items
        ],
        reason=reason,
    )


def _signs_for(tx: Tx, signer: UserAccount) -> UserAccount | None:
    """R-240: whoever signs without being the signing officer signs for one: a delegation says whom, or there is one."""
    if any(held.role is Role.SIGNATORY for held in signer.roles):
        return None
    named = principal_of_signer(tx.session, signer.id, tx.now)
    if named is not None:
        return tx.get(UserAccount, named)
    mine: UserAccount | None = tx.first(
        select(UserAccount).where(UserAccount.college_id == signer.college_id, UserAccount.is_initial)
    )
    return mine


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
    _ask_for_order(tx, session.plan_id, wave)


def _ask_for_order(tx: Tx, plan_id: int, wave: int) -> None:
    """Once for a plan, however many of its colleges sign one after the other; the number in it grows."""
    if not waiting_count(tx.session, ready_to_order(plan_id)):
        return
    asked = select(Notification.id).where(
        Notification.thing_type == CertificateIssuance.__tablename__,
        Notification.thing_id == plan_id,
        Notification.kind == ReadyToOrder.kind,
        Notification.reply_state == ReplyState.OPEN,
    )
    if tx.first(asked) is None:
        tx.notify(ReadyToOrder(plan_id, wave))
    else:
        retarget_tasks(tx, thing_type=CertificateIssuance.__tablename__, thing_id=plan_id)


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
    words = require_tellable(reason, rule="R-235")
    require_free_hand(tx)
    plan = tx.get(ExamPlan, plan_id)
    waiting = [item for item in _pending(tx, plan, party) if ISSUANCE.allows(item.state, _REJECT_ACT[party])]
    items = waiting if issuance_ids is None else [item for item in waiting if item.id in set(issuance_ids)]
    if not items:
        raise NotFound("nothing_to_sign", rule="R-232")
    permit(tx.actor, _SIGN_ACT[party], items[0])
    _move(tx, items, _REJECT_ACT[party])
    _write_records(tx, items, party, SigningDecision.REJECT, reason=words)
    if len(items) < len(waiting):
        retarget_tasks(
            tx, thing_type=CertificateIssuance.__tablename__, thing_id=plan.id
        )  # the rest still waits for the same person
    elif party is Party.COLLEGE:
        _close_requests(tx, plan, SigningRequested.kind, items[0].college_id, ReplyState.REFUSED)
    else:
        _close_requests(tx, plan, TeoSigningRequested.kind, reply=ReplyState.REFUSED)
    if party is Party.COLLEGE:
        college = tx.get(College, items[0].college_id)
        tx.notify(SigningRejected(plan.id, college.name, len(items), words, int(tx.now.timestamp())))
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


# -- on which phone ------------------------------------------------------------------------------------------------


def claim_ceremony(tx: Tx, *, token: str) -> Recap:
    """The first phone that opens a ceremony's link has it from then on; every other is refused (§3.19)."""
    mine = SigningSession.token_hash == secret_hash(token)
    found = tx.first(select(SigningSession.state).where(mine).with_for_update())
    recap = look_at_signing(tx, token=token)
    if found is SigningState.SCANNED:
        raise StaleState("signing_elsewhere", rule="§3.19", thing=SIGNING.name, state=found.label)
    return recap


def send_back(tx: Tx, *, token: str, reason: str, shown: int) -> int:
    """拒绝签发 of what the ceremony shows, with a reason (R-235), and the end of the ceremony; returns how many.

    shown is the number the signer was asked to confirm; if it is another one by now nothing happens (StaleState).
    """
    recap = look_at_signing(tx, token=token)
    session = tx.get(SigningSession, recap.session_id)
    ids = refusable(tx.session, session.id, session.party)
    if len(ids) != shown:
        raise StaleState("batch_changed", rule="R-237", thing=ISSUANCE.name, state="")
    count = reject_batch(tx, plan_id=session.plan_id, party=session.party, reason=reason, issuance_ids=ids)
    cancel_signing(tx, token=token)
    return count
