"""The certificate: everything of §2.35, in Chinese and in English, built from facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from core.documents.certificate import CertificateFacts, draw_certificate, statement, statement_in_english
from core.errors import FileRefused, Incomplete
from tests.core.documents.conftest import LONG_NAME, NAMES, portrait, stamp
from tests.core.documents.opened import opened


def facts(name: str = "王文丽") -> CertificateFacts:
    return CertificateFacts(
        certificate_no="1650035101251100000082600019",
        name=name,
        id_number="110101200301010012",
        certificate="老年照护职业技能等级证书",
        level="初级",
        certificate_en="Elderly Care",
        exam_year=2026,
        exam_month=9,
        issuer="中福养老服务评价（北京）有限公司",
        college="新希望职业技术学院",
        issued_on=date(2026, 10, 28),
        verify_url="https://exam.example.cn/verify?no=1650035101251100000082600019",
        photo=portrait(),
        officer_seal=stamp(),
        issuer_seal=stamp(),
    )


def test_the_chinese_sentence_names_month_trade_level_and_the_credit_bank() -> None:
    assert statement(facts()) == (
        "2026年9月参加老年照护职业技能等级水平考核，成绩合格，核发老年照护职业技能等级证书（初级）。"
        "学习成果已经职业教育国家学分银行认定。"
    )


@pytest.mark.parametrize("written", ["老年照护职业技能等级证书(初级)", "老年照护职业技能等级证书（初级）", "老年照护"])
def test_the_level_is_named_once_however_the_catalogue_writes_the_certificate(written: str) -> None:
    assert statement(replace(facts(), certificate=written)) == statement(facts())


@pytest.mark.parametrize(("level", "word"), [("初级", "Primary"), ("中级", "Intermediate"), ("高级", "Advanced")])
def test_the_english_sentence_says_the_same(level: str, word: str) -> None:
    text = statement_in_english(replace(facts(), level=level))

    assert "in September 2026" in text
    assert f"the {word} Level of Elderly Care." in text
    assert "National Credit Bank for Vocational Education" in text


def test_without_a_translation_the_english_sentence_keeps_the_chinese_name() -> None:
    assert "Primary Level of 老年照护." in statement_in_english(replace(facts(), certificate_en=""))


def test_the_page_carries_every_fact() -> None:
    pdf = opened(draw_certificate(facts()))
    page = pdf.text.replace(" ", "")

    assert len(pdf.pages) == 1
    for words in (
        "职业技能等级证书", "Certificate of Vocational Skill Level", "王文丽", "110101200301010012",
        "1650035101251100000082600019", "中福养老服务评价（北京）有限公司", "新希望职业技术学院",
        "2026年10月28日", "考核站点负责人",
        statement(facts()), statement_in_english(facts()),
    ):  # fmt: skip
        assert words.replace(" ", "") in page, words
    assert "样张" not in page
    assert all(pdf.fonts.values())


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_whole(name: str) -> None:
    assert name in opened(draw_certificate(facts(name))).text


def test_the_photo_is_embedded_as_it_is() -> None:
    assert portrait() in draw_certificate(facts())


def test_the_same_facts_give_the_same_bytes() -> None:
    assert draw_certificate(facts(LONG_NAME)) == draw_certificate(facts(LONG_NAME))


@pytest.mark.parametrize(
    ("empty", "named"),
    [
        ({"officer_seal": None}, "考核站点负责人签名章"),
        ({"issuer_seal": None}, "培训评价组织电子签章"),
        ({"photo": b""}, "照片"),
        ({"certificate_no": ""}, "证书编号"),
        ({"verify_url": ""}, "核验地址"),
    ],
)
def test_a_certificate_with_a_gap_is_not_drawn(empty: dict[str, object], named: str) -> None:
    with pytest.raises(Incomplete) as refused:
        draw_certificate(replace(facts(), **empty))  # type: ignore[arg-type]

    assert refused.value.facts["fields"] == [named]


def test_a_sample_may_lack_the_other_seal_and_says_that_it_is_one() -> None:
    assert "样 张" in opened(draw_certificate(replace(facts(), issuer_seal=None, is_sample=True))).text


def test_a_broken_seal_picture_is_refused() -> None:
    with pytest.raises(FileRefused, match="picture_unreadable"):
        draw_certificate(replace(facts(), issuer_seal=b"no picture"))
