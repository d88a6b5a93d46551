"""Cosignatures kept and shown; and a broker that is shown what it lost signs nothing more."""

import asyncio
import shutil
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.audit.standing import ExchangeStoppedError, StopReason
from broker.http.refusal import RefusedError
from broker.storage.errors import CommitFailedError
from broker.storage.transaction import Transaction
from broker.witnesses.service import MAX_COSIGNATURES_PER_MINUTE
from keys.cosignatures import CosignatureError, verify_cosignature
from keys.errors import KeyRevokedError
from keys.log_keys import LogSigner, WrongOriginError, sign_checkpoint, verify_checkpoint
from schemas.jwk import AkpJwk
from schemas.log.checkpoint import Checkpoint
from schemas.log.cosignature import format_witness_name
from schemas.log.records import RecordType
from schemas.signed import DocumentType, KeyUse
from tests.broker.bench import BE, GB, VN, Bench
from tests.broker.ports import ORIGIN, make_signer
from tests.support.documents import make_revocation, sign_by
from tests.support.engines import SQLITE
from tests.support.members import EXCHANGE


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, GB, VN)
    yield bench
    bench.close()


def list_sizes(bench: Bench, *agencies: str) -> dict[str, int]:
    answer = bench.run(bench.witnesses.list_notes(agencies))
    assert [one.agency for one in answer.notes] == sorted(one.agency for one in answer.notes)
    return {one.agency: verify(bench, one.agency, one.note).size for one in answer.notes}


def verify(bench: Bench, agency: str, note: str) -> Checkpoint:
    key = bench.members[agency].signers[KeyUse.WITNESS].keys[0].jwk
    assert isinstance(key, AkpJwk)
    cosigned = verify_cosignature(note.encode(), format_witness_name(EXCHANGE, agency), key)
    assert verify_checkpoint(note.encode(), ORIGIN, make_signer().public) == cosigned.checkpoint
    return cosigned.checkpoint


def grow(bench: Bench, leaves: int = 1) -> None:
    for _ in range(leaves):
        bench.writer.commit_and_wait(append)


def append(transaction: Transaction) -> None:
    transaction.append(RecordType.TOKENS_ISSUED, concerns=[GB], agency=GB, count=1)


def test_the_newest_cosignature_of_each_agency_is_kept_and_leaves_no_leaf(bench: Bench) -> None:
    early = bench.cosign(GB)
    size = bench.log.view.size
    bench.witness(VN)
    grow(bench)
    answer = bench.witness(GB)
    assert answer.checkpoint == bench.log.view.note
    bench.run(bench.witnesses.submit(bench.caller(GB), early))
    assert list_sizes(bench, GB, VN, BE) == {GB: size + 1, VN: size}
    assert bench.log.view.size == size + 1
    bench.restart()
    assert list_sizes(bench, VN) == {VN: size}
    bench.verify_log()


def test_of_two_over_the_same_head_the_later_is_kept(bench: Bench) -> None:
    bench.witness(GB)
    first = bench.run(bench.witnesses.list_notes([GB])).notes
    bench.clock.move(60)
    bench.witness(GB)
    assert bench.run(bench.witnesses.list_notes([GB])).notes != first


def test_a_refused_cosignature_is_a_leaf_and_nothing_is_kept(bench: Bench) -> None:
    other = LogSigner(bytes([3]) * 32, bytes([4]) * 32)
    foreign = sign_checkpoint(Checkpoint("staging.example/1", 1, bytes(32)), other).decode()
    with pytest.raises(WrongOriginError):
        bench.run(bench.witnesses.submit(bench.caller(GB), bench.cosign(GB, foreign)))
    with pytest.raises(RefusedError):
        bench.run(bench.witnesses.submit(bench.caller(GB), bench.log.view.note))
    with pytest.raises((CosignatureError, RefusedError)):
        bench.run(bench.witnesses.submit(bench.caller(GB), bench.cosign(VN)))
    assert [record.kind for record in bench.records(RecordType.REFUSED)] == ["cosignature"] * 3
    assert list_sizes(bench, GB, VN) == {}


def test_a_member_may_cosign_so_many_times_a_minute(bench: Bench) -> None:
    note = bench.cosign(GB)
    for _ in range(MAX_COSIGNATURES_PER_MINUTE):
        bench.run(bench.witnesses.submit(bench.caller(GB), note))
    with pytest.raises(RefusedError) as caught:
        bench.run(bench.witnesses.submit(bench.caller(GB), note))
    assert (caught.value.refusal.slug, caught.value.refusal.retry_after_seconds) == ("too-many-requests", 60)
    bench.witness(VN)
    bench.clock.move(60)
    bench.witness(GB)


