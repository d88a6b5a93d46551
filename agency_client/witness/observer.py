"""Observe checkpoints: verify, compare with the newest one held, keep, and only then let anybody act on it.

A checkpoint may come smaller than the newest (answers cross); it must then be a prefix of it. What proves two
histories is kept as evidence and stops sending (`agency_client.local_store.contradictions`): two roots of one size, or
the exchange's own path to the larger head from another root (`agency_client.witness.prefix`).
"""

from collections.abc import Sequence

from agency_client.clock import Clock
from agency_client.connection import BrokerConnection
from agency_client.epochs.errors import NewLogError
from agency_client.errors import (
    ClientError,
    ConflictError,
    DeniedError,
    NotFoundError,
    OfflineError,
    VerificationFailedError,
)
from agency_client.local_store.checkpoints import (
    SignedCheckpoint,
    has_checkpoint,
    load_newest_checkpoint,
    record_checkpoint,
)
from agency_client.local_store.contradictions import ContradictionKind, EquivocationError, keep_contradiction
from agency_client.local_store.engine import Store
from agency_client.local_store.suspicions import Suspicion, record_suspicion
from agency_client.witness.prefix import PrefixProof, make_prefix_proof, read_shown_prefix
from keys.log_keys import LogPublicKeys, LogSignatureError, WrongOriginError, verify_checkpoint
from schemas.api import (
    CONSISTENCY_PATH,
    LEAVES_PATH,
    MAX_RANGE_LEAVES,
    ConsistencyAnswer,
    LeavesAnswer,
    LoggedRecord,
    RangeLeaf,
)
from schemas.codec import CodecError, b64u_decode, b64u_encode
from schemas.envelope import SeenCheckpoint
from schemas.key_documents import ExchangeSheet
from schemas.log.checkpoint import Checkpoint
from schemas.log.epoch import read_epoch
from schemas.log.leaf import commit_record, leaf_hash, make_leaf
from schemas.log.tree import Frontier, LogProofError, verify_consistency, verify_inclusion


class LogError(VerificationFailedError):
    """The log's answer does not prove what it claims."""

    default_code = "log-not-proven"


def read_log_keys(sheet: ExchangeSheet) -> LogPublicKeys:
    """Return the log's public keys from the exchange's sheet."""
    return LogPublicKeys(sheet.log_keys.ed25519.public_bytes, sheet.log_keys.ml_dsa.public_bytes)


