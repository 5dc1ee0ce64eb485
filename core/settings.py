"""Settings: environment only, frozen, nothing happens on import."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
import tempfile
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "KAOWU_"
SIMULATOR_BOT = "kaowu_demo_bot"  # the bot's name where the simulator stands in for Telegram
LOOPBACK = ("127.0.0.1", "localhost", "::1")
PROXIES = ("http", "https", "socks5", "socks5h")  # with all of them the proxy looks names up
WEBHOOK_PORTS = (443, 80, 88, 8443)  # the only ones Telegram's own servers deliver to
_USERINFO = re.compile(r"://\S*@")
_PASSWORDS = re.compile(r"(?i)([?&;]\w*(?:pass|secret|token|key)\w*=)[^&;\s]*")


class SettingsRefused(Exception):
    """The environment does not make sense; the message says what to change."""


class Settings(BaseSettings):
    """Every setting with its default; `kaowu settings` prints this table."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    database_url: str = Field("", description="SQLAlchemy 地址；留空用数据目录里的 SQLite，多机部署用 postgresql://…")
    data_dir: Path = Field(Path("var"), description="数据库、文件与密钥所在目录")
    secret_key: SecretStr = Field(
        SecretStr(""), description="会话、按钮、链接的密钥；留空则首次启动时生成并存入数据目录"
    )
    host: str = Field("127.0.0.1", description="面板监听地址")
    port: int = Field(8000, description="面板端口")
    public_url: str = Field("", description="链接、二维码、手机页面用的外部地址；留空为 http://主机:端口")
    telegram_token: SecretStr = Field(SecretStr(""), description="Telegram 机器人令牌；留空则由模拟器代替 Telegram")
    telegram_api_url: str = Field("", description="Bot API 基地址（自建服务、转发、测试替身），不含 /bot<token>")
    telegram_proxy: SecretStr = Field(
        SecretStr(""),
        description="访问 Telegram 所经的代理（http://、https://、socks5://，可含账号密码）；本机地址不经代理",
    )
    telegram_mode: Literal["polling", "webhook"] = Field(
        "polling", description="polling 由机器人来取，webhook 由 Telegram 送到面板（只用于 kaowu run）"
    )
    timezone: str = Field("Asia/Shanghai", description="工作日与所有显示时间的时区")
    notify_urls: str = Field(
        "",
        description="备用渠道（apprise 地址，空格分隔，收件处写 {mobile}、{email}、{wecom}、{dingtalk} 或 {feishu}）；"
        "留空则没有，信件存为文件",
    )
    login_captcha: Literal["always", "after_failure"] = Field(
        "always", description="登录时要图形验证码：always 每次，after_failure 密码错过之后"
    )
    second_factor: Literal["required", "offered"] = Field(
        "required", description="签发与审核人员的动态口令：required 必须启用，offered 自愿"
    )
    identity_url: str = Field("", description="身份核验服务地址（https，或本机 http）；留空用内置规则核验")
    identity_token: SecretStr = Field(SecretStr(""), description="身份核验服务的令牌")
    identity_rate: float = Field(5.0, gt=0, le=1000, description="每秒最多向身份核验服务询问几次")
    identity_check: Literal["automatic", "manual"] = Field(
        "automatic", description="认证方式：automatic 自动核验，manual 一律人工确认"
    )
    photo_background: Literal["", "red", "blue", "white"] = Field(
        "", description="照片背景须为何种颜色：red 红，blue 蓝，white 白；留空不检查背景"
    )
    photo_retention_days: int = Field(
        1096, ge=0, description="考生照片在最后一次导入、报考或发证之后保存多少天；0 为一直保存"
    )
    import_retention_days: int = Field(
        180, ge=0, description="导入完成之后，未通过的行和修改前的内容保存多少天，此后不能撤销；0 为一直保存"
    )
    font: str = Field("", description="文档所用中文 TrueType 字体文件；留空自动寻找")
    demo: bool = Field(False, description="演示模式：时钟可前进，模拟器可用；不得与真实令牌同用")

    @model_validator(mode="after")
    def _sensible(self) -> Settings:
        if self.demo and self.telegram_token.get_secret_value():
            raise ValueError("KAOWU_DEMO 与 KAOWU_TELEGRAM_TOKEN 不能同时使用")
        if self.identity_url and not _is_safe(self.identity_url):
            raise ValueError(f"{PREFIX}IDENTITY_URL 须以 https:// 开头（本机可用 http://），其中不写账号密码")
        if self.telegram_api_url and not _is_api_base(self.telegram_api_url):
            raise ValueError(
                f"{PREFIX}TELEGRAM_API_URL 须为 http:// 或 https:// 开头的基地址，不含 ?、# 和 /bot<token>"
            )
        proxy = self.telegram_proxy.get_secret_value()
        if proxy and not _is_proxy(proxy):
            raise ValueError(
                f"{PREFIX}TELEGRAM_PROXY 须形如 http://主机:端口、https://主机:端口 或 socks5://主机:端口，"
                "需要时写成 socks5://账号:密码@主机:端口（账号密码中的特殊字符用 %XX 表示）"
            )
        if self.telegram_mode == "webhook":
            self._require_reachable()
        return self

    def _require_reachable(self) -> None:
        """Telegram delivers to an https address; only a Bot API server on this machine finds plain http here."""
        if not self.telegram_token.get_secret_value():
            raise ValueError(f"{PREFIX}TELEGRAM_MODE=webhook 须同时设置 {PREFIX}TELEGRAM_TOKEN")
        is_here = is_loopback(self.telegram_api_url)
        if not _is_safe(self.public_url) or (self.public_url.startswith("http://") and not is_here):
            raise ValueError(
                f"{PREFIX}TELEGRAM_MODE=webhook 须设置 Telegram 能访问的 {PREFIX}PUBLIC_URL，以 https:// 开头；"
                f"没有这样的地址时请用 {PREFIX}TELEGRAM_MODE=polling"
            )
        if not self.telegram_api_url and (_parts(self.public_url).port or 443) not in WEBHOOK_PORTS:
            raise ValueError(
                f"{PREFIX}TELEGRAM_MODE=webhook 时 {PREFIX}PUBLIC_URL 的端口须为 443、80、88 或 8443，"
                "Telegram 不访问其他端口"
            )

    @property
    def database(self) -> str:
        """The address in force, with the driver SQLAlchemy wants."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'kaowu.db').absolute()}"

    @property
    def base_url(self) -> str:
        """Where phones and browsers reach us, without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def simulated(self) -> bool:
        """True when the simulator stands in for Telegram: no token and only this machine can reach us."""
        return not self.telegram_token.get_secret_value() and self.host in LOOPBACK

    @property
    def files_dir(self) -> Path:
        """Where stored documents live."""
        return self.data_dir / "files"


