"""Reviewing an application in chat, step by step: who is asked, the recap, and what stands in the rows afterwards."""

from __future__ import annotations

from sqlalchemy import func, select

from core.actors import Actor
from core.db import Tx, reading
from core.models.accounts import AccountRole, UserAccount
from core.models.pilots import PilotApplication, ReviewRecord
from core.models.records import ChatDraft, Notification
from core.notifications.pilots import ApplicationWaiting
from core.queries.accounts import actor_for
from core.rules.organisations import Role
from core.rules.pilots import ReviewStep
from core.usecases import notices
from tests.bot.conftest import Chat

WAITING, DECIDED = ApplicationWaiting.kind, "pilots.application_decided"
PROVINCE, CITY, OTHER_PROVINCE = "hubei", "wuhan", "zhejiang"
COLLEGE = "chutian"  # the city has passed its application, the province has it
AT_CITY = "jiangcheng"
WHY = "请补充实训室的设备数量和软件清单。"
GO, NO, CONFIRM = "通过 24 人", "退回并说明", "确认批准 24 人"


def ident(chat: Chat, college: str = COLLEGE) -> int:
    return chat.world.ids[f"application:{college}:again"]


def application(chat: Chat, college: str = COLLEGE) -> PilotApplication:
    with reading() as session:
        found = session.get_one(PilotApplication, ident(chat, college))
        session.expunge(found)
        return found


def decisions_made(chat: Chat, college: str = COLLEGE) -> int:
    """Records of reviews by the province."""
    with reading() as session:
        made = select(func.count(ReviewRecord.id)).where(
            ReviewRecord.application_id == ident(chat, college),
            ReviewRecord.step.in_([ReviewStep.PRELIMINARY, ReviewStep.FINAL]),
        )
        return session.scalar(made) or 0


def drafts() -> int:
    with reading() as session:
        return session.scalar(select(func.count(ChatDraft.id))) or 0


def actor(chat: Chat, login: str, channel: str = "panel") -> Actor:
    with reading() as session:
        found = actor_for(session, chat.account(login), channel)
    assert found is not None
    return found


def ask_for(chat: Chat, number: int) -> None:
    """The application changes under everybody's hands."""
    chat.do(lambda tx: tx.update_all(PilotApplication, PilotApplication.id == ident(chat), requested_count=number))


def joins_the_province(chat: Chat, login: str = CITY) -> None:
    """Another person becomes a second reviewer of the province, and is asked what the first one was."""

    def join(tx: Tx) -> None:
        account = tx.get(UserAccount, chat.account(login))
        account.authority_id = tx.get(UserAccount, chat.account(PROVINCE)).authority_id
        tx.session.scalars(select(AccountRole).where(AccountRole.account_id == account.id)).one().role = Role.PROVINCE
        tx.session.flush()
        tx.notify(notices.revive_of(tx.get(Notification, chat.notice(PROVINCE, WAITING, ident(chat)).id)))

    chat.do(join)


async def asked(chat: Chat, login: str = PROVINCE, college: str = COLLEGE) -> tuple[Notification, int]:
    return await chat.gets(login, WAITING, ident(chat, college))


async def recapped(chat: Chat, login: str, message: int) -> str:
    """Press 通过; the recap that the message turns into."""
    await chat.presses(login, message, GO)
    return await chat.reads(login, message, "现在还没有通过")


def newest(chat: Chat, login: str = PROVINCE) -> int:
    return int(chat.heard(login)[-1]["message_id"])
