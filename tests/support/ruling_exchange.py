"""The exchange in memory with a broker's real rules for keys, receipts and clocks: what a year of rotations runs on.

Over `tests.support.lying_exchange`: key documents are judged by `broker.directory.rules`, an envelope by whether its
sender's key set and its recipient's key are current, a receipt by `broker.receipts.rules`; what is past its deadline is
not handed over, and a node whose clock is wrong gets no answer, since it would get no token.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from agency_client.clock import Clock, SystemClock
from agency_client.errors import NotAuthenticatedError
from agency_client.local_store.migrations import open_store
from agency_client.node import Node
from agency_client.profiles.session import OpenProfile, derive_store_key, open_secret
from agency_client.refusals import RefusalDetails, RefusedConflictError, RefusedError
from broker.directory.members import Members
from broker.directory.rules import (
    RECORD_TYPES,
    find_leaf_of,
    verify_next_encryption_keys,
    verify_next_key_set,
    verify_next_revocation,
    verify_submission,
)
from broker.receipts.rules import ReceiptFacts, judge_receipt
from keys.errors import KeysError
from keys.sealing import parse_envelope
from schemas.api import (
    ENCRYPTION_KEYS_PATH,
    KEY_SETS_PATH,
    LEASE_PATH,
    MESSAGES_PATH,
    RECEIPTS_PATH,
    REVOCATIONS_PATH,
    STATUSES_PATH,
    Evidence,
    LoggedRecord,
    PartnerStatus,
    ReceiptsRequest,
    StatusesAnswer,
)
from schemas.codec import MAX_INTEGER
from schemas.key_documents import digest_key_document
from schemas.log.records import RecordType, Role
from schemas.model import WireModel
from schemas.signed import DocumentType, KeyUse, SignedDocument
from schemas.status import MAX_STATUS_BYTES, Status, digest_status
from tests.support.lying_answers import PlacedMessage
from tests.support.lying_exchange import LyingConnection, LyingExchange, join, pin_each_other
from tests.support.lying_world import LyingWorld
from tests.support.nodes import PASSPHRASE, MovableClock

MAX_SKEW = timedelta(seconds=30)
_DOCUMENT_TYPES = {
    KEY_SETS_PATH: DocumentType.KEY_SET,
    ENCRYPTION_KEYS_PATH: DocumentType.ENCRYPTION_KEYS,
    REVOCATIONS_PATH: DocumentType.REVOCATION,
}
_TYPES_OF_RECORDS = {record_type: document_type for document_type, record_type in RECORD_TYPES.items()}


@dataclass
class RulingExchange(LyingExchange):
    """An exchange that believes no key document, envelope or receipt which a broker would refuse.

    `refused_paths` are those it takes nothing at, as a broker that will not publish.
    """

    members: Members = field(default_factory=Members)
    refused_paths: set[str] = field(default_factory=set)
    statuses: dict[tuple[str, str], tuple[SignedDocument, LoggedRecord]] = field(default_factory=dict)

    def append(self, record_type: RecordType, concerns: tuple[str, ...], **members: Any) -> LoggedRecord:
        """Write a record, and know the members by it."""
        logged = super().append(record_type, concerns, **members)
        if logged.record.document is not None and record_type in _TYPES_OF_RECORDS:
            self._enter(logged, record_type, logged.record.document)
        return logged

    def answer(self, agency: str, path: str, body: bytes | None, query: Mapping[str, Any]) -> WireModel:
        """Answer one request by the rules."""
        if path in self.refused_paths:
            raise _refuse("busy-with-something-else", "this exchange takes nothing here")
        if path in _DOCUMENT_TYPES and body is not None:
            known = self._judge_document(agency, _DOCUMENT_TYPES[path], body)
            if known is not None:
                return self.make_evidence(self.records[known])
        if path == MESSAGES_PATH and body is not None:
            self._judge_envelope(agency, body)
        if path == RECEIPTS_PATH and body is not None:
            self._judge_receipts(agency, body)
        if path == LEASE_PATH:
            self._expire(agency)
        if path == STATUSES_PATH:
            return self._take_status(agency, body) if body else self._show_statuses(agency)
        return super().answer(agency, path, body, query)

    def _take_status(self, agency: str, body: bytes) -> Evidence:
        document = SignedDocument.from_canonical(body, max_bytes=1 << 20)
        status = Status.from_canonical(document.payload_bytes, max_bytes=MAX_STATUS_BYTES)
        digest = digest_status(document.payload_bytes)
        concerns = (agency, status.partner)
        leaf = self.append(RecordType.STATUS, concerns, agency=agency, partner=status.partner, digest=digest)
        self.statuses[agency, status.partner] = (document, leaf)
        return self.make_evidence(leaf)

    def _show_statuses(self, agency: str) -> StatusesAnswer:
        shown = tuple(
            PartnerStatus(agency=signer, document=document, leaf=leaf, proof=self.prove(leaf.index))
            for (signer, partner), (document, leaf) in sorted(self.statuses.items())
            if partner == agency
        )
        return StatusesAnswer(statuses=shown, checkpoint=self.sign_note())

    def _enter(self, logged: LoggedRecord, record_type: RecordType, document: SignedDocument) -> None:
        now, agency = self.clock.now(), logged.record.agency or ""
        known = self.members.get(agency)
        verified: Any
        if record_type is RecordType.KEY_SET:
            previous = known.newest_key_set if known else None
            verified = verify_next_key_set(self.members, document, previous, self.name, now)
        elif record_type is RecordType.ENCRYPTION_KEYS:
            verified = verify_next_encryption_keys(self.members, document, now)
        else:
            verified = verify_next_revocation(self.members, document)
        self.members = self.members.add(logged.index, verified)

    def _judge_document(self, agency: str, document_type: DocumentType, body: bytes) -> int | None:
        document = SignedDocument.from_canonical(body)
        digest = digest_key_document(document_type, document.payload_bytes)
        known = find_leaf_of(self.members, agency, document_type, digest)
        if known is None:
            try:
                verify_submission(self.members, document, document_type, agency, self.name, self.clock.now())
            except KeysError as error:
                raise _refuse(error.code, str(error)) from error
        return known

    def _judge_envelope(self, agency: str, body: bytes) -> None:
        header, now = parse_envelope(body).header, self.clock.now()
        try:
            if self.members.find(agency).newest_key_set.key_set.seq != header.sender.keyset:
                raise _conflict("key-set-not-current")
            self.members.find(agency).find_signing_keys(KeyUse.MESSAGE, header.sender.kids, MAX_INTEGER, now)
        except KeysError as error:
            raise _refuse(error.code, str(error)) from error
        for recipient in header.recipients:
            try:
                self.members.find(recipient.agency).find_encryption_key(recipient.kid, MAX_INTEGER, now)
            except KeysError as error:
                raise _conflict("encryption-key-not-current") from error

    def _judge_receipts(self, agency: str, body: bytes) -> None:
        for receipt in ReceiptsRequest.from_canonical(body, max_bytes=64 << 20).receipts:
            to = self.members.get(receipt.to_agency)
            facts = ReceiptFacts(agency, self.name, self.clock.now(), receipt, to, has_message=True)
            refusal = judge_receipt(facts)
            if refusal is not None:
                raise _refuse(refusal.slug, refusal.detail)

    def _expire(self, agency: str) -> None:
        inbox = self.inboxes.get(agency, {})
        for number, item in list(inbox.items()):
            if isinstance(item, PlacedMessage):
                header = parse_envelope(item.envelope.canonical()).header
                if header.expires_at <= self.clock.now():
                    del inbox[number]


class DatedConnection(LyingConnection):
    """The connection of a node whose clock is compared: a broker gives a token to none that is half a minute off."""

    def __init__(self, exchange: RulingExchange, agency: str, clock: Clock) -> None:
        super().__init__(exchange, agency)
        self._true_clock, self._clock = exchange.clock, clock

    def _send(self, path: str, body: bytes | None, answer: Any, query: Mapping[str, Any]) -> Any:
        if abs(self._clock.now() - self._true_clock.now()) > MAX_SKEW:
            raise NotAuthenticatedError("the assertion's times are not of now", code="assertion-refused")
        return super()._send(path, body, answer, query)


@dataclass(kw_only=True)
class RulingWorld(LyingWorld):
    """Nodes around an exchange with rules. `clock` is the exchange's and moves all; `skews` sets one node's wrong."""

    exchange: RulingExchange
    skews: dict[str, timedelta]
    secrets: dict[str, bytes] = field(default_factory=dict)

    def restart(self, agency: str) -> Node:
        """End a node's process and begin another over the same folder."""
        old = self.nodes[agency]
        if agency not in self.secrets:
            self.secrets[agency] = open_secret(old.profile, PASSPHRASE)
        old.close()
        store = open_store(old.profile.store_path, derive_store_key(self.secrets[agency]))
        opened = OpenProfile(old.profile, store, old.officer, self.secrets[agency])
        self.nodes[agency] = attach(Node(opened, old.clock), self.exchange)
        return self.nodes[agency]


