"""Open a new log that goes on from the last head of the old one that anybody saw: a new epoch.

Everything is built beside the old epoch and verified there; then the folder switches over (`broker.epochs.switch`). A
crash before the switch leaves the old epoch as it was, a crash after it the new one.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from broker.agreements.live import make_agreement_book
from broker.audit.log import AuditLog, create_log
from broker.audit.log_store import StoredHead, store_stop
from broker.audit.standing import Stop, StopReason
from broker.audit.verification import verify_stored_log
from broker.clock import Clock
from broker.database import open_exchange_database
from broker.directory.live import make_directory
from broker.durable_files import write_private_file
from broker.epochs.carrying import Carried, Carrier, Progress
from broker.epochs.copying import copy_pieces
from broker.epochs.errors import CarryingError, WrongStateError
from broker.epochs.reading import read_database, read_log, verify_unchanged
from broker.epochs.rules import Shown, choose_last
from broker.epochs.switch import build_epoch, is_switching, name_archive
from broker.exchange import Exchange, ExchangeFolder, issue_authority, write_exchange
from broker.exchange_secrets import DrawBytes, redraw_log_keys, redraw_tls_keys
from broker.inbox.delivery import Inboxes
from broker.inbox.waiters import Waiters
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.migrate import migrate
from broker.storage.revision import find_revision
from broker.storage.transaction import Transaction
from broker.stored_state import verify_stored_state
from keys.anchors import format_anchor_hex
from schemas.codec import b64u_encode
from schemas.envelope import SeenCheckpoint
from schemas.key_documents import ExchangeSheet, compute_exchange_anchor
from schemas.log.checkpoint import Checkpoint
from schemas.log.epoch import format_origin
from schemas.log.leaf import SALT_BYTES
from schemas.log.records import RecordType


@dataclass(frozen=True, slots=True)
class Plan:
    """What a rebase is going to do: the head it goes on from, everything that was shown, the old log's stored head."""

    last: Shown
    shown: tuple[Shown, ...]
    own: StoredHead

    @property
    def own_size(self) -> int:
        """Return how many leaves the old log's database has."""
        return self.own.size


@dataclass(frozen=True, slots=True)
class Rebased:
    """What a rebase did: the new sheet, the head it went on from, what was carried, where the old epoch lies."""

    sheet: ExchangeSheet
    last: Checkpoint
    carried: Carried
    archive: Path


@dataclass(frozen=True, slots=True)
class Tools:
    """What the outside world lends a rebase; `requires_standby` is whether it has one that must have what is signed."""

    clock: Clock
    draw: DrawBytes
    progress: Progress
    requires_standby: bool = False


def plan_rebase(exchange: Exchange, stop: Stop | None, unverified_notes: Sequence[tuple[str, bytes]]) -> Plan:
    """Find the head a new epoch goes on from: the largest that given notes, evidence, this folder or the database show.

    Raises:
        NotWitnessedError: a note is not one of this log, or two histories were signed.
        LogMissingError, SchemaOutdatedError: the database is not one of this version.
    """
    log = read_log(exchange)
    shown = log.compare(list(unverified_notes), stop)
    last = choose_last(shown, frozenset(source for source, _ in unverified_notes))
    return Plan(last, tuple(shown), log.head)


def rebase(
    exchange: Exchange,
    plan: Plan,
    passphrase: str | None,
    tools: Tools,
    *,
    new_log_keys: bool,
    new_tls_keys: bool = False,
) -> Rebased:
    """Open the next epoch and let it take the place of this one. For whoever holds the exchange's lock.

    `new_tls_keys` draws the keys of TLS and of tokens anew: members reach it by the new sheet only.

    Raises:
        CarryingError: the old database, or the new one, holds something that does not verify; nothing was changed.
        CommitUnknownError: a standby is required, and there is none; nothing was changed.
        WrongStateError: the folder of the archive exists already, or a broker has written since the plan was made.
    """
    archive = exchange.folder.path / name_archive(exchange.epoch)
    if archive.exists():
        raise WrongStateError(f"{archive} exists already: move it away first")
    opened = _move_on(exchange, tools, new_log_keys=new_log_keys, new_tls_keys=new_tls_keys)
    _verify_whole(exchange, "the old log")
    closing_shared = _closing_shared(exchange, plan.own, opened.sheet, tools)
    with closing_shared, build_epoch(exchange.folder.path, exchange.epoch) as building:
        folder = ExchangeFolder(building)
        if exchange.folder.database_url.exists():
            write_private_file(folder.database_url, exchange.folder.database_url.read_bytes())
        sealing = passphrase if exchange.folder.sealed_secrets.exists() else None
        write_exchange(folder, opened.sheet, opened.names, opened.secrets, sealing, tools.draw)
        carried = _build_database(exchange, replace(opened, folder=folder), plan.last.checkpoint, tools)
        _verify_built(replace(opened, folder=folder))
    return Rebased(opened.sheet, plan.last.checkpoint, carried, archive)


