"""Forms of an exam plan: the draft with its five windows, one certificate with subjects and sessions, an extension."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import BooleanField, FieldList, Form, FormField, TextAreaField
from wtforms.fields import DecimalField, IntegerField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, StopValidation
from wtforms.widgets import NumberInput

from admin.forms import BeijingTime, Choice, PanelForm, Ticks, number_field, text_field
from core import clock
from core.actors import Actor
from core.models.catalogue import Subject
from core.models.organisations import College
from core.models.plans import ExamPlan, ExamPlanCertificate
from core.notifications.words import when
from core.queries.scoping import visible
from core.rules import values
from core.rules.catalogue import PassRule
from core.rules.organisations import Switch
from core.usecases.plans import WINDOWS, PlannedCertificate, PlannedSubject

MOST_SESSIONS = 40
_SCORE = NumberInput(step="0.1", min=0)


class PlanForm(PanelForm):
    """A draft: name, year, five windows, colleges, rules. Windows come out under one name, as draft_plan takes them."""

    name = text_field("计划名称", values.text(200), description="例如：2026年Web前端第四次考核。")
    exam_year = number_field("考试年度", 2019, 2099, description="报考占用这一年度的指标。")
    registration_opens_at = BeijingTime("报考开始")
    registration_closes_at = BeijingTime("报考结束")
    arrangement_opens_at = BeijingTime("排考开始", description="一般是报考结束后的那一周。")
    arrangement_closes_at = BeijingTime("排考结束")
    exam_opens_at = BeijingTime("考试开始", description="全部场次都要落在考试时间之内。")
    exam_closes_at = BeijingTime("考试结束")
    score_entry_opens_at = BeijingTime("成绩登记开始")
    score_entry_closes_at = BeijingTime("成绩登记结束")
    publication_opens_at = BeijingTime("成绩公示开始", description="公示开始后 7 天内可以申请成绩复查。")
    publication_closes_at = BeijingTime("成绩公示结束", description="公示结束后成绩锁定，进入发证。")
    is_open_to_all = BooleanField("面向全部院校", description="不勾选时，只有下面选中的院校可以报考。")
    college_ids = Ticks("参考院校", required=False)
    rules_text = TextAreaField("考试规则", [Length(max=20_000, message="考试规则最多 20000 字。")])

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        query = select(College.id, College.name, College.college_code).where(
            College.state == Switch.ENABLED, visible(College, actor)
        )
        rows = session.execute(query.order_by(College.college_code))
        self.college_ids.offer((ident, f"{name}（{code}）") for ident, name, code in rows)

    def validate_college_ids(self, field: Any) -> None:
        """R-061: somebody has to take part."""
        if not self.is_open_to_all.data and not field.data:
            raise StopValidation("请选择参考院校，或勾选“面向全部院校”。")

    def values(self) -> dict[str, Any]:
        typed = super().values()
        edges = {name: (typed.pop(f"{name}_opens_at"), typed.pop(f"{name}_closes_at")) for name in WINDOWS}
        if typed["is_open_to_all"]:
            typed["college_ids"] = []
        return typed | {"windows": edges}


def new_plan_values() -> dict[str, Any]:
    """A plan that starts next Monday and keeps to the usual weeks (R-057); everything can be changed."""
    today = clock.business_today()
    monday = today + timedelta(days=7 - today.weekday())
    weeks = (("registration", 0, 14), ("arrangement", 14, 21), ("exam", 33, 35), ("score_entry", 35, 49))
    edges = {name: _span(monday, first, after) for name, first, after in (*weeks, ("publication", 49, 63))}
    return {"exam_year": (monday + timedelta(days=33)).year} | _flat(edges)


def plan_values(plan: ExamPlan) -> dict[str, Any]:
    """A draft as its form shows it."""
    edges = {name: (getattr(plan, f"{name}_opens_at"), getattr(plan, f"{name}_closes_at")) for name in WINDOWS}
    return _flat(edges) | {
        "name": plan.name,
        "exam_year": plan.exam_year,
        "is_open_to_all": plan.is_open_to_all,
        "college_ids": [college.id for college in plan.colleges],
        "rules_text": plan.rules_text,
    }


def _span(start: date, first: int, after: int) -> tuple[datetime, datetime]:
    """From nine in the morning of a day to six in the evening before another."""
    opens = datetime.combine(start + timedelta(days=first), time(9), clock.zone())
    closes = datetime.combine(start + timedelta(days=after - 1), time(18), clock.zone())
    return opens.astimezone(UTC), closes.astimezone(UTC)


def _flat(edges: dict[str, tuple[datetime, datetime]]) -> dict[str, datetime]:
    return {
        f"{name}_{edge}": instant
        for name, pair in edges.items()
        for edge, instant in zip(("opens_at", "closes_at"), pair, strict=True)
    }


class ExtendForm(PanelForm):
    """Which window of a published plan lasts longer, and until when (R-069)."""

    window = Choice("时间窗口", coerce=str, description="只列出尚未结束的窗口。")
    closes_at = BeijingTime("新的结束时间", description="只能比现在的结束时间晚。")

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        if row is not None:
            now = clock.now()
            self.window.offer(
                (name, f"{window.name}（现在 {when(window.closes_at)} 结束）")
                for name, window in zip(WINDOWS, row.windows, strict=True)
                if not window.over(now)
            )


class RemoveForm(PanelForm):
    """Which certificate leaves a draft."""

    certificate_id = Choice("考核证书")

    def prepare(self, session: Session, actor: Actor, row: Any | None) -> None:
        if row is not None:
            self.certificate_id.offer((one.certificate_id, one.certificate.full_name) for one in row.certificates)


# -- one certificate of a plan -----------------------------------------------------------------------------------------


class SittingForm(Form):
    """One session; both ends empty means the line is not used."""

    starts_at = BeijingTime("开始", [])
    ends_at = BeijingTime("结束", [])  # not Optional(): it would keep validate_ends_at from an end that is missing

    def validate_ends_at(self, field: Any) -> None:
        """Half a session is a slip."""
        start, end = self.starts_at.data, field.data
        if bool(start) != bool(end):
            raise StopValidation("请填写开始和结束两个时间。")
        if start and end <= start:
            raise StopValidation("结束时间须晚于开始时间。")


def one_decimal(form: Any, field: Any) -> None:
    """Marks have at most one decimal (R-201)."""
    if field.data is not None and field.data * 10 != int(field.data * 10):
        raise StopValidation("最多一位小数。")


class SubjectForm(Form):
    """A subject in a plan; left out, nothing else of it is looked at."""

    is_taken = BooleanField("考这一科", default=True)
    pass_score = DecimalField("合格分数", [InputRequired("请填写合格分数。"), one_decimal], places=None, widget=_SCORE)
    weight_percent = IntegerField(
        "占总成绩比例（%）",
        [Optional(), NumberRange(0, 100, "请填写 0 到 100 之间的整数。")],
        widget=NumberInput(min=0),
    )
    sessions = FieldList(FormField(SittingForm), min_entries=1, max_entries=MOST_SESSIONS)

    def validate(self, extra_validators: Any = None) -> bool:
        return not self.is_taken.data or super().validate(extra_validators)

    def times(self) -> list[tuple[datetime, datetime]]:
        """The sessions that were filled in."""
        return [(line.starts_at.data, line.ends_at.data) for line in self.sessions if line.starts_at.data]


class CertificateForm(PanelForm):
    """考核通过条件 and the subjects; the subjects' own forms are added by certificate_form."""

    pass_rule = Choice("考核通过条件", coerce=PassRule, choices=PassRule.choices(), blank=None)
    composite_pass_score = DecimalField(
        "综合成绩合格分数", [Optional(), NumberRange(0, 100, "请填写 0 到 100 之间的分数。"), one_decimal], places=None,
        widget=_SCORE, description="选“综合成绩合格”时填写。",
    )  # fmt: skip

    def validate_composite_pass_score(self, field: Any) -> None:
        """R-064: the composite rule needs its score."""
        if self.pass_rule.data is PassRule.COMPOSITE and field.data is None:
            raise StopValidation("请填写综合成绩合格分数。")

    def of(self, subject: Subject) -> Any:
        """The subject's own form."""
        return self[f"subject_{subject.id}"]

    def planned(self, certificate_id: int, subjects: Sequence[Subject]) -> PlannedCertificate:
        """What put_certificate takes; scores in tenths."""
        taken = [(subject, self.of(subject).form) for subject in subjects if self.of(subject).form.is_taken.data]
        composite = self.composite_pass_score.data
        return PlannedCertificate(
            certificate_id,
            self.pass_rule.data,
            [
                PlannedSubject(
                    subject.id,
                    typed.times(),
                    pass_tenths=int(typed.pass_score.data * 10),
                    weight_percent=typed.weight_percent.data,
                )
                for subject, typed in taken
            ],
            composite_pass_tenths=None if composite is None else int(composite * 10),
        )


