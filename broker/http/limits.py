"""What a request may look like before anything reads its content. Pure: header fields in, a refusal or None out."""

from collections.abc import Iterable
from dataclasses import dataclass

from broker.http.refusal import Refusal
from schemas.api import PROTOCOL_VERSION, VERSION_HEADER
from schemas.codec import MAX_DOCUMENT_BYTES

MAX_HEAD_BYTES = 32 * 1024
MAX_HEADER_FIELDS = 64
MAX_BODY_BYTES = MAX_DOCUMENT_BYTES

_VERSION_FIELD = VERSION_HEADER.lower().encode("ascii")
_VERSION = str(PROTOCOL_VERSION).encode("ascii")


@dataclass(slots=True)
class RequestHead:
    """What the edge reads from a request's header fields."""

    hosts: int = 0
    fields: int = 0
    size: int = 0
    content_length: int | None = None
    is_chunked: bool = False
    is_encoded: bool = False
    version: bytes | None = None

    @property
    def has_body(self) -> bool:
        """Whether a body may follow."""
        return self.is_chunked or bool(self.content_length)


def read_head(headers: Iterable[tuple[bytes, bytes]]) -> RequestHead:
    """Return what matters of header fields whose names are in lower case, as ASGI gives them."""
    head = RequestHead()
    for name, value in headers:
        head.fields += 1
        head.size += len(name) + len(value)
        if name == b"host":
            head.hosts += 1
        elif name == _VERSION_FIELD:
            head.version = value
        elif name == b"content-length":
            # The parser lets only digits through. More than nineteen of them are too many whatever they say.
            head.content_length = int(value) if len(value) < 20 else MAX_BODY_BYTES << 32
        elif name == b"transfer-encoding":
            head.is_chunked = True
        elif name == b"content-encoding":
            head.is_encoded = True
    return head


def refuse_head(head: RequestHead, *, max_body_bytes: int, needs_version: bool) -> Refusal | None:
    """Return why a request is refused by its head alone, or nothing."""
    if head.fields > MAX_HEADER_FIELDS or head.size > MAX_HEAD_BYTES:
        return Refusal("too-large", f"The header has more than {MAX_HEADER_FIELDS} fields or {MAX_HEAD_BYTES} bytes.")
    if head.hosts != 1:
        return Refusal("malformed", f"A request has exactly one Host field, this one has {head.hosts}.", "Host")
    if head.is_encoded:
        return Refusal("unsupported-media-type", "Compressed bodies are not accepted.", "Content-Encoding")
    if head.content_length is not None and head.content_length > max_body_bytes:
        return refuse_body(max_body_bytes)
    if needs_version and head.version != _VERSION:
        return _refuse_version(head.version)
    return None


def refuse_body(max_body_bytes: int) -> Refusal:
    """Return the refusal of a body that is too large."""
    return Refusal("too-large", f"The body has more than {max_body_bytes} bytes.")


def _refuse_version(version: bytes | None) -> Refusal:
    said = "none" if version is None else version[:16].decode("ascii", "replace")
    return Refusal(
        "client-too-old",
        f"This exchange speaks version {PROTOCOL_VERSION}, the request says {said}: update the client.",
        VERSION_HEADER,
    )
