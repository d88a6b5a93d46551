"""A log on a database that others write to, cut or put back: never forked, and stopped by what it signed and lost."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import text

from broker.audit.log import LogDamagedError
from broker.audit.log_store import HeadMovedError, move_head, select_hashes, select_head
from broker.audit.standing import ExchangeStoppedError, Standing
from broker.storage.engine import Database
from broker.storage.group_commit import GroupCommitWriter
from schemas.codec import b64u_decode
from schemas.log.checkpoint import parse_checkpoint
from schemas.log.note import parse_note
from schemas.log.tree import MerkleTree, verify_consistency
from tests.broker.audit.appending import Exchange, note
from tests.broker.ports import ManualClock, make_log, make_store, open_store
from tests.support.engines import POSTGRESQL, using_engine

pytestmark = pytest.mark.both_engines


def test_two_processes_on_one_store_continue_each_other_and_never_fork(tmp_path: Path) -> None:
    database = make_store(tmp_path)
    left, right = Exchange(database), Exchange(database)
    indexes = [exchange.append().index for exchange in (left, right, right, left, right)]
    assert indexes == [0, 1, 2, 3, 4]
    right_head, left_head = right.log.view.checkpoint, left.log.view.checkpoint
    proof = [b64u_decode(part) for part in right.log.view.prove_consistency(left_head.size)]
    verify_consistency(left_head.size, right_head.size, left_head.root, right_head.root, proof)
    left.close()
    right.close()


@pytest.mark.both_engines(False)
def test_what_can_be_done_meanwhile_is_done_before_waiting_for_who_holds_the_head(tmp_path: Path) -> None:
    with using_engine(POSTGRESQL):
        database, other = make_store(tmp_path), open_store(tmp_path)
    log, holding = make_log(database, ManualClock()), ExitStack()
    select_head(holding.enter_context(other.write()), for_update=True)
    done: list[str] = []

    def let_go() -> None:
        done.append("meanwhile")
        holding.close()

    with database.write() as connection:
        assert log.begin(connection, let_go).size == 0
        assert log.begin(connection, let_go).size == 0, "nobody holds it now but this transaction"
    assert done == ["meanwhile"]


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM log_leaf WHERE leaf_index = 1",
        "UPDATE log_leaf SET leaf_hash = (SELECT leaf_hash FROM log_leaf WHERE leaf_index = 0) WHERE leaf_index = 1",
        "UPDATE log_head SET size = 2",
        "UPDATE log_head SET root = (SELECT leaf_hash FROM log_leaf WHERE leaf_index = 0)",
        "DELETE FROM log_leaf WHERE leaf_index = 2",
    ],
)
def test_a_store_that_was_changed_is_not_signed(tmp_path: Path, damage: str) -> None:
    exchange = Exchange(make_store(tmp_path))
    for _ in range(3):
        exchange.append()
    exchange.close()
    with exchange.database.writing.begin() as connection:
        connection.execute(text("DELETE FROM log_concern"))
        connection.execute(text(damage))
    with pytest.raises(LogDamagedError):
        make_log(exchange.database, ManualClock())


def cut_log(database: Database, size: int) -> None:
    """Leave so much of a log as an older database would have; nobody serves it meanwhile."""
    with database.writing.begin() as connection:
        connection.execute(text("DELETE FROM log_leaf WHERE leaf_index >= :size"), {"size": size})
        root = MerkleTree(select_hashes(connection, 0)).root()
        connection.execute(text("UPDATE log_head SET size = :size, root = :root"), {"size": size, "root": root})


def test_a_log_that_lacks_what_was_signed_is_behind_by_what_was_signed(tmp_path: Path) -> None:
    standing = Standing()
    exchange = Exchange(make_store(tmp_path), standing)
    for _ in range(3):
        exchange.append()
    note = exchange.log.view.note
    cut_log(exchange.database, 1)
    with pytest.raises(ExchangeStoppedError, match="as what it signed itself shows"):
        exchange.append()
    assert standing.stop is not None
    assert (standing.stop.note, standing.stop.witness) == (note, None)
    assert exchange.log.view.note == note, "what was shown stays shown"
    with exchange.database.read() as connection:
        assert select_head(connection).stop == standing.stop.canonical(), "and every other broker hears of it"
    exchange.close()


def test_a_log_that_was_cut_and_grew_again_is_behind_too(tmp_path: Path) -> None:
    standing = Standing()
    exchange = Exchange(make_store(tmp_path), standing)
    for _ in range(2):
        exchange.append()
    cut_log(exchange.database, 1)
    other = Exchange(exchange.database)
    for _ in range(3):
        other.append()
    with pytest.raises(ExchangeStoppedError):
        exchange.append()
    assert standing.stop is not None
    with pytest.raises(ExchangeStoppedError):
        other.append()
    for each in (exchange, other):
        each.close()


def test_what_others_wrote_and_lost_before_it_was_signed_here_is_no_loss_of_ours(tmp_path: Path) -> None:
    exchange = Exchange(make_store(tmp_path))
    exchange.append()
    other = Exchange(exchange.database)
    for _ in range(2):
        other.append()
    with exchange.database.writing.begin() as connection:
        exchange.log.begin(connection)  # sees the two leaves; its transaction ends without a signature
    cut_log(exchange.database, 2)
    assert exchange.append().index == 2
    assert exchange.log.view.size == 3
    other.close()
    exchange.close()


def test_leaves_of_others_are_signed_after_a_commit_of_its_own(tmp_path: Path) -> None:
    """A COMMIT that writes nothing waits for nothing, and may follow one that no standby has."""

    def read_note() -> bytes | None:
        with exchange.database.read() as connection:
            return select_head(connection).checkpoint

    exchange = Exchange(make_store(tmp_path))
    other = Exchange(exchange.database)
    other.append()
    signed_before = exchange.log.view.note.encode()
    exchange.writer.commit_and_wait(lambda _: None)
    assert (exchange.log.view.size, read_note()) == (1, signed_before), "it wrote what it had signed, then signed"

    other.writer.commit_and_wait(other.log.store_checkpoint)
    kept = read_note()
    exchange.writer.commit_and_wait(lambda _: None)
    assert read_note() == kept, "with nothing new to sign there is nothing to write"
    other.close()
    exchange.close()


def test_a_head_that_moved_is_never_overwritten(tmp_path: Path) -> None:
    database = make_store(tmp_path)
    with database.writing.begin() as connection, pytest.raises(HeadMovedError):
        move_head(connection, 7, select_head(connection))


def test_of_two_brokers_notes_the_newer_stays_in_the_database_whoever_writes_last(tmp_path: Path) -> None:
    database = make_store(tmp_path)
    logs = [make_log(database, ManualClock()) for _ in range(2)]
    writers = [GroupCommitWriter(database, log) for log in logs]
    for writer in writers:
        writer.start()
    for _ in range(3):
        writers[0].commit_and_wait(note)
    writers[0].commit_and_wait(logs[0].store_checkpoint)
    assert (logs[1].view.size, read_stored_size(database)) == (0, 3)
    writers[1].commit_and_wait(note)
    assert (logs[1].view.size, read_stored_size(database)) == (4, 3)
    writers[1].commit_and_wait(logs[1].store_checkpoint)
    writers[0].commit_and_wait(logs[0].store_checkpoint)
    assert read_stored_size(database) == 4
    for writer in writers:
        writer.close()


def read_stored_size(database: Database) -> int:
    with database.read() as connection:
        stored = select_head(connection).checkpoint
    assert stored is not None
    return parse_checkpoint(parse_note(stored).text).size
