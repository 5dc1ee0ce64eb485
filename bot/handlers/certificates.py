"""Signing: /sign lists what waits; the signature itself is given on the phone page, never here."""

from __future__ import annotations

from telegram import Update

from bot.context import Context
from bot.keyboards import MOST_KEYS, Shown, signing_key
from bot.words import say
from core.db import Tx
from core.queries.certificates import signing_batches
from core.rules.permissions import has_role


async def sign(update: Update, context: Context) -> None:
    """A key per batch that opens the signing page."""
    await context.say(await context.look(_batches))


def _batches(tx: Tx) -> Shown:
    found = signing_batches(tx.session, tx.actor)
    keys = tuple(
        (signing_key(f"签发 {batch.count} 张 · {batch.plan_no}", batch.plan_id, batch.party),)
        for batch in found[:MOST_KEYS]
    )
    may_sign = has_role(tx.actor, "sign_as_college") or has_role(tx.actor, "sign_as_teo")
    more = len(found[MOST_KEYS:])
    return Shown(say("sign", batches=found[:MOST_KEYS], more=more, may_sign=may_sign), keys)
