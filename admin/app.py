"""The web application: panel, phone pages, candidate space and public pages, put together and locked down."""

from __future__ import annotations

import logging
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask_admin import Admin
from flask_admin.theme import Bootstrap4Theme
from flask_babel import Babel
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from werkzeug.routing import IntegerConverter

from admin import auth, guard, profile, second_factor
from admin.home import HomeView
from admin.my import pages as my_pages
from admin.phone import pages as phone_pages
from admin.portal import joining
from admin.portal import pages as portal_pages
from admin.session import LARGEST_ROW_NUMBER, set_up_login
from admin.views import (
    accounts,
    announcements,
    arrangement,
    bindings,
    candidates,
    catalogue,
    certificate_templates,
    certificates,
    colleges,
    delegations,
    deliveries,
    directory,
    documents,
    exports,
    files,
    imports,
    late,
    messages,
    organisations,
    photo_verdicts,
    pilots,
    plans,
    registrations,
    rooms,
    scores,
    sites,
    standards,
    trail,
)
from core import db, settings
from core.models.registry import metadata

log = logging.getLogger(__name__)
TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
LARGEST_REQUEST = 21 * 1024 * 1024
IDLE = timedelta(minutes=60)
# Everything with a place under /admin/, one file per subject; each offers views(db).
SUBJECTS = (
    late,
    messages,
    deliveries,
    announcements,
    organisations,
    colleges,
    directory,
    accounts,
    bindings,
    delegations,
    standards,
    catalogue,
    certificate_templates,
    pilots,
    plans,
    candidates,
    sites,
    rooms,
    registrations,
    arrangement,
    scores,
    certificates,
    documents,
    files,
    imports,
    photo_verdicts,
    exports,
    trail,
)


class RowNumber(IntegerConverter):
    """<int:…> of every address: a row's number, else the address does not exist."""

    regex = "[0-9]+"

    def __init__(self, url_map: Any) -> None:
        super().__init__(url_map, max=LARGEST_ROW_NUMBER)


class Panel(Flask):
    """Flask that logs where something broke, never what the values were: they may be personal."""

    def log_exception(self, exc_info: Any) -> None:
        kind, _, trace = exc_info
        log.error("%s\n%s", getattr(kind, "__name__", kind), "".join(traceback.format_tb(trace)))


def create_app(*, behind_proxy: bool = False) -> Flask:
    """The application for the settings in force. behind_proxy: trust one X-Forwarded-For and -Proto hop."""
    app = Panel(__name__, template_folder=str(TEMPLATES), static_folder=str(TEMPLATES / "static"))
    _configure(app)
    reading = SQLAlchemy(metadata=metadata, engine_options={"execution_options": {"write": False}})
    reading.init_app(app)
    Babel(app, default_locale="zh_Hans_CN", default_timezone=settings.current().timezone)
    CSRFProtect(app)
    set_up_login(app)
    limiter = guard.stand(app)
    app.register_blueprint(auth.blueprint(limiter))
    app.register_blueprint(profile.blueprint(limiter))
    app.register_blueprint(second_factor.blueprint(limiter))
    _mount_panel(app, reading)
    app.register_blueprint(phone_pages.blueprint())
    app.register_blueprint(portal_pages.blueprint())
    app.register_blueprint(joining.blueprint(limiter))
    app.register_blueprint(my_pages.blueprint(limiter))
    if behind_proxy:
        from werkzeug.middleware.proxy_fix import ProxyFix

        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    return app


def _configure(app: Flask) -> None:
    is_https = settings.current().base_url.startswith("https://")
    app.config.update(
        SECRET_KEY=settings.secret_key(),
        SQLALCHEMY_DATABASE_URI=db.engine().url,
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        SESSION_COOKIE_NAME="kaowu",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=is_https,
        PERMANENT_SESSION_LIFETIME=IDLE,  # renewed by every request: an idle browser is logged out
        WTF_I18N_ENABLED=False,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_SSL_STRICT=is_https,
    )
    app.url_map.converters["int"] = RowNumber
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


def _mount_panel(app: Flask, reading: SQLAlchemy) -> None:
    admin = Admin(
        app,
        name="考务",
        index_view=HomeView(name="首页", endpoint="admin", url="/admin"),
        theme=Bootstrap4Theme(swatch="default", fluid=True),
    )
    for subject in SUBJECTS:
        for view in subject.views(reading):
            admin.add_view(view)
