"""The files that leave: whose rows are in them, what their columns say, and the mark of who took them and when."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest
from sqlalchemy import ColumnElement, select

from core.actors import Actor
from core.db import reading, transaction
from core.demo.people import people
from core.errors import NotFound, NotPermitted, NotReady, TooMany, ValueRefused
from core.gateways import courier
from core.models.accounts import UserAccount
from core.models.candidates import Candidate, CandidatePhoto
from core.models.certificates import CertificateIssuance
from core.models.organisations import College
from core.models.pilots import PilotApplication
from core.models.records import ExportJob
from core.queries.scoping import visible
from core.rules import exports as rules
from core.rules.candidates import CandidateKind
from core.rules.exports import Asked
from core.rules.permissions import GRANTS
from core.rules.values import IdType
from core.sheets import desk, export_desk, exports
from core.sheets.exports import EXPORTS, ExportSpec
from core.usecases.candidates import create_candidate
from tests.factories import CAST, Year, Years, candidate_values, count, moment, one, photo_bytes

At = Callable[[datetime | str], datetime]
FREE = {"application-list": "province", "quota-list": "province"}  # exports that need no code → who asks

# Export → who may take it, typed from §8.8 and the pages of §8.1-8.3 that name it.
STAFF = {"coordinator", "second_coordinator", "signatory", "other_coordinator", "other_signatory"}
TEO = {"teo", "other_teo"}
PROVINCE = {"province", "other_province"}
MAY: dict[str, set[str]] = {
    "organisation-list": {"admin"} | STAFF,
    "college-list": {"admin"} | PROVINCE | STAFF,
    "application-list": PROVINCE | {"city", "other_city"} | STAFF,
    "quota-list": PROVINCE,
    "candidate-list": STAFF,
    "candidate-photos": STAFF,
    "registration-list": STAFF,
    "score-list": STAFF | TEO,
    "result-list": STAFF | TEO,
    "issuance-list": STAFF | TEO,
}
# Export → its columns, typed from §5.2 where they were seen.
COLUMNS = {
    "organisation-list": ["机构代码", "机构名称", "已试点证书数量", "机构状态"],
    "college-list": ["院校代码", "院校名称", "院校属性", "院校类型", "院校状态"],
    "application-list": [
        "申报年度", "申报批次", "证书名称", "颁证机构", "申请总培训人数", "批准总培训人数", "已使用指标数", "申报状态",
    ],
}  # fmt: skip


@pytest.fixture
def issued(years: Years, at: At) -> Year:
    """The year at its end."""
    found = years("issued")
    at(moment("issued"))
    return found


def taken(actor: Actor, name: str, **options: Any) -> bytes:
    """The file on the operator's machine."""
    out = io.BytesIO()
    export_desk.take_directly(actor, name, out, **options)
    return out.getvalue()


def lines(data: bytes, place: int = 0) -> list[tuple[Any, ...]]:
    """Header and rows of a worksheet, below its title; of an archive of photos, what its files are named after."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if "[Content_Types].xml" not in (names := archive.namelist()):
            return [("证件类型", "证件号码", "照片"), *((None, name.removesuffix(".jpg"), name) for name in names)]
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[place]
    return list(sheet.iter_rows(min_row=2, values_only=True))


def seen(actor: Actor, spec: ExportSpec) -> int:
    """How many rows of the table the actor may see."""
    with reading() as session:
        return len(session.scalars(select(spec.model.id).where(visible(spec.model, actor))).all())


# -- whose rows (R-023, R-097, R-203) ----------------------------------------------------------------------------------


def test_an_export_is_for_the_roles_written_down_and_holds_their_rows_alone(any_years: Years, at: At) -> None:
    year = any_years("issued")
    at(moment("issued"))
    for name, spec in EXPORTS.items():
        for login in CAST:
            actor = year.actor(login)
            if login not in MAY[name]:
                with pytest.raises(NotPermitted):
                    taken(actor, name)
                continue
            found = lines(taken(actor, name))
            assert len(found) - 1 == seen(actor, spec), (name, login)
            assert len(found[0]) == len(spec.columns_for(actor))


def test_every_export_has_a_right_of_its_own() -> None:
    assert set(MAY) == set(EXPORTS)
    acts = [spec.act for spec in EXPORTS.values()]
    assert len(set(acts)) == len(acts)
    assert {act for act in GRANTS if act.startswith("export_")} == set(acts)


def test_only_exports_without_people_organisations_and_colleges_need_no_code() -> None:
    """R-011."""
    assert {name for name, spec in EXPORTS.items() if not spec.needs_code} == set(FREE)


def test_numbers_of_others_are_in_nobodys_file(issued: Year) -> None:
    """The other college's two candidates, in every file of ours and of the TEO they never registered with."""
    with reading() as session:
        theirs = set(
            session.scalars(select(Candidate.id_number).where(Candidate.college_id == issued["other_college"]))
        )
    assert len(theirs) == 2
    for login in ("coordinator", "signatory", "teo", "province", "admin"):
        for name in EXPORTS:
            if login in MAY[name]:
                cells = {cell for row in lines(taken(issued.actor(login), name)) for cell in row}
                assert not cells & theirs, (login, name)
    cells = {cell for row in lines(taken(issued.actor("other_coordinator"), "candidate-list")) for cell in row}
    assert theirs <= cells


