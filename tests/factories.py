"""One small exam year, built through the public verbs and stopped at any stage; every test gets a copy of its own.

`years("arranged")` puts the year, as it stood at that stage, into the test's database and hands out a Year: who is who,
which id is whose, and `do(login, verb, …)` to act as one of its people. `any_years` does the same once on SQLite and
once on PostgreSQL. A stage is built once a session, from the stage before it.

Import the fixtures into a folder's conftest.py: `from tests.factories import any_years, years`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from PIL import Image, ImageDraw
from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from core import clock, db
from core.actors import SYSTEM, Actor
from core.db import Tx, reading, transaction
from core.demo.people import Person, people
from core.demo.world import World, build, hand_signature, score_rows
from core.gateways.identity import RuleVerifier
from core.models.accounts import ChatBinding
from core.models.candidates import Candidate
from core.models.catalogue import CertificateType
from core.models.certificates import CertificateIssuance
from core.models.pilots import Quota
from core.models.plans import ExamPlanSubject
from core.models.records import AuditEntry, Notification
from core.models.registrations import Registration
from core.models.registry import metadata
from core.models.scores import CertificateResult, SubjectScore
from core.models.sites import ExamSite
from core.queries.accounts import actor_for
from core.rules.candidates import CandidateKind
from core.rules.catalogue import CertificateLevel, ExamMode, PassRule
from core.rules.certificates import IssuanceState, IssueMethod, Party
from core.rules.organisations import CollegeType, Role
from core.rules.values import EducationLevel, IdType
from core.usecases import (
    accounts,
    applications,
    arrangement,
    candidates,
    catalogue,
    certificates,
    declarations,
    organisations,
    plans,
    registrations,
    reviews,
    scores,
    signing,
    sites,
    verification,
)
from core.usecases.signing import Ceremony
from tests.conftest import NOWHERE, migrate, postgres_database, settle

VERIFY_BASE = "http://127.0.0.1:8000"
SECOND = timedelta(seconds=1)


def on(text: str) -> datetime:
    """An instant of business time: on("2026-05-01 09:00")."""
    return datetime.fromisoformat(text).replace(tzinfo=clock.zone())


# The calendar of the year. Every window is inside its own days, so one second either side of an edge is nobody else's.
DECLARATION = (on("2026-03-02 08:00"), on("2026-03-09 18:00"))
WINDOWS = {
    "registration": (on("2026-05-01 09:00"), on("2026-05-10 18:00")),
    "arrangement": (on("2026-05-11 09:00"), on("2026-05-15 18:00")),
    "exam": (on("2026-05-20 08:00"), on("2026-05-20 18:00")),
    "score_entry": (on("2026-05-22 09:00"), on("2026-05-25 18:00")),
    "publication": (on("2026-06-01 09:00"), on("2026-06-15 18:00")),
}
THEORY = (on("2026-05-20 09:00"), on("2026-05-20 10:30"))
PRACTICE = (on("2026-05-20 13:00"), on("2026-05-20 15:00"))
ISSUED_ON = date(2026, 6, 16)
QUOTA = 4
STUDENTS = 5  # one more than the quota
SOCIALS = 1

# login → (roles, which organisation, Telegram user id)
CAST: dict[str, tuple[tuple[Role, ...], dict[str, str], int | None]] = {
    "admin": ((Role.ADMIN,), {}, 9001),
    "province": ((Role.PROVINCE,), {"authority_id": "province"}, 9002),
    "city": ((Role.CITY,), {"authority_id": "city"}, 9003),
    "other_province": ((Role.PROVINCE,), {"authority_id": "other_province"}, 9004),
    "other_city": ((Role.CITY,), {"authority_id": "other_city"}, 9005),
    "teo": ((Role.TEO,), {"org_id": "org"}, 9006),
    "other_teo": ((Role.TEO,), {"org_id": "other_org"}, 9007),
    "coordinator": ((Role.COORDINATOR,), {"college_id": "college"}, 9008),
    "second_coordinator": ((Role.COORDINATOR,), {"college_id": "college"}, None),
    "signatory": ((Role.SIGNATORY,), {"college_id": "college"}, 9009),
    "reviewer": ((Role.SIGN_REVIEWER,), {"college_id": "college"}, 9010),
    "invigilator": ((Role.INVIGILATOR,), {"college_id": "college"}, None),
    "other_coordinator": ((Role.COORDINATOR,), {"college_id": "other_college"}, 9011),
    "other_signatory": ((Role.SIGNATORY,), {"college_id": "other_college"}, 9012),
}


@dataclass(slots=True)
class Year:
    """Who and what there is, by key; `do` acts as one of its people in a transaction of its own."""

    ids: dict[str, int] = field(default_factory=dict)
    actors: dict[str, Actor] = field(default_factory=dict)
    students: list[Person] = field(default_factory=list)
    socials: list[Person] = field(default_factory=list)

    def __getitem__(self, key: str) -> int:
        return self.ids[key]

    def actor(self, login: str, channel: str = "panel") -> Actor:
        """One of the cast, the system, or a candidate (who has no account yet)."""
        if login == "system":
            return SYSTEM.on("jobs")
        if login == "candidate":
            return Actor("candidate", frozenset({Role.CANDIDATE.value}), candidate_id=self.ids.get("student:0", 1))
        if login == "public":
            return Actor("public", frozenset())
        return self.actors[login].on(channel)

    @contextmanager
    def acting(self, login: str, channel: str = "panel") -> Iterator[Tx]:
        """A transaction of one of its people."""
        with transaction(self.actor(login, channel)) as tx:
            yield tx

    def do(self, login: str, verb: Callable[..., Any], /, **given: Any) -> Any:
        """verb(tx, **given) as somebody, committed."""
        with self.acting(login) as tx:
            return verb(tx, **given)

    def open_signing(self, login: str, party: Party) -> Ceremony:
        """A ceremony of this person over everything that waits, its page looked at."""
        with self.acting(login, "phone") as tx:
            ceremony = signing.open_signing(tx, plan_id=self["plan"], party=party)
            signing.look_at_signing(tx, token=ceremony.token)
            return ceremony

    def sign(self, login: str, ceremony: Ceremony, count: str | None = None, ink: bytes | None = None) -> Any:
        """Type the number and draw."""
        with self.acting(login, "phone") as tx:
            return signing.sign(
                tx,
                token=ceremony.token,
                typed_count=str(ceremony.session.item_count) if count is None else count,
                hand_signature=hand_signature() if ink is None else ink,
            )


# -- looking ---------------------------------------------------------------------------------------------------------


def rows(query: Any) -> list[Any]:
    """The first column of every row, detached."""
    with reading() as session:
        found = list(session.scalars(query))
        session.expunge_all()
        return found


def one(model: type[Any], ident: int) -> Any:
    """The row as the database has it now."""
    with reading() as session:
        found = session.get_one(model, ident)
        session.expunge(found)
        return found


def count(model: Any, *where: Any) -> int:
    """How many rows there are."""
    with reading() as session:
        return session.scalar(select(func.count()).select_from(model).where(*where)) or 0


def census() -> dict[str, int]:
    """Rows per table, the trail among them: two equal ones, and nothing was added, removed or recorded between."""
    with reading() as session:
        return {table.name: _size(session, table) for table in metadata.sorted_tables}


def _size(session: Session, table: Table) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def last_entries(number: int = 1) -> list[AuditEntry]:
    """The newest entries of the trail, newest first."""
    return rows(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(number))


def notices(kind: str, login_id: int | None = None) -> list[Notification]:
    """Messages of a kind, oldest first."""
    query = select(Notification).where(Notification.kind == kind).order_by(Notification.id)
    return rows(query if login_id is None else query.where(Notification.account_id == login_id))


def at_once(*verbs: Callable[[], Any]) -> list[Any]:
    """Run all at the same moment, a thread each; what each returned, or the exception it raised."""
    start = threading.Barrier(len(verbs))
    found: list[Any] = [None] * len(verbs)

    def run(place: int, verb: Callable[[], Any]) -> None:
        start.wait(10)
        try:
            found[place] = verb()
        except BaseException as error:
            found[place] = error

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(verbs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "two transactions wait for each other"
    return found


# -- pieces ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def photo_bytes(shade: int = 0) -> bytes:
    """A red picture of the right size; every shade is another file."""
    out = BytesIO()
    Image.new("RGB", (295, 413), (200, 40, 40)).save(out, "JPEG", quality=30, comment=f"picture {shade}")
    return out.getvalue()


def photo(id_number: str, shade: int = 0) -> candidates.Photo:
    """A checked picture of somebody."""
    data = photo_bytes(shade)
    return candidates.Photo(id_number, data, hashlib.sha256(data).hexdigest(), 295, 413)


@lru_cache(maxsize=4)
def seal_png(side: int = 95) -> bytes:
    """A square, transparent seal."""
    picture = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    ImageDraw.Draw(picture).ellipse((5, 5, side - 5, side - 5), outline=(200, 0, 0, 255), width=4)
    out = BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def logo_png(side: int = 100) -> bytes:
    """A college's logo (R-015)."""
    out = BytesIO()
    Image.new("RGB", (side, side), (20, 80, 160)).save(out, "PNG")
    return out.getvalue()