@contextmanager
def _closing_shared(old: Exchange, known: StoredHead, new: ExchangeSheet, tools: Tools) -> Iterator[None]:
    """Stop the old log of a shared database for every broker before the new one is built, in a schema beside it.

    Ends the block with an error, everything is as it was. A kill leaves the old log stopped and the new schema there:
    whoever begins again is told to drop that, because another folder's brokers might serve from it.
    """
    if not old.folder.database_url.exists():
        yield
        return
    with closing(open_exchange_database(old.folder, old.sheet, is_alone=True)) as shared:
        with shared.write() as connection:
            stop = verify_unchanged(connection, known).stop
            store_stop(connection, _mark_rebased(stop, tools.clock).canonical())
        try:
            with _building(old.folder, new):
                yield
        except BaseException:
            if not is_switching(old.folder.path):
                with shared.write() as connection:
                    store_stop(connection, stop)
            raise


@contextmanager
def _building(old: ExchangeFolder, new: ExchangeSheet) -> Iterator[None]:
    """Leave no half-built schema of the new epoch behind a block that ended with an error."""
    with closing(open_exchange_database(old, new, beside=1)) as database:
        with database.read() as connection:
            if find_revision(connection) is not None:
                raise WrongStateError(
                    f"the database has tables of {new.origin} already: drop their schema if no broker serves from it"
                )
        try:
            yield
        except BaseException:
            if not is_switching(old.path):
                with database.write() as connection:
                    database.drop_schema(connection)
            raise


def _mark_rebased(stop: bytes | None, clock: Clock) -> Stop:
    """Return why the old log may not grow any more; what shows it to be behind is kept."""
    known = None if stop is None else Stop.from_canonical(stop)
    if known is not None and known.reason is StopReason.BEHIND:
        return known
    return Stop(v=1, reason=StopReason.REBASED, since=clock.now().replace(microsecond=0))


def _move_on(exchange: Exchange, tools: Tools, *, new_log_keys: bool, new_tls_keys: bool) -> Exchange:
    secrets, authority = exchange.secrets, None
    if new_log_keys:
        secrets = redraw_log_keys(secrets, tools.draw)
    if new_tls_keys:
        secrets = redraw_tls_keys(secrets, tools.draw)
        authority = issue_authority(secrets, tools.clock.now(), tools.draw)
    return exchange.move_on(format_origin(exchange.name, exchange.epoch + 1), secrets, authority)


def _build_database(old: Exchange, new: Exchange, last: Checkpoint, tools: Tools) -> Carried:
    # The lock that keeps every broker out is held beside this: on the old epoch, or on the folder. What was committed
    # there, the old log's stop, a standby has that has this.
    database = open_exchange_database(new.folder, new.sheet, requires_standby=tools.requires_standby, beside=1)
    try:
        migrate(database)
        with database.write() as connection:
            create_log(connection, new.sheet.origin, tools.clock.now())
        log = AuditLog(database, tools.clock, new.sign, lambda: tools.draw(SALT_BYTES))
        log.load()
        writer = GroupCommitWriter(database, log)
        writer.start()
        try:
            writer.commit_and_wait(partial(_append_opening, new.sheet, last))
            carried = _carry(old, writer, tools)
            writer.commit_and_wait(partial(_append_account, old.sheet.origin, carried))
            writer.commit_and_wait(log.store_checkpoint)
        finally:
            writer.close()
        if old.folder.database_url.exists():
            # The new one's COMMIT may wait for its standby, and the server ends a session that waits for that too long.
            with database.write() as target, read_database(old.folder) as source:
                copy_pieces(source, target)
        database.empty_write_ahead_log()
    finally:
        database.close()
    return carried


def _carry(old: Exchange, writer: GroupCommitWriter, tools: Tools) -> Carried:
    inboxes = Inboxes(make_agreement_book(), Waiters())
    with read_database(old.folder) as connection:
        return Carrier(old.name, connection, writer, inboxes).carry_all(tools.progress)


def _append_opening(sheet: ExchangeSheet, last: Checkpoint, transaction: Transaction) -> None:
    anchor = format_anchor_hex(compute_exchange_anchor(sheet))
    transaction.append(
        RecordType.EXCHANGE_OPENED,
        concerns=[],
        detail=f"{sheet.origin} opened after {last.origin}; its sheet is {anchor}",
        checkpoint=SeenCheckpoint(origin=last.origin, size=last.size, root=b64u_encode(last.root)),
    )


def _append_account(old_origin: str, carried: Carried, transaction: Transaction) -> None:
    counts = ", ".join(f"{count} {name}" for name, count in sorted(carried.counts.items()))
    transaction.append(
        RecordType.OPERATOR_ACTION, concerns=[], detail=f"carried over from {old_origin}: {counts or 'nothing'}"
    )


def _verify_built(new: Exchange) -> None:
    """Verify the new database as `broker verify-log` does, and read it as a start would."""
    _verify_whole(new, "the new log")
    with read_database(new.folder) as connection:
        try:
            make_directory(new.name).read(connection)
            make_agreement_book().read(connection)
        except ValueError as error:
            raise CarryingError(f"the new log: {error}") from error


def _verify_whole(exchange: Exchange, which: str) -> None:
    with read_database(exchange.folder) as connection:
        report = verify_stored_log(connection, exchange.sheet, lambda _done, _of: None)
        verify_stored_state(connection, exchange.sheet, report)
    for finding in report.findings:
        raise CarryingError(f"{which}: {finding.problem}", finding.leaf)
