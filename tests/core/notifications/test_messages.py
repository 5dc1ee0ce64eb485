"""Every message there is, in words: whole, short, with verbs for buttons, and without anybody's personal data."""

from __future__ import annotations

import html
import importlib
import pkgutil
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

import core.notifications
from core import clock
from core.actors import SYSTEM
from core.db import reading, transaction
from core.gateways.seal import SealFailed
from core.models.accounts import ChatBinding, UserAccount, VerificationCode
from core.models.announcements import Announcement
from core.models.candidates import Candidate
from core.models.delegations import Delegation
from core.models.plans import ExamPlan
from core.models.records import ImportJob, Notification
from core.models.registrations import CandidateSnapshot
from core.models.sites import SiteAllocation
from core.notifications import render
from core.notifications.accounts import (
    ActsFrozen,
    ActsThawed,
    BindingAsked,
    BindingConfirmed,
    BindingWaits,
    ChatLost,
    CodeSent,
    KeysOfOthers,
    PasswordReset,
    SecondFactorReset,
    StillYou,
)
from core.notifications.announcements import AnnouncementPublished, AnnouncementToConfirm, AnnouncementWithdrawn
from core.notifications.candidate_accounts import LinkSent
from core.notifications.candidates import ManualConfirmationNeeded
from core.notifications.certificates import (
    CertificatesIssued,
    ReadyToOrder,
    SigningRejected,
    SigningRequested,
    StampFailed,
    TeoSigningRequested,
)
from core.notifications.delegations import (
    DelegationAccepted,
    DelegationOver,
    DelegationProposed,
    DelegationRefused,
)
from core.notifications.imports import ImportChecked, ImportDone, ImportNotTaken
from core.notifications.message import KINDS, Message, Press
from core.notifications.pilots import (
    ApplicationDecided,
    ApplicationWaiting,
    DeclarationClosed,
    DeclarationClosing,
    DeclarationComing,
    DeclarationExtended,
    DeclarationOpened,
)
from core.notifications.plans import (
    TO_COLLEGES,
    TO_TEO,
    PlanEdgePassed,
    PlanPublished,
    PlanWindowExtended,
    RegistrationClosing,
    ReviewClosing,
    ScoresMissing,
)
from core.notifications.quotas import QuotaLapsed, QuotaLapsing
from core.notifications.registry import revive
from core.notifications.reminding import Burst, DailyDigest, Escalated, EscalatedOwn, Reminder, WeeklyLate
from core.notifications.sites import SiteAllocated, SiteDecided, SiteSubmitted
from core.notifications.wording import words_of
from core.notifications.words import TEMPLATES
from core.rules.announcements import AnnouncementKind
from core.rules.certificates import Party
from core.rules.delegations import Duty
from core.rules.imports import ImportState
from core.rules.organisations import CodePurpose, Role
from core.rules.plans import PlanEdge
from core.usecases import announcements, codes, delegations, imports, notices, reviews, signing
from tests.factories import DECLARATION, SECOND, WINDOWS, Year, Years, count, generate, moment, one, order, rows

At = Callable[[datetime | str], datetime]


def code_of(year: Year) -> int:
    """A fresh code for the province's officer; one that is there already will do."""
    held = rows(select(VerificationCode).order_by(VerificationCode.id.desc()).limit(1))
    if held:
        return int(held[0].id)
    who = year["account:province"]
    return int(year.do("system", codes.send_code, purpose=CodePurpose.EXPORT, account_id=who).code_id)


REASON = "请补充实训室的设备数量和软件清单。"


def import_of(year: Year) -> int:
    """A file of the college, looked over: 240 rows of which some are good, some not."""
    held = rows(select(ImportJob).order_by(ImportJob.id.desc()).limit(1))
    if held:
        return int(held[0].id)
    with year.acting("coordinator") as tx:
        job = imports.open_import(
            tx, sheet="candidates", file_name="学生.xlsx", file_hash="0" * 64, state=ImportState.PREVIEW
        )
        job.row_count, job.accepted_count, job.changed_count = 240, 200, 30
        job.rejected_count, job.unchanged_count = 25, 15
        return job.id


