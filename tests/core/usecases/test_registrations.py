"""报考: who may be registered for what, where, and how many (R-135…R-157, Appendix A.1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from core.demo.people import people
from core.errors import IllegalMove, NotFound, NotPermitted, Refusal
from core.gateways.identity import RuleVerifier
from core.models.candidates import Candidate
from core.models.catalogue import CertificateType, Major
from core.models.pilots import PilotApplication, PilotApplicationMajor, Quota
from core.models.plans import ExamPlan, ExamPlanSubject
from core.models.registrations import CandidateSnapshot, Registration, SubjectRegistration
from core.models.sites import ExamSite
from core.rules.candidates import CandidateKind
from core.rules.catalogue import CertificateLevel
from core.rules.registrations import PaymentState
from core.usecases import (
    applications,
    arrangement,
    candidates,
    declarations,
    plans,
    quotas,
    registrations,
    reviews,
    verification,
)
from core.usecases.applications import DeclaredMajor
from tests.factories import (
    QUOTA,
    Year,
    Years,
    application_values,
    candidate_values,
    codes,
    count,
    moment,
    on,
    one,
    photo,
    plan_values,
    planned,
    register,
    registration_row,
    rows,
)

At = Callable[[datetime | str], datetime]


@pytest.fixture
def year(years: Years, at: At) -> Year:
    """Registration is open, nobody is registered."""
    found = years("planned")
    at(moment("registered"))
    return found


@pytest.fixture
def registered(years: Years, at: At) -> Year:
    found = years("registered")
    at(moment("registered"))
    return found


def attempt(year: Year, **other: Any) -> Any:
    """The first student's row, with something changed."""
    code, site_no = codes(year)
    row = registration_row(year.students[0], code, site_no) | other
    return year.do(
        "coordinator",
        registrations.register_by_certificate,
        plan_id=year["plan"],
        college_id=year["college"],
        rows=[(3, row)],
    )


def fault(outcome: Any) -> tuple[int, str, str, str]:
    """(row, field, code, rule) of the one refused row."""
    assert outcome.accepted == 0
    (found,) = outcome.refused
    return found.row, found.field, found.refusal.sentence_code, found.refusal.rule


# -- a good row ------------------------------------------------------------------------------------------------------


def test_a_registration_takes_all_subjects_a_snapshot_a_place_and_a_count_R145_R152(year: Year) -> None:
    assert register(year, [0]).accepted == 1
    row = rows(select(Registration))[0]
    assert (row.certificate_id, row.site_id, row.college_id, row.org_id) == (
        year["certificate"],
        year["site"],
        year["college"],
        year["org"],
    )
    assert (row.kind, row.payment_state, row.source) == ("college", "unpaid", "by_certificate")
    assert {s.plan_subject_id for s in rows(select(SubjectRegistration))} == {
        year["plan_subject:theory"],
        year["plan_subject:practice"],
    }
    assert set(rows(select(SubjectRegistration.state))) == {"not_arranged"}
    assert one(Quota, year["quota"]).used == 1
    assert one(Candidate, year["student:0"]).registered_count == 1
    snapshot = rows(select(CandidateSnapshot))[0]
    assert (snapshot.name, snapshot.id_number, snapshot.ticket_no) == (
        year.students[0].name,
        year.students[0].id_number,
        None,
    )


def test_later_edits_of_a_candidate_do_not_reach_the_plan_R090(registered: Year) -> None:
    registered.do(
        "coordinator",
        candidates.edit_candidate,
        candidate_id=registered["student:0"],
        changes={"mobile": "19900009999"},
    )
    snapshot = rows(select(CandidateSnapshot).where(CandidateSnapshot.candidate_id == registered["student:0"]))[0]
    assert snapshot.mobile == registered.students[0].mobile


