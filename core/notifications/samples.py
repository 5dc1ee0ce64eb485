"""Sample facts of every message, long ones rather than short, for the catalogue of messages and its tests.

The keys are those of the message's own details; everybody and everything in them is made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from core.notifications.message import KINDS
from core.notifications.wording import words_of
from core.queries.changes import Changes
from core.queries.lapses import Share
from core.queries.late import LateThing
from core.rules.plans import PlanEdge, PlanWindows
from core.rules.windows import Window

NOON = datetime(2026, 5, 20, 4, 0, tzinfo=UTC)
_DAY = timedelta(days=1)
_COLLEGE = "江城示例职业技术学院"
_CERTIFICATE = "Web前端开发演示职业技能等级证书(中级)"
_REASON = "请补充实训室的设备数量和软件清单。"
_PLAN = {"plan_no": "202604010001", "name": "2026年Web前端第二次考核"}
_WINDOWS = PlanWindows(
    *(
        Window(name, NOON + first * _DAY, NOON + last * _DAY)
        for name, first, last in (
            ("报考时间", 1, 10),
            ("排考时间", 11, 17),
            ("考试时间", 25, 26),
            ("成绩登记时间", 27, 33),
            ("成绩公示时间", 34, 41),
        )
    )
)
_BINDING = {"login": "jiangcheng", "at": NOON, "acts_from": NOON + _DAY}
_DELEGATION = {
    "principal": "jiangcheng-fzr",
    "deputy": "jiangcheng",
    "duty": "站点工作",
    "is_default": False,
    "starts_at": NOON,
    "ends_at": NOON + 14 * _DAY,
    "reason": "",
}
_ANNOUNCEMENT = {
    "announcement_id": 1,
    "kind": "通知公告",
    "title": "关于做好2026年第二次考核期间考点网络与电力保障工作的通知（请各考点负责人务必阅读并落实）",
    "issuer": "示例信息技术培训评价有限公司（演示）",
    "answer_until": NOON + 3 * _DAY,
    "is_withdrawn": False,
    "reason": "",
}
_DECLARATION = {
    "authority": "示例省教育厅（演示）",
    "year": 2026,
    "batch": "第一批",
    "opens_at": NOON - 7 * _DAY,
    "closes_at": NOON + 3 * _DAY,
    "is_by_major": True,
}
_APPLICATION = {
    "application_id": 1,
    "certificate": _CERTIFICATE,
    "requested": 240,
    "year": 2026,
    "batch": "第一批",
    "closes_at": NOON + 3 * _DAY,
    "may_resubmit": True,
}
_IMPORT = {
    "job_id": 1,
    "title": "社会考生导入模板",
    "rows": 50_000,
    "taken": 45_000,
    "created": 44_000,
    "changed": 1_000,
    "unchanged": 500,
    "rejected": 4_500,
}
_REQUEST = "【待省级初审】Web前端开发演示职业技能等级证书"

SAMPLES: dict[str, tuple[dict[str, Any], ...]] = {
    "accounts.acts_frozen": (
        {"login": "jiangcheng-fzr", "at": NOON, "by": "jiangcheng", "is_own": False},
        {"login": "jiangcheng", "at": NOON, "by": "jiangcheng", "is_own": True},
    ),
    "accounts.acts_thawed": ({"login": "jiangcheng-fzr", "at": NOON},),
    "accounts.binding_asked": (_BINDING,),
    "accounts.binding_confirmed": (_BINDING,),
    "accounts.binding_waits": (_BINDING,),
    "accounts.chat_lost": (_BINDING,),
    "accounts.code_sent": ({"purpose": "导出数据", "digits": "••••••", "expires_at": NOON + timedelta(minutes=5)},),
    "accounts.keys_of_others": ({"login": "jiangcheng", "presses": 3, "at": NOON},),
    "accounts.password_reset": ({"at": NOON, "login": "jiangcheng"},),
    "accounts.second_factor_reset": ({"at": NOON, "reason": _REASON},),
    "accounts.still_you": tuple(
        {"login": "jiangcheng", "until": NOON + 14 * _DAY, "is_late": is_late} for is_late in (False, True)
    ),
    "announcements.published": (
        _ANNOUNCEMENT,
        _ANNOUNCEMENT | {"is_withdrawn": True, "reason": _REASON},
    ),
    "announcements.to_confirm": (
        _ANNOUNCEMENT,
        _ANNOUNCEMENT | {"is_withdrawn": True, "reason": _REASON},
    ),
    "announcements.withdrawn": (_ANNOUNCEMENT | {"is_withdrawn": True, "reason": _REASON},),
    "candidate_accounts.link_sent": (
        {"login": "420000202600000000001", "link": "https://kaowu.example.org/my/link/…", "days": 7, "is_first": True},
        {"login": "420000202600000000001", "link": "https://kaowu.example.org/my/link/…", "days": 7, "is_first": False},
    ),
    "candidates.manual_confirmation_needed": ({"count": 23},),
    "certificates.issued": (_PLAN | {"count": 500},),
    "certificates.ready_to_order": (_PLAN | {"count": 500},),
    "certificates.signing_rejected": (_PLAN | {"college": _COLLEGE, "count": 3, "reason": _REASON},),
    "certificates.signing_requested": (_PLAN | {"count": 500},),
    "certificates.stamp_failed": (_PLAN | {"code": "seal_missing"},),
    "certificates.teo_signing_requested": (_PLAN | {"count": 500},),
    "delegations.accepted": (_DELEGATION, _DELEGATION | {"is_default": True, "ends_at": None}),
    "delegations.over": (
        _DELEGATION | {"state": "已到期", "was_accepted": True},
        _DELEGATION | {"state": "已结束", "was_accepted": False, "reason": _REASON},
    ),
    "delegations.proposed": (_DELEGATION, _DELEGATION | {"is_default": True, "ends_at": None}),
    "delegations.refused": (_DELEGATION | {"reason": _REASON},),
    "imports.checked": (
        _IMPORT | {"state": "待确认", "is_waiting": True, "take_label": "只写入合格的 45000 行"},
        _IMPORT | {"state": "已确认", "is_waiting": False, "rejected": 0, "take_label": "写入 45000 行"},
    ),
    "imports.done": (_IMPORT, _IMPORT | {"rejected": 0}),
    "imports.not_taken": (
        _IMPORT | {"reason": ""},
        _IMPORT | {"reason": _REASON},
        _IMPORT | {"rejected": 0, "reason": ""},
    ),
    "pilots.application_decided": (
        _APPLICATION
        | {"open_label": "查看明细", "approved": 200, "is_approved": True, "reason": "", "contact": "示例省教育厅"},
        _APPLICATION
        | {
            "open_label": "去修改",
            "approved": None,
            "is_approved": False,
            "reason": _REASON,
            "contact": "示例省教育厅",
        },
    ),
    "pilots.application_waiting": (
        _APPLICATION
        | {
            "step": "省级初审",
            "pass_label": "通过 240 人",
            "college": _COLLEGE,
            "majors": 4,
            "files": 12,
            "changes": Changes(requested=(200, 240), majors_added=1, files=(11, 12), has_other_files=True),
            "decision": None,
            "is_passed": False,
        },
    ),
    "pilots.declaration_closed": (_DECLARATION,),
    "pilots.declaration_closing": (_DECLARATION | {"drafts": 2, "returned": 1, "submitted": 3},),
    "pilots.declaration_coming": (_DECLARATION,),
    "pilots.declaration_extended": (_DECLARATION | {"reason": _REASON * 20},),
    "pilots.declaration_opened": (_DECLARATION,),
    "plans.edge_passed": tuple(
        _PLAN | {"edge": edge.value, "windows": _WINDOWS, "registered": 1_240} for edge in PlanEdge
    ),
    "plans.published": (_PLAN | {"count": 3, "windows": _WINDOWS},),
    "plans.registration_closing": (
        _PLAN | {"closes_at": NOON + _DAY, "registered": 240, "quota_left": 37, "unverified": 12},
    ),
    "plans.review_closing": (_PLAN | {"closes_at": NOON + 2 * _DAY},),
    "plans.scores_missing": (_PLAN | {"closes_at": NOON + _DAY, "count": 1_240},),
    "plans.window_extended": (_PLAN | {"window": _WINDOWS.score_entry},),
    "quotas.lapsed": (
        {"total": 60, "shares": [Share(_CERTIFICATE, 40), Share(_CERTIFICATE, 20)], "more": 1, "year": 2026},
    ),
    "quotas.lapsing": (
        {
            "total": 60,
            "shares": [Share(_CERTIFICATE, 40), Share(_CERTIFICATE, 20)],
            "more": 1,
            "year": 2026,
            "ends_at": NOON + 30 * _DAY,
        },
    ),
    "sites.allocated": tuple(
        {
            "plan_no": _PLAN["plan_no"],
            "certificate": _CERTIFICATE,
            "site_no": "420000001",
            "site": f"{_COLLEGE}Web前端考核站点",
            "borrower": "楚天演示学院",
            "is_cancelled": is_cancelled,
        }
        for is_cancelled in (False, True)
    ),
    "sites.decided": (
        {"site_no": "420000001", "name": f"{_COLLEGE}Web前端考核站点", "is_approved": True, "reason": ""},
        {"site_no": "420000001", "name": f"{_COLLEGE}Web前端考核站点", "is_approved": False, "reason": _REASON},
    ),
    "sites.submitted": ({"site_no": "420000001", "name": f"{_COLLEGE}Web前端考核站点", "count": 3},),
    "telling.burst": (
        {"count": 497, "latest": _REQUEST, "asks": True},
        {"count": 12, "latest": _REQUEST, "asks": False},
    ),
    "telling.digest": (
        {
            "day": date(2026, 5, 20),
            "count": 7,
            "lines": ["【申报开始】示例省教育厅（演示） 2026年第一批", *[_REQUEST] * 4],
        },
    ),
    "telling.escalated": (
        {
            "head": _REQUEST,
            "organisation": _COLLEGE,
            "role": "考核站点负责人",
            "since": NOON - 2 * _DAY,
            "due_at": NOON + _DAY,
        },
    ),
    "telling.escalated_own": tuple(
        {"head": _REQUEST, "is_deputy": is_deputy, "people": 3, "code": "K7Q4", "due_at": NOON + _DAY}
        for is_deputy in (True, False)
    ),
    "telling.reminder": ({"due_at": NOON + _DAY}, {"due_at": None}),
    "telling.weekly_late": (
        {
            "count": 42,
            "items": [
                LateThing(
                    "证书发放",
                    "考核站点待签发",
                    30,
                    "考核站点负责人",
                    "院校管理员",
                    "签字确认",
                    NOON - 9 * _DAY,
                    "/admin/",
                    True,
                ),
                LateThing(
                    "考生",
                    "需人工确认",
                    12,
                    "院校管理员",
                    "考核站点负责人",
                    "人工确认",
                    NOON - 20 * _DAY,
                    "/admin/",
                    False,
                ),
            ],
            "more": 2,
        },
    ),
}


@dataclass(frozen=True, slots=True)
class Specimen:
    """One message as somebody would see it: Telegram HTML, the words on its keys, and how it is told."""

    kind: str
    text: str
    keys: tuple[str, ...]
    tempo: str
    asks: bool


def specimens(now: datetime = NOON) -> list[Specimen]:
    """Every message with every sample, in the order of their kinds."""
    return [
        Specimen(
            kind,
            words_of(kind, details, now),
            tuple(button.label.format_map(details) for button in message.buttons),
            message.tempo.label,
            message.asks,
        )
        for kind, message in sorted(KINDS.items())
        for details in SAMPLES[kind]
    ]
