"""Photos, alone and by the zip: judged by what they are, whatever they are called."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from core.errors import FileRefused, ValueRefused
from core.rules.photos import Colour, check_photo
from core.sheets import photo_zip
from core.sheets.photo_desk import Pictures
from core.sheets.photo_zip import PhotoFile, read_photos
from tests.core.sheets.broken_files import locked, lying, photo, some_id, zipped

GOOD = photo()
BLUE = (30, 60, 200)


def verdicts(data: bytes | Path, background: Colour | None = None) -> list[PhotoFile]:
    return list(read_photos(data, file_name="照片.zip", background=background))


def codes(files: dict[str, bytes], background: Colour | None = None) -> list[str]:
    found = verdicts(zipped(files), background)
    return [file.refusal.sentence_code if file.refusal else "good" for file in found]


def archive_refused(data: bytes | Path, file_name: str = "照片.zip") -> str:
    with pytest.raises(FileRefused) as caught:
        read_photos(data, file_name=file_name)
    return caught.value.sentence_code


def photo_refused(data: bytes, background: Colour | None = None) -> ValueRefused:
    with pytest.raises(ValueRefused) as caught:
        check_photo(data, background=background)
    return caught.value


# --- one photo --------------------------------------------------------------------------------------------------------


def test_a_good_jpeg_is_kept_byte_for_byte() -> None:
    facts = check_photo(GOOD)
    assert (facts.width, facts.height, facts.format) == (295, 413, "JPEG")
    assert facts.jpeg == GOOD
    assert facts.sha256 == hashlib.sha256(GOOD).hexdigest()


@pytest.mark.parametrize(
    "data",
    [
        photo(form="PNG"),
        photo(form="PNG", mode="RGBA"),
        photo(form="PNG", mode="P"),
        photo(mode="CMYK"),
    ],
)
def test_what_papers_cannot_print_becomes_a_colour_jpeg(data: bytes) -> None:
    facts = check_photo(data)
    with Image.open(io.BytesIO(facts.jpeg)) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (295, 413))
    assert facts.sha256 == hashlib.sha256(facts.jpeg).hexdigest()


def test_a_photo_lying_on_its_side_is_put_upright() -> None:
    upright = Image.open(io.BytesIO(photo()))
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    upright.rotate(90, expand=True).save(out, "JPEG", exif=exif, quality=95)
    facts = check_photo(out.getvalue())
    assert (facts.width, facts.height) == (295, 413)
    with Image.open(io.BytesIO(facts.jpeg)) as image:
        assert image.size == (295, 413)
        assert image.getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize("size", [(295, 413), (300, 420), (268, 375), (320, 446)])
def test_a_slight_difference_in_size_is_tolerated(size: tuple[int, int]) -> None:
    assert (check_photo(photo(size=size)).width, check_photo(photo(size=size)).height) == size


@pytest.mark.parametrize("size", [(413, 295), (413, 579), (260, 378), (295, 380), (30, 42)])
def test_another_size_is_refused_and_named(size: tuple[int, int]) -> None:
    refusal = photo_refused(photo(size=size))
    assert refusal.sentence_code == "photo_wrong_size"
    assert (refusal.facts["width"], refusal.facts["height"]) == size


@pytest.mark.parametrize("colour", [BLUE, (255, 255, 255), (128, 128, 128), (225, 180, 150)])
def test_where_the_background_has_to_be_red_another_one_is_refused(colour: tuple[int, int, int]) -> None:
    refusal = photo_refused(photo(colour=colour), background=Colour.RED)
    assert refusal.sentence_code == "photo_background"
    assert refusal.facts["colour"] == "红色"


@pytest.mark.parametrize("colour", [BLUE, (255, 255, 255), (128, 128, 128), (200, 20, 30)])
def test_without_being_asked_nobody_looks_at_the_background(colour: tuple[int, int, int]) -> None:
    assert check_photo(photo(colour=colour)).width == 295


@pytest.mark.parametrize(
    ("background", "colour"),
    [(Colour.RED, colour) for colour in [(255, 0, 0), (200, 20, 30), (140, 20, 25), (220, 60, 70)]]
    + [(Colour.BLUE, colour) for colour in [BLUE, (67, 142, 219), (0, 110, 200)]]
    + [(Colour.WHITE, colour) for colour in [(255, 255, 255), (235, 235, 240)]],
)
def test_a_colour_is_itself_in_any_light(background: Colour, colour: tuple[int, int, int]) -> None:
    assert check_photo(photo(colour=colour), background=background).width == 295


@pytest.mark.parametrize("background", [Colour.BLUE, Colour.WHITE])
def test_red_is_neither_blue_nor_white(background: Colour) -> None:
    assert photo_refused(GOOD, background=background).sentence_code == "photo_background"


def test_a_red_shirt_is_no_red_background() -> None:
    image = Image.new("RGB", (295, 413), BLUE)
    image.paste((200, 0, 0), (0, 230, 295, 413))
    out = io.BytesIO()
    image.save(out, "JPEG")
    assert photo_refused(out.getvalue(), background=Colour.RED).sentence_code == "photo_background"


def test_a_grey_photo_has_no_red_background() -> None:
    assert photo_refused(photo(mode="L"), background=Colour.RED).sentence_code == "photo_background"


@pytest.mark.parametrize(
    "data", [GOOD[: len(GOOD) // 2], GOOD[:200], photo(form="PNG")[:300], b"\xff\xd8\xff" + bytes(99)]
)
def test_a_broken_photo_is_refused(data: bytes) -> None:
    assert photo_refused(data).sentence_code == "photo_corrupt"


@pytest.mark.parametrize("data", [b"", b"hello", photo(form="GIF"), photo(form="BMP"), b"<svg/>"])
def test_what_is_no_jpg_or_png_is_refused(data: bytes) -> None:
    assert photo_refused(data).sentence_code == "photo_not_image"


def test_more_than_5_mb_is_refused() -> None:
    assert photo_refused(GOOD + bytes(5 * 1024 * 1024)).sentence_code == "photo_too_large"


def test_a_picture_bomb_is_refused_before_it_is_decoded() -> None:
    out = io.BytesIO()
    Image.new("1", (9_000, 9_000)).save(out, "PNG")
    assert len(out.getvalue()) < 100_000
    assert photo_refused(out.getvalue()).sentence_code == "photo_wrong_size"


# --- a zip of them ----------------------------------------------------------------------------------------------------


def test_photos_are_known_by_the_id_number_they_are_named_after() -> None:
    x = "11010120000101002X"
    files = verdicts(zipped({f"{some_id(1)}.jpg": GOOD, f"{x.lower()}.PNG": photo(form="PNG"), "H12345678.jpeg": GOOD}))
    assert [file.id_number for file in files] == [some_id(1), x, "H12345678"]
    assert [file.facts.format for file in files if file.facts] == ["JPEG", "PNG", "JPEG"]


def test_a_photo_may_lie_in_a_folder_and_be_named_full_width_or_with_spaces() -> None:
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in some_id(1)[:17]) + some_id(1)[17]
    files = verdicts(zipped({f"一班/{wide}.jpg": GOOD, f"一班/ {some_id(2)} .JPG": GOOD, "一班/": b""}))
    assert [file.id_number for file in files] == [some_id(1), some_id(2)]


def test_the_content_decides_not_the_suffix() -> None:
    assert codes({f"{some_id(1)}.jpg": photo(form="PNG"), f"{some_id(2)}.png": GOOD}) == ["good", "good"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("王文丽.jpg", "photo_name_not_id"),
        ("110101200001010010 (1).jpg", "photo_name_not_id"),
        ("1.jpg", "photo_name_not_id"),
        (".jpg", "photo_suffix"),
        ("110101200001010010", "photo_suffix"),
        ("110101200001010010.gif", "photo_suffix"),
        ("学生.xlsx", "photo_suffix"),
        ("照片.zip", "photo_is_archive"),
        ("照片.rar", "photo_is_archive"),
        ("1101012000\n01010010.jpg", "photo_name_unreadable"),
    ],
)
def test_a_file_named_otherwise_fails_by_itself(name: str, code: str) -> None:
    assert codes({name: GOOD, f"{some_id(1)}.jpg": GOOD}) == [code, "good"]


def test_a_bad_photo_fails_by_itself() -> None:
    files = {f"{some_id(n)}.jpg": data for n, data in enumerate((GOOD, GOOD[:500], photo(colour=BLUE), GOOD))}
    assert codes(files, Colour.RED) == ["good", "photo_corrupt", "photo_background", "good"]


def test_a_second_photo_of_the_same_number_fails() -> None:
    assert codes({f"a/{some_id(1)}.jpg": GOOD, f"b/{some_id(1)}.jpg": GOOD}) == ["good", "photo_twice"]


def test_what_computers_leave_behind_is_passed_over() -> None:
    left = {f"__MACOSX/._{some_id(1)}.jpg": b"x", ".DS_Store": b"x", "一班/Thumbs.db": b"x", "一班/desktop.ini": b"x"}
    assert codes(left | {f"{some_id(1)}.jpg": GOOD}) == ["good"]


def test_names_packed_by_a_chinese_windows_are_read() -> None:
    data = zipped({"##.jpg": GOOD, f"##/{some_id(1)}.jpg": GOOD}).replace(b"##", "班".encode("gbk"))
    assert [file.name for file in verdicts(data)] == ["班.jpg", f"{some_id(1)}.jpg"]


@pytest.mark.parametrize("name", ["../a.jpg", "a/../../b.jpg", "/etc/a.jpg", "..\\a.jpg", "C:\\a.jpg", "C:a.jpg"])
def test_a_path_out_of_the_archive_refuses_all_of_it(name: str) -> None:
    assert archive_refused(zipped({f"{some_id(1)}.jpg": GOOD, name: GOOD})) == "zip_path_unsafe"


@pytest.mark.parametrize(
    ("data", "file_name", "code"),
    [
        (GOOD, "a.jpg", "file_is_no_zip"),
        (zipped({}), "a.rar", "file_is_no_zip"),
        (b"", "a.zip", "file_empty"),
        (b"Rar!\x1a\x07", "a.zip", "file_damaged"),
        (zipped({"a.jpg": GOOD})[:-30], "a.zip", "file_damaged"),
        (zipped({}), "a.zip", "zip_without_photos"),
        (zipped({"a/": b"", ".DS_Store": b""}), "a.zip", "zip_without_photos"),
        (zipped({"a.jpg": bytes(20 * 1024 * 1024)}), "a.zip", "zip_inflates"),
    ],
)
def test_what_is_no_honest_zip_is_refused_as_a_whole(data: bytes, file_name: str, code: str) -> None:
    assert archive_refused(data, file_name) == code


def test_an_archive_larger_than_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with path.open("wb") as file:
        file.truncate(photo_zip.ARCHIVE_BYTES + 1)
    assert archive_refused(path) == "file_too_large"


def test_a_bomb_that_lies_about_its_size_inflates_no_further_than_a_photo_may() -> None:
    bomb = lying(zipped({f"{some_id(1)}.jpg": bytes(20 * 1024 * 1024)}), claim=1_000)
    [file] = verdicts(bomb)
    assert file.refusal
    assert file.refusal.sentence_code == "photo_corrupt"


def test_a_photo_that_claims_more_than_5_mb_is_not_even_read() -> None:
    big = io.BytesIO()
    with zipfile.ZipFile(big, "w") as archive:
        archive.writestr(f"{some_id(1)}.jpg", GOOD + bytes(5 * 1024 * 1024))
    [file] = verdicts(big.getvalue())
    assert file.refusal
    assert file.refusal.sentence_code == "photo_too_large"


def test_a_locked_archive_is_told_photo_by_photo() -> None:
    [file] = verdicts(locked(zipped({f"{some_id(1)}.jpg": GOOD})))
    assert file.refusal
    assert file.refusal.sentence_code == "photo_encrypted"


def test_a_damaged_entry_fails_by_itself() -> None:
    data = zipped({f"{some_id(1)}.jpg": GOOD, f"{some_id(2)}.jpg": GOOD})
    spoilt = bytearray(data)
    spoilt[60:80] = bytes(20)
    assert [file.refusal is None for file in verdicts(bytes(spoilt))] == [False, True]


def test_a_refusal_keeps_nothing_of_what_was_looked_at() -> None:
    """Frames would: a few broken photos held the pictures of all the blocks they were in."""
    broken = {f"{some_id(1)}.jpg": GOOD[:-200], f"{some_id(2)}.png": photo(form="PNG")[:-200]}
    found = verdicts(zipped(broken))
    assert [file.refusal.sentence_code for file in found if file.refusal] == ["photo_corrupt", "photo_corrupt"]
    assert {(file.refusal.__context__, file.refusal.__traceback__) for file in found if file.refusal} == {(None, None)}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_pictures_come_back_as_they_are_to_be_stored_however_they_are_packed(method: int) -> None:
    """Kept ones from the archive where they lie in it as they are; others from the temporary file."""
    files = {f"{some_id(n)}.jpg": photo(form=form) for n, form in enumerate(("JPEG", "PNG", "JPEG"), start=1)}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    archive_bytes = b"in front of it" + out.getvalue()
    with Pictures(archive_bytes, read_photos(archive_bytes, file_name="照片.zip")) as pictures:
        lie_there = [file.lies_at is not None for _, file in pictures.files]
        assert lie_there == [method == zipfile.ZIP_STORED, False, method == zipfile.ZIP_STORED]
        for place, file in pictures.files:
            assert file.facts is not None
            assert hashlib.sha256(pictures.of(place)).hexdigest() == file.facts.sha256
