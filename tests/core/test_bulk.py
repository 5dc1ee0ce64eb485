"""Many rows at once: poured or not, the same rows, the same refusals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DataError

from core import bulk, db
from core.actors import SYSTEM
from core.db import reading, transaction
from core.errors import AlreadyThere
from core.models.catalogue import Major
from core.models.organisations import EvaluationOrg
from core.models.records import AuditEntry, Heartbeat, ImportFault
from core.rules.organisations import Switch
from core.usecases.imports import open_import

MANY = 2_500
AT = datetime(2026, 5, 20, 1, 2, 3, 456789, tzinfo=UTC)


def orgs(count: int, *, first: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "org_code": f"{number:04d}",
            "name": f"机构\t{number}\\N\n",
            "seal_image": bytes([number % 256, 0, 92, 10]) if number % 2 else None,
        }
        for number in range(first, first + count)
    ]


def insert(model: Any, rows: Sequence[dict[str, Any]]) -> None:
    with transaction(SYSTEM) as tx:
        tx.insert_all(model, rows)


@pytest.mark.parametrize("count", [10, MANY])
def test_every_value_arrives_as_it_was_and_defaults_are_filled_in(any_database: str, count: int) -> None:
    insert(EvaluationOrg, orgs(count))
    with reading() as session:
        found = session.scalars(select(EvaluationOrg).order_by(EvaluationOrg.org_code)).all()
        assert [(org.org_code, org.name, org.seal_image) for org in found] == [
            (row["org_code"], row["name"], row["seal_image"]) for row in orgs(count)
        ]
        assert {(org.state, org.version, org.created_by) for org in found} == {(Switch.ENABLED, 1, None)}
        assert {org.created_at.tzinfo for org in found} == {UTC}


@pytest.mark.parametrize("count", [10, MANY])
def test_a_column_may_be_called_what_sql_calls_its_own(any_database: str, count: int) -> None:
    """The faults of a file have one called column."""
    with transaction(SYSTEM) as tx:
        job = open_import(tx, sheet="candidates", file_name="学生.xlsx", file_hash="0" * 64)
        fault = {"job_id": job.id, "field": "mobile", "column": "手机号码", "code": "mobile_shape", "value": "1"}
        tx.insert_all(
            ImportFault, [fault | {"row": row, "message": "不对", "suggestion": None} for row in range(count)]
        )
    with reading() as session:
        assert session.scalar(select(func.count()).where(ImportFault.column == "手机号码")) == count


@pytest.mark.parametrize("count", [10, MANY])
def test_instants_keep_their_microseconds_and_their_zone(any_database: str, count: int) -> None:
    insert(Heartbeat, [{"name": f"job {number}", "at": AT} for number in range(count)])
    with reading() as session:
        assert set(session.scalars(select(Heartbeat.at))) == {AT}
        assert session.scalar(select(func.count()).where(Heartbeat.at == AT)) == count


@pytest.mark.parametrize("count", [10, MANY])
def test_a_row_that_is_there_takes_all_of_them_back_and_names_the_constraint(any_database: str, count: int) -> None:
    insert(Major, [{"code": "5", "name": "护理"}])
    with pytest.raises(AlreadyThere) as caught:
        insert(Major, [{"code": str(number), "name": "软件技术"} for number in range(count)])
    assert caught.value.facts["constraint"] == "uq_majors_code"
    with reading() as session:
        assert session.scalars(select(Major.name)).all() == ["护理"]


def test_the_trail_says_how_many_and_a_digest_of_what(database: str) -> None:
    insert(Major, [{"code": str(number), "name": "软件技术"} for number in range(MANY)])
    insert(Major, [{"code": f"A{number}", "name": "软件技术"} for number in range(MANY)])
    with reading() as session:
        first, second = session.scalars(select(AuditEntry.after).order_by(AuditEntry.id))
    assert f'"rows": {MANY}' in first
    assert first != second


@pytest.mark.parametrize("count", [0, 3, 40_000])
def test_any_number_of_texts_can_be_asked_for_at_once(any_database: str, count: int) -> None:
    codes = ["1", "2'\"", "三"]
    insert(Major, [{"code": code, "name": "软件技术"} for code in codes])
    wanted = [*codes, *map(str, range(100, 40_100))][:count]
    with db.engine().connect() as connection:
        query = select(Major.code).where(bulk.among(connection, Major.code))
        found = connection.scalars(query, bulk.listed(connection, wanted)).all()
    assert sorted(found) == sorted(set(codes) & set(wanted))


@pytest.mark.parametrize("count", [0, 2, 40_000])
def test_any_number_of_ids_can_be_asked_for_at_once(any_database: str, count: int) -> None:
    insert(Major, [{"code": str(number), "name": "软件技术"} for number in range(3)])
    with db.engine().connect() as connection:
        ids = connection.scalars(select(Major.id).order_by(Major.id)).all()
        wanted = [*ids, *range(100_000, 140_000)][:count]
        found = connection.scalars(select(Major.id).where(bulk.one_of(connection, Major.id, wanted))).all()
    assert sorted(found) == sorted(set(ids) & set(wanted))


def test_each_row_is_given_its_own_values_whatever_their_kind(any_database: str) -> None:
    """Texts, states, bytes and nothing at all; those that are not named stay as they are."""
    insert(EvaluationOrg, orgs(4))
    with transaction(SYSTEM) as tx:
        ids = tx.all(select(EvaluationOrg.id).order_by(EvaluationOrg.id))
        states = (Switch.DISABLED, Switch.ENABLED, Switch.DISABLED)
        seals = (b"\0\\n", None, b"")
        rows = zip(ids, ("甲\t\\N", "{乙,\"'}", ""), states, seals, strict=False)
        names = ("id", "name", "state", "seal_image")
        tx.update_each(EvaluationOrg, [dict(zip(names, row, strict=True)) for row in rows])
    with reading() as session:
        found = session.scalars(select(EvaluationOrg).order_by(EvaluationOrg.id)).all()
        assert [org.name for org in found] == ["甲\t\\N", "{乙,\"'}", "", orgs(4)[3]["name"]]
        assert [org.state for org in found] == [*states, Switch.ENABLED]
        assert [org.seal_image for org in found] == [*seals, orgs(4)[3]["seal_image"]]
        assert [org.version for org in found] == [2, 2, 2, 1]


def test_a_text_too_long_for_its_column_is_refused_and_not_cut(any_database: str) -> None:
    if db.engine().dialect.name == "sqlite":
        pytest.skip("SQLite keeps no lengths")
    insert(Major, [{"code": "1", "name": "护理"}])
    with pytest.raises(DataError), transaction(SYSTEM) as tx:
        tx.update_each(Major, [{"id": tx.first(select(Major.id)), "name": "长" * 201}])
    with reading() as session:
        assert session.scalars(select(Major.name)).all() == ["护理"]
