"""The caller of a request: certificate and token verified together, each conclusion kept for the connection's life.

What can change is judged on every request: the token's end, the key behind it, the certificate's end. Only what cannot
change is kept: whose certificate it is for as long as the members' CAs stay, and that the token's signature verified.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from starlette.requests import Request

from broker.access.caller import Caller
from broker.access.errors import CertificateUnknownError, RoleNotAllowedError, TokenRefusedError
from broker.access.freshness import AlwaysFresh, Freshness
from broker.access.rules import CertificateOwner, identify_certificate, verify_role, verify_token_holder
from broker.access.store import select_key
from broker.audit.refusals import RefusalRecorder
from broker.clock import Clock
from broker.directory.live import Directory
from broker.directory.members import Members
from broker.http.connection import ClientConnection, connection_of
from broker.http.refusal import find_refusal
from broker.storage.engine import Database
from keys.errors import TokenError
from keys.tokens import TokenClaims, TokenKey
from schemas.log.records import Role

_SCHEME = "Bearer "


@dataclass(frozen=True, slots=True)
class _KnownToken:
    text: str
    claims: TokenClaims
    kid: str


@dataclass(frozen=True, slots=True)
class _KnownOwner:
    """Whose certificate a connection has, by the members' CAs of that moment."""

    owner: CertificateOwner
    authorities: Mapping[bytes, tuple[str, bytes]]


class Authentication:
    """Finds out who calls."""

    def __init__(
        self,
        exchange: str,
        token_key: TokenKey,
        directory: Directory,
        database: Database,
        refusals: RefusalRecorder,
        clock: Clock,
        freshness: Freshness | None = None,
    ) -> None:
        self._exchange = exchange
        self._token_key = token_key
        self._directory = directory
        self._database = database
        self._refusals = refusals
        self._clock = clock
        self._freshness = freshness or AlwaysFresh()

    async def find_caller(self, request: Request, *allowed: Role) -> Caller:
        """Return the caller, who must have one of the roles `allowed` (any when none is named).

        Raises:
            CertificateUnknownError, TokenRefusedError: nobody is shown to call; counted, not logged.
            RoleNotAllowedError: the role may not do this; the refusal is in the log.
            StoreUnreachableError: what others wrote of keys may be missing, and cannot be read.
        """
        if self._freshness.is_stale:
            await self._freshness.renew()
        connection = connection_of(request.scope)
        now = self._clock.now()
        owner = await self._directory.judge(lambda members: _identify(connection, members))
        token = self._find_token(connection, request.headers.get("authorization", ""))
        caller = await self._directory.judge(
            lambda members: verify_token_holder(members, token.claims, token.kid, owner, connection.thumbprint, now)
        )
        try:
            verify_role(caller.role, allowed)
        except RoleNotAllowedError as error:
            refusal = find_refusal(error)
            assert refusal is not None  # noqa: S101 - its code is a problem's
            await self._refusals.record(refusal, caller.agency, caller.actor)
            raise
        return caller

    def recognise(self, connection: ClientConnection) -> None:
        """Let a connection know its member before anything is taken from it; a stranger's stays a stranger's."""
        with suppress(CertificateUnknownError):
            _identify(connection, self._directory.current)

    def _find_token(self, connection: ClientConnection, authorization: str) -> _KnownToken:
        if not authorization.startswith(_SCHEME):
            raise TokenRefusedError("an access token is required: Authorization: Bearer", "Authorization")
        text = authorization[len(_SCHEME) :]
        known = connection.recall(_KnownToken)
        if known is None or known.text != text:
            known = self._verify_token(text)
            connection.keep(known)
        return known

    def _verify_token(self, text: str) -> _KnownToken:
        try:
            claims = self._token_key.verify(text, exchange=self._exchange, now=self._clock.now())
        except TokenError as error:
            raise TokenRefusedError(str(error), "Authorization") from error
        with self._database.read() as connection:
            kid = select_key(connection, claims.jti, claims.sub)
        if kid is None:
            raise TokenRefusedError("the access token is no longer known here: ask for a new one", "Authorization")
        return _KnownToken(text, claims, kid)


def _identify(connection: ClientConnection, members: Members) -> CertificateOwner:
    known = connection.recall(_KnownOwner)
    # A change of CAs closes our own connections, but none of a terminator's, over which somebody may be waiting.
    if known is None or known.authorities is not members.authorities:
        connection.agency = ""
        owner = identify_certificate(members, connection.certificate)
        known = _KnownOwner(owner, members.authorities)
        connection.keep(known)
        connection.agency = owner.agency
    return known.owner
