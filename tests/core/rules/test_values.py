"""Cleaners: what is accepted, what it becomes, what is refused and which sentence says so."""

from __future__ import annotations

import string
import tomllib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import core.rules
from core.errors import ValueRefused
from core.rules import values as v
from core.rules.catalogue import CertificateLevel, ExamMode
from core.rules.surnames import SURNAMES

SENTENCES = tomllib.loads(
    (Path(core.rules.__file__).parents[2] / "templates" / "refusals" / "values.toml").read_text("utf-8")
)
REAL_USCC = "1211000040086596XB"  # printed in requirements §2.0, N15
GOOD_ID = "420000200301010010"


def with_check(first_17: str) -> str:
    return first_17 + v.id_check(first_17)


def refusal(cleaner, typed) -> ValueRefused:
    """What the cleaner says to typed; fails where it says nothing or where the sentence cannot be told."""
    with pytest.raises(ValueRefused) as caught:
        cleaner(typed)
    said = caught.value
    sentence = SENTENCES[said.sentence_code]
    told = sentence["text"].format(**said.facts) + sentence.get("way_out", "").format(**said.facts)
    assert "None" not in told
    assert said.facts["value"] == (typed or "")
    return said


BIRTHDAYS = st.dates(date(1900, 1, 1), date(2025, 12, 31))
ID_NUMBERS = st.builds(
    lambda region, born, order: with_check(f"{region}{born:%Y%m%d}{order:03d}"),
    st.integers(110000, 829999),
    BIRTHDAYS,
    st.integers(0, 999),
)
CLEANERS = {
    "person_name": v.person_name,
    "pinyin": v.pinyin,
    "gender": v.gender,
    "id_number": v.id_number,
    "other_id_number": v.other_id_number,
    "mobile": v.mobile,
    "email": v.email,
    "uscc": v.uscc,
    "major_code": v.major_code,
    "plan_no": v.plan_no,
    "text": v.text(30),
    "multiline": v.text(30, multiline=True),
}


# --- blanks and spreadsheets ---


@pytest.mark.parametrize("cleaner", CLEANERS.values(), ids=CLEANERS.keys())
@pytest.mark.parametrize("blank", [None, "", "  ", "\u3000", "\u200b\ufeff", "\xa0\n"])
def test_a_blank_is_refused_as_missing(cleaner, blank):
    assert refusal(cleaner, blank).sentence_code == "value_missing"


def test_an_optional_field_may_stay_blank_but_not_be_wrong():
    cleaner = v.optional(v.mobile)
    assert cleaner(" \u3000") is None
    assert cleaner("19900000001") == "19900000001"
    assert refusal(cleaner, "123").sentence_code == "mobile_shape"


def test_tidying_narrows_letters_and_digits_but_leaves_chinese_punctuation():
    assert v.tidy("\ufeff 市场\u200b营销（Ｗｅｂ１），第\xa0１期\u3000") == "市场营销（Web1），第 1期"


@pytest.mark.parametrize("cleaner", CLEANERS.values(), ids=CLEANERS.keys())
@settings(deadline=None)
@given(
    typed=st.one_of(
        st.text(max_size=20),
        st.text(alphabet="张王李·.•- 'éüＡＢab１２3\u3000\n", max_size=12),
        ID_NUMBERS,
        st.from_regex(r"\A\+?8?6?[ -]?1[3-9][0-9]{9}\Z"),
        st.emails(),
        st.sampled_from(["男", "m", REAL_USCC.lower(), " ６３０７０１ ", "k2020 0522 9994"]),
    )
)
def test_cleaning_a_clean_value_changes_nothing(cleaner, typed):
    try:
        clean = cleaner(typed)
    except ValueRefused:
        return
    assert cleaner(clean if isinstance(clean, str) and not isinstance(clean, v.Labelled) else clean.label) == clean


@pytest.mark.parametrize("cleaner", [v.id_number, v.mobile, v.plan_no, v.ticket_no, v.uscc])
def test_a_number_the_spreadsheet_rewrote_is_named_as_such(cleaner):
    assert refusal(cleaner, "4.20000200301E+17").sentence_code == "number_rewritten"


@pytest.mark.parametrize(
    "typed",
    [
        "202109160026",
        " 202109160026\n",
        "２０２１０９１６００２６",
        "20210916 0026",
        "20210916\r\n0026",
        "'202109160026",
        "202109160026.0",
    ],
)
def test_a_plan_number_is_understood_however_it_was_pasted(typed):
    assert v.plan_no(typed) == "202109160026"


