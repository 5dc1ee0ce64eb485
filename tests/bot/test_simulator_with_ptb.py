"""The simulator seen by the real python-telegram-bot, over HTTP."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from io import BytesIO

import pytest
from PIL import Image
from telegram import (
    Bot,
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    MenuButtonWebApp,
    ReplyParameters,
    Update,
    WebAppInfo,
)
from telegram.constants import ParseMode
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TimedOut,
)
from telegram.ext import (
    Application,
    ApplicationBuilder,
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
    MessageHandler,
    filters,
)

from bot.simulator.api import BotApi, PhoneRefused
from bot.simulator.faults import Fault, Mode, Rate
from bot.simulator.people import Group, Persona
from tests.fakes import InProcessRequest, RunningBotApi, running_bot_api

LIN, ZHOU, STRANGER = 1001, 1002, 1003


def people() -> list[Persona]:
    return [Persona(LIN, "林静", "linjing"), Persona(ZHOU, "周航"), Persona(STRANGER, "吴越", started=False)]


@pytest.fixture
def telegram() -> Iterator[RunningBotApi]:
    with running_bot_api(people()) as running:
        yield running


@pytest.fixture
async def bot(telegram: RunningBotApi) -> AsyncIterator[Bot]:
    async with Bot(telegram.token, base_url=telegram.base_url, base_file_url=telegram.base_file_url) as ready:
        yield ready


def saying(words: str) -> re.Pattern:
    """python-telegram-bot changes the first letter of what Telegram says."""
    return re.compile("(?i)" + re.escape(words))


def keyboard(*buttons: InlineKeyboardButton) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[button] for button in buttons])


ASK = keyboard(InlineKeyboardButton("同意 23 人", callback_data="ok:7"))


async def start(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    await update.effective_chat.send_message(f"绑定码 {' '.join(context.args)}", reply_markup=ASK)


async def pressed(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    query = update.callback_query
    await query.answer(f"收到 {query.from_user.id}")
    await query.edit_message_text(f"已由 {query.from_user.id} 同意")


async def echo_file(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    document = update.message.document
    content = bytes(await (await document.get_file()).download_as_bytearray())
    await update.message.reply_document(
        content[::-1], filename="回执 " + document.file_name, caption="已收", do_quote=True
    )


@asynccontextmanager
async def polling(telegram: RunningBotApi) -> AsyncIterator[Application]:
    """A running bot: /start, one button, files sent back reversed."""
    app = (
        ApplicationBuilder()
        .token(telegram.token)
        .base_url(telegram.base_url)
        .base_file_url(telegram.base_file_url)
        .build()
    )
    app.add_handler(CommandHandler("start", start))
    app.add_handler(CallbackQueryHandler(pressed))
    app.add_handler(MessageHandler(filters.Document.ALL, echo_file))
    async with app:
        await app.start()
        await app.updater.start_polling(timeout=5)
        try:
            yield app
        finally:
            telegram.api.faults.clear()
            await app.updater.stop()
            await app.stop()


async def until(api: BotApi, truth: Callable) -> object:
    return await asyncio.to_thread(api.wait_for, truth, 10)


async def test_a_deep_link_a_press_a_toast_and_an_edit_go_the_whole_way(telegram: RunningBotApi) -> None:
    api = telegram.api
    async with polling(telegram):
        api.user_sends_text(STRANGER, "/start K7Q4")
        await until(api, lambda: api.buttons(STRANGER))
        asked = api.history(STRANGER)[-1]
        press = api.user_presses(STRANGER, asked["message_id"], "同意 23 人")
        await until(api, lambda: "edit_date" in api.history(STRANGER)[-1])
    assert asked["text"] == "绑定码 K7Q4"
    assert api.press_answer(press) == {"text": f"收到 {STRANGER}", "show_alert": False, "url": ""}
    edited = api.history(STRANGER)[-1]
    assert (edited["message_id"], edited["text"]) == (asked["message_id"], f"已由 {STRANGER} 同意")
    assert "reply_markup" not in edited


async def test_files_with_chinese_names_travel_both_ways(telegram: RunningBotApi) -> None:
    api = telegram.api
    async with polling(telegram):
        api.user_sends_document(LIN, "考点\\扫描 件（一）.pdf", b"%PDF-1", caption="见附件")
        await until(api, lambda: api.history(LIN)[-1]["from"]["is_bot"])
    answer = api.history(LIN)[-1]
    assert answer["document"]["file_name"] == "回执 扫描 件（一）.pdf"
    assert api.files[answer["document"]["file_id"]].content == b"1-FDP%"
    assert answer["reply_to_message"]["document"]["file_name"] == "扫描 件（一）.pdf"


async def test_a_forwarded_button_arrives_with_the_other_persons_id_and_the_copy_cannot_be_edited(
    telegram: RunningBotApi, bot: Bot
) -> None:
    api = telegram.api
    asked = await bot.send_message(LIN, "待签发 500 张", reply_markup=ASK, protect_content=True)
    with pytest.raises(PhoneRefused, match=saying("simulator_protected")):
        api.user_forwards(LIN, asked.message_id, to=ZHOU)
    copy = api.user_forwards(LIN, asked.message_id, to=ZHOU, despite_protection=True)
    api.user_presses(ZHOU, copy, "ok:7")
    query = (await bot.get_updates())[-1].callback_query
    assert (query.from_user.id, query.data, query.message.forward_origin.sender_user.id) == (ZHOU, "ok:7", bot.id)
    with pytest.raises(BadRequest, match=saying("message can't be edited")):
        await bot.edit_message_text("x", ZHOU, copy)


async def test_a_press_is_answered_once(telegram: RunningBotApi, bot: Bot) -> None:
    sent = await bot.send_message(LIN, "?", reply_markup=ASK)
    press = telegram.api.user_presses(LIN, sent.message_id, "ok:7")
    await bot.answer_callback_query(press, "好", show_alert=True)
    with pytest.raises(BadRequest, match=saying("query is too old")):
        await bot.answer_callback_query(press)


async def test_edits_that_change_nothing_are_refused(bot: Bot) -> None:
    sent = await bot.send_message(LIN, "<b>你好</b> a", reply_markup=ASK, parse_mode=ParseMode.HTML)
    with pytest.raises(BadRequest, match=saying("message is not modified")):
        await sent.edit_text("<b>你好</b> a", reply_markup=ASK, parse_mode=ParseMode.HTML)
    edited = await sent.edit_text("<i>你好</i> a", parse_mode=ParseMode.HTML)
    assert edited.edit_date is not None
    assert edited.reply_markup is None
    with pytest.raises(BadRequest, match=saying("message to edit not found")):
        await bot.edit_message_text("x", LIN, 99)


@pytest.mark.parametrize(
    ("html", "text", "kinds"),
    [
        ("<b>待签发</b> &lt;3&gt; &amp; 完", "待签发 <3> & 完", [("bold", 0, 3)]),
        ("  \n<b>首</b><i>尾 </i> ", "首尾", [("bold", 0, 1), ("italic", 1, 1)]),
        ('<a href="https://a.cn/?a=1&amp;b=2">看</a>', "看", [("text_link", 0, 1)]),
        ("<blockquote>𠮷<code>K7</code></blockquote>", "𠮷K7", [("blockquote", 0, 4), ("code", 2, 2)]),
        ('<pre><code class="language-py">x</code></pre>', "x", [("pre", 0, 1)]),
        ("见 https://a.cn/b。用 /todo", "见 https://a.cn/b。用 /todo", [("url", 2, 14), ("bot_command", 19, 5)]),
    ],
)
async def test_html_becomes_entities_in_utf16_units(bot: Bot, html: str, text: str, kinds: list) -> None:
    sent = await bot.send_message(LIN, html, parse_mode=ParseMode.HTML)
    assert sent.text == text
    assert [(e.type, e.offset, e.length) for e in sent.entities] == kinds


@pytest.mark.parametrize(
    ("html", "why"),
    [
        ("a<br>b", 'Unsupported start tag "br" at byte offset 1'),
        ("分数 < 60", "start tag"),
        ("<b>未完", "Can't find end tag corresponding to start tag"),
        ("<b><i>x</b></i>", "Unmatched end tag"),
        ("x</b>", "Unexpected end tag"),
        ('<span style="color:red">x</span>', 'Unsupported start tag "span"'),
    ],
)
async def test_html_outside_telegrams_whitelist_is_refused(bot: Bot, html: str, why: str) -> None:
    with pytest.raises(BadRequest, match=saying("can't parse entities")) as refused:
        await bot.send_message(LIN, html, parse_mode=ParseMode.HTML)
    assert why.lower() in str(refused.value).lower()


@pytest.mark.parametrize(("text", "why"), [("  ", "text is empty"), ("字" * 4097, "message is too long")])
async def test_texts_of_the_wrong_length_are_refused(bot: Bot, text: str, why: str) -> None:
    with pytest.raises(BadRequest, match=saying(why)):
        await bot.send_message(LIN, text)


@pytest.mark.parametrize(
    ("button", "why"),
    [
        (InlineKeyboardButton("x", callback_data="签" * 22), "button_data_invalid"),
        (InlineKeyboardButton("x", url="javascript:alert(1)"), "Wrong HTTP URL"),
        (
            InlineKeyboardButton("x", web_app=WebAppInfo("http://kaowu.example.cn/phone/")),
            "Only HTTPS links are allowed",
        ),
        (InlineKeyboardButton("x"), "Text buttons are unallowed"),
        (InlineKeyboardButton(" ", callback_data="x"), "non-empty"),
    ],
)
async def test_buttons_telegram_would_not_take_are_refused(bot: Bot, button: InlineKeyboardButton, why: str) -> None:
    with pytest.raises(BadRequest, match=saying(why)):
        await bot.send_message(LIN, "x", reply_markup=keyboard(button))


async def test_64_bytes_of_data_and_a_web_app_on_loopback_are_taken(bot: Bot) -> None:
    sent = await bot.send_message(
        LIN,
        "x",
        reply_markup=keyboard(
            InlineKeyboardButton("a", callback_data="x" * 64),
            InlineKeyboardButton("b", web_app=WebAppInfo("http://127.0.0.1:8000/phone/")),
        ),
    )
    assert len(sent.reply_markup.inline_keyboard) == 2


async def test_nobody_is_reached_who_cannot_be_reached(telegram: RunningBotApi, bot: Bot) -> None:
    api = telegram.api
    with pytest.raises(BadRequest, match=saying("chat not found")):
        await bot.send_message(4711, "x")
    with pytest.raises(Forbidden, match=saying("can't initiate conversation")):
        await bot.send_message(STRANGER, "x")
    api.user_blocks_bot(LIN)
    with pytest.raises(Forbidden, match=saying("bot was blocked by the user")):
        await bot.send_message(LIN, "x")
    api.user_leaves_telegram(ZHOU)
    with pytest.raises(Forbidden, match=saying("user is deactivated")):
        await bot.send_message(ZHOU, "x")
    (update,) = await bot.get_updates()
    assert update.my_chat_member.new_chat_member.status == "kicked"
    api.user_blocks_bot(LIN, False)
    assert (await bot.send_message(LIN, "x")).message_id == 1
    assert len(api.accepted("sendMessage")) == 1
    assert [c.error_code for c in api.refused("sendMessage")] == [400, 403, 403, 403]


async def test_a_wrong_token_and_an_unknown_method_are_not_served(telegram: RunningBotApi, bot: Bot) -> None:
    with pytest.raises(InvalidToken):
        await Bot("1:wrong", base_url=telegram.base_url).get_me()
    with pytest.raises(Exception, match=saying("not found")):
        await bot.do_api_request("sendStarsToEverybody")


async def test_429_names_the_seconds_to_wait(telegram: RunningBotApi, bot: Bot) -> None:
    telegram.api.faults.script("sendMessage", Fault.too_many(7))
    with pytest.raises(RetryAfter) as refused:
        await bot.send_message(LIN, "x")
    assert refused.value._retry_after == timedelta(seconds=7)
    assert (await bot.send_message(LIN, "x")).message_id == 1


async def test_the_31st_message_of_a_second_is_one_too_many(telegram: RunningBotApi, bot: Bot) -> None:
    telegram.api.faults.rate = Rate(30, 60.0)
    for number in range(30):
        await bot.send_message(LIN, str(number))
    with pytest.raises(RetryAfter):
        await bot.send_message(ZHOU, "x")
    assert len(telegram.api.accepted("sendMessage")) == 30


async def test_a_message_can_be_accepted_though_its_answer_comes_too_late(telegram: RunningBotApi, bot: Bot) -> None:
    telegram.api.faults.script("sendMessage", Fault.answer_lost(30))
    with pytest.raises(TimedOut):
        await bot.send_message(LIN, "一次", read_timeout=0.2)
    telegram.api.faults.release()
    assert [m["text"] for m in telegram.api.history(LIN)] == ["一次"]


async def test_a_message_can_be_accepted_though_the_line_breaks(telegram: RunningBotApi, bot: Bot) -> None:
    telegram.api.faults.script("sendMessage", Fault.hung_up())
    with pytest.raises(NetworkError):
        await bot.send_message(LIN, "一次")
    assert len(telegram.api.accepted("sendMessage", chat_id=LIN)) == 1


async def test_while_telegram_fails_nothing_arrives_and_afterwards_the_bot_hears_everything(
    telegram: RunningBotApi,
) -> None:
    api = telegram.api
    async with polling(telegram) as app:
        api.faults.mode = Mode.FAILING
        api.user_sends_text(LIN, "/start A")
        with pytest.raises(NetworkError, match=saying("Bad Gateway")):
            await app.bot.send_message(ZHOU, "x")
        assert api.history(ZHOU) == []
        api.faults.mode = Mode.NORMAL
        await until(api, lambda: api.buttons(LIN))


async def test_of_two_pollers_the_earlier_one_is_told_to_stop(telegram: RunningBotApi, bot: Bot) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=20))
    await until(telegram.api, telegram.api.bot_is_listening)
    async with Bot(telegram.token, base_url=telegram.base_url) as second:
        later = asyncio.create_task(second.get_updates(timeout=20))
        with pytest.raises(Conflict, match=saying("terminated by other getUpdates")):
            await first
        telegram.api.user_sends_text(LIN, "你好")
        assert [u.message.text for u in await later] == ["你好"]


async def test_updates_come_again_until_confirmed_and_only_of_the_kinds_asked_for(
    telegram: RunningBotApi, bot: Bot
) -> None:
    api = telegram.api
    api.user_sends_text(LIN, "一")
    api.user_sends_text(LIN, "二")
    first, second = await bot.get_updates()
    assert first.update_id + 1 == second.update_id
    (left,) = await bot.get_updates(offset=second.update_id, allowed_updates=["message"])
    assert left.message.text == "二"
    api.user_blocks_bot(LIN)
    assert await bot.get_updates(offset=second.update_id + 1) == ()
    api.deliver_again(first.update_id)
    assert [u.update_id for u in await bot.get_updates()] == [first.update_id]


async def test_groups_speak_to_the_bot_only_when_they_mean_it_and_can_move(telegram: RunningBotApi, bot: Bot) -> None:
    api = telegram.api
    api.add_group(Group(-500, "考务组", [LIN, ZHOU]))
    sent = await bot.send_message(-500, "今日进度", reply_markup=ASK)
    for words in ("闲聊", "/todo", "/todo@other_bot", "@kaowu_demo_bot 在吗"):
        api.user_sends_text(-500, words, sender=ZHOU)
    api.user_sends_text(-500, "收到", sender=LIN, reply_to=sent.message_id)
    api.user_presses(-500, sent.message_id, "ok:7", presser=ZHOU)
    heard = await bot.get_updates()
    assert [u.message.text for u in heard if u.message] == ["/todo", "@kaowu_demo_bot 在吗", "收到"]
    assert heard[-1].callback_query.from_user.id == ZHOU
    with pytest.raises(PhoneRefused, match=saying("simulator_not_a_member")):
        api.user_sends_text(-500, "x", sender=STRANGER)
    with pytest.raises(BadRequest, match=saying("button_type_invalid")):
        await bot.send_message(
            -500, "x", reply_markup=keyboard(InlineKeyboardButton("b", web_app=WebAppInfo("https://a.cn/")))
        )
    moved = api.group_becomes_supergroup(-500)
    with pytest.raises(ChatMigrated) as told:
        await bot.send_message(-500, "x")
    assert told.value.new_chat_id == moved
    assert (await bot.send_message(moved, "x")).chat.type == "supergroup"


async def test_replies_silence_protection_and_strange_parameters_are_seen(telegram: RunningBotApi, bot: Bot) -> None:
    api = telegram.api
    first = await bot.send_message(LIN, "任务")
    second = await bot.send_message(
        LIN,
        "提醒",
        disable_notification=True,
        protect_content=True,
        reply_parameters=ReplyParameters(first.message_id),
        api_kwargs={"colour": "red"},
    )
    assert second.reply_to_message.text == "任务"
    assert second.has_protected_content
    assert api.history(LIN)[-1]["disable_notification"]
    assert api.accepted()[-1].unknown == {"colour"}
    with pytest.raises(BadRequest, match=saying("message to be replied not found")):
        await bot.send_message(LIN, "x", reply_to_message_id=99)


async def test_pictures_are_measured_and_files_can_be_sent_again_by_id(telegram: RunningBotApi, bot: Bot) -> None:
    drawn = BytesIO()
    Image.new("RGB", (40, 30), "navy").save(drawn, "PNG")
    photo = (await bot.send_photo(LIN, drawn.getvalue(), caption="<b>门牌</b>", parse_mode=ParseMode.HTML)).photo[-1]
    assert (photo.width, photo.height) == (40, 30)
    with pytest.raises(BadRequest, match=saying("image_process_failed")):
        await bot.send_photo(LIN, b"no picture")
    sent = await bot.send_document(LIN, b"1,2", filename="名单.csv")
    again = await bot.send_document(ZHOU, sent.document.file_id)
    assert again.document.file_name == "名单.csv"
    with pytest.raises(BadRequest, match=saying("invalid file_id")):
        await bot.get_file("nothing")


async def test_a_bot_may_fetch_20_MB_and_people_may_send_more(telegram: RunningBotApi, bot: Bot) -> None:
    api, limit = telegram.api, 20 * 1024 * 1024
    api.user_sends_document(LIN, "刚好.zip", bytes(limit))
    api.user_sends_document(LIN, "太大.zip", bytes(limit + 1))
    fits, large = (update.message.document for update in await bot.get_updates())
    assert (fits.file_size, large.file_size) == (limit, limit + 1)
    assert len(await (await fits.get_file()).download_as_bytearray()) == limit
    with pytest.raises(BadRequest, match=saying("file is too big")):
        await large.get_file()
    with pytest.raises(PhoneRefused, match=saying("simulator_file_too_big")):
        api.user_sends_document(LIN, "太大.zip", bytes(50 * 1024 * 1024 + 1))


async def test_a_download_fails_as_scripted_and_only_for_the_owner_of_the_token(
    telegram: RunningBotApi, bot: Bot
) -> None:
    api = telegram.api
    api.user_sends_document(LIN, "名单.xlsx", b"x")
    file = await bot.get_file((await bot.get_updates())[-1].message.document.file_id)
    api.faults.script("download", Fault.bad_gateway(), Fault.slow(1.0))
    with pytest.raises(NetworkError):
        await file.download_as_bytearray()
    with pytest.raises(TimedOut):
        await file.download_as_bytearray(read_timeout=0.2)
    assert await file.download_as_bytearray() == b"x"
    path = next(iter(api.files.values())).path
    assert api.download(path, token="1:other") == api.download("documents/none", token=api.token) == (404, b"")


async def test_pictures_of_an_album_are_nameless_and_know_each_other(telegram: RunningBotApi, bot: Bot) -> None:
    drawn = BytesIO()
    Image.new("RGB", (40, 30), "navy").save(drawn, "PNG")
    for _ in range(2):
        telegram.api.user_sends_photo(LIN, drawn.getvalue(), album="a1")
    first, second = (update.message for update in await bot.get_updates())
    assert (first.photo[-1].width, first.document) == (40, None)
    assert first.media_group_id == second.media_group_id == "a1"
    with pytest.raises(PhoneRefused, match=saying("simulator_no_picture")):
        telegram.api.user_sends_photo(LIN, b"no picture")


async def test_commands_menu_chats_and_deletion(telegram: RunningBotApi, bot: Bot) -> None:
    await bot.set_my_commands([BotCommand("todo", "待办")])
    assert [(c.command, c.description) for c in await bot.get_my_commands()] == [("todo", "待办")]
    with pytest.raises(BadRequest, match=saying("bot_command_invalid")):
        await bot.set_my_commands([BotCommand("Todo!", "x")])
    page = MenuButtonWebApp("待办", WebAppInfo("https://kaowu.example.cn/phone/"))
    await bot.set_chat_menu_button(LIN, page)
    assert await bot.get_chat_menu_button(LIN) == page
    assert (await bot.get_chat(LIN)).first_name == "林静"
    assert (await bot.get_webhook_info()).url == ""
    await bot.send_chat_action(LIN, "typing")
    sent = await bot.send_message(LIN, "x")
    assert await sent.delete()
    with pytest.raises(BadRequest, match=saying("message to delete not found")):
        await sent.delete()


async def test_the_same_bot_runs_without_any_socket() -> None:
    api = BotApi(people())
    app = (
        ApplicationBuilder()
        .token(api.token)
        .request(InProcessRequest(api))
        .get_updates_request(InProcessRequest(api))
        .build()
    )
    app.add_handler(CommandHandler("start", start))
    async with app:
        await app.start()
        await app.updater.start_polling(timeout=5)
        api.user_sends_text(LIN, "/start Z")
        await until(api, lambda: api.buttons(LIN))
        api.close()
        await app.updater.stop()
        await app.stop()
    assert api.history(LIN)[-1]["text"] == "绑定码 Z"
