"""What a college and its reviewers fill in for a pilot application."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import g, request, url_for
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import Field, HiddenField, TextAreaField
from wtforms.fields import MultipleFileField
from wtforms.validators import Length, Optional, StopValidation

from admin.forms import Choice, PanelForm, Ticks, number_field
from admin.session import current_actor
from admin.usecase_view import choices_of
from core import clock
from core.actors import Actor
from core.models.catalogue import CertificateType
from core.models.pilots import DeclarationPlan, PilotApplication
from core.queries.applications import as_submitted, earlier_applications, fingerprint_of
from core.queries.attachments import attachments_of
from core.queries.catalogue import offered_certificates
from core.queries.scoping import visible
from core.rules import richtext, values
from core.rules.attachments import suffixes_for
from core.rules.catalogue import AttachmentKind
from core.rules.pilots import CertificateScope, DeclarationState
from core.usecases.applications import DeclaredMajor, GivenFile

COUNTS = ("students_enrolled", "full_time_teachers", "requested_count")
HEADERS = ("专业", "在校学生数", "专任教师数", "申请培训人数")
_TABLE = Markup(
    '<div data-sum="{}"><div class="scroll"><table class="rows"><thead><tr>{}</tr></thead>'
    '<tbody>{}</tbody></table></div><p class="sum" data-sum-says aria-live="polite"></p></div>'
)
_NUMBER: Callable[..., Markup] = Markup(
    '<td data-label="{2}"><input class="control" type="number" min="0" max="{3}" name="{0}" value="{1}"'
    ' aria-label="{4} {2}"{5}></td>'
).format
_CELL: Callable[..., Markup] = Markup('<td data-label="{}">{}</td>').format
_LARGEST = 9_999_999


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


def copies_for(session: Session, plan: DeclarationPlan) -> list[PilotApplication]:
    """The college's earlier applications that may be taken over into this plan, the newest of each certificate."""
    college_id = current_actor().college_id
    if college_id is None:
        return []
    newest: dict[int, PilotApplication] = {}
    for row in session.scalars(earlier_applications(college_id, plan)).unique():
        newest.setdefault(row.certificate_id, row)
    return list(newest.values())


# -- fields ------------------------------------------------------------------------------------------------------------


class RichText(TextAreaField):
    """A description: an editor where scripts run, plain lines where not; what is typed survives a refusal as it is."""

    is_wide = True

    def process_data(self, value: Any) -> None:
        self.data = richtext.for_typing(value or "")

    def __call__(self, **options: Any) -> Markup:
        return super().__call__(rows=8, **({"data-editor": "", "data-picture": self._pictures_to()} | options))

    def _pictures_to(self) -> str:
        """Where the editor sends pictures: an application that has a number has a place for them."""
        ident = request.args.get("id", "")
        is_saved = request.endpoint == "applications.verb_view" and ident.isdigit()
        return url_for("applications.picture_view", id=ident) if is_saved else ""


class Uploads(MultipleFileField):
    """Several files at once; data is a list of GivenFile."""

    is_wide = True

    def process_formdata(self, valuelist: list[Any]) -> None:
        given = [item for item in valuelist if getattr(item, "filename", "")]
        self.data = [GivenFile(values.tidy(item.filename)[-200:], item.read()) for item in given]


class _CountRows(Field):
    """A table of whole numbers whose lines are known once the row is."""

    is_wide = True
    total = ""  # the field the lines add up to

    def __init__(self, label: str, **options: Any) -> None:
        super().__init__(label, [Optional()], **options)
        self.lines: Sequence[Any] = ()

    def process_formdata(self, valuelist: list[str]) -> None:
        """Lines are read once they are known, see offer."""

    def table(self, headers: Sequence[str], lines: Sequence[Markup]) -> Markup:
        """The whole, with a place for the sum."""
        heads = Markup("").join(Markup("<th>{}</th>").format(word) for word in headers)
        return _TABLE.format(self.total, heads, Markup("").join(lines))


def _typed_number(name: str) -> int | None:
    """What was typed into a cell: None for nothing, -1 for what is no number."""
    text = request.form.get(name, "").strip()
    if not text:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else -1


