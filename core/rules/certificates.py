"""Issuance and signing (§3.18, §3.19): both must sign, neither can take it back."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.rules.machine import Labelled, Machine, Move

SIGNING_MINUTES = 5  # T-19: how long a signing page stays open
SIGNING_VALIDITY = timedelta(minutes=SIGNING_MINUTES)


class IssuanceState(Labelled):
    """颁证状态, in the order of the tabs."""

    TEO_PENDING = "teo_pending", "培训评价组织待签发"
    TEO_REJECTED = "teo_rejected", "培训评价组织拒绝签发"
    SITE_PENDING = "site_pending", "考核站点待签发"
    SITE_REJECTED = "site_rejected", "考核站点拒绝签发"
    READY = "ready", "证书待发放"
    GENERATING = "generating", "证书生成中"
    STAMP_FAILED = "stamp_failed", "盖章失败"
    ISSUED = "issued", "完成发放"


class IssueMethod(Labelled):
    """发证方式 (R-242)."""

    PAPER = "paper", "纸质证书"
    ELECTRONIC = "electronic", "电子证书"


class Party(Labelled):
    """Who signs (R-230, R-231)."""

    TEO = "teo", "培训评价组织"
    COLLEGE = "college", "考核站点"


class SigningDecision(Labelled):
    """What a party said."""

    APPROVE = "approve", "签发"
    REJECT = "reject", "拒绝签发"


I = IssuanceState  # noqa: E741  # the state table reads like the requirement
ISSUANCE = Machine(
    "证书发放",
    IssuanceState,
    I.TEO_PENDING,
    (
        Move("sign_as_teo", {I.TEO_PENDING, I.TEO_REJECTED}, I.SITE_PENDING),
        Move("reject_as_teo", {I.TEO_PENDING}, I.TEO_REJECTED),
        Move("sign_as_college", {I.SITE_PENDING, I.SITE_REJECTED}, I.READY),
        Move("reject_as_college", {I.SITE_PENDING, I.SITE_REJECTED}, I.SITE_REJECTED),
        Move("generate", {I.READY, I.STAMP_FAILED}, I.GENERATING),
        Move("fail_stamp", {I.GENERATING}, I.STAMP_FAILED),
        Move("issue", {I.GENERATING}, I.ISSUED),
    ),
)


class SigningState(Labelled):
    """在线签名 (§3.19); 已过期 is what the clock makes of the open ones."""

    CREATED = "created", "待扫码"
    SCANNED = "scanned", "已扫码"
    SIGNED = "signed", "已签名"
    CANCELLED = "cancelled", "已取消"
    EXPIRED = "expired", "已过期"


G = SigningState
OPEN_SIGNING = frozenset({G.CREATED, G.SCANNED})
SIGNING = Machine(
    "在线签名",
    SigningState,
    G.CREATED,
    (
        Move("scan", {G.CREATED}, G.SCANNED),
        Move("sign", {G.SCANNED}, G.SIGNED),
        Move("cancel", {G.CREATED, G.SCANNED}, G.CANCELLED),
        Move("expire", {G.CREATED, G.SCANNED}, G.EXPIRED),
    ),
)


def signing_is_open(state: SigningState, created_at: datetime, now: datetime) -> bool:
    """T-19: usable for five minutes after it was made, whatever the job that records it has done."""
    return state in OPEN_SIGNING and now <= created_at + SIGNING_VALIDITY
