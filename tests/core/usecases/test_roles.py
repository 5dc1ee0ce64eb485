"""Who may do what, typed from requirements §8.8 (E edit, R review, S sign), tried with everybody.

Each verb is called, with facts that would succeed, by every person of the year: those the matrix names must get through
(the work is then taken back), everybody else, the same role of another organisation included, must be refused and
leave every table, the trail among them, as it was.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import select

import core.usecases
from core.actors import SYSTEM
from core.db import Tx, transaction
from core.demo.people import people
from core.demo.world import hand_signature
from core.errors import NotFound, NotPermitted, Refusal
from core.gateways.identity import RuleVerifier
from core.models.accounts import ChatBinding, UserAccount
from core.models.certificates import CertificateIssuance, SigningSession
from core.models.photos import PhotoVerdict
from core.models.records import ImportJob, Notification
from core.queries.certificates import batch_version, pending_for
from core.rules.announcements import AnnouncementKind
from core.rules.candidates import CandidateKind
from core.rules.catalogue import CertificateLevel, ExamMode, RequirementKind
from core.rules.certificates import ISSUANCE, IssueMethod, Party
from core.rules.delegations import Duty
from core.rules.exports import Asked
from core.rules.notices import DeliveryState, ReplyState
from core.rules.organisations import CollegeType, Role
from core.rules.photo_verdicts import PhotoState
from core.usecases import (
    accounts,
    announcements,
    applications,
    arrangement,
    batches,
    bindings,
    candidate_accounts,
    candidate_changes,
    candidate_merging,
    candidates,
    catalogue,
    catalogue_sheets,
    certificate_templates,
    certificates,
    declarations,
    delegations,
    deliveries,
    directory,
    exports,
    freezing,
    imports,
    locking,
    notices,
    organisations,
    own_records,
    own_space,
    photos,
    plans,
    printing,
    quotas,
    registrations,
    replies,
    reviews,
    samples,
    scores,
    second_factor,
    set_up,
    signing,
    sites,
    snapshots,
    standards,
    verification,
)
from core.usecases.decisions import Place
from core.usecases.imports import open_import
from tests.core.attached_files import pdf
from tests.factories import (
    CAST,
    DECLARATION,
    ISSUED_ON,
    QUOTA,
    Year,
    Years,
    application_values,
    candidate_values,
    census,
    logo_png,
    moment,
    on,
    photo,
    photo_bytes,
    plan_values,
    planned,
    registration_sheet,
    room_values,
    rows,
    score_sheet,
    seal_png,
    site_values,
)

At = Callable[[datetime | str], datetime]
EVERYBODY = (*CAST, "candidate", "public")
ADMIN = {"admin"}
ISSUERS = {"admin", "province", "other_province", "city", "other_city", "teo", "other_teo"}
PROVINCE = {"province"}
CITY = {"city"}
TEO = {"teo"}
ROOM_MASTERS = {"coordinator", "second_coordinator"}  # 考场, 报考: the coordinator edits, the signing officer looks
STAFF = ROOM_MASTERS | {"signatory"}
SIGNERS = {"signatory", "reviewer"}
NOBODY: set[str] = set()


@dataclass(frozen=True)
class Case:
    """A verb with facts that fit, the stage it needs, who §8.8 lets do it, and what has to be done before."""

    verb: Callable[[Tx, Year], Any]
    stage: str
    may: set[str]
    now: str = ""
    before: Callable[[Year], Any] | None = None


def _draft_declaration(year: Year, **other: Any) -> None:
    given = {
        "authority_id": year["province"],
        "year": 2026,
        "batch_name": "第二批",
        "opens_at": DECLARATION[0],
        "closes_at": DECLARATION[1],
    }
    year.ids["drafted"] = year.do("province", declarations.draft_declaration_plan, **(given | other)).id


def _list_entry(year: Year) -> None:
    given = {"code": "4142010988", "name": "待注册示例学院", "city_code": "420100"}
    year.ids["drafted"] = year.do("admin", directory.create_entry, **given).id


def _name_officer(year: Year) -> None:
    given = {"college_id": year["college"], "certificate_id": year["certificate"], "name": "演负责"}
    year.ids["drafted"] = year.do("coordinator", own_records.name_certificate_officer, **given).id


def _attach_sample(year: Year) -> None:
    given = {"certificate_id": year["certificate"], "file_name": "样本.pdf", "data": pdf()}
    year.ids["drafted"] = year.do("teo", catalogue.attach_sample, **given).id


def _set_standards(year: Year) -> None:
    """One of each kind, with a file and an item."""
    with year.acting("teo") as tx:
        given = {"org_id": year["org"], "name": "标准", "edition": "2026版"}
        skill = standards.create_skill_standard(tx, code="990078", **given)
        site = standards.create_site_standard(tx, certificate_ids=[year["certificate"]], **given)
        file = standards.attach_to_skill_standard(tx, standard_id=skill.id, file_name="标准.pdf", data=pdf())
        item = standards.add_item(tx, standard_id=site.id, code="X1", title="电子屏", kind=RequirementKind.TICK)
        year.ids |= {"skill": skill.id, "site_standard": site.id, "drafted": file.id, "item": item.id}


TEMPLATE = {
    "name": "样式",
    "title": "证书",
    "title_en": "Certificate",
    "statement": "{证书}",
    "statement_en": "{英文名称}",
}


def _make_template(year: Year) -> None:
    year.ids["drafted"] = year.do("teo", certificate_templates.create_template, org_id=year["org"], **TEMPLATE).id


def _declare_again(year: Year) -> None:
    _draft_declaration(year)
    year.do("province", declarations.publish_declaration_plan, plan_id=year["drafted"])


def _an_issuance(tx: Tx, year: Year) -> int:
    first = select(CertificateIssuance.id).where(CertificateIssuance.plan_id == year["plan"])
    return int(tx.session.scalars(first.order_by(CertificateIssuance.id)).first() or 0)


def _shown_to_teo(tx: Tx, year: Year) -> str:
    return str(batch_version(tx.session, pending_for(Party.TEO, year["plan"], org_id=year["org"])))


def _fail_a_stamp(year: Year) -> None:
    with transaction(SYSTEM) as tx:
        issuance = tx.get(CertificateIssuance, _an_issuance(tx, year))
        tx.advance(issuance, ISSUANCE, "generate", issue_method=IssueMethod.PAPER, issued_on=ISSUED_ON)
        tx.advance(issuance, ISSUANCE, "fail_stamp", failure_code="seal_missing")


def _fail_a_message(year: Year) -> None:
    """One to a coordinator of ours."""
    with transaction(SYSTEM) as tx:
        mine = select(Notification).where(Notification.account_id == year["account:coordinator"])
        row = tx.session.scalars(mine.order_by(Notification.id.desc()).limit(1)).one()
        row.delivery_state, row.useful_until, year.ids["drafted"] = DeliveryState.FAILED, tx.now, row.id
        row.reply_state = ReplyState.NOT_ASKED


def _draft_application(year: Year) -> None:
    year.ids["drafted"] = year.do("coordinator", applications.save_application, **application_values(year)).id


_CANDIDATES_EXPORT: dict[str, Any] = {
    "sheet": "candidate-list",
    "act": "export_candidates",
    "asked": Asked(page="candidates"),
    "row_count": 5,
    "needs_code": True,
}


def _ask_for_export(year: Year, *, needs_code: bool = True) -> None:
    job, _ = year.do("coordinator", exports.ask_for_export, **_CANDIDATES_EXPORT | {"needs_code": needs_code})
    year.ids["export"] = job.id


def _pass_city(year: Year) -> None:
    year.do("city", reviews.pass_as_city, application_id=year["application"])


def _apply_where_the_final_word_is_wanted(year: Year) -> None:
    _draft_declaration(year, final_review_required=True)
    year.do("province", declarations.publish_declaration_plan, plan_id=year["drafted"])
    values = application_values(year, plan_id=year["drafted"])
    year.ids["drafted"] = year.do("coordinator", applications.save_application, **values).id
    year.do("coordinator", applications.submit_application, application_id=year["drafted"])


def _draft_site(year: Year) -> None:
    values = site_values(year, certificate_ids=[year["certificate:2"]])
    year.ids["drafted"] = year.do("coordinator", sites.draft_site, **values).id


def _submit_site(year: Year) -> None:
    _draft_site(year)
    year.do("coordinator", sites.submit_site, site_id=year["drafted"])


def _allocate(tx: Tx, year: Year) -> Any:
    return sites.allocate_site(
        tx,
        plan_id=year["plan"],
        site_id=year["site"],
        certificate_id=year["certificate"],
        borrowing_college_id=year["other_college"],
    )


def _lend(year: Year) -> None:
    with year.acting("teo") as tx:
        year.ids["drafted"] = _allocate(tx, year).id


def _refuse(year: Year) -> None:
    year.do("signatory", signing.reject_batch, plan_id=year["plan"], party=Party.COLLEGE, reason="照片不清")


def _fail_somebody(year: Year) -> None:
    """A candidate whose photo is somebody else's waits for a person's word."""
    somebody = people(9, 1, first=500)[0]
    with year.acting("second_coordinator") as tx:
        made = candidates.create_candidate(
            tx, college_id=year["college"], kind=CandidateKind.COLLEGE, values=candidate_values(somebody)
        )
        picture = photo(somebody.id_number, year.students[0].index)
        candidates.put_photos(tx, college_id=year["college"], photos=[(1, picture)])
        verification.verify_candidates(tx, candidate_ids=[made.id], verifier=RuleVerifier())
        year.ids["drafted"] = made.id


def _add_somebody(year: Year) -> None:
    somebody = people(9, 1, first=500)[0]
    with year.acting("coordinator") as tx:
        made = candidates.create_candidate(
            tx, college_id=year["college"], kind=CandidateKind.COLLEGE, values=candidate_values(somebody)
        )
        candidates.put_photos(tx, college_id=year["college"], photos=[(1, photo(somebody.id_number, 900))])
        year.ids["drafted"] = made.id


def _offer_crop(year: Year) -> None:
    """An import of one photo, of which a crop waits."""
    _add_somebody(year)
    with year.acting("coordinator") as tx:
        job = imports.open_import(tx, sheet="photos", file_name="照片.zip", file_hash="0" * 64)
        photos.keep_verdicts(tx, import_job_id=job.id, verdicts=_one_offer(year), offer=lambda place: photo_bytes(902))
        imports.record_import(tx, job, row_count=1, accepted=0, rejected=1, unchanged=0)
        year.ids["offer_job"] = job.id
    year.ids["offer"] = rows(select(PhotoVerdict.id))[0]


def _one_offer(year: Year, place: int = 1) -> list[photos.FileVerdict]:
    digest = photo("", 902).sha256
    return [photos.FileVerdict(place, "照片.jpg", PhotoState.OFFERED, candidate_id=year["drafted"], sha256=digest)]


def _stands_in(year: Year) -> dict[str, Any]:
    """The sign reviewer for the signing officer, for ten days."""
    return {
        "principal_id": year["account:signatory"],
        "deputy_id": year["account:reviewer"],
        "duty": Duty.SITE,
        "ends_at": moment("planned") + timedelta(days=10),
    }


def _says() -> dict[str, Any]:
    """Something all coordinators are to confirm."""
    return {
        "kind": AnnouncementKind.NOTICE,
        "title": "考点网络保障",
        "body": "请检查备用线路。",
        "roles": [Role.COORDINATOR],
        "is_receipt_asked": True,
        "answer_until": moment("planned") + timedelta(days=3),
    }


def _draft_announcement(year: Year) -> None:
    year.ids["announcement"] = year.do("teo", announcements.draft_announcement, **_says()).id


def _announce(year: Year) -> None:
    _draft_announcement(year)
    year.do("teo", announcements.publish_announcement, announcement_id=year["announcement"])
    with year.acting("system") as tx:
        told = Notification.thing_type == "announcements"
        tx.update_all(Notification, told, delivery_state=DeliveryState.SUPPRESSED)


def _propose_deputy(year: Year) -> None:
    year.ids["delegation"] = year.do("coordinator", delegations.propose_delegation, **_stands_in(year)).id


def _tell_and_acknowledge(year: Year) -> None:
    _tell_coordinator(year)
    year.do("coordinator", replies.acknowledge, notification_id=year["drafted"])


def _tell_coordinator(year: Year) -> None:
    """The coordinator has been told of a decision, by a message that arrived."""
    year.ids["drafted"] = rows(
        select(Notification.id).where(
            Notification.kind == "pilots.application_decided",
            Notification.account_id == year["account:coordinator"],
        )
    )[0]
    year.do("system", notices.claim_due, limit=100)
    year.do("system", notices.mark_delivered, notification_id=year["drafted"], chat_id=9008, message_id=1)


def _make_account(year: Year) -> None:
    year.ids["drafted"] = year.do(
        "admin", accounts.create_account, login="new", real_name="新账号", roles=[Role.ADMIN]
    ).id


def _task_code(year: Year) -> str:
    code: str = rows(select(Notification.task_code).where(Notification.id == year["drafted"]))[0]
    return code


def _new_candidate(tx: Tx, year: Year) -> Any:
    values = candidate_values(people(9, 1, first=600)[0])
    return candidates.create_candidate(tx, college_id=year["college"], kind=CandidateKind.COLLEGE, values=values)


def _update_somebody(year: Year) -> None:
    row = {"id_number": year.students[0].id_number, "mobile": "19912345678"}
    with year.acting("coordinator") as tx:
        job = open_import(tx, sheet="candidates-update", file_name="改.xlsx", file_hash="0" * 64)
        year.ids["update"] = job.id
        candidate_changes.update_candidates(tx, college_id=year["college"], rows=[(3, row)], import_job_id=job.id)


def _new_candidates(tx: Tx, year: Year) -> Any:
    values = candidate_values(people(9, 1, first=700)[0])
    return candidates.import_candidates(tx, college_id=year["college"], kind=CandidateKind.COLLEGE, rows=[(3, values)])


def _open_ceremony(year: Year) -> None:
    year.ids["ceremony"] = 1
    TOKENS[id(year)] = year.open_signing("signatory", Party.COLLEGE).token


TOKENS: dict[int, str] = {}


def _token(year: Year) -> str:
    return TOKENS[id(year)]


def _disable_second(year: Year) -> None:
    year.do("admin", accounts.disable_account, account_id=year["account:second_coordinator"])


def _move_second(year: Year) -> None:
    """The second coordinator, bound before, has another phone now and has asked for the code alone."""
    who = year["account:second_coordinator"]
    for telegram in (501, 502):
        code = year.do("second_coordinator", bindings.issue_binding_code)
        year.do("public", bindings.bind_chat, code=code, telegram_user_id=telegram)
    year.ids["waiting"] = rows(select(ChatBinding.id).where(ChatBinding.account_id == who))[-1]


def _with_second_factor(year: Year) -> None:
    with year.acting("system") as tx:
        account = tx.get(UserAccount, year["account:teo"])
        account.second_factor_secret, account.second_factor_since = "sealed", tx.now


CASES: dict[str, Case] = {
    # 账号: the admin everybody's, a college its own, but never the signing officer's; only he names who signs for him
    "accounts.create_account": Case(
        lambda tx, year: accounts.create_account(
            tx, login="new", real_name="新账号", roles=[Role.COORDINATOR], college_id=year["college"]
        ),
        "set_up",
        ADMIN | STAFF,
    ),
    "accounts.create_account of a sign reviewer R-240": Case(
        lambda tx, year: accounts.create_account(
            tx, login="new", real_name="新账号", roles=[Role.SIGN_REVIEWER], college_id=year["college"]
        ),
        "set_up",
        ADMIN | {"signatory"},
    ),
    "accounts.create_account of an administrator": Case(
        lambda tx, year: accounts.create_account(
            tx, login="new", real_name="新账号", roles=[Role.ADMIN], college_id=year["college"]
        ),
        "set_up",
        ADMIN,
    ),
    "accounts.create_account of a TEO": Case(
        lambda tx, year: accounts.create_account(
            tx, login="new", real_name="新账号", roles=[Role.TEO], org_id=year["org"]
        ),
        "set_up",
        ADMIN,
    ),
    "accounts.issue_activation_code": Case(
        lambda tx, year: accounts.issue_activation_code(tx, account_id=year["account:second_coordinator"]),
        "set_up",
        ADMIN | STAFF,
    ),
    "accounts.issue_activation_code for the signing officer R-254": Case(
        lambda tx, year: accounts.issue_activation_code(tx, account_id=year["account:signatory"]), "set_up", ADMIN
    ),
    "accounts.issue_activation_code for a sign reviewer R-240": Case(
        lambda tx, year: accounts.issue_activation_code(tx, account_id=year["account:reviewer"]),
        "set_up",
        ADMIN | {"signatory"},
    ),
    "accounts.send_activation_letter": Case(
        lambda tx, year: accounts.send_activation_letter(tx, account_id=year["account:second_coordinator"]),
        "set_up",
        ADMIN | STAFF,
        before=lambda year: year.do(
            "admin",
            accounts.edit_account,
            account_id=year["account:second_coordinator"],
            real_name="演示",
            email="demo@example.invalid",
        ),
    ),
    "accounts.edit_account": Case(
        lambda tx, year: accounts.edit_account(tx, account_id=year["account:second_coordinator"], real_name="新姓名"),
        "set_up",
        ADMIN | STAFF,
    ),
    "accounts.edit_account of the signing officer G-39": Case(
        lambda tx, year: accounts.edit_account(
            tx, account_id=year["account:signatory"], real_name="新姓名", mobile="13900001234", reason="来函 1 号"
        ),
        "set_up",
        ADMIN,
    ),
    "second_factor.reset_second_factor": Case(
        lambda tx, year: second_factor.reset_second_factor(tx, account_id=year["account:teo"], reason="手机遗失"),
        "set_up",
        ADMIN,
        before=_with_second_factor,
    ),
    "bindings.confirm_binding": Case(
        lambda tx, year: bindings.confirm_binding(
            tx, account_id=year["account:second_coordinator"], binding_id=year["waiting"]
        ),
        "set_up",
        ADMIN | {"coordinator", "signatory"},
        before=_move_second,
    ),
    "bindings.issue_binding_code": Case(
        lambda tx, year: bindings.issue_binding_code(tx, account_id=year["account:second_coordinator"]),
        "set_up",
        ADMIN | STAFF,
    ),
    "bindings.issue_binding_code for the signing officer R-254": Case(
        lambda tx, year: bindings.issue_binding_code(tx, account_id=year["account:signatory"]),
        "set_up",
        ADMIN | {"signatory"},
    ),
    "bindings.end_binding": Case(
        lambda tx, year: bindings.end_binding(tx, account_id=year["account:reviewer"]),
        "set_up",
        ADMIN | {"signatory", "reviewer"},
    ),
    "accounts.set_password": Case(
        lambda tx, year: accounts.set_password(tx, account_id=year["drafted"], password="yanshi-2026"),
        "set_up",
        NOBODY,
        before=_make_account,
    ),
    "bindings.bury_binding": Case(
        lambda tx, year: bindings.bury_binding(tx, account_id=year["account:teo"], reason="Forbidden"),
        "set_up",
        NOBODY,
    ),
    "accounts.disable_account": Case(
        lambda tx, year: accounts.disable_account(tx, account_id=year["account:second_coordinator"]),
        "set_up",
        ADMIN | STAFF,
    ),
    "accounts.disable_account of the signing officer R-254": Case(
        lambda tx, year: accounts.disable_account(tx, account_id=year["account:signatory"]), "set_up", ADMIN
    ),
    "accounts.enable_account": Case(
        lambda tx, year: accounts.enable_account(tx, account_id=year["account:second_coordinator"]),
        "set_up",
        ADMIN | STAFF,
        before=_disable_second,
    ),
    # 排考: TEO E
    "arrangement.arrange_seats": Case(
        lambda tx, year: arrangement.arrange_seats(tx, plan_id=year["plan"]), "registered", TEO, "2026-05-12 09:00"
    ),
    "arrangement.clear_arrangement": Case(
        lambda tx, year: arrangement.clear_arrangement(tx, plan_id=year["plan"]), "arranged", TEO
    ),
    "arrangement.publish_arrangement": Case(
        lambda tx, year: arrangement.publish_arrangement(tx, plan_id=year["plan"]), "arranged", TEO
    ),
    # 考生: coordinator E, signing officer E
    "candidates.import_candidates": Case(_new_candidates, "peopled", STAFF),
    "candidates.create_candidate": Case(_new_candidate, "peopled", STAFF),
    "candidates.edit_candidate": Case(
        lambda tx, year: candidates.edit_candidate(
            tx, candidate_id=year["student:0"], changes={"mobile": "19912345678"}
        ),
        "peopled",
        STAFF,
    ),
    "candidates.put_photos": Case(
        lambda tx, year: candidates.put_photos(
            tx, college_id=year["college"], photos=[(1, photo(people(9, 1, first=500)[0].id_number, 901))]
        ),
        "peopled",
        STAFF,
        before=_add_somebody,
    ),
    "verification.verify_candidates": Case(
        lambda tx, year: verification.verify_candidates(tx, candidate_ids=[year["drafted"]], verifier=RuleVerifier()),
        "peopled",
        STAFF,
        before=_add_somebody,
    ),
    "candidate_accounts.send_link": Case(
        lambda tx, year: candidate_accounts.send_link(tx, candidate_id=year["student:0"]), "registered", STAFF
    ),
    # 学生个人空间: the candidate self
    "own_space.print_own_ticket": Case(
        lambda tx, year: own_space.print_own_ticket(tx, plan_id=year["plan"], out=BytesIO()), "scored", {"candidate"}
    ),
    "own_space.take_own_certificate": Case(
        lambda tx, year: own_space.take_own_certificate(tx, issuance_id=year["issuance:0"]), "issued", {"candidate"}
    ),
    "verification.request_verification": Case(
        lambda tx, year: verification.request_verification(tx, candidate_ids=[year["drafted"]]),
        "peopled",
        STAFF,
        before=_add_somebody,
    ),
    "verification.confirm_by_hand": Case(
        lambda tx, year: verification.confirm_by_hand(tx, candidate_id=year["drafted"], note="已核对证件"),
        "peopled",
        STAFF - {"second_coordinator"},  # who asked for the check does not vouch
        before=_fail_somebody,
    ),
    "candidates.delete_candidates": Case(
        lambda tx, year: candidates.delete_candidates(tx, candidate_ids=[year["student:4"]]), "peopled", STAFF
    ),
    # 考生 again: what becomes of the files of an archive
    "photos.keep_verdicts": Case(
        lambda tx, year: photos.keep_verdicts(
            tx,
            import_job_id=year["offer_job"],
            verdicts=_one_offer(year, place=2),
            offer=lambda place: photo_bytes(902),
        ),
        "peopled",
        STAFF,
        before=_offer_crop,
    ),
    "photos.adopt_offer": Case(
        lambda tx, year: photos.adopt_offer(tx, verdict_id=year["offer"]), "peopled", STAFF, before=_offer_crop
    ),
    "photos.adopt_all_offers": Case(
        lambda tx, year: photos.adopt_all_offers(tx, import_job_id=year["offer_job"]),
        "peopled",
        STAFF,
        before=_offer_crop,
    ),
    "photos.drop_offer": Case(
        lambda tx, year: photos.drop_offer(tx, verdict_id=year["offer"]), "peopled", STAFF, before=_offer_crop
    ),
    "candidate_changes.update_candidates": Case(
        lambda tx, year: candidate_changes.update_candidates(
            tx,
            college_id=year["college"],
            rows=[(3, {"id_number": year.students[0].id_number, "mobile": "19912345678"})],
        ),
        "peopled",
        STAFF,
    ),
    "candidate_changes.restore": Case(
        lambda tx, year: candidate_changes.restore(tx, tx.get(ImportJob, year["update"])),
        "peopled",
        STAFF,
        before=_update_somebody,
    ),
    "candidate_merging.merge_candidates": Case(
        lambda tx, year: candidate_merging.merge_candidates(tx, keep_id=year["student:0"], gone_id=year["student:1"]),
        "peopled",
        STAFF,
    ),
    # 报考: what a plan holds of a candidate, TEO E
    "snapshots.correct_snapshot": Case(
        lambda tx, year: snapshots.correct_snapshot(
            tx, registration_id=year["registration:0"], changes={"mobile": "19912345678"}
        ),
        "registered",
        TEO,
    ),
    # 标准/证书/科目: TEO E; the national list of majors is the platform's
    "catalogue.create_major": Case(
        lambda tx, year: catalogue.create_major(tx, code="690104", name="老年服务与管理"), "set_up", ADMIN
    ),
    "catalogue.create_certificate": Case(
        lambda tx, year: catalogue.create_certificate(
            tx,
            org_id=year["org"],
            name="另一证书",
            short_name="另一",
            level=CertificateLevel.PRIMARY,
            standard_code="990009",
            major_codes=["610205"],
        ),
        "set_up",
        TEO,
    ),
    "catalogue.create_subject": Case(
        lambda tx, year: catalogue.create_subject(
            tx, certificate_id=year["certificate"], name="笔试", exam_modes={ExamMode.WRITTEN}
        ),
        "set_up",
        TEO,
    ),
    "catalogue.switch_certificate": Case(
        lambda tx, year: catalogue.switch_certificate(tx, certificate_id=year["certificate"], action="disable"),
        "set_up",
        TEO,
    ),
    "catalogue.switch_subject": Case(
        lambda tx, year: catalogue.switch_subject(tx, subject_id=year["subject:theory"], action="disable"),
        "set_up",
        TEO,
    ),
    # 证书发放: TEO S,E; signing officer (and whom he named) S
    "signing.open_signing": Case(
        lambda tx, year: signing.open_signing(tx, plan_id=year["plan"], party=Party.TEO), "concluded", TEO
    ),
    "signing.open_signing for the college": Case(
        lambda tx, year: signing.open_signing(tx, plan_id=year["plan"], party=Party.COLLEGE),
        "signed_by_teo",
        SIGNERS,
    ),
    "signing.look_at_signing": Case(
        lambda tx, year: signing.look_at_signing(tx, token=_token(year)),
        "signed_by_teo",
        {"signatory"},
        before=_open_ceremony,
    ),
    "signing.sign": Case(
        lambda tx, year: signing.sign(tx, token=_token(year), typed_count="2", hand_signature=hand_signature()),
        "signed_by_teo",
        {"signatory"},
        before=_open_ceremony,
    ),
    "signing.cancel_signing": Case(
        lambda tx, year: signing.cancel_signing(tx, token=_token(year)),
        "signed_by_teo",
        {"signatory"},
        before=_open_ceremony,
    ),
    "signing.claim_ceremony": Case(
        lambda tx, year: signing.claim_ceremony(tx, token=_new_token(tx, year)),
        "signed_by_teo",
        SIGNERS,
    ),
    "signing.send_back": Case(
        lambda tx, year: signing.send_back(tx, token=_token(year), reason="照片不清", shown=2),
        "signed_by_teo",
        {"signatory"},
        before=_open_ceremony,
    ),
    "signing.reject_batch": Case(
        lambda tx, year: signing.reject_batch(tx, plan_id=year["plan"], party=Party.TEO, reason="照片不清"),
        "concluded",
        TEO,
    ),
    "signing.reject_batch for the college": Case(
        lambda tx, year: signing.reject_batch(tx, plan_id=year["plan"], party=Party.COLLEGE, reason="照片不清"),
        "signed_by_teo",
        SIGNERS,
    ),
    "batches.reject_shown": Case(
        lambda tx, year: batches.reject_shown(
            tx, plan_id=year["plan"], party=Party.TEO, reason="照片不清", shown=_shown_to_teo(tx, year)
        ),
        "concluded",
        TEO,
    ),
    "batches.reject_one": Case(
        lambda tx, year: batches.reject_one(tx, issuance_id=_an_issuance(tx, year), party=Party.TEO, reason="照片不清"),
        "concluded",
        TEO,
    ),
    "batches.stamp_again": Case(
        lambda tx, year: batches.stamp_again(tx, issuance_id=_an_issuance(tx, year)),
        "signed",
        TEO,
        before=lambda year: _fail_a_stamp(year),
    ),
    "signing.handle_rejections": Case(
        lambda tx, year: signing.handle_rejections(tx, plan_id=year["plan"], note="照片已更换"),
        "signed_by_teo",
        TEO,
        before=_refuse,
    ),
    "certificates.renew_issuances": Case(
        lambda tx, year: certificates.renew_issuances(tx, plan_id=year["plan"]), "concluded", TEO
    ),
    "certificates.order_generation": Case(
        lambda tx, year: certificates.order_generation(
            tx, plan_id=year["plan"], issue_method=IssueMethod.PAPER, issued_on=ISSUED_ON
        ),
        "signed",
        TEO,
    ),
    "certificates.note_download": Case(
        lambda tx, year: certificates.note_download(tx, issuance_id=year["issuance:0"]), "issued", TEO | STAFF
    ),
    # what organisations announce (§2.38)
    "announcements.draft_announcement": Case(
        lambda tx, year: announcements.draft_announcement(tx, **_says()), "planned", ISSUERS
    ),
    "announcements.edit_announcement": Case(
        lambda tx, year: announcements.edit_announcement(tx, announcement_id=year["announcement"], **_says()),
        "planned",
        ADMIN | TEO,
        before=_draft_announcement,
    ),
    "announcements.remove_announcement": Case(
        lambda tx, year: announcements.remove_announcement(tx, announcement_id=year["announcement"]),
        "planned",
        ADMIN | TEO,
        before=_draft_announcement,
    ),
    "announcements.publish_announcement": Case(
        lambda tx, year: announcements.publish_announcement(tx, announcement_id=year["announcement"]),
        "planned",
        ADMIN | TEO,
        before=_draft_announcement,
    ),
    "announcements.withdraw_announcement": Case(
        lambda tx, year: announcements.withdraw_announcement(
            tx, announcement_id=year["announcement"], reason="时间有误"
        ),
        "planned",
        ADMIN | TEO,
        before=_announce,
    ),
    "announcements.remind_unread": Case(
        lambda tx, year: announcements.remind_unread(tx, announcement_id=year["announcement"]),
        "planned",
        ADMIN | TEO,
        now="2026-04-01 13:00:01",
        before=_announce,
    ),
    "announcements.confirm_reading": Case(
        lambda tx, year: announcements.confirm_reading(tx, announcement_id=year["announcement"]),
        "planned",
        ROOM_MASTERS | {"other_coordinator"},
        before=_announce,
    ),
    # who stands in for whom, and who stops whom (chat.md)
    "delegations.propose_delegation": Case(
        lambda tx, year: delegations.propose_delegation(tx, **_stands_in(year)), "planned", ROOM_MASTERS | {"signatory"}
    ),
    "delegations.accept_delegation": Case(
        lambda tx, year: delegations.accept_delegation(tx, delegation_id=year["delegation"]),
        "planned",
        {"signatory"},
        before=_propose_deputy,
    ),
    "delegations.refuse_delegation": Case(
        lambda tx, year: delegations.refuse_delegation(tx, delegation_id=year["delegation"], reason="我在校"),
        "planned",
        {"signatory"},
        before=_propose_deputy,
    ),
    "delegations.end_delegation": Case(
        lambda tx, year: delegations.end_delegation(tx, delegation_id=year["delegation"], reason="提前回校"),
        "planned",
        ROOM_MASTERS | {"signatory", "reviewer"},
        before=_propose_deputy,
    ),
    "freezing.freeze_acts": Case(
        lambda tx, year: freezing.freeze_acts(tx, account_id=year["account:coordinator"]),
        "planned",
        ROOM_MASTERS | {"admin", "signatory", "reviewer", "invigilator"},
    ),
    "freezing.freezable": Case(
        lambda tx, year: freezing.freezable(tx, "coordinator"),
        "planned",
        ROOM_MASTERS | {"admin", "signatory", "reviewer", "invigilator"},
    ),
    "freezing.thaw_acts": Case(
        lambda tx, year: freezing.thaw_acts(tx, account_id=year["account:coordinator"]),
        "planned",
        {"admin", "signatory", "second_coordinator"},
        before=lambda year: year.do("signatory", freezing.freeze_acts, account_id=year["account:coordinator"]),
    ),
    "locking.ask_freeze": Case(
        lambda tx, year: locking.ask_freeze(tx, login="coordinator", place=Place(1)),
        "planned",
        ROOM_MASTERS | {"admin", "signatory", "reviewer", "invigilator"},
    ),
    "replies.take_back": Case(
        lambda tx, year: replies.take_back(tx, notification_id=year["drafted"]),
        "approved",
        {"coordinator"},
        before=_tell_and_acknowledge,
    ),
    # what one person was told, nobody else answers
    "notices.acknowledge": Case(
        lambda tx, year: notices.acknowledge(tx, notification_id=year["drafted"]),
        "approved",
        {"coordinator"},
        before=_tell_coordinator,
    ),
    "notices.snooze": Case(
        lambda tx, year: notices.snooze(tx, notification_id=year["drafted"]),
        "approved",
        {"coordinator"},
        before=_tell_coordinator,
    ),
    "notices.my_notice": Case(
        lambda tx, year: notices.my_notice(tx, year["drafted"]),
        "approved",
        {"coordinator"},
        before=_tell_coordinator,
    ),
    "notices.by_task_code": Case(
        lambda tx, year: notices.by_task_code(tx, code=_task_code(year)),
        "approved",
        {"coordinator"},
        before=_tell_coordinator,
    ),
    "replies.acknowledge": Case(
        lambda tx, year: replies.acknowledge(tx, notification_id=year["drafted"]),
        "approved",
        {"coordinator"},
        before=_tell_coordinator,
    ),
    "replies.acknowledge_by_code": Case(
        lambda tx, year: replies.acknowledge_by_code(tx, code=_task_code(year)),
        "approved",
        {"coordinator"},
        before=_tell_coordinator,
    ),
    "replies.snooze": Case(
        lambda tx, year: replies.snooze(tx, notification_id=year["drafted"]),
        "approved",
        {"coordinator"},
        before=_tell_coordinator,
    ),
    "replies.bring_up_to_date": Case(
        lambda tx, year: replies.bring_up_to_date(tx, notification_id=year["drafted"]),
        "approved",
        {"coordinator"},
        before=_tell_coordinator,
    ),
    # organisations: the platform's; seals: their owners' (R-254)
    "organisations.name_region": Case(
        lambda tx, year: organisations.name_region(tx, code="420500", name="某市"), "set_up", ADMIN
    ),
    "organisations.create_authority": Case(
        lambda tx, year: organisations.create_authority(tx, name="丙省教育厅", province_code="35"), "set_up", ADMIN
    ),
    "organisations.create_org": Case(
        lambda tx, year: organisations.create_org(tx, org_code="909", name="第三示例公司"), "set_up", ADMIN
    ),
    "organisations.create_college": Case(
        lambda tx, year: organisations.create_college(
            tx,
            college_code="4142010999",
            name="新示例学院",
            college_type=CollegeType.UNDERGRADUATE,
            province_code="42",
            city_code="420100",
            district_code="420111",
            address="示例路 1 号",
        ),
        "set_up",
        ADMIN,
    ),
    "organisations.switch_college": Case(
        lambda tx, year: organisations.switch_college(tx, college_id=year["college"], action="disable"),
        "set_up",
        ADMIN,
    ),
    "organisations.switch_org": Case(
        lambda tx, year: organisations.switch_org(tx, org_id=year["org"], action="disable"), "set_up", ADMIN
    ),
    "organisations.set_org_seal": Case(
        lambda tx, year: organisations.set_org_seal(tx, org_id=year["org"], image=seal_png(99)), "set_up", TEO
    ),
    "organisations.activate_seal": Case(
        lambda tx, year: organisations.activate_seal(
            tx, college_id=year["college"], officer_name="演签发", image=seal_png(99), has_accepted=True
        ),
        "set_up",
        {"signatory"},
    ),
    "organisations.edit_authority": Case(
        lambda tx, year: organisations.edit_authority(tx, authority_id=year["province"], name="甲省教育厅"),
        "set_up",
        ADMIN,
    ),
    "organisations.edit_org": Case(
        lambda tx, year: organisations.edit_org(tx, org_id=year["org"], name="改名公司"), "set_up", ADMIN
    ),
    "organisations.edit_college": Case(
        lambda tx, year: organisations.edit_college(tx, college_id=year["college"], name="改名学院"), "set_up", ADMIN
    ),
    "set_up.import_majors": Case(lambda tx, year: set_up.import_majors(tx, rows=[]), "set_up", ADMIN),
    "set_up.import_directory": Case(lambda tx, year: set_up.import_directory(tx, rows=[]), "set_up", ADMIN),
    "set_up.import_organisations": Case(lambda tx, year: set_up.import_organisations(tx, rows=[]), "set_up", ADMIN),
    # whose certificates they are every row asks: tests/core/sheets/test_set_up.py
    "catalogue_sheets.import_certificates": Case(
        lambda tx, year: catalogue_sheets.import_certificates(tx, rows=[]), "set_up", ADMIN | TEO | {"other_teo"}
    ),
    "catalogue_sheets.import_subjects": Case(
        lambda tx, year: catalogue_sheets.import_subjects(tx, rows=[]), "set_up", ADMIN | TEO | {"other_teo"}
    ),
    "directory.create_entry": Case(
        lambda tx, year: directory.create_entry(tx, code="4142010999", name="新示例学院", city_code="420100"),
        "set_up",
        ADMIN,
    ),
    "directory.edit_entry": Case(
        lambda tx, year: directory.edit_entry(tx, entry_id=year["drafted"], name="改名", city_code="420100"),
        "set_up",
        ADMIN,
        before=_list_entry,
    ),
    # one's own record
    "own_records.edit_own_college": Case(
        lambda tx, year: own_records.edit_own_college(tx, college_id=year["college"], logo=logo_png(), intro="简介"),
        "set_up",
        STAFF,
    ),
    "own_records.edit_own_org": Case(
        lambda tx, year: own_records.edit_own_org(tx, org_id=year["org"], intro="简介"), "set_up", TEO
    ),
    "own_records.edit_own_authority": Case(
        lambda tx, year: own_records.edit_own_authority(
            tx, authority_id=year["province"], contact_name="演", contact_phone="1"
        ),
        "set_up",
        PROVINCE,
    ),
    "own_records.name_certificate_officer": Case(
        lambda tx, year: own_records.name_certificate_officer(
            tx, college_id=year["college"], certificate_id=year["certificate"], name="演负责"
        ),
        "approved",
        STAFF,
    ),
    "own_records.edit_certificate_officer": Case(
        lambda tx, year: own_records.edit_certificate_officer(tx, officer_id=year["drafted"], name="演接任"),
        "approved",
        STAFF,
        before=_name_officer,
    ),
    "own_records.remove_certificate_officer": Case(
        lambda tx, year: own_records.remove_certificate_officer(tx, officer_id=year["drafted"]),
        "approved",
        STAFF,
        before=_name_officer,
    ),
    # 标准, 证书样式: TEO E
    "catalogue.edit_major": Case(
        lambda tx, year: catalogue.edit_major(tx, major_id=year["major:610205"], name="改名"), "set_up", ADMIN
    ),
    "catalogue.edit_certificate": Case(
        lambda tx, year: catalogue.edit_certificate(tx, certificate_id=year["certificate"], name="改名"), "set_up", TEO
    ),
    "catalogue.edit_subject": Case(
        lambda tx, year: catalogue.edit_subject(
            tx, subject_id=year["subject:theory"], name="改名", exam_modes={ExamMode.WRITTEN}
        ),
        "set_up",
        TEO,
    ),
    "catalogue.attach_sample": Case(
        lambda tx, year: catalogue.attach_sample(
            tx, certificate_id=year["certificate"], file_name="样本.pdf", data=pdf()
        ),
        "set_up",
        TEO,
    ),
    "catalogue.remove_sample": Case(
        lambda tx, year: catalogue.remove_sample(tx, attachment_id=year["drafted"]),
        "set_up",
        TEO,
        before=_attach_sample,
    ),
    "standards.create_skill_standard": Case(
        lambda tx, year: standards.create_skill_standard(
            tx, org_id=year["org"], code="990077", name="标准", edition="2026版"
        ),
        "set_up",
        TEO,
    ),
    "standards.edit_skill_standard": Case(
        lambda tx, year: standards.edit_skill_standard(tx, standard_id=year["skill"], name="改名", edition="2026版"),
        "set_up",
        TEO,
        before=_set_standards,
    ),
    "standards.switch_skill_standard": Case(
        lambda tx, year: standards.switch_skill_standard(tx, standard_id=year["skill"], action="disable"),
        "set_up",
        TEO,
        before=_set_standards,
    ),
    "standards.attach_to_skill_standard": Case(
        lambda tx, year: standards.attach_to_skill_standard(
            tx, standard_id=year["skill"], file_name="标准.pdf", data=pdf()
        ),
        "set_up",
        TEO,
        before=_set_standards,
    ),
    "standards.create_site_standard": Case(
        lambda tx, year: standards.create_site_standard(
            tx, org_id=year["org"], name="标准", edition="2026版", certificate_ids=[year["certificate"]]
        ),
        "set_up",
        TEO,
    ),
    "standards.edit_site_standard": Case(
        lambda tx, year: standards.edit_site_standard(
            tx, standard_id=year["site_standard"], name="改名", edition="1", certificate_ids=[year["certificate"]]
        ),
        "set_up",
        TEO,
        before=_set_standards,
    ),
    "standards.switch_site_standard": Case(
        lambda tx, year: standards.switch_site_standard(tx, standard_id=year["site_standard"], action="disable"),
        "set_up",
        TEO,
        before=_set_standards,
    ),
    "standards.attach_to_site_standard": Case(
        lambda tx, year: standards.attach_to_site_standard(
            tx, standard_id=year["site_standard"], file_name="标准.pdf", data=pdf()
        ),
        "set_up",
        TEO,
        before=_set_standards,
    ),
    "standards.detach_from_standard": Case(
        lambda tx, year: standards.detach_from_standard(tx, attachment_id=year["drafted"]),
        "set_up",
        TEO,
        before=_set_standards,
    ),
    "standards.take_over_requirements": Case(
        lambda tx, year: standards.take_over_requirements(tx, standard_id=year["site_standard"]),
        "set_up",
        TEO,
        before=_set_standards,
    ),
    "standards.add_item": Case(
        lambda tx, year: standards.add_item(
            tx, standard_id=year["site_standard"], code="X2", title="电子屏", kind=RequirementKind.TICK
        ),
        "set_up",
        TEO,
        before=_set_standards,
    ),
    "standards.edit_item": Case(
        lambda tx, year: standards.edit_item(tx, item_id=year["item"], title="电子屏", kind=RequirementKind.TEXT),
        "set_up",
        TEO,
        before=_set_standards,
    ),
    "standards.remove_item": Case(
        lambda tx, year: standards.remove_item(tx, item_id=year["item"]), "set_up", TEO, before=_set_standards
    ),
    "certificate_templates.create_template": Case(
        lambda tx, year: certificate_templates.create_template(tx, org_id=year["org"], **TEMPLATE),
        "set_up",
        TEO,
    ),
    "certificate_templates.edit_template": Case(
        lambda tx, year: certificate_templates.edit_template(
            tx, template_id=year["drafted"], **(TEMPLATE | {"title": "改"})
        ),
        "set_up",
        TEO,
        before=_make_template,
    ),
    "certificate_templates.switch_template": Case(
        lambda tx, year: certificate_templates.switch_template(tx, template_id=year["drafted"], action="disable"),
        "set_up",
        TEO,
        before=_make_template,
    ),
    "samples.preview_seal": Case(
        lambda tx, year: samples.preview_seal(tx, college_id=year["college"], officer_name="演", image=seal_png()),
        "set_up",
        {"signatory"},
    ),
    "samples.seal_effect": Case(
        lambda tx, year: samples.seal_effect(tx, college_id=year["college"]), "set_up", {"signatory"}
    ),
    # 申报计划: province E; 证书试点申报: coordinator and signing officer E, province and city R; 指标: province E
    "declarations.draft_declaration_plan": Case(
        lambda tx, year: declarations.draft_declaration_plan(
            tx,
            authority_id=year["province"],
            year=2026,
            batch_name="第三批",
            opens_at=DECLARATION[0],
            closes_at=DECLARATION[1],
        ),
        "set_up",
        PROVINCE,
    ),
    "declarations.edit_declaration_plan": Case(
        lambda tx, year: declarations.edit_declaration_plan(tx, plan_id=year["drafted"], notes="说明"),
        "set_up",
        PROVINCE,
        before=_draft_declaration,
    ),
    "declarations.publish_declaration_plan": Case(
        lambda tx, year: declarations.publish_declaration_plan(tx, plan_id=year["drafted"]),
        "set_up",
        PROVINCE,
        before=_draft_declaration,
    ),
    "declarations.delete_declaration_plan": Case(
        lambda tx, year: declarations.delete_declaration_plan(tx, plan_id=year["drafted"]),
        "set_up",
        PROVINCE,
        before=_draft_declaration,
    ),
    "declarations.change_declaration_plan": Case(
        lambda tx, year: declarations.change_declaration_plan(tx, plan_id=year["declaration"], notes="说明"),
        "declared",
        PROVINCE,
        now="2026-03-01 08:00",
    ),
    "declarations.extend_declaration_plan": Case(
        lambda tx, year: declarations.extend_declaration_plan(
            tx, plan_id=year["declaration"], closes_at=DECLARATION[1] + timedelta(days=1), reason="延期"
        ),
        "declared",
        PROVINCE,
    ),
    "applications.save_application": Case(
        lambda tx, year: applications.save_application(tx, **application_values(year)), "declared", STAFF
    ),
    "applications.submit_application": Case(
        lambda tx, year: applications.submit_application(tx, application_id=year["drafted"]),
        "declared",
        STAFF,
        before=_draft_application,
    ),
    "applications.delete_application": Case(
        lambda tx, year: applications.delete_application(tx, application_id=year["drafted"]),
        "declared",
        STAFF,
        before=_draft_application,
    ),
    "applications.attach_picture": Case(
        lambda tx, year: applications.attach_picture(
            tx, application_id=year["drafted"], file=applications.GivenFile("机房.png", seal_png())
        ),
        "declared",
        STAFF,
        before=_draft_application,
    ),
    "applications.copy_application": Case(
        lambda tx, year: applications.copy_application(tx, application_id=year["application"], plan_id=year["drafted"]),
        "applied",
        STAFF,
        before=_declare_again,
    ),
    "reviews.pass_as_city": Case(
        lambda tx, year: reviews.pass_as_city(tx, application_id=year["application"]), "applied", CITY
    ),
    "reviews.return_application": Case(
        lambda tx, year: reviews.return_application(tx, application_id=year["application"], reason="缺材料"),
        "applied",
        CITY,
    ),
    "reviews.return_application after the city has passed it": Case(
        lambda tx, year: reviews.return_application(tx, application_id=year["application"], reason="缺材料"),
        "applied",
        PROVINCE,
        before=_pass_city,
    ),
    "reviews.pass_preliminary": Case(
        lambda tx, year: reviews.pass_preliminary(tx, application_id=year["drafted"]),
        "declared",
        PROVINCE,
        before=_apply_where_the_final_word_is_wanted,
    ),
    "reviews.approve_application": Case(
        lambda tx, year: reviews.approve_application(tx, application_id=year["application"], approved_count=4),
        "applied",
        PROVINCE,
        before=_pass_city,
    ),
    "reviews.approve_as_requested": Case(
        lambda tx, year: reviews.approve_as_requested(tx, application_id=year["application"]),
        "applied",
        PROVINCE,
        before=_pass_city,
    ),
    "reviews.approve_application before the city has passed it R-039": Case(
        lambda tx, year: reviews.approve_application(tx, application_id=year["application"], approved_count=4),
        "applied",
        NOBODY,
    ),
    "quotas.adjust_quota": Case(
        lambda tx, year: quotas.adjust_quota(tx, quota_id=year["quota"], granted=QUOTA + 1, reason="调整"),
        "approved",
        PROVINCE,
    ),
    # exports: whoever edits the thing asks for it, and then it is for that person alone (R-011, T-20)
    "exports.ask_for_export": Case(
        lambda tx, year: exports.ask_for_export(tx, **_CANDIDATES_EXPORT | {"needs_code": False}),
        "peopled",
        STAFF | {"other_coordinator", "other_signatory"},
    ),
    "exports.ask_for_code_again": Case(
        lambda tx, year: exports.ask_for_code_again(tx, export_id=year["export"], act="export_candidates"),
        "peopled",
        {"coordinator"},
        "2026-03-15 09:02",
        before=_ask_for_export,
    ),
    "exports.verify_export": Case(
        lambda tx, year: exports.verify_export(tx, export_id=year["export"], act="export_candidates", typed="000000"),
        "peopled",
        {"coordinator"},
        before=_ask_for_export,
    ),
    "exports.hand_out_export": Case(
        lambda tx, year: exports.hand_out_export(
            tx, export_id=year["export"], act="export_candidates", row_count=1, file_hash="0" * 64
        ),
        "peopled",
        {"coordinator"},
        before=lambda year: _ask_for_export(year, needs_code=False),
    ),
    # 考试计划: TEO E
    "plans.draft_plan": Case(lambda tx, year: plans.draft_plan(tx, **plan_values(year)), "sited", TEO),
    "plans.edit_plan": Case(
        lambda tx, year: plans.edit_plan(tx, plan_id=year["draft_plan"], name="改名"), "planned", TEO
    ),
    "plans.put_certificate": Case(
        lambda tx, year: plans.put_certificate(tx, plan_id=year["draft_plan"], planned=planned(year)), "planned", TEO
    ),
    "plans.remove_certificate": Case(
        lambda tx, year: plans.remove_certificate(tx, plan_id=year["draft_plan"], certificate_id=year["certificate"]),
        "planned",
        TEO,
    ),
    "plans.delete_plan": Case(lambda tx, year: plans.delete_plan(tx, plan_id=year["draft_plan"]), "planned", TEO),
    "plans.publish_plan": Case(
        lambda tx, year: plans.publish_plan(tx, plan_id=year["draft_plan"]),
        "planned",
        TEO,
        before=lambda year: year.do("teo", plans.put_certificate, plan_id=year["draft_plan"], planned=planned(year)),
    ),
    "plans.extend_window": Case(
        lambda tx, year: plans.extend_window(
            tx, plan_id=year["plan"], window="registration", closes_at=on("2026-05-10 20:00")
        ),
        "planned",
        TEO,
    ),
    # printed things: TEO and the college's staff; another organisation of the same kind finds nothing of its own
    "printing.print_documents": Case(
        lambda tx, year: printing.print_documents(tx, kind="ticket", plan_id=year["plan"], out=BytesIO()),
        "scored",
        TEO | STAFF,
    ),
    # 报考: coordinator E
    "registrations.register_by_certificate": Case(
        lambda tx, year: registrations.register_by_certificate(
            tx, plan_id=year["plan"], college_id=year["college"], rows=registration_sheet(year, [3])
        ),
        "registered",
        ROOM_MASTERS,
    ),
    "registrations.delete_registration": Case(
        lambda tx, year: registrations.delete_registration(tx, registration_id=year["registration:0"]),
        "registered",
        ROOM_MASTERS,
    ),
    # 科目成绩: TEO E, in the windows
    "scores.enter_scores": Case(
        lambda tx, year: scores.enter_scores(tx, plan_id=year["plan"], rows=score_sheet(year)),
        "arranged",
        TEO,
        "2026-05-23 09:00",
    ),
    "scores.correct_score": Case(
        lambda tx, year: scores.correct_score(
            tx, score_id=year["score:0"], score_tenths=990, is_absent=False, reason="登分有误"
        ),
        "scored",
        TEO,
        "2026-06-02 09:00",
    ),
    # 考核站点: coordinator and signing officer E, TEO R; 考核站点分配: TEO E; 考场: coordinator E
    "sites.draft_site": Case(
        lambda tx, year: sites.draft_site(tx, **site_values(year, certificate_ids=[year["certificate:2"]])),
        "sited",
        STAFF,
    ),
    "sites.edit_site": Case(
        lambda tx, year: sites.edit_site(tx, site_id=year["drafted"], address="改址"),
        "sited",
        STAFF,
        before=_draft_site,
    ),
    "sites.attach_material": Case(
        lambda tx, year: sites.attach_material(
            tx, site_id=year["drafted"], data=b"%PDF-1.4 sample", file_name="申请表.pdf"
        ),
        "sited",
        STAFF,
        before=_draft_site,
    ),
    "sites.submit_site": Case(
        lambda tx, year: sites.submit_site(tx, site_id=year["drafted"]), "sited", STAFF, before=_draft_site
    ),
    "sites.delete_site": Case(
        lambda tx, year: sites.delete_site(tx, site_id=year["drafted"]), "sited", STAFF, before=_draft_site
    ),
    "sites.withdraw_site": Case(
        lambda tx, year: sites.withdraw_site(tx, site_id=year["drafted"]), "sited", STAFF, before=_submit_site
    ),
    "sites.approve_site": Case(
        lambda tx, year: sites.approve_site(tx, site_id=year["drafted"]), "sited", TEO, before=_submit_site
    ),
    "sites.return_site": Case(
        lambda tx, year: sites.return_site(tx, site_id=year["drafted"], reason="缺材料"),
        "sited",
        TEO,
        before=_submit_site,
    ),
    "sites.disqualify_site": Case(
        lambda tx, year: sites.disqualify_site(tx, site_id=year["site"], reason="现场不符"), "sited", TEO
    ),
    "sites.allocate_site": Case(_allocate, "planned", TEO),
    "sites.cancel_allocation": Case(
        lambda tx, year: sites.cancel_allocation(tx, allocation_id=year["drafted"]), "planned", TEO, before=_lend
    ),
    "sites.create_room": Case(
        lambda tx, year: sites.create_room(tx, **room_values(year, name="新考场")), "planned", ROOM_MASTERS
    ),
    "sites.edit_room": Case(
        lambda tx, year: sites.edit_room(tx, room_id=year["room:theory"], name="改名", seat_count=9, address=""),
        "planned",
        ROOM_MASTERS,
    ),
    "sites.delete_room": Case(
        lambda tx, year: sites.delete_room(tx, room_id=year["room:theory"]), "planned", ROOM_MASTERS
    ),
    "deliveries.send_again": Case(
        lambda tx, year: deliveries.send_again(tx, notification_id=year["drafted"]),
        "planned",
        STAFF | ADMIN,
        before=_fail_a_message,
    ),
    "deliveries.send_all_again": Case(
        lambda tx, year: deliveries.send_all_again(tx, since=DECLARATION[0], until=tx.now), "planned", ADMIN
    ),
}

# Verbs nobody is refused, and why.
FOR_ANYBODY = {
    "a part of another verb, which asks first": {
        "applications.record_review",
        "exports.begin_direct_export",
        "exports.finish_direct_export",
        "pilots.require_pilot",
        "attachments.attach",
        "attachments.detach",
        "catalogue.change_certificate",
        "catalogue.change_subject",
        "catalogue.make_certificate",
        "catalogue.make_subject",
        "quotas.grant_quota",
        "quotas.post",
        "registration_desk.lay_out_desk",
    },
    "whoever holds the secret": {
        "accounts.activate",
        "accounts.log_in",
        "accounts.reset_password",
        "bindings.bind_chat",
        "candidate_accounts.log_in",
        "candidate_accounts.set_password",
        "codes.use_code",
        "joining.join",
        "one_time.use",
        "second_factor.prove_second_factor",
        "signing.step_up",
    },
    "sends a secret to where only its owner reads it, and not too often": {
        "accounts.ask_to_reset",
        "codes.send_code",
        "joining.ask_to_join",
        "candidate_accounts.ask_for_link",
    },
    "sets what is kept beside the truth to the truth": {"quotas.rebuild_balances", "tallies.rebuild_tallies"},
    "what the clock or a worker does; harmless whoever calls it, for the guards are the clock's": {
        "signing.expire_signing",
        "certificates.generate_certificate",
        "certificates.certificate_facts",
        "letters.claim_letters",
        "letters.mark_handed_over",
        "letters.mark_letter_kept",
        "letters.queue_letter",
        "notices.claim_due",
        "notices.mark_delivered",
        "notices.mark_failed",
        "notices.mark_for_retry",
        "notices.mark_refreshed",
        "notices.mark_unreachable",
        "telling.send_digest",
        "telling.remind",
        "telling.escalate",
        "replies.expire_request",
        "telling.tell_what_is_late",
        "lapses.end_year",
        "lapses.remind_of_lapse",
        "quotas.lapse_quotas",
        "declarations.pass_declaration_edge",
        "plans.pass_plan_edges",
        "bindings.ask_still_you",
        "delegations.lapse_delegation",
        "plans.remind_of_registration",
        "plans.remind_of_review",
        "plans.remind_of_scores",
        "retention.drop_offers",
        "results.conclude_scores",
        "verification.claim_questions",
        "verification.close_batches",
        "verification.record_answers",
        "retention.erase_photos",
        "retention.clear_imports",
        "retention.discard_imports",
        "retention.empty_imports",
        "retention.forget_links",
        "retention.note_sweep",
    },
    "part of another verb, which asks": {
        "accounts.count_wrong",
        "accounts.managed",
        "accounts.require_in_use",
        "bindings.require_settled",
        "freezing.require_free_hand",
        "freezing.require_unfrozen",
        "candidate_accounts.open_for",
        "candidate_accounts.follow",
        "candidate_accounts.close_for",
        "printing.draw_sheets",
        "deliveries.by_day",
        "foreign_presses.note_foreign_press",
        "telling.hand_over",
        "deliveries.reissue_open",
        "notices.is_pointless",
        "notices.reminders_follow",
        "one_time.issue",
        "signing.require_step_up",
        "imports.open_import",
        "imports.record_import",
        "imports.asked_for",
        "imports.put_away",
        "imports.take_rows",
        "verification.drop_open",
        "scores.amend",
        "undoing.take_back_candidates",
        "undoing.take_back_registrations",
        "undoing.take_back_scores",
        "notices.close_tasks",
        "notices.retarget_tasks",
        "organisations.require_active_seal",
        "replies.is_first",
        "telling.hand_over_request",
        "telling.nudge",
        "replies.is_snoozed",
        "results.create_issuances",
        "results.recompute_results",
    },
    "touches only what is the caller's own": {
        "second_factor.begin_second_factor",
        "second_factor.confirm_second_factor",
        "second_factor.end_second_factor",
        "second_factor.pending_enrolment",
        "notices.drop_draft",
        "notices.my_draft",
        "notices.see_notices",
        "telling.change",
        "telling.choose",
        "telling.choose_channel",
        "notices.start_draft",
        "bindings.affirm_binding",
        "locking.awaited_freeze",
        "locking.confirm_freeze",  # of a recap of one's own, which locking.ask_freeze has let through
        "locking.keep_free",
        "decisions.ask_number",
        "decisions.ask_reason",
        "decisions.awaited",
        "sent_files.answering",
        "sent_files.ask_photos",
        "sent_files.ask_plan",
        "sent_files.ask_sheet",
        "sent_files.note_taken",
        "sent_files.open_question",
        "sent_files.require_thought",
        "decisions.confirm_by_code",
        "decisions.open_recap",
        "matters.require_matter",
        "replies.as_it_stands",
        "replies.bring_all_up_to_date",
        "replies.bring_copy_up_to_date",
        "decisions.confirm",
        "replies.copy_at",
        "decisions.hear",
        "decisions.keep",
        "decisions.look_again",
        "decisions.refuse_by_code",
    },
    "decided by core.queries.scoping, which has its own tests": {
        "attachments.open_attachment",
        "samples.certificate_sample",
        "samples.template_sample",
        "disclosures.reveal_id_number",
        "disclosures.reveal_mobile",
    },
}


def _new_token(tx: Tx, year: Year) -> str:
    """A ceremony of the caller's own, not looked at yet."""
    return signing.open_signing(tx, plan_id=year["plan"], party=Party.COLLEGE).token


