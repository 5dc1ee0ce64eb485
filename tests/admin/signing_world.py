"""A plan whose certificates wait for a signature, made directly: its organisations, their people, its candidates."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from io import BytesIO

from PIL import Image, ImageDraw

from core.actors import SYSTEM, Actor
from core.db import Tx, reading, transaction
from core.demo.people import Person, people
from core.demo.photos import portrait, seal_image
from core.models.accounts import AccountRole, ChatBinding, UserAccount
from core.models.candidates import Candidate, CandidatePhoto
from core.models.catalogue import CertificateType
from core.models.certificates import CertificateIssuance
from core.models.organisations import College, ElectronicSeal, EvaluationOrg
from core.models.plans import ExamPlan, ExamPlanCertificate
from core.models.registrations import CandidateSnapshot, Registration
from core.models.scores import CertificateResult
from core.models.sites import ExamSite
from core.queries.accounts import actor_for
from core.rules.candidates import CandidateKind, CandidateState
from core.rules.catalogue import CertificateLevel, PassRule
from core.rules.certificates import IssuanceState
from core.rules.organisations import CollegeType, Role
from core.rules.plans import PlanState
from core.rules.registrations import RegistrationSource
from core.rules.scores import ResultState
from core.rules.sites import SiteReview, SiteStatus
from core.rules.values import EducationLevel, IdType

WINDOWS = ("registration", "arrangement", "exam", "score_entry", "publication")
OFFICER_CHAT, STRANGER_CHAT, TEO_CHAT = 5_001, 5_002, 5_003


@dataclass(frozen=True, slots=True)
class SigningWorld:
    """Ids of what the tests speak of; officer signs for the college, outsider for another one."""

    plan: int
    college: int
    org: int
    officer: int
    coordinator: int
    outsider: int
    teo: int
    issuances: tuple[int, ...]
    people: tuple[Person, ...]

    def actor(self, account_id: int) -> Actor:
        """The account as an Actor of the panel."""
        with reading() as look:
            found = actor_for(look, account_id, "panel")
        assert found is not None
        return found

    def states(self) -> set[str]:
        """Every state an issuance of the plan is in."""
        with reading() as look:
            return {look.get_one(CertificateIssuance, ident).state.label for ident in self.issuances}


def build(count: int = 3, *, state: IssuanceState = IssuanceState.SITE_PENDING, seals: bool = True) -> SigningWorld:
    """count issuances in a state, at two levels of one certificate; with seals unless asked without."""
    with transaction(SYSTEM) as tx:
        org = tx.add(EvaluationOrg(org_code="901", name="云帆示例科技有限公司", seal_image=_seal() if seals else None))
        college, other = (_college(tx, number) for number in (1, 2))
        officer = _account(tx, "qianfa", "江签发", (Role.SIGNATORY,), OFFICER_CHAT, college_id=college.id)
        coordinator = _account(tx, "kaowu", "江考务", (Role.COORDINATOR,), None, college_id=college.id)
        outsider = _account(tx, "linxiao", "楚签发", (Role.SIGNATORY,), STRANGER_CHAT, college_id=other.id)
        teo = _account(tx, "yunfan", "云组织", (Role.TEO,), TEO_CHAT, org_id=org.id)
        if seals:
            _give_seal(tx, college)
            _give_seal(tx, other)
        plan = _plan(tx, org, tx.now)
        levels = [
            _certificate(tx, plan, org, level) for level in (CertificateLevel.PRIMARY, CertificateLevel.INTERMEDIATE)
        ]
        site = _site(tx, org, college)
        crowd = tuple(people(7, count))
        issuances = tuple(
            _issuance(tx, person, number, plan, levels[number % 2], site, college, org, state)
            for number, person in enumerate(crowd)
        )
        return SigningWorld(
            plan.id, college.id, org.id, officer.id, coordinator.id, outsider.id, teo.id, issuances, crowd
        )


def _college(tx: Tx, number: int) -> College:
    return tx.add(
        College(
            college_code=f"414201090{number}",
            name=("江城示例职业技术学院", "楚天演示学院")[number - 1],
            college_type=CollegeType.VOCATIONAL_COLLEGE,
            province_code="42",
            city_code="420100",
            district_code="420111",
            address="示例大道 1 号",
        )
    )


def _account(tx: Tx, login: str, name: str, roles: tuple[Role, ...], chat: int | None, **home: int) -> UserAccount:
    account = tx.add(UserAccount(login=login, real_name=name, **home))
    account.roles = [AccountRole(role=role) for role in roles]
    tx.session.flush()
    if chat:
        tx.add(ChatBinding(account_id=account.id, telegram_user_id=chat, bound_at=tx.now))
    return account


def _give_seal(tx: Tx, college: College) -> None:
    tx.add(
        ElectronicSeal(
            college_id=college.id,
            officer_name="江签发",
            image=_seal(),
            image_hash="0" * 64,
            authorization_version="1",
            authorized_at=tx.now,
        )
    )


@cache
def _seal() -> bytes:
    return seal_image("", "江签发")


def _plan(tx: Tx, org: EvaluationOrg, now: datetime) -> ExamPlan:
    """Everything is over since yesterday, scores are locked."""
    edges = {}
    for place, window in enumerate(WINDOWS):
        edges[f"{window}_opens_at"] = now - timedelta(days=60 - 10 * place)
        edges[f"{window}_closes_at"] = now - timedelta(days=56 - 10 * place)
    return tx.add(
        ExamPlan(
            plan_no="2026050001",
            name="2026 年第一批 Web 前端开发演示考试",
            org_id=org.id,
            exam_year=2026,
            state=PlanState.PUBLISHED,
            locked_at=now - timedelta(days=1),
            **edges,
        )
    )


def _certificate(tx: Tx, plan: ExamPlan, org: EvaluationOrg, level: CertificateLevel) -> ExamPlanCertificate:
    certificate = tx.add(
        CertificateType(
            code=f"99000{level.digit}",
            name="Web前端开发演示职业技能等级证书",
            short_name="Web前端开发演示",
            english_name="Web Front-end Development (Demo)",
            level=level,
            org_id=org.id,
            standard_code="990001",
        )
    )
    return tx.add(
        ExamPlanCertificate(
            plan_id=plan.id, certificate_id=certificate.id, pass_rule=PassRule.COMPOSITE, composite_pass_tenths=600
        )
    )


def _site(tx: Tx, org: EvaluationOrg, college: College) -> ExamSite:
    return tx.add(
        ExamSite(
            site_no="S0001",
            name="江城示例站点",
            college_id=college.id,
            org_id=org.id,
            region_code="420111",
            address="示例大道 1 号",
            intro="",
            contact_name="江考务",
            contact_mobile="19900000001",
            contact_email="a@example.org",
            review_state=SiteReview.APPROVED,
            site_state=SiteStatus.ENABLED,
        )
    )


def _issuance(
    tx: Tx,
    person: Person,
    number: int,
    plan: ExamPlan,
    certificate: ExamPlanCertificate,
    site: ExamSite,
    college: College,
    org: EvaluationOrg,
    state: IssuanceState,
) -> int:
    candidate = _candidate(tx, person, number, college)
    about = {"name": person.name, "name_pinyin": person.pinyin, "gender": person.gender, "mobile": person.mobile}
    snapshot = tx.add(
        CandidateSnapshot(
            plan_id=plan.id,
            candidate_id=candidate.id,
            id_type=IdType.RESIDENT,
            id_number=person.id_number,
            education_level=EducationLevel.JUNIOR_COLLEGE,
            major_name="软件技术",
            major_code="610205",
            photo_hash=candidate.photo_hash or "",
            **about,
        )
    )
    registration = tx.add(
        Registration(
            plan_id=plan.id,
            candidate_id=candidate.id,
            snapshot_id=snapshot.id,
            plan_certificate_id=certificate.id,
            certificate_id=certificate.certificate_id,
            site_id=site.id,
            college_id=college.id,
            org_id=org.id,
            kind=CandidateKind.COLLEGE,
            source=RegistrationSource.BY_CERTIFICATE,
        )
    )
    result = tx.add(
        CertificateResult(
            registration_id=registration.id, plan_id=plan.id, state=ResultState.PASSED, decided_at=tx.now, is_final=True
        )
    )
    return tx.add(
        CertificateIssuance(
            result_id=result.id,
            registration_id=registration.id,
            plan_id=plan.id,
            certificate_id=certificate.certificate_id,
            site_id=site.id,
            college_id=college.id,
            org_id=org.id,
            certificate_no=f"990001M2026{number + 1:06d}",
            state=state,
        )
    ).id


def _candidate(tx: Tx, person: Person, number: int, college: College) -> Candidate:
    photo = _portrait()
    candidate = tx.add(
        Candidate(
            candidate_no=f"C{number:08d}",
            kind=CandidateKind.COLLEGE,
            college_id=college.id,
            name=person.name,
            id_type=IdType.RESIDENT,
            id_number=person.id_number,
            photo_hash=f"{number:064x}",
            state=CandidateState.VERIFIED,
        )
    )
    tx.add(CandidatePhoto(candidate_id=candidate.id, data=photo, sha256=f"{number:064x}", width=295, height=413))
    return candidate


@cache
def _portrait() -> bytes:
    return portrait(3, people(3, 1)[0].gender)


def drawn(strokes: int = 3) -> str:
    """A hand signature as the page sends it; zero strokes is the empty canvas."""
    return "data:image/png;base64," + base64.b64encode(ink(strokes)).decode()


def ink(strokes: int = 3) -> bytes:
    """The same as a PNG."""
    picture = Image.new("RGBA", (600, 240), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    for stroke in range(strokes):
        pen.line((60, 60 + 50 * stroke, 500, 90 + 40 * stroke), fill=(20, 32, 43, 255), width=6)
    out = BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
