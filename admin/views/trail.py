"""操作日志: the whole trail, for the platform's administrators; read only, as everything about it."""

from __future__ import annotations

import json
from typing import Any

from flask import current_app
from sqlalchemy import Enum, Table

from admin import cells
from admin.labels import CHANNELS, LABELS, action_word
from admin.usecase_view import Related, UseCaseView
from core.models.records import AuditEntry, Notification
from core.models.registry import metadata
from core.notifications.words import when

_NOT_SHOWN = "已变更（内容不显示）"


def _table_words() -> dict[str, str]:
    """Table name to the title of its page, as far as it has one."""
    views = current_app.extensions["admin"][0]._views
    titled = {view.model.__tablename__: view.title for view in views if getattr(view, "model", None) is not None}
    return {Notification.__tablename__: "通知", **titled}


class TrailView(UseCaseView):
    """操作日志."""

    model = AuditEntry
    title = "操作日志"
    slug = "trail"
    menu_group = "系统管理"
    menu_order = 90
    one = "条日志"
    shows_history = False
    column_list = ("at", "actor_login", "channel", "action", "object_type", "object_id", "reason")
    column_labels = {
        "at": "时间",
        "actor_login": "账号",
        "channel": "渠道",
        "action": "操作",
        "object_type": "对象",
        "object_id": "编号",
        "reason": "理由",
        "hash": "本条摘要",
        "previous_hash": "上一条摘要",
    }
    column_filters = ("actor_login", "action", "object_type", "object_id", "at")
    column_searchable_list = ("actor_login", "reason")
    column_formatters = {
        "at": lambda view, context, row, name: when(row.at, seconds=True),
        "channel": lambda view, context, row, name: CHANNELS.get(row.channel, row.channel),
        "action": lambda view, context, row, name: action_word(row.action),
        "object_type": lambda view, context, row, name: _table_words().get(row.object_type, row.object_type),
    }
    detail_groups = (
        ("操作", ("at", "actor_login", "channel", "action", "object_type", "object_id", "reason")),
        ("防篡改", ("hash", "previous_hash")),
    )

    def name_of(self, row: AuditEntry) -> str:
        return f"第 {row.id} 条 · {action_word(row.action)}"

    def notes(self) -> str:
        """What the trail is."""
        return "每一次更改都与业务数据在同一事务中写入，逐条相连；改动任何一条，其后的摘要都对不上。"

    def related(self, row: AuditEntry) -> list[Related]:
        before: dict[str, Any] = json.loads(row.before) if row.before else {}
        after: dict[str, Any] = json.loads(row.after) if row.after else {}
        table = metadata.tables.get(row.object_type)
        lines = [
            (LABELS.get(name, name), _told(table, name, before.get(name)), _told(table, name, after.get(name)))
            for name in dict.fromkeys([*before, *after])
        ]
        return [Related("变更内容", ("字段", "之前", "之后"), lines, "这条操作没有改变字段。")]


def _told(table: Table | None, name: str, value: Any) -> str:
    """A stored value in words. Private values were never stored, only their digest; numbers of people are masked."""
    if isinstance(value, dict):
        return _NOT_SHOWN
    kind = table.c[name].type if table is not None and name in table.c else None
    if isinstance(kind, Enum) and kind.enum_class is not None and isinstance(value, str):
        word = next((member for member in kind.enum_class if member.value == value), None)
        return str(getattr(word, "label", value))
    return str(cells.shown(value, name))


def views(db: Any) -> list[UseCaseView]:
    """For the application to register."""
    return [TrailView(db)]
