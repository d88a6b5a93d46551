"""What a new log begins with: everything signed, verified once more; what was delivered; and nothing that waits."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from broker.agreements.live import make_agreement_book
from broker.attachments.rules import UploadKey
from broker.audit.log import create_log
from broker.epochs.carrying import Carried, Carrier
from broker.epochs.errors import CarryingError
from broker.http.refusal import RefusedError
from broker.inbox.delivery import Inboxes
from broker.inbox.waiters import Waiters
from broker.storage.engine import open_database
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.migrate import migrate
from broker.storage.transaction import Transaction
from keys.errors import KeysError
from keys.key_sets import sign_key_set
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import Terms
from schemas.codec import b64u_encode
from schemas.envelope import SeenCheckpoint
from schemas.log.records import RecordType
from schemas.signed import DocumentType, KeyUse
from tests.broker.attachments.uploads import agree_to_files, make_bytes, read, seal_with, upload
from tests.broker.bench import BE, GB, VN, Bench, ids_of, receipts_of
from tests.broker.ports import ORIGIN, make_log
from tests.broker.receipts.test_service import make_receipt, submit
from tests.broker.statuses.test_service import make_status, sign
from tests.strategies.agreements import make_clause
from tests.support.documents import make_next_encryption_keys, make_revocation, sign_by
from tests.support.members import EXCHANGE, make_key_set, make_signer, succeed
from tests.support.messages import make_id

pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, GB, VN, BE)
    yield bench
    bench.close()


@pytest.fixture
def terms(bench: Bench) -> Terms:
    return bench.agree(GB, VN)


def open_next(bench: Bench) -> Carried:
    """Let a new log take the place of the bench's, as a rebase does, and go on with it."""
    view, path = bench.log.view, bench.folder / "broker.db"
    seen = SeenCheckpoint(origin=ORIGIN, size=view.size, root=b64u_encode(view.checkpoint.root))
    with bench.at_rest():
        (bench.folder / "new").mkdir()
        fresh = open_database(bench.folder / "new" / "broker.db")
        migrate(fresh)
        with fresh.writing.begin() as connection:
            create_log(connection, ORIGIN, bench.now)
        writer = GroupCommitWriter(fresh, make_log(fresh, bench.clock))
        writer.start()

        def append_opening(transaction: Transaction) -> None:
            transaction.append(RecordType.EXCHANGE_OPENED, concerns=[], detail="opened", checkpoint=seen)

        old = open_database(path)
        try:
            writer.commit_and_wait(append_opening)
            with old.read() as connection:
                inboxes = Inboxes(make_agreement_book(), Waiters())
                carried = Carrier(EXCHANGE, connection, writer, inboxes).carry_all(lambda _done, _of: None)
        finally:
            writer.close()
            fresh.close()
            old.close()
        for leftover in bench.folder.glob("broker.db*"):
            leftover.unlink()
        for made in (bench.folder / "new").iterdir():
            made.rename(bench.folder / made.name)
        (bench.folder / "new").rmdir()
    bench.verify_log()
    return carried


def test_members_and_agreements_stand_as_they_stood(bench: Bench, terms: Terms) -> None:
    bench.clock.move(86400)
    gb = bench.members[GB]
    next_set = sign_key_set(succeed(gb, issued_at=bench.now), gb.roots[:2])
    bench.run(bench.directory_service.submit(bench.caller(GB), next_set, DocumentType.KEY_SET))
    be = bench.members[BE]
    revocation = sign_by(be, make_revocation(be, bench.now, KeyUse.MESSAGE), DocumentType.REVOCATION)
    bench.run(bench.directory_service.submit(bench.caller(BE), revocation, DocumentType.REVOCATION))
    bench.step(VN, terms, StepAction.SUSPEND)
    before = bench.directory.current
    chains = bench.book.current.chains_of(terms.id)
    bench.clock.move(86400)
    carried = open_next(bench)
    assert carried.counts == {
        "member-enrolled": 3, "key-set": 4, "encryption-keys": 3, "revocation": 1, "agreement-step": 4,
    }  # fmt: skip
    after = bench.directory.current
    for agency, timeline in before.timelines.items():
        found = after.find(agency)
        assert [one.digest for _, one in found.key_sets] == [one.digest for _, one in timeline.key_sets]
        assert found.list_revoked_kids() == timeline.list_revoked_kids()
    assert bench.book.current.chains_of(terms.id) == chains
    assert bench.book.current.view(terms.digest(), bench.now).state == "suspended"
    bench.step(VN, terms, StepAction.RESUME)


