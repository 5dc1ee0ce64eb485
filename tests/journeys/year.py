"""One certificate year, lived through the panel, the chat and the phone; only the clock is faked: it travels.

The base (regions, organisations, accounts, a certificate) is set up through the use cases, as an installer does; from
the declaration plan on everything happens where people do it.
"""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import openpyxl

from bot.simulator.api import BotApi
from bot.simulator.people import Persona
from core import clock
from core.actors import Actor
from core.db import reading, transaction
from core.demo.people import Person, people
from core.demo.photos import issuer_seal, portrait, seal_image
from core.demo.world import hand_signature
from core.queries.accounts import actor_for
from core.rules.catalogue import CertificateLevel, ExamMode
from core.rules.organisations import CollegeType, Role
from core.usecases import accounts, catalogue, organisations
from tests.conftest import PATIENCE
from tests.journeys.office import Office, Page, ticketed

INSTALLER = Actor(login="installer", roles=frozenset({"admin"}), is_system=True, channel="cli")
PASSWORD = "yi-nian-2026"
QUOTA = 20
CHATS = {"sheng": 501, "shi": 502, "zuzhi": 503, "kaowu": 504, "qianfa": 505}
FORM_TIME = "%Y-%m-%dT%H:%M"


@dataclass
class Year:
    """The people, where they meet, and the ids of what they make."""

    base: str
    api: BotApi
    new_client: Callable[[], Any]
    offices: dict[str, Office] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    crowd: list[Person] = field(default_factory=list)
    strays: list[Person] = field(default_factory=list)  # whose rows were not taken, or whom nobody knows
    born_at: datetime = field(default_factory=clock.now)
    certificate_no: str = ""
    certificate_code: str = ""

    # -- time ------------------------------------------------------------------------------------------------------

    def day(self, days: float) -> datetime:
        """An instant so many days after the year began, on a whole minute."""
        return (self.born_at + timedelta(days=days)).replace(second=0, microsecond=0)

    def travel_to(self, instant: datetime) -> None:
        """Everybody's clock, forward to an instant."""
        clock.travel(max(instant - clock.now(), timedelta()))

    def form(self, instant: datetime) -> str:
        """An instant as a datetime-local input takes it."""
        return clock.local(instant).strftime(FORM_TIME)

    # -- people ----------------------------------------------------------------------------------------------------

    def named_in(self, said: str) -> list[str]:
        """Names, mobiles and ID numbers (a wrong last digit hides nobody) of candidates that stand in a text."""
        everybody = [*self.crowd, *self.strays]
        facts = [fact for person in everybody for fact in (person.name, person.mobile, person.id_number[:-1])]
        assert len(set(facts)) == 3 * len(everybody) > 3 * QUOTA, "whom to look for?"
        return [fact for fact in facts if fact in said]

    def office(self, login: str) -> Office:
        """A person's browser, logged in; when time has logged them out they log in again, as people do."""
        office = self.offices.setdefault(login, Office(self.base, transport=self.new_client()))
        if "退出" not in office.open("/admin/").text:
            office.log_in(login, PASSWORD)
        return office

    def heard(self, login: str, *words: str) -> dict[str, Any]:
        """Wait until the bot has told somebody something with all these words; the newest such message."""

        def found() -> dict[str, Any] | None:
            messages = [m for m in self.api.history(CHATS[login]) if m["from"]["is_bot"]]
            return next((m for m in reversed(messages) if all(word in m["text"] for word in words)), None)

        return dict(self.api.wait_for(found, PATIENCE))

    def press(self, login: str, message: dict[str, Any], words: str) -> str:
        """Press a button of a message by its words; the toast, once the bot has answered."""
        press = self.api.user_presses(CHATS[login], message["message_id"], words)
        answer = self.api.press_answer(press, PATIENCE)
        assert answer is not None, "the button spins for ever"
        return str(answer["text"] or "")


# -- the base ------------------------------------------------------------------------------------------------------