def test_a_plan_number_is_opaque_up_to_twenty_characters():
    assert v.plan_no("k202005229994") == "K202005229994"
    assert v.plan_no("2" * 20) == "2" * 20
    assert refusal(v.plan_no, "2" * 21).sentence_code == "code_shape"
    assert refusal(v.plan_no, "2021/0026").sentence_code == "code_shape"


def test_the_printed_numbers_of_the_manuals_are_accepted():
    assert v.ticket_no("20210916002611000000700009") == "20210916002611000000700009"
    assert v.ticket_no("20690001153310500026") == "20690001153310500026"
    assert v.certificate_code("1630054223010588") == "1630054223010588"
    assert v.subject_code("1630054223020943201") == "1630054223020943201"
    assert v.site_no("15102") == "15102"


def test_a_line_break_in_text_joins_chinese_and_parts_latin_words():
    cleaner = v.text(50)
    assert cleaner("湖北省武汉市\r\n珞喻路") == "湖北省武汉市珞喻路"
    assert cleaner("Web front \n end") == "Web front end"
    assert v.text(50, multiline=True)("一\r\n二") == "一\n二"


def test_text_may_be_exactly_as_long_as_allowed():
    assert v.text(3)("一二三") == "一二三"
    assert refusal(v.text(3), "一二三四").facts["length"] == 4


def test_characters_no_database_or_sheet_can_hold_are_dropped():
    assert v.text(10)("市场\x00营\ud800销\x1f") == "市场营销"


# --- words ---


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("男", v.Gender.MALE), (" 女 ", v.Gender.FEMALE), ("Ｍ", v.Gender.MALE), ("f", v.Gender.FEMALE)],
)
def test_gender_in_both_languages(typed, meant):
    assert v.gender(typed) is meant


def test_an_unknown_word_is_refused_with_the_words_that_are_known():
    said = refusal(v.gender, "未知")
    assert said.sentence_code == "choice_unknown"
    assert said.facts["allowed"] == "男、女"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("大专", v.EducationLevel.JUNIOR_COLLEGE),
        ("专科", v.EducationLevel.JUNIOR_COLLEGE),
        ("高职", v.EducationLevel.JUNIOR_COLLEGE),
        ("高职（专科）", v.EducationLevel.JUNIOR_COLLEGE),
        ("中专", v.EducationLevel.SECONDARY),
        ("本科", v.EducationLevel.BACHELOR),
        ("职业本科", v.EducationLevel.VOCATIONAL_BACHELOR),
        ("本科（职业教育）", v.EducationLevel.VOCATIONAL_BACHELOR),
        ("硕士", v.EducationLevel.GRADUATE),
    ],
)
def test_education_levels_by_all_their_names(typed, meant):
    assert v.education_level(typed) is meant


def test_identity_documents_by_their_names():
    assert [v.id_type(kind.label) for kind in v.IdType] == list(v.IdType)
    assert v.id_type("居民身份证") is v.IdType.RESIDENT
    assert v.id_type("台胞证") is v.IdType.TAIWAN
    assert refusal(v.id_type, "学生证").facts["allowed"].startswith("身份证、护照")


def test_any_enumeration_can_be_asked_for_one_word_or_several():
    assert v.choice(CertificateLevel)("中级") is CertificateLevel.INTERMEDIATE
    modes = v.choices(ExamMode)
    assert modes("笔试,机考+实操") == frozenset(ExamMode)
    assert modes("机考") == {ExamMode.COMPUTER}
    assert refusal(v.choices(ExamMode), "口试").sentence_code == "choice_unknown"


def test_yes_and_no_and_nothing_else():
    assert v.yes_no("是") is True
    assert v.yes_no("√") is True
    assert v.yes_no("Ｎ") is False
    assert refusal(v.yes_no, "也许").facts["allowed"] == "是、否"


def test_the_absence_column_reads_blank_as_present():
    assert v.absence(None) is False
    assert v.absence("否") is False
    assert v.absence(" 缺考 ") is True
    assert v.absence("是") is True
    assert refusal(v.absence, "迟到").sentence_code == "choice_unknown"


# --- names ---


@pytest.mark.parametrize(
    ("typed", "clean"),
    [
        ("王晴砚", "王晴砚"),
        (" 王晴砚\u3000", "王晴砚"),
        ("阿依古丽•买买提", "阿依古丽·买买提"),
        ("阿依古丽 ･ 买买提", "阿依古丽·买买提"),
        ("阿依古丽‧买买提", "阿依古丽·买买提"),
        ("阿依古丽．买买提", "阿依古丽·买买提"),
        ("𠮷晴", "𠮷晴"),
        ("㐂䶮", "㐂䶮"),
        ("⽅晴", "方晴"),
        ("Jean-Luc  O’Neil", "Jean-Luc O'Neil"),
        ("José Núñez", "José Núñez"),
    ],
)
def test_names_people_really_have(typed, clean):
    assert v.person_name(typed) == clean


