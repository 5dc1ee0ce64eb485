"""Attaching a PDF to a thing and taking it off again: the two verbs of every page that keeps files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from admin.forms import Choice, PanelForm, Upload
from admin.session import reader
from admin.usecase_view import Link
from admin.verbs import Verb
from admin.views.files import file_link
from core.actors import Actor
from core.db import Tx
from core.queries.attachments import attachments_of
from core.rules.attachments import suffixes_for
from core.rules.catalogue import AttachmentKind

HINT = "PDF，不超过 20 MB；不能设密码，不能带脚本。"


class PdfForm(PanelForm):
    """One file, handed on with the name it had."""

    file = Upload("PDF 文件", accept=suffixes_for(AttachmentKind.STANDARD), description=HINT)

    def values(self) -> dict[str, Any]:
        return {"file_name": self.file.file_name, "data": self.file.data}


class _TakeOffForm(PanelForm):
    """Which of a thing's files; owner: the column of Attachment that names the thing."""

    owner = ""
    attachment_id = Choice("要删除的附件")

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        held = attachments_of(session, **{self.owner: row.id}) if row is not None else ()
        self.attachment_id.offer([(file.id, file.file_name) for file in held])


def file_links(owner: str, row: Any) -> list[Link]:
    """A button per file of a thing."""
    return [file_link(file) for file in attachments_of(reader(), **{owner: row.id})]


def file_verbs(
    owner: str, put: Callable[..., Any], take_off: Callable[..., Any], *, word: str, act: str
) -> tuple[Verb, Verb]:
    """上传 and 删除 for the files of a thing; take_off is a use case that needs the attachment's id alone."""

    def _off(tx: Tx, *, row_id: int, attachment_id: int) -> Any:
        return take_off(tx, attachment_id=attachment_id)

    form = type("TakeOffForm", (_TakeOffForm,), {"owner": owner})
    return (
        Verb(put, f"上传{word}", key="attach", form=PdfForm, act=act, done="文件已保存。"),
        Verb(
            _off,
            f"删除{word}",
            key="detach",
            row="row_id",
            form=form,
            act=act,
            when=lambda row, actor: bool(attachments_of(reader(), **{owner: row.id})),
            tone="danger",
            explain="删除后其他人不能再打开这个文件，操作记录会保留。",
            done="附件已删除。",
        ),
    )