@dataclass
class StandingClock(MovableClock):
    """A clock that stands until a test moves it: what happens in a key's last second does so on a slow machine, too."""

    since: datetime = field(default_factory=lambda: SystemClock().now())

    def now(self) -> datetime:
        """Return where it stands."""
        return self.since + self.ahead


@dataclass
class SkewedClock:
    """The exchange's clock as one host has it."""

    true: MovableClock
    agency: str
    skews: dict[str, timedelta]

    def now(self) -> datetime:
        """Return the time of this host."""
        return self.true.now() + self.skews.get(self.agency, timedelta())


def attach(node: Node, exchange: RulingExchange) -> Node:
    """Let a node talk to the exchange."""
    for role in (Role.NODE, Role.AUDITOR):
        node._connections[role] = DatedConnection(exchange, node.agency, node.clock)  # type: ignore[assignment]
    node.__dict__.pop("observer", None)
    return node


@contextmanager
def ruling_world(folder: Path, *agencies: str) -> Iterator[RulingWorld]:
    """Give an exchange with rules and one node for each agency, all pinned with each other."""
    clock, skews = StandingClock(), dict[str, timedelta]()
    exchange = RulingExchange(clock)
    nodes: dict[str, Node] = {}
    try:
        for agency in agencies:
            own = SkewedClock(clock, agency, skews)
            nodes[agency] = attach(join(exchange, folder, agency, own), exchange)
        pin_each_other(*nodes.values())
        yield RulingWorld(exchange=exchange, clock=clock, nodes=nodes, skews=skews)
    finally:
        for node in nodes.values():
            node.close()


def _refuse(slug: str, sentence: str) -> RefusedError:
    return RefusedError(sentence, RefusalDetails(slug, 422, (), ""))


def _conflict(slug: str) -> RefusedConflictError:
    return RefusedConflictError(f"refused: {slug}", RefusalDetails(slug, 409, (), ""))
