"""Templates of certificates (G-07): revisions count up, sealed certificates name theirs, samples write nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from core.errors import AlreadyThere, NotFound, Refusal, ValueRefused
from core.gateways import storage
from core.models.catalogue import CertificateTemplate, CertificateType
from core.models.certificates import Certificate, CertificateIssuance
from core.rules.certificates import IssuanceState
from core.usecases import catalogue, certificate_templates, certificates, samples
from tests.core.documents.opened import opened
from tests.factories import VERIFY_BASE, PlainSealer, Year, Years, at_once, census, one, rows

At = Callable[[datetime | str], datetime]
WORDS = {
    "name": "2026 样式",
    "title": "示例技能等级证书",
    "title_en": "Certificate of Sample Skill",
    "statement": "{考试年}年{考试月}月在{院校}通过{专项}（{等级}）考核，由{颁证机构}颁发{证书}。",
    "statement_en": "Passed {英文名称} at {英文等级} level in {英文月份} {考试年}.",
}


@pytest.fixture
def year(years: Years) -> Year:
    return years("set_up")


def made(year: Year, **other: Any) -> int:
    """A template of the first organisation."""
    return int(year.do("teo", certificate_templates.create_template, org_id=year["org"], **(WORDS | other)).id)


def refused(verb: Callable[[], Any], kind: type[Refusal], code: str, rule: str) -> None:
    """It is refused for this reason."""
    with pytest.raises(kind) as caught:
        verb()
    assert (caught.value.sentence_code, caught.value.rule) == (code, rule)


def test_other_words_are_the_next_revision_and_the_same_words_are_none(year: Year) -> None:
    ident = made(year)
    assert one(CertificateTemplate, ident).revision == 1
    for words, revision in ((WORDS, 1), (WORDS | {"name": "改名"}, 1), (WORDS | {"title": "新标题"}, 2), (WORDS, 3)):
        year.do("teo", certificate_templates.edit_template, template_id=ident, **words)
        assert one(CertificateTemplate, ident).revision == revision


def test_two_edits_at_once_are_two_revisions_or_one_is_refused(any_years: Years) -> None:
    """No revision stands for two different texts."""
    year = any_years("set_up")
    ident = made(year)
    edits = [
        lambda text=text: year.do(
            "teo", certificate_templates.edit_template, template_id=ident, **(WORDS | {"title": text})
        )
        for text in ("甲证书", "乙证书")
    ]
    found = at_once(*edits)
    changed = sum(not isinstance(result, Exception) for result in found)
    assert one(CertificateTemplate, ident).revision == 1 + changed


@pytest.mark.parametrize("column", ["title", "title_en", "statement", "statement_en"])
def test_an_unknown_gap_is_refused_everywhere_and_nothing_is_kept(year: Year, column: str) -> None:
    refused(lambda: made(year, **{column: "{姓名}"}), ValueRefused, "template_gap", "G-07")
    ident = made(year)
    given = WORDS | {column: "{"}
    refused(
        lambda: year.do("teo", certificate_templates.edit_template, template_id=ident, **given),
        ValueRefused,
        "template_brace",
        "G-07",
    )
    assert one(CertificateTemplate, ident).revision == 1


def test_a_name_is_taken_once_per_organisation(year: Year) -> None:
    made(year)
    refused(lambda: made(year), AlreadyThere, "template_there", "G-07")


def test_a_template_of_another_or_a_disabled_one_cannot_be_chosen(year: Year) -> None:
    """R-054."""
    ident = made(year)
    given = {"certificate_id": year["other_certificate"], "template_id": ident}
    refused(
        lambda: year.do("other_teo", catalogue.edit_certificate, **given), ValueRefused, "template_of_another", "G-07"
    )
    year.do("teo", certificate_templates.switch_template, template_id=ident, action="disable")
    given = {"certificate_id": year["certificate"], "template_id": ident}
    refused(lambda: year.do("teo", catalogue.edit_certificate, **given), ValueRefused, "template_disabled", "R-054")


def issue(year: Year, place: int) -> Certificate:
    """Make the certificate of one issuance."""
    (waiting,) = rows(
        select(CertificateIssuance.id)
        .where(CertificateIssuance.state == IssuanceState.GENERATING)
        .order_by(CertificateIssuance.id)
        .offset(place)
        .limit(1)
    )
    with year.acting("system") as tx:
        made = certificates.generate_certificate(tx, issuance_id=waiting, sealer=PlainSealer(), verify_base=VERIFY_BASE)
        assert made is not None
        return made


def printed(certificate: Certificate) -> str:
    """The words on the stored file."""
    return opened(storage.read(certificate.storage_key)).text


def test_a_certificate_says_what_the_template_says_and_names_its_revision(years: Years, at: At) -> None:
    """G-07, R-241: the next one follows the next revision, the sealed one stays as it was."""
    year = years("ordered")
    at("2026-06-16 11:30")
    ident = made(year)
    year.do("teo", catalogue.edit_certificate, certificate_id=year["certificate"], template_id=ident)
    first = issue(year, 0)
    assert first.template_version == f"T{ident}r1"
    words = printed(first)
    assert "示例技能等级证书" in words
    assert "2026年5月在江城示例职业技术学院通过示例" in words
    assert "Passed Sample at Primary level in May 2026." in words
    year.do("teo", certificate_templates.edit_template, template_id=ident, **(WORDS | {"title": "新标题"}))
    second = issue(year, 0)
    assert second.template_version == f"T{ident}r2"
    assert "新标题" in printed(second)
    assert one(Certificate, first.id).sha256 == first.sha256
    assert printed(first) == words


def test_without_a_template_the_platforms_words_are_printed(years: Years, at: At) -> None:
    year = years("ordered")
    at("2026-06-16 11:30")
    first = issue(year, 0)
    assert first.template_version == "1"
    assert "职业技能等级水平考核，成绩合格" in printed(first)


def test_the_longest_version_fits_its_column() -> None:
    template = CertificateTemplate(id=2**31 - 1, revision=99_999_99, title="", title_en="", statement="")
    assert len(samples.words_of(template).version) <= 20


def test_a_sample_shows_the_words_and_says_it_is_one(year: Year) -> None:
    ident = made(year)
    year.do("teo", catalogue.edit_certificate, certificate_id=year["certificate"], template_id=ident)
    before = census()
    by_template = opened(year.do("teo", samples.template_sample, template_id=ident, verify_base=VERIFY_BASE))
    given = {"certificate_id": year["certificate"], "verify_base": VERIFY_BASE}
    by_type = opened(year.do("coordinator", samples.certificate_sample, **given))
    assert "样 张" in by_template.text
    assert "样 张" in by_type.text
    assert "示例技能等级证书" in by_template.text
    assert "示例技能等级证书" in by_type.text
    assert census() == before


@pytest.mark.parametrize("login", ["other_teo", "coordinator", "province"])
def test_a_template_is_looked_at_by_its_organisation_alone(year: Year, login: str) -> None:
    ident = made(year)
    with pytest.raises(NotFound):
        year.do(login, samples.template_sample, template_id=ident, verify_base=VERIFY_BASE)


def test_a_template_taken_off_is_off(year: Year) -> None:
    ident = made(year)
    for chosen in (ident, None):
        year.do("teo", catalogue.edit_certificate, certificate_id=year["certificate"], template_id=chosen)
        assert one(CertificateType, year["certificate"]).template_id == chosen
