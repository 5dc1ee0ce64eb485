"""合并重复考生: a person entered twice becomes one; everything that hangs on the other moves over."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import delete, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from core.db import Tx
from core.errors import AlreadyThere, IllegalMove, Incomplete, NotPermitted, NotReady, StaleState, ValueRefused
from core.models.accounts import UserAccount
from core.models.base import Base
from core.models.candidates import (
    Candidate,
    CandidatePhoto,
    IdentityVerification,
    MergedCandidate,
    VerificationRequest,
)
from core.models.photos import PhotoVerdict
from core.models.plans import ExamPlan
from core.models.registrations import CandidateSnapshot, Registration
from core.rules.candidates import CANDIDATE, CandidateState, is_complete
from core.rules.organisations import ACCOUNT
from core.rules.permissions import permit
from core.rules.values import IdType, require_same_gender
from core.usecases.candidates import FIELDS
from core.usecases.verification import drop_open

C = CandidateState
CHOICES: dict[str, tuple[str, ...]] = {
    "name": ("name",),
    "name_pinyin": ("name_pinyin",),
    "gender": ("gender",),
    "document": ("id_type", "id_number"),
    "mobile": ("mobile",),
    "enrolment_year": ("enrolment_year",),
    "education_level": ("education_level",),
    "major": ("major_name", "major_code"),
    "photo": ("photo_hash",),
}  # what is chosen as one → its columns
LOCKED = frozenset({"name", "document", "photo"})


@dataclass(frozen=True, slots=True)
class Merge:
    """Two candidates becoming one. take: which of CHOICES come from the one that goes."""

    keep: Candidate
    gone: Candidate
    take: frozenset[str]


def merge_candidates(
    tx: Tx, *, keep_id: int, gone_id: int, take: Collection[str] = (), seen: tuple[int, int] | None = None
) -> Candidate:
    """The survivor, with what was chosen of the other (take: names of CHOICES); nothing brings the other back.

    Refused across colleges, where both sit for a certificate of a plan (R-150) or would need two tickets (R-177), and
    where a verified identity would change or be lost (R-089). seen: the versions of both that were looked at.
    """
    if keep_id == gone_id:
        raise ValueRefused("merge_with_itself")
    held = {ident: tx.lock(Candidate, ident) for ident in sorted((keep_id, gone_id))}
    merge = Merge(held[keep_id], held[gone_id], frozenset(take) & CHOICES.keys())
    permit(tx.actor, "edit_candidates", merge.keep)
    if merge.keep.college_id != merge.gone.college_id:
        raise NotPermitted("merge_across_colleges", rule="R-097")
    if seen is not None and seen != (merge.keep.version, merge.gone.version):
        raise StaleState("row_changed")
    changes = _chosen(merge)
    _require_identity_kept(merge, changes)
    _require_no_clash(tx, merge)
    former, count = merge.gone.candidate_no, merge.keep.registered_count + merge.gone.registered_count
    for column, move in MOVES.items():
        move(tx, column, merge)
    tx.session.refresh(merge.gone)
    tx.because(merge.gone, "merge_away", f"并入 {merge.keep.candidate_no}")
    tx.delete(merge.gone)
    _settle(tx, merge, changes | {"registered_count": count}, former)
    tx.add(
        MergedCandidate(candidate_id=merge.keep.id, candidate_no=former, merged_at=tx.now, actor_id=tx.actor.account_id)
    )
    return merge.keep


def _chosen(merge: Merge) -> dict[str, Any]:
    """Columns of the survivor that change."""
    names = [name for choice in CHOICES if choice in merge.take for name in CHOICES[choice]]
    found = {name: getattr(merge.gone, name) for name in names}
    return {name: value for name, value in found.items() if getattr(merge.keep, name) != value}


def _require_identity_kept(merge: Merge, changes: dict[str, Any]) -> None:
    keep, gone = merge.keep, merge.gone
    if keep.state is C.VERIFIED:
        if any(name in changes for choice in LOCKED for name in CHOICES[choice]):
            raise IllegalMove("verified_is_locked", rule="R-089", thing=CANDIDATE.name, state=keep.state.label)
    elif gone.state is C.VERIFIED:
        raise NotReady("merge_keeps_verified", rule="R-089")
    would_be = {name: getattr(keep, name) for name in FIELDS} | changes
    if would_be["id_type"] is IdType.RESIDENT and would_be["gender"] is not None:
        require_same_gender(would_be["id_number"], would_be["gender"])
    if "photo_hash" in changes and not is_complete(would_be, keep.kind):
        raise Incomplete("candidate_incomplete", rule="R-083")


def _require_no_clash(tx: Tx, merge: Merge) -> None:
    mine, theirs = aliased(Registration), aliased(Registration)
    twice = tx.first(
        select(theirs)
        .join(mine, (mine.plan_id == theirs.plan_id) & (mine.certificate_id == theirs.certificate_id))
        .where(mine.candidate_id == merge.keep.id, theirs.candidate_id == merge.gone.id)
        .order_by(theirs.id)
    )
    if twice is not None:
        raise AlreadyThere(
            "merge_registered_twice", rule="R-150", plan=twice.plan.name, certificate=twice.certificate.full_name
        )
    for _, other in _in_the_same_plans(tx, merge):
        if other.ticket_no is not None:
            raise AlreadyThere("merge_seated_twice", rule="R-177", plan=tx.get(ExamPlan, other.plan_id).name)


def _in_the_same_plans(tx: Tx, merge: Merge) -> list[tuple[CandidateSnapshot, CandidateSnapshot]]:
    """Snapshots of both in one plan: the survivor's, the other's."""
    query = select(CandidateSnapshot).order_by(CandidateSnapshot.plan_id)
    mine = {row.plan_id: row for row in tx.all(query.where(CandidateSnapshot.candidate_id == merge.keep.id))}
    theirs = tx.all(query.where(CandidateSnapshot.candidate_id == merge.gone.id))
    return [(mine[row.plan_id], row) for row in theirs if row.plan_id in mine]


def _settle(tx: Tx, merge: Merge, changes: dict[str, Any], former: str) -> None:
    """The survivor takes its values, and stands where they put it (§3.6)."""
    keep = merge.keep
    tx.session.refresh(keep)
    before = keep.state
    for name, value in changes.items():
        setattr(keep, name, value)
    if tx.session.is_modified(keep):
        tx.because(keep, "merge", f"并入了 {former}")
    else:
        tx.record(keep, "merge", reason=f"并入了 {former}")
    tx.session.flush()
    if before is C.VERIFIED:
        return
    if before is C.INCOMPLETE and is_complete({name: getattr(keep, name) for name in FIELDS}, keep.kind):
        tx.advance(keep, CANDIDATE, "complete")
    if keep.state is not C.INCOMPLETE and "photo_hash" in changes and keep.photo_hash:
        tx.advance(keep, CANDIDATE, "add_photo")
    elif keep.state is C.NEEDS_MANUAL and changes.keys() & {"name", "id_type", "id_number"}:
        tx.advance(keep, CANDIDATE, "correct")


# -- what hangs on a candidate -----------------------------------------------------------------------------------------

Move = Callable[[Tx, InstrumentedAttribute[Any], Merge], None]


def _follow(tx: Tx, column: InstrumentedAttribute[Any], merge: Merge) -> None:
    """Every row of the table moves over."""
    model = cast("type[Base]", column.class_)
    moved: dict[str, Any] = {column.key: merge.keep.id}
    tx.update_all(model, column == merge.gone.id, **moved)


def _one_picture(tx: Tx, column: InstrumentedAttribute[Any], merge: Merge) -> None:
    """The chosen picture stays, the other goes."""
    loser = merge.keep if "photo" in merge.take else merge.gone
    tx.session.execute(delete(CandidatePhoto).where(column == loser.id))
    _follow(tx, column, merge)


def _one_snapshot_a_plan(tx: Tx, column: InstrumentedAttribute[Any], merge: Merge) -> None:
    """Where both are in a plan the survivor's snapshot, as it is, stands for both (R-090, R-177)."""
    for kept, other in _in_the_same_plans(tx, merge):
        tx.update_all(Registration, Registration.snapshot_id == other.id, snapshot_id=kept.id)
        tx.session.refresh(other)
        tx.delete(other)
    _follow(tx, column, merge)


