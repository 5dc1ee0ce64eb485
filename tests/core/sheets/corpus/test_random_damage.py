"""Whatever happens to a workbook, the answer is a refusal or a report in which every row is accounted for (R-294)."""

from __future__ import annotations

import io
import zipfile
from functools import cache
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.demo.world import World
from core.errors import FileRefused
from core.sheets import desk
from core.sheets.desk import ImportReport
from core.sheets.writer import Heading, write_rows
from tests.core.sheets.broken_files import SHEET, edited, xls
from tests.core.sheets.corpus.workbooks import CROWD, HEADER, TITLE, TITLES, book, typed

ROWS = [typed(person) for person in CROWD[:6]]
SHARED = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,  # the corpus of today is the corpus of tomorrow
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SLOW = settings(SHARED, max_examples=12)  # a process each

text = st.text(max_size=40)
cell = st.one_of(
    text,
    st.integers(-(10**18), 10**18),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.sampled_from(
        ["", "\u3000", "=1+1", "#N/A", "2020年9月", "20/21", "男", "1", "\u200b", "\x0b", "٣", "𠮷", "身份证", "大专"]
        + [str(value) for value in ROWS[0]]
    ),
)
damaged_cells = st.dictionaries(
    st.tuples(st.integers(0, len(ROWS) - 1), st.integers(0, len(HEADER) - 1)), cell, min_size=1, max_size=12
)


@cache
def usual() -> bytes:
    return book(*ROWS)


@cache
def old() -> bytes:
    return xls([TITLE], HEADER, *ROWS)


def answer(world: World, data: bytes, file_name: str = "学生.xlsx") -> ImportReport | None:
    """None where the file as a whole is refused; anything else that is raised fails the test."""
    try:
        report = desk.import_file(world.actor("jiangcheng"), "candidates", data, file_name, dry_run=True)
    except FileRefused:
        return None
    assert report.row_count == report.accepted + report.unchanged + report.rejected
    assert report.rejected == len({error.row for error in report.errors})
    for error in report.errors:
        assert error.message
        assert error.suggestion is None or error.suggestion.strip()
    return report


@SHARED
@given(flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=6))
def test_flipped_bytes(standing_world: World, flips: list[tuple[float, int]]) -> None:
    data = bytearray(usual())
    for at, mask in flips:
        data[int(at * len(data))] ^= mask
    answer(standing_world, bytes(data))


@SHARED
@given(flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(32, 126)), min_size=1, max_size=6))
def test_flipped_letters_inside_the_sheet(standing_world: World, flips: list[tuple[float, int]]) -> None:
    """The archive is whole, its XML is not."""

    def flip(xml: bytes) -> bytes:
        damaged = bytearray(xml)
        for at, letter in flips:
            damaged[int(at * len(damaged))] = letter
        return bytes(damaged)

    answer(standing_world, edited(usual(), SHEET, flip))


@SHARED
@given(start=st.floats(0, 1), length=st.floats(0, 1))
def test_a_piece_cut_out(standing_world: World, start: float, length: float) -> None:
    data = usual()
    first = int(start * len(data))
    answer(standing_world, data[:first] + data[first + int(length * (len(data) - first)) :])


@SLOW
@given(flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=6))
def test_flipped_bytes_of_an_xls(standing_world: World, flips: list[tuple[float, int]]) -> None:
    data = bytearray(old())
    for at, mask in flips:
        data[int(at * len(data))] ^= mask
    answer(standing_world, bytes(data), "学生.xls")


@SHARED
@given(cells=damaged_cells)
def test_cells_of_anything(standing_world: World, cells: dict[tuple[int, int], Any]) -> None:
    """The rows that nobody touched are in, and no row is lost."""
    rows = [list(row) for row in ROWS]
    for (row, column), value in cells.items():
        rows[row][column] = value
    out = io.BytesIO()
    write_rows([Heading(title) for title in HEADER], rows, out, title=TITLE)
    report = answer(standing_world, out.getvalue())
    assert report is not None
    touched = {row + 3 for row, _ in cells}
    assert {error.row for error in report.errors if error.code != "duplicate_row"} <= touched
    assert report.row_count >= len(ROWS) - len(touched)


@SHARED
@given(titles=st.lists(st.one_of(st.sampled_from(HEADER), text), max_size=14))
def test_headers_of_anything(standing_world: World, titles: list[str]) -> None:
    out = io.BytesIO()
    width = max(len(titles), len(HEADER), 1)
    rows = [titles + [""] * (width - len(titles)), *(row + [""] * (width - len(row)) for row in ROWS)]
    write_rows([Heading("") for _ in range(width)], rows, out)
    report = answer(standing_world, out.getvalue())
    assert report is None or {title.lstrip("*") for title in titles if title} >= set(TITLES.values())


@SHARED
@given(name=st.text(max_size=30), data=st.binary(max_size=300))
def test_files_of_anything(standing_world: World, name: str, data: bytes) -> None:
    assert answer(standing_world, data, name) is None


def test_the_damage_is_done_to_a_workbook_that_is_whole(standing_world: World) -> None:
    for data in (usual(), old()):
        report = answer(standing_world, data)
        assert report is not None
        assert (report.accepted, report.rejected) == (len(ROWS), 0)
    assert zipfile.is_zipfile(io.BytesIO(usual()))