# -- every reason to refuse a row ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "field", "code", "rule"),
    [
        ({"id_number": "42000020020101001X"}, "id_number", "candidate_unknown", "R-151"),
        ({"name": "别人"}, "name", "name_differs", "R-155"),
        ({"kind": CandidateKind.SOCIAL}, "kind", "kind_differs", "R-071"),
        ({"certificate_code": "1630054223010588"}, "certificate_code", "certificate_not_in_plan", "R-136"),
        ({"level": CertificateLevel.ADVANCED}, "level", "level_differs", "R-155"),
        ({"certificate_name": "别的证书"}, "certificate_name", "certificate_differs", "R-155"),
        ({"site_no": "420000999"}, "site_no", "site_not_usable", "R-149"),
    ],
)
def test_a_row_that_names_something_wrong_is_refused_in_its_field(
    year: Year, other: dict[str, Any], field: str, code: str, rule: str
) -> None:
    assert fault(attempt(year, **other)) == (3, field, code, rule)
    assert count(Registration) == 0


def test_another_colleges_site_is_not_usable_R149(year: Year) -> None:
    assert fault(attempt(year, site_no=one(ExamSite, year["other_site"]).site_no))[2:] == ("site_not_usable", "R-149")


@pytest.mark.parametrize("name", ["示例证书", "示例证书(初级)", "示例证书（初级）"])
def test_the_certificates_name_is_taken_with_and_without_its_level(year: Year, name: str) -> None:
    assert attempt(year, certificate_name=name).accepted == 1


def test_a_candidate_of_another_college_is_unknown_here_R151(year: Year) -> None:
    stranger = people(7, 8)[6]
    assert one(Candidate, year["other_student:0"]).id_number == stranger.id_number
    assert fault(attempt(year, name=stranger.name, id_number=stranger.id_number))[2] == "candidate_unknown"


def test_only_verified_candidates_are_registered_R144(year: Year) -> None:
    somebody = people(9, 1, first=800)[0]
    year.do(
        "coordinator",
        candidates.create_candidate,
        college_id=year["college"],
        kind=CandidateKind.COLLEGE,
        values=candidate_values(somebody),
    )
    found = fault(attempt(year, name=somebody.name, id_number=somebody.id_number))
    assert found[1:] == ("id_number", "candidate_not_verified", "R-144")


def test_a_candidate_is_registered_once_per_plan_and_certificate_R150(registered: Year) -> None:
    assert fault(attempt(registered))[1:] == ("id_number", "registered_already", "R-150")
    assert count(Registration) == 4


def test_the_same_person_twice_in_one_file_is_registered_once_R150(year: Year) -> None:
    code, site_no = codes(year)
    sheet = [(n, registration_row(year.students[0], code, site_no)) for n in (3, 4)]
    outcome = year.do(
        "coordinator",
        registrations.register_by_certificate,
        plan_id=year["plan"],
        college_id=year["college"],
        rows=sheet,
    )
    assert (outcome.accepted, [(f.row, f.refusal.rule) for f in outcome.refused]) == (1, [(4, "R-150")])


def test_without_an_approved_application_of_the_year_nobody_is_registered_R143(year: Year, at: At) -> None:
    """Not even a social candidate: only the quota check differs."""
    with year.acting("teo") as tx:
        plan = plans.draft_plan(tx, **plan_values(year, exam_year=2027))
        plans.put_certificate(tx, plan_id=plan.id, planned=planned(year))
        plans.publish_plan(tx, plan_id=plan.id)
        year.ids["plan"] = plan.id
    outcome = register(year, [0], [0])
    assert [f.refusal.rule for f in outcome.refused] == ["R-143", "R-143"]
    assert "027-0000-0042" in outcome.refused[0].refusal.facts["contact"]


def test_a_college_that_is_not_in_the_plan_does_not_register_R137(year: Year) -> None:
    with year.acting("teo") as tx:
        plan = plans.draft_plan(tx, **plan_values(year, college_ids=[year["other_college"]]))
        plans.put_certificate(tx, plan_id=plan.id, planned=planned(year))
        plans.publish_plan(tx, plan_id=plan.id)
        year.ids["plan"] = plan.id
    with pytest.raises(NotPermitted) as caught:
        register(year, [0])
    assert caught.value.rule == "R-137"


