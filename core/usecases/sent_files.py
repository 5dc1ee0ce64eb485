"""A file somebody sent to the bot: what is asked about it until it is taken in, and what became of it then.

The file itself stays with Telegram, under its file_id, until the question is answered; what is kept here is the
question, as the one ChatDraft of its person, so that a restart forgets nothing and a newer question of any kind ends
this one.
An answered question stays a while as its outcome: whoever taps twice is told the same twice.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from core.db import Tx
from core.errors import NotFound, ValueRefused
from core.models.records import ChatDraft
from core.usecases import notices
from core.usecases.decisions import CONFIRM_LASTS, LEAST_THOUGHT, WORDS_LAST, Place, recap_mark
from core.usecases.freezing import require_free_hand


class FileQuestion(StrEnum):
    """What is asked; the flow of a ChatDraft."""

    SHEET = "file.sheet"
    PLAN = "file.plan"
    PHOTOS = "file.photos"
    TAKEN = "file.taken"  # answered: thing_id is the import, 0 for a file that was let go


_LASTS = {FileQuestion.PHOTOS: CONFIRM_LASTS}
_FLOWS = frozenset(FileQuestion)


@dataclass(frozen=True, slots=True)
class SentFile:
    """A document as Telegram names it."""

    file_id: str
    name: str


@dataclass(frozen=True, slots=True)
class PhotoCounts:
    """What would become of the pictures of an archive: total = accepted + unchanged + refused + offered."""

    total: int
    accepted: int
    unchanged: int
    refused: int
    offered: int


@dataclass(frozen=True, slots=True)
class Asked:
    """An open question, or its outcome. mark: what its keys carry; before: the mark of the question answered last.

    sheets: the choices of SHEET, in the order of the keys; sheet: chosen already; sha256, photos: of PHOTOS.
    """

    question: FileQuestion
    mark: int
    asked_at: datetime
    expires_at: datetime
    file: SentFile
    before: int = 0
    sheets: tuple[str, ...] = ()
    sheet: str = ""
    sha256: str = ""
    photos: PhotoCounts | None = None
    job_id: int = 0
    place: Place = Place(0)  # noqa: RUF009  frozen


@dataclass(frozen=True, slots=True)
class _Text:
    """What of a question lies in the draft's text, as JSON."""

    file: dict[str, str]
    before: int = 0
    sheets: Sequence[str] = field(default_factory=tuple)
    sheet: str = ""
    sha256: str = ""
    photos: dict[str, int] | None = None


# -- asking ------------------------------------------------------------------------------------------------------------


def ask_sheet(tx: Tx, *, file: SentFile, sheets: Sequence[str], place: Place) -> None:
    """Its columns fit several sheets: which one is it?"""
    _ask(tx, FileQuestion.SHEET, _Text(asdict(file), sheets=list(sheets)), place)


def ask_plan(tx: Tx, *, file: SentFile, sheet: str, place: Place, before: int = 0) -> None:
    """The rows of this sheet belong to a plan: which one? before: the mark of the question that led here."""
    _ask(tx, FileQuestion.PLAN, _Text(asdict(file), before=before, sheet=sheet), place)


def ask_photos(tx: Tx, *, file: SentFile, sha256: str, counts: PhotoCounts, place: Place) -> None:
    """Nothing is stored yet: shall these pictures be? (chat.md L2)"""
    _ask(tx, FileQuestion.PHOTOS, _Text(asdict(file), sha256=sha256, photos=asdict(counts)), place)


# -- answering ---------------------------------------------------------------------------------------------------------


def open_question(tx: Tx) -> Asked | None:
    """What is asked this person about a file, or what became of the last one; None where nothing is."""
    draft = notices.my_draft(tx)
    return _read(draft) if draft is not None and draft.flow in _FLOWS else None


def answering(tx: Tx, *, mark: int) -> Asked:
    """The question a key belongs to, or what followed from its answer; NotFound for a key of an earlier question."""
    asked = open_question(tx)
    if asked is None or mark not in {asked.mark, asked.before}:
        raise NotFound("file_question_gone", rule="chat.md")
    return asked


def require_thought(tx: Tx, asked: Asked) -> None:
    """ValueRefused within a second of the recap: a double tap does not pass (chat.md L2); nor does a frozen account."""
    require_free_hand(tx)
    if tx.now < asked.asked_at + LEAST_THOUGHT:
        raise ValueRefused("confirmed_too_soon", rule="chat.md")


def note_taken(tx: Tx, *, mark: int, job_id: int) -> None:
    """The question is answered: the file is import job_id, or was let go (0). One asked meanwhile stays open."""
    asked = open_question(tx)
    if asked is not None and asked.mark == mark:
        _ask(tx, FileQuestion.TAKEN, _Text(asdict(asked.file), before=mark), asked.place, job_id=job_id)


# -- inside ------------------------------------------------------------------------------------------------------------


def _ask(tx: Tx, question: FileQuestion, text: _Text, place: Place, *, job_id: int = 0) -> None:
    notices.start_draft(
        tx,
        flow=question.value,
        thing_id=job_id,
        thing_version=0,
        chat_id=place.chat_id,
        message_id=place.message_id,
        lasts=_lasts(question),
        text=json.dumps(asdict(text), ensure_ascii=False),
    )


def _lasts(question: FileQuestion) -> timedelta:
    return _LASTS.get(question, WORDS_LAST)


def _read(draft: ChatDraft) -> Asked:
    kept: dict[str, Any] = json.loads(draft.text)
    question = FileQuestion(draft.flow)
    return Asked(
        question,
        recap_mark(draft),
        draft.expires_at - _lasts(question),
        draft.expires_at,
        SentFile(**kept["file"]),
        kept["before"],
        tuple(kept["sheets"]),
        kept["sheet"],
        kept["sha256"],
        PhotoCounts(**kept["photos"]) if kept["photos"] else None,
        draft.thing_id,
        Place(draft.chat_id, draft.message_id),
    )