def blank_png() -> bytes:
    """An untouched canvas."""
    out = BytesIO()
    Image.new("RGBA", (600, 240), (0, 0, 0, 0)).save(out, "PNG")
    return out.getvalue()


class PlainSealer:
    """A seal that changes nothing: what a certificate looks like is not these tests' business."""

    def seal(self, pdf: bytes, *, reason: str, picture: bytes | None = None) -> bytes:
        return pdf


def candidate_values(person: Person, **other: Any) -> dict[str, Any]:
    """A person as a cleaned row of the candidates sheet, in the first of the year's majors."""
    return {
        "name": person.name,
        "name_pinyin": person.pinyin,
        "gender": person.gender,
        "id_type": IdType.RESIDENT,
        "id_number": person.id_number,
        "mobile": person.mobile,
        "enrolment_year": 2025,
        "education_level": EducationLevel.JUNIOR_COLLEGE,
        "major_name": "软件技术",
        "major_code": "610205",
    } | other


def registration_row(
    person: Person, code: str, site_no: str, *, kind: CandidateKind = CandidateKind.COLLEGE, **other: Any
) -> dict[str, Any]:
    """A person as a cleaned row of the registrations sheet."""
    return {
        "name": person.name,
        "id_number": person.id_number,
        "kind": kind,
        "certificate_code": code,
        "certificate_name": "示例证书",
        "level": CertificateLevel.PRIMARY,
        "site_no": site_no,
        "examinee_category": "",
    } | other


