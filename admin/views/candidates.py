"""考生管理: two pages of one kind, 本校考生 and 社会考生, with photos, 认证 and 人工确认."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import Response, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import and_, select

from admin import candidate_history
from admin.export_page import ExportDoor
from admin.history import Step
from admin.import_page import SheetDoor
from admin.session import current_actor, reader
from admin.usecase_view import Link, Related, UseCaseView
from admin.verbs import Verb
from admin.views.candidate_cells import document_cell, major_cell, person_cell, photo_cell
from admin.views.candidate_checks import is_being_checked, look_up, state_cell
from admin.views.candidate_forms import (
    CandidateEditForm,
    CandidateForm,
    LookForm,
    NoteForm,
    PhotoForm,
    SocialCandidateForm,
    SocialEditForm,
    changes,
    edited,
    new_values,
)
from admin.views.candidate_lists import filter_of, survivor_of
from admin.views.candidate_merge import MergePages
from admin.views.candidate_related import checks_of, merged_into, registrations_of
from admin.views.candidate_verbs import (
    check_all,
    check_one,
    create_with_photo,
    give_photo,
    remove_all,
    remove_one,
)
from admin.views.candidate_words import made, photographed, removed, told
from core.db import transaction
from core.errors import Refusal
from core.models.candidates import Candidate, CandidatePhoto
from core.notifications.words import sentence
from core.queries import scoping, verifications
from core.rules.candidates import CANDIDATE, CandidateKind, CandidateState
from core.rules.permissions import has_role, may
from core.usecases.candidate_accounts import send_link
from core.usecases.candidates import edit_candidate
from core.usecases.disclosures import reveal_id_number, reveal_mobile
from core.usecases.verification import confirm_by_hand

EDIT = "edit_candidates"
PHOTO_KEPT = "private, max-age=600"  # in the person's own browser only; the address changes with the picture


UPDATE_DOOR = SheetDoor(
    "candidates-update",
    "批量修改学生信息",
    act=EDIT,
    explain="先在列表中筛选或勾选考生，用“批量导出学生信息”导出，在导出的文件中补全或修改，再在这里上传。"
    "按证件号码查找考生；空白的单元格表示不修改；信息准确的考生，姓名、证件类型、证件号码和照片不能修改。",
)


class CandidateView(MergePages, UseCaseView):
    """本校考生."""

    model = Candidate
    kind = CandidateKind.COLLEGE
    title = "考生管理"
    slug = "candidates"
    only_pilots = True
    menu_group = "考务管理"
    menu_order = 30
    menu_twins = ("social-candidates",)
    one = "名考生"
    list_template = "admin/candidates.html"
    column_list = ("photo_hash", "name", "id_number", "major_name", "registered_count", "state")
    column_labels: ClassVar[dict[str, str]] = {
        "photo_hash": "照片",
        "name": "考生",
        "candidate_no": "考生编号",
        "name_pinyin": "姓名拼音",
        "kind": "考生类型",
        "major_name": "专业 / 层次",
        "major_code": "专业代码",
        "education_level": "专业层次",
        "enrolment_year": "入学年份",
        "registered_count": "已报考",
        "state": "信息状态",
        "college.name": "所属院校",
    }
    column_sortable_list = ("name", "registered_count", "state")
    column_searchable_list = ("name", "candidate_no", "id_number")
    column_filters = (
        "major_name",
        "enrolment_year",
        "education_level",
        "registered_count",
        "import_job_id",
        "mobile",
        "gender",
    )
    column_formatters: ClassVar[dict[str, Any]] = {
        "photo_hash": photo_cell,
        "name": person_cell,
        "id_number": document_cell,
        "major_name": major_cell,
        "state": state_cell,
    }
    column_formatters_detail: ClassVar[dict[str, Any]] = {"photo_hash": photo_cell, "state": state_cell}
    status_tabs = Candidate.state
    exports = (ExportDoor("candidate-list", "批量导出学生信息"), ExportDoor("candidate-photos", "批量导出学生照片"))
    detail_groups = (
        (
            "基本信息",
            ("photo_hash", "name", "name_pinyin", "gender", "id_type", "id_number", "mobile", "candidate_no"),
        ),
        (
            "学籍与报考",
            (
                "kind",
                "college.name",
                "major_name",
                "major_code",
                "education_level",
                "enrolment_year",
                "registered_count",
                "state",
            ),
        ),
    )
    recap_columns = ("photo_hash", "name", "candidate_no", "id_number", "state")

    create_with = Verb(
        create_with_photo,
        "新增学生信息",
        form=CandidateForm,
        act=EDIT,
        fixed={"kind": CandidateKind.COLLEGE},
        given=lambda actor: {"college_id": actor.college_id},
        shape=new_values,
        tell=made,
        key="create",
    )
    edit_with = Verb(edit_candidate, "编辑", form=CandidateEditForm, act=EDIT, fill=edited, shape=changes, key="edit")
    row_verbs = (
        Verb(
            check_one,
            "认证",
            act=EDIT,
            move=(CANDIDATE, "pass_verification"),
            when=lambda row, actor: not is_being_checked(row),
            tone="primary",
            tell=told,
            key="verify",
        ),
        Verb(
            confirm_by_hand,
            "人工确认",
            form=NoteForm,
            act=EDIT,
            move=(CANDIDATE, "confirm_by_hand"),
            explain="请核对证件、照片与系统中的信息；有两位以上经办人时，须由没有发起认证、也没有最后修改信息的人确认。确认后信息状态变为“信息准确”，姓名、证件和照片不能再改。",
            done="已人工确认 {count} 名考生，信息准确。",
        ),
        Verb(
            give_photo,
            "上传照片",
            form=PhotoForm,
            act=EDIT,
            when=lambda row, actor: CANDIDATE.allows(row.state, "add_photo"),
            tell=photographed,
            key="photo",
        ),
        Verb(
            send_link,
            "重置密码",
            act=EDIT,
            when=lambda row, actor: row.state is CandidateState.VERIFIED,
            confirm="确定给这名考生发送设置新密码的链接吗？",
            explain="链接发到考生登记的手机，7 天内有效，只能用一次，之前的链接随即失效；设置之前，原密码仍可使用。",
            done="设置密码的链接已发往考生登记的手机。",
        ),
        Verb(
            remove_one,
            "删除",
            act=EDIT,
            when=lambda row, actor: not row.registered_count,
            confirm="确定删除 {count} 个学生信息吗？删除后不能恢复。",
            tone="danger",
            tell=removed,
            key="delete",
        ),
    )
    batch_on_filter = True
    batch_verbs = (
        Verb(
            check_all,
            "批量认证",
            act=EDIT,
            many=True,
            confirm="确定认证 {count} 名考生吗？",
            explain="只处理“信息待认证”的考生；未通过的转为“需人工确认”。",
            tell=told,
            key="verify-all",
        ),
        Verb(
            remove_all,
            "批量删除",
            act=EDIT,
            many=True,
            confirm="确定删除 {count} 个学生信息吗？",
            explain="已有报考的考生不会删除，办理后逐一列出；其余删除后不能恢复。",
            tone="danger",
            tell=removed,
            key="delete-all",
        ),
    )
    sheets = (
        SheetDoor("candidates", "导入学生信息", act=EDIT),
        UPDATE_DOOR,
        SheetDoor(
            "photos",
            "上传学生照片",
            act=EDIT,
            accept=".zip",
            has_template=False,
            hint="一个 zip，最大 20 MB；更大的照片包请分批上传，或用命令行 kaowu photos。",
            explain="照片以证件号码命名（如 420111200501011234.jpg），jpg 或 png，每张不超过 5 MB，"
            "295×413 像素，红色背景，全部放在一个 zip 压缩包中。请先导入学生信息，再上传照片。",
        ),
    )

    # -- the list ------------------------------------------------------------------------------------------------------

    def scaffold_filters(self, name: Any) -> list[Any]:
        special = filter_of(name, self.label(name))
        return [self.handle_filter(special)] if special is not None else super().scaffold_filters(name)

    def _apply_search(self, query: Any, count_query: Any, joins: Any, count_joins: Any, search: str) -> Any:
        """The number of a candidate that was merged finds whoever it was merged into."""
        return super()._apply_search(query, count_query, joins, count_joins, survivor_of(search) or search)

    def scope(self) -> Any:
        return and_(super().scope(), Candidate.kind == self.kind)

    def pages(self) -> list[tuple[str, str, bool]]:
        """(word, address, is open) of the two kinds' pages."""
        words = (("candidates", "本校考生"), ("social-candidates", "社会考生"))
        if not has_role(current_actor(), EDIT):
            words = (("candidates", "院校考生"), ("social-candidates", "社会考生"))
        return [(word, url_for(f"{slug}.index_view"), slug == self.slug) for slug, word in words]

    def page_links(self) -> list[Link]:
        """导入记录, for those who import."""
        if not has_role(current_actor(), EDIT):
            return []
        return [Link("导入记录", url_for("imports.index_view"))]

    def get_list(self, *args: Any, **options: Any) -> tuple[int, list[Any]]:
        count, rows = super().get_list(*args, **options)
        if isinstance(rows, list):
            look_up([row.id for row in rows])
        return count, rows

    def progress(self) -> list[verifications.Progress]:
        """认证 under way in one's own college, for those who may start it."""
        actor = current_actor()
        if actor.college_id is None or not has_role(actor, EDIT):
            return []
        return verifications.progress(reader(), actor.college_id)

    def name_of(self, row: Any) -> str:
        return str(row.name)

    def empty_words(self) -> str:
        return "没有符合条件的考生。先导入学生信息，再上传照片，认证通过后才能报考。"

    # -- one candidate -------------------------------------------------------------------------------------------------

    def links(self, row: Any) -> list[Link]:
        found = [Link("查看完整证件号码", url_for(f"{self.endpoint}.number_view", id=row.id))]
        if row.mobile:
            found.append(Link("查看完整手机号码", url_for(f"{self.endpoint}.number_view", id=row.id, of="mobile")))
        if may(current_actor(), EDIT, row):
            found.append(Link("合并重复考生", self.merge_url(row)))
        return found

    def history_of(self, row: Any) -> list[Step]:
        return candidate_history.of(reader(), row)

    def related(self, row: Any) -> list[Related]:
        return [*checks_of(row), registrations_of(row), *merged_into(row)]

    @expose("/<int:ident>/photo")
    def photo_view(self, ident: int) -> ResponseReturnValue:
        """The picture, for those who may see the candidate."""
        found = reader().scalar(
            select(CandidatePhoto).where(
                CandidatePhoto.candidate_id == ident, scoping.visible(CandidatePhoto, current_actor())
            )
        )
        if found is None:
            abort(404)
        response = Response(found.data, mimetype="image/jpeg", headers={"Cache-Control": PHOTO_KEPT})
        response.set_etag(found.sha256)
        return response.make_conditional(request)

    @expose("/number/", methods=("GET", "POST"))
    def number_view(self) -> ResponseReturnValue:
        """The whole ID number or mobile, after a reason, on this page alone."""
        row = self.row_or_404(request.args.get("id"))
        is_mobile = request.args.get("of") == "mobile"
        reveal = reveal_mobile if is_mobile else reveal_id_number
        form, number, refusal = LookForm(), "", ""
        if request.method == "POST" and form.validate():
            actor, ident = current_actor(), row.id
            reader().rollback()
            try:
                with transaction(actor) as tx:
                    number = reveal(tx, candidate_id=ident, reason=form.reason.data)
            except Refusal as said_no:
                refusal = sentence(said_no)
        page = render_template(
            "admin/candidate_number.html",
            view=self,
            row=row,
            form=form,
            number=number,
            refusal=refusal,
            word="手机号码" if is_mobile else "证件号码",
            label="手机号码" if is_mobile else row.id_type.label,
        )
        return page, 422 if request.method == "POST" and not number else 200


class SocialCandidateView(CandidateView):
    """社会考生: no major needed, never counted against a quota (R-072, R-140)."""

    kind = CandidateKind.SOCIAL
    slug = "social-candidates"
    menu_group = ""  # reached by the tab above 本校考生
    create_with = Verb(
        create_with_photo,
        "新增社会考生",
        form=SocialCandidateForm,
        act=EDIT,
        fixed={"kind": CandidateKind.SOCIAL},
        given=lambda actor: {"college_id": actor.college_id},
        shape=new_values,
        tell=made,
        key="create",
    )
    edit_with = Verb(edit_candidate, "编辑", form=SocialEditForm, act=EDIT, fill=edited, shape=changes, key="edit")
    sheets = (SheetDoor("social-candidates", "导入社会考生", act=EDIT), *CandidateView.sheets[1:])


def views(db: Any) -> list[UseCaseView]:
    """The pages of this subject."""
    return [CandidateView(db), SocialCandidateView(db)]
