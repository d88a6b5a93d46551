"""Every answer of a message's way is cut, after one byte or another, and asked for again until one comes whole.

The client is the agency's own connection; what it could not tell is handed in again, as its outbox does: the same
bytes, the same lease by its name. However often that is, the log has one leaf of each thing.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from agency_client.clock import SystemClock
from agency_client.connection import BrokerConnection
from agency_client.node_identity import NodeIdentity
from agency_client.profiles.tls_identity import TlsIdentity
from agency_client.refusals import NotSentError, UnansweredError
from keys.generation import generate_id
from schemas.api import (
    ACKNOWLEDGE_PATH,
    CHECKPOINT_PATH,
    LEASE_PATH,
    MESSAGES_PATH,
    RECEIPTS_PATH,
    AcknowledgeAnswer,
    AcknowledgeRequest,
    CheckpointAnswer,
    Evidence,
    EvidenceList,
    LeaseAnswer,
    LeaseRequest,
    LoggedRecord,
    MessageItem,
    ReceiptsRequest,
)
from schemas.log.records import RecordType
from schemas.model import WireModel
from tests.faults.cutting_proxy import CuttingProxy
from tests.faults.sealed_receipts import make_receipt
from tests.faults.stored_log import read_stored_log
from tests.support.caller import NOW, issue_certificate
from tests.support.delivery import Correspondence, tell_time
from tests.support.exchange import RunningExchange
from tests.support.members import Member, derive_seed

Answer = TypeVar("Answer", bound=WireModel)

_PATIENCE_TRIES = 5
STRIDE = 389
"""How far the next cut of the same question lies behind the last one: prime, so that all bytes have their turn."""


@dataclass(slots=True)
class CutReport:
    """How often each question was asked again, and behind how many different bytes of its answer it was cut."""

    first: int = 0
    retries: Counter[str] = field(default_factory=Counter)
    tried: Counter[str] = field(default_factory=Counter)
    lengths: dict[str, int] = field(default_factory=dict)
    places: dict[str, set[int]] = field(default_factory=dict)
    leaves: list[LoggedRecord] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Return how often anything was asked again."""
        return self.retries.total()

    def describe(self) -> str:
        """Return one line for a person."""
        return ", ".join(
            f"{name} {count} (after {len(self.places[name])} of {self.lengths[name]} bytes)"
            for name, count in sorted(self.retries.items())
        )


class CutClient:
    """A member's connection through the proxy, whose answers are cut."""

    def __init__(self, exchange: RunningExchange, proxy: CuttingProxy, member: Member, report: CutReport) -> None:
        self.member = member
        self._proxy = proxy
        self._report = report
        self._connection = BrokerConnection(
            f"https://127.0.0.1:{proxy.port}", exchange.sheet, _make_identity(member), SystemClock()
        )

    def ask(self, name: str, path: str, document: WireModel, answer: type[Answer], *, cuts: int) -> Answer:
        """Ask through so many cuts, and once more; `document` is the same each time."""
        for _ in range(cuts):
            self.warm_up()
            self._cut(name)
            try:
                whole = self._connection.post(path, document.canonical(), answer)
            except (UnansweredError, NotSentError):
                self._report.retries[name] += 1
            else:
                self._proxy.count_anew()
                return whole  # the answer was shorter than where it would have been cut
        return self.ask_uncut(name, path, document, answer)

    def ask_uncut(self, name: str, path: str, document: WireModel, answer: type[Answer]) -> Answer:
        """Ask, and remember how long the answer is."""
        self.warm_up()
        whole = _insist(lambda: self._connection.post(path, document.canonical(), answer))
        self._report.lengths[name] = self._proxy.passed
        return whole

    def warm_up(self) -> None:
        """Have a connection on which everything that follows is one answer: no handshake, no session tickets."""
        self._proxy.count_anew()
        answer = _insist(lambda: self._connection.get(CHECKPOINT_PATH, CheckpointAnswer))
        self._report.notes.append(answer.checkpoint)
        self._proxy.count_anew()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _cut(self, name: str) -> None:
        self._report.tried[name] += 1
        tried = self._report.tried[name]
        place = (self._report.first + tried * STRIDE) % max(self._report.lengths.get(name, 1), 1)
        self._report.places.setdefault(name, set()).add(place)
        self._proxy.cut_after(place, resets=tried % 2 == 1)