def test_keys_that_have_ended_since_are_judged_by_their_own_time(bench: Bench) -> None:
    ends = bench.members[GB].key_set.expires_at
    bench.clock.move((ends - bench.now).total_seconds() + 86400 * 60)
    open_next(bench)
    assert bench.directory.current.find(GB).newest_key_set.key_set.seq == 1


def test_one_epoch_after_another_carries_what_was_signed_long_ago(bench: Bench, terms: Terms) -> None:
    gb = bench.members[GB]
    bench.clock.move((gb.key_set.expires_at - bench.now).total_seconds() - 86400)
    next_set = succeed(gb, issued_at=bench.now, expires_at=bench.now + timedelta(days=365))
    signed = sign_key_set(next_set, gb.roots[:2])
    bench.run(bench.directory_service.submit(bench.caller(GB), signed, DocumentType.KEY_SET))
    bench.step(GB, terms, StepAction.SUSPEND)
    chains = bench.book.current.chains_of(terms.id)
    for days in (3, 40, 40):
        bench.clock.move(86400 * days)
        open_next(bench)
    assert bench.book.current.chains_of(terms.id) == chains
    assert bench.directory.current.find(GB).newest_key_set.key_set.seq == 2


def test_a_document_that_does_not_verify_stops_it_and_is_named(bench: Bench, terms: Terms) -> None:
    with bench.database.writing.begin() as connection:
        connection.execute(text("UPDATE agreement_step SET document = (SELECT max(document) FROM agreement_step)"))
    with pytest.raises(CarryingError, match=r"leaf [0-9]+ of the old log does not verify"):
        open_next(bench)


def test_what_waited_is_taken_again_and_what_was_delivered_is_known(bench: Bench, terms: Terms) -> None:
    delivered, waiting = (bench.seal(GB, VN, terms, name) for name in ("delivered", "waiting"))
    bench.submit(GB, delivered)
    bench.acknowledge(VN, bench.lease(VN))
    bench.submit(GB, waiting)
    open_next(bench)
    assert bench.state(GB, "delivered") == "handed-over"
    assert bench.lease(VN).items == ()
    evidence, is_new = bench.submit(GB, waiting)
    assert is_new
    bench.verify(evidence)
    assert ids_of(bench.lease(VN)) == [make_id("waiting")]
    bench.verify_log()


def test_what_was_delivered_and_comes_again_is_handed_over_again_once(bench: Bench, terms: Terms) -> None:
    sealed = bench.seal(GB, VN, terms, "delivered")
    bench.submit(GB, sealed)
    bench.acknowledge(VN, bench.lease(VN))
    open_next(bench)
    first, is_new = bench.submit(GB, sealed)
    again, is_new_again = bench.submit(GB, sealed)
    assert (is_new, is_new_again) == (True, False)
    assert first.leaf == again.leaf
    assert first.leaf.record.type is RecordType.MESSAGE_ACCEPTED
    answer = bench.lease(VN)
    assert ids_of(answer) == [make_id("delivered")]
    bench.acknowledge(VN, answer)
    bench.verify_log()
    open_next(bench)
    assert bench.state(GB, "delivered") == "handed-over"


def test_neither_id_nor_number_of_what_was_delivered_can_be_used_for_something_else(bench: Bench, terms: Terms) -> None:
    bench.send(GB, VN, terms, "delivered")
    bench.acknowledge(VN, bench.lease(VN))
    open_next(bench)
    for sealed, slug in (
        (bench.seal(GB, VN, terms, "delivered", n=9), "digest-conflict"),
        (bench.seal(GB, VN, terms, "another", n=1), "number-conflict"),
    ):
        with pytest.raises(RefusedError) as caught:
            bench.submit(GB, sealed)
        assert caught.value.refusal.slug == slug


def test_a_refusal_of_what_was_delivered_leaves_it_standing(bench: Bench, terms: Terms) -> None:
    sealed = bench.seal(GB, VN, terms, "delivered")
    bench.submit(GB, sealed)
    bench.acknowledge(VN, bench.lease(VN))
    open_next(bench)
    bench.step(VN, terms, StepAction.SUSPEND)
    with pytest.raises(RefusedError):
        bench.submit(GB, sealed)
    assert bench.state(GB, "delivered") == "handed-over"
    bench.verify_log()


def test_quotas_of_the_day_count_what_was_delivered(bench: Bench) -> None:
    terms = bench.agree(clauses=(make_clause(GB, VN, daily_quota=2), make_clause(VN, GB)))
    bench.send(GB, VN, terms, "first")
    bench.acknowledge(VN, bench.lease(VN))
    lost = bench.seal(GB, VN, terms, "lost")
    bench.submit(GB, lost)
    open_next(bench)
    bench.submit(GB, lost)
    with pytest.raises(RefusedError) as caught:
        bench.submit(GB, bench.seal(GB, VN, terms, "third"))
    assert caught.value.refusal.slug == "quota-exhausted"
    bench.verify_log()


