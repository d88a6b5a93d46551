"""Uploads: in pieces, resumed where they stand, durable before the answer; read by who has the message."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from broker.agreements.live import make_agreement_book
from broker.attachments.rules import Allowance, UploadKey
from broker.attachments.service import AttachmentService, Readable
from broker.attachments.turns import Turns
from broker.http.refusal import RefusedError
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import Terms
from tests.broker.attachments.uploads import (
    agree_to_files,
    announce,
    append,
    begin,
    lose,
    make_bytes,
    read,
    seal_with,
    stream,
    upload,
)
from tests.broker.bench import BE, GB, VN, Bench
from tests.support.messages import make_id

DATA = make_bytes("data", 1000)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An exchange of one test, which sends messages or limits what may be stored."""
    bench = Bench(tmp_path, GB, VN, BE)
    yield bench
    bench.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("shared"), GB, VN)
    yield bench
    bench.close()


@pytest.fixture
def depot(shared: Bench) -> Iterator[Bench]:
    """An exchange that tests share which only upload; nothing of one is there in the next."""
    yield shared
    with shared.database.writing.begin() as connection:
        connection.exec_driver_sql("DELETE FROM attachment")
    for key in list(shared.files.list_keys()):
        shared.files.remove(key)


def refusal_of(call: Any) -> tuple[str, str | None]:
    with pytest.raises(RefusedError) as refused:
        call()
    return refused.value.refusal.slug, refused.value.refusal.field


def hand_over(bench: Bench, terms: Terms, data: bytes = DATA) -> Any:
    """Let GB send a message with one attachment that VN collects; return how the message names it."""
    sealed = upload(bench, "file", data)
    bench.submit(GB, seal_with(bench, terms, sealed))
    bench.acknowledge(VN, bench.lease(VN))
    return sealed


def test_an_upload_in_pieces_is_complete_when_all_of_it_is_there(depot: Bench) -> None:
    announcement = announce("file", DATA)
    assert begin(depot, announcement).offset == 0
    middle = append(depot, announcement, 0, DATA[:600])
    assert (middle.offset, middle.complete) == (600, False)
    end = append(depot, announcement, 600, DATA[600:])
    assert (end.offset, end.complete) == (1000, True)
    assert depot.run(depot.attachments.announce(depot.caller(GB), announcement)) == (end, False)


def test_who_comes_again_is_told_where_it_stands_also_after_a_restart(depot: Bench) -> None:
    announcement = announce("file", DATA)
    begin(depot, announcement)
    append(depot, announcement, 0, DATA[:300])
    depot.restart()
    assert begin(depot, announcement).offset == 300
    assert append(depot, announcement, 300, DATA[300:]).complete


def test_what_came_of_a_piece_that_was_cut_off_is_kept(depot: Bench) -> None:
    announcement = announce("file", DATA)
    begin(depot, announcement)
    key = UploadKey(GB, announcement.message, announcement.id)
    cut_off = depot.run(depot.attachments.append(depot.caller(GB), key, 0, 900, stream([DATA[:450]])))
    assert (cut_off.offset, cut_off.complete) == (450, False)
    assert append(depot, announcement, 450, DATA[450:]).complete


def test_a_piece_that_does_not_begin_where_the_upload_stands_changes_nothing(depot: Bench) -> None:
    announcement = announce("file", DATA)
    begin(depot, announcement)
    append(depot, announcement, 0, DATA[:500])
    for offset in (0, 499, 501):
        found = refusal_of(lambda at=offset: append(depot, announcement, at, DATA[at : at + 100]))
        assert found == ("upload-conflict", "Upload-Offset")
    assert refusal_of(lambda: append(depot, announcement, 500, DATA[500:] + b"x")) == ("attachments-refused", "size")
    assert append(depot, announcement, 500, DATA[500:]).complete
    assert refusal_of(lambda: append(depot, announcement, 1000, b"x")) == ("upload-conflict", "Upload-Offset")


def test_a_piece_longer_than_it_was_said_to_be_is_not_taken(depot: Bench) -> None:
    announcement = announce("file", DATA)
    begin(depot, announcement)
    key = UploadKey(GB, announcement.message, announcement.id)
    slug, _ = refusal_of(
        lambda: depot.run(depot.attachments.append(depot.caller(GB), key, 0, 10, stream([DATA[:10], b"more"])))
    )
    assert slug == "malformed"


def test_other_bytes_than_announced_are_thrown_away_and_the_upload_begins_anew(depot: Bench) -> None:
    announcement = announce("file", DATA)
    begin(depot, announcement)
    append(depot, announcement, 0, DATA[:500])
    assert refusal_of(lambda: append(depot, announcement, 500, bytes(500))) == ("attachments-refused", "sha256")
    assert begin(depot, announcement).offset == 0
    assert append(depot, announcement, 0, DATA).complete


