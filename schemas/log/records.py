"""Log records: what every leaf of the exchange's log says happened.

One flat model for all types, so that an auditor reads one table. `REQUIRED` says which members a type must have; the
others it may not have unless listed as optional. Who may read a private record is `concerns`; a public one is read by
every member.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.envelope import MAX_RECIPIENTS, Reference, SeenCheckpoint
from schemas.markings import Tlp, Urgency
from schemas.model import AgencyId, Code, Counter, Digest, Line, NodeId, Size, Timestamp, Uuid, WireModel
from schemas.receipts import ReceiptType
from schemas.signed import SignedDocument


class Role(StrEnum):
    """In which role a caller acts; tokens carry it."""

    NODE = "node"
    AUDITOR = "auditor"
    OVERSIGHT = "oversight"
    OPERATOR = "operator"


class Action(StrEnum):
    """What an auditor files an event under: the six of Directive (EU) 2016/680 art. 25, and the exchange's own."""

    COLLECTION = "collection"
    ALTERATION = "alteration"
    CONSULTATION = "consultation"
    DISCLOSURE = "disclosure"
    COMBINATION = "combination"
    ERASURE = "erasure"
    ACCESS = "access"
    AGREEMENTS = "agreements"
    KEYS = "keys"
    OPERATOR = "operator"


class RecordType(StrEnum):
    """What happened."""

    EXCHANGE_OPENED = "exchange-opened"
    MEMBER_ENROLLED = "member-enrolled"
    KEY_SET = "key-set"
    ENCRYPTION_KEYS = "encryption-keys"
    REVOCATION = "revocation"
    AGREEMENT_STEP = "agreement-step"
    MESSAGE_ACCEPTED = "message-accepted"
    MESSAGE_HANDED_OVER = "message-handed-over"
    MESSAGE_HELD = "message-held"
    MESSAGE_RELEASED = "message-released"
    MESSAGE_RETURNED = "message-returned"
    MESSAGE_WITHDRAWN = "message-withdrawn"
    MESSAGE_EXPIRED = "message-expired"
    MESSAGE_CARRIED = "message-carried"
    RECEIPT = "receipt"
    STATUS = "status"
    ACCESS_LOG_HEAD = "access-log-head"
    AUDIT_QUERY = "audit-query"
    REFUSED = "refused"
    TOKENS_ISSUED = "tokens-issued"
    OPERATOR_ACTION = "operator-action"


PUBLIC_TYPES = frozenset(
    {
        RecordType.EXCHANGE_OPENED,
        RecordType.MEMBER_ENROLLED,
        RecordType.KEY_SET,
        RecordType.ENCRYPTION_KEYS,
        RecordType.REVOCATION,
    }
)
"""Types whose leaf must be public; a verifier refuses one under a private leaf, and all others under a public one."""

RECORD_ACTIONS: dict[RecordType, Action] = {
    RecordType.EXCHANGE_OPENED: Action.OPERATOR,
    RecordType.MEMBER_ENROLLED: Action.OPERATOR,
    RecordType.KEY_SET: Action.KEYS,
    RecordType.ENCRYPTION_KEYS: Action.KEYS,
    RecordType.REVOCATION: Action.KEYS,
    RecordType.AGREEMENT_STEP: Action.AGREEMENTS,
    RecordType.MESSAGE_ACCEPTED: Action.COLLECTION,
    RecordType.MESSAGE_HANDED_OVER: Action.DISCLOSURE,
    RecordType.MESSAGE_HELD: Action.DISCLOSURE,
    RecordType.MESSAGE_RELEASED: Action.DISCLOSURE,
    RecordType.MESSAGE_RETURNED: Action.DISCLOSURE,
    RecordType.MESSAGE_WITHDRAWN: Action.ERASURE,
    RecordType.MESSAGE_EXPIRED: Action.ERASURE,
    RecordType.MESSAGE_CARRIED: Action.OPERATOR,
    RecordType.RECEIPT: Action.DISCLOSURE,
    RecordType.STATUS: Action.ACCESS,
    RecordType.ACCESS_LOG_HEAD: Action.ACCESS,
    RecordType.AUDIT_QUERY: Action.CONSULTATION,
    RecordType.REFUSED: Action.ACCESS,
    RecordType.TOKENS_ISSUED: Action.ACCESS,
    RecordType.OPERATOR_ACTION: Action.OPERATOR,
}

