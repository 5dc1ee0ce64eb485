"""What anybody may see: the door, the check of a certificate, and whether kaowu is well."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from reportlab.pdfgen.canvas import Canvas
from sqlalchemy import text
from werkzeug.test import TestResponse

from admin.app import create_app
from core import db, settings
from core.actors import SYSTEM
from core.db import transaction
from core.gateways import storage
from core.gateways.seal import LocalSealer
from core.models.certificates import Certificate, CertificateIssuance
from core.models.records import ImportJob
from core.queries.verification import masked_name
from core.rules.certificates import IssuanceState, IssueMethod, Party
from core.usecases.certificates import generate_certificate
from core.usecases.signing import open_signing, sign
from tests.admin import signing_world
from tests.admin.signing_world import SigningWorld

NOON = "2026-06-20 12:00"
NOBODY = "未找到与所填证书编号和证件号码相符的证书"


@pytest.fixture
def app(database: str, at: Callable[[datetime | str], datetime]) -> Flask:
    """The real application at noon."""
    at(NOON)
    return create_app()


@pytest.fixture
def visitor(app: Flask) -> FlaskClient:
    """Somebody from outside."""
    return app.test_client()


@pytest.fixture(scope="module")
def sealer(tmp_path_factory: pytest.TempPathFactory) -> LocalSealer:
    """One key for all tests here, made at noon by the first that seals: making one takes longer than they do."""
    return LocalSealer(tmp_path_factory.mktemp("seal") / "seal")


@pytest.fixture
def world(app: Flask) -> SigningWorld:
    """Two signed certificates, the first of them issued."""
    return signing_world.build(2, state=IssuanceState.READY)


@pytest.fixture
def issued(world: SigningWorld, sealer: LocalSealer, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """The first certificate, drawn, sealed and stored for real."""
    monkeypatch.setattr("admin.portal.verify.LocalSealer", lambda: sealer)
    first = world.issuances[0]
    with transaction(SYSTEM) as tx:
        tx.update_all(
            CertificateIssuance,
            CertificateIssuance.id == first,
            issue_method=IssueMethod.ELECTRONIC,
            issued_on=date(2026, 6, 18),
            state=IssuanceState.GENERATING,
        )
    with transaction(SYSTEM) as tx:
        made = generate_certificate(tx, issuance_id=first, sealer=sealer, verify_base="http://127.0.0.1:8000")
    assert made is not None
    return made


def csrf(client: FlaskClient) -> str:
    """The token of the form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/verify").text)
    assert found is not None
    return found[1]


def ask(client: FlaskClient, number: str, id_number: str) -> TestResponse:
    """Fill in both numbers."""
    return client.post("/verify", data={"csrf_token": csrf(client), "no": number, "id_number": id_number})


def hand_in(client: FlaskClient, content: bytes, name: str = "证书.pdf") -> TestResponse:
    """Upload a file."""
    return client.post("/verify/file", data={"csrf_token": csrf(client), "file": (BytesIO(content), name)})


# -- the door -------------------------------------------------------------------------------------------------------


def test_the_home_page_leads_to_panel_and_verification(visitor: FlaskClient) -> None:
    page = visitor.get("/").text
    assert 'href="/admin/"' in page
    assert 'href="/verify"' in page
    assert "/simulator/" not in page, "no simulator runs beside this panel"


# -- verification ---------------------------------------------------------------------------------------------------


def test_a_genuine_certificate_shows_what_is_printed_and_hides_who_it_is(
    visitor: FlaskClient, world: SigningWorld, issued: Certificate
) -> None:
    holder = world.people[0]
    page = ask(visitor, issued.certificate_no, holder.id_number)
    assert page.status_code == 200
    for shown in (
        "证书真实有效",
        issued.certificate_no,
        masked_name(holder.name),
        "Web前端开发演示职业技能等级证书",
        "初级",
        "云帆示例科技有限公司",
        "江城示例职业技术学院",
        "2026年6月18日",
        "6月20日 周六 12:00:00",
        issued.sha256[:16],
        "考务系统电子签章",
    ):
        assert shown in page.text
    for hidden in (holder.name, holder.id_number, holder.mobile):
        assert hidden not in page.text


def test_numbers_are_taken_as_people_type_them(visitor: FlaskClient, world: SigningWorld, issued: Certificate) -> None:
    wide = issued.certificate_no.translate({ord(d): ord(d) + 0xFEE0 for d in "0123456789M"})
    spaced = f" {world.people[0].id_number[:6]} {world.people[0].id_number[6:].lower()} "
    assert ask(visitor, wide.lower(), spaced).status_code == 200


