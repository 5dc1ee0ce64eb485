"""A real identity service behind KAOWU_IDENTITY_URL: one POST per question, patient, polite, and silent about people.

The protocol, version 1. We send, as JSON, with `Authorization: Bearer <KAOWU_IDENTITY_TOKEN>` (where there is one) and
`Idempotency-Key: <key>`:

    {"version": 1, "key": "32 hex digits", "name": "…", "id_type": "resident", "id_number": "…", "photo": "base64 JPEG"}

The same key is the same question: a service that has answered it answers the same again, and charges once. It answers
200 and exactly these fields, the key as it was sent, `reason` empty for a match:

    {"version": 1, "key": "…", "result": "match" | "no_match", "reason": "" | one of SAID_BY_SERVICE}

422 says that this question can never be judged (a kind of document the service does not know): a person looks.
429 and 503 may carry Retry-After in seconds. Anything else, and any answer that is not to the letter, decides nothing:
the question is put again later. What goes wrong again and again makes the line rest, so that a service that is down is
not hammered. Nothing is followed elsewhere, no proxy of the environment is used: the data go to this address alone.
"""

from __future__ import annotations

import base64
import json
import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any

import httpx

from core import settings
from core.gateways.identity import Answer, PeopleOnly, Question, RuleVerifier, Verdict, Verifier
from core.rules.candidates import VerificationMethod
from core.rules.verification import SAID_BY_SERVICE

log = logging.getLogger(__name__)
VERSION = 1
FIELDS = frozenset({"version", "key", "result", "reason"})
LONGEST_ANSWER = 16_384  # bytes; an answer has four short fields
LONGEST_WISH = timedelta(hours=6)  # Retry-After beyond it is not believed


class _InVain(Exception):
    """No answer that decides anything; trouble: one word; is_passing: worth another try at once."""

    def __init__(self, trouble: str, *, is_passing: bool = False, retry_after: timedelta | None = None) -> None:
        super().__init__(trouble)
        self.trouble, self.is_passing, self.retry_after = trouble, is_passing, retry_after


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient and how polite, in seconds and times."""

    connect: float = 5.0
    answer: float = 15.0  # for one answer as a whole, however slowly it drips
    tries: int = 2
    pause: float = 0.5  # before the second try; doubled for each further one, up to twice as long by chance
    per_second: float = 5.0
    troubles: int = 4  # in a row, then the line rests
    rest: float = 30.0  # the first time; doubled while it does not help
    longest_rest: float = 900.0


@dataclass(slots=True)
class Line:
    """Turns and rests of one address; all threads of a process share it. now, sleep: the monotonic clock's."""

    pace: Pace
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _next_turn: float = float("-inf")
    _rests_until: float = float("-inf")
    _troubles: int = 0
    _rests: int = 0

    def is_resting(self) -> bool:
        """True until the rest is over; then whoever asks first finds out how the service is."""
        return self.now() < self._rests_until

    def left(self) -> float:
        """Seconds of rest still to go."""
        return max(self._rests_until - self.now(), 0.0)

    def wait_for_turn(self) -> None:
        """At most per_second questions leave in a second."""
        with self._lock:
            turn = max(self.now(), self._next_turn)
            self._next_turn = turn + 1 / self.pace.per_second
            wait = turn - self.now()
        if wait > 0:
            self.sleep(wait)

    def went_well(self) -> None:
        """The service has answered to the letter."""
        with self._lock:
            self._troubles = self._rests = 0
            self._rests_until = float("-inf")

    def went_wrong(self, wish: timedelta | None = None) -> None:
        """Count it; rest after several in a row, after one more when a rest has just ended, and when it is wished."""
        with self._lock:
            self._troubles += 1
            if wish is not None:
                self._rests_until = max(self._rests_until, self.now() + wish.total_seconds())
            if self._rests_until > self.now() or self._troubles < (1 if self._rests else self.pace.troubles):
                return
            rest = min(self.pace.rest * 2 ** min(self._rests, 20), self.pace.longest_rest)
            self._rests_until = self.now() + rest
            self._rests, self._troubles = self._rests + 1, 0
        log.warning("identity service: resting for %d s", rest)


