"""Attacks on attachments: by a member on the exchange, by a sender on its recipient, by the exchange on both."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agency_client.attachments.fetching import AttachmentForgedError
from agency_client.attachments.folder import find_outgoing
from agency_client.attachments.sealing import SealedFiles
from agency_client.local_store.inbox import InboxMessage, InboxState, load_by_digest
from agency_client.receiving.flow import receive
from agency_client.refusals import BadAnswerError
from agency_client.sending import seal as sending_seal
from agency_client.sending.flow import send_alert
from broker.attachments.rules import Allowance, UploadKey
from broker.http.refusal import RefusedError
from keys.generation import generate_bytes
from keys.sealing import seal_message
from schemas.attachments import MAX_SEALED_BYTES
from schemas.envelope import SealedAttachment
from schemas.signed import KeyUse
from tests.broker.attachments.uploads import (
    agree_to_files,
    announce,
    append,
    begin,
    make_bytes,
    read,
    seal_with,
    upload,
)
from tests.broker.bench import BE, GB, VN, Bench
from tests.support import attached as between_nodes
from tests.support.attached import Attaching
from tests.support.lying_attachments import LyingAttachments
from tests.support.lying_world import LyingWorld
from tests.support.messages import make_id, make_message

DATA = make_bytes("data", 1000)
WHOLE = "bytes=0-999"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("exchange"), GB, VN, BE)
    yield bench
    bench.close()


def refusal_of(call: Any) -> str:
    with pytest.raises(RefusedError) as refused:
        call()
    return refused.value.refusal.slug


@pytest.fixture
def attaching(world: LyingWorld, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Attaching]:
    """GB and VN under an agreement that allows attachments."""
    world.exchange.attached = LyingAttachments()
    yield between_nodes.agree_to_files(world, request.node.name, tmp_path)
    world.exchange.attached = LyingAttachments()


# A member against the exchange


def test_a_member_reads_another_agencys_attachment_by_its_id(shared: Bench) -> None:
    terms = agree_to_files(shared)
    sealed = upload(shared, "for VN", DATA)
    shared.submit(GB, seal_with(shared, terms, sealed))
    shared.acknowledge(VN, shared.lease(VN))
    assert read(shared, sealed, WHOLE) == DATA
    guessed = sealed.model_copy(update={"id": make_id("guessed")})
    answers = {
        refusal_of(lambda: read(shared, sealed, WHOLE, reader=BE)),
        refusal_of(lambda: read(shared, sealed, WHOLE, sender=BE)),
        refusal_of(lambda: read(shared, guessed, WHOLE)),
    }
    assert answers == {"not-found"}, "what is another's looks like what does not exist"


def test_a_member_sends_what_another_uploaded_or_what_it_uploaded_for_another_message(shared: Bench) -> None:
    terms = agree_to_files(shared, BE, VN)
    stolen = upload(shared, "of GB", DATA, message="theirs")
    message = seal_with(shared, terms, stolen, message="mine", n=900)
    assert refusal_of(lambda: shared.submit(GB, message)) == "attachments-refused"
    own = upload(shared, "of BE", DATA, message="first", sender=BE)
    again = _seal_as(shared, BE, terms, own, "second")
    assert refusal_of(lambda: shared.submit(BE, again)) == "attachments-refused"


def _seal_as(bench: Bench, sender: str, terms: Any, attachment: SealedAttachment, message: str) -> Any:
    member = bench.members[sender]
    whole: dict[str, Any] = {"agreement": terms.digest(), "n": 1, "issued_at": bench.now}
    content = make_message(member, bench.members[VN], name=message, **whole)
    signer, key = member.signers[KeyUse.MESSAGE], bench.members[VN].opening_key.jwk
    return seal_message(content, [key], signer, content_key=generate_bytes(32), attachments=[attachment])


def test_an_upload_is_resumed_with_other_bytes(shared: Bench) -> None:
    announcement = announce("resumed", DATA, message="resumed")
    begin(shared, announcement)
    append(shared, announcement, 0, DATA[:500])
    assert refusal_of(lambda: append(shared, announcement, 400, DATA[400:])) == "upload-conflict"
    assert refusal_of(lambda: append(shared, announcement, 500, bytes(500))) == "attachments-refused"
    assert begin(shared, announcement).offset == 0, "nothing of it can be named by a message"


def test_uploads_are_begun_by_the_hundred_and_never_finished(tmp_path: Path) -> None:
    bench = Bench(tmp_path, GB, VN)
    bench.allowance = Allowance(
        max_unreferenced=5, max_attachments=9, max_stored_bytes=10 * MAX_SEALED_BYTES, reserved_bytes=0
    )
    bench.restart()
    try:
        refused = [_try_to_begin(bench, number) for number in range(100)]
        assert refused == [None] * 5 + ["upload-quota-exhausted"] * 95
        assert upload(bench, "of VN", DATA, sender=VN).size == len(DATA), "others have their own room"
        bench.clock.move(24 * 3600)
        bench.sweep()
        assert _try_to_begin(bench, "next day") is None
    finally:
        bench.close()


def test_room_is_taken_by_ever_more_files_of_a_few_bytes(tmp_path: Path) -> None:
    bench = Bench(tmp_path, GB, VN)
    bench.allowance = replace(bench.allowance, max_attachments=3)
    bench.restart()
    try:
        terms = agree_to_files(bench)
        for number in range(3):
            sealed = upload(bench, number, DATA[: number + 1], message=number)
            bench.submit(GB, seal_with(bench, terms, sealed, message=number, n=number + 1))
        assert refusal_of(lambda: begin(bench, announce("one more", b"x"))) == "upload-quota-exhausted"
        assert upload(bench, "of VN", DATA, sender=VN).size == len(DATA), "others have their own room"
    finally:
        bench.close()


def _try_to_begin(bench: Bench, name: object) -> str | None:
    try:
        begin(bench, announce(name, DATA, size=MAX_SEALED_BYTES // 16))
    except RefusedError as error:
        return error.refusal.slug
    return None


def test_a_path_stands_where_an_id_should(shared: Bench) -> None:
    for part in ("../../broker.db", "..", "a/b", "x" * 5000, make_id("x").upper()):
        key = UploadKey(GB, part, part)
        with pytest.raises(RefusedError, match="no such attachment"):
            shared.run(shared.attachments.append(shared.caller(GB), key, 0, 0, _nothing()))
        with pytest.raises(RefusedError, match="no such attachment"):
            shared.run(shared.attachments.find_readable(shared.caller(VN), key, WHOLE))


async def _nothing() -> AsyncIterator[bytes]:
    for _ in range(0):
        yield b""


# A sender against its recipient


def arrive_with(attaching: Attaching, path: Path, change: Any) -> InboxMessage:
    """Let GB's client send a file after `change` has altered what envelope and message say of it."""
    make_files = sending_seal.SealingOrder.find_files

    def find_files(order: Any, recipient: str) -> Any:
        return change(make_files(order, recipient))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sending_seal.SealingOrder, "find_files", find_files)
        report = send_alert(attaching.world["GB"], attaching.draft(path))
    receive(attaching.world["VN"])
    with attaching.world["VN"].store.read() as snapshot:
        return load_by_digest(snapshot, report.legs[0].digest)


