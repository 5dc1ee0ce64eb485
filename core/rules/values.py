"""Every typed-in value is cleaned or refused here: panel, bot, importer and command line wrap these functions.

A cleaner takes what was typed (or None) and gives the clean value or raises ValueRefused; a blank is refused too,
`optional` turns that into None. Cleaners run some ten times per imported row, so the usual case (nothing to clean) is
one compiled match. Facts of a refusal: value, suggestion (None where there is none), and what the code's sentence
names. Only ASCII digits count as digits; every pattern says [0-9], for \\d and int() take Arabic ones too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from operator import mul
from typing import TypeVar

from core.errors import ValueRefused
from core.rules.machine import Labelled
from core.rules.surnames import DOUBLE_SURNAMES, SURNAMES

T = TypeVar("T")
E = TypeVar("E", bound=Labelled)
Cleaner = Callable[[str | None], T]


class Gender(Labelled):
    """性别."""

    MALE = "male", "男"
    FEMALE = "female", "女"


class IdType(Labelled):
    """证件类型 (G-22); only 身份证 has a check digit, birth date and gender inside."""

    RESIDENT = "resident", "身份证"
    PASSPORT = "passport", "护照"
    HK_MACAO = "hk_macao", "港澳居民来往内地通行证"
    TAIWAN = "taiwan", "台湾居民来往大陆通行证"
    MILITARY = "military", "军官证"


class EducationLevel(Labelled):
    """专业层次 (G-23)."""

    SECONDARY = "secondary", "中职"
    JUNIOR_COLLEGE = "junior_college", "高职(专科)"
    BACHELOR = "bachelor", "本科"
    VOCATIONAL_BACHELOR = "vocational_bachelor", "本科(职业教育)"
    GRADUATE = "graduate", "研究生"


def _refuse(
    code: str, value: str | None, *, rule: str = "", suggestion: str | None = None, **facts: object
) -> ValueRefused:
    return ValueRefused(code, rule=rule, value=value or "", suggestion=suggestion, **facts)


# --- blanks, widths and what spreadsheets do to values ---------------------------------------------------------------

# Controls, soft hyphen, zero-width and direction marks, variation selectors, lone surrogates: nobody typed these.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\ud800-\udfff\U000e0100-\U000e01ef]"
)
_BLANK = re.compile("[\t\x0b\x0c\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_ODD = re.compile(f"{_INVISIBLE.pattern[:-1]}{_BLANK.pattern[1:-1]}０-９Ａ-Ｚａ-ｚ]")
_WIDE = {wide: wide - 0xFEE0 for first, last in ("０９", "ＡＺ", "ａｚ") for wide in range(ord(first), ord(last) + 1)}
_SPACES = re.compile(r"\s+")
_LINE_BREAK = re.compile(r"[^\S\r\n\x85\u2028\u2029]*[\r\n\x85\u2028\u2029]\s*")
_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?[Ee]\+?[0-9]+")
_WHOLE_FLOAT = re.compile(r"([0-9]+)\.0+")
_SHOWN_AS_TEXT = "'‘’`"  # typed before a number so that a spreadsheet leaves it alone


def tidy(typed: str | None) -> str:
    """Trimmed; full-width letters and digits made narrow, odd blanks made spaces, invisible characters gone.

    Punctuation stays as wide as it was, line breaks and inner spaces stay: for free text they mean something.
    """
    if not typed:
        return ""
    if _ODD.search(typed):
        typed = _BLANK.sub(" ", _INVISIBLE.sub("", typed)).translate(_WIDE)
    return typed.strip()


def _compact(typed: str | None) -> str:
    """A code as it was meant: NFKC, no blanks or line breaks inside, no text apostrophe, no ".0" of a number cell."""
    if not typed:
        return ""
    if not (typed.isascii() and typed.isalnum()):
        typed = unicodedata.normalize("NFKC", tidy(typed).lstrip(_SHOWN_AS_TEXT))
        typed = _SPACES.sub("", typed)
        if whole := _WHOLE_FLOAT.fullmatch(typed):
            typed = whole[1]
    return typed.upper()


def _required(typed: str | None, clean: str) -> str:
    if not clean:
        raise _refuse("value_missing", typed, rule="R-076")
    return clean


def _required_code(typed: str | None) -> str:
    """A compact code that is there and was not turned into 1.23E+17 by a spreadsheet."""
    code = _required(typed, _compact(typed))
    if _SCIENTIFIC.fullmatch(code):
        raise _refuse("number_rewritten", typed)
    return code


def optional(cleaner: Cleaner[T]) -> Cleaner[T | None]:
    """The same cleaner for a field that may stay empty: a blank gives None."""

    def clean(typed: str | None) -> T | None:
        return cleaner(typed) if tidy(typed) else None

    return clean


def text(maximum: int, *, multiline: bool = False) -> Cleaner[str]:
    """A cleaner for free text of 1..maximum characters; line breaks are joined unless multiline."""

    def clean(typed: str | None) -> str:
        words = _required(typed, tidy(typed))
        words = words.replace("\r\n", "\n").replace("\r", "\n") if multiline else _LINE_BREAK.sub(_joint, words)
        if len(words) > maximum:
            raise _refuse("text_too_long", typed, maximum=maximum, length=len(words))
        return words

    return clean


def _joint(found: re.Match[str]) -> str:
    """What a line break becomes: a space between Latin words, nothing between Chinese ones."""
    whole = found.string
    return " " if whole[found.start() - 1].isascii() and whole[found.end()].isascii() else ""


def code(maximum: int) -> Cleaner[str]:
    """A cleaner for numbers and codes that are compared, never counted with: upper-case letters and digits."""
    shape = re.compile(rf"[0-9A-Z]{{1,{maximum}}}")

    def clean(typed: str | None) -> str:
        found = _required_code(typed)
        if not shape.fullmatch(found):
            raise _refuse("code_shape", typed, maximum=maximum)
        return found

    return clean


plan_no = code(20)  # N1…N3: opaque
site_no = code(9)  # N4, N5
ticket_no = code(34)  # N6, N7; a plan number of 20 makes 34
certificate_code = code(16)  # N9
subject_code = code(19)  # N10


# --- words from a short list -----------------------------------------------------------------------------------------


def _word(typed: str | None) -> str:
    return _SPACES.sub("", unicodedata.normalize("NFKC", tidy(typed))).casefold()


def choice(words: type[E], synonyms: Mapping[str, E] | None = None) -> Cleaner[E]:
    """A cleaner for one of an enumeration's Chinese words (or its value, or a synonym seen in people's files)."""
    known = {_word(key): word for word in words for key in (word.label, word.value)}
    known |= {_word(key): word for key, word in (synonyms or {}).items()}
    exact = {word.label: word for word in words}
    allowed = "、".join(exact)

    def clean(typed: str | None) -> E:
        found = exact.get(typed or "") or known.get(_word(typed))
        if found is None:
            _required(typed, tidy(typed))
            raise _refuse("choice_unknown", typed, allowed=allowed)
        return found

    return clean


def choices(words: type[E], synonyms: Mapping[str, E] | None = None) -> Cleaner[frozenset[E]]:
    """A cleaner for several of them, separated by comma, 、 + or / (笔试,机考+实操)."""
    one = choice(words, synonyms)

    def clean(typed: str | None) -> frozenset[E]:
        parts = re.split("[,，、+＋/;；]", _required(typed, tidy(typed)))
        return frozenset(one(part) for part in parts)

    return clean


gender = choice(
    Gender,
    {"M": Gender.MALE, "F": Gender.FEMALE, "男性": Gender.MALE, "女性": Gender.FEMALE},
)

id_type = choice(
    IdType,
    {
        "居民身份证": IdType.RESIDENT,
        "二代身份证": IdType.RESIDENT,
        "第二代身份证": IdType.RESIDENT,
        "中华人民共和国居民身份证": IdType.RESIDENT,
        "中国护照": IdType.PASSPORT,
        "外国护照": IdType.PASSPORT,
        "港澳居民通行证": IdType.HK_MACAO,
        "港澳来往内地通行证": IdType.HK_MACAO,
        "回乡证": IdType.HK_MACAO,
        "台湾居民通行证": IdType.TAIWAN,
        "台胞证": IdType.TAIWAN,
    },
)

education_level = choice(
    EducationLevel,
    {
        "中专": EducationLevel.SECONDARY,
        "职高": EducationLevel.SECONDARY,
        "技校": EducationLevel.SECONDARY,
        "中等职业教育": EducationLevel.SECONDARY,
        "专科": EducationLevel.JUNIOR_COLLEGE,
        "大专": EducationLevel.JUNIOR_COLLEGE,
        "高职": EducationLevel.JUNIOR_COLLEGE,
        "高专": EducationLevel.JUNIOR_COLLEGE,
        "高职高专": EducationLevel.JUNIOR_COLLEGE,
        "高职专科": EducationLevel.JUNIOR_COLLEGE,
        "专科(高职)": EducationLevel.JUNIOR_COLLEGE,
        "大学本科": EducationLevel.BACHELOR,
        "普通本科": EducationLevel.BACHELOR,
        "职业本科": EducationLevel.VOCATIONAL_BACHELOR,
        "职教本科": EducationLevel.VOCATIONAL_BACHELOR,
        "本科层次职业教育": EducationLevel.VOCATIONAL_BACHELOR,
        "硕士": EducationLevel.GRADUATE,
        "博士": EducationLevel.GRADUATE,
        "硕士研究生": EducationLevel.GRADUATE,
        "博士研究生": EducationLevel.GRADUATE,
    },
)

_YES = frozenset({"是", "有", "对", "y", "yes", "true", "1", "√", "✓"})
_NO = frozenset({"否", "无", "不", "n", "no", "false", "0", "×", "x"})


def yes_no(typed: str | None) -> bool:
    """是 or 否, and what people tick instead."""
    word = _word(_required(typed, tidy(typed)))
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise _refuse("choice_unknown", typed, allowed="是、否")


def absence(typed: str | None) -> bool:
    """The 缺考 column: blank means present; 缺考 or a yes means absent."""
    word = _word(typed)
    return bool(word) and (word in {"缺考", "缺"} or yes_no(typed))


# --- people's names --------------------------------------------------------------------------------------------------

_HAN = (
    "々〇㐀-䶿一-鿿\ufa0e\ufa0f\ufa11\ufa13\ufa14\ufa1f\ufa21\ufa23\ufa24\ufa27-\ufa29"
    "\U00020000-\U0002a6df\U0002a700-\U0002ee5d\U00030000-\U000323af"
)
_LATIN = "A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ"
_PLAIN_NAME = re.compile(f"[{_HAN}]{{2,50}}")
_CHINESE_NAME = re.compile(f"[{_HAN}]+(?:·[{_HAN}]+)*")
_LATIN_NAME = re.compile(f"[{_LATIN}](?:[{_LATIN}]|[ '.-](?! ))*")
_DOT = re.compile(f"(?<=[{_HAN}])\\s*[·•‧・⋅∙˙.]\\s*(?=[{_HAN}])")
_APOSTROPHE = re.compile("[‘’ʼ′`]")
_DASH = re.compile("[‐-―−]")
_PINYIN = re.compile("[A-Za-zÜü]+(?:[ '-][A-Za-zÜü]+)*")
_LONGEST_PINYIN = 60


def person_name(typed: str | None) -> str:
    """A Chinese name (· in minority names, rare characters included) or a Latin one, 2..50 characters (R-076).

    Blanks inside a Chinese name are refused with the joined name as suggestion (R-155).
    """
    if typed and _PLAIN_NAME.fullmatch(typed):
        return typed
    name = _spaced(typed)
    name = _DOT.sub("·", name)
    if not _CHINESE_NAME.fullmatch(name):
        if _CHINESE_NAME.fullmatch(joined := name.replace(" ", "")):
            raise _refuse("name_has_space", typed, rule="R-155", suggestion=joined)
        if not _LATIN_NAME.fullmatch(name):
            raise _refuse("name_shape", typed, rule="R-076")
    if not 2 <= len(name) <= 50:
        raise _refuse("name_length", typed, rule="R-076")
    return name


def _spaced(typed: str | None) -> str:
    """Narrow, single spaces, plain apostrophes and hyphens: how names and pinyin are compared."""
    words = unicodedata.normalize("NFKC", tidy(typed))
    words = _DASH.sub("-", _APOSTROPHE.sub("'", words))
    return _required(typed, _SPACES.sub(" ", words).strip())


def pinyin(typed: str | None) -> str:
    """Letters, spaces, ' and -, at most 60, upper and lower case as typed (G-21)."""
    words = typed if typed and _PINYIN.fullmatch(typed) else _spaced(typed)
    if not _PINYIN.fullmatch(words):
        if _PINYIN.fullmatch(toneless := _without_tones(words)):
            raise _refuse("pinyin_tones", typed, rule="G-21", suggestion=toneless)
        raise _refuse("pinyin_shape", typed, rule="G-21")
    if len(words) > _LONGEST_PINYIN:
        raise _refuse("text_too_long", typed, rule="G-21", maximum=_LONGEST_PINYIN, length=len(words))
    return words


