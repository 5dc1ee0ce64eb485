"""Candidates by the sheet: a college's own students (I-01), and social candidates (I-02)."""

from __future__ import annotations

from dataclasses import replace

from core.db import Tx
from core.models.organisations import College
from core.queries.exports import candidates_of
from core.rules import values
from core.rules.candidates import CandidateKind
from core.rules.permissions import permit
from core.rules.values import EducationLevel, Gender, IdType
from core.sheets.kind import Batch, Export, SheetKind, Undo, own_college
from core.sheets.spec import Column, SheetSpec
from core.usecases.candidates import import_candidates
from core.usecases.imports import Outcome
from core.usecases.undoing import candidates_leaned_on, take_back_candidates

ACT = "edit_candidates"


def _or_empty(clean: values.Cleaner[str]) -> values.Cleaner[str]:
    """The same cleaner where nothing is a value, too."""
    return lambda typed: clean(typed) if values.tidy(typed) else ""


STUDENTS = SheetSpec(
    "candidates",
    title="本校学生导入模板",
    version=1,
    key=("id_type", "id_number"),
    columns=(
        Column("学生姓名", "name", values.person_name, example="欧阳晴笺", note="与证件上的姓名一致，字间不留空格"),
        Column(
            "姓名拼音", "name_pinyin", values.pinyin, example="Ouyang Qingjian", note="字母与空格，不标声调", width=22
        ),
        Column("性别", "gender", values.gender, choices=tuple(word.label for word in Gender), width=8),
        Column("证件类型", "id_type", values.id_type, choices=tuple(word.label for word in IdType), example="身份证"),
        Column(
            "证件号码",
            "id_number",
            values.document_number,
            judged_by="id_type",
            text_only=True,
            width=24,
            note="身份证为 18 位，末位可以是 X；单元格须为文本格式",
        ),
        Column("手机号码", "mobile", values.mobile, note="11 位手机号码"),
        Column("入学年份", "enrolment_year", values.year, example="2025", note="4 位年份", width=12),
        Column(
            "专业层次",
            "education_level",
            values.education_level,
            choices=tuple(word.label for word in EducationLevel),
            example="高职(专科)",
        ),
        Column("就读专业", "major_name", values.text(100), example="软件技术", width=22),
        Column(
            "专业代码", "major_code", values.major_code, example="610205", note="专业目录中的代码，开头的 0 不能省略"
        ),
    ),
    notes=(
        "一名考生只导入一次，以后每次考试都可以使用（R-078）；内容完全相同的行视为未变。",
        "同一证件号码在全平台只能登记一次（R-077）。",
    ),
)

SOCIAL = replace(
    STUDENTS,
    name="social-candidates",
    title="社会考生导入模板",
    columns=tuple(
        replace(column, clean=_or_empty(column.clean), required=False, note="没有可不填")
        if column.field in {"major_name", "major_code"}
        else column
        for column in STUDENTS.columns
    ),
)


def _kind(spec: SheetSpec, kind: CandidateKind) -> SheetKind:
    def take(tx: Tx, batch: Batch) -> Outcome:
        college_id = own_college(tx.actor)
        return import_candidates(
            tx, college_id=college_id, kind=kind, rows=batch.rows, import_job_id=batch.import_job_id
        )

    def export(tx: Tx, plan_id: int | None) -> Export:
        college = tx.get(College, own_college(tx.actor))
        permit(tx.actor, ACT, college)
        fields = [column.field for column in spec.columns]
        return Export(college, tx.session.execute(candidates_of(college.id, kind, fields)))

    undo = Undo(candidates_leaned_on, take_back_candidates)
    return SheetKind(spec, ACT, take, export, undo=undo, takes_blocks=True)


CANDIDATES = _kind(STUDENTS, CandidateKind.COLLEGE)
SOCIAL_CANDIDATES = _kind(SOCIAL, CandidateKind.SOCIAL)
