"""What an import of registrations is judged against, read once: people, certificates, sites, majors, quota."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Select, select

from core import clock
from core.db import Tx
from core.models.candidates import Candidate
from core.models.catalogue import Major
from core.models.organisations import College
from core.models.pilots import DeclarationPlan, PilotApplication, PilotApplicationMajor, Quota
from core.models.plans import ExamPlan, ExamPlanCertificate
from core.models.registrations import Registration
from core.models.sites import ExamSite, ExamSiteCertificate, SiteAllocation
from core.queries.accounts import province_contact
from core.queries.pilot_status import has_ended
from core.rules.pilots import ApplicationState, QuotaState
from core.rules.sites import AllocationState, SiteReview, SiteStatus
from core.usecases.imports import in_parts

CHUNK = 5_000
SNAPSHOT_FIELDS = (
    "name",
    "name_pinyin",
    "gender",
    "id_type",
    "id_number",
    "mobile",
    "education_level",
    "major_name",
    "major_code",
    "photo_hash",
)


@dataclass(slots=True)
class Desk:
    """Everything the rows of one import are judged against, read once."""

    plan: ExamPlan
    college: College
    people: dict[str, Candidate]
    certificates: dict[str, ExamPlanCertificate]
    sites: dict[str, set[int]]  # site number → certificate ids it may be used for
    site_ids: dict[str, int]
    majors: dict[int, set[str]]  # certificate id → major codes, narrowed by the application's own majors
    approved: set[int]
    quotas: dict[int, Quota]
    contact: str
    seen: set[tuple[int, int]]
    used: dict[int, int] = field(default_factory=lambda: defaultdict(int))


def lay_out_desk(tx: Tx, plan: ExamPlan, college: College, numbers: Sequence[str]) -> Desk:
    people: dict[str, Candidate] = {}
    for part in in_parts(numbers, CHUNK):
        found = select(Candidate).where(Candidate.college_id == college.id, Candidate.id_number.in_(part))
        people |= {person.id_number: person for person in tx.session.scalars(found)}
    certificates = {row.certificate.code: row for row in plan.certificates}
    ids = [row.certificate_id for row in plan.certificates]
    sites, site_ids = _usable_sites(tx, plan, college)
    return Desk(
        plan=plan,
        college=college,
        people=people,
        certificates=certificates,
        sites=sites,
        site_ids=site_ids,
        majors=_open_majors(tx, plan, college),
        approved=set(tx.all(_approved(tx, plan, college))),
        quotas=_locked_quotas(tx, plan, college, ids),
        contact=province_contact(tx.session, college.province_code),
        seen=set(
            tx.session.execute(
                select(Registration.candidate_id, Registration.certificate_id).where(
                    Registration.plan_id == plan.id, Registration.college_id == college.id
                )
            ).all()
        ),
    )


def _approved(tx: Tx, plan: ExamPlan, college: College) -> Select[int]:
    """R-143, of batches that have ended: before that nothing makes a pilot (R-044)."""
    return (
        select(PilotApplication.certificate_id)
        .join(DeclarationPlan, DeclarationPlan.id == PilotApplication.plan_id)
        .where(
            PilotApplication.college_id == college.id,
            PilotApplication.state == ApplicationState.APPROVED,
            DeclarationPlan.year == plan.exam_year,
            has_ended(tx.now),
        )
    )


def _open_majors(tx: Tx, plan: ExamPlan, college: College) -> dict[int, set[str]]:
    """R-138 and R-030: the certificate's majors, or those the approved application was limited to."""
    open_: dict[int, set[str]] = {
        row.certificate_id: {major.code for major in row.certificate.majors} for row in plan.certificates
    }
    stated: dict[int, set[str | None]] = defaultdict(set)  # None: an application that covers every major
    rows = tx.session.execute(
        select(PilotApplication.certificate_id, Major.code)
        .join(DeclarationPlan, DeclarationPlan.id == PilotApplication.plan_id)
        .outerjoin(PilotApplicationMajor, PilotApplicationMajor.application_id == PilotApplication.id)
        .outerjoin(Major, Major.id == PilotApplicationMajor.major_id)
        .where(
            PilotApplication.college_id == college.id,
            PilotApplication.state == ApplicationState.APPROVED,
            DeclarationPlan.year == plan.exam_year,
        )
    )
    for certificate_id, code in rows:
        stated[certificate_id].add(code)
    narrowed = {ident: {code for code in codes if code} for ident, codes in stated.items() if None not in codes}
    return open_ | {ident: codes for ident, codes in narrowed.items() if ident in open_}


def _usable_sites(tx: Tx, plan: ExamPlan, college: College) -> tuple[dict[str, set[int]], dict[str, int]]:
    """R-149, R-121: own enabled sites by their certificates, borrowed ones by the allocation's."""
    usable: dict[str, set[int]] = defaultdict(set)
    ids: dict[str, int] = {}
    own = (
        select(ExamSite.site_no, ExamSite.id, ExamSiteCertificate.certificate_id)
        .join(ExamSiteCertificate, ExamSiteCertificate.site_id == ExamSite.id)
        .where(
            ExamSite.college_id == college.id,
            ExamSite.review_state == SiteReview.APPROVED,
            ExamSite.site_state == SiteStatus.ENABLED,
        )
    )
    lent = (
        select(ExamSite.site_no, ExamSite.id, SiteAllocation.certificate_id)
        .join(SiteAllocation, SiteAllocation.site_id == ExamSite.id)
        .where(
            SiteAllocation.plan_id == plan.id,
            SiteAllocation.borrowing_college_id == college.id,
            SiteAllocation.state == AllocationState.ACTIVE,
            ExamSite.site_state == SiteStatus.ENABLED,
        )
    )
    for query in (own, lent):
        for number, ident, certificate_id in tx.session.execute(query):
            usable[number].add(certificate_id)
            ids[number] = ident
    return usable, ids


def _locked_quotas(tx: Tx, plan: ExamPlan, college: College, certificate_ids: Sequence[int]) -> dict[int, Quota]:
    """The year's quotas, held against other importers until the end; in one order, so that nobody waits in a ring."""
    if clock.local(tx.now).year > plan.exam_year:
        return {}  # T-03, G-40: the year is over, whatever the job has recorded
    query = (
        select(Quota)
        .where(
            Quota.college_id == college.id,
            Quota.year == plan.exam_year,
            Quota.certificate_id.in_(certificate_ids),
            Quota.state == QuotaState.ACTIVE,
        )
        .order_by(Quota.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {quota.certificate_id: quota for quota in tx.session.scalars(query)}
