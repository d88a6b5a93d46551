"""What keeps an answer from being had, as errors: silence, a wait, a refusal with its reasons (RFC 9457).

Two kinds of silence are told apart, because an outbox must: `NotSentError` means the request certainly did not arrive.
Of a refusal no word is believed but that it was one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from agency_client.errors import (
    ClientError,
    ConflictError,
    DeniedError,
    NotAuthenticatedError,
    NotFoundError,
    OfflineError,
    VerificationFailedError,
)
from schemas.batches import RefusedMember
from schemas.codec import CodecError
from schemas.problems import TYPE_PREFIX, ProblemDocument, ProblemReason

INBOX_FULL = "inbox-full"
_COME_AGAIN = frozenset({429, 503, 507})
_ABOUT_ONE_DOCUMENT = frozenset({"quota-exhausted", INBOX_FULL})
_NOT_THE_BROKERS = frozenset({502, 503, 504})
_UNAVAILABLE = "unavailable"
_LONGEST_WAIT_SECONDS = 60
"""While an address waits nothing is tried there, no alert either. So its broker is asked again in a minute, whatever it
said: one in order loses nothing by that, and of one that lies the officer learns it."""
_LONGEST_WAIT_OF_DOCUMENT_SECONDS = 3600
"""A day's quota or a full inbox keeps this one document back and is not over in a minute; all others go on meanwhile,
and `agency sync` tries this one at once."""
_USUAL_WAIT_SECONDS = 5


class NotSentError(OfflineError):
    """The broker was not reached: the request certainly did not arrive."""

    default_code = "offline"


class UnansweredError(OfflineError):
    """The request left, no answer came: nobody knows whether it arrived."""

    default_code = "unanswered"


class UnavailableError(UnansweredError):
    """The broker, or what stands before it, cannot answer now; whether it did what was asked it does not say."""

    def __init__(self, sentence: str, *, retry_after_seconds: int) -> None:
        super().__init__(sentence, code=_UNAVAILABLE)
        self.retry_after_seconds = retry_after_seconds

    def as_not_asked(self) -> "BusyError":
        """Return the error for what was not even asked because of this one: of that nothing was done."""
        return BusyError(self.sentence, code=self.code, retry_after_seconds=self.retry_after_seconds)


class BusyError(OfflineError):
    """The broker asks to come again later; nothing was done."""

    default_code = "busy"

    def __init__(self, sentence: str, *, code: str, retry_after_seconds: int) -> None:
        super().__init__(sentence, code=code)
        self.retry_after_seconds = retry_after_seconds

    def as_not_asked(self) -> "BusyError":
        """Return the error for what was not even asked because of this one."""
        return self


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
    """What the broker said when it refused: the problem's slug, its status and every reason.

    `retry_after_seconds` is for what is refused for the moment.
    """

    slug: str
    status: int
    reasons: tuple[ProblemReason, ...]
    field: str
    retry_after_seconds: int = 0


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


def find_retry_seconds(error: ClientError) -> int:
    """Return in how many seconds the broker asked to be asked again; 0 where it did not."""
    if isinstance(error, BusyError | UnavailableError):
        return error.retry_after_seconds
    if isinstance(error, RefusedError | RefusedConflictError):
        return error.details.retry_after_seconds
    return 0


def read_member_refusal(member: RefusedMember) -> ClientError:
    """Return the error that a refused member of a batch stands for, as if it had come alone."""
    later = member.retry_after_seconds
    headers = {} if later is None else {"retry-after": str(later)}
    return read_refusal(member.problem.status, headers, member.problem.canonical())


def read_refusal(status: int, headers: Mapping[str, str], data: bytes) -> ClientError:
    """Return the error a refusal stands for (RFC 9457); a body of another form is an error of its own."""
    if status in _NOT_THE_BROKERS and "json" not in headers.get("content-type", "json"):
        sentence = f"what stands before the broker does not reach it: status {status}"
        return UnavailableError(sentence, retry_after_seconds=_read_retry_after(headers))
    try:
        problem = ProblemDocument.from_canonical(data, max_bytes=64 * 1024)
    except CodecError:
        return BadAnswerError(f"the broker refused with status {status} and gave no problem details")
    # The words are the broker's: a line break in them would forge the next line of whatever shows them.
    slug, detail = " ".join(problem.type.removeprefix(TYPE_PREFIX).split()), " ".join(problem.detail.split())
    if slug == ExchangeStoppedError.default_code:
        return ExchangeStoppedError(detail, retry_after_seconds=_read_retry_after(headers))
    if status in _COME_AGAIN and slug == _UNAVAILABLE:
        return UnavailableError(detail, retry_after_seconds=_read_retry_after(headers))
    if status in _COME_AGAIN and slug not in _ABOUT_ONE_DOCUMENT:
        return BusyError(detail, code=slug, retry_after_seconds=_read_retry_after(headers))
    if status == httpx.codes.UNAUTHORIZED:
        return NotAuthenticatedError(detail, code=slug)
    if status == httpx.codes.NOT_FOUND:
        return NotFoundError(detail, code=slug)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return UnansweredError(detail, code=slug)
    later = _read_retry_after(headers, _LONGEST_WAIT_OF_DOCUMENT_SECONDS) if status in _COME_AGAIN else 0
    details = RefusalDetails(slug, status, problem.reasons or (), problem.field or "", later)
    if status == httpx.codes.CONFLICT:
        return RefusedConflictError(detail, details)
    return RefusedError(detail, details)


def _read_retry_after(headers: Mapping[str, str], longest: int = _LONGEST_WAIT_SECONDS) -> int:
    text = headers.get("retry-after", "")
    is_number = text.isdecimal() and text.isascii() and len(text) < 6
    return min(int(text), longest) if is_number else _USUAL_WAIT_SECONDS