def open_request(year: Year) -> int:
    """A request somebody has not answered."""
    return int(queued(SiteDecided(year["site"], True, "", 1)).id)


def allocation_of(year: Year) -> int:
    """The other college sits its exam at this one's site."""
    held = rows(select(SiteAllocation).limit(1))
    if held:
        return int(held[0].id)
    with year.acting("system") as tx:
        plan = tx.get(ExamPlan, year["plan"])
        row = SiteAllocation(
            plan_id=plan.id,
            site_id=year["site"],
            certificate_id=plan.certificates[0].certificate_id,
            borrowing_college_id=year["other_college"],
        )
        return int(tx.add(row).id)


def binding_of(year: Year, login: str) -> int:
    """The chat a person is bound to."""
    return int(rows(select(ChatBinding.id).where(ChatBinding.account_id == year[f"account:{login}"]))[0])


def unconfirmed_of(year: Year) -> int:
    """A chat whose person has not said for a fortnight that it is theirs."""
    ident = binding_of(year, "coordinator")
    with year.acting("system") as tx:
        tx.get(ChatBinding, ident).asked_at = tx.now - timedelta(days=15)
    return ident


def account_of(year: Year) -> int:
    """The account of the first student."""
    return int(rows(select(UserAccount.id).where(UserAccount.candidate_id == year["student:0"]))[0])


def proposed_of(year: Year, principal: str = "signatory", **given: Any) -> int:
    """The sign reviewer stands in for somebody; one that is there already will do."""
    values = {"principal_id": year[f"account:{principal}"], "deputy_id": year["account:reviewer"], "duty": Duty.SITE}
    held = rows(select(Delegation).where(*(getattr(Delegation, name) == value for name, value in values.items())))
    if held:
        return int(held[-1].id)
    return int(year.do(principal, delegations.propose_delegation, **values | given).id)


def delegation_of(year: Year) -> int:
    """For ten days."""
    return proposed_of(year, ends_at=clock.now() + timedelta(days=10))


def default_of(year: Year) -> int:
    """Without an end."""
    return proposed_of(year, "coordinator", is_default=True)


def refused_of(year: Year) -> int:
    """The person would rather not, at length."""
    ident = delegation_of(year)
    if one(Delegation, ident).answered_at is None:
        year.do("signatory", delegations.refuse_delegation, delegation_id=ident, reason=REASON * 15)
    return ident


def ended_of(year: Year) -> int:
    """Accepted, and taken back."""
    ident = default_of(year)
    if one(Delegation, ident).answered_at is None:
        year.do("coordinator", delegations.accept_delegation, delegation_id=ident)
        year.do("coordinator", delegations.end_delegation, delegation_id=ident, reason=REASON * 15)
    return ident


def announcement_of(year: Year, *, is_withdrawn: bool = False, is_receipt_asked: bool = True) -> int:
    """To all coordinators of the TEO's colleges; one that is there already will do."""
    title = f"关于做好考点保障工作的通知{'（撤回）' if is_withdrawn else ''}{'' if is_receipt_asked else '（知悉）'}"
    held = rows(select(Announcement.id).where(Announcement.title == title))
    if held:
        return int(held[0])
    words = {"kind": AnnouncementKind.NOTICE, "title": title, "body": "请检查备用线路。", "roles": [Role.COORDINATOR]}
    receipt = {"is_receipt_asked": True, "answer_until": clock.now() + timedelta(days=3)} if is_receipt_asked else {}
    ident = int(year.do("teo", announcements.draft_announcement, **words, **receipt).id)
    year.do("teo", announcements.publish_announcement, announcement_id=ident)
    if is_withdrawn:
        year.do("teo", announcements.withdraw_announcement, announcement_id=ident, reason=REASON * 15)
    return ident


