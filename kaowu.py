"""The command line `kaowu`: the composition root, the one place that sees every edge.

Exit 0 = done, 1 = done with rejected rows or a failed check, 2 = refused (one line says why, nothing changed).
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from functools import wraps
from pathlib import Path
from typing import Any

import click

from core import clock, db, settings
from core.actors import SYSTEM, Actor
from core.errors import NotFound, Refusal
from core.notifications.words import sentence, when
from core.settings import SettingsRefused

OPERATOR = Actor(login="operator", roles=frozenset({"admin"}), is_system=True, channel="cli")
DEMO_DAYS = 62  # from the birth of the demo's world to the end of its last publication
DEMO_KEEPS = timedelta(hours=12)  # a world older than this no longer stands where its windows say
NEWCOMER = 1099  # the simulated person nobody has bound yet
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class Chinese(click.Group):
    """A group that turns refusals of every command into one line and exit 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            _refuse(sentence(refusal))
        except SettingsRefused as refused:
            _refuse(str(refused))


def _refuse(words: str) -> None:
    click.echo(words, err=True)
    sys.exit(2)


@click.group(cls=Chinese, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def main(ctx: click.Context) -> None:
    """考务：1+X 职业技能等级证书全年考务工作平台。"""
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # its INFO lines carry the bot token
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    if ctx.invoked_subcommand not in ("demo", "settings", "verify"):
        _prepare()


def _prepare() -> None:
    here = settings.current()
    travels = here.data_dir / "clock" if here.demo else None
    clock.configure(zone=here.timezone, travel_file=travels)
    db.configure()


def as_account(command: Callable[..., Any]) -> Callable[..., Any]:
    """--as LOGIN: the acting account; its permissions hold."""

    @click.option("--as", "login", required=True, metavar="LOGIN", help="以哪个账号办理")
    @wraps(command)
    def wrapped(*args: Any, login: str, **rest: Any) -> Any:
        return command(*args, actor=_actor(login), **rest)

    return wrapped


def as_json(command: Callable[..., Any]) -> Callable[..., Any]:
    """--json: one JSON object as the last line."""
    return click.option("--json", "wants_json", is_flag=True, help="最后一行输出一个 JSON 对象")(command)


def _actor(login: str) -> Actor:
    from core.queries.accounts import account_by_login, actor_for

    with db.reading() as session:
        account = account_by_login(session, login)
        actor = actor_for(session, account.id, "cli") if account else None
    if actor is None:
        raise NotFound("login_unknown", rule="§2.5", login=login)
    return actor


def _plan_id(plan_no: str | None) -> int | None:
    from sqlalchemy import select

    from core.models.plans import ExamPlan

    if plan_no is None:
        return None
    with db.reading() as session:
        ident = session.scalar(select(ExamPlan.id).where(ExamPlan.plan_no == plan_no))
    if ident is None:
        raise NotFound("plan_unknown", rule="R-136", plan=plan_no)
    return ident


# -- running -------------------------------------------------------------------------------------------------------


@main.command()
def run() -> None:
    """面板、机器人、定时任务，同一进程。"""
    db.upgrade()
    _serve(panel=True, bot=True, jobs=True)


@main.command()
def panel() -> None:
    """只运行面板（及无令牌时的聊天模拟器）。"""
    _serve(panel=True)


@main.command()
def bot() -> None:
    """只运行机器人。"""
    _serve(bot=True)


@main.command()
def jobs() -> None:
    """只运行定时任务与消息发送。"""
    _serve(jobs=True)


@main.command()
@click.option("--year-fraction", type=click.FloatRange(0, 1), default=0.0, help="从演示年度的哪一处开始（0 到 1）")
@click.option("--fresh", is_flag=True, help="丢弃上次的演示数据，重新生成")
def demo(year_fraction: float, fresh: bool) -> None:
    """演示：生成样例数据，启动面板、机器人、定时任务和聊天模拟器。"""
    _enter_demo(fresh)
    if year_fraction:
        clock.travel(timedelta(days=year_fraction * DEMO_DAYS))
    _serve(panel=True, bot=True, jobs=True, ready=_show_demo)


def _enter_demo(fresh: bool) -> None:
    """Point the settings at a data directory of the demo's own, and see that its world is there and not too old."""
    from core.demo import world
    from core.gateways.seal import LocalSealer

    here = settings.load()
    if here.telegram_token.get_secret_value() or here.database_url:
        raise SettingsRefused(
            "演示只用自己的 SQLite 数据库和聊天模拟器，请去掉 KAOWU_TELEGRAM_TOKEN 和 KAOWU_DATABASE_URL"
        )
    folder = here.data_dir / "demo"
    mark = folder / "built"
    if fresh or not mark.exists() or _age(mark) > DEMO_KEEPS:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    os.environ |= {"KAOWU_DATA_DIR": str(folder), "KAOWU_DEMO": "true"}
    os.environ |= {"KAOWU_LOGIN_CAPTCHA": "after_failure", "KAOWU_SECOND_FACTOR": "offered"}  # visitors only look
    settings.forget()
    _prepare()
    db.upgrade()
    if not mark.exists():
        click.echo("正在生成演示数据……")
        world.build(LocalSealer(), verify_base=settings.current().base_url)
        mark.touch()


def _age(mark: Path) -> timedelta:
    return clock.now() - datetime.fromtimestamp(mark.stat().st_mtime, UTC)


def _show_demo() -> None:
    from core.demo.world import accounts_table

    base = settings.current().base_url
    click.echo("\n考务演示已就绪（按 Ctrl-C 结束）\n")
    click.echo(f"  面板        {base}/admin/")
    click.echo(f"  聊天模拟器  {base}/simulator/")
    click.echo(f"  个人空间    {base}/my/")
    click.echo(f"  证书查验    {base}/verify\n")
    click.echo("  账号               密码          角色")
    for login, roles, password in accounts_table():
        click.echo(f"  {login:<18} {password:<13} {roles}")
    click.echo("\n  试一试：在模拟器里选“江签发”，点“签字确认”，再到“证书查验”查看证书。\n")


def _serve(
    *, panel: bool = False, bot: bool = False, jobs: bool = False, ready: Callable[[], None] | None = None
) -> None:
    """Run the chosen parts in this process until SIGTERM or Ctrl-C; everything in flight is allowed to finish."""
    door = _door_between(panel, bot)
    web = _web_server(door) if panel else None
    try:
        asyncio.run(_serve_until_told(web, door, has_bot=bot, has_jobs=jobs, ready=ready))
    finally:
        if web is not None:
            web.close()
        db.engine().dispose()


def _door_between(panel: bool, bot: bool) -> Any:
    """What Telegram's updates come through in webhook mode; None where they are polled for, or nobody takes them."""
    if settings.current().telegram_mode != "webhook" or not (panel or bot):
        return None
    from bot.webhook import Door

    if not (panel and bot):
        raise SettingsRefused(
            "webhook 方式下 Telegram 把消息送到面板，面板和机器人须在同一进程：请用 kaowu run，"
            "或设置 KAOWU_TELEGRAM_MODE=polling"
        )
    return Door()


async def _serve_until_told(
    web: Any, door: Any, *, has_bot: bool, has_jobs: bool, ready: Callable[[], None] | None
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(name, stop.set)
        except NotImplementedError:  # Windows
            signal.signal(name, lambda *_: loop.call_soon_threadsafe(stop.set))
    if web is not None:
        threading.Thread(target=web.run, name="panel", daemon=True).start()
    parts: list[asyncio.Task[Any]] = [asyncio.create_task(stop.wait())]
    if has_bot:
        from bot import app as bot_app

        parts.append(asyncio.create_task(bot_app.run(stop, door)))
    if has_jobs:
        from jobs import schedule

        parts.append(asyncio.create_task(schedule.run(stop)))
    if ready is not None:
        ready()
    # A part that ends before it was told to has broken: stop the others too and let a supervisor start us again.
    await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    await asyncio.gather(*parts)


def _web_server(door: Any) -> Any:
    from waitress.server import create_server

    from admin.app import create_app

    here = settings.current()
    app = create_app()
    if here.simulated:
        _mount_simulator(app)
    if door is not None:
        _mount_webhook(app, door)
    try:
        server = create_server(app, host=here.host, port=here.port, threads=24, channel_timeout=120, ident=None)
    except OSError:
        raise SettingsRefused(f"端口 {here.port} 已被占用，请用 KAOWU_PORT 换一个端口") from None
    return server


def _mount_webhook(app: Any, door: Any) -> None:
    """Where Telegram's own secrets stand in for a session."""
    from bot.webhook import blueprint

    web = blueprint(door)
    app.extensions["csrf"].exempt(web)
    app.register_blueprint(web)


def _mount_simulator(app: Any) -> None:
    """The stand-in for Telegram: only without a token, only on loopback."""
    from bot.simulator.api import BotApi
    from bot.simulator.people import Persona
    from bot.simulator.web import simulator_blueprint
    from core.demo.cast import PEOPLE

    people = [Persona(NEWCOMER, "新同事", title="尚未绑定")]
    if settings.current().demo:
        cast = [
            Persona(person.telegram, person.name, title="、".join(role.label for role in person.roles), started=True)
            for person in PEOPLE
            if person.telegram is not None
        ]
        people = cast + people
    api = BotApi(people, token=settings.simulator_token(), username=settings.SIMULATOR_BOT, name="考务助手")
    api.keep(settings.current().data_dir / "simulator.json")
    blueprint = simulator_blueprint(api)
    app.extensions["csrf"].exempt(blueprint)
    app.register_blueprint(blueprint)


# -- database ------------------------------------------------------------------------------------------------------


@main.group("db", cls=Chinese)
def database() -> None:
    """数据库结构。"""


@database.command("upgrade")
def db_upgrade() -> None:
    """升级到最新结构。"""
    db.upgrade()
    click.echo("数据库结构已是最新。")


@database.command("check")
def db_check() -> None:
    """检查数据库结构与程序是否一致。"""
    found = db.differences()
    for line in found:
        click.echo(line)
    click.echo("一致。" if not found else f"共 {len(found)} 处不一致。")
    sys.exit(1 if found else 0)


# -- accounts ------------------------------------------------------------------------------------------------------


@main.group(cls=Chinese)
def user() -> None:
    """账号。"""


@user.command("create")
@click.argument("login")
@click.option("--role", required=True, help="角色代码，如 coordinator、signatory、teo、province、admin")
@click.option("--org", "code", default="", help="机构代码：院校代码、培训评价组织代码，或省/市行政区划代码")
@click.option("--name", default="", help="姓名，默认与账号相同")
def user_create(login: str, role: str, code: str, name: str) -> None:
    """新建账号，并输出一次性激活链接。"""
    from core.queries.accounts import owner_by_code
    from core.rules.organisations import Role
    from core.usecases import accounts

    if role not in set(Role):
        raise NotFound("role_unknown", rule="§0.3", role=role, known="、".join(Role))
    with db.transaction(OPERATOR) as tx:
        owner = owner_by_code(tx.session, Role(role), code)
        account = accounts.create_account(tx, login=login, real_name=name or login, roles=[Role(role)], **owner)
        secret = accounts.issue_activation_code(tx, account_id=account.id)
    click.echo(f"{settings.current().base_url}/activate/{secret}")


@user.command("confirm")
@click.argument("login")
def user_confirm(login: str) -> None:
    """确认账号改绑到新的聊天：没有第二位管理员时，由系统管理员办理。"""
    from core.queries.bindings import waiting_binding
    from core.usecases import bindings

    account_id = _actor(login).account_id or 0
    with db.transaction(OPERATOR) as tx:
        waiting = waiting_binding(tx.session, account_id)
        bindings.confirm_binding(tx, account_id=account_id, binding_id=waiting.id if waiting else 0)
        telegram = waiting.telegram_user_id if waiting else 0
    click.echo(f"已确认：{login} 绑定 Telegram {telegram}，24 小时内不能签发")


@user.command("reset-factor")
@click.argument("login")
@click.option("--reason", required=True, help="理由，记入操作日志并告知本人")
def user_reset_factor(login: str, reason: str) -> None:
    """重置账号的动态口令：手机和恢复码都丢失时。"""
    from core.queries.accounts import account_by_login
    from core.usecases.second_factor import reset_second_factor

    with db.transaction(OPERATOR) as tx:
        account = account_by_login(tx.session, login)
        if account is None:
            raise NotFound("login_unknown", rule="§2.5", login=login)
        reset_second_factor(tx, account_id=account.id, reason=reason)
    click.echo(f"已重置 {login} 的动态口令")


@main.command()
@click.argument("login")
def link(login: str) -> None:
    """输出账号的聊天绑定码（15 分钟内有效，只能用一次）。"""
    from core.usecases import bindings

    actor = _actor(login)
    with db.transaction(OPERATOR) as tx:
        code = bindings.issue_binding_code(tx, account_id=actor.account_id)
    click.echo(f"/start {code}")


# -- sheets --------------------------------------------------------------------------------------------------------


@main.group(cls=Chinese)
def sheet() -> None:
    """表格模板。"""


@sheet.command("list")
def sheet_list() -> None:
    """列出全部表格。"""
    from core.sheets import desk, export_desk

    for name, title in desk.sheet_names().items():
        click.echo(f"{name}\t{title}")
    for name, title in export_desk.export_names().items():
        click.echo(f"{name}\t{title}（只能导出）")


@sheet.command("template")
@click.argument("name")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
def sheet_template(name: str, out: Path) -> None:
    """下载空白模板。"""
    from core.sheets import desk

    out.write_bytes(desk.template_bytes(name))
    click.echo(f"已保存 {out}")


@main.command("import")
@click.argument("name", metavar="SHEET")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--plan", "plan_no", help="考试计划编号")
@click.option("--dry-run", is_flag=True, help="只检查，不写入")
@click.option("--all-or-none", is_flag=True, help="全部通过才导入：有一行不合格就不写入")
@click.option("--errors", "errors_out", type=click.Path(dir_okay=False, path_type=Path), help="保存失败数据")
@as_json
@as_account
def import_sheet(
    actor: Actor,
    name: str,
    file: Path,
    plan_no: str | None,
    dry_run: bool,
    all_or_none: bool,
    errors_out: Path | None,
    wants_json: bool,
) -> None:
    """导入一张表格。"""
    from core.sheets import desk

    report = desk.import_file(
        actor, name, file, file.name, plan_id=_plan_id(plan_no), dry_run=dry_run, all_or_none=all_or_none
    )
    _show_report(actor, report, errors_out, wants_json)


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--errors", "errors_out", type=click.Path(dir_okay=False, path_type=Path), help="保存失败清单")
@as_json
@as_account
def photos(actor: Actor, file: Path, errors_out: Path | None, wants_json: bool) -> None:
    """上传学生照片（zip，以证件号码命名）。"""
    from core.sheets import desk

    _show_report(actor, desk.import_photos(actor, file.read_bytes(), file.name), errors_out, wants_json)


def _show_report(actor: Actor, report: Any, errors_out: Path | None, wants_json: bool) -> None:
    from core.sheets import desk

    for error in report.errors:
        click.echo(f"第 {error.row} 行 {error.column}：{error.message}")
    click.echo(f"共 {report.row_count} 行：接受 {report.accepted}，拒绝 {report.rejected}，未变 {report.unchanged}")
    if errors_out is not None and report.rejected and report.job_id is not None:
        errors_out.write_bytes(desk.failed_rows(actor, report.job_id))
    if wants_json:
        _print_json(report.as_json())
    sys.exit(1 if report.rejected else 0)


@main.command()
@click.argument("name", metavar="SHEET")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--plan", "plan_no", help="考试计划编号")
@click.option("--where", "conditions", multiple=True, metavar="FIELD=VALUE", help="筛选条件，可重复")
@as_account
def export(actor: Actor, name: str, out: Path, plan_no: str | None, conditions: tuple[str, ...]) -> None:
    """导出一张表格或列表（名称见 sheet list）；文件写明导出人、时间和编号，并留下导出记录。"""
    from core.sheets import desk, export_desk

    where = dict(condition.split("=", 1) for condition in conditions if "=" in condition)
    lists = export_desk.export_names()
    if name not in desk.sheet_names() | lists:
        raise NotFound("sheet_unknown", value=name, known=[*desk.sheet_names(), *lists])
    take = export_desk.take_directly if name in lists else desk.export_rows
    with _written(out) as file:
        count = take(actor, name, file, plan_id=_plan_id(plan_no), where=where)
    click.echo(f"已导出 {count} 行到 {out}")


# -- the year ------------------------------------------------------------------------------------------------------


@main.command()
@click.argument("plan_no")
@click.option("--dry-run", is_flag=True, help="只计算，不保存")
@as_json
@as_account
def arrange(actor: Actor, plan_no: str, dry_run: bool, wants_json: bool) -> None:
    """为一个考试计划排考。"""
    from core.usecases import arrangement

    plan_id = _plan_id(plan_no) or 0
    if dry_run:
        seating = arrangement.try_arrangement(actor, plan_id=plan_id)
    else:
        with db.transaction(actor) as tx:
            seating = arrangement.arrange_seats(tx, plan_id=plan_id)
    click.echo(f"已排 {seating.seated} 科次，还剩 {seating.unseated} 科次未排考")
    if wants_json:
        _print_json({"seated": seating.seated, "unseated": seating.unseated, "subjects": seating.unseated_by_subject})
    sys.exit(1 if seating.unseated else 0)


@main.command()
@click.argument("kind")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--plan", "plan_no", required=True, help="考试计划编号")
@click.option("--site", "site_no", help="考核站点编号")
@click.option("--room", "room_name", help="考场名称")
@as_account
def documents(actor: Actor, kind: str, out: Path, plan_no: str, site_no: str | None, room_name: str | None) -> None:
    """下载准考证 ticket、签到表 sign-in、桌贴 desk-label、门贴 door-label。"""
    from core.queries.plans import site_by_number
    from core.usecases.printing import print_documents

    with db.transaction(actor) as tx, _written(out) as file:
        site_id = site_by_number(tx.session, site_no) if site_no else None
        count = print_documents(
            tx, kind=kind, plan_id=_plan_id(plan_no) or 0, out=file, site_id=site_id, room_name=room_name
        )
    click.echo(f"已生成 {count} 份到 {out}")


@main.command()
@click.argument("plan_no", required=False)
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="看到哪一天为止")
def timeline(plan_no: str | None, until: datetime | None) -> None:
    """接下来会发生什么。"""
    from core.queries.plans import coming_edges

    end = datetime.combine(until.date(), time.max, clock.zone()) if until else None
    with db.reading() as session:
        for instant, name, words in coming_edges(session, clock.now(), plan_no=plan_no, until=end):
            click.echo(f"{when(instant)}\t{words}\t{name}")


# -- looking after it ----------------------------------------------------------------------------------------------


@main.command()
@click.option("--rebuild", is_flag=True, help="先按流水重算指标余额、按实际行数重算列表计数，再核对")
@as_json
def reconcile(rebuild: bool, wants_json: bool) -> None:
    """核对各项数量关系。"""
    from core.queries.reconcile import reconcile as check

    if rebuild:
        _rebuild()
    with db.reading() as session:
        sums = check(session)
    for item in sums:
        mark = "正确" if not item.broken else f"{item.broken} 处不符，如 {item.examples}"
        click.echo(f"{item.name}：{mark}")
    broken = sum(item.broken for item in sums)
    if wants_json:
        _print_json({"broken": broken, "sums": {item.name: item.broken for item in sums}})
    sys.exit(1 if broken else 0)


def _rebuild() -> None:
    """What is kept beside the truth is set to the truth; how much was wrong is said and stands in the trail."""
    from core.usecases.quotas import rebuild_balances
    from core.usecases.tallies import rebuild_tallies

    with db.transaction(SYSTEM.on("cli")) as tx:
        balances = rebuild_balances(tx)
    with db.transaction(SYSTEM.on("cli")) as tx:
        tables = rebuild_tallies(tx)
    click.echo(f"已重算：指标余额 {balances} 条，列表计数 {tables} 个。")


@main.group(cls=Chinese)
def audit() -> None:
    """操作日志。"""


@audit.command("verify")
@click.option("--anchor", type=click.Path(dir_okay=False, path_type=Path), help="另存的链头；没有就写一个")
def audit_verify(anchor: Path | None) -> None:
    """验证操作日志的哈希链。"""
    from core.queries.reconcile import verify_chain

    kept = json.loads(anchor.read_text()) if anchor and anchor.exists() else None
    with db.reading() as session:
        verdict = verify_chain(session, anchor=(kept["length"], kept["head"]) if kept else None)
    if verdict.broken_at is not None:
        click.echo(f"哈希链在第 {verdict.broken_at} 号记录处断裂。")
        sys.exit(1)
    if anchor:
        anchor.write_text(json.dumps({"length": verdict.length, "head": verdict.head}))
    click.echo(f"哈希链完整，共 {verdict.length} 条。")


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def verify(file: Path) -> None:
    """离线检查一份证书文件的电子签章。"""
    from core.gateways.seal import LocalSealer
    from core.notifications.words import problem

    verdict = LocalSealer().check(file.read_bytes())
    click.echo(problem(verdict.detail_code) + (f" {when(verdict.sealed_at)}" if verdict.sealed_at else ""))
    sys.exit(0 if verdict.is_valid else 1)


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """备份数据库与文件到一个归档。"""
    from core.keeping import back_up

    click.echo(f"已备份 {back_up(file)} 字节到 {file}")


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(file: Path) -> None:
    """从归档恢复（数据目录须为空）。"""
    from core.keeping import bring_back

    bring_back(file)
    click.echo(f"已恢复到 {settings.current().data_dir}")


@main.command("settings")
def show_settings() -> None:
    """列出全部设置。"""
    here = settings.current()
    for name, info in settings.Settings.model_fields.items():
        value = settings.shown(name, getattr(here, name))
        click.echo(f"{settings.PREFIX}{name.upper()}={value}\t{info.description}")


@contextmanager
def _written(out: Path) -> Iterator[Any]:
    """A file that appears whole or not at all."""
    draft = out.with_name(f".{out.name}.part")
    try:
        with draft.open("w+b") as file:
            yield file
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)


def _print_json(value: dict[str, Any]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


if __name__ == "__main__":
    main()