# -- columns and values ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(COLUMNS))
def test_the_columns_are_those_of_the_platform(issued: Year, name: str) -> None:
    """E-01, E-02, E-03 (§5.2)."""
    assert list(lines(taken(issued.actor("coordinator"), name))[0]) == COLUMNS[name]


def test_applications_are_exported_by_certificate_with_the_quota_used(issued: Year) -> None:
    """R-048; the province, which reads many colleges, is told which one."""
    line = (2026, "第一批", "示例证书(初级)", "云帆示例科技有限公司", 24, 4, 3, "审核通过")
    assert lines(taken(issued.actor("coordinator"), "application-list"))[1:] == [line]
    code, name = one(College, issued["college"]).college_code, one(College, issued["college"]).name
    assert lines(taken(issued.actor("province"), "application-list"))[1:] == [(*line, code, name)]
    assert count(PilotApplication) == 2


def test_exports_carry_whole_numbers(issued: Year) -> None:
    """R-010 masks lists; the file has them whole, which is why it needs a code."""
    header, *rows = lines(taken(issued.actor("coordinator"), "candidate-list"))
    place = header.index("证件号码")
    crowd = [*issued.students, *issued.socials]
    assert [row[place] for row in rows] == [person.id_number for person in crowd]
    assert [row[header.index("手机号码")] for row in rows] == [person.mobile for person in crowd]


def test_scores_results_and_issuances_say_what_became_of_everybody(issued: Year) -> None:
    """E-05, E-09, E-10, E-11 (R-253)."""
    actor = issued.actor("coordinator")
    header, *rows = lines(taken(actor, "score-list"))
    third = [row for row in rows if row[header.index("姓名")] == issued.students[2].name]
    assert [row[header.index("考试成绩")] for row in third] == [90, "缺考"]
    assert rows[0][header.index("考试时间")] == "2026-05-20 09:00–10:30"
    header, *rows = lines(taken(actor, "result-list"))
    assert [row[header.index("考核状态")] for row in rows] == ["已通过", "未通过", "未通过", "已通过"]
    assert rows[2][header.index("科目成绩")] == "理论考核 90；实操考核 缺考"
    header, *rows = lines(taken(actor, "issuance-list"))
    assert {row[header.index("颁证状态")] for row in rows} == {"完成发放"}
    assert len(rows) == count(CertificateIssuance)
    header, *rows = lines(taken(actor, "registration-list"))
    assert {row[header.index("考试状态")] for row in rows} == {"已结束"}


def test_scores_not_yet_known_to_the_college_are_not_in_its_file(years: Years, at: At) -> None:
    """R-203, D-08: while scores are being entered they are the TEO's alone."""
    year = years("scored")
    at("2026-05-23 10:00")
    header, *rows = lines(taken(year.actor("teo"), "score-list"))
    assert any(row[header.index("考试成绩")] for row in rows)
    found = lines(taken(year.actor("coordinator"), "score-list"))
    assert all(row[found[0].index("考试成绩")] is None for row in found[1:])


