"""The way to Telegram: directly, through a proxy, not at all; and what may be said of what goes wrong on it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from telegram.error import TelegramError

from bot.simulator.people import Persona
from core import settings
from core.gateways import telegram
from core.gateways.telegram import Fate, Pacer, Report, Telegram, way_to
from core.settings import SettingsRefused
from tests.fakes import RunningBotApi, running_bot_api
from tests.proxies import PASSWORD, WRITTEN, running_proxy

SOMEBODY = 1001
FAR = "http://telegram.example.org"  # nobody looks this name up: the suite would fail


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningBotApi]:
    """A Bot API that is far away: only a proxy can reach it."""
    with running_bot_api([Persona(SOMEBODY, "人物", started=True)]) as running:
        monkeypatch.setenv("KAOWU_TELEGRAM_TOKEN", running.token)
        monkeypatch.setenv("KAOWU_TELEGRAM_API_URL", FAR)
        yield running


def by(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("KAOWU_TELEGRAM_PROXY", proxy)
    settings.forget()


async def sent(line: Telegram) -> Report:
    return await line.send(SOMEBODY, "您好", ())


# -- which way ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", ["https://api.telegram.org/bot", "http://192.0.2.7:8081/bot", FAR])
def test_a_bot_api_elsewhere_is_reached_through_the_proxy(base: str) -> None:
    assert way_to(base, "socks5://127.0.0.1:1080")["proxy"] == "socks5://127.0.0.1:1080"
    assert way_to(base, "") == {"proxy": None, "httpx_kwargs": {"trust_env": True}}


@pytest.mark.parametrize(
    "base", ["http://127.0.0.1:8081/bot", "http://localhost/bot", "http://[::1]:8081/bot", "http://127.8.0.1/x/bot"]
)
def test_this_machine_is_reached_directly_whatever_proxy_is_named(base: str) -> None:
    assert way_to(base, "socks5://127.0.0.1:1080") == {"proxy": None, "httpx_kwargs": {"trust_env": False}}


async def test_a_message_to_this_machine_passes_no_proxy_not_even_the_environments(
    fake: RunningBotApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAOWU_TELEGRAM_API_URL", fake.root)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    by(monkeypatch, "http://127.0.0.1:9")
    async with Telegram(pacer=Pacer(2_000)) as line:
        assert (await sent(line)).fate is Fate.DONE


# -- through it --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_message_goes_through_the_proxy_and_a_dead_one_means_later(
    scheme: str, fake: RunningBotApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_proxy(scheme, fake.port) as proxy:
        by(monkeypatch, proxy.address)
        line = await Telegram(pacer=Pacer(2_000)).__aenter__()
        assert (await sent(line)).fate is Fate.DONE
    report = await sent(line)
    await line.__aexit__(None, None, None)
    assert (report.fate, report.why) == (Fate.LATER, "ConnectError")
    assert "telegram.example.org" in proxy.heard[0]
    assert len(fake.api.accepted("sendMessage")) == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """File names of a certificate for telegram.example.org, signed by itself, and of its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "far")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("telegram.example.org")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    kept = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(kept)
    return str(folder / "cert.pem"), str(folder / "key.pem")


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_https_passes_the_proxy_sealed(
    scheme: str, certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certificate[0])
    with running_bot_api([Persona(SOMEBODY, "人物", started=True)], tls=certificate) as far:
        monkeypatch.setenv("KAOWU_TELEGRAM_TOKEN", far.token)
        monkeypatch.setenv("KAOWU_TELEGRAM_API_URL", "https://telegram.example.org")
        async with running_proxy(scheme, far.port) as proxy:
            by(monkeypatch, proxy.address)
            async with Telegram(pacer=Pacer(2_000)) as line:
                assert (await sent(line)).fate is Fate.DONE
    asked = {"http": "CONNECT telegram.example.org:443 HTTP/1.1", "socks5": "telegram.example.org:443"}
    assert set(proxy.heard) == {asked[scheme]}, "whom, and nothing of what"


