"""Attachments of the panel: one address for all of them, under the name they came with."""

from __future__ import annotations

import pytest

from core.rules.catalogue import AttachmentKind
from core.usecases.attachments import attach
from tests.admin.conftest import OpenPanel, Panel
from tests.core.attached_files import pdf, picture
from tests.factories import CAST


def put(place: Panel, data: bytes, name: str, kind: AttachmentKind = AttachmentKind.EVIDENCE) -> str:
    """The address of a file of the college's application."""
    year = place.year
    given = {"kind": kind, "file_name": name, "data": data, "application_id": year["application"]}
    return f"/admin/files/{year.do('coordinator', attach, **given).id}"


def test_a_file_is_saved_under_its_own_name_and_never_guessed_at(panel: OpenPanel) -> None:
    place = panel("applied")
    answer = place.browser("city").get(put(place, pdf(), "佐证 1.pdf"))
    assert answer.data == pdf()
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''%E4%BD%90%E8%AF%81%201.pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_picture_shows_in_place(panel: OpenPanel) -> None:
    place = panel("applied")
    answer = place.browser("teo").get(put(place, picture(), "机房.png", AttachmentKind.PICTURE))
    assert answer.headers["Content-Disposition"].startswith("inline;")


@pytest.mark.parametrize("missing", ["0", "99", "2147483647", "2147483648", "x"])
def test_no_such_file_is_no_page(panel: OpenPanel, missing: str) -> None:
    assert panel("applied").browser("admin").get(f"/admin/files/{missing}").status_code == 404


def test_the_file_of_an_application_opens_for_those_who_see_it(panel: OpenPanel) -> None:
    """Typed from §8.8 and R-039: the province waits for the city."""
    place = panel("applied")
    address = put(place, pdf(), "佐证.pdf")
    found = {login for login in CAST if place.browser(login).get(address).status_code == 200}
    assert found == {"admin", "city", "teo", "coordinator", "second_coordinator", "signatory"}