def test_a_blank_inside_a_chinese_name_is_refused_with_the_joined_name():
    said = refusal(v.person_name, "王 晴\n砚")
    assert (said.sentence_code, said.rule, said.facts["suggestion"]) == ("name_has_space", "R-155", "王晴砚")


@pytest.mark.parametrize("typed", ["王晴3", "王晴(小)", "王A", "·王晴", "王·", "12345", "王?", "=1+1", "Li@"])
def test_what_is_no_name(typed):
    assert refusal(v.person_name, typed).sentence_code == "name_shape"


def test_names_have_two_to_fifty_characters():
    assert v.person_name("王" * 50) == "王" * 50
    assert refusal(v.person_name, "王" * 51).sentence_code == "name_length"
    assert refusal(v.person_name, "王").sentence_code == "name_length"


@pytest.mark.parametrize("typed", ["Wang Wenli", "WANGHAOYANG", "wang jian'an", "Lü Li", "Smith-Jones Anna"])
def test_pinyin_keeps_its_case(typed):
    assert v.pinyin(typed) == typed


def test_pinyin_with_tones_is_refused_with_the_letters():
    assert refusal(v.pinyin, "Wáng Lǚ").facts["suggestion"] == "Wang Lü"


@pytest.mark.parametrize("typed", ["王晴", "Wang2", "Wang_Li", "-", "Wang-"])
def test_what_is_no_pinyin(typed):
    assert refusal(v.pinyin, typed).sentence_code == "pinyin_shape"


def test_pinyin_has_at_most_sixty_letters():
    assert v.pinyin("a" * 60) == "a" * 60
    assert refusal(v.pinyin, "a" * 61).sentence_code == "text_too_long"


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("王文丽", "Wang Wenli"),
        ("曾晴", "Zeng Qing"),
        ("单桥", "Shan Qiao"),
        ("仇帆", "Qiu Fan"),
        ("解舟", "Xie Zhou"),
        ("查竹", "Zha Zhu"),
        ("朴灯", "Piao Deng"),
        ("区槐", "Ou Huai"),
        ("覃杉", "Qin Shan"),
        ("任晴", "Ren Qing"),
        ("吕晴", "Lyu Qing"),
        ("尉迟帆", "Yuchi Fan"),
        ("欧阳晴舟", "Ouyang Qingzhou"),
        ("欧阳", "Ou Yang"),
        ("李建安", "Li Jian'an"),
        ("阿依古丽·买买提", "Ayiguli Maimaiti"),
        ("Anna Smith", "Anna Smith"),
        ("㐂㐂", ""),
    ],
)
def test_a_suggested_pinyin_knows_surnames(name, suggested):
    assert v.suggest_pinyin(name) == suggested


def test_every_surname_override_differs_from_the_dictionary():
    from pypinyin import lazy_pinyin

    assert not [name for name, sound in SURNAMES.items() if lazy_pinyin(name) == [sound]]


# --- identity numbers ---


@settings(deadline=None)
@given(ID_NUMBERS)
def test_a_right_identity_number_is_taken_as_it_is_and_in_lower_case(number):
    assert v.id_number(number) == number
    assert v.id_number(f" {number[:6]} {number[6:].lower()}") == number


@settings(deadline=None)
@given(ID_NUMBERS, st.integers(0, 17), st.sampled_from(string.digits))
def test_any_single_changed_digit_is_refused(number, place, digit):
    if number[place] == digit:
        return
    changed = number[:place] + digit + number[place + 1 :]
    assert refusal(v.id_number, changed).rule == "R-079"


@settings(deadline=None)
@given(ID_NUMBERS, st.integers(0, 16))
def test_any_two_neighbours_swapped_are_refused(number, place):
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    if swapped != number:
        assert refusal(v.id_number, swapped).rule == "R-079"


def test_a_wrong_check_digit_is_told_the_right_one():
    wrong = GOOD_ID[:17] + ("1" if GOOD_ID[17] != "1" else "2")
    said = refusal(v.id_number, wrong)
    assert said.sentence_code == "id_number_check"
    assert v.id_number(said.facts["suggestion"]) == with_check(GOOD_ID[:17])
    assert said.facts["digit"] == v.id_check(GOOD_ID[:17])


def test_a_number_cut_by_the_spreadsheet_is_not_offered_a_check_digit():
    cut = "420000200301013000"
    assert v.id_check(cut[:17]) != "0"
    assert refusal(v.id_number, cut).sentence_code == "id_number_truncated"


