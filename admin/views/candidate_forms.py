"""Forms about one candidate: made, completed, photographed, vouched for, looked at."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional, StopValidation

from admin.forms import Choice, PanelForm, Upload, text_field
from admin.session import reader
from core import clock
from core.actors import Actor
from core.errors import Refusal
from core.models.candidates import Candidate
from core.models.catalogue import Major
from core.notifications.words import sentence
from core.rules import values
from core.rules.candidates import LOCKED_WHEN_VERIFIED, CandidateState
from core.rules.values import EducationLevel, Gender, IdType

PHOTO_TYPES = ".jpg,.jpeg,.png"
PHOTO_HINT = "jpg 或 png，不超过 5 MB，295×413 像素（小一寸），红色背景。"
PINYIN_HINT = "如 Wang Wenli；留空则按姓名自动生成。"
LOCKED_HINT = "信息准确后不能修改。"


class DocumentNumber:
    """A validator that judges an ID number by the kind of document chosen in the same form."""

    def __init__(self, *, is_optional: bool = False) -> None:
        self.is_optional = is_optional
        self.field_flags = {} if is_optional else {"required": True}

    def __call__(self, form: Any, field: Any) -> None:
        if self.is_optional and not (field.data or "").strip():
            field.data = ""
            raise StopValidation("" if form.id_type.data is form.held_type else "更改证件类型时请填写新的证件号码。")
        if form.id_type.data is None:
            raise StopValidation("请先选择证件类型。")
        try:
            field.data = values.document_number(form.id_type.data, field.data, today=clock.business_today())
        except Refusal as refusal:
            raise StopValidation(sentence(refusal)) from None


class PinyinOrGuess:
    """A validator that fills an empty pinyin from the name, where every character's sound is known."""

    def __call__(self, form: Any, field: Any) -> None:
        try:
            field.data = values.pinyin((field.data or "").strip() or values.suggest_pinyin(form.name.data or ""))
        except Refusal as refusal:
            raise StopValidation(sentence(refusal)) from None


class CandidateForm(PanelForm):
    """新增学生信息: everything of R-076; the photo may follow later."""

    is_student = True  # of this college, so there is a major

    name = text_field("学生姓名", values.person_name)
    name_pinyin = StringField("姓名拼音", [PinyinOrGuess()], description=PINYIN_HINT)
    gender = Choice("性别", choices=Gender.choices(), coerce=Gender)
    mobile = text_field("手机号码", values.mobile)
    id_type = Choice("证件类型", choices=IdType.choices(), coerce=IdType, default=IdType.RESIDENT, blank=None)
    id_number = StringField("证件号码", [DocumentNumber()], render_kw={"autocomplete": "off"})
    education_level = Choice("专业层次", choices=EducationLevel.choices(), coerce=EducationLevel)
    major_code = Choice("就读专业", coerce=str)
    enrolment_year = text_field("入学年份", values.year, render_kw={"inputmode": "numeric"})
    photo = Upload("照片", accept=PHOTO_TYPES, required=False, description=f"可以稍后上传。{PHOTO_HINT}")

    def prepare(self, session: Session, actor: Actor, row: Candidate | None) -> None:
        known = dict(session.execute(select(Major.code, Major.name).order_by(Major.code)).all())
        if row is not None and row.major_code:
            known.setdefault(row.major_code, row.major_name)
        if not self.is_student:
            self.major_code.validators, self.major_code.blank = [Optional()], "没有"
            self.major_code.flags.required = False
        self.major_code.offer((code, f"{name}（{code}）") for code, name in known.items())


class SocialCandidateForm(CandidateForm):
    """The same for somebody who may study nothing here (I-02)."""

    is_student = False


class CandidateEditForm(CandidateForm):
    """编辑: the number stays masked; what is verified is shown and closed (R-089)."""

    photo = None  # type: ignore[assignment]  # WTForms drops an inherited field that is set to None

    def prepare(self, session: Session, actor: Actor, row: Candidate | None) -> None:
        super().prepare(session, actor, row)
        assert row is not None
        self.held_type = row.id_type
        self.id_number.validators = [DocumentNumber(is_optional=True)]
        self.id_number.flags.required = False
        self.id_number.render_kw = {"autocomplete": "off", "placeholder": values.mask_id(row.id_number)}
        self.id_number.description = "留空表示不修改。"
        if row.state is CandidateState.VERIFIED:
            for field in self:
                if field.name in LOCKED_WHEN_VERIFIED:
                    field.render_kw = {**(field.render_kw or {}), "disabled": True}
                    field.description = LOCKED_HINT


class SocialEditForm(CandidateEditForm):
    """The same for a social candidate."""

    is_student = False


class PhotoForm(PanelForm):
    """上传照片."""

    photo = Upload("照片", accept=PHOTO_TYPES, description=PHOTO_HINT)


class NoteForm(PanelForm):
    """人工确认: vouched for in words (R-087)."""

    note = TextAreaField(
        "确认说明",
        [DataRequired("请写明核对了什么、依据是什么。"), Length(max=500, message="请控制在 500 字以内。")],
        description="例如：已当面核对身份证原件和本人，与系统信息一致。",
    )


class LookForm(PanelForm):
    """Why somebody needs to see a whole number."""

    reason = TextAreaField(
        "查看原因",
        [DataRequired("请写明为什么需要查看。"), Length(max=200, message="请控制在 200 字以内。")],
        description="查看时间、查看人和原因会写入操作记录。",
    )


def new_values(typed: dict[str, Any], row: None) -> dict[str, Any]:
    """The use case's arguments for a new candidate."""
    photo = typed.pop("photo")
    return {"values": _completed(typed), "photo": photo}


def edited(row: Candidate) -> dict[str, Any]:
    """The form of a candidate as it stands; the number is not put into a page."""
    names = ("name", "name_pinyin", "gender", "id_type", "mobile", "enrolment_year", "education_level", "major_code")
    return {name: getattr(row, name) for name in names}


def changes(typed: dict[str, Any], row: Candidate) -> dict[str, Any]:
    """The use case's arguments for an edit; an empty number means the one there is."""
    if not typed["id_number"]:
        del typed["id_number"]
    if typed["major_code"] == row.major_code:
        typed["major_name"] = row.major_name
    return {"changes": _completed(typed)}


def _completed(typed: dict[str, Any]) -> dict[str, Any]:
    code = typed["major_code"] or ""
    if "major_name" not in typed:
        typed["major_name"] = reader().scalar(select(Major.name).where(Major.code == code)) or ""
    return {**typed, "major_code": code}
