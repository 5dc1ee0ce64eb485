"""照片结果 through the browser: every file with its verdict, crops looked at, taken and given up (I-03, R-081)."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from core.demo.people import people
from core.models.candidates import Candidate, CandidatePhoto
from core.models.photos import PhotoVerdict
from core.models.records import ImportJob
from core.rules.candidates import CandidateKind, CandidateState
from core.rules.photo_verdicts import PhotoState
from core.usecases.candidates import create_candidate
from tests.admin.conftest import Browser, OpenPanel, Panel, words
from tests.core.sheets.broken_files import photo
from tests.factories import candidate_values, one, photo_bytes, rows

CROWD = people(88, 4, first=30_000)
PHOTOS = "/admin/candidates/import/photos/"


@pytest.fixture
def place(panel: OpenPanel) -> Panel:
    """A college with four newcomers who have no photo."""
    found = panel("peopled")
    for person in CROWD:
        given = {"college_id": found.year["college"], "kind": CandidateKind.COLLEGE, "values": candidate_values(person)}
        found.year.do("coordinator", create_candidate, **given)
    return found


def sent(browser: Browser, files: dict[str, bytes]) -> tuple[int, Any]:
    """An import of these files: its number and the report."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    report = browser.do(PHOTOS, {"file": (io.BytesIO(out.getvalue()), "照片.zip")})
    assert report.status_code == 200, words(report)[-300:]
    return rows(select(ImportJob.id).order_by(ImportJob.id))[-1], report


def three(browser: Browser) -> int:
    """One good, two of another size, one of nobody."""
    number, report = sent(
        browser,
        {
            f"{CROWD[0].id_number}.jpg": photo_bytes(1),
            f"{CROWD[1].id_number}.jpg": photo(size=(413, 579)),
            f"{CROWD[2].id_number}.jpg": photo(size=(800, 1000), colour=(190, 10, 20)),
            "王小明.jpg": photo_bytes(2),
        },
    )
    assert "2 张照片尺寸不符" in words(report)
    assert f"/admin/photo-verdicts/?flt0_0={number}" in report.text
    return number


def states(number: int) -> list[PhotoState]:
    query = select(PhotoVerdict.state).where(PhotoVerdict.job_id == number).order_by(PhotoVerdict.place)
    return list(rows(query))


def offered(number: int) -> list[int]:
    waiting = PhotoVerdict.state == PhotoState.OFFERED
    return list(rows(select(PhotoVerdict.id).where(PhotoVerdict.job_id == number, waiting).order_by(PhotoVerdict.id)))


def by_number(number: str) -> Candidate:
    found: Candidate = rows(select(Candidate).where(Candidate.id_number == number))[0]
    return found


def test_the_page_of_an_import_says_of_every_file_what_became_of_it(place: Panel) -> None:
    """I-03: counts, masked names (R-010), reasons and the crops to be looked at."""
    browser = place.browser("coordinator")
    number = three(browser)
    page = browser.get(f"/admin/photo-verdicts/?flt0_0={number}")
    said = words(page)
    assert "已采用 1，待确认裁剪 2，未采用 1" in said
    assert "413×579" in said
    assert "王小明.jpg" in said
    for person in CROWD[:3]:
        assert person.id_number not in page.text
        assert f"{person.id_number[:3]}****{person.id_number[-4:]}.jpg" in said
    first = offered(number)[0]
    assert f"/admin/photo-verdicts/{first}/offer" in page.text
    answer = browser.get(f"/admin/photo-verdicts/{first}/offer")
    with Image.open(io.BytesIO(answer.data)) as image:
        assert (answer.mimetype, image.format, image.size) == ("image/jpeg", "JPEG", (295, 413))
    assert by_number(CROWD[1].id_number).photo_hash is None


def test_a_crop_is_taken_or_given_up_by_one_press(place: Panel) -> None:
    """R-081: nothing is cropped into a record without a person's word."""
    browser = place.browser("coordinator")
    number = three(browser)
    taken, left = offered(number)
    digest = one(PhotoVerdict, taken).sha256
    assert browser.post(f"/admin/photo-verdicts/do/adopt/?id={taken}", {"row_version": "1"}).status_code == 303
    found = by_number(CROWD[1].id_number)
    assert (found.state, found.photo_hash) == (CandidateState.PENDING_VERIFICATION, digest)
    assert browser.post(f"/admin/photo-verdicts/do/drop/?id={left}", {"row_version": "1"}).status_code == 303
    assert by_number(CROWD[2].id_number).photo_hash is None
    assert states(number) == [PhotoState.ACCEPTED, PhotoState.ADOPTED, PhotoState.DROPPED, PhotoState.REFUSED]
    assert browser.get(f"/admin/photo-verdicts/{left}/offer").status_code == 404
    job = one(ImportJob, number)
    assert (job.row_count, job.accepted_count, job.rejected_count) == (4, 2, 2)


