"""The made-up world: built through the very verbs people use, in the order in which it would have happened.

Each step has an instant of its own past; steps are played in time with the clock pinned, so every window was open when
it was used and the trail reads like a year. Plans end up standing in every phase of the year.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import partial
from io import BytesIO
from math import sin
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from sqlalchemy import select

from core import clock
from core.actors import SYSTEM, Actor
from core.db import Tx, reading, transaction
from core.demo.cast import COLLEGES, LEVELS, NOT_REGISTERED, ORGS, PASSWORD, PEOPLE, REGIONS, SUBJECTS, OrgSketch
from core.demo.offer import ask_of_sites, offered_by
from core.demo.people import Person, people
from core.demo.photos import issuer_seal, portrait, seal_image
from core.documents.fonts import faces
from core.gateways.identity import RuleVerifier
from core.gateways.seal import Sealer
from core.models.accounts import ChatBinding, TellingChoice, UserAccount
from core.models.candidates import Candidate
from core.models.catalogue import CertificateType, Subject
from core.models.certificates import CertificateIssuance
from core.models.delegations import Delegation
from core.models.pilots import DeclarationPlan
from core.models.plans import ExamPlan, ExamPlanSubject
from core.models.records import Notification
from core.models.registrations import CandidateSnapshot, Registration, SubjectRegistration
from core.models.sites import ExamSite
from core.queries.accounts import actor_for
from core.rules.candidates import CandidateKind, CandidateState
from core.rules.catalogue import PassRule
from core.rules.certificates import IssuanceState, IssueMethod, Party
from core.rules.delegations import DelegationState, Duty
from core.rules.notices import DeliveryState, ReplyState
from core.rules.organisations import Role
from core.rules.telling import NEVER_QUIET, escalations, next_reminder
from core.rules.values import EducationLevel, IdType
from core.usecases import (
    accounts,
    applications,
    candidates,
    catalogue,
    certificates,
    declarations,
    directory,
    notices,
    organisations,
    plans,
    registrations,
    reviews,
    signing,
    verification,
)
from core.usecases import arrangement as arranging
from core.usecases import scores as scoring
from core.usecases import sites as siting

CROWD = 20_26  # the seed of the demo's candidates
PER_COLLEGE = 80
PHOTOGRAPHED = 76  # the last few of each college stand without a photo, waiting for somebody to work on them
CHECKED = 72
Step = tuple[datetime, Callable[[], Any]]


@dataclass(frozen=True, slots=True)
class PlanSketch:
    """A plan by the days of its windows, counted from the instant the world is built (fractions allowed)."""

    key: str
    org: str
    level: int
    name: str
    colleges: tuple[str, ...]
    registration: tuple[float, float]
    arrangement: tuple[float, float]
    exam: tuple[float, float]
    entry: tuple[float, float]
    publication: tuple[float, float]
    size: int = 12
    goes_until: str = "registered"  # registered arranged entered concluded signed_by_teo issued


@dataclass(slots=True)
class World:
    """What was built, by key, and the hands that build it."""

    born_at: datetime
    sealer: Sealer
    verify_base: str
    ids: dict[str, int] = field(default_factory=dict)
    crowd: dict[str, list[Person]] = field(default_factory=dict)

    @contextmanager
    def acting(self, login: str, channel: str = "panel") -> Iterator[Tx]:
        """A transaction of one of the demo's people."""
        with transaction(self.actor(login, channel)) as tx:
            yield tx

    def actor(self, login: str, channel: str = "panel") -> Actor:
        """One of the demo's people as an actor; the system where login is 'system'."""
        if login == "system":
            return SYSTEM
        with reading() as session:
            found = actor_for(session, self.ids[f"account:{login}"], channel)
        if found is None:
            raise LookupError(login)
        return found

    def at(self, days: float) -> datetime:
        """An instant so many days from the birth of the world, on a whole minute."""
        return (self.born_at + timedelta(days=days)).replace(second=0, microsecond=0)


