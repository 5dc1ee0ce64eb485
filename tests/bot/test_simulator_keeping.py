"""What survives: a restart of the demo, and the killing of whoever sends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from bot.simulator.api import TEST_TOKEN, BotApi
from bot.simulator.methods import Upload
from bot.simulator.people import Persona

LIN = 1001
KEYS = {"inline_keyboard": [[{"text": "签", "callback_data": "sign:7"}]]}


def fresh() -> BotApi:
    return BotApi([Persona(LIN, "林静")])


def test_old_buttons_can_still_be_pressed_after_a_restart(tmp_path: Path) -> None:
    before = fresh()
    before.keep(tmp_path / "chats.json")
    before.call("sendMessage", {"chat_id": LIN, "text": "待签发", "reply_markup": KEYS})
    before.call("sendDocument", {"chat_id": LIN}, {"document": Upload("准考证.pdf", b"%PDF")})
    before.call("setMyCommands", {"commands": [{"command": "todo", "description": "待办"}]})
    before.user_sends_text(LIN, "在吗")
    before.close()

    after = fresh()
    after.keep(tmp_path / "chats.json")
    assert after.history(LIN) == before.history(LIN)
    assert after.files[after.history(LIN)[1]["document"]["file_id"]].content == b"%PDF"
    assert after.commands == before.commands
    after.user_presses(LIN, 1, "签")
    waiting, pressed = after.call("getUpdates", {}).body["result"]
    assert (waiting["message"]["text"], pressed["callback_query"]["data"]) == ("在吗", "sign:7")
    assert waiting["update_id"] < pressed["update_id"]
    edited = after.call("editMessageText", {"chat_id": LIN, "message_id": 1, "text": "已签"})
    assert edited.status == 200
    assert after.call("sendMessage", {"chat_id": LIN, "text": "x"}).body["result"]["message_id"] == 4
    after.close()


def test_an_answer_that_comes_after_the_restart_is_too_late(tmp_path: Path) -> None:
    before = fresh()
    before.call("sendMessage", {"chat_id": LIN, "text": "待签发", "reply_markup": KEYS})
    press = before.user_presses(LIN, 1, "签")
    before.presses_grow_old()
    before.save(tmp_path / "chats.json")
    after = fresh()
    assert after.load(tmp_path / "chats.json")
    for api in (before, after):
        refused = api.call("answerCallbackQuery", {"callback_query_id": press})
        assert (refused.status, "query is too old" in refused.body["description"]) == (400, True)


@pytest.mark.parametrize("content", ["", "{", '{"version": 0, "files": []}', "[]"])
def test_what_cannot_be_read_means_empty_chats_and_no_crash(tmp_path: Path, content: str) -> None:
    (tmp_path / "chats.json").write_text(content)
    api = fresh()
    assert not api.load(tmp_path / "chats.json")
    assert api.call("sendMessage", {"chat_id": LIN, "text": "x"}).status == 200


def test_what_a_person_did_to_the_bot_is_kept_and_files_of_emptied_chats_go(tmp_path: Path) -> None:
    path = tmp_path / "chats.json"
    before = BotApi([Persona(LIN, "林静", started=False), Persona(1002, "周航")])
    before.user_sends_document(LIN, "a.txt", b"1")
    before.user_blocks_bot(1002)
    before.save(path)
    assert len(list(path.with_suffix(".files").iterdir())) == 1
    after = BotApi([Persona(LIN, "林静之", started=False), Persona(1002, "周航")])
    after.load(path)
    assert (after.people[LIN].first_name, after.people[LIN].started, after.people[1002].blocked) == (
        "林静之",
        True,
        True,
    )
    after.reset()
    after.save(path)
    assert list(path.with_suffix(".files").iterdir()) == []


def test_a_process_of_its_own_writes_down_every_accepted_call_before_answering(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.fakes", "--port", str(port), "--log", str(log), "--person", str(LIN)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as telegram:
        try:
            assert telegram.stdout is not None
            base = telegram.stdout.readline().split()[-1]
            body = json.dumps({"chat_id": LIN, "text": "到"}).encode()
            asked = urllib.request.Request(
                f"{base}{TEST_TOKEN}/sendMessage", body, {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(asked) as answer:
                message = json.load(answer)["result"]["message_id"]
            (line,) = map(json.loads, log.read_text().splitlines())
        finally:
            telegram.send_signal(signal.SIGTERM)
    assert (line["method"], line["chat_id"], line["message_id"], line["params"]["text"]) == (
        "sendMessage",
        LIN,
        message,
        "到",
    )
    assert telegram.returncode == 0
