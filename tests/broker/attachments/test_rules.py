"""What may be uploaded, named and read, rule by rule."""

from dataclasses import replace

import pytest

from broker.attachments.rules import (
    Allowance,
    ByteRange,
    Objection,
    Usage,
    find_objections,
    judge_announcement,
    judge_piece,
    judge_room,
    parse_range,
)
from broker.http.refusal import Refusal
from schemas.attachments import MAX_PIECE_BYTES, Announcement
from tests.broker.routing.facts import make_named

NAMED = make_named()
assert NAMED.upload is not None
UPLOAD = NAMED.upload
ANNOUNCED = Announcement(message=UPLOAD.key.message, id=UPLOAD.key.id, sha256=UPLOAD.sha256, size=UPLOAD.size)
ALLOWANCE = Allowance(max_unreferenced=2, max_attachments=5, max_stored_bytes=250, reserved_bytes=1000)
FREE = 1000 + UPLOAD.size


@pytest.mark.parametrize(
    ("usage", "free_bytes", "slug"),
    [
        (Usage(0, 0, 0), FREE, None),
        (Usage(1, 4, 150), FREE, None),
        (Usage(1, 4, 151), FREE, "upload-quota-exhausted"),
        (Usage(1, 5, 0), FREE, "upload-quota-exhausted"),
        (Usage(2, 2, 0), FREE, "upload-quota-exhausted"),
        (Usage(0, 0, 0), FREE - 1, "storage-full"),
    ],
)
def test_an_upload_begins_within_what_a_member_may_have_and_the_disk_can_spare(
    usage: Usage, free_bytes: int, slug: str | None
) -> None:
    refusal = judge_announcement(ANNOUNCED, None, usage, ALLOWANCE, free_bytes)
    assert (refusal and refusal.slug) == slug
    assert refusal is None or refusal.retry_after_seconds, "who is told to come again is told when"


def test_what_was_announced_before_goes_on_whatever_else_there_is_and_never_as_other_bytes() -> None:
    full = Usage(99, 99, 10_000)
    assert judge_announcement(ANNOUNCED, UPLOAD, full, ALLOWANCE, 0) is None
    for changes in ({"size": 99}, {"sha256": "B" * 43}):
        other = ANNOUNCED.model_copy(update=changes)
        refusal = judge_announcement(other, UPLOAD, full, ALLOWANCE, 0)
        assert refusal is not None
        assert refusal.slug == "digest-conflict"


def test_a_piece_must_leave_the_reserve() -> None:
    assert judge_room(10, ALLOWANCE, 1010) is None
    refusal = judge_room(10, ALLOWANCE, 1009)
    assert refusal is not None
    assert refusal.slug == "storage-full"


NO_ROOM = "the exchange's disk has no room for this attachment now; what was stored of it is kept"


@pytest.mark.parametrize(
    ("usage", "free_bytes", "field", "sentence"),
    [
        (
            Usage(2, 2, 0),
            FREE,
            None,
            (
                "2 attachments were uploaded or begun that no message names; send their messages, or wait until they "
                "go after 24 hours"
            ),
        ),
        (
            Usage(1, 5, 0),
            FREE,
            None,
            "this member has 5 attachments here; they go when their messages' delivery ends",
        ),
        (
            Usage(1, 4, 151),
            FREE,
            "size",
            (
                "this member's attachments here have 151 bytes, 100 more would pass 250; they go when their messages' "
                "delivery ends"
            ),
        ),
        (Usage(0, 0, 0), FREE - 1, None, NO_ROOM),
    ],
    ids=["unnamed", "many", "large", "no room"],
)
def test_who_may_not_begin_is_told_what_is_full_and_when_to_come_again(
    usage: Usage, free_bytes: int, field: str | None, sentence: str
) -> None:
    refusal = judge_announcement(ANNOUNCED, None, usage, ALLOWANCE, free_bytes)
    assert refusal is not None
    assert (refusal.detail, refusal.field, refusal.retry_after_seconds) == (sentence, field, 300)


def test_other_bytes_are_refused_by_the_attachment_they_were_announced_for() -> None:
    sentence = f"other bytes were announced for the attachment {UPLOAD.key.id} of this message"
    other = ANNOUNCED.model_copy(update={"size": 99})
    assert judge_announcement(other, UPLOAD, Usage(0, 0, 0), ALLOWANCE, FREE) == Refusal(
        "digest-conflict", sentence, "sha256"
    )


