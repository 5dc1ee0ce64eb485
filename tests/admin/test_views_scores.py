"""科目成绩 and 考证结果 through the browser: entered in the window, corrected in publication, seen when it is time."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import select

from core import clock
from core.models.certificates import CertificateIssuance
from core.models.plans import ExamPlanSubject
from core.models.registrations import SubjectRegistration
from core.models.scores import CertificateResult, ScoreAmendment, SubjectScore
from core.rules.scores import ResultState, ScoreState
from tests.admin.conftest import Browser, OpenPanel, Panel, words
from tests.admin.sheets_of_paper import filled, read, taken
from tests.admin.test_views_registrations import SECOND, tabs
from tests.factories import WINDOWS, Year, on, one, rows

LIST = "/admin/scores/"
IMPORT = f"{LIST}import/scores/"
RESULTS = "/admin/results/"
PUBLIC = on("2026-06-05 09:00")


def sitting(year: Year, student: int, subject: str) -> int:
    """The id of a student's sitting of a subject."""
    return int(
        rows(
            select(SubjectRegistration.id).where(
                SubjectRegistration.registration_id == year[f"registration:{student}"],
                SubjectRegistration.plan_subject_id == year[f"plan_subject:{subject}"],
            )
        )[0]
    )


def score_of(year: Year, student: int, subject: str) -> SubjectScore:
    found = rows(select(SubjectScore).where(SubjectScore.subject_registration_id == sitting(year, student, subject)))
    assert isinstance(found[0], SubjectScore)
    return found[0]


def marked(paper: bytes, year: Year, score: Any = "80") -> bytes:
    """A score sheet filled in: everybody the same mark."""
    return filled(paper, [row | {"考试成绩": score} for row in read(paper)])


def send(browser: Browser, year: Year, content: bytes) -> Any:
    """Upload and confirm; the import's page, or the refusal of the file as a whole."""
    answer = browser.do(IMPORT, {"plan_id": str(year["plan"]), "file": (BytesIO(content), "scores.xlsx")})
    return taken(browser, answer) if answer.status_code == 303 else answer


# -- entering ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def entering(panel: OpenPanel) -> Panel:
    return panel("arranged", on("2026-05-23 09:00"))


def test_the_prefilled_sheet_comes_back_as_scores(entering: Panel) -> None:
    teo, year = entering.browser("teo"), entering.year
    assert f"plan_id={year['plan']}" in teo.text(LIST)
    answer = teo.get(f"{LIST}sheet?plan={year['plan']}")
    assert "filename*=UTF-8''" in answer.headers["Content-Disposition"]
    assert len(read(answer.data)) == 8
    report = send(teo, year, marked(answer.data, year))
    assert report.status_code == 200, words(report)
    assert {score.score_tenths for score in rows(select(SubjectScore))} == {800}
    assert tabs(teo.text(LIST))["已登记"] == 8
    assert {result.state for result in rows(select(CertificateResult))} == {ResultState.PASSED}


def test_a_mark_above_the_full_score_is_refused_with_its_row(entering: Panel) -> None:
    teo, year = entering.browser("teo"), entering.year
    paper = teo.get(f"{LIST}sheet?plan={year['plan']}").data
    report = send(teo, year, marked(paper, year, "101"))
    assert "不能超过满分" in words(report) or "0 至 100" in words(report)
    assert not rows(select(SubjectScore.id))


@pytest.mark.parametrize(
    ("moment", "offered"),
    [
        (WINDOWS["score_entry"][0] - SECOND, False),
        (WINDOWS["score_entry"][0], True),
        (WINDOWS["score_entry"][1], True),
        (WINDOWS["score_entry"][1] + SECOND, False),
    ],
)
def test_scores_are_entered_inside_the_window_only(entering: Panel, moment: datetime, offered: bool) -> None:
    teo, year = entering.browser("teo"), entering.year
    paper = teo.get(f"{LIST}sheet?plan={year['plan']}").data
    with clock.pinned(moment):
        answer = send(teo, year, marked(paper, year))
        assert answer.status_code == (200 if offered else 422)
        assert teo.get(f"{LIST}sheet?plan={year['plan']}").status_code == (303 if offered else 404)
    assert bool(rows(select(SubjectScore.id))) is offered


@pytest.mark.parametrize("login", ["other_teo", "coordinator", "signatory", "admin"])
def test_nobody_else_enters_scores(entering: Panel, login: str) -> None:
    browser, year = entering.browser(login), entering.year
    assert browser.get(f"{LIST}sheet?plan={year['plan']}").status_code == 404
    if login == "other_teo":
        assert f'value="{year["plan"]}"' not in browser.text(IMPORT)
    else:
        assert browser.get(IMPORT).status_code == 404


# -- who sees what, and when ------------------------------------------------------------------------------------------


def test_a_college_sees_nothing_until_entry_is_over(panel: OpenPanel) -> None:
    open_panel = panel("scored", WINDOWS["score_entry"][1])
    college = open_panel.browser("coordinator")
    page = college.text(LIST)
    assert (tabs(page)["未登记"], tabs(page)["已登记"]) == (8, 0)
    assert 'class="points' not in page
    assert tabs(college.text(RESULTS))["全部"] == 0
    ident = open_panel.year["result:0"]
    assert college.get(f"{RESULTS}details/?id={ident}").status_code == 404
    with clock.pinned(WINDOWS["score_entry"][1] + SECOND):
        assert tabs(college.text(LIST))["已登记"] == 8
        assert "暂定" in college.text(RESULTS)
        assert college.get(f"{RESULTS}details/?id={ident}").status_code == 200


