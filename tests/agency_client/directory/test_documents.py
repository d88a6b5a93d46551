"""Key documents as the next of their chains: at their leaf's time, or their own where a log carries them over."""

from datetime import datetime, timedelta

import pytest

from agency_client.directory.documents import rebuild_timeline
from agency_client.epochs.places import compute_place
from keys.encryption_keys import verify_encryption_keys
from keys.errors import CertificateError, KeyNotInForceError
from keys.key_sets import sign_key_set, verify_key_set
from schemas.api import LoggedRecord
from schemas.codec import b64u_encode
from schemas.log.records import Record, RecordType
from schemas.model import format_timestamp
from schemas.signed import KeyUse, SignedDocument
from tests.support.members import EXCHANGE, START, make_encryption_keys, make_member, succeed

YEARS_LATER = START + timedelta(days=800)
SECOND = f"{EXCHANGE}/2"
GB = make_member("GB")
_RENEWED = sign_key_set(succeed(GB, issued_at=START + timedelta(days=300)), GB.roots[:2])
RENEWED = verify_key_set(_RENEWED, GB.verified, exchange=EXCHANGE, now=START + timedelta(days=300))


def log(record_type: RecordType, document: SignedDocument, digest: str, index: int, at: datetime) -> LoggedRecord:
    wire = {"v": 1, "type": record_type.value, "time": format_timestamp(at), "concerns": ["GB"], "agency": "GB"}
    record = Record.from_wire(wire | {"digest": digest, "document": document.to_wire()})
    return LoggedRecord(index=compute_place(SECOND, index), record=record, salt=b64u_encode(bytes(32)))


def carry_over(at: datetime) -> list[LoggedRecord]:
    """Return GB's chain as a log of the second epoch has it, every leaf at one time."""
    documents = (
        (RecordType.KEY_SET, GB.verified.document, GB.verified.digest),
        (RecordType.ENCRYPTION_KEYS, GB.encryption.document, GB.encryption.digest),
        (RecordType.KEY_SET, RENEWED.document, RENEWED.digest),
    )
    return [log(*document, index, at) for index, document in enumerate(documents, start=1)]


def test_what_has_ended_since_is_judged_by_its_own_time_in_a_log_that_carries_it_over() -> None:
    timeline = rebuild_timeline(carry_over(YEARS_LATER), exchange=EXCHANGE, openings={2: YEARS_LATER})
    assert timeline is not None
    assert [index for index, _ in timeline.key_sets] == [compute_place(SECOND, 1), compute_place(SECOND, 3)]
    assert timeline.newest_encryption_keys == verify_encryption_keys(GB.encryption.document, GB.verified, None)


def test_in_any_other_log_it_is_judged_by_its_leaf() -> None:
    for openings in ({}, {2: START - timedelta(days=1)}, {1: YEARS_LATER}):
        with pytest.raises((CertificateError, KeyNotInForceError)):
            rebuild_timeline(carry_over(YEARS_LATER), exchange=EXCHANGE, openings=openings)


def test_what_is_issued_after_the_opening_is_judged_by_its_leaf() -> None:
    opened_at, late = START + timedelta(days=200), START + timedelta(days=500)
    encryption = make_encryption_keys(GB.verified, GB.signers[KeyUse.ROTATION], GB.opening_key, not_before=opened_at)
    records = [
        log(RecordType.KEY_SET, GB.verified.document, GB.verified.digest, 1, opened_at),
        log(RecordType.ENCRYPTION_KEYS, encryption.document, encryption.digest, 2, late),
    ]
    with pytest.raises(KeyNotInForceError, match="expired"):
        rebuild_timeline(records, exchange=EXCHANGE, openings={2: opened_at})
