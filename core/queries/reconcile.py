"""The sums that must hold at all times, each with both sides; what differs names the rule it breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select, true
from sqlalchemy.orm import Session

from core import clock, settings, trail
from core.models.candidates import Candidate, CandidatePhoto
from core.models.certificates import Certificate, CertificateIssuance, SigningRecord
from core.models.pilots import Quota
from core.models.plans import ExamPlan
from core.models.records import AuditEntry, ImportJob, Notification
from core.models.registrations import Registration, RoomArrangement, SeatAssignment, SubjectRegistration
from core.models.scores import CertificateResult, SubjectScore
from core.models.sites import ExamRoom
from core.queries.quotas import off_balance
from core.queries.tallies import TALLIED, counted, kept
from core.rules.candidates import CandidateKind
from core.rules.certificates import IssuanceState, Party, SigningDecision
from core.rules.notices import DeliveryState
from core.rules.registrations import SittingState
from core.rules.scores import ResultState, ScoreState


@dataclass(frozen=True, slots=True)
class Sum:
    """One conservation law: how many rows break it, and a few of their ids."""

    name: str
    broken: int
    examples: tuple[int, ...] = ()


def reconcile(session: Session) -> list[Sum]:
    """Every law, broken or not."""
    return [*(_count(session, name, query()) for name, query in LAWS.items()), _tallies(session)]


def _tallies(session: Session) -> Sum:
    """Tables whose kept counts are not what is there; they have no ids of their own."""
    wrong = sum(counted(session, model) != kept(session, model) for model in TALLIED)
    return Sum(TALLIES_LAW, wrong)


def _count(session: Session, name: str, query: Select[Any]) -> Sum:
    ids = list(session.scalars(query))
    return Sum(name, len(ids), tuple(ids[:5]))


def _quota_used() -> Select[Any]:
    registered = (
        select(func.count(Registration.id))
        .join(ExamPlan, ExamPlan.id == Registration.plan_id)
        .where(
            Registration.college_id == Quota.college_id,
            Registration.certificate_id == Quota.certificate_id,
            ExamPlan.exam_year == Quota.year,
            Registration.kind == CandidateKind.COLLEGE,
        )
        .scalar_subquery()
    )
    return select(Quota.id).where(or_(Quota.used != registered, Quota.used + Quota.lapsed > Quota.granted))


def _registered_count() -> Select[Any]:
    counted = select(func.count(Registration.id)).where(Registration.candidate_id == Candidate.id).scalar_subquery()
    return select(Candidate.id).where(Candidate.registered_count != counted)


def _photos() -> Select[Any]:
    """A picture may be missing only where its time may be over (G-26)."""
    days = settings.current().photo_retention_days
    is_kept = Candidate.created_at >= clock.now() - timedelta(days=days) if days else true()
    return (
        select(Candidate.id)
        .outerjoin(CandidatePhoto, CandidatePhoto.candidate_id == Candidate.id)
        .where(
            or_(
                and_(Candidate.photo_hash.is_(None), CandidatePhoto.id.is_not(None)),
                and_(
                    Candidate.photo_hash.is_not(None),
                    or_(and_(CandidatePhoto.id.is_(None), is_kept), CandidatePhoto.sha256 != Candidate.photo_hash),
                ),
            )
        )
    )


def _seats() -> Select[Any]:
    """Seated has a seat, not seated has none."""
    return (
        select(SubjectRegistration.id)
        .outerjoin(SeatAssignment, SeatAssignment.subject_registration_id == SubjectRegistration.id)
        .where((SubjectRegistration.state == SittingState.SEATED) != SeatAssignment.id.is_not(None))
    )


def _seat_numbers() -> Select[Any]:
    return (
        select(SeatAssignment.id)
        .join(RoomArrangement, RoomArrangement.id == SeatAssignment.room_arrangement_id)
        .join(ExamRoom, ExamRoom.id == RoomArrangement.room_id)
        .where(SeatAssignment.seat_no > ExamRoom.seat_count)
    )


def _scored() -> Select[Any]:
    """registered = scored + absent + void: after the lock every seated sitting has its locked row."""
    return (
        select(SubjectRegistration.id)
        .join(Registration, Registration.id == SubjectRegistration.registration_id)
        .join(ExamPlan, ExamPlan.id == Registration.plan_id)
        .outerjoin(SubjectScore, SubjectScore.subject_registration_id == SubjectRegistration.id)
        .where(
            ExamPlan.locked_at.is_not(None),
            SubjectRegistration.state == SittingState.SEATED,
            or_(SubjectScore.id.is_(None), SubjectScore.state != ScoreState.LOCKED),
        )
    )


def _results() -> Select[Any]:
    """Every registration of a locked plan has a final result."""
    return (
        select(Registration.id)
        .join(ExamPlan, ExamPlan.id == Registration.plan_id)
        .outerjoin(CertificateResult, CertificateResult.registration_id == Registration.id)
        .where(
            ExamPlan.locked_at.is_not(None),
            or_(CertificateResult.id.is_(None), CertificateResult.is_final.is_(False)),
        )
    )


def _passed() -> Select[Any]:
    """passed = issued + refused + pending: one issuance per final pass, none for anything else."""
    return (
        select(CertificateResult.id)
        .outerjoin(CertificateIssuance, CertificateIssuance.result_id == CertificateResult.id)
        .where(
            and_(CertificateResult.state == ResultState.PASSED, CertificateResult.is_final)
            != CertificateIssuance.id.is_not(None)
        )
    )


def _signed_twice() -> Select[Any]:
    """Issued needs both approvals (R-230)."""
    approvals = (
        select(func.count(SigningRecord.id))
        .where(
            SigningRecord.issuance_id == CertificateIssuance.id,
            SigningRecord.decision == SigningDecision.APPROVE,
            SigningRecord.party.in_([Party.TEO, Party.COLLEGE]),
        )
        .scalar_subquery()
    )
    needed = case(
        (
            CertificateIssuance.state.in_(
                [
                    IssuanceState.READY,
                    IssuanceState.GENERATING,
                    IssuanceState.STAMP_FAILED,
                    IssuanceState.ISSUED,
                ]
            ),
            2,
        ),
        (CertificateIssuance.state.in_([IssuanceState.SITE_PENDING, IssuanceState.SITE_REJECTED]), 1),
        else_=0,
    )
    return select(CertificateIssuance.id).where(approvals != needed)


def _documents() -> Select[Any]:
    return (
        select(CertificateIssuance.id)
        .outerjoin(Certificate, Certificate.issuance_id == CertificateIssuance.id)
        .where((CertificateIssuance.state == IssuanceState.ISSUED) != Certificate.id.is_not(None))
    )


def _messages() -> Select[Any]:
    """queued = delivered + failed + suppressed + pending, and delivered means a message Telegram numbered."""
    return select(Notification.id).where(
        Notification.delivery_state == DeliveryState.DELIVERED, Notification.message_id.is_(None)
    )


def _imports() -> Select[Any]:
    return select(ImportJob.id).where(
        ImportJob.row_count != ImportJob.accepted_count + ImportJob.rejected_count + ImportJob.unchanged_count
    )


TALLIES_LAW = "列表：各状态计数 = 实际行数"  # judged table by table, not row by row
LAWS: dict[str, Callable[[], Select[Any]]] = {
    "指标：已使用 = 院校考生报考数 ≤ 批准数": _quota_used,
    "指标：批准、已使用、作废 = 各笔流水之和": off_balance,
    "考生：已报考证书数 = 报考记录数": _registered_count,
    "照片：登记与实存一致": _photos,
    "排考：已排考 = 有座位": _seats,
    "排考：座位号不超过考位数": _seat_numbers,
    "成绩：锁定计划的每个科次都已锁定": _scored,
    "结果：锁定计划的每条报考都有最终结果": _results,
    "发证：最终通过 = 有且仅有一条发放记录": _passed,
    "签发：状态与双方签字数一致": _signed_twice,
    "证书：完成发放 = 有且仅有一份证书": _documents,
    "通知：已送达的都有消息编号": _messages,
    "导入：行数 = 接受 + 拒绝 + 未变": _imports,
}


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """How long the trail is, its last hash, and the first entry at which it breaks (None when whole)."""

    length: int
    head: str
    broken_at: int | None


def verify_chain(session: Session, *, anchor: tuple[int, str] | None = None) -> ChainVerdict:
    """Walk the whole trail; an anchor (entry number counted from 1, hash) kept elsewhere must still be in it."""
    previous, length = trail.GENESIS, 0
    for row in session.scalars(select(AuditEntry).order_by(AuditEntry.id).execution_options(yield_per=2_000)):
        length += 1
        entry = trail.Entry(
            row.at,
            row.actor_id,
            row.actor_login,
            row.channel,
            row.object_type,
            row.object_id,
            row.action,
            row.before,
            row.after,
            row.reason,
        )
        is_anchor_moved = anchor is not None and anchor[0] == length and anchor[1] != row.hash
        if row.previous_hash != previous or trail.link_hash(entry, previous) != row.hash or is_anchor_moved:
            return ChainVerdict(length, previous, row.id)
        previous = row.hash
        session.expunge(row)
    if anchor is not None and anchor[0] > length:
        return ChainVerdict(length, previous, length)
    return ChainVerdict(length, previous, None)
