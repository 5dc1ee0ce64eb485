"""证书试点申报: saved, submitted, mended, copied, with words and files (R-017, R-024…R-038)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.errors import (
    AlreadyThere,
    FileRefused,
    IllegalMove,
    Incomplete,
    NotFound,
    NotPermitted,
    StaleState,
    ValueRefused,
    WindowClosed,
)
from core.models.files import Attachment
from core.models.pilots import PilotApplication, PilotApplicationMajor, PilotSubmission, ReviewRecord
from core.queries.applications import as_submitted, earlier_applications, fingerprint_of, since_last, submissions_of
from core.rules.catalogue import AttachmentKind
from core.usecases import applications, catalogue, reviews
from core.usecases.applications import DeclaredMajor, GivenFile
from tests.core.attached_files import docx, pdf, picture
from tests.core.usecases.pilot_steps import At, declare, draft, refused, save, submit
from tests.factories import DECLARATION, SECOND, Year, Years, at_once, count, moment, notices, one, rows


def test_a_saved_application_is_a_draft_that_can_be_changed_and_deleted_R034(declared: Year) -> None:
    application = save(declared)
    assert application.state == "draft"
    again = save(declared, application_id=application.id, requested_count=30, venue_description=" 机房 2 间 ")
    assert (again.id, again.requested_count, again.venue_description) == (application.id, 30, "<p>机房 2 间</p>")
    declared.do("coordinator", applications.delete_application, application_id=application.id)
    assert count(PilotApplication) == 0


def test_a_certificate_is_applied_for_once_per_batch_R027(declared: Year) -> None:
    save(declared)
    refused(lambda: save(declared, "signatory"), AlreadyThere, "application_exists", "R-027")
    save(declared, certificate_id=declared["certificate:2"])
    save(declared, plan_id=declare(declared))
    assert count(PilotApplication) == 3


@pytest.mark.parametrize("asked", [0, -5])
def test_an_application_asks_for_somebody_R033(declared: Year, asked: int) -> None:
    refused(lambda: save(declared, requested_count=asked), ValueRefused, "requested_count", "R-033")


def test_another_provinces_plan_is_not_open_to_a_college_R023(declared: Year) -> None:
    given = {"plan_id": declared["other_declaration"]}
    refused(lambda: save(declared, **given), NotPermitted, "not_your_province", "R-023")


def test_an_unpublished_plan_is_not_open_to_anybody_R024(declared: Year) -> None:
    plan = draft(declared)
    refused(lambda: save(declared, plan_id=plan), NotPermitted, "not_your_province", "R-023")


def test_only_listed_certificates_are_open_when_the_plan_opens_part_of_them_R028(declared: Year) -> None:
    plan = declare(declared, certificate_ids=[declared["certificate:2"]])
    refused(lambda: save(declared, plan_id=plan), ValueRefused, "certificate_not_open", "R-028")
    save(declared, plan_id=plan, certificate_id=declared["certificate:2"])


def test_a_disabled_certificate_is_not_open_R054(declared: Year) -> None:
    declared.do("teo", catalogue.switch_certificate, certificate_id=declared["certificate"], action="disable")
    refused(lambda: save(declared), ValueRefused, "certificate_disabled", "R-054")


def test_a_major_must_belong_to_the_certificate_R031(declared: Year) -> None:
    rows_ = [DeclaredMajor(declared["major:620201"], 24)]
    refused(lambda: save(declared, majors=rows_), ValueRefused, "major_not_of_certificate", "R-031")


@pytest.mark.parametrize(("asked", "code"), [(23, "majors_sum"), (25, "majors_sum"), (-1, "number_negative")])
def test_majors_add_up_to_the_total_R032(declared: Year, asked: int, code: str) -> None:
    rows_ = [DeclaredMajor(declared["major:610205"], asked)]
    refused(lambda: save(declared, majors=rows_), ValueRefused, code, "R-032")


def test_majors_are_kept_with_their_counts_R032(declared: Year) -> None:
    application = save(declared, majors=[DeclaredMajor(declared["major:610205"], 24, 120, 6)])
    with declared.acting("coordinator") as tx:
        row = tx.get(PilotApplication, application.id).majors[0]
        assert (row.requested_count, row.students_enrolled, row.full_time_teachers) == (24, 120, 6)


def test_majors_are_mended_in_place_and_one_counts_once_R032(declared: Year) -> None:
    major = declared["major:610205"]
    application = save(declared, majors=[DeclaredMajor(major, 24, 120, 6)])
    save(declared, application_id=application.id, requested_count=20, majors=[DeclaredMajor(major, 20, 120, 7)])
    assert rows(select(PilotApplicationMajor.requested_count)) == [20]
    twice = [DeclaredMajor(major, 12), DeclaredMajor(major, 12)]
    refused(lambda: save(declared, application_id=application.id, majors=twice), ValueRefused, "major_twice", "R-032")
    save(declared, application_id=application.id)
    assert rows(select(PilotApplicationMajor.id)) == []


@pytest.mark.parametrize(("missing", "word"), [("faculty_description", "师资情况"), ("venue_description", "场地情况")])
def test_an_incomplete_application_is_saved_but_not_submitted_R033(declared: Year, missing: str, word: str) -> None:
    application = save(declared, **{missing: "  "})
    with pytest.raises(Incomplete) as caught:
        declared.do("coordinator", applications.submit_application, application_id=application.id)
    assert (caught.value.rule, caught.value.facts["fields"]) == ("R-033", word)


def test_majors_are_required_where_the_plan_asks_for_them_R029(declared: Year) -> None:
    plan = declare(declared, by_major_required=True)
    application = save(declared, plan_id=plan)
    with pytest.raises(Incomplete) as caught:
        declared.do("coordinator", applications.submit_application, application_id=application.id)
    assert caught.value.facts["fields"] == "拟申报专业"
    majors = [DeclaredMajor(declared["major:610205"], 24)]
    save(declared, plan_id=plan, application_id=application.id, majors=majors)
    assert declared.do("coordinator", applications.submit_application, application_id=application.id).submitted_at


def test_a_submitted_application_is_neither_edited_nor_deleted_R035_R038(applied: Year) -> None:
    ident = applied["application"]
    refused(lambda: save(applied, application_id=ident), IllegalMove, "not_editable", "R-038")
    delete = lambda: applied.do("coordinator", applications.delete_application, application_id=ident)  # noqa: E731
    refused(delete, IllegalMove, "not_editable", "R-038")


def test_submitting_is_recorded_with_who_and_when_and_the_first_reviewer_is_told_R036(applied: Year) -> None:
    application = one(PilotApplication, applied["application"])
    assert (application.state, application.submitted_at) == ("pending_initial", moment("applied"))
    record = rows(select(ReviewRecord).where(ReviewRecord.application_id == application.id))[0]
    assert (record.step, record.decision, record.actor_id) == ("submit", "submit", applied["account:coordinator"])
    told = {n.account_id for n in notices("pilots.application_waiting")}
    assert told == {applied["account:city"], applied["account:other_province"]}


def test_an_application_cannot_slip_into_another_batch_whose_window_is_open(declared: Year, at: At) -> None:
    """The first batch has closed; naming the second must not open the first one's application again (R-025)."""
    application = save(declared)
    later = declare(declared, closes_at=DECLARATION[1] + timedelta(days=30))
    at(DECLARATION[1] + SECOND)
    with pytest.raises(WindowClosed):
        save(declared, application_id=application.id)
    with pytest.raises(NotFound):
        save(declared, application_id=application.id, plan_id=later, requested_count=99)
    assert one(PilotApplication, application.id).requested_count == 24


