"""Tokens: asked for with an assertion that counts once, issued bound to the certificate, counted by the hour."""

from datetime import datetime, timedelta

from broker.access.errors import AccessError, AssertionRefusedError
from broker.access.rules import (
    CertificateOwner,
    VerifiedAssertion,
    identify_certificate,
    make_token_claims,
    verify_certificate_time,
    verify_client,
)
from broker.access.store import count_token, delete_expired, insert_assertion, is_used, take_counts
from broker.audit.refusals import RefusalRecorder
from broker.budget import MinuteBudget
from broker.clock import Clock
from broker.directory.live import Directory
from broker.http.connection import ClientConnection
from broker.http.refusal import Refusal, RefusedError, find_refusal
from broker.storage.fair_queue import Turn
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import Transaction
from keys.tokens import CLOCK_SKEW_SECONDS, TOKEN_SECONDS, TokenKey
from schemas.api import TokenAnswer
from schemas.log.records import RecordType

MAX_TOKENS_PER_MINUTE = 600
# The whole time in which an assertion or the token made of it could be shown again.
_MEMORY = timedelta(seconds=TOKEN_SECONDS + 2 * CLOCK_SKEW_SECONDS)


class AccessService:
    """The token endpoint's use cases."""

    def __init__(
        self,
        exchange: str,
        token_key: TokenKey,
        directory: Directory,
        writer: GroupCommitWriter,
        refusals: RefusalRecorder,
        clock: Clock,
    ) -> None:
        self._exchange = exchange
        self._token_key = token_key
        self._directory = directory
        self._writer = writer
        self._refusals = refusals
        self._clock = clock
        self._budget = MinuteBudget(MAX_TOKENS_PER_MINUTE)

    async def issue_token(self, connection: ClientConnection, unverified_assertion: str) -> TokenAnswer:
        """Return an access token for a client assertion, bound to the connection's certificate.

        Raises:
            AccessError: it is refused; where the certificate is a member's, the refusal is in the log.
            RefusedError: the member has asked for too many tokens this minute (`too-many-requests`).
            StoreError: the assertion could not be marked as used.
        """
        now = self._clock.now()
        owner = await self._directory.judge(lambda members: identify_certificate(members, connection.certificate))
        try:
            return await self._issue(owner, connection.thumbprint, unverified_assertion, now)
        except AccessError as error:
            refusal = find_refusal(error)
            assert refusal is not None  # noqa: S101 - every code of an AccessError is a problem's
            await self._refusals.record(refusal, owner.agency, None)
            raise

    async def record_counts(self, *, including_this_hour: bool = False) -> None:
        """Write one leaf a member and hour for the tokens of the hours that are over."""
        now = self._clock.now()
        before = now + timedelta(hours=1) if including_this_hour else _start_of_hour(now)

        def record(transaction: Transaction) -> None:
            for counted in take_counts(transaction.connection, before):
                transaction.append(
                    RecordType.TOKENS_ISSUED, concerns=[counted.agency], agency=counted.agency, count=counted.tokens
                )

        await self._writer.commit(record)

    async def _issue(
        self, owner: CertificateOwner, thumbprint: bytes, unverified_assertion: str, now: datetime
    ) -> TokenAnswer:
        verify_certificate_time(owner, now)
        verified = await self._directory.judge(
            lambda members: verify_client(members, owner.agency, unverified_assertion, self._exchange, now)
        )
        self._verify_budget(owner.agency, int(now.timestamp()))
        await self._writer.commit(lambda transaction: _use_once(transaction, verified), Turn.to_collect(owner.agency))
        claims = make_token_claims(verified.claims, thumbprint, self._exchange, now)
        return TokenAnswer(
            access_token=self._token_key.issue(claims),
            token_type="Bearer",  # noqa: S106 - a type's name (RFC 6750), no secret
            expires_in=TOKEN_SECONDS,
            scope=verified.claims.scope,
        )

    def _verify_budget(self, agency: str, second: int) -> None:
        # Each token is a write that is kept for minutes: nobody may make the others wait for theirs.
        if self._budget.spend(agency, second // 60) <= 0:
            sentence = f"{agency} was given {MAX_TOKENS_PER_MINUTE} tokens this minute; a token works for five"
            raise RefusedError(Refusal("too-many-requests", sentence, retry_after_seconds=60 - second % 60))


def _use_once(transaction: Transaction, verified: VerifiedAssertion) -> None:
    connection, now, claims = transaction.connection, transaction.now, verified.claims
    delete_expired(connection, now)
    if is_used(connection, claims.jti):
        raise AssertionRefusedError("the assertion was used before: make a new one", "jti")
    insert_assertion(connection, claims.jti, claims.sub, verified.kid, now + _MEMORY)
    count_token(connection, claims.sub, _start_of_hour(now))


def _start_of_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
