"""批量修改学生信息 (I-04): the exported list of candidates, completed and brought back."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core.db import Tx
from core.errors import Refusal
from core.models.organisations import College
from core.models.records import ImportJob
from core.queries import export_lists
from core.rules import values
from core.rules.permissions import permit
from core.rules.values import EducationLevel, Gender, IdType
from core.sheets.kind import Batch, Export, SheetKind, Undo, own_college
from core.sheets.spec import Column, SheetSpec
from core.usecases.candidate_changes import restore, update_candidates
from core.usecases.imports import Outcome

ACT = "edit_candidates"
_LOCKED = "信息准确的考生不能修改，须与系统一致"
_FOR_READING = "仅供核对，导入时不读取"


def _for_reading(title: str, field: str, width: int = 16) -> Column:
    return Column(title, field, values.tidy, required=False, note=_FOR_READING, width=width)


UPDATE = SheetSpec(
    "candidates-update",
    title="批量修改学生信息模板",
    version=1,
    key=("id_type", "id_number"),
    columns=(
        Column(
            "考生编号", "candidate_no", values.tidy, required=False, text_only=True, width=20, note="填写时须与系统一致"
        ),
        Column("学生姓名", "name", values.person_name, required=False, note=_LOCKED),
        Column("姓名拼音", "name_pinyin", values.pinyin, required=False, width=22),
        Column("性别", "gender", values.gender, required=False, choices=tuple(word.label for word in Gender), width=8),
        Column(
            "证件类型",
            "id_type",
            values.id_type,
            required=False,
            choices=tuple(word.label for word in IdType),
            note=_LOCKED,
        ),
        Column(
            "证件号码",
            "id_number",
            values.any_document_number,
            text_only=True,
            width=24,
            note="按证件号码查找考生，不能用本表修改；单元格须为文本格式",
        ),
        Column("手机号码", "mobile", values.mobile, required=False, note="11 位手机号码"),
        Column("入学年份", "enrolment_year", values.year, required=False, note="4 位年份", width=12),
        Column(
            "专业层次",
            "education_level",
            values.education_level,
            required=False,
            choices=tuple(word.label for word in EducationLevel),
        ),
        Column(
            "就读专业",
            "major_name",
            values.text(100),
            required=False,
            note="留空而填写了新的专业代码时，按专业目录填入",
            width=22,
        ),
        Column("专业代码", "major_code", values.major_code, required=False, note="专业目录中的代码"),
        _for_reading("考生类型", "kind"),
        _for_reading("所属院校", "college_name", 30),
        _for_reading("已报考证书", "registered_count", 12),
        _for_reading("信息状态", "state"),
    ),
    notes=(
        "空白的单元格表示不修改；本表不能清空已有的内容。",
        "在考生管理中导出学生信息（可先勾选或筛选），在导出的文件中补全或修改后直接导入本表，列名相同。",
        "按证件号码查找本校考生；信息准确的考生，姓名、证件类型、证件号码和照片不能修改（R-089、R-094）。",
        "修改不影响考生已经报考的考试计划中的信息（R-090）。",
    ),
)


def take(tx: Tx, batch: Batch) -> Outcome:
    """Change what differs."""
    return update_candidates(tx, college_id=own_college(tx.actor), rows=batch.rows, import_job_id=batch.import_job_id)


def export(tx: Tx, plan_id: int | None) -> Export:
    """The same columns as E-04: own students and social candidates."""
    college = tx.get(College, own_college(tx.actor))
    permit(tx.actor, ACT, college)
    return Export(college, (row[1:] for row in tx.session.execute(export_lists.candidates(tx.actor, tx.now))))


def _named_when_tried(session: Session, job: ImportJob) -> Refusal | None:
    """What stands in the way is found, and named one by one, when it is tried."""
    return None


CANDIDATES_UPDATE = SheetKind(UPDATE, ACT, take, export, undo=Undo(_named_when_tried, restore))
