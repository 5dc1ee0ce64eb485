"""Letters of the web edge: handed to the courier after the commit, and in the demo, which has none, shown instead."""

from __future__ import annotations

import logging
import threading

from core import settings
from core.gateways.courier import CourierTrouble, Letter, courier

log = logging.getLogger(__name__)


def deliver(letter: Letter | None) -> bool:
    """True when it is on its way, or when there is none; whatever goes wrong is logged without address or words."""
    if letter is None:
        return True
    try:
        courier().send(letter)
    except CourierTrouble:
        return False
    except Exception as trouble:
        log.error("a letter did not leave: %s", type(trouble).__name__)
        return False
    return True


def deliver_unseen(letter: Letter | None) -> None:
    """The same without letting anybody wait: how long it takes must not tell whether there was one."""
    if letter is not None:
        threading.Thread(target=deliver, args=(letter,), daemon=True).start()


def in_demo(letter: Letter | None) -> str:
    """The letter's words where there is no short message to carry them: in the demo only."""
    return letter.text if letter is not None and settings.current().demo else ""