def set_up(year: Year) -> None:
    """One province with city review, one TEO, one college, one certificate of two subjects."""
    with transaction(INSTALLER) as tx:
        for code, name in {"420000": "湖北省", "420100": "武汉市", "420111": "洪山区"}.items():
            organisations.name_region(tx, code=code, name=name)
        province = organisations.create_authority(tx, name="省厅（测试）", province_code="42", contact_phone="027-0000")
        city = organisations.create_authority(tx, name="市局（测试）", province_code="42", city_code="420100")
        org = organisations.create_org(tx, org_code="911", name="测试评价组织有限公司")
        college = organisations.create_college(
            tx,
            college_code="4142010911",
            name="测试示例职业技术学院",
            college_type=CollegeType.VOCATIONAL_COLLEGE,
            province_code="42",
            city_code="420100",
            district_code="420111",
            address="测试路 1 号",
        )
        catalogue.create_major(tx, code="610205", name="软件技术")
        for login, role, owner in (
            ("sheng", Role.PROVINCE, {"authority_id": province.id}),
            ("shi", Role.CITY, {"authority_id": city.id}),
            ("zuzhi", Role.TEO, {"org_id": org.id}),
            ("kaowu", Role.COORDINATOR, {"college_id": college.id}),
            ("qianfa", Role.SIGNATORY, {"college_id": college.id}),
        ):
            account = accounts.create_account(tx, login=login, real_name=f"测试{login}", roles=[role], **owner)
            accounts.set_password(tx, account_id=account.id, password=PASSWORD)
            year.ids[login] = account.id
        year.ids |= {"org": org.id, "college": college.id}
    _certificate(year)
    for login, user in CHATS.items():
        year.api.add_persona(Persona(user, f"测试{login}", started=True))


def _certificate(year: Year) -> None:
    with reading() as session:
        teo = actor_for(session, year.ids["zuzhi"], "cli")
    assert teo is not None
    with transaction(teo) as tx:
        certificate = catalogue.create_certificate(
            tx,
            org_id=year.ids["org"],
            name="Web前端测试职业技能等级证书",
            short_name="Web前端测试",
            level=CertificateLevel.INTERMEDIATE,
            standard_code="990009",
            major_codes=["610205"],
            english_name="Web Front-end (Test)",
        )
        for key, name, mode in (
            ("theory", "理论考核", ExamMode.COMPUTER),
            ("practice", "实操考核", ExamMode.PRACTICAL),
        ):
            subject = catalogue.create_subject(tx, certificate_id=certificate.id, name=name, exam_modes={mode})
            year.ids[key] = subject.id
        organisations.set_org_seal(tx, org_id=year.ids["org"], image=issuer_seal("测试评价组织有限公司"))
        year.ids["certificate"], year.certificate_code = certificate.id, certificate.code


def bind_chats(year: Year) -> None:
    """Everybody takes the one-time code of the panel to the chat."""
    for login in CHATS:
        office = year.office(login)
        page = office.open("/admin/telegram/")
        form = next(form for form in page.forms if "/telegram/code" in form.action)
        shown = office.submit(page, _form=form)
        code = re.search(r"/start ([\w-]{20,})", shown.text) or re.search(r"start=([\w-]{20,})", shown.html)
        assert code is not None, shown.text
        year.api.user_sends_text(CHATS[login], f"/start {code[1]}")
        year.heard(login, "已绑定考务账号")
        year.api.user_sends_text(CHATS[login], f"/start {code[1]}")  # pressing it again does no harm
        # whatever the hour this test runs at, and however fast its year goes by: told at once, and singly
        choices = office.open("/admin/telling/")
        office.submit(choices, quiet_from="00:00", quiet_until="00:00", wants_digest=False)
    qianfa = year.office("qianfa")
    preview = qianfa.do(
        "colleges",
        "preview_seal",
        year.ids["college"],
        officer_name="测试签发",
        image=("seal.png", seal_image("测试", "测试签发"), "image/png"),
    )
    page = qianfa.submit(preview, _form=ticketed(preview), has_accepted=True)  # seen first, then in use
    assert page.status == 200
    assert "使用中" in page.text


# -- the pilot year ------------------------------------------------------------------------------------------------


