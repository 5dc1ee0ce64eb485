"""The quota's ledger: balances are sums of postings, and no place is sold that is not there (R-019, R-020, R-139)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select, text

from core import db
from core.db import reading
from core.demo.people import Person, people
from core.errors import QuotaExceeded, Refusal, ValueRefused
from core.gateways.identity import RuleVerifier
from core.models.candidates import Candidate
from core.models.pilots import Quota, QuotaPosting
from core.models.registrations import Registration
from core.queries.reconcile import reconcile
from core.rules.candidates import CandidateKind
from core.usecases import candidates, quotas, registrations, verification
from kaowu import main
from tests.factories import (
    QUOTA,
    WINDOWS,
    Year,
    Years,
    at_once,
    candidate_values,
    codes,
    count,
    moment,
    on,
    one,
    photo,
    register,
    registration_row,
    rows,
)

At = Callable[[datetime | str], datetime]
WRITERS = 64
PLACES = 40


def ledger(quota_id: int) -> list[tuple[str, int, int, int]]:
    """(kind, granted, used, lapsed), first to last."""
    found = rows(select(QuotaPosting).where(QuotaPosting.quota_id == quota_id).order_by(QuotaPosting.id))
    return [(row.kind.value, row.granted, row.used, row.lapsed) for row in found]


def whole() -> None:
    """Every sum of the house holds."""
    with reading() as session:
        assert [law for law in reconcile(session) if law.broken] == []


def test_every_change_of_a_quota_is_a_posting(years: Years, at: At) -> None:
    """Granted, used, released, adjusted with its reason, lapsed with the number that was lost."""
    year = years("planned")
    at(WINDOWS["registration"][0])
    register(year, [0, 1])
    gone = rows(select(Registration.id).order_by(Registration.id))[0]
    year.do("coordinator", registrations.delete_registration, registration_id=gone)
    year.do("province", quotas.adjust_quota, quota_id=year["quota"], granted=3, reason="核减")
    year.do("province", quotas.adjust_quota, quota_id=year["quota"], granted=3, reason="同一个数不是变动")
    at(on("2027-01-01 00:00"))
    year.do("system", quotas.lapse_quotas, before_year=2027)
    assert ledger(year["quota"]) == [
        ("grant", QUOTA, 0, 0),
        ("use", 0, 2, 0),
        ("release", 0, -1, 0),
        ("adjust", 3 - QUOTA, 0, 0),
        ("lapse", 0, 0, 2),
    ]
    quota = one(Quota, year["quota"])
    assert (quota.granted, quota.used, quota.lapsed, quota.left) == (3, 1, 2, 0)
    reasons = rows(select(QuotaPosting.reason).where(QuotaPosting.reason != ""))
    assert reasons == ["核减"]
    whole()


def test_a_quota_that_was_set_by_hand_is_rebuilt_from_its_postings(years: Years, at: At) -> None:
    """`kaowu reconcile` finds it and ends with 1; with --rebuild the ledger has the last word."""
    year = years("registered")
    at(moment("registered"))
    with db.engine().begin() as connection:
        connection.execute(text("UPDATE quotas SET granted = granted + 5 WHERE id = :id"), {"id": year["quota"]})
    found = CliRunner().invoke(main, ["reconcile"])
    assert found.exit_code == 1
    assert "指标：批准、已使用、作废 = 各笔流水之和：1 处不符" in found.output
    mended = CliRunner().invoke(main, ["reconcile", "--rebuild"])
    assert mended.exit_code == 0, mended.output
    assert "已重算：指标余额 1 条，列表计数 0 个。" in mended.output
    assert one(Quota, year["quota"]).granted == QUOTA


def crowd(year: Year, size: int) -> list[Person]:
    """So many more verified students of the college."""
    found = people(11, size, first=2_000)
    sheet = [(number, candidate_values(person)) for number, person in enumerate(found, start=3)]
    pictures = [(number, photo(person.id_number, person.index)) for number, person in enumerate(found, start=1)]
    with year.acting("coordinator") as tx:
        candidates.import_candidates(tx, college_id=year["college"], kind=CandidateKind.COLLEGE, rows=sheet)
        candidates.put_photos(tx, college_id=year["college"], photos=pictures)
        numbers = [person.id_number for person in found]
        ids = tx.all(select(Candidate.id).where(Candidate.id_number.in_(numbers)))
        verification.verify_candidates(tx, candidate_ids=ids, verifier=RuleVerifier())
    return found


def seller(year: Year, person: Person) -> Callable[[], Any]:
    """One writer with a file of one row."""
    code, site_no = codes(year)
    row = [(3, registration_row(person, code, site_no))]
    given = {"plan_id": year["plan"], "college_id": year["college"], "rows": row}
    return lambda: year.do("coordinator", registrations.register_by_certificate, **given)


@pytest.mark.postgres
def test_sixty_four_writers_at_once_leave_exactly_zero_over(postgres_year: Year, at: At) -> None:
    """R-139: sixty-four at once for forty places: forty in, twenty-four told why, and not one too many or too few."""
    year = postgres_year
    at(WINDOWS["registration"][0])
    year.do("province", quotas.adjust_quota, quota_id=year["quota"], granted=PLACES, reason="核增")
    outcomes = at_once(*[seller(year, person) for person in crowd(year, WRITERS)])
    accepted = sum(outcome.accepted for outcome in outcomes)
    refused = Counter(type(fault.refusal) for outcome in outcomes for fault in outcome.refused)
    assert (accepted, refused) == (PLACES, {QuotaExceeded: WRITERS - PLACES})
    quota = one(Quota, year["quota"])
    assert (quota.used, quota.left, count(Registration)) == (PLACES, 0, PLACES)
    whole()


@pytest.mark.postgres
def test_selling_giving_back_and_cutting_at_once_never_oversells(postgres_year: Year, at: At) -> None:
    """R-020, R-141: sixty-four writers of three kinds; a cut is refused or leaves room for what is used."""
    year = postgres_year
    at(WINDOWS["registration"][0])
    year.do("province", quotas.adjust_quota, quota_id=year["quota"], granted=PLACES, reason="核增")
    found = crowd(year, 48)
    for person in found[:16]:
        seller(year, person)()
    held = rows(select(Registration.id))

    def give_back(ident: int) -> Callable[[], Any]:
        return lambda: year.do("coordinator", registrations.delete_registration, registration_id=ident)

    def cut(granted: int) -> Callable[[], Any]:
        given = {"quota_id": year["quota"], "granted": granted, "reason": "核减"}
        return lambda: year.do("province", quotas.adjust_quota, **given)

    deeds = [seller(year, person) for person in found[16:]]
    deeds += [give_back(ident) for ident in held] + [cut(granted) for granted in range(10, 26)]
    outcomes = at_once(*deeds)
    assert len(deeds) == WRITERS
    assert all(isinstance(answer, Refusal) for answer in outcomes if isinstance(answer, BaseException))
    assert any(isinstance(answer, ValueRefused) for answer in outcomes) or one(Quota, year["quota"]).used <= 10
    quota = one(Quota, year["quota"])
    assert quota.used == count(Registration) <= quota.granted
    whole()


@pytest.fixture
def postgres_year(postgres_years: Years) -> Year:
    """The planned year on PostgreSQL."""
    return postgres_years("planned")
