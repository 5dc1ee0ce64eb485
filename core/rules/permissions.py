"""Who may do what to whose things (§8.8), as one table.

A thing says whose it is by attributes (org_id, college_id, province_code, city_code); a grant names a role and
which attribute must be the actor's own. What is not granted is refused.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Protocol

from core.errors import NotPermitted
from core.rules.organisations import KEEPS_WORK_MOVING, Role


class Asker(Protocol):
    """The part of an Actor that permissions look at."""

    @property
    def roles(self) -> frozenset[str]: ...
    @property
    def is_system(self) -> bool: ...


class Own(Enum):
    """Which attribute of the thing must equal the actor's own."""

    ANYBODYS = None
    ORG = "org_id"
    COLLEGE = "college_id"
    PROVINCE = "province_code"
    CITY = "city_code"
    AUTHORITY = "authority_id"
    ACCOUNT = "account_id"


_COLLEGE_STAFF = ((Role.COORDINATOR, Own.COLLEGE), (Role.SIGNATORY, Own.COLLEGE))
_TEO = ((Role.TEO, Own.ORG),)
_PROVINCE = ((Role.PROVINCE, Own.PROVINCE),)
_HEADS = (*_COLLEGE_STAFF, *_TEO, (Role.PROVINCE, Own.AUTHORITY), (Role.CITY, Own.AUTHORITY))
# Whose work can be handed over, each for themselves (chat.md, delegation).
_KEEPERS = tuple((role, Own.ACCOUNT) for role in KEEPS_WORK_MOVING)


def _exporting(*roles: Role) -> tuple[tuple[Role, Own], ...]:
    """Which rows leave is core.queries.scoping's business."""
    return tuple((role, Own.ANYBODYS) for role in roles)


_COLLEGE_ROLES = (Role.COORDINATOR, Role.SIGNATORY)

GRANTS: dict[str, tuple[tuple[Role, Own], ...]] = {
    "manage_organisations": ((Role.ADMIN, Own.ANYBODYS),),
    "edit_own_college": _COLLEGE_STAFF,
    "edit_own_org": _TEO,
    "edit_own_authority": ((Role.PROVINCE, Own.AUTHORITY), (Role.CITY, Own.AUTHORITY)),
    "manage_accounts": ((Role.ADMIN, Own.ANYBODYS), *_COLLEGE_STAFF),
    "reset_second_factor": ((Role.ADMIN, Own.ANYBODYS),),
    "manage_catalogue": _TEO,
    "set_up_catalogue": (*_TEO, (Role.ADMIN, Own.ANYBODYS)),  # by the sheets of interfaces.md only
    "edit_declaration_plan": _PROVINCE,
    "apply_for_pilot": _COLLEGE_STAFF,
    "review_as_city": ((Role.CITY, Own.CITY),),
    "review_as_province": _PROVINCE,
    "adjust_quota": _PROVINCE,
    "edit_plan": _TEO,
    "edit_candidates": _COLLEGE_STAFF,
    "edit_site": _COLLEGE_STAFF,
    "review_site": _TEO,
    "allocate_site": _TEO,
    "edit_room": ((Role.COORDINATOR, Own.COLLEGE),),
    "correct_snapshot": _TEO,
    "register": ((Role.COORDINATOR, Own.COLLEGE),),
    "arrange": _TEO,
    "print_documents": (*_COLLEGE_STAFF, *_TEO),
    "enter_scores": _TEO,
    "sign_as_teo": _TEO,
    "handle_rejection": _TEO,
    "sign_as_college": ((Role.SIGNATORY, Own.COLLEGE), (Role.SIGN_REVIEWER, Own.COLLEGE)),
    "generate_certificates": _TEO,
    "download_certificate": (*_COLLEGE_STAFF, *_TEO),
    "manage_seal": ((Role.SIGNATORY, Own.COLLEGE), (Role.TEO, Own.ORG)),
    "propose_delegation": ((Role.COORDINATOR, Own.COLLEGE), *_KEEPERS),
    "answer_delegation": _KEEPERS,
    "announce": (
        (Role.ADMIN, Own.ANYBODYS),
        *_TEO,
        (Role.PROVINCE, Own.AUTHORITY),
        (Role.CITY, Own.AUTHORITY),
    ),
    "travel_in_time": ((Role.ADMIN, Own.ANYBODYS),),
    "read_trail": ((Role.ADMIN, Own.ANYBODYS),),
    "read_deliveries": ((Role.ADMIN, Own.ANYBODYS), *_HEADS),  # of one's own organisation's accounts
    "send_again": ((Role.ADMIN, Own.ANYBODYS), *_HEADS),
    "send_all_again": ((Role.ADMIN, Own.ANYBODYS),),
    # Whoever edits, reviews or signs a thing may export it; who only views it, where a page of §8 names the export.
    "export_organisations": _exporting(Role.ADMIN, *_COLLEGE_ROLES),
    "export_colleges": _exporting(Role.ADMIN, Role.PROVINCE, *_COLLEGE_ROLES),
    "export_applications": _exporting(Role.PROVINCE, Role.CITY, *_COLLEGE_ROLES),
    "export_quotas": _exporting(Role.PROVINCE),
    "export_candidates": _exporting(*_COLLEGE_ROLES),
    "export_photos": _exporting(*_COLLEGE_ROLES),
    "export_registrations": _exporting(*_COLLEGE_ROLES),
    "export_scores": _exporting(Role.TEO, *_COLLEGE_ROLES),
    "export_results": _exporting(Role.TEO, *_COLLEGE_ROLES),
    "export_issuances": _exporting(Role.TEO, *_COLLEGE_ROLES),
}


def may(actor: Asker, act: str, thing: Any = None) -> bool:
    """True where some role of the actor is granted the act on this thing; KeyError for an act nobody wrote down."""
    return any(role in actor.roles and _owns(actor, own, thing) for role, own in GRANTS[act])


def permit(actor: Asker, act: str, thing: Any = None) -> None:
    """NotPermitted unless may(); the first line of every use case."""
    if not may(actor, act, thing):
        raise NotPermitted(rule="§8.8", act=act)


def has_role(actor: Asker, act: str) -> bool:
    """True where the actor could do this to some thing of their own; decides what a menu shows."""
    return any(role in actor.roles for role, _ in GRANTS[act])


def _owns(actor: Asker, own: Own, thing: Any) -> bool:
    if own is Own.ANYBODYS:
        return True
    mine = getattr(actor, own.value, None)
    return mine is not None and getattr(thing, own.value, None) == mine