def certificate_form(subjects: Sequence[Subject]) -> type[CertificateForm]:
    """The form class for a certificate with these subjects; a pass score may not exceed its subject's full score."""
    fields: dict[str, Any] = {}
    for subject in subjects:
        bounds = NumberRange(0, subject.full_score, f"请填写 0 到 {subject.full_score} 之间的分数。")

        class OneSubject(SubjectForm):
            """This subject, with its own full score."""

            pass_score = DecimalField(
                "合格分数", [InputRequired("请填写合格分数。"), bounds, one_decimal], places=None, widget=_SCORE
            )

        fields[f"subject_{subject.id}"] = FormField(OneSubject)
    return type("ThisCertificateForm", (CertificateForm,), fields)


def certificate_values(plan: ExamPlan, subjects: Sequence[Subject], held: ExamPlanCertificate | None) -> dict[str, Any]:
    """What the form starts from: the certificate as it stands in the plan, or what usually fits."""
    known = {row.subject_id: row for row in held.subjects} if held else {}
    rule = held.pass_rule if held else PassRule.COMPOSITE
    composite = held.composite_pass_tenths if held else 600
    filled: dict[str, Any] = {"pass_rule": rule, "composite_pass_score": _mark(composite)}
    for place, subject in enumerate(subjects):
        row = known.get(subject.id)
        filled[f"subject_{subject.id}"] = {
            "is_taken": held is None or row is not None,
            "pass_score": _mark(row.pass_tenths if row else subject.full_score * 6),
            "weight_percent": row.weight_percent if row else _share(len(subjects), place),
            "sessions": [{"starts_at": one.starts_at, "ends_at": one.ends_at} for one in row.sessions]
            if row
            else [_usual_session(plan, place)],
        }
    return filled


def _mark(tenths: int | None) -> float | int | None:
    if tenths is None:
        return None
    return tenths // 10 if tenths % 10 == 0 else tenths / 10


def _share(count: int, place: int) -> int:
    """Equal shares that sum to 100."""
    return 100 // count + (100 % count if place == count - 1 else 0)


def _usual_session(plan: ExamPlan, place: int) -> dict[str, datetime | None]:
    """Ninety minutes, one subject after the other from the opening of the exam; none where that no longer fits."""
    starts_at = plan.exam_opens_at + timedelta(hours=2 * place)
    ends_at = starts_at + timedelta(minutes=90)
    fits = ends_at <= plan.exam_closes_at
    return {"starts_at": starts_at, "ends_at": ends_at} if fits else {"starts_at": None, "ends_at": None}