def test_absent_is_absent_and_composites_have_two_decimals(panel: OpenPanel) -> None:
    teo = panel("scored").browser("teo")
    page = teo.text(LIST)
    assert "缺考" in page
    results = teo.text(RESULTS)
    assert "59.93" in results
    assert tabs(results) == {"全部": 4, "未登记": 0, "登记中": 0, "已通过": 2, "未通过": 2}


@pytest.mark.parametrize("login", ["other_coordinator", "other_teo", "other_province"])
def test_somebody_elses_scores_do_not_exist(panel: OpenPanel, login: str) -> None:
    open_panel = panel("scored", PUBLIC)
    browser, year = open_panel.browser(login), open_panel.year
    assert browser.get(f"{LIST}details/?id={sitting(year, 0, 'theory')}").status_code == 404
    assert browser.get(f"{RESULTS}details/?id={year['result:0']}").status_code == 404
    assert browser.get(f"{LIST}do/correct/?id={sitting(year, 0, 'theory')}").status_code == 404


# -- correcting -------------------------------------------------------------------------------------------------------


@pytest.fixture
def public(panel: OpenPanel) -> Panel:
    return panel("scored", PUBLIC)


def test_a_correction_keeps_the_old_mark_and_turns_the_result(public: Panel) -> None:
    teo, year = public.browser("teo"), public.year
    url = f"{LIST}do/correct/?id={sitting(year, 1, 'practice')}"
    assert 'value="59.9"' in teo.text(url)
    no_reason = teo.do(url, {"score": "60", "reason": ""} | version(year, 1))
    assert no_reason.status_code == 422
    answer = teo.do(url, {"score": "60", "reason": "复核：漏加 0.1 分"} | version(year, 1))
    assert answer.status_code == 303, words(answer)
    assert score_of(year, 1, "practice").score_tenths == 600
    assert one(CertificateResult, year["result:1"]).state is ResultState.PASSED
    page = words(public.browser("coordinator").get(f"{LIST}details/?id={sitting(year, 1, 'practice')}"))
    assert "59.9 60 复核：漏加 0.1 分 演teo" in page


def version(year: Year, student: int) -> dict[str, str]:
    return {"score_version": str(score_of(year, student, "practice").version)}


def test_a_mark_out_of_range_or_none_at_all_is_refused(public: Panel) -> None:
    teo, year = public.browser("teo"), public.year
    url = f"{LIST}do/correct/?id={sitting(year, 1, 'practice')}"
    for typed in ({"score": "100.5"}, {"score": "abc"}, {"score": ""}, {"score": "60", "is_absent": "y"}):
        answer = teo.do(url, {"reason": "复核"} | typed | version(year, 1))
        assert answer.status_code == 422, typed
    assert score_of(year, 1, "practice").score_tenths == 599
    assert not rows(select(ScoreAmendment.id))


def test_a_stale_correction_is_not_saved(public: Panel) -> None:
    teo, year = public.browser("teo"), public.year
    url = f"{LIST}do/correct/?id={sitting(year, 1, 'practice')}"
    seen = teo.hidden(url)
    assert seen["score_version"]
    teo.do(url, {"score": "61", "reason": "复核"})
    late = teo.client.post(url, data=seen | {"score": "62", "reason": "又一次", "ticket": "another"})
    assert late.status_code == 409
    assert score_of(year, 1, "practice").score_tenths == 610


@pytest.mark.parametrize(
    ("moment", "offered"),
    [
        (WINDOWS["publication"][0] - SECOND, False),
        (WINDOWS["publication"][0], True),
        (WINDOWS["publication"][1], True),
        (WINDOWS["publication"][1] + SECOND, False),
    ],
)
def test_corrections_are_for_the_publication_only(public: Panel, moment: datetime, offered: bool) -> None:
    teo, year = public.browser("teo"), public.year
    url = f"{LIST}do/correct/?id={sitting(year, 1, 'practice')}"
    with clock.pinned(moment):
        assert teo.get(url).status_code == (200 if offered else 303)
        data = {"score": "61", "reason": "复核", "row_version": "1"} | version(year, 1)
        seated = one(SubjectRegistration, sitting(year, 1, "practice"))
        answer = teo.post(url, data | {"row_version": str(seated.version)})
        assert answer.status_code == (303 if offered else 422)
    assert (score_of(year, 1, "practice").score_tenths == 610) is offered


def test_a_locked_score_stays_as_it_is(panel: OpenPanel) -> None:
    open_panel = panel("concluded")
    teo, year = open_panel.browser("teo"), open_panel.year
    assert tabs(teo.text(LIST))["锁定"] == 8
    assert "最终" in teo.text(RESULTS)
    url = f"{LIST}do/correct/?id={sitting(year, 1, 'practice')}"
    seated = one(SubjectRegistration, sitting(year, 1, "practice"))
    data = {"score": "61", "reason": "复核", "row_version": str(seated.version)} | version(year, 1)
    with clock.pinned(PUBLIC):  # even with the clock turned back
        assert teo.post(url, data).status_code == 422
    assert score_of(year, 1, "practice").state is ScoreState.LOCKED
    assert len(rows(select(CertificateIssuance.id))) == 2


def test_the_result_shows_the_rule_and_every_subject(public: Panel) -> None:
    page = words(public.browser("coordinator").get(f"{RESULTS}details/?id={public.year['result:0']}"))
    assert "加权总分不低于 60 分" in page
    names = rows(select(ExamPlanSubject.name))
    assert all(name in page for name in names)
    assert "30%" in page
    assert "70%" in page