@pytest.mark.parametrize("at_once", [1, 2, 3, 4])
def test_rows_read_in_blocks_are_all_there_and_in_order(
    any_years: Years, at: At, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """A file of fifty thousand rows is made of blocks; four results across every border."""
    year = any_years("scored")
    at("2026-06-02 09:00")
    whole = lines(taken(year.actor("teo"), "result-list"))
    monkeypatch.setattr(exports, "AT_ONCE", at_once)
    assert lines(taken(year.actor("teo"), "result-list")) == whole
    assert len(whole) == 5


# -- the mark ----------------------------------------------------------------------------------------------------------


def test_a_file_says_who_took_it_when_and_by_which_number(issued: Year) -> None:
    data = taken(issued.actor("coordinator"), "candidate-list", where={"性别": "女"})
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert book.sheetnames == ["学生信息", "导出说明"]
    said = dict(book.worksheets[1].iter_rows(min_row=3, max_col=2, values_only=True))
    job = one(ExportJob, int(said["导出编号"]))
    assert said["导出人"] == f"coordinator（{one(College, issued['college']).name}）"
    assert (said["导出时间"], said["条件"]) == ("2026-06-16 12:00:00", "性别：女")
    assert int(said["条数"]) == len(lines(data)) - 1 == job.row_count
    assert book.properties.creator == said["导出人"]
    assert (book.properties.title, book.properties.identifier) == ("学生信息", str(job.id))
    assert book.properties.created.replace(tzinfo=UTC) == moment("issued")
    assert (job.file_hash, job.handed_out_at) == (hashlib.sha256(data).hexdigest(), moment("issued"))


def test_a_sheet_that_can_be_imported_again_is_marked_likewise(issued: Year) -> None:
    """On a worksheet of its own, which the import passes over: no row is read that nobody typed."""
    actor, out = issued.actor("coordinator"), io.BytesIO()
    number = desk.export_rows(actor, "candidates", out)
    book = openpyxl.load_workbook(out)
    said = dict(book.worksheets[1].iter_rows(min_row=3, max_col=2, values_only=True))
    job = one(ExportJob, int(said["导出编号"]))
    assert (job.sheet, job.row_count, job.file_hash) == ("candidates", number, export_desk.file_hash(out))
    again = desk.import_file(actor, "candidates", out.getvalue(), "导出.xlsx")
    assert (again.row_count, again.unchanged, again.ignored_sheets) == (number, number, ())


def test_photos_leave_under_the_names_by_which_they_come_in_again(any_years: Years, at: At) -> None:
    """E-04, R-082: marked with who took them; the same archive imported again changes nothing."""
    year = any_years("issued")
    at(moment("issued"))
    actor = year.actor("coordinator")
    data = taken(actor, "candidate-photos")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        crowd = [*year.students, *year.socials]
        assert archive.namelist() == [f"{person.id_number}.jpg" for person in crowd]
        assert {hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()} == {
            one(Candidate, year[key]).photo_hash for key in (*(f"student:{n}" for n in range(5)), "social:0")
        }
        said = dict(line.split("：", 1) for line in archive.comment.decode().splitlines())
    job = one(ExportJob, int(said["导出编号"]))
    assert (job.sheet, job.row_count, said["条数"]) == ("candidate-photos", 6, "6")
    assert said["导出人"].startswith("coordinator（")
    assert job.file_hash == hashlib.sha256(data).hexdigest()
    again = desk.import_photos(actor, data, "学生照片.zip")
    assert (again.row_count, again.unchanged) == (6, 6)


def test_photos_are_exported_for_those_who_have_one_and_ask_for_a_code(issued: Year) -> None:
    """E-04, R-011: who has no photo is not counted, and the file is no workbook."""
    actor = issued.actor("coordinator")
    newcomer = candidate_values(people(31, 1, first=3_000)[0])
    with transaction(actor) as tx:
        create_candidate(tx, college_id=issued["college"], kind=CandidateKind.COLLEGE, values=newcomer)
    assert export_desk.row_count(actor, "candidate-list", None) == 7
    assert export_desk.row_count(actor, "candidate-photos", None) == 6
    export_id, _ = export_desk.ask(actor, "candidate-photos", Asked(page="candidates"), None)
    assert one(ExportJob, export_id).code_id is not None
    with pytest.raises(NotReady, match="export_not_verified"):
        export_desk.take(actor, export_id, None, io.BytesIO())


def test_two_documents_with_one_number_lie_in_folders_of_their_own(issued: Year) -> None:
    """E-04: no photo hides another one of the same name."""
    number = issued.students[0].id_number
    values = candidate_values(people(7, 60)[59]) | {"id_type": IdType.PASSPORT, "id_number": number}
    with transaction(issued.actor("coordinator")) as tx:
        other = create_candidate(tx, college_id=issued["college"], kind=CandidateKind.COLLEGE, values=values)
        picture = photo_bytes(950)
        digest = hashlib.sha256(picture).hexdigest()
        tx.add(CandidatePhoto(candidate_id=other.id, data=picture, sha256=digest, width=295, height=413))
        other.photo_hash = digest
    with zipfile.ZipFile(io.BytesIO(taken(issued.actor("coordinator"), "candidate-photos"))) as archive:
        assert archive.namelist()[0] == f"{number}.jpg"
        assert archive.namelist()[-1] == f"{IdType.PASSPORT.label}/{number}.jpg"


NASTY = ['=HYPERLINK("http://a.example","点此")', "+86", "-1+1", "@SUM(A1)", "\t=1", "\r=1"]


@pytest.mark.parametrize("text", NASTY)
def test_no_cell_that_leaves_is_a_formula(issued: Year, text: str) -> None:
    """What somebody typed into a name stays text, whatever it begins with: by openpyxl and in the XML itself."""
    with transaction(issued.actor("system")) as tx:
        tx.get(Candidate, issued["student:0"]).name_pinyin = text
    data = taken(issued.actor("coordinator"), "candidate-list", where={"姓名拼音": text})
    cell = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]["C3"]
    assert (cell.data_type, cell.number_format, cell.quotePrefix) == ("s", "@", True)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for part in ("xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"):
            tags = {node.tag.rsplit("}", 1)[-1] for node in ElementTree.fromstring(archive.read(part)).iter()}  # noqa: S314  ours
            assert "f" not in tags


