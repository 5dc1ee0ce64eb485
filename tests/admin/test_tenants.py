"""Holes between tenants: every address, every verb and every file, tried by everybody whose business it is not."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from admin.forms import Upload
from core.db import reading
from core.models.registry import metadata
from core.queries.scoping import visible
from tests.admin.conftest import Browser, OpenPanel, Panel, words
from tests.admin.sheets_of_paper import filled
from tests.factories import CAST, census, on, seal_png

COLLEGE = {"coordinator", "second_coordinator", "signatory", "other_coordinator", "other_signatory"}
COORDINATORS = {"coordinator", "second_coordinator", "other_coordinator"}
TEO = {"teo", "other_teo"}
PROVINCE = {"province", "other_province"}
CITY = {"city", "other_city"}
OFFICES = {"admin"} | PROVINCE | CITY | TEO | COLLEGE
EXAMS = {"admin"} | PROVINCE | TEO | COLLEGE  # registrations and what hangs on them: no city (§8.8)
DESKS = {"admin"} | TEO | COLLEGE
EVERYBODY = set(CAST)

# Page → who may open it. Typed from requirements §8.8; a page without a line here fails.
PAGES: dict[str, set[str]] = {
    "accounts": {"admin"} | COLLEGE,
    "allocations": EXAMS,
    "announcements": OFFICES | {"reviewer"},
    "applications": OFFICES,
    "arrangements": DESKS,
    "authorities": OFFICES - TEO,
    "bindings": {"admin"} | COLLEGE,
    "candidates": DESKS,
    "certificate-templates": {"admin"} | TEO,
    "certificates": OFFICES,
    "colleges": OFFICES,
    "declarations": OFFICES - TEO,
    "delegations": OFFICES | {"reviewer"},
    "directory": {"admin"} | PROVINCE | CITY,
    "exports": {"admin"} | PROVINCE | CITY | TEO | COLLEGE,
    "imports": DESKS,
    "issuances": EXAMS | {"reviewer"},
    "majors": OFFICES,
    "officers": OFFICES,
    "orgs": OFFICES,
    "photo-verdicts": {"admin"} | COLLEGE,
    "plans": OFFICES | {"reviewer"},
    "quotas": OFFICES,
    "registrations": EXAMS,
    "results": EXAMS,
    "room-arrangements": DESKS,
    "regions": {"admin"},
    "rooms": DESKS,
    "scores": EXAMS,
    "seating": DESKS,
    "seats": DESKS,
    "signing": TEO | {"signatory", "other_signatory", "reviewer"},
    "site-standard-items": OFFICES,
    "site-standards": OFFICES,
    "sites": OFFICES,
    "skill-standards": OFFICES,
    "social-candidates": DESKS,
    "subjects": OFFICES,
    "trail": {"admin"},
}
# The same for pages that are no list of a table; "" is all they have beside what OWN_PAGES names.
PLAIN_PAGES: dict[str, set[str]] = {
    "deliveries": OFFICES,
    "late": OFFICES | {"reviewer"},
}
OPEN = {"seating": 302}  # the page of a plan's seats; its list is another page
# What every page has; "own" pages of single views and everything outside the panel follow.
STANDARD = {
    "index_view", "details_view", "verb_view", "batch_view", "import_view", "template_view", "failed_rows_view",
    "export_view",
}  # fmt: skip
OWN_PAGES = {
    "candidates.photo_view", "candidates.number_view", "social-candidates.photo_view", "social-candidates.number_view",
    "candidates.merge_view", "social-candidates.merge_view",
    "imports.failed_view", "imports.job_view", "imports.standing_view",
    "issuances.document_view", "issuances.hand_view", "plans.certificate_view",
    "scores.sheet_view", "sites.material", "documents.index", "documents.download",
    "files.index", "files.download", "colleges.logo_view",
    "colleges.seal_view", "certificates.sample_view", "certificate-templates.sample_view", "certificates.filled_view",
    "directory.filled_view", "majors.filled_view", "orgs.filled_view", "subjects.filled_view",
    "photo-verdicts.offer_view",
    "deliveries.index", "deliveries.again", "deliveries.all_again", "late.index", "messages.index",
    "exports.job_view", "exports.again_view", "exports.file_view", "applications.picture_view",
}  # fmt: skip
BEHIND_LOGIN = {
    "admin.index", "admin.notices", "admin.acknowledge_notice", "admin.take_back_notice", "admin.travel",
    "profile.password", "profile.telling", "profile.telegram", "profile.new_code", "profile.unbind",
    "profile.affirm", "profile.freeze", "profile.channel", "profile.try_channel",
    "second_factor.page", "second_factor.begin", "second_factor.confirm", "second_factor.end",
}  # fmt: skip
WITH_A_VISIT = {"phone.sign_page", "phone.refuse_page", "phone.done"}
LEADS_TO_LOGIN = {"phone.start", "phone.qr"}
OWN_SPACE = {"my.home", "my.photo", "my.ticket", "my.certificate"}  # candidates only, by a login of their own
FOR_ALL = {
    "portal.home", "portal.healthz", "portal.readyz", "portal.metrics", "portal.verify", "portal.verify_numbers",
    "portal.verify_file", "auth.login", "auth.logout", "auth.activation", "auth.activate", "phone.enter", "phone.scan",
    "auth.second_factor", "auth.forgot", "auth.reset", "auth.another", "joining.register", "joining.names",
    "joining.code", "joining.done",
    "my.login", "my.logout", "my.forgot", "my.link",
    "phone.qr_state", "static", "admin.static", "phone.static", "portal.static",
}  # fmt: skip
PHONE_WRITES = {
    "phone.enter_from_chat", "phone.start_here", "phone.claim", "phone.sign_now", "phone.again", "phone.leave",
    "phone.refuse_recap", "phone.refuse_now", "phone.qr_afresh",
    "phone.step_up_now",
}  # fmt: skip


def known_endpoints() -> set[str]:
    """Every endpoint somebody has thought about."""
    standard = {f"{page}.{name}" for page in PAGES for name in STANDARD}
    return standard | OWN_PAGES | BEHIND_LOGIN | WITH_A_VISIT | LEADS_TO_LOGIN | OWN_SPACE | FOR_ALL | PHONE_WRITES


def rules(app: Flask) -> list[Any]:
    """All routes."""
    return sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint))


def some_address(rule: Any) -> str:
    """The route with something in every gap."""
    return re.sub(r"<(\w+:)?\w+>", lambda gap: "1" if gap[1] == "int:" else "x", rule.rule)


def contents() -> dict[str, int]:
    """A digest of all rows of all tables: two equal ones, and not one value has changed."""
    with reading() as session:
        return {
            table.name: hash(tuple(map(repr, session.execute(select(table).order_by(*table.primary_key)))))
            for table in metadata.sorted_tables
        }


def all_views(place: Panel) -> list[Any]:
    """Every page with rows, with or without a place in the menu."""
    return [view for view in place.app.extensions["admin"][0]._views if getattr(view, "model", None) is not None]


def row_verbs(view: Any) -> list[Any]:
    """Verbs of one row."""
    return [verb for verb in (view.edit_with, *view.row_verbs) if verb is not None]


# -- the table of who may open what ------------------------------------------------------------------------------------


def test_no_address_is_forgotten_and_none_is_made_up(panel: OpenPanel) -> None:
    found = {rule.endpoint for rule in rules(panel("set_up").app)}
    assert found - known_endpoints() == set(), "new addresses: write down above who may open them"
    assert known_endpoints() - found - {"auth.activation", "auth.activate"} == set(), "these are gone"


def test_a_stranger_opens_nothing_but_the_public_pages(panel: OpenPanel) -> None:
    place = panel("issued")
    stranger, before = place.browser(), contents()
    for rule in rules(place.app):
        if rule.endpoint in FOR_ALL:
            continue
        address = some_address(rule) + ("?plan=1&party=teo" if rule.endpoint in LEADS_TO_LOGIN else "")
        if "GET" in rule.methods:
            answer = stranger.get(address)
            wanted = (404,) if rule.endpoint in WITH_A_VISIT else (302,)
            assert answer.status_code in wanted, (rule, answer.status_code)
            door = "/my/login" if rule.endpoint in OWN_SPACE else "/admin/login"
            assert answer.status_code == 404 or door in answer.location, rule
        if "POST" in rule.methods:
            answer = stranger.post(address, {"plan": "1", "party": "teo"})
            inside = answer.status_code in (302, 303) and answer.location.startswith(
                ("/admin/login", "/phone/start", "/phone/qr")
            )
            assert inside or answer.status_code in (403, 404, 405, 422), (rule, answer.status_code)
    assert contents() == before


def test_each_role_opens_the_pages_written_down_for_it_and_no_other(panel: OpenPanel) -> None:
    place = panel("issued")
    browsers = {login: place.browser(login) for login in sorted(CAST)}
    before, wrong = census(), []
    for login, browser in browsers.items():
        token = {"csrf_token": browser.token(), "ids": "1", "confirmed": "1"}
        for page, allowed in (PAGES | PLAIN_PAGES).items():
            found = {"": browser.get(f"/admin/{page}/").status_code == OPEN.get(page, 200)}
            if login not in allowed:
                for address in ("details/?id=1", "do/edit/?id=1", "import/candidates/"):
                    found[address] = browser.get(f"/admin/{page}/{address}").status_code != 404
                for address in ("do/edit/?id=1", "batch/verify-all/"):
                    found[f"POST {address}"] = (
                        browser.client.post(f"/admin/{page}/{address}", data=token).status_code != 404
                    )
            wrong += [(login, page, address) for address, is_open in found.items() if is_open != (login in allowed)]
    assert wrong == [], wrong
    assert census() == before


# -- rows of others ----------------------------------------------------------------------------------------------------


def foreign(view: Any, actor: Any) -> list[int]:
    """Rows of the page's table that exist and are not this person's to see, oldest first."""
    with reading() as session:
        seen = set(session.scalars(select(view.model.id).where(visible(view.model, actor))))
        return [ident for ident in session.scalars(select(view.model.id).order_by(view.model.id)) if ident not in seen]


# id of the year → its page, and everybody who may see it when the year is over. Typed from §8.8, R-014, R-097, R-182.
OURS = {"coordinator", "second_coordinator", "signatory"}
OWNERS: dict[str, tuple[str, set[str]]] = {
    "application": ("applications", {"admin", "province", "city", "teo"} | OURS),
    "other_application": (
        "applications",
        {"admin", "other_province", "other_city", "teo", "other_coordinator", "other_signatory"},
    ),
    "quota": ("quotas", {"admin", "province", "city", "teo"} | OURS),
    "plan": ("plans", OFFICES - {"other_teo"} | {"reviewer"}),
    "draft_plan": ("plans", {"admin", "teo"}),
    "student:0": ("candidates", {"admin", "teo"} | OURS),
    "student:4": ("candidates", {"admin"} | OURS),
    "other_student:0": ("candidates", {"admin", "other_coordinator", "other_signatory"}),
    "social:0": ("social-candidates", {"admin", "teo"} | OURS),
    "site": ("sites", {"admin", "province", "city", "teo"} | OURS),
    "room:theory": ("rooms", {"admin", "teo"} | OURS),
    "registration:0": ("registrations", {"admin", "province", "teo"} | OURS),
    "result:0": ("results", {"admin", "province", "teo"} | OURS),
    "issuance:0": ("issuances", {"admin", "province", "teo", "reviewer"} | OURS),
    "college": ("colleges", {"admin", "province", "city", "teo", "other_teo"} | OURS),
    "other_college": (
        "colleges",
        {"admin", "other_province", "other_city", "teo", "other_teo", "other_coordinator", "other_signatory"},
    ),
    "org": ("orgs", OFFICES - {"other_teo"}),
    "certificate": ("certificates", OFFICES - {"other_teo"}),
    "account:coordinator": ("accounts", {"admin"} | OURS),
    "account:teo": ("accounts", {"admin"}),
}


def test_a_row_opens_for_those_written_down_and_for_nobody_else(panel: OpenPanel) -> None:
    place = panel("issued")
    wrong = []
    for login in sorted(CAST):
        browser = place.browser(login)
        for key, (page, allowed) in OWNERS.items():
            status = browser.get(f"/admin/{page}/details/?id={place.year[key]}").status_code
            if status != (200 if login in allowed else 404):
                wrong.append((login, key, status))
    assert wrong == []


@pytest.mark.parametrize("login", ["other_coordinator", "other_teo", "other_province", "city", "signatory", "reviewer"])
def test_a_foreign_number_opens_no_verb_no_batch_and_no_file(panel: OpenPanel, login: str) -> None:
    place = panel("issued")
    actor, browser = place.year.actor(login), place.browser(login)
    token, before, tried = browser.token(), contents(), 0
    for view in all_views(place):
        for ident in foreign(view, actor)[:1]:
            base = f"/admin/{view.slug}"
            for verb in row_verbs(view):
                tried += 1
                address = f"{base}/do/{verb.name}/?id={ident}"
                assert browser.get(address).status_code == 404, address
                sent = GOOD | {"csrf_token": token, "row_version": "1"}
                assert browser.client.post(address, data=sent).status_code == 404, address
            for verb in view.batch_verbs:
                sent = GOOD | {"csrf_token": token, "ids": str(ident), "confirmed": "1"}
                assert browser.client.post(f"{base}/batch/{verb.name}/", data=sent).status_code in (303, 404)
            for address in files_of(view.slug, ident):
                tried += 1
                assert browser.get(address).status_code == 404, address
    assert tried > 20
    assert contents() == before


def files_of(slug: str, ident: int) -> list[str]:
    """Addresses beside the details that hand out something of a row."""
    return {
        "candidates": [f"/admin/candidates/{ident}/photo", f"/admin/candidates/number/?id={ident}"],
        "social-candidates": [
            f"/admin/social-candidates/{ident}/photo", f"/admin/social-candidates/number/?id={ident}",
        ],
        "issuances": [f"/admin/issuances/{ident}/certificate.pdf", f"/admin/issuances/{ident}/hand/1"],
        "plans": [
            f"/admin/plans/certificate/?id={ident}", f"/admin/documents/ticket?plan={ident}",
            f"/admin/documents/sign-in?plan={ident}", f"/admin/scores/sheet?plan={ident}",
        ],
        "sites": [f"/admin/sites/material/?id={ident}", f"/admin/documents/ticket?plan=1&site={ident}"],
        "colleges": [f"/admin/colleges/{ident}/logo", f"/admin/colleges/{ident}/seal"],
        "certificates": [f"/admin/certificates/{ident}/sample.pdf"],
        "certificate-templates": [f"/admin/certificate-templates/{ident}/sample.pdf"],
        "photo-verdicts": [f"/admin/photo-verdicts/{ident}/offer"],
        "imports": [f"/admin/imports/{ident}/failed", f"/admin/candidates/import/candidates/failed/{ident}"],
    }.get(slug, [])  # fmt: skip


def test_rejected_rows_are_for_the_college_that_sent_them(panel: OpenPanel) -> None:
    place = panel("sited")
    ours = place.browser("coordinator")
    page = "/admin/candidates/import/candidates/"
    sheet = filled(ours.get(f"{page}template").data, [{"学生姓名": "张三", "证件号码": "110101200001011230"}])
    assert ours.post(page, {"file": (io.BytesIO(sheet), "a.xlsx")}).status_code == 303
    for login in sorted(EVERYBODY - OURS):
        browser = place.browser(login)
        assert browser.get(f"{page}failed/1").status_code == 404, login
        assert login == "admin" or browser.get("/admin/imports/1/failed").status_code == 404, login
    assert ours.get(f"{page}failed/1").status_code == 200
    assert ours.get("/admin/imports/1/failed").status_code == 200


def test_an_import_is_looked_at_and_decided_on_by_the_college_that_sent_it(panel: OpenPanel) -> None:
    """R-294, R-295: nobody else finds its page, and an act of theirs does nothing."""
    place = panel("sited")
    ours = place.browser("coordinator")
    page = "/admin/candidates/import/candidates/"
    sheet = filled(ours.get(f"{page}template").data, [{"学生姓名": "张三", "证件号码": "110101200001011230"}])
    job = ours.post(page, {"file": (io.BytesIO(sheet), "a.xlsx")}).location
    for login in sorted(EVERYBODY - OURS):
        browser = place.browser(login)
        for answer in (browser.get(job), browser.get(f"{job}standing"), browser.post(job, {"act": "discard"})):
            assert answer.status_code == 404, login
    assert ours.get(f"{job}standing").json["state"] == "preview"
    assert ours.post(job, {"act": "discard"}).status_code == 303
    assert "已放弃本次导入" in words(ours.get(job))


# -- verbs of others on rows one may see -----------------------------------------------------------------------------

# Values that each verb's form accepts, so that what stops a stranger is the rule and not an empty field.
GOOD: dict[str, Any] = {
    "reason": "资料与实际不符，请更正", "comment": "同意", "note": "本人持证件到场核对", "approved_count": "3",
    "granted": "9",
    "officer_name": "演签发", "has_accepted": "y", "has_read": "y", "issue_method": "electronic",
    "issued_on": "2026-06-17", "shown": "1", "score": "88", "window": "publication", "closes_at": "2026-09-30T18:00",
    "opens_at": "2026-09-01T08:00", "confirmed": "y", "name": "改过的名字", "seat_count": "12", "requested_count": "6",
}  # fmt: skip
STAGES_WITH_VERBS = {
    "applied": None, "planned": None, "scored": on("2026-06-02 09:00"), "signed_by_teo": None,
}  # fmt: skip


@pytest.mark.parametrize("stage", list(STAGES_WITH_VERBS))
def test_what_somebody_may_do_to_a_row_nobody_else_can(panel: OpenPanel, stage: str) -> None:
    """Everybody who is not offered the verb sends its form all the same, with good values and the right version."""
    place = panel(stage, STAGES_WITH_VERBS[stage])
    browsers = {login: place.browser(login) for login in CAST}
    tokens = {login: browser.token() for login, browser in browsers.items()}
    before, tried = contents(), 0
    for view in all_views(place):
        for verb, ident, owners in offered(place, browsers, view):
            for login in sorted(EVERYBODY - owners):
                tried += 1
                version = getattr(row_of(view, ident), "version", "")
                sent = good_form(place, verb) | {
                    "csrf_token": tokens[login],
                    "row_version": str(version or ""),
                    "ticket": "",
                }
                answer = browsers[login].client.post(f"/admin/{view.slug}/do/{verb.name}/?id={ident}", data=sent)
                said = (login, view.slug, verb.name, answer.status_code, words(answer)[-200:])
                assert answer.status_code in (404, 403, 409, 422, 303), said
        if contents() != before:
            raise AssertionError(f"somebody changed a row that is not theirs: {view.slug} at {stage}")
    assert tried > 10


def good_form(place: Panel, verb: Any) -> dict[str, Any]:
    """What goes with the verb; files are opened afresh."""
    if verb.form is None:
        return dict(GOOD)
    with place.app.test_request_context():
        files = [field.name for field in verb.form() if isinstance(field, Upload)]
    return GOOD | {name: (io.BytesIO(seal_png()), "a.png") for name in files}


def row_of(view: Any, ident: int) -> Any:
    """The row as it is now."""
    with reading() as session:
        row = session.get(view.model, ident)
        session.expunge_all()
        return row


def offered(place: Panel, browsers: dict[str, Browser], view: Any) -> list[tuple[Any, int, set[str]]]:
    """(verb, row, who is offered it) for the first row somebody is offered the verb on."""
    found = {}
    for login, browser in browsers.items():
        page = browser.get(f"/admin/{view.slug}/")
        for ident in (
            sorted(set(re.findall(r"[?&;]id=(\d+)", page.text)), key=int)[:1] if page.status_code == 200 else []
        ):
            shown = browser.get(f"/admin/{view.slug}/details/?id={ident}").text + page.text
            for verb in row_verbs(view):
                if f"/admin/{view.slug}/do/{verb.name}/?id={ident}" in shown.replace("&amp;", "&"):
                    found.setdefault((verb.name, int(ident)), (verb, set()))[1].add(login)
    first: dict[str, tuple[Any, int, set[str]]] = {}
    for (name, ident), (verb, owners) in found.items():
        first.setdefault(name, (verb, ident, owners))
    return list(first.values())
