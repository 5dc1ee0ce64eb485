"""Two phones at the same instant: one of them has the ceremony, and what is signed is signed once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select

from core.db import reading, transaction
from core.errors import Refusal
from core.models.certificates import SigningRecord
from core.rules.certificates import Party
from core.usecases.signing import claim_ceremony, open_signing, send_back, sign
from tests.admin import signing_world
from tests.admin.signing_world import SigningWorld, ink


@pytest.fixture
def world(any_database: str) -> SigningWorld:
    """Three certificates that wait for the college, on either database."""
    return signing_world.build()


@pytest.fixture
def token(world: SigningWorld) -> str:
    """An open ceremony of the officer."""
    with transaction(world.actor(world.officer)) as tx:
        return open_signing(tx, plan_id=world.plan, party=Party.COLLEGE).token


def together(world: SigningWorld, *acts: Callable[..., Any]) -> list[str]:
    """Every act in a transaction and a thread of its own, all at once; "done" or the code of the refusal, sorted."""
    line = Barrier(len(acts))
    officer = world.actor(world.officer)

    def run(act: Callable[..., Any]) -> str:
        line.wait()
        try:
            with transaction(officer) as tx:
                act(tx)
        except Refusal as refusal:
            return refusal.sentence_code
        return "done"

    with ThreadPoolExecutor(len(acts)) as crowd:
        return sorted(crowd.map(run, acts))


def records() -> int:
    """How many decisions are on record."""
    with reading() as look:
        return look.scalar(select(func.count(SigningRecord.id))) or 0


def test_of_two_phones_that_scan_at_once_one_has_the_ceremony(world: SigningWorld, token: str) -> None:
    outcomes = together(world, *[lambda tx: claim_ceremony(tx, token=token)] * 2)
    assert outcomes == ["done", "signing_elsewhere"]


def test_two_taps_at_once_sign_once(world: SigningWorld, token: str) -> None:
    outcomes = together(world, *[lambda tx: sign(tx, token=token, typed_count="3", hand_signature=ink())] * 2)
    assert outcomes == ["done", "signed_already"]
    assert records() == 3


def test_signing_and_sending_back_at_once_do_one_of_both(world: SigningWorld, token: str) -> None:
    outcomes = together(
        world,
        lambda tx: sign(tx, token=token, typed_count="3", hand_signature=ink()),
        lambda tx: send_back(tx, token=token, reason="成绩有误", shown=3),
    )
    assert outcomes.count("done") == 1
    assert records() == 3
    assert world.states() in ({"证书待发放"}, {"考核站点拒绝签发"})
