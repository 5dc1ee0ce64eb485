"""One cell of three rows is not as it should be: what it holds, and what is said of it ("" = taken)."""

from __future__ import annotations

from datetime import date, time
from typing import Any

from core.rules.values import id_check
from tests.core.sheets.corpus.workbooks import CROWD, TITLES, Case, book, raw_cell, three

WHO = CROWD[1]
ID = WHO.id_number
_OTHER = "女" if WHO.gender.label == "男" else "男"


def _wide(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) for sign in text)


def _spaced(text: str) -> str:
    return f"{text[:6]} {text[6:14]} {text[14:]}"


def _with_check(first_17: str) -> str:
    return first_17 + id_check(first_17)


_WRONG_CHECK = ID[:17] + ("0" if ID[17] != "0" else "1")

TABLE: tuple[tuple[str, Any, str], ...] = (
    # names
    ("name", "", "value_missing"),
    ("name", "   ", "value_missing"),
    ("name", "\u3000\n", "value_missing"),
    ("name", f" {WHO.name}\u3000", ""),
    ("name", f"{WHO.name}\n", ""),
    ("name", f"\u200b{WHO.name}\ufeff", ""),
    ("name", f"{WHO.name[:1]} {WHO.name[1:]}", "name_has_space"),
    ("name", f"{WHO.name[:1]}\n{WHO.name[1:]}", "name_has_space"),
    ("name", f"{WHO.name[:1]}\u3000{WHO.name[1:]}", "name_has_space"),
    ("name", "王", "name_length"),
    ("name", "王" * 51, "name_length"),
    ("name", f"1.{WHO.name}", "name_shape"),
    ("name", f"{WHO.name}（班长）", "name_shape"),
    ("name", "王Wen丽", "name_shape"),
    ("name", "🙂🙂", "name_shape"),
    ("name", "阿依古丽·买买提", ""),
    ("name", "阿依古丽•买买提", ""),
    ("name", "𠮷田", ""),
    ("name", 12345, "name_shape"),
    ("name", True, ""),  # TRUE is a Latin name; only people can tell
    ("name", "=1+1", "value_missing"),  # a formula nobody calculated
    # pinyin
    ("name_pinyin", "", "value_missing"),
    ("name_pinyin", "Wáng Wénlì", "pinyin_tones"),
    ("name_pinyin", "Wang3 Wen2", "pinyin_shape"),
    ("name_pinyin", "王文丽", "pinyin_shape"),
    ("name_pinyin", "Wang, Wenli", "pinyin_shape"),
    ("name_pinyin", "WANGWENLI", ""),
    ("name_pinyin", "ｗａｎｇ　ｗｅｎｌｉ", ""),
    ("name_pinyin", "Xi’an", ""),
    ("name_pinyin", "Lü Wen", ""),
    ("name_pinyin", "a" * 61, "text_too_long"),
    # gender
    ("gender", "", "value_missing"),
    ("gender", _OTHER, "id_gender_differs"),
    ("gender", f" {WHO.gender.label} ", ""),
    ("gender", f"{WHO.gender.label}性", ""),
    ("gender", "M" if WHO.gender.label == "男" else "F", ""),
    ("gender", "f" if WHO.gender.label == "女" else "m", ""),
    ("gender", 1, "choice_unknown"),
    ("gender", "2", "choice_unknown"),
    ("gender", "不详", "choice_unknown"),
    ("gender", "先生", "choice_unknown"),
    # kind of document
    ("id_type", "", "value_missing"),
    ("id_type", "居民身份证", ""),
    ("id_type", "身 份 证", ""),
    ("id_type", "身份证号", "choice_unknown"),
    ("id_type", "身份正", "choice_unknown"),
    ("id_type", "学生证", "choice_unknown"),
    # numbers of documents
    ("id_number", "", "value_missing"),
    ("id_number", _wide(ID), ""),
    ("id_number", _spaced(ID), ""),
    ("id_number", f"'{ID}", ""),
    ("id_number", f"{ID}\n", ""),
    ("id_number", f"\u202a{ID}\u202c", ""),
    ("id_number", _WRONG_CHECK, "id_number_check"),
    ("id_number", ID[:17], "id_number_shape"),
    ("id_number", f"{ID}0", "id_number_shape"),
    ("id_number", ID.replace("0", "O", 1), "id_number_shape"),
    ("id_number", f"{ID[:10]}13{ID[12:]}", "id_number_birth"),
    ("id_number", f"{ID[:10]}0230{ID[14:]}", "id_number_birth"),
    ("id_number", f"{ID[:6]}1899{ID[10:]}", "id_number_birth"),
    ("id_number", _with_check("42000020260521" + ID[14:17]), "id_number_future"),
    ("id_number", "420000010203001", "id_number_old"),
    ("id_number", f"{ID[:15]}000", "id_number_truncated" if id_check(f"{ID[:15]}00") != "0" else ""),
    ("id_number", int(ID[:17] + "0"), "id_stored_as_number"),
    ("id_number", 123456, "id_stored_as_number"),
    ("id_number", 4.2e17, "id_stored_as_number"),
    ("id_number", "4.2E+17", "number_rewritten"),
    ("id_number", "4.20001E17", "number_rewritten"),
    ("id_number", "#REF!", "cell_is_error"),
    ("id_number", "=A1", "value_missing"),
    ("id_number", "无", "id_number_shape"),
    ("id_number", CROWD[0].id_number, "duplicate_row"),
    ("id_number", _wide(CROWD[0].id_number), "duplicate_row"),
    # mobiles
    ("mobile", "", "value_missing"),
    ("mobile", int(WHO.mobile), ""),
    ("mobile", float(WHO.mobile), ""),
    ("mobile", f"+86 {WHO.mobile}", ""),
    ("mobile", f"86-{WHO.mobile}", ""),
    ("mobile", f"{WHO.mobile[:3]}-{WHO.mobile[3:7]}-{WHO.mobile[7:]}", ""),
    ("mobile", _wide(WHO.mobile), ""),
    ("mobile", f"{WHO.mobile}.0", ""),
    ("mobile", WHO.mobile[:10], "mobile_shape"),
    ("mobile", f"{WHO.mobile}1", "mobile_shape"),
    ("mobile", "12345678901", "mobile_shape"),
    ("mobile", f"0{WHO.mobile}", "mobile_shape"),
    ("mobile", f"{WHO.mobile}/13900139000", "mobile_shape"),
    ("mobile", "027-87654321", "mobile_shape"),
    ("mobile", "1.38E+10", "number_rewritten"),
    ("mobile", 1380013800013800138, "id_stored_as_number"),
    ("mobile", "#N/A", "cell_is_error"),
    ("mobile", "无", "mobile_shape"),
    ("mobile", False, "mobile_shape"),
    ("mobile", "=1+1", "value_missing"),
    ("mobile", time(8, 30), "mobile_shape"),
    # years
    ("enrolment_year", "", "value_missing"),
    ("enrolment_year", 2025, ""),
    ("enrolment_year", 2025.0, ""),
    ("enrolment_year", "2025年", ""),
    ("enrolment_year", "2025级", ""),
    ("enrolment_year", "2025年9月", ""),
    ("enrolment_year", "2025.09", ""),
    ("enrolment_year", "2025-09", ""),
    ("enrolment_year", "2025/9/1", ""),
    ("enrolment_year", date(2025, 9, 1), ""),
    ("enrolment_year", "２０２５", ""),
    ("enrolment_year", "25", "year_shape"),
    ("enrolment_year", "25级", "year_shape"),
    ("enrolment_year", "20/21", "year_shape"),
    ("enrolment_year", "2025-2026学年", "year_shape"),
    ("enrolment_year", "二〇二五", "year_shape"),
    ("enrolment_year", 45901, "year_shape"),
    ("enrolment_year", "1825", "year_shape"),
    ("enrolment_year", "去年", "year_shape"),
    # levels
    ("education_level", "", "value_missing"),
    ("education_level", "大专", ""),
    ("education_level", "高职（专科）", ""),
    ("education_level", "专科", ""),
    ("education_level", "中专", ""),
    ("education_level", "大专生", "choice_unknown"),
    ("education_level", "专升本", "choice_unknown"),
    ("education_level", "幼儿园", "choice_unknown"),
    # majors
    ("major_name", "", "value_missing"),
    ("major_name", "软件\n技术", ""),
    ("major_name", "软" * 101, "text_too_long"),
    ("major_name", "=CMD|'/C calc'!A0", "value_missing"),
    ("major_code", "", "value_missing"),
    ("major_code", 610205, ""),
    ("major_code", 610205.0, ""),
    ("major_code", "６１０２０５", ""),
    ("major_code", "610255", "major_unknown"),
    ("major_code", "61025", "major_unknown"),
    ("major_code", "999999", "major_unknown"),
    ("major_code", "软件技术(610205)", "major_code_shape"),
    ("major_code", "61-02-05", "major_code_shape"),
    ("major_code", "软件", "major_code_shape"),
    ("major_code", "6.1E+05", "number_rewritten"),
    ("major_code", "#VALUE!", "cell_is_error"),
)

