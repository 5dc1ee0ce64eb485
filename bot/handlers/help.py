"""What the bot understands; said to everything it does not."""

from __future__ import annotations

from telegram import Update

from bot.context import Context
from bot.keyboards import Shown
from bot.words import say

COMMANDS = (
    ("todo", "待办：需要我办理和回复的事"),
    ("deadlines", "时间安排：接下来的开始与截止"),
    ("sign", "待签发：打开签名页面"),
    ("plan", "查看一个考试计划，如 /plan 202609170028"),
    ("settings", "提醒设置：静默时段与每日汇总"),
    ("lock", "手机丢失：冻结账号，如 /lock 登录名"),
    ("help", "帮助：怎样使用"),
)


async def help_(update: Update, context: Context) -> None:
    """Plain words."""
    await context.say(Shown(say("help", commands=COMMANDS)))


async def not_understood(update: Update, context: Context) -> None:
    """Nothing is guessed and nothing has changed."""
    await context.say(Shown(say("not_understood", commands=COMMANDS)))


async def edited(update: Update, context: Context) -> None:
    """A changed message is no new word."""
    await context.say(Shown(say("edited")))
