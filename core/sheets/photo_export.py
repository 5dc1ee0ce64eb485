"""The archive of photos that leaves (E-04): named like those that come in, so that it can be imported again (R-082)."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from core.sheets.writer import Heading, Marking, in_words


def write_photos(
    headings: Sequence[Heading],
    rows: Iterable[Sequence[Any]],
    out: Path | BinaryIO,
    *,
    title: str = "",
    marking: Marking | None = None,
) -> int:
    """Write the pictures as they come and say how many there were; the mark is the archive's own comment.

    rows: (ID type, ID number, JPEG). Two kinds of document with one number lie in folders of their own.
    """
    names: set[str] = set()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for id_type, id_number, jpeg in rows:
            name = f"{id_number}.jpg"
            if name in names:
                name = f"{in_words(id_type)}/{name}"
            names.add(name)
            archive.writestr(zipfile.ZipInfo(name), jpeg)
        if marking is not None:
            lines = (f"{word}：{value}" for word, value in (("标题", title), *marking.lines(len(names))))
            archive.comment = "\n".join(lines).encode()[:65_535]
    return len(names)
