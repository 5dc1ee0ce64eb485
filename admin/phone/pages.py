"""/phone/…: the blueprint of the signing pages."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, request
from werkzeug.wrappers import Response

from admin.phone import ceremony, desk, doors, said
from core.errors import Refusal

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


def blueprint() -> Blueprint:
    """All of /phone/; needs Flask-Login (login route auth.login) and CSRFProtect on the app."""
    web = Blueprint(
        "phone",
        __name__,
        url_prefix="/phone",
        template_folder=str(TEMPLATES),
        static_folder=str(TEMPLATES / "static" / "phone"),
        static_url_path="/static",
    )
    doors.add_to(web)
    ceremony.add_to(web)
    desk.add_to(web)
    web.register_error_handler(Refusal, said.refused)
    web.after_request(_keep_private)
    return web


def _keep_private(response: Response) -> Response:
    """Nobody learns the address of these pages from us, and no cache keeps them."""
    if request.endpoint != "phone.static":
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
    return response