def build(sealer: Sealer, *, verify_base: str, scale: float = 1.0) -> World:
    """Fill an empty, migrated database; scale shrinks the number of candidates for tests."""
    world = World(clock.now(), sealer, verify_base)
    for instant, step in sorted(_steps(world, scale), key=lambda pair: pair[0]):
        with clock.pinned(instant):
            step()
    with transaction(SYSTEM) as tx:
        for plan_id in tx.all(select(DeclarationPlan.id).order_by(DeclarationPlan.id)):
            declarations.pass_declaration_edge(tx, plan_id=plan_id)
        for plan_id in tx.all(select(ExamPlan.id).order_by(ExamPlan.id)):
            plans.pass_plan_edges(tx, plan_id=plan_id)
            plans.remind_of_registration(tx, plan_id=plan_id)
        _tell_anew(tx)
    return world


def _tell_anew(tx: Tx) -> None:
    """What is still open is asked on the day of the visit: nobody was here to be reminded of it in the world's past."""
    local = clock.local(tx.now)
    for row in tx.all(select(Notification).where(Notification.reply_state == ReplyState.OPEN)):
        message = notices.revive_of(row)
        row.created_at, row.due_at = tx.now, message.due_at(tx.session, tx.now)
        ladder_to = row.due_at if message.has_ladder else None
        row.next_reminder_at = next_reminder(local, local, ladder_to, quiet=NEVER_QUIET, wakes=message.wakes)
        steps = escalations(local, ladder_to if message.escalates else None)
        row.next_escalation_at = next((at for at, _ in steps), None)
    # and what waits to be sent may leave from today on: the page of deliveries counts no weeks nobody waited
    tx.update_all(Notification, Notification.delivery_state == DeliveryState.PENDING, not_before=tx.now)


def _steps(world: World, scale: float) -> list[Step]:
    start = world.at(-120)
    size = max(8, round(PER_COLLEGE * scale))
    steps: list[Step] = [
        (start, partial(_set_up, world)),
        (start + timedelta(hours=2), partial(_declare, world)),
        (start + timedelta(days=3), partial(_apply_everywhere, world)),
        (start + timedelta(days=5), partial(_decide_everywhere, world)),
        (start + timedelta(days=8), partial(_sites_everywhere, world)),
        (start + timedelta(days=20), partial(_people_everywhere, world, size)),
        (world.at(-4), partial(_declare_again, world)),
    ]
    for sketch in _plan_sketches(world):
        steps += _plan_steps(world, sketch, scale)
    return steps


def _plan_sketches(world: World) -> list[PlanSketch]:
    tonight = _tonight(world)
    both = ("jiangcheng", "chutian")
    return [
        PlanSketch("issued", "anlan", 0, "老年照护第一次考核", ("jiangcheng", "xihu"),
                   (-75, -65), (-64, -58), (-57, -55), (-54, -48), (-47, -35), 6, "issued"),
        PlanSketch("to_sign", "yunfan", 1, "Web前端第二次考核", both,
                   (-60, -50), (-49, -43), (-42, -40), (-39, -33), (-32, -20), 12, "signed_by_teo"),
        PlanSketch("to_sign_teo", "chiyuan", 0, "智能新能源汽车第一次考核", ("jiangcheng", "yongjiang"),
                   (-50, -40), (-39, -33), (-32, -30), (-29, -23), (-22, -1.5), 10, "concluded"),
        PlanSketch("publishing", "anlan", 1, "老年照护第二次考核", ("xihu", "yongjiang"),
                   (-40, -30), (-29, -23), (-22, -20), (-19, -9), (-3, 11), 10, "entered"),
        PlanSketch("entering", "yunfan", 0, "Web前端第三次考核", ("chutian", "xihu"),
                   (-30, -20), (-19, -12), (-10, -8), (-2, 4), (6, 20), 10, "arranged"),
        PlanSketch("examining", "chiyuan", 1, "智能新能源汽车第二次考核", both,
                   (-25, -15), (-14, -7), (-0.2, 1), (2, 8), (10, 24), 10, "arranged"),
        PlanSketch("arranging", "anlan", 0, "老年照护第三次考核", ("jiangcheng", "chutian"),
                   (-15, -3), (-2, 4), (8, 10), (12, 18), (20, 34), 12, "registered"),
        PlanSketch("closing", "yunfan", 0, "Web前端第四次考核", ("jiangcheng", "chutian", "xihu"),
                   (-8, tonight), (tonight + 0.5, 8), (20, 22), (24, 30), (32, 46), 14, "registered"),
        PlanSketch("coming", "chiyuan", 2, "智能新能源汽车第三次考核", ("jiangcheng", "chutian", "yongjiang"),
                   (5, 15), (16, 22), (36, 38), (40, 46), (48, 62), 0, "registered"),
    ]  # fmt: skip


