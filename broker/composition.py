"""The broker's parts put together: the same for a serving process and for an operator's command that works by itself.

Who owns what: the caller owns the folder's lock; `open_broker` owns database, writer and log from its first line to its
last; everything else only borrows them.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial

from broker.access.authentication import Authentication
from broker.access.service import AccessService
from broker.agreements.live import AgreementBook, make_agreement_book
from broker.agreements.service import AgreementService
from broker.attachments.contents import AttachmentContents
from broker.attachments.opening import open_contents
from broker.attachments.rules import Allowance
from broker.attachments.service import AttachmentService
from broker.attachments.sweep import AttachmentSweeper
from broker.attachments.turns import Turns
from broker.audit.belonging import verify_own_log
from broker.audit.log import AuditLog
from broker.audit.refusals import RefusalRecorder
from broker.audit.service import AuditService
from broker.audit.signed_head import SignedHead
from broker.audit.standing import Standing
from broker.clock import Clock
from broker.database import open_exchange_database, verify_safe
from broker.directory.live import Directory, make_directory
from broker.directory.service import DirectoryService
from broker.exchange import Exchange, read_stop, write_stop
from broker.following import Follower, Projections
from broker.inbox.allowance import InboxAllowance
from broker.inbox.delivery import Inboxes
from broker.inbox.events import InboxEvents
from broker.inbox.room import Rooms
from broker.inbox.service import InboxService
from broker.inbox.sweep import Sweeper
from broker.inbox.waiters import Waiters
from broker.observability.metrics import Metrics
from broker.receipts.service import ReceiptService
from broker.retention.purging import Purger
from broker.routing.service import RoutingService
from broker.settings import Settings
from broker.statuses.service import StatusService
from broker.storage.announcements import Channel, Topic
from broker.storage.engine import Database
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.revision import verify_migrated
from broker.witnesses.rules import OwnLog
from broker.witnesses.service import WitnessService
from keys.generation import generate_bytes, generate_id

SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class Broker:
    """Every part of a loaded broker. The writer runs; nothing serves yet."""

    exchange: Exchange
    settings: Settings
    clock: Clock
    metrics: Metrics
    database: Database
    standing: Standing
    log: AuditLog
    writer: GroupCommitWriter
    directory: Directory
    book: AgreementBook
    refusals: RefusalRecorder
    access: AccessService
    authentication: Authentication
    members: DirectoryService
    agreements: AgreementService
    routing: RoutingService
    inbox: InboxService
    events: InboxEvents
    contents: AttachmentContents
    attachments: AttachmentService
    receipts: ReceiptService
    statuses: StatusService
    sweeper: Sweeper
    purger: Purger
    waiters: Waiters
    follower: Follower | None
    audit: AuditService
    witnesses: WitnessService


@dataclass(frozen=True, slots=True)
class _Core:
    """What every service works on: the log with its one writer, and what a broker keeps in memory of its database."""

    clock: Clock
    metrics: Metrics
    database: Database
    standing: Standing
    log: AuditLog
    writer: GroupCommitWriter
    refusals: RefusalRecorder
    directory: Directory
    book: AgreementBook
    waiters: Waiters
    follower: Follower | None


@contextmanager
def open_broker(
    exchange: Exchange, settings: Settings, clock: Clock, *, standing: Standing | None = None, is_alone: bool = False
) -> Iterator[Broker]:
    """Open the exchange's database, verify and load it, and start its writer; commit what is queued at the end.

    `standing` takes the place of what the folder says of whether the log may grow, and of what was signed there. With
    `is_alone` no other broker may have the database open.

    Raises:
        SchemaOutdatedError: the tables are of another version.
        LogError: the stored log does not hold together, or is another exchange's.
        DatabaseInUseError: another broker has the database open, or an operator's command has it alone.
        ExchangeError: whether the log may grow cannot be read, or the database server is set to lose commits.
    """
    database = open_exchange_database(
        exchange.folder, exchange.sheet, requires_standby=settings.database.require_standby, is_alone=is_alone
    )
    contents = open_contents(
        exchange.folder,
        exchange.sheet,
        max_bytes=settings.attachments.max_bytes_of_database,
        requires_standby=settings.database.require_standby,
    )
    signed = SignedHead(exchange.folder.signed_head, exchange.sheet.origin, exchange.log_signer.public)
    with closing(database), closing(signed), contents as kept:
        with database.read() as connection:
            verify_migrated(connection)
            verify_own_log(connection, exchange.sheet)
        if settings.environment != "testing":
            verify_safe(database)
        if standing is None:
            standing = Standing(read_stop(exchange.folder), partial(write_stop, exchange.folder))
        else:
            signed.forget()
        core = _make_core(exchange, settings, clock, database, standing, signed)
        broker = _compose(exchange, settings, kept, core)
        broker.log.load()
        broker.directory.load(database)
        broker.book.load(database)
        broker.writer.start()
        try:
            yield broker
            broker.writer.commit_and_wait(broker.log.store_checkpoint)
        finally:
            broker.writer.close()


def _make_core(
    exchange: Exchange, settings: Settings, clock: Clock, database: Database, standing: Standing, signed: SignedHead
) -> _Core:
    metrics, own_id = Metrics(), generate_id()
    channel = database.open_channel(own_id)
    log = AuditLog(database, clock, exchange.sign, lambda: generate_bytes(SALT_BYTES), standing, signed)
    writer = _make_writer(settings, database, log, channel, metrics)
    directory = make_directory(exchange.name, None if channel is None else database)
    book, waiters = make_agreement_book(), Waiters()
    topics: Projections = {Topic.KEYS: directory, Topic.AGREEMENTS: book}
    return _Core(
        clock=clock,
        metrics=metrics,
        database=database,
        standing=standing,
        log=log,
        writer=writer,
        refusals=RefusalRecorder(writer, clock),
        directory=directory,
        book=book,
        waiters=waiters,
        follower=None if channel is None else Follower(own_id, channel, database, log, writer, waiters, topics, clock),
    )


def _compose(exchange: Exchange, settings: Settings, contents: AttachmentContents, core: _Core) -> Broker:
    name, clock, database, log, writer = exchange.name, core.clock, core.database, core.log, core.writer
    directory, book, refusals, waiters = core.directory, core.book, core.refusals, core.waiters
    own_log = OwnLog(name, exchange.sheet.origin, exchange.log_signer.public)
    inboxes = Inboxes(book, waiters, Rooms(InboxAllowance(settings.inbox.max_items, settings.inbox.max_bytes)))
    lease_seconds = settings.inbox.lease_seconds
    turns, purger = Turns(), Purger(writer, database, clock)
    sweeper = Sweeper(inboxes, writer, database, purger, AttachmentSweeper(contents, writer, database, turns))
    agreements = AgreementService(name, book, directory, writer, database, log, refusals, clock)
    agreements.on_step(lambda _step, _terms: sweeper.ask())
    return Broker(
        exchange=exchange,
        settings=settings,
        clock=clock,
        metrics=core.metrics,
        database=database,
        standing=core.standing,
        log=log,
        writer=writer,
        directory=directory,
        book=book,
        refusals=refusals,
        access=AccessService(name, exchange.token_key, directory, writer, refusals, clock),
        authentication=Authentication(name, exchange.token_key, directory, database, refusals, clock, core.follower),
        members=DirectoryService(name, directory, writer, log, refusals, clock),
        agreements=agreements,
        routing=RoutingService(name, directory, book, inboxes, writer, log, refusals, clock),
        inbox=InboxService(
            inboxes, directory, writer, database, log, refusals, clock, generate_id, lease_seconds=lease_seconds
        ),
        events=InboxEvents(waiters, database, refusals, clock, log, exchange.epoch),
        contents=contents,
        attachments=AttachmentService(contents, _allow(settings), book, writer, database, clock, turns),
        receipts=ReceiptService(name, directory, inboxes, writer, log, refusals),
        statuses=StatusService(name, directory, writer, database, log, refusals, clock),
        sweeper=sweeper,
        purger=purger,
        waiters=waiters,
        follower=core.follower,
        audit=AuditService(writer, database, log),
        witnesses=WitnessService(own_log, directory, writer, database, log, core.standing, refusals, clock),
    )


def _make_writer(
    settings: Settings, database: Database, log: AuditLog, channel: Channel | None, metrics: Metrics
) -> GroupCommitWriter:
    return GroupCommitWriter(
        database,
        log,
        announcing=channel,
        metrics=metrics,
        max_waiting=settings.writer.max_waiting,
        max_waiting_of_member=settings.writer.max_waiting_of_member,
        max_batch=settings.writer.max_batch,
    )


def _allow(settings: Settings) -> Allowance:
    limits = settings.attachments
    return Allowance(
        limits.max_unreferenced_of_member, limits.max_of_member, limits.max_bytes_of_member, limits.reserved_bytes
    )
