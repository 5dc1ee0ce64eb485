"""What a request in chat is about at this moment: a batch of certificates, a pilot application, rows of a file.

A Matter knows its version, how much an answer concerns, and the verbs its two answers lead to; how an answer comes
about (ask, recap, confirm) is the same for all of them and lives in decisions.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db import Tx
from core.errors import NotFound, NotPermitted, Refusal, StaleState
from core.models.certificates import CertificateIssuance
from core.models.delegations import Delegation
from core.models.pilots import PilotApplication
from core.models.plans import ExamPlan
from core.models.records import ImportJob, Notification
from core.notifications.certificates import SigningRequested, TeoSigningRequested
from core.notifications.delegations import DelegationProposed
from core.notifications.imports import ImportChecked
from core.notifications.pilots import ApplicationWaiting
from core.queries.certificates import pending_for
from core.queries.changes import review_version
from core.rules.certificates import ISSUANCE, Party
from core.rules.delegations import DELEGATION
from core.rules.imports import IMPORT
from core.rules.permissions import permit
from core.rules.pilots import PILOT_APPLICATION, ReviewStep, pass_action, require_counts
from core.usecases import delegations, reviews
from core.usecases.imports import require_own, take_rows
from core.usecases.notices import revive_of
from core.usecases.signing import reject_batch

_SIGN = {Party.TEO: "sign_as_teo", Party.COLLEGE: "sign_as_college"}
_REJECT = {Party.TEO: "reject_as_teo", Party.COLLEGE: "reject_as_college"}


class Matter(ABC):
    """version: changes with whatever would be decided; count: what an answer concerns (certificates, places)."""

    rule: ClassVar[str]  # that sending back needs a reason
    can_pass: ClassVar[bool] = False  # whether chat may say yes, too (chat.md L2; a signature is L3)
    can_return: ClassVar[bool] = True  # whether there is somebody to send it back to

    @property
    @abstractmethod
    def version(self) -> int: ...

    @property
    @abstractmethod
    def count(self) -> int: ...

    @property
    def has_choice(self) -> bool:
        """True where yes may be said to fewer than were asked for."""
        return False

    @abstractmethod
    def require(self, tx: Tx) -> None:
        """Refuse whoever may not decide this, and what is decided already."""

    @abstractmethod
    def hold(self, tx: Tx) -> None:
        """Wait for whoever decides about the same at this moment."""

    @abstractmethod
    def changed(self, before: int | None = None) -> Refusal:
        """What to say when it is not what the person was shown; before: the count they were shown, if known."""

    def send_back(self, tx: Tx, reason: str) -> None:
        """Say no, with a reason the other side reads."""
        raise NotPermitted("not_decided_in_chat", rule="chat.md")

    def approve(self, tx: Tx, number: int) -> None:
        """Say yes, to so many."""
        raise NotPermitted("not_decided_in_chat", rule="chat.md")

    def require_number(self, number: int) -> None:
        """Refuse a number that yes cannot be said to."""
        raise NotPermitted("not_decided_in_chat", rule="chat.md")


@dataclass(frozen=True, slots=True)
class Batch(Matter):
    """Certificates that wait for a signature; ids are those that may be sent back, mark is the version of all of them.

    They are never signed for in chat, only sent back (R-235, chat.md L3).
    """

    rule: ClassVar[str] = "R-235"
    plan: ExamPlan
    party: Party
    ids: tuple[int, ...]
    mark: int

    @property
    def version(self) -> int:
        return self.mark

    @property
    def count(self) -> int:
        return len(self.ids)

    def require(self, tx: Tx) -> None:
        if not self.ids:
            raise NotFound("nothing_to_sign", rule="R-232")
        permit(tx.actor, _SIGN[self.party], tx.get(CertificateIssuance, self.ids[0]))

    def hold(self, tx: Tx) -> None:
        held = select(CertificateIssuance.id).where(CertificateIssuance.id.in_(self.ids))
        tx.all(held.order_by(CertificateIssuance.id).with_for_update())

    def changed(self, before: int | None = None) -> Refusal:
        thing = {"thing": ISSUANCE.name, "state": ""}
        if before is None:
            return StaleState("request_changed", rule="chat.md", count=self.count, **thing)
        return StaleState("recap_changed", rule="chat.md", before=before, count=self.count, **thing)

    def send_back(self, tx: Tx, reason: str) -> None:
        reject_batch(tx, plan_id=self.plan.id, party=self.party, reason=reason, issuance_ids=self.ids)


@dataclass(frozen=True, slots=True)
class Review(Matter):
    """A pilot application at one step of its review (R-039…R-042); act is the move that passing it makes."""

    rule: ClassVar[str] = "R-042"
    can_pass: ClassVar[bool] = True
    application: PilotApplication
    act: str
    mark: int

    @property
    def version(self) -> int:
        return self.mark

    @property
    def count(self) -> int:
        return self.application.requested_count

    @property
    def has_choice(self) -> bool:
        return self.act == "approve" and not self.application.majors

    def require(self, tx: Tx) -> None:
        permit(tx.actor, "review_as_city" if self.act == "pass_city" else "review_as_province", self.application)

    def hold(self, tx: Tx) -> None:
        held = select(PilotApplication.id).where(PilotApplication.id == self.application.id)
        tx.all(held.with_for_update())
        tx.session.expire(self.application)  # whoever was waited for has changed it

    def changed(self, before: int | None = None) -> Refusal:
        thing = {"thing": PILOT_APPLICATION.name, "state": self.application.state.label}
        return StaleState("application_changed", rule="chat.md", count=self.count, **thing)

    def send_back(self, tx: Tx, reason: str) -> None:
        reviews.return_application(tx, application_id=self.application.id, reason=reason)

    def approve(self, tx: Tx, number: int) -> None:
        if self.act == "approve":
            reviews.approve_application(tx, application_id=self.application.id, approved_count=number)
        elif self.act == "pass_preliminary":
            reviews.pass_preliminary(tx, application_id=self.application.id)
        else:
            reviews.pass_as_city(tx, application_id=self.application.id)

    def require_number(self, number: int) -> None:
        require_counts(requested=self.count, approved=number)
        if number != self.count and not self.has_choice:
            raise NotPermitted("counts_per_major", rule="R-041")


@dataclass(frozen=True, slots=True)
class Rows(Matter):
    """The good rows of a file that has been looked over (R-294); chat takes them or leaves them to the page."""

    rule: ClassVar[str] = "R-294"
    can_pass: ClassVar[bool] = True
    can_return: ClassVar[bool] = False
    job: ImportJob
    title: str

    @property
    def version(self) -> int:
        return self.job.version

    @property
    def count(self) -> int:
        return self.job.accepted_count

    def require(self, tx: Tx) -> None:
        require_own(tx.actor, self.job)
        IMPORT.target(self.job.state, "confirm")

    def hold(self, tx: Tx) -> None:
        tx.all(select(ImportJob.id).where(ImportJob.id == self.job.id).with_for_update())
        tx.session.expire(self.job)

    def changed(self, before: int | None = None) -> Refusal:
        return StaleState("import_changed", rule="chat.md", thing=IMPORT.name, state=self.job.state.label)

    def approve(self, tx: Tx, number: int) -> None:
        take_rows(tx, self.job, all_or_none=False)

    def require_number(self, number: int) -> None:
        """Rows are never picked by number."""


@dataclass(frozen=True, slots=True)
class Proposal(Matter):
    """A colleague is to stand in for this person (chat.md, delegation); one L2 act says yes."""

    rule: ClassVar[str] = "chat.md"
    can_pass: ClassVar[bool] = True
    delegation: Delegation

    @property
    def version(self) -> int:
        return self.delegation.version

    @property
    def count(self) -> int:
        return 1

    def require(self, tx: Tx) -> None:
        permit(tx.actor, "answer_delegation", self.delegation)
        DELEGATION.target(self.delegation.state, "accept")

    def hold(self, tx: Tx) -> None:
        tx.all(select(Delegation.id).where(Delegation.id == self.delegation.id).with_for_update())
        tx.session.expire(self.delegation)

    def changed(self, before: int | None = None) -> Refusal:
        return StaleState(
            "delegation_changed", rule="chat.md", thing=DELEGATION.name, state=self.delegation.state.label
        )

    def send_back(self, tx: Tx, reason: str) -> None:
        delegations.refuse_delegation(tx, delegation_id=self.delegation.id, reason=reason)

    def approve(self, tx: Tx, number: int) -> None:
        delegations.accept_delegation(tx, delegation_id=self.delegation.id)

    def require_number(self, number: int) -> None:
        """There is one, to be accepted or not."""


def matter_of(session: Session, row: Notification) -> Matter | None:
    """What a message asks to be decided; None for messages that ask for less."""
    message = revive_of(row)
    if isinstance(message, ApplicationWaiting):
        return _review(session, message)
    if isinstance(message, (SigningRequested, TeoSigningRequested)):
        return _batch(session, message)
    if isinstance(message, ImportChecked):
        return Rows(session.get_one(ImportJob, message.job_id), message.title)
    if isinstance(message, DelegationProposed):
        return Proposal(session.get_one(Delegation, message.delegation_id))
    return None


def batch_of(session: Session, row: Notification) -> Batch | None:
    """None for messages that ask for no signature."""
    matter = matter_of(session, row)
    return matter if isinstance(matter, Batch) else None


def require_matter(tx: Tx, row: Notification) -> Matter:
    """What this message asks this person to decide; refused where it asks for less, or somebody else."""
    matter = matter_of(tx.session, row)
    if matter is None:
        raise NotPermitted("cannot_send_back", rule="chat.md", task_code=row.task_code)
    matter.require(tx)
    return matter


def _review(session: Session, message: ApplicationWaiting) -> Review:
    application = session.get_one(PilotApplication, message.application_id)
    act = pass_action(ReviewStep(message.step), has_final_review=application.plan.final_review_required)
    return Review(application, act, review_version(session, application))


def _batch(session: Session, message: SigningRequested | TeoSigningRequested) -> Batch:
    plan = session.get_one(ExamPlan, message.plan_id)
    party = Party.COLLEGE if isinstance(message, SigningRequested) else Party.TEO
    college_id = message.college_id if isinstance(message, SigningRequested) else None
    ids = session.scalars(
        select(CertificateIssuance.id)
        .where(
            pending_for(party, plan.id, org_id=plan.org_id, college_id=college_id),
            CertificateIssuance.state.in_(ISSUANCE.sources(_REJECT[party])),
        )
        .order_by(CertificateIssuance.id)
    ).all()
    thing = message.thing(session)
    return Batch(plan, party, tuple(ids), thing[2] if thing else 0)
