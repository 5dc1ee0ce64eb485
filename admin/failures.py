"""Which logins were refused lately, typed as they were: where the captcha is asked for after a failure (R-008).

Logins that do not exist are remembered like those that do, so that the captcha tells nobody which is which.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime, timedelta

from core import clock
from core.errors import Refusal

REMEMBERED_FOR = timedelta(minutes=30)
_KEPT = 20_000


class Failures:
    """The memory of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: OrderedDict[str, datetime] = OrderedDict()

    def has(self, login: str) -> bool:
        """Whether the last try with this login was refused, and not long ago."""
        with self._lock:
            last = self._last.get(login.lower())
        return last is not None and clock.now() - last <= REMEMBERED_FOR

    def note(self, login: str, refusal: Refusal) -> None:
        """One refusal more; a wrong captcha says nothing of the password."""
        if refusal.sentence_code == "captcha_wrong":
            return
        with self._lock:
            self._last[login.lower()] = clock.now()
            self._last.move_to_end(login.lower())
            while len(self._last) > _KEPT:
                self._last.popitem(last=False)

    def forget(self, login: str) -> None:
        """The right password has been typed."""
        with self._lock:
            self._last.pop(login.lower(), None)
