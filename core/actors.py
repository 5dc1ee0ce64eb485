"""Who acts: a person with roles in one organisation on one channel, or the system itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Actor:
    """Everything a permission needs to know about who is asking; made at the edge, never stored.

    roles: values of core.rules.permissions.Role. Exactly one of authority_id, org_id, college_id, candidate_id is
    set for people who belong somewhere; province_code and city_code say where an authority rules.
    """

    login: str
    roles: frozenset[str]
    account_id: int | None = None
    authority_id: int | None = None
    org_id: int | None = None
    college_id: int | None = None
    candidate_id: int | None = None
    province_code: str | None = None
    city_code: str | None = None
    channel: str = "system"
    is_system: bool = field(default=False)

    def on(self, channel: str) -> Actor:
        """The same person on another channel (panel, chat, phone, cli)."""
        return replace(self, channel=channel)


SYSTEM = Actor(login="system", roles=frozenset({"system"}), is_system=True)