def test_every_part_of_a_marked_file_is_well_formed_and_named(issued: Year) -> None:
    with zipfile.ZipFile(io.BytesIO(taken(issued.actor("coordinator"), "candidate-list"))) as archive:
        for name in archive.namelist():
            ElementTree.fromstring(archive.read(name))  # noqa: S314  ours
        types = archive.read("[Content_Types].xml").decode()
        assert all(
            f'PartName="/{name}"' in types for name in archive.namelist() if name.endswith(".xml") and "/" in name
        )


# -- how many, which, and for how long ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("cap", "is_refused"), [(5, True), (6, False), (7, False)])
def test_more_than_the_cap_leaves_nothing(
    issued: Year, monkeypatch: pytest.MonkeyPatch, cap: int, is_refused: bool
) -> None:
    """R-012: six candidates under caps of five, six and seven."""
    monkeypatch.setattr(rules, "ROW_CAP", cap)
    if not is_refused:
        assert len(lines(taken(issued.actor("coordinator"), "candidate-list"))) == 7
        return
    before = count(ExportJob)
    with pytest.raises(TooMany, match="export_too_many"):
        taken(issued.actor("coordinator"), "candidate-list")
    assert count(ExportJob) == before


def mine(*idents: int) -> ColumnElement[bool]:
    return PilotApplication.id.in_(idents)


def test_rows_are_read_again_with_the_rights_of_the_moment(issued: Year) -> None:
    """R-013: what was ticked, as far as it may still be seen; asked for once, taken twice."""
    actor, both = issued.actor("province"), mine(issued["application"], issued["other_application"])
    asked = Asked(page="applications", ids=(issued["application"], issued["other_application"]))
    export_id, unsent = export_desk.ask(actor, "application-list", asked, both)
    assert unsent is None
    first, second = io.BytesIO(), io.BytesIO()
    found = export_desk.take(actor, export_id, both, first)
    assert (found.row_count, found.file_name) == (1, "申报明细表-20260616-1200.xlsx")
    with transaction(issued.actor("system")) as tx:
        tx.get(PilotApplication, issued["application"]).province_code = "99"
    assert export_desk.take(actor, export_id, both, second).row_count == 0
    assert len(lines(first.getvalue())) == 2
    assert len(lines(second.getvalue())) == 1
    with pytest.raises(NotFound):
        export_desk.take(issued.actor("other_province"), export_id, both, io.BytesIO())


def test_a_right_lost_meanwhile_leaves_no_file(issued: Year, monkeypatch: pytest.MonkeyPatch) -> None:
    actor = issued.actor("province")
    export_id, _ = export_desk.ask(actor, "quota-list", Asked(page="quotas"), None)
    monkeypatch.setitem(GRANTS, "export_quotas", ())
    out = io.BytesIO()
    with pytest.raises(NotPermitted):
        export_desk.take(actor, export_id, None, out)
    assert out.getvalue() == b""


def test_a_code_that_does_not_leave_can_be_asked_for_again(issued: Year, monkeypatch: pytest.MonkeyPatch) -> None:
    """The letter goes after the commit; when it does not, the export stays (M-33)."""

    class Broken:
        def send(self, letter: courier.Letter) -> None:
            raise courier.CourierTrouble

    with transaction(issued.actor("system")) as tx:
        tx.get(UserAccount, issued["account:second_coordinator"]).mobile = "19900000123"
    monkeypatch.setattr(export_desk, "courier", Broken)
    actor = issued.actor("second_coordinator")
    export_id, unsent = export_desk.ask(actor, "candidate-list", Asked(page="candidates"), None)
    assert unsent is not None
    assert unsent.sentence_code == "letter_not_sent"
    assert one(ExportJob, export_id).row_count == 6


def test_the_command_line_names_columns_and_plans(issued: Year) -> None:
    actor = issued.actor("coordinator")
    assert len(lines(taken(actor, "registration-list", plan_id=issued["plan"]))) == 5
    assert len(lines(taken(actor, "registration-list", plan_id=issued["draft_plan"]))) == 1
    with pytest.raises(ValueRefused, match="export_not_by_plan"):
        taken(actor, "college-list", plan_id=issued["plan"])
    with pytest.raises(ValueRefused, match="export_filter_unknown"):
        taken(actor, "candidate-list", where={"班级": "一班"})
    with pytest.raises(NotFound, match="sheet_unknown"):
        taken(actor, "nothing")