def test_an_unpublished_plan_takes_nobody(year: Year) -> None:
    year.ids["plan"] = year["draft_plan"]
    with pytest.raises(NotPermitted):
        register(year, [0])


# -- majors ----------------------------------------------------------------------------------------------------------


def nurse(year: Year, kind: CandidateKind = CandidateKind.COLLEGE) -> Any:
    """A verified candidate of a major the certificate does not have; registered or not, as the case may be."""
    person = people(9, 1, first=900)[0]
    with year.acting("coordinator") as tx:
        values = candidate_values(person, major_code="620201", major_name="护理")
        made = candidates.create_candidate(tx, college_id=year["college"], kind=kind, values=values)
        candidates.put_photos(tx, college_id=year["college"], photos=[(1, photo(person.id_number, 77))])
        verification.verify_candidates(tx, candidate_ids=[made.id], verifier=RuleVerifier())
    return attempt(year, name=person.name, id_number=person.id_number, kind=kind)


def test_a_student_of_another_major_is_not_registered_R138(year: Year) -> None:
    assert fault(nurse(year))[1:] == ("id_number", "major_not_of_certificate", "R-138")


def test_a_social_candidate_may_have_any_major_R072(year: Year) -> None:
    assert nurse(year, CandidateKind.SOCIAL).accepted == 1


def narrow(year: Year, at: At, /, **other: Any) -> None:
    """Another approved application of the college, for the majors given."""
    at("2026-03-11 09:00")
    given = {
        "authority_id": year["province"],
        "year": 2026,
        "batch_name": "另一批",
        "opens_at": on("2026-03-02 08:00"),
        "closes_at": on("2026-03-20 18:00"),
    } | other
    plan = year.do("province", declarations.draft_declaration_plan, **given)
    year.do("province", declarations.publish_declaration_plan, plan_id=plan.id)
    majors = [DeclaredMajor(year["major:610205"], 24)]
    application = year.do(
        "coordinator", applications.save_application, **application_values(year, plan_id=plan.id, majors=majors)
    )
    year.do("coordinator", applications.submit_application, application_id=application.id)
    year.do("province", reviews.approve_application, application_id=application.id, approved_count=1)
    at(moment("registered"))


def widen_certificate(year: Year) -> None:
    """The certificate is for nurses as well."""
    with year.acting("teo") as tx:
        certificate = tx.get(CertificateType, year["certificate"])
        certificate.majors = [tx.get(Major, year[f"major:{code}"]) for code in ("610205", "620201")]


def test_an_application_without_majors_opens_all_of_the_certificate_R030(year: Year) -> None:
    widen_certificate(year)
    assert nurse(year).accepted == 1


def test_a_narrower_second_batch_takes_nothing_from_the_first_one_R030(year: Year, at: At) -> None:
    widen_certificate(year)
    narrow(year, at)
    assert nurse(year).accepted == 1


def test_another_years_majors_do_not_narrow_this_years_R017_R030(year: Year, at: At) -> None:
    widen_certificate(year)
    narrow(year, at, year=2025)
    assert nurse(year).accepted == 1


def test_stated_majors_are_the_only_ones_R030(years: Years, at: At) -> None:
    year = years("planned")
    widen_certificate(year)
    with year.acting("system") as tx:
        application = tx.get(PilotApplication, year["application"])
        application.majors = [PilotApplicationMajor(major_id=year["major:610205"], requested_count=24)]
    at(moment("registered"))
    assert fault(nurse(year))[3] == "R-138"
    assert register(year, [0]).accepted == 1


# -- quota -----------------------------------------------------------------------------------------------------------


def test_four_places_take_four_students_and_any_social_candidate_but_not_a_fifth_student_R139_R140(year: Year) -> None:
    """Appendix A.1: granted 4, registered 4 + 1 social; the fifth student fails, the social one is in."""
    outcome = register(year, [0, 1, 2, 3, 4], [0])
    assert outcome.accepted == 5
    (over,) = outcome.refused
    assert (over.row, over.field, over.refusal.rule) == (7, "id_number", "R-139")
    assert {k: over.refusal.facts[k] for k in ("granted", "used", "asked")} == {"granted": 4, "used": 4, "asked": 1}
    assert "027-0000-0042" in over.refusal.facts["contact"]  # the province's, not a button
    assert one(Quota, year["quota"]).used == QUOTA


