"""Two agencies that go on sending, collecting and receipting whatever happens to their brokers, and remember all of it.

What is not answered is asked again until it is: the same envelope, the same lease by its name, the same receipt. What
was answered, every head that was seen, and each refusal by its code is kept; `verify_effects` holds it against the log.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from time import monotonic

import httpx

from keys.generation import generate_id
from keys.sealing import SealedMessage
from schemas.api import (
    ACKNOWLEDGE_PATH,
    LEASE_PATH,
    MESSAGES_PATH,
    RECEIPTS_PATH,
    AcknowledgeAnswer,
    AcknowledgeRequest,
    Evidence,
    EvidenceList,
    InboxItem,
    LeaseAnswer,
    LeaseRequest,
    LoggedRecord,
    MessageItem,
    ReceiptItem,
    ReceiptsRequest,
    TokenAnswer,
)
from schemas.key_documents import ExchangeSheet
from schemas.log.records import RecordType
from schemas.model import WireModel
from schemas.receipts import SealedReceipt
from tests.faults.sealed_receipts import make_receipt
from tests.faults.stored_log import StoredLog
from tests.support.caller import Caller, read_answer, read_slug
from tests.support.delivery import Correspondence, tell_time
from tests.support.members import Member

Urls = Callable[[], Sequence[str]]

_COME_AGAIN = frozenset({401, 408, 429, 503, 507})
_PAUSE_SECONDS = 0.05
_CLIENT_SECONDS = 5.0
_QUESTIONS_OF_ONE_BROKER = 12


class Stopped(Exception):  # noqa: N818 - no error: how a loop learns that it is over
    """The traffic is to end now, whatever is still unanswered."""


@dataclass
class Memory:
    """What all clients together were told."""

    leaves: list[LoggedRecord] = field(default_factory=list)
    notes: set[str] = field(default_factory=set)
    sent: list[SealedMessage] = field(default_factory=list)
    accepted: dict[str, Evidence] = field(default_factory=dict)
    arrived: dict[str, set[int]] = field(default_factory=dict)
    settled: set[int] = field(default_factory=set)
    receipted: set[str] = field(default_factory=set)
    receipts_seen: dict[str, set[int]] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    longest_answer_seconds: float = 0

    def copy(self) -> "Memory":
        """Return what was told until now, to be held against a log that is read later."""
        return Memory(list(self.leaves), set(self.notes), list(self.sent), dict(self.accepted))


class Line:
    """One client's way to whichever broker answers; it waits and asks again until one does."""

    def __init__(self, member: Member, sheet: ExchangeSheet, urls: Urls, memory: Memory) -> None:
        self.member = member
        self._sheet = sheet
        self._urls = urls
        self._memory = memory
        self._chance = random.Random(member.agency)
        self._caller: Caller | None = None
        self._asked = 0
        self.must_stop = threading.Event()

    def ask(self, path: str, document: WireModel, *statuses: int) -> httpx.Response | None:
        """Ask until it is answered; nothing where the broker says that this cannot be answered so (any more).

        Raises:
            Stopped: it was not answered, and is not to be asked again.
        """
        begun = monotonic()
        while not self.must_stop.is_set():
            response = self._try(path, document)
            if response is not None and response.status_code in statuses:
                self._memory.longest_answer_seconds = max(self._memory.longest_answer_seconds, monotonic() - begun)
                return response
            if response is not None:
                slug = read_slug(response)
                self._memory.refusals[f"{response.status_code} {slug}"] += 1
                if slug in ("lease-unknown", "not-found"):
                    return None
                if response.status_code not in _COME_AGAIN:
                    self._memory.violations.append(f"{path} was refused: {response.text}")
                    return None
            self.must_stop.wait(_PAUSE_SECONDS)
        raise Stopped

    def close(self) -> None:
        """Close the connection."""
        if self._caller is not None:
            self._caller.close()
            self._caller = None

    def _try(self, path: str, document: WireModel) -> httpx.Response | None:
        try:
            caller = self._find_caller()
            if caller is None:
                self.must_stop.wait(_PAUSE_SECONDS * 4)
                return None
            response = self._ask_for_token(caller) or caller.post(path, document)
        except httpx.ConnectError:  # it is not there yet, or not any more
            self._memory.refusals["ConnectError"] += 1
            self.must_stop.wait(_PAUSE_SECONDS * 4)
            return None
        except httpx.HTTPError as error:
            self._memory.refusals[type(error).__name__] += 1
            self.close()
            return None
        if response.status_code == httpx.codes.UNAUTHORIZED:
            caller.token = None
        elif response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            self.close()  # perhaps another broker can
        return response

    def _ask_for_token(self, caller: Caller) -> httpx.Response | None:
        """Let a caller have a token; return the refusal if it is given none."""
        if caller._token is not None:
            return None
        response = caller.ask_token()
        if response.status_code != httpx.codes.OK:
            return response
        caller.token = read_answer(response, TokenAnswer).access_token
        return None

    def _find_caller(self) -> Caller | None:
        """Return a connection to one of the brokers, to any of them anew each now and then; nothing if none serves."""
        urls = self._urls()
        self._asked += 1
        is_turning = len(urls) > 1 and self._asked % _QUESTIONS_OF_ONE_BROKER == 0
        if self._caller is None or self._caller.url not in urls or is_turning:
            self.close()
            if not urls:
                return None
            self._caller = Caller(self._chance.choice(urls), self._sheet, self.member)
            self._caller.http.timeout = httpx.Timeout(_CLIENT_SECONDS)
        return self._caller