def _tonight(world: World) -> float:
    """Days until 23:00 today, or three hours from now when that is past or too near."""
    there = clock.local(world.born_at)
    evening = there.replace(hour=23, minute=0, second=0, microsecond=0)
    left = (evening - there) / timedelta(days=1)
    return left if left > 0.125 else 0.125


# -- setting up ----------------------------------------------------------------------------------------------------


def _set_up(world: World) -> None:
    admin = Actor(login="system", roles=frozenset({"admin"}), is_system=True)
    with transaction(admin) as tx:
        for code, name in REGIONS.items():
            organisations.name_region(tx, code=code, name=name)
        _authorities(tx, world)
        for college in COLLEGES:
            row = organisations.create_college(
                tx,
                college_code=college.code,
                name=college.name,
                college_type=college.type,
                province_code=college.city[:2],
                city_code=college.city,
                district_code=college.district,
                address=college.address,
                contact_name="演示联系人",
                contact_mobile="19900000000",
                contact_email=f"{college.key}@example.com",
            )
            world.ids[f"college:{college.key}"] = row.id
        _directory(tx)
        for org in ORGS:
            world.ids[f"org:{org.key}"] = organisations.create_org(tx, org_code=org.code, name=org.name).id
            for code, name in org.majors:
                catalogue.create_major(tx, code=code, name=name)
        _accounts(tx, world)
    for org in ORGS:
        with world.acting(org.key) as tx:
            _catalogue(tx, world, org)
    _seals(world)


def _directory(tx: Tx) -> None:
    """院校名录: the colleges that are here, and some that may still register (R-001)."""
    for college in COLLEGES:
        directory.create_entry(
            tx, code=college.code, name=college.name, city_code=college.city, college_type=college.type
        )
    for code, name, city in NOT_REGISTERED:
        directory.create_entry(tx, code=code, name=name, city_code=city)


def _authorities(tx: Tx, world: World) -> None:
    for key, name, city, phone in (
        ("42", "湖北省教育厅（演示）", None, "027-0000-0042"),
        ("33", "浙江省教育厅（演示）", None, "0571-0000-0033"),
        ("420100", "武汉市教育局（演示）", "420100", "027-0000-0100"),
    ):
        row = organisations.create_authority(
            tx, name=name, province_code=key[:2], city_code=city, contact_name="演示联系人", contact_phone=phone
        )
        world.ids[f"authority:{key}"] = row.id


def _accounts(tx: Tx, world: World) -> None:
    kept = None
    for person in PEOPLE:
        owner: dict[str, Any] = {
            f"{kind}_id": world.ids[f"{kind}:{person.home}"]
            for kind in ("authority", "org", "college")
            if f"{kind}:{person.home}" in world.ids
        }
        account = accounts.create_account(
            tx, login=person.login, real_name=person.name, roles=person.roles, mobile="19900000000", **owner
        )
        world.ids[f"account:{person.login}"] = account.id
        if kept is None:
            accounts.set_password(tx, account_id=account.id, password=PASSWORD)
            kept = account.password_hash
        account.password_hash, account.must_change_password = kept, False
        if person.telegram is not None:
            tx.add(ChatBinding(account_id=account.id, telegram_user_id=person.telegram, bound_at=tx.now))
            # whoever tries the demo at midnight wants to see its messages then, and what each event has done at once
            tx.add(TellingChoice(account_id=account.id, quiet_from=time(0), quiet_until=time(0), wants_digest=False))
    _default_deputies(tx, world)