# -- words -----------------------------------------------------------------------------------------------------------


def test_descriptions_are_kept_as_safe_markup(declared: Year) -> None:
    typed = '<p onclick="x()">教师 <b>6</b> 人</p><script>alert(1)</script><img src="https://example.invalid/a.png">'
    assert save(declared, faculty_description=typed).faculty_description == "<p>教师 <strong>6</strong> 人</p>"


@pytest.mark.parametrize("empty", ["<p><br></p>", "<div>&nbsp;</div>", "<ul><li></li></ul>"])
def test_empty_markup_says_nothing_R033(declared: Year, empty: str) -> None:
    application = save(declared, venue_description=empty)
    with pytest.raises(Incomplete) as caught:
        submit(declared, application.id)
    assert caught.value.facts["fields"] == "场地情况"


def test_a_description_that_is_too_long_is_refused_whole(declared: Year) -> None:
    assert save(declared, faculty_description="字" * 4000).requested_count == 24
    given = {"faculty_description": "字" * 4001, "certificate_id": declared["certificate:2"]}
    refused(lambda: save(declared, **given), ValueRefused, "words_too_long", "R-033")
    assert count(PilotApplication) == 1


# -- files -----------------------------------------------------------------------------------------------------------


def files(ident: int) -> list[str]:
    """Names of what hangs on an application."""
    return rows(select(Attachment.file_name).where(Attachment.application_id == ident).order_by(Attachment.id))


