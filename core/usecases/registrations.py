"""报考: many candidates at once, by certificate, inside the window and the quota."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from core.db import Tx
from core.errors import (
    AlreadyThere,
    IllegalMove,
    NotFound,
    NotPermitted,
    NotReady,
    QuotaExceeded,
    Refusal,
    ValueRefused,
)
from core.models.candidates import Candidate
from core.models.organisations import College
from core.models.pilots import Quota
from core.models.plans import ExamPlan, ExamPlanCertificate
from core.models.registrations import CandidateSnapshot, Registration, SubjectRegistration
from core.queries.plans import takes_part
from core.rules.candidates import CandidateKind, CandidateState
from core.rules.catalogue import EVERYBODY
from core.rules.permissions import permit
from core.rules.pilots import PostingKind
from core.rules.plans import PlanState
from core.rules.registrations import PaymentState, RegistrationSource, SittingState
from core.usecases.imports import Outcome, Row, in_parts
from core.usecases.quotas import post
from core.usecases.registration_desk import Desk, lay_out_desk

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


def register_by_certificate(
    tx: Tx, *, plan_id: int, college_id: int, rows: Sequence[Row], import_job_id: int | None = None
) -> Outcome:
    """One row per candidate and certificate; all its subjects are registered (R-135…R-152).

    rows hold: name, id_number, kind, certificate_code, certificate_name, level, site_no, examinee_category. Quota is
    taken for college candidates only, in the order of the rows, under the quota's own lock: never one too many.
    """
    college = tx.get(College, college_id)
    permit(tx.actor, "register", college)
    plan = _open_plan(tx, plan_id, college_id)
    desk = lay_out_desk(tx, plan, college, [values["id_number"] for _, values in rows])
    outcome = Outcome()
    taken: list[tuple[Candidate, ExamPlanCertificate, int, str]] = []
    for number, values in rows:
        try:
            taken.append(_judge(desk, values))
        except _Fault as fault:
            outcome.refuse(number, fault.field, fault.refusal)
    _use_quota(tx, desk)
    _write(tx, desk, taken, import_job_id)
    outcome.accepted = len(taken)
    return outcome


class _Fault(Exception):
    def __init__(self, column: str, refusal: Refusal) -> None:
        self.field, self.refusal = column, refusal


def _open_plan(tx: Tx, plan_id: int, college_id: int) -> ExamPlan:
    plan = tx.get(ExamPlan, plan_id)
    if plan.state is not PlanState.PUBLISHED or not takes_part(tx.session, plan, college_id):
        raise NotPermitted("not_taking_part", rule="R-137")
    plan.windows.registration.require(tx.now, rule="R-135")
    return plan


def _judge(desk: Desk, values: Mapping[str, Any]) -> tuple[Candidate, ExamPlanCertificate, int, str]:
    person = _require_person(desk, values)
    row = _require_certificate(desk, values)
    category = _require_category(row, values)
    certificate_id = row.certificate_id
    if certificate_id not in desk.approved:
        raise _Fault("certificate_code", NotPermitted("no_approved_application", rule="R-143", contact=desk.contact))
    if person.kind is CandidateKind.COLLEGE and person.major_code not in desk.majors[certificate_id]:
        raise _Fault(
            "id_number", ValueRefused("major_not_of_certificate", rule="R-138", certificate=row.certificate.full_name)
        )
    if (person.id, certificate_id) in desk.seen:
        raise _Fault("id_number", AlreadyThere("registered_already", rule="R-150"))
    site_id = _require_site(desk, values["site_no"], certificate_id)
    if person.kind is CandidateKind.COLLEGE:
        _require_place(desk, certificate_id)
    desk.seen.add((person.id, certificate_id))
    return person, row, site_id, category


def _require_person(desk: Desk, values: Mapping[str, Any]) -> Candidate:
    person = desk.people.get(values["id_number"])
    if person is None:
        raise _Fault("id_number", NotFound("candidate_unknown", rule="R-151"))
    if person.name != values["name"]:
        raise _Fault("name", ValueRefused("name_differs", rule="R-155"))
    if person.kind is not values["kind"]:
        raise _Fault("kind", ValueRefused("kind_differs", rule="R-071", suggestion=person.kind.label))
    if person.state is not CandidateState.VERIFIED:
        raise _Fault("id_number", NotReady("candidate_not_verified", rule="R-144", state=person.state.label))
    return person


def _require_certificate(desk: Desk, values: Mapping[str, Any]) -> ExamPlanCertificate:
    row = desk.certificates.get(values["certificate_code"])
    if row is None:
        raise _Fault("certificate_code", NotFound("certificate_not_in_plan", rule="R-136", plan=desk.plan.plan_no))
    certificate = row.certificate
    if values["level"] is not certificate.level:
        raise _Fault("level", ValueRefused("level_differs", rule="R-155", suggestion=certificate.level.label))
    if values["certificate_name"] not in (certificate.name, certificate.full_name, certificate.full_name_wide):
        raise _Fault(
            "certificate_name", ValueRefused("certificate_differs", rule="R-155", suggestion=certificate.full_name)
        )
    return row


def _require_category(row: ExamPlanCertificate, values: Mapping[str, Any]) -> str:
    """R-146, R-148: where subjects are for certain people only, the row says which the candidate is."""
    wanted = {subject.examinee_category for subject in row.subjects} - {EVERYBODY}
    stated = str(values.get("examinee_category") or "")
    if wanted and stated not in wanted:
        only = next(iter(wanted)) if len(wanted) == 1 else None
        refusal = ValueRefused("category_needed", rule="R-148", suggestion=only, allowed="、".join(sorted(wanted)))
        raise _Fault("examinee_category", refusal)
    return stated if wanted else ""


def _require_site(desk: Desk, number: str, certificate_id: int) -> int:
    if certificate_id not in desk.sites.get(number, set()):
        raise _Fault("site_no", ValueRefused("site_not_usable", rule="R-149", value=number))
    return desk.site_ids[number]


def _require_place(desk: Desk, certificate_id: int) -> None:
    quota = desk.quotas.get(certificate_id)
    granted, used = (quota.granted, quota.used + desk.used[certificate_id]) if quota else (0, 0)
    if used + 1 > granted:
        raise _Fault(
            "id_number", QuotaExceeded(rule="R-139", granted=granted, used=used, asked=1, contact=desk.contact)
        )
    desk.used[certificate_id] += 1


def _use_quota(tx: Tx, desk: Desk) -> None:
    for certificate_id, count in desk.used.items():
        post(tx, desk.quotas[certificate_id], PostingKind.USE, used=count)


def _write(
    tx: Tx,
    desk: Desk,
    taken: Sequence[tuple[Candidate, ExamPlanCertificate, int, str]],
    import_job_id: int | None,
) -> None:
    if not taken:
        return
    snapshots = _snapshots(tx, desk.plan, [person for person, _, _, _ in taken])
    tx.insert_all(
        Registration,
        [
            {
                "plan_id": desk.plan.id,
                "candidate_id": person.id,
                "snapshot_id": snapshots[person.id],
                "plan_certificate_id": row.id,
                "certificate_id": row.certificate_id,
                "site_id": site_id,
                "college_id": desk.college.id,
                "org_id": desk.plan.org_id,
                "kind": person.kind,
                "examinee_category": category,
                "source": RegistrationSource.BY_CERTIFICATE,
                "payment_state": PaymentState.UNPAID,
                "import_job_id": import_job_id,
            }
            for person, row, site_id, category in taken
        ],
    )
    _register_subjects(tx, desk, taken)
    for count, ids in _by_count(person.id for person, _, _, _ in taken).items():
        for part in in_parts(ids, CHUNK):
            # Counted by the database: another plan may be counting the same people at this moment.
            tx.update_all(Candidate, Candidate.id.in_(part), registered_count=Candidate.registered_count + count)


def _by_count(ids: Iterable[int]) -> dict[int, list[int]]:
    """How often → which ids came that often, in order."""
    grouped: dict[int, list[int]] = defaultdict(list)
    for ident, count in sorted(Counter(ids).items()):
        grouped[count].append(ident)
    return grouped


def _snapshots(tx: Tx, plan: ExamPlan, people: Sequence[Candidate]) -> dict[int, int]:
    """Candidate id → snapshot id; made where the plan has none yet (§2.19, R-090)."""
    ids = sorted({person.id for person in people})
    held = _held_snapshots(tx, plan, ids)
    fresh = {person.id: person for person in people if person.id not in held}
    tx.insert_all(
        CandidateSnapshot,
        [
            {"plan_id": plan.id, "candidate_id": person.id, "ticket_no": None}
            | {name: getattr(person, name) for name in SNAPSHOT_FIELDS}
            for person in fresh.values()
        ],
    )
    return held | _held_snapshots(tx, plan, list(fresh))


def _held_snapshots(tx: Tx, plan: ExamPlan, ids: Sequence[int]) -> dict[int, int]:
    held: dict[int, int] = {}
    for part in in_parts(ids, CHUNK):
        query = select(CandidateSnapshot.candidate_id, CandidateSnapshot.id).where(
            CandidateSnapshot.plan_id == plan.id, CandidateSnapshot.candidate_id.in_(part)
        )
        held |= dict(tx.session.execute(query).all())
    return held


def _register_subjects(tx: Tx, desk: Desk, taken: Sequence[tuple[Candidate, ExamPlanCertificate, int, str]]) -> None:
    ids: dict[tuple[int, int], int] = {}
    for part in in_parts(sorted({person.id for person, _, _, _ in taken}), CHUNK):
        query = select(Registration.candidate_id, Registration.certificate_id, Registration.id).where(
            Registration.plan_id == desk.plan.id, Registration.candidate_id.in_(part)
        )
        ids |= {
            (candidate_id, certificate_id): ident for candidate_id, certificate_id, ident in tx.session.execute(query)
        }
    tx.insert_all(
        SubjectRegistration,
        [
            {
                "registration_id": ids[person.id, row.certificate_id],
                "plan_subject_id": subject.id,
                "state": SittingState.NOT_ARRANGED,
            }
            for person, row, _, category in taken
            for subject in row.subjects
            if subject.examinee_category in (EVERYBODY, category)
        ],
    )


def delete_registration(tx: Tx, *, registration_id: int) -> None:
    """Inside the window and before seats are given; the quota place comes back (R-141, R-153, R-154)."""
    registration = tx.lock(Registration, registration_id)
    permit(tx.actor, "register", registration)
    registration.plan.windows.registration.require(tx.now, rule="R-135")
    if any(sitting.state is SittingState.SEATED for sitting in registration.sittings):
        raise IllegalMove("seated_already", rule="R-153", thing="报考")
    if registration.payment_state is PaymentState.PAID:
        raise IllegalMove("paid_already", rule="R-154", thing="报考")
    if registration.kind is CandidateKind.COLLEGE:
        _give_back(tx, registration)
    registration.candidate.registered_count -= 1
    snapshot_id = registration.snapshot_id
    tx.delete(registration)
    others = tx.session.scalar(select(func.count(Registration.id)).where(Registration.snapshot_id == snapshot_id))
    if not others:
        tx.delete(tx.get(CandidateSnapshot, snapshot_id))


def _give_back(tx: Tx, registration: Registration) -> None:
    quota = tx.first(
        select(Quota)
        .where(
            Quota.college_id == registration.college_id,
            Quota.certificate_id == registration.certificate_id,
            Quota.year == registration.plan.exam_year,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if quota is not None:
        post(tx, quota, PostingKind.RELEASE, used=-1)
