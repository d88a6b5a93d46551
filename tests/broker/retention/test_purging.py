"""What has ended goes with its records, at once or not at all; the log, its proofs and every check hold as before."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from broker.audit.standing import Stop, StopReason
from broker.http.refusal import RefusedError
from broker.inbox.tables import inbox_content, inbox_item, message
from broker.receipts.tables import receipt
from broker.retention import purging
from broker.retention.purging import Purged, read_due
from broker.routing.tables import quota_day
from keys.receipts import seal_receipt
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import Terms
from schemas.api import Evidence, ReceiptsRequest
from schemas.codec import b64u_encode
from schemas.log.checkpoint import parse_checkpoint
from schemas.log.note import parse_note
from schemas.log.tree import verify_consistency
from schemas.receipts import Receipt, ReceiptedMessage, ReceiptType, SealedReceipt
from schemas.signed import KeyUse
from tests.broker.bench import GB, VN, Bench
from tests.strategies.agreements import make_clause
from tests.support.members import EXCHANGE, derive_seed
from tests.support.messages import make_id

EVIDENCE = timedelta(days=12)
FOREVER = 400 * EVIDENCE


@pytest.fixture
def terms(bench: Bench) -> Terms:
    """Terms under which evidence is kept for twelve days."""
    days = {"retention_days": 10, "evidence_days": EVIDENCE.days}
    return bench.agree(clauses=(make_clause(GB, VN, **days), make_clause(VN, GB, **days)))


def hand_over(bench: Bench, terms: Terms, name: object) -> Evidence:
    """Send a message that its recipient collects."""
    evidence = bench.send(GB, VN, terms, name, lifetime=timedelta(days=4))
    bench.acknowledge(VN, bench.lease(VN))
    return evidence


def make_receipt(bench: Bench, name: str) -> SealedReceipt:
    """Return a receipt of the recipient for a message of this name."""
    words = Receipt(
        v=1,
        exchange=EXCHANGE,
        salt=b64u_encode(derive_seed("receipt", name)),
        type=ReceiptType.VERIFIED,
        from_agency=VN,
        to_agency=GB,
        time=bench.now,
        late=False,
        messages=(ReceiptedMessage(id=make_id(name), digest=b64u_encode(bytes(32))),),
    )
    signer, key = bench.members[VN].signers[KeyUse.RECEIPT], bench.members[GB].opening_key.jwk
    return seal_receipt(words, signer, key, content_key=derive_seed("key", name))


def submit(bench: Bench, sealed: SealedReceipt) -> None:
    bench.run(bench.receipts.submit(bench.caller(VN), ReceiptsRequest(receipts=(sealed,))))


def count_rows(bench: Bench) -> dict[str, int]:
    """Return how many rows the tables about messages hold."""
    tables = (message, inbox_item, inbox_content, receipt, quota_day)
    with bench.database.read() as connection:
        counts = {table.name: connection.execute(select(func.count()).select_from(table)) for table in tables}
        return {name: found.scalar_one() for name, found in counts.items()}


def read_metric(bench: Bench, name: str, **labels: str) -> float | None:
    return bench.writer.metrics.registry.get_sample_value(name, labels)


def test_nothing_goes_before_its_end_and_everything_at_it(bench: Bench, terms: Terms) -> None:
    hand_over(bench, terms, "first")
    submit(bench, make_receipt(bench, "first"))
    bench.clock.move(EVIDENCE.total_seconds() - 1)
    assert read_due(bench.database, bench.now).oldest is None
    bench.sweep()
    assert bench.fates("first") == ["message-accepted", "message-handed-over"]
    bench.clock.move(1)
    due = read_due(bench.database, bench.now)
    assert (due.messages, due.receipts, due.oldest) == (1, 1, bench.now)
    bench.sweep()
    assert bench.fates("first") == []
    assert set(count_rows(bench).values()) == {0}
    bench.verify_log()


def test_an_auditors_proof_of_a_purged_record_still_verifies(bench: Bench, terms: Terms) -> None:
    evidence = hand_over(bench, terms, "first")
    old = bench.log.view
    bench.clock.move(EVIDENCE.total_seconds())
    bench.sweep()
    bench.enrol("BE-OE")
    bench.restart()
    view = bench.log.view
    proof = view.prove_inclusion(evidence.leaf.index)
    bench.verify(evidence.model_copy(update={"proof": proof, "checkpoint": view.note}))
    heads = [parse_checkpoint(parse_note(note.encode()).text) for note in (old.note, view.note)]
    path = view.tree.consistency_proof(old.size, view.size)
    verify_consistency(heads[0].size, heads[1].size, heads[0].root, heads[1].root, path)


def test_what_expired_or_was_returned_leaves_no_outcome_behind(bench: Bench, terms: Terms) -> None:
    bench.send(GB, VN, terms, "expired", lifetime=timedelta(hours=1))
    bench.clock.move(3600)
    bench.sweep()
    bench.acknowledge(GB, bench.lease(GB))
    bench.send(GB, VN, terms, "returned", lifetime=timedelta(hours=9))
    bench.step(VN, terms, StepAction.REVOKE)
    bench.sweep()
    assert bench.fates("returned") == ["message-accepted", "message-returned"]
    bench.clock.move(EVIDENCE.total_seconds())
    bench.sweep()
    assert set(count_rows(bench).values()) == {0}
    bench.verify_log()


def test_a_message_cannot_be_replayed_after_its_purge(bench: Bench, terms: Terms) -> None:
    hand_over(bench, terms, "first")
    sealed = bench.sent[make_id("first")]
    bench.clock.move(timedelta(days=3).total_seconds())
    assert bench.submit(GB, sealed)[1] is False, "while it is remembered it is known"
    for moved in (EVIDENCE, FOREVER):
        bench.clock.move(moved.total_seconds())
        bench.sweep()
        assert count_rows(bench)["message"] == 0
        with pytest.raises(RefusedError) as refused:
            bench.submit(GB, sealed)
        assert refused.value.refusal.slug in ("wrong-time", "key-set-not-current", "signature-refused")


def test_its_deadline_alone_refuses_a_purged_message(bench: Bench, terms: Terms) -> None:
    """Everything else about it is still good: the key set, the agreement; only nobody remembers its id."""
    hand_over(bench, terms, "first")
    sealed = bench.sent[make_id("first")]
    bench.clock.move(EVIDENCE.total_seconds())
    bench.sweep()
    with pytest.raises(RefusedError) as refused:
        bench.submit(GB, sealed)
    assert (refused.value.refusal.slug, refused.value.refusal.field) == ("wrong-time", "expires_at")


def test_a_correction_finds_its_message_until_the_evidence_ends(bench: Bench, terms: Terms) -> None:
    hand_over(bench, terms, "first")
    bench.clock.move(timedelta(days=11).total_seconds())
    bench.sweep()
    assert count_rows(bench)["inbox_content"] == 0, "the ciphertext went long ago"
    bench.send(GB, VN, terms, "correction", kind="correction", refers_to=bench.reference("first"))
    (item,) = bench.lease(VN).items
    assert item.type == "message"


def test_a_purged_receipt_is_not_taken_again(bench: Bench, terms: Terms) -> None:
    hand_over(bench, terms, "first")
    sealed = make_receipt(bench, "first")
    submit(bench, sealed)
    bench.clock.move(2 * EVIDENCE.total_seconds())
    bench.sweep()
    assert count_rows(bench)["receipt"] == 0
    with pytest.raises(RefusedError) as refused:
        submit(bench, sealed)
    assert refused.value.refusal.slug == "receipt-refused"


def test_more_than_a_page_goes_in_one_sweep_and_is_counted(
    bench: Bench, terms: Terms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "PAGE_ITEMS", 3)
    for name in range(8):
        bench.send(GB, VN, terms, name, lifetime=timedelta(days=4))
    bench.acknowledge(VN, bench.lease(VN))
    bench.clock.move(EVIDENCE.total_seconds())
    bench.sweep()
    assert count_rows(bench)["message"] == 0
    assert read_metric(bench, "bilateral_purged_total", kind="message") == 8
    assert read_metric(bench, "bilateral_purge_due_since") == 0
    bench.verify_log()


def test_a_page_that_fails_leaves_everything_of_it(bench: Bench, terms: Terms, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_over(bench, terms, "first")
    bench.clock.move(EVIDENCE.total_seconds())
    before = count_rows(bench)

    def fail(name: str) -> None:
        raise OSError(name)

    with monkeypatch.context() as broken:
        broken.setattr(purging, "failpoint", fail)
        with pytest.raises(OSError, match="purge"):
            bench.sweep()
    assert count_rows(bench) == before
    bench.verify_log()
    assert bench.purger.purge_and_wait() == Purged(messages=1)


def test_a_log_that_has_stopped_purges_all_the_same(bench: Bench, terms: Terms) -> None:
    hand_over(bench, terms, "first")
    bench.clock.move(EVIDENCE.total_seconds())
    bench.writer.commit_and_wait(bench.log.store_checkpoint)
    bench.stop = Stop(v=1, reason=StopReason.RESTORED, since=bench.now)
    bench.restart()
    assert bench.run(bench.purger.purge()) == Purged(messages=1)
    bench.verify_log()


@pytest.mark.sqlite_only
def test_what_was_deleted_is_not_in_the_files(bench: Bench, terms: Terms) -> None:
    hand_over(bench, terms, "first")
    sealed = bench.sent[make_id("first")]
    signed = sealed.envelope.payload.encode()[:60]
    ciphertext = sealed.envelope.ciphertext_bytes[-60:]
    assert ciphertext in read_files(bench), "the write-ahead log still has it: this test can fail"
    bench.sweep()
    assert ciphertext not in read_files(bench)
    assert signed in read_files(bench)
    bench.clock.move(EVIDENCE.total_seconds())
    bench.sweep()
    assert signed not in read_files(bench)


@pytest.mark.sqlite_only
def test_a_reader_holds_nothing_up_and_the_next_sweep_tries_again(bench: Bench, terms: Terms) -> None:
    bench.send(GB, VN, terms, "first")
    with bench.database.read() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM message").scalar_one()
        bench.acknowledge(VN, bench.lease(VN))
        bench.sweep()
        assert write_ahead_log(bench).stat().st_size > 0
    bench.sweep()
    assert write_ahead_log(bench).stat().st_size == 0


def write_ahead_log(bench: Bench) -> Path:
    return bench.folder / "broker.db-wal"


def read_files(bench: Bench) -> bytes:
    """Return every byte of the database's files."""
    return b"".join(path.read_bytes() for path in sorted(bench.folder.glob("broker.db*")))
