"""Organisations and accounts: roles, switches, lock-out and the enumerations around them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from core.rules.machine import Labelled, Machine, Move

WRONG_PASSWORDS_BEFORE_LOCK = 5  # §3.5
LOCK_MINUTES = 15
SETTLES_IN = timedelta(hours=24)  # chat.md: irrevocable acts rest so long after an account moved to another chat


ASK_STILL_YOU_EVERY = timedelta(days=91)  # chat.md: once a quarter, is this chat still yours?
ANSWER_STILL_YOU_WITHIN = timedelta(days=14)  # then the chat counts as not confirmed


def is_unconfirmed(asked_at: datetime | None, affirmed_at: datetime | None, now: datetime) -> bool:
    """True once the time to answer is over without an answer to the last question."""
    if asked_at is None or (affirmed_at is not None and affirmed_at >= asked_at):
        return False
    return now > asked_at + ANSWER_STILL_YOU_WITHIN


class Role(Labelled):
    """Who people are here (§0.3); the public needs no role."""

    ADMIN = "admin", "平台管理员"
    PROVINCE = "province", "省级教育行政部门"
    CITY = "city", "地市级教育局"
    TEO = "teo", "培训评价组织"
    COORDINATOR = "coordinator", "院校管理员"
    SIGNATORY = "signatory", "考核站点负责人"
    SIGN_REVIEWER = "sign_reviewer", "签发审核人"
    INVIGILATOR = "invigilator", "监考人员"
    CANDIDATE = "candidate", "考生"


# Whose word binds others: they sign or approve, and prove it with a second factor (§2.5, chat.md L3).
SIGNS_OR_APPROVES = frozenset({Role.PROVINCE, Role.CITY, Role.TEO, Role.SIGNATORY, Role.SIGN_REVIEWER, Role.ADMIN})

# Whose work stands still when they are away, so that somebody may stand in for them (chat.md, delegation).
KEEPS_WORK_MOVING = (Role.PROVINCE, Role.CITY, Role.TEO, Role.COORDINATOR, Role.SIGNATORY)

# what a role may make inside its college; a platform administrator may make every role.
GRANTED_BY: dict[Role, frozenset[Role]] = {
    Role.COORDINATOR: frozenset({Role.COORDINATOR, Role.INVIGILATOR}),
    Role.SIGNATORY: frozenset({Role.COORDINATOR, Role.INVIGILATOR, Role.SIGN_REVIEWER}),
}


def grantable(roles: Iterable[str]) -> frozenset[Role]:
    """The roles that somebody with these roles may give, take care of and confirm."""
    held = set(roles)
    if Role.ADMIN in held:
        return frozenset(Role)
    return frozenset(role for holder, given in GRANTED_BY.items() if holder in held for role in given)


KEEPS_WORK = frozenset(Role) - {Role.CANDIDATE, Role.INVIGILATOR}  # whose turn it may be for days


class Switch(Labelled):
    """The simple switch that organisations, standards, certificates and subjects share (§3.4, §3.7)."""

    ENABLED = "enabled", "已启用"
    DISABLED = "disabled", "已停用"


class OrganisationKind(Labelled):
    """Which kind a row of the organisations sheet is (interfaces.md)."""

    COLLEGE = "college", "试点院校"
    ORG = "org", "培训评价组织"
    PROVINCE = "province", "省级教育行政部门"
    CITY = "city", "地市级教育局"


class AuthorityLevel(Labelled):
    """Province or city (§2.3)."""

    PROVINCE = "province", "省级"
    CITY = "city", "地市级"


class CollegeType(Labelled):
    """§2.1; the two spellings of 本科 are one value."""

    UNDERGRADUATE = "undergraduate", "本科"
    VOCATIONAL_COLLEGE = "vocational_college", "高职(专科)"
    SECONDARY = "secondary", "中职"


class AccountState(Labelled):
    """§3.5."""

    ENABLED = "enabled", "启用"
    LOCKED = "locked", "锁定"
    DISABLED = "disabled", "停用"


class BindingState(Labelled):
    """A chat bound to an account: waiting for a second person, in use, dead, or ended by somebody."""

    WAITING = "waiting", "待确认"
    ACTIVE = "active", "已绑定"
    DEAD = "dead", "已失效"
    ENDED = "ended", "已解绑"


class Reach(Labelled):
    """Whether an account can be reached in chat: what its bindings come to."""

    BOUND = "bound", "已绑定"
    WAITING = "waiting", "待确认"
    DEAD = "dead", "已失效"
    NONE = "none", "未绑定"


class CodePurpose(Labelled):
    """What a short code proves: six digits sent to a chat or a mobile, typed back within minutes."""

    REGISTER = "register", "院校注册"
    RESET_PASSWORD = "reset_password", "找回密码"
    EXPORT = "export", "导出数据"


class InvigilatorMode(Labelled):
    """监考安排方式 of an organisation (§2.4, D-05)."""

    TEO_ASSIGNS = "teo_assigns", "培训评价组织安排"
    COLLEGE_ASSIGNS = "college_assigns", "院校安排"
    AUTO = "auto", "自动安排"


class PilotStatus(Labelled):
    """What the clock makes of a college in a year (§3.4, R-044)."""

    REGISTERED = "registered", "注册完成"
    PILOT = "pilot", "试点院校"
    NOT_PILOT = "not_pilot", "非试点院校"


class SealState(Labelled):
    """§3.20."""

    ACTIVE = "active", "使用中"
    REPLACED = "replaced", "已替换"


SWITCH = Machine(
    "状态",
    Switch,
    Switch.ENABLED,
    (
        Move("disable", {Switch.ENABLED}, Switch.DISABLED),
        Move("enable", {Switch.DISABLED}, Switch.ENABLED),
    ),
)

ACCOUNT = Machine(
    "账号",
    AccountState,
    AccountState.ENABLED,
    (
        Move("lock", {AccountState.ENABLED}, AccountState.LOCKED),
        Move("unlock", {AccountState.LOCKED}, AccountState.ENABLED),
        Move("disable", {AccountState.ENABLED, AccountState.LOCKED}, AccountState.DISABLED),
        Move("enable", {AccountState.DISABLED}, AccountState.ENABLED),
    ),
)

BINDING = Machine(
    "聊天绑定",
    BindingState,
    BindingState.ACTIVE,
    (
        Move("die", {BindingState.ACTIVE}, BindingState.DEAD),
        Move("end", {BindingState.WAITING, BindingState.ACTIVE, BindingState.DEAD}, BindingState.ENDED),
        Move("confirm", {BindingState.WAITING}, BindingState.ACTIVE),
    ),
)

SEAL = Machine(
    "电子签章",
    SealState,
    SealState.ACTIVE,
    (Move("replace", {SealState.ACTIVE}, SealState.REPLACED),),
)
