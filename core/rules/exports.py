"""Exports: what was asked for, how many rows may leave at once, and how long they may be fetched."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from core.errors import NotReady, TooMany, ValueRefused
from core.rules.machine import Labelled
from core.rules.values import mask_id, mask_mobile

ROW_CAP = 50_000  # R-012, export_row_cap
MOST_TICKED = 1_000
KEPT_FOR = timedelta(hours=24)  # T-20
_LONG_NUMBER = re.compile(r"[0-9A-Za-z]{11,}")
_MOBILE = 11


class ExportPhase(Labelled):
    """Where an export stands; READY until a day after it was asked for."""

    WAITING = "unproved", "待验证"
    READY = "fetchable", "可下载"
    EXPIRED = "outdated", "已过期"


@dataclass(frozen=True, slots=True)
class Asked:
    """The rows somebody wants: those ticked, else those of a filter (R-013), fixed when it was asked.

    page: the list they were asked on, "" at the command line. filters: (label, value, value in words) each.
    nonce: makes two equal wishes differ, so that the trail's digest of them gives no searched name away.
    """

    page: str = ""
    ids: tuple[int, ...] = ()
    search: str = ""
    tab: str = ""
    filters: tuple[tuple[str, str, str], ...] = ()
    nonce: str = ""

    def kept(self) -> str:
        """As a row keeps it."""
        return json.dumps(asdict(self) | {"nonce": secrets.token_hex(8)}, ensure_ascii=False)

    @classmethod
    def of(cls, kept: str) -> Asked:
        """What kept() wrote."""
        facts = json.loads(kept)
        filters = tuple((label, value, words) for label, value, words in facts["filters"])
        return cls(**facts | {"ids": tuple(facts["ids"]), "filters": filters})

    @property
    def in_words(self) -> str:
        """条件 as the file and the list of exports say it."""
        return f"勾选 {len(self.ids)} 条" if self.ids else "；".join(self._conditions()) or "全部"

    @property
    def in_veiled_words(self) -> str:
        """The same with ID numbers and mobiles masked (R-010)."""
        return _LONG_NUMBER.sub(_masked, self.in_words)

    def _conditions(self) -> Iterator[str]:
        if self.tab:
            yield self.tab
        yield from (f"{label}：{words}" for label, _, words in self.filters)
        if self.search:
            yield f"搜索：{self.search}"


def _masked(found: re.Match[str]) -> str:
    return mask_mobile(found[0]) if len(found[0]) == _MOBILE else mask_id(found[0])


def export_phase(*, needs_code: bool, is_verified: bool, asked_at: datetime, now: datetime) -> ExportPhase:
    """T-20: up to and including the twenty-fourth hour after it was asked for."""
    if now > asked_at + KEPT_FOR:
        return ExportPhase.EXPIRED
    return ExportPhase.WAITING if needs_code and not is_verified else ExportPhase.READY


def require_ready(phase: ExportPhase) -> None:
    """Nothing leaves before the code came back (R-011), nor after a day (T-20)."""
    if phase is ExportPhase.WAITING:
        raise NotReady("export_not_verified", rule="R-011")
    if phase is ExportPhase.EXPIRED:
        raise ValueRefused("export_expired", rule="T-20")


def require_within_cap(count: int, cap: int) -> None:
    """R-012."""
    if count > cap:
        raise TooMany("export_too_many", rule="R-012", limit=in_tens_of_thousands(cap))


def in_tens_of_thousands(number: int) -> str:
    """5万 for 50000, 15 for 15."""
    return f"{number // 10_000}万" if number and not number % 10_000 else str(number)