@pytest.mark.parametrize("born", ["20030230", "20031301", "20030001", "18991231", "20010229"])
def test_a_birth_date_that_never_was_is_refused(born):
    assert refusal(v.id_number, with_check(f"420000{born}001")).facts["digits"] == born


def test_a_birth_date_ahead_of_today_is_refused_and_today_is_not():
    number = with_check("42000020240601001")
    assert v.id_number(number, today=date(2024, 6, 1)) == number
    with pytest.raises(ValueRefused, match="id_number_future"):
        v.id_number(number, today=date(2024, 5, 31))


def test_an_old_number_of_fifteen_digits_is_shown_its_longer_form():
    said = refusal(v.id_number, "420000800101001")
    assert said.sentence_code == "id_number_old"
    assert v.id_number(said.facts["suggestion"])[:17] == "42000019800101001"


@pytest.mark.parametrize(
    "typed", ["42000020030101001", "4200002003010100101", "42000020030101001A", "无", "０１２", "٣" * 18]
)
def test_what_is_no_identity_number(typed):
    assert refusal(v.id_number, typed).sentence_code == "id_number_shape"


@settings(deadline=None)
@given(BIRTHDAYS, st.integers(0, 999))
def test_birth_date_and_gender_are_read_from_the_number(born, order):
    number = with_check(f"330000{born:%Y%m%d}{order:03d}")
    assert v.birth_date_of(number) == born
    assert v.gender_of(number) is (v.Gender.MALE if order % 2 else v.Gender.FEMALE)


def test_a_stated_gender_that_the_number_denies_is_refused():
    man = with_check("33000020030101001")
    v.require_same_gender(man, v.Gender.MALE)
    with pytest.raises(ValueRefused) as caught:
        v.require_same_gender(man, v.Gender.FEMALE)
    assert SENTENCES["id_gender_differs"]["text"].format(**caught.value.facts).count("男") == 1


@pytest.mark.parametrize(
    ("kind", "typed", "clean"),
    [
        (v.IdType.PASSPORT, "e 12345678", "E12345678"),
        (v.IdType.HK_MACAO, "h01234567", "H01234567"),
        (v.IdType.HK_MACAO, "M0123456701", "M0123456701"),
        (v.IdType.TAIWAN, "01234567", "01234567"),
        (v.IdType.MILITARY, "南字第01234567号", "南字第01234567号"),
        (v.IdType.RESIDENT, GOOD_ID[:17] + v.id_check(GOOD_ID[:17]), with_check(GOOD_ID[:17])),
    ],
)
def test_other_documents_by_the_shape_of_their_kind(kind, typed, clean):
    assert v.document_number(kind, typed) == clean


def test_a_number_that_does_not_fit_the_document_is_refused_by_its_name():
    with pytest.raises(ValueRefused) as caught:
        v.document_number(v.IdType.HK_MACAO, "E12345678")
    assert caught.value.facts["kind"] == "港澳居民来往内地通行证"


# --- reaching people ---


@pytest.mark.parametrize(
    "typed",
    [
        "19900001234",
        "+86 199 0000 1234",
        "86-199-0000-1234",
        "008619900001234",
        "＋８６１９９００００１２３４",
        "199 0000\n1234",
        "(+86)19900001234",
        "19900001234.0",
    ],
)
def test_a_mobile_is_understood_however_it_is_written(typed):
    assert v.mobile(typed) == "19900001234"


@pytest.mark.parametrize(
    "typed", ["12900001234", "1990000123", "199000012345", "027-87654321", "+1 212 5550100", "一九九"]
)
def test_what_is_no_mobile(typed):
    assert refusal(v.mobile, typed).sentence_code == "mobile_shape"


def test_mail_addresses():
    assert v.email(" Kao.Wu+1@Example.COM ") == "Kao.Wu+1@example.com"
    assert v.email("kaowu＠example.com") == "kaowu@example.com"
    for wrong in ("kaowu", "a@b", "a@@b.cn", "a@-b.cn", "甲@example.com", "a" * 95 + "@b.cn"):
        assert refusal(v.email, wrong).sentence_code == "email_shape"


@pytest.mark.parametrize("sample", [REAL_USCC, "1242000044143279XJ"])
def test_the_codes_printed_in_the_requirements_are_right(sample):
    assert v.uscc(sample) == sample
    assert v.uscc(f"{sample[:9].lower()} {sample[9:]}") == sample


