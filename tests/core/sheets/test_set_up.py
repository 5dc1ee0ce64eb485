"""The five set-up sheets of interfaces.md: in, up to date, twice is once, every fault at once, and out again."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from core.errors import NotPermitted
from core.models.catalogue import CertificateType, Major, Subject
from core.models.organisations import (
    College,
    EducationAuthority,
    EvaluationOrg,
    InstitutionDirectoryEntry,
    RegionName,
)
from core.rules.catalogue import CertificateLevel, ExamMode
from core.rules.organisations import CollegeType
from core.rules.values import uscc_check
from core.sheets import desk
from core.sheets.catalogue import SHEETS
from core.sheets.desk import ImportReport
from tests.core.sheets.broken_files import xlsx
from tests.factories import Year, Years, at_once, census, count, one, rows

Row = Mapping[str, Any]
ADMIN_SHEETS = ("directory", "majors", "organisations")
TEO_SHEETS = ("certificates", "subjects")
USCC = "91420100MA4KYK0000"[:17]


@pytest.fixture
def year(years: Years) -> Year:
    return years("set_up")


def workbook(sheet: str, *lines: Row) -> bytes:
    """The sheet's own template with these rows, fields by name."""
    spec = SHEETS[sheet].spec
    cells = [[line.get(column.field, "") for column in spec.columns] for line in lines]
    return xlsx(*cells, title=spec.title, header=[column.heading for column in spec.columns])


def bring(year: Year, login: str, sheet: str, *lines: Row, dry_run: bool = False) -> ImportReport:
    """Import these rows."""
    data = workbook(sheet, *lines)
    return desk.import_file(year.actor(login), sheet, data, f"{sheet}.xlsx", dry_run=dry_run)


def sums(report: ImportReport) -> tuple[int, int, int]:
    """accepted, unchanged, rejected; they make the rows."""
    assert report.row_count == report.accepted + report.unchanged + report.rejected
    return report.accepted, report.unchanged, report.rejected


def faults(report: ImportReport) -> list[tuple[int, str, str]]:
    """(row, column, code) of every fault."""
    assert all(error.message.endswith(("。", "）")) for error in report.errors)
    return [(error.row, error.column, error.code) for error in report.errors]


ENTRY = {"code": "4142010977", "name": "待注册示例学院", "province": "湖北省", "city": "武汉市", "city_code": "420100"}
MAJOR = {"code": "630701", "name": "市场营销", "category": "财经商贸大类"}
ORG = {"kind": "培训评价组织", "code": "977", "name": "新示例科技有限公司"}
COLLEGE = {
    "kind": "试点院校", "code": "4142010978", "name": "新示例学院", "college_type": "本科", "region_code": "420111",
    "address": "示例路 1 号",
}  # fmt: skip
CERTIFICATE = {
    "name": "新示例证书", "level": "高级", "standard_code": "990007", "major_codes": "610205、620201",
    "exam_modes": "机考+实操", "opened_on": "2026-05-20", "credit_tenths": "1.5", "short_name": "新示例",
}  # fmt: skip


def subject(year: Year, **other: Any) -> Row:
    """A subject of the year's certificate."""
    code = one(CertificateType, year["certificate"]).code
    return {"certificate_code": code, "name": "综合", "exam_modes": "笔试+实操"} | other


def good(year: Year) -> dict[str, tuple[str, list[Row]]]:
    """sheet → (who, rows that pass)."""
    return {
        "directory": ("admin", [ENTRY, ENTRY | {"code": "4142010979", "name": "又一示例学院", "college_type": "中职"}]),
        "majors": ("admin", [MAJOR, MAJOR | {"code": "310207"}]),
        "organisations": ("admin", [
            ORG, COLLEGE,
            {
                "kind": "省级教育行政部门", "code": "350000", "name": "丙省教育厅（演示）",
                "contact_phone": "0591-0000-0001",
            },
            {"kind": "地市级教育局", "code": "350100", "name": "丙市教育局（演示）"},
        ]),
        "certificates": ("teo", [CERTIFICATE, CERTIFICATE | {"level": "中级"}]),
        "subjects": ("teo", [subject(year), subject(year, name="论文", exam_modes="笔试", full_score="120")]),
    }  # fmt: skip


@pytest.mark.parametrize("sheet", [*ADMIN_SHEETS, *TEO_SHEETS])
def test_the_same_file_twice_is_the_same_as_once(year: Year, sheet: str) -> None:
    who, lines = good(year)[sheet]
    assert sums(bring(year, who, sheet, *lines)) == (len(lines), 0, 0)
    before = {table: size for table, size in census().items() if table not in ("import_jobs", "audit_entries")}
    assert sums(bring(year, who, sheet, *lines)) == (0, len(lines), 0)
    after = census()
    assert {table: after[table] for table in before} == before


