"""Attachments of all things: one address a file, for whoever may see the thing it hangs on."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Response, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from admin.downloads_view import DownloadsView
from admin.session import current_actor, reader
from admin.usecase_view import Link
from core.db import transaction
from core.models.files import Attachment
from core.usecases.attachments import open_attachment


def file_link(file: Attachment) -> Link:
    """A button that opens or saves the file."""
    return Link(file.file_name, url_for("files.download", ident=file.id))


class FilesView(DownloadsView):
    """No page of its own, only files; one out of sight is 404."""

    @expose("/<int:ident>")
    def download(self, ident: int) -> ResponseReturnValue:
        """The file as it was handed in, under its own name; pictures show in place, everything else is saved."""
        actor = current_actor()
        reader().rollback()
        with transaction(actor) as tx:
            file = open_attachment(tx, attachment_id=ident)
        manner = "inline" if file.is_picture else "attachment"
        return sent(file.data, file.media_type, file.file_name, manner)


def sent(data: bytes, media_type: str, file_name: str, manner: str) -> Response:
    """Bytes with a name; nobody guesses another type, nothing in it may run, no cache keeps it."""
    response = Response(data, mimetype=media_type)
    response.headers["Content-Disposition"] = f"{manner}; filename*=UTF-8''{quote(file_name)}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response


def views(db: Any) -> list[DownloadsView]:
    """For the application to register."""
    return [FilesView(name="附件", endpoint="files", url="/admin/files")]
