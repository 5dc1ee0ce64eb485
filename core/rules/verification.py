"""Verification of identity: what is asked about a candidate, what may be answered, when to ask again (§2.20)."""

from __future__ import annotations

import hashlib
from collections.abc import Set
from datetime import datetime, timedelta

from core.rules.machine import Labelled, Machine, Move

LEASE = timedelta(minutes=2)  # a worker that has not reported within this time is taken for dead
FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(minutes=30)
AT_ONCE = 500  # candidates the built-in rules judge while the coordinator waits; more go to the job


class RequestState(Labelled):
    """A question about one candidate, from 认证 to its answer."""

    WAITING = "waiting", "等待核验"
    ASKING = "asking", "核验中"
    PASSED = "passed", "核验通过"
    FAILED = "failed", "核验未通过"
    DROPPED = "dropped", "已作废"


R = RequestState
OPEN = frozenset({R.WAITING, R.ASKING})
REQUEST = Machine(
    "核验请求",
    RequestState,
    R.WAITING,
    (
        Move("claim", {R.WAITING, R.ASKING}, R.ASKING),
        Move("put_off", {R.ASKING}, R.WAITING),
        Move("pass", {R.ASKING}, R.PASSED),
        Move("fail", {R.ASKING}, R.FAILED),
        Move("drop", {R.WAITING, R.ASKING}, R.DROPPED),
    ),
)

WHY: dict[str, str] = {
    "photo_missing": "没有照片",
    "photo_damaged": "照片文件已损坏",
    "photo_used_twice": "同一张照片已用于其他考生",
    "id_number": "证件号码校验未通过",
    "birth_date": "出生日期不合理",
    "always_manual": "本平台设为一律人工确认",
    "not_found": "核验服务查无此证件",
    "name_differs": "姓名与证件号码不符",
    "photo_differs": "照片与证件照片不符",
    "photo_unclear": "照片不清晰，无法比对",
    "not_accepted": "核验服务不受理这类证件",
}  # what a verifier may say against a match, in the words people read
SAID_BY_SERVICE = frozenset({"not_found", "name_differs", "photo_differs", "photo_unclear", "not_accepted"})


def fingerprint(key: str, name: str, id_type: str, id_number: str, photo_hash: str | None) -> str:
    """What one question is about, in 64 hex digits; its own key in it makes it comparable to nothing else."""
    parts = "\x1f".join((key, name, id_type, id_number, photo_hash or ""))
    return hashlib.sha256(parts.encode()).hexdigest()


def next_asking(now: datetime, attempts: int, retry_after: timedelta | None, jitter: float) -> datetime:
    """When to ask again after attempts (1 and more) in vain: doubling, at least what the service wants.

    jitter: 0 up to 1, how much of a quarter of the pause is added, so that questions put off together part ways.
    """
    pause = min(FIRST_PAUSE * int(2 ** min(attempts - 1, 20)), LONGEST_PAUSE)
    pause += pause * (jitter / 4)
    return now + max(pause, retry_after or pause)


def may_vouch(staff: Set[int], asked_by: int | None, edited_by: int | None) -> frozenset[int]:
    """Whose word counts for 人工确认 (R-087): where there are two, not who asked for the check or edited last.

    staff: everybody of the college with the right. Where exactly these two are all there is, the one who asked may
    vouch for what the other typed; a college of one vouches alone.
    """
    for left_out in ({asked_by, edited_by}, {edited_by}):
        if others := frozenset(staff) - left_out:
            return others
    return frozenset(staff)
