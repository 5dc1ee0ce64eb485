"""证书查验 for everybody (R-247): two numbers, or the PDF itself. A number cannot be tried out in bulk."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, render_template, request
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from core import clock
from core.db import reading
from core.errors import FileRefused, Refusal, TooMany
from core.gateways.seal import SIGNER, LocalSealer
from core.notifications.words import sentence, when
from core.queries.verification import as_typed, is_on_file, verified_certificate

PER_ADDRESS = ("10 per minute", "60 per hour")
MAX_FILE = 5 * 1024 * 1024

Answer = str | tuple[str, int] | tuple[str, int, dict[str, str]]


def add_to(web: Blueprint) -> None:
    """/verify and /verify/file; attempts of both count together, per address and per process."""
    counter = MovingWindowRateLimiter(MemoryStorage())
    web.add_url_rule("/verify", "verify", form)
    web.add_url_rule("/verify", "verify_numbers", _counted(counter, by_numbers), methods=["POST"])
    web.add_url_rule("/verify/file", "verify_file", _counted(counter, by_file), methods=["POST"])
    web.after_request(_keep_private)


def form() -> str:
    """The empty form; the certificate's QR code fills in the number."""
    return _page(number=as_typed(request.args.get("no", "")))


def by_numbers() -> Answer:
    """The certificate that carries both numbers, or the one answer for everything else."""
    number, id_number = request.form.get("no", ""), request.form.get("id_number", "")
    with reading() as look:
        found = verified_certificate(look, number, id_number)
    if found is None:
        return _page(number=as_typed(number), is_missing=True), 404
    sealed_at = when(found.sealed_at, seconds=True)
    return render_template("portal/verified.html", found=found, sealed_at=sealed_at, signer=SIGNER)


def by_file() -> Answer:
    """Is this file exactly one that was sealed and stored here?"""
    sent = request.files.get("file")
    content = sent.read(MAX_FILE + 1) if sent else b""
    if not content:
        return _refused(FileRefused("verify_file_missing", rule="R-247"), 422)
    if len(content) > MAX_FILE:
        megabytes = MAX_FILE // 1_048_576
        return _refused(FileRefused("verify_file_too_large", rule="R-247", megabytes=megabytes), 413)
    verdict = LocalSealer().check(content)
    with reading() as look:
        is_stored = verdict.is_valid and is_on_file(look, content)
    sealed_at = when(verdict.sealed_at, seconds=True) if verdict.sealed_at else ""
    return render_template("portal/checked.html", verdict=verdict, is_stored=is_stored, sealed_at=sealed_at)


def _counted(counter: MovingWindowRateLimiter, act: Callable[[], Answer]) -> Callable[[], Answer]:
    limits: list[RateLimitItem] = [parse(rule) for rule in PER_ADDRESS]

    @wraps(act)
    def guarded() -> Answer:
        address = request.remote_addr or ""
        full = [limit for limit in limits if not counter.hit(limit, "verify", address)]
        if not full:
            return act()
        reset = max(counter.get_window_stats(limit, "verify", address).reset_time for limit in full)
        minutes = max(1, math.ceil((reset - _machine_time()) / 60))
        page, status = _refused(TooMany("verify_too_often", rule="R-247", minutes=minutes), 429)
        return page, status, {"Retry-After": str(minutes * 60)}

    return guarded


def _machine_time() -> float:
    """The counter runs on the machine's time; the demo's travels are no reason to let anybody try more."""
    return (clock.now() - clock.offset()).timestamp()


def _refused(refusal: Refusal, status: int) -> tuple[str, int]:
    words = sentence(refusal).removesuffix(f"（{refusal.rule}）")
    return _page(number=as_typed(request.form.get("no", "")), wrong=words), status


def _page(**facts: Any) -> str:
    return render_template("portal/verify.html", **{"number": "", "is_missing": False, "wrong": ""} | facts)


def _keep_private(response: Any) -> Any:
    """What somebody looked up is nobody else's business."""
    if request.path.startswith("/verify"):
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
    return response
