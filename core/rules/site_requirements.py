"""考场条件 (§9.7): what a site must have, as a new site standard takes it over; organisations edit their copy."""

from __future__ import annotations

from dataclasses import dataclass

from core.rules.catalogue import RequirementKind

_TICK, _NUMBER, _TEXT = RequirementKind.TICK, RequirementKind.NUMBER, RequirementKind.TEXT


@dataclass(frozen=True, slots=True)
class Requirement:
    """One item; minimum: the least number of an item that is counted, None for the others."""

    code: str
    title: str
    kind: RequirementKind
    minimum_words: str
    recommended: str = ""
    is_mandatory: bool = True
    minimum: int | None = None


REQUIREMENTS = (
    Requirement(
        "S1",
        "服务器（每考场）",
        _NUMBER,
        "1 台：8 核以上处理器，16 GB 以上内存，500 GB 以上、10000 转以上硬盘，千兆网卡，"
        "Windows Server 2008 R2、IIS 7.5、SQL Server 2005",
        "16 核处理器、32 GB 内存，配备 UPS",
        minimum=1,
    ),
    Requirement(
        "S2",
        "监考机（每考场）",
        _NUMBER,
        "1 台：双核 3.0 处理器，4 GB 内存，100 GB 硬盘，2 GB 显存，千兆网卡，Windows 7 以上，Firefox、Chrome，"
        "中英文输入法，Dreamweaver、Fireworks、Photoshop",
        "8 GB 内存",
        minimum=1,
    ),
    Requirement(
        "S3",
        "考生机（每考场）",
        _NUMBER,
        "40 台以上，配置与监考机相同；键盘、鼠标、显示器完好，与服务器在同一局域网",
        "8 GB 内存",
        minimum=40,
    ),
    Requirement("S4", "服务器接入互联网并有固定 IP", _TICK, "能接入互联网，有固定 IP"),
    Requirement("S5", "交换机", _TICK, "千兆企业级交换机"),
    Requirement("S6", "无线屏蔽设备", _TICK, "能屏蔽手机、蓝牙、2.4/5 GHz 无线网络和 1.1 GHz 作弊设备"),
    Requirement("S7", "身份认证设备", _TICK, "带活体检测的身份证阅读器"),
    Requirement("S8", "监控设备", _TICK, "200 万像素以上，实时录像"),
    Requirement("S9", "标准考位", _NUMBER, "40 个以上；考场相对集中，符合消防与照明要求", minimum=40),
    Requirement("S10", "考位间距", _TICK, "间距 1 米以上，或有隔板", is_mandatory=False),
    Requirement("S11", "供电", _TICK, "供电稳定，全部终端能连续运行 5 小时以上", "双路供电"),
    Requirement("S12", "模拟考核", _TICK, "免费为本站点考生提供适应性模拟考核练习"),
    Requirement("S13", "管理团队", _TEXT, "负责人 1 名、管理人员 2 名、系统管理员 1 名，经培训评价组织培训并认证"),
    Requirement("S14", "办公环境", _TICK, "办公桌椅、保险柜、电脑、打印机、文件柜"),
    Requirement("S15", "组织和制度", _TEXT, "组织机构与规章制度健全，有职业技能等级认证考务经验"),
    Requirement("S16", "场所", _TICK, "视频监考室、考务办公室、保卫室、医务室、咨询台"),
    Requirement("S17", "设备", _TICK, "广播、电铃、多媒体、复印、打印设备和专用电话"),
    Requirement("S18", "标示", _TICK, "指示牌、横幅、公告栏、疏散图、警戒线"),
    Requirement("S19", "现场核查", _TICK, "培训评价组织要求时接受现场核查", is_mandatory=False),
)