class MajorRows(_CountRows):
    """拟申报专业: a line per major of the certificate, empty lines left out; data is a list of DeclaredMajor."""

    total = "requested_count"

    def offer(self, majors: Sequence[Any]) -> None:
        """The majors of the certificate; on a sent form, the lines that were filled in."""
        self.lines = majors
        if request.method == "POST":
            self.data = [row for row in map(self._typed, majors) if row is not None]

    def _typed(self, major: Any) -> DeclaredMajor | None:
        numbers = [_typed_number(f"{self.name}-{major.id}-{name}") for name in COUNTS]
        if all(number is None for number in numbers):
            return None
        enrolled, teachers, requested = (number or 0 for number in numbers)
        return DeclaredMajor(major.id, requested, enrolled, teachers)

    def pre_validate(self, form: Any) -> None:
        if any(min(row.requested_count, row.students_enrolled, row.full_time_teachers) < 0 for row in self.data or []):
            raise StopValidation("人数请填写不小于 0 的整数。")

    def __call__(self, **options: Any) -> Markup:
        held = {row.major_id: row for row in self.data or []}
        return self.table(HEADERS, [self._line(major, held.get(major.id)) for major in self.lines])

    def _line(self, major: Any, row: DeclaredMajor | None) -> Markup:
        word = f"{major.name}（{major.code}）"
        cells = Markup("").join(
            _NUMBER(
                f"{self.name}-{major.id}-{name}",
                getattr(row, name) if row is not None else "",
                header,
                _LARGEST,
                word,
                Markup(" data-part") if name == "requested_count" else "",
            )
            for name, header in zip(COUNTS, HEADERS[1:], strict=True)
        )
        return Markup("<tr>{}{}</tr>").format(_CELL("专业", word), cells)


class ApprovedRows(_CountRows):
    """批准人数 per major: none above what was asked for, together the total (R-041); data is {row id: number}."""

    total = "approved_count"

    def offer(self, rows: Sequence[Any]) -> None:
        """The application's majors, as many as asked for to begin with."""
        self.lines = rows
        if request.method == "POST":
            typed = {row.id: _typed_number(f"{self.name}-{row.id}") for row in rows}
            self.data = {ident: number for ident, number in typed.items() if number is not None}
        else:
            self.data = {row.id: row.requested_count for row in rows}

    def pre_validate(self, form: Any) -> None:
        asked = {row.id: row.requested_count for row in self.lines}
        if any(not 0 <= number <= asked[ident] for ident, number in (self.data or {}).items()):
            raise StopValidation("每个专业的批准人数不能小于 0，也不能超过申请人数。（R-041）")
        if self.data and form.approved_count.data is not None and sum(self.data.values()) != form.approved_count.data:
            raise StopValidation(
                f"各专业合计 {sum(self.data.values())} 人，与总人数 {form.approved_count.data} 人不一致。（R-041）"
            )

    def __call__(self, **options: Any) -> Markup:
        return self.table((*HEADERS, "批准培训人数"), [self._line(row) for row in self.lines])

    def _line(self, row: Any) -> Markup:
        word = f"{row.major.name}（{row.major.code}）"
        facts = (word, row.students_enrolled, row.full_time_teachers, row.requested_count)
        cells = Markup("").join(_CELL(header, fact) for header, fact in zip(HEADERS, facts, strict=True))
        number = (self.data or {}).get(row.id, "")
        typed = _NUMBER(
            f"{self.name}-{row.id}", number, "批准培训人数", row.requested_count, word, Markup(" data-part")
        )
        return Markup("<tr>{}{}</tr>").format(cells, typed)


# -- forms of the college ----------------------------------------------------------------------------------------------


class ApplyForm(PanelForm):
    """A new application; words, majors and files follow on the next page, when the certificate is known."""

    plan_id = Choice("申报计划", description="只列出本省正在进行的申报计划。")
    certificate_id = Choice("申报证书", description="每个批次中，同一证书只能申报一次；一个等级就是一个证书。")
    requested_count = number_field("申请总培训人数", 1, 1_000_000)

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        plans = open_declarations(session)
        self.plan_id.offer([(plan.id, f"{plan.year} 年{plan.batch_name}") for plan in plans])
        self.certificate_id.offer(_open_certificates(plans))


class ApplyHereForm(PanelForm):
    """立即申报: the plan is the row it was pressed on."""

    certificate_id = Choice("申报证书", description="只列出本批次开放、贵校在本批次还没有申报的证书。")
    requested_count = number_field("申请总培训人数", 1, 1_000_000)

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        plans = [row] if row is not None else []
        mine = PilotApplication.college_id == actor.college_id
        here = PilotApplication.plan_id == (row.id if row is not None else 0)
        taken = set(session.scalars(select(PilotApplication.certificate_id).where(mine, here)))
        self.certificate_id.offer([pair for pair in _open_certificates(plans) if pair[0] not in taken])


