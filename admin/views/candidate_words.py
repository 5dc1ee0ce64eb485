"""What is said after candidates were added, photographed, checked or removed."""

from __future__ import annotations

from collections.abc import Sequence

from flask import flash
from markupsafe import Markup
from sqlalchemy import select

from admin.session import reader
from admin.views.candidate_verbs import Checked, Photographed
from admin.views.photo_verdicts import verdicts_url
from core.models.candidates import Candidate


def told(checked: Checked) -> str:
    """What came of 认证."""
    parts = [f"{checked.passed} 人认证通过，信息准确"] if checked.passed else []
    parts += [f"{checked.failed} 人未通过，已转为“需人工确认”"] if checked.failed else []
    parts += [f"{checked.under_way} 人已提交认证，正在核验，结果会显示在列表中"] if checked.under_way else []
    parts += [f"{checked.skipped} 人不在“信息待认证”，没有处理"] if checked.skipped else []
    return "；".join(parts) + "。"


def photographed(given: Photographed) -> str:
    """After a photo was sent; where only a crop of it would do, with the way to it."""
    if given.waiting is None:
        return "照片已保存。"
    return Markup('照片尺寸不符，已裁剪出合规的版本，尚未采用：<a href="{}">查看并采用</a>').format(
        verdicts_url(given.waiting)
    )


def made(given: Photographed) -> str:
    """After 新增."""
    words = "已新增 1 名考生。"
    return words if given.waiting is None else words + photographed(given)


def removed(result: tuple[int, Sequence[int]]) -> str:
    """How many are gone; those that had to stay are named in a message of their own (R-092)."""
    count, blocked = result
    if blocked:
        names = reader().scalars(select(Candidate.name).where(Candidate.id.in_(blocked)).order_by(Candidate.id)).all()
        more = "等" if len(names) > 20 else ""
        flash(
            f"{len(names)} 人已有报考，没有删除：{'、'.join(names[:20])}{more}。请先在报考时间内删除其报考。", "error"
        )
    return f"已删除 {count} 个学生信息。" if count else "没有删除任何学生信息。"
