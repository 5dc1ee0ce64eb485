"""What a certificate says around the facts of a person (G-07): words with gaps in braces, and the gaps there are."""

from __future__ import annotations

import re
from collections.abc import Mapping

from core.errors import ValueRefused

GAPS = ("证书", "等级", "专项", "考试年", "考试月", "院校", "颁证机构", "英文名称", "英文等级", "英文月份")
LONGEST_STATEMENT, LONGEST_STATEMENT_EN = 240, 600
DEFAULT_TITLE, DEFAULT_TITLE_EN = "职业技能等级证书", "Certificate of Vocational Skill Level"
DEFAULT_STATEMENT = (
    "{考试年}年{考试月}月参加{专项}职业技能等级水平考核，成绩合格，核发{专项}职业技能等级证书（{等级}）。"
    "学习成果已经职业教育国家学分银行认定。"
)
DEFAULT_STATEMENT_EN = (
    "This is to certify that this certificate owner has passed the assessment in {英文月份} {考试年}, and is qualified "
    "for the {英文等级} Level of {英文名称}. The learning outcomes are recognized by the National Credit Bank for "
    "Vocational Education."
)
_GAP = re.compile("[{]([^{}]*)[}]")
_WIDE = str.maketrans("｛｝", "{}")


def require_words(typed: str, *, maximum: int) -> str:
    """The words with ASCII braces and single spaces; ValueRefused for an unknown gap or a lone brace."""
    words = " ".join(typed.translate(_WIDE).split())
    strangers = [gap for gap in _GAP.findall(words) if gap not in GAPS]
    if strangers:
        known = "、".join(f"{{{gap}}}" for gap in GAPS)
        raise ValueRefused("template_gap", rule="G-07", value=strangers[0], suggestion=None, known=known)
    if set("{}") & set(_GAP.sub("", words)):
        raise ValueRefused("template_brace", rule="G-07", value="", suggestion=None)
    if len(words) > maximum:
        raise ValueRefused("text_too_long", value="", suggestion=None, maximum=maximum, length=len(words))
    return words


def filled(words: str, facts: Mapping[str, str]) -> str:
    """The words with every gap filled; facts bring all of GAPS. What a fact contains is never read as a gap."""
    return _GAP.sub(lambda gap: facts[gap[1]], words)