def test_an_id_stands_for_the_bytes_it_was_announced_with(depot: Bench) -> None:
    begin(depot, announce("file", DATA))
    assert refusal_of(lambda: begin(depot, announce("file", b"other"))) == ("digest-conflict", "sha256")
    begin(depot, announce("file", b"other", message="another message"))
    begin(depot, announce("file", b"other"), sender=VN)


def test_nobody_adds_to_an_upload_of_somebody_else_or_learns_that_there_is_one(depot: Bench) -> None:
    announcement = announce("file", DATA)
    begin(depot, announcement)
    stranger = refusal_of(lambda: append(depot, announcement, 0, DATA, sender=VN, owner=GB))
    assert stranger == refusal_of(lambda: append(depot, announcement, 0, DATA, sender=VN, owner=VN))
    assert stranger == ("not-found", None)
    assert begin(depot, announcement).offset == 0


def test_a_member_has_so_many_uploads_and_bytes_and_others_have_theirs(bench: Bench) -> None:
    bench.allowance = Allowance(max_unreferenced=2, max_attachments=9, max_stored_bytes=2500, reserved_bytes=0)
    bench.restart()
    begin(bench, announce("one", DATA))
    assert refusal_of(lambda: begin(bench, announce("large", make_bytes(2, 1501)))) == (
        "upload-quota-exhausted",
        "size",
    )
    begin(bench, announce("two", DATA))
    assert refusal_of(lambda: begin(bench, announce("three", b"x"))) == ("upload-quota-exhausted", None)
    begin(bench, announce("one", DATA))
    begin(bench, announce("one", DATA), sender=VN)


def test_attachments_never_take_the_room_that_log_and_messages_need(bench: Bench) -> None:
    announcement = announce("file", DATA)
    begin(bench, announcement)
    append(bench, announcement, 0, DATA[:500])
    bench.allowance = replace(bench.allowance, reserved_bytes=1 << 60)
    bench.restart()
    assert refusal_of(lambda: begin(bench, announce("next", DATA))) == ("storage-full", None)
    assert refusal_of(lambda: append(bench, announcement, 500, DATA[500:])) == ("storage-full", None)
    assert begin(bench, announcement).offset == 500, "what was stored is kept"


@pytest.mark.sqlite_only
def test_a_full_disk_is_told_and_what_was_stored_is_kept(depot: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    announcement = announce("file", DATA)
    begin(depot, announcement)
    append(depot, announcement, 0, DATA[:500])
    with monkeypatch.context() as patch:
        patch.setattr("broker.attachments.files.os.pwrite", _fail_full)
        assert refusal_of(lambda: append(depot, announcement, 500, DATA[500:])) == ("storage-full", None)
    assert begin(depot, announcement).offset == 500
    assert append(depot, announcement, 500, DATA[500:]).complete


def _fail_full(*_arguments: Any) -> int:
    raise OSError(28, "No space left on device")


def test_a_message_is_accepted_with_what_was_uploaded_for_it_alone(bench: Bench) -> None:
    terms = agree_to_files(bench)
    sealed = upload(bench, "file", DATA)
    for name, wrong in (
        ("attachment-missing", sealed.model_copy(update={"id": make_id("guessed")})),
        ("attachment-other", sealed.model_copy(update={"size": 999})),
        ("attachment-other", sealed.model_copy(update={"sha256": announce("x", b"x").sha256})),
    ):
        assert reasons_of(bench, seal_with(bench, terms, wrong)) == [name]
    assert reasons_of(bench, seal_with(bench, terms, sealed, sealed)) == ["attachment-twice"]
    assert reasons_of(bench, seal_with(bench, terms, sealed, message="another")) == ["attachment-missing"]
    begun = announce("begun", DATA)
    begin(bench, begun)
    unfinished = sealed.model_copy(update={"id": begun.id, "sha256": begun.sha256})
    assert reasons_of(bench, seal_with(bench, terms, unfinished)) == ["attachment-incomplete"]
    message = seal_with(bench, terms, sealed)
    assert bench.submit(GB, message)[1]
    assert not bench.submit(GB, message)[1], "handed in again it is the same"


def reasons_of(bench: Bench, message: Any) -> list[str]:
    with pytest.raises(RefusedError) as refused:
        bench.submit(GB, message)
    assert refused.value.refusal.slug == "attachments-refused"
    return [reason.code for reason in refused.value.refusal.reasons]


def test_what_an_agreement_limits_is_the_size_of_everything(bench: Bench) -> None:
    terms = agree_to_files(bench, max_bytes=4096)
    sealed = upload(bench, "file", make_bytes("large", 4000))
    with pytest.raises(RefusedError) as refused:
        bench.submit(GB, seal_with(bench, terms, sealed))
    assert [reason.code for reason in refused.value.refusal.reasons] == ["too-large"]


def test_the_recipient_reads_it_in_ranges_once_it_has_the_message(bench: Bench) -> None:
    terms = agree_to_files(bench)
    sealed = upload(bench, "file", DATA)
    whole = "bytes=0-999"
    assert refusal_of(lambda: read(bench, sealed, whole)) == ("not-found", None)
    bench.submit(GB, seal_with(bench, terms, sealed))
    assert refusal_of(lambda: read(bench, sealed, whole)) == ("not-found", None)
    leased = bench.lease(VN)
    assert refusal_of(lambda: read(bench, sealed, whole)) == ("not-found", None)
    bench.acknowledge(VN, leased)
    assert read(bench, sealed, whole) == DATA
    assert read(bench, sealed, "bytes=10-19") == DATA[10:20]
    bench.restart()
    assert read(bench, sealed, "bytes=999-999") == DATA[999:]
    assert refusal_of(lambda: read(bench, sealed, whole, reader=BE)) == ("not-found", None)
    assert refusal_of(lambda: read(bench, sealed, whole, reader=GB)) == ("not-found", None)
    assert refusal_of(lambda: read(bench, sealed, whole, sender=VN)) == ("not-found", None)


def test_readers_who_leave_at_once_leave_no_file_open(bench: Bench) -> None:
    sealed = hand_over(bench, agree_to_files(bench))
    key = UploadKey(GB, make_id("message"), sealed.id)

    async def ask_and_leave() -> None:
        found = await bench.attachments.find_readable(bench.caller(VN), key, "bytes=0-999")
        reading = asyncio.create_task(read_whole(found))
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)

    async def read_whole(found: Readable) -> list[bytes]:
        return [piece async for piece in bench.attachments.stream(found)]

    async def come_often() -> None:
        for _ in range(50):
            await ask_and_leave()
        await asyncio.get_running_loop().shutdown_default_executor()

    bench.run(come_often())
    assert list_open_files(bench.folder / "attachments") == []