def _default_deputies(tx: Tx, world: World) -> None:
    """Each signing officer has long accepted that a coordinator of the college stands in at the site."""
    stands_in = {one.home: one.login for one in PEOPLE if Role.COORDINATOR in one.roles and one.telegram is not None}
    for officer in PEOPLE:
        if Role.SIGNATORY in officer.roles and officer.home in stands_in:
            tx.add(
                Delegation(
                    principal_id=world.ids[f"account:{officer.login}"],
                    deputy_id=world.ids[f"account:{stands_in[officer.home]}"],
                    duty=Duty.SITE,
                    is_default=True,
                    starts_at=tx.now,
                    answered_at=tx.now,
                    state=DelegationState.ACCEPTED,
                )
            )


def _catalogue(tx: Tx, world: World, org: OrgSketch) -> None:
    org_id = world.ids[f"org:{org.key}"]
    offer = offered_by(tx, org, org_id)
    for level in LEVELS:
        certificate = catalogue.create_certificate(
            tx,
            org_id=org_id,
            name=org.certificate,
            short_name=org.short_name,
            level=level,
            major_codes=[code for code, _ in org.majors],
            english_name=org.english_name,
            **offer,
        )
        world.ids[f"certificate:{org.key}:{level.digit - 1}"] = certificate.id
        for name, modes, _ in SUBJECTS:
            catalogue.create_subject(tx, certificate_id=certificate.id, name=name, exam_modes=modes)
    ask_of_sites(tx, org, org_id, [world.ids[f"certificate:{org.key}:{level.digit - 1}"] for level in LEVELS])


def _seals(world: World) -> None:
    font = _font_file()
    for org in ORGS:
        with world.acting(org.key) as tx:
            organisations.set_org_seal(tx, org_id=world.ids[f"org:{org.key}"], image=issuer_seal(org.name, font=font))
    for college in COLLEGES:
        officer = next(p for p in PEOPLE if p.login == f"{college.key}-fzr")
        with world.acting(officer.login) as tx:
            organisations.activate_seal(
                tx,
                college_id=world.ids[f"college:{college.key}"],
                officer_name=officer.name,
                image=seal_image("演示", officer.name, font=font),
                has_accepted=True,
            )


def _font_file() -> Path | None:
    """The file of the font in force, for seals that show their names; None where only a reader's own font is left."""
    return getattr(faces()[0], "path", None)


# -- the pilot year ------------------------------------------------------------------------------------------------


def _years(world: World) -> list[int]:
    """Every year in which a site is applied for or that some plan of the world belongs to."""
    return sorted({clock.local(world.at(days)).year for days in (-112, -75, 0, 5)})


def _declare(world: World) -> None:
    for province, city_review in (("42", True), ("33", False)):
        for year in _years(world):
            with world.acting("hubei" if province == "42" else "zhejiang") as tx:
                plan = declarations.draft_declaration_plan(
                    tx,
                    authority_id=world.ids[f"authority:{province}"],
                    year=year,
                    batch_name="第一批",
                    opens_at=tx.now,
                    closes_at=tx.now + timedelta(days=6),
                    city_review_required=city_review,
                    notes="请各院校按实际培训能力申报。",
                )
                declarations.publish_declaration_plan(tx, plan_id=plan.id)
                world.ids[f"declaration:{province}:{year}"] = plan.id


def _apply_everywhere(world: World) -> None:
    for college in COLLEGES:
        for year in _years(world):
            for org in ORGS:
                for level in range(len(LEVELS)):
                    with world.acting(college.key) as tx:
                        application = applications.save_application(
                            tx,
                            college_id=world.ids[f"college:{college.key}"],
                            plan_id=world.ids[f"declaration:{college.city[:2]}:{year}"],
                            certificate_id=world.ids[f"certificate:{org.key}:{level}"],
                            requested_count=60,
                            faculty_description="专任教师 12 人，其中双师型教师 8 人。",
                            venue_description="机房 3 间，实训室 2 间，考位充足。",
                        )
                        applications.submit_application(tx, application_id=application.id)
                        world.ids[f"application:{college.key}:{year}:{org.key}:{level}"] = application.id


