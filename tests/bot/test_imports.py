"""Rows of a file taken from chat (R-294): the question, the recap, the second tap, and the end."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import func, select

from core.db import reading
from core.models.candidates import Candidate
from core.models.records import ImportJob
from core.rules.imports import ImportState
from core.rules.notices import ReplyState
from core.sheets import clinic, clinic_steps
from tests.bot.conftest import Chat, later
from tests.core.sheets.test_desk import CROWD, student, workbook

COORDINATOR = "jiangcheng"
ASK, CONFIRM, KEEP = "只写入合格的 3 行", "确认写入 3 行", "暂不写入"


def sent(chat: Chat) -> int:
    """Three good rows and a bad one, looked over."""
    rows = [*(student(person) for person in CROWD[:3]), student(CROWD[3], mobile="12345")]
    actor = replace(chat.world.actor(COORDINATOR), channel="chat")
    job_id = clinic.receive(actor, "candidates", workbook("candidates", *rows), "学生.xlsx")
    clinic_steps.work(job_id)
    return job_id


def state(job_id: int) -> ImportState:
    with reading() as session:
        return session.get_one(ImportJob, job_id).state


def people() -> int:
    with reading() as session:
        return session.scalar(select(func.count(Candidate.id))) or 0


async def test_two_taps_take_the_good_rows(chat: Chat) -> None:
    """R-294."""
    job_id, before = sent(chat), people()
    row, message = await chat.gets(COORDINATOR, "imports.checked")
    assert chat.labels(COORDINATOR, message) == [ASK, "打开导入页面"]
    async with chat.running():
        await chat.presses(COORDINATOR, message, ASK)
        recap = await chat.reads(COORDINATOR, message, "现在还没有写入")
        assert "写入 3 行 · 本校学生导入模板" in recap
        assert "有问题的 1 行不写入" in recap
        assert "指纹 " in recap
        assert chat.labels(COORDINATOR, message) == [KEEP, CONFIRM]
        assert "还没有办理" in await chat.presses(COORDINATOR, message, CONFIRM)
        with later(seconds=2):
            await chat.presses(COORDINATOR, message, CONFIRM)
            await chat.reads(COORDINATOR, message, "已办理")
        assert chat.labels(COORDINATOR, message) == []
    assert state(job_id) is ImportState.WRITING
    clinic_steps.work_off()
    assert people() == before + 3
    done, copy = await chat.gets(COORDINATOR, "imports.done")
    assert done.reply_state is ReplyState.NOT_ASKED
    assert "新增 3，修改 0，未变 0，未写入 1" in chat.text(COORDINATOR, copy)
    assert chat.again(row).reply_state is ReplyState.DONE


async def test_rather_not_leaves_the_question_open(chat: Chat) -> None:
    job_id = sent(chat)
    _, message = await chat.gets(COORDINATOR, "imports.checked")
    async with chat.running():
        await chat.presses(COORDINATOR, message, ASK)
        await chat.reads(COORDINATOR, message, "现在还没有写入")
        assert await chat.presses(COORDINATOR, message, KEEP) == "没有办理，仍可再定"
        assert "没有写入" in await chat.reads(COORDINATOR, message, "仍待确认")
        assert chat.labels(COORDINATOR, message) == [ASK, "打开导入页面"]
    assert state(job_id) is ImportState.PREVIEW


async def test_a_press_on_a_question_about_a_file_mended_since_shows_the_new_counts(chat: Chat) -> None:
    """chat.md, version check."""
    job_id = sent(chat)
    row, message = await chat.gets(COORDINATOR, "imports.checked")
    key = chat.data(COORDINATOR, message, ASK)
    clinic.correct(chat.world.actor(COORDINATOR), job_id, {(6, "mobile"): CROWD[3].mobile})
    clinic_steps.work(job_id)
    async with chat.running():
        press = chat.telegram.api.user_presses(chat.user(COORDINATOR), message, key)
        assert "重新检查过" in await chat.answer(press)
        await chat.reads(COORDINATOR, message, "可写入 4 行")
        assert chat.labels(COORDINATOR, message)[0] == "写入 4 行"
    assert state(job_id) is ImportState.PREVIEW
    assert chat.again(row).reply_state is ReplyState.OPEN


async def test_a_code_confirms_no_sooner_than_the_second_word(chat: Chat) -> None:
    """确认 K7Q4 opens the recap; there is nobody to send a file back to."""
    job_id = sent(chat)
    row, _ = await chat.gets(COORDINATOR, "imports.checked")
    async with chat.running():
        assert "现在还没有写入" in await chat.says(COORDINATOR, f"确认 {row.task_code}")
        assert "不能退回" in await chat.says(COORDINATOR, f"退回 {row.task_code} 名单不对")
    assert state(job_id) is ImportState.PREVIEW
