"""The sums that must hold: they do in every stage of a year and in the demo, and each breach is found by its law."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from core import db
from core.db import reading
from core.demo.world import World
from core.queries.reconcile import LAWS, TALLIES_LAW, reconcile, verify_chain
from tests.factories import STAGES, Years


def broken() -> dict[str, tuple[int, tuple[int, ...]]]:
    """The laws that do not hold: how often, and where."""
    with reading() as session:
        return {law.name: (law.broken, law.examples) for law in reconcile(session) if law.broken}


@pytest.mark.parametrize("stage", list(STAGES))
def test_every_sum_holds_at_every_stage_of_a_year(stage: str, any_years: Years) -> None:
    any_years(stage)
    with reading() as session:
        found = reconcile(session)
        assert [law.name for law in found] == [*LAWS, TALLIES_LAW]
        assert broken() == {}
        assert verify_chain(session).broken_at is None


def test_the_demos_world_reconciles(demo: World) -> None:
    assert demo.ids
    assert broken() == {}
    with reading() as session:
        assert verify_chain(session).broken_at is None


def by_hand(*statements: str) -> None:
    """What somebody with the database's own keys could do, the table's own checks taken down."""
    with db.engine().begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(text("PRAGMA ignore_check_constraints = ON"))
        for statement in statements:
            connection.execute(text(statement))


SEAT = "(SELECT min(id) FROM seat_assignments)"
# law → (stage, what somebody did to the rows)
BREACHES: dict[str, list[tuple[str, str]]] = {
    "指标：批准、已使用、作废 = 各笔流水之和": [
        ("approved", "UPDATE quotas SET granted = granted + 1 WHERE id = 1"),
        ("registered", "DELETE FROM quota_postings WHERE kind = 'use'"),
    ],
    "指标：已使用 = 院校考生报考数 ≤ 批准数": [
        ("registered", "UPDATE quotas SET used = used + 1 WHERE id = 1"),
        ("registered", "UPDATE quotas SET used = used - 1 WHERE id = 1"),
        ("registered", "UPDATE registrations SET kind = 'social' WHERE id = 1"),
    ],
    "考生：已报考证书数 = 报考记录数": [
        ("registered", "UPDATE candidates SET registered_count = registered_count + 1 WHERE id = 1"),
        ("peopled", "UPDATE candidates SET registered_count = 1 WHERE id = 2"),
    ],
    "照片：登记与实存一致": [
        ("peopled", "DELETE FROM candidate_photos WHERE candidate_id = 1"),
        (
            "peopled",
            "DROP TRIGGER candidate_photos_frozen_update",
            "UPDATE candidate_photos SET sha256 = 'x' WHERE candidate_id = 1",
        ),
    ],
    "排考：已排考 = 有座位": [
        ("arranged", f"DELETE FROM seat_assignments WHERE id = {SEAT}"),
        ("arranged", "UPDATE subject_registrations SET state = 'not_arranged' WHERE id = 1"),
    ],
    "排考：座位号不超过考位数": [
        ("arranged", "UPDATE exam_rooms SET seat_count = 3"),
        ("arranged", f"UPDATE seat_assignments SET seat_no = 11 WHERE id = {SEAT}"),
    ],
    "成绩：锁定计划的每个科次都已锁定": [
        ("concluded", "DELETE FROM subject_scores WHERE id = 1"),
        ("concluded", "UPDATE subject_scores SET state = 'entered', locked_at = NULL WHERE id = 1"),
    ],
    "结果：锁定计划的每条报考都有最终结果": [
        ("concluded", "UPDATE certificate_results SET is_final = false WHERE state = 'failed'"),
    ],
    "发证：最终通过 = 有且仅有一条发放记录": [
        ("concluded", "DELETE FROM certificate_issuances WHERE id = 1"),
        ("concluded", "UPDATE certificate_results SET state = 'failed' WHERE state = 'passed'"),
    ],
    "签发：状态与双方签字数一致": [
        ("concluded", "UPDATE certificate_issuances SET state = 'ready' WHERE id = 1"),
        ("signed", "DELETE FROM signing_records WHERE id = 1"),
        ("signed", "UPDATE certificate_issuances SET state = 'teo_pending' WHERE id = 1"),
    ],
    "证书：完成发放 = 有且仅有一份证书": [
        ("issued", "DELETE FROM certificates WHERE id = 1"),
        ("ordered", "UPDATE certificate_issuances SET state = 'issued' WHERE id = 1"),
    ],
    "通知：已送达的都有消息编号": [
        (
            "applied",
            "UPDATE notifications SET delivery_state = 'delivered', delivered_at = created_at WHERE id = 1",
        ),
    ],
    "导入：行数 = 接受 + 拒绝 + 未变": [
        (
            "peopled",
            "INSERT INTO import_jobs (sheet, file_name, file_hash, row_count, accepted_count, rejected_count,"
            " unchanged_count, version, created_at, updated_at)"
            " VALUES ('candidates', 'x.xlsx', 'x', 5, 1, 1, 1, 1, '2026-03-15', '2026-03-15')",
        ),
    ],
}


def test_every_law_has_a_breach_here() -> None:
    assert set(BREACHES) == set(LAWS)


@pytest.mark.parametrize(
    ("law", "stage", "statements"),
    [
        pytest.param(law, breach[0], breach[1:], id=f"{law}-{n}")
        for law, found in BREACHES.items()
        for n, breach in enumerate(found)
    ],
)
def test_a_law_broken_by_hand_is_found_with_its_row(
    law: str, stage: str, statements: tuple[str, ...], years: Years
) -> None:
    years(stage)
    by_hand(*statements)
    found = broken()
    assert law in found
    number, examples = found[law]
    assert number >= 1
    assert len(examples) == min(number, 5)


def test_only_a_few_examples_are_named_however_many_rows_are_broken(years: Years) -> None:
    years("peopled")
    by_hand("DELETE FROM candidate_photos")
    number, examples = broken()["照片：登记与实存一致"]
    assert (number, len(examples)) == (8, 5)