def test_a_piece_is_refused_with_where_to_go_on() -> None:
    begun, field = replace(UPLOAD, completed_at=None), "Upload-Offset"
    assert judge_piece(UPLOAD, 100, 100, 0) == Refusal(
        "upload-conflict", "the attachment is complete; nothing is added to it", field
    )
    elsewhere = "40 bytes are stored, the piece begins at 39; announce it again and go on there"
    assert judge_piece(begun, 40, 39, 1) == Refusal("upload-conflict", elsewhere, field)
    beyond = "the piece ends at byte 101, 100 were announced"
    assert judge_piece(begun, 40, 40, 61) == Refusal("attachments-refused", beyond, "size")


@pytest.mark.parametrize(
    ("durable", "offset", "length", "slug"),
    [
        (0, 0, 100, None),
        (40, 40, 60, None),
        (40, 40, 61, "attachments-refused"),
        (40, 39, 1, "upload-conflict"),
        (40, 41, 1, "upload-conflict"),
        (100, 100, 0, None),
    ],
)
def test_a_piece_goes_on_where_the_upload_stands(durable: int, offset: int, length: int, slug: str | None) -> None:
    begun = replace(UPLOAD, completed_at=None)
    refusal = judge_piece(begun, durable, offset, length)
    assert (refusal and refusal.slug) == slug
    complete = judge_piece(UPLOAD, durable, offset, length)
    assert complete is not None
    assert complete.slug == "upload-conflict"


def test_a_message_may_name_what_stands_there_complete_as_it_was_signed_for() -> None:
    assert list(find_objections([NAMED, make_named("two")], is_aftercare=False)) == []
    assert list(find_objections([], is_aftercare=True)) == []
    cases = {
        "attachment-missing": replace(NAMED, upload=None),
        "attachment-incomplete": make_named(completed_at=None),
        "attachment-other": make_named(size=99),
    }
    for code, named in cases.items():
        (objection,) = find_objections([make_named("first"), named], is_aftercare=False)
        assert objection.code == code
        assert objection.field.startswith("attachments.1.")
        assert named.sealed.id in objection.sentence
    (twice,) = find_objections([NAMED, NAMED], is_aftercare=False)
    assert twice == Objection("attachment-twice", f"the attachment {NAMED.sealed.id} stands twice", "attachments.1.id")
    (follows,) = find_objections([NAMED, replace(NAMED, upload=None)], is_aftercare=True)
    own_message = "what follows a message up carries no attachments; send them with a message of their own"
    assert follows == Objection("attachments-with-aftercare", own_message, "attachments")


def test_one_range_with_both_ends_is_read() -> None:
    assert parse_range("bytes=0-0", 1) == ByteRange(0, 1)
    assert parse_range("bytes=10-19", 20) == ByteRange(10, 10)
    assert parse_range(f"bytes=0-{MAX_PIECE_BYTES - 1}", 1 << 30) == ByteRange(0, MAX_PIECE_BYTES)


@pytest.mark.parametrize(
    "text",
    [
        None, "", "bytes=0-", "bytes=-5", "bytes=0-1000", "bytes=5-4", "bytes=0-1,3-4", "bytes=00-1", "bytes= 0-1",
        "bytes=0-1 ", "items=0-1", "BYTES=0-1", "bytes=0-99999999999999999999", "bytes=0-\u0661", "bytes=0-+1",
    ],
)  # fmt: skip
def test_every_other_range_is_refused(text: str | None) -> None:
    found = parse_range(text, 1000)
    assert isinstance(found, Refusal)
    assert (found.slug, found.field) == ("range-refused", "Range")


def test_no_range_is_larger_than_a_piece_wherever_it_begins() -> None:
    for first in (0, MAX_PIECE_BYTES):
        whole = parse_range(f"bytes={first}-{first + MAX_PIECE_BYTES - 1}", 1 << 30)
        assert whole == ByteRange(first, MAX_PIECE_BYTES)
        assert isinstance(parse_range(f"bytes={first}-{first + MAX_PIECE_BYTES}", 1 << 30), Refusal)


def test_a_range_is_refused_with_what_to_ask_for() -> None:
    asked = "ask for one range: Range: bytes=FIRST-LAST, at most 4194304 bytes"
    assert parse_range(None, 1000) == Refusal("range-refused", asked, "Range")
    beyond = "the attachment has 1000 bytes, and at most 4194304 of them are given at once"
    assert parse_range("bytes=0-1000", 1000) == Refusal("range-refused", beyond, "Range")
