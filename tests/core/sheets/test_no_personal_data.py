"""Nobody's name, ID number or mobile in any log line of importing, photos, checking and letters, nor in a letter."""

from __future__ import annotations

import logging
import string
from collections.abc import Callable
from datetime import datetime

import pytest

from core.gateways.courier import AppriseCourier, CourierTrouble, Letter
from core.gateways.identity import RuleVerifier
from core.notifications.words import TEMPLATES
from core.sheets import desk
from core.usecases import candidate_accounts, candidates
from jobs.due import once
from tests.core.sheets.broken_files import photo, zipped
from tests.core.sheets.test_desk import CROWD, student, workbook
from tests.factories import Years, moment
from tests.factories import photo as small_photo

PERSONAL = {"name", "real_name", "name_pinyin", "id_number", "mobile"}


@pytest.mark.parametrize("path", sorted((TEMPLATES / "letters").glob("*.txt")), ids=lambda path: path.stem)
def test_a_letter_has_no_gap_for_anything_personal(path: object) -> None:
    """R-010: a phone lies on a table; the login is a number, and the name stays with us."""
    words = (TEMPLATES / "letters" / f"{getattr(path, 'stem')}.txt").read_text(encoding="utf-8")  # noqa: B009
    gaps = {name for _, name, _, _ in string.Formatter().parse(words) if name}
    assert not gaps & PERSONAL
    assert words.strip().startswith("【考务】")


def test_no_log_line_of_import_photos_check_and_letters_names_anybody(
    years: Years, at: Callable[[datetime | str], datetime], caplog: pytest.LogCaptureFixture
) -> None:
    year = years("peopled")
    at(moment("planned"))
    caplog.set_level(logging.DEBUG)
    actor, crowd = year.actor("coordinator"), CROWD[:4]
    broken = student(crowd[3], mobile="12345", id_number=crowd[3].id_number[:-1] + "?")
    desk.import_file(actor, "candidates", workbook("candidates", *map(student, crowd[:3]), broken), "学生.xlsx")
    pictures = {f"{person.id_number}.jpg": photo() for person in crowd[:1]}
    desk.import_photos(actor, zipped(pictures | {f"{crowd[0].id_number} (1).jpg": b"no picture"}), "照片.zip")
    ours = year.ids["student:0"]
    year.do("coordinator", candidates.edit_candidate, candidate_id=ours, changes={"mobile": "13900007777"})
    one = [(1, small_photo(year.students[0].id_number, 77))]
    year.do("coordinator", candidates.put_photos, college_id=year["college"], photos=one)
    once("check", lambda tx: candidates.verify_candidates(tx, candidate_ids=[ours], verifier=RuleVerifier()))
    once("link", lambda tx: candidate_accounts.ask_for_link(tx, typed=year.students[1].id_number))
    with pytest.raises(CourierTrouble):
        AppriseCourier(()).send(Letter(year.students[0].name, mobile=year.students[0].mobile))
    said = "\n".join(f"{record.name} {record.getMessage()} {record.exc_text or ''}" for record in caplog.records)
    assert "check" in said, "the log was listened to"
    people = [*crowd, *year.students]
    facts = {fact for person in people for fact in (person.name, person.id_number, person.mobile)} | {"13900007777"}
    assert not [fact for fact in facts if fact in said]
