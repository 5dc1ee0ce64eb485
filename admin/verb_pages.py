"""The pages of a view's verbs: a form or a question with a recap of the row, and the doing; one row or many."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Sequence
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from admin.export_page import conditions
from admin.forms import PanelForm
from admin.session import current_actor, reader, row_number
from admin.verbs import Tickets, Verb
from core.actors import Actor
from core.errors import Refusal, StaleState
from core.notifications.words import sentence

log = logging.getLogger(__name__)
MOST_AT_ONCE = 500
MOST_OF_A_FILTER = 5_000


class VerbPages:
    """Mixed into UseCaseView, which lists the verbs and finds rows within scope."""

    model: Any
    slug: str
    one: str
    endpoint: str
    create_with: Verb | None
    edit_with: Verb | None
    page_verbs: Sequence[Verb]
    row_verbs: Sequence[Verb]
    batch_verbs: Sequence[Verb]
    _tickets: Tickets
    render: Any
    recap: Any
    row_or_404: Any
    get_query: Any
    asked_for: Any
    matching: Any
    name_of: Any
    batch_on_filter: bool
    list_url: Any

    def verbs_above(self) -> list[Verb]:
        """What can be made here by this person."""
        actor = current_actor()
        offered = [verb for verb in (self.create_with, *self.page_verbs) if verb is not None]
        return [verb for verb in offered if verb.offered_at_all(actor) and (not verb.when or verb.when(None, actor))]

    def verbs_for(self, row: Any) -> list[Verb]:
        """What this person may do to this row as it stands."""
        actor = current_actor()
        offered = [verb for verb in (self.edit_with, *self.row_verbs) if verb is not None]
        return [verb for verb in offered if verb.offered(row, actor)]

    def verbs_for_many(self) -> list[Verb]:
        """What this person may do to ticked rows."""
        actor = current_actor()
        return [verb for verb in self.batch_verbs if verb.offered_at_all(actor)]

    def recap_new(self, verb: Verb) -> list[tuple[str, Any]]:
        """What the page of something new repeats of the choices made before; nothing by default."""
        return []

    def verb_facts(self, verb: Verb, row: Any) -> dict[str, Any]:
        """What the template of a verb needs beside its form; nothing by default."""
        return {}

    @expose("/do/<verb_name>/", methods=("GET", "POST"))
    def verb_view(self, verb_name: str) -> ResponseReturnValue:
        """One verb: its page (form or question, with a recap of the row) and its doing."""
        verb, row = self._verb_and_row(verb_name)
        if request.method == "GET" and not verb.asks:
            abort(405)
        form = self._form(verb, row)
        refusal: Refusal | None = None
        if request.method == "POST" and form.validate():
            try:
                if verb.show is not None:
                    return verb.show(self, row, self._performed(verb, form, row))
                return redirect(self._tickets.once(self._ticket(form), lambda: self._do(verb, form, row)), 303)
            except Refusal as said_no:
                refusal = said_no
        if refusal is not None:
            log.info("%s %s refused: %s", self.endpoint, verb.name, refusal.sentence_code)
            if not verb.asks:
                flash(sentence(refusal), "error")
                return redirect(self._back(row), 303)
        return self._verb_page(verb, row, form, refusal)

    def _verb_and_row(self, name: str) -> tuple[Verb, Any]:
        actor = current_actor()
        above = next((verb for verb in (self.create_with, *self.page_verbs) if verb and verb.name == name), None)
        if above is not None and "id" not in request.args:
            if not above.offered_at_all(actor):
                abort(404)
            return above, None
        verb = next((verb for verb in (self.edit_with, *self.row_verbs) if verb and verb.name == name), None)
        if verb is None:
            abort(404)
        row = self.row_or_404(request.args.get("id"))
        if request.method == "GET" and not verb.offered(row, actor):
            flash("这一步现在不能办理：记录的状态已经变化，或您没有权限。", "info")
            abort(redirect(self._back(row), 303))
        return verb, row

    def _form(self, verb: Verb, row: Any) -> PanelForm:
        kind = verb.form or PanelForm
        filled = verb.fill(row) if verb.fill else {}
        form = kind(data={"row_version": str(getattr(row, "version", "") or "")} | filled)
        form.prepare(reader(), current_actor(), row)
        return form

    def word_to_send(self, verb: Verb) -> str:
        """What the button of a verb's page says: forms that make or change a thing save it."""
        saves = verb.form is not None and verb in (self.create_with, self.edit_with)
        return verb.send or ("保存" if saves else verb.label)

    def fresh_ticket(self) -> str:
        """The ticket of a button that stands for itself."""
        return secrets.token_urlsafe(12)

    def _ticket(self, form: PanelForm) -> str:
        return f"{current_actor().account_id}:{form.ticket.data}"

    def _performed(self, verb: Verb, form: PanelForm, row: Any) -> Any:
        actor = current_actor()
        arguments = verb.arguments(actor, form, row)
        reader().rollback()  # let the read snapshot go: what is shown afterwards is what has been written
        result = verb.perform(actor, arguments, row, form.row_version.data or "")
        reader().rollback()  # asking the row for its id has begun a snapshot older than what was written
        return result

    def _do(self, verb: Verb, form: PanelForm, row: Any) -> str:
        """Perform and say where to go next."""
        result = self._performed(verb, form, row)
        flash(_said(verb, result, 1, f"已办理：{verb.label}"), "success")
        return verb.then(result) if verb.then else self._back(row)

    def _back(self, row: Any) -> str:
        """Where the person came from: the list with its filters, or the row's page."""
        wanted = request.values.get("back", "")
        inside = wanted.startswith(f"/admin/{self.slug}/") and "\\" not in wanted and "\n" not in wanted
        return wanted if inside else self.list_url()

    def _verb_page(self, verb: Verb, row: Any, form: PanelForm, refusal: Refusal | None) -> ResponseReturnValue:
        page = self.render(
            verb.template,
            verb=verb,
            row=row,
            form=form,
            recap=self.recap(row) if row is not None else self.recap_new(verb),
            refusal=sentence(refusal) if refusal else "",
            is_stale=isinstance(refusal, StaleState),
            back=self._back(row),
            **self.verb_facts(verb, row),
        )
        return page, 200 if request.method == "GET" else 409 if isinstance(refusal, StaleState) else 422

    def batch_url(self, verb: Verb) -> str:
        """To the question about many rows, with the conditions of the list where these may be what is meant."""
        kept = conditions() if self.batch_on_filter and verb.many else {}
        return url_for(f"{self.endpoint}.batch_view", verb_name=verb.name, **kept)

    @expose("/batch/<verb_name>/", methods=("POST",))
    def batch_view(self, verb_name: str) -> ResponseReturnValue:
        """Ticked rows: first a page that counts them, then the doing."""
        verb = next((verb for verb in self.verbs_for_many() if verb.name == verb_name), None)
        if verb is None:
            abort(404)
        is_whole = "everything" in request.form and self.batch_on_filter and verb.many
        rows = self._of_the_filter() if is_whole else self._ticked()
        if not rows or len(rows) > MOST_OF_A_FILTER:
            many = f"一次最多处理 {MOST_OF_A_FILTER} {self.one}，请先缩小查询条件。"
            flash(many if rows else "请先勾选要处理的记录。", "info")
            return redirect(self._back(None), 303)
        form = self._form(verb, None)
        is_same = not is_whole or request.form.get("expected") == _fingerprint(rows)
        if "confirmed" in request.form and is_same and form.validate():
            return redirect(self._tickets.once(self._ticket(form), lambda: self._do_batch(verb, form, rows)), 303)
        if "confirmed" not in request.form:
            form = (verb.form or PanelForm)(formdata=None)
            form.prepare(reader(), current_actor(), None)
        question = verb.confirm.format(count=len(rows)) or f"确定对 {len(rows)} {self.one}执行“{verb.label}”吗？"
        return self.render(
            "admin/batch.html",
            verb=verb,
            rows=rows,
            form=form,
            question=question,
            back=self._back(None),
            expected=_fingerprint(rows) if is_whole else "",
            has_changed="confirmed" in request.form and not is_same,
        )

    def _of_the_filter(self) -> list[Any]:
        """Every row the list's address asks for, one more than may be handled at most."""
        found = self.get_query().filter(self.matching(self.asked_for())).order_by(self.model.id)
        rows: list[Any] = found.limit(MOST_OF_A_FILTER + 1).all()
        return rows

    def _ticked(self) -> list[Any]:
        typed = map(row_number, dict.fromkeys(request.form.getlist("ids")))
        ids = [number for number in typed if number is not None][:MOST_AT_ONCE]
        return self.get_query().filter(self.model.id.in_(ids)).order_by(self.model.id).all() if ids else []

    def _do_batch(self, verb: Verb, form: PanelForm, rows: list[Any]) -> str:
        actor = current_actor()
        arguments = verb.arguments(actor, form, None)
        names = {row.id: self.name_of(row) for row in rows}
        reader().rollback()
        if verb.many:
            self._do_at_once(verb, actor, arguments, list(names))
        else:
            self._do_each(verb, actor, arguments, rows, names)
        return self._back(None)

    def _do_at_once(self, verb: Verb, actor: Actor, arguments: dict[str, Any], ids: list[int]) -> None:
        try:
            result = verb.perform_on_all(actor, arguments, ids)
        except Refusal as refusal:
            flash(sentence(refusal), "error")
            return
        flash(_said(verb, result, len(ids), f"{verb.label}：已办理 {{count}} {self.one}。"), "success")

    def _do_each(
        self, verb: Verb, actor: Actor, arguments: dict[str, Any], rows: list[Any], names: dict[int, str]
    ) -> None:
        """A transaction per row, so that one refused row does not hold up the others."""
        done, refused = 0, []
        for row in rows:
            try:
                verb.perform(actor, arguments, row)
                done += 1
            except Refusal as refusal:
                refused.append(f"{names[row.id]}：{sentence(refusal)}")
        if done:
            flash((verb.done or f"{verb.label}：已办理 {{count}} {self.one}。").format(count=done), "success")
        if refused:
            more = f"（另有 {len(refused) - 5} {self.one}）" if len(refused) > 5 else ""
            flash(f"{len(refused)} {self.one}没有办理。" + " ".join(refused[:5]) + more, "error")


def _fingerprint(rows: list[Any]) -> str:
    """Tells whether the same rows are still what a filter finds."""
    return hashlib.sha256(",".join(str(row.id) for row in rows).encode()).hexdigest()


def _said(verb: Verb, result: Any, count: int, otherwise: str) -> str:
    """What is said after a verb has been done."""
    return verb.tell(result) if verb.tell else (verb.done or otherwise).format(count=count)