def change_inside(**changes: Any) -> Any:
    return lambda files: replace(files, inside=tuple(item.model_copy(update=changes) for item in files.inside))


@pytest.mark.parametrize(
    "change",
    [
        change_inside(size=1 << 40),
        change_inside(size=1),
        change_inside(id=make_id("another")),
        lambda files: replace(files, inside=()),
        lambda files: replace(files, inside=files.inside * 2),
    ],
    ids=["a size that would fill any disk", "a smaller size", "another id", "hidden from the reader", "twice"],
)
def test_a_sender_says_other_things_inside_than_outside(attaching: Attaching, change: Any) -> None:
    message = arrive_with(attaching, attaching.write("page.png"), change)
    assert (message.state, message.problem and message.problem.code) == (InboxState.UNVERIFIABLE, "attachments-refused")


@pytest.mark.parametrize(
    "name",
    ["../../../.ssh/authorized_keys", "/etc/cron.d/x", "..\\..\\boot.ini", "photo\u202egpj.exe", "a\u2066b\u200b.png"],
)
def test_a_sender_names_a_file_to_do_harm(attaching: Attaching, name: str) -> None:
    path = attaching.write("page.png")
    message = arrive_with(attaching, path, change_inside(name=name))
    (saved,) = attaching.save(message)
    assert saved.path.parent == attaching.folder / "saved"
    assert [found.name for found in (attaching.folder / "saved").iterdir()] == [saved.path.name]
    assert saved.path.name.isprintable()
    assert not set(saved.path.name) & set("/\\:\u202e\u2066\u200b")
    assert saved.path.read_bytes() == path.read_bytes()


