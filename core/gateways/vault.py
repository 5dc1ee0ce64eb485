"""Small secrets that have to be read again: kept encrypted with a key that follows from the installation's own."""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken

from core import settings


def shut(secret: str) -> str:
    """The secret as it may lie in a table."""
    return _fernet().encrypt(secret.encode()).decode()


def opened(kept: str) -> str | None:
    """The secret again; None where the installation's key is another one by now."""
    try:
        return _fernet().decrypt(kept.encode()).decode()
    except InvalidToken:
        return None


def _fernet() -> Fernet:
    key = hmac.new(settings.secret_key(), b"kaowu vault", hashlib.sha256).digest()
    return Fernet(base64.urlsafe_b64encode(key))
