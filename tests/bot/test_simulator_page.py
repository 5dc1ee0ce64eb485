"""The chat page and its guards: who may come in, what a person can do, what is signed."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_wtf import CSRFProtect

from bot.simulator.api import BotApi
from bot.simulator.faults import Mode
from bot.simulator.init_data import derived_token
from bot.simulator.people import Persona
from bot.simulator.web import TEMPLATES, simulator_blueprint
from core import settings

LIN, ZHOU = 1001, 1002
OWN = {"X-Simulator": "1"}
PAGE = "http://127.0.0.1:8000/phone/sign?t=K7Q4"


@pytest.fixture(autouse=True)
def _no_real_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAOWU_TELEGRAM_TOKEN", raising=False)
    monkeypatch.delenv("KAOWU_HOST", raising=False)
    settings.forget()


@pytest.fixture
def api() -> BotApi:
    people = [Persona(LIN, "林静", "linjing", "院校负责人"), Persona(ZHOU, "周航", started=False)]
    return BotApi(people, token=derived_token(b"secret of this test"))


@pytest.fixture
def web(api: BotApi) -> FlaskClient:
    app = Flask("panel")
    app.secret_key = "x"
    simulator = simulator_blueprint(api)
    CSRFProtect(app).exempt(simulator)
    app.register_blueprint(simulator)
    return app.test_client()


def bot(api: BotApi, method: str, **params: object) -> dict:
    answer = api.call(method, params)
    assert answer.status == 200, answer.body
    return answer.body["result"]


def do(web: FlaskClient, verb: str, **body: object) -> dict:
    return web.post(f"/simulator/{verb}", json=body, headers=OWN).get_json()


@pytest.mark.parametrize(
    ("name", "value"),
    [("KAOWU_TELEGRAM_TOKEN", "1:real"), ("KAOWU_HOST", "0.0.0.0")],  # noqa: S104 - must be refused
)
def test_the_simulator_never_stands_beside_a_real_token_nor_on_an_open_address(
    api: BotApi, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    settings.forget()
    with pytest.raises(RuntimeError, match="real token"):
        simulator_blueprint(api)
    settings.forget()


@pytest.mark.parametrize(
    "told",
    [
        {"environ_base": {"REMOTE_ADDR": "192.168.1.9"}},
        {"headers": {"X-Forwarded-For": "203.0.113.5"}},
        {"headers": {"Host": "rebound.example.com"}},
    ],
)
@pytest.mark.parametrize("path", ["/simulator/", "/simulator/state", "/simulator/static/simulator.js"])
def test_other_machines_find_nothing_here(web: FlaskClient, told: dict, path: str) -> None:
    assert web.get(path).status_code == 200
    assert web.get(path, **told).status_code == 404


def test_other_peoples_pages_can_neither_act_nor_use_the_bot_api(web: FlaskClient, api: BotApi) -> None:
    body = {"chat": LIN, "person": LIN, "text": "x"}
    assert web.post("/simulator/send", json=body).status_code == 403
    for foreign in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert web.post("/simulator/send", json=body, headers=OWN | foreign).status_code == 403
        assert web.post(f"/simulator/api/bot{api.token}/getMe", headers=foreign).status_code == 403
    assert api.history(LIN) == []
    assert web.post("/simulator/send", json=body, headers=OWN | {"Origin": "http://localhost"}).get_json()["ok"]
    assert web.post(f"/simulator/api/bot{api.token}/getMe").get_json()["result"]["is_bot"]
    assert web.post("/simulator/api/bot1:x/getMe").get_json() == {
        "ok": False,
        "error_code": 401,
        "description": "Unauthorized",
    }


def test_the_page_needs_nothing_from_elsewhere_and_nothing_inline(web: FlaskClient) -> None:
    page = web.get("/simulator/")
    html = page.get_data(as_text=True)
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style| on\w+=| style=", html) == []
    assets = [html] + [f.read_text() for f in (TEMPLATES / "static" / "simulator").iterdir()]
    addresses = {url for text in assets for url in re.findall(r"https?://[\w.-]+", text)}
    assert addresses <= {"http://www.w3.org", "https://t.me"}
    for asset in re.findall(r'(?:src|href)="(/[^"]+)"', html):
        assert web.get(asset).status_code == 200


def test_a_person_talks_presses_and_sees_the_answer(web: FlaskClient, api: BotApi) -> None:
    do(web, "send", chat=ZHOU, person=ZHOU, text="/start K7Q4")
    assert bot(api, "getUpdates")[-1]["message"]["entities"] == [{"type": "bot_command", "offset": 0, "length": 6}]
    keys = {"inline_keyboard": [[{"text": "同意 23 人", "callback_data": "ok"}]]}
    sent = bot(api, "sendMessage", chat_id=ZHOU, text="<b>待办</b>", parse_mode="HTML", reply_markup=keys)
    screen = web.get(f"/simulator/state?open={ZHOU}").get_json()
    assert next(c for c in screen["chats"] if c["id"] == ZHOU)["unread"] == 1
    shown = screen["open"][str(ZHOU)]["messages"][-1]
    assert (shown["text"], shown["entities"][0]["type"], shown["keys"]) == ("待办", "bold", keys["inline_keyboard"])
    press = do(web, "press", chat=ZHOU, person=ZHOU, message=sent["message_id"], data="ok")["press"]
    bot(api, "answerCallbackQuery", callback_query_id=press, text="好")
    do(web, "read", chat=ZHOU, up_to=sent["message_id"])
    screen = web.get(f"/simulator/state?open={ZHOU}").get_json()
    assert screen["presses"] == [{"id": press, "answer": {"text": "好", "show_alert": False, "url": ""}}]
    assert next(c for c in screen["chats"] if c["id"] == ZHOU)["unread"] == 0
    unchanged = web.get(f"/simulator/state?open={ZHOU}&since={screen['mark']}").get_json()
    assert set(unchanged) == {"mark", "clock", "day"}


def test_files_are_sent_and_fetched_with_chinese_names(web: FlaskClient, api: BotApi) -> None:
    form = {"chat": str(LIN), "person": str(LIN), "file": (BytesIO(b"<script>1</script>"), "名单 一.html")}
    assert web.post("/simulator/upload", data=form, headers=OWN).get_json()["ok"]
    document = api.history(LIN)[-1]["document"]
    assert document["file_name"] == "名单 一.html"
    got = web.get(f"/simulator/file/{document['file_id']}")
    assert got.data == b"<script>1</script>"
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert got.mimetype == "application/octet-stream"


def test_pages_open_with_data_signed_as_telegram_signs_it(web: FlaskClient, api: BotApi) -> None:
    button = {"text": "打开签字页面", "web_app": {"url": PAGE}}
    bot(api, "sendMessage", chat_id=LIN, text="x", reply_markup={"inline_keyboard": [[button]]})
    url = do(web, "webapp", chat=LIN, person=LIN, url=PAGE)["url"]
    assert url.startswith(PAGE + "#tgWebAppData=")
    fields = dict(parse_qsl(dict(parse_qsl(urlsplit(url).fragment))["tgWebAppData"]))
    told = fields.pop("hash")
    text = "\n".join(f"{key}={fields[key]}" for key in sorted(fields))
    key = hmac.new(b"WebAppData", api.token.encode(), hashlib.sha256).digest()
    assert told == hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    assert json.loads(fields["user"])["id"] == LIN
    other = do(web, "webapp", chat=LIN, person=LIN, url="http://127.0.0.1:8000/elsewhere")
    assert other["code"] == "simulator_no_button"


def test_forwarding_blocking_faults_new_people_and_the_reset(web: FlaskClient, api: BotApi) -> None:
    sent = bot(api, "sendMessage", chat_id=LIN, text="x", protect_content=True)
    refused = do(web, "forward", chat=LIN, person=LIN, message=sent["message_id"], to=ZHOU)
    assert refused == {"ok": False, "code": "simulator_protected", "message": "这条消息受保护，不能转发。"}
    do(web, "block", person=LIN, blocked=True)
    assert do(web, "send", chat=LIN, person=LIN, text="x")["code"] == "simulator_bot_blocked"
    assert do(web, "mode", mode="failing")["ok"]
    assert api.faults.mode is Mode.FAILING
    new = do(web, "person", name="郑可")["id"]
    assert not api.people[new].started
    assert do(web, "person", name=" ")["code"] == "simulator_name_missing"
    assert do(web, "mode", mode="sideways")["code"] == "simulator_bad_request"
    assert do(web, "reset")["ok"]
    assert (api.history(LIN), api.faults.mode, new in api.people) == ([], Mode.NORMAL, True)
    do(web, "block", person=LIN, blocked=False)
    assert bot(api, "sendMessage", chat_id=LIN, text="x")["message_id"] == sent["message_id"] + 1


def test_every_refusal_of_a_phone_has_its_sentence() -> None:
    sentences = (TEMPLATES / "refusals" / "simulator.toml").read_text()
    code = "".join(path.read_text() for path in Path(simulator_blueprint.__code__.co_filename).parent.glob("*.py"))
    used = set(re.findall(r'"(simulator_\w+)"', code))
    assert used == set(re.findall(r"^\[(simulator_\w+)\]", sentences, re.MULTILINE))
