"""Which head a new epoch goes on from, and who must have spoken before a restored log may grow again."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest

from broker.epochs.errors import NotWitnessedError
from broker.epochs.rules import Shown, choose_last, read_notes, verify_nothing_lost
from broker.witnesses.rules import OwnLog
from keys.algorithms import SigningKey
from keys.cosignatures import cosign_checkpoint
from keys.encryption_keys import verify_revocation
from keys.log_keys import LogSigner, sign_checkpoint
from schemas.jwk import Algorithm
from schemas.key_documents import AgencyClass
from schemas.log.checkpoint import Checkpoint
from schemas.log.cosignature import attach_cosignature, format_witness_name
from schemas.signed import DocumentType, KeyUse
from tests.support.documents import make_revocation, sign_by
from tests.support.members import EXCHANGE, START, make_member

LOG = LogSigner(bytes([1]) * 32, bytes([2]) * 32)
OWN = OwnLog(EXCHANGE, f"{EXCHANGE}/1", LOG.public)
ROOT, OTHER_ROOT = b"r" * 32, b"s" * 32
GB, VN, OVERSIGHT = make_member("GB"), make_member("VN"), make_member("XA", agency_class=AgencyClass.OVERSIGHT)
MEMBERS = {member.agency: member.timeline for member in (GB, VN, OVERSIGHT)}
RESTORED_AT = START + timedelta(days=1)
LATER = RESTORED_AT + timedelta(minutes=1)


def find_root(size: int) -> bytes | None:
    return ROOT if size <= 10 else None


def sign(size: int, root: bytes = ROOT, origin: str = OWN.origin) -> bytes:
    return sign_checkpoint(Checkpoint(origin, size, root), LOG)


def cosign(agency: str, at: datetime, size: int = 10, key: SigningKey | None = None) -> bytes:
    signer = key or make_member(agency).signers[KeyUse.WITNESS].keys[0]
    line = cosign_checkpoint(Checkpoint(OWN.origin, size, ROOT), format_witness_name(EXCHANGE, agency), signer, at)
    return attach_cosignature(sign(size), line)


def read(*notes: bytes) -> list[Shown]:
    return read_notes([(f"note {number}", note) for number, note in enumerate(notes, start=1)], OWN, find_root)


def test_notes_are_read_the_largest_first_and_compared_with_the_database() -> None:
    shown = read(sign(3), sign(12), sign(10), sign(10, OTHER_ROOT))
    assert [(one.source, one.checkpoint.size, one.is_lost) for one in shown] == [
        ("note 2", 12, True),
        ("note 3", 10, False),
        ("note 4", 10, True),
        ("note 1", 3, False),
    ]


@pytest.mark.parametrize(
    ("note", "says"),
    [
        (b"text\n", "a note is a text"),
        (sign_checkpoint(Checkpoint(OWN.origin, 3, ROOT), LogSigner(bytes(32), bytes(32))), "note 1: no Ed25519"),
        (sign(3, origin="staging.example/1"), "expected is exchange.example/1"),
        (sign(3, origin=f"{EXCHANGE}/2"), "exchange.example/2 has begun already"),
    ],
)
def test_a_note_of_another_log_or_a_later_epoch_is_refused_by_name(note: bytes, says: str) -> None:
    with pytest.raises(NotWitnessedError, match=says):
        read(note)


def test_the_largest_head_is_the_last_whoever_shows_it() -> None:
    assert choose_last(read(sign(3), sign(12), sign(10))).source == "note 2"
    with pytest.raises(NotWitnessedError, match="no note"):
        choose_last([])


def test_of_two_histories_the_operator_chooses() -> None:
    shown = read(sign(12), sign(12, OTHER_ROOT), sign(3))
    with pytest.raises(NotWitnessedError, match="note 1 and note 2 show different logs of 12 leaves"):
        choose_last(shown)
    assert choose_last(shown, frozenset({"note 2"})).checkpoint.root == OTHER_ROOT
    with pytest.raises(NotWitnessedError):
        choose_last(shown, frozenset({"note 1", "note 2"}))
    with pytest.raises(NotWitnessedError):
        choose_last(shown, frozenset({"note 3"}))


def judge(notes: Iterable[bytes], *excused: str) -> list[str]:
    return verify_nothing_lost(read(*notes), MEMBERS, OWN, RESTORED_AT, frozenset(excused))


def test_nothing_was_lost_when_every_agency_says_so_since_the_restore() -> None:
    assert judge([cosign("GB", LATER), cosign("VN", RESTORED_AT)]) == ["GB", "VN"]
    assert judge([cosign("GB", LATER, size=3)], "VN") == ["GB"]


@pytest.mark.parametrize(
    ("case", "note"),
    [
        ("before the restore", cosign("VN", RESTORED_AT - timedelta(seconds=1))),
        ("by another key", cosign("VN", LATER, key=SigningKey(Algorithm.ML_DSA_44, bytes(32)))),
        ("by the log alone", sign(10)),
        ("by oversight, which is no agency", cosign("XA", LATER)),
    ],
)
def test_an_agency_that_has_not_spoken_is_named(case: str, note: bytes) -> None:
    with pytest.raises(NotWitnessedError, match=r"^VN cosigned nothing since 2026-11-02 00:00:00 UTC"):
        judge([cosign("GB", LATER), note])


def test_a_revoked_key_does_not_speak() -> None:
    revocation = sign_by(VN, make_revocation(VN, START, KeyUse.WITNESS), DocumentType.REVOCATION)
    revoked = VN.timeline.add_revocation(2, verify_revocation(revocation, VN.verified))
    with pytest.raises(NotWitnessedError, match=r"^VN cosigned nothing"):
        verify_nothing_lost(read(cosign("VN", LATER)), {"VN": revoked}, OWN, RESTORED_AT, frozenset())


def test_one_head_that_was_lost_outweighs_every_word() -> None:
    with pytest.raises(NotWitnessedError, match="note 3 shows a head of 12 leaves that was lost: rebase"):
        judge([cosign("GB", LATER), cosign("VN", LATER), sign(12)], "GB", "VN")


def test_only_an_agency_can_be_answered_for() -> None:
    with pytest.raises(NotWitnessedError, match="XA, ZZ: no agency"):
        judge([cosign("GB", LATER), cosign("VN", LATER)], "ZZ", "XA")
