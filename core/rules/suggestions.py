"""What a refused cell may have meant: a proposal for people, never a change (R-076, R-079, R-297).

By the code of the refusal, from the text of the cell alone; None where nobody can know. Who asks gives the proposal to
the column's own cleaner before showing it, so these functions may be generous, but they never guess at digits that are
gone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, timedelta

from core.rules.likeness import only_near
from core.rules.values import EducationLevel, Gender, IdType, is_plausible_id, tidy

Propose = Callable[[str], str | None]

_LOOKALIKES = str.maketrans("OQDILSZ", "0001152")
_LAST_LOOKALIKES = str.maketrans("×*", "XX")
_OTHER_THAN_NAME = re.compile(r"[（(\[【][^）)\]】]*[）)\]】]|[0-9,，.。、;；:：!！?？*＊#_/\\|\"“”<>《》+=~-]")
_HAN_NAME = re.compile("[一-鿿㐀-䶿]{2,}(?:·[一-鿿㐀-䶿]+)*")
_YEAR_INSIDE = re.compile("(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])")
_SCHOOL_YEAR = re.compile("((?:19|20)?[0-9]{2})(?:年?[-/~至—–])((?:19|20)?[0-9]{2})(?:学?年度?)?")
_SHORT_YEAR = re.compile("['’]?([0-4][0-9])(?:[年级]|年级)?")
_CHINESE_DIGITS = str.maketrans("〇零一二三四五六七八九○", "001234567890")
_EXCEL_DAY = re.compile("[34][0-9]{4}")
_MAJOR_INSIDE = re.compile("(?<![0-9A-Za-z])[0-9]{6}[A-Za-z]{0,2}(?![0-9A-Za-z])")
_MOBILE_INSIDE = re.compile("(?<![0-9])0?(1[3-9][0-9]{9})(?![0-9])")
_NUMBER_INSIDE = re.compile("[0-9]+")
# Words seen in files that a cleaner does not take as they are, for they could mean something else.
_WORDS: Mapping[str, str] = {
    "1": Gender.MALE.label,
    "2": Gender.FEMALE.label,
    "男生": Gender.MALE.label,
    "女生": Gender.FEMALE.label,
    "先生": Gender.MALE.label,
    "女士": Gender.FEMALE.label,
    "nan": Gender.MALE.label,
    "nv": Gender.FEMALE.label,
    "身份证号": IdType.RESIDENT.label,
    "身份证号码": IdType.RESIDENT.label,
    "一代身份证": IdType.RESIDENT.label,
    "sfz": IdType.RESIDENT.label,
    "passport": IdType.PASSPORT.label,
    "军人证": IdType.MILITARY.label,
    "港澳通行证": IdType.HK_MACAO.label,
    "台湾通行证": IdType.TAIWAN.label,
    "大专生": EducationLevel.JUNIOR_COLLEGE.label,
    "专科生": EducationLevel.JUNIOR_COLLEGE.label,
    "三年制大专": EducationLevel.JUNIOR_COLLEGE.label,
    "五年制大专": EducationLevel.JUNIOR_COLLEGE.label,
    "高职大专": EducationLevel.JUNIOR_COLLEGE.label,
    "高等职业教育": EducationLevel.JUNIOR_COLLEGE.label,
    "本科生": EducationLevel.BACHELOR.label,
    "专升本": EducationLevel.BACHELOR.label,
    "全日制本科": EducationLevel.BACHELOR.label,
    "中专生": EducationLevel.SECONDARY.label,
    "中技": EducationLevel.SECONDARY.label,
    "职业高中": EducationLevel.SECONDARY.label,
}


def proposal(code: str, text: str, choices: tuple[str, ...] = ()) -> str | None:
    """What a cell refused with this code may have meant; choices: the words its column takes, if it takes a few."""
    if code == "choice_unknown":
        return _word(text, choices)
    propose = _BY_CODE.get(code)
    return propose(unicodedata.normalize("NFKC", tidy(text))) if propose else None


def _word(text: str, choices: tuple[str, ...]) -> str | None:
    plain = "".join(unicodedata.normalize("NFKC", tidy(text)).split())
    meant = _WORDS.get(plain.casefold())
    if meant in choices:
        return meant
    return only_near(plain, [word for word in choices if len(word) > 1])


def _name(text: str) -> str | None:
    kept = "".join(_OTHER_THAN_NAME.sub("", text).split())
    return kept if _HAN_NAME.fullmatch(kept) else None


def _year(text: str) -> str | None:
    plain = "".join(text.split()).translate(_CHINESE_DIGITS)
    if found := _SCHOOL_YEAR.fullmatch(plain):
        first, second = (int(part) % 100 for part in found.groups())
        if len(found[1]) == 4:
            return found[1]
        return f"20{first:02}" if second == first + 1 else None
    if found := _SHORT_YEAR.fullmatch(plain):
        return f"20{found[1]}"
    if _EXCEL_DAY.fullmatch(plain):
        return str((date(1899, 12, 30) + timedelta(days=int(plain))).year)
    inside = set(_YEAR_INSIDE.findall(plain))
    return inside.pop() if len(inside) == 1 else None


def _resident_number(text: str) -> str | None:
    """A letter taken for a digit, or an X that was left out: only where the check digit then agrees."""
    code = "".join(text.split()).upper()
    meant = code[:17].translate(_LOOKALIKES) + code[17:].translate(_LAST_LOOKALIKES)
    if len(meant) == 17:
        meant += "X"
    return meant if is_plausible_id(meant) else None


def _mobile(text: str) -> str | None:
    found = set(_MOBILE_INSIDE.findall("".join(text.split())))
    found |= set(_MOBILE_INSIDE.findall(text.upper().translate(_LOOKALIKES)))
    return found.pop() if len(found) == 1 else None


def _major_code(text: str) -> str | None:
    found = set(_MAJOR_INSIDE.findall(text))
    return found.pop().upper() if len(found) == 1 else None


def _number(text: str) -> str | None:
    found = _NUMBER_INSIDE.findall(text.replace(",", ""))
    return str(int(found[0])) if len(found) == 1 and "-" not in text and "." not in text else None


def _opaque(text: str) -> str | None:
    return "".join(sign for sign in text if sign.isascii() and sign.isalnum()).upper() or None


def _email(text: str) -> str | None:
    return "".join(text.split()).translate(str.maketrans("。，,", "..."))


_BY_CODE: Mapping[str, Propose] = {
    "name_shape": _name,
    "year_shape": _year,
    "id_number_shape": _resident_number,
    "mobile_shape": _mobile,
    "major_code_shape": _major_code,
    "number_shape": _number,
    "code_shape": _opaque,
    "email_shape": _email,
}


def near_major(code: str, name: str, majors: Mapping[str, str]) -> str | None:
    """The code of the directory (code → name) that was meant: its name says so, or it is a slip away, or its name is.

    None where two would do.
    """
    named = [known for known, title in majors.items() if title == name]
    if name and len(named) == 1:
        return named[0]
    if near := only_near(code, filter(None, majors)):
        return near
    if named or len(name) < 3:
        return None
    titles = only_near(name, set(majors.values()))
    alike = [known for known, title in majors.items() if title == titles]
    return alike[0] if len(alike) == 1 else None