def application_values(year: Year, **other: Any) -> dict[str, Any]:
    """What a college fills in to apply."""
    return {
        "college_id": year["college"],
        "plan_id": year["declaration"],
        "certificate_id": year["certificate"],
        "requested_count": 24,
        "faculty_description": "专任教师 6 人",
        "venue_description": "机房 1 间",
    } | other


def site_values(year: Year, **other: Any) -> dict[str, Any]:
    """What a college fills in to have a site."""
    return {
        "college_id": year["college"],
        "org_id": year["org"],
        "certificate_ids": [year["certificate"]],
        "region_code": "420111",
        "address": "示例大道 1 号实训楼",
        "intro": "标准化考场",
        "contact_name": "演示联系人",
        "contact_mobile": "19900000000",
        "contact_email": "site@example.com",
    } | other


def planned(year: Year, **other: Any) -> plans.PlannedCertificate:
    """The year's certificate: theory 30 %, practice 70 %, composite 60."""
    return plans.PlannedCertificate(
        **{
            "certificate_id": year["certificate"],
            "pass_rule": PassRule.COMPOSITE,
            "subjects": [
                plans.PlannedSubject(year["subject:theory"], [THEORY], weight_percent=30),
                plans.PlannedSubject(year["subject:practice"], [PRACTICE], weight_percent=70),
            ],
            "composite_pass_tenths": 600,
        }
        | other
    )


def plan_values(year: Year, **other: Any) -> dict[str, Any]:
    """What a TEO fills in to draft a plan."""
    return {
        "org_id": year["org"],
        "name": "2026年第一次考核",
        "exam_year": 2026,
        "windows": WINDOWS,
        "college_ids": [year["college"], year["other_college"]],
    } | other