_KEY_TITLES = f"{TITLES['id_type']}、{TITLES['id_number']}"


def _case(number: int, field: str, value: Any, code: str) -> Case:
    title = _KEY_TITLES if code == "duplicate_row" else TITLES[field]
    faults = ((4, title, code),) if code else ()
    return Case(f"cell-{number:03}-{field}-{code or 'taken'}", lambda: book(*three(**{field: value})), faults=faults)


def _swapped(one: str, other: str) -> Case:
    rows = three()
    was = dict(zip(TITLES, rows[1], strict=True))
    faults = tuple((4, TITLES[field], "columns_swapped") for field in TITLES if field in {one, other})
    return Case(f"swap-{one}-{other}", lambda: book(*three(**{one: was[other], other: was[one]})), faults=faults)


def _spelled(name: str, place: str, xml: str, *faults: tuple[int, str, str]) -> Case:
    return Case(f"spelled-{name}", raw_cell(place, xml), faults=faults)


def _f4(inside: str, kind: str = "") -> tuple[str, str]:
    return "F4", f'<c r="F4"{kind}>{inside}</c>'


_MOBILE = WHO.mobile
_NO_MOBILE = (4, "手机号码", "value_missing")
_IS_ERROR = (4, "手机号码", "cell_is_error")

SPELLED = (
    _spelled("number", *_f4(f"<v>{_MOBILE}</v>")),
    _spelled("number-with-type", *_f4(f"<v>{_MOBILE}</v>", ' t="n"')),
    _spelled("number-in-scientific-notation", *_f4(f"<v>{int(_MOBILE):.10E}</v>")),
    _spelled("text-as-formula-result", *_f4(f'<f>"a"</f><v>{_MOBILE}</v>', ' t="str"')),
    _spelled("number-as-formula-result", *_f4(f"<f>G4*1</f><v>{_MOBILE}</v>")),
    _spelled("formula-without-result", *_f4("<f>VLOOKUP(A4,B:C,2,0)</f>"), _NO_MOBILE),
    _spelled("formula-with-empty-text", *_f4('<f>""</f><v></v>', ' t="str"'), _NO_MOBILE),
    _spelled("formula-to-elsewhere", *_f4(f'<f>HYPERLINK("http://example.com")</f><v>{_MOBILE}</v>')),
    *(
        _spelled(f"error-{at}", *_f4(f"<v>{word}</v>", ' t="e"'), _IS_ERROR)
        for at, word in enumerate(("#N/A", "#VALUE!", "#REF!", "#DIV/0!", "#NUM!", "#NAME?", "#NULL!"))
    ),
    _spelled("error-as-formula-result", *_f4("<f>1/0</f><v>#DIV/0!</v>", ' t="e"'), _IS_ERROR),
    _spelled("error-of-a-lookup", *_f4("<f>VLOOKUP(A4,K:L,2,0)</f><v>#N/A</v>", ' t="e"'), _IS_ERROR),
    _spelled("rich-text", *_f4(f"<is><r><t>{_MOBILE[:5]}</t></r><r><t>{_MOBILE[5:]}</t></r></is>", ' t="inlineStr"')),
    _spelled("no-value", *_f4(""), _NO_MOBILE),
    _spelled("empty-inline-text", *_f4("<is><t></t></is>", ' t="inlineStr"'), _NO_MOBILE),
    _spelled("preserved-blanks", *_f4(f'<is><t xml:space="preserve">  {_MOBILE} </t></is>', ' t="inlineStr"')),
    _spelled("boolean", *_f4("<v>1</v>", ' t="b"'), (4, "手机号码", "mobile_shape")),
)

CASES = (
    *(_case(at, *line) for at, line in enumerate(TABLE)),
    _swapped("name", "name_pinyin"),
    _swapped("id_number", "mobile"),
    _swapped("major_name", "major_code"),
    _swapped("gender", "education_level"),
    *SPELLED,
)
