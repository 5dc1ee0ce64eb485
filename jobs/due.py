"""Each row that is due gets its verb, its own transaction, and no power over the next one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import Select

from core.actors import SYSTEM
from core.db import Tx, reading, transaction
from core.errors import Refusal

log = logging.getLogger(__name__)


def each(name: str, query: Select[Any], verb: Callable[[Tx, int], object]) -> int:
    """Run verb(tx, id) for every id of the query; refusals and accidents are logged, and the rest goes on."""
    with reading() as session:
        ids = list(session.scalars(query))
    done = 0
    for ident in ids:
        done += once(f"{name} {ident}", partial(_apply, verb, ident))
    return done


def _apply(verb: Callable[[Tx, int], object], ident: int, tx: Tx) -> object:
    return verb(tx, ident)


def once(name: str, verb: Callable[[Tx], object]) -> bool:
    """One unit of work by the system; False when it was refused or broke."""
    try:
        with transaction(SYSTEM.on("jobs")) as tx:
            verb(tx)
    except Refusal as refusal:
        log.warning("%s refused: %s", name, refusal.sentence_code)
        return False
    except Exception:
        log.exception("%s broke", name)
        return False
    return True
