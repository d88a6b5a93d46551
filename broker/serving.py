"""Serve one exchange: bind, announce, take the operator's commands, and renew TLS when members' CAs change.

The caller holds the folder's lock and the opened broker; this module lives as long as the process serves.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import uvloop

from broker.app import make_app
from broker.composition import Broker
from broker.control import (
    Answer,
    Command,
    EnrolCommand,
    bind_control_socket,
    serve_control,
)
from broker.dead_letters.service import read_care, read_letters, read_needs
from broker.directory.live import Directory
from broker.durable_files import write_private_file
from broker.http.protocol import ConnectionLimits
from broker.http.terminator import Terminator
from broker.listening import bind_clients, bracket_host, choose_context, find_terminator, find_url
from broker.observability.admin import make_admin_app
from broker.observability.agreements import AgreementCollector
from broker.observability.dead_letters import DeadLetterCollector
from broker.server import BrokerServer, ServerOptions, bind_socket, read_port
from broker.settings import Limits
from broker.status import describe_enrolment, describe_status
from schemas.codec import encode_canonical
from schemas.model import format_timestamp

Announce = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker serves: its clients' URL, the operator's, the process, and since when."""

    url: str
    admin_url: str
    pid: int
    since: datetime

    def to_wire(self) -> dict[str, str | int]:
        """Return plain JSON values, as they are announced."""
        return {
            "admin_url": self.admin_url,
            "event": "serving",
            "pid": self.pid,
            "since": format_timestamp(self.since.replace(microsecond=0)),
            "url": self.url,
        }


class ContextKeeper:
    """Replaces the TLS context after each change of the members' CAs, at whichever broker; one after the other."""

    def __init__(self, server: BrokerServer, directory: Directory) -> None:
        self._server = server
        self._directory = directory
        self._made_of = directory.current.authorities
        self._turn = asyncio.Lock()
        self._newest: asyncio.Task[None] | None = None

    def ask(self) -> None:
        """Let the context be replaced soon, if members' CAs have changed. For the event loop's thread."""
        self._newest = asyncio.ensure_future(self._replace())

    async def settle(self) -> None:
        """Wait until what was asked for is done."""
        if self._newest is not None:
            await self._newest

    async def _replace(self) -> None:
        async with self._turn:
            authorities = self._directory.current.authorities
            if authorities != self._made_of:
                self._made_of = authorities
                await self._server.replace_context()


def serve_exchange(broker: Broker, announce: Announce | None = None) -> None:
    """Serve until a signal ends it. `announce` is given one line of JSON once clients can connect.

    Raises:
        OSError: an address cannot be bound.
        StartError: the application refused to start.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(broker, announce or _print_line))


async def _serve(broker: Broker, announce: Announce) -> None:
    settings, folder = broker.settings, broker.exchange.folder
    terminator = find_terminator(settings.terminator)
    listening = bind_clients(settings)
    admin_listening = bind_socket(settings.admin.host, settings.admin.port)
    address = Address(
        url=find_url(settings, broker.exchange.hosts, listening),
        admin_url=f"http://{bracket_host(settings.admin.host)}:{read_port(admin_listening)}",
        pid=os.getpid(),
        since=broker.clock.now(),
    )

    def tell() -> None:
        line = encode_canonical(address.to_wire())
        write_private_file(folder.address, line + b"\n")
        announce(line)

    server = make_server(broker, on_started=tell, terminator=terminator)
    keeper = ContextKeeper(server, broker.directory)
    broker.members.on_authorities_changed(keeper.ask)
    if broker.follower is not None:
        broker.follower.on_keys(keeper.ask)
    control = await serve_control(
        bind_control_socket(folder.control_socket), lambda command: _handle(broker, keeper, address, command)
    )
    try:
        await server.serve(listening, admin_listening)
    finally:
        control.close()
        folder.control_socket.unlink(missing_ok=True)
        folder.address.unlink(missing_ok=True)


def make_server(
    broker: Broker, *, on_started: Callable[[], None], terminator: Terminator | None = None
) -> BrokerServer:
    """Return the server of a broker's clients and operator, with everything that is watched about it."""
    checks: dict[str, Callable[[], str | None]] = {"writer": lambda: broker.writer.problem}
    server = BrokerServer(
        app=make_app(broker),
        admin_app=make_admin_app(broker.metrics, checks),
        make_context=choose_context(broker, terminator),
        options=_make_options(broker.settings.limits, terminator),
        on_started=on_started,
        on_drain=broker.waiters.close,
    )
    server.on_reload = server.replace_context
    checks["server"] = lambda: server.problem
    checks["clock"] = lambda: broker.log.problem
    checks["log"] = lambda: broker.standing.problem
    follower = broker.follower
    if follower is not None:
        checks["others"] = lambda: follower.problem
    broker.metrics.stopped.set_function(lambda: broker.standing.stop is not None)
    broker.metrics.connections.set_function(server.count_connections)
    broker.metrics.event_streams.set_function(lambda: broker.events.listening)
    broker.metrics.log_leaves.set_function(lambda: broker.log.view.size)
    broker.metrics.registry.register(AgreementCollector(lambda: broker.book.current, broker.clock))
    broker.metrics.registry.register(_make_dead_letter_collector(broker))
    return server


async def _handle(broker: Broker, keeper: ContextKeeper, address: Address, command: Command) -> Answer:
    if isinstance(command, EnrolCommand):
        enrolment = await broker.members.enrol(command.file.key_sets)
        await keeper.settle()
        return describe_enrolment(enrolment)
    status = describe_status(
        broker.exchange.sheet, broker.log.view.checkpoint, broker.directory.current, broker.standing.stop
    )
    care = await asyncio.to_thread(
        read_care, broker.database, broker.directory.current, broker.contents, broker.clock.now()
    )
    return {**status, **care, "serving": address.to_wire()}


def _make_dead_letter_collector(broker: Broker) -> DeadLetterCollector:
    return DeadLetterCollector(
        lambda since: read_letters(broker.database, since, limit=0),
        lambda: read_needs(broker.database, broker.directory.current, broker.contents, broker.clock.now()),
        broker.clock,
    )


def _make_options(limits: Limits, terminator: Terminator | None) -> ServerOptions:
    connection = ConnectionLimits(
        head_seconds=limits.head_seconds,
        idle_seconds=limits.idle_seconds,
        request_seconds=limits.request_seconds,
        write_seconds=limits.write_seconds,
        max_connections=limits.max_connections,
        max_connections_of_member=limits.max_connections_of_member,
    )
    return ServerOptions(connection, limits.keep_alive_seconds, limits.drain_seconds, terminator=terminator)


def _print_line(line: bytes) -> None:
    sys.stdout.write(line.decode() + "\n")
    sys.stdout.flush()
