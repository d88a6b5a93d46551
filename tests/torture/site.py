"""A real broker and real nodes without HTTP or TLS: each node calls the broker's services over a wire that fails.

What stands on the wire is canonical bytes, as over HTTP; refusals are the documents that HTTP would carry. Each clock
is set by hand, and shows whatever it was set to.
"""

import asyncio
import shutil
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import structlog

from agency_client.connection import BusyError, NotSentError, UnansweredError, read_refusal
from agency_client.errors import ClientError
from agency_client.local_store.engine import Store
from agency_client.node import Node
from agency_client.own_keys.encryption import prepare_encryption_keys
from agency_client.own_keys.key_sets import export_enrolment, get_own_anchor
from agency_client.own_keys.publishing import publish_queued
from agency_client.profiles.joining import AcceptedSheet, initialise_node
from agency_client.profiles.profile import load_profile
from agency_client.profiles.session import OpenProfile, derive_store_key, open_profile
from agency_client.trust import pin_partner
from agency_client.witness.walker import walk_log
from broker.access.caller import Caller
from broker.agreements.service import StepRange
from broker.composition import Broker, open_broker
from broker.exchange import ExchangeFolder, open_exchange
from broker.founding import found_exchange
from broker.http.problems import answer_error
from broker.settings import Settings
from keys.generation import generate_bytes
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
    MESSAGES_PATH,
    RECEIPTS_PATH,
    REVOCATIONS_PATH,
    STATUSES_PATH,
    STEPS_PATH,
    AcknowledgeRequest,
    AuditQuery,
    Cosignature,
    LeaseRequest,
    ReceiptsRequest,
)
from schemas.envelope import MAX_ENVELOPE_BYTES
from schemas.key_documents import ExchangeSheet, compute_exchange_anchor
from schemas.log.records import Role
from schemas.model import WireModel
from schemas.signed import DocumentType, SignedDocument
from tests.support.members import EXCHANGE
from tests.support.nodes import PASSPHRASE, install_first_key_set

BEGINNING = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
_REMEMBERED = 64

Answer = TypeVar("Answer", bound=WireModel)
Handler = Callable[[Broker, Caller, bytes, Mapping[str, Any]], Coroutine[Any, Any, WireModel]]


class Mishap(StrEnum):
    """What may befall one request on its way."""

    LOST = "lost"
    UNANSWERED = "unanswered"
    TWICE = "twice"
    OVERTAKEN = "overtaken"
    """An older request of the same node to the same address arrives once more, before it."""
    BUSY = "busy"


@dataclass
class Time:
    """The true time, which nobody knows."""

    now: datetime = BEGINNING


@dataclass
class SkewedClock:
    """Somebody's clock: the true time and an error."""

    time: Time
    skew: timedelta = timedelta()

    def now(self) -> datetime:
        """Return what the clock shows."""
        return self.time.now + self.skew


@dataclass
class Site:
    """One exchange and its nodes, in a folder that can be copied while nobody has it open."""

    folder: Path
    sheet: ExchangeSheet
    opened: dict[str, OpenProfile]
    time: Time

    def copy(self, folder: Path) -> "Site":
        """Return the same site once more, in another folder."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        opened = {}
        for agency, one in self.opened.items():
            profile = load_profile(folder / "home", one.profile.name)
            store = Store(profile.store_path, derive_store_key(one.secret))
            opened[agency] = replace(one, profile=profile, store=store)
        return Site(folder, self.sheet, opened, Time(self.time.now))


class BrokerInProcess:
    """The real broker over its own database. `restart` ends it and begins anew on what it has stored."""

    def __init__(self, folder: Path, clock: SkewedClock) -> None:
        self.clock = clock
        self._folder = ExchangeFolder(folder / "exchange")
        self._runner = asyncio.Runner()
        self._stack = ExitStack()
        self.broker = self._open()

    def restart(self) -> None:
        """End in order, and begin anew."""
        self._stack.close()
        self.broker = self._open()

    def close(self) -> None:
        """End everything."""
        self._stack.close()
        self._runner.close()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run something asynchronous to its end."""
        return self._runner.run(coroutine)

    def sweep(self) -> None:
        """Let the inboxes see to deadlines and agreements, as the sweeper's own task does."""
        self.run(self.broker.sweeper.sweep())

    def answer(self, agency: str, role: Role, path: str, body: bytes, query: Mapping[str, Any]) -> WireModel:
        """Answer one request; what is refused is raised as a client reads it.

        Raises:
            ClientError: the broker refused.
            Exception: the broker itself failed, which it never may.
        """
        caller = Caller(agency, "n1", role, bytes(32), self.clock.now() + timedelta(minutes=5))
        try:
            return self.run(find_handler(path, is_post=bool(body))(self.broker, caller, body, query))  # type: ignore[no-any-return]
        except Exception as error:
            refusal, response = answer_error(error)
            if refusal.problem.status >= 500:
                raise
            raise read_refusal(response.status_code, response.headers, bytes(response.body)) from error

    def _open(self) -> Broker:
        exchange = open_exchange(self._folder, None)
        return self._stack.enter_context(open_broker(exchange, Settings(), self.clock))