def score_sheet(year: Year, marks: dict[int, tuple[int | None, int | None]] | None = None) -> list[Any]:
    """A whole score sheet; marks: student number → (theory, practice) in tenths, None is 缺考; the others pass."""
    by_number = {person.id_number: index for index, person in enumerate(year.students)}
    with reading() as session:
        sheet = score_rows(Tx(session, SYSTEM), year["plan"])
        codes = {row.id: row.code for row in session.scalars(select(ExamPlanSubject))}
    theory = codes[year["plan_subject:theory"]]
    for _, values in sheet:
        pair = (marks or {}).get(by_number.get(values["id_number"], -1), (800, 800))
        tenths = pair[0 if values["subject_code"] == theory else 1]
        values |= {"score_tenths": tenths, "is_absent": tenths is None}
    return sheet


# -- the stages ------------------------------------------------------------------------------------------------------


def _set_up(year: Year) -> None:
    admin = Actor("system", frozenset({"admin"}), is_system=True)
    with transaction(admin) as tx:
        organisations.name_region(tx, code="420000", name="湖北省")
        for key, name, province, city in (
            ("province", "甲省教育厅（演示）", "42", None),
            ("city", "甲市教育局（演示）", "42", "420100"),
            ("other_province", "乙省教育厅（演示）", "33", None),
            ("other_city", "乙市教育局（演示）", "33", "330100"),
        ):
            row = organisations.create_authority(
                tx, name=name, province_code=province, city_code=city, contact_phone="027-0000-0042"
            )
            year.ids[key] = row.id
        for key, code, name, city in (
            ("college", "4142010901", "江城示例职业技术学院", "420100"),
            ("other_college", "4133010904", "西子演示职业学院", "330100"),
        ):
            year.ids[key] = organisations.create_college(
                tx,
                college_code=code,
                name=name,
                college_type=CollegeType.VOCATIONAL_COLLEGE,
                province_code=city[:2],
                city_code=city,
                district_code=city,
                address="示例大道 1 号",
            ).id
        year.ids["org"] = organisations.create_org(tx, org_code="901", name="云帆示例科技有限公司").id
        year.ids["other_org"] = organisations.create_org(tx, org_code="902", name="安澜示例养老服务有限公司").id
        for code, name in (("610205", "软件技术"), ("620201", "护理")):
            year.ids[f"major:{code}"] = catalogue.create_major(tx, code=code, name=name).id
        for login, (roles, owner, telegram) in CAST.items():
            account = accounts.create_account(
                tx, login=login, real_name=f"演{login}", roles=roles, **{k: year.ids[v] for k, v in owner.items()}
            )
            year.ids[f"account:{login}"] = account.id
            if telegram is not None:
                tx.add(ChatBinding(account_id=account.id, telegram_user_id=telegram, bound_at=tx.now))
    with reading() as session:
        for login in CAST:
            found = actor_for(session, year[f"account:{login}"], "panel")
            assert found is not None
            year.actors[login] = found
    _catalogue(year)
    for login, org in (("teo", "org"), ("other_teo", "other_org")):
        year.do(login, organisations.set_org_seal, org_id=year[org], image=seal_png())
    for login, college in (("signatory", "college"), ("other_signatory", "other_college")):
        year.do(
            login,
            organisations.activate_seal,
            college_id=year[college],
            officer_name="演签发",
            image=seal_png(),
            has_accepted=True,
        )


def _catalogue(year: Year) -> None:
    for key, login, level in (
        ("certificate", "teo", CertificateLevel.PRIMARY),
        ("certificate:2", "teo", CertificateLevel.INTERMEDIATE),
        ("other_certificate", "other_teo", CertificateLevel.PRIMARY),
    ):
        org = "org" if login == "teo" else "other_org"
        with year.acting(login) as tx:
            row = catalogue.create_certificate(
                tx,
                org_id=year[org],
                name="示例证书",
                short_name="示例",
                level=level,
                standard_code="990001",
                major_codes=["610205"],
                english_name="Sample",
            )
            year.ids[key] = row.id
            tail = "" if key == "certificate" else f":{key}"
            for subject, name, mode in (
                ("theory", "理论考核", ExamMode.COMPUTER),
                ("practice", "实操考核", ExamMode.PRACTICAL),
            ):
                year.ids[f"subject:{subject}{tail}"] = catalogue.create_subject(
                    tx, certificate_id=row.id, name=name, exam_modes={mode}
                ).id


