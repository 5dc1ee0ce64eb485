"""Certificates and subjects: levels, exam modes and how a plan decides who passed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from core.errors import ValueRefused
from core.rules.machine import Labelled


class CertificateLevel(Labelled):
    """Each level is a certificate of its own (R-051)."""

    PRIMARY = "primary", "初级"
    INTERMEDIATE = "intermediate", "中级"
    ADVANCED = "advanced", "高级"

    @property
    def digit(self) -> int:
        """1, 2 or 3, as certificate and subject numbers carry it (N9, N10)."""
        return list(type(self)).index(self) + 1

    @property
    def english(self) -> str:
        """The word the certificate prints."""
        return self.value.capitalize()


class ExamMode(Labelled):
    """R-052: subjects and rooms hold a set of these."""

    COMPUTER = "computer", "机考"
    PRACTICAL = "practical", "实操"
    WRITTEN = "written", "笔试"


class RequirementKind(Labelled):
    """How an item of a site standard is checked (§2.8)."""

    TICK = "tick", "是/否"
    NUMBER = "number", "数值"
    TEXT = "text", "说明"


class AttachmentKind(Labelled):
    """What a stored file is to the thing it hangs on."""

    EVIDENCE = "evidence", "其他佐证材料"
    PICTURE = "picture", "说明中的图片"
    STANDARD = "standard", "标准文本"
    SAMPLE = "sample", "证书样本"


class PassRule(Labelled):
    """考核通过条件 (R-064)."""

    ALL_SUBJECTS = "all_subjects", "各科成绩合格"
    COMPOSITE = "composite", "综合成绩合格"


EVERYBODY = "所有考生"  # the default examinee category (§2.10)
FULL_SCORE = 100  # unless a subject says otherwise (§2.10)


def study_credits(typed: str | None) -> str:
    """建议学分 (§2.9) as 1.5 or 2: up to 999, at most one decimal place."""
    found = re.fullmatch("0*([0-9]{1,3})(?:[.]([0-9]))?分?", (typed or "").strip())
    if found is None:
        raise ValueRefused("credits_shape", value=typed or "", suggestion=None)
    return f"{found[1]}.{found[2]}" if found[2] and found[2] != "0" else found[1]


def in_tenths(credit: str) -> int:
    """1.5 as 15, the way it is kept."""
    whole, _, tenth = credit.partition(".")
    return int(whole) * 10 + int(tenth or 0)


def modes_text(modes: Iterable[ExamMode], joint: str = "+") -> str:
    """机考+实操 for people, in declared order."""
    held = set(modes)
    return joint.join(mode.label for mode in ExamMode if mode in held)
