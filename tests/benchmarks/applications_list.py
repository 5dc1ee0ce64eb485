"""The list of pilot applications with its status counts, as its readers open it, over 10,000 and 1,000,000 rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, text

from core import db, settings
from core.actors import SYSTEM
from core.db import Tx, transaction
from core.models.catalogue import CertificateType
from core.models.organisations import College, EducationAuthority, EvaluationOrg
from core.models.pilots import DeclarationPlan
from core.rules.catalogue import CertificateLevel
from core.rules.organisations import AuthorityLevel, CollegeType, Role
from core.usecases.accounts import create_account, set_password
from core.usecases.tallies import rebuild_tallies
from tests.benchmarks.contest import Contest, Run, drop_database, make_database, postgres_trouble
from tests.benchmarks.panel import PASSWORD, browser, without_obstacles

TITLE = "the list of applications with status counts, at 10,000 and at 1,000,000 rows"
SIZES = {"10,000 rows": 10_000, "1,000,000 rows": 1_000_000}
PLANS, CERTIFICATES, PROVINCES = 10, 50, 31
READERS = {"admin": Role.ADMIN, "province": Role.PROVINCE, "teo": Role.TEO, "college": Role.COORDINATOR}
TABS = 5
MOST = 1.5  # what the larger list may cost, in the smaller one's time
TURNS = 4

# Every column follows from the row's number; ids run through the colleges, as a year of applications does.
FILL = """
INSERT INTO pilot_applications (college_id, plan_id, certificate_id, org_id, province_code, city_code,
  has_city_review, requested_count, approved_count, faculty_description, venue_description, state, version,
  created_at, updated_at, submitted_at)
WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {size}),
  places AS (SELECT n, n % {colleges} AS college, (n / {colleges}) % {certificates} AS certificate,
    n / ({colleges} * {certificates}) AS plan, ((n / {colleges}) * 37 + (n % {colleges}) * 19) % 100 AS die
    FROM numbers)
SELECT college + 1, plan + 1, certificate + 1, certificate % 5 + 1,
  CAST(11 + college % {provinces} AS VARCHAR(2)), CAST(11 + college % {provinces} AS VARCHAR(2)) || '0100',
  plan % 2 = 1, 24, CASE WHEN die BETWEEN 22 AND 89 THEN 20 END, '<p>专任教师 6 人</p>', '<p>机房 1 间</p>',
  CASE WHEN die < 5 THEN 'draft' WHEN die < 8 THEN 'pending_initial' WHEN die < 12 THEN 'city_review'
    WHEN die < 20 THEN 'preliminary_review' WHEN die < 22 THEN 'final_review' WHEN die < 90 THEN 'approved'
    ELSE 'returned' END,
  1, '2026-03-01 00:00:00+00:00', '2026-03-01 00:00:00+00:00', '2026-03-02 00:00:00+00:00'