class _Undo(Exception):
    pass


@pytest.mark.parametrize("name", list(CASES))
def test_only_those_the_matrix_names_get_through_and_nobody_else_leaves_a_trace(
    name: str, years: Years, at: At
) -> None:
    case = CASES[name]
    year = years(case.stage)
    at(moment(case.stage))
    if case.before is not None:
        case.before(year)
    if case.now:
        at(case.now)
    before = census()
    for login in EVERYBODY:
        if login in case.may:
            _try(case, year, login)
            continue
        with pytest.raises(Refusal) as refused:
            year.do(login, case.verb, year=year)
        says_no = isinstance(refused.value, (NotPermitted, NotFound))
        # the printer's answer to a stranger of the right kind: nothing of this plan is yours
        says_nothing_here = refused.value.sentence_code == "nothing_arranged"
        assert says_no or says_nothing_here, f"{login} was refused as if only the moment were wrong: {refused.value}"
    assert census() == before


def _try(case: Case, year: Year, login: str) -> None:
    """Do it and take it back."""
    try:
        with transaction(year.actor(login)) as tx:
            case.verb(tx, year)
            raise _Undo
    except _Undo:
        return


def test_the_system_itself_has_no_say_in_what_people_decide(years: Years, at: At) -> None:
    year = years("planned")
    at(moment("planned"))
    before = census()
    for name in ("plans.extend_window", "sites.disqualify_site", "quotas.adjust_quota", "catalogue.create_major"):
        with pytest.raises(NotPermitted), transaction(year.actor("system")) as tx:
            CASES[name].verb(tx, year)
    assert census() == before