def _decide_everywhere(world: World) -> None:
    for college in COLLEGES:
        province = "hubei" if college.city.startswith("42") else "zhejiang"
        for year in _years(world):
            for org in ORGS:
                for level in range(len(LEVELS)):
                    ident = world.ids[f"application:{college.key}:{year}:{org.key}:{level}"]
                    if college.city == "420100":
                        with world.acting("wuhan") as tx:
                            reviews.pass_as_city(tx, application_id=ident)
                    elif province == "hubei":
                        continue  # 宜昌 has no city reviewer in the demo: these stay with the city, for all to see
                    with world.acting(province) as tx:
                        reviews.approve_application(tx, application_id=ident, approved_count=40)


def _declare_again(world: World) -> None:
    """A batch that is open now, with an application returned, one waiting for the city and one for the province."""
    year = clock.local(world.born_at).year
    for login, province, city_review in (("hubei", "42", True), ("zhejiang", "33", False)):
        with world.acting(login) as tx:
            plan = declarations.draft_declaration_plan(
                tx,
                authority_id=world.ids[f"authority:{province}"],
                year=year,
                batch_name="第二批（补报）",
                opens_at=tx.now,
                closes_at=tx.now + timedelta(days=14),
                city_review_required=city_review,
            )
            declarations.publish_declaration_plan(tx, plan_id=plan.id)
            world.ids[f"declaration:{province}:again"] = plan.id
    for college, province, level in (
        ("jiangcheng", "42", 0),
        ("chutian", "42", 1),
        ("xihu", "33", 0),
        ("yongjiang", "33", 1),
    ):
        with world.acting(college) as tx:
            application = applications.save_application(
                tx,
                college_id=world.ids[f"college:{college}"],
                plan_id=world.ids[f"declaration:{province}:again"],
                certificate_id=world.ids[f"certificate:yunfan:{level}"],
                requested_count=24,
                faculty_description="专任教师 6 人。",
                venue_description="机房 1 间。",
            )
            applications.submit_application(tx, application_id=application.id)
            world.ids[f"application:{college}:again"] = application.id
    with world.acting("wuhan") as tx:
        reviews.pass_as_city(tx, application_id=world.ids["application:chutian:again"])
    with world.acting("zhejiang") as tx:
        reviews.return_application(
            tx, application_id=world.ids["application:yongjiang:again"], reason="请补充实训室的设备数量和软件清单。"
        )


# -- sites and people ----------------------------------------------------------------------------------------------


def _sites_everywhere(world: World) -> None:
    for college in COLLEGES:
        if college.key == "xiajiang":
            continue
        for org in ORGS:
            with world.acting(college.key) as tx:
                site = siting.draft_site(
                    tx,
                    college_id=world.ids[f"college:{college.key}"],
                    org_id=world.ids[f"org:{org.key}"],
                    certificate_ids=[world.ids[f"certificate:{org.key}:{level}"] for level in range(len(LEVELS))],
                    region_code=college.district,
                    address=f"{college.address} 实训楼",
                    intro="标准化考场，监控与供电齐备。",
                    contact_name="演示联系人",
                    contact_mobile="19900000000",
                    contact_email=f"{college.key}@example.com",
                )
                siting.submit_site(tx, site_id=site.id)
                world.ids[f"site:{college.key}:{org.key}"] = site.id
            with world.acting(org.key) as tx:
                siting.approve_site(tx, site_id=site.id)


def _people_everywhere(world: World, size: int) -> None:
    year = clock.local(world.born_at).year
    for index, college in enumerate(COLLEGES):
        if college.key == "xiajiang":
            continue  # nothing approved, no pilot, no candidates
        crowd = people(CROWD, size, first=index * 1_000)
        world.crowd[college.key] = crowd
        rows = [(number, candidate_values(person, year, number)) for number, person in enumerate(crowd, start=3)]
        with world.acting(college.key) as tx:
            candidates.import_candidates(
                tx, college_id=world.ids[f"college:{college.key}"], kind=CandidateKind.COLLEGE, rows=rows
            )
        _photograph(world, college.key, crowd[: round(size * PHOTOGRAPHED / PER_COLLEGE)])
        _check(world, college.key, round(size * CHECKED / PER_COLLEGE))
    _let_in(visitor())


def visitor() -> Person:
    """The candidate whose personal space the demo shows: the first of the first college, in several plans of the year.

    The ID number is the login, as a candidate's number is not known before the world is built.
    """
    return people(CROWD, 1)[0]