@pytest.mark.parametrize("sheet", [*ADMIN_SHEETS, *TEO_SHEETS])
def test_what_is_taken_out_can_be_sent_in_again_and_changes_nothing(year: Year, sheet: str) -> None:
    who, lines = good(year)[sheet]
    bring(year, who, sheet, *lines)
    out = io.BytesIO()
    number = desk.export_rows(year.actor(who), sheet, out)
    assert number >= len(lines)
    report = desk.import_file(year.actor(who), sheet, out.getvalue(), "again.xlsx")
    assert faults(report) == []
    assert sums(report) == (0, number, 0)


@pytest.mark.parametrize("sheet", [*ADMIN_SHEETS, *TEO_SHEETS])
def test_a_rehearsal_leaves_nothing(year: Year, sheet: str) -> None:
    who, lines = good(year)[sheet]
    before = census()
    assert sums(bring(year, who, sheet, *lines, dry_run=True)) == (len(lines), 0, 0)
    assert census() == before


@pytest.mark.parametrize("login", ["coordinator", "signatory", "province", "city", "invigilator"])
@pytest.mark.parametrize("sheet", [*ADMIN_SHEETS, *TEO_SHEETS])
def test_nobody_else_sets_anything_up(year: Year, login: str, sheet: str) -> None:
    """§8.7, §8.8."""
    with pytest.raises(NotPermitted):
        bring(year, login, sheet, *good(year)[sheet][1])
    with pytest.raises(NotPermitted):
        desk.export_rows(year.actor(login), sheet, io.BytesIO())


@pytest.mark.parametrize("sheet", ADMIN_SHEETS)
def test_organisations_and_lists_are_the_platforms_alone(year: Year, sheet: str) -> None:
    with pytest.raises(NotPermitted):
        bring(year, "teo", sheet, *good(year)[sheet][1])


@pytest.mark.parametrize("sheet", [*ADMIN_SHEETS, *TEO_SHEETS])
def test_two_who_send_the_same_file_at_once_bring_it_in_once(any_years: Years, sheet: str) -> None:
    year = any_years("set_up")
    who, lines = good(year)[sheet]
    found = at_once(lambda: bring(year, who, sheet, *lines), lambda: bring(year, who, sheet, *lines))
    reports = [report for report in found if isinstance(report, ImportReport)]
    assert sum(report.accepted for report in reports) == len(lines)
    assert all(sums(report) for report in reports)


# -- 院校名录, 专业目录 ------------------------------------------------------------------------------------------------


def test_a_city_is_found_by_its_names_once_it_is_known(year: Year) -> None:
    """§2.2: the code brings the names into the dictionary."""
    bring(year, "admin", "directory", ENTRY)
    assert {row.code: row.name for row in rows(select(RegionName))} == {"420000": "湖北省", "420100": "武汉市"}
    second = ENTRY | {"code": "4142010980", "name": "第三示例学院", "city_code": ""}
    assert sums(bring(year, "admin", "directory", second)) == (1, 0, 0)
    (row,) = rows(select(InstitutionDirectoryEntry).where(InstitutionDirectoryEntry.code == "4142010980"))
    assert (row.province_code, row.city_code, row.college_id) == ("42", "420100", None)


def test_a_college_that_is_here_already_is_its_entrys(year: Year) -> None:
    """R-004."""
    bring(year, "admin", "directory", ENTRY | {"code": "4142010901", "name": "江城示例职业技术学院"})
    (row,) = rows(select(InstitutionDirectoryEntry))
    assert row.college_id == year["college"]


def test_every_fault_of_the_directory_is_named_at_once(year: Year) -> None:
    bring(year, "admin", "directory", ENTRY)
    report = bring(
        year,
        "admin",
        "directory",
        ENTRY | {"code": "4142010981", "name": "甲示例学院", "city": "无此市", "city_code": ""},
        ENTRY | {"code": "4142010982", "name": "乙示例学院", "city_code": "420101"},
        ENTRY | {"code": "4142010983", "name": "丙示例学院", "city": "宜昌市"},
        ENTRY | {"code": "4142010984"},
        ENTRY | {"code": "", "name": "丁示例学院"},
        ENTRY | {"code": "4142010985", "name": "戊示例学院"},
    )
    assert sums(report) == (1, 0, 5)
    assert faults(report) == [
        (3, "所在市", "city_unknown"),
        (4, "城市代码", "city_code_shape"),
        (5, "城市代码", "region_name_differs"),
        (6, "院校名称", "entry_there"),
        (7, "院校代码", "value_missing"),
    ]


