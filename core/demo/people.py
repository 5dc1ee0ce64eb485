"""Invented people: no name, number or mobile is taken from anybody, yet all of them pass core.rules.values.

Identity numbers begin with the code of a whole province, which no real one does; mobiles run on from 199 0000 0000;
given names put a thing of nature before a thing of the study.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from core.rules.values import Gender, id_check

PROVINCES = ("42", "33")  # 湖北, 浙江: the two demo provinces

_SURNAMES = (
    "赵 Zhao,钱 Qian,孙 Sun,李 Li,周 Zhou,吴 Wu,郑 Zheng,王 Wang,冯 Feng,陈 Chen,卫 Wei,蒋 Jiang,韩 Han,杨 Yang,"
    "朱 Zhu,秦 Qin,许 Xu,何 He,吕 Lyu,张 Zhang,孔 Kong,曹 Cao,严 Yan,金 Jin,魏 Wei,陶 Tao,姜 Jiang,谢 Xie,邹 Zou,"
    "苏 Su,潘 Pan,范 Fan,彭 Peng,鲁 Lu,韦 Wei,马 Ma,方 Fang,俞 Yu,袁 Yuan,唐 Tang,薛 Xue,雷 Lei,贺 He,倪 Ni,汤 Tang,"
    "罗 Luo,毕 Bi,郝 Hao,傅 Fu,卞 Bian,康 Kang,余 Yu,顾 Gu,孟 Meng,黄 Huang,萧 Xiao,姚 Yao,邵 Shao,汪 Wang,毛 Mao,"
    "戴 Dai,宋 Song,庞 Pang,熊 Xiong,纪 Ji,舒 Shu,项 Xiang,董 Dong,梁 Liang,杜 Du,蓝 Lan,曾 Zeng,单 Shan,仇 Qiu,解 Xie,"
    "欧阳 Ouyang,司徒 Situ,尉迟 Yuchi"
)
_NATURE = (
    "晴 qing,霁 ji,岚 lan,溪 xi,涧 jian,汀 ting,洲 zhou,峦 luan,岑 cen,屿 yu,杉 shan,槐 huai,柏 bai,榆 yu,桐 tong,"
    "枫 feng,竹 zhu,荻 di,蕨 jue,藜 li,芦 lu,苇 wei,麦 mai,稻 dao,粟 su,菱 ling,蓼 liao,榕 rong,橙 cheng,柚 you,栗 li,"
    "榛 zhen,鹭 lu,雁 yan,鸥 ou,鹂 li,鲤 li,驼 tuo,麓 lu,泓 hong,浔 xun,沅 yuan,湄 mei,濂 lian"
)
_STUDY = {
    Gender.MALE: (
        "砚 yan,舟 zhou,桥 qiao,帆 fan,锚 mao,桨 jiang,舵 duo,钟 zhong,鼎 ding,轮 lun,尺 chi,犁 li,筏 fa,弦 xian,"
        "策 ce,简 jian,牍 du,梁 liang,鼓 gu,棋 qi,楫 ji,铎 duo,衡 heng,磐 pan"
    ),
    Gender.FEMALE: (
        "笺 jian,笛 di,瑟 se,琴 qin,灯 deng,伞 san,扇 shan,梭 suo,锦 jin,纸 zhi,墨 mo,笙 sheng,铃 ling,镜 jing,帘 lian,"
        "盏 zhan,绣 xiu,陶 tao,瓷 ci,筝 zheng,纱 sha,绢 juan,杼 zhu,箫 xiao"
    ),
}
_FIRST_BIRTHDAY = date(2002, 1, 1)
_BIRTHDAYS = 2557  # seven years
_STRIDE = 911  # shares no factor with _BIRTHDAYS: neighbours are months apart
_PAIRS = 499  # order numbers of one day: 001…998, odd for men, even for women


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who does not exist; index is the running number that makes identity number and mobile unique."""

    index: int
    name: str
    pinyin: str
    gender: Gender
    id_number: str
    mobile: str
    born_on: date


def _sounds(pairs: str) -> list[tuple[str, str]]:
    return [(character, sound) for character, _, sound in (pair.partition(" ") for pair in pairs.split(","))]


def _given_names(gender: Gender) -> list[tuple[str, str]]:
    """Every (characters, Pinyin) of nature + study, with the apostrophe where a syllable begins with a vowel."""
    pairs = [(a, b) for a in _sounds(_NATURE) for b in _sounds(_STUDY[gender])]
    return [(a + b, x.capitalize() + ("'" if y[0] in "aeo" else "") + y) for (a, x), (b, y) in pairs]


_FAMILIES = _sounds(_SURNAMES)
_GIVEN = {gender: _given_names(gender) for gender in Gender}
_DAYS = [_FIRST_BIRTHDAY + timedelta(days=n) for n in range(_BIRTHDAYS)]
_DIGITS = [f"{day:%Y%m%d}" for day in _DAYS]


def people(seed: int, count: int, *, first: int = 0) -> list[Person]:
    """count people with index first, first+1, …; the same seed and first always give the same ones.

    Identity numbers and mobiles differ within a list and between lists whose indices do not overlap, whatever the
    seeds; 1,275,943 people fit.
    """
    if first < 0 or first + count > _BIRTHDAYS * _PAIRS:
        raise ValueError(f"there are only {_BIRTHDAYS * _PAIRS} invented people")
    dice = Random(f"{seed}/{first}")
    return [_person(index, dice.getrandbits(48)) for index in range(first, first + count)]


def _person(index: int, luck: int) -> Person:
    luck, is_female = divmod(luck, 2)
    gender = Gender.FEMALE if is_female else Gender.MALE
    luck, place = divmod(luck, len(PROVINCES))
    luck, place_in_families = divmod(luck, len(_FAMILIES))
    family, family_sound = _FAMILIES[place_in_families]
    given, given_sound = _GIVEN[gender][luck % len(_GIVEN[gender])]
    day = index * _STRIDE % _BIRTHDAYS
    order = 2 * (index // _BIRTHDAYS) + 1 + is_female
    number = f"{PROVINCES[place]}0000{_DIGITS[day]}{order:03d}"
    return Person(
        index=index,
        name=family + given,
        pinyin=f"{family_sound} {given_sound}",
        gender=gender,
        id_number=number + id_check(number),
        mobile=f"199{index:08d}",
        born_on=_DAYS[day],
    )