def pilot_year(year: Year) -> None:
    """Declaration plan → application → returned with a reason → sent again → city → province → quota."""
    sheng = year.office("sheng")
    sheng.do(
        "declarations",
        "draft_declaration_plan",
        year=year.day(0).year,
        batch_name="第一批",
        opens_at=year.form(year.day(0)),
        closes_at=year.form(year.day(10)),
        city_review_required=True,
    )
    plan = latest_id(sheng, "declarations")
    sheng.do("declarations", "publish_declaration_plan", plan)
    year.heard("kaowu", "【申报开始】", "第一批")

    kaowu = year.office("kaowu")
    kaowu.do("applications", "apply", plan_id=plan, certificate_id=year.ids["certificate"], requested_count=30)
    application = latest_id(kaowu, "applications")
    early = kaowu.open(f"/admin/applications/do/submit_application/?id={application}")
    refused = kaowu.submit(early, _form=early.form())
    assert "还缺少" in refused.text
    assert "师资情况" in refused.text
    fill = {"faculty_description": "专任教师 8 人。", "venue_description": "机房 2 间。"}
    kaowu.do("applications", "edit", application, **fill)
    kaowu.do("applications", "submit_application", application)

    year.heard("shi", "【待地市级审核】", "申请 30 人")
    shi = year.office("shi")
    shi.do("applications", "return_application", application, reason="请补充机房设备清单。")
    told = year.heard("kaowu", "【审核退回】", "请补充机房设备清单")
    assert "已知悉" in year.press("kaowu", told, "已知悉")
    fill["venue_description"] = "机房 2 间，各 45 台。"
    kaowu.do("applications", "edit", application, **fill)
    kaowu.do("applications", "submit_application", application)
    shi.do("applications", "pass_as_city", application)
    year.heard("sheng", "【待省级初审】", "申请 30 人")
    too_many = sheng.open(f"/admin/applications/do/approve_application/?id={application}")
    refused = sheng.submit(too_many, approved_count=31)
    assert refused.status == 422
    assert "批准人数" in refused.text
    sheng.do("applications", "approve_application", application, approved_count=QUOTA)
    told = year.heard("kaowu", "【审核通过】", f"批准 {QUOTA} 人")
    year.api.user_sends_text(CHATS["kaowu"], f"确认　{task_code(told).lower()}")
    year.api.wait_for(lambda: "已知悉" in text_of(year, "kaowu", told["message_id"]), PATIENCE)


# -- the exam plan -------------------------------------------------------------------------------------------------


def exam_plan(year: Year) -> None:
    """Created by the TEO with five windows, published, and known to the college within moments."""
    zuzhi = year.office("zuzhi")
    windows = {
        "registration": (year.day(12), year.day(20)),
        "arrangement": (year.day(21), year.day(25)),
        "exam": (year.day(28), year.day(29)),
        "score_entry": (year.day(30), year.day(34)),
        "publication": (year.day(35), year.day(45)),
    }
    times = {
        f"{name}_{edge}_at": year.form(instant)
        for name, pair in windows.items()
        for edge, instant in zip(("opens", "closes"), pair, strict=True)
    }
    names = {"name": "测试第一次考核", "exam_year": year.day(0).year}
    zuzhi.do("plans", "draft_plan", **names, **times, college_ids=[year.ids["college"]])
    plan = year.ids["plan"] = latest_id(zuzhi, "plans")
    page = zuzhi.open(f"/admin/plans/certificate/?id={plan}&certificate={year.ids['certificate']}")
    assert page.status == 200, page.text[:300]
    start = year.day(28) + timedelta(hours=1)
    sessions: dict[str, Any] = {"pass_rule": "composite", "composite_pass_score": "60"}
    for index, (key, weight) in enumerate((("theory", 30), ("practice", 70))):
        begins = start + timedelta(hours=3 * index)
        prefix = f"subject_{year.ids[key]}"
        sessions |= {
            f"{prefix}-is_taken": True,
            f"{prefix}-pass_score": "60",
            f"{prefix}-weight_percent": str(weight),
            f"{prefix}-sessions-0-starts_at": year.form(begins),
            f"{prefix}-sessions-0-ends_at": year.form(begins + timedelta(hours=2)),
        }
    saved = zuzhi.submit(page, **sessions)
    assert saved.status == 200, saved.text[:500]
    zuzhi.do("plans", "publish_plan", plan)
    year.heard("kaowu", "【考试计划发布】", "测试第一次考核")


