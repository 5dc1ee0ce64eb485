"""Files as people attach them, and as worse people make them, each built on the spot."""

from __future__ import annotations

import io
import zlib

from PIL import Image

from tests.core.sheets.broken_files import ole, zipped

TYPES = b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
WORDS = (
    b'<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
    b"<w:body><w:p/></w:body></w:document>"
)
RELATION = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" '
    'Target="http://example.invalid/a" TargetMode="External"/></Relationships>'
)


def pdf(catalogue: bytes = b"", page: bytes = b"", trailer: bytes = b"", count: int = 1, **extra: bytes) -> bytes:
    """A page and further objects (o4=…, o5=… in order), with a table of offsets that fits."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R " + catalogue + b">>",
        b"<</Type/Pages/Kids[3 0 R]/Count " + str(count).encode() + b">>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99] " + page + b">>",
        *extra.values(),
    ]
    out, offsets = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    table += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    size = f"/Size {len(objects) + 1}".encode()
    return (
        out
        + table
        + b"trailer\n<<"
        + size
        + b"/Root 1 0 R "
        + trailer
        + b">>\nstartxref\n"
        + str(len(out)).encode()
        + b"\n%%EOF\n"
    )


def packed_stream(data: bytes) -> bytes:
    """A deflated stream object."""
    packed = zlib.compress(data, 9)
    return b"<</Filter/FlateDecode/Length " + str(len(packed)).encode() + b">>stream\n" + packed + b"\nendstream"


def doc(flags: int = 0, **streams: bytes) -> bytes:
    """A Word document of the old kind."""
    head = b"\xec\xa5" + bytes(8) + flags.to_bytes(2, "little") + bytes(20)
    return ole(WordDocument=head, **streams)


def docx(**parts: bytes) -> bytes:
    """A Word document of today; a part named a__b becomes a/b."""
    files = {"[Content_Types].xml": TYPES, "word/document.xml": WORDS}
    return zipped(files | {name.replace("__", "/"): data for name, data in parts.items()})


def picture(form: str = "PNG", size: tuple[int, int] = (60, 40)) -> bytes:
    """A plain picture."""
    out = io.BytesIO()
    Image.new("RGB", size, (40, 90, 160)).save(out, form)
    return out.getvalue()
