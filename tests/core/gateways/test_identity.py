"""The verifiers: what the rules see, and how a service that errs, hangs, hurries or lies is dealt with (§2.20)."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core import settings
from core.gateways.identity import Answer, PeopleOnly, Question, RuleVerifier, Verdict
from core.gateways.identity_service import LONGEST_WISH, Line, Pace, ServiceVerifier, verifier
from core.rules.candidates import VerificationMethod
from core.rules.values import IdType
from core.rules.verification import SAID_BY_SERVICE, WHY
from tests.factories import photo_bytes
from tests.identity_service import TOKEN, IdentityService, identity_service

PHOTO = photo_bytes(41)
NAME, NUMBER = "演示甲", "420000200706220019"
GOOD = Question(
    request_id=1,
    attempt=1,
    key="ab" * 16,
    name=NAME,
    id_type=IdType.RESIDENT,
    id_number=NUMBER,
    photo=PHOTO,
    photo_hash=hashlib.sha256(PHOTO).hexdigest(),
)
QUICK = Pace(connect=1, answer=0.4, tries=2, pause=0, per_second=1000, troubles=3, rest=30, longest_rest=100)
MATCH = Answer(Verdict.PASS, "", VerificationMethod.PHOTO_MATCH)


class Hand:
    """A monotonic clock moved by hand; sleeping moves it."""

    def __init__(self) -> None:
        self.at, self.slept = 1000.0, []  # type: ignore[var-annotated]

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


@pytest.fixture
def service() -> Iterator[IdentityService]:
    with identity_service() as running:
        yield running


def line_to(service: IdentityService, pace: Pace = QUICK, hand: Hand | None = None) -> ServiceVerifier:
    line = Line(pace, hand.now, hand.sleep) if hand else Line(pace)
    return ServiceVerifier(service.url, TOKEN, pace, line)


# -- the rules -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"photo": b""}, "photo_missing"),
        ({"photo": PHOTO + b"x"}, "photo_damaged"),
        ({"photo": b"GIF89a", "photo_hash": hashlib.sha256(b"GIF89a").hexdigest()}, "photo_damaged"),
        ({"id_number": NUMBER[:-1] + "8"}, "id_number"),
        ({"id_number": "420000200702300019"}, "birth_date"),
        ({"is_photo_shared": True}, "photo_used_twice"),
    ],
)
def test_the_rules_say_what_speaks_against_a_match(wrong: dict[str, Any], reason: str) -> None:
    assert RuleVerifier().ask(replace(GOOD, **wrong)) == Answer(Verdict.FAIL, reason)
    assert PeopleOnly().ask(replace(GOOD, **wrong)).reason == reason
    assert reason in WHY


def test_the_rules_pass_what_nothing_speaks_against() -> None:
    assert RuleVerifier().ask(GOOD) == Answer(Verdict.PASS)
    passport = replace(GOOD, id_type=IdType.PASSPORT, id_number="E12345678")
    assert RuleVerifier().ask(passport) == Answer(Verdict.PASS)


def test_always_manual_passes_nobody() -> None:
    assert PeopleOnly().ask(GOOD) == Answer(Verdict.FAIL, "always_manual")


def test_a_question_names_nobody_when_it_is_printed() -> None:
    assert NAME not in repr(GOOD)
    assert NUMBER not in repr(GOOD)
    assert GOOD.photo_hash not in repr(GOOD)


# -- a service that works --------------------------------------------------------------------------------------------


def test_the_service_is_asked_to_the_letter_and_believed(service: IdentityService) -> None:
    assert line_to(service).ask(GOOD) == MATCH
    assert service.complaints == []
    assert service.calls[0]["name"] == NAME


@pytest.mark.parametrize("reason", sorted(SAID_BY_SERVICE))
def test_every_reason_of_the_service_has_words(reason: str, service: IdentityService) -> None:
    service.strangers[NAME] = reason
    assert line_to(service).ask(GOOD) == Answer(Verdict.FAIL, reason, VerificationMethod.PHOTO_MATCH)
    assert WHY[reason]


def test_what_the_rules_refuse_never_leaves_the_house(service: IdentityService) -> None:
    assert line_to(service).ask(replace(GOOD, is_photo_shared=True)).reason == "photo_used_twice"
    assert service.calls == []


def test_what_the_service_can_never_judge_goes_to_a_person(service: IdentityService) -> None:
    service.script = ["422"]
    assert line_to(service).ask(GOOD).reason == "not_accepted"


# -- a service that does not -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deed", "trouble"),
    [
        ("401", "status_401"),
        ("302", "status_302"),
        ("garbage", "garbage"),
        ("cut off", "garbage"),
        ("long", "too_long"),
        ("stranger's key", "not_our_answer"),
        ("extra field", "not_our_answer"),
        ("odd result", "not_our_answer"),
        ("match with reason", "not_our_answer"),
        ("hang", "timeout"),
        ("drip", "too_slow"),
    ],
)
def test_what_is_no_answer_decides_nothing_and_is_not_asked_again_at_once(
    deed: str, trouble: str, service: IdentityService
) -> None:
    service.script = [deed]
    found = line_to(service).ask(GOOD)
    assert (found.verdict, found.reason) == (Verdict.NOT_NOW, trouble)
    assert len(service.calls) == 1


def test_a_stumble_is_tried_once_more_after_a_pause_with_the_same_key(service: IdentityService) -> None:
    hand, service.script = Hand(), ["500"]
    assert line_to(service, replace(QUICK, pause=0.5), hand).ask(GOOD) == MATCH
    assert [call["key"] for call in service.calls] == [GOOD.key, GOOD.key]
    assert 0.5 <= max(hand.slept) <= 1.0
    service.script = ["500", "500"]
    assert line_to(service).ask(GOOD).reason == "status_500"


def test_nobody_listening_is_not_now() -> None:
    with identity_service() as gone:
        pass
    found = line_to(gone).ask(GOOD)
    assert (found.verdict, found.reason) == (Verdict.NOT_NOW, "unreachable")


@pytest.mark.parametrize(
    ("wish", "heard"),
    [("120", timedelta(seconds=120)), ("999999", LONGEST_WISH), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-5", None)],
)
def test_a_wish_to_be_left_alone_is_granted(wish: str, heard: timedelta | None, service: IdentityService) -> None:
    hand, service.script = Hand(), [f"429 after {wish}"]
    line = line_to(service, hand=hand)
    assert line.ask(GOOD).retry_after == heard
    if heard is None:
        assert line.is_ready()
        return
    for second, is_ready in ((-1, False), (0, True), (1, True)):
        hand.at = 1000.0 + heard.total_seconds() + second
        assert line.is_ready() is is_ready


def test_the_line_rests_after_several_troubles_and_longer_when_it_did_not_help(service: IdentityService) -> None:
    hand, service.script = Hand(), ["401"] * 5
    line = line_to(service, hand=hand)
    for _ in range(QUICK.troubles):
        assert line.is_ready()
        line.ask(GOOD)
    assert not line.is_ready()
    assert line.ask(GOOD).reason == "resting"
    assert len(service.calls) == 3, "while it rests nothing is sent"
    over = hand.at + line.line.left()
    hand.at = over - 1
    assert not line.is_ready()
    hand.at = over
    line.ask(GOOD)  # one try, still down: twice as long
    assert len(service.calls) == 4
    assert line.line.left() == pytest.approx(60)
    over = hand.at + line.line.left()
    for second, is_ready in ((-1, False), (0, True), (1, True)):
        hand.at = over + second
        assert line.is_ready() is is_ready


def test_one_answer_ends_all_rests(service: IdentityService) -> None:
    hand, service.script = Hand(), ["401"] * 3
    line = line_to(service, hand=hand)
    for _ in range(3):
        line.ask(GOOD)
    hand.at += 30
    assert line.ask(GOOD) == MATCH
    service.script = ["401", "401"]
    line.ask(GOOD)
    line.ask(GOOD)
    assert line.is_ready(), "the count begins anew"


def test_no_more_than_so_many_leave_in_a_second(service: IdentityService) -> None:
    hand = Hand()
    line = line_to(service, replace(QUICK, per_second=4), hand)
    for _ in range(9):
        line.ask(GOOD)
    assert hand.at - 1000.0 == pytest.approx(2.0)


def test_threads_share_the_turns(service: IdentityService) -> None:
    hand = Hand()
    line = Line(replace(QUICK, per_second=10), lambda: 0.0, hand.sleep)
    threads = [threading.Thread(target=line.wait_for_turn) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(hand.slept) == pytest.approx([0.1 * place for place in range(1, 10)])


def test_nothing_of_the_person_or_the_token_is_logged(
    service: IdentityService, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    service.strangers[NAME] = "photo_differs"
    service.script = ["500", "garbage", "429 after 5"]
    line = line_to(service, Pace(pause=0, per_second=1000))
    for _ in range(3):
        line.ask(GOOD)
    assert "identity service: status_500" in caplog.text
    for secret in (NAME, NUMBER, GOOD.key, GOOD.photo_hash, TOKEN, "/check"):
        assert secret not in caplog.text


# -- which one -------------------------------------------------------------------------------------------------------


def put(monkeypatch: pytest.MonkeyPatch, **given: str) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"KAOWU_{name.upper()}", value)
    settings.forget()


def test_the_settings_name_the_verifier(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(verifier(), RuleVerifier)
    put(monkeypatch, identity_url="https://id.example/check", identity_token="t")
    assert isinstance(verifier(), ServiceVerifier)
    assert verifier() is verifier(), "one line, so that its rests are everybody's"
    put(monkeypatch, identity_check="manual")
    assert isinstance(verifier(), PeopleOnly)


@pytest.mark.parametrize(
    "url",
    ["http://id.example/check", "ftp://id.example", "id.example/check", "https://me:secret@id.example/", "https:///x"],
)
def test_an_address_that_would_show_people_to_the_world_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAOWU_IDENTITY_URL", url)
    with pytest.raises(settings.SettingsRefused, match="https") as refused:
        settings.load()
    assert "secret" not in str(refused.value)


def test_the_token_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, identity_token="very-secret")
    assert "very-secret" not in repr(settings.current())