async def test_a_proxy_that_reaches_nobody_means_later(fake: RunningBotApi, monkeypatch: pytest.MonkeyPatch) -> None:
    for scheme, base in (("socks5", FAR), ("http", "https://telegram.example.org")):
        async with running_proxy(scheme, fake.port) as works:
            monkeypatch.setenv("KAOWU_TELEGRAM_API_URL", FAR)
            by(monkeypatch, works.address)
            line = await Telegram(pacer=Pacer(2_000)).__aenter__()
        async with running_proxy(scheme, fake.port, refuses=True) as proxy:
            monkeypatch.setenv("KAOWU_TELEGRAM_API_URL", base)
            by(monkeypatch, proxy.address)
            await line.__aexit__(None, None, None)
            line = Telegram(pacer=Pacer(2_000))
            report = await sent(line)
        assert (report.fate, report.why, bool(proxy.refused)) == (Fate.LATER, "ProxyError", True)


async def test_a_proxy_that_takes_the_call_and_says_nothing_does_not_hold_a_sender_for_ever(
    fake: RunningBotApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setattr(telegram, "LONGEST_CALL", 0.3)
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        by(monkeypatch, f"socks5://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        report = await asyncio.wait_for(sent(Telegram(pacer=Pacer(2_000))), 20)
    assert (report.fate, report.why) == (Fate.UNKNOWN, "TimedOut")


async def test_a_socks_proxy_that_hangs_up_while_it_greets_means_later(
    fake: RunningBotApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async with await asyncio.start_server(gone, "127.0.0.1", 0) as server:
        by(monkeypatch, f"socks5://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        report = await sent(Telegram(pacer=Pacer(2_000)))
    assert report.fate is Fate.LATER


# -- what is said ------------------------------------------------------------------------------------------------------


async def test_the_error_page_of_a_relay_reaches_no_log_though_it_spells_out_the_token(
    fake: RunningBotApi, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readuntil(b"\r\n")).split()[1]
        page = b"<h1>Not Found</h1>The requested URL " + line + b" was not found on this server."
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: %d\r\n\r\n%s" % (len(page), page))
        await writer.drain()
        writer.close()

    caplog.set_level(logging.INFO)
    async with await asyncio.start_server(relay, "127.0.0.1", 0) as server:
        base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        monkeypatch.setenv("KAOWU_TELEGRAM_API_URL", base)
        settings.forget()
        report = await sent(Telegram(pacer=Pacer(2_000)))
        for ask in (telegram.Connection(base).post, telegram.Connection(base).retrieve):
            with pytest.raises(TelegramError) as trouble:
                await ask(f"{base}/bot{fake.token}/getMe")
            assert str(trouble.value) == "Bad Gateway (502)"
    assert report.fate is Fate.UNKNOWN
    assert fake.token not in caplog.text + report.why
    with pytest.raises(TelegramError) as odd:
        telegram.Connection.parse_json_payload(b"<h1>secret</h1>")
    assert "secret" not in str(odd.value)


@pytest.mark.parametrize(
    "proxy",
    [
        "127.0.0.1:1080",
        "ftp://proxy.example.org",
        "http:///nowhere",
        "socks5://h:99999",
        "http://[::1",
        "http://a b:1",
        "http://proxy.example.org/path",
        "socks4://proxy.example.org:1080",
        f"socks5://u:{PASSWORD}@proxy.example.org",
    ],
)
def test_a_proxy_that_makes_no_sense_is_refused_without_being_repeated(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    by(monkeypatch, proxy)
    with pytest.raises(SettingsRefused) as refused:
        settings.load()
    assert "KAOWU_TELEGRAM_PROXY 须形如" in str(refused.value)
    assert proxy not in str(refused.value)
    assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize("scheme", settings.PROXIES)
def test_a_proxy_may_ask_for_a_password(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    by(monkeypatch, f"{scheme}://{WRITTEN}@proxy.example.org:1080")
    assert "p%40ss" in settings.load().telegram_proxy.get_secret_value()
    assert "p%40ss" not in repr(settings.load())


@pytest.mark.parametrize("base", ["api.example.org", "ftp://x.example.org", "https://x.example.org/bot7000000001:abc"])
def test_a_base_address_that_makes_no_sense_is_refused(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAOWU_TELEGRAM_API_URL", base)
    with pytest.raises(SettingsRefused, match="KAOWU_TELEGRAM_API_URL 须为"):
        settings.load()