class CheckpointObserver:
    """Keeps the newest verified checkpoint of one log."""

    def __init__(self, store: Store, connection: BrokerConnection, sheet: ExchangeSheet, clock: Clock) -> None:
        self._store = store
        self._connection = connection
        self._exchange, self._origin = sheet.name, sheet.origin
        self.keys = read_log_keys(sheet)
        self._clock = clock

    def load_newest(self) -> SignedCheckpoint | None:
        """Return the newest checkpoint held."""
        with self._store.read() as snapshot:
            return load_newest_checkpoint(snapshot, self._origin)

    def read_seen(self) -> SeenCheckpoint:
        """Return the newest checkpoint in the form messages and statuses carry.

        Raises:
            LogError: none was ever seen.
        """
        newest = self.load_newest()
        if newest is None:
            raise LogError("this node has not seen the log yet", fix="run: agency sync")
        return SeenCheckpoint(origin=newest.origin, size=newest.size, root=newest.root)

    def observe(self, unverified_note: str) -> Checkpoint:
        """Verify a checkpoint from an answer, compare it, keep it, return it.

        Raises:
            NewLogError: it is of a later epoch than the one accepted here.
            LogError: it is not signed by this log's keys, or not shown to be consistent.
            EquivocationError: it proves two histories; both notes have been kept.
        """
        checkpoint = self._verify(unverified_note)
        while True:
            newest = self.load_newest()
            if self._has_size(checkpoint.size):
                # Another root of a size held here is a proof by itself, whatever else the exchange may show.
                self._keep(checkpoint, unverified_note, newest)
            if newest is not None and not self._is_same(newest, checkpoint):
                self._demand_consistent(newest, checkpoint, unverified_note)
            if newest is not None and checkpoint.size < newest.size:
                return checkpoint
            try:
                self._keep(checkpoint, unverified_note, newest)
            except ConflictError:
                continue
            return checkpoint

    def verify_record(self, logged: LoggedRecord, proof: Sequence[str], checkpoint: Checkpoint) -> None:
        """Verify that a record stands in the log, under the right class of leaf, below an observed checkpoint.

        Raises:
            LogError: it does not.
        """
        try:
            digest = hash_logged_record(logged)
            path = [b64u_decode(item) for item in proof]
            verify_inclusion(digest, logged.index, checkpoint.size, path, checkpoint.root)
        except (LogProofError, ValueError) as error:
            raise LogError(f"record {logged.index} is not shown to be in the log: {error}") from error

    def fetch_consistency(self, smaller: int, larger: int) -> list[bytes]:
        """Return the unverified proof that the log of the smaller of two signed sizes is the start of the larger.

        Raises:
            LogError: the exchange has signed both and will not show it, or it is not of the agreed form.
        """
        try:
            answer = self._connection.get(CONSISTENCY_PATH, ConsistencyAnswer, {"from": smaller, "to": larger})
            return [b64u_decode(item) for item in answer.proof]
        except (DeniedError, NotFoundError, CodecError) as error:
            raise LogError(
                f"the exchange signed logs of {smaller} and {larger} leaves and does not show them to be one: {error}",
                fix="ask its operator whether an old database was put back; what was signed is kept here",
            ) from error

    def _verify(self, unverified_note: str) -> Checkpoint:
        try:
            return verify_checkpoint(unverified_note.encode(), self._origin, self.keys)
        except WrongOriginError as error:
            if read_epoch(error.claimed, self._exchange) > read_epoch(self._origin, self._exchange):
                raise NewLogError(error.claimed, self._origin) from error
            raise LogError(f"the checkpoint is not one of {self._origin}: {error}") from error
        except (LogSignatureError, CodecError) as error:
            raise LogError(f"the checkpoint is not one of {self._origin}: {error}") from error

    def _is_same(self, newest: SignedCheckpoint, checkpoint: Checkpoint) -> bool:
        return newest.size == checkpoint.size and newest.root == b64u_encode(checkpoint.root)

    def _has_size(self, size: int) -> bool:
        with self._store.read() as snapshot:
            return has_checkpoint(snapshot, self._origin, size)

    def _demand_consistent(self, newest: SignedCheckpoint, checkpoint: Checkpoint, note: str) -> None:
        """Verify consistency; keep the signed note that has none, for whoever can compare it with another's."""
        try:
            self._verify_consistent(newest, checkpoint, note)
        except OfflineError:
            raise
        except EquivocationError as error:
            keep_contradiction(self._store, error, at=self._clock.now())
            raise
        except ClientError as error:
            now = self._clock.now()
            doubt = Suspicion(self._origin, checkpoint.size, error.code, "", error.sentence, note.encode(), now)
            with self._store.write() as transaction:
                record_suspicion(transaction, doubt)
            raise

    def _verify_consistent(self, newest: SignedCheckpoint, checkpoint: Checkpoint, note: str) -> None:
        """Verify that the smaller of the two trees is a prefix of the larger one."""
        if newest.size == checkpoint.size:
            return  # other roots of one size: `record_checkpoint` raises with both notes as evidence
        held = Checkpoint(newest.origin, newest.size, b64u_decode(newest.root))
        heads = [(held, newest.note), (checkpoint, note.encode())]
        (small, small_note), (large, large_note) = sorted(heads, key=lambda head: head[0].size)
        if small.size == 0:
            return
        path = self.fetch_consistency(small.size, large.size)
        try:
            verify_consistency(small.size, large.size, small.root, large.root, path)
        except (LogProofError, ValueError) as error:
            proof = read_shown_prefix(small, large, path) or self._prove_by_leaves(small, large, path)
            if proof is not None:
                raise EquivocationError(
                    f"the log {self._origin} signed {small.size} leaves of root {b64u_encode(small.root)}, and"
                    f" {large.size} leaves that begin with others, of root {proof.root}",
                    kind=ContradictionKind.CHECKPOINT,
                    signer=self._origin,
                    documents=(small_note, large_note),
                    proof=proof.canonical(),
                ) from error
            raise LogError(
                f"the log of {small.size} leaves is not shown to be the start of that of {large.size}"
            ) from error

    def _prove_by_leaves(self, small: Checkpoint, large: Checkpoint, path: Sequence[bytes]) -> PrefixProof | None:
        """Read the first leaves that the larger log shows; their root, and the path from it, may be the proof."""
        try:
            root = read_prefix_root(self._connection, small.size)
        except (DeniedError, NotFoundError, VerificationFailedError):
            return None
        return make_prefix_proof(small, large, root, path)

    def _keep(self, checkpoint: Checkpoint, note: str, newest: SignedCheckpoint | None) -> None:
        kept = SignedCheckpoint(
            checkpoint.origin, checkpoint.size, b64u_encode(checkpoint.root), note.encode(), self._clock.now()
        )
        try:
            with self._store.write() as transaction:
                record_checkpoint(transaction, kept, checked_against=newest)
        except EquivocationError as error:
            keep_contradiction(self._store, error, at=self._clock.now())
            raise


def read_prefix_root(connection: BrokerConnection, size: int) -> bytes:
    """Return the root over the first leaves as the exchange shows them now. Nothing of it is verified.

    Raises:
        LogError: other leaves came than were asked for.
        OfflineError, DeniedError, NotFoundError: it does not show them.
    """
    frontier = Frontier()
    while len(frontier) < size:
        start = len(frontier)
        answer = connection.get(LEAVES_PATH, LeavesAnswer, {"start": start, "end": min(start + MAX_RANGE_LEAVES, size)})
        if answer.start != start or not 0 < len(answer.leaves) <= size - start:
            raise LogError(f"leaves from {start} on were asked for, and others came")
        for leaf in answer.leaves:
            frontier.append(hash_range_leaf(leaf))
    return frontier.root()


def hash_range_leaf(leaf: RangeLeaf) -> bytes:
    """Return the hash of a leaf as a range shows it."""
    return leaf_hash(make_leaf(leaf.leaf_class, b64u_decode(leaf.commitment)))


def hash_logged_record(logged: LoggedRecord) -> bytes:
    """Return the leaf hash a record must have, under the class its type demands."""
    commitment = commit_record(logged.record.to_wire(), b64u_decode(logged.salt))
    return leaf_hash(make_leaf("public" if logged.record.is_public else "private", commitment))
