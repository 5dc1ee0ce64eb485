"""Letters to people who have no chat with us yet: a code, a link. Never a fact that carries authority by itself.

Addresses come from KAOWU_NOTIFY_URLS: apprise addresses, separated by spaces, with `{mobile}` or `{email}` where the
addressee goes. Without any, letters lie as files in the data directory for the operator to pass on.
"""

from __future__ import annotations

import logging
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from core import clock, settings

log = logging.getLogger(__name__)


class CourierTrouble(Exception):
    """The letter did not leave; nothing is said of where it was meant to go, for addresses hold secrets."""


@dataclass(frozen=True, slots=True)
class Letter:
    """text to whoever is at mobile (11 digits) or email; one of the two is filled at least."""

    text: str
    mobile: str = ""
    email: str = ""


class Courier(Protocol):
    """Takes a letter, or raises CourierTrouble."""

    def send(self, letter: Letter) -> None: ...


@dataclass(frozen=True, slots=True)
class FolderCourier:
    """A file per letter, readable by its owner alone; the name sorts by time."""

    folder: Path

    def send(self, letter: Letter) -> None:
        """Write it down."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{clock.local(clock.now()):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}.txt"
        handle = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{letter.mobile or letter.email}\n{letter.text}\n")


@dataclass(frozen=True, slots=True)
class AppriseCourier:
    """The first address that has a place for this addressee."""

    addresses: tuple[str, ...]

    def send(self, letter: Letter) -> None:
        """Hand it to apprise."""
        import apprise  # two hundred services: only when a letter leaves

        for address in self.addresses:
            filled = _addressed(address, letter)
            if filled is None:
                continue
            post = apprise.Apprise()
            if post.add(filled) and post.notify(body=letter.text, title="考务"):
                return
        log.warning("a letter did not leave: no address took it")
        raise CourierTrouble


def _addressed(address: str, letter: Letter) -> str | None:
    for gap, value in (("{mobile}", letter.mobile), ("{email}", letter.email)):
        if gap in address:
            return address.replace(gap, quote(value, safe="")) if value else None
    return None


def courier() -> Courier:
    """The one the settings name."""
    here = settings.current()
    addresses = tuple(here.notify_urls.split())
    return AppriseCourier(addresses) if addresses else FolderCourier(here.data_dir / "letters")
