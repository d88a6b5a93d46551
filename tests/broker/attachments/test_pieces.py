"""The bytes of attachments as rows: they follow each other without gap or overlap, whoever writes them."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from broker.attachments.contents import UploadMovedError
from broker.attachments.pieces import MEASURED_SECONDS, ROW_BYTES, AttachmentPieces
from broker.attachments.rules import ByteRange, UploadKey
from broker.attachments.store import insert_upload, mark_complete, mark_lost
from broker.storage import postgresql
from schemas.attachments import Announcement
from schemas.codec import b64u_encode, hash_bytes
from tests.broker.ports import START, make_store, open_store
from tests.support.messages import make_id

KEY = UploadKey("VN-IMM", make_id("message"), make_id("attachment"))
OTHER = UploadKey("VN-IMM", make_id("message"), make_id("another attachment"))
ROOM_BYTES = 10 * ROW_BYTES

pytestmark = pytest.mark.both_engines


@pytest.fixture
def pieces(tmp_path: Path) -> AttachmentPieces:
    make_store(tmp_path)
    return AttachmentPieces(open_store(tmp_path, beside=2), ROOM_BYTES)


def write(pieces: AttachmentPieces, data: bytes, offset: int = 0, key: UploadKey = KEY) -> None:
    with closing(pieces.open_piece(key)) as piece:
        piece.write(data, offset)


def test_nothing_is_there_before_anything_was_written(pieces: AttachmentPieces) -> None:
    assert (pieces.measure(KEY), list(pieces.list_keys())) == (None, [])
    with pytest.raises(FileNotFoundError):
        pieces.read(KEY, ByteRange(0, 1))
    pieces.remove(KEY)


def test_what_is_written_is_measured_read_and_hashed_over_the_edges_of_rows(pieces: AttachmentPieces) -> None:
    data = os.urandom(2 * ROW_BYTES + 77)
    write(pieces, data[:100])
    write(pieces, data[100:], 100)
    assert pieces.measure(KEY) == len(data)
    assert pieces.compute_sha256(KEY) == b64u_encode(hash_bytes(data))
    for start, count in ((0, 1), (99, 2), (ROW_BYTES - 3, ROW_BYTES + 200), (len(data) - 5, 50), (len(data), 1)):
        assert pieces.read(KEY, ByteRange(start, count)) == data[start : start + count]
    assert pieces.measure_free() == ROOM_BYTES - len(data)


def test_uploads_do_not_touch_each_other(pieces: AttachmentPieces) -> None:
    write(pieces, b"mine")
    write(pieces, b"another", key=OTHER)
    first, second = sorted((KEY, OTHER))
    assert set(pieces.list_keys()) == {KEY, OTHER}
    assert [pieces.list_page(None, 1), pieces.list_page(first, 2), pieces.list_page(second, 2)] == [
        [first], [second], [],
    ]  # fmt: skip
    pieces.remove(KEY)
    assert (pieces.measure(KEY), pieces.measure(OTHER)) == (None, 7)
    assert pieces.read(OTHER, ByteRange(0, 100)) == b"another"


@pytest.mark.parametrize("offset", [0, 3, 5, 1000])
def test_only_where_the_upload_stands_is_written(pieces: AttachmentPieces, offset: int) -> None:
    write(pieces, b"four")
    with pytest.raises(UploadMovedError):
        write(pieces, b"more", offset)
    assert pieces.read(KEY, ByteRange(0, 100)) == b"four"


def test_of_two_brokers_that_write_the_same_piece_one_does(pieces: AttachmentPieces, tmp_path: Path) -> None:
    """A line breaks and the client goes on at another broker, while the first one is still writing what it got."""
    brokers = [pieces, AttachmentPieces(open_store(tmp_path, beside=2), ROOM_BYTES)]
    data = os.urandom(6 * ROW_BYTES)

    def upload(broker: AttachmentPieces) -> None:
        at = broker.measure(KEY) or 0
        while at < len(data):
            try:
                write(broker, data[at : at + ROW_BYTES // 2], at)
            except UploadMovedError:
                pass
            at = broker.measure(KEY) or 0

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(upload, brokers))
    assert pieces.measure(KEY) == len(data)
    assert pieces.read(KEY, ByteRange(0, len(data))) == data


def test_what_somebody_writes_to_is_not_removed_beneath_it(pieces: AttachmentPieces, tmp_path: Path) -> None:
    """Rows without those before them would belong to nobody, for good."""
    write(pieces, b"four")
    other = open_store(tmp_path, beside=1)
    with other.write() as connection:
        if not other.dialect.take_turn(connection, f"{KEY.sender}/{KEY.message}.{KEY.id}"):
            pytest.fail("somebody else has the turn")
        if connection.dialect.name != postgresql.NAME:
            return  # there the transaction itself keeps everybody else out
        pieces.remove(KEY)
    assert pieces.read(KEY, ByteRange(0, 100)) == b"four"


def test_the_bytes_of_an_attachment_that_is_whole_are_removed_by_nobody(
    pieces: AttachmentPieces, tmp_path: Path
) -> None:
    """A broker that stood still since it found wrong bytes, or bytes without a row, wakes when others are there."""
    database = open_store(tmp_path)
    announcement = Announcement(message=KEY.message, id=KEY.id, sha256="A" * 43, size=4)
    write(pieces, b"four")
    with database.write() as connection:
        insert_upload(connection, KEY, announcement, START)
        mark_complete(connection, KEY, START)
    pieces.remove(KEY)
    assert pieces.measure(KEY) == 4
    with database.write() as connection:
        mark_lost(connection, KEY)
    pieces.remove(KEY)
    assert pieces.measure(KEY) is None


def test_room_is_measured_now_and_then_and_counted_in_between(
    pieces: AttachmentPieces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("broker.attachments.pieces.monotonic", lambda: now[0])
    assert pieces.measure_free() == ROOM_BYTES
    write(pieces, b"four")
    write(AttachmentPieces(open_store(tmp_path, beside=1), ROOM_BYTES), b"another", key=OTHER)
    assert pieces.measure_free() == ROOM_BYTES - 4
    now[0] += MEASURED_SECONDS
    assert pieces.measure_free() == ROOM_BYTES - 11


def test_what_was_written_before_a_cut_stays(pieces: AttachmentPieces) -> None:
    piece = pieces.open_piece(KEY)
    piece.write(b"first", 0)  # and the connection is gone: nobody closes it
    assert pieces.measure(KEY) == 5