@dataclass
class Traffic:
    """Senders of one agency and the collectors of both; `urls` says where brokers serve at this moment."""

    messages: Correspondence
    sheet: ExchangeSheet
    urls: Urls
    senders: int = 2
    pause_seconds: float = 0.0
    memory: Memory = field(default_factory=Memory)
    _receipts: dict[str, SealedReceipt] = field(default_factory=dict)
    _sealing: threading.Lock = field(default_factory=threading.Lock)
    _is_ending: threading.Event = field(default_factory=threading.Event)
    _lines: list[Line] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin."""
        for number in range(self.senders):
            self._run(self.messages.sender, partial(self._send, number))
        self._run(self.messages.recipient, self._collect_messages)
        self._run(self.messages.sender, self._collect_receipts)

    def end(self, seconds: float) -> None:
        """Send nothing new, let everything arrive, and end; whatever is not answered by then is a violation."""
        self._is_ending.set()
        until = monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            self.memory.violations.append(f"not everything was answered and collected within {seconds} seconds")
        self.abandon()

    def abandon(self) -> None:
        """End at once."""
        self._is_ending.set()
        for line in self._lines:
            line.must_stop.set()
        for thread in self._threads:
            thread.join()
        for line in self._lines:
            line.close()

    def wait_for(self, accepted: int, seconds: float = 120) -> None:
        """Wait until so many more messages were accepted."""
        goal, until = len(self.memory.accepted) + accepted, monotonic() + seconds
        while len(self.memory.accepted) < goal:
            assert monotonic() < until, f"only {len(self.memory.accepted)} were accepted: {self.memory.refusals}"
            assert not self.memory.violations, self.memory.violations
            self._is_ending.wait(0.02)

    def verify_effects(self, log: StoredLog, *, is_over: bool, told: Memory | None = None) -> None:
        """Verify that what was answered is in the log, and nothing twice; and all of it, once everything is over.

        `told` is what had been answered when the log was read, where a broker went on answering meanwhile.
        """
        memory = self.memory
        assert not memory.violations, memory.violations
        told = told or memory
        log.verify_told(told.leaves, told.notes)
        accepted = log.count_messages(RecordType.MESSAGE_ACCEPTED)
        receipted = log.count_digests(RecordType.RECEIPT)
        assert set(told.accepted) <= set(accepted) <= {sealed.header.id for sealed in memory.sent}
        assert set(accepted.values()) | set(receipted.values()) <= {1}
        assert all(len(numbers) == 1 for numbers in (*memory.arrived.values(), *memory.receipts_seen.values()))
        if is_over:
            everything = {sealed.header.id for sealed in memory.sent}
            assert everything == set(memory.accepted) == set(memory.arrived) == set(accepted)
            assert memory.receipted == set(memory.receipts_seen) == set(receipted)
            assert len(receipted) == len(everything)

    def _run(self, member: Member, what: Callable[[Line], None]) -> None:
        line = Line(member, self.sheet, self.urls, self.memory)
        self._lines.append(line)

        def run() -> None:
            try:
                what(line)
            except Stopped:
                pass
            except Exception as error:  # noqa: BLE001 - it is told where the traffic ends
                self.memory.violations.append(f"{type(error).__name__}: {error}")

        self._threads.append(threading.Thread(target=run, name=f"traffic-{len(self._threads)}", daemon=True))
        self._threads[-1].start()

    def _send(self, sender: int, line: Line) -> None:
        for number in count():
            if self._is_ending.wait(self.pause_seconds):
                return
            with self._sealing:
                sealed = self.messages.seal(("traffic", sender, number))
                self.memory.sent.append(sealed)
            response = line.ask(MESSAGES_PATH, sealed.envelope, 200, 202)
            if response is not None:
                evidence = Evidence.from_canonical(response.content)
                self.memory.accepted[sealed.header.id] = evidence
                self.memory.leaves.append(evidence.leaf)
                self.memory.notes.add(evidence.checkpoint)

    def _collect_messages(self, line: Line) -> None:
        for items in self._collect(line, lambda: len(self.memory.accepted) <= len(self.memory.arrived)):
            for item in items:
                if isinstance(item, MessageItem):
                    self._receipt(line, item)

    def _receipt(self, line: Line, item: MessageItem) -> None:
        assert item.accepted.record.message is not None
        message_id = item.accepted.record.message.id
        self.memory.arrived.setdefault(message_id, set()).add(item.number)
        if message_id not in self._receipts:  # one that comes again is receipted by the very same document
            parties = (self.messages.recipient, self.messages.sender)
            self._receipts[message_id] = make_receipt(*parties, message_id, tell_time())
        sealed = self._receipts[message_id]
        response = line.ask(RECEIPTS_PATH, ReceiptsRequest(receipts=(sealed,)), 200, 201)
        if response is not None:
            evidence = EvidenceList.from_canonical(response.content)
            self.memory.leaves += evidence.leaves
            self.memory.notes.add(evidence.checkpoint)
            self.memory.receipted.add(sealed.digest)

    def _collect_receipts(self, line: Line) -> None:
        for items in self._collect(line, lambda: len(self.memory.accepted) <= len(self.memory.receipts_seen)):
            for item in items:
                if isinstance(item, ReceiptItem):
                    self.memory.receipts_seen.setdefault(item.receipt.digest, set()).add(item.number)

    def _collect(self, line: Line, is_done: Callable[[], bool]) -> Iterator[tuple[InboxItem, ...]]:
        """Yield what is leased, before it is acknowledged; a lease that was not answered is asked for by its name."""
        while not (self._is_ending.is_set() and not self._is_sending() and is_done()):
            answer = self._lease(line)
            if answer is None or answer.lease is None:
                line.must_stop.wait(_PAUSE_SECONDS)
                continue
            self.memory.notes.add(answer.checkpoint)
            numbers = tuple(item.number for item in answer.items)
            if again := self.memory.settled & set(numbers):
                self.memory.violations.append(f"{again} were settled and handed over again")
            yield answer.items
            request = AcknowledgeRequest(lease=answer.lease, numbers=numbers)
            response = line.ask(ACKNOWLEDGE_PATH, request, 200)
            if response is not None:
                AcknowledgeAnswer.from_canonical(response.content)
                self.memory.settled |= set(numbers)

    def _lease(self, line: Line) -> LeaseAnswer | None:
        lease = generate_id()
        request = LeaseRequest(lease=lease, again=True, wait_seconds=0, max_items=16)
        response = line.ask(LEASE_PATH, request, 200)
        return None if response is None else LeaseAnswer.from_canonical(response.content, max_bytes=64 << 20)

    def _is_sending(self) -> bool:
        return any(thread.is_alive() for thread in self._threads[: self.senders])


@contextmanager
def traffic_running(traffic: Traffic) -> Iterator[Traffic]:
    """Let traffic run as long as the block does; it ends by its own hand, or is abandoned."""
    traffic.start()
    try:
        yield traffic
    finally:
        traffic.abandon()
