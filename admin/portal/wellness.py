"""For monitors: alive, ready, and figures."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from core import clock
from core.db import reading
from core.documents import fonts
from core.queries.health import BOT_POLL, JOBS_TICK, Figure, figures, heartbeat_ages, schema_is_current

METRICS = "text/plain; version=0.0.4; charset=utf-8"


def add_to(web: Blueprint) -> None:
    """/healthz, /readyz, /metrics."""
    web.add_url_rule("/healthz", "healthz", healthz)
    web.add_url_rule("/readyz", "readyz", readyz)
    web.add_url_rule("/metrics", "metrics", metrics)


def healthz() -> Response:
    """The process answers; says nothing about the database."""
    return jsonify(status="ok")


def readyz() -> tuple[Response, int]:
    """200 with the database there and at the newest migration, 503 otherwise; ages in seconds, null if never seen."""
    found: dict[str, Any] = {"database": False, "migrations": False, "bot_poll_age": None, "jobs_tick_age": None}
    try:
        with reading() as look:
            found["database"] = True
            found["migrations"] = schema_is_current(look)
            if found["migrations"]:
                ages = heartbeat_ages(look, clock.now())
                found |= {"bot_poll_age": ages.get(BOT_POLL), "jobs_tick_age": ages.get(JOBS_TICK)}
    except SQLAlchemyError:
        found["database"] = False
    choice = fonts.chinese_font()
    found |= {"font": choice.name, "font_warning": choice.warning}
    is_ready = found["database"] and found["migrations"]
    return jsonify(status="ready" if is_ready else "not ready", **found), 200 if is_ready else 503


def metrics() -> Response:
    """Prometheus' text format; kaowu_up 0 and nothing else while the database is away."""
    try:
        with reading() as look:
            measured = figures(look, clock.now())
    except SQLAlchemyError:
        return Response(_text([_up(0)]), 503, content_type=METRICS)
    return Response(_text([_up(1), *measured]), content_type=METRICS)


def _up(is_up: int) -> Figure:
    return Figure("kaowu_up", "Database reachable", (("", "", is_up),))


def _text(measured: list[Figure]) -> str:
    return "".join(line + "\n" for figure in measured for line in _lines(figure))


def _lines(figure: Figure) -> list[str]:
    head = [f"# HELP {figure.name} {figure.meaning}.", f"# TYPE {figure.name} gauge"]
    return head + [f"{figure.name}{_label(label, value)} {number}" for label, value, number in figure.values]


def _label(label: str, value: str) -> str:
    escaped = value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'{{{label}="{escaped}"}}' if label else ""
