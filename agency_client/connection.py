"""The one connection to the broker: TLS 1.3 with both certificates, tokens, strict answers, refusals as errors.

It believes nothing: an answer is canonical JSON of the model that was asked for, or an error; what it claims is
verified by the flows.
"""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

import httpx

from agency_client.clock import Clock
from agency_client.deadline import Deadline, bind_deadline
from agency_client.errors import NotAuthenticatedError
from agency_client.node_identity import NodeIdentity, build_client_context
from agency_client.refusals import (
    BadAnswerError,
    BusyError,
    NotSentError,
    UnansweredError,
    UnavailableError,
    read_refusal,
)
from keys.generation import generate_id
from keys.tokens import ASSERTION_SECONDS, AssertionClaims, make_assertion
from schemas.api import ASSERTION_TYPE, PROTOCOL_VERSION, TOKEN_PATH, VERSION_HEADER, TokenAnswer
from schemas.attachments import OFFSET_HEADER, PIECE_MEDIA_TYPE
from schemas.codec import CodecError
from schemas.key_documents import ExchangeSheet
from schemas.log.records import Role
from schemas.model import WireModel

MAX_ANSWER_BYTES = 24 * 1024 * 1024
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 20.0
SLOWEST_BYTES_PER_SECOND = 8 * 1024
"""What a line must carry of our own body: that much longer a request may take."""
_RENEW_BEFORE_SECONDS = 30
_ENROL = "if this node was never enrolled, give its enrolment file to the exchange's operator; else try again"

Answer = TypeVar("Answer", bound=WireModel)
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class _Wait:
    """What the broker said of one address, and when."""

    told: BusyError
    since: datetime

    def holds(self, now: datetime) -> bool:
        """Return whether it is too early to ask again; a clock that was put back ends the wait."""
        return self.since <= now < self.since + timedelta(seconds=self.told.retry_after_seconds)