def _declare(year: Year) -> None:
    """The first province wants the city's word, the other does not; both batches are published and open."""
    for login, key, city in (("province", "declaration", True), ("other_province", "other_declaration", False)):
        with year.acting(login) as tx:
            plan = declarations.draft_declaration_plan(
                tx,
                authority_id=year[login],
                year=2026,
                batch_name="第一批",
                opens_at=DECLARATION[0],
                closes_at=DECLARATION[1],
                city_review_required=city,
            )
            declarations.publish_declaration_plan(tx, plan_id=plan.id)
            year.ids[key] = plan.id


def _apply(year: Year) -> None:
    """Both colleges have submitted."""
    for login, college, plan, key in (
        ("coordinator", "college", "declaration", "application"),
        ("other_coordinator", "other_college", "other_declaration", "other_application"),
    ):
        values = application_values(year, college_id=year[college], plan_id=year[plan])
        with year.acting(login) as tx:
            year.ids[key] = applications.save_application(tx, **values).id
            applications.submit_application(tx, application_id=year[key])


def _approve(year: Year) -> None:
    """24 asked for, 4 approved (Appendix A); the other college gets as many."""
    year.do("city", reviews.pass_as_city, application_id=year["application"])
    for login, key in (("province", "application"), ("other_province", "other_application")):
        year.do(login, reviews.approve_application, application_id=year[key], approved_count=QUOTA)
    for key, college in (("quota", "college"), ("other_quota", "other_college")):
        year.ids[key] = rows(select(Quota.id).where(Quota.college_id == year[college]))[0]


def _sites(year: Year) -> None:
    for login, college, key in (
        ("coordinator", "college", "site"),
        ("other_coordinator", "other_college", "other_site"),
    ):
        with year.acting(login) as tx:
            year.ids[key] = sites.draft_site(tx, **site_values(year, college_id=year[college])).id
            sites.submit_site(tx, site_id=year[key])
        year.do("teo", sites.approve_site, site_id=year[key])


def _people(year: Year) -> None:
    """Five verified students (one more than the quota) and one social candidate; two students elsewhere."""
    crowd = people(7, STUDENTS + SOCIALS + 2)
    year.students, year.socials = crowd[:STUDENTS], crowd[STUDENTS : STUDENTS + SOCIALS]
    for login, college, kind, who in (
        ("coordinator", "college", CandidateKind.COLLEGE, year.students),
        ("coordinator", "college", CandidateKind.SOCIAL, year.socials),
        ("other_coordinator", "other_college", CandidateKind.COLLEGE, crowd[STUDENTS + SOCIALS :]),
    ):
        with year.acting(login) as tx:
            sheet = [(number, candidate_values(person)) for number, person in enumerate(who, start=3)]
            candidates.import_candidates(tx, college_id=year[college], kind=kind, rows=sheet)
            pictures = [(n, photo(person.id_number, person.index)) for n, person in enumerate(who, start=1)]
            candidates.put_photos(tx, college_id=year[college], photos=pictures)
            numbers = [person.id_number for person in who]
            ids = tx.all(select(Candidate.id).where(Candidate.id_number.in_(numbers)).order_by(Candidate.id))
            verification.verify_candidates(tx, candidate_ids=ids, verifier=RuleVerifier())
            name = {CandidateKind.SOCIAL: "social"}.get(kind, "student" if login == "coordinator" else "other_student")
            year.ids |= {f"{name}:{place}": ident for place, ident in enumerate(ids)}