def test_a_list_of_thousands_comes_in_at_once(year: Year) -> None:
    lines = [ENTRY | {"code": f"4142{n:06d}", "name": f"示例学院{n}"} for n in range(1500)]
    assert sums(bring(year, "admin", "directory", *lines)) == (1500, 0, 0)
    lines[7] = lines[7] | {"name": "改名示例学院"}
    assert sums(bring(year, "admin", "directory", *lines)) == (1, 1499, 0)


def test_a_major_is_known_by_its_code(year: Year) -> None:
    """G-24: two codes of one name are two majors; an empty category wipes nothing out."""
    bring(year, "admin", "majors", MAJOR, MAJOR | {"code": "310207"})
    assert count(Major, Major.name == "市场营销") == 2
    assert sums(bring(year, "admin", "majors", MAJOR | {"category": ""})) == (0, 1, 0)
    assert sums(bring(year, "admin", "majors", MAJOR | {"name": "改名"})) == (1, 0, 0)
    assert count(Major, Major.name == "改名", Major.category == "财经商贸大类") == 1


# -- 机构与院校 --------------------------------------------------------------------------------------------------------


def test_each_kind_becomes_what_it_is(year: Year) -> None:
    bring(year, *good(year)["organisations"][:1], "organisations", *good(year)["organisations"][1])
    (college,) = rows(select(College).where(College.college_code == "4142010978"))
    assert (college.province_code, college.city_code, college.district_code, college.college_type) == (
        "42", "420100", "420111", CollegeType.UNDERGRADUATE,
    )  # fmt: skip
    assert count(EvaluationOrg, EvaluationOrg.org_code == "977") == 1
    authorities = rows(select(EducationAuthority).where(EducationAuthority.province_code == "35"))
    assert {(row.city_code, row.contact_phone) for row in authorities} == {(None, "0591-0000-0001"), ("350100", "")}


def test_an_empty_cell_wipes_nothing_out(year: Year) -> None:
    full = COLLEGE | {"contact_name": "演联系人", "contact_mobile": "19900000001"}
    bring(year, "admin", "organisations", full)
    assert sums(bring(year, "admin", "organisations", COLLEGE)) == (0, 1, 0)
    assert sums(bring(year, "admin", "organisations", COLLEGE | {"address": "示例路 2 号"})) == (1, 0, 0)
    (college,) = rows(select(College).where(College.college_code == "4142010978"))
    assert (college.contact_name, college.address) == ("演联系人", "示例路 2 号")


def test_every_fault_of_an_organisation_is_named_at_once(year: Year) -> None:
    """R-014: a college does not move by a sheet; §2.0: codes have their shapes."""
    uscc = "91420100MA4KYK000"
    uscc += uscc_check(uscc)
    bring(year, "admin", "organisations", COLLEGE | {"uscc": uscc})
    report = bring(
        year,
        "admin",
        "organisations",
        COLLEGE | {"region_code": "420502"},
        COLLEGE | {"code": "41420", "name": "甲示例学院"},
        COLLEGE | {"code": "4142010986", "name": "乙示例学院", "college_type": ""},
        COLLEGE | {"code": "4142010987", "name": "丙示例学院", "region_code": "420000"},
        COLLEGE | {"code": "4142010988"},
        COLLEGE | {"code": "4142010989", "name": "丁示例学院", "uscc": uscc},
        ORG | {"code": "97777"},
        {"kind": "省级教育行政部门", "code": "350100", "name": "丙省教育厅（演示）"},
        {"kind": "地市级教育局", "code": "350000", "name": "丙市教育局（演示）"},
        COLLEGE | {"kind": "工厂"},
    )
    assert faults(report) == [
        (3, "区县代码", "organisation_fixed"),
        (4, "代码", "organisation_kind_code"),
        (5, "院校类型", "value_missing"),
        (6, "区县代码", "region_code_shape"),
        (7, "名称", "organisation_there"),
        (8, "统一社会信用代码", "organisation_there"),
        (9, "代码", "organisation_kind_code"),
        (10, "代码", "organisation_kind_code"),
        (11, "代码", "organisation_kind_code"),
        (12, "类别", "choice_unknown"),
    ]
    assert sums(report) == (0, 0, 10)


# -- 证书, 科目 --------------------------------------------------------------------------------------------------------


def test_a_certificate_comes_with_all_its_fields(year: Year) -> None:
    """§2.9, R-051: a row per level."""
    bring(year, "teo", "certificates", CERTIFICATE, CERTIFICATE | {"level": "中级"})
    found = rows(select(CertificateType).where(CertificateType.name == "新示例证书").order_by(CertificateType.code))
    assert {row.level for row in found} == {CertificateLevel.ADVANCED, CertificateLevel.INTERMEDIATE}
    row = found[0]
    assert (row.org_id, row.standard_code, row.credit_tenths) == (year["org"], "990007", 15)
    assert row.exam_modes == {ExamMode.COMPUTER, ExamMode.PRACTICAL}
    assert row.opened_on.isoformat() == "2026-05-20"