def _open_certificates(plans: list[DeclarationPlan]) -> list[tuple[int, str]]:
    """What at least one open plan offers; the use case checks the pair (R-028)."""
    enabled = [*offered_certificates()]
    if plans and all(plan.scope is CertificateScope.PART for plan in plans):
        listed = {certificate.id for plan in plans for certificate in plan.certificates}
        enabled.append(CertificateType.id.in_(listed))
    return choices_of(CertificateType, lambda c: f"{c.full_name} · {c.org.name}", *enabled)


class ApplicationForm(PanelForm):
    """The rest of an application: numbers, majors, words and files."""

    requested_count = number_field("申请总培训人数", 1, 1_000_000)
    majors = MajorRows("拟申报专业")
    faculty_description = RichText("师资情况", [Optional()], description="提交前必填，最多 4000 字。")
    venue_description = RichText("场地情况", [Optional()], description="提交前必填，最多 4000 字。")
    new_files = Uploads(
        "其他佐证材料",
        description="选填，可一次选择多个 pdf、doc、docx 文件，每个不超过 20 MB。没有保存成功时，文件需要重新选择。",
        render_kw={"accept": suffixes_for(AttachmentKind.EVIDENCE), "multiple": True},
    )
    dropped_ids = Ticks("移除已有材料", required=False, description="勾选后保存即移除。")

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        if row is None:
            return
        self.majors.offer(list(row.certificate.majors))
        need = (
            "本批次要求按专业填报，至少填写一行。"
            if row.plan.by_major_required
            else "全部留空表示覆盖该证书的全部对应专业。"
        )
        self.majors.description = f"各专业申请人数之和应等于总人数；{need}"
        held = attachments_of(session, application_id=row.id, kind=AttachmentKind.EVIDENCE)
        self.dropped_ids.offer([(file.id, file.file_name) for file in held])
        if not held:
            del self.dropped_ids


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
    lists = {name: typed.get(name) or () for name in ("majors", "new_files", "dropped_ids")}
    return typed | kept | lists


class SubmitForm(PanelForm):
    """The second look: the fingerprint of what is shown goes with the answer (R-035)."""

    fingerprint = HiddenField()

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        if row is not None and request.method == "GET":
            self.fingerprint.data = fingerprint_of(as_submitted(session, row))


class CopyForm(PanelForm):
    """沿用: into which open plan."""

    plan_id = Choice("申报计划", description="只列出正在进行、开放了该证书、贵校还没有申报该证书的批次。")

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        plans = copy_targets(session, row) if row is not None else []
        self.plan_id.offer([(plan.id, f"{plan.year} 年{plan.batch_name}") for plan in plans])
        if len(plans) == 1 and request.method == "GET":
            self.plan_id.data = plans[0].id


def copy_targets(session: Session, row: PilotApplication) -> list[DeclarationPlan]:
    """Open plans that an earlier application may be taken over into; a page of rows asks the database once."""
    plans = open_declarations(session)
    if "applied_here" not in g:
        here = select(PilotApplication.plan_id, PilotApplication.certificate_id).where(
            PilotApplication.college_id == row.college_id, PilotApplication.plan_id.in_([plan.id for plan in plans])
        )
        g.applied_here = {(plan_id, certificate_id) for plan_id, certificate_id in session.execute(here)}
    return [
        plan
        for plan in plans
        if (plan.id, row.certificate_id) not in g.applied_here
        and (plan.scope is CertificateScope.ALL or row.certificate in plan.certificates)
    ]


# -- forms of the reviewers --------------------------------------------------------------------------------------------


class CountForm(PanelForm):
    """How many the province approves, in all and per major (R-040, R-041)."""

    approved_count = number_field("批准总培训人数", 1, 1_000_000)
    by_major = ApprovedRows("按专业批准", description="各专业之和应等于批准总人数。")

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        if row is None:
            return
        self.approved_count.description = f"院校申请 {row.requested_count} 人；可以少批，不能多批。全部不批请用“退回”。"
        self.by_major.offer(list(row.majors))
        if not row.majors:
            del self.by_major


class CommentForm(PanelForm):
    """A remark that stays in the review record."""

    comment = TextAreaField("审核意见", [Optional(), Length(max=1000)], description="可不填，会记入审核记录。")
