"""Numbers: built as the samples of requirements §2.0 are, and told apart from others."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import TooMany, ValueRefused
from core.rules import numbering as n
from core.rules import values

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(unix: int) -> datetime:
    return datetime.fromtimestamp(unix, SHANGHAI)


def test_the_plan_number_of_the_manual():
    assert n.plan_no(date(2021, 9, 17), 28) == "202109170028"
    assert n.is_plan_no("202109170028")
    assert not n.is_plan_no("K202005229994")


def test_the_site_number_of_the_manual():
    assert n.site_no("11", 8) == "110000008"
    assert n.is_site_no("110000008")
    assert not n.is_site_no("15102")


def test_the_ticket_number_of_the_manual():
    ticket = n.ticket_no("202109160026", "110000007", 9)
    assert ticket == "20210916002611000000700009"
    assert n.ticket_parts(ticket) == n.TicketParts("202109160026", "110000007", 9)
    assert values.ticket_no(ticket) == ticket


def test_a_ticket_number_of_2020_has_no_parts_we_know():
    assert n.ticket_parts("20690001153310500026") is None


@pytest.mark.parametrize(
    ("id_number", "unix", "running", "expected"),
    [
        ("372928200110010714", 1631858459, 551253, "37292820211631858459551253"),
        ("622922200101010008", 1631620512, 8, "622922202116316205128"),
        ("513321200101010008", 1631167969, 143866, "51332120211631167969143866"),
    ],
)
def test_the_candidate_numbers_of_the_manual(id_number, unix, running, expected):
    assert n.candidate_no(id_number, at(unix), running) == expected
    assert n.is_candidate_no(expected)


def test_a_candidate_number_carries_the_year_of_the_business_zone():
    new_year_in_china = datetime(2025, 12, 31, 16, 0, tzinfo=UTC)
    assert n.candidate_no("420000200301010010", new_year_in_china.astimezone(SHANGHAI), 1)[6:10] == "2026"


def test_a_candidate_with_a_passport_gets_digits_only():
    number = n.candidate_no("E1234", at(1631858459), 7)
    assert number == "1234002021" + "1631858459" + "7"


def test_a_candidate_number_needs_to_know_its_zone():
    with pytest.raises(ValueError, match="aware"):
        n.candidate_no("420000200301010010", datetime(2026, 1, 1), 1)  # noqa: DTZ001  # naive on purpose


def test_the_certificate_codes_of_the_manual():
    assert n.certificate_code(at(1630054223), 2, 943) == "1630054223020943"
    assert [n.level_digit(code) for code in ("60000001", "20000003", "1630054223031298")] == [1, 3, 3]
    assert n.level_digit("60000004") is None
    assert n.level_digit("1630054223040001") is None


@pytest.mark.parametrize(
    ("certificate", "level", "running", "expected"),
    [
        ("60000001", 1, 4, "60000001104"),
        ("50000002", 2, 2, "50000002202"),
        ("1630054223020943", 2, 1, "1630054223020943201"),
    ],
)
def test_the_subject_codes_of_the_manual(certificate, level, running, expected):
    assert n.subject_code(certificate, level, running) == expected
    assert n.is_subject_code(expected)
    assert not n.is_subject_code("098694")


def test_site_standards_invigilators_and_payments():
    assert n.site_standard_code(date(2021, 9, 16), 1) == "210916001"
    assert n.invigilator_no(157822) == "JK157822"
    assert n.is_invigilator_no(n.invigilator_no(7))
    assert not n.is_invigilator_no("JK15782")
    assert n.payment_no(date(2026, 5, 20), 17) == "JF20260520000017"
    assert n.is_payment_no("JF20260520000017")


def test_a_certificate_number_has_28_digits_that_can_be_read_again():
    number = n.certificate_no(standard_code="650035", level=1, org_code="125", site="110000008", year=2021, running=19)
    assert number == "1650035101251100000082100019"
    assert len(number) == 28
    assert n.certificate_parts(number) == n.CertificateParts("650035", 1, "0125", "110000008", 21, 19)


def test_a_certificate_number_of_2020_has_no_parts_we_know():
    assert n.certificate_parts("15600031015610012000045") is None


def test_a_standard_code_that_is_not_six_digits_cannot_make_a_certificate_number():
    with pytest.raises(ValueRefused, match="standard_code_length"):
        n.certificate_no(standard_code="6500351", level=1, org_code="125", site="110000008", year=2021, running=1)


@pytest.mark.parametrize(
    ("build", "largest"),
    [
        (lambda running: n.plan_no(date(2026, 1, 1), running), 9_999),
        (lambda running: n.site_no("42", running), 9_999_999),
        (lambda running: n.ticket_no("202601010001", "420000001", running), 99_999),
        (lambda running: n.subject_code("60000001", 1, running), 99),
        (lambda running: n.payment_no(date(2026, 1, 1), running), 999_999),
    ],
)
def test_a_number_that_no_longer_fits_is_refused_not_stretched(build, largest):
    assert len(build(1)) == len(build(largest))
    for beyond in (largest + 1, 0, -1):
        with pytest.raises(TooMany) as caught:
            build(beyond)
        assert caught.value.facts["largest"] == largest


@settings(deadline=None)
@given(st.integers(1, 9_999), st.integers(1, 9_999_999), st.integers(1, 99_999), st.dates(date(2020, 1, 1)))
def test_every_ticket_number_can_be_taken_apart_again(plan, site, running, day):
    parts = n.TicketParts(n.plan_no(day, plan), n.site_no("33", site), running)
    assert n.ticket_parts(n.ticket_no(parts.plan_no, parts.site_no, running)) == parts


def test_task_codes_are_readable_and_do_not_repeat():
    codes = [n.task_code(number) for number in range(1, 60_001)]
    assert len(set(codes)) == 60_000
    assert all(n.is_task_code(code) for code in codes)
    assert not set("01OILAEU") & set("".join(codes))


def test_task_codes_fill_their_whole_space_before_one_returns():
    assert n.task_code(28**4 + 5) == n.task_code(5)
    assert n._TASK_STRIDE % 2
    assert n._TASK_STRIDE % 7


def test_neighbouring_tasks_do_not_look_alike():
    for number in range(1, 1000):
        here, there = n.task_code(number), n.task_code(number + 1)
        assert sum(a != b for a, b in zip(here, there, strict=True)) >= 3


@pytest.mark.parametrize("text", ["K7Q", "K7Q44", "k7q4", "K0Q4", "考7Q4", ""])
def test_what_is_no_task_code(text):
    assert not n.is_task_code(text)
