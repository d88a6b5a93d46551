"""The floor: the least that a durable accept can cost with these parts, as a server of its own.

A FastAPI route behind the broker's own listener and mTLS. Per message: the token looked up, the body read raw, three
canonical documents decoded, both hashes, the Ed25519 and the ML-DSA-65 signature verified, as many rows written as the
broker writes, through the store's own group commit, and the newest checkpoint answered, signed once a batch. It decides
nothing, draws no salt, builds no tree and proves nothing. Change it only with a decision record: every ratio is to it.

`python -m bench.floor FOLDER` serves the exchange in a folder; `--empty` only reads and answers, `--plain` without TLS.
"""

import asyncio
import gc
import signal
import ssl
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, cast

import uvloop
from fastapi import FastAPI, Request
from sqlalchemy import Connection
from starlette.responses import Response

from bench.stage import SENDER
from broker.audit.log_store import StoredHead, insert_leaves, move_head, select_head
from broker.clock import SystemClock
from broker.directory.live import make_directory
from broker.directory.members import Members
from broker.exchange import Exchange, ExchangeFolder, draw_serial, open_exchange
from broker.http.tls import build_server_context
from broker.inbox.store import insert_content, insert_item, insert_message
from broker.observability.admin import make_admin_app
from broker.observability.metrics import Metrics
from broker.routing.store import count_accepted
from broker.server import Listener, ServerOptions, bind_socket, read_port
from broker.storage.engine import open_database
from broker.storage.group_commit import GroupCommitWriter, Operation
from broker.storage.transaction import Transaction
from keys.algorithms import load_verifying_key
from keys.generation import generate_bytes
from keys.timeline import MemberTimeline
from schemas.api import MESSAGES_PATH
from schemas.codec import b64u_decode, b64u_encode, decode_canonical, encode_canonical, hash_bytes, hash_text
from schemas.envelope import MAX_ENVELOPE_BYTES, HeaderRecipient
from schemas.log.checkpoint import Checkpoint
from schemas.model import parse_timestamp
from schemas.signed import KeyUse

SignCheckpoint = Callable[[Checkpoint], bytes]

_BEARER = "Bearer "
_DOCUMENT_START = len('{"ciphertext":"",')


class VerifyingKey(Protocol):
    """A loaded public key; `verify` raises `InvalidSignature`."""

    def verify(self, signature: bytes, data: bytes, /) -> None:
        """Verify one signature."""
        ...


@dataclass(frozen=True, slots=True)
class ParsedMessage:
    """An envelope decoded, its ciphertext the one signed for; `unverified` are each signature and what it is over."""

    header: dict[str, Any]
    header_bytes: bytes
    document: bytes
    ciphertext: bytes
    digest: str
    unverified: tuple[tuple[bytes, bytes], ...]


def parse_message(unverified_body: bytes) -> ParsedMessage:
    """Decode an envelope and verify its ciphertext's hash.

    Raises:
        ValueError: not canonical, or the ciphertext is another than the one signed for.
    """
    envelope = decode_canonical(unverified_body, max_bytes=MAX_ENVELOPE_BYTES)
    payload_bytes = b64u_decode(envelope["payload"])
    payload = decode_canonical(payload_bytes)
    header_bytes = b64u_decode(payload["header"])
    header = decode_canonical(header_bytes)
    ciphertext = b64u_decode(envelope["ciphertext"])
    if b64u_encode(hash_bytes(ciphertext)) != payload["body"]["sha256"]:
        raise ValueError("the ciphertext is not the one that was signed")
    unverified = tuple(
        (b64u_decode(item["signature"]), f"{item['protected']}.{envelope['payload']}".encode("ascii"))
        for item in envelope["signatures"]
    )
    document = b"{" + unverified_body[_DOCUMENT_START + len(envelope["ciphertext"]) :]
    return ParsedMessage(header, header_bytes, document, ciphertext, hash_text("envelope", payload_bytes), unverified)


def verify_signatures(message: ParsedMessage, keys: Sequence[VerifyingKey]) -> None:
    """Verify each signature with its key.

    Raises:
        ValueError: there are more or fewer than keys.
        cryptography.exceptions.InvalidSignature: one is false.
    """
    for key, (signature, data) in zip(keys, message.unverified, strict=True):
        key.verify(signature, data)


