"""Attachments end: a day after nobody named them, with their message's delivery, or at once where it reached nobody."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from broker.attachments import store, sweep
from broker.attachments.rules import UploadKey
from broker.attachments.store import find_upload
from broker.http.refusal import RefusedError
from schemas.agreements.steps import StepAction
from schemas.envelope import SealedAttachment
from tests.broker.attachments.uploads import agree_to_files, announce, begin, make_bytes, read, seal_with, upload
from tests.broker.bench import GB, VN, Bench
from tests.support.messages import make_id

DAY = timedelta(days=1).total_seconds()
DATA = make_bytes("data", 500)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def is_there(bench: Bench, sealed: SealedAttachment, message: object = "message") -> tuple[bool, bool]:
    """Return whether there is a row, and whether there is a file."""
    key = UploadKey(GB, make_id(message), sealed.id)
    with bench.database.read() as connection:
        row = find_upload(connection, key)
    return row is not None, bench.files.measure(key) is not None


def test_what_no_message_names_goes_after_a_day_and_not_before(bench: Bench) -> None:
    sealed = upload(bench, "file", DATA)
    bench.clock.move(DAY - 1)
    bench.sweep()
    assert is_there(bench, sealed) == (True, True)
    bench.clock.move(1)
    bench.sweep()
    assert is_there(bench, sealed) == (False, False)
    terms = agree_to_files(bench)
    with pytest.raises(RefusedError, match="upload it first"):
        bench.submit(GB, seal_with(bench, terms, sealed))


def test_a_thousand_uploads_that_were_never_finished_go_as_well(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "PAGE_ITEMS", 3)
    for number in range(8):
        begin(bench, announce(number, DATA))
    with pytest.raises(RefusedError, match="that no message names"):
        begin(bench, announce("one more", DATA))
    bench.clock.move(DAY)
    bench.sweep()
    begin(bench, announce("one more", DATA))


def test_what_a_message_names_stays_until_its_delivery_ends(bench: Bench) -> None:
    sealed = upload(bench, "file", DATA)
    bench.submit(GB, seal_with(bench, agree_to_files(bench), sealed, lifetime=timedelta(days=4)))
    bench.acknowledge(VN, bench.lease(VN))
    bench.clock.move(4 * DAY - 1)
    bench.sweep()
    assert read(bench, sealed, "bytes=0-9") == DATA[:10]
    bench.clock.move(1)
    with pytest.raises(RefusedError, match="no such attachment"):
        read(bench, sealed, "bytes=0-9")
    bench.sweep()
    assert is_there(bench, sealed) == (False, False)


def test_with_a_message_that_goes_back_to_its_sender_its_attachments_go(bench: Bench) -> None:
    terms = agree_to_files(bench)
    sealed = upload(bench, "file", DATA)
    bench.submit(GB, seal_with(bench, terms, sealed))
    bench.sweep()
    assert is_there(bench, sealed) == (True, True)
    bench.step(VN, terms, StepAction.REVOKE, reason="for a test")
    bench.sweep()
    assert is_there(bench, sealed) == (False, False)


def test_one_sweep_looks_at_so_many_deliveries_and_the_next_goes_on_there(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "EXAMINED_ITEMS", 2)
    terms = agree_to_files(bench)
    numbers = range(3)
    sealed = {number: upload(bench, number, DATA, message=number) for number in numbers}
    for number in numbers:
        bench.submit(GB, seal_with(bench, terms, sealed[number], message=number, n=number + 1))
    bench.step(VN, terms, StepAction.REVOKE, reason="for a test")

    left = []
    for _ in range(2):
        bench.sweep()
        left.append(sum(is_there(bench, sealed[number], number)[0] for number in numbers))

    assert left == [1, 0]


@pytest.mark.parametrize("is_handed_over", [False, True])
def test_what_its_sender_takes_back_is_read_no_more_and_goes(bench: Bench, *, is_handed_over: bool) -> None:
    terms = agree_to_files(bench)
    sealed = upload(bench, "file", DATA)
    message = seal_with(bench, terms, sealed)
    bench.submit(GB, message)
    bench.sent[message.header.id] = message
    if is_handed_over:
        bench.acknowledge(VN, bench.lease(VN))
        assert read(bench, sealed, "bytes=0-9") == DATA[:10]
    bench.send(GB, VN, terms, "withdrawal", n=2, kind="withdrawal", refers_to=bench.reference("message"))
    with pytest.raises(RefusedError, match="no such attachment"):
        read(bench, sealed, "bytes=0-9")
    bench.sweep()
    assert is_there(bench, sealed) == (False, False)


def test_a_file_that_no_row_speaks_of_goes_with_the_next_sweep(bench: Bench) -> None:
    sealed = upload(bench, "file", DATA)
    key = UploadKey(GB, make_id("message"), sealed.id)
    with bench.database.writing.begin() as connection:
        connection.exec_driver_sql("DELETE FROM attachment")
    assert bench.files.measure(key) == len(DATA)
    bench.sweep()
    assert bench.files.measure(key) is None


@pytest.mark.both_engines
def test_one_sweep_compares_so_many_that_are_stored_and_what_has_ended_goes_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "EXAMINED_ITEMS", 2)
    ended = upload(bench, "ended", DATA, message="ended")
    bench.clock.move(DAY)
    kept = [upload(bench, number, DATA, message=number) for number in range(4)]
    keys = sorted(UploadKey(GB, make_id(number), one.id) for number, one in enumerate(kept))
    with bench.database.writing.begin() as connection:
        for key in keys[1::2]:
            connection.exec_driver_sql(f"DELETE FROM attachment WHERE id = '{key.id}'")  # noqa: S608 - our own id

    left = []
    for _ in range(3):
        bench.sweep()
        assert is_there(bench, ended, "ended") == (False, False)
        left.append([key for key in keys if bench.files.measure(key) is not None])

    assert left == [[keys[0], *keys[2:]], keys[::2], keys[::2]]


def test_what_is_announced_again_while_the_sweep_goes_on_stays_whole(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed, loop = upload(bench, "file", DATA), bench.runner.get_loop()
    with bench.database.writing.begin() as connection:
        connection.exec_driver_sql("DELETE FROM attachment")
    answers = []

    def list_known(connection: Connection, keys: Sequence[UploadKey]) -> set[UploadKey]:
        known = store.list_known(connection, keys)
        again = bench.attachments.announce(bench.caller(GB), announce("file", DATA))
        answers.append(asyncio.run_coroutine_threadsafe(again, loop).result(timeout=30)[0])
        return known

    monkeypatch.setattr(sweep, "list_known", list_known)
    bench.sweep()
    assert [answer.complete for answer in answers] == [True]
    bench.submit(GB, seal_with(bench, agree_to_files(bench), sealed))
    bench.acknowledge(VN, bench.lease(VN))
    assert read(bench, sealed, "bytes=0-9") == DATA[:10], "a message was accepted with it"


@pytest.mark.sqlite_only  # a file is there from the moment it is opened; rows only once they are written
def test_the_sweep_waits_for_nobody_who_works_on_a_file(bench: Bench) -> None:
    sealed = upload(bench, "file", DATA)
    announcement = announce("another", DATA)
    begin(bench, announcement)

    async def sweep_meanwhile() -> None:
        begun, going_on = asyncio.Event(), asyncio.Event()

        async def come_slowly() -> AsyncIterator[bytes]:
            begun.set()
            yield DATA[:400]
            await going_on.wait()
            yield DATA[400:]

        key = UploadKey(GB, announcement.message, announcement.id)
        slow = bench.attachments.append(bench.caller(GB), key, 0, len(DATA), come_slowly())
        appending = asyncio.ensure_future(slow)
        await begun.wait()
        bench.clock.move(DAY)
        await asyncio.wait_for(bench.sweeper.sweep(), timeout=30)
        assert bench.files.measure(key) is not None
        going_on.set()
        with pytest.raises(RefusedError, match="no such attachment"):
            await appending

    bench.run(sweep_meanwhile())
    bench.sweep()
    assert list(bench.files.list_keys()) == []
    assert is_there(bench, sealed) == (False, False)


def test_the_log_and_what_is_stored_agree_with_attachments_and_without_them_again(bench: Bench) -> None:
    sealed = upload(bench, "file", DATA)
    bench.submit(GB, seal_with(bench, agree_to_files(bench), sealed))
    bench.verify_log()
    with bench.database.writing.begin() as connection:
        connection.exec_driver_sql("UPDATE message SET attachment_bytes = 0")
    with pytest.raises(AssertionError):
        bench.verify_log()