def _plan(year: Year) -> None:
    """A published plan with its rooms, and a draft beside it."""
    with year.acting("teo") as tx:
        plan = plans.draft_plan(tx, **plan_values(year))
        year.ids["plan"] = plan.id
        row = plans.put_certificate(tx, plan_id=plan.id, planned=planned(year))
        year.ids["plan_certificate"] = row.id
        theory, practice = row.subjects
        year.ids |= {"plan_subject:theory": theory.id, "plan_subject:practice": practice.id}
        plans.publish_plan(tx, plan_id=plan.id)
        year.ids["draft_plan"] = plans.draft_plan(tx, **plan_values(year, name="2026年第二次考核")).id
    for name in ("theory", "practice"):
        year.ids[f"room:{name}"] = year.do("coordinator", sites.create_room, **room_values(year, name)).id


def room_values(year: Year, subject: str = "theory", **other: Any) -> dict[str, Any]:
    """A room for one of the year's two subjects."""
    return {
        "plan_id": year["plan"],
        "site_id": year["site"],
        "certificate_id": year["certificate"],
        "plan_subject_ids": [year[f"plan_subject:{subject}"]],
        "name": f"实训楼 {subject}",
        "seat_count": 10,
    } | other


def codes(year: Year) -> tuple[str, str]:
    """(certificate number, site number) as the registrations sheet wants them."""
    return one(CertificateType, year["certificate"]).code, one(ExamSite, year["site"]).site_no


def registration_sheet(year: Year, students: list[int], socials: list[int] | None = None) -> list[Any]:
    """Rows for these students and social candidates, numbered as Excel would."""
    code, site_no = codes(year)
    wanted = [registration_row(year.students[n], code, site_no) for n in students]
    wanted += [registration_row(year.socials[n], code, site_no, kind=CandidateKind.SOCIAL) for n in socials or []]
    return list(enumerate(wanted, start=3))


def register(year: Year, students: list[int], socials: list[int] | None = None) -> Any:
    """The coordinator's import of these people."""
    sheet = registration_sheet(year, students, socials)
    return year.do(
        "coordinator",
        registrations.register_by_certificate,
        plan_id=year["plan"],
        college_id=year["college"],
        rows=sheet,
    )


def _register(year: Year) -> None:
    """Three of four places are taken, and one social candidate."""
    outcome = register(year, [0, 1, 2], [0])
    assert not outcome.refused, outcome.refused
    found = rows(select(Registration.id).order_by(Registration.id))
    year.ids |= {f"registration:{place}": ident for place, ident in enumerate(found)}


def _arrange(year: Year) -> None:
    year.do("teo", arrangement.arrange_seats, plan_id=year["plan"])


def pass_edges(year: Year) -> Any:
    """What the jobs do at every tick."""
    return year.do("system", plans.pass_plan_edges, plan_id=year["plan"])


def _score(year: Year) -> None:
    """Student 0 passes, 1 fails at 59.93, 2 misses the practice, the social candidate passes."""
    pass_edges(year)
    sheet = score_sheet(year, {0: (500, 700), 1: (600, 599), 2: (900, None)})
    outcome = year.do("teo", scores.enter_scores, plan_id=year["plan"], rows=sheet)
    assert not outcome.refused, outcome.refused
    found = rows(select(SubjectScore.id).order_by(SubjectScore.id))
    year.ids |= {f"score:{place}": ident for place, ident in enumerate(found)}
    results = rows(select(CertificateResult.id).order_by(CertificateResult.registration_id))
    year.ids |= {f"result:{place}": ident for place, ident in enumerate(results)}


def _conclude(year: Year) -> None:
    pass_edges(year)
    found = rows(select(CertificateIssuance.id).order_by(CertificateIssuance.id))
    year.ids |= {f"issuance:{place}": ident for place, ident in enumerate(found)}


def _sign_as_teo(year: Year) -> None:
    year.sign("teo", year.open_signing("teo", Party.TEO))


def _sign_as_college(year: Year) -> None:
    year.sign("signatory", year.open_signing("signatory", Party.COLLEGE))


def order(year: Year) -> int:
    """The TEO says how and when."""
    return int(
        year.do(
            "teo",
            certificates.order_generation,
            plan_id=year["plan"],
            issue_method=IssueMethod.ELECTRONIC,
            issued_on=ISSUED_ON,
        )
    )


def generate(year: Year, issuance_id: int, sealer: Any = None) -> Any:
    """What the worker does for one issuance."""
    return year.do(
        "system",
        certificates.generate_certificate,
        issuance_id=issuance_id,
        sealer=sealer or PlainSealer(),
        verify_base=VERIFY_BASE,
    )


