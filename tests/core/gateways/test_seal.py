"""The seal: holds on what was sealed, and on nothing else."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader

from core.documents.certificate import draw_certificate
from core.documents.paper import A4_LANDSCAPE, Paper
from core.errors import FileRefused
from core.gateways.seal import SIGNER, LocalSealer, SealFailed
from tests.core.documents.conftest import portrait, stamp
from tests.core.documents.test_certificate import facts as certificate_facts

At = Callable[[datetime | str], datetime]


@pytest.fixture(scope="module")
def sealer(tmp_path_factory: pytest.TempPathFactory) -> LocalSealer:
    return LocalSealer(tmp_path_factory.mktemp("seal"))


@pytest.fixture(scope="module")
def page() -> bytes:
    out = BytesIO()
    paper = Paper(out, title="证书", printed_at=datetime(2026, 9, 16, tzinfo=UTC), size=A4_LANDSCAPE)
    paper.text(20, 20, "王文丽 职业技能等级证书", 20)
    paper.photo(portrait(), 20, 40, 35, 49)
    paper.end_page()
    paper.finish()
    return out.getvalue()


@pytest.fixture(scope="module")
def sealed(sealer: LocalSealer, page: bytes) -> bytes:
    return sealer.seal(page, reason="签发证书")


def appended(pdf: bytes) -> bytes:
    """The file with a further revision behind the seal, as a PDF editor saves it."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    writer.root["/Remark"] = generic.pdf_string("someone else")
    writer.update_root()
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_sealed_file_holds_and_says_who_sealed_it_when(sealer: LocalSealer, page: bytes, at: At) -> None:
    moment = at("2026-10-28 09:30")

    verdict = sealer.check(sealer.seal(page, reason="签发证书"))

    assert verdict.is_valid
    assert (verdict.signer, verdict.sealed_at, verdict.detail_code) == (SIGNER, moment, "seal_intact")


def test_the_seal_still_holds_years_later(sealer: LocalSealer, sealed: bytes, at: At) -> None:
    at("2046-01-01 00:00")

    assert sealer.check(sealed).is_valid


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.6])
def test_a_flipped_byte_is_found(sealer: LocalSealer, page: bytes, sealed: bytes, share: float) -> None:
    changed = bytearray(sealed)
    changed[int(len(page) * share)] ^= 1

    verdict = sealer.check(bytes(changed))

    assert not verdict.is_valid
    assert verdict.detail_code in ("seal_broken", "seal_unreadable")


def test_a_changed_photo_is_found(sealer: LocalSealer, sealed: bytes) -> None:
    where = sealed.index(portrait()) + 2000

    verdict = sealer.check(sealed[:where] + bytes([sealed[where] ^ 1]) + sealed[where + 1 :])

    assert (verdict.is_valid, verdict.detail_code) == (False, "seal_broken")


def test_an_appended_revision_is_found(sealer: LocalSealer, sealed: bytes) -> None:
    assert sealer.check(appended(sealed)).detail_code == "seal_appended"


def test_bytes_behind_the_end_are_found(sealer: LocalSealer, sealed: bytes) -> None:
    assert sealer.check(sealed + b"% by the way\n").detail_code == "seal_appended"


def test_another_installation_does_not_vouch_for_it(sealed: bytes, tmp_path: Path) -> None:
    verdict = LocalSealer(tmp_path / "elsewhere").check(sealed)

    assert (verdict.is_valid, verdict.detail_code) == (False, "seal_stranger")
    assert not list(tmp_path.glob("**/*.pem")), "a check makes no keys"


@pytest.mark.parametrize("junk", [b"", b"hello", b"%PDF-1.7\n", bytes(3000)])
def test_what_is_no_pdf_is_not_valid_and_breaks_nothing(sealer: LocalSealer, junk: bytes) -> None:
    assert sealer.check(junk).detail_code == "seal_unreadable"
    with pytest.raises(SealFailed):
        sealer.seal(junk, reason="签发证书")


def test_a_file_cut_off_is_not_valid(sealer: LocalSealer, sealed: bytes) -> None:
    assert not sealer.check(sealed[: len(sealed) // 2]).is_valid


def test_a_file_without_a_seal_is_told_apart(sealer: LocalSealer, page: bytes) -> None:
    assert sealer.check(page).detail_code == "seal_absent"


def test_nothing_is_sealed_twice(sealer: LocalSealer, sealed: bytes) -> None:
    with pytest.raises(SealFailed, match="already_sealed"):
        sealer.seal(sealed, reason="签发证书")


def test_a_seal_may_be_shown_on_the_page(sealer: LocalSealer, page: bytes) -> None:
    shown = sealer.seal(page, reason="签发证书", picture=stamp())

    assert sealer.check(shown).is_valid
    assert shown.count(b"/Subtype /Image") > page.count(b"/Subtype /Image")


def test_a_picture_that_is_none_is_refused(sealer: LocalSealer, page: bytes) -> None:
    with pytest.raises(FileRefused, match="picture_unreadable"):
        sealer.seal(page, reason="签发证书", picture=b"no picture")


def test_processes_that_start_together_use_one_key_that_only_the_owner_reads(page: bytes, tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(lambda _: LocalSealer(tmp_path / "seal").seal(page, reason="签发证书"), range(3)))

    assert all(LocalSealer(tmp_path / "seal").check(pdf).is_valid for pdf in made)
    assert [file.name for file in (tmp_path / "seal").iterdir()] == ["seal.pem"]
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "seal" / "seal.pem").stat().st_mode) == 0o600


def test_the_root_certificate_can_be_handed_out_without_the_key(sealer: LocalSealer, sealed: bytes) -> None:
    handed = sealer.root_certificate()

    assert handed.count(b"BEGIN CERTIFICATE") == 1
    assert b"PRIVATE" not in handed


def test_the_seal_that_can_be_clicked_lies_on_the_one_that_is_printed(sealer: LocalSealer) -> None:
    drawn = draw_certificate(certificate_facts())
    reader = PdfFileReader(BytesIO(sealer.seal(drawn, reason="签发证书", picture=stamp())))
    page = reader.root["/Pages"]["/Kids"][0]
    places = re.findall(rb"q ([\d.]+) 0 0 ([\d.]+) ([\d.]+) ([\d.]+) cm /X", page["/Contents"].data)

    left, low, right, high = (float(edge) for edge in page["/Annots"][0]["/Rect"])

    printed = [tuple(map(float, place)) for place in places]
    assert any((right - left, high - low, left, low) == pytest.approx(place, abs=1) for place in printed)
