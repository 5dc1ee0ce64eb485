"""Every lifecycle walked pair by pair against tables typed from requirements §3, never computed from the machines.

A table says for each state which actions lead where; a pair that is not in it must be refused.
"""

from __future__ import annotations

import importlib
import pkgutil
from datetime import datetime, timedelta
from typing import Any

import pytest

import core.rules
from core.errors import IllegalMove, ValueRefused, WindowClosed, WindowNotOpen
from core.rules.announcements import ANNOUNCEMENT
from core.rules.arrangement import ARRANGEMENT
from core.rules.candidates import CANDIDATE, state_for
from core.rules.certificates import ISSUANCE, SIGNING, SigningState, signing_is_open
from core.rules.delegations import DELEGATION
from core.rules.imports import IMPORT
from core.rules.letters import LETTER
from core.rules.machine import Machine
from core.rules.notices import DELIVERY, REPLY
from core.rules.organisations import ACCOUNT, BINDING, SEAL, SWITCH
from core.rules.photo_verdicts import PHOTO_OFFER
from core.rules.pilots import (
    DECLARATION_PLAN,
    PILOT_APPLICATION,
    QUOTA,
    DeclarationPhase,
    DeclarationState,
    declaration_phase,
)
from core.rules.plans import (
    EXAM_PLAN,
    PlanEdge,
    PlanPhase,
    PlanState,
    PlanStatus,
    PlanWindows,
    RoomPhase,
    plan_phase,
    plan_status,
    room_phase,
)
from core.rules.registrations import SITTING, SittingPhase, SittingState, sitting_phase
from core.rules.scores import SCORE, ScorePhase, ScoreState, score_phase
from core.rules.sites import ALLOCATION, EXAM_SITE, SITE_STATUS
from core.rules.verification import REQUEST
from core.rules.windows import Window
from tests.factories import SECOND, on

