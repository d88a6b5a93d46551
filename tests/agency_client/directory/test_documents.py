"""A key document from the log is believed only as the next of its agency's chain, under the name it really has."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from agency_client.directory.documents import (
    KEY_RECORDS,
    VerifiedKeyDocument,
    add_document,
    find_rival,
    get_sequence,
    rebuild_timeline,
    verify_key_record,
    verify_not_shared,
)
from agency_client.epochs.places import LEAVES_AN_EPOCH
from keys.encryption_keys import VerifiedEncryptionKeys, VerifiedRevocation
from keys.errors import CertificateError, EncryptionKeysError, KeyNotInForceError, KeyRevokedError, KeySetError
from keys.key_sets import VerifiedKeySet, sign_key_set
from keys.timeline import MemberTimeline
from schemas.api import LoggedRecord
from schemas.codec import TooLargeError, b64u_encode
from schemas.key_documents import MAX_KEY_DOCUMENT_BYTES
from schemas.model import DocumentError
from schemas.signed import DocumentType, KeyUse, SignedDocument
from tests.support.documents import make_next_encryption_keys, make_revocation, sign_by, sign_next_key_set
from tests.support.log_simulator import LogSimulator
from tests.support.members import EXCHANGE, START, Member, make_key_set, make_member

VN, BE = make_member("VN"), make_member("BE")
DAY = timedelta(days=1)
KEY_SET, ENCRYPTION_KEYS, REVOCATION = DocumentType.KEY_SET, DocumentType.ENCRYPTION_KEYS, DocumentType.REVOCATION
FIRST = VN.verified.document
FIRST_KEYS = VN.encryption.document
SECOND = sign_next_key_set(VN, name="New name")
SECOND_KEYS = sign_by(VN, make_next_encryption_keys(VN, START + DAY), ENCRYPTION_KEYS)
LOST = make_revocation(VN, START, KeyUse.MESSAGE)


def log(
    document: SignedDocument,
    document_type: DocumentType,
    *,
    index: int = 5,
    agency: str = "VN",
    at: datetime = START + DAY,
    **changes: Any,
) -> LoggedRecord:
    """Return the record of a document at a leaf."""
    logged = LogSimulator().append_document(agency, document_type, document, at, **changes)
    return logged.model_copy(update={"index": index})


def verify(logged: LoggedRecord, timeline: MemberTimeline | None = VN.timeline) -> VerifiedKeyDocument:
    return verify_key_record(logged, timeline, exchange=EXCHANGE)


def find(logged: LoggedRecord, timeline: MemberTimeline = VN.timeline) -> SignedDocument | None:
    return find_rival(logged, timeline, exchange=EXCHANGE)


# What is believed.


def test_three_kinds_of_record_carry_a_key_document() -> None:
    assert {record.value: document.value for record, document in KEY_RECORDS.items()} == {
        "key-set": "bilateral-key-set",
        "encryption-keys": "bilateral-encryption-keys",
        "revocation": "bilateral-revocation",
    }


def test_the_first_document_of_an_agency_is_a_key_set() -> None:
    verified = verify(log(FIRST, KEY_SET), None)

    assert isinstance(verified, VerifiedKeySet)
    assert verified.key_set == VN.verified.key_set
    assert verified.judged_at == START + DAY, "the time of its leaf"
    assert get_sequence(verified) == 1
    assert add_document(None, 5, verified) == MemberTimeline(((5, verified),))


def test_each_kind_of_document_takes_its_own_place() -> None:
    key_set = verify(log(SECOND, KEY_SET))
    keys = verify(log(SECOND_KEYS, ENCRYPTION_KEYS))
    revocation = verify(log(sign_by(VN, LOST, REVOCATION), REVOCATION))
    assert isinstance(key_set, VerifiedKeySet)
    assert isinstance(keys, VerifiedEncryptionKeys)
    assert isinstance(revocation, VerifiedRevocation)

    assert add_document(VN.timeline, 5, key_set) == VN.timeline.add_key_set(5, key_set)
    assert add_document(VN.timeline, 6, keys) == VN.timeline.add_encryption_keys(6, keys)
    assert add_document(VN.timeline, 7, revocation) == VN.timeline.add_revocation(7, revocation)
    assert [get_sequence(verified) for verified in (key_set, keys, revocation)] == [2, 2, None]
    assert revocation.revocation == LOST


def test_a_timeline_is_rebuilt_in_the_order_of_the_leaves() -> None:
    records = [
        log(sign_by(VN, LOST, REVOCATION), REVOCATION, index=9),
        log(FIRST_KEYS, ENCRYPTION_KEYS, index=4),
        log(SECOND, KEY_SET, index=8),
        log(FIRST, KEY_SET, index=3),
    ]

    timeline = rebuild_timeline(records, exchange=EXCHANGE)

    assert timeline is not None
    assert [index for index, _ in timeline.key_sets] == [3, 8]
    assert timeline.encryption_keys == ((4, VN.encryption),)
    assert [index for index, _ in timeline.revocations] == [9]
    assert rebuild_timeline([], exchange=EXCHANGE) is None


# What is not.


def test_before_its_key_set_an_agency_publishes_nothing() -> None:
    with pytest.raises(KeyNotInForceError, match=r"^VN has no key set yet$"):
        verify(log(FIRST_KEYS, ENCRYPTION_KEYS), None)


def test_a_document_that_does_not_continue_its_chain_is_not_believed() -> None:
    with pytest.raises(KeySetError, match="does not follow"):
        verify(log(FIRST, KEY_SET))
    with pytest.raises(EncryptionKeysError):
        verify(log(FIRST_KEYS, ENCRYPTION_KEYS))


def test_a_key_set_of_another_exchange_is_not_believed() -> None:
    with pytest.raises(KeySetError, match="exchange"):
        verify_key_record(log(FIRST, KEY_SET), None, exchange="staging.example")


def test_a_document_is_judged_at_the_time_of_its_leaf() -> None:
    after = VN.key_set.expires_at
    keys = sign_by(VN, make_next_encryption_keys(VN, after - DAY), ENCRYPTION_KEYS)

    verify(log(keys, ENCRYPTION_KEYS, at=after - timedelta(seconds=1)))
    with pytest.raises(KeyNotInForceError, match="has expired"):
        verify(log(keys, ENCRYPTION_KEYS, at=after))


@pytest.mark.parametrize(
    ("document", "document_type"),
    [(SECOND_KEYS, ENCRYPTION_KEYS), (sign_by(VN, LOST, REVOCATION), REVOCATION)],
    ids=["encryption keys", "a revocation"],
)
def test_a_revoked_rotation_key_publishes_nothing_after_its_leaf(
    document: SignedDocument, document_type: DocumentType
) -> None:
    stolen = sign_by(VN, make_revocation(VN, START, KeyUse.ROTATION), REVOCATION)
    revocation = verify(log(stolen, REVOCATION))
    assert isinstance(revocation, VerifiedRevocation)
    timeline = VN.timeline.add_revocation(6, revocation)

    verify(log(document, document_type, index=5), timeline)
    with pytest.raises(KeyRevokedError):
        verify(log(document, document_type, index=6), timeline)


@pytest.mark.parametrize(
    ("document", "document_type"),
    [(SECOND, KEY_SET), (SECOND_KEYS, ENCRYPTION_KEYS), (sign_by(VN, LOST, REVOCATION), REVOCATION)],
    ids=["a key set", "encryption keys", "a revocation"],
)
@pytest.mark.parametrize("change", [{"agency": "BE"}, {"digest": "A" * 43}], ids=["agency", "digest"])
def test_a_record_under_another_name_is_not_believed(
    document: SignedDocument, document_type: DocumentType, change: dict[str, Any]
) -> None:
    verify(log(document, document_type))
    with pytest.raises(KeySetError) as refusal:
        verify(log(document, document_type, **change))

    assert str(refusal.value) == "agency: the record names another agency or digest than the document it carries"


def test_a_record_without_its_document_proves_nothing() -> None:
    logged = log(FIRST, KEY_SET)
    bare = logged.model_copy(update={"record": logged.record.model_copy(update={"document": None})})

    with pytest.raises(KeySetError, match=r"^document: the record carries none$"):
        verify(bare, None)
    assert find(bare) is None


@pytest.mark.parametrize("read", [verify, find], ids=["verify", "find_rival"])
def test_encryption_keys_of_more_bytes_than_allowed_are_not_read(read: Callable[[LoggedRecord], object]) -> None:
    longest = b'"' + b"x" * (MAX_KEY_DOCUMENT_BYTES - 2) + b'"'
    fitting, larger = (
        log(SignedDocument(payload=b64u_encode(payload), signatures=SECOND_KEYS.signatures), ENCRYPTION_KEYS)
        for payload in (longest, longest + b" ")
    )

    if read is find:
        assert read(fitting) is read(larger) is None
        return
    with pytest.raises(DocumentError):
        read(fitting)
    with pytest.raises(TooLargeError):
        read(larger)


# What a log has once more that another one had before it.


@pytest.mark.parametrize(
    ("document", "document_type", "known", "error"),
    [
        (FIRST, KEY_SET, None, CertificateError),
        (SECOND_KEYS, ENCRYPTION_KEYS, VN.timeline, KeyNotInForceError),
    ],
    ids=["a key set", "encryption keys"],
)
def test_what_was_issued_before_its_log_was_opened_is_judged_by_its_own_time(
    document: SignedDocument, document_type: DocumentType, known: MemberTimeline | None, error: type[Exception]
) -> None:
    opened_at = START + 450 * DAY  # the key set and its CA have ended
    again = log(document, document_type, index=LEAVES_AN_EPOCH, at=opened_at)

    verify_key_record(again, known, exchange=EXCHANGE, openings={2: opened_at})
    for openings in ({}, {1: opened_at}, {2: START}):
        with pytest.raises(error):
            verify_key_record(again, known, exchange=EXCHANGE, openings=openings)


def test_what_has_ended_since_is_rebuilt_by_its_own_time_in_a_log_that_carries_it_over() -> None:
    opened_at = START + 800 * DAY
    renewed = sign_next_key_set(VN, issued_at=START + 300 * DAY)
    chain = ((FIRST, KEY_SET), (FIRST_KEYS, ENCRYPTION_KEYS), (renewed, KEY_SET))
    records = [
        log(document, kind, index=LEAVES_AN_EPOCH + at, at=opened_at) for at, (document, kind) in enumerate(chain)
    ]

    timeline = rebuild_timeline(records, exchange=EXCHANGE, openings={2: opened_at})

    assert timeline is not None
    assert [index for index, _ in timeline.key_sets] == [LEAVES_AN_EPOCH, LEAVES_AN_EPOCH + 2]
    assert timeline.encryption_keys == ((LEAVES_AN_EPOCH + 1, VN.encryption),)
    for openings in ({}, {2: START - DAY}, {1: opened_at}):
        with pytest.raises((CertificateError, KeyNotInForceError)):
            rebuild_timeline(records, exchange=EXCHANGE, openings=openings)


def test_what_is_issued_after_the_opening_is_judged_by_its_leaf() -> None:
    opened_at, late = START + 200 * DAY, START + 500 * DAY
    keys = sign_by(VN, make_next_encryption_keys(VN, opened_at), ENCRYPTION_KEYS)

    with pytest.raises(KeyNotInForceError, match="expired"):
        verify_key_record(
            log(keys, ENCRYPTION_KEYS, index=LEAVES_AN_EPOCH, at=late),
            VN.timeline,
            exchange=EXCHANGE,
            openings={2: opened_at},
        )


# Keys of two agencies.


def test_an_encryption_key_that_is_another_agencys_is_refused() -> None:
    copied = make_next_encryption_keys(BE, START + DAY, keys=VN.encryption.encryption_keys.keys)
    theirs = verify(log(sign_by(BE, copied, ENCRYPTION_KEYS), ENCRYPTION_KEYS, agency="BE"), BE.timeline)

    verify_not_shared(theirs, [BE.timeline])
    verify_not_shared(VN.encryption, [VN.timeline, BE.timeline])
    with pytest.raises(EncryptionKeysError, match=r"^keys: a key is one of VN as well$"):
        verify_not_shared(theirs, [BE.timeline, VN.timeline])


def test_a_key_set_with_a_key_of_another_agency_is_refused_and_a_revocation_shares_none() -> None:
    copied = verify(log(sign_next_key_set(BE, tls_ca=VN.key_set.tls_ca), KEY_SET, agency="BE"), BE.timeline)
    lost = verify(log(sign_by(VN, LOST, REVOCATION), REVOCATION))

    with pytest.raises(KeySetError, match="VN"):
        verify_not_shared(copied, [BE.timeline, VN.timeline])
    verify_not_shared(lost, [VN.timeline, BE.timeline])


# Two documents for one number.


def sign_first_keys(member: Member = VN) -> SignedDocument:
    """Return another document of encryption keys with number 1, in VN's name."""
    keys = VN.encryption.encryption_keys.model_copy(update={"issued_at": START - timedelta(hours=1)})
    return sign_by(member, keys, ENCRYPTION_KEYS)


