"""An archive of photos sent to the bot: tried, counted, stored after a second look, once (R-081…R-083)."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from sqlalchemy import delete, select

from bot import fetching
from bot.simulator.faults import Fault
from core import settings
from core.db import reading
from core.errors import FileRefused
from core.models.accounts import AccountRole
from core.models.candidates import Candidate, CandidatePhoto
from core.models.records import ImportJob
from core.rules.imports import ImportState
from core.sheets import desk
from core.sheets.desk import PHOTOS
from core.usecases.sent_files import FileQuestion
from tests.bot.conftest import Chat, later
from tests.bot.test_files import WHO, _dies, draft_flow
from tests.core.sheets.broken_files import photo, zipped
from tests.core.sheets.test_desk import CROWD, count, picture, student, workbook

STORE = "存入 2 张照片"
LEAVE = "不存入"


@pytest.fixture
def chat(chat: Chat) -> Chat:
    """Two candidates without photos are there."""
    rows = [student(CROWD[at]) for at in (0, 1)]
    desk.import_file(chat.world.actor(WHO), "candidates", workbook("candidates", *rows), "学生.xlsx")
    return chat


def archive(**more: bytes) -> bytes:
    """Two good pictures, one too many, and more."""
    files = {f"{CROWD[at].id_number}.jpg": picture(at) for at in (0, 1)}
    return zipped(files | {"说明.txt": b"x"} | more)


def stored() -> int:
    """How many of the two have a photo."""
    with reading() as session:
        ids = [CROWD[at].id_number for at in (0, 1)]
        return len(
            session.scalars(
                select(Candidate.id).where(Candidate.id_number.in_(ids), Candidate.photo_hash.is_not(None))
            ).all()
        )


def photo_jobs() -> list[ImportJob]:
    with reading() as session:
        found = list(session.scalars(select(ImportJob).where(ImportJob.sheet == PHOTOS).order_by(ImportJob.id)))
        session.expunge_all()
        return found


async def recapped(chat: Chat, content: bytes, name: str = "照片.zip") -> int:
    """Send it; the id of the message that has become the recap."""
    message = await chat.sends(WHO, name, content)
    await chat.until(lambda: "正在检查照片" not in chat.text(WHO, message))
    return message


async def test_an_archive_is_counted_first_and_stored_after_a_second_look(chat: Chat) -> None:
    before, content = len(photo_jobs()), archive()
    async with chat.running():
        message = await recapped(chat, content)
        text = chat.text(WHO, message)
        assert text.startswith("检查完毕，还没有存入：《照片.zip》")
        assert "共 3 张：可存入 2，没有变化 0，不合要求 1，可裁剪 0" in text
        assert chat.labels(WHO, message) == [LEAVE, STORE]
        assert (stored(), len(photo_jobs()), draft_flow()) == (0, before, FileQuestion.PHOTOS)
        with later(seconds=2):
            assert await chat.presses(WHO, message, STORE) == "正在存入照片"
            text = await chat.reads(WHO, message, "已存入 2 张照片")
    assert "共 3 张：存入 2，没有变化 0，不合要求 1，待确认裁剪 0" in text
    assert "其间" not in text
    assert stored() == 2
    (job,) = photo_jobs()[before:]
    assert (job.state, job.accepted_count, job.file_hash) == (
        ImportState.DONE,
        2,
        hashlib.sha256(content).hexdigest(),
    )
    (key,) = chat.telegram.api.buttons(chat.user(WHO), message)
    assert key["url"] == f"{settings.current().base_url}/admin/photo-verdicts/?flt0_0={job.id}"


async def test_a_second_tap_within_a_second_does_not_pass(chat: Chat) -> None:
    async with chat.running():
        message = await recapped(chat, archive())
        assert "还没有办理" in await chat.presses(WHO, message, STORE)
    assert stored() == 0


async def test_not_to_store_leaves_everything_and_twice_is_once(chat: Chat) -> None:
    async with chat.running():
        message = await recapped(chat, archive())
        data = chat.data(WHO, message, STORE)
        assert await chat.presses(WHO, message, LEAVE) == "没有存入"
        await chat.reads(WHO, message, "没有存入：《照片.zip》")
        with later(seconds=2):
            assert await chat.presses(WHO, message, data, stale=True) == "没有存入"
    assert stored() == 0
    assert chat.labels(WHO, message) == []


async def test_a_double_tap_and_a_replay_store_once(chat: Chat) -> None:
    before, api = len(photo_jobs()), chat.telegram.api
    async with chat.running():
        message = await recapped(chat, archive())
        data = chat.data(WHO, message, STORE)
        with later(seconds=2):
            presses = [api.user_presses(chat.user(WHO), message, data, stale=True) for _ in range(2)]
            assert [await chat.answer(press) for press in presses] == ["正在存入照片", "已存入 2 张照片"]
    answers = len(api.accepted("answerCallbackQuery")) + len(api.refused("answerCallbackQuery"))
    api.deliver_again(api.last_update_id)
    with later(seconds=3):
        async with chat.running():
            await chat.until(
                lambda: len(api.accepted("answerCallbackQuery")) + len(api.refused("answerCallbackQuery")) > answers
            )
    assert len(photo_jobs()) == before + 1
    assert "已存入 2 张照片" in chat.text(WHO, message)


async def test_the_archive_delivered_twice_is_asked_about_twice_and_stored_once(chat: Chat) -> None:
    before, api = len(photo_jobs()), chat.telegram.api
    async with chat.running():
        first = await recapped(chat, archive())
    api.deliver_again(api.last_update_id)
    async with chat.running():
        await chat.until(lambda: len(chat.heard(WHO)) == 2 and "检查完毕" in chat.last(WHO))
        second = int(chat.heard(WHO)[-1]["message_id"])
        with later(seconds=2):
            await chat.presses(WHO, first, STORE)
            await chat.presses(WHO, second, STORE)
            await chat.reads(WHO, second, "已存入 2 张照片")
    assert len(photo_jobs()) == before + 1


@pytest.mark.parametrize("at", ["core.sheets.desk.import_photos", "bot.flows.sent_file._conclude"])
async def test_killed_before_or_after_storing_the_key_is_pressed_again_and_it_is_one(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    before = len(photo_jobs())
    async with chat.running():
        message = await recapped(chat, archive())
    with later(seconds=2), monkeypatch.context() as dying:
        dying.setattr(at, _dies)
        async with chat.running():
            await chat.presses(WHO, message, STORE)
            await chat.until(lambda: "抱歉" in chat.last(WHO))
    assert chat.labels(WHO, message) == [LEAVE, STORE]
    with later(minutes=2):
        async with chat.running():
            await chat.presses(WHO, message, STORE)
            assert "存入 2，没有变化 0" in await chat.reads(WHO, message, "已存入")
    assert (stored(), len(photo_jobs())) == (2, before + 1)


async def test_what_changed_since_the_look_is_said(chat: Chat) -> None:
    async with chat.running():
        message = await recapped(chat, archive())
        one = zipped({f"{CROWD[0].id_number}.jpg": picture(0)})
        desk.import_photos(chat.world.actor(WHO), one, "一张.zip")
        with later(seconds=2):
            await chat.presses(WHO, message, STORE)
            text = await chat.reads(WHO, message, "已存入 1 张照片")
    assert "检查时为 2 张，其间考生信息有变动" in text


async def test_where_nothing_can_be_stored_there_is_nothing_to_confirm(chat: Chat) -> None:
    async with chat.running():
        message = await recapped(chat, zipped({"x.jpg": photo()}))
    assert "没有可存入的照片" in chat.text(WHO, message)
    assert chat.labels(WHO, message) == ["在面板查看原因"]
    assert draft_flow() == ""


async def test_pictures_that_only_a_crop_would_save_are_handed_in_for_the_panel(chat: Chat) -> None:
    wide = zipped({f"{CROWD[0].id_number}.jpg": photo(size=(413, 579))})
    async with chat.running():
        message = await recapped(chat, wide)
        assert "可裁剪 1" in chat.text(WHO, message)
        label = chat.labels(WHO, message)[-1]
        assert label == "提交 1 张待裁剪照片"
        with later(seconds=2):
            await chat.presses(WHO, message, label)
            assert "待确认裁剪 1" in await chat.reads(WHO, message, "已存入 0 张照片")
    assert stored() == 0


async def test_an_archive_refused_as_a_whole_says_so_where_it_was_announced(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise FileRefused("zip_path_unsafe")

    monkeypatch.setattr(desk, "import_photos", refused)
    async with chat.running():
        message = await recapped(chat, archive())
    assert "指向包外的路径" in chat.text(WHO, message)
    assert len(chat.heard(WHO)) == 1


async def test_a_check_that_breaks_ends_the_announcement_with_an_apology(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "import_photos", _dies)
    async with chat.running():
        message = await recapped(chat, archive())
    assert "抱歉" in chat.text(WHO, message)


async def test_another_content_under_the_same_name_is_not_stored(chat: Chat) -> None:
    async with chat.running():
        message = await recapped(chat, archive())
        api = chat.telegram.api
        with api.changed:
            next(iter(api.files.values())).content = zipped({f"{CROWD[0].id_number}.jpg": picture(7)})
        with later(seconds=2):
            await chat.presses(WHO, message, STORE)
            await chat.until(lambda: "与检查时的不同" in chat.last(WHO))
    assert stored() == 0


async def test_an_archive_that_cannot_be_fetched_again_may_be_stored_later(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "PAUSES", (0.0, 0.0))
    async with chat.running():
        message = await recapped(chat, archive())
        chat.telegram.api.faults.script("download", Fault.bad_gateway(), times=3)
        with later(seconds=2):
            await chat.presses(WHO, message, STORE)
            await chat.until(lambda: "没有从 Telegram 取到" in chat.last(WHO))
            await chat.presses(WHO, message, STORE)
            await chat.reads(WHO, message, "已存入 2 张照片")


async def test_a_newer_file_ends_the_recap(chat: Chat) -> None:
    async with chat.running():
        old = await recapped(chat, archive())
        await recapped(chat, archive(**{f"{CROWD[2].id_number}.jpg": picture(2)}), "新.zip")
        with later(seconds=2):
            assert "该问题已过时" in await chat.presses(WHO, old, STORE)
    assert stored() == 0


async def test_who_lost_the_role_meanwhile_stores_nothing(chat: Chat) -> None:
    async with chat.running():
        message = await recapped(chat, archive())
        chat.do(lambda tx: _strip(tx, chat.account(WHO)))
        with later(seconds=2):
            await chat.presses(WHO, message, STORE)
            await chat.until(lambda: len(chat.heard(WHO)) == 2)
    assert stored() == 0


def _strip(tx: Any, account_id: int) -> None:
    tx.session.execute(delete(AccountRole).where(AccountRole.account_id == account_id))


async def test_no_picture_is_kept_twice(chat: Chat) -> None:
    before = count(CandidatePhoto)
    async with chat.running():
        for step in (2, 4):
            with later(seconds=step):
                message = await recapped(chat, archive())
                if step == 4:
                    assert "可存入 0，没有变化 2" in chat.text(WHO, message)
                    break
            with later(seconds=step + 1.5):
                await chat.presses(WHO, message, STORE)
                await chat.reads(WHO, message, "已存入 2 张照片")
    assert count(CandidatePhoto) == before + 2
