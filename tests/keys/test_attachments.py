"""An attachment opens as what was sealed, for its message and its place there, to the last byte, or not at all."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.attachments import AttachmentOpener, AttachmentSealer, make_context
from keys.errors import OpeningError
from schemas.attachments import measure_sealed
from schemas.codec import b64u_encode, hash_bytes
from schemas.envelope import MessageAttachment, SealedAttachment
from tests.support.members import derive_seed
from tests.support.messages import make_id

MESSAGE, ATTACHMENT, OTHER = make_id("message"), make_id("attachment"), make_id("other")
KEY = derive_seed("attachment", "key")
CHUNK = 16_384
PLAIN = derive_seed("attachment", "content") * (3 * CHUNK // 32) + b"the end"


def seal(
    plain: bytes, cuts: Sequence[int] = (), *, message: str = MESSAGE, attachment: str = ATTACHMENT
) -> tuple[bytes, SealedAttachment, MessageAttachment]:
    """Return ciphertext and what P and M say of it."""
    sealer = AttachmentSealer(message, attachment, content_key=KEY)
    ciphertext = b"".join(sealer.update(piece) for piece in split(plain, cuts)) + sealer.finalize()
    outer = SealedAttachment(id=attachment, sha256=sealer.sealed.sha256, size=sealer.sealed.size)
    plain_side = sealer.plain
    inner = MessageAttachment(
        id=attachment, key=b64u_encode(KEY), name="a", media_type="b", size=plain_side.size, sha256=plain_side.sha256
    )
    return ciphertext, outer, inner


def split(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


def unseal(
    ciphertext: bytes,
    outer: SealedAttachment,
    inner: MessageAttachment,
    cuts: Sequence[int] = (),
    message: str = MESSAGE,
) -> bytes:
    opener = AttachmentOpener(message, outer, inner)
    return b"".join(opener.update(piece) for piece in split(ciphertext, cuts)) + opener.verify_end()


def relabel(ciphertext: bytes, outer: SealedAttachment) -> SealedAttachment:
    """Return what P would say had the changed ciphertext been signed for."""
    return outer.model_copy(update={"sha256": b64u_encode(hash_bytes(ciphertext)), "size": len(ciphertext)})


sizes = st.sampled_from((0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 40_000))
cuts = st.lists(st.integers(0, 60_000), max_size=5)


@given(sizes, cuts, cuts)
def test_it_opens_as_what_was_sealed_however_it_came_in_pieces(
    size: int, sealing: list[int], opening: list[int]
) -> None:
    plain = PLAIN[:size]
    ciphertext, outer, inner = seal(plain, sealing)
    assert unseal(ciphertext, outer, inner, opening) == plain
    assert len(ciphertext) == outer.size == measure_sealed(size)
    assert (inner.size, inner.sha256) == (size, b64u_encode(hash_bytes(plain)))


def test_its_context_is_written_as_the_protocol_says() -> None:
    context = make_context(MESSAGE, ATTACHMENT)
    assert context == b"bilateral-attachment/1\x00" + MESSAGE.encode() + b"\x00" + ATTACHMENT.encode()


def swap_chunks(ciphertext: bytes) -> bytes:
    sealed_chunk = CHUNK + 16
    start = len(ciphertext) - measure_sealed(len(PLAIN)) + 56
    first, second = (
        ciphertext[start : start + sealed_chunk],
        ciphertext[start + sealed_chunk : start + 2 * sealed_chunk],
    )
    return ciphertext[:start] + second + first + ciphertext[start + 2 * sealed_chunk :]


def repeat_chunk(ciphertext: bytes) -> bytes:
    return ciphertext[: 56 + CHUNK + 16] + ciphertext[56 : 56 + CHUNK + 16] + ciphertext[56 + CHUNK + 16 :]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data[: 56 + 2 * (CHUNK + 16)],
        lambda data: data + b"\x00",
        lambda data: data + data[56:],
        swap_chunks,
        repeat_chunk,
        lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:],
        lambda data: bytes([data[0] ^ 1]) + data[1:],
        lambda data: b"",
    ],
    ids=[
        "a byte short",
        "a chunk short",
        "a byte more",
        "twice",
        "reordered",
        "repeated",
        "a bit",
        "the salt",
        "nothing",
    ],
)
def test_what_was_changed_does_not_open_even_if_it_was_signed_for(spoil: Callable[[bytes], bytes]) -> None:
    ciphertext, outer, inner = seal(PLAIN)
    changed = spoil(ciphertext)
    assert changed != ciphertext
    for said in (outer, relabel(changed, outer)):
        with pytest.raises(OpeningError):
            unseal(changed, said, inner)


def test_it_opens_in_its_message_and_under_its_id_only() -> None:
    ciphertext, outer, inner = seal(PLAIN)
    with pytest.raises(OpeningError, match="is another one"):
        unseal(ciphertext, outer, inner, message=OTHER)
    renamed = (outer.model_copy(update={"id": OTHER}), inner.model_copy(update={"id": OTHER}))
    with pytest.raises(OpeningError, match="is another one"):
        unseal(ciphertext, *renamed)
    wrong_key = inner.model_copy(update={"key": b64u_encode(bytes(32))})
    with pytest.raises(OpeningError, match="is another one"):
        unseal(ciphertext, outer, wrong_key)


def test_an_authentic_content_that_is_not_the_one_committed_to_is_refused() -> None:
    ciphertext, outer, inner = seal(PLAIN)
    for changes in ({"size": inner.size - 1}, {"sha256": b64u_encode(bytes(32))}):
        with pytest.raises(OpeningError, match="content is not the one"):
            unseal(ciphertext, outer, inner.model_copy(update=changes))
    with pytest.raises(OpeningError, match="ciphertext is not the one"):
        unseal(ciphertext, outer.model_copy(update={"sha256": b64u_encode(bytes(32))}), inner)


def test_what_is_longer_than_was_signed_for_ends_before_it_is_decrypted() -> None:
    ciphertext, outer, inner = seal(PLAIN)
    opener = AttachmentOpener(MESSAGE, outer, inner)
    opener.update(ciphertext)
    with pytest.raises(OpeningError, match="longer than was signed for"):
        opener.update(b"\x00" * (1 << 20))
