"""Free words that ask for something to be shown: the few that matter, by whole words of the field, or nothing.

An intent only ever shows; what would decide something is never guessed (chat.md, text replies).
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum

LONGEST = 24  # characters: a question, not a letter


class Intent(Enum):
    """What may be asked for."""

    NUMBERS = "numbers"
    DEADLINES = "deadlines"
    TODO = "todo"
    SIGN = "sign"
    HELP = "help"


_ASKED = {
    Intent.NUMBERS: re.compile(r"多少人|几个人|还差|人数|剩余|名额|指标"),
    Intent.DEADLINES: re.compile(r"截止|什么时候|几号|哪天|时间|日期|到期"),
    Intent.TODO: re.compile(r"待办|要办|要做什么|有什么事|没办|未办"),
    Intent.SIGN: re.compile(r"待签|要签|签名页|签发页"),
    Intent.HELP: re.compile(r"帮助|怎么用|怎么办|会什么|能做什么"),
}
_ACT = re.compile(r"同意|通过|退回|确认|批准|提交|撤销|取消|删除|写入|发布|签字")  # somebody means to do something
_NOISE = re.compile(r"[\s,.!?;:，。！？；：、~～…]+")


def intent_of(text: str) -> Intent | None:
    """The one thing that is asked for; None for an act, for two things at once, for a letter, and for small talk."""
    words = _NOISE.sub("", unicodedata.normalize("NFKC", text))
    if not words or len(words) > LONGEST or _ACT.search(words):
        return None
    found = [intent for intent, pattern in _ASKED.items() if pattern.search(words)]
    return found[0] if len(found) == 1 else None
