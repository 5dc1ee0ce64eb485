"""Certificates to be made, and signing pages whose five minutes are over."""

from __future__ import annotations

from functools import lru_cache

from core import clock, settings
from core.gateways.seal import LocalSealer, Sealer
from core.queries.certificates import issuances_to_generate, signings_to_expire
from core.usecases import certificates, signing
from jobs.due import each


def generate() -> None:
    """R-241: whatever the TEO has ordered and both have signed."""
    each(
        "certificate",
        issuances_to_generate(),
        lambda tx, ident: certificates.generate_certificate(
            tx, issuance_id=ident, sealer=_sealer(), verify_base=settings.current().base_url
        ),
    )


def expire_signings() -> None:
    """T-19."""
    due = signings_to_expire(clock.now())
    each("signing", due, lambda tx, ident: signing.expire_signing(tx, session_id=ident))


@lru_cache(maxsize=1)
def _sealer() -> Sealer:
    return LocalSealer()
