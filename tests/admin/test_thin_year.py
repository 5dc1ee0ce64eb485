"""The thin year by the panel alone: a new student's file comes in, and months later the sealed certificate goes out."""

from __future__ import annotations

from io import BytesIO

from sqlalchemy import select

from core import clock
from core.demo.people import people
from core.models.candidates import Candidate
from core.models.certificates import CertificateIssuance
from core.rules.candidates import CandidateState
from core.rules.certificates import Party
from core.usecases.arrangement import arrange_seats
from tests.admin.conftest import OpenPanel, words
from tests.admin.sheets_of_paper import archive, filled, student_row, taken
from tests.admin.test_views_certificates import ORDER, verb
from tests.admin.test_views_registrations import IMPORT as REGISTER
from tests.admin.test_views_registrations import line
from tests.admin.test_views_scores import IMPORT as ENTER
from tests.admin.test_views_scores import LIST as SCORES
from tests.admin.test_views_scores import marked
from tests.factories import generate, on, pass_edges, rows


def test_from_a_students_file_to_the_sealed_certificate(panel: OpenPanel) -> None:
    newcomer = people(99, 1, first=7_000)[0]
    open_panel = panel("planned", on("2026-05-02 09:00"))
    year = open_panel.year
    college, officer, teo = (open_panel.browser(login) for login in ("coordinator", "signatory", "teo"))

    template = college.get("/admin/candidates/import/candidates/template").data
    students = (BytesIO(filled(template, [student_row(newcomer)])), "students.xlsx")
    assert "每一行都通过了" in words(
        taken(college, college.do("/admin/candidates/import/candidates/", {"file": students}))
    )
    photos = (BytesIO(archive([newcomer])), "photos.zip")
    assert college.do("/admin/candidates/import/photos/", {"file": photos}).status_code == 200
    ident = str(rows(select(Candidate.id).where(Candidate.id_number == newcomer.id_number))[0])
    college.post("/admin/candidates/batch/verify-all/", {"ids": [ident], "confirmed": "1", "ticket": "check"})
    assert rows(select(Candidate.state).where(Candidate.id == int(ident))) == [CandidateState.VERIFIED]

    year.students.insert(0, newcomer)
    sheet = filled(college.get(f"{REGISTER}template").data, [line(year, 0), line(year, 1)])
    data = {"plan_id": str(year["plan"]), "file": (BytesIO(sheet), "baokao.xlsx")}
    assert "每一行都通过了" in words(taken(college, college.do(REGISTER, data)))

    with clock.pinned(on("2026-05-12 09:00")):
        year.do("teo", arrange_seats, plan_id=year["plan"])
    with clock.pinned(on("2026-05-23 09:00")):
        pass_edges(year)
        paper = marked(teo.get(f"{SCORES}sheet?plan={year['plan']}").data, year, "85.5")
        data = {"plan_id": str(year["plan"]), "file": (BytesIO(paper), "scores.xlsx")}
        assert "每一行都通过了" in words(taken(teo, teo.do(ENTER, data)))
    with clock.pinned(on("2026-06-15 18:00:01")):
        pass_edges(year)
    with clock.pinned(on("2026-06-16 09:00")):
        year.sign("teo", year.open_signing("teo", Party.TEO))
        assert "<b>2</b>待签发" in officer.text("/admin/issuances/")
        year.sign("signatory", year.open_signing("signatory", Party.COLLEGE))
        assert teo.do(verb("order", year), ORDER).status_code == 303
        for issuance in rows(select(CertificateIssuance.id)):
            generate(year, issuance)
        page = college.text("/admin/issuances/?tab=8")
        assert newcomer.name in page
        mine = rows(select(CertificateIssuance.id).where(CertificateIssuance.registration.has(candidate_id=int(ident))))
        assert college.get(f"/admin/issuances/{mine[0]}/certificate.pdf").data.startswith(b"%PDF")
