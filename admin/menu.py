"""The side menu: groups in the order of the manuals, pages only where the role may go (§8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app, request, url_for

from core.actors import Actor

GROUPS = {  # word -> icon
    "待办与消息": "bell",
    "机构管理": "org",
    "标准管理": "standard",
    "证书管理": "award",
    "考务管理": "exam",
    "系统管理": "gear",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One page of the menu."""

    label: str
    url: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A heading with its icon, and its pages."""

    label: str
    icon: str
    entries: tuple[Item, ...]


def menu_for(actor: Actor) -> list[Group]:
    """What this person may open, in groups; groups without pages are left out."""
    views = [view for view in panel_views() if view.is_accessible()]
    groups = []
    for word, icon in GROUPS.items():
        mine = sorted((view for view in views if view.menu_group == word), key=lambda view: view.menu_order)
        if mine:
            groups.append(Group(word, icon, tuple(_item(view, actor) for view in mine)))
    return groups


def _item(view: Any, actor: Actor) -> Item:
    return Item(view.title_for(actor), url_for(f"{view.endpoint}.{view._default_view}"), _is_open(view))


def _is_open(view: Any) -> bool:
    """True on the view's own pages and on those of its twins, which have no place of their own in the menu."""
    return request.blueprint in (view.endpoint, *getattr(view, "menu_twins", ()))


def panel_views() -> list[Any]:
    """The registered pages that have a place in the menu."""
    admin = current_app.extensions["admin"][0]
    return [view for view in admin._views if getattr(view, "menu_group", "")]
