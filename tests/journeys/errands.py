"""What the people of a lazy year begin: the work of the year, each piece as soon as its person feels like it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import func, select

from core import clock
from core.db import reading
from core.models.candidates import Candidate
from core.models.certificates import CertificateIssuance
from core.models.pilots import PilotApplication
from core.models.records import Notification
from core.models.sites import ExamSite
from core.notifications.pilots import DeclarationClosing, DeclarationOpened
from core.notifications.plans import RegistrationClosing, ScoresMissing
from core.notifications.reminding import WeeklyLate
from core.rules.certificates import IssuanceState, IssueMethod
from core.rules.delegations import Duty
from core.rules.pilots import ApplicationState
from core.rules.sites import SiteReview
from core.usecases import applications, certificates, delegations, registrations, scores, sites
from tests.factories import (
    CAST,
    STAGES,
    Year,
    application_values,
    codes,
    on,
    one,
    register,
    registration_row,
    room_values,
    score_sheet,
    site_values,
)
from tests.journeys.lazy import DAY, HOUR, Errand, Office, in_office

COORDINATORS = {"coordinator": "", "other_coordinator": "other_"}  # and what the ids of their college begin with

Moment = Callable[[], "datetime | None"]  # None: not yet


def errands(office: Office) -> Iterator[Errand]:
    """All of them, done or not; those that wait for what somebody has heard have no instant before that."""
    year, heard = office.year, office.heard
    yield Errand("declare", _on("2026-03-02 09:00"), partial(STAGES["declared"][1], year))
    yield Errand("name deputies", _on("2026-03-03 10:00"), partial(_name_deputies, office))
    for login, kind in (("coordinator", DeclarationClosing.kind), ("other_coordinator", DeclarationOpened.kind)):
        told, approved = partial(heard, login, kind), partial(_approved_at, year, login)
        yield Errand(f"draft {login}", _on("2026-03-03 11:00"), partial(_draft, year, login))
        yield Errand(f"apply {login}", _after(told, 3 * HOUR), partial(_apply, year, login))
        yield Errand(f"site {login}", _after(approved, 6 * DAY), partial(_ask_for_site, year, login))
    yield Errand("candidates", _after(partial(_sited_at, year), 3 * DAY), partial(STAGES["peopled"][1], year))
    yield Errand("plan", _after(partial(_sited_at, year), 16 * DAY), partial(_plan, year))
    pressed = partial(heard, "coordinator", RegistrationClosing.kind, 2)  # on a Saturday night, a day before the end
    yield Errand("register coordinator", pressed, partial(_register, year))
    yield Errand("register other_coordinator", _on("2026-05-04 10:00"), partial(_register_elsewhere, year))
    yield Errand("arrange", _on("2026-05-13 09:00"), partial(STAGES["arranged"][1], year))
    yield Errand("block", _on("2026-05-16 10:00"), partial(_block, office))
    yield Errand("scores", _after(partial(heard, "teo", ScoresMissing.kind), HOUR), partial(_score, year))
    yield Errand("order", _after(partial(_told_to_order, office), 3 * HOUR), partial(_order, year))


def _on(text: str) -> Moment:
    return partial(on, text)


def _after(begun: Moment, pause: timedelta) -> Moment:
    def at() -> datetime | None:
        start = begun()
        return None if start is None else in_office(start + pause)

    return at


def _name_deputies(office: Office) -> None:
    """For the first officer and coordinator a deputy, and one who signs; for the second officer, who never accepts."""
    for login, principal, deputy, duty in (
        ("coordinator", "signatory", "coordinator", Duty.SITE),
        ("coordinator", "signatory", "reviewer", Duty.SIGNING),
        ("coordinator", "coordinator", "reviewer", Duty.SITE),
        ("other_coordinator", "other_signatory", "other_coordinator", Duty.SITE),
    ):
        office.year.do(
            login,
            delegations.propose_delegation,
            principal_id=office.account(principal),
            deputy_id=office.account(deputy),
            duty=duty,
            is_default=True,
        )


def _draft(year: Year, login: str) -> None:
    other = COORDINATORS[login]
    values = application_values(year, college_id=year[f"{other}college"], plan_id=year[f"{other}declaration"])
    year.ids[f"{other}application"] = year.do(login, applications.save_application, **values).id


def _apply(year: Year, login: str) -> None:
    year.do(login, applications.submit_application, application_id=year[f"{COORDINATORS[login]}application"])


def _approved_at(year: Year, login: str) -> datetime | None:
    """The college is a pilot once its batch has ended, too (R-044)."""
    with reading() as session:
        row = session.get(PilotApplication, year.ids.get(f"{COORDINATORS[login]}application", 0))
        if row is None or row.state is not ApplicationState.APPROVED:
            return None
        return max(row.updated_at, row.plan.apply_closes_at)


def _ask_for_site(year: Year, login: str) -> None:
    other = COORDINATORS[login]
    values = site_values(year, college_id=year[f"{other}college"])
    year.ids[f"{other}site"] = year.do(login, sites.draft_site, **values).id
    year.do(login, sites.submit_site, site_id=year[f"{other}site"])


def _sited_at(year: Year) -> datetime | None:
    """When the second of both sites was approved."""
    approved = (ExamSite.review_state == SiteReview.APPROVED,)
    with reading() as session:
        number, last = session.execute(
            select(func.count(ExamSite.id), func.max(ExamSite.updated_at)).where(*approved)
        ).one()
    return last if number == len(COORDINATORS) else None


def _plan(year: Year) -> None:
    """With a draft beside it that nobody ever publishes, and rooms in both colleges."""
    STAGES["planned"][1](year)
    for name in ("theory", "practice"):
        year.do("other_coordinator", sites.create_room, **room_values(year, name, site_id=year["other_site"]))


def _register(year: Year) -> None:
    outcome = register(year, [0, 1, 2], [0])
    assert not outcome.refused, outcome.refused


def _register_elsewhere(year: Year) -> None:
    code, site_no = codes(year)[0], one(ExamSite, year["other_site"]).site_no
    people = [one(Candidate, year[f"other_student:{place}"]) for place in range(2)]
    sheet = [(number, registration_row(person, code, site_no)) for number, person in enumerate(people, start=3)]
    outcome = year.do(
        "other_coordinator",
        registrations.register_by_certificate,
        plan_id=year["plan"],
        college_id=year["other_college"],
        rows=sheet,
    )
    assert not outcome.refused, outcome.refused


def _block(office: Office) -> None:
    """The bot is not told, as when Telegram has dropped the update: only the next message finds out."""
    office.machinery.api.user_blocks_bot(CAST["other_coordinator"][2] or 0)
    office.machinery.api.updates.clear()


def _score(year: Year) -> None:
    outcome = year.do("teo", scores.enter_scores, plan_id=year["plan"], rows=score_sheet(year))
    assert not outcome.refused, outcome.refused


def _told_to_order(office: Office) -> datetime | None:
    """When a Monday's message has told the TEO that what both have signed waits for its order."""
    told = (Notification.account_id == office.account("teo"), Notification.kind == WeeklyLate.kind)
    with reading() as session:
        ready = select(func.min(CertificateIssuance.updated_at)).where(CertificateIssuance.state == IssuanceState.READY)
        since = session.scalar(ready)
        if since is None:
            return None
        late = Notification.delivered_at > since + 3 * DAY
        return session.scalar(select(func.min(Notification.delivered_at)).where(*told, late))


def _order(year: Year) -> None:
    year.do(
        "teo",
        certificates.order_generation,
        plan_id=year["plan"],
        issue_method=IssueMethod.ELECTRONIC,
        issued_on=clock.business_today(),
    )
