"""Attachments on the bench: ciphertexts that look like any, messages that name them, and their way to a recipient."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

from sqlalchemy import delete

from broker.attachments.rules import UploadKey
from broker.attachments.tables import attachment_piece
from broker.storage import postgresql
from keys.generation import generate_bytes
from keys.sealing import SealedMessage, seal_message
from schemas.agreements.terms import Terms
from schemas.attachments import Announcement, UploadAnswer
from schemas.codec import b64u_encode, hash_bytes
from schemas.envelope import SealedAttachment
from schemas.signed import KeyUse
from tests.broker.bench import GB, VN, Bench
from tests.strategies.agreements import make_clause
from tests.support.members import derive_seed
from tests.support.messages import make_id, make_message

LIMITS = {"attachments": True, "max_bytes": 1 << 20}


def make_bytes(name: object, size: int = 1000) -> bytes:
    """Return bytes that no one opens here, the same for the same name."""
    seed = derive_seed("ciphertext", name)
    return (seed * (size // len(seed) + 1))[:size]


def announce(name: object, data: bytes, message: object = "message", **changes: Any) -> Announcement:
    """Return the announcement of an attachment by a name, of a message by a name."""
    whole: dict[str, Any] = {
        "message": make_id(message),
        "id": make_id(("attachment", name)),
        "sha256": b64u_encode(hash_bytes(data)),
        "size": len(data),
    }
    return Announcement(**whole | changes)


async def stream(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Give pieces as a request does."""
    for piece in pieces:
        yield piece


def begin(bench: Bench, announcement: Announcement, sender: str = GB) -> UploadAnswer:
    """Announce an attachment."""
    return bench.run(bench.attachments.announce(bench.caller(sender), announcement))[0]


def append(
    bench: Bench, announcement: Announcement, offset: int, data: bytes, *, sender: str = GB, owner: str = GB
) -> UploadAnswer:
    """Add a piece as `sender` to what `owner` announced."""
    key = UploadKey(owner, announcement.message, announcement.id)
    pieces = stream([data[:7], data[7:]])
    return bench.run(bench.attachments.append(bench.caller(sender), key, offset, len(data), pieces))


def upload(bench: Bench, name: object, data: bytes, message: object = "message", sender: str = GB) -> SealedAttachment:
    """Announce and upload an attachment whole; return how a message names it."""
    announcement = announce(name, data, message)
    begin(bench, announcement, sender)
    assert append(bench, announcement, 0, data, sender=sender, owner=sender).complete
    return SealedAttachment(id=announcement.id, sha256=announcement.sha256, size=announcement.size)


def lose(bench: Bench, sealed: SealedAttachment) -> None:
    """Lose the bytes of an attachment of GB's message, as a broken disk does; its row stays."""
    key = UploadKey(GB, make_id("message"), sealed.id)
    if bench.database.writing.dialect.name != postgresql.NAME:
        bench.files.remove(key)
        return
    with bench.database.writing.begin() as connection:
        connection.execute(delete(attachment_piece).where(attachment_piece.c.id == key.id))


def agree_to_files(bench: Bench, first: str = GB, second: str = VN, **changes: Any) -> Terms:
    """Bring an agreement into force that allows attachments both ways."""
    clauses = tuple(make_clause(*pair, **LIMITS | changes) for pair in ((first, second), (second, first)))
    return bench.agree(first, second, clauses=clauses)


def seal_with(
    bench: Bench, terms: Terms, *attachments: SealedAttachment, message: object = "message", **changes: Any
) -> SealedMessage:
    """Return a message of GB to VN that names attachments; what M says of them is nothing to the broker."""
    sender, recipient = bench.members[GB], bench.members[changes.pop("recipient", VN)]
    whole = {"agreement": terms.digest(), "n": changes.pop("n", 1), "issued_at": bench.now}
    content = make_message(sender, recipient, name=message, **whole | changes)
    signer, key = sender.signers[KeyUse.MESSAGE], recipient.opening_key.jwk
    return seal_message(content, [key], signer, content_key=generate_bytes(32), attachments=attachments)


def read(bench: Bench, sealed: SealedAttachment, text: str | None, *, reader: str = VN, sender: str = GB) -> bytes:
    """Read a range of an attachment of a message as somebody."""
    key = UploadKey(sender, make_id("message"), sealed.id)

    async def collect() -> bytes:
        found = await bench.attachments.find_readable(bench.caller(reader), key, text)
        return b"".join([piece async for piece in bench.attachments.stream(found)])

    return bench.run(collect())