def test_evidence_is_added_and_taken_off_with_the_draft_R033(declared: Year) -> None:
    given = [GivenFile("设备清单.pdf", pdf()), GivenFile("师资.docx", docx())]
    application = save(declared, new_files=given)
    assert files(application.id) == ["设备清单.pdf", "师资.docx"]
    first = rows(select(Attachment.id).order_by(Attachment.id))[0]
    save(declared, application_id=application.id, dropped_ids=[first])
    assert files(application.id) == ["师资.docx"]


def test_a_refused_file_leaves_the_draft_as_it_was(declared: Year) -> None:
    application = save(declared)
    given = {"application_id": application.id, "requested_count": 30}
    with pytest.raises(FileRefused):
        save(declared, **given, new_files=[GivenFile("程序.exe", b"MZ")])
    assert one(PilotApplication, application.id).requested_count == 24


def test_nobody_takes_a_file_off_another_application(declared: Year) -> None:
    theirs = save(declared, certificate_id=declared["certificate:2"], new_files=[GivenFile("a.pdf", pdf())])
    ident = rows(select(Attachment.id))[0]
    refused(lambda: save(declared, dropped_ids=[ident]), ValueRefused, "attachment_not_here", "R-033")
    assert files(theirs.id) == ["a.pdf"]


def test_after_submission_no_file_comes_or_goes_R035_R038(declared: Year) -> None:
    application = save(declared, new_files=[GivenFile("a.pdf", pdf())])
    submit(declared, application.id)
    given: dict[str, Any] = {"application_id": application.id}
    refused(
        lambda: save(declared, **given, new_files=[GivenFile("b.docx", docx())]), IllegalMove, "not_editable", "R-038"
    )
    picture_of = lambda: declared.do(  # noqa: E731
        "coordinator", applications.attach_picture, **given, file=GivenFile("机房.png", picture())
    )
    refused(picture_of, IllegalMove, "not_editable", "R-038")
    assert files(application.id) == ["a.pdf"]


def pictured(year: Year, ident: int, name: str = "机房.png", data: bytes = b"") -> int:
    """A picture put into a description that is being written."""
    file = GivenFile(name, data or picture())
    return int(year.do("coordinator", applications.attach_picture, application_id=ident, file=file).id)


def shows(number: int) -> str:
    return f'<p>机房</p><img src="/admin/files/{number}">'


def test_pictures_stay_while_a_description_shows_them(declared: Year) -> None:
    application = save(declared)
    number = pictured(declared, application.id)
    save(declared, application_id=application.id, venue_description=shows(number))
    assert files(application.id) == ["机房.png"]
    save(declared, application_id=application.id)
    assert files(application.id) == []
    again = {"application_id": application.id, "venue_description": shows(number)}
    refused(lambda: save(declared, **again), ValueRefused, "picture_unknown", "R-033")


def test_a_description_shows_no_picture_of_another_application(declared: Year) -> None:
    theirs = save(declared, certificate_id=declared["certificate:2"])
    number = pictured(declared, theirs.id)
    refused(lambda: save(declared, venue_description=shows(number)), ValueRefused, "picture_unknown", "R-033")


def test_a_picture_is_put_in_only_while_the_window_is_open_R025(declared: Year, at: At) -> None:
    application = save(declared)
    at(DECLARATION[1])
    pictured(declared, application.id)
    at(DECLARATION[1] + SECOND)
    with pytest.raises(WindowClosed):
        pictured(declared, application.id)


