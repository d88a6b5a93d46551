"""What P, M and the alert say of attachments must agree; what an agreement limits is all of a message's ciphertext."""

from typing import Any

import pytest

from schemas.attachments import (
    MAX_ATTACHMENT_BYTES,
    MAX_SEALED_BYTES,
    Announcement,
    AttachmentsError,
    measure_content,
    measure_sealed,
    verify_attachments_agree,
)
from schemas.codec import CodecError, b64u_encode
from schemas.envelope import Body, MessageAttachment, Payload, SealedAttachment
from tests.support.messages import make_id

ONE, TWO, DIGEST = make_id("one"), make_id("two"), b64u_encode(bytes(32))


def make_pair(name: str, **changes: Any) -> tuple[SealedAttachment, MessageAttachment]:
    outer = SealedAttachment(id=name, sha256=DIGEST, size=measure_sealed(100))
    inner = MessageAttachment(id=name, key=DIGEST, name="page.png", media_type="image/png", size=100, sha256=DIGEST)
    return outer, inner.model_copy(update=changes)


def verify(*pairs: tuple[SealedAttachment, MessageAttachment], noted: tuple[str, ...] = (ONE, TWO)) -> None:
    verify_attachments_agree([outer for outer, _ in pairs], [inner for _, inner in pairs], noted)


def test_attachments_that_are_named_alike_everywhere_agree() -> None:
    verify(make_pair(ONE), make_pair(TWO))
    verify(make_pair(TWO))
    verify()


@pytest.mark.parametrize(
    ("pairs", "problem"),
    [
        (
            [(make_pair(ONE)[0], make_pair(TWO)[1])],
            r"^attachments: the envelope and the message inside name different ones$",
        ),
        ([make_pair(ONE), make_pair(ONE)], r"^attachments: one stands there twice$"),
        ([make_pair(make_id("three"))], "does not speak of"),
        ([make_pair(ONE, size=101)], "not that of its ciphertext"),
        ([make_pair(ONE, size=0)], "not that of its ciphertext"),
        (
            [(make_pair(ONE)[0].model_copy(update={"size": measure_sealed(1 << 31)}), make_pair(ONE, size=1 << 31)[1])],
            "not that of its ciphertext",
        ),
    ],
    ids=["other ids", "twice", "unspoken", "another size", "nothing", "beyond a gibibyte"],
)
def test_what_does_not_agree_is_refused(pairs: list[tuple[SealedAttachment, MessageAttachment]], problem: str) -> None:
    with pytest.raises(AttachmentsError, match=problem) as refused:
        verify(*pairs)
    assert refused.value.code == "attachments-refused"


def test_one_of_exactly_a_gibibyte_agrees() -> None:
    outer, inner = make_pair(ONE, size=MAX_ATTACHMENT_BYTES)
    verify((outer.model_copy(update={"size": MAX_SEALED_BYTES}), inner))


def test_one_that_only_the_envelope_or_only_the_message_names_is_refused() -> None:
    outer, inner = make_pair(ONE)
    for sealed, inside in (([outer], []), ([], [inner])):
        with pytest.raises(AttachmentsError):
            verify_attachments_agree(sealed, inside, [ONE])


def test_a_message_is_as_large_as_all_its_ciphertexts() -> None:
    outer, _ = make_pair(ONE)
    payload = Payload.model_construct(
        header="", recipients=(), body=Body(enc="Cobblestone-256", sha256=DIGEST, size=3), attachments=(outer, outer)
    )
    assert measure_content(payload) == 3 + 2 * outer.size


def test_no_more_is_announced_than_a_gibibyte_makes() -> None:
    assert measure_sealed(MAX_ATTACHMENT_BYTES) == MAX_SEALED_BYTES
    whole = {"message": ONE, "id": TWO, "sha256": DIGEST, "size": MAX_SEALED_BYTES}
    assert Announcement.from_wire(whole).size == MAX_SEALED_BYTES
    for size in (0, MAX_SEALED_BYTES + 1):
        with pytest.raises(CodecError, match="size"):
            Announcement.from_wire(whole | {"size": size})
    for name in ("../../broker.db", "ONE", ONE.upper()):
        with pytest.raises(CodecError, match="id"):
            Announcement.from_wire(whole | {"id": name})
