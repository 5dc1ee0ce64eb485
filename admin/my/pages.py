"""/my/…: the blueprint of the personal space."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint
from flask_limiter import Limiter
from werkzeug.wrappers import Response

from admin.my import doors, space

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


def blueprint(limiter: Limiter) -> Blueprint:
    """All of /my/; needs the phone and portal blueprints for the shared look, and CSRFProtect on the app."""
    web = Blueprint("my", __name__, url_prefix="/my", template_folder=str(TEMPLATES))
    doors.add_to(web, limiter)
    space.add_to(web)
    web.after_request(_keep_private)
    return web


def _keep_private(response: Response) -> Response:
    """A link of the letter must not leave in a Referer, and no cache keeps what is one's own."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response
