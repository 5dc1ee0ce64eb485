"""说明文字: safe markup in, the same safe markup out, whatever was typed (§2.12, R-033)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ValueRefused
from core.rules import richtext
from core.rules.richtext import LONGEST, MOST_TAGS, TAGS

TAG = re.compile(r"<(/?)([a-z0-9]+)([^<>]*)>")
PICTURE = '<img src="/admin/files/12">'


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("机房 2 间", "<p>机房 2 间</p>"),
        ("一行\r\n\r\n两行", "<p>一行</p><p>两行</p>"),
        ("面积<100 & 座位>40", "<p>面积&lt;100 &amp; 座位&gt;40</p>"),
        ("<p>教师<b>6</b><i>人</i><u>!</u></p>", "<p>教师<strong>6</strong><em>人</em><u>!</u></p>"),
        ("<ul><li>一</li></ul><ol><li>二</li></ol>", "<ul><li>一</li></ul><ol><li>二</li></ol>"),
        ("<h1>大</h1><h3>中</h3><h4>小</h4>", "<h3>大</h3><h3>中</h3><h4>小</h4>"),
        ("<blockquote>引</blockquote>", "<blockquote>引</blockquote>"),
        ("<div>一<div>二</div></div>", "<p>一</p><p>二</p>"),
        ("<p>表<table><tr><td>格</td></tr></table></p>", "<p>表</p>格"),
        (f"<p>图{PICTURE}</p>", f"<p>图{PICTURE}</p>"),
    ],
)
def test_the_houses_tags_stay_and_the_text_of_others(typed: str, kept: str) -> None:
    assert richtext.clean(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        '<p onclick="x()" style="color:red" class="a" id="b">字</p>',
        "<p>字<script>alert(1)</script></p>",
        "<p>字<style>p{}</style></p>",
        '<p>字</p><img src="https://example.invalid/a.png">',
        '<p>字</p><img src="/admin/files/12?x=1">',
        '<p>字</p><img src="/admin/files/../password/">',
        '<p>字</p><img src="data:image/png;base64,AAAA">',
        '<p>字</p><img src=x onerror="alert(1)">',
        '<p><a href="javascript:alert(1)">字</a></p>',
        "<svg><p>字<animate onbegin=alert(1)></svg>",
        "<p>字<!-- <img src=x onerror=alert(1)> --></p>",
    ],
)
def test_nothing_that_acts_or_fetches_gets_through(typed: str) -> None:
    assert richtext.plain(richtext.clean(typed)) == "字"
    assert TAG.findall(richtext.clean(typed)) == [("", "p", ""), ("/", "p", "")]


@pytest.mark.parametrize("typed", ["", "  \n ", "<p></p>", "<p><br></p>", "<div>&nbsp;</div>", "<ul><li> </li></ul>"])
def test_empty_markup_is_empty_R033(typed: str) -> None:
    assert richtext.clean(typed) == ""


def test_a_picture_alone_says_something() -> None:
    assert richtext.clean(f"<p>{PICTURE}</p>") == f"<p>{PICTURE}</p>"
    assert richtext.pictures(PICTURE + '<img src="/admin/files/7">') == {7, 12}
    assert richtext.with_pictures(f"{PICTURE}<p>字</p>", {12: 30}) == '<img src="/admin/files/30"><p>字</p>'
    assert richtext.with_pictures(f"{PICTURE}<p>字</p>", {}) == "<p>字</p>"
    assert 'alt="说明中的图片"' in richtext.shown(PICTURE)


@pytest.mark.parametrize("shape", ["{}", "<p>{}</p>", "<p><strong>{}</strong></p>"])
def test_the_last_character_that_fits_and_the_first_that_does_not(shape: str) -> None:
    assert richtext.plain(richtext.clean(shape.format("字" * LONGEST))) == "字" * LONGEST
    with pytest.raises(ValueRefused) as refused:
        richtext.clean(shape.format("字" * (LONGEST + 1)))
    assert (refused.value.sentence_code, refused.value.facts["length"]) == ("words_too_long", LONGEST + 1)


def test_what_would_keep_a_parser_busy_is_not_parsed() -> None:
    with pytest.raises(ValueRefused):
        richtext.clean("<ul><li>" * MOST_TAGS)


@pytest.mark.parametrize(
    "stored", ["<p>一</p><p>a &lt;b&gt; c</p>", "<p>一<br>二</p>", "<p>a &amp; b</p>", "<ul><li>一</li></ul>"]
)
def test_what_a_plain_field_shows_comes_back_the_same(stored: str) -> None:
    """Without scripts a person sees lines, or the markup where there is more than lines; saving loses nothing."""
    again = richtext.clean(richtext.for_typing(stored))
    assert richtext.plain(again) == richtext.plain(stored)


def test_old_rows_of_plain_lines_are_shown_as_lines() -> None:
    assert richtext.shown("一行\n<script>两行") == "<p>一行</p><p>&lt;script&gt;两行</p>"
    assert richtext.plain("一行\n两行") == "一行\n两行"


# Everything that has ever confused a parser, in any order.
PIECES = st.sampled_from([
    "字", " ", "&lt;", "&amp;", "<", ">", '"', "<p>", "</p>", "<b>", "</b>", "<div>", "</div>", "<ul>", "<li>", "</ul>",
    "<br>", PICTURE, "<img>", "<script>", "</script>", "<svg>", "<math>", "<style>", "<!--", "-->",
    "<a href=javascript:x>", "<p onclick=x>", "<h1>", "</h1>", "<blockquote>", "<table><td>", "<img src=x onerror=y>",
    "&#60;p&#62;",
])  # fmt: skip


@given(st.lists(PIECES, max_size=30).map("".join))
def test_whatever_is_typed_only_our_tags_come_out_and_cleaning_again_changes_nothing(typed: str) -> None:
    safe = richtext.clean(typed)
    for closing, tag, rest in TAG.findall(safe):
        assert tag in TAGS
        assert rest == "" or (tag == "img" and not closing and re.fullmatch(r' src="/admin/files/12"', rest))
    assert richtext.clean(safe) == safe
    assert "<script" not in richtext.shown(typed).lower()
