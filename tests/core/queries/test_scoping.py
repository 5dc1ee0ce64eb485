"""Who sees which rows: a table typed from §8.8 against the whole small year, every model and every role."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import false, select

from core.actors import Actor
from core.db import reading
from core.models.accounts import ChatBinding, OneTimeCode, RecoveryCode, TellingChoice, UserAccount, VerificationCode
from core.models.candidates import Candidate
from core.models.certificates import CertificateIssuance, SigningItem, SigningSession
from core.models.letters import NoticeLetter
from core.models.organisations import College
from core.models.pilots import DeclarationPlan, PilotApplication
from core.models.plans import ExamPlan
from core.models.records import (
    ChatDraft,
    ChatUpdate,
    Heartbeat,
    ImportChange,
    ImportCorrection,
    ImportFault,
    ImportFile,
    NumberSeries,
    Tally,
)
from core.models.registrations import Registration, RoomArrangement, SeatAssignment
from core.models.registry import metadata
from core.models.scores import CertificateResult, SubjectScore
from core.models.sites import ExamRoom, ExamSite
from core.queries.scoping import READERS, may_see, visible
from core.rules.organisations import Role
from core.usecases.reviews import pass_as_city
from tests.factories import Year, Years, moment, on

SECOND_HALF = on("2026-06-20 09:00")

# Whose rows each person of the small year sees, at its end. - nothing, * all there are, a number: so many rows.
# Columns: admin, province, other province, city, TEO, other TEO, coordinator, signing officer, sign reviewer,
# invigilator, candidate, the other college's coordinator.
PEOPLE = (
    "admin", "province", "other_province", "city", "teo", "other_teo", "coordinator", "signatory", "reviewer",
    "invigilator", "candidate", "other_coordinator",
)  # fmt: skip
EXPECTED = """
regions                    * * * * * * * * - - - *
majors                     * * * * * * * * - - - *
education_authorities      * 2 2 2 - - 2 2 - - - 2
evaluation_orgs            * * * * 1 1 1 1 - - - 1
colleges                   * 1 1 1 * * 1 1 - - - 1
user_accounts              * 1 1 1 1 1 5 5 1 1 - 2
electronic_seals           - - - - - - - 1 - - - -
certificate_types          * * * * 2 1 * * - - - *
subjects                   * * * * 4 2 * * - - - *
declaration_plans          * 1 1 1 - - 1 1 - - - 1
pilot_applications         * 1 1 1 2 - 1 1 - - - 1
quotas                     * 1 1 1 2 - 1 1 - - - 1
exam_plans                 * 1 1 1 2 - 1 1 1 - - 1
exam_plan_certificates     * 1 1 1 1 - 1 1 1 - - 1
exam_plan_subjects         * 2 2 2 2 - 2 2 2 - - 2
exam_sessions              * 2 2 2 2 - 2 2 2 - - 2
exam_sites                 * 1 1 1 2 - 1 1 - - - 1
exam_rooms                 * - - - 2 - 2 2 - - - -
candidates                 * - - - 4 - 6 6 - - 1 2
candidate_snapshots        * - - - 4 - 4 4 - - 1 -
registrations              * 4 - - 4 - 4 4 - - 1 -
subject_registrations      * 8 - - 8 - 8 8 - - 2 -
room_arrangements          * - - - 2 - 2 2 - - - -
seat_assignments           * - - - 8 - 8 8 - - 2 -
subject_scores             * 8 - - 8 - 8 8 - - 2 -
certificate_results        * 4 - - 4 - 4 4 - - 1 -
certificate_issuances      * 2 - - 2 - 2 2 2 - 1 -
certificates               * 2 - - 2 - 2 2 2 - 1 -
signing_records            * 4 - - 4 - 4 4 4 - - -
audit_entries              * - - - - - - - - - - -
"""


def seen(year: Year, login: str, model: Any, at: datetime = SECOND_HALF) -> int:
    """How many rows of a table this person sees."""
    with reading() as session:
        return len(session.scalars(select(model.id).where(visible(model, year.actor(login), at))).all())


def table(name: str) -> Any:
    """The model of a table."""
    return next(model for model in READERS if model.__tablename__ == name)


@pytest.mark.parametrize("line", EXPECTED.strip().splitlines(), ids=lambda line: line.split()[0])
def test_everybody_sees_their_own_rows_and_no_others(years: Years, line: str) -> None:
    year = years("issued")
    name, *marks = line.split()
    model = table(name)
    with reading() as session:
        there = len(session.scalars(select(model.id)).all())
    assert there, "a table without rows proves nothing"
    wanted = [there if mark == "*" else 0 if mark == "-" else int(mark) for mark in marks]
    found = [seen(year, login, model) for login in PEOPLE]
    assert dict(zip(PEOPLE, found, strict=True)) == dict(zip(PEOPLE, wanted, strict=True))


def test_what_nobody_wrote_down_nobody_sees() -> None:
    everybody = Actor("all", frozenset(role.value for role in Role), 1, 1, 1, 1, 1, "42", "420100")
    for model in (OneTimeCode, NumberSeries, Heartbeat, ChatUpdate, ChatDraft, SigningSession, SigningItem):
        assert not may_see(model, everybody)
        assert str(visible(model, everybody)) == "false"


def test_an_account_without_any_role_sees_nothing() -> None:
    nobody = Actor("nobody", frozenset(), 1, 1, 1, 1, 1, "42", "420100")
    assert [model for model in READERS if may_see(model, nobody)] == []


def test_a_role_without_its_organisation_sees_nothing_rather_than_what_belongs_to_nobody(years: Years) -> None:
    years("issued")
    lost = Actor("lost", frozenset({Role.TEO.value, Role.COORDINATOR.value, Role.PROVINCE.value, Role.CITY.value}))
    for model in (PilotApplication, ExamSite, Registration, CertificateIssuance, UserAccount, Candidate):
        with reading() as session:
            assert session.scalars(select(model.id).where(visible(model, lost))).all() == [], model.__tablename__


def test_a_college_does_not_see_scores_and_results_before_the_entry_window_has_ended(years: Years) -> None:
    year = years("scored")
    for model in (SubjectScore, CertificateResult):
        assert seen(year, "coordinator", model, on("2026-05-25 18:00")) == 0, "R-203, R-226"
        assert seen(year, "coordinator", model, on("2026-05-25 18:01")) > 0
        assert seen(year, "teo", model, on("2026-05-25 18:00")) > 0
        assert seen(year, "candidate", model, on("2026-05-30 09:00")) == 0, "R-202"
        assert seen(year, "candidate", model, on("2026-06-01 09:01")) > 0


def test_the_province_does_not_see_an_application_before_the_city_has_passed_it(years: Years) -> None:
    year = years("applied")
    assert seen(year, "province", PilotApplication) == 0, "R-039"
    assert seen(year, "city", PilotApplication) == 1
    assert seen(year, "other_province", PilotApplication) == 1, "that plan wants no city"


def test_the_province_sees_what_the_city_has_passed(years: Years) -> None:
    year = years("applied")
    year.do("city", pass_as_city, application_id=year["application"])
    assert seen(year, "province", PilotApplication) == 1


def test_drafts_are_seen_by_whoever_writes_them(years: Years) -> None:
    year = years("planned")
    with reading() as session:
        for login, expected in (("teo", 2), ("coordinator", 1), ("province", 1)):
            plans = session.scalars(select(ExamPlan).where(visible(ExamPlan, year.actor(login)))).all()
            assert len(plans) == expected, login


def test_every_scope_stands_inside_any_query(years: Years) -> None:
    """Subqueries must not lean on the tables of the query around them."""
    year = years("planned")
    with reading() as session:
        for model in READERS:
            for login in PEOPLE:
                query = select(model.id).where(visible(model, year.actor(login), moment("planned")))
                alone = session.scalars(query.order_by(model.id)).all()
                for other in {College, DeclarationPlan, Registration} - {model}:
                    beside = query.outerjoin(other, false()).order_by(model.id)
                    assert session.scalars(beside).all() == alone, (model.__tablename__, login)


def test_every_table_is_either_shown_or_kept_back_on_purpose() -> None:
    kept_back = {
        OneTimeCode, RecoveryCode, VerificationCode, NumberSeries, Heartbeat, Tally, ChatUpdate, ChatDraft,
        SigningSession, SigningItem, ImportFile, ImportFault, ImportCorrection, ImportChange,
        TellingChoice, NoticeLetter,
    }  # fmt: skip
    links = {"certificate_majors", "declaration_plan_certificates", "exam_site_certificates", "exam_room_subjects"}
    shown = {model.__tablename__ for model in READERS} | {model.__tablename__ for model in kept_back} | links
    assert set(metadata.tables) - shown == set()


def test_hosts_see_their_rooms_and_borrowers_where_their_own_people_sit(years: Years) -> None:
    year = years("arranged")
    assert seen(year, "coordinator", ExamRoom) == 2
    assert seen(year, "other_coordinator", RoomArrangement) == 0
    assert seen(year, "other_coordinator", SeatAssignment) == 0
    assert seen(year, "signatory", ChatBinding) > 0
