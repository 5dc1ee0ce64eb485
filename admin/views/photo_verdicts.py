"""照片结果: one photo import file by file, and the crops that wait for a person's word (I-03, R-081)."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import Response, abort, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy.orm import undefer

from admin import cells
from admin.session import current_actor, reader, row_number
from admin.usecase_view import Link, UseCaseView
from admin.verbs import Verb
from admin.views.people import portrait
from core.models.photos import PhotoVerdict
from core.models.records import ImportJob
from core.queries.photos import counts_of
from core.queries.scoping import visible
from core.rules.permissions import has_role
from core.rules.photo_verdicts import PHOTO_OFFER, PhotoState, Twin, veiled_name
from core.sheets.desk import PHOTOS
from core.usecases.photos import Adopted, adopt_all_offers, adopt_offer, drop_offer

EDIT = "edit_candidates"
BY_IMPORT = "flt0_0"  # the list's first filter, in its address
IN_USE = frozenset({PhotoState.ACCEPTED, PhotoState.UNCHANGED, PhotoState.ADOPTED})


def verdicts_url(job_id: int) -> str:
    """To the files of one import."""
    asked: dict[str, Any] = {BY_IMPORT: job_id}
    return url_for("photo-verdicts.index_view", **asked)


def picture_cell(view: Any, context: Any, row: PhotoVerdict, name: str) -> Markup | str:
    """The crop that waits, else the candidate's photo where it still is this one."""
    if row.state is PhotoState.OFFERED:
        address = url_for("photo-verdicts.offer_view", ident=row.id)
        return Markup(
            '<a class="thumb" href="{0}"><img src="{0}" alt="裁剪后的照片" width="44" height="62" loading="lazy"></a>'
        ).format(address)
    owner = row.candidate
    if row.state in IN_USE and owner is not None and owner.photo_hash == row.sha256:
        return portrait(owner) or cells.NOTHING
    return Markup('<span class="thumb is-empty">{}</span>').format("已更换" if row.state in IN_USE else "未采用")


def file_cell(view: Any, context: Any, row: PhotoVerdict, name: str) -> str:
    """The file's name with the ID number in it masked (R-010)."""
    return veiled_name(row.file_name)


def reason_cell(view: Any, context: Any, row: PhotoVerdict, name: str) -> Markup | str:
    """Why it was not taken, and where the same picture is found under another name."""
    told = [row.message] if row.message and row.state is not PhotoState.ADOPTED else []
    twin = _twin_words(row)
    if twin:
        told.append(f"与{twin}是同一张照片，请核对。")
    return Markup('<span class="wrap">{}</span>').format(" ".join(told)) if told else cells.NOTHING


def _twin_words(row: PhotoVerdict) -> str:
    if row.twin is Twin.ARCHIVE:
        return f"本次上传的第 {row.twin_place} 个文件"
    if row.twin is Twin.COLLEGE and row.twin_candidate is not None:
        return f"本校考生 {row.twin_candidate.name}"
    return row.twin.label if row.twin else ""


def _told(found: Adopted) -> str:
    more = f"{found.left} 张没有采用：考生已不能更换照片，或已被删除。" if found.left else ""
    return f"已采用 {found.taken} 张裁剪后的照片。{more}"


def adopt_all_verb() -> Verb:
    """全部采用裁剪, for the page of an import."""
    return Verb(
        adopt_all_offers,
        "全部采用裁剪",
        act=EDIT,
        row="import_job_id",
        key="adopt-all",
        when=lambda row, actor: waiting_in(row) > 0,
        confirm="确定采用这次上传中所有待确认的裁剪吗？",
        explain="请先逐张看过裁剪后的照片：人像完整、居中，是本人。采用后成为考生的照片，考生进入“信息待认证”。",
        tone="primary",
        tell=_told,
        then=lambda found: verdicts_url(found.import_job_id),
    )


def waiting_in(job: ImportJob) -> int:
    """How many crops of this import wait."""
    return counts_of(reader(), job.id).get(PhotoState.OFFERED, 0) if job.sheet == PHOTOS else 0


