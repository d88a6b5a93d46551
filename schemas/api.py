"""What goes over HTTP between a client and the broker, beside the signed documents themselves.

Every body, question or answer, is canonical JSON of one of these models. Paths are relative to the broker's address.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.envelope import MAX_CIPHERTEXT_BYTES, Envelope, Reference
from schemas.key_documents import LogOrigin
from schemas.log.records import Action, Record, RecordType, Role
from schemas.markings import Urgency
from schemas.model import (
    AgencyId,
    Code,
    Digest,
    ExchangeName,
    Line,
    NodeId,
    Salt,
    Size,
    Timestamp,
    Uuid,
    WireModel,
)
from schemas.receipts import SealedReceipt
from schemas.signed import SignedDocument

PROTOCOL_VERSION = 1
VERSION_HEADER = "Bilateral-Version"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_NOTE_CHARACTERS = 32 * 1024
MAX_PROOF_HASHES = 128
MAX_LEASE_ITEMS = 64
MAX_LEASE_BYTES = 16 * MAX_CIPHERTEXT_BYTES
MAX_WAIT_SECONDS = 60
MAX_RANGE_LEAVES = 1000
MAX_AUDIT_RECORDS = 500
MAX_RECEIPTS_PER_REQUEST = 64
MAX_WITNESSES_PER_REQUEST = 64

HOME_PATH = "/"
OPENAPI_PATH = "/openapi.json"
TOKEN_PATH = "/token"  # noqa: S105 - an address, no secret
MEMBERS_PATH = "/members"
KEY_SETS_PATH = "/key-sets"
ENCRYPTION_KEYS_PATH = "/encryption-keys"
REVOCATIONS_PATH = "/revocations"
STEPS_PATH = "/agreements/steps"
MESSAGES_PATH = "/messages"
MESSAGE_BATCHES_PATH = "/batches/messages"
ATTACHMENTS_PATH = "/attachments"
LEASE_PATH = "/inbox/lease"
ACKNOWLEDGE_PATH = "/inbox/acknowledge"
EVENTS_PATH = "/inbox/events"
RECEIPTS_PATH = "/receipts"
RECEIPT_BATCHES_PATH = "/batches/receipts"
STATUSES_PATH = "/statuses"
ACCESS_LOG_HEADS_PATH = "/access-log-heads"
CHECKPOINT_PATH = "/log/checkpoint"
CONSISTENCY_PATH = "/log/consistency"
LEAVES_PATH = "/log/leaves"
COSIGNATURES_PATH = "/log/cosignatures"
AUDIT_PATH = "/audit/records"

Note = Annotated[str, Field(min_length=1, max_length=MAX_NOTE_CHARACTERS)]
Proof = Annotated[tuple[Digest, ...], Field(max_length=MAX_PROOF_HASHES)]


class ExchangeAnswer(WireModel):
    """What answers at an exchange's address: a greeting for whoever finds it; clients believe its sheet instead."""

    product: Literal["bilateral"]
    exchange: ExchangeName
    origin: LogOrigin
    protocol: Literal[1]


class TokenAnswer(WireModel):
    """An access token (RFC 6749 §5.1), bound to the certificate it was asked under (RFC 8705 §3)."""

    access_token: Annotated[str, Field(max_length=4096)]
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, Field(ge=1, le=300)]
    scope: Role


class LoggedRecord(WireModel):
    """One record with its place in the log: enough to compute its leaf."""

    index: Size
    record: Record
    salt: Salt


class Evidence(WireModel):
    """The proof that one record is in the log under a signed checkpoint."""

    leaf: LoggedRecord
    proof: Proof
    checkpoint: Note


class EvidenceList(WireModel):
    """Several records under one checkpoint, each with its own proof."""

    leaves: Annotated[tuple[LoggedRecord, ...], Field(max_length=MAX_RANGE_LEAVES)]
    proofs: Annotated[tuple[Proof, ...], Field(max_length=MAX_RANGE_LEAVES)]
    checkpoint: Note

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        if len(self.leaves) != len(self.proofs):
            raise ValueError("proofs must be as many as leaves")
        return self