def test_a_number_that_exists_already_is_kept(year: Year) -> None:
    """N9, N10: short and long."""
    bring(year, "teo", "certificates", CERTIFICATE | {"code": "60000003"})
    assert count(CertificateType, CertificateType.code == "60000003") == 1
    line = {"code": "60000003301", "certificate_code": "60000003", "name": "综合", "exam_modes": "笔试"}
    bring(year, "teo", "subjects", line, line | {"code": "", "name": "论文"})
    found = rows(select(Subject.code).where(Subject.code.startswith("60000003")).order_by(Subject.code))
    assert found == ["60000003301", "60000003302"]


def test_the_platform_brings_any_organisations_and_names_it(year: Year) -> None:
    assert sums(bring(year, "admin", "certificates", CERTIFICATE | {"org_code": "902"})) == (1, 0, 0)
    assert count(CertificateType, CertificateType.org_id == year["other_org"]) == 2
    report = bring(year, "admin", "certificates", CERTIFICATE, CERTIFICATE | {"org_code": "999"})
    assert faults(report) == [(3, "机构代码", "org_unknown"), (4, "机构代码", "org_unknown")]


def test_every_fault_of_a_certificate_is_named_at_once_and_nothing_is_half_done(year: Year) -> None:
    mine = one(CertificateType, year["certificate"])
    before = (mine.version, count(CertificateType))
    report = bring(
        year,
        "teo",
        "certificates",
        CERTIFICATE | {"org_code": "902"},
        CERTIFICATE | {"code": "60000001"},
        CERTIFICATE | {"level": "初级", "code": mine.code},
        CERTIFICATE | {"level": "中级", "major_codes": "610205、999999"},
        {"name": mine.name, "level": "初级", "standard_code": "99000A", "major_codes": "620201", "intro": "改"},
        CERTIFICATE | {"name": "", "standard_code": "", "opened_on": "昨天", "credit_tenths": "很多"},
    )
    assert faults(report) == [
        (3, "机构代码", "org_not_yours"),
        (4, "证书编号", "certificate_code_level"),
        (5, "证书编号", "certificate_fixed"),
        (6, "对应专业代码", "majors_unknown"),
        (7, "标准代码", "standard_code_length"),
        (8, "证书名称", "value_missing"),
        (8, "标准代码", "value_missing"),
        (8, "开设时间", "day_shape"),
        (8, "建议学分", "credits_shape"),
    ]
    assert (one(CertificateType, year["certificate"]).version, count(CertificateType)) == before


def test_every_fault_of_a_subject_is_named_at_once(year: Year) -> None:
    foreign = one(CertificateType, year["other_certificate"]).code
    report = bring(
        year,
        "teo",
        "subjects",
        subject(year, certificate_code=foreign),
        subject(year, certificate_code="60000009"),
        subject(year, code="60000003301"),
        subject(year, name="口试", exam_modes="口试"),
        subject(year, name="加试", full_score="0"),
    )
    assert faults(report) == [
        (3, "证书编号", "certificate_unknown"),
        (4, "证书编号", "certificate_unknown"),
        (5, "科目编号", "subject_code_foreign"),
        (6, "考试方式", "choice_unknown"),
        (7, "满分", "number_range"),
    ]


def test_a_subject_is_edited_by_its_number_or_its_name(year: Year) -> None:
    """R-052, R-053."""
    theory = one(Subject, year["subject:theory"])
    line = subject(year, name="理论考核", exam_modes="机考+笔试", examinee_category="退役军人", full_score="150")
    assert sums(bring(year, "teo", "subjects", line)) == (1, 0, 0)
    row = one(Subject, theory.id)
    assert (row.exam_modes, row.examinee_category, row.full_score) == (
        frozenset({ExamMode.COMPUTER, ExamMode.WRITTEN}), "退役军人", 150,
    )  # fmt: skip
    renamed = line | {"code": theory.code, "name": "理论新", "examinee_category": "", "full_score": ""}
    assert sums(bring(year, "teo", "subjects", renamed)) == (1, 0, 0)
    row = one(Subject, theory.id)
    assert (row.name, row.examinee_category, row.full_score) == ("理论新", "退役军人", 150)


def test_a_teo_takes_out_its_own_and_nobody_elses(year: Year) -> None:
    for login, mine in (("teo", 2), ("other_teo", 1), ("admin", 3)):
        assert desk.export_rows(year.actor(login), "certificates", io.BytesIO()) == mine
    out = io.BytesIO()
    desk.export_rows(year.actor("other_teo"), "subjects", out)
    told = {str(cell.value) for line in openpyxl.load_workbook(out).worksheets[0] for cell in line}
    assert one(CertificateType, year["certificate"]).code not in told