FROM places
"""


def contests() -> Sequence[Contest]:
    """One a database; the first contestant is the small list, so "times" says how much of its speed is left."""
    return [
        Contest(
            name=f"{kind}, {len(READERS)} readers, each the whole list and its tabs",
            contestants={name: _on(kind, name) for name in SIZES},
            prepare=lambda stage, kind=kind: prepare(stage, kind),
            clean_up=lambda stage, kind=kind: _clean_up(stage, kind),
            notes=[
                f"aim: the million costs at most {MOST} times the ten thousand, that is {1 / MOST:.2f} of its speed."
            ],
            trouble=postgres_trouble if kind == "postgres" else lambda: "",
        )
        for kind in ("sqlite", "postgres")
    ]


def _place(stage: Path, name: str) -> Path:
    """A stage of its own for each size."""
    place = stage / f"list-{stage.name.rpartition('-')[2]}{SIZES[name]}"
    place.mkdir(exist_ok=True)
    return place


def _clean_up(stage: Path, kind: str) -> None:
    for name in SIZES:
        drop_database(_place(stage, name), kind)


# -- making ------------------------------------------------------------------------------------------------------------


def prepare(stage: Path, kind: str) -> None:
    """Both databases, with everybody who reads them, and the counts counted."""
    for name, size in SIZES.items():
        place = _place(stage, name)
        with _connected(make_database(place, kind), place):
            db.upgrade()
            colleges = size // (PLANS * CERTIFICATES)
            with transaction(SYSTEM) as tx:
                _organisations(tx, colleges)
                _catalogue(tx)
                _accounts(tx)
            with db.engine().begin() as connection:
                facts = {"size": size, "colleges": colleges, "certificates": CERTIFICATES, "provinces": PROVINCES}
                connection.execute(text(FILL.format(**facts)))
            with transaction(SYSTEM) as tx:
                rebuild_tallies(tx)
            with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT", write=False) as connection:
                connection.exec_driver_sql("VACUUM ANALYZE" if kind == "postgres" else "ANALYZE")


def _stamp(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    return [row | {"version": 1, "created_at": now, "updated_at": now} for row in rows]


def _organisations(tx: Tx, colleges: int) -> None:
    authority = {"name": "示例省教育厅", "level": AuthorityLevel.PROVINCE, "province_code": "11"}
    tx.session.execute(insert(EducationAuthority), _stamp([authority]))
    orgs = [{"org_code": f"{n:03d}", "name": f"示例机构 {n}"} for n in range(5)]
    tx.session.execute(insert(EvaluationOrg), _stamp(orgs))
    rows = [
        {
            "college_code": f"41{n:08d}",
            "name": f"示例学院 {n}",
            "college_type": CollegeType.VOCATIONAL_COLLEGE,
            "province_code": str(11 + n % PROVINCES),
            "city_code": f"{11 + n % PROVINCES}0100",
        }
        for n in range(colleges)
    ]
    tx.session.execute(insert(College), _stamp(rows))


def _catalogue(tx: Tx) -> None:
    levels = list(CertificateLevel)
    rows = [
        {
            "code": f"9{n:07d}",
            "name": f"示例证书 {n // 3}",
            "short_name": "示例",
            "level": levels[n % 3],
            "org_id": n % 5 + 1,
            "standard_code": "990001",
        }
        for n in range(CERTIFICATES)
    ]
    tx.session.execute(insert(CertificateType), _stamp(rows))
    start = datetime(2026, 3, 1, tzinfo=UTC)
    plans = [
        {
            "authority_id": 1,
            "year": 2026,
            "batch_name": f"第 {n} 批",
            "apply_opens_at": start,
            "apply_closes_at": start + timedelta(days=20),
        }
        for n in range(PLANS)
    ]
    tx.session.execute(insert(DeclarationPlan), _stamp(plans))


def _accounts(tx: Tx) -> None:
    admin = Tx(tx.session, SYSTEM.__class__("bench", frozenset({Role.ADMIN.value})))
    homes: dict[str, dict[str, int]] = {
        "province": {"authority_id": 1},
        "teo": {"org_id": 1},
        "college": {"college_id": 1},
    }
    for login, role in READERS.items():
        account = create_account(admin, login=login, real_name="示例用户", roles=[role], **homes.get(login, {}))
        set_password(tx, account_id=account.id, password=PASSWORD)


@contextmanager
def _connected(url: str, place: Path) -> Iterator[None]:
    os.environ |= {"KAOWU_DATA_DIR": str(place), "KAOWU_DATABASE_URL": url}
    without_obstacles()
    settings.forget()
    db.configure(url)
    try:
        yield
    finally:
        db.engine().dispose()


# -- reading -----------------------------------------------------------------------------------------------------------


def _on(kind: str, name: str) -> Callable[[Run], None]:
    def run(run: Run) -> None:
        place = _place(run.stage, name)
        with _connected(_address(place, kind), place):
            browsers = [browser(login) for login in READERS]
            pages = [f"/admin/applications/?tab={tab}" for tab in range(TABS)]
            for browser in browsers:
                _open(browser, pages)  # templates compiled, caches warm
            with run.timed():
                for _ in range(TURNS):
                    for browser in browsers:
                        _open(browser, pages)
            run.rate = TURNS * len(browsers) * len(pages)

    return run


def _address(place: Path, kind: str) -> str:
    from tests.benchmarks.contest import at_postgres, template_name

    return f"sqlite:///{place / 'kaowu.db'}" if kind == "sqlite" else at_postgres(template_name(place))


def _open(client: Any, pages: Sequence[str]) -> None:
    for page in pages:
        answer = client.get(page)
        assert answer.status_code == 200
        assert "全部" in answer.text
