"""图形验证码 (R-003, R-008): a picture only a person reads easily; signed, good for one answer and for ten minutes.

The letters follow from a nonce and the installation's key, so nothing is stored but which ones have been answered.
That memory is this process's, as the counters of attempts are.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import threading
import unicodedata
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from captcha.image import ImageCaptcha
from flask import jsonify, request
from flask.typing import ResponseReturnValue

from core import clock, settings
from core.errors import ValueRefused

VALID_FOR = timedelta(minutes=10)
_LETTERS = "ACEFHJKLMNPRTUVWXY34679"  # nothing that is read as something else
_LENGTH = 4
WIDTH, HEIGHT = 148, 48
_INK, _PAPER = (21, 62, 104), (251, 252, 253)
_KEPT = 20_000
_answered: OrderedDict[str, None] = OrderedDict()
_lock = threading.Lock()


class _Maker(ImageCaptcha):
    """Dark letters side by side: the library's own are pale in dark ink and lie across each other."""

    lookup_table = [min(255, level * 5) for level in range(256)]
    word_offset_dx = 0.08


@dataclass(frozen=True, slots=True)
class Picture:
    """What a form needs: the token in a hidden field, and the picture as a data: address."""

    token: str
    src: str
    typed: str = ""


def fresh() -> Picture:
    """A picture nobody has seen."""
    until = int((_machine_time() + VALID_FOR).timestamp())
    nonce = f"{until:x}.{secrets.token_urlsafe(9)}"
    return drawn(f"{nonce}.{_mac(nonce)}")


def drawn(token: str, typed: str = "") -> Picture:
    """The letters of a token as a picture, different every time."""
    image = (
        _Maker(width=WIDTH, height=HEIGHT, font_sizes=(34, 38, 40))
        .generate(letters_of(token), format="png", bg_color=_PAPER, fg_color=_INK)
        .getvalue()
    )
    return Picture(token, f"data:image/png;base64,{base64.b64encode(image).decode()}", typed)


def again(values: Any) -> Picture:
    """The same picture with what was typed, where something else on the form was wrong; else a fresh one."""
    token = values.get("captcha_token", "")
    return drawn(token, values.get("captcha", "")[:20]) if _is_good(token) else fresh()


def require(values: Any) -> None:
    """ValueRefused unless the letters of the picture were typed; right or wrong, the picture is answered then."""
    token = values.get("captcha_token", "")
    is_good = _is_good(token)
    if is_good:
        with _lock:
            is_good = token not in _answered
            _answered[token] = None
            while len(_answered) > _KEPT:
                _answered.popitem(last=False)
    typed = unicodedata.normalize("NFKC", values.get("captcha", "")).upper()
    if not is_good or not hmac.compare_digest("".join(typed.split()).encode(), letters_of(token).encode()):
        raise ValueRefused("captcha_wrong", rule="R-008")


def another() -> ResponseReturnValue:
    """看不清，换一张, without loading the page again."""
    picture = fresh()
    return jsonify(token=picture.token, src=picture.src)


def letters_of(token: str) -> str:
    """What the picture of a token shows."""
    digest = hmac.new(settings.secret_key(), b"captcha letters" + token.encode(), "sha256").digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:_LENGTH])


def wants_another() -> bool:
    """True where the button for another picture has sent the form, on a browser without scripts."""
    return request.form.get("act") == "again"


def _is_good(token: str) -> bool:
    """Ours, in time, and not answered yet."""
    nonce, _, mac = token.rpartition(".")
    if not nonce or not hmac.compare_digest(mac.encode(), _mac(nonce).encode()):
        return False
    until = datetime.fromtimestamp(int(nonce.partition(".")[0], 16), clock.zone())
    return token not in _answered and _machine_time() <= until


def _mac(nonce: str) -> str:
    return hmac.new(settings.secret_key(), b"captcha" + nonce.encode(), "sha256").hexdigest()[:32]


def _machine_time() -> datetime:
    """The demo's travels do not make a picture old."""
    return clock.now() - clock.offset()
