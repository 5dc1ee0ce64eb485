"""Two at the same moment, on both databases: one wins, the other hears why not, nothing is half-done."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from core.actors import SYSTEM
from core.db import reading, transaction
from core.errors import AlreadyThere, IllegalMove, NotFound, Refusal, StaleState, ValueRefused
from core.models.accounts import ChatBinding
from core.models.certificates import Certificate, CertificateIssuance, SigningRecord, SigningSession
from core.models.pilots import PilotApplication, Quota, ReviewRecord
from core.models.plans import ExamPlan
from core.models.records import Notification
from core.models.registrations import Registration, SeatAssignment
from core.models.scores import ScoreAmendment, SubjectScore
from core.models.sites import ExamSite
from core.queries.reconcile import reconcile, verify_chain
from core.rules.certificates import Party
from core.rules.organisations import BindingState
from core.rules.pilots import PostingKind
from core.usecases import (
    applications,
    arrangement,
    bindings,
    candidates,
    notices,
    plans,
    quotas,
    registrations,
    reviews,
    scores,
    signing,
    sites,
)
from tests.factories import (
    SECOND,
    WINDOWS,
    PlainSealer,
    Year,
    Years,
    application_values,
    at_once,
    census,
    count,
    generate,
    moment,
    one,
    order,
    pass_edges,
    plan_values,
    planned,
    register,
    registration_sheet,
    room_values,
    rows,
    score_sheet,
    site_values,
)

At = Callable[[datetime | str], datetime]


def sort(found: list[Any]) -> tuple[list[Any], list[Exception]]:
    """(what the winners returned, what the losers heard); anything but a refusal is a bug."""
    lost = [outcome for outcome in found if isinstance(outcome, BaseException)]
    for error in lost:
        if not isinstance(error, Refusal):
            raise error
    return [outcome for outcome in found if not isinstance(outcome, BaseException)], lost


def whole() -> None:
    """Whatever the race was, every sum holds and the trail is one chain."""
    with reading() as session:
        assert [(law.name, law.examples) for law in reconcile(session) if law.broken] == []
        assert verify_chain(session).broken_at is None


@pytest.fixture
def put(any_years: Years, at: At) -> Callable[[str], Year]:
    """The year at a stage, on either database, the clock standing where the stage was reached."""

    def place(stage: str, now: str = "") -> Year:
        year = any_years(stage)
        at(now or moment(stage))
        return year

    return place


Put = Callable[..., Year]


def test_the_same_application_saved_twice_is_one_R027(put: Put) -> None:
    year = put("declared")
    found = at_once(*[lambda: year.do("coordinator", applications.save_application, **application_values(year))] * 3)
    won, lost = sort(found)
    assert (len(won), len(lost)) == (1, 2)
    assert all(isinstance(error, AlreadyThere) for error in lost)
    assert count(PilotApplication) == 1
    whole()


def test_an_application_submitted_twice_is_reviewed_once(put: Put) -> None:
    year = put("declared")
    ident = year.do("coordinator", applications.save_application, **application_values(year)).id
    found = at_once(
        *[lambda: year.do("coordinator", applications.submit_application, application_id=ident)] * 2,
        lambda: year.do("signatory", applications.submit_application, application_id=ident),
    )
    won, lost = sort(found)
    assert (len(won), len(lost)) == (1, 2)
    assert all(isinstance(error, (StaleState, IllegalMove)) for error in lost)
    assert count(ReviewRecord) == 1
    assert count(Notification, Notification.kind == "pilots.application_waiting") == 1
    whole()


def test_of_two_approvers_one_grants_the_quota(put: Put) -> None:
    year = put("applied")
    year.do("city", reviews.pass_as_city, application_id=year["application"])
    found = at_once(
        *[
            lambda n=n: year.do(
                "province", reviews.approve_application, application_id=year["application"], approved_count=n
            )
            for n in (10, 20)
        ]
    )
    won, lost = sort(found)
    assert (len(won), len(lost)) == (1, 1)
    assert isinstance(lost[0], (StaleState, IllegalMove))
    application = one(PilotApplication, year["application"])
    assert rows(select(Quota.granted)) == [application.approved_count]
    assert count(ReviewRecord, ReviewRecord.approved_count.is_not(None)) == 1
    whole()


def test_approving_and_returning_at_once_decide_one_thing(put: Put) -> None:
    year = put("applied")
    year.do("city", reviews.pass_as_city, application_id=year["application"])
    found = at_once(
        lambda: year.do("province", reviews.approve_application, application_id=year["application"], approved_count=4),
        lambda: year.do("province", reviews.return_application, application_id=year["application"], reason="缺材料"),
    )
    won, lost = sort(found)
    assert (len(won), len(lost)) == (1, 1)
    assert isinstance(lost[0], (StaleState, IllegalMove))
    is_approved = one(PilotApplication, year["application"]).state == "approved"
    assert count(Quota) == is_approved
    told = rows(select(Notification.facts).where(Notification.kind == "pilots.application_decided"))
    assert len(told) == 3  # two coordinators and the signing officer, once each
    assert all(('"is_approved": true' in facts) is is_approved for facts in told)
    whole()


def test_withdrawing_and_approving_a_site_at_once_decide_one_thing(put: Put) -> None:
    year = put("approved")
    with year.acting("coordinator") as tx:
        ident = sites.draft_site(tx, **site_values(year)).id
        sites.submit_site(tx, site_id=ident)
    found = at_once(
        lambda: year.do("coordinator", sites.withdraw_site, site_id=ident),
        lambda: year.do("teo", sites.approve_site, site_id=ident),
    )
    won, lost = sort(found)
    assert (len(won), len(lost)) == (1, 1)
    site = one(ExamSite, ident)
    assert (site.review_state, site.site_state) in {("draft", "not_enabled"), ("approved", "enabled")}
    whole()


def test_two_applications_for_a_site_of_one_certificate_become_one_R104(put: Put) -> None:
    year = put("approved")
    found = at_once(
        lambda: year.do("coordinator", sites.draft_site, **site_values(year)),
        lambda: year.do("signatory", sites.draft_site, **site_values(year)),
    )
    won, lost = sort(found)
    assert (len(won), len(lost)) == (1, 1)
    assert isinstance(lost[0], AlreadyThere)
    assert count(ExamSite) == 1
    whole()


def test_two_importers_never_register_more_than_the_quota_R139(put: Put) -> None:
    year = put("registered")  # three of four places are taken
    found = at_once(lambda: register(year, [3]), lambda: register(year, [4]))
    won, _ = sort(found)
    assert sorted((o.accepted, [f.refusal.rule for f in o.refused]) for o in won) == [(0, ["R-139"]), (1, [])]
    quota = one(Quota, year["quota"])
    assert (quota.used, quota.granted) == (4, 4)
    assert count(Registration) == 5
    whole()


def test_two_imports_of_the_same_people_register_them_once_R150(put: Put) -> None:
    year = put("planned", "2026-05-02 09:00")
    found = at_once(lambda: register(year, [0, 1], [0]), lambda: register(year, [0, 1], [0]))
    won, lost = sort(found)
    assert sum(outcome.accepted for outcome in won) == 3
    assert all(isinstance(error, (AlreadyThere, StaleState)) for error in lost)
    assert count(Registration) == 3
    assert one(Quota, year["quota"]).used == 2
    whole()


def test_a_plan_published_twice_is_announced_once(put: Put) -> None:
    year = put("planned")
    year.do("teo", plans.put_certificate, plan_id=year["draft_plan"], planned=planned(year))
    before = count(Notification, Notification.kind == "plans.published")
    found = at_once(*[lambda: year.do("teo", plans.publish_plan, plan_id=year["draft_plan"])] * 2)
    won, lost = sort(found)
    assert (len(won), len(lost)) == (1, 1)
    assert isinstance(lost[0], (StaleState, IllegalMove))
    assert count(Notification, Notification.kind == "plans.published") == before + 3
    whole()


def test_a_plan_number_is_never_given_twice_R058(put: Put) -> None:
    year = put("sited")
    won, lost = sort(at_once(*[lambda: year.do("teo", plans.draft_plan, **plan_values(year))] * 5))
    assert lost == []
    assert len({plan.plan_no for plan in won}) == 5
    whole()


def test_next_number_gives_every_number_once_and_without_gaps(put: Put) -> None:
    put("set_up")

    def take() -> list[int]:
        found = []
        for _ in range(10):
            with transaction(SYSTEM) as tx:
                first = tx.next_number("race", count=3)
                found += [first, first + 1, first + 2]
        return found

    taken = [number for numbers in sort(at_once(*[take] * 6))[0] for number in numbers]
    assert sorted(taken) == list(range(1, 181))


def test_two_arrangements_at_once_leave_one_seating(put: Put) -> None:
    year = put("registered", "2026-05-12 09:00")
    found = at_once(*[lambda: year.do("teo", arrangement.arrange_seats, plan_id=year["plan"])] * 2)
    won, lost = sort(found)
    assert won
    assert all(isinstance(error, (StaleState, AlreadyThere, IllegalMove)) for error in lost)
    assert count(SeatAssignment) == 8
    whole()


def test_a_seat_is_not_taken_away_while_it_is_being_given(put: Put) -> None:
    """A room made smaller while seats are assigned: either the seats or the smaller room, never a seat too many."""
    year = put("registered", "2026-05-12 09:00")
    found = at_once(
        lambda: year.do("teo", arrangement.arrange_seats, plan_id=year["plan"]),
        lambda: year.do(
            "coordinator", sites.edit_room, room_id=year["room:theory"], name="小", seat_count=2, address=""
        ),
    )
    sort(found)
    whole()


def test_a_room_is_made_once_under_one_name_R125(put: Put) -> None:
    year = put("planned")
    found = at_once(*[lambda: year.do("coordinator", sites.create_room, **room_values(year, name="同名"))] * 2)
    won, lost = sort(found)
    assert (len(won), len(lost)) == (1, 1)
    assert isinstance(lost[0], AlreadyThere)
    whole()


def test_two_score_sheets_at_once_leave_one_score_each_and_every_change_on_record(put: Put) -> None:
    year = put("arranged", "2026-05-23 09:00")
    sheets = [score_sheet(year, {0: (mark, mark)}) for mark in (700, 900)]
    found = at_once(*[lambda s=s: year.do("teo", scores.enter_scores, plan_id=year["plan"], rows=s) for s in sheets])
    won, lost = sort(found)
    assert len(won) + len(lost) == 2
    assert won
    assert count(SubjectScore) == 8
    assert count(ScoreAmendment) == (2 if len(won) == 2 else 0)
    whole()


def test_two_corrections_of_one_score_are_both_on_record_or_one_is_refused_R204(put: Put) -> None:
    year = put("scored", "2026-06-02 09:00")
    found = at_once(
        *[
            lambda n=n: year.do(
                "teo",
                scores.correct_score,
                score_id=year["score:0"],
                score_tenths=n,
                is_absent=False,
                reason="登分有误",
            )
            for n in (610, 620)
        ]
    )
    won, _ = sort(found)
    assert count(ScoreAmendment) == len(won) >= 1
    last = rows(select(ScoreAmendment.new_tenths).order_by(ScoreAmendment.id.desc()))[0]
    assert one(SubjectScore, year["score:0"]).score_tenths == last
    whole()


def test_two_job_processes_pass_an_edge_once(put: Put, at: At) -> None:
    year = put("registered")
    at(WINDOWS["registration"][1] + SECOND)
    won, lost = sort(at_once(*[lambda: pass_edges(year)] * 3))
    assert lost == []
    assert sorted(len(edges) for edges in won) == [0, 0, 2]  # opened and closed
    told = rows(select(Notification.account_id).where(Notification.facts.contains("registration_closes")))
    assert len(told) == len(set(told)) == 4  # three coordinators and the TEO
    whole()


def test_two_job_processes_lock_scores_and_make_issuances_once_T16(put: Put, at: At) -> None:
    year = put("scored")
    at(WINDOWS["publication"][1] + SECOND)
    _, lost = sort(at_once(*[lambda: pass_edges(year)] * 3))
    assert lost == []
    assert count(CertificateIssuance) == 2
    assert one(ExamPlan, year["plan"]).locked_at is not None
    whole()


# -- signing ---------------------------------------------------------------------------------------------------------


def test_of_two_signers_of_a_college_one_signs(put: Put) -> None:
    year = put("signed_by_teo")
    ceremonies = {login: year.open_signing(login, Party.COLLEGE) for login in ("signatory", "reviewer")}
    found = at_once(*[lambda who=who, c=c: year.sign(who, c) for who, c in ceremonies.items()])
    won, lost = sort(found)
    assert (len(won), len(lost)) == (1, 1)
    assert isinstance(lost[0], StaleState)
    assert lost[0].sentence_code == "batch_changed"
    assert count(SigningRecord, SigningRecord.party == Party.COLLEGE) == 2
    assert count(SigningSession, SigningSession.hand_signature.is_not(None)) == 2  # the TEO's and one of the college's
    assert set(rows(select(CertificateIssuance.state))) == {"ready"}
    whole()


def test_the_same_link_signed_on_two_phones_signs_once(put: Put) -> None:
    year = put("signed_by_teo")
    ceremony = year.open_signing("signatory", Party.COLLEGE)
    won, lost = sort(at_once(*[lambda: year.sign("signatory", ceremony)] * 3))
    assert (len(won), len(lost)) == (1, 2)
    assert {error.sentence_code for error in lost} == {"signed_already"}
    assert count(SigningRecord, SigningRecord.party == Party.COLLEGE) == 2
    whole()


def test_signing_and_refusing_at_once_decide_one_thing(put: Put) -> None:
    year = put("signed_by_teo")
    ceremony = year.open_signing("signatory", Party.COLLEGE)
    found = at_once(
        lambda: year.sign("signatory", ceremony),
        lambda: year.do("reviewer", signing.reject_batch, plan_id=year["plan"], party=Party.COLLEGE, reason="照片不清"),
    )
    won, lost = sort(found)
    assert (len(won), len(lost)) == (1, 1)
    assert isinstance(lost[0], (StaleState, NotFound))
    assert set(rows(select(CertificateIssuance.state))) in ({"ready"}, {"site_rejected"})
    assert count(SigningRecord, SigningRecord.party == Party.COLLEGE) == 2
    whole()


def test_ordering_and_signing_at_once_loses_neither(put: Put) -> None:
    """The order touches the batch; the signature given at that moment is either good or asks to look again."""
    year = put("signed_by_teo")
    ceremony = year.open_signing("signatory", Party.COLLEGE)
    found = at_once(lambda: year.sign("signatory", ceremony), lambda: order(year))
    _, lost = sort(found)
    assert all(isinstance(error, StaleState) for error in lost)
    if lost:
        year.sign("signatory", year.open_signing("signatory", Party.COLLEGE))
    assert set(rows(select(CertificateIssuance.state))) == {"generating"}
    whole()


def test_two_ceremonies_opened_at_once_leave_one_open(put: Put) -> None:
    year = put("signed_by_teo")
    found = at_once(
        *[lambda: year.do("signatory", signing.open_signing, plan_id=year["plan"], party=Party.COLLEGE).token] * 2
    )
    won, lost = sort(found)
    assert won
    assert all(isinstance(error, (AlreadyThere, StaleState)) for error in lost)
    assert count(SigningSession, SigningSession.state == "created") == 1
    whole()


def test_two_workers_make_one_certificate(put: Put) -> None:
    year = put("ordered")
    made: list[str] = []

    class CountingSealer(PlainSealer):
        def seal(self, pdf: bytes, *, reason: str, picture: bytes | None = None) -> bytes:
            made.append(reason)
            return pdf

    found = at_once(*[lambda: generate(year, year["issuance:0"], CountingSealer())] * 3)
    won, lost = sort(found)
    assert lost == []
    assert len([certificate for certificate in won if certificate is not None]) == 1
    assert len(made) == 1
    assert count(Certificate) == 1
    whole()


# -- answers and bindings --------------------------------------------------------------------------------------------


def test_acknowledging_twice_is_one_answer(put: Put) -> None:
    year = put("approved")
    ident = rows(
        select(Notification.id).where(
            Notification.kind == "pilots.application_decided",
            Notification.account_id == year["account:coordinator"],
        )
    )[0]
    found = at_once(*[lambda: year.do("coordinator", notices.acknowledge, notification_id=ident)] * 2)
    won, lost = sort(found)
    assert won
    assert all(isinstance(error, StaleState) for error in lost)
    row = one(Notification, ident)
    assert (row.reply_state, row.replied_by) == ("acknowledged", year["account:coordinator"])


def test_a_code_used_by_two_telegram_users_binds_one(put: Put) -> None:
    year = put("set_up")
    code = year.do("invigilator", bindings.issue_binding_code)
    found = at_once(
        *[lambda n=n: year.do("public", bindings.bind_chat, code=code, telegram_user_id=n) for n in (501, 502)]
    )
    won, lost = sort(found)
    assert (len(won), len(lost)) == (1, 1)
    assert isinstance(lost[0], (ValueRefused, StaleState, AlreadyThere))
    mine = ChatBinding.account_id == year["account:invigilator"]
    assert count(ChatBinding, mine, ChatBinding.state == BindingState.ACTIVE) == 1
    whole()


def test_two_senders_never_claim_one_message(put: Put) -> None:
    year = put("approved")
    waiting = count(Notification)
    found = at_once(*[lambda: year.do("system", notices.claim_due, limit=100)] * 4)
    won, lost = sort(found)
    assert lost == []
    claimed = [claim.notification_id for claims in won for claim in claims]
    assert len(claimed) == len(set(claimed))
    put_away = count(Notification, Notification.delivery_state == "suppressed")
    assert len(claimed) + put_away == waiting
    assert not any(claim.is_repeat for claims in won for claim in claims)


def test_a_race_that_is_lost_leaves_no_trace_of_the_loser(put: Put) -> None:
    year = put("applied")
    year.do("city", reviews.pass_as_city, application_id=year["application"])
    before = census()
    found = at_once(
        *[
            lambda: year.do(
                "province", reviews.approve_application, application_id=year["application"], approved_count=4
            )
        ]
        * 4
    )
    won, lost = sort(found)
    assert (len(won), len(lost)) == (1, 3)
    after = census()
    grown = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert grown.pop("audit_entries") == 5  # the decision, its record, the quota, its posting and new balance
    assert grown.pop("tallies") in (0, 5)  # a place per reader for a state nobody stood in yet
    assert grown == {"review_records": 1, "quotas": 1, "quota_postings": 1, "notifications": 3}


# -- one comes while the other's work is not yet committed -----------------------------------------------------------


def while_open(
    year: Year, login: str, verb: Callable[..., Any], given: dict[str, Any], other: Callable[[], Any]
) -> Any:
    """What `other` gets that starts after verb has done its work and before that is committed."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(other())
        except BaseException as error:
            found.append(error)

    late = threading.Thread(target=run, daemon=True)
    with year.acting(login) as tx:
        verb(tx, **given)
        late.start()
        late.join(0.4)  # long enough to come to the row it must wait for
    late.join(30)
    assert not late.is_alive()
    return found[0]