def _without_tones(words: str) -> str:
    """wáng → wang, lǚ → lü."""
    apart = unicodedata.normalize("NFD", words)
    kept = "".join(mark for mark in apart if mark == "\u0308" or not unicodedata.combining(mark))
    return unicodedata.normalize("NFC", kept)


def suggest_pinyin(name: str) -> str:
    """王文丽 → Wang Wenli, to be looked at and edited; "" where a character's sound is unknown."""
    if not _CHINESE_NAME.fullmatch(name):
        return name if _PINYIN.fullmatch(name) and len(name) <= _LONGEST_PINYIN else ""
    parts = name.split("·") if "·" in name else _family_and_given(name)
    words = " ".join(_syllables(part).capitalize() for part in parts)
    return words if _PINYIN.fullmatch(words) and len(words) <= _LONGEST_PINYIN else ""


def _family_and_given(name: str) -> tuple[str, str]:
    cut = 2 if len(name) > 2 and name[:2] in DOUBLE_SURNAMES else 1
    family, given = name[:cut], name[cut:]
    return DOUBLE_SURNAMES.get(family) or SURNAMES.get(family) or family, given


def _syllables(part: str) -> str:
    """建安 → jian'an; ü is written yu, as passports do; Latin parts pass through."""
    if part.isascii():
        return part
    from pypinyin import lazy_pinyin  # loads its dictionaries for 0.3 s, and few processes ask

    sounds = [re.sub("^([ln])v", r"\1yu", sound) for sound in lazy_pinyin(part)]
    return "".join("'" + s if n and s[0] in "aeo" else s for n, s in enumerate(sounds))


