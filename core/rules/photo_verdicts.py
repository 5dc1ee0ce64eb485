"""What becomes of each file of a photo import, and what waits for a person's word (I-03, R-081, R-082)."""

from __future__ import annotations

from core.rules.machine import Labelled, Machine, Move


class PhotoState(Labelled):
    """处理结果 of one file; OFFERED waits: a crop was made and nobody has taken it."""

    ACCEPTED = "accepted", "已采用"
    UNCHANGED = "unchanged", "没有变化"
    OFFERED = "offered", "待确认裁剪"
    ADOPTED = "adopted", "已采用裁剪"
    DROPPED = "dropped", "已放弃裁剪"
    REFUSED = "refused", "未采用"


class Twin(Labelled):
    """Where the same picture is found under another name; of other colleges nobody is told whose it is."""

    ARCHIVE = "archive", "本次上传的另一个文件"
    COLLEGE = "college", "本校另一名考生"
    ELSEWHERE = "elsewhere", "其他院校的一名考生"


S = PhotoState

PHOTO_OFFER = Machine(
    "裁剪建议",
    PhotoState,
    S.OFFERED,
    (
        Move("adopt", {S.OFFERED}, S.ADOPTED),
        Move("drop", {S.OFFERED}, S.DROPPED),
    ),
)
