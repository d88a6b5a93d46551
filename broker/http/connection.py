"""What the broker knows of one connection: the client's certificate, and what was concluded from it."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, TypeVar, cast

from starlette.requests import Request
from starlette.types import Scope

_SCOPE_KEY = "bilateral.connection"

T = TypeVar("T")


@dataclass(slots=True)
class ClientConnection:
    """One connection. `certificate` is the client's, in DER, as TLS verified it; absent on a listener without TLS.

    `memo` keeps what a feature concluded from the certificate, so that it is concluded once a connection: a change of
    the enrolled CAs closes every connection, and the memo goes with it. `agency` is whose certificate it is, once
    somebody has asked.
    """

    certificate: bytes | None
    agency: str = ""
    memo: dict[type, Any] = field(default_factory=dict)
    thumbprint: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.thumbprint = sha256(self.certificate or b"").digest()

    @property
    def party(self) -> str | bytes:
        """Return who is answerable for what comes over it: its member or, before that is known, its certificate."""
        return self.agency or self.thumbprint

    def recall(self, kind: type[T]) -> T | None:
        """Return what was kept of this type, or nothing."""
        return cast(T | None, self.memo.get(kind))

    def keep(self, value: object) -> None:
        """Keep one value of its type for as long as the connection lives."""
        self.memo[type(value)] = value


def put_connection(scope: Scope, connection: ClientConnection) -> None:
    """Let a request know the connection it came over."""
    scope.setdefault("extensions", {})[_SCOPE_KEY] = connection


def connection_of(scope: Scope) -> ClientConnection:
    """Return the connection a request came over; one without a certificate where no server of ours put one."""
    found = (scope.get("extensions") or {}).get(_SCOPE_KEY)
    return found if isinstance(found, ClientConnection) else ClientConnection(None)


async def wait_until_left(request: Request) -> None:
    """Return once the client of a request whose body was read has hung up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
