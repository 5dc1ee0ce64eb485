"""Facts of issuance: waiting for a signature, refused, issued, failed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.models.certificates import CertificateIssuance
from core.models.plans import ExamPlan
from core.notifications import audiences
from core.notifications.message import Button, Message, Press, told
from core.queries.certificates import batch_version, pending_for, ready_to_order, waiting_count
from core.rules.certificates import IssuanceState, Party
from core.rules.delegations import Duty

_LONG = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class _Batch(Message):
    """Common to both signing requests; wave tells a later batch of the same plan from the first."""

    useful_for: ClassVar[timedelta] = _LONG
    asks: ClassVar[bool] = True
    answer_within: ClassVar[timedelta | None] = timedelta(days=3)
    wakes: ClassVar[bool] = True
    plan_id: int
    wave: int

    @abstractmethod
    def _where(self, session: Session) -> Any:
        """The issuances the request is about."""

    def thing(self, session: Session) -> tuple[str, int, int] | None:
        return CertificateIssuance.__tablename__, self.plan_id, batch_version(session, self._where(session))

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        plan = session.get_one(ExamPlan, self.plan_id)
        return {"plan_no": plan.plan_no, "name": plan.name, "count": waiting_count(session, self._where(session))}

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return waiting_count(session, self._where(session)) > 0


@told
@dataclass(frozen=True, slots=True)
class TeoSigningRequested(_Batch):
    """M-27: issuances wait for the TEO's signature."""

    kind: ClassVar[str] = "certificates.teo_signing_requested"
    duty: ClassVar[Duty] = Duty.SIGNING
    buttons: ClassVar[tuple[Button, ...]] = (
        Button("签发 {count} 张", press=Press.OPEN_SIGNING),
        Button("查看明细", page="/admin/issuances/"),
    )

    def _where(self, session: Session) -> Any:
        return pending_for(Party.TEO, self.plan_id, org_id=session.get_one(ExamPlan, self.plan_id).org_id)

    def recipients(self, session: Session) -> Iterable[int]:
        return audiences.teo(session, session.get_one(ExamPlan, self.plan_id).org_id)


@told
@dataclass(frozen=True, slots=True)
class SigningRequested(_Batch):
    """M-28: issuances wait for the college's signing officer, or whoever signs for him."""

    kind: ClassVar[str] = "certificates.signing_requested"
    duty: ClassVar[Duty] = Duty.SIGNING
    buttons: ClassVar[tuple[Button, ...]] = (
        Button("签字确认 {count} 张", press=Press.OPEN_SIGNING),
        Button("查看明细", page="/admin/issuances/"),
        Button("退回并说明", press=Press.SEND_BACK),
    )
    college_id: int

    def _where(self, session: Session) -> Any:
        return pending_for(Party.COLLEGE, self.plan_id, college_id=self.college_id)

    def recipients(self, session: Session) -> Iterable[int]:
        return audiences.signers(session, self.college_id)


@told
@dataclass(frozen=True, slots=True)
class ReadyToOrder(_Batch):
    """Both have signed, and nobody has said yet how and when the certificates are issued (R-242): the TEO's turn."""

    kind: ClassVar[str] = "certificates.ready_to_order"
    wakes: ClassVar[bool] = False
    buttons: ClassVar[tuple[Button, ...]] = (
        Button("去发放 {count} 张", page="/admin/issuances/"),
        Button("已知悉", press=Press.ACKNOWLEDGE),
    )

    def _where(self, session: Session) -> Any:
        return ready_to_order(self.plan_id)

    def recipients(self, session: Session) -> Iterable[int]:
        return audiences.teo(session, session.get_one(ExamPlan, self.plan_id).org_id)


@told
@dataclass(frozen=True, slots=True)
class SigningRejected(Message):
    """M-29: a party has refused; the TEO handles it (D-18)."""

    kind: ClassVar[str] = "certificates.signing_rejected"
    buttons: ClassVar[tuple[Button, ...]] = (Button("去处理", page="/admin/issuances/"),)
    useful_for: ClassVar[timedelta] = _LONG
    plan_id: int
    college: str
    count: int
    reason: str
    wave: int

    def recipients(self, session: Session) -> Iterable[int]:
        return audiences.teo(session, session.get_one(ExamPlan, self.plan_id).org_id)

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        plan = session.get_one(ExamPlan, self.plan_id)
        return {
            "plan_no": plan.plan_no,
            "name": plan.name,
            "college": self.college,
            "count": self.count,
            "reason": self.reason,
        }


@told
@dataclass(frozen=True, slots=True)
class CertificatesIssued(Message):
    """M-30: a college's certificates of a plan are sealed and may be downloaded and verified."""

    kind: ClassVar[str] = "certificates.issued"
    buttons: ClassVar[tuple[Button, ...]] = (Button("下载与查看", page="/admin/issuances/"),)
    useful_for: ClassVar[timedelta] = timedelta(days=30)
    plan_id: int
    college_id: int
    wave: int

    def recipients(self, session: Session) -> Iterable[int]:
        return audiences.college_staff(session, self.college_id)

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        plan = session.get_one(ExamPlan, self.plan_id)
        issued = session.scalar(
            select(func.count(CertificateIssuance.id)).where(
                CertificateIssuance.plan_id == self.plan_id,
                CertificateIssuance.college_id == self.college_id,
                CertificateIssuance.state == IssuanceState.ISSUED,
            )
        )
        return {"plan_no": plan.plan_no, "name": plan.name, "count": issued}


@told
@dataclass(frozen=True, slots=True)
class StampFailed(Message):
    """M-32: a certificate could not be made; code says what to mend before the retry."""

    kind: ClassVar[str] = "certificates.stamp_failed"
    buttons: ClassVar[tuple[Button, ...]] = (Button("查看并重试", page="/admin/issuances/"),)
    issuance_id: int
    code: str
    attempt: int

    def recipients(self, session: Session) -> Iterable[int]:
        return audiences.teo(session, session.get_one(CertificateIssuance, self.issuance_id).org_id)

    def details(self, session: Session, now: datetime) -> dict[str, Any]:
        issuance = session.get_one(CertificateIssuance, self.issuance_id)
        return {"plan_no": issuance.plan.plan_no, "name": issuance.plan.name, "code": self.code}

    def is_still_true(self, session: Session, now: datetime) -> bool:
        return session.get_one(CertificateIssuance, self.issuance_id).state is IssuanceState.STAMP_FAILED