def site_and_room(year: Year) -> None:
    """Once the batch has ended the college is a pilot (R-044): a site applied for, approved, set up with two rooms."""
    year.travel_to(year.day(10) + timedelta(minutes=1))
    kaowu = year.office("kaowu")
    kaowu.do(
        "sites",
        "draft_site",
        ask=f"org={year.ids['org']}",
        certificate_ids=[year.ids["certificate"]],
        region_code="420111",
        address="测试路 1 号 实训楼",
        intro="标准化考场。",
        contact_name="测试联系人",
        contact_mobile="19900000001",
        contact_email="site@example.com",
    )
    site = year.ids["site"] = latest_id(kaowu, "sites")
    kaowu.do("sites", "submit_site", site)
    year.heard("zuzhi", "【待审核】考核站点")
    zuzhi = year.office("zuzhi")
    zuzhi.do("sites", "approve_site", site)
    year.heard("kaowu", "【站点审核通过】")
    ask = f"plan={year.ids['plan']}&site={site}&certificate={year.ids['certificate']}"
    for name, seats in (("301 机房", 12), ("302 机房", 15)):
        page = kaowu.open(f"/admin/rooms/do/create_room/?{ask}")
        every = [c.value for form in page.forms for c in form.controls if c.name == "plan_subject_ids"]
        kaowu.submit(page, name=name, seat_count=seats, plan_subject_ids=every)
    assert "302 机房" in kaowu.open("/admin/rooms/").text


# -- candidates ----------------------------------------------------------------------------------------------------


def candidates(year: Year) -> None:
    """A real workbook with planted faults, a real archive of photos, the check, and one confirmation by hand."""
    year.crowd = people(77, QUOTA + 2, first=40_000)
    kaowu = year.office("kaowu")
    template = kaowu.http.get("/admin/candidates/import/candidates/template").content
    rows = [candidate_row(person) for person in year.crowd]
    year.strays = [*people(78, 1, first=41_000), *people(79, 1, first=42_000), *people(80, 1, first=43_000)]
    spoiled, unknown = (candidate_row(person) for person in year.strays[:2])
    spoiled[4] = spoiled[4][:-1] + ("0" if spoiled[4][-1] != "0" else "1")
    unknown[9] = "999999"
    sheet = filled(template, [*rows, spoiled, unknown])
    report = upload(kaowu, "/admin/candidates/import/candidates/", ("考生.xlsx", sheet))
    assert f"{len(rows)} 行已写入" in report.text, report.text[:1500]
    assert "999999" in report.text
    again = upload(kaowu, "/admin/candidates/import/candidates/", ("考生.xlsx", sheet))
    assert f"{len(rows)} 没有变化" in again.text, again.text[:1500]

    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        for person in year.crowd:
            face = year.crowd[1] if person is year.crowd[0] else person  # two people with one picture
            packed.writestr(f"{person.id_number}.jpg", portrait(face.index, face.gender))
        packed.writestr("无关文件.txt", "x")
    report = upload(kaowu, "/admin/candidates/import/photos/", ("照片.zip", archive.getvalue()))
    assert f"{len(rows)} 已导入" in report.text, report.text[500:1500]
    ids = row_ids(kaowu, "candidates")
    assert len(ids) == len(year.crowd)
    checked = batch(kaowu, "candidates", "verify-all", ids)
    assert "2 人" in checked.text, checked.text[:1500]
    year.heard("kaowu", "【需人工确认】")
    for ident in ids:
        page = kaowu.open(f"/admin/candidates/details/?id={ident}")
        if "需人工确认" in page.text.split("历史")[0]:
            year.office("qianfa").do("candidates", "confirm_by_hand", ident, note="已核对本人证件。")
    assert "信息准确" in kaowu.open(f"/admin/candidates/details/?id={ids[0]}").text