def find_message_keys(timeline: MemberTimeline) -> tuple[VerifyingKey, ...]:
    """Return the sender's message keys, loaded."""
    possessed = next(one.keys for one in timeline.newest_key_set.key_set.keys if one.use is KeyUse.MESSAGE)
    return tuple(load_verifying_key(key.jwk.algorithm, key.jwk.public_bytes) for key in possessed)


@dataclass(slots=True)
class FloorBatch:
    """The leaves of one batch: rows as wide as the broker's, with the header in place of a record."""

    connection: Connection
    head: StoredHead
    rows: list[dict[str, Any]] = field(default_factory=list)
    concerns: list[dict[str, Any]] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many leaves there are, those of this batch included."""
        return self.head.size + len(self.rows)

    def add(self, message: ParsedMessage) -> int:
        """Add the leaf of a message and return its index."""
        index, digest, header = self.size, sha256(message.header_bytes).digest(), message.header
        sender, recipient = header["sender"]["agency"], header["recipients"][0]["agency"]
        self.rows.append(
            {
                "leaf_index": index, "leaf_class": "private", "commitment": digest, "leaf_hash": digest,
                "record": message.header_bytes, "salt": digest, "record_type": "message-accepted",
                "time": self.head.last_time, "agency": sender, "partner": None, "actor": sender, "node": "node-1",
                "message": header["id"], "agreement": None, "problem": None,
            }
        )  # fmt: skip
        self.concerns += [{"agency": agency, "leaf_index": index} for agency in (sender, recipient)]
        return index

    def truncate(self, size: int) -> None:
        """Forget the leaves from index `size` on."""
        kept = size - self.head.size
        del self.rows[kept:], self.concerns[2 * kept :]

    def next_head(self) -> StoredHead:
        """Return the head over all leaves; there is no tree."""
        root = sha256(b"".join(row["leaf_hash"] for row in self.rows)).digest()
        return StoredHead(self.head.origin, self.size, root, self.head.last_time, self.head.checkpoint)

    def write(self) -> None:
        """Write the leaves and move the head over them."""
        if not self.rows:
            return
        insert_leaves(self.connection, self.rows, self.concerns)
        head = self.next_head()
        move_head(self.connection, self.head.size, head)
        self.head, self.rows = head, []


class FloorJournal:
    """The journal of the floor's group commit: one checkpoint signature a batch, and no tree."""

    def __init__(self, head: StoredHead, sign: SignCheckpoint) -> None:
        self._head = head
        self._sign = sign
        self.note = b""

    def begin(self, connection: Connection, _meanwhile: object) -> FloorBatch:
        """Start a batch on the newest head."""
        return FloorBatch(connection, self._head)

    def publish(self, batch: FloorBatch) -> None:
        """Sign the head of a durable batch."""
        self._head = batch.head
        self.note = self._sign(Checkpoint(batch.head.origin, batch.head.size, batch.head.root))


def store_message(message: ParsedMessage, transaction: Transaction) -> None:
    """Write what the broker writes of a message for one recipient: leaf, message, content, item and the day's count."""
    connection, header, (to,) = transaction.connection, message.header, message.header["recipients"]
    number = cast(FloorBatch, transaction.batch).add(message)
    insert_message(connection, make_message_row(message, number))
    insert_content(connection, to["agency"], number, message.ciphertext)
    insert_item(connection, make_item_row(message, number))
    recipient = HeaderRecipient(**to)
    count_accepted(connection, header["sender"]["agency"], recipient, 0, before=to["n"] - 1)


def make_message_row(message: ParsedMessage, number: int) -> dict[str, Any]:
    """Return the row of a message for its one recipient."""
    header, (to,) = message.header, message.header["recipients"]
    return {
        "recipient": to["agency"], "number": number, "sender": header["sender"]["agency"], "id": header["id"],
        "digest": message.digest, "stream": to["stream"], "n": to["n"], "agreement": to["agreement"],
        "kind": header["routing"]["kind"], "marking": header["routing"]["marking"], "size": len(message.ciphertext),
        "attachments": 0, "attachment_bytes": 0, "refers_to": None, "passage": "covered", "document": message.document,
        "evidence_until": parse_timestamp(header["expires_at"]),
    }  # fmt: skip