# state → {action: target}; states and actions in the words of the database
TABLES: dict[str, tuple[Machine, str, dict[str, dict[str, str]]]] = {
    "3.22 导入": (
        IMPORT,
        "reading",
        {
            "reading": {"preview": "preview", "reject": "rejected", "discard": "discarded"},
            "preview": {"correct": "reading", "confirm": "writing", "discard": "discarded"},
            "writing": {"finish": "done", "give_back": "preview", "reject": "rejected"},
            "done": {"undo": "undone"},
            "rejected": {},
            "discarded": {},
            "undone": {},
        },
    ),
    "3.1 申报计划": (DECLARATION_PLAN, "draft", {"draft": {"publish": "published"}, "published": {}}),
    "3.2 证书试点申报": (
        PILOT_APPLICATION,
        "draft",
        {
            "draft": {"submit": "pending_initial"},
            "pending_initial": {"take_up_city": "city_review", "take_up_province": "preliminary_review"},
            "city_review": {"pass_city": "preliminary_review", "return": "returned"},
            "preliminary_review": {"pass_preliminary": "final_review", "approve": "approved", "return": "returned"},
            "final_review": {"approve": "approved", "return": "returned"},
            "approved": {},
            "returned": {"submit": "pending_initial"},
        },
    ),
    "3.3 指标": (QUOTA, "active", {"active": {"lapse": "lapsed"}, "lapsed": {}}),
    "3.4 已启用/已停用": (SWITCH, "enabled", {"enabled": {"disable": "disabled"}, "disabled": {"enable": "enabled"}}),
    "3.5 账号": (
        ACCOUNT,
        "enabled",
        {
            "enabled": {"lock": "locked", "disable": "disabled"},
            "locked": {"unlock": "enabled", "disable": "disabled"},
            "disabled": {"enable": "enabled"},
        },
    ),
    "3.6 考生信息状态": (
        CANDIDATE,
        "incomplete",
        {
            "incomplete": {"complete": "no_photo"},
            "no_photo": {"add_photo": "pending_verification", "reopen": "incomplete"},  # reopen: an import undone
            "pending_verification": {
                "add_photo": "pending_verification",
                "correct": "pending_verification",
                "pass_verification": "verified",
                "fail_verification": "needs_manual",
            },
            "needs_manual": {
                "add_photo": "pending_verification",
                "correct": "pending_verification",
                "confirm_by_hand": "verified",
            },
            "verified": {},
        },
    ),
    "I-03 照片裁剪": (
        PHOTO_OFFER,
        "offered",
        {
            "accepted": {},
            "unchanged": {},
            "offered": {"adopt": "adopted", "drop": "dropped"},
            "adopted": {},
            "dropped": {},
            "refused": {},
        },
    ),
    "2.20 核验请求": (
        REQUEST,
        "waiting",
        {
            "waiting": {"claim": "asking", "drop": "dropped"},
            "asking": {
                "claim": "asking",
                "put_off": "waiting",
                "pass": "passed",
                "fail": "failed",
                "drop": "dropped",
            },
            "passed": {},
            "failed": {},
            "dropped": {},
        },
    ),
    "3.8 考核站点 审核状态": (
        EXAM_SITE,
        "draft",
        {
            "draft": {"submit": "pending"},
            "pending": {"withdraw": "draft", "approve": "approved", "return": "returned"},
            "approved": {},
            "returned": {"submit": "pending"},
        },
    ),
    "3.8 考核站点状态": (
        SITE_STATUS,
        "not_enabled",
        {"not_enabled": {"enable": "enabled"}, "enabled": {"disqualify": "disqualified"}, "disqualified": {}},
    ),
    "2.23 考核站点分配": (ALLOCATION, "active", {"active": {"cancel": "cancelled"}, "cancelled": {}}),
    "3.10 考试计划": (EXAM_PLAN, "draft", {"draft": {"publish": "published"}, "published": {}}),
    "3.11 科目报考": (
        SITTING,
        "not_arranged",
        {
            "not_arranged": {"seat": "seated", "exempt": "not_required"},
            "seated": {"unseat": "not_arranged"},
            "not_required": {},
        },
    ),
    "3.13 排考": (
        ARRANGEMENT,
        "not_arranged",
        {
            "not_arranged": {"arrange": "arranged"},
            "arranged": {"clear": "not_arranged", "publish": "published"},
            "published": {},
        },
    ),
    "3.15 科目成绩": (
        SCORE,
        "not_entered",
        {
            "not_entered": {"enter": "entered", "correct": "entered", "lock": "locked"},
            "entered": {"enter": "entered", "correct": "entered", "lock": "locked"},
            "locked": {},
        },
    ),
    "3.18 证书发放": (
        ISSUANCE,
        "teo_pending",
        {
            "teo_pending": {"sign_as_teo": "site_pending", "reject_as_teo": "teo_rejected"},
            "teo_rejected": {"sign_as_teo": "site_pending"},
            "site_pending": {"sign_as_college": "ready", "reject_as_college": "site_rejected"},
            "site_rejected": {"sign_as_college": "ready", "reject_as_college": "site_rejected"},
            "ready": {"generate": "generating"},
            "generating": {"issue": "issued", "fail_stamp": "stamp_failed"},
            "stamp_failed": {"generate": "generating"},
            "issued": {},
        },
    ),
    "3.19 在线签名": (
        SIGNING,
        "created",
        {
            "created": {"scan": "scanned", "cancel": "cancelled", "expire": "expired"},
            "scanned": {"sign": "signed", "cancel": "cancelled", "expire": "expired"},
            "signed": {},
            "cancelled": {},
            "expired": {},
        },
    ),
    "3.20 电子签章": (SEAL, "active", {"active": {"replace": "replaced"}, "replaced": {}}),
    "chat.md 聊天绑定": (
        BINDING,
        "active",
        {
            "waiting": {"confirm": "active", "end": "ended"},
            "active": {"die": "dead", "end": "ended"},
            "dead": {"end": "ended"},
            "ended": {},
        },
    ),
    "chat.md 通知": (
        DELIVERY,
        "pending",
        {
            "pending": {"claim": "sending", "suppress": "suppressed"},
            "sending": {
                "claim": "sending",
                "deliver": "delivered",
                "retry_later": "pending",
                "fail": "failed",
                "suppress": "suppressed",
            },
            "delivered": {"snooze": "pending", "reissue": "pending"},
            "failed": {"reissue": "pending"},
            "suppressed": {"snooze": "pending", "reissue": "pending"},
        },
    ),
    "chat.md 备用渠道": (
        LETTER,
        "waiting",
        {
            "waiting": {"claim": "sending", "drop": "dropped"},
            "sending": {
                "claim": "sending",
                "hand_over": "handed_over",
                "retry_later": "waiting",
                "fail": "failed",
                "drop": "dropped",
            },
            "handed_over": {"send_again": "waiting"},
            "failed": {"send_again": "waiting"},
            "dropped": {"send_again": "waiting"},
        },
    ),
    "§2.38": (
        ANNOUNCEMENT,
        "draft",
        {"draft": {"publish": "published"}, "published": {"withdraw": "withdrawn"}, "withdrawn": {}},
    ),
    "chat.md 代办授权": (
        DELEGATION,
        "proposed",
        {
            "proposed": {"accept": "accepted", "refuse": "refused", "end": "ended", "lapse": "lapsed"},
            "accepted": {"end": "ended", "lapse": "lapsed"},
            "ended": {},
            "refused": {},
            "lapsed": {},
        },
    ),
    "chat.md 回复": (
        REPLY,
        "open",
        {
            "not_asked": {},
            "open": {"acknowledge": "acknowledged", "do": "done", "refuse": "refused", "expire": "expired"},
            "acknowledged": {"take_back": "open", "do": "done", "refuse": "refused"},
            "done": {},
            "refused": {},
            "expired": {},
        },
    ),
}


