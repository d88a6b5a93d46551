"""Which cosignatures are kept, and which notes tell a broker that its log is not what it was."""

from datetime import timedelta

import pytest

from broker.http.refusal import Refusal, RefusedError
from broker.witnesses.rules import OwnLog, is_lost, verify_key_in_force, verify_line, verify_own_note
from keys.algorithms import SigningKey
from keys.cosignatures import UnknownCosignatureKeyError, cosign_checkpoint
from keys.encryption_keys import sign_revocation, verify_revocation
from keys.errors import KeyNotInForceError, KeyRevokedError
from keys.log_keys import LogSigner, WrongOriginError, sign_checkpoint
from schemas.codec import CodecError
from schemas.jwk import Algorithm
from schemas.key_documents import Revocation
from schemas.log.checkpoint import Checkpoint
from schemas.log.cosignature import attach_cosignature, format_witness_name
from schemas.log.note import NoteSignature, SignedNote, format_note, parse_note
from schemas.signed import KeyUse
from tests.support.members import EXCHANGE, START, make_member

LOG = LogSigner(bytes([1]) * 32, bytes([2]) * 32)
OWN = OwnLog(EXCHANGE, f"{EXCHANGE}/2", LOG.public)
HEAD = Checkpoint(OWN.origin, 5, b"r" * 32)
NOTE = sign_checkpoint(HEAD, LOG)
GB = make_member("GB")
KEY = GB.signers[KeyUse.WITNESS].keys[0]
NAME = format_witness_name(EXCHANGE, "GB")
NOW = START + timedelta(days=1)
LINE = cosign_checkpoint(HEAD, NAME, KEY, NOW)


def under(*lines: NoteSignature) -> bytes:
    own = parse_note(NOTE)
    return format_note(SignedNote(own.text, (*own.signatures, *lines)))


def refuse(note: bytes) -> Refusal:
    with pytest.raises(RefusedError) as caught:
        verify_line(note, OWN, GB.timeline, NOW)
    return caught.value.refusal


def test_the_logs_own_note_is_told_from_anothers() -> None:
    assert verify_own_note(NOTE, OWN) == HEAD
    assert verify_own_note(attach_cosignature(NOTE, LINE), OWN) == HEAD
    later = Checkpoint(f"{EXCHANGE}/3", 1, b"r" * 32)
    assert verify_own_note(sign_checkpoint(later, LOG), OWN) == later
    for origin in (f"{EXCHANGE}/1", "staging.example/3", f"{EXCHANGE}/03", EXCHANGE):
        with pytest.raises(WrongOriginError):
            verify_own_note(sign_checkpoint(Checkpoint(origin, 5, b"r" * 32), LOG), OWN)
    with pytest.raises(CodecError):
        verify_own_note(b"text\n", OWN)


@pytest.mark.parametrize(
    ("checkpoint", "root", "expected"),
    [
        (HEAD, b"r" * 32, False),
        (HEAD, b"s" * 32, True),
        (HEAD, None, True),
        (Checkpoint(f"{EXCHANGE}/3", 5, b"r" * 32), b"r" * 32, True),
    ],
)
def test_a_head_that_was_signed_and_is_not_there_was_lost(
    checkpoint: Checkpoint, root: bytes | None, expected: bool
) -> None:
    assert is_lost(checkpoint, OWN.origin, root) is expected


def test_a_cosignature_is_one_line_of_the_callers_under_the_logs_two() -> None:
    verified = verify_line(attach_cosignature(NOTE, LINE), OWN, GB.timeline, NOW)
    assert (verified.agency, verified.cosigned.checkpoint, verified.cosigned.time) == ("GB", HEAD, NOW)
    assert (verified.note, verified.kid) == (attach_cosignature(NOTE, LINE), KEY.kid)
    other = cosign_checkpoint(HEAD, format_witness_name(EXCHANGE, "BE"), KEY, NOW)
    for lines in ((), (other,), (LINE, other)):
        sentence = f"three lines are expected under the note: two of {OWN.origin}, one of {NAME}"
        assert refuse(under(*lines)) == Refusal("cosignature-refused", sentence, "note")


def test_a_cosignature_may_lie_five_minutes_ahead_and_no_more() -> None:
    ahead = cosign_checkpoint(HEAD, NAME, KEY, NOW + timedelta(seconds=300))
    verify_line(under(ahead), OWN, GB.timeline, NOW)
    further = cosign_checkpoint(HEAD, NAME, KEY, NOW + timedelta(seconds=301))
    sentence = "it lies more than 300 seconds ahead of this exchange's clock"
    assert refuse(under(further)) == Refusal("wrong-time", sentence, "note")


def test_only_a_witness_key_in_force_cosigns() -> None:
    foreign = cosign_checkpoint(HEAD, NAME, SigningKey(Algorithm.ML_DSA_44, bytes(32)), NOW)
    with pytest.raises(UnknownCosignatureKeyError):
        verify_line(under(foreign), OWN, GB.timeline, NOW)
    with pytest.raises(KeyNotInForceError):
        verify_line(under(LINE), OWN, GB.timeline, GB.key_set.expires_at)
    revocation = Revocation(
        v=1,
        exchange=EXCHANGE,
        agency="GB",
        kids=(KEY.kid,),
        effective_from=NOW,
        issued_at=NOW,
        reason="lost-device",
    )
    signed = sign_revocation(revocation, GB.signers[KeyUse.ROTATION])
    revoked = GB.timeline.add_revocation(2, verify_revocation(signed, GB.verified))
    with pytest.raises(KeyRevokedError):
        verify_line(under(LINE), OWN, revoked, NOW)
    before = verify_line(under(LINE), OWN, GB.timeline, NOW)
    with pytest.raises(KeyRevokedError):
        verify_key_in_force(before, revoked, NOW)
