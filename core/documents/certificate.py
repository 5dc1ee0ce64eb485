"""职业技能等级证书 (F-16, §2.35): one A4 landscape page built from facts alone, then sealed, never drawn again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from io import BytesIO

from core import clock
from core.documents.paper import A4_LANDSCAPE, GREY, INK, Colour, Paper
from core.documents.proof import Proof
from core.documents.sheet import bare_name, in_cell, wrap
from core.errors import Incomplete
from core.rules.certificate_words import (
    DEFAULT_STATEMENT,
    DEFAULT_STATEMENT_EN,
    DEFAULT_TITLE,
    DEFAULT_TITLE_EN,
    filled,
)

TEMPLATE_VERSION = "1"
LEVELS_IN_ENGLISH = {"初级": "Primary", "中级": "Intermediate", "高级": "Advanced"}
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_GOLD: Colour = (0.72, 0.57, 0.27)
_RED: Colour = (0.60, 0.10, 0.12)
_PALE: Colour = (0.945, 0.925, 0.875)
_CREAM: Colour = (0.996, 0.990, 0.973)
_PHOTO_X, _PHOTO_Y = 30.0, 66.0
_TEXT_X, _TEXT_WIDTH = 78.0, 190.0
_LONGEST_TITLE = 13  # characters at full size


@dataclass(frozen=True, slots=True)
class CertificateWords:
    """What a certificate says around the facts (G-07); version names it on the sealed certificate."""

    title: str = DEFAULT_TITLE
    title_en: str = DEFAULT_TITLE_EN
    statement: str = DEFAULT_STATEMENT
    statement_en: str = DEFAULT_STATEMENT_EN
    version: str = TEMPLATE_VERSION


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """All that stands on the certificate; year and month are those of the exam, pictures are file contents.

    certificate is its name, with or without the level in brackets at the end, certificate_en its translation as kept
    with the certificate type (对应翻译), empty where there is none yet. officer_seal is the college's 签名章. words:
    those of the organisation's template, else the platform's.
    """

    certificate_no: str
    name: str
    id_number: str
    certificate: str
    level: str
    certificate_en: str
    exam_year: int
    exam_month: int
    issuer: str
    college: str
    issued_on: date
    verify_url: str
    photo: bytes = field(repr=False)
    officer_seal: bytes | None = field(default=None, repr=False)
    issuer_seal: bytes | None = field(default=None, repr=False)
    is_sample: bool = False
    words: CertificateWords = CertificateWords()

    @property
    def trade(self) -> str:
        """老年照护 of 老年照护职业技能等级证书."""
        return bare_name(self.certificate, self.level).removesuffix("证书").removesuffix("职业技能等级")


def statement(facts: CertificateFacts) -> str:
    """The Chinese sentence that grants the certificate."""
    return filled(facts.words.statement, _gaps(facts))


def statement_in_english(facts: CertificateFacts) -> str:
    """The same in English; without a translation of its name the certificate keeps its Chinese one."""
    return filled(facts.words.statement_en, _gaps(facts))


def _gaps(facts: CertificateFacts) -> dict[str, str]:
    """What fills each of core.rules.certificate_words.GAPS."""
    return {
        "证书": bare_name(facts.certificate, facts.level),
        "等级": facts.level,
        "专项": facts.trade,
        "考试年": str(facts.exam_year),
        "考试月": str(facts.exam_month),
        "院校": facts.college,
        "颁证机构": facts.issuer,
        "英文名称": facts.certificate_en or facts.trade,
        "英文等级": LEVELS_IN_ENGLISH.get(facts.level, facts.level),
        "英文月份": MONTHS[facts.exam_month - 1],
    }


def draw_certificate(facts: CertificateFacts) -> bytes:
    """The finished page; Incomplete if a fact is empty, FileRefused for a broken picture. Same facts, same bytes.

    The seals may only be missing on a sample, which says so across the page.
    """
    _require(facts)
    out = BytesIO()
    made = datetime(facts.issued_on.year, facts.issued_on.month, facts.issued_on.day, tzinfo=clock.zone())
    draw_on(Paper(out, title=f"职业技能等级证书 {facts.certificate_no}", printed_at=made, size=A4_LANDSCAPE), facts)
    return out.getvalue()


def preview_certificate(facts: CertificateFacts) -> bytes:
    """The same page as a PNG, for pages that show what it will look like (R-257)."""
    _require(facts)
    proof = Proof(A4_LANDSCAPE)
    draw_on(proof, facts)
    return proof.png()


def draw_on(paper: Paper, facts: CertificateFacts) -> None:
    """Everything on one page of this paper."""
    paper.backdrop(_ground)
    if facts.is_sample:
        paper.text(148.5, 125, "样 张", 110, align="centre", colour=(0.86, 0.86, 0.86), bold=True)
    _head(paper, facts)
    _owner(paper, facts)
    _statements(paper, facts)
    _issuers(paper, facts)
    _proof(paper, facts)
    paper.end_page()
    paper.finish()


def _require(facts: CertificateFacts) -> None:
    needed: dict[str, str | bytes | None] = {
        "证书编号": facts.certificate_no, "姓名": facts.name, "证件号码": facts.id_number, "证书名称": facts.trade,
        "证书等级": facts.level, "颁证机构": facts.issuer, "院校": facts.college, "核验地址": facts.verify_url,
        "照片": facts.photo,
    }  # fmt: skip
    if not facts.is_sample:
        needed |= {"考核站点负责人签名章": facts.officer_seal, "培训评价组织电子签章": facts.issuer_seal}
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise Incomplete(rule="R-241", fields=missing)


# --- the ground: what makes a copy look like a copy -----------------------------------------------------------------


def _ground(paper: Paper) -> None:
    wide, high = paper.width, paper.height
    paper.box(0, 0, wide, high, colour=None, fill=_CREAM)
    for lines, waves, mean, swing in ((16, 18, 56.0, 7.0), (14, 12, 41.0, 9.0), (12, 8, 22.0, 11.0)):
        for line in range(lines):
            ring = _rosette(wide / 2, high / 2 + 7, line / lines, waves, mean, swing)
            paper.curve(ring, weight=0.07, colour=_PALE, closed=True)
    for inset, weight in ((7.0, 0.9), (8.4, 0.2), (17.6, 0.2), (18.6, 0.45)):
        paper.box(inset, inset, wide - 2 * inset, high - 2 * inset, weight=weight, colour=_GOLD)
    for strand in range(6):
        for edge in _edges(wide, high, 13.0):
            paper.curve(_braid(edge, strand / 6), weight=0.11, colour=_RED if strand % 3 == 0 else _GOLD)
    for x in (13.0, wide - 13.0):
        for y in (13.0, high - 13.0):
            _corner(paper, x, y)


def _rosette(x: float, y: float, turn: float, waves: int, mean: float, swing: float) -> Iterator[tuple[float, float]]:
    """One line of a ring behind the words; lines evenly spread over turn 0 to 1 weave into a braid."""
    for step in range(0, 361, 2):
        angle = math.radians(step)
        reach = mean + swing * math.sin(waves * angle + turn * math.tau)
        yield x + reach * math.cos(angle), y + reach * math.sin(angle)


Edge = Callable[[float], tuple[float, float, float, float]]


def _edges(wide: float, high: float, inset: float) -> tuple[tuple[Edge, int], ...]:
    """The four sides between the corners: position along (0 to 1) to x, y and the direction of the wave."""
    near, right, low = inset + 5.2, wide - inset - 5.2, high - inset - 5.2
    return (
        (lambda t: (near + t * (right - near), inset, 0, 1), 44),
        (lambda t: (near + t * (right - near), high - inset, 0, -1), 44),
        (lambda t: (inset, near + t * (low - near), 1, 0), 30),
        (lambda t: (wide - inset, near + t * (low - near), -1, 0), 30),
    )


def _braid(side: tuple[Edge, int], phase: float) -> Iterator[tuple[float, float]]:
    edge, waves = side
    steps = waves * 8
    for step in range(steps + 1):
        t = step / steps
        x, y, dx, dy = edge(t)
        swing = 3.4 * math.sin(math.tau * (waves * t / 2 + phase)) * (0.62 + 0.38 * math.cos(math.tau * waves * t / 4))
        yield x + dx * swing, y + dy * swing


def _corner(paper: Paper, x: float, y: float) -> None:
    paper.box(x - 5, y - 5, 10, 10, weight=0.2, colour=_GOLD, fill=_CREAM)
    for turn in range(5):
        points = (
            (
                x + 4.2 * math.cos(math.radians(a)) * math.cos(math.radians(4 * a + turn * 18)),
                y + 4.2 * math.sin(math.radians(a)) * math.cos(math.radians(4 * a + turn * 18)),
            )
            for a in range(0, 361, 2)
        )
        paper.curve(points, weight=0.1, colour=_RED if turn % 2 else _GOLD, closed=True)


# --- the words ------------------------------------------------------------------------------------------------------


def _head(paper: Paper, facts: CertificateFacts) -> None:
    title, title_en = facts.words.title, facts.words.title_en
    size = min(34.0, 34.0 * _LONGEST_TITLE / max(len(title), 1))
    paper.text(148.5, 42, title, size, align="centre", colour=_RED, bold=True, spacing=2.6)
    paper.text(148.5, 51.5, title_en, 15, align="centre", colour=_GOLD)
    for left, right in ((60, 118), (179, 237)):
        paper.line(left, 57, right, 57, weight=0.2, colour=_GOLD)
    for step, reach in ((-12, 1.0), (0, 1.6), (12, 1.0)):
        x = 148.5 + step
        paper.curve(((x - reach, 57), (x, 57 - reach), (x + reach, 57), (x, 57 + reach)), colour=_GOLD, closed=True)


def _owner(paper: Paper, facts: CertificateFacts) -> None:
    paper.box(_PHOTO_X - 1, _PHOTO_Y - 1, 37, 51, weight=0.25, colour=_GOLD, fill=(1, 1, 1))
    paper.photo(facts.photo, _PHOTO_X, _PHOTO_Y, 35, 49)
    _named(paper, _TEXT_X, 64, 84, "姓　　名", "Name", facts.name, 17)
    _named(paper, _TEXT_X + 92, 64, 98, "证件号码", "ID No.", facts.id_number, 14)


def _named(paper: Paper, x: float, y: float, width: float, label: str, english: str, value: str, size: float) -> None:
    paper.text(x, y + 6.5, label, 13)
    paper.text(x, y + 10.8, english, 8, colour=GREY)
    in_cell(paper, x + 23, y - 1, width - 23, 10, value, size=size, bold=True)
    paper.line(x + 22, y + 9.4, x + width, y + 9.4, weight=0.15, colour=_GOLD)


def _statements(paper: Paper, facts: CertificateFacts) -> None:
    y = _paragraph(paper, "　　" + statement(facts), 15.5, 86.0, leading=8.6, lowest=3, colour=INK)
    _paragraph(paper, statement_in_english(facts), 10.5, y + 2.5, leading=5.2, lowest=4, colour=GREY)


def _paragraph(
    paper: Paper, words: str, size: float, y: float, *, leading: float, lowest: int, colour: Colour
) -> float:
    """Words in at most `lowest` lines, smaller type if they need more; answers where the next baseline goes."""
    lines = wrap(words, size, _TEXT_WIDTH)
    while len(lines) > lowest:
        size *= 0.96
        lines = wrap(words, size, _TEXT_WIDTH)
    for line in lines:
        paper.text(_TEXT_X, y, line, size, colour=colour)
        y += leading
    return y


def _issuers(paper: Paper, facts: CertificateFacts) -> None:
    y = 148.0
    paper.text(_TEXT_X, y, "考核站点负责人", 12)
    paper.text(_TEXT_X, y + 4.6, "Head of the Assessment Site", 8, colour=GREY)
    if facts.officer_seal:
        paper.picture(facts.officer_seal, _TEXT_X + 46, y - 14, 24, 24)
    in_cell(paper, _TEXT_X, y + 11.5, 82, 7, facts.college, size=11)
    paper.text(_TEXT_X + 92, y, "颁证机构", 12)
    paper.text(_TEXT_X + 92, y + 4.6, "Issued by", 8, colour=GREY)
    in_cell(paper, _TEXT_X + 113, y - 6, 77, 9, facts.issuer, size=13, bold=True)
    when = facts.issued_on
    paper.text(_TEXT_X + 92, y + 17, "发证日期", 12)
    paper.text(_TEXT_X + 92, y + 21.6, "Date of Issue", 8, colour=GREY)
    paper.text(_TEXT_X + 113, y + 17, f"{when.year}年{when.month}月{when.day}日", 13)
    if facts.issuer_seal:
        # the seal gateway lays the same picture over this one, 43 mm from the right and 38 mm from below
        paper.picture(facts.issuer_seal, paper.width - 83, paper.height - 78, 40, 40)


def _proof(paper: Paper, facts: CertificateFacts) -> None:
    paper.qr(facts.verify_url, _PHOTO_X + 4.5, 126, 26)
    paper.text(_PHOTO_X + 17.5, 156.5, "扫码核验", 9, align="centre", colour=GREY)
    paper.text(_PHOTO_X + 17.5, 160.4, "Scan to verify", 7, align="centre", colour=GREY)
    paper.text(_TEXT_X, 179, "证书编号", 11)
    paper.text(_TEXT_X + 19, 179, facts.certificate_no, 12, bold=True)
    paper.text(_TEXT_X, 183.4, "Certificate No.", 8, colour=GREY)
