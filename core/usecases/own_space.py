"""What a candidate takes away from the personal space: ticket and certificates, never without a trace (§8.5)."""

from __future__ import annotations

from typing import BinaryIO

from sqlalchemy import select

from core.db import Tx
from core.errors import NotFound, NotReady
from core.models.certificates import Certificate, CertificateIssuance
from core.models.plans import ExamPlan
from core.models.registrations import Registration
from core.queries.documents import seated_rows
from core.queries.scoping import visible
from core.rules.organisations import Role
from core.usecases.printing import draw_sheets


def print_own_ticket(tx: Tx, *, plan_id: int, out: BinaryIO) -> str:
    """准考证 of the candidate's own plan, once the arrangement is published (R-179, R-180); the ticket number."""
    _require_candidate(tx)
    mine: Registration | None = tx.first(
        select(Registration).where(Registration.plan_id == plan_id, visible(Registration, tx.actor, tx.now))
    )
    if mine is None:
        raise NotFound(thing="registrations")
    plan = tx.get(ExamPlan, plan_id)
    rows = seated_rows(tx.session, plan, tx.actor)
    if not rows:
        raise NotReady("ticket_not_yet", rule="R-180", plan=plan.plan_no)
    draw_sheets(tx, "ticket", plan, rows, out)
    tx.record(mine, "print_own_ticket")
    return rows[0].snapshot.ticket_no or ""


def take_own_certificate(tx: Tx, *, issuance_id: int) -> Certificate:
    """下载电子证书 by its holder (R-247): the row, with the look recorded; NotFound for anybody else's."""
    _require_candidate(tx)
    issuance: CertificateIssuance = tx.one(
        select(CertificateIssuance).where(
            CertificateIssuance.id == issuance_id, visible(CertificateIssuance, tx.actor, tx.now)
        )
    )
    if issuance.document is None:
        raise NotReady("certificate_not_issued", rule="R-241")
    tx.record(issuance, "download")
    return issuance.document


def _require_candidate(tx: Tx) -> None:
    """Staff have doors of their own, in the panel."""
    if Role.CANDIDATE not in tx.actor.roles or tx.actor.candidate_id is None:
        raise NotFound(thing="candidates")