def test_a_wrong_number_and_a_wrong_holder_get_the_same_answer(
    visitor: FlaskClient, world: SigningWorld, issued: Certificate
) -> None:
    right, other = world.people[0].id_number, world.people[1].id_number
    answers = [
        ask(visitor, "990001M2026999999", right),
        ask(visitor, issued.certificate_no, other),
        ask(visitor, "990001M2026000002", other),  # signed but not issued yet
        ask(visitor, "", ""),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert all(NOBODY in answer.text for answer in answers)
    plain = {re.sub(r'value="[^"]*"| autofocus', "", answer.text) for answer in answers}
    assert len(plain) == 1, "not a word more for one who guessed half of it"


@pytest.mark.parametrize(
    "typed",
    ["' OR '1'='1", "%", "_" * 17, "990001M2026000001'--", "x" * 5_000, "\x00\ud800", "<script>alert(1)</script>"],
)
def test_odd_input_finds_nothing_and_breaks_nothing(
    visitor: FlaskClient, world: SigningWorld, issued: Certificate, typed: str
) -> None:
    odd = typed.encode("utf-8", "replace").decode()
    for answer in (ask(visitor, odd, world.people[0].id_number), ask(visitor, issued.certificate_no, odd)):
        assert answer.status_code == 404
        assert NOBODY in answer.text
        assert "<script>alert" not in answer.text.lower()


def test_the_codes_link_fills_in_the_number(visitor: FlaskClient) -> None:
    assert 'value="990001M2026000001"' in visitor.get("/verify?no=990001m2026000001").text
    assert "<b>" not in visitor.get("/verify?no=<b>").text.partition("<form")[2]


def test_nobody_tries_numbers_in_bulk(
    visitor: FlaskClient, app: Flask, world: SigningWorld, issued: Certificate
) -> None:
    token = csrf(visitor)
    data = {"csrf_token": token, "no": issued.certificate_no, "id_number": "42000020020101001X"}
    statuses = [visitor.post("/verify", data=data).status_code for _ in range(11)]
    assert statuses == [404] * 10 + [429]
    data["id_number"] = world.people[0].id_number
    refused = visitor.post("/verify", data=data)
    assert refused.status_code == 429, "not even the right one"
    assert "查验过于频繁" in refused.text
    assert int(refused.headers["Retry-After"]) >= 60
    elsewhere = app.test_client()
    answer = elsewhere.post(
        "/verify", data=data | {"csrf_token": csrf(elsewhere)}, environ_base={"REMOTE_ADDR": "192.0.2.7"}
    )
    assert answer.status_code == 200


def test_a_look_up_is_kept_by_nobody(visitor: FlaskClient) -> None:
    headers = visitor.get("/verify").headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_the_file_itself_is_checked(visitor: FlaskClient, issued: Certificate) -> None:
    content = storage.read(issued.storage_key)
    assert "文件完好，与存档一致" in hand_in(visitor, content).text
    assert "文件已被改动" in hand_in(visitor, content + b"\n% more").text
    place = content.index(b"/Producer") + 20
    assert "文件已被改动" in hand_in(visitor, content[:place] + b"X" + content[place + 1 :]).text


def test_a_sealed_file_that_was_never_issued_is_not_called_genuine(
    visitor: FlaskClient, issued: Certificate, sealer: LocalSealer
) -> None:
    other = sealer.seal(_blank_pdf(), reason="test")
    answer = hand_in(visitor, other).text
    assert "签章完好，但没有存档" in answer
    assert "与存档一致" not in answer


@pytest.mark.parametrize(
    ("content", "words", "status"),
    [
        (b"", "请选择要核对的 PDF 文件", 422),
        (b"GIF89a", "文件无法读取", 200),
        (b"%PDF-1.7 broken", "文件无法读取", 200),
        (b"%PDF" + b"0" * (5 * 1024 * 1024), "文件超过 5 MB", 413),
    ],
    ids=["nothing", "a picture", "half a file", "too large"],
)
def test_other_files_are_told_what_they_are(visitor: FlaskClient, content: bytes, words: str, status: int) -> None:
    answer = hand_in(visitor, content)
    assert answer.status_code == status
    assert words in answer.text


def test_a_file_without_a_seal_is_told_so(visitor: FlaskClient) -> None:
    assert "文件没有签章" in hand_in(visitor, _blank_pdf()).text


@pytest.mark.parametrize(
    ("name", "shown"), [("张三", "张*"), ("欧阳砚舟", "欧***"), ("张", "张*"), ("Anna Li", "A******"), ("", "*")]
)
def test_a_name_shows_its_first_character_only(name: str, shown: str) -> None:
    assert masked_name(name) == shown


def _blank_pdf() -> bytes:
    out = BytesIO()
    page = Canvas(out)
    page.drawString(72, 72, "blank")
    page.save()
    return out.getvalue()


# -- is it well -----------------------------------------------------------------------------------------------------


def test_alive_is_alive_without_a_database(visitor: FlaskClient) -> None:
    db.configure("sqlite://")
    assert visitor.get("/healthz").get_json() == {"status": "ok"}


def test_ready_tells_the_age_of_bot_and_jobs(visitor: FlaskClient, at: Callable[[datetime | str], datetime]) -> None:
    start = at(NOON)
    never = visitor.get("/readyz")
    assert never.status_code == 200
    assert never.get_json()["bot_poll_age"] is None
    with transaction(SYSTEM) as tx:
        tx.beat("bot.poll")
    at(start + timedelta(seconds=30))
    with transaction(SYSTEM) as tx:
        tx.beat("jobs.tick")
    at(start + timedelta(seconds=42))
    told = visitor.get("/readyz").get_json()
    assert (told["bot_poll_age"], told["jobs_tick_age"]) == (42, 12)
    assert (told["database"], told["migrations"], told["status"]) == (True, True, "ready")
    assert "font" in told


def test_not_ready_behind_an_old_schema(visitor: FlaskClient) -> None:
    with db.engine().begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    answer = visitor.get("/readyz")
    assert answer.status_code == 503
    assert (answer.get_json()["database"], answer.get_json()["migrations"]) == (True, False)


def test_not_ready_without_tables(visitor: FlaskClient) -> None:
    db.configure("sqlite://")
    answer = visitor.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["status"] == "not ready"


def test_not_ready_without_a_database(visitor: FlaskClient, tmp_path: Path) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no database" * 100)
    db.configure(f"sqlite:///{broken}")
    assert visitor.get("/readyz").status_code == 503
    figures = visitor.get("/metrics")
    assert figures.status_code == 503
    assert "kaowu_up 0" in figures.text
    assert "broken.db" not in visitor.get("/readyz").text + figures.text


def test_metrics_count_states_and_name_nobody(visitor: FlaskClient, world: SigningWorld, issued: Certificate) -> None:
    with transaction(SYSTEM) as tx:
        tx.beat('odd"name\n')
        tx.add(
            ImportJob(
                sheet="candidates",
                file_name="学生.xlsx",
                file_hash="0" * 64,
                row_count=1_234_567,
                accepted_count=1_234_560,
                rejected_count=7,
                unchanged_count=0,
            )
        )
    answer = visitor.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    for line in (
        "kaowu_up 1",
        'kaowu_issuances{state="issued"} 1',
        'kaowu_issuances{state="ready"} 1',
        'kaowu_issuances{state="teo_pending"} 0',
        'kaowu_imports{sheet="candidates"} 1',
        'kaowu_import_rows{outcome="accepted"} 1234560',
        'kaowu_heartbeat_age_seconds{name="odd\\"name\\n"} 0',
        "kaowu_open_signings 0",
    ):
        assert line in lines
    shape = re.compile(r'# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="(?:[^"\\\n]|\\.)*"\})? \d+')
    assert [line for line in lines if not shape.fullmatch(line)] == []
    for person in world.people:
        assert person.name not in answer.text
        assert person.id_number not in answer.text


def test_the_outbox_shows_how_long_its_oldest_message_waits(
    visitor: FlaskClient, at: Callable[[datetime | str], datetime]
) -> None:
    start = at(NOON)
    world = signing_world.build(1, state=IssuanceState.TEO_PENDING)
    with transaction(world.actor(world.teo)) as tx:
        token = open_signing(tx, plan_id=world.plan, party=Party.TEO).token
    assert "kaowu_open_signings 1" in visitor.get("/metrics").text
    with transaction(world.actor(world.teo)) as tx:
        sign(tx, token=token, typed_count="1", hand_signature=signing_world.ink())
    at(start + timedelta(seconds=90))
    figures = visitor.get("/metrics").text
    assert "kaowu_outbox_oldest_pending_age_seconds 90" in figures
    assert "kaowu_open_signings 0" in figures
    assert settings.current().base_url not in figures
