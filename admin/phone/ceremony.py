"""The ceremony itself: recap, number, signature, confirm, outcome; and sending back instead."""

from __future__ import annotations

import base64
import binascii
import math

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from admin.phone import said
from admin.phone.visit import Visit, acting, current, end, open_for
from core import clock
from core.db import reading, transaction
from core.errors import NotPermitted, ReasonMissing, StaleState, ValueRefused, WindowClosed
from core.notifications.words import when
from core.queries.signing import being_made, ceremony_of, refusable, sent_back
from core.rules import values
from core.rules.certificates import SigningState
from core.rules.reasons import require_tellable
from core.usecases.signing import Recap, cancel_signing, look_at_signing, send_back, sign, step_up

REASON_LENGTH = 500
_PNG = "data:image/png;base64,"


def add_to(web: Blueprint) -> None:
    """/sign and what leads away from it."""
    web.add_url_rule("/sign", "sign_page", sign_page)
    web.add_url_rule("/sign", "sign_now", sign_now, methods=["POST"])
    web.add_url_rule("/step-up", "step_up_now", step_up_now, methods=["POST"])
    web.add_url_rule("/again", "again", again, methods=["POST"])
    web.add_url_rule("/leave", "leave", leave, methods=["POST"])
    web.add_url_rule("/refuse", "refuse_page", refuse_page)
    web.add_url_rule("/refuse", "refuse_recap", refuse_recap, methods=["POST"])
    web.add_url_rule("/refuse/confirm", "refuse_now", refuse_now, methods=["POST"])
    web.add_url_rule("/done", "done", done)


def sign_page() -> str | Response:
    """All steps on one page; the phone shows one after the other."""
    visit = current()
    if _is_over(visit):
        return redirect(url_for("phone.done"))
    return _steps(visit)


def sign_now() -> str | Response | tuple[str, int]:
    """Sign for good. What the visitor typed or drew wrong comes back as the same page with the reason."""
    visit = current()
    try:
        with transaction(acting(visit.account_id)) as tx:
            sign(
                tx,
                token=visit.token,
                typed_count=values.tidy(request.form.get("count", "")),
                hand_signature=_picture(request.form.get("signature", "")),
            )
    except ValueRefused as refused:
        return _steps(visit, said.sentence(refused), refused.sentence_code), 422
    except StaleState as stale:
        if _is_over(visit):
            return redirect(url_for("phone.done"), 303)
        return said.changed(visit, stale)
    return redirect(url_for("phone.done"), 303)


def step_up_now() -> str | Response | tuple[str, int]:
    """The second factor of whoever has one, before the steps (chat.md L3); wrong ones are counted and kept."""
    visit = current()
    with transaction(acting(visit.account_id)) as tx:
        refusal = step_up(tx, token=visit.token, typed=request.form.get("code", "")[:80])
    if isinstance(refusal, ValueRefused):
        return _steps(visit, said.sentence(refusal)), 422
    if refusal is not None:
        raise refusal
    return redirect(url_for("phone.sign_page"), 303)


def again() -> Response:
    """One button to start afresh, for people we know; the code of a ceremony is good for that ceremony alone."""
    visit = current()
    if not visit.may_begin_afresh:
        raise NotPermitted(rule="§3.19", act="sign")
    return open_for(visit.account_id, visit.plan_id, visit.party, visit.door)


def leave() -> Response | str:
    """Turn back: the ceremony is cancelled, the batch is untouched."""
    visit = current()
    with transaction(acting(visit.account_id)) as tx:
        cancel_signing(tx, token=visit.token)
    end()
    return render_template("phone/left.html")


def refuse_page() -> str | Response:
    """退回并说明: ask for the reason."""
    visit = current()
    if _is_over(visit):
        return redirect(url_for("phone.done"))
    return _refusal(visit, "")


def refuse_recap() -> str | tuple[str, int]:
    """The reason once more with the numbers, before anything happens."""
    visit = current()
    reason = request.form.get("reason", "")
    try:
        clean = _reason(reason)
    except (ReasonMissing, ValueRefused) as refused:
        return _refusal(visit, reason, wrong=said.sentence(refused)), 422
    return _refusal(visit, clean, confirm=True)


def refuse_now() -> Response | str | tuple[str, int]:
    """Send back exactly what was shown."""
    visit = current()
    shown = request.form.get("shown", "")
    try:
        with transaction(acting(visit.account_id)) as tx:
            send_back(
                tx,
                token=visit.token,
                reason=_reason(request.form.get("reason", "")),
                shown=int(shown) if shown.isascii() and shown.isdigit() and len(shown) < 8 else 0,
            )
    except StaleState as stale:
        if not _is_over(visit):
            return said.changed(visit, stale)
    except WindowClosed:
        if not _is_over(visit):
            raise
    return redirect(url_for("phone.done"), 303)


def done() -> str | Response:
    """What came of it, from the rows, however often the page is opened."""
    visit = current()
    with reading() as look:
        ceremony = ceremony_of(look, visit.token, clock.now())
        if ceremony is None:
            return redirect(url_for("phone.sign_page"))
        returned = sent_back(look, ceremony.id)
        making = being_made(look, ceremony.id)
    if ceremony.state is SigningState.SIGNED and ceremony.signed_at:
        at = when(ceremony.signed_at, seconds=True)
        return render_template("phone/done.html", ceremony=ceremony, at=at, making=making, visit=visit)
    if returned:
        return render_template("phone/sent_back.html", ceremony=ceremony, count=returned, visit=visit)
    return redirect(url_for("phone.sign_page"))


def _steps(visit: Visit, wrong: str = "", code: str = "") -> str:
    recap, refusable_count = _look(visit)
    return render_template(
        "phone/step_up.html" if recap.needs_step_up else "phone/sign.html",
        recap=recap,
        visit=visit,
        left=_seconds_left(recap),
        until=when(recap.expires_at),
        can_refuse=refusable_count > 0,
        wrong=wrong,
        step=2 if code == "typed_count" else 3 if code else 1,
    )


def _refusal(visit: Visit, reason: str, *, wrong: str = "", confirm: bool = False) -> str:
    recap, refusable_count = _look(visit)
    return render_template(
        "phone/refuse.html",
        recap=recap,
        visit=visit,
        left=_seconds_left(recap),
        count=refusable_count,
        reason=reason,
        wrong=wrong,
        confirm=confirm,
        longest=REASON_LENGTH,
    )


def _look(visit: Visit) -> tuple[Recap, int]:
    with transaction(acting(visit.account_id)) as tx:
        recap = look_at_signing(tx, token=visit.token)
        return recap, len(refusable(tx.session, recap.session_id, recap.party))


def _is_over(visit: Visit) -> bool:
    """True where the ceremony has its outcome: signed, or sent back."""
    with reading() as look:
        ceremony = ceremony_of(look, visit.token, clock.now())
        if ceremony is None:
            return False
        return ceremony.state is SigningState.SIGNED or sent_back(look, ceremony.id) > 0


def _seconds_left(recap: Recap) -> int:
    return max(0, math.ceil((recap.expires_at - clock.now()).total_seconds()))


def _reason(typed: str) -> str:
    """Said on the page where it is typed, not only when it is sent (R-235)."""
    require_tellable(values.tidy(typed), rule="R-235")
    return values.text(REASON_LENGTH, multiline=True)(typed)


def _picture(sent: str) -> bytes:
    """The bytes behind a data: address; whatever is not one is no signature, which the use case says."""
    try:
        return base64.b64decode(sent.removeprefix(_PNG), validate=True) if sent.startswith(_PNG) else b""
    except (binascii.Error, ValueError):
        return b""
