"""Notices about messages: those received and acted on, own ones, where they went on to, and what came back from there.

Rows stay when the content of a message and of its notices is erased: they say what was demanded and done, and by which
digests; nothing of a person.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agency_client.local_store.engine import Columns, Row, Snapshot, Transaction, read_moment, read_optional_moment
from schemas.codec import decode_canonical, encode_canonical


@dataclass(frozen=True, slots=True)
class StoredNotice:
    """One notice about the message `target` (a digest). `effect` is "" where nothing was done about it here.

    `ground` is a restriction's, "" for other kinds. `about` is the digest that the author's own notice refers to, where
    that is not the target: the message that the target is a copy of, or the consent by which it came.
    """

    digest: str
    origin: str
    target: str
    author: str
    kind: str
    action: str
    allowed: tuple[str, ...]
    subjects: tuple[str, ...]
    said_at: datetime
    acknowledge_by: datetime
    is_own: bool
    effect: str = ""
    acted_at: datetime | None = None
    ground: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class OnwardEffect:
    """What a partner reports of an agency further on: "" as long as that one was told and has not answered."""

    notice: str
    reporter: str
    agency: str
    path: tuple[str, ...]
    effect: str
    at: datetime | None
    reported_at: datetime


def record_notice(transaction: Transaction, notice: StoredNotice) -> bool:
    """Record a notice; return whether it was new."""
    row: Columns = {
        "digest": notice.digest,
        "origin": notice.origin,
        "target": notice.target,
        "author": notice.author,
        "kind": notice.kind,
        "action": notice.action,
        "codes": encode_canonical(
            {"allowed": list(notice.allowed), "subjects": list(notice.subjects), "ground": notice.ground}
        ),
        "said_at": notice.said_at,
        "acknowledge_by": notice.acknowledge_by,
        "is_own": notice.is_own,
        "effect": notice.effect,
        "acted_at": notice.acted_at,
        "about": notice.about,
    }
    return transaction.insert("aftercare_notice", row, if_absent=True)


def find_notice(snapshot: Snapshot, digest: str) -> StoredNotice | None:
    """Return a notice by the digest of its envelope."""
    row = snapshot.fetch_one("SELECT * FROM aftercare_notice WHERE digest = ?", digest)
    return None if row is None else _read_notice(row)


def list_notices(snapshot: Snapshot, target: str) -> list[StoredNotice]:
    """Return the notices about a message, in the order in which they were said."""
    rows = snapshot.fetch_all("SELECT * FROM aftercare_notice WHERE target = ? ORDER BY said_at, origin", target)
    return [_read_notice(row) for row in rows]


def list_own_notices(snapshot: Snapshot) -> list[StoredNotice]:
    """Return the notices this agency sent, newest first."""
    rows = snapshot.fetch_all("SELECT * FROM aftercare_notice WHERE is_own = 1 ORDER BY said_at DESC, digest")
    return [_read_notice(row) for row in rows]


def list_received_notices(snapshot: Snapshot, kind: str | None = None) -> list[StoredNotice]:
    """Return the notices that came here and were acted on, newest first."""
    rows = snapshot.fetch_all(
        "SELECT * FROM aftercare_notice WHERE is_own = 0 AND (?1 IS NULL OR kind = ?1) ORDER BY said_at DESC, digest",
        kind,
    )
    return [_read_notice(row) for row in rows]


def list_restricted(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Return the messages that a restriction was ever said of, by digest, each with the agencies that said so."""
    rows = snapshot.fetch_all(
        "SELECT DISTINCT target, author FROM aftercare_notice WHERE kind = 'restriction' ORDER BY target, author"
    )
    return [(row["target"], row["author"]) for row in rows]


def count_unanswered(snapshot: Snapshot, kind: str) -> int:
    """Return how many notices of a kind came here and were answered by no person."""
    count: int = snapshot.fetch_value(
        "SELECT count(*) FROM aftercare_notice JOIN inbox_message USING (digest)"
        " WHERE is_own = 0 AND aftercare_notice.kind = ? AND answered_at IS NULL",
        kind,
    )
    return count


def record_onward_effect(transaction: Transaction, found: OnwardEffect) -> None:
    """Keep what a partner reports of an agency further on: that it was told, then once what it did, and no other word.

    A node acts on a notice once. Who says something else each time would have the next one report it each time.
    """
    transaction.execute(
        "INSERT INTO onward_effect (notice, reporter, agency, path, effect, at, reported_at)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET effect = ?5, at = ?6, reported_at = ?7"
        " WHERE effect = '' AND ?5 <> ''",
        found.notice,
        found.reporter,
        found.agency,
        _spell_path(found.path),
        found.effect,
        found.at,
        found.reported_at,
    )


def list_onward_effects(snapshot: Snapshot, notice: str) -> list[OnwardEffect]:
    """Return what was reported of agencies further on about one own notice, by its digest, or one passed on."""
    rows = snapshot.fetch_all("SELECT * FROM onward_effect WHERE notice = ? ORDER BY reporter, path, agency", notice)
    return [
        OnwardEffect(
            notice=row["notice"],
            reporter=row["reporter"],
            agency=row["agency"],
            path=tuple(decode_canonical(row["path"].encode())),
            effect=row["effect"],
            at=read_optional_moment(row["at"]),
            reported_at=read_moment(row["reported_at"]),
        )
        for row in rows
    ]


def record_relay(transaction: Transaction, notice: str, copy: str, message_id: str, *, at: datetime) -> bool:
    """Record that a notice was sealed for who has a copy, once for each copy; False: it had been."""
    row: Columns = {"notice": notice, "copy": copy, "message_id": message_id, "queued_at": at}
    return transaction.insert("aftercare_relay", row, if_absent=True)


