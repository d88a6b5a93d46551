"""Which head a new epoch goes on from, and whether witnesses show that nothing was lost. Pure.

Every note is believed only for the log's own two signatures under it; whether a witness' line is good as well counts
where a witness must have spoken.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from broker.epochs.errors import NotWitnessedError
from broker.witnesses.rules import OwnLog, is_lost, verify_own_note
from keys.cosignatures import find_cosigner, list_witness_keys, verify_cosignature
from keys.errors import KeysError
from keys.timeline import MemberTimeline
from schemas.codec import MAX_INTEGER, CodecError
from schemas.jwk import thumbprint
from schemas.key_documents import AgencyClass
from schemas.log.checkpoint import Checkpoint
from schemas.log.cosignature import format_witness_name

FindRoot = Callable[[int], bytes | None]
"""Returns the root over so many leaves of the log at hand; nothing where it has fewer."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A note that the log signed, where it comes from, and whether the database at hand lacks that head.

    The database's own head stands among them with an empty note.
    """

    source: str
    note: bytes
    checkpoint: Checkpoint
    is_lost: bool


def read_notes(unverified_notes: Iterable[tuple[str, bytes]], own: OwnLog, find_root: FindRoot) -> list[Shown]:
    """Verify notes, each with where it comes from, and return them, the largest head first.

    Raises:
        NotWitnessedError: one is not signed by this log's two keys for this epoch, and which.
    """
    shown = []
    for source, note in unverified_notes:
        try:
            checkpoint = verify_own_note(note, own)
        except (KeysError, CodecError) as error:
            raise NotWitnessedError(f"{source}: {error}") from error
        if checkpoint.origin != own.origin:
            raise NotWitnessedError(f"{source}: {checkpoint.origin} has begun already: restore its database instead")
        lost = is_lost(checkpoint, own.origin, find_root(checkpoint.size))
        shown.append(Shown(source, note, checkpoint, lost))
    return sort_shown(shown)


def sort_shown(shown: Iterable[Shown]) -> list[Shown]:
    """Return them, the largest head first."""
    return sorted(shown, key=lambda one: (-one.checkpoint.size, one.source))


def choose_last(shown: Sequence[Shown], preferred: frozenset[str] = frozenset()) -> Shown:
    """Return the head that a new epoch names as the last of this one: the largest, of two the one from `preferred`.

    Raises:
        NotWitnessedError: there is none; or several of that size have different roots and no source was preferred.
    """
    if not shown:
        raise NotWitnessedError("no note shows the last head of this log: ask the members for theirs")
    largest = [one for one in shown if one.checkpoint.size == shown[0].checkpoint.size]
    chosen = [one for one in largest if one.source in preferred] or largest
    if len({one.checkpoint.root for one in chosen}) > 1:
        raise NotWitnessedError(
            f"{' and '.join(one.source for one in chosen)} show different logs of {shown[0].checkpoint.size} leaves: "
            "its keys have signed two histories. Give only the one to go on from, and rebase with --new-log-keys"
        )
    return chosen[0]


def verify_nothing_lost(
    shown: Sequence[Shown],
    members: Mapping[str, MemberTimeline],
    own: OwnLog,
    since: datetime,
    excused: frozenset[str],
) -> list[str]:
    """Verify that every agency has cosigned, since the database was put back, a head that is in it; return who did.

    `excused` are agencies that the operator answers for.

    Raises:
        NotWitnessedError: a note shows what the database does not have, or an agency has not spoken.
    """
    for one in shown:
        if one.is_lost:
            raise NotWitnessedError(f"{one.source} shows a head of {one.checkpoint.size} leaves that was lost: rebase")
    wanted = {name for name, timeline in members.items() if timeline.agency_class is AgencyClass.AGENCY}
    unknown = sorted(excused - wanted)
    if unknown:
        raise NotWitnessedError(f"{', '.join(unknown)}: no agency of this exchange")
    spoke = {name for name in wanted if any(_has_spoken(one, members[name], own, since) for one in shown)}
    silent = sorted(wanted - spoke - excused)
    if silent:
        raise NotWitnessedError(
            f"{', '.join(silent)} cosigned nothing since {since:%Y-%m-%d %H:%M:%S} UTC: wait until their nodes have "
            "synced, give their notes with --witnessed, or answer for them with --without"
        )
    return sorted(spoke)


def _has_spoken(shown: Shown, timeline: MemberTimeline, own: OwnLog, since: datetime) -> bool:
    name = format_witness_name(own.exchange, timeline.agency)
    try:
        key = find_cosigner(shown.note, name, list_witness_keys(timeline.newest_key_set.key_set))
        timeline.verify_not_revoked([thumbprint(key)], MAX_INTEGER)
        return verify_cosignature(shown.note, name, key).timestamp >= since.timestamp()
    except (KeysError, CodecError):
        return False