def _order(year: Year) -> None:
    order(year)


def _issue(year: Year) -> None:
    for ident in rows(select(CertificateIssuance.id).where(CertificateIssuance.state == IssuanceState.GENERATING)):
        assert generate(year, ident) is not None


# stage → (the instant at which its last step happens, the step)
STAGES: dict[str, tuple[datetime, Callable[[Year], None]]] = {
    "set_up": (on("2026-03-01 09:00"), _set_up),
    "declared": (on("2026-03-02 09:00"), _declare),
    "applied": (on("2026-03-05 09:00"), _apply),
    "approved": (on("2026-03-10 09:00"), _approve),
    "sited": (on("2026-03-12 09:00"), _sites),
    "peopled": (on("2026-03-15 09:00"), _people),
    "planned": (on("2026-04-01 09:00"), _plan),
    "registered": (on("2026-05-02 09:00"), _register),
    "arranged": (on("2026-05-12 09:00"), _arrange),
    "scored": (on("2026-05-23 09:00"), _score),
    "concluded": (on("2026-06-15 18:00:01"), _conclude),
    "signed_by_teo": (on("2026-06-16 09:00"), _sign_as_teo),
    "signed": (on("2026-06-16 10:00"), _sign_as_college),
    "ordered": (on("2026-06-16 11:00"), _order),
    "issued": (on("2026-06-16 12:00"), _issue),
}
Years = Callable[[str], Year]


def moment(stage: str) -> datetime:
    """When a stage was reached."""
    return STAGES[stage][0]


def _copy(year: Year) -> Year:
    return Year(dict(year.ids), dict(year.actors), list(year.students), list(year.socials))


def _take_step(stage: str, year: Year) -> None:
    instant, step = STAGES[stage]
    with clock.pinned(instant):
        step(year)


def _before(stage: str) -> str | None:
    names = list(STAGES)
    place = names.index(stage)
    return names[place - 1] if place else None


# -- a copy per test -------------------------------------------------------------------------------------------------

_files: dict[str, tuple[Path, Year]] = {}
_held: dict[str, Any] = {}  # a session fixture imported into two conftest.py files is two fixtures, but one of these


def _once(name: str, make: Callable[[], Any]) -> Any:
    """The thing of that name, made on first use."""
    if name not in _held:
        _held[name] = make()
    return _held[name]


def _sqlite_stage(stage: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Year]:
    """The file of a stage and who is in it; made once a session."""
    if stage in _files:
        return _files[stage]
    path = folder / stage / "kaowu.db"
    path.parent.mkdir(parents=True)
    earlier = _before(stage)
    if earlier is None:
        year = Year()
        migrate(f"sqlite:///{path}")
    else:
        source, known = _sqlite_stage(earlier, folder, monkeypatch)
        shutil.copytree(source.parent, path.parent, dirs_exist_ok=True)
        year = _copy(known)
    settle(monkeypatch, f"sqlite:///{path}", path.parent)
    _take_step(stage, year)
    db.configure(NOWHERE)
    _files[stage] = (path, year)
    return _files[stage]


@pytest.fixture(scope="session")
def stage_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stages of the year are kept; one for the session, whichever conftest.py asks for it."""
    folder: Path = _once("stages", lambda: tmp_path_factory.mktemp("stages"))
    return folder


@pytest.fixture
def years(stage_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_settings: None) -> Iterator[Years]:
    """years(stage): the year at that stage, in a SQLite database of this test's own; the clock is left alone."""

    def put(stage: str) -> Year:
        source, year = _sqlite_stage(stage, stage_folder, monkeypatch)
        here = tmp_path / "data"
        shutil.copytree(source.parent, here)
        settle(monkeypatch, f"sqlite:///{here / 'kaowu.db'}", here)
        return _copy(year)

    yield put
    db.configure(NOWHERE)