def _let_in(person: Person) -> None:
    with transaction(SYSTEM) as tx:
        account = tx.one(
            select(UserAccount)
            .join(Candidate, Candidate.id == UserAccount.candidate_id)
            .where(Candidate.id_number == person.id_number)
        )
        accounts.set_password(tx, account_id=account.id, password=PASSWORD)


def candidate_values(person: Person, year: int, number: int) -> dict[str, Any]:
    """A person as a cleaned row of the candidates sheet; number picks the major."""
    majors = [major for org in ORGS for major in org.majors]
    code, name = majors[number % len(majors)]
    return {
        "name": person.name,
        "name_pinyin": person.pinyin,
        "gender": person.gender,
        "id_type": IdType.RESIDENT,
        "id_number": person.id_number,
        "mobile": person.mobile,
        "enrolment_year": year - 1,
        "education_level": EducationLevel.JUNIOR_COLLEGE,
        "major_name": name,
        "major_code": code,
    }


def _photograph(world: World, college: str, crowd: Sequence[Person]) -> None:
    def photo(person: Person) -> candidates.Photo:
        data = portrait(person.index, person.gender)
        return candidates.Photo(person.id_number, data, hashlib.sha256(data).hexdigest(), 295, 413)

    with world.acting(college) as tx:
        candidates.put_photos(
            tx,
            college_id=world.ids[f"college:{college}"],
            photos=[(number, photo(person)) for number, person in enumerate(crowd, start=1)],
        )


def _check(world: World, college: str, count: int) -> None:
    with world.acting(college) as tx:
        waiting = tx.all(
            select(Candidate.id)
            .where(
                Candidate.college_id == world.ids[f"college:{college}"],
                Candidate.state == CandidateState.PENDING_VERIFICATION,
            )
            .order_by(Candidate.id)
            .limit(count)
        )
        verification.verify_candidates(tx, candidate_ids=waiting, verifier=RuleVerifier())


# -- exam plans ----------------------------------------------------------------------------------------------------


def _plan_steps(world: World, sketch: PlanSketch, scale: float) -> list[Step]:
    size = max(2, round(sketch.size * min(scale, 1.0))) if sketch.size else 0

    def middle(window: tuple[float, float], share: float) -> datetime:
        return world.at(window[0] + (window[1] - window[0]) * share)

    announced = min(sketch.registration[0] - 3, -2.0)
    steps: list[Step] = [(world.at(announced), partial(_publish, world, sketch))]
    if size:
        steps.append((middle(sketch.registration, 0.2), partial(_rooms, world, sketch)))
        steps.append((middle(sketch.registration, 0.4), partial(_register, world, sketch, size)))
    order = ("registered", "arranged", "entered", "concluded", "signed_by_teo", "issued")
    reach = order.index(sketch.goes_until)
    if reach >= 1:
        steps.append((middle(sketch.arrangement, 0.5), partial(_arrange, world, sketch)))
        steps.append((world.at(sketch.arrangement[1]) + timedelta(minutes=1), partial(_pass_edges, world, sketch)))
    if reach >= 2:
        steps.append((middle(sketch.entry, 0.5), partial(_score, world, sketch)))
    if reach >= 3:
        end = world.at(sketch.publication[1])
        steps.append((end + timedelta(minutes=1), partial(_pass_edges, world, sketch)))
    if reach >= 4:
        steps.append((world.at(sketch.publication[1] + 0.5), partial(_sign, world, sketch, Party.TEO, sketch.org)))
    if reach >= 5:
        for college in sketch.colleges:
            steps.append(
                (world.at(sketch.publication[1] + 1), partial(_sign, world, sketch, Party.COLLEGE, f"{college}-fzr"))
            )
        steps.append((world.at(sketch.publication[1] + 1.1), partial(_generate, world, sketch)))
    return steps