def registration(year: Year) -> None:
    """Too early, in time with two above the quota, reminded, and too late."""
    kaowu = year.office("kaowu")
    template = kaowu.http.get("/admin/registrations/import/registrations-by-certificate/template").content
    with reading() as session:
        from core.models.sites import ExamSite

        site_no = session.get_one(ExamSite, year.ids["site"]).site_no
    rows = [
        [p.name, p.id_number, "院校考生", year.certificate_code, "Web前端测试职业技能等级证书", "中级", site_no]
        for p in year.crowd
    ]
    door = "/admin/registrations/import/registrations-by-certificate/"
    early = kaowu.open(door)
    assert not any(str(year.ids["plan"]) == o[0] for f in early.forms for c in f.controls for o in c.options)

    year.travel_to(year.day(12) + timedelta(minutes=1))
    year.heard("kaowu", "【报考开始】")
    kaowu = year.office("kaowu")
    report = upload(kaowu, door, ("报考.xlsx", filled(template, rows)), plan_id=year.ids["plan"])
    assert "超出指标" in report.text, report.text[:800]

    year.travel_to(year.day(19) + timedelta(hours=1))
    told = year.heard("kaowu", "【报考即将截止】", f"已报考 {QUOTA} 人次")
    year.press("kaowu", told, "已知悉")
    year.travel_to(year.day(20) + timedelta(minutes=2))
    year.heard("kaowu", "【报考截止】", f"共报考 {QUOTA} 人次")
    kaowu = year.office("kaowu")
    late = kaowu.open(door)
    assert not any(str(year.ids["plan"]) == o[0] for f in late.forms for c in f.controls for o in c.options)


def seats_and_papers(year: Year) -> None:
    """The TEO arranges; when the window closes everybody downloads tickets and sign-in sheets."""
    year.travel_to(year.day(21) + timedelta(minutes=1))
    year.heard("zuzhi", "【排考开始】")
    zuzhi = year.office("zuzhi")
    zuzhi.do("seating", "arrange_seats", year.ids["plan"])
    kaowu = year.office("kaowu")
    early = kaowu.open(f"/admin/documents/ticket?plan={year.ids['plan']}")
    assert "尚未发布" in early.text, early.text[:300]
    year.travel_to(year.day(25) + timedelta(minutes=2))
    year.heard("kaowu", "【排考结束】")
    for login in ("kaowu", "zuzhi"):
        office = year.office(login)
        for kind in ("ticket", "sign-in"):
            answer = office.http.get(f"/admin/documents/{kind}?plan={year.ids['plan']}")
            assert answer.content.startswith(b"%PDF"), (login, kind, answer.text[:200])


def scores(year: Year) -> None:
    """Entered from the TEO's own prefilled sheet: most pass, one fails, one is absent; then published and locked."""
    year.travel_to(year.day(30) + timedelta(minutes=1))
    year.heard("zuzhi", "【成绩登记开始】")
    zuzhi = year.office("zuzhi")
    sheet = zuzhi.http.get(f"/admin/scores/sheet?plan={year.ids['plan']}").content
    report = upload(zuzhi, "/admin/scores/import/scores/", ("成绩.xlsx", scored(sheet)), plan_id=year.ids["plan"])
    assert "接受" in report.text or "40" in report.text, report.text[:500]
    year.travel_to(year.day(35) + timedelta(minutes=1))
    year.heard("kaowu", "【成绩公示开始】")
    year.travel_to(year.day(45) + timedelta(minutes=2))
    year.heard("zuzhi", "【成绩已锁定】")


# -- signing -------------------------------------------------------------------------------------------------------


def signing(year: Year) -> int:
    """The TEO signs on the phone; the college refuses by text, is heard, and signs; how many certificates."""
    told = year.heard("zuzhi", "【待签发】")
    count = int(re.search(r"· (\d+) 张", told["text"])[1])  # type: ignore[index]
    zuzhi = year.office("zuzhi")
    sign_on_phone(year, "zuzhi", told, count)
    today = clock.local(clock.now()).date()
    zuzhi.do("signing", "order", year.ids["plan"], issue_method="electronic", issued_on=f"{today:%Y-%m-%d}")

    told = year.heard("qianfa", "【待签发】", f"{count} 张")
    year.api.user_sends_text(CHATS["qianfa"], f"退回 {task_code(told)} 请核对一名考生的姓名拼音")
    recap = year.heard("qianfa", "理由：请核对")
    time.sleep(1.2)  # the second tap must not be part of the first
    year.press("qianfa", recap, f"确认退回 {count} 张")
    year.heard("zuzhi", "【院校拒绝签发】", "请核对一名考生的姓名拼音")
    zuzhi = year.office("zuzhi")
    zuzhi.do("signing", "handle", year.ids["plan"], note="已核对，拼音无误。")
    told = newest(year, "qianfa", told, f"{count} 张")
    sign_on_phone(year, "qianfa", told, count)
    year.heard("kaowu", "【证书已发放】", f"{count} 张")
    return count


