"""Choosing before filling in: one question a page, each with the answers that fit the ones before (R-103, R-123)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import render_template, request

from admin.session import row_number


@dataclass(frozen=True)
class Option:
    """One answer: where it leads, its word, and what helps to choose it."""

    url: str
    word: str
    detail: str = ""


@dataclass(frozen=True)
class Chosen:
    """An answer given before, and where to change it; changing it drops the later ones."""

    label: str
    word: str
    url: str = ""


@dataclass(frozen=True)
class Step:
    """One question with its answers; empty: what to say when there are none."""

    question: str
    options: Sequence[Option]
    chosen: Sequence[Chosen] = ()
    empty: str = "没有可选项。"
    hint: str = ""


def asked(name: str) -> int | None:
    """A row's number in the address, None for anything else."""
    return row_number(request.args.get(name, ""))


def page(view: object, title: str, step: Step, back: str) -> str:
    """The question as a page of links."""
    return render_template("admin/steps.html", view=view, title=title, step=step, back=back)
