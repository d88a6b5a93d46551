"""The log: what it proves holds for any client, and what is not durable is never signed."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from broker.audit.errors import BeyondCheckpointError, LogError
from broker.audit.log import AuditLog, create_log, read_leaf
from broker.audit.log_store import LogMissingError, select_head
from broker.storage.engine import open_database
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.migrate import migrate
from broker.storage.transaction import PendingLeaf, Transaction
from keys.log_keys import sign_checkpoint, verify_checkpoint
from schemas.codec import b64u_decode
from schemas.log.checkpoint import Checkpoint
from schemas.log.leaf import leaf_hash, make_leaf, verify_record
from schemas.log.records import RecordType
from schemas.log.tree import MerkleTree, verify_consistency
from tests.broker.audit.appending import Exchange, enrol, note
from tests.broker.ports import ORIGIN, START, CountingSalts, ManualClock, make_log, make_signer, make_store
from tests.broker.proofs import verify_evidence

pytestmark = pytest.mark.both_engines


def test_an_empty_log_has_a_signed_checkpoint(tmp_path: Path) -> None:
    log = make_log(make_store(tmp_path), ManualClock())
    assert verify_checkpoint(log.view.note.encode(), ORIGIN, make_signer().public).size == 0


def test_a_log_that_was_not_created_or_not_loaded_says_so(tmp_path: Path) -> None:
    database = open_database(tmp_path / "broker.db")
    migrate(database)
    log = AuditLog(database, ManualClock(), lambda checkpoint: b"", CountingSalts())
    with pytest.raises(LogMissingError, match="broker init"):
        log.load()
    assert log.problem is None
    with pytest.raises(LogError, match="not loaded"):
        _ = log.view
    database.close()


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.integers(min_value=1, max_value=9), min_size=1, max_size=5))
def test_every_leaf_of_any_run_of_batches_is_proved_under_every_later_checkpoint(
    tmp_path_factory: pytest.TempPathFactory, batches: list[int]
) -> None:
    exchange = Exchange(make_store(tmp_path_factory.mktemp("log")))
    heads: list[Checkpoint] = []
    leaves: list[PendingLeaf] = []

    async def append(count: int) -> None:
        leaves.extend(await asyncio.gather(*(exchange.writer.commit(note) for _ in range(count))))

    for count in batches:
        asyncio.run(append(count))
        heads += [verify_evidence(exchange.log.prove(leaf)) for leaf in leaves]
    newest = heads[-1]
    for head in heads:
        proof = [b64u_decode(part) for part in exchange.log.view.prove_consistency(head.size)]
        verify_consistency(head.size, newest.size, head.root, newest.root, proof)
    exchange.close()


def test_the_log_goes_on_after_a_restart_with_the_same_leaves(tmp_path: Path) -> None:
    database = make_store(tmp_path)
    first = Exchange(database)
    old = verify_evidence(first.log.prove(first.append()))
    first.close()
    second = Exchange(database)
    new = verify_evidence(second.log.prove(second.append()))
    proof = [b64u_decode(part) for part in second.log.view.prove_consistency(old.size)]
    verify_consistency(old.size, new.size, old.root, new.root, proof)
    second.close()


def test_a_head_is_signed_once_a_batch_and_only_after_it_can_be_read_back(tmp_path: Path) -> None:
    database = make_store(tmp_path)
    signed: list[int] = []

    def sign(checkpoint: Checkpoint) -> bytes:
        with database.read() as connection:
            head = select_head(connection)
        assert (head.size, head.root) == (checkpoint.size, checkpoint.root)
        signed.append(checkpoint.size)
        return sign_checkpoint(checkpoint, make_signer())

    log = AuditLog(database, ManualClock(), sign, CountingSalts())
    log.load()
    writer = GroupCommitWriter(database, log)
    writer.start()

    def several(transaction: Transaction) -> None:
        for _ in range(5):
            note(transaction)

    writer.commit_and_wait(several)
    writer.commit_and_wait(lambda transaction: None)
    writer.close()
    assert signed == [0, 5]


def test_leaf_times_never_go_back_even_when_the_clock_does(tmp_path: Path) -> None:
    database = make_store(tmp_path)
    exchange = Exchange(database)
    times = []
    for seconds in (10, -3600, 1, 7200):
        exchange.clock.move(seconds)
        times.append(exchange.append().record.time)
    assert times == sorted(times)
    exchange.close()
    later = Exchange(database)
    assert later.append().record.time == times[-1]
    later.close()


def test_a_clock_far_behind_the_newest_leaf_is_a_problem_the_operator_sees(tmp_path: Path) -> None:
    exchange = Exchange(make_store(tmp_path))
    problems = [exchange.log.problem]
    exchange.append()
    for seconds in (0, -3600, 3590):
        exchange.clock.move(seconds)
        problems.append(exchange.log.problem)
    assert problems == [None, None, "the clock is 3600 seconds behind the newest leaf", None]
    exchange.close()


def test_a_batchs_moment_is_a_whole_second_as_it_stands_in_the_record(tmp_path: Path) -> None:
    exchange = Exchange(make_store(tmp_path))
    exchange.clock.move(0.75)
    assert exchange.writer.commit_and_wait(lambda transaction: transaction.now) == START
    exchange.close()


def test_a_record_of_another_time_is_refused(tmp_path: Path) -> None:
    exchange = Exchange(make_store(tmp_path))

    def append_late(transaction: Transaction) -> None:
        record = note(transaction).record
        exchange.clock.move(5)
        transaction.batch.append(record.model_copy(update={"time": exchange.clock.now()}))

    with pytest.raises(ValueError, match="its batch's"):
        exchange.writer.commit_and_wait(append_late)
    exchange.close()


def test_members_that_do_not_belong_to_the_type_never_reach_the_log(tmp_path: Path) -> None:
    exchange = Exchange(make_store(tmp_path))
    with pytest.raises(ValueError, match="kind"):
        exchange.writer.commit_and_wait(
            lambda transaction: transaction.append(
                RecordType.OPERATOR_ACTION, concerns=(), detail="note", kind="document-fraud"
            )
        )
    assert exchange.log.view.size == 0
    exchange.close()


def test_a_range_shows_public_records_and_hides_private_ones(tmp_path: Path) -> None:
    exchange = Exchange(make_store(tmp_path))
    exchange.append("secret", ("BE",))
    exchange.writer.commit_and_wait(lambda transaction: enrol(transaction, "BE"))
    view = exchange.log.view
    with exchange.database.read() as connection:
        private, public = exchange.log.read_range(connection, view, 0, 2)
    assert (private.leaf_class, private.record, private.salt) == ("private", None, None)
    assert public.record is not None
    assert public.salt is not None
    leaf = make_leaf(public.leaf_class, b64u_decode(public.commitment))
    verify_record(leaf, public.record.to_wire(), b64u_decode(public.salt))
    hashes = [leaf_hash(make_leaf(one.leaf_class, b64u_decode(one.commitment))) for one in (private, public)]
    assert MerkleTree(hashes).root() == view.checkpoint.root
    exchange.close()


def test_nothing_beyond_the_signed_checkpoint_is_shown(tmp_path: Path) -> None:
    exchange = Exchange(make_store(tmp_path))
    exchange.append()
    view = exchange.log.view
    with pytest.raises(BeyondCheckpointError, match="covers 1 leaves"):
        view.prove_inclusion(1)
    with pytest.raises(BeyondCheckpointError):
        view.prove_consistency(2)
    with exchange.database.read() as connection, pytest.raises(BeyondCheckpointError):
        exchange.log.read_range(connection, view, 0, 2)
    exchange.close()


def test_an_old_view_stays_as_it_was_while_the_log_grows(tmp_path: Path) -> None:
    exchange = Exchange(make_store(tmp_path))
    first = exchange.append()
    view = exchange.log.view
    exchange.append()
    assert verify_evidence(view.prove(first)).size == 1
    exchange.close()


def test_an_erased_record_is_gone_and_its_leaf_is_still_proved(tmp_path: Path) -> None:
    exchange = Exchange(make_store(tmp_path))
    exchange.append("to be erased")
    with exchange.database.writing.begin() as connection:
        connection.execute(text("UPDATE log_leaf SET record = NULL, salt = NULL"))
    with exchange.database.read() as connection:
        assert read_leaf(connection, 0) is None
        with pytest.raises(LookupError):
            read_leaf(connection, 1)
    exchange.close()
    again = Exchange(exchange.database)
    assert again.log.view.size == 1
    again.close()


def test_the_newest_note_is_kept_with_the_next_batch_and_at_the_end(tmp_path: Path) -> None:
    exchange = Exchange(make_store(tmp_path))

    def kept_size() -> int:
        with exchange.database.read() as connection:
            kept = select_head(connection).checkpoint
        assert kept is not None
        return verify_checkpoint(kept, ORIGIN, make_signer().public).size

    exchange.append()
    assert kept_size() == 0
    exchange.append()
    assert kept_size() == 1
    exchange.writer.commit_and_wait(exchange.log.store_checkpoint)
    assert kept_size() == 2
    exchange.close()


def test_whom_a_leaf_concerns_can_be_looked_up(tmp_path: Path) -> None:
    exchange = Exchange(make_store(tmp_path))
    exchange.append("one", ("VN", "BE", "BE"))
    with exchange.database.read() as connection:
        found = connection.execute(text("SELECT agency FROM log_concern WHERE leaf_index = 0 ORDER BY agency"))
        assert list(found.scalars()) == ["BE", "VN"]
    exchange.close()


def test_there_is_one_head_only(tmp_path: Path) -> None:
    database = make_store(tmp_path)
    with pytest.raises(Exception, match=r"(?i)unique"), database.writing.begin() as connection:
        create_log(connection, "other/1", START)