def test_seats_are_given_in_the_room_as_it_is_made_smaller_at_that_moment_R131_R176(put: Put) -> None:
    year = put("registered", "2026-05-12 09:00")
    smaller = {"room_id": year["room:theory"], "name": "小", "seat_count": 2, "address": ""}
    found = while_open(
        year,
        "coordinator",
        sites.edit_room,
        smaller,
        lambda: year.do("teo", arrangement.arrange_seats, plan_id=year["plan"]),
    )
    assert (found.seated, found.unseated) == (6, 2)
    whole()


def test_a_room_is_not_made_smaller_than_the_seats_given_at_that_moment_R131(put: Put) -> None:
    year = put("registered", "2026-05-12 09:00")
    smaller = {"room_id": year["room:theory"], "name": "小", "seat_count": 2, "address": ""}
    found = while_open(
        year,
        "teo",
        arrangement.arrange_seats,
        {"plan_id": year["plan"]},
        lambda: year.do("coordinator", sites.edit_room, **smaller),
    )
    assert isinstance(found, ValueRefused)
    assert found.sentence_code == "seats_taken"
    whole()


def test_a_registration_deleted_while_it_is_being_seated_is_refused(put: Put) -> None:
    year = put("registered", "2026-05-12 09:00")
    with transaction(year.actor("system")) as tx:  # the two windows overlap, as in the logistics sample
        tx.get(ExamPlan, year["plan"]).registration_closes_at = WINDOWS["arrangement"][1]
    found = while_open(
        year,
        "teo",
        arrangement.arrange_seats,
        {"plan_id": year["plan"]},
        lambda: year.do("coordinator", registrations.delete_registration, registration_id=year["registration:0"]),
    )
    assert isinstance(found, (StaleState, IllegalMove))
    assert count(SeatAssignment) == 8
    whole()