def _publish(world: World, sketch: PlanSketch) -> None:
    certificate_id = world.ids[f"certificate:{sketch.org}:{sketch.level}"]
    year = clock.local(world.at(sketch.registration[0])).year
    with world.acting(sketch.org) as tx:
        plan = plans.draft_plan(
            tx,
            org_id=world.ids[f"org:{sketch.org}"],
            name=f"{year}年{sketch.name}",
            exam_year=year,
            windows={
                "registration": _span(world, sketch.registration),
                "arrangement": _span(world, sketch.arrangement),
                "exam": _span(world, sketch.exam),
                "score_entry": _span(world, sketch.entry),
                "publication": _span(world, sketch.publication),
            },
            college_ids=[world.ids[f"college:{key}"] for key in sketch.colleges],
            rules_text="考生凭准考证和有效身份证件提前 30 分钟入场，开考 30 分钟后不得入场。",
        )
        world.ids[f"plan:{sketch.key}"] = plan.id
        plans.put_certificate(tx, plan_id=plan.id, planned=_planned(tx, world, sketch, certificate_id))
        plans.publish_plan(tx, plan_id=plan.id)


def _span(world: World, days: tuple[float, float]) -> tuple[datetime, datetime]:
    return world.at(days[0]), world.at(days[1])


def _planned(tx: Tx, world: World, sketch: PlanSketch, certificate_id: int) -> plans.PlannedCertificate:
    opens = world.at(sketch.exam[0])
    subjects = []
    rows = tx.all(select(Subject).where(Subject.certificate_id == certificate_id).order_by(Subject.code))
    for index, (subject, (_, _, weight)) in enumerate(zip(rows, SUBJECTS, strict=True)):
        sessions = [
            (opens + timedelta(hours=1 + 4 * half + 2 * index), opens + timedelta(hours=2.5 + 4 * half + 2 * index))
            for half in range(2)
        ]
        subjects.append(plans.PlannedSubject(subject.id, sessions, weight_percent=weight))
    return plans.PlannedCertificate(certificate_id, PassRule.COMPOSITE, subjects, composite_pass_tenths=600)


def _rooms(world: World, sketch: PlanSketch) -> None:
    for college in sketch.colleges:
        site = world.ids.get(f"site:{college}:{sketch.org}")
        if site is None:
            continue
        with world.acting(college) as tx:
            subjects = tx.all(select(ExamPlanSubject).where(ExamPlanSubject.plan_id == world.ids[f"plan:{sketch.key}"]))
            for name, chosen in (("实训楼 301 机房", subjects[:1]), ("实训楼 105 实训室", subjects[1:])):
                siting.create_room(
                    tx,
                    plan_id=world.ids[f"plan:{sketch.key}"],
                    site_id=site,
                    certificate_id=world.ids[f"certificate:{sketch.org}:{sketch.level}"],
                    plan_subject_ids=[subject.id for subject in chosen],
                    name=name,
                    seat_count=10,
                )


def _register(world: World, sketch: PlanSketch, size: int) -> None:
    for college in sketch.colleges:
        site = world.ids.get(f"site:{college}:{sketch.org}")
        if site is None:
            continue
        with world.acting(college) as tx:
            certificate = tx.get(CertificateType, world.ids[f"certificate:{sketch.org}:{sketch.level}"])
            codes = [major.code for major in certificate.majors]
            fit = tx.all(
                select(Candidate)
                .where(
                    Candidate.college_id == world.ids[f"college:{college}"],
                    Candidate.state == CandidateState.VERIFIED,
                    Candidate.major_code.in_(codes),
                )
                .order_by(Candidate.id)
                .limit(size)
            )
            rows = [
                (
                    number,
                    {
                        "name": person.name,
                        "id_number": person.id_number,
                        "kind": person.kind,
                        "certificate_code": certificate.code,
                        "certificate_name": certificate.name,
                        "level": certificate.level,
                        "site_no": tx.get(ExamSite, site).site_no,
                        "examinee_category": "",
                    },
                )
                for number, person in enumerate(fit, start=3)
            ]
            registrations.register_by_certificate(
                tx, plan_id=world.ids[f"plan:{sketch.key}"], college_id=world.ids[f"college:{college}"], rows=rows
            )


def _arrange(world: World, sketch: PlanSketch) -> None:
    with world.acting(sketch.org) as tx:
        arranging.arrange_seats(tx, plan_id=world.ids[f"plan:{sketch.key}"])


