"""What has been kept long enough (G-26). Each answers with ids, oldest first, at most limit of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select

from core.models.accounts import OneTimeCode
from core.models.candidates import Candidate, CandidatePhoto
from core.models.certificates import Certificate, CertificateIssuance
from core.models.photos import PhotoVerdict
from core.models.plans import ExamPlan
from core.models.records import ImportCorrection, ImportFault, ImportFile, ImportJob
from core.models.registrations import Registration
from core.rules.certificates import IssuanceState
from core.rules.imports import ImportState
from core.rules.photo_verdicts import PhotoState

UNDECIDED = (ImportState.READING, ImportState.PREVIEW)
_AT_WORK = (*UNDECIDED, ImportState.WRITING)


def photos_to_erase(cutoff: datetime, now: datetime, limit: int) -> Select[int]:
    """Photos of people who were last imported, edited, photographed, registered or certified at cutoff or before.

    A registration in a plan whose scores are not locked holds the photo, and so does a certificate that may still be
    made; what is printed on a sealed PDF stays there.
    """
    mine = Registration.candidate_id == Candidate.id
    is_running = or_(ExamPlan.publication_closes_at >= now, ExamPlan.locked_at.is_(None))
    of_mine = CertificateIssuance.registration_id == Registration.id
    holds: list[ColumnElement[bool]] = [
        exists().where(mine, Registration.created_at > cutoff),
        exists().where(mine, ExamPlan.id == Registration.plan_id, is_running),
        exists().where(mine, of_mine, CertificateIssuance.state != IssuanceState.ISSUED),
        exists().where(
            mine, of_mine, Certificate.issuance_id == CertificateIssuance.id, Certificate.sealed_at > cutoff
        ),
    ]
    return (
        select(CandidatePhoto.id)
        .join(Candidate, Candidate.id == CandidatePhoto.candidate_id)
        .where(Candidate.updated_at <= cutoff, *(~hold for hold in holds))
        .order_by(CandidatePhoto.id)
        .limit(limit)
    )


def imports_to_discard(cutoff: datetime, limit: int) -> Select[int]:
    """Files nobody has decided on since cutoff."""
    return (
        select(ImportJob.id)
        .where(ImportJob.state.in_(UNDECIDED), ImportJob.created_at <= cutoff)
        .order_by(ImportJob.id)
        .limit(limit)
    )


def imports_to_empty(cutoff: datetime, limit: int) -> Select[int]:
    """Imports that are over and old, and still hold a file, faults or corrections."""
    parts: tuple[Any, ...] = (ImportFile, ImportFault, ImportCorrection)
    return (
        select(ImportJob.id)
        .where(
            ImportJob.state.not_in(_AT_WORK),
            ImportJob.created_at <= cutoff,
            or_(*(exists().where(part.job_id == ImportJob.id) for part in parts)),
        )
        .order_by(ImportJob.id)
        .limit(limit)
    )


def is_past(cutoff: datetime) -> ColumnElement[bool]:
    """Imports that are over, unchanged since cutoff, and still to be cleared."""
    return and_(ImportJob.state.not_in(_AT_WORK), ImportJob.updated_at <= cutoff, ImportJob.cleared_at.is_(None))


def imports_to_clear(cutoff: datetime, limit: int) -> Select[int]:
    """Imports whose rows may be forgotten, rejected ones and what was there before."""
    return select(ImportJob.id).where(is_past(cutoff)).order_by(ImportJob.id).limit(limit)


def offers_to_drop(cutoff: datetime, limit: int) -> Select[int]:
    """Crops of photos nobody has taken or given up since cutoff."""
    return (
        select(PhotoVerdict.id)
        .where(PhotoVerdict.state == PhotoState.OFFERED, PhotoVerdict.created_at <= cutoff)
        .order_by(PhotoVerdict.id)
        .limit(limit)
    )


def links_to_forget(now: datetime, limit: int) -> Select[int]:
    """One-time links and chat codes whose time is over; used ones wait for the same instant."""
    return select(OneTimeCode.id).where(OneTimeCode.expires_at < now).order_by(OneTimeCode.id).limit(limit)