def make_item_row(message: ParsedMessage, number: int) -> dict[str, Any]:
    """Return the row of what then waits in the recipient's inbox."""
    (to,), expires_at = message.header["recipients"], parse_timestamp(message.header["expires_at"])
    return {
        "recipient": to["agency"], "number": number, "type": "message", "state": "waiting", "is_open": True, "haste": 3,
        "size": len(message.ciphertext), "agreement": to["agreement"], "expires_at": expires_at, "lease": None,
        "leased_until": None, "handed_over_at": None, "state_at": None, "withdraws": None,
    }  # fmt: skip


class Floor:
    """The application's state: which tokens were good, the sender's keys, the writer."""

    def __init__(
        self, exchange: Exchange, keys: Sequence[VerifyingKey], writer: GroupCommitWriter, journal: FloorJournal
    ) -> None:
        self._exchange = exchange
        self._keys = keys
        self._writer = writer
        self._journal = journal
        self._known_tokens: set[str] = set()

    async def accept(self, request: Request) -> Response:
        """Accept an envelope: answered once it is durable."""
        self._verify_token(request.headers["authorization"])
        message = parse_message(await request.body())
        await self._writer.prepare_and_commit(partial(self._prepare, message))
        return Response(self._journal.note, 202, media_type="application/json")

    def _prepare(self, message: ParsedMessage) -> Operation[None]:
        verify_signatures(message, self._keys)
        return partial(store_message, message)

    def _verify_token(self, authorization: str) -> None:
        if authorization not in self._known_tokens:
            token = authorization.removeprefix(_BEARER)
            self._exchange.token_key.verify(token, exchange=self._exchange.name, now=SystemClock().now())
            self._known_tokens.add(authorization)


def make_floor_app(accept: Callable[[Request], Any]) -> FastAPI:
    """Return the application with its one route."""
    app = FastAPI(openapi_url=None)
    app.add_api_route(MESSAGES_PATH, accept, methods=["POST"], response_model=None, response_class=Response)
    return app


async def read_and_answer(request: Request) -> Response:
    """Do nothing but what HTTP itself costs."""
    await request.body()
    return Response(bytes(3500), 202, media_type="application/json")


def serve_floor(folder: ExchangeFolder, *, is_empty: bool = False, is_plain: bool = False) -> None:
    """Serve until SIGTERM."""
    exchange, metrics = open_exchange(folder, None), Metrics()
    with closing(open_database(folder.database)) as database:
        members = make_directory(exchange.name)
        members.load(database)
        with database.read() as connection:
            journal = FloorJournal(select_head(connection), exchange.sign)
        writer = GroupCommitWriter(database, cast(Any, journal), metrics=metrics)
        writer.start()
        keys = find_message_keys(members.current.find(SENDER))
        app = make_floor_app(read_and_answer if is_empty else Floor(exchange, keys, writer, journal).accept)
        make_context = None if is_plain else partial(_make_context, exchange, members.current)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_listen(app, make_context, metrics))
        writer.close()


async def _listen(app: FastAPI, make_context: Callable[[], ssl.SSLContext] | None, metrics: Metrics) -> None:
    listening, admin_listening = bind_socket("127.0.0.1", 0), bind_socket("127.0.0.1", 0)
    url = f"http{'s' if make_context else ''}://127.0.0.1:{read_port(listening)}"
    line = encode_canonical({"url": url, "admin_url": f"http://127.0.0.1:{read_port(admin_listening)}"})
    clients = Listener(
        app, ServerOptions(), make_context=make_context, on_started=partial(_announce, line), has_lifespan=False
    )
    operator = Listener(make_admin_app(metrics, {}), ServerOptions(drain_seconds=1), has_lifespan=False)

    def stop() -> None:
        clients.should_exit = operator.should_exit = True

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    await asyncio.gather(clients.run_on(listening), operator.run_on(admin_listening))


def _make_context(exchange: Exchange, members: Members) -> ssl.SSLContext:
    chain, key = exchange.issue_server_identity(SystemClock().now(), draw_serial(generate_bytes))
    return build_server_context(chain, key, (certificate for _, certificate in members.authorities.values()))


def _announce(line: bytes) -> None:
    gc.collect()
    gc.freeze()
    sys.stdout.write(line.decode("ascii") + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve_floor(
        ExchangeFolder(Path(sys.argv[1])), is_empty="--empty" in sys.argv[2:], is_plain="--plain" in sys.argv[2:]
    )