def _pass_edges(world: World, sketch: PlanSketch) -> None:
    with transaction(SYSTEM) as tx:
        plans.pass_plan_edges(tx, plan_id=world.ids[f"plan:{sketch.key}"])


def _score(world: World, sketch: PlanSketch) -> None:
    """Most pass, some do not, one in eleven is absent."""
    with world.acting(sketch.org) as tx:
        rows = score_rows(tx, world.ids[f"plan:{sketch.key}"])
        scoring.enter_scores(tx, plan_id=world.ids[f"plan:{sketch.key}"], rows=rows)


def score_rows(tx: Tx, plan_id: int) -> list[tuple[int, dict[str, Any]]]:
    """A complete, deterministic score sheet of a plan, in the order of ticket and subject."""
    found = tx.session.execute(
        select(CandidateSnapshot.ticket_no, CandidateSnapshot.name, CandidateSnapshot.id_number, ExamPlanSubject.code)
        .join(Registration, Registration.snapshot_id == CandidateSnapshot.id)
        .join(SubjectRegistration, SubjectRegistration.registration_id == Registration.id)
        .join(ExamPlanSubject, ExamPlanSubject.id == SubjectRegistration.plan_subject_id)
        .where(CandidateSnapshot.plan_id == plan_id, CandidateSnapshot.ticket_no.is_not(None))
        .order_by(CandidateSnapshot.ticket_no, ExamPlanSubject.code)
    ).all()
    rows = []
    for number, (ticket, name, id_number, code) in enumerate(found, start=3):
        is_absent = number % 11 == 0
        tenths = None if is_absent else 520 + (number * 137) % 430
        rows.append(
            (
                number,
                {
                    "ticket_no": ticket,
                    "subject_code": code,
                    "name": name,
                    "id_number": id_number,
                    "score_tenths": tenths,
                    "is_absent": is_absent,
                },
            )
        )
    return rows


# -- signing -------------------------------------------------------------------------------------------------------


def _sign(world: World, sketch: PlanSketch, party: Party, login: str) -> None:
    plan_id = world.ids[f"plan:{sketch.key}"]
    with world.acting(login, "phone") as tx:
        ceremony = signing.open_signing(tx, plan_id=plan_id, party=party)
        signing.look_at_signing(tx, token=ceremony.token)
        signing.sign(
            tx,
            token=ceremony.token,
            typed_count=str(ceremony.session.item_count),
            hand_signature=hand_signature(),
        )
    if party is Party.TEO:
        with world.acting(login) as tx:
            certificates.order_generation(
                tx, plan_id=plan_id, issue_method=IssueMethod.ELECTRONIC, issued_on=clock.local(tx.now).date()
            )


def _generate(world: World, sketch: PlanSketch) -> None:
    with transaction(SYSTEM) as tx:
        waiting = tx.all(
            select(CertificateIssuance.id).where(
                CertificateIssuance.plan_id == world.ids[f"plan:{sketch.key}"],
                CertificateIssuance.state == IssuanceState.GENERATING,
            )
        )
    for issuance_id in waiting:
        with transaction(SYSTEM) as tx:
            certificates.generate_certificate(
                tx, issuance_id=issuance_id, sealer=world.sealer, verify_base=world.verify_base
            )


def hand_signature() -> bytes:
    """A scribble such as a finger leaves on glass, as a transparent PNG."""
    picture = Image.new("RGBA", (600, 240), (0, 0, 0, 0))
    stroke = [(40 + step * 5, 120 + 60 * sin(step / 5) + 20 * sin(step / 2)) for step in range(104)]
    ImageDraw.Draw(picture).line(stroke, fill=(20, 20, 60, 255), width=6)
    out = BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def accounts_table() -> list[tuple[str, str, str]]:
    """(login, roles in words, password) of everybody, for the console when the demo starts; the candidate comes last.

    A candidate's login opens /my/ and not the panel.
    """
    table = [(person.login, "、".join(role.label for role in person.roles), PASSWORD) for person in PEOPLE]
    return [*table, (visitor().id_number, f"{Role.CANDIDATE.label}（个人空间）", PASSWORD)]
