"""What passes between a member and the hostile broker: one call, one reply, and of which model each answer is."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schemas.api import (
    ACCESS_LOG_HEADS_PATH,
    ACKNOWLEDGE_PATH,
    AUDIT_PATH,
    CHECKPOINT_PATH,
    CONSISTENCY_PATH,
    COSIGNATURES_PATH,
    ENCRYPTION_KEYS_PATH,
    KEY_SETS_PATH,
    LEASE_PATH,
    LEAVES_PATH,
    MEMBERS_PATH,
    MESSAGE_BATCHES_PATH,
    MESSAGES_PATH,
    RECEIPT_BATCHES_PATH,
    RECEIPTS_PATH,
    REVOCATIONS_PATH,
    STATUSES_PATH,
    STEPS_PATH,
    AcknowledgeAnswer,
    AuditAnswer,
    CheckpointAnswer,
    ConsistencyAnswer,
    CosignatureAnswer,
    CosignedNotes,
    Evidence,
    EvidenceList,
    LeaseAnswer,
    LeavesAnswer,
    MembersAnswer,
    MessageStatesAnswer,
    StatusesAnswer,
    StepsAnswer,
)
from schemas.batches import BatchAnswer
from schemas.codec import b64u_decode, decode_canonical
from schemas.model import WireModel

Address = tuple[str, str]
"""A method and a path."""

ANSWERS: dict[Address, type[WireModel]] = {
    ("POST", KEY_SETS_PATH): Evidence,
    ("POST", ENCRYPTION_KEYS_PATH): Evidence,
    ("POST", REVOCATIONS_PATH): Evidence,
    ("POST", STEPS_PATH): Evidence,
    ("GET", STEPS_PATH): StepsAnswer,
    ("POST", MESSAGES_PATH): Evidence,
    ("POST", MESSAGE_BATCHES_PATH): BatchAnswer,
    ("GET", MESSAGES_PATH): MessageStatesAnswer,
    ("POST", LEASE_PATH): LeaseAnswer,
    ("POST", ACKNOWLEDGE_PATH): AcknowledgeAnswer,
    ("POST", RECEIPTS_PATH): EvidenceList,
    ("POST", RECEIPT_BATCHES_PATH): BatchAnswer,
    ("POST", STATUSES_PATH): Evidence,
    ("GET", STATUSES_PATH): StatusesAnswer,
    ("POST", ACCESS_LOG_HEADS_PATH): Evidence,
    ("GET", CHECKPOINT_PATH): CheckpointAnswer,
    ("GET", CONSISTENCY_PATH): ConsistencyAnswer,
    ("GET", LEAVES_PATH): LeavesAnswer,
    ("POST", COSIGNATURES_PATH): CosignatureAnswer,
    ("GET", COSIGNATURES_PATH): CosignedNotes,
    ("GET", MEMBERS_PATH): MembersAnswer,
    ("POST", AUDIT_PATH): AuditAnswer,
}
"""The model of every answer; a message's own address counts as `MESSAGES_PATH`."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, whole. `agency` is whom its token names, "" where there is none."""

    agency: str
    method: str
    path: str
    query: Mapping[str, str]
    body: bytes

    @property
    def address(self) -> Address:
        """Return which of `ANSWERS` this asks for."""
        is_message = self.path.startswith(f"{MESSAGES_PATH}/")
        return self.method, MESSAGES_PATH if is_message else self.path


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, whole."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def with_body(self, body: bytes) -> "Reply":
        """Return the same answer with another body."""
        headers = [(name, value) for name, value in self.headers if name.lower() != b"content-length"]
        return Reply(self.status, (*headers, (b"content-length", str(len(body)).encode())), body)


def make_reply(status: int, body: bytes, media_type: str = "application/json") -> Reply:
    """Return an answer of one's own."""
    return Reply(status, ((b"content-type", media_type.encode()),), b"").with_body(body)


async def read_call(scope: Scope, receive: Receive) -> Call:
    """Read a request to its end."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = bool(message.get("more_body"))
    query = dict(parse_qsl(scope["query_string"].decode()))
    return Call(_read_agency(scope), scope["method"], scope["path"], query, bytes(body))


async def ask(app: ASGIApp, scope: Scope, call: Call, receive: Receive) -> Reply:
    """Put a call to the true broker and return its reply."""
    parts: list[Message] = [{"type": "http.request", "body": call.body, "more_body": False}]
    status, headers, body = 0, (), bytearray()

    async def replay() -> Message:
        return parts.pop() if parts else await receive()

    async def capture(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status, headers = message["status"], tuple(message.get("headers", ()))
        else:
            body.extend(message.get("body", b""))

    await app(scope, replay, capture)
    return Reply(status, headers, bytes(body))


async def send_reply(send: Send, reply: Reply) -> None:
    """Send a reply to the member."""
    await send({"type": "http.response.start", "status": reply.status, "headers": list(reply.headers)})
    await send({"type": "http.response.body", "body": reply.body})


def _read_agency(scope: Scope) -> str:
    header = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    parts = header.decode().removeprefix("Bearer ").split(".")
    if len(parts) != 3:
        return ""
    claims = decode_canonical(b64u_decode(parts[1]))
    return str(claims["sub"])