def sign_on_phone(year: Year, login: str, told: dict[str, Any], count: int) -> None:
    """Press the chat's button: the page Telegram opens, the recap, the number, the drawing, the confirmation."""
    url = next(
        key["web_app"]["url"]
        for row in told["reply_markup"]["inline_keyboard"]
        for key in row
        if "web_app" in key and "phone/enter" in key["web_app"]["url"]
    )
    opened = year.api.opens_web_app(CHATS[login], url)
    address, _, fragment = opened.partition("#")
    init_data = re.search(r"tgWebAppData=([^&]+)", fragment)
    assert init_data is not None
    phone = Office(year.base, transport=year.new_client())
    page = phone.open(address.removeprefix(year.base))
    from urllib.parse import unquote

    recap = phone.submit(page, _form=page.forms[0], init_data=unquote(init_data[1]))
    assert f"{count} 张证书" in recap.text, recap.text[:400]
    wrong = post_signature(phone, recap, str(count + 1))
    assert "请输入" in wrong.text, wrong.text[:300]
    recap = phone.open("/phone/sign")
    done = post_signature(phone, recap, str(count))
    assert f"已签发 {count} 张" in done.text, done.text[:400]


def post_signature(phone: Office, page: Page, typed: str) -> Page:
    """What the page's button sends: the number and the drawing as a data address."""
    import base64

    drawn = "data:image/png;base64," + base64.b64encode(hand_signature()).decode()
    form = next(form for form in page.forms if any(c.name == "signature" for c in form.controls))
    return phone.submit(page, _form=form, count=typed, signature=drawn)


def certificate(year: Year) -> bytes:
    """The college downloads the certificate; anyone verifies it by number and ID number, nobody with a wrong one."""
    kaowu = year.office("kaowu")
    ident = row_ids(kaowu, "issuances")[0]
    answer = kaowu.http.get(f"/admin/issuances/{ident}/certificate.pdf")
    assert answer.content.startswith(b"%PDF"), answer.text[:200]
    with reading() as session:
        from core.models.certificates import CertificateIssuance

        issuance = session.get_one(CertificateIssuance, ident)
        year.certificate_no = issuance.certificate_no
        number = issuance.registration.snapshot.id_number
    public = Office(year.base, transport=year.new_client())
    page = public.open(f"/verify?no={year.certificate_no}")
    genuine = public.submit(page, 证书编号=year.certificate_no, 证件号码=number)
    assert "Web前端测试" in genuine.text, genuine.text[:400]
    assert number not in genuine.text
    page = public.open("/verify")
    wrong = public.submit(page, 证书编号=year.certificate_no, 证件号码=year.strays[2].id_number)
    assert "未找到" in wrong.text
    return answer.content


# -- small things --------------------------------------------------------------------------------------------------


def live(year: Year) -> bytes:
    """The whole year; the certificate at its end. Begun late in December it waits for the next (R-019, R-044)."""
    if clock.local(year.day(21)).year != clock.local(year.day(0)).year:
        year.travel_to(year.day(22))
        year.born_at = clock.now()
    set_up(year)
    for chapter in (
        bind_chats,
        pilot_year,
        exam_plan,
        site_and_room,
        candidates,
        registration,
        seats_and_papers,
        scores,
        signing,
    ):
        chapter(year)
    return certificate(year)


def task_code(message: dict[str, Any]) -> str:
    """待办编号 K7Q4."""
    found = re.search(r"待办编号 (\w{4})", message["text"])
    assert found is not None, message["text"]
    return found[1]


def text_of(year: Year, login: str, message_id: int) -> str:
    """What a message says now."""
    return str(next(m["text"] for m in year.api.history(CHATS[login]) if m["message_id"] == message_id))