class PostgresStages:
    """One PostgreSQL database for the session; the rows of each stage lie in a schema of its own and are copied back.

    Making and dropping a database per test would cost a checkpoint each; copying a few hundred rows costs nothing.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.years: dict[str, Year] = {}
        self.tables = [table.name for table in metadata.sorted_tables]

    def restore(self, stage: str) -> None:
        """The tables as they were at that stage, whoever is still connected."""
        steps = [f'DELETE FROM public."{table}"' for table in reversed(self.tables)]
        steps += [f'INSERT INTO public."{table}" SELECT * FROM "{stage}"."{table}"' for table in self.tables]
        self._run(steps + [self._next_number(table) for table in self.tables])

    def keep(self, stage: str, year: Year) -> None:
        """Remember the tables as they are now."""
        steps = [f'CREATE TABLE "{stage}"."{table}" AS TABLE public."{table}"' for table in self.tables]
        self._run([f'CREATE SCHEMA "{stage}"', *steps])
        self.years[stage] = year

    def _next_number(self, table: str) -> str:
        newest = f'(SELECT coalesce(max(id), 0) + 1 FROM public."{table}")'
        return f"SELECT setval(pg_get_serial_sequence('public.{table}', 'id'), {newest}, false)"

    def _run(self, steps: list[str]) -> None:
        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            # no triggers meanwhile: the trail is append-only, and tables need no order
            connection.execute("SET session_replication_role = replica; " + "; ".join(steps))


@pytest.fixture(scope="session")
def postgres_stages(postgres_template: str, postgres_server: psycopg.Connection[Any]) -> Iterator[PostgresStages]:
    """The database all stages live in; one for the session, whichever conftest.py asks for it."""
    if "postgres" in _held:
        yield _held["postgres"]
        return
    name = f"kaowu_years_{os.getpid()}"
    with postgres_database(postgres_server, name, postgres_template) as url:
        postgres_server.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        yield _once("postgres", lambda: PostgresStages(url))


@pytest.fixture
def postgres_years(
    postgres_stages: PostgresStages,
    stage_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    own_settings: None,
) -> Iterator[Years]:
    """years(stage) on PostgreSQL (mark the test `postgres`)."""
    files = stage_folder / "postgres"
    files.mkdir(exist_ok=True)

    def build(stage: str) -> Year:
        if stage not in postgres_stages.years:
            earlier = _before(stage)
            year = Year() if earlier is None else _copy(build(earlier))
            if earlier is not None:
                postgres_stages.restore(earlier)
            settle(monkeypatch, postgres_stages.url, files)
            _take_step(stage, year)
            db.configure(NOWHERE)
            postgres_stages.keep(stage, year)
        return postgres_stages.years[stage]

    def put(stage: str) -> Year:
        year = build(stage)
        postgres_stages.restore(stage)
        here = tmp_path / "data"
        shutil.copytree(files, here, dirs_exist_ok=True)
        settle(monkeypatch, postgres_stages.url, here)
        return _copy(year)

    yield put
    db.configure(NOWHERE)


@pytest.fixture(
    params=["years", pytest.param("postgres_years", marks=pytest.mark.postgres)], ids=["sqlite", "postgres"]
)
def any_years(request: pytest.FixtureRequest) -> Years:
    """years(stage), once per kind of database."""
    found: Years = request.getfixturevalue(request.param)
    return found


# -- the demo's world ------------------------------------------------------------------------------------------------

_demo: dict[str, Any] = {}
DEMO_BORN_AT = on("2026-05-20 10:00")


@pytest.fixture
def demo(stage_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_settings: None) -> Iterator[World]:
    """The made-up world of the demo, small, in a SQLite database of this test's own; born at DEMO_BORN_AT."""
    folder = stage_folder / "demo"
    if not _demo:
        folder.mkdir()
        url = f"sqlite:///{folder / 'kaowu.db'}"
        migrate(url)
        settle(monkeypatch, url, folder)
        with clock.pinned(DEMO_BORN_AT):
            _demo["world"] = build(PlainSealer(), verify_base=VERIFY_BASE, scale=0.15)
        db.configure(NOWHERE)
    here = tmp_path / "data"
    shutil.copytree(folder, here)
    settle(monkeypatch, f"sqlite:///{here / 'kaowu.db'}", here)
    yield _demo["world"]
    db.configure(NOWHERE)
