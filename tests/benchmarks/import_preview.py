"""The first page of errors of a file of 50,000 candidates that was looked over, beside one page of their list."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import select

from core.actors import SYSTEM
from core.db import reading, transaction
from core.models.accounts import UserAccount
from core.models.records import ImportJob
from core.queries.accounts import actor_for
from core.queries.imports import PAGE
from core.rules.imports import ImportState
from core.sheets import clinic, clinic_steps
from core.usecases.accounts import set_password
from tests.benchmarks.contest import (
    Contest,
    Ratio,
    Run,
    at_postgres,
    drop_database,
    postgres_trouble,
    template_name,
)
from tests.benchmarks.import_candidates import ROWS, connected, make_world, write_workbook
from tests.benchmarks.panel import PASSWORD, browser, without_obstacles

TITLE = "the first page of errors in 50,000 candidates looked over, beside one page of their list"
WRONG = ROWS // 10
LOGIN = "jiangcheng"
TURNS = 40
LIST = "one page of the list of candidates"
ERRORS = "the first page of the import's errors"


def contests() -> Sequence[Contest]:
    """On SQLite, and on PostgreSQL where it answers."""
    return [
        Contest(
            name=kind,
            contestants={LIST: _on(kind, _list_page), ERRORS: _on(kind, _error_page)},
            prepare=lambda stage, kind=kind: prepare(stage, kind),
            clean_up=lambda stage, kind=kind: drop_database(stage, kind),
            ratios=[Ratio("the first page of errors to one page of the list", ERRORS, LIST, 1)],
            trouble=postgres_trouble if kind == "postgres" else lambda: "",
        )
        for kind in ("sqlite", "postgres")
    ]


def prepare(stage: Path, kind: str) -> None:
    """The world of the import, and the file taken in and looked over as the panel and its thread do it."""
    without_obstacles()
    crowd, url = make_world(stage, kind)
    path = stage / "candidates.xlsx"
    write_workbook(crowd[:ROWS], path)
    with connected(url):
        with transaction(SYSTEM) as tx:
            account_id = tx.one(select(UserAccount).where(UserAccount.login == LOGIN)).id
            set_password(tx, account_id=account_id, password=PASSWORD)
        with reading() as session:
            actor = actor_for(session, account_id, "panel")
        assert actor is not None
        job_id = clinic.receive(actor, "candidates", path, path.name)
        clinic_steps.work(job_id)
        with reading() as session:
            job = session.get_one(ImportJob, job_id)
            assert job.state is ImportState.PREVIEW
            assert job.rejected_count >= WRONG
    (stage / "job").write_text(str(job_id))


def _list_page(stage: Path) -> tuple[str, str, int]:
    """Where it is, what stands in it once a row, and how many rows it has."""
    return "/admin/candidates/", '<td class="col-no">', 10


def _error_page(stage: Path) -> tuple[str, str, int]:
    return f"/admin/imports/{(stage / 'job').read_text()}/", '<td data-label="行号">', PAGE


def _on(kind: str, page: Callable[[Path], tuple[str, str, int]]) -> Callable[[Run], None]:
    def run(run: Run) -> None:
        os.environ["KAOWU_DATA_DIR"] = str(run.stage)
        without_obstacles()
        with connected(_address(run.stage, kind)):
            url, row, rows = page(run.stage)
            visitor = browser(LOGIN)
            first = visitor.get(url)  # templates compiled, caches warm
            assert first.status_code == 200
            assert first.text.count(row) == rows
            with run.timed():
                for _ in range(TURNS):
                    visitor.get(url)
            run.rate = TURNS

    return run


def _address(stage: Path, kind: str) -> str:
    return f"sqlite:///{stage / 'kaowu.db'}" if kind == "sqlite" else at_postgres(template_name(stage))
