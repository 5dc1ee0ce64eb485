"""Setting up who takes part: regions, authorities, TEOs, colleges and their seals."""

from __future__ import annotations

import hashlib
from io import BytesIO

from PIL import Image, UnidentifiedImageError
from sqlalchemy import Select, select

from core.db import Tx
from core.errors import NotReady, ValueRefused
from core.models.organisations import College, EducationAuthority, ElectronicSeal, EvaluationOrg, RegionName
from core.rules.organisations import SEAL, SWITCH, AuthorityLevel, CollegeType, SealState
from core.rules.permissions import permit

SEAL_MAX_BYTES = 1_048_576
AUTHORIZATION_VERSION = "2026-1"


def name_region(tx: Tx, *, code: str, name: str) -> None:
    """Add a region code to the dictionary; one already there stays."""
    permit(tx.actor, "manage_organisations")
    tx.upsert(RegionName, {"code": code, "name": name}, conflict=["code"])


def create_authority(
    tx: Tx,
    *,
    name: str,
    province_code: str,
    city_code: str | None = None,
    contact_name: str = "",
    contact_phone: str = "",
) -> EducationAuthority:
    """An education authority: of a city when a city code is given, else of the province."""
    permit(tx.actor, "manage_organisations")
    level = AuthorityLevel.CITY if city_code else AuthorityLevel.PROVINCE
    return tx.add(
        EducationAuthority(
            name=name,
            level=level,
            province_code=province_code,
            city_code=city_code,
            contact_name=contact_name,
            contact_phone=contact_phone,
        )
    )


def create_org(tx: Tx, *, org_code: str, name: str, **details: object) -> EvaluationOrg:
    """A training evaluation organisation; details are further columns of it."""
    permit(tx.actor, "manage_organisations")
    return tx.add(EvaluationOrg(org_code=org_code, name=name, **details))


def create_college(tx: Tx, *, college_code: str, name: str, college_type: CollegeType, **details: object) -> College:
    """A college of the official directory; details are further columns of it."""
    permit(tx.actor, "manage_organisations")
    return tx.add(College(college_code=college_code, name=name, college_type=college_type, **details))


def switch_college(tx: Tx, *, college_id: int, action: str) -> None:
    """action: enable or disable (§3.4)."""
    permit(tx.actor, "manage_organisations")
    tx.advance(tx.get(College, college_id), SWITCH, action)


def switch_org(tx: Tx, *, org_id: int, action: str) -> None:
    """action: enable or disable (§3.4)."""
    permit(tx.actor, "manage_organisations")
    tx.advance(tx.get(EvaluationOrg, org_id), SWITCH, action)


def set_org_seal(tx: Tx, *, org_id: int, image: bytes) -> None:
    """The TEO's electronic seal, stamped on every certificate it issues from now on (R-244)."""
    org = tx.get(EvaluationOrg, org_id)
    permit(tx.actor, "manage_seal", org)
    require_seal_image(image)
    org.seal_image = image
    tx.because(org, "set_seal")
    tx.session.flush()


def activate_seal(tx: Tx, *, college_id: int, officer_name: str, image: bytes, has_accepted: bool) -> ElectronicSeal:
    """The signing officer's seal with its authorisation; an earlier one is replaced (R-254…R-258)."""
    college = tx.get(College, college_id)
    permit(tx.actor, "manage_seal", college)
    if not has_accepted:
        raise NotReady("authorization_not_accepted", rule="R-258")
    require_seal_image(image)
    for old in tx.all(_active_seal(college_id)):
        tx.advance(old, SEAL, "replace")
    return tx.add(
        ElectronicSeal(
            college_id=college_id,
            officer_name=officer_name,
            image=image,
            image_hash=hashlib.sha256(image).hexdigest(),
            authorization_version=AUTHORIZATION_VERSION,
            authorized_at=tx.now,
        )
    )


def require_active_seal(tx: Tx, *, college_id: int) -> ElectronicSeal:
    """R-260: NotReady while the college has no seal in use."""
    seal: ElectronicSeal | None = tx.first(_active_seal(college_id))
    if seal is None:
        raise NotReady("seal_missing", rule="R-260")
    return seal


def require_seal_image(image: bytes) -> None:
    """R-256: a transparent, square PNG of at most 1 MB."""
    if len(image) > SEAL_MAX_BYTES:
        raise ValueRefused("seal_too_large", rule="R-256", megabytes=round(len(image) / 1_048_576, 1))
    try:
        with Image.open(BytesIO(image)) as picture:
            picture.load()
            is_fit = picture.format == "PNG" and picture.width == picture.height and _is_transparent(picture)
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        is_fit = False
    if not is_fit:
        raise ValueRefused("seal_image", rule="R-256")


def _is_transparent(picture: Image.Image) -> bool:
    return picture.mode in ("RGBA", "LA") or "transparency" in picture.info


def _active_seal(college_id: int) -> Select[ElectronicSeal]:
    return select(ElectronicSeal).where(
        ElectronicSeal.college_id == college_id, ElectronicSeal.state == SealState.ACTIVE
    )