class ServiceVerifier:
    """The rules first, for what they refuse need not leave the house; then the service."""

    is_instant = False

    def __init__(self, url: str, token: str = "", pace: Pace | None = None, line: Line | None = None) -> None:
        self._pace = pace or Pace()
        self.line = line or Line(self._pace)
        self._url, self._rules = url, RuleVerifier()
        self._client = httpx.Client(
            timeout=httpx.Timeout(self._pace.answer, connect=self._pace.connect),
            trust_env=False,
            follow_redirects=False,
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )
        logging.getLogger("httpx").setLevel(logging.WARNING)  # its INFO lines spell out addresses

    def is_ready(self) -> bool:
        """False while the line rests."""
        return not self.line.is_resting()

    def ask(self, question: Question) -> Answer:
        """See Verifier; trouble is logged in one word without the question."""
        first = self._rules.ask(question)
        if first.verdict is not Verdict.PASS:
            return first
        for number in range(1, self._pace.tries + 1):
            if self.line.is_resting():
                return Answer(Verdict.NOT_NOW, "resting", retry_after=timedelta(seconds=self.line.left()))
            try:
                answer = self._once(question)
            except _InVain as trouble:
                self.line.went_wrong(trouble.retry_after)
                log.warning("identity service: %s", trouble.trouble)
                if not trouble.is_passing or number == self._pace.tries:
                    return Answer(Verdict.NOT_NOW, trouble.trouble, retry_after=trouble.retry_after)
                self.line.sleep(self._pace.pause * 2 ** (number - 1) * (1 + random.random()))  # noqa: S311  # no secret
                continue
            self.line.went_well()
            return answer
        return Answer(Verdict.NOT_NOW, "resting")

    def _once(self, question: Question) -> Answer:
        self.line.wait_for_turn()
        status, headers, body = self._post(question)
        if status == httpx.codes.UNPROCESSABLE_ENTITY:
            return Answer(Verdict.FAIL, "not_accepted", VerificationMethod.PHOTO_MATCH)
        if status != httpx.codes.OK:
            is_busy = status in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)
            wish = _retry_after(headers.get("Retry-After", "")) if is_busy else None
            is_passing = status >= 500 and wish is None
            raise _InVain(f"status_{status}", is_passing=is_passing, retry_after=wish)
        return _read(body, question.key)

    def _post(self, question: Question) -> tuple[int, httpx.Headers, bytes]:
        ends_at = time.monotonic() + self._pace.answer
        try:
            with self._client.stream(
                "POST", self._url, json=_asked(question), headers={"Idempotency-Key": question.key}
            ) as response:
                body = b""
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > LONGEST_ANSWER:
                        raise _InVain("too_long")
                    if time.monotonic() > ends_at:
                        raise _InVain("too_slow")
                return response.status_code, response.headers, body
        except httpx.TimeoutException:
            raise _InVain("timeout") from None  # it has hung once for the whole time-out: not again at once
        except httpx.HTTPError:
            raise _InVain("unreachable", is_passing=True) from None


def _asked(question: Question) -> dict[str, Any]:
    return {
        "version": VERSION,
        "key": question.key,
        "name": question.name,
        "id_type": question.id_type.value,
        "id_number": question.id_number,
        "photo": base64.b64encode(question.photo).decode("ascii"),
    }


def _read(body: bytes, key: str) -> Answer:
    """The answer where it is one to the letter; what is not decides nothing."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise _InVain("garbage") from None
    if not isinstance(said, dict) or set(said) != FIELDS or said["version"] != VERSION or said["key"] != key:
        raise _InVain("not_our_answer")
    result, reason = said["result"], said["reason"]
    if result == "match" and reason == "":
        return Answer(Verdict.PASS, "", VerificationMethod.PHOTO_MATCH)
    if result == "no_match" and isinstance(reason, str) and reason in SAID_BY_SERVICE:
        return Answer(Verdict.FAIL, reason, VerificationMethod.PHOTO_MATCH)
    raise _InVain("not_our_answer")


def _retry_after(text: str) -> timedelta | None:
    """Whole seconds; a date or anything odd is no wish we know how to grant."""
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        return None
    return min(timedelta(seconds=int(text)), LONGEST_WISH)


def verifier() -> Verifier:
    """The one the settings name."""
    here = settings.current()
    if here.identity_check == "manual":
        return PeopleOnly()
    if not here.identity_url:
        return RuleVerifier()
    return _service(here.identity_url, here.identity_token.get_secret_value(), here.identity_rate)


@lru_cache(maxsize=1)
def _service(url: str, token: str, per_second: float) -> ServiceVerifier:
    """One line per process, so that its rests and turns are everybody's."""
    return ServiceVerifier(url, token, Pace(per_second=per_second))
