"""What a college is this year, in words: on its home page, and above every list that only pilots may add to."""

from __future__ import annotations

from dataclasses import dataclass

from admin.session import current_actor, reader
from core import clock
from core.models.organisations import College
from core.queries.accounts import province_contact
from core.queries.pilot_status import pilot_status
from core.rules.organisations import PilotStatus

HINTS = {
    PilotStatus.REGISTERED: "申报时间截止后，有审核通过的申报就成为试点院校；在此之前只能办理试点申报。",
    PilotStatus.NOT_PILOT: "今年没有审核通过的试点申报，考生、考核站点和报考暂不能办理。请联系：{contact}。",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """year and status; hint is empty for pilots."""

    year: int
    status: PilotStatus
    hint: str


def standing() -> Standing | None:
    """Of the college of whoever is logged in; None for people of other organisations (R-044)."""
    actor = current_actor()
    if actor.college_id is None:
        return None
    college, now = reader().get_one(College, actor.college_id), clock.now()
    status = pilot_status(reader(), college, now)
    contact = province_contact(reader(), college.province_code) or "本省教育行政部门"
    return Standing(clock.local(now).year, status, HINTS.get(status, "").format(contact=contact))


def gate_note() -> str:
    """Why nothing can be added here yet; empty for pilots and for everybody else."""
    found = standing()
    return found.hint if found else ""
