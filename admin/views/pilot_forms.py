"""What a college and its reviewers fill in for a pilot application."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import g, request
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import Field, TextAreaField
from wtforms.validators import Length, Optional, StopValidation

from admin.forms import Choice, PanelForm, number_field
from admin.session import current_actor
from admin.usecase_view import choices_of
from core import clock
from core.actors import Actor
from core.models.catalogue import CertificateType
from core.models.pilots import DeclarationPlan, PilotApplication
from core.queries.scoping import visible
from core.rules.organisations import Switch
from core.rules.pilots import CertificateScope, DeclarationState
from core.usecases.applications import DeclaredMajor

COUNTS = ("students_enrolled", "full_time_teachers", "requested_count")
HEADERS = ("专业", "在校学生数", "专任教师数", "申请培训人数")


def open_declarations(session: Session) -> list[DeclarationPlan]:
    """Published plans this person may apply to now; looked up once a request."""
    if "open_declarations" in g:
        return list(g.open_declarations)
    now = clock.now()
    wanted = select(DeclarationPlan).where(
        visible(DeclarationPlan, current_actor()),
        DeclarationPlan.state == DeclarationState.PUBLISHED,
        DeclarationPlan.apply_opens_at <= now,
        DeclarationPlan.apply_closes_at >= now,
    )
    g.open_declarations = list(session.scalars(wanted))
    return list(g.open_declarations)


class MajorRows(Field):
    """拟申报专业: a line per major of the certificate, empty lines left out; data is a list of DeclaredMajor."""

    is_wide = True

    def __init__(self, label: str, **options: Any) -> None:
        super().__init__(label, [Optional()], **options)
        self.majors: list[Any] = []

    def offer(self, majors: list[Any]) -> None:
        """The majors of the certificate; on a sent form, the lines that were filled in."""
        self.majors = majors
        if request.method == "POST":
            self.data = [row for row in map(self._typed, majors) if row is not None]

    def process_formdata(self, valuelist: list[str]) -> None:
        """Lines are read once the majors are known, see offer."""

    def _typed(self, major: Any) -> DeclaredMajor | None:
        texts = [request.form.get(f"{self.name}-{major.id}-{name}", "").strip() for name in COUNTS]
        if not any(texts):
            return None
        numbers = [int(text) if text.isascii() and text.isdigit() and len(text) < 8 else -1 for text in texts]
        enrolled, teachers, requested = (0 if not text else number for text, number in zip(texts, numbers, strict=True))
        return DeclaredMajor(major.id, requested, enrolled, teachers)

    def pre_validate(self, form: Any) -> None:
        if any(min(row.requested_count, row.students_enrolled, row.full_time_teachers) < 0 for row in self.data or []):
            raise StopValidation("人数请填写不小于 0 的整数。")

    def __call__(self, **options: Any) -> Markup:
        held = {row.major_id: row for row in self.data or []}
        lines = Markup("").join(self._line(major, held.get(major.id)) for major in self.majors)
        heads = Markup("").join(Markup("<th>{}</th>").format(word) for word in HEADERS)
        body = Markup(
            '<div class="scroll"><table class="rows"><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
        )
        return body.format(heads, lines)

    def _line(self, major: Any, row: DeclaredMajor | None) -> Markup:
        cell: Callable[..., Markup] = Markup(
            '<td data-label="{2}">'
            '<input class="control" type="number" min="0" name="{0}" value="{1}" aria-label="{2}"></td>'
        ).format
        cells = Markup("").join(
            cell(f"{self.name}-{major.id}-{name}", getattr(row, name) if row is not None else "", word)
            for name, word in zip(COUNTS, HEADERS[1:], strict=True)
        )
        return Markup('<tr><td data-label="专业">{}（{}）</td>{}</tr>').format(major.name, major.code, cells)


class ApplyForm(PanelForm):
    """A new application; the majors follow on the next page, when the certificate is known."""

    plan_id = Choice("申报计划", description="只列出本省正在进行的申报计划。")
    certificate_id = Choice("申报证书", description="每个批次中，同一证书只能申报一次。")
    requested_count = number_field("申请总培训人数", 1, 1_000_000)
    faculty_description = TextAreaField("师资情况", [Optional(), Length(max=4000)], description="提交前必填。")
    venue_description = TextAreaField("场地情况", [Optional(), Length(max=4000)], description="提交前必填。")

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        plans = open_declarations(session)
        self.plan_id.offer([(plan.id, f"{plan.year} 年{plan.batch_name}") for plan in plans])
        self.certificate_id.offer(_open_certificates(plans))


def _open_certificates(plans: list[DeclarationPlan]) -> list[tuple[int, str]]:
    """What at least one open plan offers; the use case checks the pair (R-028)."""
    enabled = [CertificateType.state == Switch.ENABLED]
    if plans and all(plan.scope is CertificateScope.PART for plan in plans):
        listed = {certificate.id for plan in plans for certificate in plan.certificates}
        enabled.append(CertificateType.id.in_(listed))
    return choices_of(CertificateType, lambda c: f"{c.full_name} · {c.org.name}", *enabled)


class ApplicationForm(PanelForm):
    """The rest of an application: numbers, words and majors."""

    requested_count = number_field("申请总培训人数", 1, 1_000_000)
    majors = MajorRows(
        "拟申报专业", description="各专业申请人数之和应等于总人数；全部留空表示覆盖该证书的全部对应专业。"
    )
    faculty_description = TextAreaField("师资情况", [Optional(), Length(max=4000)], description="提交前必填。")
    venue_description = TextAreaField("场地情况", [Optional(), Length(max=4000)], description="提交前必填。")

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        if row is not None:
            self.majors.offer(list(row.certificate.majors))


def application_as_typed(row: PilotApplication) -> dict[str, Any]:
    """A draft as its form shows it."""
    names = ("requested_count", "faculty_description", "venue_description")
    lines = [
        DeclaredMajor(line.major_id, line.requested_count, line.students_enrolled, line.full_time_teachers)
        for line in row.majors
    ]
    return {name: getattr(row, name) for name in names} | {"majors": lines}


def application_as_saved(typed: dict[str, Any], row: Any) -> dict[str, Any]:
    """What save_application wants for a draft that is there already."""
    kept = {"college_id": row.college_id, "plan_id": row.plan_id, "certificate_id": row.certificate_id}
    return typed | kept | {"majors": typed["majors"] or ()}


class CountForm(PanelForm):
    """How many the province approves (R-040, R-041)."""

    approved_count = number_field("批准总培训人数", 1, 1_000_000)

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        if row is not None:
            self.approved_count.description = (
                f"院校申请 {row.requested_count} 人；可以少批，不能多批。全部不批请用“退回”。"
            )


class CommentForm(PanelForm):
    """A remark that stays in the review record."""

    comment = TextAreaField("审核意见", [Optional(), Length(max=1000)], description="可不填，会记入审核记录。")