@dataclass
class Wire:
    """What one node takes for its connection. `mishaps` befall its next requests, one each."""

    exchange: BrokerInProcess
    agency: str
    role: Role
    mishaps: deque[Mishap | None] = field(default_factory=deque)
    befell: list[Mishap] = field(default_factory=list)
    remembered: dict[str, deque[bytes]] = field(default_factory=dict)

    def get(self, path: str, answer: type[Answer], query: Mapping[str, str | int] | None = None) -> Answer:
        """Ask for something."""
        return self._call(path, b"", answer, query or {})

    def post(self, path: str, body: bytes, answer: type[Answer], *, wait_seconds: float = 0) -> Answer:
        """Hand something over."""
        return self._call(path, body, answer, {})

    def close(self) -> None:
        """Do nothing."""

    def _call(self, path: str, body: bytes, answer: type[Answer], query: Mapping[str, Any]) -> Answer:
        mishap = self.mishaps.popleft() if self.mishaps else None
        if mishap is not None:
            self.befell.append(mishap)
        if mishap is Mishap.LOST:
            raise NotSentError("the request was lost")
        if mishap is Mishap.BUSY:
            raise BusyError("come again later", code="too-many-requests", retry_after_seconds=5)
        if mishap is Mishap.OVERTAKEN:
            self._send_older(path)
        if mishap is Mishap.TWICE:
            self._send_quietly(path, body, query)
        if body:
            self.remembered.setdefault(path, deque(maxlen=_REMEMBERED)).append(body)
        found = self.exchange.answer(self.agency, self.role, path, body, query)
        if mishap is Mishap.UNANSWERED:
            raise UnansweredError("the answer was lost")
        return answer.from_canonical(found.canonical(), max_bytes=64 << 20)

    def _send_older(self, path: str) -> None:
        older = self.remembered.get(path)
        if older:
            self._send_quietly(path, older[len(older) // 2], {})

    def _send_quietly(self, path: str, body: bytes, query: Mapping[str, Any]) -> None:
        try:
            self.exchange.answer(self.agency, self.role, path, body, query)
        except ClientError:
            return  # Whoever did not ask does not hear the answer.


def found_site(folder: Path, *agencies: str) -> Site:
    """Make an exchange and one node for each agency: enrolled, with encryption keys, all pinned with each other."""
    structlog.configure(processors=[_drop_event])
    time = Time()
    clock = SkewedClock(time)
    sheet = found_exchange(folder / "exchange", EXCHANGE, ("localhost",), None, clock, generate_bytes)
    exchange = BrokerInProcess(folder, clock)
    opened = {agency: _initialise(folder, sheet, agency, clock) for agency in agencies}
    nodes = [_join(exchange, one, clock) for one in opened.values()]
    for node in nodes:
        walk_log(node)
        for partner in nodes:
            if partner is not node:
                pin_partner(node, partner.agency, get_own_anchor(partner))
    for node in nodes:
        node.close()
    exchange.close()
    return Site(folder, sheet, opened, time)


def connect(node: Node, exchange: BrokerInProcess) -> Wire:
    """Let a node talk to the broker over a wire of its own, and return that wire."""
    wire = Wire(exchange, node.agency, Role.NODE)
    node._connections[Role.NODE] = wire  # type: ignore[assignment]
    node._connections[Role.AUDITOR] = Wire(exchange, node.agency, Role.AUDITOR)  # type: ignore[assignment]
    return wire


def find_handler(path: str, *, is_post: bool) -> Handler:
    """Return what answers an address."""
    if path.startswith(f"{MESSAGES_PATH}/"):
        return lambda broker, caller, body, query: broker.inbox.find_states(caller, path.rpartition("/")[2])
    return (_POSTS if is_post else _GETS)[path]


def _initialise(folder: Path, sheet: ExchangeSheet, agency: str, clock: SkewedClock) -> OpenProfile:
    home, officer = folder / "home", {"BILATERAL_OFFICER": f"officer-of-{agency.lower()}"}
    initialise_node(
        home,
        agency.lower(),
        agency=agency,
        node="n1",
        broker_url="https://127.0.0.1:1",
        accepted=AcceptedSheet(sheet, compute_exchange_anchor(sheet)),
        passphrase=PASSPHRASE,
        clock=clock,
        environment=officer,
    )
    secret = folder / "passphrase"
    secret.touch(0o600)
    secret.write_text(PASSPHRASE)
    return open_profile(load_profile(home, agency.lower()), environment=officer, passphrase_file=secret)


def _join(exchange: BrokerInProcess, opened: OpenProfile, clock: SkewedClock) -> Node:
    node = Node(opened, clock)
    install_first_key_set(node)
    connect(node, exchange)
    exchange.broker.members.enrol_and_wait(list(export_enrolment(node).key_sets))
    walk_log(node)
    publish_queued(node, prepare_encryption_keys(node))
    return node


def _drop_event(_logger: Any, _name: str, _event: Any) -> Any:
    raise structlog.DropEvent


def _take_key_document(document_type: DocumentType) -> Handler:
    async def take(broker: Broker, caller: Caller, body: bytes, _query: Mapping[str, Any]) -> WireModel:
        return (await broker.members.submit(caller, SignedDocument.from_canonical(body), document_type))[0]

    return take


async def _take_step(broker: Broker, caller: Caller, body: bytes, _query: Mapping[str, Any]) -> WireModel:
    return (await broker.agreements.submit(caller, SignedDocument.from_canonical(body, max_bytes=1 << 20)))[0]


async def _show_steps(broker: Broker, caller: Caller, _body: bytes, query: Mapping[str, Any]) -> WireModel:
    return broker.agreements.list_steps(caller, StepRange(int(query["after"])))


async def _take_message(broker: Broker, caller: Caller, body: bytes, _query: Mapping[str, Any]) -> WireModel:
    assert len(body) <= MAX_ENVELOPE_BYTES
    return (await broker.routing.accept(caller, body))[0]


async def _lease(broker: Broker, caller: Caller, body: bytes, _query: Mapping[str, Any]) -> WireModel:
    return await broker.inbox.lease(caller, LeaseRequest.from_canonical(body))


async def _acknowledge(broker: Broker, caller: Caller, body: bytes, _query: Mapping[str, Any]) -> WireModel:
    return await broker.inbox.acknowledge(caller, AcknowledgeRequest.from_canonical(body))


async def _take_receipts(broker: Broker, caller: Caller, body: bytes, _query: Mapping[str, Any]) -> WireModel:
    return (await broker.receipts.submit(caller, ReceiptsRequest.from_canonical(body, max_bytes=64 << 20)))[0]


async def _take_status(broker: Broker, caller: Caller, body: bytes, _query: Mapping[str, Any]) -> WireModel:
    return (await broker.statuses.submit_status(caller, SignedDocument.from_canonical(body)))[0]


async def _take_head(broker: Broker, caller: Caller, body: bytes, _query: Mapping[str, Any]) -> WireModel:
    return (await broker.statuses.submit_head(caller, SignedDocument.from_canonical(body)))[0]


async def _show_statuses(broker: Broker, caller: Caller, _body: bytes, _query: Mapping[str, Any]) -> WireModel:
    return await broker.statuses.list_statuses(caller)


async def _take_cosignature(broker: Broker, caller: Caller, body: bytes, _query: Mapping[str, Any]) -> WireModel:
    return await broker.witnesses.submit(caller, Cosignature.from_canonical(body).note)


async def _show_cosignatures(broker: Broker, _caller: Caller, _body: bytes, query: Mapping[str, Any]) -> WireModel:
    return await broker.witnesses.list_notes(frozenset(str(query["agencies"]).split(",")))


async def _show_checkpoint(broker: Broker, _caller: Caller, _body: bytes, _query: Mapping[str, Any]) -> WireModel:
    return broker.audit.show_checkpoint()


async def _prove_consistency(broker: Broker, _caller: Caller, _body: bytes, query: Mapping[str, Any]) -> WireModel:
    return broker.audit.prove_consistency(int(query["from"]), int(query["to"]))


async def _read_leaves(broker: Broker, _caller: Caller, _body: bytes, query: Mapping[str, Any]) -> WireModel:
    return broker.audit.read_leaves(int(query["start"]), int(query["end"]))


async def _query_records(broker: Broker, caller: Caller, body: bytes, _query: Mapping[str, Any]) -> WireModel:
    return await broker.audit.query(caller, AuditQuery.from_canonical(body))


_POSTS: dict[str, Handler] = {
    STEPS_PATH: _take_step,
    MESSAGES_PATH: _take_message,
    LEASE_PATH: _lease,
    ACKNOWLEDGE_PATH: _acknowledge,
    RECEIPTS_PATH: _take_receipts,
    STATUSES_PATH: _take_status,
    ACCESS_LOG_HEADS_PATH: _take_head,
    COSIGNATURES_PATH: _take_cosignature,
    AUDIT_PATH: _query_records,
    KEY_SETS_PATH: _take_key_document(DocumentType.KEY_SET),
    ENCRYPTION_KEYS_PATH: _take_key_document(DocumentType.ENCRYPTION_KEYS),
    REVOCATIONS_PATH: _take_key_document(DocumentType.REVOCATION),
}
_GETS: dict[str, Handler] = {
    STEPS_PATH: _show_steps,
    STATUSES_PATH: _show_statuses,
    COSIGNATURES_PATH: _show_cosignatures,
    CHECKPOINT_PATH: _show_checkpoint,
    CONSISTENCY_PATH: _prove_consistency,
    LEAVES_PATH: _read_leaves,
}