def test_all_crops_of_an_import_are_taken_after_a_question(place: Panel) -> None:
    browser = place.browser("coordinator")
    number = three(browser)
    page = browser.get(f"/admin/photo-verdicts/?flt0_0={number}")
    address = f"/admin/imports/do/adopt-all/?id={number}"
    assert address.replace("&", "&amp;") in page.text or address in page.text
    assert "确定采用" in words(browser.get(address))
    answer = browser.do(address, {})
    assert (answer.status_code, f"flt0_0={number}" in answer.location) == (303, True)
    assert offered(number) == []
    assert "全部采用裁剪" not in words(browser.get(f"/admin/photo-verdicts/?flt0_0={number}"))
    assert [by_number(person.id_number).photo_hash is None for person in CROWD] == [False, False, False, True]


def test_ticked_crops_are_taken_together(place: Panel) -> None:
    browser = place.browser("coordinator")
    number = three(browser)
    ids = [str(ident) for ident in offered(number)]
    browser.post("/admin/photo-verdicts/batch/adopt/", {"ids": ids, "confirmed": "1", "ticket": "t"})
    assert offered(number) == []


def test_the_form_of_one_candidate_offers_the_same_crop(place: Panel) -> None:
    """R-081: a single photo of another size is not lost either."""
    browser, mine = place.browser("coordinator"), by_number(CROWD[3].id_number)
    form = {"photo": (io.BytesIO(photo(size=(600, 840))), "a.jpg")}
    assert browser.do(f"/admin/candidates/do/photo/?id={mine.id}", form).status_code == 303
    said = browser.get("/admin/candidates/")
    address = re.search(r"/admin/photo-verdicts/\?flt0_0=(\d+)", said.text)
    assert "尚未采用" in words(said)
    assert address
    assert by_number(CROWD[3].id_number).photo_hash is None
    [waiting] = offered(int(address[1]))
    browser.post(f"/admin/photo-verdicts/do/adopt/?id={waiting}", {"row_version": "1"})
    assert by_number(CROWD[3].id_number).state is CandidateState.PENDING_VERIFICATION


def test_a_new_candidate_with_a_photo_of_another_size_is_made_and_the_crop_waits(place: Panel) -> None:
    """§3.6 with R-081: the data stand, and the photo waits for a look."""
    browser, person = place.browser("coordinator"), people(89, 1, first=33_000)[0]
    values = candidate_values(person)
    form = {name: str(getattr(value, "value", value)) for name, value in values.items() if name != "major_name"}
    form |= {"photo": (io.BytesIO(photo(size=(600, 840))), "a.jpg")}
    answer = browser.do("/admin/candidates/do/create/", form)
    assert answer.status_code == 303, words(answer)[-400:]
    assert by_number(person.id_number).state is CandidateState.NO_PHOTO
    assert "尚未采用" in words(browser.get("/admin/candidates/"))


@pytest.mark.parametrize("login", ["other_coordinator", "teo", "province", "reviewer"])
def test_crops_are_for_the_college_that_sent_them(place: Panel, login: str) -> None:
    number = three(place.browser("coordinator"))
    stranger, ident = place.browser(login), offered(number)[0]
    assert stranger.get(f"/admin/photo-verdicts/{ident}/offer").status_code == 404
    assert stranger.post(f"/admin/photo-verdicts/do/adopt/?id={ident}", {"row_version": "1"}).status_code == 404
    assert stranger.post(f"/admin/imports/do/adopt-all/?id={number}", {"row_version": "1"}).status_code == 404
    assert len(offered(number)) == 2


def test_the_admin_looks_and_decides_nothing(place: Panel) -> None:
    number = three(place.browser("coordinator"))
    page = place.browser("admin").get(f"/admin/photo-verdicts/?flt0_0={number}")
    assert page.status_code == 200
    assert "采用裁剪" not in re.sub(r"已采用裁剪|待确认裁剪", "", words(page).split("序号", 1)[1])


def test_the_same_picture_under_two_names_is_pointed_at(place: Panel) -> None:
    """R-082: in the archive by its place, at home by name, elsewhere without a name."""
    browser, year = place.browser("coordinator"), place.year
    theirs = rows(select(Candidate).where(Candidate.college_id == year["other_college"]))[0]
    mine = one(Candidate, year["student:0"])
    number, _ = sent(
        browser,
        {
            f"{CROWD[0].id_number}.jpg": photo_bytes(5),
            f"{CROWD[1].id_number}.jpg": photo_bytes(5),
            f"{CROWD[2].id_number}.jpg": picture_of(mine),
            f"{CROWD[3].id_number}.jpg": picture_of(theirs),
        },
    )
    said = words(browser.get(f"/admin/photo-verdicts/?flt0_0={number}"))
    assert "与本次上传的第 2 个文件是同一张照片" in said
    assert f"与本校考生 {mine.name}是同一张照片" in said
    assert "与其他院校的一名考生是同一张照片" in said
    assert theirs.name not in said


def picture_of(candidate: Candidate) -> bytes:
    """The candidate's photo as it was uploaded."""
    found: bytes = rows(select(CandidatePhoto.data).where(CandidatePhoto.candidate_id == candidate.id))[0]
    return found