def _pairs() -> list[Any]:
    found = []
    for name, (machine, _, table) in TABLES.items():
        actions = {action for row in table.values() for action in row}
        for state in table:
            for action in sorted(actions | {"delete", "no such thing"}):
                found.append(
                    pytest.param(machine, state, action, table[state].get(action), id=f"{name}-{state}-{action}")
                )
    return found


@pytest.mark.parametrize(("machine", "state", "action", "target"), _pairs())
def test_every_pair_of_state_and_action_leads_where_the_requirement_says_or_is_refused(
    machine: Machine, state: str, action: str, target: str | None
) -> None:
    source = machine.states(state)
    if target is not None:
        assert machine.target(source, action) == target
        assert machine.allows(source, action)
        return
    with pytest.raises(IllegalMove) as refused:
        machine.target(source, action)
    assert refused.value.facts == {"thing": machine.name, "state": source.label, "action": action}
    assert not machine.allows(source, action)


@pytest.mark.parametrize("name", list(TABLES))
def test_a_lifecycle_has_exactly_the_states_and_actions_of_its_table(name: str) -> None:
    machine, born, table = TABLES[name]
    assert machine.initial == born
    assert {state.value for state in machine.states} == set(table)
    assert machine.actions() == {action for row in table.values() for action in row}
    assert {state.value for state in machine.finals()} == {state for state, row in table.items() if not row}
    for action in machine.actions():
        assert {state.value for state in machine.sources(action)} == {s for s, row in table.items() if action in row}


def test_no_lifecycle_of_the_rules_is_left_without_a_table() -> None:
    walked = {id(machine) for machine, _, _ in TABLES.values()}
    for module in pkgutil.iter_modules(core.rules.__path__, "core.rules."):
        for name, thing in vars(importlib.import_module(module.name)).items():
            if isinstance(thing, Machine):
                assert id(thing) in walked, f"{module.name}.{name} has no table here"


@pytest.mark.parametrize("name", list(TABLES))
def test_every_state_has_a_chinese_word_of_its_own(name: str) -> None:
    labels = [state.label for state in TABLES[name][0].states]
    assert len(set(labels)) == len(labels)
    assert all(label and not label.isascii() for label in labels)