SAMPLES: dict[str, list[Callable[[Year], Message]]] = {
    "accounts.acts_frozen": [
        lambda y: ActsFrozen(y["account:coordinator"], y["account:signatory"], "2026-03-15T09:00:00+00:00"),
        lambda y: ActsFrozen(y["account:coordinator"], y["account:coordinator"], "2026-03-15T09:00:00+00:00"),
    ],
    "accounts.acts_thawed": [lambda y: ActsThawed(y["account:coordinator"], "2026-03-15T09:00:00+00:00")],
    "accounts.still_you": [
        lambda y: StillYou(binding_of(y, "coordinator"), "2026-06-15T09:00:00+00:00"),
        lambda y: StillYou(unconfirmed_of(y), "2026-05-20T09:00:00+00:00"),
    ],
    "announcements.published": [
        lambda y: AnnouncementPublished(announcement_of(y, is_receipt_asked=False)),
    ],
    "announcements.to_confirm": [
        lambda y: AnnouncementToConfirm(announcement_of(y)),
        lambda y: AnnouncementToConfirm(announcement_of(y, is_withdrawn=True)),
    ],
    "announcements.withdrawn": [lambda y: AnnouncementWithdrawn(announcement_of(y, is_withdrawn=True))],
    "accounts.binding_asked": [lambda y: BindingAsked(binding_of(y, "coordinator"))],
    "accounts.binding_confirmed": [lambda y: BindingConfirmed(binding_of(y, "coordinator"))],
    "accounts.binding_waits": [lambda y: BindingWaits(binding_of(y, "coordinator"))],
    "accounts.chat_lost": [lambda y: ChatLost(binding_of(y, "coordinator"))],
    "accounts.code_sent": [lambda y: CodeSent(code_of(y))],
    "accounts.keys_of_others": [lambda y: KeysOfOthers(y["account:coordinator"], 3, "2026-03-15T09:00:00+00:00")],
    "accounts.password_reset": [lambda y: PasswordReset(y["account:teo"], "2026-03-15T09:00:00+00:00")],
    "accounts.second_factor_reset": [
        lambda y: SecondFactorReset(y["account:teo"], REASON, "2026-03-15T09:00:00+00:00")
    ],
    "candidate_accounts.link_sent": [
        lambda y: LinkSent(account_of(y), "nonce-of-a-sample", True),
        lambda y: LinkSent(account_of(y), "nonce-of-another", False),
    ],
    "candidates.manual_confirmation_needed": [lambda y: ManualConfirmationNeeded(y["college"], "2026-03-15T09:00")],
    "certificates.issued": [lambda y: CertificatesIssued(y["plan"], y["college"], 1)],
    "certificates.signing_rejected": [lambda y: SigningRejected(y["plan"], "江城示例职业技术学院", 2, REASON, 1)],
    "certificates.signing_requested": [lambda y: SigningRequested(y["plan"], 1, y["college"])],
    "certificates.stamp_failed": [
        lambda y: StampFailed(y["issuance:0"], "seal_missing", 1),
        lambda y: StampFailed(y["issuance:0"], "a code nobody knows", 1),
    ],
    "certificates.ready_to_order": [lambda y: ReadyToOrder(y["plan"], 1)],
    "certificates.teo_signing_requested": [lambda y: TeoSigningRequested(y["plan"], 1)],
    "delegations.proposed": [
        lambda y: DelegationProposed(delegation_of(y)),
        lambda y: DelegationProposed(default_of(y)),
    ],
    "delegations.accepted": [
        lambda y: DelegationAccepted(delegation_of(y)),
        lambda y: DelegationAccepted(default_of(y)),
    ],
    "delegations.refused": [lambda y: DelegationRefused(refused_of(y))],
    "delegations.over": [lambda y: DelegationOver(ended_of(y))],
    "imports.checked": [lambda y: ImportChecked(import_of(y), "本校学生导入模板", 1)],
    "imports.done": [lambda y: ImportDone(import_of(y), "本校学生导入模板", 1)],
    "imports.not_taken": [
        lambda y: ImportNotTaken(import_of(y), "本校学生导入模板", 1, ""),
        lambda y: ImportNotTaken(import_of(y), "本校学生导入模板", 2, REASON * 20),
    ],
    "pilots.application_decided": [
        lambda y: ApplicationDecided(y["application"], True, "", 1),
        lambda y: ApplicationDecided(y["application"], False, REASON, 1),
        lambda y: ApplicationDecided(y["application"], False, REASON * 18, 2),
    ],
    "pilots.application_waiting": [lambda y: ApplicationWaiting(y["application"], "city", 9)],
    "pilots.declaration_closed": [lambda y: DeclarationClosed(y["declaration"], "2026-03-20")],
    "pilots.declaration_closing": [lambda y: DeclarationClosing(y["declaration"], y["college"], "2026-03-20")],
    "pilots.declaration_coming": [lambda y: DeclarationComing(y["declaration"], "2026-03-02")],
    "pilots.declaration_extended": [lambda y: DeclarationExtended(y["declaration"], "2026-03-20", REASON * 20)],
    "pilots.declaration_opened": [lambda y: DeclarationOpened(y["declaration"])],
    "plans.edge_passed": [
        lambda y, edge=edge: PlanEdgePassed(y["plan"], edge.value) for edge in PlanEdge if edge in TO_COLLEGES | TO_TEO
    ],
    "plans.published": [lambda y: PlanPublished(y["plan"])],
    "plans.registration_closing": [lambda y: RegistrationClosing(y["plan"], y["college"], 24)],
    "plans.review_closing": [lambda y: ReviewClosing(y["plan"], "2026-06-12T18:00:00+08:00")],
    "plans.scores_missing": [lambda y: ScoresMissing(y["plan"], "2026-06-01T18:00:00+08:00")],
    "plans.window_extended": [lambda y: PlanWindowExtended(y["plan"], "score_entry", "2026-06-03T18:00:00+08:00")],
    "quotas.lapsed": [lambda y: QuotaLapsed(y["college"], 2026)],
    "quotas.lapsing": [lambda y: QuotaLapsing(y["college"], 2026, 60)],
    "telling.burst": [lambda y: Burst(y["account:coordinator"], "sites.decided", "2026-05-20T12:00:00+08:00")],
    "telling.digest": [lambda y: DailyDigest(y["account:coordinator"], "2026-05-20")],
    "telling.escalated": [lambda y: Escalated(open_request(y), "sites.decided:1:1")],
    "telling.escalated_own": [
        lambda y: EscalatedOwn(open_request(y), "deputy", 2),
        lambda y: EscalatedOwn(open_request(y), "leader", 5),
    ],
    "telling.weekly_late": [lambda y: WeeklyLate(y["account:coordinator"], "2026-05-18")],
    "telling.reminder": [lambda y: Reminder(open_request(y), 1)],
    "sites.allocated": [
        lambda y: SiteAllocated(allocation_of(y), False),
        lambda y: SiteAllocated(allocation_of(y), True),
    ],
    "sites.decided": [
        lambda y: SiteDecided(y["site"], True, "", 1),
        lambda y: SiteDecided(y["site"], False, REASON, 1),
    ],
    "sites.submitted": [lambda y: SiteSubmitted(y["site"], 1)],
}
EVERY = [pytest.param(make, id=f"{kind}-{n}") for kind, makes in SAMPLES.items() for n, make in enumerate(makes)]


