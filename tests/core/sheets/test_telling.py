"""Who sent a file in chat, or has waited long, is told what became of it: once, by counts, with the right question."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from core import clock
from core.actors import Actor
from core.db import reading, transaction
from core.demo.world import World
from core.errors import NotPermitted, StaleState
from core.models.accounts import UserAccount
from core.models.records import ImportFile, Notification
from core.notifications.render import chat_text
from core.rules.imports import MOST_ATTEMPTS, WORTH_TELLING, ImportState
from core.rules.notices import ReplyState
from core.sheets import clinic, clinic_steps
from core.usecases import decisions
from core.usecases.decisions import CONFIRM_LASTS, LEAST_THOUGHT, Place, recap_mark
from core.usecases.notices import my_draft
from tests.core.sheets.broken_files import xlsx
from tests.core.sheets.test_clinic import stands
from tests.core.sheets.test_desk import CROWD, student, workbook

CHECKED, NOT_TAKEN, DONE = "imports.checked", "imports.not_taken", "imports.done"
SECOND = timedelta(seconds=1)
At = Callable[[datetime], datetime]
GOOD = [student(person) for person in CROWD[:3]]
BAD = student(CROWD[3], mobile="12345")


def sender(world: World, channel: str = "chat") -> Actor:
    return replace(world.actor("jiangcheng"), channel=channel)


def sent(world: World, *rows: Any, channel: str = "chat", data: bytes | None = None) -> int:
    """A file sent in, looked over."""
    job_id = clinic.receive(
        sender(world, channel), "candidates", data or workbook("candidates", *rows), "江城 名单.xlsx"
    )
    clinic_steps.work(job_id)
    return job_id


def told(job_id: int) -> list[Notification]:
    """What was said about a file, oldest first."""
    with reading() as session:
        found = session.scalars(select(Notification).where(Notification.kind.like("imports.%")))
        return [row for row in found.all() if json.loads(row.facts)["job_id"] == job_id]


def kinds(job_id: int) -> list[str]:
    return [row.kind for row in told(job_id)]


def shown(row: Notification) -> tuple[str, list[str]]:
    """Words and keys as they stand."""
    with reading() as session:
        rendered = chat_text(session, session.get_one(Notification, row.id), clock.now())
        return rendered.text, [key.label for line in rendered.keys for key in line]


# -- when somebody is told ---------------------------------------------------------------------------------------------


def test_whoever_wrote_in_chat_is_asked_there_with_counts_only(any_world: World) -> None:
    job_id = sent(any_world, *GOOD, BAD)
    (row,) = told(job_id)
    assert row.kind == CHECKED
    assert row.reply_state is ReplyState.OPEN
    with reading() as session:
        assert session.get_one(UserAccount, row.account_id).login == "jiangcheng"
    words, keys = shown(row)
    assert "可写入 3 行" in words
    assert "共 4 行：新增 3，修改 0，未变 0，有问题 1" in words
    assert keys == ["只写入合格的 3 行", "打开导入页面"]
    for person in CROWD[:4]:
        assert person.name not in words
        assert person.id_number not in words
    assert "名单" not in words


def test_who_looks_at_the_page_is_not_told_what_he_sees(world: World) -> None:
    job_id = sent(world, *GOOD, channel="panel")
    clinic.confirm(sender(world, "panel"), job_id, all_or_none=True)
    clinic_steps.work(job_id)
    assert stands(world, job_id).state is ImportState.DONE
    assert told(job_id) == []


@pytest.mark.parametrize(
    ("waited", "is_told"), [(WORTH_TELLING - SECOND, False), (WORTH_TELLING, False), (WORTH_TELLING + SECOND, True)]
)
def test_who_has_waited_longer_than_a_few_seconds_is_told(
    waited: timedelta, is_told: bool, world: World, at: At
) -> None:
    """Looking over, and writing, each by itself."""
    actor, now = sender(world, "panel"), clock.now()
    job_id = clinic.receive(actor, "candidates", workbook("candidates", *GOOD), "学生.xlsx")
    at(now + waited)
    clinic_steps.work(job_id)
    assert kinds(job_id) == [CHECKED] * is_told
    clinic.confirm(actor, job_id, all_or_none=False)
    at(now + 2 * waited)
    clinic_steps.work(job_id)
    assert kinds(job_id) == [CHECKED, DONE] * is_told


def test_a_file_of_which_nothing_can_be_taken_is_told_so(world: World) -> None:
    job_id = sent(world, BAD)
    (row,) = told(job_id)
    assert row.kind == NOT_TAKEN
    assert row.reply_state is ReplyState.NOT_ASKED
    words, keys = shown(row)
    assert "没有写入任何数据" in words
    assert "有问题 1" in words
    assert keys == ["打开导入页面"]


def test_a_file_without_a_header_is_told_without_its_cells(world: World) -> None:
    """Where the header should be there are people."""
    cells = [[row.get("name"), row.get("id_number"), row.get("mobile")] for row in GOOD]
    job_id = sent(world, data=xlsx(*cells[1:], header=cells[0]))
    (row,) = told(job_id)
    words, _ = shown(row)
    assert row.kind == NOT_TAKEN
    assert "缺少的列：学生姓名" in words
    for cell in cells[0]:
        assert str(cell) not in words + row.facts


def test_a_file_sent_twice_is_told_to_change_nothing(world: World) -> None:
    first = sent(world, *GOOD)
    clinic.confirm(sender(world), first, all_or_none=False)
    clinic_steps.work(first)
    again = sent(world, *GOOD)
    assert kinds(again) == [NOT_TAKEN]
    assert "与系统中的内容完全相同" in shown(told(again)[0])[0]


def test_a_file_that_takes_its_readers_down_is_told_to_be_given_up(world: World) -> None:
    job_id = clinic.receive(sender(world), "candidates", workbook("candidates", *GOOD), "学生.xlsx")
    with transaction(sender(world)) as tx:
        tx.session.execute(update(ImportFile).values(attempts=MOST_ATTEMPTS))
    clinic_steps.work(job_id)
    assert kinds(job_id) == [NOT_TAKEN]
    assert "已停止" in shown(told(job_id)[0])[0]


# -- one question per file ---------------------------------------------------------------------------------------------


def test_a_cell_corrected_on_the_page_changes_the_question_and_asks_no_second_one(any_world: World) -> None:
    job_id = sent(any_world, *GOOD, BAD)
    clinic.correct(sender(any_world, "panel"), job_id, {(6, "mobile"): CROWD[3].mobile})
    clinic_steps.work(job_id)
    (row,) = told(job_id)
    assert row.reply_state is ReplyState.OPEN
    words, keys = shown(row)
    assert "可写入 4 行" in words
    assert keys[0] == "写入 4 行"


def test_what_was_decided_on_the_page_is_asked_no_more(world: World) -> None:
    taken, away = sent(world, *GOOD), sent(world, student(CROWD[5]))
    clinic.confirm(sender(world, "panel"), taken, all_or_none=False)
    clinic.discard(sender(world, "panel"), away)
    for job_id in (taken, away):
        (row,) = told(job_id)
        assert row.reply_state is ReplyState.DONE
        assert row.closing_note == "jiangcheng"
        assert shown(row)[1] == []


def test_a_question_is_closed_when_mending_has_left_nothing_to_take(world: World) -> None:
    """A colleague has meanwhile brought the same people in."""
    job_id = sent(world, *GOOD, BAD)
    other = sent(world, *GOOD, channel="panel")
    clinic.confirm(sender(world, "panel"), other, all_or_none=False)
    clinic_steps.work(other)
    clinic.correct(sender(world), job_id, {(6, "mobile"): "12346"})
    clinic_steps.work(job_id)
    first, second = told(job_id)
    assert first.reply_state is ReplyState.DONE
    assert second.kind == NOT_TAKEN


# -- saying yes --------------------------------------------------------------------------------------------------------


def recapped(world: World, job_id: int) -> tuple[Notification, int]:
    """通过 pressed; the row and the mark of its recap."""
    row = told(job_id)[0]
    with transaction(sender(world)) as tx:
        decisions.open_recap(tx, notification_id=row.id, version=row.thing_version or 0, place=Place(1, 2))
        draft = my_draft(tx)
        assert draft is not None
        return row, recap_mark(draft)


def confirmed(world: World, row: Notification, mark: int) -> None:
    with transaction(sender(world)) as tx:
        decisions.confirm(tx, notification_id=row.id, version=mark)


def test_two_taps_take_the_rows_and_the_end_is_told(any_world: World, at: At) -> None:
    job_id = sent(any_world, *GOOD, BAD)
    row, mark = recapped(any_world, job_id)
    assert stands(any_world, job_id).state is ImportState.PREVIEW
    at(clock.now() + LEAST_THOUGHT)
    confirmed(any_world, row, mark)
    confirmed(any_world, row, mark)  # a second tap is the same answer
    clinic_steps.work(job_id)
    found = stands(any_world, job_id)
    assert (found.state, found.created, found.rejected) == (ImportState.DONE, 3, 1)
    assert kinds(job_id) == [CHECKED, DONE]
    words, keys = shown(told(job_id)[1])
    assert "【已写入】" in words
    assert "新增 3，修改 0，未变 0，未写入 1" in words
    assert keys == ["打开导入页面"]


def test_a_recap_dies_when_the_file_is_mended_under_it(world: World, at: At) -> None:
    job_id = sent(world, *GOOD, BAD)
    row, mark = recapped(world, job_id)
    clinic.correct(sender(world, "panel"), job_id, {(6, "mobile"): CROWD[3].mobile})
    clinic_steps.work(job_id)
    at(clock.now() + LEAST_THOUGHT)
    with pytest.raises(StaleState):
        confirmed(world, row, mark)
    assert stands(world, job_id).state is ImportState.PREVIEW


def test_a_recap_that_waited_too_long_takes_nothing(world: World, at: At) -> None:
    job_id = sent(world, *GOOD)
    row, mark = recapped(world, job_id)
    at(clock.now() + CONFIRM_LASTS + SECOND)
    with pytest.raises(Exception, match="recap_forgotten"):
        confirmed(world, row, mark)
    assert stands(world, job_id).state is ImportState.PREVIEW


def test_there_is_nobody_to_send_a_file_back_to(world: World) -> None:
    row = told(sent(world, *GOOD))[0]
    with pytest.raises(NotPermitted, match="cannot_send_back"), transaction(sender(world)) as tx:
        decisions.refuse_by_code(tx, code=row.task_code or "", reason="不对", chat_id=1)
