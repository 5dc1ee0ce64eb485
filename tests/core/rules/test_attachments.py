"""R-106, I-14: an attached file is what its content says, whole, of bounded size, and does nothing by itself."""

from __future__ import annotations

import pytest

from core.errors import FileRefused
from core.notifications.words import sentence
from core.rules.attachments import ATTACHMENT_BYTES, INFLATED_BYTES, check_attachment, tidy_name
from core.rules.catalogue import AttachmentKind
from tests.core.attached_files import RELATION, doc, docx, packed_stream, pdf, picture
from tests.core.sheets.broken_files import locked, ole, zipped

# Typed from R-106, §2.7 to §2.9: kind → file name, what it may be.
WELCOME = [
    (AttachmentKind.EVIDENCE, "佐证.pdf", pdf(), "application/pdf"),
    (AttachmentKind.EVIDENCE, "佐证.PDF", pdf(), "application/pdf"),
    (AttachmentKind.EVIDENCE, "佐证.doc", doc(), "application/msword"),
    (
        AttachmentKind.EVIDENCE,
        "佐证.docx",
        docx(),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    (AttachmentKind.STANDARD, "标准.pdf", pdf(), "application/pdf"),
    (AttachmentKind.SAMPLE, "样本.pdf", pdf(), "application/pdf"),
    (AttachmentKind.PICTURE, "机房.png", picture(), "image/png"),
    (AttachmentKind.PICTURE, "机房.jpg", picture("JPEG"), "image/jpeg"),
    (AttachmentKind.PICTURE, "机房.jpeg", picture("JPEG"), "image/jpeg"),
]


@pytest.mark.parametrize(("kind", "name", "data", "media"), WELCOME, ids=[f"{k}-{n}" for k, n, *_ in WELCOME])
def test_every_kind_of_file_the_rule_names_is_taken(kind: AttachmentKind, name: str, data: bytes, media: str) -> None:
    facts = check_attachment(data, file_name=name, kind=kind)
    assert (facts.file_name, facts.media_type) == (name, media)


def refused(data: bytes, name: str, kind: AttachmentKind = AttachmentKind.EVIDENCE) -> str:
    """The code of the refusal, whose sentence must have no gap."""
    with pytest.raises(FileRefused) as caught:
        check_attachment(data, file_name=name, kind=kind)
    assert caught.value.rule == "R-106"
    assert "{" not in sentence(caught.value)
    return caught.value.sentence_code


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (AttachmentKind.EVIDENCE, "a.xlsx"),
        (AttachmentKind.EVIDENCE, "a.png"),
        (AttachmentKind.EVIDENCE, "a.docm"),
        (AttachmentKind.EVIDENCE, "a.pdf.exe"),
        (AttachmentKind.EVIDENCE, "pdf"),
        (AttachmentKind.EVIDENCE, ""),
        (AttachmentKind.STANDARD, "a.docx"),
        (AttachmentKind.SAMPLE, "a.doc"),
        (AttachmentKind.PICTURE, "a.pdf"),
        (AttachmentKind.PICTURE, "a.svg"),
        (AttachmentKind.PICTURE, "a.gif"),
    ],
)
def test_other_kinds_are_refused_by_name(kind: AttachmentKind, name: str) -> None:
    assert refused(pdf(), name, kind) == "attachment_kind"


@pytest.mark.parametrize("name", ["a.doc", "a.docx"])
def test_a_pdf_that_calls_itself_word_is_refused(name: str) -> None:
    assert refused(pdf(), name) == "attachment_suffix_differs"


@pytest.mark.parametrize("data", [doc(), docx(), picture(), b"hello", b"\n" + pdf()])
def test_what_calls_itself_pdf_must_be_one(data: bytes) -> None:
    assert refused(data, "a.pdf") == "attachment_suffix_differs"


