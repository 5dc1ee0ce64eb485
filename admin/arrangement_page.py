"""What the three lists of 排考管理 share: the switch above them, who may come in, and the sentence of R-175."""

from __future__ import annotations

from flask import request, url_for

from admin.usecase_view import UseCaseView
from core.models.registrations import RoomArrangement
from core.queries.arrangement import SubjectStanding
from core.queries.scoping import may_see

PAGES = (("arrangements", "考核站点编排"), ("room-arrangements", "考场编排"), ("seats", "排考明细"))


def standing_words(one: SubjectStanding) -> str:
    """The sentence of R-175."""
    return f"共编排了 {one.site_count} 个考点，共 {one.arranged} 人，还剩 {one.left} 人未排考"


class ThreePages(UseCaseView):
    """What the lists of 排考管理 share: the switch above them, and that authorities do not read seats (§8.8)."""

    menu_group = ""
    menu_order = 80
    list_template = "admin/arrangements.html"
    shows_history = False

    def is_accessible(self) -> bool:
        return super().is_accessible() and may_see(RoomArrangement, self.actor)

    def switch(self) -> list[tuple[str, str, bool]]:
        """(word, address, is open) of the three lists; the plan number stays chosen."""
        plan = request.args.get("flt0_0")
        return [(word, url_for(f"{slug}.index_view", flt0_0=plan or None), slug == self.slug) for slug, word in PAGES]
