"""Who is on the signing pages: one account and one ceremony, kept in the signed cookie for half an hour."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from flask import redirect, request, session, url_for
from werkzeug.wrappers import Response

from admin.session import current_actor, is_logged_in
from core import clock
from core.actors import Actor
from core.db import reading, transaction
from core.errors import NotFound, NotPermitted
from core.queries.accounts import actor_for
from core.rules.certificates import Party
from core.usecases.signing import open_signing

LASTS = timedelta(minutes=30)
CHANNEL = "phone"
_KEY = "phone"
_PLAN_ID = re.compile(r"[1-9][0-9]{0,8}")


class Door(StrEnum):
    """How a visit came in; a QR code opens the one ceremony it was made for, the others may begin afresh."""

    CHAT = "chat"
    PANEL = "panel"
    QR = "qr"


@dataclass(frozen=True, slots=True)
class Visit:
    """until: Unix seconds after which the visitor has to come in again."""

    account_id: int
    token: str
    plan_id: int
    party: Party
    door: Door
    until: float

    @property
    def may_begin_afresh(self) -> bool:
        """True where the visitor was recognised as a person, not let in by the code of one ceremony."""
        return self.door is not Door.QR


def begin(*, account_id: int, token: str, plan_id: int, party: Party, door: Door) -> None:
    """Remember the visit in this browser; an earlier one is over."""
    visit = Visit(account_id, token, plan_id, party, door, (clock.now() + LASTS).timestamp())
    session[_KEY] = asdict(visit)


def present() -> Visit | None:
    """The visit of this browser, None without one or after its time."""
    kept: dict[str, Any] | None = session.get(_KEY)
    if not kept or clock.now().timestamp() > kept["until"]:
        return None
    return Visit(**kept | {"party": Party(kept["party"]), "door": Door(kept["door"])})


def current() -> Visit:
    """The visit of this browser; NotFound sends people back to where they came from."""
    found = present()
    if found is None:
        raise NotFound("visit_over", rule="§3.19")
    return found


def end() -> None:
    """Forget the visit."""
    session.pop(_KEY, None)


def acting(account_id: int) -> Actor:
    """The account as it is allowed to act now, on the phone."""
    with reading() as look:
        actor = actor_for(look, account_id, CHANNEL)
    if actor is None:
        raise NotPermitted("account_disabled", rule="§3.5")
    return actor


def panel_account() -> int | None:
    """The account logged in to the panel in this browser."""
    return current_actor().account_id if is_logged_in() else None


def to_login() -> Response:
    """Off to the panel's login, and back to this very page."""
    return redirect(url_for("auth.login", next=request.full_path))


def asked_batch(given: Any) -> tuple[int, Party]:
    """plan and party of a link or form; NotFound where they are missing or make no sense."""
    plan, party = given.get("plan", ""), given.get("party", "")
    if not _PLAN_ID.fullmatch(plan) or party not in list(Party):
        raise NotFound("link_incomplete", rule="§3.19")
    return int(plan), Party(party)


def open_for(account_id: int, plan_id: int, party: Party, door: Door) -> Response:
    """Begin a ceremony on this device and go to its first page."""
    with transaction(acting(account_id)) as tx:
        ceremony = open_signing(tx, plan_id=plan_id, party=party)
    begin(account_id=account_id, token=ceremony.token, plan_id=plan_id, party=party, door=door)
    return redirect(url_for("phone.sign_page"), 303)
