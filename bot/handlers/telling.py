"""How one wants to be told: /settings, and keys that change it at once (chat.md L0).

A key says what to set and not what to turn over, so one on an old screen does the same whenever it is pressed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from functools import partial

from telegram import Update

from bot.context import Context
from bot.keyboards import MOST_KEYS, Shown
from bot.words import say
from core.db import Tx
from core.errors import NotPermitted
from core.gateways.keys import Key
from core.models.accounts import UserAccount
from core.notifications.buttons import Claimed, press_data
from core.notifications.message import Press
from core.queries.letters import ways_of
from core.queries.telling import present_choice
from core.rules.telling import NEVER_QUIET, NIGHT, QuietHours
from core.usecases import telling

OFFERED = (NIGHT, QuietHours(time(21), time(8)), NEVER_QUIET)
LASTS = timedelta(days=1)
_DAY = 24 * 60  # minutes
_DIGEST_OFF, _DIGEST_ON = _DAY * _DAY, _DAY * _DAY + 1  # beyond every pair of minutes


@dataclass(frozen=True, slots=True)
class Choice:
    """The quiet hours or the digest; the other one is left as it is."""

    quiet: QuietHours | None = None
    wants_digest: bool | None = None

    def number(self) -> int:
        """What a key carries as its version."""
        if self.quiet is None:
            return _DIGEST_ON if self.wants_digest else _DIGEST_OFF
        return _minutes(self.quiet.start) * _DAY + _minutes(self.quiet.end)


def choice_of(number: int) -> Choice:
    """The choice behind a key; NotPermitted for a number no key of ours carries."""
    if number in (_DIGEST_OFF, _DIGEST_ON):
        return Choice(wants_digest=number == _DIGEST_ON)
    if number > _DIGEST_ON:
        raise NotPermitted("button_unknown", rule="chat.md")
    start, end = divmod(number, _DAY)
    return Choice(QuietHours(_time(start), _time(end)))


# -- what is asked -----------------------------------------------------------------------------------------------------


async def settings(update: Update, context: Context) -> None:
    """The present choice, and what else may be chosen."""
    await context.say(await context.look(partial(_screen, user_id=context.person)))


async def choose(context: Context, claim: Claimed) -> None:
    """Changed at once; the message shows the new state and the way back."""
    choice = choice_of(claim.version)
    before, _ = await context.look(_present)
    act = partial(telling.change, quiet=choice.quiet, wants_digest=choice.wants_digest)
    shown = await context.perform(act, partial(_screen, user_id=context.person, before=before))
    await context.show(shown)


def _present(tx: Tx) -> tuple[QuietHours, bool]:
    return present_choice(tx.session, tx.actor.account_id or 0)


def _screen(tx: Tx, *, user_id: int, before: QuietHours | None = None) -> Shown:
    """before: the hours that were in force until now; they come first among the keys."""
    quiet, wants_digest = _present(tx)
    offered = [hours for hours in dict.fromkeys([before or quiet, *OFFERED]) if not _same(hours, quiet)]
    choices = [Choice(hours) for hours in offered[: MOST_KEYS - 1]] + [Choice(wants_digest=not wants_digest)]
    keys = tuple((_key(tx, choice, user_id),) for choice in choices)
    toast = f"静默 {_span(quiet)}" if _span(quiet) else "不静默"
    words = f"{toast}，每日汇总{'开' if wants_digest else '关'}"
    ways = ways_of(tx.session, tx.get(UserAccount, tx.actor.account_id or 0))
    otherwise = ways.first.label if ways.first else ""
    text = say("settings", hours=_span(quiet), wants_digest=wants_digest, otherwise=otherwise)
    return Shown(text, keys, toast=words)


def _key(tx: Tx, choice: Choice, user_id: int) -> Key:
    data = press_data(
        Press.CHOOSE_TELLING,
        notification_id=0,
        version=choice.number(),
        expires=tx.now + LASTS,
        user_id=user_id,
    )
    return Key(_label(choice), data=data)


def _label(choice: Choice) -> str:
    if choice.quiet is None:
        return "开启每日汇总" if choice.wants_digest else "关闭每日汇总"
    return f"静默改为 {_span(choice.quiet)}" if _span(choice.quiet) else "关闭静默时段"


def _same(one: QuietHours, other: QuietHours) -> bool:
    """None is none, at whatever hour it begins and ends."""
    return _span(one) == _span(other)


def _span(quiet: QuietHours) -> str:
    """22:00–07:30; empty for none."""
    return "" if quiet.start == quiet.end else f"{quiet.start:%H:%M}–{quiet.end:%H:%M}"


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


def _time(minutes: int) -> time:
    return time(minutes // 60, minutes % 60)
