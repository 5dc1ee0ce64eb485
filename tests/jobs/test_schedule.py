"""The timetable: every entry runs over a whole world, twice without harm, and after days of silence catches up."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from core import clock
from core.actors import SYSTEM
from core.db import Tx, reading
from core.demo.world import World
from core.errors import NotReady
from core.models.certificates import Certificate, CertificateIssuance, SigningSession
from core.models.organisations import College, EducationAuthority, RegionName
from core.models.pilots import Quota
from core.models.plans import ExamPlan
from core.models.records import Heartbeat, Notification
from core.queries.reconcile import reconcile, verify_chain
from core.rules.certificates import Party
from jobs import certificates, pilots, plans, schedule, watch
from jobs.due import each, once
from tests.conftest import PATIENCE, comes_true
from tests.factories import DEMO_BORN_AT, PlainSealer, Years, census, count, moment, notices, on, one, rows

Stand = Callable[[datetime | str], datetime]


@pytest.fixture(autouse=True)
def plain_seal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates are sealed by nobody here."""
    monkeypatch.setattr(certificates, "_sealer", PlainSealer)


def tick() -> None:
    """Everything once, in the order of the timetable."""
    for entry in schedule.TIMETABLE:
        entry.body()


# -- the whole timetable ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [0, 1, 3, 10, 40, 400])
def test_every_entry_runs_over_the_demos_world_and_a_second_time_changes_nothing(
    days: int, demo: World, stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    stand(DEMO_BORN_AT + timedelta(days=days, minutes=1))
    caplog.set_level(logging.WARNING)
    tick()
    assert [r.getMessage() for r in caplog.records if "broke" in r.getMessage() or "refused" in r.getMessage()] == []
    before = census()
    tick()
    assert census() == before
    with reading() as session:
        assert [law.name for law in reconcile(session) if law.broken] == []
        assert verify_chain(session).broken_at is None


def test_a_world_that_ticks_every_day_ends_like_one_that_slept_but_tells_more(demo: World, stand: Stand) -> None:
    for day in range(0, 70, 2):
        stand(DEMO_BORN_AT + timedelta(days=day, minutes=1))
        tick()
    locked = {p.plan_no for p in rows(select(ExamPlan)) if p.locked_at}
    assert len(locked) == count(ExamPlan)
    assert count(Notification, Notification.kind == "plans.edge_passed") > 20


def test_after_weeks_of_silence_everything_takes_effect_and_only_news_is_told(demo: World, stand: Stand) -> None:
    before = {n.id for n in notices("plans.edge_passed")}
    stand(DEMO_BORN_AT + timedelta(days=47, minutes=1))
    plans.pass_edges()
    assert count(ExamPlan, ExamPlan.next_edge_at <= clock.now()) == 0
    ended = [p for p in rows(select(ExamPlan)) if p.windows.publication.over(clock.now())]
    assert all(plan.locked_at for plan in ended)
    fresh = [json.loads(n.facts) for n in notices("plans.edge_passed") if n.id not in before]
    assert fresh
    for facts in fresh:
        plan = one(ExamPlan, facts["plan_id"])
        instant = next(at for at, edge in plan.windows.edges() if edge.value == facts["edge"])
        assert clock.now() - instant < timedelta(days=2)


def test_the_scheduler_knows_every_entry_and_heals_missed_runs() -> None:
    keeper = schedule.scheduler()
    jobs = {job.id: job for job in keeper.get_jobs()}
    assert set(jobs) == {entry.name for entry in schedule.TIMETABLE}
    assert keeper._job_defaults["coalesce"] is True
    assert keeper._job_defaults["max_instances"] == 1
    assert keeper._job_defaults["misfire_grace_time"] is None


async def test_the_jobs_process_starts_works_and_stops(
    years: Years, stand: Stand, chat: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    years("approved")
    stand(moment("approved"))
    monkeypatch.setattr(schedule, "TIMETABLE", (schedule.Entry("heartbeat", watch.beat, 1),))
    stop = asyncio.Event()
    work = asyncio.create_task(schedule.run(stop))
    assert await asyncio.to_thread(comes_true, lambda: count(Heartbeat))
    stop.set()
    await asyncio.wait_for(work, PATIENCE)
    assert rows(select(Heartbeat.name)) == ["jobs.tick"]


# -- each entry ------------------------------------------------------------------------------------------------------


def test_certificates_that_were_ordered_are_made_and_a_second_run_makes_none(years: Years, stand: Stand) -> None:
    years("ordered")
    stand("2026-06-16 12:00")
    certificates.generate()
    assert count(Certificate) == 2
    certificates.generate()
    assert count(Certificate) == 2
    assert set(rows(select(CertificateIssuance.state))) == {"issued"}


def test_one_certificate_that_breaks_does_not_stop_the_next(
    years: Years, stand: Stand, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Fragile(PlainSealer):
        tried = 0

        def seal(self, pdf: bytes, *, reason: str, picture: bytes | None = None) -> bytes:
            Fragile.tried += 1
            if Fragile.tried == 1:
                raise RuntimeError("out of paper")
            return pdf

    years("ordered")
    stand("2026-06-16 12:00")
    monkeypatch.setattr(certificates, "_sealer", Fragile)
    certificates.generate()
    assert count(Certificate) == 1
    assert "broke" in caplog.text
    certificates.generate()
    assert count(Certificate) == 2


def test_signing_pages_whose_time_is_over_are_recorded_as_expired_T19(years: Years, stand: Stand) -> None:
    year = years("concluded")
    start = stand("2026-06-16 09:00")
    ceremony = year.open_signing("teo", Party.TEO)
    stand(start + timedelta(minutes=5))
    certificates.expire_signings()
    assert one(SigningSession, ceremony.session.id).state == "scanned"
    stand(start + timedelta(minutes=5, seconds=1))
    certificates.expire_signings()
    assert one(SigningSession, ceremony.session.id).state == "expired"


def test_quota_of_the_past_year_lapses_at_midnight_of_business_time_T03(years: Years, stand: Stand) -> None:
    years("approved")
    stand(on("2026-12-31 23:59:59"))
    pilots.lapse()
    assert count(Quota, Quota.state == "lapsed") == 0
    stand(on("2027-01-01 00:00"))
    pilots.lapse()
    assert count(Quota, Quota.state == "lapsed") == 2


def test_declaration_windows_are_announced_by_the_job(years: Years, stand: Stand) -> None:
    years("declared")
    stand(moment("declared"))
    pilots.pass_edges()
    assert len(notices("pilots.declaration_opened")) == 5


def test_reminders_go_out_once_a_rung(years: Years, stand: Stand) -> None:
    years("planned")
    for hours, told in ((80, 0), (70, 3), (60, 3), (20, 6), (1, 9)):
        stand(on("2026-05-10 18:00") - timedelta(hours=hours))
        plans.remind()
        plans.remind()
        assert len(notices("plans.registration_closing")) == told


def test_a_heartbeat_and_stuck_work_are_noted_for_the_monitor(
    years: Years, stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    years("ordered")
    start = stand(moment("ordered"))
    watch.beat()
    stand(start + timedelta(minutes=9))
    watch.look_for_stuck_work()
    assert "certificates" not in rows(select(Heartbeat.note).where(Heartbeat.name == "jobs.stuck"))[0]
    stand(start + timedelta(minutes=11))
    watch.look_for_stuck_work()
    assert "certificates=2" in rows(select(Heartbeat.note).where(Heartbeat.name == "jobs.stuck"))[0]
    assert "stuck" in caplog.text
    assert rows(select(Heartbeat.at).where(Heartbeat.name == "jobs.tick")) == [start]


# -- each() ----------------------------------------------------------------------------------------------------------


def test_every_row_has_its_own_transaction_and_no_power_over_the_next(
    years: Years, stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    year = years("set_up")
    stand(moment("set_up"))
    seen: list[int] = []

    def verb(tx: Tx, ident: int) -> None:
        seen.append(ident)
        tx.add(RegionName(code=f"5{ident:05d}", name="某市"))
        if ident == year["college"]:
            raise NotReady("nothing_arranged", rule="R-180")
        if len(seen) == 2:
            raise RuntimeError("an accident")

    assert each("college", select(College.id).order_by(College.id), verb) == 0
    assert len(seen) == 2
    assert count(RegionName) == 1
    assert "college 1 refused: nothing_arranged" in caplog.text
    assert "college 2 broke" in caplog.text
    assert each("authority", select(EducationAuthority.id).where(EducationAuthority.id == 3), verb) == 1
    assert count(RegionName) == 2


def test_jobs_act_as_the_system_on_a_channel_of_their_own(years: Years, stand: Stand) -> None:
    years("set_up")
    stand(moment("set_up"))
    who: list[object] = []
    assert once("look", lambda tx: who.append(tx.actor)) is True
    assert who == [SYSTEM.on("jobs")]


def test_nothing_personal_is_logged_when_something_breaks(
    years: Years, stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    year = years("peopled")
    stand(moment("peopled"))

    def refuse(tx: Tx) -> None:
        raise NotReady("photo_missing", rule="§2.35", name=year.students[0].name)

    assert once("certificate 1", refuse) is False
    assert year.students[0].name not in caplog.text