def test_a_candidate_deleted_while_being_registered_is_refused_or_keeps_the_registration_out_R092(put: Put) -> None:
    year = put("planned", "2026-05-02 09:00")
    found = while_open(
        year,
        "coordinator",
        candidates.delete_candidates,
        {"candidate_ids": [year["student:0"]]},
        lambda: register(year, [0]),
    )
    assert isinstance(found, Refusal) or found.refused
    assert count(Registration) == 0
    whole()


def test_the_last_place_is_not_given_twice_while_the_first_taker_has_not_finished_R139(put: Put) -> None:
    year = put("registered")
    sheet = registration_sheet(year, [3])
    given = {"plan_id": year["plan"], "college_id": year["college"], "rows": sheet}
    found = while_open(year, "coordinator", registrations.register_by_certificate, given, lambda: register(year, [4]))
    assert [fault.refusal.rule for fault in found.refused] == ["R-139"]
    whole()


def test_a_correction_and_the_lock_that_comes_at_that_moment_do_not_wait_for_each_other(put: Put, at: At) -> None:
    year = put("scored", "2026-06-15 18:00")

    def lock_late() -> Any:
        with transaction(year.actor("system")) as tx:
            tx.now += SECOND
            return plans.pass_plan_edges(tx, plan_id=year["plan"])

    given = {"score_id": year["score:0"], "score_tenths": 610, "is_absent": False, "reason": "登分有误"}
    found = while_open(year, "teo", scores.correct_score, given, lock_late)
    assert "publication_closes" in [edge.value for edge in found]
    score = one(SubjectScore, year["score:0"])
    assert (score.score_tenths, score.state) == (610, "locked")
    whole()


def test_two_that_wait_for_each_other_are_told_apart_one_goes_on(put: Put) -> None:
    """PostgreSQL ends one of them; that one hears that somebody was faster, and may try again."""
    year = put("approved")
    start = threading.Barrier(2)

    def adjust(first: str, second: str) -> None:
        with transaction(year.actor("system")) as tx:
            tx.lock(Quota, year[first])
            with contextlib.suppress(threading.BrokenBarrierError):
                start.wait(1)  # SQLite lets only one come this far
            quotas.post(tx, tx.lock(Quota, year[second]), PostingKind.ADJUST, granted=1, reason="核对")

    found = at_once(lambda: adjust("quota", "other_quota"), lambda: adjust("other_quota", "quota"))
    _, lost = sort(found)
    assert len(lost) <= 1
    assert all(isinstance(error, StaleState) for error in lost)
    whole()