def list_relays(snapshot: Snapshot, notice: str) -> list[tuple[str, str]]:
    """Return the copies a notice was passed on for, by digest, and the id of the message that carries it there."""
    rows = snapshot.fetch_all("SELECT copy, message_id FROM aftercare_relay WHERE notice = ? ORDER BY copy", notice)
    return [(row["copy"], row["message_id"]) for row in rows]


_ABOUT_COPY = (
    "SELECT notice.digest, notice.origin, notice.said_at, copy.copy_digest FROM aftercare_notice AS notice"
    " JOIN onward_copy AS copy ON copy.held_digest = notice.target"
    " LEFT JOIN copy_origin AS this ON this.copy_digest = notice.target"
    " WHERE notice.is_own = 0 AND notice.about IS NOT coalesce(this.consent_digest, '-')"
    " UNION SELECT notice.digest, notice.origin, notice.said_at, copy.copy_digest FROM aftercare_notice AS notice"
    " JOIN copy_origin AS this ON this.copy_digest = notice.target AND this.originator = notice.author"
    " JOIN copy_origin AS kin ON kin.original_digest = this.original_digest"
    " JOIN onward_copy AS copy ON copy.held_digest = kin.copy_digest"
    " WHERE notice.is_own = 0 AND notice.about IS NOT coalesce(this.consent_digest, '-')"
    " UNION SELECT notice.digest, notice.origin, notice.said_at, copy.copy_digest FROM aftercare_notice AS notice"
    " JOIN onward_copy AS copy ON copy.consent_digest = notice.about"
    " WHERE notice.is_own = 0 AND notice.kind = 'withdrawal' AND notice.about <> ''"
)
"""Each received notice and each copy of what it is about, also of that which came here another way; and each consent
that was taken back, with the copies that went on by it: these alone."""


def list_owed_relays(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Return every received notice and copy (by digest) of what it is about that it was not passed on for yet.

    Of one and the same notice that came here several ways each copy is owed one.
    """
    rows = snapshot.fetch_all(
        f"SELECT owed.digest, owed.origin, owed.copy_digest FROM ({_ABOUT_COPY}) AS owed"  # noqa: S608 - it is above
        " WHERE NOT EXISTS (SELECT 1 FROM aftercare_relay AS relay JOIN aftercare_notice AS said"
        "   ON said.digest = relay.notice WHERE relay.copy = owed.copy_digest"
        "   AND (said.digest = owed.digest OR (said.origin = owed.origin AND relay.message_id <> '')))"
        " ORDER BY owed.said_at, owed.digest, owed.copy_digest"
    )
    owed: dict[tuple[str, str], tuple[str, str]] = {}
    for digest, origin, copy in rows:
        owed.setdefault((origin, copy), (digest, copy))
    return list(owed.values())


def record_report(transaction: Transaction, notice: str, message_id: str, told: bytes, *, at: datetime) -> None:
    """Record what was reported to the author's side of a notice: `told` is canonical JSON of it."""
    transaction.execute(
        "INSERT INTO aftercare_report (notice, n, message_id, told, at)"
        " SELECT ?1, count(*) + 1, ?2, ?3, ?4 FROM aftercare_report WHERE notice = ?1",
        notice,
        message_id,
        told,
        at,
    )


@dataclass(frozen=True, slots=True)
class LastReport:
    """The newest report about a notice: what it told (canonical JSON), when, and which one it was, counted from 1."""

    told: bytes
    at: datetime
    n: int


def find_last_report(snapshot: Snapshot, notice: str) -> LastReport | None:
    """Return what was reported last about a notice."""
    row = snapshot.fetch_one(
        "SELECT told, at, n FROM aftercare_report WHERE notice = ? ORDER BY n DESC LIMIT 1", notice
    )
    return None if row is None else LastReport(row["told"], read_moment(row["at"]), row["n"])


def rename_relay(transaction: Transaction, before: str, after: str) -> None:
    """Let the message sealed in the place of another, both by id, stand for it where a notice went on or back."""
    transaction.execute("UPDATE aftercare_relay SET message_id = ? WHERE message_id = ?", after, before)
    transaction.execute("UPDATE aftercare_report SET message_id = ? WHERE message_id = ?", after, before)


def list_report_ids(snapshot: Snapshot, notice: str) -> frozenset[str]:
    """Return the ids of the messages by which this node reported about a notice by itself."""
    rows = snapshot.fetch_all("SELECT message_id FROM aftercare_report WHERE notice = ?", notice)
    return frozenset(row["message_id"] for row in rows)


def list_reportable_notices(snapshot: Snapshot) -> list[StoredNotice]:
    """Return the received notices that were passed on, oldest first: what became of them there is reported back."""
    rows = snapshot.fetch_all(
        "SELECT * FROM aftercare_notice WHERE digest IN (SELECT notice FROM aftercare_relay) ORDER BY said_at, digest"
    )
    return [_read_notice(row) for row in rows]


def _spell_path(path: tuple[str, ...]) -> str:
    return encode_canonical(list(path)).decode()


def _read_notice(row: Row) -> StoredNotice:
    codes: dict[str, Any] = decode_canonical(row["codes"])
    return StoredNotice(
        digest=row["digest"],
        origin=row["origin"],
        target=row["target"],
        author=row["author"],
        kind=row["kind"],
        action=row["action"],
        allowed=tuple(codes["allowed"]),
        subjects=tuple(codes["subjects"]),
        said_at=read_moment(row["said_at"]),
        acknowledge_by=read_moment(row["acknowledge_by"]),
        is_own=bool(row["is_own"]),
        effect=row["effect"],
        acted_at=read_optional_moment(row["acted_at"]),
        ground=codes.get("ground", ""),
        about=row["about"],
    )
