"""Cosignatures on real keys: this witness, this key, this checkpoint, once, at some time; and nothing else."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.algorithms import SigningKey
from keys.cosignatures import (
    BadCosignatureError,
    CosignatureError,
    Cosigned,
    DuplicateCosignatureError,
    MissingCosignatureError,
    UnknownCosignatureKeyError,
    cosign_checkpoint,
    find_cosigner,
    list_witness_keys,
    verify_cosignature,
)
from keys.errors import SignatureError
from keys.log_keys import LogSigner, sign_checkpoint, verify_checkpoint
from schemas.codec import CodecError
from schemas.jwk import AkpJwk, Algorithm
from schemas.log.checkpoint import Checkpoint, format_cosigned_message
from schemas.log.cosignature import attach_cosignature, format_witness_name, join_timestamp
from schemas.log.note import NoteError, NoteSignature, SignedNote, compute_key_id, format_note, parse_note
from schemas.problems import PROBLEMS
from schemas.signed import KeyUse
from tests.support.members import make_member

ORIGIN = "exchange.example/1"
LOG = LogSigner(b"\x01" * 32, b"\x02" * 32)
CHECKPOINT = Checkpoint(ORIGIN, 5, b"r" * 32)
LOG_NOTE = sign_checkpoint(CHECKPOINT, LOG)
NAME = format_witness_name("exchange.example", "VN-IMM")
WITNESS = SigningKey(Algorithm.ML_DSA_44, b"\x05" * 32)
OTHER = SigningKey(Algorithm.ML_DSA_44, b"\x06" * 32)
AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECONDS = int(AT.timestamp())
LINE = cosign_checkpoint(CHECKPOINT, NAME, WITNESS, AT)
NOTE = attach_cosignature(LOG_NOTE, LINE)
# A checkpoint signed by FiloSottile/torchwood, cmd/litewitness/testdata/mldsa.txt, with the seed it names.
TORCHWOOD_SEED = bytes.fromhex("2886adc2b0eabfce67c0472939127998bf886cf256bfee8ba76a253fce1146e0")
TORCHWOOD_NOTE = Path(__file__).parents[1] / "schemas" / "log" / "vectors" / "torchwood-ml-dsa-44.note"


def public(key: SigningKey) -> AkpJwk:
    assert isinstance(key.jwk, AkpJwk)
    return key.jwk


def sign_at(timestamp: int, key: SigningKey = WITNESS, name: str = NAME) -> NoteSignature:
    key_id = compute_key_id(name, 6, public(key).public_bytes)
    signed = key.sign(format_cosigned_message(name, timestamp, CHECKPOINT))
    return NoteSignature(name, key_id, join_timestamp(timestamp, signed))


def under_note(*lines: NoteSignature) -> bytes:
    log = parse_note(LOG_NOTE)
    return format_note(SignedNote(log.text, (*log.signatures, *lines)))


def test_a_cosigned_note_verifies_for_the_log_and_for_the_witness() -> None:
    assert NAME == "exchange.example/witness/VN-IMM"
    assert verify_checkpoint(NOTE, ORIGIN, LOG.public) == CHECKPOINT
    cosigned = verify_cosignature(NOTE, NAME, public(WITNESS))
    assert cosigned == Cosigned(CHECKPOINT, SECONDS)
    assert cosigned.time == AT


def test_the_line_is_the_public_layout() -> None:
    assert LINE.key_id == compute_key_id(NAME, 0x06, public(WITNESS).public_bytes)
    assert (len(LINE.signature), LINE.signature[:8]) == (8 + 2420, SECONDS.to_bytes(8, "big"))


def test_what_another_implementation_signed_is_read_up_to_the_time_it_does_not_bear() -> None:
    key = SigningKey(Algorithm.ML_DSA_44, TORCHWOOD_SEED)
    note = TORCHWOOD_NOTE.read_bytes()
    assert find_cosigner(note, "example.com/mldsa-log", [public(WITNESS), public(key)]) == public(key)
    with pytest.raises(BadCosignatureError, match="bears no time"):
        verify_cosignature(note, "example.com/mldsa-log", public(key))


@pytest.mark.parametrize(
    ("case", "note", "error"),
    [
        ("the log alone", LOG_NOTE, MissingCosignatureError),
        ("another witness", attach_cosignature(LOG_NOTE, sign_at(SECONDS, name="x.example")), MissingCosignatureError),
        ("by another key", attach_cosignature(LOG_NOTE, sign_at(SECONDS, OTHER)), UnknownCosignatureKeyError),
        ("by two keys", under_note(LINE, sign_at(SECONDS, OTHER)), DuplicateCosignatureError),
        ("at no time", attach_cosignature(LOG_NOTE, sign_at(0)), BadCosignatureError),
        ("after the last year", attach_cosignature(LOG_NOTE, sign_at(1 << 63)), BadCosignatureError),
        (
            "with another time than was signed",
            attach_cosignature(
                LOG_NOTE, NoteSignature(NAME, LINE.key_id, (SECONDS + 1).to_bytes(8, "big") + LINE.signature[8:])
            ),
            BadCosignatureError,
        ),
        (
            "a time without a signature",
            attach_cosignature(LOG_NOTE, NoteSignature(NAME, LINE.key_id, LINE.signature[:8])),
            BadCosignatureError,
        ),
        (
            "another checkpoint",
            attach_cosignature(sign_checkpoint(Checkpoint(ORIGIN, 6, b"r" * 32), LOG), LINE),
            BadCosignatureError,
        ),
        (
            "another epoch",
            attach_cosignature(sign_checkpoint(Checkpoint("exchange.example/2", 5, b"r" * 32), LOG), LINE),
            BadCosignatureError,
        ),
        ("one line twice", NOTE + NOTE.rpartition(b"\n\n")[2].splitlines(keepends=True)[2], NoteError),
        ("no note", b"text\n", NoteError),
    ],
)
def test_anything_but_one_line_of_this_witness_over_this_checkpoint_is_refused(
    case: str, note: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        verify_cosignature(note, NAME, public(WITNESS))


def test_a_witness_cannot_be_mistaken_for_the_log_nor_the_log_for_a_witness() -> None:
    as_log = NoteSignature(ORIGIN, LINE.key_id, LINE.signature)
    with pytest.raises(SignatureError):
        verify_checkpoint(under_note(as_log), ORIGIN, LOG.public)
    borrowed = NoteSignature(NAME, LINE.key_id, parse_note(LOG_NOTE).signatures[1].signature)
    with pytest.raises(BadCosignatureError):
        verify_cosignature(attach_cosignature(LOG_NOTE, borrowed), NAME, public(WITNESS))


def test_the_key_named_is_found_among_several() -> None:
    assert find_cosigner(NOTE, NAME, [public(OTHER), public(WITNESS)]) == public(WITNESS)
    with pytest.raises(UnknownCosignatureKeyError):
        find_cosigner(NOTE, NAME, [public(OTHER)])
    with pytest.raises(MissingCosignatureError):
        find_cosigner(LOG_NOTE, NAME, [public(WITNESS)])


def test_a_key_set_lists_its_witness_keys_and_no_other() -> None:
    member = make_member("GB")
    assert list_witness_keys(member.key_set) == (member.signers[KeyUse.WITNESS].keys[0].jwk,)


def test_a_key_of_another_algorithm_or_a_time_before_1970_cosigns_nothing() -> None:
    with pytest.raises(CosignatureError):
        cosign_checkpoint(CHECKPOINT, NAME, SigningKey(Algorithm.ED25519, b"\x05" * 32), AT)
    with pytest.raises(CosignatureError):
        cosign_checkpoint(CHECKPOINT, NAME, WITNESS, datetime(1970, 1, 1, tzinfo=UTC))


def test_attaching_replaces_the_cosignatures_of_others() -> None:
    later = cosign_checkpoint(CHECKPOINT, NAME, WITNESS, AT + timedelta(hours=1))
    names = [line.name for line in parse_note(attach_cosignature(NOTE, later)).signatures]
    assert names == [ORIGIN, ORIGIN, NAME]


@settings(max_examples=200)
@given(data=st.data())
def test_no_note_with_a_byte_of_text_or_cosignature_changed_verifies(data: st.DataObject) -> None:
    start = NOTE.index(f"— {NAME}".encode())
    position = data.draw(st.integers(0, len(parse_note(NOTE).text) - 1) | st.integers(start, len(NOTE) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != NOTE[position]))
    changed = NOTE[:position] + bytes([byte]) + NOTE[position + 1 :]
    with pytest.raises((CodecError, CosignatureError)):
        verify_cosignature(changed, NAME, public(WITNESS))


def test_the_errors_have_one_parent_and_known_codes() -> None:
    leaves = (
        MissingCosignatureError,
        DuplicateCosignatureError,
        UnknownCosignatureKeyError,
        BadCosignatureError,
    )
    assert all(issubclass(error, CosignatureError) and error.code in PROBLEMS for error in leaves)
    assert issubclass(CosignatureError, SignatureError)