def test_a_file_and_a_submission_at_once_are_both_or_neither_in_what_is_reviewed(any_years: Years, at: At) -> None:
    """On either database the kept submission names exactly the files that hang there afterwards."""
    year = any_years("declared")
    at(moment("declared"))
    application = save(year)
    given = {"application_id": application.id, "new_files": [GivenFile("a.pdf", pdf())]}
    at_once(lambda: submit(year, application.id), lambda: save(year, "signatory", **given))
    with year.acting("coordinator") as tx:
        (sent,) = submissions_of(tx.session, application.id)
        assert sent.content == as_submitted(tx.session, tx.get(PilotApplication, application.id))


# -- submitting what was looked at -----------------------------------------------------------------------------------


def fingerprint(year: Year, ident: int) -> str:
    with year.acting("coordinator") as tx:
        return fingerprint_of(as_submitted(tx.session, tx.get(PilotApplication, ident)))


def test_what_is_submitted_is_what_was_looked_at_R035(declared: Year) -> None:
    application = save(declared)
    seen = fingerprint(declared, application.id)
    save(declared, application_id=application.id, new_files=[GivenFile("a.pdf", pdf())])
    refused(lambda: submit(declared, application.id, fingerprint=seen), StaleState, "content_changed", "R-035")
    assert one(PilotApplication, application.id).state == "draft"
    submit(declared, application.id, fingerprint=fingerprint(declared, application.id))
    kept = rows(select(PilotSubmission))[0]
    assert (kept.round, kept.fingerprint) == (1, fingerprint(declared, application.id))


def test_each_round_is_kept_and_compared_with_the_one_before(declared: Year) -> None:
    application = save(declared, majors=[DeclaredMajor(declared["major:610205"], 24, 120, 6)])
    with declared.acting("coordinator") as tx:
        assert since_last(tx.session, tx.get(PilotApplication, application.id)) is None
    submit(declared, application.id)
    declared.do("city", reviews.return_application, application_id=application.id, reason="请补充")
    save(declared, application_id=application.id, requested_count=20, new_files=[GivenFile("a.pdf", pdf())])
    for _ in ("while it is mended", "once it is sent again"):
        with declared.acting("coordinator") as tx:
            found = since_last(tx.session, tx.get(PilotApplication, application.id))
            assert found is not None
            before, changes = found
            assert before.round == 1
            assert ("申请总培训人数", "24", "20") in changes.facts
            assert ("附件", "", "a.pdf") in changes.facts
            assert changes.facts[1][0] == "拟申报专业 软件技术（610205）"
        if one(PilotApplication, application.id).state == "returned":
            submit(declared, application.id)
    assert rows(select(PilotSubmission.round).order_by(PilotSubmission.round)) == [1, 2]


# -- starting from last year -----------------------------------------------------------------------------------------


def copied(year: Year, ident: int, plan: int, login: str = "coordinator") -> PilotApplication:
    found: PilotApplication = year.do(login, applications.copy_application, application_id=ident, plan_id=plan)
    return found


def test_an_earlier_application_is_copied_with_words_counts_and_files_R017(declared: Year, at: At) -> None:
    """R-017, R-022: a new year, a new application; one certificate, which is one level, and one size."""
    majors = [DeclaredMajor(declared["major:610205"], 24, 120, 6)]
    earlier = save(declared, majors=majors, new_files=[GivenFile("a.pdf", pdf())])
    number = pictured(declared, earlier.id)
    save(declared, application_id=earlier.id, majors=majors, venue_description=shows(number))
    at("2027-03-05 09:00")
    opens, closes = (edge + timedelta(days=365) for edge in DECLARATION)
    plan = declare(declared, year=2027, opens_at=opens, closes_at=closes)
    fresh = copied(declared, earlier.id, plan)
    assert (fresh.state, fresh.plan_id, fresh.certificate_id) == ("draft", plan, earlier.certificate_id)
    assert (fresh.requested_count, fresh.submitted_at, fresh.approved_count) == (24, None, None)
    with declared.acting("coordinator") as tx:
        (row,) = tx.get(PilotApplication, fresh.id).majors
        assert (row.requested_count, row.students_enrolled, row.full_time_teachers) == (24, 120, 6)
    assert sorted(files(fresh.id)) == ["a.pdf", "机房.png"]
    own = rows(select(Attachment.id).where(Attachment.application_id == fresh.id, Attachment.kind == "picture"))
    assert fresh.venue_description == shows(own[0]) != shows(number)
    assert submit(declared, fresh.id).state == "pending_initial"


