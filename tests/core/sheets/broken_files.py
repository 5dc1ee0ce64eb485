"""Workbooks, OLE containers and zips as people and worse people make them, each built on the spot."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import openpyxl
from PIL import Image

from core.rules import values
from core.sheets.spec import Column, SheetSpec

STUDENTS = SheetSpec(
    "students",
    "本校学生导入模板",
    1,
    columns=(
        Column("学生姓名", "name", values.person_name, example="王文丽"),
        Column("性别", "gender", values.gender, choices=("男", "女")),
        Column("证件号码", "id_number", values.id_number, text_only=True, width=24, note="18 位身份证号码"),
        Column("手机号码", "mobile", values.mobile),
        Column("入学年份", "year", values.year, required=False),
    ),
    key=("id_number",),
    notes=("一名学生只导入一次。",),
)
HEADER = ["*学生姓名", "*性别", "*证件号码", "*手机号码", "入学年份"]
SHEET = "xl/worksheets/sheet1.xml"


def some_id(serial: int) -> str:
    """An invented number of 北京市东城区 with a valid check digit."""
    first_17 = f"11010120000101{serial:03d}"
    return first_17 + values.id_check(first_17)


def student(serial: int, **changes: Any) -> list[Any]:
    """A row without a fault, but for the changes."""
    row = {"name": "王文丽", "gender": "女", "id_number": some_id(serial), "mobile": "13800138000", "year": "2021"}
    return list((row | changes).values())


def xlsx(
    *rows: Sequence[Any], title: str | None = "本校学生导入模板", header: Sequence[Any] = HEADER, **cells: Any
) -> bytes:
    """A workbook with these rows below title and header; cells are further ones by address (K9=…)."""
    book = openpyxl.Workbook()
    sheet = book.active
    for row in ([title] if title else None, header, *rows):
        if row is not None:
            sheet.append(row)
    for address, value in cells.items():
        sheet[address] = value
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    """The workbook's bytes."""
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def edited(data: bytes, part: str, edit: Callable[[bytes], bytes]) -> bytes:
    """The same package with one part rewritten."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return zipped(parts | {part: edit(parts.get(part, b""))})


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A deflated zip of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def lying(data: bytes, claim: int) -> bytes:
    """The same zip, whose central directory claims that every file inflates to this many bytes."""
    out = bytearray(data)
    at = out.find(b"PK\x01\x02")
    while at >= 0:
        struct.pack_into("<I", out, at + 24, claim)
        at = out.find(b"PK\x01\x02", at + 4)
    return bytes(out)


def locked(data: bytes) -> bytes:
    """The same zip with the password flag set on every file."""
    out = bytearray(data)
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = out.find(mark)
        while at >= 0:
            out[at + flags] |= 1
            at = out.find(mark, at + 4)
    return bytes(out)


def ole(**streams: bytes) -> bytes:
    """A minimal OLE container (what .xls and locked .xlsx are): one FAT sector, every stream at least 4096 long."""
    free, end, fat_sector = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    padded = {name: data.ljust(4096, b"\0") for name, data in streams.items()}
    padded = {name: data + bytes(-len(data) % 512) for name, data in padded.items()}
    fat, body, entries = [fat_sector, end], b"", [_ole_entry("Root Entry", 5, 1, free, end, 0)]
    for number, (name, data) in enumerate(padded.items(), start=1):
        entries.append(_ole_entry(name, 2, free, number + 1 if number < len(padded) else free, len(fat), len(data)))
        first, count = len(fat), len(data) // 512
        fat += [*range(first + 1, first + count), end]
        body += data
    fat += [free] * (128 - len(fat))
    directory = b"".join(entries).ljust(512, b"\0")
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(24, b"\0") + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
    header = header.ljust(44, b"\0") + struct.pack("<IIIIIIIII", 1, 1, 0, 4096, end, 0, end, 0, 0)
    return header.ljust(512, b"\xff") + struct.pack("<128I", *fat) + directory + body


def _ole_entry(name: str, kind: int, child: int, right: int, start: int, size: int) -> bytes:
    spelled = name.encode("utf-16-le") + b"\0\0"
    links = struct.pack("<HBBIII", len(spelled), kind, 1, 0xFFFFFFFF, right, child if kind == 5 else 0xFFFFFFFF)
    return (spelled.ljust(64, b"\0") + links).ljust(116, b"\0") + struct.pack("<III", start, size, 0)


def xls(
    *rows: Sequence[str | float], before: bytes = b"", far: tuple[int, int] | None = None, **streams: bytes
) -> bytes:
    """An .xls (BIFF8) of text and number cells; before: raw records at the start, far: place of one more, from 0."""
    cells = b"".join(_xls_cell(r, c, cell) for r, row in enumerate(rows) for c, cell in enumerate(row) if cell != "")
    cells += _xls_cell(*far, "远") if far else b""
    start = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0)) + before
    bound = record(0x0085, struct.pack("<IBBBB", 0, 0, 0, 1, 0) + b"S")
    bound = record(0x0085, struct.pack("<IBBBB", len(start + bound) + 4, 0, 0, 1, 0) + b"S")
    sheet = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0)) + cells + record(0x000A, b"")
    return ole(Workbook=start + bound + record(0x000A, b"") + sheet, **streams)


def _xls_cell(row: int, column: int, cell: str | float) -> bytes:
    place = struct.pack("<HHH", row, column, 0)
    if isinstance(cell, str):
        return record(0x0204, place + struct.pack("<HB", len(cell), 1) + cell.encode("utf-16-le"))
    return record(0x0203, place + struct.pack("<d", cell))


def record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def photo(
    *,
    size: tuple[int, int] = (295, 413),
    colour: tuple[int, int, int] = (200, 20, 30),
    form: str = "JPEG",
    **options: Any,
) -> bytes:
    """A face-coloured square on a wall of this colour."""
    image = Image.new("RGB", size, colour)
    image.paste((225, 180, 150), (size[0] // 4, size[1] // 4, size[0] * 3 // 4, size[1]))
    out = io.BytesIO()
    image.convert(options.pop("mode", "RGB")).save(out, form, **options)
    return out.getvalue()