def test_pictures_are_what_they_are_called() -> None:
    assert refused(picture("JPEG"), "a.png", AttachmentKind.PICTURE) == "attachment_suffix_differs"
    assert refused(picture("PNG"), "a.jpg", AttachmentKind.PICTURE) == "attachment_suffix_differs"
    assert refused(picture("GIF"), "a.png", AttachmentKind.PICTURE) == "attachment_suffix_differs"
    assert refused(pdf(), "a.png", AttachmentKind.PICTURE) == "attachment_suffix_differs"


def test_twenty_megabytes_pass_and_one_byte_more_does_not() -> None:
    bare = pdf(o4=b"<</Length 0>>stream\n" + bytes(ATTACHMENT_BYTES - 1000) + b"\nendstream")
    fits = bare + b"%" * (ATTACHMENT_BYTES - len(bare))
    assert check_attachment(fits, file_name="a.pdf", kind=AttachmentKind.EVIDENCE)
    assert refused(fits + b"\n", "a.pdf") == "attachment_too_large"
    assert refused(b"", "a.pdf") == "attachment_empty"


ACTIVE = {
    "a script at the start": pdf(b"/OpenAction<</S/JavaScript/JS(app.alert)>>"),
    "a script in the name tree": pdf(b"/Names<</JavaScript<</Names[(a)4 0 R]>>>>", o4=b"<</S/JavaScript/JS(a)>>"),
    "a name written with escapes": pdf(b"/OpenAction<</S/J#61vaScript/J#53(app.alert)>>"),
    "a program": pdf(page=b"/AA<</O 4 0 R>>", o4=b"<</S/Launch/F(calc.exe)>>"),
    "a program behind a link": pdf(page=b"/Annots[4 0 R]", o4=b"<</Type/Annot/A<</S/Launch/F(a)>>>>"),
    "a chain of actions": pdf(b"/OpenAction 4 0 R", o4=b"<</S/GoTo/Next[5 0 R]>>", o5=b"<</S/JavaScript/JS(a)>>"),
    "a form that sends itself": pdf(b"/OpenAction<</S/SubmitForm/F(http://example.invalid)>>"),
    "a file inside": pdf(b"/Names<</EmbeddedFiles<</Names[(a.exe)4 0 R]>>>>", o4=b"<</Type/Filespec>>"),
}


@pytest.mark.parametrize("data", ACTIVE.values(), ids=ACTIVE)
def test_a_pdf_that_acts_by_itself_is_refused(data: bytes) -> None:
    assert refused(data, "a.pdf") == "attachment_active"


def test_a_pdf_may_link_to_a_page_and_to_an_address() -> None:
    links = pdf(page=b"/Annots[4 0 R]", o4=b"<</Type/Annot/A<</S/URI/URI(http://example.invalid)>>>>")
    assert check_attachment(links, file_name="a.pdf", kind=AttachmentKind.STANDARD)


def test_a_locked_pdf_is_refused() -> None:
    locked_pdf = pdf(trailer=b"/Encrypt 4 0 R/ID[(aaaaaaaaaaaaaaaa)(aaaaaaaaaaaaaaaa)]", o4=ENCRYPTION)
    assert refused(locked_pdf, "a.pdf") == "attachment_encrypted"


ENCRYPTION = b"<</Filter/Standard/V 1/R 2/O(" + b"o" * 32 + b")/U(" + b"u" * 32 + b")/P -4>>"


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7\n",
        pdf()[:200],
        pdf().replace(b"/Root 1 0 R", b"/Root 9 0 R"),
        pdf().replace(b"/Pages 2 0 R", b"/Sides 2 0 R"),
        pdf(count=0),
        pdf(b"/Deep " + b"[" * 5000 + b"]" * 5000),
        pdf().replace(b"startxref", b"startxerf"),
    ],
)
def test_a_broken_pdf_is_refused(data: bytes) -> None:
    assert refused(data, "a.pdf") == "attachment_damaged"


