"""Letters to people whom no chat reaches: a code, a link, a headline. Never a fact that carries authority by itself.

Addresses come from KAOWU_NOTIFY_URLS: apprise addresses, separated by spaces, with a gap of core.rules.letters where
the addressee goes. Without any, letters lie as files in the data directory for the operator to pass on.
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
from core.rules.letters import GAPS, ROBOTS, Channel, channel_of

log = logging.getLogger(__name__)


class CourierTrouble(Exception):
    """The letter did not leave; nothing is said of where it was meant to go, for addresses hold secrets."""


@dataclass(frozen=True, slots=True)
class Letter:
    """text to whoever is at mobile (11 digits), email or robot (channel, key); one of them is filled at least.

    first: the channel this person would rather be reached by.
    """

    text: str
    mobile: str = ""
    email: str = ""
    robot: tuple[Channel, str] | None = None
    first: Channel | None = None

    def address(self, channel: Channel) -> str:
        """What fills the gap of a channel; "" where the person has none."""
        if self.robot is not None and channel is self.robot[0]:
            return self.robot[1]
        return {Channel.SMS: self.mobile, Channel.MAIL: self.email}.get(channel, "")


class Courier(Protocol):
    """Takes a letter and says by which channel, or raises CourierTrouble."""

    def send(self, letter: Letter) -> Channel: ...


@dataclass(frozen=True, slots=True)
class FolderCourier:
    """A file per letter, readable by its owner alone; the name sorts by time."""

    folder: Path

    def send(self, letter: Letter) -> Channel:
        """Write it down."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{clock.local(clock.now()):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}.txt"
        handle = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{letter.mobile or letter.email}\n{letter.text}\n")
        return Channel.BY_HAND


@dataclass(frozen=True, slots=True)
class AppriseCourier:
    """The first address that has a place for this addressee and takes the letter; the person's own choice before."""

    addresses: tuple[str, ...]

    def send(self, letter: Letter) -> Channel:
        """Hand it to apprise."""
        import apprise  # two hundred services: only when a letter leaves

        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its lines name hosts and what they answered
        for address in sorted(self.addresses, key=lambda one: channel_of(one) is not letter.first):
            channel = channel_of(address)
            filled = _addressed(address, letter)
            if channel is None or filled is None:
                continue
            post = apprise.Apprise()
            if post.add(filled) and post.notify(body=letter.text, title="考务"):
                return channel
        log.warning("a letter did not leave: no address took it")
        raise CourierTrouble


def _addressed(address: str, letter: Letter) -> str | None:
    for gap, channel in GAPS.items():
        if gap in address:
            value = letter.address(channel)
            # a robot's key was looked at when it was given (core.rules.letters); its @ stands before the host's part
            safe = value if channel in ROBOTS else quote(value, safe="")
            return address.replace(gap, safe) if value else None
    return None


def courier() -> Courier:
    """The one the settings name."""
    here = settings.current()
    addresses = tuple(here.notify_urls.split())
    return AppriseCourier(addresses) if addresses else FolderCourier(here.data_dir / "letters")