def test_receipts_nobody_collected_come_with_the_new_log(bench: Bench, terms: Terms) -> None:
    bench.send(GB, VN, terms, "first")
    bench.acknowledge(VN, bench.lease(VN))
    sealed = make_receipt(bench, "first")
    submit(bench, VN, sealed)
    open_next(bench)
    (item,) = receipts_of(bench.lease(GB))
    assert item.receipt == sealed
    assert not submit(bench, VN, sealed)[1]


def test_an_inbox_stays_bound_to_its_node(bench: Bench, terms: Terms) -> None:
    bench.send(GB, VN, terms, "first")
    bench.lease(VN)
    open_next(bench)
    with pytest.raises(RefusedError) as caught:
        bench.lease(VN, node="node-2")
    assert caught.value.refusal.slug == "second-node"


def test_a_chain_of_statuses_goes_on_where_its_signer_stands(bench: Bench) -> None:
    open_next(bench)
    fifth = make_status(bench.now, seq=5, prev=b64u_encode(bytes(32)))
    assert bench.run(bench.statuses.submit_status(bench.caller(GB), sign(bench, fifth)))[1]
    with pytest.raises(RefusedError):
        bench.run(bench.statuses.submit_status(bench.caller(GB), sign(bench, make_status(bench.now, seq=1))))


def test_a_step_that_was_lost_is_taken_late_by_the_key_of_its_time_and_no_other_is(bench: Bench, terms: Terms) -> None:
    lost, never_handed_in = (bench.sign_step(VN, terms, action) for action in (StepAction.SUSPEND, StepAction.RESUME))
    bench.clock.move(86400 * 3)
    open_next(bench)
    vn = bench.members[VN]
    signers = {**vn.signers, KeyUse.AGREEMENT: make_signer(VN, KeyUse.AGREEMENT, 2)}
    keys = make_key_set(VN, vn.roots, signers).keys
    next_set = sign_key_set(succeed(vn, issued_at=bench.now, keys=keys), vn.roots[:2])
    bench.run(bench.directory_service.submit(bench.caller(VN), next_set, DocumentType.KEY_SET))
    bench.run(bench.agreements.submit(bench.caller(VN), lost))
    assert bench.book.current.view(terms.digest(), bench.now).state == "suspended"
    bench.clock.move(86400 * 31)
    with pytest.raises(KeysError):
        bench.run(bench.agreements.submit(bench.caller(VN), never_handed_in))


def test_a_step_of_this_epoch_has_its_minutes_as_ever(bench: Bench, terms: Terms) -> None:
    open_next(bench)
    bench.clock.move(1)
    late = bench.sign_step(VN, terms, StepAction.PROPOSE)
    bench.clock.move(301)
    with pytest.raises(ValueError, match="minutes from the exchange"):
        bench.run(bench.agreements.submit(bench.caller(VN), late))


def test_encryption_keys_that_were_lost_are_published_again(bench: Bench) -> None:
    lost = sign_by(
        bench.members[GB], make_next_encryption_keys(bench.members[GB], bench.now), DocumentType.ENCRYPTION_KEYS
    )
    bench.clock.move(86400)
    open_next(bench)
    assert bench.run(bench.directory_service.submit(bench.caller(GB), lost, DocumentType.ENCRYPTION_KEYS))[1]


def test_attachments_are_read_and_named_under_the_new_log_as_under_the_old(bench: Bench) -> None:
    terms, data = agree_to_files(bench), make_bytes("data")
    handed_over, waiting = (upload(bench, name, data, message=name) for name in ("message", "waiting"))
    bench.submit(GB, seal_with(bench, terms, handed_over))
    bench.acknowledge(VN, bench.lease(VN))
    second = seal_with(bench, terms, waiting, message="waiting", n=2)
    bench.submit(GB, second)
    bench.clock.move(86400)
    open_next(bench)
    bench.sweep()
    assert read(bench, handed_over, "bytes=0-9") == data[:10]
    assert bench.submit(GB, second)[1], "what waited is handed in again, and its attachment is still there"
    bench.acknowledge(VN, bench.lease(VN))
    key = UploadKey(GB, second.header.id, waiting.id)
    found = bench.run(bench.attachments.find_readable(bench.caller(VN), key, "bytes=0-9"))
    assert found.size == len(data)