# -- windows: both edges inside (R-025, T-02, T-05) ------------------------------------------------------------------

OPENS, CLOSES = on("2026-05-01 09:00"), on("2026-05-10 18:00")
WINDOW = Window("报考时间", OPENS, CLOSES)


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        (OPENS - SECOND, WindowNotOpen),
        (OPENS, None),
        (OPENS + SECOND, None),
        (CLOSES - SECOND, None),
        (CLOSES, None),
        (CLOSES + timedelta(microseconds=1), WindowClosed),
        (CLOSES + SECOND, WindowClosed),
    ],
)
def test_a_window_is_open_from_its_first_to_its_last_instant(now: datetime, verdict: type[Exception] | None) -> None:
    assert WINDOW.contains(now) is (verdict is None)
    assert WINDOW.started(now) is (verdict is not WindowNotOpen)
    assert WINDOW.over(now) is (verdict is WindowClosed)
    if verdict is None:
        WINDOW.require(now, rule="R-135")
        return
    with pytest.raises(verdict) as refused:
        WINDOW.require(now, rule="R-135")
    assert refused.value.rule == "R-135"
    assert refused.value.facts == {"window": "报考时间", "opens_at": OPENS, "closes_at": CLOSES}


@pytest.mark.parametrize("length", [timedelta(), -SECOND])
def test_a_window_that_ends_when_or_before_it_starts_is_refused_R026(length: timedelta) -> None:
    with pytest.raises(ValueRefused) as refused:
        Window("申报时间", OPENS, OPENS + length).require_order(rule="R-026")
    assert refused.value.rule == "R-026"


# -- computed phases -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "now", "phase"),
    [
        (DeclarationState.DRAFT, OPENS, "draft"),
        (DeclarationState.PUBLISHED, OPENS - SECOND, "not_started"),
        (DeclarationState.PUBLISHED, OPENS, "open"),
        (DeclarationState.PUBLISHED, OPENS + SECOND, "open"),
        (DeclarationState.PUBLISHED, CLOSES - SECOND, "open"),
        (DeclarationState.PUBLISHED, CLOSES, "open"),
        (DeclarationState.PUBLISHED, CLOSES + SECOND, "closed"),
    ],
)
def test_a_declaration_plan_is_what_the_clock_makes_of_it_T01_T02(
    state: DeclarationState, now: datetime, phase: str
) -> None:
    assert declaration_phase(state, WINDOW, now) is DeclarationPhase(phase)


@pytest.mark.parametrize(
    ("now", "phase"),
    [
        (OPENS - SECOND, "not_arranged"),
        (OPENS, "arranging"),
        (OPENS + SECOND, "arranging"),
        (CLOSES - SECOND, "arranging"),
        (CLOSES, "arranging"),
        (CLOSES + SECOND, "closed"),
    ],
)
def test_a_room_is_what_the_arrangement_window_makes_of_it_R130(now: datetime, phase: str) -> None:
    assert room_phase(WINDOW, now) is RoomPhase(phase)


STARTS, ENDS = on("2026-05-20 09:00"), on("2026-05-20 10:30")


@pytest.mark.parametrize(
    ("state", "now", "phase"),
    [
        (SittingState.NOT_ARRANGED, STARTS, "not_arranged"),
        (SittingState.NOT_REQUIRED, STARTS, "not_required"),
        (SittingState.SEATED, STARTS - SECOND, "pending_exam"),
        (SittingState.SEATED, STARTS, "in_exam"),
        (SittingState.SEATED, STARTS + SECOND, "in_exam"),
        (SittingState.SEATED, ENDS - SECOND, "in_exam"),
        (SittingState.SEATED, ENDS, "finished"),
        (SittingState.SEATED, ENDS + SECOND, "finished"),
    ],
)
def test_a_sitting_is_in_the_exam_from_its_start_until_its_end_T09_T11(
    state: SittingState, now: datetime, phase: str
) -> None:
    assert sitting_phase(state, STARTS, ENDS, now) is SittingPhase(phase)


