"""What colleges take part in, and what organisations offer: the questions lists and forms ask of the catalogue."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from core.models.catalogue import CertificateType
from core.models.organisations import EvaluationOrg
from core.models.pilots import PilotApplication
from core.rules.organisations import Switch
from core.rules.pilots import ApplicationState


def piloted_by(college_id: int | None) -> Select[int]:
    """已参与试点证书 (R-050): ids of certificates the college has had approved in any year."""
    return (
        select(PilotApplication.certificate_id)
        .where(PilotApplication.college_id == college_id, PilotApplication.state == ApplicationState.APPROVED)
        .correlate(None)
    )


def has_piloted(session: Session, college_id: int, certificate_id: int) -> bool:
    """True where the college has had this certificate approved."""
    found = piloted_by(college_id).where(PilotApplication.certificate_id == certificate_id).limit(1)
    return session.scalar(found) is not None


def piloted_counts(session: Session, college_id: int | None) -> dict[int, int]:
    """已试点证书数量 (R-016): organisation's id to how many of its certificates the college is a pilot for."""
    counted = (
        select(CertificateType.org_id, func.count(CertificateType.id))
        .where(CertificateType.id.in_(piloted_by(college_id)))
        .group_by(CertificateType.org_id)
    )
    return dict(session.execute(counted).all())


def offered_certificates() -> tuple[ColumnElement[bool], ...]:
    """R-054, §3.4: enabled certificates of enabled organisations; conditions for a form's list."""
    enabled = select(EvaluationOrg.id).where(EvaluationOrg.state == Switch.ENABLED).correlate(None)
    return (CertificateType.state == Switch.ENABLED, CertificateType.org_id.in_(enabled))


def offered(model: Any, org_id: int | None, held_id: int | None = None) -> Select[Any]:
    """R-054: the enabled standards or templates of an organisation, and the one that is held already."""
    usable = model.state == Switch.ENABLED
    return (
        select(model)
        .where(model.org_id == org_id, usable if held_id is None else usable | (model.id == held_id))
        .order_by(model.id)
    )
