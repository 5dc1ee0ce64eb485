"""Which rows an account may see at all (§8.8, R-014, R-016, R-023, R-097, R-182, R-203): one table, default deny.

Every list, page and export filters by `visible`; who may change what is the business of core.rules.permissions.
Conditions reach other tables by subqueries only, so that they combine with any joins a list makes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, true

from core import clock
from core.actors import Actor
from core.models.accounts import AccountRole, ChatBinding, UserAccount
from core.models.announcements import Announcement
from core.models.base import Base
from core.models.candidates import (
    Candidate,
    CandidatePhoto,
    IdentityVerification,
    MergedCandidate,
    VerificationBatch,
    VerificationRequest,
)
from core.models.catalogue import (
    CertificateTemplate,
    CertificateType,
    Major,
    SiteStandard,
    SiteStandardCertificate,
    SiteStandardItem,
    SkillStandard,
    Subject,
)
from core.models.certificates import Certificate, CertificateIssuance, SigningRecord
from core.models.delegations import Delegation
from core.models.files import Attachment
from core.models.organisations import (
    CertificateOfficer,
    College,
    EducationAuthority,
    ElectronicSeal,
    EvaluationOrg,
    InstitutionDirectoryEntry,
    RegionName,
)
from core.models.photos import PhotoVerdict
from core.models.pilots import (
    DeclarationPlan,
    PilotApplication,
    PilotApplicationMajor,
    PilotSubmission,
    Quota,
    QuotaPosting,
    ReviewRecord,
)
from core.models.plans import ExamPlan, ExamPlanCertificate, ExamPlanCollege, ExamPlanSubject, ExamSession
from core.models.records import AuditEntry, ExportJob, ImportJob, Notification
from core.models.registrations import (
    CandidateSnapshot,
    Registration,
    RoomArrangement,
    SeatAssignment,
    SubjectRegistration,
)
from core.models.scores import CertificateResult, ScoreAmendment, SubjectScore
from core.models.sites import ExamRoom, ExamSite, SiteAllocation
from core.rules.announcements import AnnouncementState
from core.rules.certificates import IssuanceState
from core.rules.organisations import KEEPS_WORK, Role
from core.rules.pilots import WITH_CITY, ApplicationState, DeclarationState
from core.rules.plans import PlanState
from core.rules.sites import AllocationState, SiteReview

Condition = ColumnElement[bool]
Scope = Callable[[Actor, datetime], Condition]

_COLLEGE = (Role.COORDINATOR, Role.SIGNATORY)
_SIGNING = (*_COLLEGE, Role.SIGN_REVIEWER)
_AUTHORITIES = (Role.PROVINCE, Role.CITY)


def visible(model: type[Base], actor: Actor, now: datetime | None = None) -> Condition:
    """The rows of a table this actor may see; nothing for tables and roles nobody wrote down."""
    if actor.is_system:
        return true()
    moment = now or clock.now()
    held = [scope(actor, moment) for role, scope in READERS.get(model, {}).items() if role in actor.roles]
    return or_(false(), *held)


def may_see(model: type[Base], actor: Actor) -> bool:
    """True where the actor has some role that reads this table; decides what a menu shows."""
    return actor.is_system or any(role in actor.roles for role in READERS.get(model, {}))


# -- words of the table below ------------------------------------------------------------------------------------------


def _of(column: Any) -> Select[Any]:
    """A subquery that stands on its own feet, whatever tables the query around it has."""
    return select(column).correlate(None)


def _all(actor: Actor, now: datetime) -> Condition:
    return true()


def _own(column: Any, attribute: str) -> Scope:
    """The column equals the actor's own attribute; an actor without one sees nothing, not the rows without one."""

    def scope(actor: Actor, now: datetime) -> Condition:
        mine = getattr(actor, attribute)
        return false() if mine is None else column == mine

    return scope


def _both(*scopes: Scope) -> Scope:
    return lambda actor, now: and_(*(scope(actor, now) for scope in scopes))


def _either(*scopes: Scope) -> Scope:
    return lambda actor, now: or_(*(scope(actor, now) for scope in scopes))


