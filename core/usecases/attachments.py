"""Files that people attach to their things: taken when they are what they say, handed out to whoever may see them."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select

from core.db import Tx
from core.errors import TooMany
from core.gateways import storage
from core.models.base import Base
from core.models.catalogue import CertificateType, SiteStandard, SkillStandard
from core.models.files import Attachment
from core.models.pilots import PilotApplication
from core.queries.attachments import attachments_of
from core.queries.scoping import visible
from core.rules.attachments import check_attachment
from core.rules.catalogue import AttachmentKind

MOST_PER_THING = 20
_OWNERS: dict[str, type[Base]] = {
    "application_id": PilotApplication,
    "standard_id": SkillStandard,
    "site_standard_id": SiteStandard,
    "certificate_id": CertificateType,
}


@dataclass(frozen=True, slots=True)
class Download:
    """What leaves the store: the name it came with and the bytes it came with."""

    file_name: str
    media_type: str
    is_picture: bool
    data: bytes = field(repr=False)


def attach(
    tx: Tx,
    *,
    kind: AttachmentKind,
    file_name: str,
    data: bytes,
    application_id: int | None = None,
    standard_id: int | None = None,
    site_standard_id: int | None = None,
    certificate_id: int | None = None,
) -> Attachment:
    """Keep a checked file with exactly one thing (R-106); the caller has permitted. The same content again is one."""
    owner = {
        "application_id": application_id,
        "standard_id": standard_id,
        "site_standard_id": site_standard_id,
        "certificate_id": certificate_id,
    }
    facts = check_attachment(data, file_name=file_name, kind=kind)
    _hold(tx, owner)
    there = attachments_of(
        tx.session,
        application_id=application_id,
        standard_id=standard_id,
        site_standard_id=site_standard_id,
        certificate_id=certificate_id,
    )
    stored = storage.put(data, suffix=facts.suffix)
    same = next((held for held in there if held.sha256 == stored.sha256 and held.kind is kind), None)
    if same is not None:
        return same
    if len(there) >= MOST_PER_THING:
        raise TooMany("attachment_too_many", rule="R-106", limit=MOST_PER_THING)
    return tx.add(
        Attachment(
            kind=kind,
            file_name=facts.file_name,
            media_type=facts.media_type,
            storage_key=stored.key,
            sha256=stored.sha256,
            size=stored.size,
            **owner,
        )
    )


def _hold(tx: Tx, owner: dict[str, int | None]) -> None:
    """The thing itself, against a second upload at the same moment: neither passes the bound, none is kept twice."""
    ((name, ident),) = [(name, ident) for name, ident in owner.items() if ident is not None]
    tx.session.flush()  # what the caller has changed of it is not forgotten by reading it again
    tx.lock(_OWNERS[name], ident)


def detach(tx: Tx, *, attachment_id: int) -> None:
    """Take a file off its thing; the caller has permitted. The trail keeps what it was."""
    tx.delete(tx.get(Attachment, attachment_id))


def open_attachment(tx: Tx, *, attachment_id: int) -> Download:
    """A file this actor may see, else NotFound; the trail notes who took evidence, for it may hold personal data."""
    found: Attachment = tx.one(
        select(Attachment).where(Attachment.id == attachment_id, visible(Attachment, tx.actor, tx.now))
    )
    if found.kind is AttachmentKind.EVIDENCE:
        tx.record(found, "download")
    is_picture = found.media_type.startswith("image/")
    return Download(found.file_name, found.media_type, is_picture, storage.read(found.storage_key))
