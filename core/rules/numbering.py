"""The numbers of §2.0: builders take what a number is made of, checks say whether a text could be one.

Running numbers come from the caller (the database hands them out); nothing here draws or counts. A running number
that no longer fits its places is refused: a longer number would break every number built from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from core.errors import TooMany, ValueRefused

_PLAN = re.compile("[0-9]{8}[0-9]{4}")
_SITE = re.compile("[0-9]{9}")
_TICKET = re.compile("([0-9]{12})([0-9]{9})([0-9]{5})")
_CANDIDATE = re.compile("[0-9]{6}[0-9]{4}[0-9]{10}[0-9]+")
_CERTIFICATE_CODE = re.compile("[0-9]{7}([123])|[0-9]{10}0([123])[0-9]{4}")
_SUBJECT_CODE = re.compile("([0-9]{8}|[0-9]{16})[123][0-9]{2}")
_INVIGILATOR = re.compile("JK[0-9]{6}")
_CERTIFICATE = re.compile("1([0-9]{6})([123])([0-9]{4})([0-9]{9})([0-9]{2})([0-9]{5})")
_PAYMENT = re.compile("JF[0-9]{8}[0-9]{6}")

# Without 0/O, 1/I/L (they are mixed up) and without vowels (no code spells a word).
TASK_ALPHABET = "23456789BCDFGHJKMNPQRSTVWXYZ"
_TASK_CODES = len(TASK_ALPHABET) ** 4
_TASK_STRIDE = 377_171  # shares no factor with 28⁴: neighbours come out far apart, none twice


def _running(number: int, places: int, kind: str, rule: str) -> str:
    """Zero-padded to its places; TooMany when it needs more."""
    if not 1 <= number < 10**places:
        raise TooMany("numbers_used_up", rule=rule, kind=kind, largest=10**places - 1)
    return f"{number:0{places}d}"


def plan_no(created_on: date, running: int) -> str:
    """N1, R-058: yyyyMMdd + 4 digits that run on over days and years; 202109170028."""
    return f"{created_on:%Y%m%d}{_running(running, 4, '计划编号', 'R-058')}"


def is_plan_no(text: str) -> bool:
    """One of ours; imported plans may carry anything up to 20 characters (N2, N3)."""
    return _PLAN.fullmatch(text) is not None


def site_no(province_code: str, running: int) -> str:
    """N4, R-111: the college's two-digit province code + 7 digits; 110000008."""
    if not re.fullmatch("[1-9][0-9]", province_code):
        raise ValueError("a province code has two digits")
    return f"{province_code}{_running(running, 7, '考核站点编号', 'R-111')}"


def is_site_no(text: str) -> bool:
    """One of ours; the five digits of 2020 (N5) are not."""
    return _SITE.fullmatch(text) is not None


def ticket_no(plan: str, site: str, running: int) -> str:
    """N6, R-178: plan number + site number + 5 digits that run per plan and site; 20210916002611000000700009."""
    return f"{plan}{site}{_running(running, 5, '准考证号', 'R-178')}"


@dataclass(frozen=True, slots=True)
class TicketParts:
    """What a ticket number says."""

    plan_no: str
    site_no: str
    running: int


def ticket_parts(ticket: str) -> TicketParts | None:
    """A 26-digit ticket number taken apart; None for other shapes (N7)."""
    found = _TICKET.fullmatch(ticket)
    return TicketParts(found[1], found[2], int(found[3])) if found else None


def candidate_no(id_number: str, created_at: datetime, running: int) -> str:
    """N8, R-080: six digits of the identity number + year + Unix seconds + running number without padding.

    created_at: aware, in the business zone, for the year is the one people on the spot read. Documents other than
    身份证 may hold fewer than six digits; zeros fill up.
    """
    if created_at.tzinfo is None:
        raise ValueError("created_at must be aware")
    region = id_number[:6]
    if not (len(region) == 6 and region.isascii() and region.isdigit()):
        region = re.sub("[^0-9]", "", id_number)[:6].ljust(6, "0")
    return f"{region}{created_at.year:04d}{int(created_at.timestamp()):010d}{running}"


