"""Free words: a few questions are answered, everything else gets help, and nothing is ever guessed into an act."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from bot.intents import Intent, intent_of
from core.db import reading
from core.models.records import AuditEntry
from tests.bot.conftest import Chat

ASKED = {
    "还差多少人": Intent.NUMBERS,
    "还差多少人？": Intent.NUMBERS,
    "报考 人数": Intent.NUMBERS,
    "还剩几个名额呢": Intent.NUMBERS,
    "什么时候截止": Intent.DEADLINES,
    "报名哪天到期?": Intent.DEADLINES,
    "有什么待办": Intent.TODO,
    "今天要做什么": Intent.TODO,
    "有没有待签的": Intent.SIGN,
    "怎么用": Intent.HELP,
}
NOT_ASKED = [
    "",
    "好的",
    "收到，谢谢",
    "同意",
    "确认",
    "退回吧，人数不对",
    "全部通过，还差多少人",
    "帮我提交一下名额申请",
    "还差多少人，什么时候截止",  # two questions at once
    "我们学校今年的报考工作已经基本完成，只是还差多少人的照片没有拍完我也说不清楚",
    "12",
    "？？",
]


@pytest.mark.parametrize(("text", "intent"), ASKED.items())
def test_a_question_is_understood(text: str, intent: Intent) -> None:
    assert intent_of(text) is intent


@pytest.mark.parametrize("text", NOT_ASKED)
def test_nothing_else_is(text: str) -> None:
    assert intent_of(text) is None


def trail() -> int:
    with reading() as session:
        return session.scalar(select(func.count(AuditEntry.id))) or 0


async def test_questions_are_answered_with_numbers_and_change_nothing(chat: Chat) -> None:
    before = trail()
    async with chat.running():
        numbers = await chat.says("jiangcheng", "还差多少人？")
        assert numbers.startswith("【人数】")
        assert "已报考" in numbers
        assert "还可报" in numbers
        assert (await chat.says("jiangcheng", "什么时候截止")).startswith("【时间安排】")
        assert "没有看懂" in await chat.says("jiangcheng", "同意")
        assert "没有看懂" in await chat.says("jiangcheng", "好的")
        assert (await chat.says("jiangcheng", "有什么待办")).startswith("【待办】")
    assert trail() == before