def _one_login(tx: Tx, column: InstrumentedAttribute[Any], merge: Merge) -> None:
    """A person has one account; where both have one the survivor's stays, and the other lets nobody in any more."""
    if tx.first(select(UserAccount.id).where(column == merge.keep.id)) is None:
        _follow(tx, column, merge)
        return
    for account in tx.all(select(UserAccount).where(column == merge.gone.id).order_by(UserAccount.id)):
        account.candidate_id = None
        if ACCOUNT.allows(account.state, "disable"):
            tx.advance(account, ACCOUNT, "disable", reason=f"并入 {merge.keep.candidate_no}")
    tx.session.flush()


def _asked_no_more(tx: Tx, column: InstrumentedAttribute[Any], merge: Merge) -> None:
    """Questions about either are void: what they asked about is not what it was; they stay with the survivor."""
    drop_open(tx, candidate_ids=[merge.keep.id, merge.gone.id])
    _follow(tx, column, merge)


MOVES: dict[InstrumentedAttribute[Any], Move] = {
    CandidatePhoto.candidate_id: _one_picture,
    CandidateSnapshot.candidate_id: _one_snapshot_a_plan,
    IdentityVerification.candidate_id: _follow,
    MergedCandidate.candidate_id: _follow,
    PhotoVerdict.candidate_id: _follow,
    PhotoVerdict.twin_id: _follow,
    Registration.candidate_id: _follow,
    UserAccount.candidate_id: _one_login,
    VerificationRequest.candidate_id: _asked_no_more,
}  # every foreign key to candidates; a test looks for one that is missing
