"""Workbooks sent to the bot: refused in words, recognised, asked about, taken in once; whatever happens in between."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from sqlalchemy import func, select

from bot import fetching
from bot.flows import sent_file
from bot.simulator.faults import Fault
from bot.simulator.people import Group
from core import clock, settings
from core.db import reading
from core.models.candidates import Candidate
from core.models.plans import ExamPlan
from core.models.records import ChatDraft, ImportJob
from core.rules.imports import ImportState
from core.sheets import clinic_steps, desk
from core.sheets.catalogue import SHEETS
from core.usecases.sent_files import FileQuestion
from tests.bot.conftest import STRANGER, Chat, later
from tests.core.sheets.broken_files import photo, xls, xlsx, zipped
from tests.core.sheets.test_desk import CROWD, student, workbook

WHO = "jiangcheng"
SIZE = 20 * 1024 * 1024
CHOICES = ["按《本校学生导入模板》导入", "按《社会考生导入模板》导入"]


def students(*people: int) -> bytes:
    return workbook("candidates", *(student(CROWD[at]) for at in people or (0, 1, 2)))


def untitled(sheet: str = "candidates", *lines: Any) -> bytes:
    """The sheet without its title row; candidates look like social ones then."""
    spec = SHEETS[sheet].spec
    rows = [[line[column.field] for column in spec.columns] for line in lines or (student(CROWD[0]),)]
    return xlsx(*rows, title=None, header=[column.heading for column in spec.columns])


def jobs() -> list[ImportJob]:
    with reading() as session:
        found = list(session.scalars(select(ImportJob).order_by(ImportJob.id.desc()).limit(20)))
        session.expunge_all()
        return found


def newest(count: int = 1) -> ImportJob:
    assert len(jobs()) >= count
    return jobs()[0]


def job_count() -> int:
    with reading() as session:
        return session.scalar(select(func.count(ImportJob.id))) or 0


def draft_flow() -> str:
    with reading() as session:
        return session.scalars(select(ChatDraft.flow)).one_or_none() or ""


def fetched(chat: Chat) -> int:
    """How often the bot asked Telegram for a file."""
    return len(chat.telegram.api.accepted("getFile")) + len(chat.telegram.api.refused("getFile"))


async def looked_over(chat: Chat, count: int) -> ImportJob:
    """Wait until the newest of so many imports has been looked over."""
    await chat.until(lambda: job_count() == count and jobs()[0].state is not ImportState.READING)
    return jobs()[0]


# -- taken in ----------------------------------------------------------------------------------------------------------


async def test_a_workbook_is_taken_in_looked_over_and_writes_nothing_yet(chat: Chat) -> None:
    """R-294: checked first, as from the panel."""
    before = job_count()
    async with chat.running():
        message = await chat.sends(WHO, "软件2501班.xlsx", students(), caption="请尽快")
        job = await looked_over(chat, before + 1)
    text = chat.text(WHO, message)
    assert text.startswith("收到《软件2501班.xlsx》（本校学生导入模板）")
    assert "查完在这里告诉您" in text
    (key,) = chat.telegram.api.buttons(chat.user(WHO), message)
    assert key["url"] == f"{settings.current().base_url}/admin/imports/{job.id}/"
    assert (job.state, job.row_count, job.sheet, job.file_name) == (
        ImportState.PREVIEW,
        3,
        "candidates",
        "软件2501班.xlsx",
    )
    assert job.created_by == chat.account(WHO)
    with reading() as session:
        assert not session.scalar(select(func.count()).where(Candidate.id_number == CROWD[0].id_number))
    assert len(chat.heard(WHO)) == 1, "what was found is the outbox's to say"


async def test_an_xls_a_forwarded_file_and_one_without_a_name_are_taken_in_alike(chat: Chat) -> None:
    before = job_count()
    api = chat.telegram.api
    spec = SHEETS["candidates"].spec
    line = [str(student(CROWD[0])[column.field]) for column in spec.columns]
    async with chat.running():
        await chat.sends(WHO, "老.XLS", xls([spec.title], [column.heading for column in spec.columns], line))
        await looked_over(chat, before + 1)
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        with api.changed:
            kept = api.keep_file("x.xlsx", students(), folder="documents", mime=kind)
            nameless = {name: fact for name, fact in kept.as_document().items() if name != "file_name"}
            origin = {"type": "user", "sender_user": api.people[STRANGER].as_user(), "date": 1}
            heard = len(chat.heard(WHO))
            api._person_posts(chat.user(WHO), None, {"document": nameless, "forward_origin": origin}, None)
        await chat.until(lambda: len(chat.heard(WHO)) > heard)
        job = await looked_over(chat, before + 2)
    assert (job.file_name, job.state, job.row_count) == ("文件.xlsx", ImportState.PREVIEW, 3)


async def test_the_same_file_sent_twice_is_taken_in_twice(chat: Chat) -> None:
    before, data = job_count(), students()
    async with chat.running():
        await chat.sends(WHO, "学生.xlsx", data)
        await chat.sends(WHO, "学生.xlsx", data)
        await looked_over(chat, before + 2)


async def test_an_update_delivered_twice_makes_one_import_and_two_answers(chat: Chat) -> None:
    before, api = job_count(), chat.telegram.api
    async with chat.running():
        await chat.sends(WHO, "学生.xlsx", students())
        await looked_over(chat, before + 1)
    api.deliver_again(api.last_update_id)
    async with chat.running():
        await chat.until(lambda: len(chat.heard(WHO)) == 2)
    assert job_count() == before + 1
    assert "现状：待确认" in chat.last(WHO)
    assert chat.telegram.api.buttons(chat.user(WHO))[0]["url"].endswith(f"/{newest().id}/")


async def test_a_bot_killed_between_noting_the_update_and_taking_the_file_takes_it_when_it_comes_again(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, api = job_count(), chat.telegram.api
    with monkeypatch.context() as dying:
        dying.setattr("core.sheets.clinic.receive", _dies)
        async with chat.running():
            await chat.sends(WHO, "学生.xlsx", students())
    assert job_count() == before
    api.deliver_again(api.last_update_id)
    async with chat.running():
        await looked_over(chat, before + 1)


def _dies(*_: object, **__: object) -> None:
    raise RuntimeError("killed")


async def test_a_check_that_breaks_is_logged_by_its_kind_and_left_to_whoever_comes_after(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = job_count()

    def broken(job_id: int) -> None:
        raise RuntimeError(CROWD[0].name)

    with monkeypatch.context() as breaking:
        breaking.setattr(clinic_steps, "work", broken)
        async with chat.running():
            await chat.sends(WHO, "学生.xlsx", students())
            await chat.until(lambda: "RuntimeError" in caplog.text)
    assert CROWD[0].name not in caplog.text
    assert newest().state is ImportState.READING
    assert await asyncio.to_thread(clinic_steps.work_off) == 1
    assert (job_count(), newest().state) == (before + 1, ImportState.PREVIEW)


# -- asked about -------------------------------------------------------------------------------------------------------


async def test_columns_of_two_sheets_are_asked_about_and_taken_as_the_one_chosen(chat: Chat) -> None:
    before = job_count()
    async with chat.running():
        message = await chat.sends(WHO, "学生.xlsx", untitled())
        assert chat.text(WHO, message).startswith("《学生.xlsx》是哪一张表？")
        assert chat.labels(WHO, message) == CHOICES
        assert job_count() == before
        assert await chat.presses(WHO, message, CHOICES[1]) == "收到，正在检查"
        assert "社会考生导入模板" in await chat.reads(WHO, message, "收到《学生.xlsx》")
        job = await looked_over(chat, before + 1)
    assert job.sheet == "social-candidates"
    assert chat.labels(WHO, message) == ["打开本次导入"]


async def test_a_restart_between_question_and_answer_forgets_nothing(chat: Chat) -> None:
    before = job_count()
    async with chat.running():
        message = await chat.sends(WHO, "学生.xlsx", untitled())
    async with chat.running():
        await chat.presses(WHO, message, CHOICES[0])
        assert (await looked_over(chat, before + 1)).sheet == "candidates"


async def test_a_double_tap_and_a_replayed_press_take_the_file_once(any_chat: Chat) -> None:
    chat = any_chat
    before, api = job_count(), chat.telegram.api
    async with chat.running():
        message = await chat.sends(WHO, "学生.xlsx", untitled())
        data = chat.data(WHO, message, CHOICES[0])
        other = chat.data(WHO, message, CHOICES[1])
        presses = [api.user_presses(chat.user(WHO), message, data, stale=True) for _ in range(2)]
        assert [await chat.answer(press) for press in presses] == ["收到，正在检查", "文件已收到"]
        assert await chat.presses(WHO, message, other, stale=True) == "文件已收到"
        await looked_over(chat, before + 1)
    polls = len(api.accepted("answerCallbackQuery")) + len(api.refused("answerCallbackQuery"))
    api.deliver_again(api.last_update_id)
    async with chat.running():
        await chat.until(
            lambda: len(api.accepted("answerCallbackQuery")) + len(api.refused("answerCallbackQuery")) > polls
        )
    assert job_count() == before + 1
    assert chat.labels(WHO, message) == ["打开本次导入"]


@pytest.mark.parametrize("at", ["core.sheets.clinic.receive", "bot.flows.sent_file._conclude"])
async def test_killed_before_or_after_the_import_the_key_is_pressed_again_and_it_is_one(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    before = job_count()
    async with chat.running():
        message = await chat.sends(WHO, "学生.xlsx", untitled())
    with monkeypatch.context() as dying:
        dying.setattr(at, _dies)
        async with chat.running():
            await chat.presses(WHO, message, CHOICES[0])
            await chat.until(lambda: "抱歉" in chat.last(WHO))
    assert chat.labels(WHO, message) == CHOICES
    with later(minutes=2):
        async with chat.running():
            await chat.presses(WHO, message, CHOICES[0])
            await chat.reads(WHO, message, "收到《学生.xlsx》")
            await looked_over(chat, before + 1)


async def test_a_plan_is_asked_for_by_its_number(chat: Chat) -> None:
    """R-136: the plan is chosen first."""
    before = job_count()
    sheet = "registrations-by-certificate"
    with reading() as session:
        plan = session.get_one(ExamPlan, chat.world.ids["plan:closing"])
        number, label = plan.plan_no, f"{plan.plan_no} {plan.name}"
    async with chat.running():
        message = await chat.sends(WHO, "报考.xlsx", desk.template_bytes(sheet))
        assert "《报考.xlsx》属于哪个考试计划" in chat.text(WHO, message)
        assert label in chat.labels(WHO, message)
        assert len(chat.labels(WHO, message)) <= sent_file.MOST_PLANS
        await chat.presses(WHO, message, label)
        assert f"考试计划 {number}" in await chat.reads(WHO, message, "收到《报考.xlsx》")
        job = await looked_over(chat, before + 1)
    assert (job.sheet, job.plan_id) == (sheet, chat.world.ids["plan:closing"])
    assert job.state is ImportState.REJECTED, "a template without rows"


async def test_more_plans_than_keys_are_counted(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent_file, "MOST_PLANS", 1)
    async with chat.running():
        offered = await chat.sends("yunfan", "成绩.xlsx", desk.template_bytes("scores"))
        text = chat.text("yunfan", offered)
    assert len(chat.labels("yunfan", offered)) == 1
    with reading() as session:
        actor = chat.world.actor("yunfan")
        plans = SHEETS["scores"].plans
        assert plans is not None
        more = len(plans(session, actor, clock.now())) - 1
    assert ("另有" in text) is (more > 0)


async def test_where_no_plan_is_open_it_says_so(chat: Chat) -> None:
    with later(days=400):
        async with chat.running():
            answer = await chat.sends("yunfan", "成绩.xlsx", desk.template_bytes("scores"))
    assert "现在没有可以导入《科目成绩导入模板》的考试计划" in chat.text("yunfan", answer)
    assert draft_flow() == ""


async def test_a_sheet_chosen_by_key_may_lead_to_its_plan(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    before, register = job_count(), "registrations-by-certificate"
    monkeypatch.setattr("bot.handlers.files.sheets_of", lambda *_, **__: ("candidates", register))
    async with chat.running():
        message = await chat.sends(WHO, "表.xlsx", desk.template_bytes(register))
        first = chat.data(WHO, message, "按《按证书导入报考模板》导入")
        assert await chat.presses(WHO, message, "按《按证书导入报考模板》导入") == "请选择考试计划"
        await chat.reads(WHO, message, "属于哪个考试计划")
        assert await chat.presses(WHO, message, first, stale=True) == "请选择考试计划"
        await chat.presses(WHO, message, chat.labels(WHO, message)[0])
        await chat.reads(WHO, message, "收到《表.xlsx》")
        assert (await looked_over(chat, before + 1)).sheet == register


# -- keys that are over, and other people's ----------------------------------------------------------------------------


async def test_a_newer_file_replaces_the_open_question_and_its_keys_go(chat: Chat) -> None:
    before = job_count()
    async with chat.running():
        old = await chat.sends(WHO, "旧.xlsx", untitled())
        new = await chat.sends(WHO, "新.xlsx", untitled("candidates", student(CROWD[1])))
        answer = await chat.presses(WHO, old, CHOICES[0])
        assert answer == "该问题已过时。仍要导入，请重新发送文件。"
        await chat.until(lambda: not chat.labels(WHO, old))
        await chat.presses(WHO, new, CHOICES[0])
        await looked_over(chat, before + 1)
    assert newest().file_name == "新.xlsx"


async def test_a_key_past_its_time_is_answered_and_taken_away(chat: Chat) -> None:
    before = job_count()
    async with chat.running():
        message = await chat.sends(WHO, "学生.xlsx", untitled())
        with later(minutes=31):
            assert "该问题已过时" in await chat.presses(WHO, message, CHOICES[0])
        await chat.until(lambda: not chat.labels(WHO, message))
    assert job_count() == before


async def test_an_outcome_keeps_its_key_when_an_old_one_is_pressed(chat: Chat) -> None:
    async with chat.running():
        message = await chat.sends(WHO, "旧.xlsx", untitled())
        data = chat.data(WHO, message, CHOICES[0])
        await chat.presses(WHO, message, CHOICES[0])
        await chat.reads(WHO, message, "收到《旧.xlsx》")
        await chat.sends(WHO, "新.xlsx", untitled("candidates", student(CROWD[1])))
        assert "该问题已过时" in await chat.presses(WHO, message, data, stale=True)
        await chat.says(WHO, "/help")
    assert chat.labels(WHO, message) == ["打开本次导入"]


async def test_somebody_elses_key_does_nothing(chat: Chat) -> None:
    before, api = job_count(), chat.telegram.api
    async with chat.running():
        message = await chat.sends(WHO, "学生.xlsx", untitled())
        copy = api.user_forwards(chat.user(WHO), message, to=chat.user("chutian"), despite_protection=True)
        press = api.user_presses(chat.user("chutian"), copy, CHOICES[0])
        assert "属于另一位同事" in await chat.answer(press)
        assert chat.labels(WHO, message) == CHOICES
    assert job_count() == before


async def test_words_while_a_file_is_asked_about_decide_nothing(chat: Chat) -> None:
    async with chat.running():
        message = await chat.sends(WHO, "学生.xlsx", untitled())
        assert "没有看懂" in await chat.says(WHO, "本校学生")
        assert "没有看懂" in await chat.says(WHO, "23")
        assert draft_flow() == FileQuestion.SHEET
        await chat.presses(WHO, message, CHOICES[0])
        await chat.reads(WHO, message, "收到《学生.xlsx》")
        assert "没有看懂" in await chat.says(WHO, "好的")


async def test_a_question_about_a_file_and_one_about_a_decision_do_not_mix(chat: Chat) -> None:
    """A reason is not heard once a file is asked about, and a new decision ends the question about the file."""
    signer = "chutian-fzr"
    _, task = await chat.gets(signer, "certificates.signing_requested", chat.world.ids["plan:to_sign"])
    async with chat.running():
        await chat.presses(signer, task, "退回并说明")
        await chat.until(lambda: "请直接发送退回理由" in chat.last(signer))
        message = await chat.sends(signer, "学生.xlsx", untitled())
        assert chat.labels(signer, message) == CHOICES
        assert "没有看懂" in await chat.says(signer, "成绩与记录不一致")
        await chat.presses(signer, task, "退回并说明")
        await chat.until(lambda: "请直接发送退回理由" in chat.last(signer))
        assert "该问题已过时" in await chat.presses(signer, message, CHOICES[0])


# -- not taken ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("学生.xlsm", b"PK\x03\x04", "文件带有宏"),
        ("学生.csv", b"1,2", "不接收 .csv"),
        ("学生.et", b"\xd0\xcf\x11\xe0", "WPS 的 .et 文件请另存为 .xlsx"),
        ("通知.docx", b"PK\x03\x04", "聊天里只接收 .xlsx、.xls 工作簿和照片压缩包 .zip"),
        ("无后缀", b"x", "聊天里只接收"),
        ("110101200001010010.jpg", photo(), "作为“文件”发送压缩包"),
        ("大.xlsx", b"PK\x03\x04" + bytes(SIZE), "超过 20 MB"),
    ],
)
async def test_what_cannot_be_taken_is_refused_before_it_is_fetched(
    chat: Chat, name: str, content: bytes, words: str
) -> None:
    """R-296."""
    before = job_count()
    async with chat.running():
        answer = await chat.sends(WHO, name, content)
    assert words in chat.text(WHO, answer)
    assert fetched(chat) == 0
    assert job_count() == before


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("学生.xlsx", b"<html></html>", "不是 Excel 工作簿"),
        ("学生.xlsx", zipped({"xl/workbook.xml": b"", "xl/vbaProject.bin": b""}), "文件带有宏"),
        ("学生.xlsx", b"PK\x03\x04 and no more", "已损坏"),
        ("学生.xlsx", xlsx(title=None, header=["日期", "金额"]), "没有认出这是哪一张表"),
        ("学生.zip", students(0), "其实是一份工作簿"),
        ("学生.zip", zipped({"学生.xlsx": students(0)}), "压缩包里没有 .jpg 或 .png 照片"),
    ],
    ids=["html", "macros", "damaged", "unknown", "renamed", "packed"],
)
async def test_what_is_not_what_its_name_says_is_refused_once_fetched(
    chat: Chat, name: str, content: bytes, words: str
) -> None:
    before = job_count()
    async with chat.running():
        answer = await chat.sends(WHO, name, content)
    assert words in chat.text(WHO, answer)
    assert (job_count(), draft_flow()) == (before, "")


async def test_an_unknown_workbook_names_what_this_person_may_send(chat: Chat) -> None:
    async with chat.running():
        answer = await chat.sends("yunfan", "名单.xlsx", xlsx(title=None, header=["日期", "金额"]))
    text = chat.text("yunfan", answer)
    assert "《科目成绩导入模板》" in text
    assert "《本校学生导入模板》" not in text
    assert "在面板的对应页面下载空白模板" in text


async def test_a_sheet_of_somebody_elses_office_is_named_and_not_taken(chat: Chat) -> None:
    before = job_count()
    async with chat.running():
        answer = await chat.sends("yunfan", "学生.xlsx", students())
        zipped_photos = await chat.sends("yunfan", "照片.zip", zipped({"1.jpg": photo()}))
    assert "这是《本校学生导入模板》，您的账号不能导入" in chat.text("yunfan", answer)
    assert "不能导入学生照片" in chat.text("yunfan", zipped_photos)
    assert job_count() == before


async def test_whoever_imports_nothing_is_told_so_before_anything_is_fetched(chat: Chat) -> None:
    async with chat.running():
        answer = await chat.sends("hubei", "学生.xlsx", students())
    assert "没有可以导入的表格" in chat.text("hubei", answer)
    assert fetched(chat) == 0


async def test_an_unbound_sender_and_a_group_get_a_line_and_nothing_else(chat: Chat) -> None:
    before, api = job_count(), chat.telegram.api
    group = api.add_group(Group(-77, "考务群", [chat.user(WHO), STRANGER]))
    async with chat.running():
        api.user_sends_document(STRANGER, "学生.xlsx", students())
        await chat.until(lambda: any(m["from"]["is_bot"] for m in api.history(STRANGER)))
        caption = f"@{api.bot['username']} 请导入"
        api.user_sends_document(group.id, "学生.xlsx", students(), sender=chat.user(WHO), caption=caption)
        await chat.until(lambda: any(m["from"]["is_bot"] for m in api.history(group.id)))
    assert "还没有绑定考务账号" in api.history(STRANGER)[-1]["text"]
    assert "只在私聊中办事" in api.history(group.id)[-1]["text"]
    assert (job_count(), fetched(chat)) == (before, 0)


async def test_an_album_of_pictures_is_answered_once(chat: Chat) -> None:
    api = chat.telegram.api
    async with chat.running():
        for _ in range(3):
            api.user_sends_photo(chat.user(WHO), photo(), album="a1")
        await chat.until(lambda: chat.heard(WHO))
        await chat.says(WHO, "/help")
        assert [("作为“文件”发送" in m["text"]) for m in chat.heard(WHO)] == [True, False]
        api.user_sends_photo(chat.user(WHO), photo())
        await chat.until(lambda: len(chat.heard(WHO)) == 3)


async def test_a_file_that_waited_in_a_backlog_is_asked_for_again(chat: Chat) -> None:
    before = job_count()
    chat.telegram.api.user_sends_document(chat.user(WHO), "学生.xlsx", students())
    with later(minutes=11):
        async with chat.running():
            await chat.until(lambda: chat.heard(WHO))
    assert "到得太晚" in chat.last(WHO)
    assert job_count() == before


# -- Telegram does not hand it out -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        ("download", Fault.slow(1.0)),
        ("download", Fault.bad_gateway()),
        ("getFile", Fault.slow(1.0)),
        ("getFile", Fault.bad_gateway()),
        ("getFile", Fault.refused(400, "Bad Request: invalid file_id")),
        ("download", Fault.refused(403, "Forbidden")),
        ("download", Fault.refused(404, "Not Found")),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.code}",
)
async def test_a_file_telegram_does_not_hand_out_is_said_not_to_be_taken(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, method: str, fault: Fault
) -> None:
    before = job_count()
    monkeypatch.setattr(fetching, "PAUSES", (0.0, 0.0))
    monkeypatch.setattr(fetching, "READ_TIMEOUT", 0.2)
    chat.telegram.api.faults.script(method, fault, times=3)
    async with chat.running():
        answer = await chat.sends(WHO, "学生.xlsx", students())
        assert "没有从 Telegram 取到这个文件，没有导入任何数据" in chat.text(WHO, answer)
        assert job_count() == before
        chat.telegram.api.faults.clear()
        await chat.sends(WHO, "学生.xlsx", students())
        await looked_over(chat, before + 1)


async def test_a_short_trouble_is_waited_out(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    before = job_count()
    monkeypatch.setattr(fetching, "PAUSES", (0.0, 0.0))
    chat.telegram.api.faults.script("getFile", Fault.bad_gateway())
    chat.telegram.api.faults.script("download", Fault.bad_gateway())
    async with chat.running():
        await chat.sends(WHO, "学生.xlsx", students())
        await looked_over(chat, before + 1)


async def test_a_size_that_was_not_told_is_found_out(chat: Chat) -> None:
    api = chat.telegram.api
    async with chat.running():
        with api.changed:
            kept = api.keep_file("大.xlsx", bytes(SIZE + 1), folder="documents")
            untold = {name: fact for name, fact in kept.as_document().items() if name != "file_size"}
            api._person_posts(chat.user(WHO), None, {"document": untold}, None)
        await chat.until(lambda: chat.heard(WHO))
    assert "超过 20 MB" in chat.last(WHO)


async def test_after_a_press_the_failure_is_a_message_and_the_question_stays(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = job_count()
    monkeypatch.setattr(fetching, "PAUSES", (0.0, 0.0))
    async with chat.running():
        message = await chat.sends(WHO, "学生.xlsx", untitled())
        chat.telegram.api.faults.script("download", Fault.bad_gateway(), times=3)
        await chat.presses(WHO, message, CHOICES[0])
        await chat.until(lambda: "没有从 Telegram 取到" in chat.last(WHO))
        assert chat.labels(WHO, message) == CHOICES
        await chat.presses(WHO, message, CHOICES[0])
        await looked_over(chat, before + 1)


# -- nothing personal --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("软件2501班.xlsx", "《软件2501班.xlsx》"),
        ("林小明 110101200001010010.xlsx", "您的文件"),
        ("１３８００１３８０００.xlsx", "您的文件"),
        ("长" * 100 + ".xlsx", "《" + "长" * 20 + "…" + "长" * 14 + ".xlsx》"),
        ("  ", "您的文件"),
    ],
)
def test_a_files_name_is_told_as_its_sender_wrote_it_unless_it_holds_a_number(name: str, told: str) -> None:
    assert sent_file.told_name(name) == told


async def test_neither_chat_nor_log_names_anybody_of_the_file(chat: Chat, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    before, person = job_count(), CROWD[0]
    pictures = {f"{one.id_number}.jpg": photo() for one in CROWD[:2]}
    file_name = f"{person.name}{person.id_number}.xlsx"
    async with chat.running():
        await chat.sends(WHO, file_name, students())
        await looked_over(chat, before + 1)
        asked = await chat.sends(WHO, file_name, untitled())
        await chat.presses(WHO, asked, CHOICES[0])
        await looked_over(chat, before + 2)
        note = await chat.sends(WHO, f"{person.id_number}.zip", zipped(pictures))
        await chat.until(lambda: "正在检查照片" not in chat.text(WHO, note))
        await chat.sends(WHO, f"{person.mobile}.docx", b"x")
    ours = [record for record in caplog.records if not record.name.startswith(("httpcore", "httpx", "telegram"))]
    log = "\n".join(f"{record.name} {record.getMessage()} {record.exc_text or ''}" for record in ours)
    chats = json.dumps([(m["text"], m.get("reply_markup")) for m in chat.heard(WHO)], ensure_ascii=False)
    facts = {fact for one in CROWD[:3] for fact in (one.name, one.id_number, one.mobile)}
    assert not [fact for fact in facts if fact in log]
    assert not [fact for fact in facts if fact in chats]
    assert not [r for r in caplog.records if r.levelno >= logging.INFO and chat.telegram.token in r.getMessage()]