def test_a_seated_sitting_without_a_session_counts_as_not_arranged() -> None:
    assert sitting_phase(SittingState.SEATED, None, None, STARTS) is SittingPhase.NOT_ARRANGED


PUBLICATION = Window("成绩公示时间", on("2026-06-01 09:00"), on("2026-06-15 18:00"))


@pytest.mark.parametrize(
    ("state", "now", "phase"),
    [
        (ScoreState.NOT_ENTERED, STARTS - SECOND, "not_started"),
        (ScoreState.NOT_ENTERED, STARTS, "in_exam"),
        (ScoreState.NOT_ENTERED, ENDS - SECOND, "in_exam"),
        (ScoreState.NOT_ENTERED, ENDS, "not_entered"),
        (ScoreState.NOT_ENTERED, PUBLICATION.opens_at, "not_entered"),
        (ScoreState.ENTERED, PUBLICATION.opens_at - SECOND, "entered"),
        (ScoreState.ENTERED, PUBLICATION.opens_at, "published"),
        (ScoreState.ENTERED, PUBLICATION.closes_at - SECOND, "published"),
        (ScoreState.ENTERED, PUBLICATION.closes_at, "published"),
        (ScoreState.LOCKED, PUBLICATION.closes_at + SECOND, "locked"),
    ],
)
def test_a_score_stands_in_the_tab_the_clock_puts_it_in(state: ScoreState, now: datetime, phase: str) -> None:
    assert score_phase(state, STARTS, ENDS, PUBLICATION, now) is ScorePhase(phase)


@pytest.mark.parametrize(
    ("state", "after", "is_open"),
    [
        (SigningState.CREATED, timedelta(), True),
        (SigningState.SCANNED, timedelta(minutes=5) - SECOND, True),
        (SigningState.SCANNED, timedelta(minutes=5), True),
        (SigningState.SCANNED, timedelta(minutes=5) + SECOND, False),
        (SigningState.SIGNED, timedelta(), False),
        (SigningState.CANCELLED, timedelta(), False),
        (SigningState.EXPIRED, timedelta(), False),
    ],
)
def test_a_signing_page_lives_five_minutes_T19(state: SigningState, after: timedelta, is_open: bool) -> None:
    assert signing_is_open(state, STARTS, STARTS + after) is is_open


@pytest.mark.parametrize(
    ("is_complete", "has_photo", "state"),
    [
        (False, False, "incomplete"),
        (False, True, "incomplete"),
        (True, False, "no_photo"),
        (True, True, "pending_verification"),
    ],
)
def test_a_new_candidate_stands_where_its_data_put_it_R084_R085(is_complete: bool, has_photo: bool, state: str) -> None:
    assert state_for(is_complete=is_complete, has_photo=has_photo) == state


# -- the plan's phase, with the sample windows of Appendix A ---------------------------------------------------------


def windows(*edges: str) -> PlanWindows:
    instants = [on(edge) for edge in edges]
    names = ("报考时间", "排考时间", "考试时间", "成绩登记时间", "成绩公示时间")
    pairs = zip(names, instants[::2], instants[1::2], strict=True)
    return PlanWindows(*(Window(name, opens, closes) for name, opens, closes in pairs))


PLAN_0026 = windows(
    "2021-09-16 20:50", "2021-09-17 10:42",
    "2021-09-17 10:43", "2021-09-17 16:11",
    "2021-09-17 11:05", "2021-09-17 11:10",
    "2021-09-18 22:00", "2021-09-18 23:00",
    "2021-09-18 22:01", "2021-09-21 00:00",
)  # fmt: skip
PLAN_0027 = windows(
    "2021-09-17 11:18", "2021-09-17 19:00",
    "2021-09-17 19:05", "2021-09-17 20:00",
    "2021-09-18 08:00", "2021-09-18 09:00",
    "2021-09-19 00:00", "2021-09-20 00:00",
    "2021-09-21 00:00", "2021-09-22 00:00",
)  # fmt: skip
PLAN_0028 = windows(
    "2021-09-17 13:00", "2021-09-17 14:30",
    "2021-09-17 16:00", "2021-09-17 17:30",
    "2021-09-18 11:32", "2021-09-18 14:32",
    "2021-09-22 00:00", "2021-09-23 00:00",
    "2021-09-24 09:00", "2021-09-24 15:00",
)  # fmt: skip
LOGISTICS = windows(
    "2019-12-08 00:00", "2019-12-21 00:00",
    "2019-12-15 00:00", "2019-12-21 00:00",
    "2019-12-21 00:00", "2019-12-22 23:55",
    "2020-01-21 00:00", "2020-01-22 00:00",
    "2020-02-21 00:00", "2020-02-22 00:00",
)  # fmt: skip