# --- identity documents ----------------------------------------------------------------------------------------------

_ID = re.compile("[1-9][0-9]{16}[0-9X]")
_OLD_ID = re.compile("[1-9][0-9]{14}")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"
# fmt: off
_PROVINCES = frozenset((
    "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41", "42", "43", "44",
    "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65", "71", "81", "82", "83",
))
# fmt: on
_OTHER_IDS = {
    IdType.PASSPORT: re.compile("[0-9A-Z]{5,17}"),
    IdType.HK_MACAO: re.compile("[HM][0-9]{8}(?:[0-9]{2})?"),
    IdType.TAIWAN: re.compile("[0-9]{8}|[0-9]{10}[A-Z]?"),
    IdType.MILITARY: re.compile("[一-鿿]{1,4}字?第?[0-9]{4,9}号?"),
}


def id_check(first_17: str) -> str:
    """The 18th character of a mainland identity number."""
    return _ID_CHECKS[sum(map(mul, _ID_WEIGHTS, map(int, first_17))) % 11]


@lru_cache(maxsize=65536)
def _born(digits: str) -> date | None:
    """yyyymmdd as a date; None where the calendar has no such day."""
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def id_number(typed: str | None, *, today: date | None = None) -> str:
    """A mainland identity number (R-079): 18 characters, a day that exists (not after today, if given), check digit."""
    number = typed if typed and _ID.fullmatch(typed) else _id_shape(typed)
    born = _born(number[6:14])
    if born is None or born.year < 1900:
        raise _refuse("id_number_birth", typed, rule="R-079", digits=number[6:14])
    if today is not None and born > today:
        raise _refuse("id_number_future", typed, rule="R-079", digits=number[6:14])
    if number[17] != (check := id_check(number[:17])):
        if number.endswith("000"):
            raise _refuse("id_number_truncated", typed, rule="R-079")
        suggestion = number[:17] + check if number[:2] in _PROVINCES else None
        raise _refuse("id_number_check", typed, rule="R-079", suggestion=suggestion, digit=check)
    return number


