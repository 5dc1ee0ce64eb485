"""The file itself is no good: no workbook, a damaged one, a locked one, or one made to do harm."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable

from tests.core.sheets.broken_files import SHEET, edited, locked, lying, ole, record, xls, zipped
from tests.core.sheets.corpus.workbooks import HEADER, TITLE, Case, book, raw_sheet, three

MB = 1024 * 1024
_BOOK, _RELATIONS, _TYPES = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "[Content_Types].xml"
_FAR = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
_WIDE = '<row r="6"><c r="XFD6"><v>1</v></c></row><row r="400"><c r="A400"><v>1</v></c></row></sheetData>'
_LAUGHS = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><worksheet'
_OUTSIDE = '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/hostname">]><worksheet'
_TABLE = "<html><head><meta charset=gbk></head><table><tr><td>学生姓名</td></tr></table></html>"


def _usual() -> bytes:
    return book(*three())


def _old() -> bytes:
    return xls([TITLE], HEADER, *three())


def _cut(make: Callable[[], bytes], keep: float) -> Callable[[], bytes]:
    return lambda: make()[: int(len(make()) * keep)]


def _part(name: str, edit: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    return lambda: edited(_usual(), name, edit)


def _less(*names: str) -> Callable[[], bytes]:
    def make() -> bytes:
        with zipfile.ZipFile(io.BytesIO(_usual())) as archive:
            return zipped({name: archive.read(name) for name in archive.namelist() if name not in names})

    return make


def _packed_otherwise(kind: int) -> Callable[[], bytes]:
    def make() -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(_usual())) as archive, zipfile.ZipFile(out, "w", kind) as again:
            for name in archive.namelist():
                again.writestr(name, archive.read(name))
        return out.getvalue()

    return make


def _flipped(at: float) -> Callable[[], bytes]:
    """One byte in the middle of the sheet's packed data."""

    def make() -> bytes:
        data = bytearray(_usual())
        with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
            entry = archive.getinfo(SHEET)
        data[entry.header_offset + 60 + int((entry.compress_size - 60) * at)] ^= 0xFF
        return bytes(data)

    return make


def _with_entity(doctype: str) -> Callable[[], bytes]:
    """The sheet declares an entity and shows it in an odd cell: nobody may expand it, let alone fetch it."""
    start, cell = doctype.encode(), b'<c  r="F4" t="inlineStr"><is><t>&a;</t></is></c>'
    return _part(SHEET, lambda xml: re.sub(rb'<c r="F4".*?</c>', cell, xml.replace(b"<worksheet", start, 1)))


def _refused(name: str, code: str, make: Callable[[], bytes], file_name: str = "学生.xlsx") -> Case:
    return Case(f"file-{name}", make, refused=code, file_name=file_name)


def _always(data: bytes) -> Callable[[], bytes]:
    return lambda: data


