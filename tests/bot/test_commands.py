"""What people may ask: their tasks, their time, one plan, what waits for a signature; numbers and plans, no persons."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from core.db import reading
from core.demo.cast import PEOPLE
from core.models.plans import ExamPlan
from core.rules.plans import PlanPhase
from core.usecases.bindings import issue_binding_code
from tests.bot.conftest import Chat

TALKERS = [person.login for person in PEOPLE if person.telegram]


def plan_no(chat: Chat, key: str) -> str:
    with reading() as session:
        return session.scalars(select(ExamPlan.plan_no).where(ExamPlan.id == chat.world.ids[f"plan:{key}"])).one()


async def test_the_todo_list_counts_what_waits_and_brings_the_keys_along(chat: Chat) -> None:
    async with chat.running():
        overview = await chat.says("jiangcheng-fzr", "/todo")
        await chat.until(
            lambda: any(
                "签字确认" in str(chat.labels("jiangcheng-fzr", m["message_id"])) for m in chat.heard("jiangcheng-fzr")
            )
        )
    assert overview.startswith("【待办】")
    assert "待签发的证书" in overview
    signing = next(m for m in chat.heard("jiangcheng-fzr") if "【待签发】" in str(m["text"]))
    assert "待办编号" in signing["text"]


async def test_nothing_to_do_is_said_in_so_many_words(chat: Chat) -> None:
    code = chat.do(lambda tx: issue_binding_code(tx, account_id=chat.account("admin")))
    async with chat.running():
        await chat.says("stranger", f"/start {code}")
        assert "没有要办理的事" in await chat.says("stranger", "/todo")


async def test_deadlines_begin_with_the_next_one_and_show_only_plans_one_takes_part_in(chat: Chat) -> None:
    async with chat.running():
        college = await chat.says("jiangcheng", "/deadlines")
        province = await chat.says("hubei", "/deadlines")
        teo = await chat.says("yunfan", "/deadlines")
    lines = college.splitlines()
    assert re.match("【时间安排】最近：.+ · 5月20日 周三", lines[0])
    assert lines[1].split(" ")[0] == "5月20日"
    assert "申报" in province
    assert "考核" not in province
    assert "老年照护" not in teo


async def test_sign_opens_the_page_of_every_batch_that_waits(chat: Chat) -> None:
    async with chat.running():
        text = await chat.says("jiangcheng-fzr", "/sign")
        assert "不负责签发" in await chat.says("jiangcheng", "/sign")
        assert "没有等待您签发" in await chat.says("xihu-fzr", "/sign")
    key = chat.telegram.api.buttons(chat.user("jiangcheng-fzr"))[0]
    assert "不可撤回" in text
    assert f"/phone/enter?plan={chat.world.ids['plan:to_sign']}&party=college" in key["url"]
    assert plan_no(chat, "to_sign") in key["text"]


async def test_a_plan_is_shown_with_its_phase_and_only_to_those_who_take_part(chat: Chat) -> None:
    number = plan_no(chat, "closing")
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in number)
    async with chat.running():
        mine = await chat.says("jiangcheng", f"/plan {number}")
        assert await chat.says("jiangcheng", f"/plan　{wide}") == mine
        foreign = await chat.says("anlan", f"/plan {number}")
        unknown = await chat.says("anlan", "/plan 199901010001")
    assert mine.startswith(f"【{PlanPhase.REGISTERING.label}】")
    assert "剩余指标" in mine
    assert foreign.replace(number, "") == unknown.replace("199901010001", "")


async def test_plan_without_a_number_lists_them(chat: Chat) -> None:
    async with chat.running():
        listed = await chat.says("jiangcheng", "/plan")
    assert plan_no(chat, "closing") in listed
    assert plan_no(chat, "issued") not in listed


@pytest.mark.parametrize("login", TALKERS)
async def test_no_answer_names_a_person_or_outgrows_a_screen(chat: Chat, login: str) -> None:
    names = [person.name for person in PEOPLE]
    async with chat.running():
        for command in ("/start", "/todo", "/deadlines", "/sign", "/plan", "/settings", "/help"):
            await chat.says(login, command)
    said = [str(message["text"]) for message in chat.heard(login)]
    assert not [text for text in said if any(name in text for name in names)]
    assert not [text for text in said if re.search(r"(?<!\d)(1[3-9]\d{9}|\d{17}[\dX])(?!\d)", text)]
    assert max(map(len, said)) <= 560
    assert all(len(chat.telegram.api.buttons(chat.user(login), m["message_id"])) <= 3 for m in chat.heard(login))


async def test_what_is_no_text_gets_help_and_an_edited_message_is_no_new_word(chat: Chat) -> None:
    api, me = chat.telegram.api, chat.user("jiangcheng")
    async with chat.running():
        with api.changed:
            api._person_posts(me, None, {"voice": {"file_id": "v", "file_unique_id": "v", "duration": 3}}, None)
        await chat.until(lambda: "什么也没有改动" in str(chat.heard("jiangcheng")[-1:]))
        await chat.says("jiangcheng", "/help")
        written = next(m for m in api.history(me) if not m["from"]["is_bot"] and m.get("text") == "/help")
        before = len(chat.heard("jiangcheng"))
        with api.changed:
            api.queue("edited_message", written | {"text": "/todo", "edit_date": written["date"]})
        await chat.until(lambda: len(chat.heard("jiangcheng")) > before)
    assert "重新发送" in chat.last("jiangcheng")
