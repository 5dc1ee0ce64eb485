"""Fonts: searched in order, never silent about a character they cannot draw."""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

import pytest

from core import clock, settings
from core.documents import fonts
from core.documents.paper import Paper
from core.errors import Refusal
from tests.core.documents.opened import opened

RARE = "䶮㛃㸆镕堃𠅤"
NOBODY_HAS = "\U000f0001"


def one_line(text: str) -> bytes:
    out = BytesIO()
    paper = Paper(out, title="测试", printed_at=clock.now())
    paper.text(20, 20, text, 12)
    paper.end_page()
    paper.finish()
    return out.getvalue()


def without_system_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "system_fonts", list)


def test_rare_name_characters_are_drawn_by_embedded_fonts_and_can_be_copied() -> None:
    pdf = opened(one_line(f"姓名{RARE}"))

    assert pdf.text == f"姓名{RARE}"
    assert pdf.fonts
    assert all(pdf.fonts.values())


def test_the_font_that_comes_with_the_installation_suffices_for_rare_names(
    monkeypatch: pytest.MonkeyPatch, fresh_fonts: None
) -> None:
    without_system_fonts(monkeypatch)

    choice = fonts.chinese_font()

    assert choice.is_embedded
    assert fonts.CARRIER in choice.source
    assert not choice.warning
    assert fonts.missing_glyphs(RARE) == set()
    assert opened(one_line(RARE)).text == RARE


def test_the_package_that_carries_the_font_is_never_imported(fresh_fonts: None) -> None:
    fonts.chinese_font()

    assert fonts.carried_font()
    assert fonts.CARRIER not in sys.modules


def test_a_font_named_in_the_settings_comes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh_fonts: None
) -> None:
    carried = fonts.carried_font()
    assert carried
    own = tmp_path / "office.ttf"
    own.write_bytes(carried.read_bytes())
    monkeypatch.setenv("KAOWU_FONT", str(own))
    settings.forget()

    assert fonts.chinese_font().source == "KAOWU_FONT"


def test_a_useless_font_in_the_settings_is_passed_over_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh_fonts: None
) -> None:
    (tmp_path / "broken.ttf").write_bytes(b"no font at all")
    monkeypatch.setenv("KAOWU_FONT", str(tmp_path / "broken.ttf"))
    settings.forget()

    choice = fonts.chinese_font()

    assert choice.is_embedded
    assert "KAOWU_FONT" in choice.warning


def test_without_any_font_file_documents_still_come_out_and_a_warning_is_given(
    monkeypatch: pytest.MonkeyPatch, fresh_fonts: None
) -> None:
    without_system_fonts(monkeypatch)
    monkeypatch.setattr(fonts, "carried_font", lambda: None)

    choice = fonts.chinese_font()
    pdf = opened(one_line("王文丽 2026"))

    assert (choice.name, choice.is_embedded) == ("STSong-Light", False)
    assert "KAOWU_FONT" in choice.warning
    assert pdf.text == "王文丽 2026"
    assert not any(pdf.fonts.values())
    assert fonts.missing_glyphs("张𠅤") == {"𠅤"}
    with pytest.raises(Refusal, match="glyph_missing"):
        one_line("张𠅤")


def test_a_character_the_first_font_lacks_is_drawn_with_the_next(
    monkeypatch: pytest.MonkeyPatch, fresh_fonts: None
) -> None:
    carried = fonts.carried_font()
    assert carried
    first, second = (fonts.TrueTypeFace(carried, "test") for _ in range(2))
    del first.widths["镕"]
    with monkeypatch.context() as patch:
        patch.setattr(fonts, "faces", lambda: (first, second))

        assert fonts.runs("陶镕明") == [(first, "陶"), (second, "镕"), (first, "明")]
        assert opened(one_line("陶镕明")).text == "陶镕明"


def test_a_character_that_nobody_has_is_refused_by_name() -> None:
    with pytest.raises(fonts.GlyphMissing) as refused:
        one_line(f"张{NOBODY_HAS}")

    assert refused.value.sentence_code == "glyph_missing"
    assert refused.value.facts == {"character": NOBODY_HAS, "codepoint": "U+F0001"}
    assert fonts.missing_glyphs(f"张{NOBODY_HAS}") == {NOBODY_HAS}
