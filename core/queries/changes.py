"""What a reviewer has to know about an application before deciding: has it changed, and in what."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from core.models.pilots import PilotApplication
from core.queries.applications import as_submitted, fingerprint_of, submissions_of
from core.rules.pilots import pass_action, step_due

_TEXTS = ("faculty_description", "venue_description")


@dataclass(frozen=True, slots=True)
class Changes:
    """From one state of an application to another: numbers before and after, and which descriptions were rewritten.

    is_first: there is nothing to compare with; is_behind_back: it changed after the college had submitted it.
    """

    is_first: bool = False
    is_behind_back: bool = False
    has_other_certificate: bool = False
    requested: tuple[int, int] = (0, 0)
    majors_added: int = 0
    majors_removed: int = 0
    majors_changed: int = 0
    files: tuple[int, int] = (0, 0)
    has_other_files: bool = False
    texts: tuple[str, ...] = ()

    @property
    def is_none(self) -> bool:
        """True where both are the same."""
        majors = self.majors_added + self.majors_removed + self.majors_changed
        others = majors or self.has_other_files or self.texts or self.has_other_certificate
        return self.requested[0] == self.requested[1] and not others


def changes_of(session: Session, application: PilotApplication) -> Changes:
    """Since it was last submitted, if it changed after that; else between its last two rounds."""
    now = as_submitted(session, application)
    rounds = submissions_of(session, application.id)
    if rounds and rounds[-1].fingerprint != fingerprint_of(now):
        return _between(json.loads(rounds[-1].content), json.loads(now), is_behind_back=True)
    if len(rounds) < 2:
        return Changes(is_first=True)
    return _between(json.loads(rounds[-2].content), json.loads(now))


def _between(before: Mapping[str, Any], now: Mapping[str, Any], *, is_behind_back: bool = False) -> Changes:
    majors = [{row["major_id"]: row for row in content["majors"]} for content in (before, now)]
    files = [list(map(tuple, content["files"])) for content in (before, now)]
    kept = majors[0].keys() & majors[1].keys()
    return Changes(
        is_behind_back=is_behind_back,
        has_other_certificate=before["certificate_id"] != now["certificate_id"],
        requested=(before["requested_count"], now["requested_count"]),
        majors_added=len(majors[1].keys() - majors[0].keys()),
        majors_removed=len(majors[0].keys() - majors[1].keys()),
        majors_changed=sum(majors[0][ident] != majors[1][ident] for ident in kept),
        files=(len(files[0]), len(files[1])),
        has_other_files=files[0] != files[1],
        texts=tuple(name for name in _TEXTS if before[name] != now[name]),
    )


def review_version(session: Session, application: PilotApplication) -> int:
    """What a reviewer would decide and by which act, as a number that fits a button; it changes with either."""
    step = step_due(application.state, has_city_review=application.has_city_review)
    act = pass_action(step, has_final_review=application.plan.final_review_required) if step else ""
    fingerprint = fingerprint_of(as_submitted(session, application))
    return zlib.crc32(f"{act}:{fingerprint}".encode()) >> 1
