"""停用 and 启用: the two verbs of everything that can be switched (§3.4, §3.7)."""

from __future__ import annotations

from typing import Any

from admin.verbs import Verb
from core.rules.organisations import SWITCH


def switches(
    usecase: Any, act: str, warning: str, welcome: str = "启用后又可以被选用。确定启用吗？"
) -> tuple[Verb, Verb]:
    """warning is asked before the thing is disabled, welcome before it is enabled again."""
    return (
        Verb(
            usecase,
            "停用",
            key="disable",
            fixed={"action": "disable"},
            act=act,
            move=(SWITCH, "disable"),
            confirm=warning,
            tone="danger",
            done="已停用。",
        ),
        Verb(
            usecase,
            "启用",
            key="enable",
            fixed={"action": "enable"},
            act=act,
            move=(SWITCH, "enable"),
            confirm=welcome,
            done="已启用。",
        ),
    )
