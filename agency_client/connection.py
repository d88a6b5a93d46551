"""The one connection to the broker: TLS 1.3 with both certificates, tokens, strict answers, refusals as errors.

It believes nothing: an answer is canonical JSON of the model that was asked for, or an error; what it claims is
verified by the flows. Two kinds of silence are told apart, because an outbox must: `NotSentError` means the request
certainly did not arrive.
"""

import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

import httpx

from agency_client.clock import Clock
from agency_client.deadline import Deadline, bind_deadline
from agency_client.errors import (
    ClientError,
    ConflictError,
    DeniedError,
    NotAuthenticatedError,
    NotFoundError,
    OfflineError,
    VerificationFailedError,
)
from agency_client.profiles.tls_identity import TlsIdentity
from keys.certificates import export_certificate_pem, export_tls_key
from keys.generation import generate_id
from keys.tokens import ASSERTION_SECONDS, AssertionClaims, make_assertion
from schemas.api import ASSERTION_TYPE, PROTOCOL_VERSION, TOKEN_PATH, VERSION_HEADER, TokenAnswer
from schemas.attachments import OFFSET_HEADER, PIECE_MEDIA_TYPE
from schemas.codec import CodecError, b64u_decode
from schemas.key_documents import ExchangeSheet
from schemas.log.records import Role
from schemas.model import WireModel
from schemas.problems import TYPE_PREFIX, ProblemDocument, ProblemReason

MAX_ANSWER_BYTES = 24 * 1024 * 1024
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 20.0
SLOWEST_BYTES_PER_SECOND = 8 * 1024
"""What a line must carry of our own body: that much longer a request may take."""
_RENEW_BEFORE_SECONDS = 30
_COME_AGAIN = frozenset({429, 503, 507})
INBOX_FULL = "inbox-full"
_ABOUT_ONE_DOCUMENT = frozenset({"quota-exhausted", INBOX_FULL})
_ENROL = "if this node was never enrolled, give its enrolment file to the exchange's operator; else try again"

Answer = TypeVar("Answer", bound=WireModel)
Found = TypeVar("Found")


class NotSentError(OfflineError):
    """The broker was not reached: the request certainly did not arrive."""

    default_code = "offline"


class UnansweredError(OfflineError):
    """The request left, no answer came: nobody knows whether it arrived."""

    default_code = "unanswered"


class BusyError(OfflineError):
    """The broker asks to come again later; nothing was done."""

    default_code = "busy"

    def __init__(self, sentence: str, *, code: str, retry_after_seconds: int) -> None:
        super().__init__(sentence, code=code)
        self.retry_after_seconds = retry_after_seconds


class ExchangeStoppedError(BusyError):
    """The exchange has found that a part of its log is lost, and takes nothing until its operator begins a new one."""

    default_code = "exchange-behind"

    def __init__(self, sentence: str, *, retry_after_seconds: int) -> None:
        kept = "nothing was sent, and all of it is kept"
        super().__init__(f"{sentence}; {kept}", code=self.default_code, retry_after_seconds=retry_after_seconds)
        self.fix = "wait; when it begins a new log, two officers must accept it: agency exchange accept SHEET"


class BadAnswerError(VerificationFailedError):
    """The broker's answer is not of the agreed form."""

    default_code = "bad-answer"


@dataclass(frozen=True, slots=True)
class RefusalDetails:
    """What the broker said when it refused: the problem's slug, its status and every reason."""

    slug: str
    status: int
    reasons: tuple[ProblemReason, ...]
    field: str


class RefusedError(DeniedError):
    """The broker refused, definitely and with reasons."""

    def __init__(self, sentence: str, details: RefusalDetails) -> None:
        super().__init__(sentence, code=details.slug)
        self.details = details


class RefusedConflictError(ConflictError):
    """The broker refused because something newer or other stands there."""

    def __init__(self, sentence: str, details: RefusalDetails) -> None:
        super().__init__(sentence, code=details.slug)
        self.details = details


