"""Who appears in the demo: two provinces, three organisations, five colleges, and the people who work there.

Everything here is invented; names say so (示例, 演示), numbers are valid by their check digits and nobody's.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.rules.catalogue import CertificateLevel, ExamMode
from core.rules.organisations import CollegeType, Role

PASSWORD = "yanshi-2026"  # of every demo account; shown when the demo starts, which listens on this machine only

REGIONS = {
    "420000": "湖北省",
    "420100": "武汉市",
    "420111": "洪山区",
    "420500": "宜昌市",
    "420502": "西陵区",
    "330000": "浙江省",
    "330100": "杭州市",
    "330106": "西湖区",
    "330200": "宁波市",
    "330205": "江北区",
}


@dataclass(frozen=True, slots=True)
class CollegeSketch:
    """A college before it is a row."""

    key: str
    code: str
    name: str
    type: CollegeType
    city: str
    district: str
    address: str


@dataclass(frozen=True, slots=True)
class OrgSketch:
    """A training evaluation organisation and the certificate family it owns."""

    key: str
    code: str
    name: str
    certificate: str
    short_name: str
    english_name: str
    standard_code: str
    majors: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PersonSketch:
    """An account of the demo; home is the key of its organisation, telegram its user id in the simulator."""

    login: str
    name: str
    roles: tuple[Role, ...]
    home: str = ""
    telegram: int | None = None


COLLEGES = (
    CollegeSketch(
        "jiangcheng",
        "4142010901",
        "江城示例职业技术学院",
        CollegeType.VOCATIONAL_COLLEGE,
        "420100",
        "420111",
        "示例大道 1 号",
    ),
    CollegeSketch(
        "chutian", "4142010902", "楚天演示学院", CollegeType.UNDERGRADUATE, "420100", "420111", "演示路 18 号"
    ),
    CollegeSketch(
        "xiajiang", "4142010903", "峡江示例职业学校", CollegeType.SECONDARY, "420500", "420502", "样板街 6 号"
    ),
    CollegeSketch(
        "xihu", "4133010904", "西子演示职业学院", CollegeType.VOCATIONAL_COLLEGE, "330100", "330106", "演示桥 99 号"
    ),
    CollegeSketch(
        "yongjiang", "4133010905", "甬江示例学院", CollegeType.UNDERGRADUATE, "330200", "330205", "样例路 27 号"
    ),
)

# Listed in the official directory and not registered yet: (code, name, city).
NOT_REGISTERED = (
    ("4142010906", "东湖示例职业学院", "420100"),
    ("4142050907", "夷陵演示学校", "420500"),
    ("4133010908", "钱江演示学院", "330100"),
    ("4133020909", "北仑示例职业学校", "330200"),
)

ORGS = (
    OrgSketch(
        "yunfan",
        "901",
        "云帆示例科技有限公司",
        "Web前端开发演示职业技能等级证书",
        "Web前端开发演示",
        "Web Front-end Development (Demo)",
        "990001",
        (("610205", "软件技术"), ("610202", "计算机网络技术"), ("080902", "软件工程")),
    ),
    OrgSketch(
        "anlan",
        "902",
        "安澜示例养老服务有限公司",
        "老年照护演示职业技能等级证书",
        "老年照护演示",
        "Elderly Care (Demo)",
        "990002",
        (("620201", "护理"), ("690104", "老年服务与管理")),
    ),
    OrgSketch(
        "chiyuan",
        "903",
        "驰远示例汽车技术有限公司",
        "智能新能源汽车演示职业技能等级证书",
        "智能新能源汽车演示",
        "Intelligent New Energy Vehicles (Demo)",
        "990003",
        (("600209", "汽车运用与维修技术"), ("560707", "新能源汽车技术")),
    ),
)

SUBJECTS = (("理论考核", frozenset({ExamMode.COMPUTER}), 30), ("实操考核", frozenset({ExamMode.PRACTICAL}), 70))
LEVELS = tuple(CertificateLevel)

PEOPLE = (
    PersonSketch("admin", "安管理", (Role.ADMIN,)),
    PersonSketch("hubei", "胡省审", (Role.PROVINCE,), "42", 1001),
    PersonSketch("wuhan", "武市审", (Role.CITY,), "420100", 1002),
    PersonSketch("zhejiang", "浙省审", (Role.PROVINCE,), "33", 1003),
    PersonSketch("yunfan", "云组织", (Role.TEO,), "yunfan", 1011),
    PersonSketch("anlan", "安组织", (Role.TEO,), "anlan", 1012),
    PersonSketch("chiyuan", "驰组织", (Role.TEO,), "chiyuan", 1013),
    PersonSketch("jiangcheng", "江考务", (Role.COORDINATOR,), "jiangcheng", 1021),
    PersonSketch("jiangcheng-fzr", "江签发", (Role.SIGNATORY,), "jiangcheng", 1022),
    PersonSketch("chutian", "楚考务", (Role.COORDINATOR,), "chutian", 1023),
    PersonSketch("chutian-fzr", "楚签发", (Role.SIGNATORY,), "chutian", 1024),
    PersonSketch("xiajiang", "峡考务", (Role.COORDINATOR,), "xiajiang"),
    PersonSketch("xiajiang-fzr", "峡签发", (Role.SIGNATORY,), "xiajiang"),
    PersonSketch("xihu", "西考务", (Role.COORDINATOR,), "xihu", 1025),
    PersonSketch("xihu-fzr", "西签发", (Role.SIGNATORY,), "xihu", 1026),
    PersonSketch("yongjiang", "甬考务", (Role.COORDINATOR,), "yongjiang"),
    PersonSketch("yongjiang-fzr", "甬签发", (Role.SIGNATORY,), "yongjiang"),
)
