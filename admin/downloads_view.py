"""Views without a page: what stands below their address is only to be saved, by whoever is logged in."""

from __future__ import annotations

from typing import Any

from flask import abort, current_app
from flask.typing import ResponseReturnValue
from flask_admin import BaseView, expose

from admin.session import is_logged_in


class DownloadsView(BaseView):
    """In no menu; whoever is not logged in is sent there, as everywhere."""

    menu_group = ""

    def is_accessible(self) -> bool:
        return is_logged_in()

    def inaccessible_callback(self, name: str, **kwargs: Any) -> ResponseReturnValue:
        return current_app.login_manager.unauthorized()  # type: ignore[attr-defined]

    def _run_view(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        return fn(self, *args, **kwargs)

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """There is nothing to see here."""
        abort(404)
