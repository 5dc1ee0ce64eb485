"""How values look in lists and on pages: Chinese words, local times, masked numbers."""

from __future__ import annotations

from collections.abc import Iterable, Set
from datetime import date, datetime
from typing import Any

from markupsafe import Markup

from core.models.base import Base
from core.notifications.words import when
from core.rules import values
from core.rules.announcements import AnnouncementState
from core.rules.arrangement import ArrangementState
from core.rules.candidates import CandidateKind, CandidateState, VerificationMethod
from core.rules.catalogue import CertificateLevel, ExamMode, modes_text
from core.rules.certificates import IssuanceState, IssueMethod, Party
from core.rules.exports import ExportPhase
from core.rules.machine import Labelled
from core.rules.notices import DeliveryState
from core.rules.organisations import AccountState, BindingState, Reach, SealState, Switch
from core.rules.pilots import UNDER_REVIEW, ApplicationState, DeclarationPhase, QuotaState
from core.rules.plans import PlanState, PlanStatus
from core.rules.registrations import Attendance, RegistrationSource
from core.rules.scores import ResultState, ScoreState
from core.rules.sites import SiteReview, SiteStatus
from core.rules.values import EducationLevel, Gender, IdType

NOTHING = "—"
_MASKS = {"id_number": values.mask_id} | dict.fromkeys(
    ("mobile", "contact_mobile", "registered_mobile"), values.mask_mobile
)

# What a state means for whoever looks at it. Members with the same word in two lifecycles share their tone.
_GOOD = {
    ApplicationState.APPROVED,
    SiteStatus.ENABLED,
    Switch.ENABLED,
    AccountState.ENABLED,
    BindingState.ACTIVE,
    Reach.BOUND,
    SealState.ACTIVE,
    QuotaState.ACTIVE,
    CandidateState.VERIFIED,
    IssuanceState.ISSUED,
    ResultState.PASSED,
    ScoreState.LOCKED,
    PlanState.PUBLISHED,
    AnnouncementState.PUBLISHED,
    ArrangementState.PUBLISHED,
    ArrangementState.ARRANGED,
    DeclarationPhase.OPEN,
    PlanStatus.IN_PROGRESS,
    DeliveryState.DELIVERED,
    ExportPhase.READY,
}
_BAD = {
    ApplicationState.RETURNED,
    SiteStatus.DISQUALIFIED,
    Switch.DISABLED,
    BindingState.DEAD,
    Reach.DEAD,
    Reach.NONE,
    QuotaState.LAPSED,
    IssuanceState.TEO_REJECTED,
    IssuanceState.SITE_REJECTED,
    IssuanceState.STAMP_FAILED,
    ResultState.FAILED,
    DeliveryState.FAILED,
}
_WAITING = {
    *UNDER_REVIEW,
    Reach.WAITING,
    SiteReview.PENDING,
    CandidateState.NO_PHOTO,
    CandidateState.INCOMPLETE,
    CandidateState.PENDING_VERIFICATION,
    CandidateState.NEEDS_MANUAL,
    IssuanceState.TEO_PENDING,
    IssuanceState.SITE_PENDING,
    IssuanceState.READY,
    IssuanceState.GENERATING,
    ExportPhase.WAITING,
}

# Enumerations that say what a thing is, not how it is doing: a word, no badge.
_WORDS = (
    Attendance,
    CandidateKind,
    CertificateLevel,
    EducationLevel,
    Gender,
    IdType,
    IssueMethod,
    Party,
    RegistrationSource,
    VerificationMethod,
)


def badge(state: Labelled) -> Markup:
    """The state's word in the colour of its meaning; the word alone says everything."""
    tone = "good" if state in _GOOD else "bad" if state in _BAD else "wait" if state in _WAITING else "idle"
    if isinstance(state, AccountState) and state is AccountState.LOCKED:
        tone = "bad"
    return Markup('<span class="badge-state is-{}">{}</span>').format(tone, state.label)


def shown(value: Any, name: str = "") -> str | Markup:
    """One value as people read it; ID numbers and mobiles are masked by the name of their column (R-010)."""
    if isinstance(value, Markup):
        return value
    if value is None or value == "":
        return NOTHING
    mask = _MASKS.get(name.rsplit(".", 1)[-1])
    if mask is not None:
        return mask(str(value))
    return _by_type(value)


def _by_type(value: Any) -> str | Markup:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, _WORDS):
        return value.label
    if isinstance(value, Labelled):
        return badge(value)
    if isinstance(value, datetime):
        return when(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Base):
        return str(getattr(value, "full_name", None) or getattr(value, "name", None) or value.id)
    if isinstance(value, Set):
        modes = [item for item in value if isinstance(item, ExamMode)]
        return modes_text(modes) if modes else joined(value)
    if isinstance(value, (list, tuple)):
        return joined(value)
    return str(value)


def joined(items: Iterable[Any]) -> str:
    """Several values in one cell."""
    return "、".join(str(_by_type(item)) for item in items) or NOTHING


def plain(value: Any, name: str = "") -> str:
    """The same without markup, for recaps in sentences."""
    return value.label if isinstance(value, Labelled) else str(shown(value, name))