def play_retries(
    exchange: RunningExchange,
    proxy: CuttingProxy,
    messages: Correspondence,
    retries: int,
    *,
    cuts: int,
    first: int = 0,
    progress: Callable[[CutReport], None] = lambda report: None,
) -> CutReport:
    """Let messages go their way until so many answers were cut: each question `cuts` times before it is answered.

    The first cut of each question is behind `first` bytes of its answer.
    """
    report = CutReport(first)
    sender = CutClient(exchange, proxy, messages.sender, report)
    recipient = CutClient(exchange, proxy, messages.recipient, report)
    number = 0
    while report.total < retries:
        _play_message(sender, recipient, messages, ("cut", number), cuts if number else 0, report)
        number += 1
        progress(report)
    sender.close()
    recipient.close()
    return report


def _play_message(
    sender: CutClient, recipient: CutClient, messages: Correspondence, name: object, cuts: int, report: CutReport
) -> None:
    """Send, collect, acknowledge and receipt one message."""
    sealed = messages.seal(name)
    evidence = sender.ask("submit", MESSAGES_PATH, sealed.envelope, Evidence, cuts=cuts)
    report.leaves.append(evidence.leaf)
    lease, number = _collect(recipient, cuts)
    assert number == evidence.leaf.index
    asked = AcknowledgeRequest(lease=lease, numbers=(number,))
    recipient.ask("acknowledge", ACKNOWLEDGE_PATH, asked, AcknowledgeAnswer, cuts=cuts)
    receipt = make_receipt(recipient.member, sender.member, name, tell_time())
    receipts = ReceiptsRequest(receipts=(receipt,))
    recipient.ask("receipt", RECEIPTS_PATH, receipts, EvidenceList, cuts=cuts)
    _take_receipt(sender)


def _collect(client: CutClient, cuts: int) -> tuple[str, int]:
    """Lease the one message that waits, under one name however often; return the name and the item's number."""
    lease = generate_id()
    first = LeaseRequest(lease=lease, wait_seconds=0, max_items=8)
    again = LeaseRequest(lease=lease, again=True, wait_seconds=0, max_items=8)
    client.ask("lease", LEASE_PATH, first, LeaseAnswer, cuts=min(cuts, 1))
    answer = client.ask("lease", LEASE_PATH, again, LeaseAnswer, cuts=max(cuts - 1, 0))
    (item,) = answer.items
    assert isinstance(item, MessageItem)
    return lease, item.number


def _take_receipt(client: CutClient) -> None:
    lease = LeaseRequest(wait_seconds=0, max_items=8)
    answer = client.ask_uncut("collect", LEASE_PATH, lease, LeaseAnswer)
    assert answer.lease is not None
    assert len(answer.items) == 1
    asked = AcknowledgeRequest(lease=answer.lease, numbers=tuple(item.number for item in answer.items))
    client.ask_uncut("settle", ACKNOWLEDGE_PATH, asked, AcknowledgeAnswer)


def verify_effects(exchange: RunningExchange, messages: Correspondence, report: CutReport) -> None:
    """Verify in the database that all that was asked for again was done once, and that nothing told is otherwise."""
    log = read_stored_log(exchange)
    log.verify_told(report.leaves, report.notes)
    sent = {sealed.header.id: 1 for name, sealed in messages.sent.items() if name[0] == "cut"}  # type: ignore[index]
    assert log.count_messages(RecordType.MESSAGE_ACCEPTED) == sent
    assert log.count_messages(RecordType.MESSAGE_HANDED_OVER) == sent
    assert sorted(log.count_digests(RecordType.RECEIPT).values()) == [1] * len(sent)


def _insist(call: Callable[[], Answer]) -> Answer:
    """Ask again where nothing was cut and yet no answer came in time: the machine is slow."""
    for _ in range(_PATIENCE_TRIES):
        try:
            return call()
        except (UnansweredError, NotSentError):
            continue
    return call()


def _make_identity(member: Member) -> NodeIdentity:
    node = "node-1"
    seed = derive_seed(member.agency, node, "tls")
    certificate = issue_certificate(member.tls_ca_seed, seed, node, NOW - timedelta(minutes=5), NOW + timedelta(days=1))
    return NodeIdentity(member.agency, node, TlsIdentity(seed, certificate), member.request_seed)
