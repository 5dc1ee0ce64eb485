"""Time and plans: /deadlines and /plan."""

from __future__ import annotations

import unicodedata
from functools import partial

from telegram import Update

from bot.context import Context
from bot.keyboards import Shown, panel_key
from bot.words import say
from core.db import Tx
from core.queries.chat import plan_standing, plans_of
from core.queries.due import timeline
from core.rules.organisations import Role

MOST_EDGES = 8
MOST_PLANS = 6
MOST_COUNTED = 4
_EVERY = 1_000
_DECLARATIONS = "/admin/declarations/"


async def deadlines(update: Update, context: Context) -> None:
    """What the clock will do next."""
    await context.say(await context.look(_deadlines))


def _deadlines(tx: Tx) -> Shown:
    edges = timeline(tx.session, tx.actor, tx.now, limit=_EVERY)
    if tx.actor.roles & {Role.PROVINCE, Role.CITY}:  # every plan of the country is theirs to see, none to keep
        edges = [edge for edge in edges if edge.url.startswith(_DECLARATIONS)]
    return Shown(say("deadlines", edges=edges[:MOST_EDGES], more=len(edges[MOST_EDGES:])))


async def plan(update: Update, context: Context) -> None:
    """/plan NO: one plan; without a number, which there are."""
    number = unicodedata.normalize("NFKC", "".join(context.args or []))
    await context.say(await context.look(partial(_plan, plan_no=number) if number else _plans))


async def numbers(update: Update, context: Context) -> None:
    """还差多少人: how far each plan is."""
    await context.say(await context.look(_numbers))


def _numbers(tx: Tx) -> Shown:
    found = plans_of(tx.session, tx.actor, tx.now)
    shown = [plan_standing(tx.session, tx.actor, plan.plan_no, tx.now) for plan in found[:MOST_COUNTED]]
    return Shown(say("numbers", plans=shown, more=len(found[MOST_COUNTED:])))


def _plan(tx: Tx, *, plan_no: str) -> Shown:
    standing = plan_standing(tx.session, tx.actor, plan_no, tx.now)
    return Shown(say("plan", plan=standing), ((panel_key("在面板查看", f"/admin/plans/details/?id={standing.id}"),),))


def _plans(tx: Tx) -> Shown:
    found = plans_of(tx.session, tx.actor, tx.now)
    return Shown(say("plans", plans=found[:MOST_PLANS], more=len(found[MOST_PLANS:])))