def test_a_deleted_registration_gives_its_place_back_R141(registered: Year) -> None:
    register(registered, [3])
    assert register(registered, [4]).refused
    first = registered["registration:0"]
    registered.do("coordinator", registrations.delete_registration, registration_id=first)
    assert one(Quota, registered["quota"]).used == 3
    assert one(Candidate, registered["student:0"]).registered_count == 0
    assert count(CandidateSnapshot, CandidateSnapshot.candidate_id == registered["student:0"]) == 0
    assert register(registered, [4]).accepted == 1


def test_deleting_a_social_candidates_registration_changes_no_quota_R140(registered: Year) -> None:
    social = rows(select(Registration.id).where(Registration.kind == "social"))[0]
    registered.do("coordinator", registrations.delete_registration, registration_id=social)
    assert one(Quota, registered["quota"]).used == 3


def test_a_quota_of_nothing_is_told_like_one_that_is_used_up(year: Year) -> None:
    year.do("province", quotas.adjust_quota, quota_id=year["quota"], granted=0, reason="收回")
    assert fault(attempt(year))[2:] == ("quota_exceeded", "R-139")


# -- deleting --------------------------------------------------------------------------------------------------------


def test_a_seated_registration_is_not_deleted_R153(registered: Year, at: At) -> None:
    with registered.acting("system") as tx:  # the windows overlap, as in the logistics sample
        tx.get(ExamPlan, registered["plan"]).arrangement_opens_at = on("2026-05-05 09:00")
    at(on("2026-05-06 09:00"))
    registered.do("teo", arrangement.arrange_seats, plan_id=registered["plan"])
    with pytest.raises(IllegalMove) as caught:
        registered.do("coordinator", registrations.delete_registration, registration_id=registered["registration:0"])
    assert (caught.value.sentence_code, caught.value.rule) == ("seated_already", "R-153")


def test_a_paid_registration_is_not_deleted_R154(registered: Year) -> None:
    with registered.acting("system") as tx:
        tx.get(Registration, registered["registration:0"]).payment_state = PaymentState.PAID
    with pytest.raises(IllegalMove) as caught:
        registered.do("coordinator", registrations.delete_registration, registration_id=registered["registration:0"])
    assert caught.value.rule == "R-154"


def test_a_registered_candidate_is_not_deleted_the_others_are_R092(registered: Year) -> None:
    ids = [registered["student:0"], registered["student:4"]]
    removed, kept = registered.do("coordinator", candidates.delete_candidates, candidate_ids=ids)
    assert (removed, kept) == (1, [registered["student:0"]])


def test_nothing_is_registered_when_the_file_is_for_a_plan_that_is_not_there(year: Year) -> None:
    year.ids["plan"] = 999
    with pytest.raises(NotFound):
        register(year, [0])


# -- categories ------------------------------------------------------------------------------------------------------


def test_subjects_for_certain_people_ask_for_the_category_R146_R148(year: Year) -> None:
    with year.acting("system") as tx:
        tx.get(ExamPlanSubject, year["plan_subject:practice"]).examinee_category = "在校生"
    assert fault(attempt(year))[1:] == ("examinee_category", "category_needed", "R-148")
    assert fault(attempt(year, examinee_category="退役军人"))[2] == "category_needed"
    assert attempt(year, examinee_category="在校生").accepted == 1
    assert count(SubjectRegistration) == 2


def test_a_refusal_of_the_whole_import_leaves_nothing(year: Year, at: At) -> None:
    at("2026-05-10 18:00:01")
    with pytest.raises(Refusal):
        register(year, [0, 1])
    assert count(Registration) == count(CandidateSnapshot) == one(Quota, year["quota"]).used == 0