# plan, edge, phase one second before, phase at the edge, phase one second after
EDGES = [
    (PLAN_0027, "2021-09-17 11:18", "not_started", "registering", "registering"),
    (PLAN_0027, "2021-09-17 19:00", "registering", "registering", "wait_arrange"),
    (PLAN_0027, "2021-09-17 19:05", "wait_arrange", "arranging", "arranging"),
    (PLAN_0027, "2021-09-17 20:00", "arranging", "arranging", "wait_exam"),
    (PLAN_0027, "2021-09-18 08:00", "wait_exam", "examining", "examining"),
    (PLAN_0027, "2021-09-18 09:00", "examining", "examining", "wait_entry"),
    (PLAN_0027, "2021-09-19 00:00", "wait_entry", "entering", "entering"),
    (PLAN_0027, "2021-09-20 00:00", "entering", "entering", "wait_publish"),
    (PLAN_0027, "2021-09-21 00:00", "wait_publish", "publishing", "publishing"),
    (PLAN_0027, "2021-09-22 00:00", "publishing", "publishing", "ended"),
    (PLAN_0028, "2021-09-17 14:30", "registering", "registering", "wait_arrange"),
    (PLAN_0028, "2021-09-17 16:00", "wait_arrange", "arranging", "arranging"),
    (PLAN_0028, "2021-09-24 15:00", "publishing", "publishing", "ended"),
    # 报考 ends at 10:42, 排考 starts a minute later
    (PLAN_0026, "2021-09-17 10:42", "registering", "registering", "wait_arrange"),
    # the exam lies inside 排考: its label wins while it is on, and stays with what comes after it
    (PLAN_0026, "2021-09-17 11:05", "arranging", "examining", "examining"),
    (PLAN_0026, "2021-09-17 11:10", "examining", "examining", "wait_entry"),
    (PLAN_0026, "2021-09-17 16:11", "wait_entry", "wait_entry", "wait_entry"),
    # 公示 starts a minute after 登记, which goes on
    (PLAN_0026, "2021-09-18 22:00", "wait_entry", "entering", "entering"),
    (PLAN_0026, "2021-09-18 22:01", "entering", "publishing", "publishing"),
    (PLAN_0026, "2021-09-18 23:00", "publishing", "publishing", "publishing"),
    (PLAN_0026, "2021-09-21 00:00", "publishing", "publishing", "ended"),
    # 排考 starts while 报考 goes on; both end, and the exam starts, at the same instant
    (LOGISTICS, "2019-12-15 00:00", "registering", "arranging", "arranging"),
    (LOGISTICS, "2019-12-21 00:00", "arranging", "examining", "examining"),
    (LOGISTICS, "2019-12-22 23:55", "examining", "examining", "wait_entry"),
    (LOGISTICS, "2020-02-21 00:00", "wait_publish", "publishing", "publishing"),
]


@pytest.mark.parametrize(("plan", "edge", "before", "at", "after"), EDGES)
def test_the_latest_started_window_names_the_phase_of_a_plan(
    plan: PlanWindows, edge: str, before: str, at: str, after: str
) -> None:
    instant = on(edge)
    found = [plan_phase(PlanState.PUBLISHED, plan, instant + step) for step in (-SECOND, timedelta(), SECOND)]
    assert found == [PlanPhase(before), PlanPhase(at), PlanPhase(after)]


