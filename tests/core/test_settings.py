"""What `kaowu settings` shows: everything an operator set, and nothing that opens a door."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from core import settings
from kaowu import main

SECRETS = {
    "SECRET_KEY": "secret-of-sessions",
    "TELEGRAM_TOKEN": "7000000001:secret-of-the-bot",
    "TELEGRAM_PROXY": "socks5://office:secret-of-the-proxy@proxy.example.org:1080",
    "TELEGRAM_API_URL": "https://office:secret-of-the-relay@relay.example.org/tg",
    "IDENTITY_TOKEN": "secret-of-identity",
    "NOTIFY_URLS": "mailtos://office:secret-of-mail@example.org?to={email} dingtalk://secret-of-dingtalk/{mobile}",
    "DATABASE_URL": "postgresql://kaowu:secret/of@the-database@db.example.org/kaowu?sslpassword=secret-of-the-key",
}


def said(monkeypatch: pytest.MonkeyPatch, **given: str) -> str:
    for name, value in given.items():
        monkeypatch.setenv(f"KAOWU_{name}", value)
    settings.forget()
    done = CliRunner().invoke(main, ["settings"])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_settings_are_shown_without_their_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = said(monkeypatch, **SECRETS)
    assert "secret" not in shown.lower().replace("kaowu_secret_key", "")
    assert "of@the-database" not in shown
    for name in ("SECRET_KEY", "TELEGRAM_TOKEN", "TELEGRAM_PROXY", "IDENTITY_TOKEN"):
        assert f"KAOWU_{name}=（已设置）" in shown
    assert "KAOWU_NOTIFY_URLS=mailtos://*** dingtalk://***\t" in shown
    assert "KAOWU_TELEGRAM_API_URL=https://***@relay.example.org/tg\t" in shown
    assert "KAOWU_DATABASE_URL=postgresql://***@db.example.org/kaowu?sslpassword=***\t" in shown


def test_what_is_not_set_is_shown_as_empty_and_every_setting_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = said(monkeypatch, PUBLIC_URL="https://kaowu.example.org")
    assert [line.partition("=")[0] for line in shown.splitlines()] == [
        f"KAOWU_{name.upper()}" for name in settings.Settings.model_fields
    ]
    assert "KAOWU_TELEGRAM_PROXY=（空）" in shown
    assert "KAOWU_PUBLIC_URL=https://kaowu.example.org\t" in shown


def test_a_setting_that_does_not_fit_is_refused_in_one_line_of_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAOWU_IDENTITY_URL", "ftp://x")
    settings.forget()
    done = CliRunner().invoke(main, ["settings"])
    assert done.exit_code == 2
    assert done.output.startswith("设置 有误：KAOWU_IDENTITY_URL 须以")
