"""What a broker signed outlives it in its folder, and stops it where its database lacks that."""

from pathlib import Path

import pytest

from broker.audit.log import AuditLog
from broker.audit.signed_head import SignedHead
from broker.audit.standing import ExchangeStoppedError, Standing, StopReason
from broker.storage.engine import Database
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import Transaction
from keys.log_keys import LogSigner, sign_checkpoint
from schemas.log.checkpoint import Checkpoint
from schemas.log.records import RecordType
from tests.broker.ports import ORIGIN, CountingSalts, ManualClock, make_signer, make_store

SIGNER = make_signer()


def make_note(size: int, *, origin: str = ORIGIN, signer: LogSigner = SIGNER) -> bytes:
    return sign_checkpoint(Checkpoint(origin, size, bytes(32)), signer)


def open_head(path: Path) -> SignedHead:
    return SignedHead(path, ORIGIN, SIGNER.public)


def append(transaction: Transaction) -> None:
    transaction.append(RecordType.TOKENS_ISSUED, concerns=["GB"], agency="GB", count=1)


def serve(database: Database, head: SignedHead, leaves: int) -> Standing:
    """Open the log as a broker does, and let it grow."""
    standing = Standing()
    log = AuditLog(
        database, ManualClock(), lambda checkpoint: sign_checkpoint(checkpoint, SIGNER), CountingSalts(), standing, head
    )
    log.load()
    writer = GroupCommitWriter(database, log)
    writer.start()
    try:
        for _ in range(leaves):
            writer.commit_and_wait(append)
        writer.commit_and_wait(log.store_checkpoint)
    finally:
        writer.close()
        head.close()
    return standing


def test_the_newest_head_is_kept_whatever_its_length(tmp_path: Path) -> None:
    head, path = open_head(tmp_path / "signed.note"), tmp_path / "signed.note"
    assert head.read() is None
    for size in (9, 10, 11, 9):
        note = make_note(size)
        head.keep(note)
        kept = open_head(path).read()
        assert kept is not None
        assert (kept.checkpoint.size, kept.note) == (size, note)
    assert path.stat().st_mode & 0o777 == 0o600
    head.close()
    head.forget()
    assert head.read() is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        make_note(5)[:-40],
        make_note(5, origin="exchange.test/2"),
        make_note(5, signer=LogSigner(bytes([7]) * 32, bytes([8]) * 32)),
    ],
    ids=["nothing", "a torn write", "another epoch", "another's keys"],
)
def test_what_is_not_this_logs_says_nothing(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "signed.note").write_bytes(data)
    assert open_head(tmp_path / "signed.note").read() is None


def test_a_disk_that_takes_nothing_stops_nobody(tmp_path: Path) -> None:
    head = open_head(tmp_path / "gone" / "signed.note")
    standing = serve(make_store(tmp_path), head, leaves=2)
    assert standing.stop is None


@pytest.mark.both_engines
def test_a_log_goes_on_over_the_database_that_it_signed_and_stops_over_an_earlier_one(tmp_path: Path) -> None:
    head = open_head(tmp_path / "signed.note")
    database = make_store(tmp_path)
    for _ in range(2):
        assert serve(database, head, leaves=2).stop is None
    (tmp_path / "earlier").mkdir()
    earlier = make_store(tmp_path / "earlier")
    serve(earlier, open_head(tmp_path / "earlier" / "signed.note"), leaves=1)
    with pytest.raises(ExchangeStoppedError):
        serve(earlier, head, leaves=1)
    stop = serve(earlier, head, leaves=0).stop
    assert stop is not None
    assert stop.shown is not None
    assert (stop.reason, stop.shown.size, stop.witness) == (StopReason.BEHIND, 4, None)
