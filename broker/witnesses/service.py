"""Cosignatures handed in and asked for; and the moment in which a broker learns that it lost a part of its log."""

import asyncio
from collections.abc import Collection
from functools import partial

from broker.access.caller import Caller
from broker.audit.log import AuditLog
from broker.audit.refusals import RefusalRecorder
from broker.audit.standing import Standing
from broker.budget import MinuteBudget
from broker.clock import Clock
from broker.directory.live import Directory
from broker.storage.engine import Database
from broker.storage.failpoints import failpoint
from broker.storage.fair_queue import Turn
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import Transaction
from broker.witnesses.rules import (
    OwnLog,
    VerifiedCosignature,
    is_lost,
    verify_key_in_force,
    verify_line,
    verify_own_note,
)
from broker.witnesses.store import StoredCosignature, put_cosignature, select_cosignature, select_cosignatures
from schemas.api import CosignatureAnswer, CosignedNote, CosignedNotes
from schemas.log.checkpoint import Checkpoint

MAX_COSIGNATURES_PER_MINUTE = 60
_KIND = "cosignature"


class WitnessService:
    """The use cases of witnesses. A cosignature leaves no leaf: a log that grew by being seen would never rest."""

    def __init__(
        self,
        own: OwnLog,
        directory: Directory,
        writer: GroupCommitWriter,
        database: Database,
        log: AuditLog,
        standing: Standing,
        refusals: RefusalRecorder,
        clock: Clock,
    ) -> None:
        self._own = own
        self._directory = directory
        self._writer = writer
        self._database = database
        self._log = log
        self._standing = standing
        self._refusals = refusals
        self._clock = clock
        self._budget = MinuteBudget(MAX_COSIGNATURES_PER_MINUTE)

    async def submit(self, caller: Caller, note: str) -> CosignatureAnswer:
        """Keep the caller's cosignature if it is newer than what is kept of it; return the newest checkpoint.

        Raises:
            RefusedError, KeysError, CodecError: it is refused, and the refusal is in the log.
            ExchangeStoppedError: the note shows that this log is not what it was, and nothing is signed from now on.
            StoreError: it could not be stored.
        """
        # Each costs two signatures to verify and is a write: nobody may make the others wait for theirs.
        self._budget.demand(caller.agency, self._clock.now(), "cosignatures")
        unverified = note.encode()
        async with self._refusals.recording(caller.actor, kind=_KIND):
            checkpoint = verify_own_note(unverified, self._own)
            if is_lost(checkpoint, self._own.origin, self._log.view.find_root(checkpoint.size)):
                await self._writer.commit(
                    partial(self._stop_if_lost, caller.agency, checkpoint, unverified), Turn(caller.agency)
                )
            verified = await self._directory.judge(
                lambda members: verify_line(unverified, self._own, members.find(caller.agency), self._clock.now())
            )
            await self._writer.commit(partial(self._keep, verified), Turn(caller.agency))
        return CosignatureAnswer(checkpoint=self._log.view.note)

    async def list_notes(self, agencies: Collection[str]) -> CosignedNotes:
        """Return the newest cosigned note of each agency named that has one."""
        return await asyncio.to_thread(self._read_notes, agencies)

    def _stop_if_lost(self, witness: str, checkpoint: Checkpoint, note: bytes, transaction: Transaction) -> None:
        # Judged once more in the writer's turn: what another process has committed since counts as well.
        if is_lost(checkpoint, self._own.origin, self._log.find_root(checkpoint.size)):
            failpoint("witness.before-stop")
            raise self._standing.fall_behind(note, witness, transaction.now)

    def _keep(self, verified: VerifiedCosignature, transaction: Transaction) -> None:
        timeline = self._directory.as_of(transaction).find(verified.agency)
        verify_key_in_force(verified, timeline, transaction.now)
        cosigned = verified.cosigned
        new = StoredCosignature(verified.agency, cosigned.checkpoint.size, cosigned.timestamp, verified.note)
        newest = select_cosignature(transaction.connection, verified.agency)
        if newest is None or new.age > newest.age:
            put_cosignature(transaction.connection, new, is_first=newest is None)

    def _read_notes(self, agencies: Collection[str]) -> CosignedNotes:
        with self._database.read() as connection:
            rows = select_cosignatures(connection, agencies)
        notes = tuple(CosignedNote(agency=row.agency, note=row.note.decode()) for row in rows)
        return CosignedNotes(notes=notes, checkpoint=self._log.view.note)
