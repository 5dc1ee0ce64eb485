"""Every sentence of the bot with sample facts: nothing missing, nothing too long, nothing Telegram would not take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jinja2 import UndefinedError

from bot.flows.sent_file import LONGEST_NAME
from bot.handlers.help import COMMANDS
from bot.simulator.markup import parse_html
from bot.words import FOLDER, say
from core.queries.certificates import SigningBatch
from core.queries.changes import Changes
from core.queries.chat import PlanStanding
from core.queries.desk import DueItem
from core.queries.due import Edge
from core.rules.certificates import Party
from core.rules.plans import PlanPhase
from core.rules.windows import Window
from core.usecases.sent_files import PhotoCounts

NOON = datetime(2026, 5, 20, 4, tzinfo=UTC)
PLAN = "2026年智能新能源汽车第二次考核"
BATCHES = [SigningBatch(1, "202605200001", PLAN, Party.COLLEGE, 1, 500)] * 3
ITEM = DueItem("signing", "待签发的证书", PLAN, NOON, 500, "/admin/issuances/", 3)
EDGE = Edge(NOON, PLAN, "报考截止", True, "/admin/plans/")
STANDING = PlanStanding(
    1, "202605200001", PLAN, PlanPhase.REGISTERING, 1200, 300, Window("报考时间", NOON, NOON + timedelta(days=9))
)

STANDS_IN = {
    "deputy": "jiangcheng-qianfa",
    "duty": "站点工作",
    "is_default": False,
    "starts_at": NOON,
    "ends_at": NOON + timedelta(days=30),
    "by_reviewer": False,
}

CHANGED = Changes(
    requested=(24, 30),
    majors_added=1,
    majors_changed=2,
    files=(2, 3),
    has_other_files=True,
    texts=("venue_description",),
)
FIRST, SAME = Changes(is_first=True), Changes()
REVIEW = {
    "count": 24,
    "step": "省厅复审",
    "college": "江城示例职业技术学院",
    "certificate": "Web前端开发演示职业技能等级证书（初级）",
    "year": 2026,
    "batch": "第二批（补报）",
    "closes_at": NOON,
    "may_resubmit": True,
    "majors": 3,
    "files": 2,
    "changes": CHANGED,
    "fingerprint": "0a1b2c3d",
}

ROWS = {
    "title": "本校学生导入模板",
    "count": 200,
    "rows": 240,
    "created": 170,
    "changed": 30,
    "rejected": 25,
    "fingerprint": "0a1b2c3d",
}
FILE = "《" + "软件技术2025级".ljust(LONGEST_NAME, "班") + "》"
PHOTOS = PhotoCounts(total=640, accepted=598, unchanged=20, refused=12, offered=10)

SAMPLES: dict[str, list[dict[str, Any]]] = {
    "apology": [{"reference": "A1B2C3"}],
    "certificates_ask_reason": [{"count": 500, "plan": PLAN, "longest": 300}],
    "binding_waits": [{"login": "jiangcheng", "number": 1099}],
    "backlog": [{"at": NOON}],
    "deadlines": [{"edges": [EDGE] * 8, "more": 3}, {"edges": [], "more": 0}],
    "edited": [{}],
    "file_ask_plan": [
        {"file": FILE, "title": "按证书导入报考模板", "more": 3},
        {"file": FILE, "title": "x", "more": 0},
    ],
    "file_ask_sheet": [{"file": FILE}],
    "file_received": [
        {
            "file": FILE,
            "title": "按证书导入报考模板",
            "plan_no": "202605200001",
            "is_reading": True,
            "state": "正在检查",
        },
        {"file": "您的文件", "title": "本校学生导入模板", "plan_no": "", "is_reading": False, "state": "待确认"},
    ],
    "greeting": [
        {"organisation": "江城示例职业技术学院", "roles": ["院校管理员", "考核站点负责人"], "count": 3},
        {"organisation": "", "roles": ["平台管理员"], "count": 0},
    ],
    "help": [{"commands": COMMANDS}],
    "certificates_kept": [{"count": 500, "plan": PLAN}],
    "not_understood": [{"commands": COMMANDS}],
    "open_page": [{"plan": PLAN, "plan_no": "202605200001", "count": 500}],
    "photos_checking": [{"file": FILE}],
    "photos_left": [{"file": FILE}],
    "photos_recap": [
        {"file": FILE, "photos": PHOTOS, "may_store": True},
        {"file": FILE, "photos": PHOTOS, "may_store": False},
    ],
    "photos_stored": [
        {"file": FILE, "photos": PHOTOS, "expected": 600},
        {"file": FILE, "photos": PhotoCounts(9, 9, 0, 0, 0), "expected": None},
    ],
    "pilots_approve": [
        REVIEW | {"act": "approve", "number": 20, "note": ""},
        REVIEW | {"act": "approve", "number": 24, "majors": 0, "changes": FIRST, "note": "这份申报有变动。"},
        REVIEW | {"act": "pass_city", "number": 24, "note": "", "changes": SAME},
        REVIEW | {"act": "pass_preliminary", "number": 24, "note": ""},
    ],
    "pilots_ask_number": [REVIEW],
    "pilots_ask_reason": [REVIEW | {"longest": 300}],
    "imports_approve": [ROWS | {"note": ""}, ROWS | {"rejected": 0, "note": "这份文件重新检查过。"}],
    "imports_kept": [ROWS],
    "pilots_kept": [REVIEW],
    "pilots_return": [
        REVIEW | {"reason": "请补充实训室的设备数量和软件清单。", "note": ""},
        REVIEW | {"reason": "<b>&", "may_resubmit": False, "majors": 0, "note": "这份申报有变动。"},
    ],
    "numbers": [{"plans": [STANDING] * 4, "more": 2}, {"plans": [], "more": 0}],
    "plan": [{"plan": STANDING}],
    "plans": [{"plans": [STANDING] * 6, "more": 2}, {"plans": [], "more": 0}],
    "private_only": [{}],
    "certificates_return": [
        {"count": 500, "plan": PLAN, "reason": "成绩与现场记录不一致", "note": ""},
        {"count": 499, "plan": PLAN, "reason": "<b>&", "note": "这批证书有变动：原 500 张，现 499 张。"},
    ],
    "certificates_refused": [
        {"count": 500, "plan": PLAN, "reason": "成绩与现场记录不一致", "by": "jiangcheng-fzr", "at": NOON}
    ],
    "settings": [
        {"hours": "22:00–07:30", "wants_digest": True, "otherwise": ""},
        {"hours": "", "wants_digest": False, "otherwise": "企业微信机器人"},
    ],
    "sign": [
        {"batches": BATCHES, "more": 2, "may_sign": True},
        {"batches": [], "more": 0, "may_sign": True},
        {"batches": [], "more": 0, "may_sign": False},
    ],
    "delegations_approve": [
        {"note": "", **STANDS_IN},
        {"note": "请看清现在的内容后再按一次。", **STANDS_IN, "is_default": True, "ends_at": None, "by_reviewer": True},
    ],
    "delegations_ask_reason": [{**STANDS_IN, "longest": 300}],
    "delegations_kept": [STANDS_IN],
    "delegations_return": [{"note": "", **STANDS_IN, "reason": "我这几天在校，不需要代办。"}],
    "lock_done": [{"login": "jiangcheng", "at": NOON}],
    "lock_kept": [{"login": "jiangcheng"}],
    "lock_recap": [{"login": "jiangcheng", "is_own": True}, {"login": "jiangcheng", "is_own": False}],
    "lock_usage": [{"login": "jiangcheng"}],
    "snoozed": [{"at": NOON}],
    "todo": [
        {"items": [ITEM] * 6, "more": 2, "requests": 5, "codes": ["K7Q4", "M2P8"]},
        {"items": [], "more": 0, "requests": 0, "codes": []},
    ],
}
LISTS = {"deadlines", "plans", "todo", "help"}  # a line per thing; everything else fits a glance (chat.md)


def test_every_template_has_a_sample() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == SAMPLES.keys()


@pytest.mark.parametrize(("name", "facts"), [(name, facts) for name, many in SAMPLES.items() for facts in many])
def test_a_sentence_is_whole_short_and_valid_telegram_html(name: str, facts: dict[str, Any]) -> None:
    words = say(name, **facts)
    text, _ = parse_html(words)
    assert text
    assert "\n\n\n" not in text
    assert "None" not in text
    assert len(text) <= (560 if name in LISTS else 280)


@pytest.mark.parametrize("name", [name for name, many in SAMPLES.items() if many[0]])
def test_a_forgotten_fact_is_an_error(name: str) -> None:
    with pytest.raises(UndefinedError):
        say(name)
