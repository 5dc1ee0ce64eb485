"""Written words: the two sentences of the exact grammar, what was asked for, a question, and nothing else."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from telegram import Update

from bot.context import Context
from bot.flows import decision
from bot.handlers import certificates, help, notices, plans
from bot.intents import Intent, intent_of

_CODE = re.compile(r"[0-9A-Z]{4}")
_CONFIRM, _REFUSE = "确认", "退回"


@dataclass(frozen=True, slots=True)
class Reply:
    """确认 CODE, or 退回 CODE reason; the reason is as it was written, and empty when it was forgotten."""

    is_refusal: bool
    code: str
    reason: str = ""


def read_reply(text: str) -> Reply | None:
    """None for anything but the exact grammar; width, case and the number of blanks do not matter."""
    parts = text.split(None, 2)
    if len(parts) < 2:
        return None
    verb, code = (unicodedata.normalize("NFKC", part).upper() for part in parts[:2])
    reason = parts[2].strip() if len(parts) == 3 else ""
    if not _CODE.fullmatch(code) or verb not in (_CONFIRM, _REFUSE) or (verb == _CONFIRM and reason):
        return None
    return Reply(verb == _REFUSE, code, reason)


async def said(update: Update, context: Context) -> None:
    """Somebody has written something that is no command."""
    reply = read_reply(context.words)
    if reply is None:
        await decision.heard(context, _asked)
    elif reply.is_refusal:
        await decision.refuse_by_code(context, reply.code, reply.reason)
    else:
        await decision.confirm_by_code(context, reply.code)


_SHOWS = {
    Intent.NUMBERS: plans.numbers,
    Intent.DEADLINES: plans.deadlines,
    Intent.TODO: notices.todo,
    Intent.SIGN: certificates.sign,
    Intent.HELP: help.help_,
}


async def _asked(context: Context) -> None:
    """A question is answered by what it asks for, everything else by what the bot understands."""
    intent = intent_of(context.words)
    show = help.not_understood if intent is None else _SHOWS[intent]
    await show(context.incoming, context)