def test_every_verb_of_the_use_cases_is_in_this_table() -> None:
    known = {name.split(" ")[0] for name in CASES}.union(*FOR_ANYBODY.values())
    found = set()
    for module in pkgutil.iter_modules(core.usecases.__path__, "core.usecases."):
        for name, verb in vars(importlib.import_module(module.name)).items():
            if name.startswith("_") or not inspect.isfunction(verb) or verb.__module__ != module.name:
                continue
            first = next(iter(inspect.signature(verb).parameters.values()), None)
            if first is not None and first.annotation == "Tx":
                found.add(f"{module.name.removeprefix('core.usecases.')}.{name}")
    assert found - known == set(), "say who may call them"
    assert known - found == set(), "gone"


def test_one_ceremony_can_be_used_by_its_own_signer_only(years: Years, at: At) -> None:
    """A colleague who may sign himself gets no further with another's link (§3.19)."""
    year = years("signed_by_teo")
    at(moment("signed_by_teo"))
    ceremony = year.open_signing("signatory", Party.COLLEGE)
    with pytest.raises(NotPermitted) as refused:
        year.do("reviewer", signing.look_at_signing, token=ceremony.token)
    assert refused.value.sentence_code == "task_of_another"
    assert rows(select(SigningSession.state).where(SigningSession.id == ceremony.session.id)) == ["scanned"]
