"""Updates pushed to a webhook, as Telegram does: in order for each chat, side by side for others, again until taken."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx

from bot.simulator.state import State
from core import clock, settings

AGAIN_AFTER = 0.2  # seconds; Telegram waits longer and longer
LONGEST = 60.0
HEADER = "X-Telegram-Bot-Api-Secret-Token"


class Pusher:
    """The threads that push; nothing runs before the first webhook on this machine is set.

    Addresses elsewhere are kept and never called: the simulator speaks to nobody but this machine.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._at_work: dict[int, threading.Thread] = {}  # by chat
        self._not_before: dict[int, float] = {}
        self._thread: threading.Thread | None = None
        self._closed = False

    def begin(self) -> None:
        """A webhook was set."""
        if self._thread is None and settings.is_loopback(self._state.webhook.get("url", "")):
            self._thread = threading.Thread(target=self._run, name="simulator-pusher", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Push nothing more; a push under way is not waited for."""
        with self._state.changed:
            self._closed = True
            self._state.changed.notify_all()

    def _run(self) -> None:
        with self._state.changed:
            while not self._closed:
                for update in self._ready():
                    chat = _chat_of(update)
                    work = threading.Thread(target=self._push, args=(dict(update), chat), daemon=True)
                    self._at_work[chat] = work
                    work.start()
                self._state.changed.wait(0.05)

    def _ready(self) -> list[dict[str, Any]]:
        """The oldest waiting update of every chat that may be pushed now, no more than the webhook takes at once."""
        hook = self._state.webhook
        first: dict[int, dict[str, Any]] = {}
        for update in self._state.updates if settings.is_loopback(hook.get("url", "")) else ():
            first.setdefault(_chat_of(update), update)
        now = time.monotonic()
        free = hook.get("max_connections", 0) - len(self._at_work)
        idle = [u for chat, u in first.items() if chat not in self._at_work and self._not_before.get(chat, 0) <= now]
        return idle[: max(free, 0)]

    def _push(self, update: dict[str, Any], chat: int) -> None:
        with self._state.changed:
            hook = dict(self._state.webhook)
        trouble = _pushed(hook, update) if hook else "Webhook was removed"
        with self._state.changed:
            if trouble:
                self._not_before[chat] = time.monotonic() + AGAIN_AFTER
                self._state.webhook_trouble = {
                    "last_error_date": int(clock.now().timestamp()),
                    "last_error_message": trouble,
                }
            elif update in self._state.updates:
                self._state.updates.remove(update)
            del self._at_work[chat]
            self._state.changed.notify_all()


def _chat_of(update: dict[str, Any]) -> int:
    """Whose update it is."""
    what = next(value for key, value in update.items() if key != "update_id")
    return int((what.get("chat") or what["from"])["id"])


def _pushed(hook: dict[str, Any], update: dict[str, Any]) -> str:
    """Push it once; "" when it was taken, otherwise Telegram's words for why not."""
    headers = {HEADER: hook["secret_token"]} if hook.get("secret_token") else {}
    try:
        with httpx.Client(trust_env=False, timeout=LONGEST) as client:
            answer = client.post(hook["url"], json=update, headers=headers)
    except httpx.TimeoutException:
        return "Read timeout expired"
    except httpx.HTTPError:
        return "Connection refused"
    if answer.is_success:
        return ""
    return f"Wrong response from the webhook: {answer.status_code} {answer.reason_phrase}"