class LoggedStep(WireModel):
    """One agreement step as the broker keeps it: the signed document and its record's place in the log."""

    document: SignedDocument
    leaf: LoggedRecord
    proof: Proof


class StepsAnswer(WireModel):
    """The caller's agreement steps from a log index on (its own and its partners'), oldest first."""

    steps: Annotated[tuple[LoggedStep, ...], Field(max_length=256)]
    more: bool
    checkpoint: Note


class LeaseRequest(WireModel):
    """Ask for the oldest items; wait at most so many seconds when there are none.

    `lease` is how the caller names what it will be handed. Who got no answer asks `again` under the same name, and gets
    the very same lease at once.
    """

    lease: Uuid | None = None
    again: Literal[True] | None = None
    wait_seconds: Annotated[int, Field(ge=0, le=MAX_WAIT_SECONDS)]
    max_items: Annotated[int, Field(ge=1, le=MAX_LEASE_ITEMS)]

    @model_validator(mode="after")
    def _check_name(self) -> Self:
        if self.again and self.lease is None:
            raise ValueError("again: say under which lease was asked before")
        return self


class MessageItem(WireModel):
    """A leased message: the envelope, the leaf of its acceptance, and the leaf of this hand-over."""

    type: Literal["message"]
    number: Size
    envelope: Envelope
    accepted: LoggedRecord
    accepted_proof: Proof
    handed_over: LoggedRecord
    handed_over_proof: Proof


class ReceiptItem(WireModel):
    """A leased receipt and the leaf of its acceptance by the broker."""

    type: Literal["receipt"]
    number: Size
    receipt: SealedReceipt
    accepted: LoggedRecord
    accepted_proof: Proof


class OutcomeItem(WireModel):
    """What became of a message the caller sent, as a leaf says: returned, withdrawn, expired, held, released."""

    type: Literal["outcome"]
    number: Size
    leaf: LoggedRecord
    proof: Proof


InboxItem = Annotated[MessageItem | ReceiptItem | OutcomeItem, Field(discriminator="type")]


class LeaseAnswer(WireModel):
    """What was leased. Withdrawals stand first; `lease` is absent when there was nothing."""

    lease: Uuid | None = None
    leased_until: Timestamp | None = None
    withdrawn: Annotated[tuple[Reference, ...], Field(max_length=1000)]
    items: Annotated[tuple[InboxItem, ...], Field(max_length=MAX_LEASE_ITEMS)]
    more: bool
    checkpoint: Note

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        if {self.lease is not None, self.leased_until is not None} != {bool(self.items)}:
            raise ValueError("lease and leased_until stand where there are items and nowhere else")
        return self


class InboxEvent(WireModel):
    """What waits in the caller's inbox: how many items (1000 stands for more), and the highest urgency among them.

    `newest` is the leaf that put the newest of them there, or released it; with the epoch before it, like 1-42, it is
    the event's id as well.
    """

    newest: Size
    urgency: Urgency
    count: Annotated[int, Field(ge=1, le=1000)]


class AcknowledgeRequest(WireModel):
    """The items of a lease that are stored at the caller and need not come again."""

    lease: Uuid
    numbers: Annotated[tuple[Size, ...], Field(min_length=1, max_length=MAX_LEASE_ITEMS)]


class AcknowledgeAnswer(WireModel):
    """How many items this call settled; those settled before are not counted again."""

    settled: Size


class ReceiptsRequest(WireModel):
    """Sealed receipts to pass on."""

    receipts: Annotated[tuple[SealedReceipt, ...], Field(min_length=1, max_length=MAX_RECEIPTS_PER_REQUEST)]


class PartnerStatus(WireModel):
    """The newest status a partner signed for the caller."""

    agency: AgencyId
    document: SignedDocument
    leaf: LoggedRecord
    proof: Proof


class StatusesAnswer(WireModel):
    """The newest status of every partner that signed one for the caller."""

    statuses: Annotated[tuple[PartnerStatus, ...], Field(max_length=1000)]
    checkpoint: Note