def newest(year: Year, login: str, before: dict[str, Any], *words: str) -> dict[str, Any]:
    """A message with these words that came after another one and still has buttons."""

    def found() -> dict[str, Any] | None:
        later = [m for m in year.api.history(CHATS[login]) if m["message_id"] > before["message_id"]]
        fit = [m for m in later if "reply_markup" in m and "【待签发】" in m["text"]]
        return next((m for m in reversed(fit) if all(word in m["text"] for word in words)), None)

    return dict(year.api.wait_for(found, PATIENCE))


def latest_id(office: Office, slug: str) -> int:
    """The newest row of a list."""
    return max(row_ids(office, slug))


def row_ids(office: Office, slug: str) -> list[int]:
    """Ids of the rows a list shows (up to a hundred)."""
    page = office.open(f"/admin/{slug}/?page_size=100")
    assert page.status == 200, (slug, page.status)
    return sorted({int(ident) for ident in re.findall(rf"/admin/{slug}/details/\?id=(\d+)", unescape(page.html))})


def batch(office: Office, slug: str, verb: str, ids: list[int]) -> Page:
    """Tick rows and press a batch button: first the page that counts, then the doing."""
    page = office.open(f"/admin/{slug}/?page_size=100")
    token = next(c.value for form in page.forms for c in form.controls if c.name == "csrf_token")
    answer = office.http.post(
        f"/admin/{slug}/batch/{verb}/",
        data={"csrf_token": token, "ids": [str(ident) for ident in ids]},
        headers={"Referer": page.url},
    )
    counted = Page(answer)
    assert answer.status_code == 200, counted.text[:300]
    form = next(form for form in counted.forms if any(c.name == "ticket" for c in form.controls))
    done = office.submit(counted, _form=form)
    assert done.status == 200, done.text[:300]
    return done


def upload(office: Office, door: str, file: tuple[str, bytes], **filled: Any) -> Page:
    """Send a file through an import page; the page that tells what became of each row."""
    page = office.submit(office.open(door), file=file, **filled)
    confirms = [form for form in page.forms if any(c.name == "all_or_none" for c in form.controls)]
    return office.submit(page, confirms[0], {"act": "commit"}, all_or_none={"0"}) if confirms else page


def candidate_row(person: Person) -> list[str]:
    """A person as the candidates template wants them."""
    return [
        person.name,
        person.pinyin,
        person.gender.label,
        "身份证",
        person.id_number,
        person.mobile,
        str(clock.business_today().year - 1),
        "高职(专科)",
        "软件技术",
        "610205",
    ]


def filled(template: bytes, rows: list[list[str]]) -> bytes:
    """A template with rows below its head, as a person types them."""
    book = openpyxl.load_workbook(io.BytesIO(template))
    sheet = book.worksheets[0]
    head = next(
        row[0].row for row in sheet.iter_rows() if row[0].value and "姓名" in str(row[0].value) and len(row) > 3
    )
    for offset, row in enumerate(rows, start=head + 1):
        for column, value in enumerate(row, start=1):
            cell = sheet.cell(offset, column)
            cell.value, cell.number_format = value, "@"
    return saved(book)


def scored(sheet_file: bytes) -> bytes:
    """The TEO's sheet with marks in it: the first candidate fails, the second is absent, all others pass."""
    book = openpyxl.load_workbook(io.BytesIO(sheet_file))
    sheet = book.worksheets[0]
    head = next(row[0].row for row in sheet.iter_rows() if "准考证号" in [str(c.value or "").lstrip("*") for c in row])
    titles = [str(cell.value or "").lstrip("*") for cell in sheet[head]]
    ticket, mark, absent = (titles.index(word) + 1 for word in ("准考证号", "考试成绩", "缺考"))
    tickets: list[str] = []
    for row in range(head + 1, sheet.max_row + 1):
        number = str(sheet.cell(row, ticket).value or "")
        if not number:
            continue
        if number not in tickets:
            tickets.append(number)
        place = tickets.index(number)
        if place == 1:
            sheet.cell(row, absent).value = "是"
        else:
            sheet.cell(row, mark).value = "41.5" if place == 0 else "83.5"
    return saved(book)


def saved(book: Any) -> bytes:
    """A workbook's bytes."""
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