def test_a_copy_is_refused_where_the_batch_has_one_already_R027(declared: Year) -> None:
    earlier, plan = save(declared), declare(declared)
    copied(declared, earlier.id, plan)
    refused(lambda: copied(declared, earlier.id, plan), AlreadyThere, "application_exists", "R-027")
    refused(lambda: copied(declared, earlier.id, declared["declaration"]), AlreadyThere, "application_exists", "R-027")


def test_two_copies_at_once_are_one_R027(any_years: Years, at: At) -> None:
    year = any_years("declared")
    at(moment("declared"))
    earlier, plan = save(year), declare(year)
    done = at_once(*[lambda: copied(year, earlier.id, plan)] * 2)
    assert [isinstance(outcome, AlreadyThere) for outcome in done].count(True) == 1
    assert count(PilotApplication, PilotApplication.plan_id == plan) == 1


def test_a_copy_asks_the_same_of_plan_and_certificate_as_a_new_one(declared: Year, at: At) -> None:
    earlier = save(declared)
    narrow = declare(declared, batch_name="补报", certificate_ids=[declared["certificate:2"]])
    refused(lambda: copied(declared, earlier.id, narrow), ValueRefused, "certificate_not_open", "R-028")
    refused(
        lambda: copied(declared, earlier.id, declared["other_declaration"]), NotPermitted, "not_your_province", "R-023"
    )
    with pytest.raises(NotPermitted):
        copied(declared, earlier.id, narrow, "other_coordinator")
    wide = declare(declared, batch_name="再报")
    at(DECLARATION[1] + SECOND)
    with pytest.raises(WindowClosed):
        copied(declared, earlier.id, wide)


def test_majors_that_left_the_certificate_are_not_copied_R031(declared: Year) -> None:
    earlier = save(declared, majors=[DeclaredMajor(declared["major:610205"], 24)])
    with declared.acting("teo") as tx:
        certificate = tx.get(PilotApplication, earlier.id).certificate
        certificate.majors = []
    fresh = copied(declared, earlier.id, declare(declared))
    assert (fresh.majors, fresh.requested_count) == ([], 24)


def test_what_can_be_copied_is_what_the_batch_opens_and_does_not_hold_yet(declared: Year) -> None:
    first = save(declared)
    second = save(declared, certificate_id=declared["certificate:2"])
    plan = declare(declared, certificate_ids=[declared["certificate"]])

    def offered(ident: int) -> set[int]:
        with declared.acting("coordinator") as tx:
            batch = tx.get(applications.DeclarationPlan, ident)
            return {row.id for row in tx.all(earlier_applications(declared["college"], batch))}

    assert offered(plan) == {first.id}
    assert offered(declare(declared, batch_name="再报")) == {first.id, second.id}
    copied(declared, first.id, plan)
    assert offered(plan) == set()


# -- deleting --------------------------------------------------------------------------------------------------------


def test_a_draft_goes_with_its_files_and_a_returned_one_stays_R038(applied: Year) -> None:
    draft_ = save(applied, certificate_id=applied["certificate:2"], new_files=[GivenFile("a.pdf", pdf())])
    applied.do("coordinator", applications.delete_application, application_id=draft_.id)
    assert count(Attachment) == 0
    ident = applied["application"]
    applied.do("city", reviews.return_application, application_id=ident, reason="请补充")
    delete = lambda: applied.do("coordinator", applications.delete_application, application_id=ident)  # noqa: E731
    refused(delete, IllegalMove, "reviewed_not_deletable", "R-038")
    assert one(PilotApplication, ident).state == "returned"
    assert len(rows(select(ReviewRecord).where(ReviewRecord.application_id == ident))) == 2


def test_saving_keeps_a_picture_kind_apart_from_evidence(declared: Year) -> None:
    application = save(declared)
    number = pictured(declared, application.id)
    given = {"application_id": application.id, "venue_description": shows(number), "dropped_ids": [number]}
    refused(lambda: save(declared, **given), ValueRefused, "attachment_not_here", "R-033")
    assert rows(select(Attachment.kind)) == [AttachmentKind.PICTURE]
