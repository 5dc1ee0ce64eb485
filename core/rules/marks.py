"""Scores as people write them: whole or with one decimal, composites with two, and what stands for no number."""

from __future__ import annotations

from core.rules.catalogue import PassRule


def tenths_text(tenths: int | None) -> str:
    """850 → 85, 725 → 72.5."""
    if tenths is None:
        return ""
    return f"{tenths // 10}.{tenths % 10}" if tenths % 10 else str(tenths // 10)


def hundredths_text(hundredths: int | None) -> str:
    """7635 → 76.35: two decimals always (R-229)."""
    return "" if hundredths is None else f"{hundredths // 100}.{hundredths % 100:02d}"


def mark_text(tenths: int | None, is_absent: bool, is_invalid: bool = False) -> str:
    """A score in words: 缺考, 成绩无效, a number, or nothing yet."""
    return "成绩无效" if is_invalid else "缺考" if is_absent else tenths_text(tenths) or "未登记"


def pass_rule_text(rule: PassRule, composite_pass_tenths: int | None) -> str:
    """考核通过条件 in words (R-224, R-225)."""
    if rule is PassRule.COMPOSITE:
        return f"综合成绩合格：加权总分不低于 {tenths_text(composite_pass_tenths)} 分"
    return "各科成绩合格：每一科都不低于合格分数"
