"""R-106: files hang on exactly one thing, once each, and open for whoever may see the thing."""

from __future__ import annotations

import pytest

from core.errors import FileRefused, NotFound, TooMany
from core.models.files import Attachment
from core.queries.attachments import attachments_of
from core.rules.catalogue import AttachmentKind
from core.usecases.attachments import MOST_PER_THING, attach, detach, open_attachment
from tests.core.attached_files import doc, pdf, picture
from tests.factories import Year, Years, at_once, count, last_entries

EVIDENCE = AttachmentKind.EVIDENCE


@pytest.fixture
def year(years: Years) -> Year:
    return years("applied")


def put(year: Year, data: bytes, name: str = "佐证.pdf", kind: AttachmentKind = EVIDENCE) -> int:
    """Attach to the college's application."""
    given = {"kind": kind, "file_name": name, "data": data, "application_id": year["application"]}
    return int(year.do("coordinator", attach, **given).id)


def test_a_file_is_kept_as_it_came_and_its_name_is_tidied(year: Year) -> None:
    ident = put(year, doc(), "C:\\资料\\佐证材料.doc")
    with year.acting("coordinator") as tx:
        (row,) = attachments_of(tx.session, application_id=year["application"])
        assert (row.id, row.file_name, row.kind, row.size) == (ident, "佐证材料.doc", EVIDENCE, len(doc()))
        assert attachments_of(tx.session, application_id=year["application"], kind=AttachmentKind.PICTURE) == []
        assert open_attachment(tx, attachment_id=ident).data == doc()


def test_the_same_content_again_is_the_same_attachment(year: Year) -> None:
    assert put(year, pdf()) == put(year, pdf(), "改名.pdf")
    assert count(Attachment) == 1


def test_the_same_content_sent_twice_at_once_is_kept_once(any_years: Years) -> None:
    year = any_years("applied")
    first, second = at_once(lambda: put(year, pdf()), lambda: put(year, pdf()))
    assert first == second
    assert count(Attachment) == 1


def test_a_refused_file_leaves_nothing_behind(year: Year) -> None:
    with pytest.raises(FileRefused):
        put(year, b"hello")
    assert count(Attachment) == 0


def test_twenty_files_fit_one_thing_and_the_next_does_not(year: Year) -> None:
    """The last one that fits, and the first that does not."""
    for number in range(MOST_PER_THING):
        put(year, pdf(b"/Nr " + str(number).encode()))
    with pytest.raises(TooMany) as caught:
        put(year, pdf(b"/Nr 99"))
    assert caught.value.sentence_code == "attachment_too_many"
    assert put(year, pdf(b"/Nr 0"))  # the same content again is no further file


def test_a_detached_file_is_gone_and_the_trail_keeps_its_digest(year: Year) -> None:
    ident = put(year, pdf())
    year.do("coordinator", detach, attachment_id=ident)
    assert count(Attachment) == 0
    (entry,) = last_entries()
    assert (entry.object_type, entry.object_id, entry.action) == ("attachments", ident, "delete")
    assert '"sha256"' in entry.before


@pytest.mark.parametrize(
    ("login", "is_seen"),
    [
        ("coordinator", True), ("signatory", True), ("city", True), ("teo", True), ("admin", True),
        ("province", False),  # not before the city has passed the application
        ("other_coordinator", False), ("other_teo", False), ("other_province", False), ("invigilator", False),
    ],
)  # fmt: skip
def test_a_file_opens_for_those_who_see_its_application(year: Year, login: str, is_seen: bool) -> None:
    ident = put(year, pdf())
    if is_seen:
        assert year.do(login, open_attachment, attachment_id=ident).file_name == "佐证.pdf"
    else:
        with pytest.raises(NotFound):
            year.do(login, open_attachment, attachment_id=ident)


def test_taking_evidence_leaves_a_trace_and_a_picture_leaves_none(year: Year) -> None:
    evidence, shown = put(year, pdf()), put(year, picture(), "机房.png", AttachmentKind.PICTURE)
    year.do("teo", open_attachment, attachment_id=evidence)
    (entry,) = last_entries()
    assert (entry.action, entry.actor_login, entry.object_id) == ("download", "teo", evidence)
    assert year.do("teo", open_attachment, attachment_id=shown).is_picture
    assert last_entries()[0].id == entry.id