OTHER_SECOND = sign_next_key_set(VN, name="Another name")
OTHER_KEYS = sign_by(VN, make_next_encryption_keys(VN, START + 2 * DAY), ENCRYPTION_KEYS)
OTHER_FIRST = sign_key_set(VN.key_set.model_copy(update={"name": "Another name"}), VN.roots[:2])
FALSE_FIRST = sign_key_set(make_key_set("VN", BE.roots, BE.signers), BE.roots[:2])
WHOLE = add_document(VN.timeline, 5, verify(log(SECOND, KEY_SET)))
WHOLE = add_document(WHOLE, 6, verify(log(SECOND_KEYS, ENCRYPTION_KEYS)))
RIVALS: dict[str, tuple[SignedDocument, DocumentType, SignedDocument]] = {
    "a first key set by the same roots": (OTHER_FIRST, KEY_SET, FIRST),
    "a second key set": (OTHER_SECOND, KEY_SET, SECOND),
    "first encryption keys": (sign_first_keys(), ENCRYPTION_KEYS, FIRST_KEYS),
    "second encryption keys": (OTHER_KEYS, ENCRYPTION_KEYS, SECOND_KEYS),
}
NO_RIVALS: dict[str, tuple[SignedDocument, DocumentType, MemberTimeline]] = {
    "the known first key set": (FIRST, KEY_SET, WHOLE),
    "the known second key set": (SECOND, KEY_SET, WHOLE),
    "the known encryption keys": (SECOND_KEYS, ENCRYPTION_KEYS, WHOLE),
    "a key set of a number that is not known": (SECOND, KEY_SET, VN.timeline),
    "encryption keys of a number that is not known": (SECOND_KEYS, ENCRYPTION_KEYS, VN.timeline),
    "a first key set by other roots": (FALSE_FIRST, KEY_SET, WHOLE),
    "a first key set of another agency": (BE.verified.document, KEY_SET, WHOLE),
    "a second key set that another's roots signed": (sign_next_key_set(VN, *BE.roots[:2]), KEY_SET, WHOLE),
    "encryption keys that another signed": (sign_first_keys(BE), ENCRYPTION_KEYS, WHOLE),
    "a revocation": (sign_by(VN, LOST, REVOCATION), REVOCATION, WHOLE),
}


@pytest.mark.parametrize(("document", "document_type", "rival"), RIVALS.values(), ids=RIVALS)
def test_two_documents_under_one_number_contradict_each_other(
    document: SignedDocument, document_type: DocumentType, rival: SignedDocument
) -> None:
    assert find(log(document, document_type), WHOLE) == rival


@pytest.mark.parametrize(("document", "document_type", "timeline"), NO_RIVALS.values(), ids=NO_RIVALS)
def test_no_proof_against_an_agency_is(
    document: SignedDocument, document_type: DocumentType, timeline: MemberTimeline
) -> None:
    assert find(log(document, document_type), timeline) is None
