"""Imports: from the uploaded file to rows that stay, and back (§3.22, R-294, R-295)."""

from __future__ import annotations

from datetime import timedelta

from core.rules.machine import Labelled, Machine, Move

LEASE = timedelta(seconds=60)  # a reader that died is replaced after this
KEPT_FOR = timedelta(days=30)  # a file nobody decided on, with what was found in it
WORTH_TELLING = timedelta(seconds=5)  # what took longer is told in chat: its people have gone on to other things
MOST_ATTEMPTS = 5  # a file that takes its readers down with it is not tried for ever
MOST_CORRECTED = 500  # cells corrected on a page; who has more to mend does it in the workbook


class ImportState(Labelled):
    """导入状态."""

    READING = "reading", "正在检查"
    PREVIEW = "preview", "待确认"
    WRITING = "writing", "正在写入"
    DONE = "done", "已完成"
    REJECTED = "rejected", "已拒绝"
    DISCARDED = "discarded", "已放弃"
    UNDONE = "undone", "已撤销"


S = ImportState

IMPORT = Machine(
    "导入",
    ImportState,
    S.READING,
    (
        Move("preview", {S.READING}, S.PREVIEW),
        Move("reject", {S.READING, S.WRITING}, S.REJECTED),
        Move("correct", {S.PREVIEW}, S.READING),
        Move("confirm", {S.PREVIEW}, S.WRITING),
        Move("give_back", {S.WRITING}, S.PREVIEW),
        Move("finish", {S.WRITING}, S.DONE),
        Move("discard", {S.READING, S.PREVIEW}, S.DISCARDED),
        Move("undo", {S.DONE}, S.UNDONE),
    ),
)
