"""Documents and pictures people send: which of them are taken, as what, and the way out for all others."""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta
from functools import partial
from pathlib import PurePosixPath

from telegram import Document, Update

from bot.context import Context
from bot.fetching import fetch, require_small
from bot.flows import sent_file
from core.actors import Actor
from core.errors import FileRefused, NotPermitted
from core.rules.permissions import has_role
from core.sheets import gate
from core.sheets.catalogue import SHEETS
from core.sheets.desk import PHOTOS_ACT
from core.sheets.recognise import require_photos, sheets_of
from core.usecases.sent_files import SentFile

ARCHIVE = ".zip"
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".heic", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
_SUFFIXES = {  # of the few kinds that are sent without a name
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.ms-excel": ".xls",
    "application/zip": ARCHIVE,
    "application/x-zip-compressed": ARCHIVE,
    "image/jpeg": ".jpg",
    "image/png": ".png",
}
_CLOCKS_APART = timedelta(minutes=5)  # Telegram's and ours
_ALBUMS = 200


async def document(update: Update, context: Context) -> None:
    """A workbook or an archive of photos, own or forwarded; a caption changes nothing."""
    sent = context.message.document
    if sent is None:
        raise LookupError("no document in this message")
    file = SentFile(sent.file_id, _name_of(sent))
    _require_taken(context.actor, file.name)
    require_small(sent.file_size or 0)
    await context.busy()
    content = await fetch(context, file.file_id)
    if gate.suffix_of(file.name) == ARCHIVE:
        await context.labour(partial(require_photos, content))
        await sent_file.look_at_photos(context, file, content)
        return
    await _workbook(context, file, content)


async def picture(update: Update, context: Context) -> None:
    """A photo sent as a photo: Telegram has made it smaller and nameless. An album is answered once."""
    album = context.message.media_group_id
    if album is None or _is_new(context, album):
        raise FileRefused("chat_photo_as_file", rule="R-082")


async def _workbook(context: Context, file: SentFile, content: bytes) -> None:
    names = await context.labour(partial(sheets_of, content, file_name=file.name))
    mine = [name for name in names if has_role(context.actor, SHEETS[name].act)]
    if not mine:
        raise _not_taken(context.actor, names)
    if len(mine) > 1:
        await sent_file.ask_sheet(context, file, mine)
    elif SHEETS[mine[0]].needs_plan:
        await sent_file.ask_plan(context, file, mine[0])
    else:
        await sent_file.take(context, file, content, mine[0], sent_at=context.message.date - _CLOCKS_APART)


def _name_of(sent: Document) -> str:
    """Its last part without blanks around it; made up from the kind where there is none."""
    name = (sent.file_name or "").replace("\\", "/").rpartition("/")[2].strip()
    return name or f"文件{_SUFFIXES.get(sent.mime_type or '', '')}"


def _require_taken(actor: Actor, name: str) -> None:
    """Before anything is fetched: whether this person imports anything, and whether it is a kind of file we take."""
    suffix = PurePosixPath(name).suffix.lower()
    may_send_photos = has_role(actor, PHOTOS_ACT)
    if not may_send_photos and not _titles(actor):
        raise NotPermitted("chat_imports_nothing", rule="§8.8")
    if suffix in PICTURES:
        raise FileRefused("chat_photo_as_file", rule="R-082")
    if suffix == ARCHIVE and not may_send_photos:
        raise NotPermitted("chat_photos_not_yours", rule="§8.8")
    if suffix == ARCHIVE:
        return
    try:
        gate.require_workbook_name(name)
    except FileRefused as refused:
        if refused.sentence_code == "file_kind":
            raise FileRefused("chat_file_kind", rule="R-296") from None
        raise


def _not_taken(actor: Actor, names: tuple[str, ...]) -> FileRefused | NotPermitted:
    titles = _titles(actor)
    if names:
        found = [f"《{SHEETS[name].spec.title}》" for name in names]
        return NotPermitted("chat_sheet_not_yours", rule="§8.8", found=found, titles=titles)
    return FileRefused("chat_sheet_unknown", rule="R-297", titles=titles)


def _titles(actor: Actor) -> list[str]:
    return [f"《{kind.spec.title}》" for kind in SHEETS.values() if has_role(actor, kind.act)]


def _is_new(context: Context, album: str) -> bool:
    """True for the first picture of an album this process sees; kept in memory, for a second answer harms nobody."""
    seen: OrderedDict[str, None] = context.bot_data.setdefault("albums", OrderedDict())
    if album in seen:
        return False
    seen[album] = None
    while len(seen) > _ALBUMS:
        seen.popitem(last=False)
    return True