def _always(condition: Condition) -> Scope:
    return lambda actor, now: condition


def _within(column: Any, whole: Any, scope: Scope) -> Scope:
    """The row belongs to a whole that lies in scope; whole is the other table's key."""
    return lambda actor, now: column.in_(_of(whole).where(scope(actor, now)))


def _part_of(column: Any, model: type[Base]) -> Scope:
    """Whoever sees the whole sees its parts."""
    return lambda actor, now: column.in_(_of(model.id).where(visible(model, actor, now)))


def _by(roles: tuple[Role, ...], scope: Scope) -> dict[Role, Scope]:
    return dict.fromkeys(roles, scope)


# -- who is where ------------------------------------------------------------------------------------------------------

_own_province = _own(College.province_code, "province_code")
_own_city = _own(College.city_code, "city_code")
_own_college = _own(College.id, "college_id")


def _college_of(column: Any) -> dict[Role, Scope]:
    """Rows of colleges of one's province, of one's city, or of one's own college."""
    return {
        Role.PROVINCE: _within(column, College.id, _own_province),
        Role.CITY: _within(column, College.id, _own_city),
        **_by(_COLLEGE, _own(column, "college_id")),
    }


_tried_certificates = _of(PilotApplication.certificate_id).where(PilotApplication.state == ApplicationState.APPROVED)


def _orgs_of_own_pilots(actor: Actor, now: datetime) -> Condition:
    """R-016."""
    mine = _tried_certificates.where(PilotApplication.college_id == actor.college_id)
    return EvaluationOrg.id.in_(_of(CertificateType.org_id).where(CertificateType.id.in_(mine)))


# -- the opening of the year -------------------------------------------------------------------------------------------

_sent = PilotApplication.state != ApplicationState.DRAFT
_with_city = and_(PilotApplication.has_city_review, PilotApplication.state.in_(WITH_CITY))
_published_declaration = _always(DeclarationPlan.state == DeclarationState.PUBLISHED)
_declarations_of_own_province = _within(
    DeclarationPlan.authority_id, EducationAuthority.id, _own(EducationAuthority.province_code, "province_code")
)
_own_certificates = _own(CertificateType.org_id, "org_id")


def _declarations_of_colleges_province(actor: Actor, now: datetime) -> Condition:
    """R-023."""
    provinces = _of(College.province_code).where(_own_college(actor, now))
    authorities = _of(EducationAuthority.id).where(EducationAuthority.province_code.in_(provinces))
    return and_(DeclarationPlan.authority_id.in_(authorities), DeclarationPlan.state == DeclarationState.PUBLISHED)


def _authorities_of_colleges_province(actor: Actor, now: datetime) -> Condition:
    return EducationAuthority.province_code.in_(_of(College.province_code).where(_own_college(actor, now)))


def _standards_applied_for(column: Any, certificates: Any) -> Scope:
    """R-049: standards of certificates the college has applied for; certificates: (standard's id, certificate's id)."""
    standard_id, certificate_id = certificates

    def scope(actor: Actor, now: datetime) -> Condition:
        asked = _of(PilotApplication.certificate_id).where(PilotApplication.college_id == actor.college_id, _sent)
        applied: Condition = column.in_(_of(standard_id).where(certificate_id.in_(asked)))
        return applied

    return scope


def _standards(model: Any, certificates: Any) -> dict[Role, Scope]:
    return {
        **_by((Role.ADMIN, *_AUTHORITIES), _all),
        Role.TEO: _own(model.org_id, "org_id"),
        **_by(_COLLEGE, _standards_applied_for(model.id, certificates)),
    }


_skill_standards = _standards(SkillStandard, (CertificateType.standard_id, CertificateType.id))
_site_standards = _standards(
    SiteStandard, (SiteStandardCertificate.standard_id, SiteStandardCertificate.certificate_id)
)

# -- exams -------------------------------------------------------------------------------------------------------------

_published_plan = _always(ExamPlan.state == PlanState.PUBLISHED)