def is_candidate_no(text: str) -> bool:
    """Six digits, a year, Unix seconds and at least one digit more."""
    return _CANDIDATE.fullmatch(text) is not None


def certificate_code(created_at: datetime, level: int, running: int) -> str:
    """N9, the long shape: 10-digit Unix seconds + 01/02/03 + 4 digits; 1630054223020943. level: 1, 2 or 3."""
    return f"{int(created_at.timestamp()):010d}{_level(level):02d}{_running(running, 4, '证书编号', 'N9')}"


def level_digit(certificate_code: str) -> int | None:
    """The level (1, 2, 3) a programme number says, in its short or long shape (N9); None for neither."""
    found = _CERTIFICATE_CODE.fullmatch(certificate_code)
    return int(found[1] or found[2]) if found else None


def subject_code(certificate_code: str, level: int, running: int) -> str:
    """N10: the certificate's number + level digit + 2 digits; 60000001104."""
    return f"{certificate_code}{_level(level)}{_running(running, 2, '科目编号', 'N10')}"


def is_subject_code(text: str) -> bool:
    """Built on a short or long certificate number; the six digits of 2020 are not."""
    return _SUBJECT_CODE.fullmatch(text) is not None


def _level(level: int) -> int:
    if level not in (1, 2, 3):
        raise ValueError("a level is 1, 2 or 3")
    return level


def site_standard_code(created_on: date, running: int) -> str:
    """N12: yyMMdd + 3 digits that run on over days; 210916001."""
    return f"{created_on:%y%m%d}{_running(running, 3, '标准代码', 'N12')}"


def invigilator_no(drawn: int) -> str:
    """N13, R-197: JK + 6 digits; the caller draws 0…999999 at random and lets the database refuse a second one."""
    if not 0 <= drawn <= 999_999:
        raise ValueError("draw six digits")
    return f"JK{drawn:06d}"


def is_invigilator_no(text: str) -> bool:
    """JK157822 and the like."""
    return _INVIGILATOR.fullmatch(text) is not None


def certificate_no(*, standard_code: str, level: int, org_code: str, site: str, year: int, running: int) -> str:
    """N17 as decided in §2.0, 28 digits: 1, standard(6), level, organisation(4), site(9), year(2), running(5)."""
    if not re.fullmatch("[0-9]{6}", standard_code):
        raise ValueRefused("standard_code_length", rule="N17", value=standard_code, suggestion=None)
    if not re.fullmatch("[0-9]{1,4}", org_code) or not is_site_no(site):
        raise ValueError("certificate numbers need an organisation code of up to 4 digits and a site number of 9")
    head = f"1{standard_code}{_level(level)}{org_code:0>4}{site}{year % 100:02d}"
    return head + _running(running, 5, "证书编号", "N17")


@dataclass(frozen=True, slots=True)
class CertificateParts:
    """What a certificate number says; org_code padded to four, year in two digits."""

    standard_code: str
    level: int
    org_code: str
    site_no: str
    year: int
    running: int


def certificate_parts(number: str) -> CertificateParts | None:
    """A 28-digit certificate number taken apart; None for other shapes (N18)."""
    found = _CERTIFICATE.fullmatch(number)
    if not found:
        return None
    standard, level, org, site, year, running = found.groups()
    return CertificateParts(standard, int(level), org, site, int(year), int(running))


def payment_no(created_on: date, running: int) -> str:
    """N19: JF + yyyyMMdd + 6 digits."""
    return f"JF{created_on:%Y%m%d}{_running(running, 6, '缴费单号', 'N19')}"


def is_payment_no(text: str) -> bool:
    """One of ours."""
    return _PAYMENT.fullmatch(text) is not None


def task_code(number: int) -> str:
    """Four characters a person can read out (K7Q4); different for any 614,656 numbers in a row, then again."""
    rest = number * _TASK_STRIDE % _TASK_CODES
    letters = ""
    for _ in range(4):
        rest, place = divmod(rest, len(TASK_ALPHABET))
        letters += TASK_ALPHABET[place]
    return letters


def is_task_code(text: str) -> bool:
    """Four characters of the alphabet, upper case."""
    return len(text) == 4 and all(letter in TASK_ALPHABET for letter in text)
