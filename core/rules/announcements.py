"""通知公告 (§2.38): what an organisation tells the people it answers for, and whose reading it wants confirmed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from core.errors import NotPermitted, ValueRefused
from core.rules.machine import Labelled, Machine, Move
from core.rules.organisations import KEEPS_WORK, Role
from core.rules.reasons import require_tellable

LONGEST_TITLE, LONGEST_BODY = 60, 4_000  # characters
SHORTEST_TIME = timedelta(hours=12)  # to confirm in: less would be over before the morning
LONGEST_TIME = timedelta(days=30)


class AnnouncementKind(Labelled):
    """The three lists of the home page (§2.38)."""

    NOTICE = "notice", "通知公告"
    POLICY = "policy", "政策文件"
    NEWS = "news", "工作动态"


class AnnouncementState(Labelled):
    """Seen by its own organisation only, told to everybody addressed, or taken back."""

    DRAFT = "draft", "草稿"
    PUBLISHED = "published", "已发布"
    WITHDRAWN = "withdrawn", "已撤回"


S = AnnouncementState
ANNOUNCEMENT = Machine(
    "通知公告",
    AnnouncementState,
    S.DRAFT,
    (
        Move("publish", {S.DRAFT}, S.PUBLISHED),
        Move("withdraw", {S.PUBLISHED}, S.WITHDRAWN),
    ),
)

_COLLEGE = (Role.COORDINATOR, Role.SIGNATORY, Role.SIGN_REVIEWER)
# Whom an issuer may address: the people of the colleges it answers for, a province its cities too.
ADDRESSED_BY: dict[Role, tuple[Role, ...]] = {
    Role.TEO: _COLLEGE,
    Role.CITY: _COLLEGE,
    Role.PROVINCE: (Role.CITY, *_COLLEGE),
    Role.ADMIN: tuple(role for role in Role if role in KEEPS_WORK and role is not Role.ADMIN),
}


def addressable(roles: Collection[str]) -> tuple[Role, ...]:
    """The roles that somebody with these roles may address, in the order of Role."""
    allowed = {one for role, addressed in ADDRESSED_BY.items() if role in roles for one in addressed}
    return tuple(role for role in Role if role in allowed)


def require_addressable(mine: Collection[str], addressed: Collection[Role]) -> None:
    """ValueRefused for nobody, NotPermitted for people the issuer does not answer for."""
    if not addressed:
        raise ValueRefused("announcement_without_roles", rule="§2.38")
    if set(addressed) - set(addressable(mine)):
        raise NotPermitted("announcement_too_wide", rule="§8.8", act="announce")


def require_words(title: str, body: str) -> tuple[str, str]:
    """Both without blanks around them; ValueRefused for too many, ReasonMissing for none, and for a person's number.

    The title travels into chats and letters, so it is one line (chat.md law 3).
    """
    told = " ".join(require_tellable(title, rule="§2.38").split())
    text = require_tellable(body.replace("\r\n", "\n"), rule="§2.38")
    for words, longest in ((told, LONGEST_TITLE), (text, LONGEST_BODY)):
        if len(words) > longest:
            raise ValueRefused("words_too_long", rule="§2.38", longest=longest, length=len(words))
    return told, text


def require_time(answer_until: datetime | None, now: datetime, *, is_receipt_asked: bool) -> None:
    """ValueRefused for a receipt without a time, a time without a receipt, or one that is (nearly) over."""
    if is_receipt_asked is (answer_until is None):
        raise ValueRefused("announcement_time", rule="chat.md")
    if answer_until is not None and not SHORTEST_TIME <= answer_until - now <= LONGEST_TIME:
        hours = int(SHORTEST_TIME.total_seconds() // 3600)
        raise ValueRefused("announcement_out_of_time", rule="chat.md", hours=hours, days=LONGEST_TIME.days)