def _plans_of_own_college(actor: Actor, now: datetime) -> Condition:
    """R-061."""
    listed = _of(ExamPlanCollege.plan_id).where(ExamPlanCollege.college_id == actor.college_id)
    return and_(ExamPlan.state == PlanState.PUBLISHED, or_(ExamPlan.is_open_to_all, ExamPlan.id.in_(listed)))


def _borrowed_sites(actor: Actor, now: datetime) -> Condition:
    return ExamSite.id.in_(
        _of(SiteAllocation.site_id).where(
            SiteAllocation.borrowing_college_id == actor.college_id, SiteAllocation.state == AllocationState.ACTIVE
        )
    )


_sent_site = _always(ExamSite.review_state != SiteReview.DRAFT)
_of_own_plans = _own(ExamPlan.org_id, "org_id")
_at_own_site = _within(ExamRoom.site_id, ExamSite.id, _own(ExamSite.college_id, "college_id"))


def _rooms_of_own_people(actor: Actor, now: datetime) -> Condition:
    """R-182: borrowers see where their own candidates sit."""
    mine = _of(Registration.id).where(Registration.college_id == actor.college_id)
    sittings = _of(SubjectRegistration.id).where(SubjectRegistration.registration_id.in_(mine))
    return RoomArrangement.id.in_(
        _of(SeatAssignment.room_arrangement_id).where(SeatAssignment.subject_registration_id.in_(sittings))
    )


def _after(window_edge: Any) -> Scope:
    """Plans whose edge (a column of ExamPlan) has passed."""
    return lambda actor, now: window_edge < now


_entry_is_over = _after(ExamPlan.score_entry_closes_at)
_is_public = _after(ExamPlan.publication_opens_at)


def _of_registrations(column: Any, plans: Scope | None = None, later: Scope | None = None) -> dict[Role, Scope]:
    """Rows that hang on a registration. plans: when the college may see them, later: when the candidate may."""
    by_college = _college_of(Registration.college_id)

    def through(own: Scope, plans: Scope | None) -> Scope:
        wanted = own if plans is None else _both(own, _within(Registration.plan_id, ExamPlan.id, plans))
        return _within(column, Registration.id, wanted)

    return {
        Role.ADMIN: _all,
        Role.PROVINCE: through(by_college[Role.PROVINCE], plans),
        Role.TEO: through(_own(Registration.org_id, "org_id"), None),
        **_by(_COLLEGE, through(_own(Registration.college_id, "college_id"), plans)),
        Role.CANDIDATE: through(_own(Registration.candidate_id, "candidate_id"), later),
    }


_sittings_by_score = _of_registrations(SubjectRegistration.registration_id, _entry_is_over, _is_public)
_scores: dict[Role, Scope] = {
    role: _within(SubjectScore.subject_registration_id, SubjectRegistration.id, scope)
    for role, scope in _sittings_by_score.items()
}
_issuances: dict[Role, Scope] = {
    Role.ADMIN: _all,
    Role.PROVINCE: _within(CertificateIssuance.college_id, College.id, _own_province),
    Role.TEO: _own(CertificateIssuance.org_id, "org_id"),
    **_by(_SIGNING, _own(CertificateIssuance.college_id, "college_id")),
    Role.CANDIDATE: _both(
        _within(CertificateIssuance.registration_id, Registration.id, _own(Registration.candidate_id, "candidate_id")),
        _always(CertificateIssuance.state == IssuanceState.ISSUED),
    ),
}
_plans: dict[Role, Scope] = {
    Role.ADMIN: _all,
    **_by(_AUTHORITIES, _published_plan),
    Role.TEO: _of_own_plans,
    **_by(_SIGNING, _plans_of_own_college),
}
_applications: dict[Role, Scope] = {
    Role.ADMIN: _all,
    Role.PROVINCE: _both(
        _own(PilotApplication.province_code, "province_code"), _always(and_(_sent, ~_with_city))
    ),  # not before the city has passed it
    Role.CITY: _both(_own(PilotApplication.city_code, "city_code"), _always(_sent)),
    Role.TEO: _both(_own(PilotApplication.org_id, "org_id"), _always(_sent)),
    **_by(_COLLEGE, _own(PilotApplication.college_id, "college_id")),
}
_sites: dict[Role, Scope] = {
    Role.ADMIN: _all,
    Role.PROVINCE: _both(_within(ExamSite.college_id, College.id, _own_province), _sent_site),
    Role.CITY: _both(_within(ExamSite.college_id, College.id, _own_city), _sent_site),
    Role.TEO: _both(_own(ExamSite.org_id, "org_id"), _sent_site),
    **_by(_COLLEGE, _either(_own(ExamSite.college_id, "college_id"), _borrowed_sites)),
}
_accounts: dict[Role, Scope] = {
    **dict.fromkeys(Role, _own(UserAccount.id, "account_id")),
    Role.ADMIN: _all,
    **_by(_COLLEGE, _own(UserAccount.college_id, "college_id")),
}
_own_delegations = _either(_own(Delegation.principal_id, "account_id"), _own(Delegation.deputy_id, "account_id"))


