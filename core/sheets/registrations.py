"""Registrations by the sheet: one row per candidate and certificate (I-05), the plan chosen first."""

from __future__ import annotations

from core.db import Tx
from core.models.plans import ExamPlan
from core.queries.exports import registrations_of
from core.queries.plans import plans_taking_registrations
from core.rules import values
from core.rules.candidates import CandidateKind
from core.rules.catalogue import CertificateLevel
from core.sheets.kind import Batch, Export, SheetKind, Undo, chosen, own_college
from core.sheets.spec import Column, SheetSpec
from core.usecases.imports import Outcome
from core.usecases.registrations import register_by_certificate
from core.usecases.undoing import registrations_leaned_on, take_back_registrations

_KINDS = {
    "本校考生": CandidateKind.COLLEGE,
    "本校学生": CandidateKind.COLLEGE,
    "院校": CandidateKind.COLLEGE,
    "社会": CandidateKind.SOCIAL,
    "社会人员": CandidateKind.SOCIAL,
}
_SHORT = values.text(100)


def _words(typed: str) -> str:
    return _SHORT(typed) if values.tidy(typed) else ""


BY_CERTIFICATE = SheetSpec(
    "registrations-by-certificate",
    title="按证书导入报考模板",
    version=1,
    key=("id_number", "certificate_code"),
    columns=(
        Column("考生姓名", "name", values.person_name, note="与考生管理中的一致"),
        Column("证件号码", "id_number", values.any_document_number, text_only=True, width=24, note="单元格须为文本"),
        Column(
            "考生类型",
            "kind",
            values.choice(CandidateKind, _KINDS),
            choices=tuple(word.label for word in CandidateKind),
            example="院校考生",
        ),
        Column("证书编号", "certificate_code", values.certificate_code, text_only=True, width=20),
        Column("报考证书", "certificate_name", _SHORT, width=40, note="与证书编号对应的证书名称"),
        Column(
            "证书等级",
            "level",
            values.choice(CertificateLevel),
            choices=tuple(word.label for word in CertificateLevel),
            width=12,
        ),
        Column("考核站点编号", "site_no", values.site_no, note="本校已启用的站点，或分配给本校借用的站点"),
        Column("考核站点名称", "site_name", _words, required=False, width=40, note="仅供核对，以站点编号为准"),
        Column(
            "参考对象", "examinee_category", _words, required=False, note="所报证书有科目限定参考对象时必填（R-148）"
        ),
    ),
    notes=("一名考生报考一个证书填一行，证书的全部科目一并报考。", "先选择考试计划，再上传本表（R-136）。"),
)


def take(tx: Tx, batch: Batch) -> Outcome:
    """Register every row in the chosen plan."""
    return register_by_certificate(
        tx,
        plan_id=batch.plan,
        college_id=own_college(tx.actor),
        rows=batch.rows,
        import_job_id=batch.import_job_id,
    )


def export(tx: Tx, plan_id: int | None) -> Export:
    """What the college has registered in the chosen plan."""
    plan = tx.get(ExamPlan, chosen(plan_id))
    return Export(plan, tx.session.execute(registrations_of(plan.id, own_college(tx.actor))))


REGISTRATIONS = SheetKind(
    BY_CERTIFICATE,
    "register",
    take,
    export,
    plans=plans_taking_registrations,
    undo=Undo(registrations_leaned_on, take_back_registrations),
)
