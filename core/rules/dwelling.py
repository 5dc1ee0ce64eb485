"""Whose turn it is in every state, for how long at most, what comes next and who is told when it does not (chat.md).

A machine without a line here for one of its states is a hole somebody's work falls into; a test walks all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from core.rules.announcements import ANNOUNCEMENT, AnnouncementState
from core.rules.arrangement import ARRANGEMENT, ArrangementState
from core.rules.candidates import CANDIDATE, CandidateState
from core.rules.certificates import ISSUANCE, SIGNING, IssuanceState, SigningState
from core.rules.delegations import DELEGATION, DelegationState
from core.rules.imports import IMPORT, KEPT_FOR, ImportState
from core.rules.letters import LETTER, LetterState
from core.rules.machine import Machine
from core.rules.notices import DELIVERY, REPLY, DeliveryState, ReplyState
from core.rules.organisations import (
    ACCOUNT,
    BINDING,
    SEAL,
    SWITCH,
    AccountState,
    BindingState,
    Role,
    SealState,
    Switch,
)
from core.rules.photo_verdicts import PHOTO_OFFER, PhotoState
from core.rules.pilots import (
    DECLARATION_PLAN,
    PILOT_APPLICATION,
    QUOTA,
    REVIEW_WITHIN,
    ApplicationState,
    DeclarationState,
    QuotaState,
)
from core.rules.plans import EXAM_PLAN, PlanState
from core.rules.registrations import SITTING, SittingState
from core.rules.scores import SCORE, ScoreState
from core.rules.sites import ALLOCATION, EXAM_SITE, SITE_STATUS, AllocationState, SiteReview, SiteStatus
from core.rules.verification import REQUEST, RequestState

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Dwell:
    """A state things pass through. owner: whose turn it is, None for the system's own; longest: at most.

    next_act: what they do, in words; then: who is told when it takes longer, None for the platform's administrators.
    """

    owner: Role | None
    longest: timedelta
    next_act: str
    then: Role | None = None


@dataclass(frozen=True, slots=True)
class Rest:
    """A state in which nothing is waited for, though moves lead out of it; why: in words."""

    why: str


Turn = Dwell | Rest
A, C, I_, P = ApplicationState, CandidateState, IssuanceState, Role

DWELLS: Mapping[str, tuple[Machine, Mapping[Any, Turn]]] = {
    "pilot_application": (
        PILOT_APPLICATION,
        {
            A.DRAFT: Dwell(P.COORDINATOR, 14 * DAY, "提交申报", P.SIGNATORY),
            A.PENDING_INITIAL: Dwell(P.PROVINCE, REVIEW_WITHIN, "受理申报"),
            A.CITY_REVIEW: Dwell(P.CITY, REVIEW_WITHIN, "地市级审核", P.PROVINCE),
            A.PRELIMINARY_REVIEW: Dwell(P.PROVINCE, REVIEW_WITHIN, "省级初审"),
            A.FINAL_REVIEW: Dwell(P.PROVINCE, REVIEW_WITHIN, "省厅复审"),
            A.RETURNED: Dwell(P.COORDINATOR, 7 * DAY, "修改后重新提交", P.SIGNATORY),
        },
    ),
    "declaration_plan": (
        DECLARATION_PLAN,
        {DeclarationState.DRAFT: Dwell(P.PROVINCE, 30 * DAY, "发布申报计划")},
    ),
    "quota": (QUOTA, {QuotaState.ACTIVE: Rest("指标有效，到年底自动失效，失效前另行提醒")}),
    "exam_site": (
        EXAM_SITE,
        {
            SiteReview.DRAFT: Dwell(P.COORDINATOR, 14 * DAY, "提交考核站点", P.SIGNATORY),
            SiteReview.PENDING: Dwell(P.TEO, 2 * DAY, "审核考核站点"),
            SiteReview.RETURNED: Dwell(P.COORDINATOR, 7 * DAY, "修改后重新提交", P.SIGNATORY),
        },
    ),
    "site_status": (
        SITE_STATUS,
        {
            SiteStatus.NOT_ENABLED: Rest("站点审核通过后启用，等待的是审核"),
            SiteStatus.ENABLED: Rest("站点在用"),
        },
    ),
    "allocation": (ALLOCATION, {AllocationState.ACTIVE: Rest("分配有效")}),
    "exam_plan": (EXAM_PLAN, {PlanState.DRAFT: Dwell(P.TEO, 30 * DAY, "发布考试计划")}),
    "candidate": (
        CANDIDATE,
        {
            C.NO_PHOTO: Dwell(P.COORDINATOR, 30 * DAY, "上传照片", P.SIGNATORY),
            C.INCOMPLETE: Dwell(P.COORDINATOR, 30 * DAY, "补全信息", P.SIGNATORY),
            C.PENDING_VERIFICATION: Dwell(P.COORDINATOR, 14 * DAY, "提交信息认证", P.SIGNATORY),
            C.NEEDS_MANUAL: Dwell(P.COORDINATOR, 3 * DAY, "人工确认", P.SIGNATORY),
        },
    ),
    "verification_request": (
        REQUEST,
        {
            RequestState.WAITING: Dwell(None, HOUR, "送往核验服务"),
            RequestState.ASKING: Dwell(None, HOUR, "等待核验服务答复"),
        },
    ),
    "photo_offer": (PHOTO_OFFER, {PhotoState.OFFERED: Dwell(P.COORDINATOR, KEPT_FOR, "采用或放弃裁剪建议")}),
    "import": (
        IMPORT,
        {
            ImportState.READING: Dwell(None, 10 * MINUTE, "检查文件"),
            ImportState.PREVIEW: Dwell(P.COORDINATOR, KEPT_FOR, "确认写入或放弃"),
            ImportState.WRITING: Dwell(None, 10 * MINUTE, "写入数据"),
            ImportState.DONE: Rest("数据已写入，仍可撤销"),
        },
    ),
    "sitting": (
        SITTING,
        {
            SittingState.NOT_ARRANGED: Dwell(P.TEO, 30 * DAY, "编排考场"),
            SittingState.SEATED: Rest("座位已排，等待的是考试时间"),
        },
    ),
    "arrangement": (
        ARRANGEMENT,
        {
            ArrangementState.NOT_ARRANGED: Dwell(P.TEO, 30 * DAY, "编排考场"),
            ArrangementState.ARRANGED: Dwell(P.TEO, 14 * DAY, "发布排考结果"),
        },
    ),
    "score": (
        SCORE,
        {
            ScoreState.NOT_ENTERED: Dwell(P.TEO, 14 * DAY, "登记成绩"),
            ScoreState.ENTERED: Rest("成绩已登记，公示结束时自动锁定"),
        },
    ),
    "issuance": (
        ISSUANCE,
        {
            I_.TEO_PENDING: Dwell(P.TEO, 3 * DAY, "签发证书"),
            I_.TEO_REJECTED: Dwell(P.TEO, 7 * DAY, "处理后重新签发"),
            I_.SITE_PENDING: Dwell(P.SIGNATORY, 3 * DAY, "签字确认", P.COORDINATOR),
            I_.SITE_REJECTED: Dwell(P.TEO, 7 * DAY, "与院校核对后重新发起签发"),
            I_.READY: Dwell(None, HOUR, "生成证书"),
            I_.GENERATING: Dwell(None, HOUR, "生成并盖章"),
            I_.STAMP_FAILED: Dwell(P.TEO, DAY, "更换签章后重新生成"),
        },
    ),
    "signing": (
        SIGNING,
        {
            SigningState.CREATED: Dwell(None, 10 * MINUTE, "未扫码的签名页自动过期"),
            SigningState.SCANNED: Dwell(None, 10 * MINUTE, "未签名的签名页自动过期"),
        },
    ),
    "delivery": (
        DELIVERY,
        {
            DeliveryState.PENDING: Dwell(None, HOUR, "发送消息"),
            DeliveryState.SENDING: Dwell(None, 10 * MINUTE, "等待送达结果"),
            DeliveryState.DELIVERED: Rest("消息已送达"),
            DeliveryState.FAILED: Rest("聊天不可达，面板通知里仍可查看"),
            DeliveryState.SUPPRESSED: Rest("消息只在面板显示，或已并入另一条"),
        },
    ),
    "letter": (
        LETTER,
        {
            LetterState.WAITING: Dwell(None, HOUR, "交给备用渠道"),
            LetterState.SENDING: Dwell(None, 10 * MINUTE, "等待渠道接收"),
            LetterState.HANDED_OVER: Rest("渠道已接收，是否读到无从得知"),
            LetterState.FAILED: Rest("备用渠道不通，面板通知里仍可查看"),
            LetterState.DROPPED: Rest("已办结或已过期，不再发送"),
        },
    ),
    "reply": (
        REPLY,
        {
            ReplyState.OPEN: Dwell(None, KEPT_FOR + 30 * DAY, "逾期不回复的请求自动过期，过期前逐级提醒"),
            ReplyState.ACKNOWLEDGED: Rest("本人已知悉，十分钟内可以撤回"),
        },
    ),
    "switch": (SWITCH, {Switch.ENABLED: Rest("在用"), Switch.DISABLED: Rest("停用，可再启用")}),
    "account": (
        ACCOUNT,
        {
            AccountState.ENABLED: Rest("账号在用"),
            AccountState.LOCKED: Rest("锁定到期后登录即解锁"),
            AccountState.DISABLED: Rest("停用，可再启用"),
        },
    ),
    "binding": (
        BINDING,
        {
            BindingState.WAITING: Dwell(P.COORDINATOR, 2 * DAY, "确认同事换绑的聊天账号", P.SIGNATORY),
            BindingState.ACTIVE: Rest("绑定在用"),
            BindingState.DEAD: Dwell(P.COORDINATOR, 7 * DAY, "请同事重新绑定聊天", P.SIGNATORY),
        },
    ),
    "delegation": (
        DELEGATION,
        {
            DelegationState.PROPOSED: Dwell(P.SIGNATORY, 3 * DAY, "接受或谢绝代办授权", P.COORDINATOR),
            DelegationState.ACCEPTED: Rest("代办授权按起止时间生效和到期"),
        },
    ),
    "announcement": (
        ANNOUNCEMENT,
        {
            AnnouncementState.DRAFT: Rest("草稿只有起草单位看得到，没有人在等它"),
            AnnouncementState.PUBLISHED: Rest("已经发布；要求确认的，逐人提醒到确认为止"),
        },
    ),
    "seal": (SEAL, {SealState.ACTIVE: Rest("签章在用")}),
}
