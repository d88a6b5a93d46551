"""What went on to other agencies and by which right, and where the copies that came here were first sent from.

Only identities: ids, digests, agencies. They outlive the content, so that a correction of the original finds its way
to everyone it reached. A row of `onward_copy` is written in the transaction that seals the copy, one of `copy_origin`
in the one that opens it.
"""

from dataclasses import asdict, dataclass
from datetime import datetime

from agency_client.local_store.engine import Columns, Row, Snapshot, Transaction, read_moment
from agency_client.onward.rules import RightKind
from schemas.codec import decode_canonical, encode_canonical
from schemas.envelope import Reference


@dataclass(frozen=True, slots=True)
class OnwardCopy:
    """A copy this agency sent on: `held_digest` is the message it came by, `original_digest` the originator's own.

    Both are the same where it came from the originator itself. `consent_digest` is the originator's decision.
    """

    copy_digest: str
    copy_id: str
    held_digest: str
    original_digest: str
    recipient: str
    right_kind: RightKind
    consent_digest: str | None
    passed_on_at: datetime

    @property
    def reference(self) -> Reference:
        """Return id and digest of the copy, as a message that follows it names it."""
        return Reference(id=self.copy_id, digest=self.copy_digest)


@dataclass(frozen=True, slots=True)
class CopyOrigin:
    """Where a copy that came here was first sent from; `path` begins with the originator and ends with its sender."""

    copy_digest: str
    original: Reference
    originator: str
    path: tuple[str, ...]
    right_kind: RightKind
    consent_digest: str | None
    recorded_at: datetime


def record_onward_copy(transaction: Transaction, copy: OnwardCopy) -> None:
    """Record that a copy was sealed for a further agency."""
    transaction.insert("onward_copy", asdict(copy))


def rename_copy(transaction: Transaction, before: Reference, after: Reference) -> None:
    """Let what is known of a copy, or of a question asked for a partner, stand for the message sealed in its place."""
    transaction.execute(
        "UPDATE onward_copy SET copy_digest = ?, copy_id = ? WHERE copy_digest = ?",
        after.digest,
        after.id,
        before.digest,
    )
    transaction.execute(
        "UPDATE release_chain SET request_digest = ? WHERE request_digest = ?", after.digest, before.digest
    )


def list_onward_copies(snapshot: Snapshot, held_digest: str) -> list[OnwardCopy]:
    """Return every copy this agency made of a message it received, by the digest under which it came here."""
    rows = snapshot.fetch_all(
        "SELECT * FROM onward_copy WHERE held_digest = ? ORDER BY passed_on_at, copy_digest", held_digest
    )
    return [_read_onward_copy(row) for row in rows]


def find_onward_copy(snapshot: Snapshot, copy_digest: str) -> OnwardCopy | None:
    """Return what is known of a copy this agency sent on; None: that message is no such copy."""
    row = snapshot.fetch_one("SELECT * FROM onward_copy WHERE copy_digest = ?", copy_digest)
    return None if row is None else _read_onward_copy(row)


def list_copies_by_consent(snapshot: Snapshot, consent_digest: str) -> list[OnwardCopy]:
    """Return every copy this agency sent on by a consent, by the digest of its originator's own decision."""
    rows = snapshot.fetch_all(
        "SELECT * FROM onward_copy WHERE consent_digest = ? ORDER BY passed_on_at, copy_digest", consent_digest
    )
    return [_read_onward_copy(row) for row in rows]


def record_origin(transaction: Transaction, origin: CopyOrigin) -> None:
    """Record where a copy that is opened now was first sent from."""
    row: Columns = {
        "copy_digest": origin.copy_digest,
        "original_digest": origin.original.digest,
        "original_id": origin.original.id,
        "originator": origin.originator,
        "path": encode_canonical(list(origin.path)).decode(),
        "right_kind": origin.right_kind,
        "consent_digest": origin.consent_digest,
        "recorded_at": origin.recorded_at,
    }
    transaction.insert("copy_origin", row, if_absent=True)


def find_original_of_copy(snapshot: Snapshot, copy_digest: str) -> CopyOrigin | None:
    """Return where a received copy was first sent from; None: it came from its originator, or is not here."""
    row = snapshot.fetch_one("SELECT * FROM copy_origin WHERE copy_digest = ?", copy_digest)
    return None if row is None else _read_origin(row)


def list_copies_of_original(snapshot: Snapshot, original_digest: str) -> list[CopyOrigin]:
    """Return every copy of one original that came here, whoever sent it on."""
    rows = snapshot.fetch_all(
        "SELECT * FROM copy_origin WHERE original_digest = ? ORDER BY recorded_at, copy_digest", original_digest
    )
    return [_read_origin(row) for row in rows]


def list_decisions(snapshot: Snapshot, original_digest: str) -> list[str]:
    """Return the decisions that came here about one originator's message, whoever asked, the newest first."""
    rows = snapshot.fetch_all(
        "SELECT decision.digest FROM inbox_message AS decision JOIN release_note USING (digest)"
        " WHERE release_note.original_digest = ? AND decision.kind = 'release-decision' AND decision.state = 'opened'"
        " AND decision.withdrawn_at IS NULL ORDER BY decision.issued_at DESC, decision.digest",
        original_digest,
    )
    return [row["digest"] for row in rows]


def link_requests(transaction: Transaction, request_digest: str, asked_digest: str) -> None:
    """Record that a request of this agency asks for what a partner's request asked it."""
    transaction.insert("release_chain", {"request_digest": request_digest, "asked_digest": asked_digest})


def find_asked_request(snapshot: Snapshot, request_digest: str) -> str | None:
    """Return the digest of the partner's request that a request of this agency passes on."""
    found: str | None = snapshot.fetch_value(
        "SELECT asked_digest FROM release_chain WHERE request_digest = ?", request_digest
    )
    return found


def list_linked_requests(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Return each own request that asks for a partner, and the partner's, by digest."""
    rows = snapshot.fetch_all("SELECT request_digest, asked_digest FROM release_chain ORDER BY request_digest")
    return [(row["request_digest"], row["asked_digest"]) for row in rows]


def list_answered_links(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Return each decision that came on a question asked for a partner who has no answer yet, and its question."""
    rows = snapshot.fetch_all(
        "SELECT decision.digest, asked_digest FROM release_chain"
        " JOIN inbox_message AS decision ON decision.refers_to = request_digest"
        " WHERE decision.kind = 'release-decision' AND decision.state = 'opened' AND decision.erased_at IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM sent_message JOIN outbox USING (message_id)"
        " WHERE sent_message.refers_to = asked_digest AND kind = 'release-decision'"
        " AND outbox.state NOT IN ('refused', 'cancelled')) ORDER BY decision.issued_at, decision.digest",
    )
    return [(row["digest"], row["asked_digest"]) for row in rows]


def _read_onward_copy(row: Row) -> OnwardCopy:
    changes = {"right_kind": RightKind(row["right_kind"]), "passed_on_at": read_moment(row["passed_on_at"])}
    return OnwardCopy(**{**dict(row), **changes})


def _read_origin(row: Row) -> CopyOrigin:
    return CopyOrigin(
        copy_digest=row["copy_digest"],
        original=Reference(id=row["original_id"], digest=row["original_digest"]),
        originator=row["originator"],
        path=tuple(decode_canonical(row["path"].encode())),
        right_kind=RightKind(row["right_kind"]),
        consent_digest=row["consent_digest"],
        recorded_at=read_moment(row["recorded_at"]),
    )
