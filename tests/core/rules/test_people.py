"""The invented people and pictures pass every check the real ones have to pass."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
import reportlab
from PIL import Image

from core.demo.people import people
from core.demo.photos import issuer_seal, portrait, seal_image
from core.rules import values
from core.rules.values import Gender

CROWD = people(7, 5_000)
LATIN_FONT = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"  # found wherever the suite runs


def opened(file: bytes) -> Image.Image:
    picture = Image.open(BytesIO(file))
    picture.load()
    return picture


def test_the_same_seed_makes_the_same_people_and_another_seed_others():
    assert people(7, 50) == CROWD[:50]
    assert people(8, 50) != CROWD[:50]


def test_everybody_passes_every_cleaner():
    for person in CROWD:
        assert values.id_number(person.id_number) == person.id_number
        assert values.person_name(person.name) == person.name
        assert values.pinyin(person.pinyin) == person.pinyin
        assert values.mobile(person.mobile) == person.mobile


def test_gender_and_birth_date_agree_with_the_identity_number():
    for person in CROWD:
        values.require_same_gender(person.id_number, person.gender)
        assert values.birth_date_of(person.id_number) == person.born_on
    assert {person.gender for person in CROWD} == set(Gender)


def test_pinyin_is_the_one_that_would_be_suggested():
    assert not [p for p in CROWD[:1_500] if values.suggest_pinyin(p.name) != p.pinyin]


def test_identity_numbers_and_mobiles_are_unique_across_lists():
    more = people(99, 5_000, first=5_000)
    everybody = CROWD + more
    assert len({p.id_number for p in everybody}) == 10_000
    assert len({p.mobile for p in everybody}) == 10_000


def test_identity_numbers_stay_unique_when_birthdays_come_round_again():
    beyond = people(1, 2_557, first=2_557)
    assert not {p.id_number for p in beyond} & {p.id_number for p in people(1, 2_557)}


def test_everybody_is_plainly_invented():
    assert {p.id_number[:6] for p in CROWD} == {"420000", "330000"}
    assert all(p.mobile.startswith("1990000") for p in CROWD)


def test_the_invented_people_end_somewhere():
    last = people(1, 1, first=1_275_942)[0]
    assert values.id_number(last.id_number)
    with pytest.raises(ValueError, match="only 1275943"):
        people(1, 2, first=1_275_942)


@pytest.mark.parametrize("gender", list(Gender))
def test_a_portrait_is_a_small_one_inch_photo_on_red(gender):
    for seed in range(20):
        file = portrait(seed, gender)
        picture = opened(file)
        assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (295, 413))
        assert len(file) <= 30_000
        assert not picture.getexif()
        for x, y in ((2, 2), (292, 2), (147, 6), (2, 200), (292, 200)):
            red, green, blue = picture.getpixel((x, y))
            assert red > 170
            assert max(green, blue) < 70


def test_every_face_is_its_own_and_stays_the_same():
    faces = [portrait(seed, Gender.FEMALE) for seed in range(100)]
    assert len(set(faces)) == 100
    assert portrait(3, Gender.FEMALE) == faces[3]
    assert portrait(3, Gender.MALE) != faces[3]


def test_a_signature_stamp_is_a_transparent_square_png():
    file = seal_image("考核站点负责人", "王晴砚")
    picture = opened(file)
    assert (picture.format, picture.mode) == ("PNG", "RGBA")
    assert picture.width == picture.height >= 95
    assert len(file) < 1_000_000
    assert picture.getpixel((0, 0))[3] == 0
    assert picture.getpixel((95, 4))[3] == 255


def test_a_stamp_belongs_to_its_name():
    assert seal_image("", "王晴砚") != seal_image("", "李霁桥")
    assert seal_image("", "王晴砚") == seal_image("", "王晴砚")


def test_a_round_seal_is_transparent_outside_its_ring_and_has_its_star():
    picture = opened(issuer_seal("云帆数字技术有限公司"))
    assert picture.width == picture.height == 380
    assert picture.getpixel((0, 0))[3] == 0
    assert picture.getpixel((190, 8)) == picture.getpixel((190, 190))
    assert issuer_seal("云帆") != issuer_seal("松汀")


@pytest.mark.parametrize("name", ["Li", "Ana", "Anna", "Annabella"])
def test_a_stamp_of_any_length_is_drawn_inside_its_frame(name):
    picture = opened(seal_image("officer", name, font=LATIN_FONT))
    inside = picture.crop((16, 16, 174, 174)).getchannel("A")
    assert inside.getbbox() is not None
    left, top, right, bottom = inside.getbbox()
    assert min(left, top) >= 1
    assert max(right, bottom) <= 157
    assert picture.tobytes() != opened(seal_image("officer", name.upper(), font=LATIN_FONT)).tobytes()


@pytest.mark.parametrize("name", ["K", "Kaowu", "Kaowu Digital Technology Company Ltd"])
def test_a_seal_writes_names_of_any_length_between_star_and_ring(name):
    picture = opened(issuer_seal(name, font=LATIN_FONT, note="demo"))
    assert picture.crop((0, 20, 380, 120)).getchannel("A").getbbox() is not None
    assert picture.tobytes() != opened(issuer_seal(name + "x", font=LATIN_FONT, note="demo")).tobytes()
    assert picture.tobytes() != opened(issuer_seal(name, font=LATIN_FONT, note="more")).tobytes()
