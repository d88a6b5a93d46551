"""The directory is what the log's public records prove: a disk that was touched proves nothing."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from broker.access.caller import Caller
from broker.audit.tables import log_leaf
from broker.directory.errors import UnknownMemberError
from broker.directory.live import make_directory
from keys.errors import KeysError
from schemas.log.records import Record, Role
from schemas.signed import DocumentType, KeyUse, SignedDocument
from tests.broker.bench import GB, VN, Bench
from tests.support.documents import make_next_encryption_keys, make_revocation, sign_by, sign_next_key_set
from tests.support.members import EXCHANGE


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, GB, VN)
    yield bench
    bench.close()


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