def _id_shape(typed: str | None) -> str:
    number = _required_code(typed)
    if _ID.fullmatch(number):
        return number
    if _OLD_ID.fullmatch(number):
        longer = f"{number[:6]}19{number[6:]}"
        raise _refuse("id_number_old", typed, rule="R-079", suggestion=longer + id_check(longer))
    raise _refuse("id_number_shape", typed, rule="R-079", length=len(number))


def other_id_number(typed: str | None, *, kind: IdType = IdType.PASSPORT) -> str:
    """A number of a document other than 身份证, by the shape of its kind; at most 18 characters (§2.18)."""
    number = _required_code(typed)
    if not _OTHER_IDS[kind].fullmatch(number):
        raise _refuse("other_id_shape", typed, rule="R-079", kind=kind.label)
    return number


def document_number(kind: IdType, typed: str | None, *, today: date | None = None) -> str:
    """The number of whichever document the person holds."""
    return id_number(typed, today=today) if kind is IdType.RESIDENT else other_id_number(typed, kind=kind)


def any_document_number(typed: str | None) -> str:
    """The number of a document whose kind is not stated: what no other document looks like is an identity number."""
    number = _required_code(typed)
    return number if any(shape.fullmatch(number) for shape in _OTHER_IDS.values()) else id_number(typed)