@pytest.fixture
def year(years: Years, at: At) -> Year:
    """A whole year lies behind: every message has something to tell."""
    found = years("issued")
    at(moment("issued"))
    return found


def queued(message: Message) -> Notification:
    """The message as a row of somebody it is for."""
    with transaction(SYSTEM) as tx:
        tx.notify(message)
        row: Notification = tx.one(
            select(Notification)
            .where(Notification.kind == message.kind, Notification.dedupe_key == message.dedupe_key()[:160])
            .order_by(Notification.id)
            .limit(1)
        )
        return row


def in_chat(row: Notification, **given: Any) -> render.Rendered:
    with reading() as session:
        return render.chat_text(session, session.get_one(Notification, row.id), clock.now(), **given)


def visible(text: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", text))


def test_every_message_has_a_sample_here_and_every_sample_a_message() -> None:
    for module in pkgutil.iter_modules(core.notifications.__path__, "core.notifications."):
        importlib.import_module(module.name)
    assert set(KINDS) == set(SAMPLES)
    assert {path.stem for path in (TEMPLATES / "notifications").glob("*.txt")} == set(SAMPLES)


@pytest.mark.parametrize("make", EVERY)
def test_a_message_is_whole_and_short_enough_for_one_screen(make: Callable[[Year], Message], year: Year) -> None:
    row = queued(make(year))
    shown = in_chat(row)
    words = visible(shown.text)
    assert words.strip()
    assert "None" not in words
    assert "{" not in words
    assert len(words) <= 280, len(words)
    assert words.splitlines()[0].startswith("【")
    assert (row.task_code is not None) is make(year).asks_for_reply()


@pytest.mark.parametrize("make", EVERY)
def test_a_message_has_at_most_three_buttons_and_they_are_verbs(make: Callable[[Year], Message], year: Year) -> None:
    row = queued(make(year))
    keys = [key for line in in_chat(row).keys for key in line]
    assert len(keys) <= 3
    for key in keys:
        assert key.label not in {"确定", "取消", "OK"}
        assert len([part for part in (key.data, key.url, key.page) if part]) == 1
    with reading() as session:
        for line in render.sealed(in_chat(row).keys, session.get_one(Notification, row.id), 9_999_999_999):
            for key in line:
                assert key.data is None or len(key.data.encode()) <= 64


@pytest.mark.parametrize("make", EVERY)
def test_no_message_names_anybody(make: Callable[[Year], Message], year: Year) -> None:
    """Neither in the chat, nor in what is kept of it, is there a name, an identity number or a mobile of anybody."""
    row = queued(make(year))
    with reading() as session:
        people = [
            *session.execute(select(Candidate.name, Candidate.name_pinyin, Candidate.id_number, Candidate.mobile)),
            *session.execute(select(CandidateSnapshot.name, CandidateSnapshot.id_number, CandidateSnapshot.ticket_no)),
        ]
        panel = render.panel_text(session, session.get_one(Notification, row.id), clock.now())
        letter = render.letter_of(session, session.get_one(Notification, row.id), clock.now())
    by_letter = letter.text if letter else ""
    said = "\n".join(
        [in_chat(row).text, panel, by_letter, row.facts, *(k.label for line in in_chat(row).keys for k in line)]
    )
    assert len(people) >= 12
    assert not [fact for person in people for fact in person if fact and fact in said]


@pytest.mark.parametrize("make", EVERY)
def test_a_message_is_made_again_from_what_its_row_keeps(make: Callable[[Year], Message], year: Year) -> None:
    message = make(year)
    row = queued(message)
    assert render.message_of(row) == message
    assert revive(message.kind, message.facts()) == message


@pytest.mark.parametrize("make", EVERY)
def test_a_message_told_again_is_the_same_message(make: Callable[[Year], Message], year: Year) -> None:
    queued(make(year))
    before = count(Notification)
    with transaction(SYSTEM) as tx:
        assert tx.notify(make(year)) == 0
    assert count(Notification) == before


@pytest.mark.parametrize("make", EVERY)
def test_a_repeat_says_so_in_its_first_word(make: Callable[[Year], Message], year: Year) -> None:
    row = queued(make(year))
    assert in_chat(row, is_repeat=True).text == "【重发】" + in_chat(row).text


@pytest.mark.parametrize("make", EVERY)
def test_a_message_ends_some_time(make: Callable[[Year], Message], year: Year) -> None:
    ends = make(year).useful_until(clock.now())
    assert clock.now() < ends <= clock.now() + timedelta(days=60)


def test_words_with_a_gap_nobody_fills_are_a_failure_not_a_blank() -> None:
    with pytest.raises(Exception, match="undefined"):
        words_of("plans.published", {"plan_no": "1"}, clock.now())


def test_what_people_wrote_cannot_become_markup(year: Year) -> None:
    row = queued(SigningRejected(year["plan"], "学院", 1, "<b>&</b><a href='x'>", 9))
    assert "&lt;b&gt;&amp;&lt;/b&gt;" in in_chat(row).text


# -- who hears it ----------------------------------------------------------------------------------------------------

AUDIENCES: dict[str, set[str]] = {
    "announcements.published": {"coordinator", "second_coordinator", "other_coordinator"},
    "announcements.to_confirm": {"coordinator", "second_coordinator", "other_coordinator"},
    "announcements.withdrawn": {"coordinator", "second_coordinator", "other_coordinator"},
    "candidates.manual_confirmation_needed": {"coordinator", "second_coordinator"},
    "certificates.issued": {"coordinator", "second_coordinator", "signatory"},
    "certificates.signing_rejected": {"teo"},
    "certificates.signing_requested": {"signatory", "reviewer"},
    "certificates.stamp_failed": {"teo"},
    "certificates.ready_to_order": {"teo"},
    "certificates.teo_signing_requested": {"teo"},
    "pilots.application_decided": {"coordinator", "second_coordinator", "signatory"},
    "pilots.application_waiting": {"city"},
    "pilots.declaration_closed": {"coordinator", "second_coordinator", "signatory"},
    "pilots.declaration_closing": {"coordinator", "second_coordinator", "signatory"},
    "pilots.declaration_coming": {"coordinator", "second_coordinator", "signatory"},
    "pilots.declaration_extended": {"coordinator", "second_coordinator", "signatory"},
    "pilots.declaration_opened": {"coordinator", "second_coordinator", "signatory"},
    "plans.published": {"coordinator", "second_coordinator", "other_coordinator"},
    "plans.registration_closing": {"coordinator", "second_coordinator"},
    "plans.review_closing": {"coordinator", "second_coordinator"},
    "plans.scores_missing": {"teo"},
    "plans.window_extended": {"coordinator", "second_coordinator", "other_coordinator", "teo"},
    "quotas.lapsed": {"coordinator", "second_coordinator", "signatory"},
    "quotas.lapsing": {"coordinator", "second_coordinator", "signatory"},
    "sites.allocated": {"coordinator", "second_coordinator", "other_coordinator"},
    "sites.decided": {"coordinator", "second_coordinator"},
    "sites.submitted": {"teo"},
}
EDGE_AUDIENCES = {
    "registration_opens": "colleges",
    "registration_closes": "both",
    "arrangement_opens": "teo",
    "arrangement_closes": "both",
    "exam_opens": "",
    "exam_closes": "",
    "entry_opens": "teo",
    "entry_closes": "both",
    "publication_opens": "colleges",
    "review_closes": "",
    "publication_closes": "both",
}


@pytest.mark.parametrize("kind", list(AUDIENCES))
def test_exactly_those_concerned_are_told(kind: str, year: Year) -> None:
    for make in SAMPLES[kind]:
        with reading() as session:
            found = set(make(year).recipients(session))
        assert found == {year[f"account:{who}"] for who in AUDIENCES[kind]}


@pytest.mark.parametrize("edge", list(PlanEdge))
def test_each_edge_of_a_plan_is_told_to_those_it_concerns(edge: PlanEdge, year: Year) -> None:
    who = EDGE_AUDIENCES[edge.value]
    colleges = {"coordinator", "second_coordinator", "other_coordinator"} if who in ("colleges", "both") else set()
    teo = {"teo"} if who in ("teo", "both") else set()
    with reading() as session:
        found = set(PlanEdgePassed(year["plan"], edge.value).recipients(session))
    assert found == {year[f"account:{login}"] for login in colleges | teo}


# -- is it still true ------------------------------------------------------------------------------------------------


def is_true(message: Message) -> bool:
    with reading() as session:
        return message.is_still_true(session, clock.now())


def test_a_request_to_sign_is_true_while_something_waits(years: Years, at: At) -> None:
    year = years("concluded")
    at("2026-06-16 09:00")
    teo, college = TeoSigningRequested(year["plan"], 1), SigningRequested(year["plan"], 1, year["college"])
    assert (is_true(teo), is_true(college)) == (True, False)
    year.sign("teo", year.open_signing("teo", Party.TEO))
    assert (is_true(teo), is_true(college)) == (False, True)
    year.sign("signatory", year.open_signing("signatory", Party.COLLEGE))
    assert (is_true(teo), is_true(college)) == (False, False)


def test_a_request_to_sign_changes_its_version_with_the_batch(years: Years, at: At) -> None:
    year = years("signed_by_teo")
    at("2026-06-16 09:30")
    message = SigningRequested(year["plan"], 1, year["college"])

    def version() -> int:
        with reading() as session:
            thing = message.thing(session)
        assert thing is not None
        return thing[2]

    before = version()
    assert version() == before
    given = {"plan_id": year["plan"], "party": Party.COLLEGE, "reason": "照片不清"}
    year.do("signatory", signing.reject_batch, **given, issuance_ids=[year["issuance:0"]])
    assert version() != before


def test_a_waiting_application_is_true_until_it_is_decided(years: Years, at: At) -> None:
    year = years("applied")
    at(moment("applied"))
    message = ApplicationWaiting(year["application"], "city", 1)
    assert is_true(message)
    year.do("city", reviews.return_application, application_id=year["application"], reason=REASON)
    assert not is_true(message)


@pytest.mark.parametrize(
    ("now", "is_open"),
    [
        (DECLARATION[0] - SECOND, False),
        (DECLARATION[0], True),
        (DECLARATION[1], True),
        (DECLARATION[1] + SECOND, False),
    ],
)
def test_an_open_window_is_news_only_while_it_is_open(years: Years, at: At, now: datetime, is_open: bool) -> None:
    year = years("declared")
    at(now)
    assert is_true(DeclarationOpened(year["declaration"])) is is_open


def test_a_reminder_is_true_until_registration_ends(years: Years, at: At) -> None:
    year = years("planned")
    message = RegistrationClosing(year["plan"], year["college"], 2)
    at(WINDOWS["registration"][1])
    assert is_true(message)
    at(WINDOWS["registration"][1] + SECOND)
    assert not is_true(message)


def test_a_failed_stamp_is_true_until_it_is_mended(years: Years, at: At) -> None:
    year = years("ordered")
    at(moment("ordered"))
    message = StampFailed(year["issuance:0"], "seal_missing", 1)
    assert not is_true(message)

    class Broken:
        def seal(self, pdf: bytes, **given: Any) -> bytes:
            raise SealFailed

    generate(year, year["issuance:0"], Broken())
    assert is_true(message)
    order(year)
    assert not is_true(message)


def test_manual_confirmation_is_asked_for_while_somebody_waits(year: Year) -> None:
    assert not is_true(ManualConfirmationNeeded(year["college"], "x"))


# -- answered messages -----------------------------------------------------------------------------------------------


def test_an_answered_message_says_how_it_ended_and_has_no_buttons(year: Year, at: At) -> None:
    """But for the one that takes it back, as long as that is possible (chat.md L1)."""
    row = queued(SiteDecided(year["site"], True, "", 7))
    assert in_chat(row).keys
    with transaction(year.actor("coordinator")) as tx:
        notices.acknowledge(tx, notification_id=row.id)
    assert [key.label for line in in_chat(one(Notification, row.id)).keys for key in line] == ["撤回“已知悉”"]
    at(clock.now() + timedelta(minutes=10) + SECOND)
    shown = in_chat(one(Notification, row.id))
    assert shown.keys == ()
    assert "已知悉" in shown.text
    assert "待办编号" not in shown.text


def test_a_snooze_that_could_not_be_granted_is_not_offered(year: Year, at: At) -> None:
    at(WINDOWS["registration"][1] - timedelta(hours=2))
    row = queued(RegistrationClosing(year["plan"], year["college"], 2))
    assert "稍后提醒" not in {key.label for line in in_chat(row).keys for key in line}
    at(WINDOWS["registration"][1] - timedelta(hours=72))
    row = queued(RegistrationClosing(year["plan"], year["college"], 72))
    assert "稍后提醒" in {key.label for line in in_chat(row).keys for key in line}


def test_numbers_stand_in_the_buttons_that_sign(years: Years, at: At) -> None:
    year = years("signed_by_teo")
    at("2026-06-16 09:30")
    row = rows(select(Notification).where(Notification.kind == "certificates.signing_requested"))[0]
    (first, *_), *_ = in_chat(row).keys
    assert first.label == "签字确认 2 张"
    assert first.page == f"http://127.0.0.1:8000/phone/enter?plan={year['plan']}&party=college"


def test_every_press_fits_two_letters() -> None:
    assert all(len(press.value) == 2 for press in Press)