def test_an_unpublished_plan_has_no_phase_but_draft() -> None:
    assert plan_phase(PlanState.DRAFT, PLAN_0027, on("2021-09-17 12:00")) is PlanPhase.DRAFT


@pytest.mark.parametrize(
    ("phase", "status"),
    [
        ("draft", "draft"),
        ("not_started", "not_started"),
        ("registering", "in_progress"),
        ("wait_arrange", "in_progress"),
        ("arranging", "in_progress"),
        ("wait_exam", "in_progress"),
        ("examining", "in_progress"),
        ("wait_entry", "in_progress"),
        ("entering", "in_progress"),
        ("wait_publish", "in_progress"),
        ("publishing", "in_progress"),
        ("ended", "ended"),
    ],
)
def test_a_plan_stands_in_one_of_four_tabs_R060(phase: str, status: str) -> None:
    assert plan_status(PlanPhase(phase)) is PlanStatus(status)


@pytest.mark.parametrize("plan", [PLAN_0026, PLAN_0027, PLAN_0028, LOGISTICS])
def test_the_sample_windows_are_accepted_R056(plan: PlanWindows) -> None:
    plan.require_sensible()


def test_overlapping_neighbours_are_named_for_a_warning_R056() -> None:
    assert PLAN_0027.overlaps() == []
    assert PLAN_0026.overlaps() == [("排考时间", "考试时间"), ("成绩登记时间", "成绩公示时间")]
    assert LOGISTICS.overlaps() == [("报考时间", "排考时间"), ("排考时间", "考试时间")]


def test_window_starts_out_of_order_are_refused_R056() -> None:
    with pytest.raises(ValueRefused) as refused:
        windows(
            "2026-05-01 09:00", "2026-05-10 18:00",
            "2026-04-30 09:00", "2026-05-15 18:00",
            "2026-05-20 08:00", "2026-05-20 18:00",
            "2026-05-22 09:00", "2026-05-25 18:00",
            "2026-06-01 09:00", "2026-06-15 18:00",
        ).require_sensible()  # fmt: skip
    assert (refused.value.sentence_code, refused.value.rule) == ("windows_out_of_order", "R-056")


@pytest.mark.parametrize(
    ("opens", "closes", "last"),
    [
        ("2022-02-01 00:00", "2022-02-15 00:00", "2022-02-08 00:00"),
        ("2021-09-24 09:00", "2021-09-24 15:00", "2021-09-24 15:00"),
    ],
)
def test_the_last_instant_for_a_review_is_seven_days_on_or_the_end_of_publication_R210_R211(
    opens: str, closes: str, last: str
) -> None:
    plan = PlanWindows(*(Window(w.name, w.opens_at, w.closes_at) for w in list(PLAN_0027)[:4]),
                       Window("成绩公示时间", on(opens), on(closes)))  # fmt: skip
    assert plan.review.closes_at == on(last)


def test_every_edge_of_a_plan_comes_once_and_in_time() -> None:
    found = PLAN_0027.edges()
    assert [edge for _, edge in found] == [*list(PlanEdge)[:9], PlanEdge.REVIEW_CLOSES, PlanEdge.PUBLICATION_CLOSES]
    assert [instant for instant, _ in found] == sorted(instant for instant, _ in found)
    start = found[0][0]
    seen, now = [], start - SECOND
    while (following := PLAN_0027.next_edge(now)) is not None:
        seen += [edge for _, edge in PLAN_0027.edges_between(now, following)]
        now = following
    assert seen == [edge for _, edge in found]


def test_the_edge_after_a_window_is_the_first_instant_at_which_it_is_over() -> None:
    closes = PLAN_0027.registration.closes_at
    assert PLAN_0027.edges_between(closes - SECOND, closes) == []
    assert [e for _, e in PLAN_0027.edges_between(closes, closes + SECOND)] == [PlanEdge.REGISTRATION_CLOSES]
