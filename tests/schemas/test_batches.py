"""The frame of a batch: which bytes are members, and what is refused as a whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.batches import MAX_BATCH_MEMBERS, AcceptedMember, BatchAnswer, join_batch, split_batch
from schemas.codec import CodecError, NotCanonicalError, TooLargeError, encode_canonical
from schemas.model import DocumentError

ENOUGH = 1 << 20
plain_members = st.dictionaries(st.sampled_from("abc"), st.integers(-5, 5) | st.sampled_from(["", "x", "é"]))


@given(st.lists(plain_members, min_size=1, max_size=5))
def test_what_was_joined_is_split_into_the_same_bytes(members: list[dict[str, object]]) -> None:
    encoded = tuple(map(encode_canonical, members))
    frame = join_batch("envelopes", encoded)
    assert frame == encode_canonical({"envelopes": members})
    assert split_batch(frame, "envelopes", max_bytes=ENOUGH) == encoded


@pytest.mark.parametrize("member", [b"{}", b'"text"', b"[]", b"1", b"true"])
def test_a_member_of_whatever_shape_is_its_own_matter(member: bytes) -> None:
    assert split_batch(join_batch("receipts", [member]), "receipts", max_bytes=ENOUGH) == (member,)


@pytest.mark.parametrize(
    ("frame", "field"),
    [
        (b"[]", ""),
        (b"{}", "envelopes"),
        (b'{"envelopes":{}}', "envelopes"),
        (b'{"envelopes":[]}', "envelopes"),
        (b'{"envelopes":[{}],"more":1}', "more"),
        (b'{"receipts":[{}]}', "receipts"),
        (join_batch("envelopes", [b"{}"] * (MAX_BATCH_MEMBERS + 1)), "envelopes"),
    ],
)
def test_another_frame_is_refused_whole_and_says_where(frame: bytes, field: str) -> None:
    with pytest.raises(DocumentError) as caught:
        split_batch(frame, "envelopes", max_bytes=ENOUGH)
    assert caught.value.field == field


def test_as_many_members_as_there_may_be_are_taken() -> None:
    frame = join_batch("envelopes", [b"{}"] * MAX_BATCH_MEMBERS)
    assert len(split_batch(frame, "envelopes", max_bytes=ENOUGH)) == MAX_BATCH_MEMBERS


def test_no_member_can_be_spelt_in_two_ways() -> None:
    with pytest.raises(NotCanonicalError):
        split_batch(b'{"envelopes":[{"b":1,"a":2}]}', "envelopes", max_bytes=ENOUGH)


def test_more_bytes_than_allowed_are_not_read() -> None:
    frame = join_batch("envelopes", [b"{}"])
    assert split_batch(frame, "envelopes", max_bytes=len(frame)) == (b"{}",)
    with pytest.raises(TooLargeError):
        split_batch(frame, "envelopes", max_bytes=len(frame) - 1)


def test_an_answer_says_of_every_member_which_of_the_two_it_is() -> None:
    member = encode_canonical({"new": True, "type": "perhaps"})
    with pytest.raises(CodecError):
        BatchAnswer.from_canonical(b'{"checkpoint":"x","members":[' + member + b"]}")
    assert set(AcceptedMember.model_fields) == {"type", "new", "leaf", "proof"}
