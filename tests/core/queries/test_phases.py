"""Phases said in SQL are the phases of the rules, row by row, whenever one looks (§3.11, §3.15, D-08)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from core.actors import Actor
from core.db import reading
from core.models.registrations import Registration, SubjectRegistration
from core.models.scores import SubjectScore
from core.queries.phases import SCORE_PHASES, registration_phase_place, score_phase_place
from core.queries.scoping import visible
from core.rules.registrations import (
    PHASES_OF_A_REGISTRATION,
    SittingPhase,
    SittingState,
    registration_phase,
    sitting_phase,
)
from core.rules.scores import ScorePhase, ScoreState, score_phase
from tests.factories import PRACTICE, THEORY, WINDOWS, Years

INSTANT = timedelta(microseconds=1)
EDGES = [
    *(edge + shift for window in (THEORY, PRACTICE) for edge in window for shift in (-INSTANT, INSTANT * 0)),
    *(edge + shift for edge in WINDOWS["score_entry"] for shift in (-INSTANT, INSTANT * 0, INSTANT)),
    *(edge + shift for edge in WINDOWS["publication"] for shift in (-INSTANT, INSTANT * 0, INSTANT)),
]
STAGES = ("registered", "arranged", "scored", "concluded")


def session_of(sitting: SubjectRegistration) -> tuple[datetime | None, datetime | None]:
    if sitting.seat is None:
        return None, None
    session = sitting.seat.room_arrangement.session
    return session.starts_at, session.ends_at


@pytest.mark.parametrize("stage", STAGES)
def test_a_registrations_phase_is_the_rules_phase(any_years: Years, stage: str) -> None:
    any_years(stage)
    for now in EDGES:
        with reading() as look:
            found = look.execute(select(Registration, registration_phase_place(now))).all()
            assert found
            for registration, place in found:
                phases = [sitting_phase(s.state, *session_of(s), now) for s in registration.sittings]
                assert PHASES_OF_A_REGISTRATION[place] is registration_phase(phases)


@pytest.mark.parametrize("login", ["teo", "coordinator", "signatory", "province", "admin", "candidate"])
@pytest.mark.parametrize("stage", STAGES)
def test_a_scores_phase_is_the_rules_phase_as_far_as_one_may_know(any_years: Years, stage: str, login: str) -> None:
    actor: Actor = any_years(stage).actor(login)
    for now in EDGES:
        with reading() as look:
            seen = select(SubjectScore).where(visible(SubjectScore, actor, now))
            known = {score.subject_registration_id: score for score in look.scalars(seen)}
            mine = visible(SubjectRegistration, actor, now)
            found = look.execute(select(SubjectRegistration, score_phase_place(actor, now)).where(mine)).all()
            for sitting, place in found:
                score = known.get(sitting.id)
                state = score.state if score else ScoreState.NOT_ENTERED
                publication = sitting.registration.plan.windows.publication
                assert SCORE_PHASES[place] is score_phase(state, *session_of(sitting), publication, now)


def test_a_college_learns_of_scores_when_entry_is_over_and_not_a_moment_before(years: Years) -> None:
    actor = years("scored").actor("coordinator")
    end = WINDOWS["score_entry"][1]
    for now, phase in ((end, ScorePhase.NOT_ENTERED), (end + INSTANT, ScorePhase.ENTERED)):
        with reading() as look:
            places = set(look.scalars(select(score_phase_place(actor, now)).select_from(SubjectRegistration)))
        assert {SCORE_PHASES[place] for place in places} == {phase}


def test_what_is_going_on_counts_first_then_what_is_least_far() -> None:
    p = SittingPhase
    assert registration_phase([p.FINISHED, p.IN_EXAM, p.NOT_ARRANGED]) is p.IN_EXAM
    assert registration_phase([p.FINISHED, p.NOT_ARRANGED]) is p.NOT_ARRANGED
    assert registration_phase([p.FINISHED, p.PENDING_EXAM]) is p.PENDING_EXAM
    assert registration_phase([p.FINISHED, p.NOT_REQUIRED]) is p.FINISHED
    assert registration_phase([p.NOT_REQUIRED]) is p.NOT_REQUIRED
    assert sitting_phase(SittingState.NOT_REQUIRED, None, None, EDGES[0]) is p.NOT_REQUIRED