class MessageState(WireModel):
    """How far one message has come for one recipient, as the broker knows it."""

    recipient: AgencyId
    state: Literal["waiting", "leased", "held", "handed-over", "returned", "withdrawn", "expired"]
    leaf: LoggedRecord | None = None


class MessageStatesAnswer(WireModel):
    """The states of a message its sender asks about."""

    message: Reference
    states: Annotated[tuple[MessageState, ...], Field(max_length=64)]
    checkpoint: Note


class RangeLeaf(WireModel):
    """One leaf of a range: its class and commitment, and for a public one the record and its salt."""

    leaf_class: Literal["public", "private"]
    commitment: Digest
    record: Record | None = None
    salt: Salt | None = None

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        shown = (self.record is not None, self.salt is not None)
        if shown != ((True, True) if self.leaf_class == "public" else (False, False)):
            raise ValueError("record and salt stand in a public leaf and in no other")
        return self


class LeavesAnswer(WireModel):
    """A range of leaves from `start`, under a checkpoint at least as large."""

    start: Size
    leaves: Annotated[tuple[RangeLeaf, ...], Field(max_length=MAX_RANGE_LEAVES)]
    checkpoint: Note


class CheckpointAnswer(WireModel):
    """The newest signed checkpoint."""

    checkpoint: Note


class ConsistencyAnswer(WireModel):
    """The proof that the tree of `old_size` is a prefix of a newer one's: the checkpoint's, if no other was named."""

    old_size: Size
    proof: Proof
    checkpoint: Note


class Cosignature(WireModel):
    """A checkpoint as the log signed it, with the caller's cosignature as its third and last line."""

    note: Note


class CosignatureAnswer(WireModel):
    """The newest signed checkpoint, after a cosignature was kept."""

    checkpoint: Note


class CosignedNote(WireModel):
    """The newest checkpoint that an agency cosigned: the log's two lines and the agency's one."""

    agency: AgencyId
    note: Note


class CosignedNotes(WireModel):
    """Of each agency asked about that has cosigned, the newest note; in the order of their ids."""

    notes: Annotated[tuple[CosignedNote, ...], Field(max_length=MAX_WITNESSES_PER_REQUEST)]
    checkpoint: Note


class Member(WireModel):
    """One enrolled member: its newest key set and encryption keys, and every revocation."""

    agency: AgencyId
    key_set: SignedDocument
    encryption_keys: SignedDocument | None = None
    revocations: Annotated[tuple[SignedDocument, ...], Field(max_length=256)]


class MembersAnswer(WireModel):
    """Members by id, `more` behind them. A convenience: clients believe the log's public leaves, and their pins."""

    members: Annotated[tuple[Member, ...], Field(max_length=1000)]
    more: bool
    checkpoint: Note


class AuditQuery(WireModel):
    """What an auditor asks, and why. Filters combine; the query itself becomes a record."""

    reason: Line
    case: Line | None = None
    types: Annotated[tuple[RecordType, ...], Field(min_length=1, max_length=len(RecordType))] | None = None
    action: Action | None = None
    agency: AgencyId | None = None
    partner: AgencyId | None = None
    actor: AgencyId | None = None
    node: NodeId | None = None
    message: Uuid | None = None
    agreement: Uuid | None = None
    problem: Code | None = None
    since: Timestamp | None = None
    until: Timestamp | None = None
    after_index: Size | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_AUDIT_RECORDS)]


class AuditAnswer(WireModel):
    """Matching records, oldest first, each with its proof; and the leaf of this very query."""

    records: Annotated[tuple[LoggedRecord, ...], Field(max_length=MAX_AUDIT_RECORDS)]
    proofs: Annotated[tuple[Proof, ...], Field(max_length=MAX_AUDIT_RECORDS)]
    more: bool
    query: LoggedRecord
    checkpoint: Note

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        if len(self.records) != len(self.proofs):
            raise ValueError("proofs must be as many as records")
        return self


class AccessLogHead(WireModel):
    """The head of an agency's own access log, signed by its receipt key (typ `bilateral-access-log-head`)."""

    v: Literal[1]
    exchange: ExchangeName
    agency: AgencyId
    node: NodeId
    count: Size
    head: Digest
    time: Timestamp