class PhotoVerdictView(UseCaseView):
    """The files of photo imports; reached from 导入记录, one import at a time."""

    model = PhotoVerdict
    title = "照片结果"
    slug = "photo-verdicts"
    one = "张照片"
    shows_history = False
    column_list = ("picture", "place", "file_name", "candidate.name", "state", "reason")
    column_labels: ClassVar[dict[str, str]] = {
        "picture": "照片",
        "place": "第几个",
        "file_name": "文件名",
        "candidate.name": "考生",
        "state": "结果",
        "reason": "说明",
        "job_id": "导入编号",
        "job.file_name": "压缩包",
        "job.created_at": "导入时间",
        "twin": "同一张照片",
        "decided_at": "确认时间",
    }
    column_sortable_list = ("place",)
    column_default_sort = ("id", False)
    column_filters = ("job_id", "twin")
    column_formatters: ClassVar[dict[str, Any]] = {
        "picture": picture_cell,
        "file_name": file_cell,
        "reason": reason_cell,
    }
    status_tabs = PhotoVerdict.state
    detail_groups = (
        ("照片", ("picture", "file_name", "candidate.name", "state", "reason", "decided_at")),
        ("导入", ("job_id", "job.file_name", "job.created_at", "place")),
    )
    recap_columns = ("picture", "file_name", "candidate.name", "state")
    row_verbs = (
        Verb(
            adopt_offer,
            "采用裁剪",
            act=EDIT,
            thing=lambda row: row.job,
            move=(PHOTO_OFFER, "adopt"),
            tone="primary",
            key="adopt",
            done="已采用裁剪后的照片。",
        ),
        Verb(
            drop_offer,
            "放弃",
            act=EDIT,
            thing=lambda row: row.job,
            move=(PHOTO_OFFER, "drop"),
            tone="danger",
            key="drop",
            done="已放弃裁剪，考生的照片没有变化。",
        ),
    )
    batch_verbs = (
        Verb(adopt_offer, "批量采用裁剪", act=EDIT, key="adopt", confirm="确定采用 {count} 张裁剪后的照片吗？"),
        Verb(
            drop_offer,
            "批量放弃",
            act=EDIT,
            key="drop",
            tone="danger",
            confirm="确定放弃 {count} 张裁剪后的照片吗？",
        ),
    )

    def name_of(self, row: Any) -> str:
        return file_cell(self, None, row, "file_name")

    def empty_words(self) -> str:
        return "没有这样的照片。"

    def notes(self) -> str | Markup:
        """Which import this is, and what waits in it."""
        job = self._job()
        if job is None:
            return "请从“导入记录”选择一次照片导入。"
        counts = counts_of(reader(), job.id)
        told = "，".join(f"{state.label} {count}" for state, count in counts.items())
        return f"{job.file_name}：共 {job.row_count} 个文件，{told or '没有逐张结果'}。裁剪须看过再采用，不会自动生效。"

    def page_links(self) -> list[Link]:
        """全部采用裁剪 where something waits, the failed files, and back."""
        job, links = self._job(), []
        if job is not None:
            if has_role(current_actor(), EDIT) and waiting_in(job):
                links.append(Link("全部采用裁剪", url_for("imports.verb_view", verb_name="adopt-all", id=job.id)))
            if job.rejected_count and job.failed_rows is not None:
                links.append(Link("下载未采用的清单", url_for("imports.failed_view", ident=job.id)))
        return [*links, Link("导入记录", url_for("imports.index_view"))]

    def links(self, row: Any) -> list[Link]:
        return [Link("这次导入的全部照片", verdicts_url(row.job_id))]

    def _job(self) -> ImportJob | None:
        """The import the list's address names, as far as this person may see it."""
        typed = row_number(request.args.get(BY_IMPORT, ""))
        found: ImportJob | None = (
            reader()
            .query(ImportJob)
            .filter(ImportJob.id == typed, ImportJob.sheet == PHOTOS, visible(ImportJob, current_actor()))
            .one_or_none()
        )
        return found

    @expose("/<int:ident>/offer")
    def offer_view(self, ident: int) -> ResponseReturnValue:
        """The crop that waits, for those who may see the import."""
        row = self.get_query().filter(PhotoVerdict.id == ident).options(undefer(PhotoVerdict.offer)).one_or_none()
        if row is None or row.offer is None:
            abort(404)
        response = Response(row.offer, mimetype="image/jpeg", headers={"Cache-Control": "private, max-age=600"})
        response.set_etag(row.sha256)
        return response.make_conditional(request)


def views(db: Any) -> list[UseCaseView]:
    """The pages of this subject."""
    return [PhotoVerdictView(db)]