CASES = (
    _refused("empty", "file_empty", _always(b"")),
    _refused("one-byte", "file_not_excel", _always(b"P")),
    _refused("zip-mark-only", "file_damaged", _always(b"PK\x03\x04")),
    _refused("ole-mark-only", "file_damaged", _always(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "a.xls"),
    _refused("zeros", "file_not_excel", _always(bytes(5000))),
    _refused("text", "file_not_excel", _always("学生姓名,性别\n".encode())),
    _refused("csv", "file_is_csv", _always("学生姓名,性别\n".encode()), "学生.csv"),
    _refused("txt", "file_is_csv", _always("学生姓名\t性别\n".encode()), "学生.txt"),
    _refused("gbk-csv-called-xls", "file_not_excel", _always("学生姓名,性别\n".encode("gbk")), "学生.xls"),
    _refused("utf16-text-called-xls", "file_not_excel", _always("学生姓名\t性别\n".encode("utf-16")), "学生.xls"),
    _refused("html-called-xls", "file_not_excel", _always(_TABLE.encode("gbk")), "学生.xls"),
    _refused("xml-spreadsheet-called-xls", "file_not_excel", _always(b'<?xml version="1.0"?><Workbook/>'), "a.xls"),
    _refused("pdf", "file_kind", _always(b"%PDF-1.4"), "学生.pdf"),
    _refused("pdf-called-xlsx", "file_not_excel", _always(b"%PDF-1.4")),
    _refused("picture-called-xlsx", "file_not_excel", _always(b"\xff\xd8\xff\xe0JFIF")),
    _refused("no-suffix", "file_kind", _usual, "学生"),
    _refused("ods", "file_kind", _usual, "学生.ods"),
    _refused("et-of-wps", "file_kind", _old, "学生.et"),
    _refused("zip", "file_kind", _usual, "学生.zip"),
    _refused("xlsm", "file_with_macros", _usual, "学生.xlsm"),
    _refused("xlsb", "file_with_macros", _usual, "学生.xlsb"),
    _refused("macro-inside", "file_with_macros", _part("xl/vbaProject.bin", lambda _: b"x")),
    _refused("macro-inside-xls", "file_with_macros", lambda: xls(HEADER, *three(), _VBA_PROJECT_CUR=b"x"), "a.xls"),
    _refused("encrypted", "file_encrypted", lambda: ole(EncryptedPackage=b"x", EncryptionInfo=b"x")),
    _refused(
        "encrypted-called-xls", "file_encrypted", lambda: ole(EncryptedPackage=b"x", EncryptionInfo=b"x"), "a.xls"
    ),
    _refused("encrypted-xls", "file_encrypted", lambda: xls(HEADER, *three(), before=record(0x2F, bytes(54))), "a.xls"),
    _refused("zip-with-password", "file_damaged", lambda: locked(_usual())),
    _refused("word-document", "file_not_excel", lambda: zipped({"word/document.xml": b"<w/>"})),
    _refused("zip-of-a-workbook", "file_not_excel", lambda: zipped({"学生.xlsx": _usual()})),
    _refused("empty-zip", "file_not_excel", lambda: zipped({})),
    *(_refused(f"cut-at-{keep:.0%}", "file_damaged", _cut(_usual, keep)) for keep in (0.01, 0.3, 0.5, 0.7, 0.9, 0.99)),
    *(_refused(f"xls-cut-at-{keep:.0%}", "file_damaged", _cut(_old, keep), "a.xls") for keep in (0.05, 0.3, 0.6)),
    *(_refused(f"flipped-at-{at:.0%}", "file_damaged", _flipped(at)) for at in (0.1, 0.5, 0.9)),
    _refused("sheet-cut", "file_damaged", _part(SHEET, lambda xml: xml[:-60])),
    _refused("sheet-gone", "file_damaged", _less(SHEET)),
    _refused("sheet-empty-part", "file_damaged", _part(SHEET, lambda _: b"")),
    _refused("book-gone", "file_not_excel", _less(_BOOK)),
    _refused("book-cut", "file_damaged", _part(_BOOK, lambda xml: xml[:-80])),
    _refused("book-without-sheets", "file_damaged", _part(_BOOK, lambda _: b"<workbook/>")),
    _refused("relations-gone", "file_damaged", _less(_RELATIONS)),
    _refused("relations-elsewhere", "file_damaged", _part(_RELATIONS, lambda xml: xml.replace(b"sheet1", b"sheet9"))),
    Case("file-styles-gone", _less("xl/styles.xml")),
    Case("file-properties-gone", _less("docProps/core.xml", "docProps/app.xml")),
    Case("file-stored-not-packed", _packed_otherwise(zipfile.ZIP_STORED)),
    _refused("packed-by-bzip2", "file_damaged", _packed_otherwise(zipfile.ZIP_BZIP2)),
    _refused("packed-by-lzma", "file_damaged", _packed_otherwise(zipfile.ZIP_LZMA)),
    _refused("bomb", "zip_inflates", _part("xl/media/a", lambda _: bytes(165 * MB))),
    _refused("bomb-that-lies", "zip_inflates", lambda: lying(_part("xl/media/a", lambda _: bytes(165 * MB))(), 10)),
    _refused("too-many-parts", "zip_too_many_entries", lambda: zipped({f"xl/{n}": b"" for n in range(1001)})),
    _refused("too-large", "file_too_large", lambda: bytes(20 * MB + 1)),
    _refused("far-cell", "sheet_too_large", raw_sheet("</sheetData>", _FAR)),
    _refused("wide-and-deep", "sheet_too_large", raw_sheet("</sheetData>", _WIDE)),
    _refused("place-that-is-none", "file_damaged", raw_sheet('r="A4"', 'r="A99999999999"')),
    *(_refused(f"entity-{at}", "file_damaged", _with_entity(kind)) for at, kind in enumerate((_LAUGHS, _OUTSIDE))),
)
