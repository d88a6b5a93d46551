"""A real broker and real nodes without HTTP or TLS: each node calls the broker's services over a wire that fails.

What stands on the wire is canonical bytes, as over HTTP; refusals are the documents that HTTP would carry. Each clock
is set by hand, and shows whatever it was set to.
"""

import asyncio
import shutil
from collections import deque
from collections.abc import Coroutine, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import structlog

from agency_client.errors import ClientError
from agency_client.local_store.engine import Store
from agency_client.node import Node
from agency_client.own_keys.encryption import prepare_encryption_keys
from agency_client.own_keys.key_sets import export_enrolment, get_own_anchor
from agency_client.own_keys.publishing import publish_queued
from agency_client.profiles.joining import AcceptedSheet, initialise_node
from agency_client.profiles.profile import load_profile
from agency_client.profiles.session import OpenProfile, derive_store_key, open_profile
from agency_client.refusals import BusyError, NotSentError, UnansweredError, read_refusal
from agency_client.trust import pin_partner
from agency_client.witness.walker import walk_log
from broker.access.caller import Caller
from broker.composition import Broker, open_broker
from broker.exchange import ExchangeFolder, open_exchange
from broker.founding import found_exchange
from broker.http.problems import answer_error
from broker.settings import Settings
from keys.generation import generate_bytes
from schemas.api import (
    ACKNOWLEDGE_PATH,
    AcknowledgeRequest,
    LeaseAnswer,
    MessageItem,
)
from schemas.key_documents import ExchangeSheet, compute_exchange_anchor
from schemas.log.records import Role
from schemas.model import WireModel
from tests.support.members import EXCHANGE
from tests.support.nodes import PASSPHRASE, install_first_key_set
from tests.torture.handlers import find_handler

BEGINNING = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
_REMEMBERED = 64

Answer = TypeVar("Answer", bound=WireModel)


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
        self._leased: dict[tuple[str, int], str] = {}
        self.acknowledged: dict[str, int] = {}
        """The newest leaf at the moment in which a message was acknowledged, by its digest."""
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
            found: WireModel = self.run(find_handler(path, is_post=bool(body))(self.broker, caller, body, query))
        except Exception as error:
            refusal, response = answer_error(error)
            if refusal.problem.status >= 500:
                raise
            raise read_refusal(response.status_code, response.headers, bytes(response.body)) from error
        self._note_acknowledged(agency, path, body, found)
        return found

    def _note_acknowledged(self, agency: str, path: str, body: bytes, found: WireModel) -> None:
        if isinstance(found, LeaseAnswer):
            messages = [item for item in found.items if isinstance(item, MessageItem)]
            self._leased |= {(agency, item.number): _name_message(item) for item in messages}
        elif path == ACKNOWLEDGE_PATH:
            with self.broker.database.read() as connection:
                newest = connection.exec_driver_sql("SELECT max(leaf_index) FROM log_leaf").scalar_one()
            for number in AcknowledgeRequest.from_canonical(body).numbers:
                if (agency, number) in self._leased:
                    self.acknowledged.setdefault(self._leased[agency, number], newest)

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


def _name_message(item: MessageItem) -> str:
    assert item.accepted.record.message is not None
    return item.accepted.record.message.digest


def connect(node: Node, exchange: BrokerInProcess) -> Wire:
    """Let a node talk to the broker over a wire of its own, and return that wire."""
    wire = Wire(exchange, node.agency, Role.NODE)
    node._connections[Role.NODE] = wire  # type: ignore[assignment]
    node._connections[Role.AUDITOR] = Wire(exchange, node.agency, Role.AUDITOR)  # type: ignore[assignment]
    return wire


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
