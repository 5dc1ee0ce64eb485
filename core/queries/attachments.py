"""Attachments of a thing, and the one somebody asks for."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.models.files import Attachment
from core.rules.catalogue import AttachmentKind


def attachments_of(
    session: Session,
    *,
    kind: AttachmentKind | None = None,
    application_id: int | None = None,
    standard_id: int | None = None,
    site_standard_id: int | None = None,
    certificate_id: int | None = None,
) -> Sequence[Attachment]:
    """Those of one thing, oldest first; all kinds where none is named."""
    owners = (
        (Attachment.application_id, application_id),
        (Attachment.standard_id, standard_id),
        (Attachment.site_standard_id, site_standard_id),
        (Attachment.certificate_id, certificate_id),
    )
    ((column, ident),) = [(column, ident) for column, ident in owners if ident is not None]
    wanted = select(Attachment).where(column == ident).order_by(Attachment.id)
    return session.scalars(wanted if kind is None else wanted.where(Attachment.kind == kind)).all()
