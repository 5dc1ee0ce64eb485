"""What becomes of each file of a photo import, and what waits for a person's word (I-03, R-081, R-082)."""

from __future__ import annotations

import re
import unicodedata

from core.rules.machine import Labelled, Machine, Move
from core.rules.values import mask_id

_NUMBER = re.compile(r"[0-9A-Za-z](?:\s*[0-9A-Za-z]){6,}")


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


def veiled_name(file_name: str) -> str:
    """A file's name with the ID number in it masked, however it is spelled (R-010): 110****0010.jpg."""
    stem, dot, suffix = unicodedata.normalize("NFKC", file_name).rpartition(".")
    veiled = _NUMBER.sub(lambda found: mask_id("".join(found[0].split())), stem if dot else suffix)
    return f"{veiled}.{suffix}" if dot else veiled
