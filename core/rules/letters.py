"""备用渠道: what carries a letter to whom no chat reaches, and what becomes of it (chat.md, laws 1 and 2)."""

from __future__ import annotations

import re

from core.errors import ValueRefused
from core.rules.machine import Labelled, Machine, Move

MAX_TRIES = 10  # with the pauses of core.rules.notices some two hours


class Channel(Labelled):
    """How a letter travels; BY_HAND: it lies in a folder until the operator passes it on."""

    SMS = "sms", "短信"
    MAIL = "mail", "邮件"
    WECOM = "wecom", "企业微信机器人"
    DINGTALK = "dingtalk", "钉钉机器人"
    FEISHU = "feishu", "飞书机器人"
    BY_HAND = "by_hand", "人工转达"


# What an address of KAOWU_NOTIFY_URLS holds in the addressee's place, and which channel that makes it.
GAPS = {
    "{mobile}": Channel.SMS,
    "{email}": Channel.MAIL,
    "{wecom}": Channel.WECOM,
    "{dingtalk}": Channel.DINGTALK,
    "{feishu}": Channel.FEISHU,
}
ROBOTS = (Channel.WECOM, Channel.DINGTALK, Channel.FEISHU)  # a person's own, in a group of theirs
CHOICES = (Channel.SMS, Channel.MAIL, *ROBOTS)

# The key alone, or the whole address that the robot's page shows; what leaves us is made of the key only.
_KEYS = {
    Channel.WECOM: re.compile(r"(?:https://qyapi\.weixin\.qq\.com/\S*[?&]key=)?([0-9A-Za-z-]{16,64})"),
    Channel.DINGTALK: re.compile(
        r"(?:https://oapi\.dingtalk\.com/\S*[?&]access_token=)?((?:SEC[0-9A-Za-z]{16,80}@)?[0-9A-Za-z]{32,80})"
    ),
    Channel.FEISHU: re.compile(r"(?:https://open\.feishu\.cn/open-apis/bot/v2/hook/)?([0-9A-Za-z-]{16,64})"),
}


def channel_of(address: str) -> Channel | None:
    """Which channel an apprise address is, by its gap; None for one without."""
    return next((channel for gap, channel in GAPS.items() if gap in address), None)


def channels_in(addresses: str) -> tuple[Channel, ...]:
    """The channels an installation has, in the order its operator wrote them."""
    return tuple(dict.fromkeys(filter(None, map(channel_of, addresses.split()))))


def robot_key(channel: Channel, typed: str) -> str:
    """The key in what somebody pasted; ValueRefused for what is none."""
    found = _KEYS[channel].fullmatch(typed.strip())
    if found is None:
        raise ValueRefused("robot_key_unknown", rule="chat.md", channel=channel.label)
    return found[1]


class LetterState(Labelled):
    """queued = handed over + failed + dropped + on its way; whether it was read nobody knows."""

    WAITING = "waiting", "待发送"
    SENDING = "sending", "发送中"
    HANDED_OVER = "handed_over", "已交给渠道"
    FAILED = "failed", "发送失败"
    DROPPED = "dropped", "不再需要"


L = LetterState
LETTER = Machine(
    "备用渠道消息",
    LetterState,
    L.WAITING,
    (
        Move("claim", {L.WAITING, L.SENDING}, L.SENDING),
        Move("hand_over", {L.SENDING}, L.HANDED_OVER),
        Move("retry_later", {L.SENDING}, L.WAITING),
        Move("fail", {L.SENDING}, L.FAILED),
        Move("drop", {L.WAITING, L.SENDING}, L.DROPPED),
        Move("send_again", {L.HANDED_OVER, L.FAILED, L.DROPPED}, L.WAITING),
    ),
)
UNDER_WAY = frozenset({L.WAITING, L.SENDING})