def _of_principals(column: Any, whole: Any, scope: Scope) -> Scope:
    """Delegations of people whose organisation lies in scope."""
    return _within(Delegation.principal_id, UserAccount.id, _within(column, whole, scope))


def _told_of_announcement(actor: Actor, now: datetime) -> Condition:
    """Addressed by it: a message of it went to this account."""
    mine = _of(Notification.thing_id).where(
        Notification.thing_type == Announcement.__tablename__, Notification.account_id == actor.account_id
    )
    return and_(Announcement.id.in_(mine), Announcement.state != AnnouncementState.DRAFT)


_whoever_works_here = (Role.ADMIN, *_AUTHORITIES, Role.TEO, *_COLLEGE)

# -- the table ---------------------------------------------------------------------------------------------------------

READERS: dict[type[Base], dict[Role, Scope]] = {
    RegionName: _by(_whoever_works_here, _all),
    Major: _by(_whoever_works_here, _all),
    EducationAuthority: {
        Role.ADMIN: _all,
        **_by(_AUTHORITIES, _own(EducationAuthority.province_code, "province_code")),
        **_by(_COLLEGE, _authorities_of_colleges_province),
    },
    EvaluationOrg: {
        Role.ADMIN: _all,
        **_by(_AUTHORITIES, _all),
        Role.TEO: _own(EvaluationOrg.id, "org_id"),
        **_by(_COLLEGE, _orgs_of_own_pilots),
    },
    College: {Role.ADMIN: _all, Role.TEO: _all, **_college_of(College.id)},
    CertificateOfficer: {Role.ADMIN: _all, Role.TEO: _all, **_college_of(CertificateOfficer.college_id)},
    InstitutionDirectoryEntry: {
        Role.ADMIN: _all,
        Role.PROVINCE: _own(InstitutionDirectoryEntry.province_code, "province_code"),
        Role.CITY: _own(InstitutionDirectoryEntry.city_code, "city_code"),
    },
    UserAccount: _accounts,
    AccountRole: {role: _within(AccountRole.account_id, UserAccount.id, scope) for role, scope in _accounts.items()},
    ChatBinding: {role: _within(ChatBinding.account_id, UserAccount.id, scope) for role, scope in _accounts.items()},
    Delegation: {
        Role.ADMIN: _all,
        Role.PROVINCE: _either(_own_delegations, _of_principals(UserAccount.college_id, College.id, _own_province)),
        **_by((Role.CITY, Role.TEO, Role.SIGN_REVIEWER), _own_delegations),
        **_by(_COLLEGE, _within(Delegation.principal_id, UserAccount.id, _own(UserAccount.college_id, "college_id"))),
    },
    Announcement: {
        **dict.fromkeys(KEEPS_WORK, _told_of_announcement),
        Role.ADMIN: _all,
        Role.TEO: _either(_told_of_announcement, _own(Announcement.org_id, "org_id")),
        **_by(_AUTHORITIES, _either(_told_of_announcement, _own(Announcement.authority_id, "authority_id"))),
    },
    ElectronicSeal: {Role.SIGNATORY: _own(ElectronicSeal.college_id, "college_id")},
    CertificateType: {**_by(_whoever_works_here, _all), Role.TEO: _own_certificates},
    CertificateTemplate: {Role.ADMIN: _all, Role.TEO: _own(CertificateTemplate.org_id, "org_id")},
    SkillStandard: _skill_standards,
    SiteStandard: _site_standards,
    SiteStandardItem: dict.fromkeys(_site_standards, _part_of(SiteStandardItem.standard_id, SiteStandard)),
    SiteStandardCertificate: dict.fromkeys(
        _site_standards, _part_of(SiteStandardCertificate.standard_id, SiteStandard)
    ),
    Attachment: _by(
        _whoever_works_here,
        _either(
            _part_of(Attachment.application_id, PilotApplication),
            _part_of(Attachment.standard_id, SkillStandard),
            _part_of(Attachment.site_standard_id, SiteStandard),
            _part_of(Attachment.certificate_id, CertificateType),
        ),
    ),
    Subject: {
        **_by(_whoever_works_here, _all),
        Role.TEO: _within(Subject.certificate_id, CertificateType.id, _own_certificates),
    },
    DeclarationPlan: {
        Role.ADMIN: _all,
        Role.PROVINCE: _declarations_of_own_province,
        Role.CITY: _both(_declarations_of_own_province, _published_declaration),
        **_by(_COLLEGE, _declarations_of_colleges_province),
    },
    PilotApplication: _applications,
    PilotApplicationMajor: dict.fromkeys(
        _applications, _part_of(PilotApplicationMajor.application_id, PilotApplication)
    ),
    PilotSubmission: dict.fromkeys(_applications, _part_of(PilotSubmission.application_id, PilotApplication)),
    ReviewRecord: {
        role: _either(_part_of(ReviewRecord.application_id, PilotApplication), _part_of(ReviewRecord.site_id, ExamSite))
        for role in _whoever_works_here
    },
    Quota: {
        Role.ADMIN: _all,
        **_college_of(Quota.college_id),
        Role.PROVINCE: _own(Quota.province_code, "province_code"),
        Role.TEO: _within(Quota.certificate_id, CertificateType.id, _own_certificates),
    },
    QuotaPosting: _by((Role.ADMIN, *_AUTHORITIES, Role.TEO, *_COLLEGE), _part_of(QuotaPosting.quota_id, Quota)),
    ExamPlan: _plans,
    ExamPlanCollege: {
        **_by((Role.ADMIN, Role.TEO, Role.PROVINCE), _part_of(ExamPlanCollege.plan_id, ExamPlan)),
        **_by(_COLLEGE, _own(ExamPlanCollege.college_id, "college_id")),
    },
    ExamPlanCertificate: dict.fromkeys(_plans, _part_of(ExamPlanCertificate.plan_id, ExamPlan)),
    ExamPlanSubject: dict.fromkeys(_plans, _part_of(ExamPlanSubject.plan_id, ExamPlan)),
    ExamSession: dict.fromkeys(_plans, _part_of(ExamSession.plan_subject_id, ExamPlanSubject)),
    ExamSite: _sites,
    SiteAllocation: {
        Role.ADMIN: _all,
        Role.PROVINCE: _within(SiteAllocation.borrowing_college_id, College.id, _own_province),
        Role.TEO: _within(SiteAllocation.plan_id, ExamPlan.id, _of_own_plans),
        **_by(
            _COLLEGE,
            _either(
                _own(SiteAllocation.borrowing_college_id, "college_id"),
                _within(SiteAllocation.site_id, ExamSite.id, _own(ExamSite.college_id, "college_id")),
            ),
        ),
    },
    ExamRoom: {
        Role.ADMIN: _all,
        Role.TEO: _within(ExamRoom.plan_id, ExamPlan.id, _of_own_plans),
        **_by(_COLLEGE, _at_own_site),
    },
    Candidate: {
        Role.ADMIN: _all,
        Role.TEO: _within(Candidate.id, Registration.candidate_id, _own(Registration.org_id, "org_id")),
        **_by(_COLLEGE, _own(Candidate.college_id, "college_id")),
        Role.CANDIDATE: _own(Candidate.id, "candidate_id"),
    },
    CandidatePhoto: _by(
        (Role.ADMIN, Role.TEO, *_COLLEGE, Role.CANDIDATE), _part_of(CandidatePhoto.candidate_id, Candidate)
    ),
    MergedCandidate: _by((Role.ADMIN, Role.TEO, *_COLLEGE), _part_of(MergedCandidate.candidate_id, Candidate)),
    IdentityVerification: _by((Role.ADMIN, *_COLLEGE), _part_of(IdentityVerification.candidate_id, Candidate)),
    VerificationBatch: {
        Role.ADMIN: _all,
        **_by(_COLLEGE, _own(VerificationBatch.college_id, "college_id")),
    },
    VerificationRequest: _by((Role.ADMIN, *_COLLEGE), _part_of(VerificationRequest.candidate_id, Candidate)),
    CandidateSnapshot: {
        Role.ADMIN: _all,
        Role.TEO: _within(CandidateSnapshot.plan_id, ExamPlan.id, _of_own_plans),
        **_by(
            _COLLEGE, _within(CandidateSnapshot.candidate_id, Candidate.id, _own(Candidate.college_id, "college_id"))
        ),
        Role.CANDIDATE: _own(CandidateSnapshot.candidate_id, "candidate_id"),
    },
    Registration: _of_registrations(Registration.id),
    SubjectRegistration: _of_registrations(SubjectRegistration.registration_id),
    RoomArrangement: {
        Role.ADMIN: _all,
        Role.TEO: _within(RoomArrangement.plan_id, ExamPlan.id, _of_own_plans),
        **_by(
            _COLLEGE,
            _either(_within(RoomArrangement.room_id, ExamRoom.id, _at_own_site), _rooms_of_own_people),
        ),
    },
    SeatAssignment: {
        Role.ADMIN: _all,
        Role.TEO: _within(
            SeatAssignment.room_arrangement_id,
            RoomArrangement.id,
            _within(RoomArrangement.plan_id, ExamPlan.id, _of_own_plans),
        ),
        **_by(
            _COLLEGE,
            _either(
                _within(
                    SeatAssignment.room_arrangement_id,
                    RoomArrangement.id,
                    _within(RoomArrangement.room_id, ExamRoom.id, _at_own_site),
                ),
                _part_of(SeatAssignment.subject_registration_id, SubjectRegistration),
            ),
        ),
        Role.CANDIDATE: _part_of(SeatAssignment.subject_registration_id, SubjectRegistration),
    },
    SubjectScore: _scores,
    ScoreAmendment: dict.fromkeys(_scores, _part_of(ScoreAmendment.score_id, SubjectScore)),
    CertificateResult: _of_registrations(CertificateResult.registration_id, _entry_is_over, _is_public),
    CertificateIssuance: _issuances,
    Certificate: dict.fromkeys(_issuances, _part_of(Certificate.issuance_id, CertificateIssuance)),
    SigningRecord: _by(
        (Role.ADMIN, Role.PROVINCE, Role.TEO, *_SIGNING), _part_of(SigningRecord.issuance_id, CertificateIssuance)
    ),
    ImportJob: {
        Role.ADMIN: _all,
        Role.TEO: _own(ImportJob.org_id, "org_id"),
        **_by(_COLLEGE, _own(ImportJob.college_id, "college_id")),
    },
    PhotoVerdict: _by((Role.ADMIN, *_COLLEGE), _part_of(PhotoVerdict.job_id, ImportJob)),
    ExportJob: {**dict.fromkeys(Role, _own(ExportJob.created_by, "account_id")), Role.ADMIN: _all},
    Notification: dict.fromkeys(Role, _own(Notification.account_id, "account_id")),
    AuditEntry: {Role.ADMIN: _all},
}