class BrokerConnection:
    """Calls the broker in one role. Not shared between threads.

    Where the broker asked to be asked again later, it is: until then nothing is sent to that address.
    """

    def __init__(
        self, base_url: str, sheet: ExchangeSheet, identity: NodeIdentity, clock: Clock, role: Role = Role.NODE
    ) -> None:
        self._base_url = base_url
        self._sheet = sheet
        self._identity = identity
        self._exchange = sheet.name
        self._clock = clock
        self._role = role
        self._token = ""
        self._token_until: datetime | None = None
        self._deadline = Deadline()
        self._waits: dict[str, _Wait] = {}
        self._http = self._make_client()

    def get(self, path: str, answer: type[Answer], query: Mapping[str, str | int] | None = None) -> Answer:
        """Ask for something.

        Raises:
            NotSentError, UnansweredError, BusyError, BadAnswerError: there is no usable answer, or none was asked for.
            RefusedError, RefusedConflictError, NotFoundError, NotAuthenticatedError: the broker refused.
        """
        return self._call("GET", path, answer, query=query)

    def post(self, path: str, body: bytes, answer: type[Answer], *, wait_seconds: float = 0) -> Answer:
        """Hand something over; `wait_seconds` is how much longer than usual the answer may take.

        Raises:
            as `get`.
        """
        return self._call("POST", path, answer, body=body, wait_seconds=wait_seconds)

    def patch(self, path: str, piece: bytes, answer: type[Answer], *, offset: int) -> Answer:
        """Add a piece to an upload at the offset where it stands.

        Raises:
            as `get`.
        """
        headers = {"Content-Type": PIECE_MEDIA_TYPE, OFFSET_HEADER: str(offset)}
        return self._insist(lambda: self._call_once("PATCH", path, answer, piece, None, 0, headers))

    def read_range(self, path: str, start: int, count: int) -> bytes:
        """Return `count` bytes of something from a byte on.

        Raises:
            as `get`; BadAnswerError: they are others, or not as many.
        """
        return self._insist(lambda: self._read_range_once(path, start, count))

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _call(
        self,
        method: str,
        path: str,
        answer: type[Answer],
        *,
        body: bytes | None = None,
        query: Mapping[str, str | int] | None = None,
        wait_seconds: float = 0,
    ) -> Answer:
        headers = {} if body is None else {"Content-Type": "application/json"}
        return self._insist(lambda: self._call_once(method, path, answer, body, query, wait_seconds, headers))

    def _insist(self, call: Callable[[], Found]) -> Found:
        try:
            return call()
        except UnavailableError:
            raise
        except (NotSentError, UnansweredError):
            if not self._turn_to_other_certificate():
                raise
            # The broker takes whatever is handed in twice as once.
            return call()
        except NotAuthenticatedError as error:
            if error.code != "token-refused":
                raise
            # Nothing was done there. A token ends early when the key that asked for it was replaced or revoked.
            return call()

    def _make_client(self) -> httpx.Client:
        context = build_client_context(self._sheet, self._identity)
        bind_deadline(context, self._deadline)
        return httpx.Client(
            base_url=self._base_url,
            verify=context,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            headers={VERSION_HEADER: str(PROTOCOL_VERSION), "Accept": "application/json"},
            follow_redirects=False,
            trust_env=False,
        )

    def _turn_to_other_certificate(self) -> bool:
        """Use the other certificate from now on, if there is one; a broker that knows neither is asked by turns."""
        other = self._identity.other_tls
        if other is None:
            return False
        self._identity = replace(self._identity, tls=other, other_tls=self._identity.tls)
        self._http.close()
        self._http, self._token_until = self._make_client(), None
        return True

    def _call_once(
        self,
        method: str,
        path: str,
        answer: type[Answer],
        body: bytes | None,
        query: Mapping[str, str | int] | None,
        wait_seconds: float,
        headers: Mapping[str, str],
    ) -> Answer:
        request = self._http.build_request(
            method,
            path,
            content=body,
            params=dict(query) if query else None,
            headers={**headers, "Authorization": f"Bearer {self._current_token()}"},
            timeout=httpx.Timeout(ANSWER_SECONDS + wait_seconds, connect=CONNECT_SECONDS),
        )
        sending_seconds = len(body or b"") / SLOWEST_BYTES_PER_SECOND
        return self._exchange_with_broker(request, answer, ANSWER_SECONDS + wait_seconds + sending_seconds)

    def _read_range_once(self, path: str, start: int, count: int) -> bytes:
        wanted = f"{start}-{start + count - 1}"
        headers = {"Authorization": f"Bearer {self._current_token()}", "Range": f"bytes={wanted}"}
        request = self._http.build_request("GET", path, headers=headers)
        response, data = self._fetch(request, ANSWER_SECONDS + count / SLOWEST_BYTES_PER_SECOND)
        told = response.headers.get("content-range", "").rpartition("/")[0]
        if response.status_code != httpx.codes.PARTIAL_CONTENT or told != f"bytes {wanted}" or len(data) != count:
            raise BadAnswerError("the broker's answer is not the range that was asked for")
        return data

    def _current_token(self) -> str:
        now = self._clock.now()
        if self._token_until is None or now >= self._token_until:
            answer = self._fetch_token(now)
            self._token = answer.access_token
            self._token_until = now + timedelta(seconds=max(answer.expires_in - _RENEW_BEFORE_SECONDS, 1))
        return self._token

    def _fetch_token(self, now: datetime) -> TokenAnswer:
        for seed in (self._identity.request_seed, *self._identity.other_request_seeds)[:-1]:
            try:
                return self._ask_for_token(now, seed)
            except NotAuthenticatedError as error:
                if error.code != "assertion-refused":
                    raise
        return self._ask_for_token(now, (self._identity.request_seed, *self._identity.other_request_seeds)[-1])

    def _ask_for_token(self, now: datetime, request_seed: bytes) -> TokenAnswer:
        seconds = int(now.timestamp())
        claims = AssertionClaims(
            aud=self._exchange,
            exp=seconds + ASSERTION_SECONDS,
            iat=seconds,
            iss=self._identity.agency,
            jti=generate_id(),
            node=self._identity.node,
            scope=self._role,
            sub=self._identity.agency,
        )
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": make_assertion(request_seed, claims),
        }
        try:
            return self._exchange_with_broker(
                self._http.build_request("POST", TOKEN_PATH, data=form), TokenAnswer, ANSWER_SECONDS
            )
        except UnavailableError as error:
            # Nothing but a token was asked for: what was to be sent has certainly not arrived.
            raise error.as_not_asked() from error
        except UnansweredError as error:
            raise NotSentError(error.sentence, fix=error.fix) from error

    def _exchange_with_broker(self, request: httpx.Request, answer: type[Answer], seconds: float) -> Answer:
        _, data = self._fetch(request, seconds)
        try:
            return answer.from_canonical(data, max_bytes=MAX_ANSWER_BYTES)
        except CodecError as error:
            raise BadAnswerError(f"the broker's answer is not of the agreed form: {error}") from error

    def _fetch(self, request: httpx.Request, seconds: float) -> tuple[httpx.Response, bytes]:
        self._demand_patience(request.url.path)
        self._deadline.start(seconds)
        try:
            response = self._http.send(request, stream=True)
            try:
                data = _read_bounded(response)
            finally:
                response.close()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotSentError(
                f"the broker at {self._http.base_url} was not reached", fix="run: agency doctor"
            ) from error
        except httpx.RemoteProtocolError as error:
            # So ends a connection whose certificate the broker does not know: it hangs up without a word.
            raise UnansweredError(f"the broker at {self._http.base_url} hung up without a word", fix=_ENROL) from error
        except (httpx.HTTPError, ssl.SSLError) as error:
            raise UnansweredError(f"the broker at {self._http.base_url} did not answer") from error
        if response.status_code >= httpx.codes.BAD_REQUEST:
            if response.status_code == httpx.codes.UNAUTHORIZED:
                self._token_until = None
            refusal = read_refusal(response.status_code, response.headers, data)
            if isinstance(refusal, BusyError | UnavailableError):
                self._waits[request.url.path] = _Wait(refusal.as_not_asked(), self._clock.now())
            raise refusal
        return response, data

    def _demand_patience(self, path: str) -> None:
        """Demand that nobody is asked before the time the broker named.

        Raises:
            BusyError: it is not over; nothing was sent.
        """
        now = self._clock.now()
        self._waits = {path: wait for path, wait in self._waits.items() if wait.holds(now)}
        if path in self._waits:
            raise self._waits[path].told


def _read_bounded(response: httpx.Response) -> bytes:
    data = bytearray()
    for part in response.iter_raw():
        data += part
        if len(data) > MAX_ANSWER_BYTES:
            raise httpx.ReadError("the answer is larger than any may be")
    return bytes(data)