def is_plausible_id(number: str) -> bool:
    """True of 18 characters that start with a province, hold a day that exists, and end with the right check digit."""
    try:
        return number[:2] in _PROVINCES and id_number(number) == number
    except ValueRefused:
        return False


def birth_date_of(id_number: str) -> date:
    """The birth date inside a clean mainland identity number."""
    return date(int(id_number[6:10]), int(id_number[10:12]), int(id_number[12:14]))


def gender_of(id_number: str) -> Gender:
    """The gender inside a clean mainland identity number."""
    return Gender.MALE if id_number[16] in "13579" else Gender.FEMALE


def require_same_gender(id_number: str, stated: Gender) -> None:
    """R-079: the stated gender is the one inside the clean mainland identity number."""
    if (inside := gender_of(id_number)) is not stated:
        raise _refuse("id_gender_differs", stated.label, rule="R-079", suggestion=inside.label, gender=inside.label)


# --- reaching people and organisations -------------------------------------------------------------------------------

_LOGIN = re.compile(r"[0-9A-Za-z][0-9A-Za-z._@-]{1,39}")
_MOBILE = re.compile("1[3-9][0-9]{9}")
_MOBILE_DECORATION = re.compile("[-‐-―−()._]")
_MOBILE_PREFIX = re.compile(r"(?:\+|00)?86(?=1[0-9]{10}$)")
_WEBSITE = re.compile(r"https?://[\w-]+(\.[\w-]+)+(:[0-9]{1,5})?(/[^\s<>\"'\\]*)?")
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}"
)
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC = re.compile(f"[{_USCC_ALPHABET}]{{2}}[0-9]{{6}}[{_USCC_ALPHABET}]{{10}}")
_USCC_VALUES = {letter: value for value, letter in enumerate(_USCC_ALPHABET)}
_USCC_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_USCC_LOOKALIKES = str.maketrans("IOSZ", "1052")


def login(typed: str | None) -> str:
    """An account's name as its owner will type it: letters, digits, dots, dashes, _ and @; capitals stay (§2.5)."""
    name = _required(typed, _SPACES.sub("", unicodedata.normalize("NFKC", tidy(typed))))
    if not _LOGIN.fullmatch(name):
        raise _refuse("login_shape", typed, rule="§2.5")
    return name


def mobile(typed: str | None) -> str:
    """Eleven digits of a mainland mobile; +86, blanks and dashes are taken off (R-003)."""
    if typed and _MOBILE.fullmatch(typed):
        return typed
    number = _MOBILE_PREFIX.sub("", _MOBILE_DECORATION.sub("", _required_code(typed)))
    if not _MOBILE.fullmatch(number):
        raise _refuse("mobile_shape", typed, rule="R-003")
    return number


def email(typed: str | None) -> str:
    """A mail address of at most 100 characters; the domain in lower case."""
    address = _required(typed, _SPACES.sub("", unicodedata.normalize("NFKC", tidy(typed))))
    if len(address) > 100 or not _EMAIL.fullmatch(address):
        raise _refuse("email_shape", typed)
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.lower()}"


def website(typed: str | None) -> str:
    """An address of the web of at most 200 characters; http:// is added where nothing stands before the host."""
    address = _required(typed, _SPACES.sub("", unicodedata.normalize("NFKC", tidy(typed))))
    address = address if "://" in address else f"http://{address}"
    if len(address) > 200 or not _WEBSITE.fullmatch(address):
        raise _refuse("website_shape", typed)
    return address


def uscc_check(first_17: str) -> str:
    """The 18th character of a unified social credit code (GB 32100)."""
    total = sum(map(mul, _USCC_WEIGHTS, map(_USCC_VALUES.__getitem__, first_17)))
    return _USCC_ALPHABET[-total % 31]


