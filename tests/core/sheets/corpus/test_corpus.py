"""Every broken file of the corpus comes to its expected end, and no row of any is lost on the way (R-294…R-297)."""

from __future__ import annotations

from collections import Counter

import pytest

from core.demo.world import World
from core.errors import FileRefused
from core.notifications.words import sentence
from core.sheets import desk
from tests.core.sheets.corpus import cells, layouts, packages
from tests.core.sheets.corpus.workbooks import Case

CORPUS = (*cells.CASES, *layouts.CASES, *packages.CASES)


def test_the_corpus_is_large_and_every_case_has_a_name_of_its_own() -> None:
    assert len(CORPUS) >= 200
    assert [name for name, times in Counter(case.name for case in CORPUS).items() if times > 1] == []


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_a_broken_file_comes_to_its_expected_end(standing_world: World, case: Case) -> None:
    actor = standing_world.actor("jiangcheng")
    if case.refused:
        with pytest.raises(FileRefused) as caught:
            desk.import_file(actor, "candidates", case.make(), case.file_name, dry_run=True)
        assert caught.value.sentence_code == case.refused
        assert "{" not in sentence(caught.value)
        return
    report = desk.import_file(actor, "candidates", case.make(), case.file_name, dry_run=True)
    assert [(error.row, error.column, error.code) for error in report.errors] == list(case.faults)
    assert report.row_count == case.rows == report.accepted + report.unchanged + report.rejected
    assert report.rejected == len({row for row, _, _ in case.faults})
