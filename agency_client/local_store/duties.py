"""Rows beside a message that outlive its content: what its reader is told, what was sent alike, how it was grounded.

None of them holds content: digests, codes, and the officer's own record of a transfer.
"""

from dataclasses import asdict, dataclass
from datetime import datetime

from agency_client.local_store.engine import Columns, Row, Snapshot, Transaction, read_moment, read_optional_moment
from schemas.codec import decode_canonical, encode_canonical


@dataclass(frozen=True, slots=True)
class MessageDuty:
    """What is due for one message: the digest of the conditions told, the agreement's own among them, the purpose.

    `is_withheld`: a caveat keeps it from the person concerned. `is_automatic`: a machine matched, no person looked.
    """

    digest: str
    conditions: str
    agreed: tuple[str, ...]
    purpose: str
    is_withheld: bool = False
    is_automatic: bool = False


@dataclass(frozen=True, slots=True)
class TransferRecord:
    """One transfer and its ground (Directive (EU) 2016/680, articles 35 to 38).

    `reference` is the act the ground is found in; `justification` and `authorisation` are the sender's record; `data`
    says what kinds of data it were. The data themselves are the message with this digest, for as long as it is kept.
    """

    message: str
    recipient: str
    ground: str
    reference: str
    justification: str
    authorisation: str
    purpose: str
    data: str
    at: datetime


def keep_duty(transaction: Transaction, duty: MessageDuty) -> None:
    """Keep what is due for a message, once."""
    row: Columns = {
        "message": duty.digest,
        "conditions": duty.conditions,
        "agreed": encode_canonical(list(duty.agreed)),
        "purpose": duty.purpose,
        "is_withheld": int(duty.is_withheld),
        "is_automatic": int(duty.is_automatic),
    }
    transaction.insert("message_duty", row, if_absent=True)


def find_duty(snapshot: Snapshot, digest: str) -> MessageDuty | None:
    """Return what is due for a message, None where nothing was kept."""
    row = snapshot.fetch_one("SELECT * FROM message_duty WHERE message = ?", digest)
    if row is None:
        return None
    return MessageDuty(
        digest=row["message"],
        conditions=row["conditions"],
        agreed=tuple(decode_canonical(row["agreed"])),
        purpose=row["purpose"],
        is_withheld=bool(row["is_withheld"]),
        is_automatic=bool(row["is_automatic"]),
    )


def find_content_end(snapshot: Snapshot, digest: str) -> datetime | None:
    """Return when the content of a message that is kept here is erased at the latest; None: none is kept, or no end."""
    return read_optional_moment(snapshot.fetch_value("SELECT retain_until FROM content WHERE digest = ?", digest))


def keep_mark(transaction: Transaction, mark: bytes, digest: str, recipient: str) -> None:
    """Keep the mark of what was sent to an agency."""
    transaction.insert("content_mark", {"mark": mark, "message": digest, "recipient": recipient}, if_absent=True)


def find_sent_alike(snapshot: Snapshot, mark: bytes, recipient: str) -> tuple[str, datetime] | None:
    """Return id and time of the newest message alike that went to an agency and was neither refused nor withdrawn."""
    row = snapshot.fetch_one(
        "SELECT sent_message.message_id, sent_message.issued_at FROM content_mark"
        " JOIN sent_message ON sent_message.digest = content_mark.message"
        " JOIN outbox ON outbox.message_id = sent_message.message_id"
        " WHERE mark = ? AND recipient = ? AND outbox.state NOT IN ('refused', 'cancelled')"
        " AND NOT EXISTS (SELECT 1 FROM sent_message AS later"
        "   WHERE later.refers_to = sent_message.digest AND later.kind = 'withdrawal')"
        " ORDER BY sent_message.issued_at DESC, sent_message.message_id LIMIT 1",
        mark,
        recipient,
    )
    return None if row is None else (row["message_id"], read_moment(row["issued_at"]))


def is_marked(snapshot: Snapshot, mark: bytes, digest: str) -> bool:
    """Return whether a message that was sent says what a mark stands for."""
    return snapshot.fetch_one("SELECT 1 FROM content_mark WHERE mark = ? AND message = ?", mark, digest) is not None


def keep_transfer(transaction: Transaction, record: TransferRecord) -> None:
    """Keep the record of a transfer, once for each message and recipient."""
    transaction.insert("transfer_record", asdict(record), if_absent=True)


def list_transfers(
    snapshot: Snapshot,
    *,
    ground: str | None = None,
    message: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[TransferRecord]:
    """Return the transfers that match, oldest first."""
    rows = snapshot.fetch_all(
        "SELECT * FROM transfer_record WHERE (?1 IS NULL OR ground = ?1) AND (?2 IS NULL OR message = ?2)"
        " AND (?3 IS NULL OR at >= ?3) AND (?4 IS NULL OR at <= ?4) ORDER BY at, message, recipient",
        ground,
        message,
        since,
        until,
    )
    return [_read_transfer(row) for row in rows]


def _read_transfer(row: Row) -> TransferRecord:
    members = {name: row[name] for name in row.keys()}  # noqa: SIM118 - a row has keys and is no mapping
    return TransferRecord(**members | {"at": read_moment(row["at"])})
