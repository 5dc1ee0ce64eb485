"""指标 in the panel; declaration plans and applications have files of their own."""

from __future__ import annotations

from typing import Any

from admin.usecase_view import UseCaseView
from admin.views.declarations import DeclarationView
from admin.views.pilot_applications import ApplicationView
from admin.views.quotas import QuotaView

GROUP = "证书管理"


def views(db: Any) -> list[UseCaseView]:
    """For the application to register."""
    return [DeclarationView(db), ApplicationView(db), QuotaView(db)]