@dataclass(frozen=True, slots=True)
class NodeIdentity:
    """Who calls: agency and node, the TLS key and certificate, and the request key. Seeds are 32 bytes.

    `other_request_seeds` are tried when the first is not known at the broker, `other_tls` where it does not answer the
    first certificate: after a new key set was handed in, and before its leaf was read, nobody here can tell which of
    the two key sets counts there.
    """

    agency: str
    node: str
    tls: TlsIdentity
    request_seed: bytes
    other_request_seeds: tuple[bytes, ...] = ()
    other_tls: TlsIdentity | None = None


class BrokerConnection:
    """Calls the broker in one role. Not shared between threads."""

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
        self._http = self._make_client()

    def get(self, path: str, answer: type[Answer], query: Mapping[str, str | int] | None = None) -> Answer:
        """Ask for something.

        Raises:
            NotSentError, UnansweredError, BusyError, BadAnswerError: there is no usable answer.
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
        except UnansweredError as error:
            # Nothing but a token was asked for: what was to be sent has certainly not arrived.
            raise NotSentError(error.sentence, fix=error.fix) from error

    def _exchange_with_broker(self, request: httpx.Request, answer: type[Answer], seconds: float) -> Answer:
        _, data = self._fetch(request, seconds)
        try:
            return answer.from_canonical(data, max_bytes=MAX_ANSWER_BYTES)
        except CodecError as error:
            raise BadAnswerError(f"the broker's answer is not of the agreed form: {error}") from error

    def _fetch(self, request: httpx.Request, seconds: float) -> tuple[httpx.Response, bytes]:
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
            raise read_refusal(response.status_code, response.headers, data)
        return response, data


def build_client_context(sheet: ExchangeSheet, identity: NodeIdentity) -> ssl.SSLContext:
    """Return the TLS context: TLS 1.3, only the CA of the exchange's sheet, the node's own certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cadata=b64u_decode(sheet.tls_ca))
    _load_certificate(context, identity)
    return context


def read_refusal(status: int, headers: Mapping[str, str], data: bytes) -> ClientError:
    """Return the error a refusal stands for (RFC 9457); a body of another form is an error of its own."""
    try:
        problem = ProblemDocument.from_canonical(data, max_bytes=64 * 1024)
    except CodecError:
        return BadAnswerError(f"the broker refused with status {status} and gave no problem details")
    # The words are the broker's: a line break in them would forge the next line of whatever shows them.
    slug, detail = " ".join(problem.type.removeprefix(TYPE_PREFIX).split()), " ".join(problem.detail.split())
    if slug == ExchangeStoppedError.default_code:
        return ExchangeStoppedError(detail, retry_after_seconds=_read_retry_after(headers))
    if status in _COME_AGAIN and slug not in _ABOUT_ONE_DOCUMENT:
        return BusyError(detail, code=slug, retry_after_seconds=_read_retry_after(headers))
    if status == httpx.codes.UNAUTHORIZED:
        return NotAuthenticatedError(detail, code=slug)
    if status == httpx.codes.NOT_FOUND:
        return NotFoundError(detail, code=slug)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return UnansweredError(detail, code=slug)
    details = RefusalDetails(slug, status, problem.reasons or (), problem.field or "")
    if status == httpx.codes.CONFLICT:
        return RefusedConflictError(detail, details)
    return RefusedError(detail, details)


def _read_retry_after(headers: Mapping[str, str]) -> int:
    text = headers.get("retry-after", "")
    return min(int(text), 3600) if text.isdecimal() and text.isascii() and len(text) < 6 else 5


def _read_bounded(response: httpx.Response) -> bytes:
    data = bytearray()
    for part in response.iter_raw():
        data += part
        if len(data) > MAX_ANSWER_BYTES:
            raise httpx.ReadError("the answer is larger than any may be")
    return bytes(data)


def _load_certificate(context: ssl.SSLContext, identity: NodeIdentity) -> None:
    # ssl reads certificates from files only; an anonymous file in memory never touches the disk.
    descriptor = os.memfd_create("bilateral-tls", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, export_tls_key(identity.tls.seed) + export_certificate_pem(identity.tls.certificate))
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
