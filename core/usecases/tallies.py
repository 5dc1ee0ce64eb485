"""Counting again what tallies keep."""

from __future__ import annotations

from sqlalchemy import delete, insert

from core.db import Tx
from core.models.records import Tally
from core.queries.tallies import TALLIED, counted, kept


def rebuild_tallies(tx: Tx) -> int:
    """Replace the tallies of every counted table by what is there; how many tables were wrong.

    Whoever moves rows meanwhile commits before the counting or after it, never between the two.
    """
    tx.hold_trail()
    wrong = 0
    for model in TALLIED:
        true = counted(tx.session, model)
        if true == kept(tx.session, model):
            continue
        wrong += 1
        tx.session.execute(delete(Tally).where(Tally.table_name == model.__tablename__))
        rows = [
            {"table_name": model.__tablename__, "scope": scope, "key": key, "word": word, "count": number}
            for (scope, key, word), number in true.items()
        ]
        if rows:
            tx.session.execute(insert(Tally), rows)
    return wrong
