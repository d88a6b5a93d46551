"""An exchange in memory that signs whatever it is told with its true log keys: the fully hostile broker, played.

By itself it is honest and believes everything; a test makes it lie through `tamper` (changes an answer before it
leaves), `place` (puts any item into an inbox) and `append` (writes any record). Nodes talk to it through the
interface of `BrokerConnection`, over canonical bytes as they would stand on the wire.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from agency_client.agreements.pulling import pull_steps
from agency_client.clock import Clock
from agency_client.node import Node
from agency_client.own_keys.encryption import prepare_encryption_keys
from agency_client.own_keys.key_sets import export_enrolment, get_own_anchor
from agency_client.own_keys.publishing import publish_queued
from agency_client.profiles.joining import AcceptedSheet, initialise_node
from agency_client.profiles.profile import load_profile
from agency_client.profiles.session import open_profile
from agency_client.trust import pin_partner
from agency_client.witness.walker import walk_log
from keys.algorithms import SigningKey
from keys.certificates import make_tls_ca
from keys.generation import generate_salt
from keys.log_keys import LogSigner, sign_checkpoint
from schemas.api import (
    ATTACHMENTS_PATH,
    Evidence,
    LoggedRecord,
)
from schemas.attachments import Announcement
from schemas.codec import b64u_encode
from schemas.envelope import Envelope, Reference
from schemas.jwk import Algorithm
from schemas.key_documents import ExchangeSheet, compute_exchange_anchor, digest_key_document
from schemas.log.checkpoint import Checkpoint
from schemas.log.leaf import leaf_hash
from schemas.log.records import Record, RecordedRecipient, RecordType, Role
from schemas.log.tree import MerkleTree
from schemas.model import WireModel, format_timestamp
from schemas.signed import DocumentType, SignedDocument
from tests.support.lying_answers import (
    HANDLERS,
    Placed,
    PlacedMessage,
    PlacedOutcome,
    make_record_leaf,
    parse_envelope_kindly,
)
from tests.support.lying_attachments import LyingAttachments
from tests.support.members import EXCHANGE, START, derive_seed
from tests.support.nodes import PASSPHRASE, install_first_key_set
from tests.support.stretching import one_salt

Answer = TypeVar("Answer", bound=WireModel)
Tamper = Callable[[Any], Any]


@dataclass
class LyingExchange:
    """The log, the inboxes and the lies of one exchange."""

    clock: Clock
    name: str = EXCHANGE
    records: list[LoggedRecord] = field(default_factory=list)
    tree: MerkleTree = field(default_factory=MerkleTree)
    inboxes: dict[str, dict[int, Placed]] = field(default_factory=dict)
    withdrawn: dict[str, tuple[Reference, ...]] = field(default_factory=dict)
    tamper: dict[str, Tamper] = field(default_factory=dict)
    steps: list[tuple[SignedDocument, LoggedRecord]] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    cosignatures: dict[str, str] = field(default_factory=dict)
    delivers: bool = True
    attached: LyingAttachments = field(default_factory=LyingAttachments)

    def __post_init__(self) -> None:
        """Found the exchange."""
        seeds = derive_seed("log", "ed"), derive_seed("log", "ml")
        self.signer = LogSigner(*seeds)
        authority = make_tls_ca(
            derive_seed("exchange", "ca"), serial=1, not_before=START, not_after=START + timedelta(days=3650)
        )
        keys = {
            "ed25519": SigningKey(Algorithm.ED25519, seeds[0]).jwk.to_wire(),
            "ml_dsa": SigningKey(Algorithm.ML_DSA_44, seeds[1]).jwk.to_wire(),
        }
        origin, authority_text = f"{self.name}/1", b64u_encode(authority)
        wire = {"v": 1, "name": self.name, "origin": origin, "log_keys": keys, "tls_ca": authority_text}
        self.sheet = ExchangeSheet.from_wire(wire)
        self.append(RecordType.EXCHANGE_OPENED, (), detail="opened")

    def append(self, record_type: RecordType, concerns: tuple[str, ...], **members: Any) -> LoggedRecord:
        """Write a record into the log and return it with its place."""
        wire = {"v": 1, "type": record_type.value, "time": format_timestamp(self.clock.now()), "concerns": concerns}
        record = Record.from_wire(wire | {name: _spell(value) for name, value in members.items()})
        logged = LoggedRecord(index=len(self.records), record=record, salt=generate_salt())
        self.records.append(logged)
        self.tree.append(leaf_hash(make_record_leaf(logged)))
        return logged

    def sign_note(self, size: int | None = None, root: bytes | None = None) -> str:
        """Return the signed checkpoint of a size, with its true root or any other."""
        size = len(self.records) if size is None else size
        found = self.tree.root(size) if root is None else root
        return sign_checkpoint(Checkpoint(self.sheet.origin, size, found), self.signer).decode()

    def prove(self, index: int) -> tuple[str, ...]:
        """Return the proof that a leaf is in the tree as it stands."""
        return tuple(b64u_encode(item) for item in self.tree.inclusion_proof(index))

    def make_evidence(self, logged: LoggedRecord) -> Evidence:
        """Return the evidence of a record under the newest checkpoint."""
        return Evidence(leaf=logged, proof=self.prove(logged.index), checkpoint=self.sign_note())

    def place(self, agency: str, item: Placed) -> int:
        """Put anything into an inbox; return its number."""
        leaf = item.leaf if isinstance(item, PlacedOutcome) else item.accepted
        number = leaf.index * 100 + len(self.inboxes.get(agency, {}))
        self.inboxes.setdefault(agency, {})[number] = item
        return number

    def accept(self, envelope: Envelope, /, **changes: Any) -> PlacedMessage:
        """Log the acceptance of an envelope, whatever it is; `changes` are what the record falsely says."""
        parsed = parse_envelope_kindly(envelope)
        header = parsed.header
        recipients = tuple(
            RecordedRecipient(agency=item.agency, agreement=item.agreement) for item in header.recipients
        )
        members: dict[str, Any] = {
            "message": Reference(id=header.id, digest=parsed.digest),
            "agency": header.sender.agency,
            "recipients": recipients,
            "kind": header.routing.kind,
            "marking": header.routing.marking,
            "urgency": header.routing.urgency,
            "size": parsed.payload.body.size,
        }
        if header.refers_to is not None:
            members["refers_to"] = header.refers_to
        concerns = (header.sender.agency, *(item.agency for item in header.recipients))
        return PlacedMessage(envelope, self.append(RecordType.MESSAGE_ACCEPTED, concerns, **members | changes))

    def deliver(self, envelope: Envelope, inbox: str, /, **changes: Any) -> PlacedMessage:
        """Accept an envelope and put it into an inbox."""
        placed = self.accept(envelope, **changes)
        self.place(inbox, placed)
        return placed

    def answer(self, agency: str, path: str, body: bytes | None, query: Mapping[str, Any]) -> WireModel:
        """Answer one request, honestly unless told otherwise."""
        if path == ATTACHMENTS_PATH:
            answer = self.attached.announce(agency, Announcement.from_canonical(body or b""))
            return self.tamper[path](answer) if path in self.tamper else answer
        handler = HANDLERS[path]
        found = handler(self, agency, body or b"", query)
        return self.tamper[path](found) if path in self.tamper else found


class LyingConnection:
    """What a node takes for its connection to the broker."""

    def __init__(self, exchange: LyingExchange, agency: str) -> None:
        self._exchange, self._agency = exchange, agency

    def get(self, path: str, answer: type[Answer], query: Mapping[str, str | int] | None = None) -> Answer:
        """Ask for something."""
        return self._send(path, None, answer, query or {})

    def post(self, path: str, body: bytes, answer: type[Answer], *, wait_seconds: float = 0) -> Answer:
        """Hand something over."""
        return self._send(path, body, answer, {})

    def patch(self, path: str, piece: bytes, answer: type[Answer], *, offset: int) -> Answer:
        """Add a piece to an upload."""
        found = self._exchange.attached.append(self._agency, path, piece, offset)
        return answer.from_canonical(found.canonical())

    def read_range(self, path: str, start: int, count: int) -> bytes:
        """Return a part of an attachment."""
        return self._exchange.attached.read(path, start, count)

    def close(self) -> None:
        """Do nothing."""

    def _send(self, path: str, body: bytes | None, answer: type[Answer], query: Mapping[str, Any]) -> Answer:
        found = self._exchange.answer(self._agency, path, body, query)
        return answer.from_canonical(found.canonical(), max_bytes=64 << 20)


def join(exchange: LyingExchange, folder: Path, agency: str, clock: Clock) -> Node:
    """Return a node of an exchange: a real profile with real keys, enrolled, its encryption key published."""
    officer = {"BILATERAL_OFFICER": f"officer-of-{agency.lower()}"}
    with one_salt():
        initialise_node(
            folder / "home",
            agency.lower(),
            agency=agency,
            node="n1",
            broker_url="https://127.0.0.1:1",
            accepted=AcceptedSheet(exchange.sheet, compute_exchange_anchor(exchange.sheet)),
            passphrase=PASSPHRASE,
            clock=clock,
            environment=officer,
        )
    secret = folder / "passphrase"
    secret.touch(0o600)
    secret.write_text(PASSPHRASE)
    profile = load_profile(folder / "home", agency.lower())
    node = Node(open_profile(profile, environment=officer, passphrase_file=secret), clock)
    for role in (Role.NODE, Role.AUDITOR):
        node._connections[role] = LyingConnection(exchange, agency)  # type: ignore[assignment]
    install_first_key_set(node)
    document = export_enrolment(node).key_sets[0]
    digest = digest_key_document(DocumentType.KEY_SET, document.payload_bytes)
    exchange.append(RecordType.KEY_SET, (agency,), agency=agency, digest=digest, document=document)
    walk_log(node)
    publish_queued(node, prepare_encryption_keys(node))
    return node


def pin_each_other(*nodes: Node) -> None:
    """Let every node read the log and pin every other."""
    for node in nodes:
        walk_log(node)
        for partner in nodes:
            if partner is not node:
                pin_partner(node, partner.agency, get_own_anchor(partner))
        pull_steps(node)


def _spell(value: Any) -> Any:
    if isinstance(value, WireModel):
        return value.to_wire()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_spell(item) for item in value]
    return value