def is_loopback(url: str) -> bool:
    """True for an address on this very machine."""
    parts = _parts(url)
    try:
        return parts.hostname in LOOPBACK or ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _parts(url: str) -> SplitResult:
    """An address in parts; all of them empty for what is none."""
    try:
        parts = urlsplit(url)
        is_one = bool(parts.hostname) and parts.port != 0 and not re.search(r"\s", url)
    except ValueError:  # brackets that do not close, a port that is no number
        is_one = False
    return parts if is_one else SplitResult("", "", "", "", "")


def _is_api_base(url: str) -> bool:
    parts = _parts(url)
    is_base = not parts.query and not parts.fragment and not re.search(r"/bot\d", parts.path)
    return parts.scheme in ("http", "https") and is_base


def _is_proxy(url: str) -> bool:
    parts = _parts(url)
    return parts.scheme in PROXIES and parts.path in ("", "/") and not parts.query and not parts.fragment


def _is_safe(url: str) -> bool:
    """Names and photos leave encrypted or not at all; what is secret stands in a setting of its own."""
    parts = _parts(url)
    if parts.username or parts.password:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def load() -> Settings:
    """Read the environment; SettingsRefused on an unknown KAOWU_ name or a value that does not fit."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    strangers = sorted(n for n in os.environ if n.startswith(PREFIX) and n not in known)
    if strangers:
        raise SettingsRefused(f"不认识的设置 {'、'.join(strangers)}；运行 kaowu settings 查看全部设置")
    try:
        return Settings()
    except ValidationError as refused:
        first = refused.errors()[0]
        where = ".".join(str(part) for part in first["loc"]).upper()
        why = first["msg"].removeprefix("Value error, ")
        raise SettingsRefused(f"设置 {PREFIX}{where} 有误：{why}".replace("KAOWU_ 有误", "有误")) from None


def shown(name: str, value: object) -> str:
    """A setting as `kaowu settings` prints it: secrets and passwords left out."""
    if isinstance(value, SecretStr):
        return "（已设置）" if value.get_secret_value() else "（空）"
    if name == "notify_urls":  # an apprise address is secret in every part but the first
        return " ".join(f"{address.partition('://')[0]}://***" for address in str(value).split())
    return _PASSWORDS.sub(r"\1***", _USERINFO.sub("://***@", str(value)))


@lru_cache(maxsize=1)
def current() -> Settings:
    """The settings of this process, read once."""
    return load()


@lru_cache(maxsize=1)
def secret_key() -> bytes:
    """The signing key; made once with owner-only access and kept in the data directory."""
    given = current().secret_key.get_secret_value()
    if given:
        return given.encode()
    path = current().data_dir / "secret.key"
    if not path.exists():
        _make_secret(path)
    return path.read_text().strip().encode()


def _make_secret(path: Path) -> None:
    """Written whole under another name first: of processes that start at once one key wins, and none is torn."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent)  # readable by its owner alone
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(draft)


def simulator_token() -> str:
    """What the simulator signs with in Telegram's place: known to this installation only, shaped like a bot token."""
    digest = hmac.new(secret_key(), b"kaowu simulator", hashlib.sha256).digest()
    return f"7000000001:{base64.urlsafe_b64encode(digest).decode()[:35]}"


def forget() -> None:
    """Read the environment afresh next time (tests and the demo's start)."""
    current.cache_clear()
    secret_key.cache_clear()