def test_a_pdf_that_unpacks_to_more_than_the_bound_is_refused() -> None:
    assert refused(pdf(o4=packed_stream(bytes(INFLATED_BYTES + 1))), "a.pdf") == "attachment_inflates"
    inner = packed_stream(bytes(1000))
    nested = inner[inner.index(b"stream\n") + 7 : -10]
    assert refused(pdf(o4=packed_stream(nested)), "a.pdf") == "attachment_inflates"


def test_a_page_with_ordinary_streams_passes() -> None:
    drawn = pdf(page=b"/Contents 4 0 R", o4=packed_stream(b"0 0 9 9 re f " * 500))
    assert check_attachment(drawn, file_name="a.pdf", kind=AttachmentKind.EVIDENCE)


WORD = {
    "a macro in an old document": (doc(Macros=b"x"), "a.doc", "attachment_with_macros"),
    "a project in an old document": (doc(_VBA_PROJECT=b"x"), "a.doc", "attachment_with_macros"),
    "a lock on an old document": (doc(flags=0x0100), "a.doc", "attachment_encrypted"),
    "a spreadsheet": (ole(Workbook=b"x"), "a.doc", "attachment_suffix_differs"),
    "half an old document": (doc()[:600], "a.doc", "attachment_damaged"),
    "a lock on a document": (ole(EncryptedPackage=b"x"), "a.docx", "attachment_encrypted"),
    "a lock on the package": (locked(docx()), "a.docx", "attachment_encrypted"),
    "a macro": (docx(**{"word/vbaProject.bin": b"x"}), "a.docx", "attachment_with_macros"),
    "a control": (docx(**{"word/activeX/activeX1.xml": b"<a/>"}), "a.docx", "attachment_with_macros"),
    "a workbook": (
        zipped({"[Content_Types].xml": b"<a/>", "xl/workbook.xml": b"<a/>"}), "a.docx", "attachment_suffix_differs",
    ),
    "no package": (b"hello", "a.docx", "attachment_suffix_differs"),
    "half a package": (docx()[:150], "a.docx", "attachment_damaged"),
    "words that are no XML": (docx(**{"word/document.xml": b"<a>"}), "a.docx", "attachment_damaged"),
    "words with entities": (
        docx(**{"word/document.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}), "a.docx", "attachment_damaged",
    ),
    "a template from elsewhere": (
        docx(**{"word/_rels/settings.xml.rels": RELATION.format(kind="attachedTemplate").encode()}),
        "a.docx", "attachment_links_outside",
    ),
    "a picture from elsewhere": (
        docx(**{"word/_rels/document.xml.rels": RELATION.format(kind="image").encode()}),
        "a.docx", "attachment_links_outside",
    ),
    "a part that grows a thousandfold": (docx(word__media=bytes(11 * 2**20)), "a.docx", "attachment_inflates"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "name", "code"), WORD.values(), ids=WORD)
def test_a_word_document_is_looked_through(data: bytes, name: str, code: str) -> None:
    assert refused(data, name) == code


def test_a_word_document_may_hold_links_people_click() -> None:
    linked = docx(**{"word/_rels/document.xml.rels": RELATION.format(kind="hyperlink").encode()})
    assert check_attachment(linked, file_name="a.docx", kind=AttachmentKind.EVIDENCE)


def test_a_picture_is_whole_and_of_bounded_size() -> None:
    whole = picture(size=(600, 600))
    assert refused(whole[: len(whole) // 2], "a.png", AttachmentKind.PICTURE) == "attachment_damaged"
    assert refused(picture(size=(8000, 5001)), "a.png", AttachmentKind.PICTURE) == "attachment_pixels"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("C:\\资料\\佐证.pdf", "佐证.pdf"),
        ("../../etc/佐证.pdf", "佐证.pdf"),
        ("佐证\x00\u202efdp.exe\n.pdf", "佐证fdp.exe.pdf"),
        ("  佐证.pdf ", "佐证.pdf"),
        ("长" * 300 + ".pdf", "长" * 196 + ".pdf"),
        ("/", ""),
    ],
)
def test_a_name_loses_its_path_and_its_tricks(typed: str, shown: str) -> None:
    assert tidy_name(typed) == shown