def list_open_files(folder: Path) -> list[str]:
    """Return the files under a folder that this process has open."""
    descriptors = Path("/proc/self/fd").iterdir()
    paths = [os.path.realpath(descriptor) for descriptor in descriptors]
    return [path for path in paths if path.startswith(str(folder.resolve()))]


def test_only_a_range_within_the_attachment_is_given(bench: Bench) -> None:
    sealed = hand_over(bench, agree_to_files(bench))
    for text in (None, "bytes=0-", "bytes=0-1000"):
        assert refusal_of(lambda asked=text: read(bench, sealed, asked)) == ("range-refused", "Range")


def test_no_piece_goes_while_the_agreement_is_suspended_or_after_its_end(bench: Bench) -> None:
    terms = agree_to_files(bench)
    sealed = hand_over(bench, terms)
    bench.step(GB, terms, StepAction.SUSPEND, reason="for a test")
    assert refusal_of(lambda: read(bench, sealed, "bytes=0-9")) == ("agreement-not-in-force", "agreement")
    bench.step(GB, terms, StepAction.RESUME)
    assert read(bench, sealed, "bytes=0-9") == DATA[:10]
    bench.step(VN, terms, StepAction.REVOKE, reason="for a test")
    assert refusal_of(lambda: read(bench, sealed, "bytes=0-9")) == ("agreement-not-in-force", "agreement")


def test_no_piece_goes_once_another_broker_has_written_that_the_agreement_is_suspended(bench: Bench) -> None:
    """A broker that has not heard of it yet asks the database."""
    terms = agree_to_files(bench)
    sealed = hand_over(bench, terms)
    stale = make_agreement_book()
    stale.load(bench.database)
    other = AttachmentService(bench.files, bench.allowance, stale, bench.writer, bench.database, bench.clock, Turns())
    key = UploadKey(GB, make_id("message"), sealed.id)
    assert bench.run(other.find_readable(bench.caller(VN), key, "bytes=0-9")).size == len(DATA)
    bench.step(GB, terms, StepAction.SUSPEND, reason="for a test")
    assert refusal_of(lambda: bench.run(other.find_readable(bench.caller(VN), key, "bytes=0-9"))) == (
        "agreement-not-in-force",
        "agreement",
    )


def test_bytes_lost_by_the_exchange_are_told_to_their_reader_and_uploaded_again_before_the_message(
    bench: Bench,
) -> None:
    sealed = upload(bench, "file", DATA)
    lose(bench, sealed)
    announcement = announce("file", DATA)
    assert begin(bench, announcement).offset == 0
    assert append(bench, announcement, 0, DATA).complete
    terms = agree_to_files(bench)
    bench.submit(GB, seal_with(bench, terms, sealed))
    bench.acknowledge(VN, bench.lease(VN))
    lose(bench, sealed)
    assert refusal_of(lambda: read(bench, sealed, "bytes=0-9")) == ("attachment-lost", None)
    assert refusal_of(lambda: read(bench, sealed, "bytes=0-9", reader=GB)) == ("not-found", None)
    assert bench.writer.metrics.registry.get_sample_value("bilateral_attachments_missed_total") == 1