def uscc(typed: str | None) -> str:
    """统一社会信用代码: 18 characters without I, O, S, V, Z, and a check character (N15)."""
    found = _required_code(typed)
    if not _USCC.fullmatch(found):
        meant = found.translate(_USCC_LOOKALIKES)
        if _USCC.fullmatch(meant) and uscc_check(meant[:17]) == meant[17]:
            raise _refuse("uscc_letters", typed, rule="N15", suggestion=meant)
        raise _refuse("uscc_shape", typed, rule="N15", length=len(found))
    if found[17] != (check := uscc_check(found[:17])):
        raise _refuse("uscc_check", typed, rule="N15", suggestion=found[:17] + check, digit=check)
    return found


# --- study and scores ------------------------------------------------------------------------------------------------

_YEAR = re.compile(
    "((?:19|20)[0-9]{2})"
    r"(?:\.0+|[年级届]|年级|年(?:0?[1-9]|1[0-2])月(?:[0-9]{1,2}日)?|[-/.](?:0?[1-9]|1[0-2])(?:[-/.][0-9]{1,2})?(?:T?00:00:00)?)?"
)
_MAJOR_CODE = re.compile("[0-9]{4,6}[A-Z]{0,2}")
_WHOLE = re.compile("[+-]?[0-9]{1,12}")
_GROUPED = re.compile("[0-9]{1,3}(?:,[0-9]{3})+")
_SCORE = re.compile(r"([0-9]{1,3})(?:\.([0-9])0*)?")
_MANY_DECIMALS = re.compile(r"[0-9]{1,3}\.[0-9]{2,}")


def year(typed: str | None) -> int:
    """A year such as 2020, 2020级 or 2020年9月 (the month is dropped, §2.18)."""
    found = _YEAR.fullmatch(_required_code(typed))
    if not found:
        raise _refuse("year_shape", typed)
    return int(found[1])


def major_code(typed: str | None) -> str:
    """专业代码: 4–6 digits, and up to two letters for bachelor programmes; compared as text, zeros kept (G-24)."""
    found = _required_code(typed)
    if not _MAJOR_CODE.fullmatch(found):
        raise _refuse("major_code_shape", typed, rule="G-24")
    return found


def whole_number(minimum: int, maximum: int) -> Cleaner[int]:
    """A cleaner for a whole number with minimum ≤ n ≤ maximum."""

    def clean(typed: str | None) -> int:
        digits = _required_code(typed)
        digits = digits.replace(",", "") if _GROUPED.fullmatch(digits) else digits
        if not _WHOLE.fullmatch(digits):
            raise _refuse("number_shape", typed, minimum=minimum, maximum=maximum)
        if not minimum <= (number := int(digits)) <= maximum:
            raise _refuse("number_range", typed, minimum=minimum, maximum=maximum)
        return number

    return clean


seat_count = whole_number(1, 2000)


def score(typed: str | None, *, full: int = 100) -> int:
    """Tenths of a mark, 0..full×10; at most one decimal (R-201). 缺考 is not a score and is told so (R-207)."""
    digits = _required_code(typed).removesuffix("分")
    found = _SCORE.fullmatch(digits)
    if found:
        tenths = int(found[1]) * 10 + int(found[2] or 0)
        if tenths > full * 10:
            raise _refuse("score_range", typed, rule="R-201", full=full)
        return tenths
    if digits in {"缺考", "缺"}:
        raise _refuse("score_absent", typed, rule="R-207")
    if _MANY_DECIMALS.fullmatch(digits):
        raise _refuse("score_decimals", typed, rule="R-201")
    raise _refuse("score_shape", typed, rule="R-201", full=full)


# --- what lists show -------------------------------------------------------------------------------------------------


def mask_id(number: str | None) -> str:
    """372****0714 (R-010); shorter documents show two characters at each end, very short ones none."""
    number = number or ""
    if len(number) >= 15:
        return f"{number[:3]}****{number[-4:]}"
    return f"{number[:2]}****{number[-2:]}" if len(number) >= 7 else "****" * bool(number)


def mask_mobile(number: str | None) -> str:
    """158****5678 (R-010)."""
    number = number or ""
    return f"{number[:3]}****{number[-4:]}" if len(number) >= 11 else "****" * bool(number)