@pytest.fixture
def behind(bench: Bench, engine: str) -> tuple[Bench, str]:
    """A broker on whose database an older copy was put back, and the newest note it had signed before."""
    if engine != SQLITE:
        pytest.skip("copies SQLite's own file")
    path, old = bench.folder / "broker.db", bench.folder / "old.db"
    with bench.at_rest():
        shutil.copyfile(path, old)
    grow(bench, 3)
    lost = bench.log.view.note
    with bench.at_rest():
        shutil.copyfile(old, path)
    return bench, lost


def test_a_broker_shown_a_head_it_lost_signs_nothing_more(behind: tuple[Bench, str]) -> None:
    bench, lost = behind
    grow(bench)  # nobody has spoken yet: this is the fork that witnesses are there to find
    shown = bench.log.view
    with pytest.raises(ExchangeStoppedError):
        bench.witness(GB, lost)
    assert bench.stop is not None
    assert (bench.stop.reason, bench.stop.witness) == (StopReason.BEHIND, GB)
    assert bench.stop.note is not None
    assert bench.stop.note.startswith(lost)
    for _ in range(2):
        with pytest.raises(ExchangeStoppedError):
            grow(bench)
        with pytest.raises(ExchangeStoppedError):
            bench.agree()
        assert bench.log.view == shown
        bench.restart()
        shown = bench.log.view
    assert bench.records(RecordType.REFUSED) == []


def test_a_stopped_broker_still_shows_its_log_and_keeps_cosignatures(behind: tuple[Bench, str]) -> None:
    bench, lost = behind
    with pytest.raises(ExchangeStoppedError):
        bench.witness(GB, lost)
    bench.restart()
    view = bench.log.view
    verify_checkpoint(view.note.encode(), ORIGIN, make_signer().public)
    assert view.prove_consistency(1)
    bench.witness(VN)
    assert list_sizes(bench, VN) == {VN: view.size}


def test_the_note_alone_is_proof_whatever_line_stands_under_it(behind: tuple[Bench, str]) -> None:
    bench, lost = behind
    with pytest.raises(ExchangeStoppedError):
        bench.run(bench.witnesses.submit(bench.caller(VN), lost))
    assert bench.stop is not None


def run_in_one_batch(bench: Bench, *jobs: Coroutine[Any, Any, Any]) -> list[object]:
    """Let the jobs queue up behind a held operation, in this order, and return what became of each."""
    is_held, is_queued = threading.Event(), threading.Event()

    def hold(_transaction: Transaction) -> None:
        is_held.set()
        assert is_queued.wait(10)

    async def run() -> list[object]:
        held = asyncio.ensure_future(bench.writer.commit(hold))
        await asyncio.to_thread(is_held.wait, 10)
        queued = [asyncio.ensure_future(job) for job in jobs]
        await asyncio.sleep(0)
        is_queued.set()
        await held
        return list(await asyncio.gather(*queued, return_exceptions=True))

    return bench.run(run())


def test_what_stands_in_the_same_batch_as_the_discovery_is_not_committed(behind: tuple[Bench, str]) -> None:
    bench, lost = behind
    size = bench.log.view.size
    jobs = [bench.writer.commit(append) for _ in range(40)]
    speaks = bench.witnesses.submit(bench.caller(GB), bench.cosign(GB, lost))
    found = run_in_one_batch(bench, *jobs[:20], speaks, *jobs[20:])
    assert len(found) == 41
    assert all(isinstance(one, ExchangeStoppedError | CommitFailedError) for one in found)
    assert bench.log.view.size == size
    bench.restart()
    assert len(bench.records(*RecordType)) == size
    bench.verify_log()


def test_a_key_revoked_in_the_same_batch_cosigns_nothing(bench: Bench) -> None:
    revocation = sign_by(
        bench.members[GB], make_revocation(bench.members[GB], bench.now, KeyUse.WITNESS), DocumentType.REVOCATION
    )

    def revoke(transaction: Transaction) -> None:
        bench.directory_service._accept(
            transaction, bench.caller(GB), revocation, DocumentType.REVOCATION, bench.directory.current, None
        )

    found = run_in_one_batch(
        bench, bench.writer.commit(revoke), bench.witnesses.submit(bench.caller(GB), bench.cosign(GB))
    )
    assert isinstance(found[1], KeyRevokedError)
    assert list_sizes(bench, GB) == {}


def test_the_furthest_head_shown_is_kept_as_evidence(behind: tuple[Bench, str]) -> None:
    bench, lost = behind
    further = sign_checkpoint(Checkpoint(ORIGIN, 500, bytes(32)), make_signer()).decode()
    for note, size in ((further, 500), (lost, 500)):
        with pytest.raises(ExchangeStoppedError):
            bench.witness(VN, note)
        assert bench.stop is not None
        assert bench.stop.shown is not None
        assert bench.stop.shown.size == size
