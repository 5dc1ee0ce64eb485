"""合并重复考生: find the other one, choose side by side, and say yes a second time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import ColumnElement, or_, select
from wtforms import BooleanField, StringField
from wtforms.validators import DataRequired

from admin import cells
from admin.forms import PanelForm
from admin.session import current_actor, reader, row_number
from admin.verbs import Tickets
from admin.views.people import portrait
from core.db import transaction
from core.errors import Refusal, StaleState
from core.models.candidates import Candidate
from core.notifications.words import sentence
from core.queries import scoping
from core.rules import values
from core.rules.candidates import CandidateState
from core.rules.permissions import has_role, may
from core.usecases.candidate_merging import CHOICES, merge_candidates

ACT = "edit_candidates"
OFFERED = 5  # candidates that look like the same person
WORDS = {
    "name": "姓名",
    "name_pinyin": "姓名拼音",
    "gender": "性别",
    "document": "证件",
    "mobile": "手机号码",
    "enrolment_year": "入学年份",
    "education_level": "专业层次",
    "major": "就读专业",
    "photo": "照片",
}


class FindForm(PanelForm):
    """The other entry of the same person."""

    other = StringField(
        "另一条记录的考生编号或证件号码",
        [DataRequired("请填写考生编号或证件号码。")],
        description="只能合并本校的考生。",
        render_kw={"autocomplete": "off"},
    )


class SureForm(PanelForm):
    """The second yes."""

    sure = BooleanField("我已核对，两条记录是同一名考生", [DataRequired("请勾选后再合并。")])


@dataclass(frozen=True, slots=True)
class Line:
    """One choice: its word, both values as they may be shown, whether they differ, and whose is chosen."""

    name: str
    word: str
    shown: tuple[Any, Any]
    differs: bool
    chosen: int


class MergePages:
    """Mixed into the views of candidates."""

    endpoint: str
    name_of: Any
    row_or_404: Any
    _tickets: Tickets

    def merge_url(self, row: Candidate, other: Candidate | None = None) -> str:
        """To the page where a candidate is merged with another."""
        return url_for(f"{self.endpoint}.merge_view", id=row.id, other=other.id if other is not None else None)

    @expose("/merge/", methods=("GET", "POST"))
    def merge_view(self) -> ResponseReturnValue:
        """Find, choose, confirm; only the last of them changes anything."""
        if not has_role(current_actor(), ACT):
            abort(404)
        row = self.row_or_404(request.args.get("id"))
        if "other" not in request.args:
            return self._merge_find(row)
        other = _visible(Candidate.id == (row_number(request.args["other"]) or 0))
        if other is None or other.id == row.id:
            abort(404)
        return self._merge_decide((row, other)) if request.method == "POST" else self._merge_compare((row, other))

    def _merge_find(self, row: Candidate) -> ResponseReturnValue:
        form, problem = FindForm(), ""
        if request.method == "POST" and form.validate():
            typed = values.tidy(form.other.data)
            named = or_(Candidate.candidate_no == typed, Candidate.id_number == typed.upper())
            other = _visible(named, Candidate.id != row.id)
            if other is not None:
                return redirect(self.merge_url(row, other), 303)
            problem = "本校没有这样的另一名考生，请核对考生编号或证件号码。"
        page = render_template(
            "admin/candidate_merge_find.html", view=self, row=row, form=form, refusal=problem, alike=_alike(row)
        )
        return page, 422 if request.method == "POST" else 200

    def _merge_compare(self, pair: Sequence[Candidate], problem: str = "", status: int = 200) -> ResponseReturnValue:
        page = render_template(
            "admin/candidate_merge.html",
            view=self,
            pair=pair,
            form=PanelForm(),
            keep=_keep(pair),
            lines=_lines(pair),
            refusal=problem,
        )
        return page, status

    def _merge_decide(self, pair: Sequence[Candidate]) -> ResponseReturnValue:
        """After the choice the question; after the question the doing."""
        lines, keep = _lines(pair), _keep(pair)
        take = [line.name for line in lines if line.chosen != keep and line.differs]
        seen = (pair[keep].version, pair[1 - keep].version)
        if "confirmed" not in request.form:
            return self._merge_ask(pair, keep, lines, SureForm(formdata=None), seen)
        form = SureForm()
        if not form.validate():
            return self._merge_ask(pair, keep, lines, form, seen)
        looked_at = (row_number(request.form.get("kept", "")), row_number(request.form.get("left", "")))
        order, ids = (pair[0].id, pair[1].id), (pair[keep].id, pair[1 - keep].id)
        reader().rollback()
        try:
            return redirect(
                self._tickets.once(self._merge_ticket(form), lambda: self._merge_do(ids, take, looked_at)), 303
            )
        except Refusal as refusal:
            reader().rollback()
            left = [row for ident in order if (row := _visible(Candidate.id == ident))]
            if len(left) < len(ids):
                flash("另一条记录已经不在，可能已被合并或删除。", "info")
                return redirect(url_for(f"{self.endpoint}.index_view"), 303)
            return self._merge_compare(left, sentence(refusal), 409 if isinstance(refusal, StaleState) else 422)

    def _merge_ask(
        self,
        pair: Sequence[Candidate],
        keep: int,
        lines: Sequence[Line],
        form: SureForm,
        seen: tuple[int, int],
    ) -> ResponseReturnValue:
        page = render_template(
            "admin/candidate_merge_sure.html",
            view=self,
            row=pair[0],
            other=pair[1],
            keep=pair[keep],
            kept=keep,
            gone=pair[1 - keep],
            lines=lines,
            form=form,
            seen=seen,
        )
        return page, 422 if form.errors else 200

    def _merge_ticket(self, form: PanelForm) -> str:
        return f"{current_actor().account_id}:{form.ticket.data}"

    def _merge_do(self, ids: tuple[int, int], take: Sequence[str], seen: tuple[int | None, int | None]) -> str:
        looked_at = (seen[0] or 0, seen[1] or 0)
        with transaction(current_actor()) as tx:
            kept = merge_candidates(tx, keep_id=ids[0], gone_id=ids[1], take=take, seen=looked_at)
            words, slug = f"已合并为“{kept.name}”（{kept.candidate_no}）。", SLUGS[kept.kind.value]
        reader().rollback()
        flash(words, "success")
        return url_for(f"{slug}.details_view", id=ids[0])


SLUGS = {"college": "candidates", "social": "social-candidates"}


def _visible(*where: ColumnElement[bool]) -> Candidate | None:
    actor = current_actor()
    query = select(Candidate).where(scoping.visible(Candidate, actor), *where).order_by(Candidate.id).limit(1)
    found = reader().scalar(query)
    return found if found is not None and may(actor, ACT, found) else None


def _alike(row: Candidate) -> list[Candidate]:
    """Others of the college with the same name, or the same mobile."""
    same = [Candidate.name == row.name] + ([Candidate.mobile == row.mobile] if row.mobile else [])
    query = (
        select(Candidate)
        .where(Candidate.college_id == row.college_id, Candidate.id != row.id, or_(*same))
        .where(scoping.visible(Candidate, current_actor()))
        .order_by(Candidate.id)
        .limit(OFFERED)
    )
    return list(reader().scalars(query))


def _keep(pair: Sequence[Candidate]) -> int:
    """Which of the two stays: as chosen, else the verified one, else the one that is registered more often."""
    chosen = request.form.get("keep", "")
    if chosen in ("0", "1"):
        return int(chosen)
    worth = [(row.state is CandidateState.VERIFIED, row.registered_count) for row in pair]
    return 1 if worth[1] > worth[0] else 0


def _lines(pair: Sequence[Candidate]) -> list[Line]:
    keep = _keep(pair)
    found = []
    for name, columns in CHOICES.items():
        held = [[getattr(row, column) for column in columns] for row in pair]
        is_empty = not any(value not in (None, "") for value in held[keep])
        chosen = request.form.get(f"from_{name}", "")
        place = int(chosen) if chosen in ("0", "1") else 1 - keep if is_empty else keep
        found.append(Line(name, WORDS[name], (_shown(name, pair[0]), _shown(name, pair[1])), held[0] != held[1], place))
    return found


def _shown(name: str, row: Candidate) -> Any:
    if name == "photo":
        return portrait(row) or Markup('<span class="thumb is-empty">{}</span>').format("无照片")
    if name == "document":
        return f"{row.id_type.label} {values.mask_id(row.id_number)}"
    if name == "major":
        return f"{row.major_name}（{row.major_code}）" if row.major_code else cells.NOTHING
    return cells.shown(getattr(row, name), name)
