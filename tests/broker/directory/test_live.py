"""The directory is what the log's public records prove: a disk that was touched proves nothing."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from broker.access.caller import Caller
from broker.audit.tables import log_leaf
from broker.directory.errors import UnknownMemberError
from broker.directory.live import make_directory
from broker.directory.members import Members
from keys.errors import KeyNotInForceError, KeysError
from keys.key_sets import make_operational_key
from keys.signing import sign_document
from schemas.agreements.steps import StepAction
from schemas.api import AccessLogHead
from schemas.codec import b64u_encode
from schemas.envelope import SeenCheckpoint
from schemas.log.records import Record, Role
from schemas.signed import DocumentType, KeyUse, SignedDocument
from schemas.status import Status
from tests.broker.bench import GB, VN, Bench
from tests.support.documents import make_next_encryption_keys, make_revocation, sign_by, sign_next_key_set
from tests.support.members import EXCHANGE, make_signer


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, GB, VN)
    yield bench
    bench.close()


@pytest.fixture
def behind(bench: Bench) -> Iterator[Bench]:
    """Another broker on the same database, to which nobody tells what the first one writes."""
    another = bench.open_another()
    yield another
    another.writer.close()


def submit(bench: Bench, document: SignedDocument, kind: DocumentType) -> bool:
    caller = Caller(GB, "node-1", Role.NODE, bytes(32), bench.clock.now() + timedelta(minutes=5))
    return bench.run(bench.directory_service.submit(caller, document, kind))[1]


def test_after_a_restart_the_directory_is_what_it_was(bench: Bench) -> None:
    member, now = bench.members[GB], bench.clock.now()
    keys = sign_by(member, make_next_encryption_keys(member, now), DocumentType.ENCRYPTION_KEYS)
    revocation = sign_by(member, make_revocation(member, now, KeyUse.WITNESS), DocumentType.REVOCATION)
    assert submit(bench, sign_next_key_set(member), DocumentType.KEY_SET)
    assert submit(bench, keys, DocumentType.ENCRYPTION_KEYS)
    assert submit(bench, revocation, DocumentType.REVOCATION)
    before = bench.directory.current

    bench.restart()

    assert bench.directory.current.timelines == before.timelines
    assert bench.directory.current.authorities == before.authorities
    assert bench.directory.current.encryption_key_owners == before.encryption_key_owners
    assert bench.directory.current.last_index == before.last_index


def test_documents_that_meet_in_one_batch_continue_one_chain(bench: Bench) -> None:
    """Two second key sets at once: one is taken, and the other is told that it does not follow."""
    import asyncio

    member = bench.members[GB]
    caller = Caller(GB, "node-1", Role.NODE, bytes(32), bench.clock.now() + timedelta(minutes=5))
    rivals = [sign_next_key_set(member, name=name) for name in ("One", "Two")]

    async def race() -> list[object]:
        submissions = (bench.directory_service.submit(caller, one, DocumentType.KEY_SET) for one in rivals)
        return await asyncio.gather(*submissions, return_exceptions=True)

    answers = bench.run(race())

    assert sorted(isinstance(answer, KeysError) for answer in answers) == [False, True]
    assert bench.directory.current.find(GB).newest_key_set.key_set.seq == 2


def test_a_key_document_changed_on_the_disk_stops_the_start(bench: Bench) -> None:
    index, verified = bench.directory.current.find(VN).key_sets[0]
    document = verified.document
    false = document.model_copy(update={"signatures": document.signatures[::-1]})
    with bench.database.writing.begin() as connection:
        stored = connection.execute(log_leaf.select().where(log_leaf.c.leaf_index == index)).one()
        record = Record.model_validate_json(stored.record).model_copy(update={"document": false})
        connection.execute(update(log_leaf).where(log_leaf.c.leaf_index == index).values(record=record.canonical()))

    with pytest.raises((KeysError, ValueError)):
        make_directory(EXCHANGE).load(bench.database)


def test_encryption_keys_of_somebody_who_was_never_enrolled_stop_the_start(bench: Bench) -> None:
    index, _ = bench.directory.current.find(VN).key_sets[0]
    with bench.database.writing.begin() as connection:
        connection.execute(update(log_leaf).where(log_leaf.c.leaf_index == index).values(record_type="status"))

    with pytest.raises(UnknownMemberError):
        make_directory(EXCHANGE).load(bench.database)


def test_whoever_watches_the_authorities_hears_of_their_changes_alone(bench: Bench) -> None:
    heard: list[int] = []
    bench.directory_service.on_authorities_changed(lambda: heard.append(1))
    member = bench.members[GB]

    submit(bench, sign_next_key_set(member, name="Renamed"), DocumentType.KEY_SET)
    assert heard == []
    bench.enrol("BE-OE")
    assert heard == [1]


def hand_in_keys(bench: Bench, broker: Bench) -> bool:
    document = make_next_encryption_keys(bench.members[GB], bench.now)
    return submit(
        broker, sign_by(bench.members[GB], document, DocumentType.ENCRYPTION_KEYS), DocumentType.ENCRYPTION_KEYS
    )


def hand_in_step(bench: Bench, broker: Bench) -> bool:
    document = bench.sign_step(GB, bench.draft(), StepAction.PROPOSE)
    return broker.run(broker.agreements.submit(broker.caller(GB), document))[1]


def hand_in_status(bench: Bench, broker: Bench) -> bool:
    seen = SeenCheckpoint(origin=f"{EXCHANGE}/1", size=1, root=b64u_encode(bytes(32)))
    status = Status(
        v=1, exchange=EXCHANGE, agency=GB, partner=VN, seq=1, time=bench.now, keyset=2, revoked=(), chains=(),
        streams=(), checkpoint=seen,
    )  # fmt: skip
    document = sign_document(status.canonical(), DocumentType.STATUS, [bench.members[GB].signers[KeyUse.RECEIPT]])
    return broker.run(broker.statuses.submit_status(broker.caller(GB), document))[1]


def hand_in_head(bench: Bench, broker: Bench) -> bool:
    head = AccessLogHead(
        v=1, exchange=EXCHANGE, agency=GB, node="node-1", count=1, head=b64u_encode(bytes(32)), time=bench.now
    )
    signer = bench.members[GB].signers[KeyUse.RECEIPT]
    document = sign_document(head.canonical(), DocumentType.ACCESS_LOG_HEAD, [signer])
    return broker.run(broker.statuses.submit_head(broker.caller(GB), document))[1]


def hand_in_cosignature(_bench: Bench, broker: Bench) -> bool:
    return broker.witness(GB).checkpoint == broker.log.view.note


def replace_keys(bench: Bench) -> None:
    """Let GB have new keys of every use, and one of the brokers take them in."""
    member = bench.members[GB]
    signers = {use: make_signer(GB, use, generation=1) for use in KeyUse}
    keys = tuple(make_operational_key(EXCHANGE, GB, use, signer) for use, signer in signers.items())
    assert submit(bench, sign_next_key_set(member, issued_at=bench.now, keys=keys), DocumentType.KEY_SET)
    bench.members[GB] = replace(member, signers=signers)


@pytest.mark.parametrize("hand_in", [hand_in_keys, hand_in_step, hand_in_status, hand_in_head, hand_in_cosignature])
def test_what_is_signed_with_keys_that_another_broker_has_just_taken_in_is_accepted(
    bench: Bench, behind: Bench, hand_in: Callable[[Bench, Bench], bool]
) -> None:
    replace_keys(bench)

    assert behind.directory.current.find(GB).newest_key_set.key_set.seq == 1
    assert hand_in(bench, behind)


def test_what_nobody_has_taken_in_is_judged_once_and_what_changed_meanwhile_again(bench: Bench, behind: Bench) -> None:
    judged: list[int] = []

    def verify(members: Members) -> None:
        judged.append(members.last_index)
        raise KeyNotInForceError("no such key")

    def judge() -> list[int]:
        judged.clear()
        with pytest.raises(KeyNotInForceError):
            behind.run(behind.directory.judge(verify))
        return list(judged)

    before = bench.directory.current.last_index
    assert judge() == [before]
    replace_keys(bench)
    assert judge() == [before, bench.directory.current.last_index]
    assert judge() == [bench.directory.current.last_index]


def test_an_error_that_is_no_refusal_asks_the_database_nothing(bench: Bench, behind: Bench) -> None:
    def verify(members: Members) -> None:
        raise LookupError(members.last_index)

    replace_keys(bench)
    with pytest.raises(LookupError):
        behind.run(behind.directory.judge(verify))
    assert behind.directory.current.find(GB).newest_key_set.key_set.seq == 1