REQUIRED: dict[RecordType, frozenset[str]] = {
    RecordType.EXCHANGE_OPENED: frozenset({"detail"}),
    RecordType.MEMBER_ENROLLED: frozenset({"agency", "digest"}),
    RecordType.KEY_SET: frozenset({"agency", "document", "digest"}),
    RecordType.ENCRYPTION_KEYS: frozenset({"agency", "document", "digest"}),
    RecordType.REVOCATION: frozenset({"agency", "document", "digest"}),
    RecordType.AGREEMENT_STEP: frozenset({"agency", "partner", "agreement", "digest", "step"}),
    RecordType.MESSAGE_ACCEPTED: frozenset({"message", "agency", "recipients", "kind", "marking", "urgency", "size"}),
    RecordType.MESSAGE_HANDED_OVER: frozenset({"message", "agency", "partner", "lease"}),
    RecordType.MESSAGE_HELD: frozenset({"message", "agency", "partner", "reasons"}),
    RecordType.MESSAGE_RELEASED: frozenset({"message", "agency", "partner"}),
    RecordType.MESSAGE_RETURNED: frozenset({"message", "agency", "partner", "reasons"}),
    RecordType.MESSAGE_WITHDRAWN: frozenset({"message", "agency", "partner"}),
    RecordType.MESSAGE_EXPIRED: frozenset({"message", "agency", "partner"}),
    RecordType.MESSAGE_CARRIED: frozenset({"message", "agency", "partner", "recipients", "kind", "marking", "size"}),
    RecordType.RECEIPT: frozenset({"agency", "partner", "digest", "receipt_type"}),
    RecordType.STATUS: frozenset({"agency", "partner", "digest"}),
    RecordType.ACCESS_LOG_HEAD: frozenset({"agency", "digest", "count"}),
    RecordType.AUDIT_QUERY: frozenset({"agency", "detail", "count"}),
    RecordType.REFUSED: frozenset({"problem", "reasons"}),
    RecordType.TOKENS_ISSUED: frozenset({"agency", "count"}),
    RecordType.OPERATOR_ACTION: frozenset({"detail"}),
}
OPTIONAL: dict[RecordType, frozenset[str]] = {
    RecordType.EXCHANGE_OPENED: frozenset({"checkpoint"}),
    RecordType.AGREEMENT_STEP: frozenset({"version"}),
    RecordType.MESSAGE_ACCEPTED: frozenset({"refers_to"}),
    RecordType.MESSAGE_WITHDRAWN: frozenset({"refers_to"}),
    RecordType.REFUSED: frozenset(
        {"agency", "partner", "message", "agreement", "digest", "kind", "detail", "recipients", "step"}
    ),
    RecordType.OPERATOR_ACTION: frozenset({"agency"}),
}
_ALWAYS = frozenset({"v", "type", "time", "concerns", "actor"})


class Actor(WireModel):
    """Who called: agency, node and role. Absent where the exchange itself acted."""

    agency: AgencyId
    node: NodeId
    role: Role


class RecordedRecipient(WireModel):
    """One recipient of an accepted message, and the agreement cited for it."""

    agency: AgencyId
    agreement: Digest


class Record(WireModel):
    """One record. `concerns` are the agencies whose auditors may read it.

    `agency` did it (sender, signer), `partner` is the other side, `digest` names the signed document it is about.
    """

    v: Literal[1]
    type: RecordType
    time: Timestamp
    concerns: Annotated[tuple[AgencyId, ...], Field(max_length=MAX_RECIPIENTS + 2)]
    actor: Actor | None = None
    agency: AgencyId | None = None
    partner: AgencyId | None = None
    recipients: Annotated[tuple[RecordedRecipient, ...], Field(max_length=MAX_RECIPIENTS)] | None = None
    message: Reference | None = None
    refers_to: Reference | None = None
    agreement: Uuid | None = None
    version: Counter | None = None
    step: Code | None = None
    digest: Digest | None = None
    document: SignedDocument | None = None
    kind: Code | None = None
    marking: Tlp | None = None
    urgency: Urgency | None = None
    size: Size | None = None
    lease: Uuid | None = None
    receipt_type: ReceiptType | None = None
    count: Size | None = None
    problem: Code | None = None
    reasons: Annotated[tuple[Code, ...], Field(max_length=32)] | None = None
    detail: Line | None = None
    checkpoint: SeenCheckpoint | None = None

    @model_validator(mode="after")
    def _check_members(self) -> "Record":
        present = {name for name, value in vars(self).items() if value is not None} - _ALWAYS
        missing = REQUIRED[self.type] - present
        foreign = present - REQUIRED[self.type] - OPTIONAL.get(self.type, frozenset())
        if missing or foreign:
            raise ValueError(
                f"a {self.type.value} record: {sorted(missing)} missing, {sorted(foreign)} not of this type"
            )
        return self

    @property
    def is_public(self) -> bool:
        """Return whether the record's leaf must be of class `public`."""
        return self.type in PUBLIC_TYPES

    @property
    def action(self) -> Action:
        """Return what an auditor files it under."""
        return RECORD_ACTIONS[self.type]
