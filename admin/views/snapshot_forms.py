"""The form for the two columns of a plan's snapshot that may be put right (R-091)."""

from __future__ import annotations

from typing import Any

from admin.forms import PanelForm, text_field
from core.models.registrations import Registration
from core.rules import values


class SnapshotForm(PanelForm):
    """更正考试信息."""

    name_pinyin = text_field("姓名拼音", values.pinyin, description="如 Wang Wenli，证书上按此印制。")
    mobile = text_field("手机号码", values.mobile, render_kw={"inputmode": "numeric", "autocomplete": "off"})


def as_registered(row: Registration) -> dict[str, Any]:
    """The form as the plan has it."""
    return {"name_pinyin": row.snapshot.name_pinyin, "mobile": row.snapshot.mobile}


def put_right(typed: dict[str, Any], row: Registration) -> dict[str, Any]:
    """The use case's arguments."""
    return {"changes": typed}