@settings(deadline=None)
@given(st.integers(0, 17), st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY"))
def test_any_single_changed_character_of_a_credit_code_is_refused(place, letter):
    if REAL_USCC[place] == letter:
        return
    changed = REAL_USCC[:place] + letter + REAL_USCC[place + 1 :]
    assert refusal(v.uscc, changed).rule == "N15"


def test_a_wrong_check_character_is_told_the_right_one():
    assert refusal(v.uscc, REAL_USCC[:17] + "C").facts["suggestion"] == REAL_USCC


def test_letters_mistaken_for_digits_are_pointed_out():
    said = refusal(v.uscc, REAL_USCC.replace("0", "O"))
    assert (said.sentence_code, said.facts["suggestion"]) == ("uscc_letters", REAL_USCC)


# --- study and scores ---


@pytest.mark.parametrize(
    "typed",
    [
        "2020",
        "2020年9月",
        "2020 年 09 月",
        "２０２０",
        "2020.0",
        "2020级",
        "2020-09",
        "2020/9/1",
        "2020-09-01 00:00:00",
    ],
)
def test_a_year_is_read_from_what_people_type(typed):
    assert v.year(typed) == 2020


@pytest.mark.parametrize("typed", ["20", "20级", "1820", "2020年13月", "二〇二〇", "20201"])
def test_what_is_no_year(typed):
    assert refusal(v.year, typed).sentence_code == "year_shape"


def test_major_codes_keep_their_zeros_and_letters():
    assert v.major_code("06101") == "06101"
    assert v.major_code(" 630701 ") == "630701"
    assert v.major_code("080717t") == "080717T"
    assert v.major_code("080701TK") == "080701TK"
    for wrong in ("市场营销", "123", "6307011"):
        assert refusal(v.major_code, wrong).sentence_code == "major_code_shape"


def test_whole_numbers_include_both_ends():
    count = v.whole_number(1, 1200)
    assert [count(typed) for typed in ("1", "1200", "1,200", "４０", "40.0")] == [1, 1200, 1200, 40, 40]
    for outside in ("0", "1201", "-3"):
        assert refusal(count, outside).sentence_code == "number_range"
    for wrong in ("四十", "4.5", "1,20", "40个"):
        assert refusal(count, wrong).sentence_code == "number_shape"


def test_a_room_has_at_least_one_seat():
    assert v.seat_count("1") == 1
    assert refusal(v.seat_count, "0").sentence_code == "number_range"


@pytest.mark.parametrize(
    ("typed", "tenths"),
    [
        ("85", 850),
        ("0", 0),
        ("100", 1000),
        ("59.9", 599),
        ("８５．５", 855),
        ("85.50", 855),
        ("60.0", 600),
        (" 70分 ", 700),
    ],
)
def test_a_score_becomes_tenths(typed, tenths):
    assert v.score(typed) == tenths


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_every_score_of_one_decimal_survives(tenths):
    assert v.score(f"{tenths // 10}.{tenths % 10}") == tenths


@pytest.mark.parametrize("typed", ["NaN", "nan", "inf", "-5", "-0", "85,5", "优秀", ".5", "8 5 分 分", "1_0", "٨٥"])
def test_what_is_no_score(typed):
    assert refusal(v.score, typed).sentence_code == "score_shape"


def test_scores_beyond_the_full_mark_or_with_two_decimals_are_refused():
    assert refusal(v.score, "100.1").sentence_code == "score_range"
    assert refusal(v.score, "999").sentence_code == "score_range"
    assert refusal(v.score, "59.95").sentence_code == "score_decimals"
    assert v.score("120", full=150) == 1200


def test_absence_typed_as_a_score_is_sent_to_its_own_column():
    assert refusal(v.score, "缺考").sentence_code == "score_absent"


# --- masks and sentences ---


def test_lists_show_three_and_four_digits():
    assert v.mask_id("372928200110010714") == "372****0714"
    assert v.mask_id("E12345678") == "E1****78"
    assert v.mask_id("12345") == "****"
    assert v.mask_id(None) == ""
    assert v.mask_mobile("15812345678") == "158****5678"
    assert v.mask_mobile("123") == "****"


def test_no_sentence_repeats_a_name_number_or_address():
    sensitive = ("name", "pinyin", "id_number", "other_id", "mobile", "email", "score")
    assert not [code for code, s in SENTENCES.items() if code.startswith(sensitive) and "{value}" in str(s)]


def test_every_code_of_the_cleaners_has_a_sentence():
    import re

    source = Path(v.__file__).read_text("utf-8")
    codes = set(re.findall(r'_refuse\(\s*"([a-z_]+)"', source))
    assert len(codes) > 25
    assert codes <= SENTENCES.keys()
