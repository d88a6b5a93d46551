"""Which cosignatures are kept, and which notes show that the log is not what it was. Pure: notes, keys and roots in.

A note that bears the log's own two signatures is believed to have been signed by it, whoever hands it in: that is what
a broker with an older database is told by, and no cosignature is needed for it.
"""

from dataclasses import dataclass
from datetime import datetime

from broker.http.refusal import refuse
from keys.cosignatures import Cosigned, find_cosigner, list_witness_keys, verify_cosignature
from keys.log_keys import LogPublicKeys, verify_checkpoint
from keys.timeline import MemberTimeline
from schemas.codec import MAX_INTEGER
from schemas.envelope import MAX_CLOCK_AHEAD_SECONDS
from schemas.jwk import thumbprint
from schemas.log.checkpoint import Checkpoint, parse_checkpoint
from schemas.log.cosignature import format_witness_name
from schemas.log.epoch import read_epoch
from schemas.log.note import parse_note
from schemas.signed import KeyUse


@dataclass(frozen=True, slots=True)
class OwnLog:
    """The log as its own notes name it: the exchange, the origin, the two public keys."""

    exchange: str
    origin: str
    keys: LogPublicKeys


@dataclass(frozen=True, slots=True)
class VerifiedCosignature:
    """A note with one valid line of the agency's; `kid` names its key."""

    agency: str
    note: bytes
    cosigned: Cosigned
    kid: str


def verify_own_note(unverified_note: bytes, log: OwnLog) -> Checkpoint:
    """Return the checkpoint that this log's two keys signed, for its origin or a later epoch's.

    Raises:
        CodecError: not a note of a checkpoint.
        LogSignatureError: another log's, an earlier epoch's, or not signed by both keys.
    """
    claimed = parse_checkpoint(parse_note(unverified_note).text).origin
    is_later = read_epoch(claimed, log.exchange) > read_epoch(log.origin, log.exchange)
    return verify_checkpoint(unverified_note, claimed if is_later else log.origin, log.keys)


def is_lost(checkpoint: Checkpoint, origin: str, root: bytes | None) -> bool:
    """Return whether a head the log signed is not in it: `root` is its own at that size, or None where it has fewer."""
    return checkpoint.origin != origin or checkpoint.root != root


def verify_line(unverified_note: bytes, log: OwnLog, timeline: MemberTimeline, now: datetime) -> VerifiedCosignature:
    """Verify that one line, by a witness key of the caller's in force, stands under the log's two, and nothing else.

    Raises:
        RefusedError, KeysError, CodecError: naming what failed.
    """
    agency = timeline.agency
    name = format_witness_name(log.exchange, agency)
    names = [line.name for line in parse_note(unverified_note).signatures]
    if sorted(names) != sorted((log.origin, log.origin, name)):
        sentence = f"three lines are expected under the note: two of {log.origin}, one of {name}"
        raise refuse("cosignature-refused", sentence, field="note")
    key = find_cosigner(unverified_note, name, list_witness_keys(timeline.find_key_set(MAX_INTEGER, now).key_set))
    cosigned = verify_cosignature(unverified_note, name, key)
    if cosigned.timestamp > now.timestamp() + MAX_CLOCK_AHEAD_SECONDS:
        sentence = f"it lies more than {MAX_CLOCK_AHEAD_SECONDS} seconds ahead of this exchange's clock"
        raise refuse("wrong-time", sentence, field="note")
    found = VerifiedCosignature(agency, unverified_note, cosigned, thumbprint(key))
    verify_key_in_force(found, timeline, now)
    return found


def verify_key_in_force(cosignature: VerifiedCosignature, timeline: MemberTimeline, now: datetime) -> None:
    """Verify that the witness key that signed may still sign.

    Raises:
        KeysError: it may not.
    """
    timeline.find_signing_keys(KeyUse.WITNESS, (cosignature.kid,), MAX_INTEGER, now)
