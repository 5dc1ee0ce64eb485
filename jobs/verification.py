"""The worker of 认证: claims questions, asks them with no transaction open, writes the answers down in one."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from core import clock
from core.actors import SYSTEM
from core.db import reading, transaction
from core.gateways.identity import Answer, Question, Verdict, Verifier
from core.gateways.identity_service import verifier
from core.queries.verifications import is_any_batch_over, is_anything_due
from core.usecases import verification
from jobs.due import once

log = logging.getLogger(__name__)
AT_ONCE = 4  # questions under way with a service; with its time-outs a bite is answered well within its lease
BITE = 8  # so many are asked again, under their old keys, when this process is killed
INSTANT_BITE = 200
TURN_SECONDS = 20.0  # then other jobs get the thread; the next run goes on
ACTOR = SYSTEM.on("jobs")


def check() -> None:
    """Work until nothing is due, the service rests or the turn is over; then finish what was left without questions."""
    line, ends_at = verifier(), time.monotonic() + TURN_SECONDS
    while time.monotonic() < ends_at and work(line):
        pass
    with reading() as session:
        is_left = is_any_batch_over(session)
    if is_left:
        once("verification batches", lambda tx: verification.close_batches(tx))


def work(line: Verifier) -> int:
    """One bite; how many questions were asked, 0 when there is nothing to do now."""
    if not line.is_ready():
        return 0
    with reading() as session:
        if not is_anything_due(session, clock.now()):
            return 0
    with transaction(ACTOR) as tx:
        questions = verification.claim_questions(tx, limit=INSTANT_BITE if line.is_instant else BITE)
    answers = _ask_all(line, questions)
    if answers:
        with transaction(ACTOR) as tx:
            verification.record_answers(tx, answers=answers)
    return len(questions)


def _ask_all(line: Verifier, questions: Sequence[Question]) -> list[tuple[Question, Answer]]:
    if line.is_instant or len(questions) < 2:
        return [(question, _ask(line, question)) for question in questions]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        said = threads.map(lambda question: _ask(line, question), questions)
        return list(zip(questions, said, strict=True))


def _ask(line: Verifier, question: Question) -> Answer:
    """One question's accident is not the others'; only its kind is logged, for its words may name somebody."""
    try:
        return line.ask(question)
    except Exception as accident:
        log.error("verification %d broke: %s", question.request_id, type(accident).__name__)
        return Answer(Verdict.NOT_NOW, "broke")