def test_a_sender_commits_to_one_content_and_seals_another(attaching: Attaching) -> None:
    digest = announce("x", b"x").sha256
    message = arrive_with(attaching, attaching.write("page.png"), change_inside(sha256=digest))
    assert message.state is InboxState.OPENED
    with pytest.raises(AttachmentForgedError, match="content is not the one its sender named"):
        attaching.save(message)
    assert list((attaching.folder / "saved").iterdir()) == []


def test_a_sender_puts_the_ciphertext_of_one_message_under_another(attaching: Attaching) -> None:
    path = attaching.write("page.png")
    message = arrive_with(attaching, path, lambda files: _move_to(attaching, files, make_id(str(path))))
    assert message.state is InboxState.OPENED
    with pytest.raises(AttachmentForgedError, match="is another one"):
        attaching.save(message)


def _move_to(attaching: Attaching, files: SealedFiles, message_id: str) -> SealedFiles:
    profile = attaching.world["GB"].profile
    for item in files.sealed:
        source = find_outgoing(profile, files.message_id, item.id)
        source.rename(find_outgoing(profile, message_id, item.id))
    return replace(files, message_id=message_id)


# The exchange against both


@pytest.mark.parametrize(
    "twist",
    [
        lambda _place, _start, data: bytes(len(data)),
        lambda _place, start, data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda _place, start, data: data[16_400:] + data[:16_400],
    ],
    ids=["zeros", "the last bit", "chunks in another order"],
)
def test_the_exchange_hands_out_other_bytes(attaching: Attaching, twist: Any) -> None:
    message = attaching.arrive(attaching.write("page.png"))
    attaching.attached.twist = twist
    with pytest.raises(AttachmentForgedError, match="other bytes than GB signed for"):
        attaching.save(message)
    assert list((attaching.folder / "saved").iterdir()) == []


def test_the_exchange_hands_out_the_file_of_another_message(attaching: Attaching) -> None:
    first = attaching.arrive(attaching.write("one.png"))
    second = attaching.arrive(attaching.write("two.png"))
    uploads = attaching.attached.uploads
    (other,) = [item for place, item in uploads.items() if place[1] == second.message_id]
    attaching.attached.twist = lambda place, start, data: bytes(other.data[start : start + len(data)])
    with pytest.raises(AttachmentForgedError):
        attaching.save(first)
    assert attaching.save(second)[0].path.read_bytes() == (attaching.folder / "two.png").read_bytes()


def test_the_exchange_drops_or_adds_the_end_of_a_file(attaching: Attaching) -> None:
    message = attaching.arrive(attaching.write("page.png"))
    for twist in (lambda _place, _start, data: data[:-1], lambda _place, _start, data: data + b"x"):
        attaching.attached.twist = twist
        with pytest.raises((AttachmentForgedError, BadAnswerError)):
            attaching.save(message)
    attaching.attached.twist = lambda _place, _start, data: data
    assert attaching.save(message)[0].size == 100_000


def test_the_exchange_sees_neither_name_nor_content(attaching: Attaching) -> None:
    path = attaching.write("a-telling-name.png")
    attaching.arrive(path)
    for upload_ in attaching.attached.uploads.values():
        assert path.read_bytes()[:64] not in upload_.data
    seen = b"".join(bytes(item.data) for item in attaching.attached.uploads.values())
    assert b"a-telling-name" not in seen
