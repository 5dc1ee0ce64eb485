"""/, /verify, /healthz, /readyz and /metrics."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, current_app, render_template

from admin.portal import verify, wellness
from core import settings

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


def blueprint() -> Blueprint:
    """Everything public; needs the phone blueprint beside it for the shared look, and CSRFProtect on the app."""
    web = Blueprint(
        "portal",
        __name__,
        template_folder=str(TEMPLATES),
        static_folder=str(TEMPLATES / "static" / "portal"),
        static_url_path="/portal/static",
    )
    web.add_url_rule("/", "home", home)
    verify.add_to(web)
    wellness.add_to(web)
    return web


def home() -> str:
    """Three ways in; the third only where the simulator stands in for Telegram."""
    has_simulator = settings.current().simulated and "simulator" in current_app.blueprints
    return render_template("portal/home.html", has_simulator=has_simulator)
