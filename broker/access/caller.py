"""The caller behind a request, after certificate and token were verified together."""

from dataclasses import dataclass
from datetime import datetime

from schemas.log.records import Actor, Role


@dataclass(frozen=True, slots=True)
class Caller:
    """A member's node in one role.

    `certificate` is SHA-256 of the client certificate, `authority` the thumbprint of the CA key that issued it,
    `expires_at` its token's end, `kid` the thumbprint of the request key that asked for the token; authority and key
    are absent where nobody asked for one.
    """

    agency: str
    node: str
    role: Role
    certificate: bytes
    expires_at: datetime
    kid: str | None = None
    authority: bytes | None = None

    @property
    def actor(self) -> Actor:
        """Return the caller as log records name it."""
        return Actor(agency=self.agency, node=self.node, role=self.role)
