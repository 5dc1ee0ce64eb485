"""Pages of the panel that are no list of a table, with a place in the menu all the same."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import abort, current_app
from flask.typing import ResponseReturnValue
from flask_admin import BaseView

from admin.session import current_actor, is_logged_in
from core.actors import Actor


class PageView(BaseView):
    """Subclasses say who may come in by is_open_to; for everybody else the page does not exist."""

    title: ClassVar[str] = ""
    slug: ClassVar[str] = ""
    menu_group: ClassVar[str] = ""
    menu_order: ClassVar[int] = 50

    def __init__(self) -> None:
        super().__init__(name=self.title, endpoint=self.slug, url=f"/admin/{self.slug}")

    def is_open_to(self, actor: Actor) -> bool:
        """True where the page is this person's business; nobody's, until a page says whose."""
        return False

    def is_accessible(self) -> bool:
        return is_logged_in() and self.is_open_to(current_actor())

    def inaccessible_callback(self, name: str, **kwargs: Any) -> ResponseReturnValue:
        if not is_logged_in():
            return current_app.login_manager.unauthorized()  # type: ignore[attr-defined]
        abort(404)

    def _run_view(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        """Flask-Admin calls a view a second time after a TypeError; a write must not happen twice."""
        return fn(self, *args, **kwargs)

    def title_for(self, actor: Actor) -> str:
        """The same for everybody."""
        return self.title
