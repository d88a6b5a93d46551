"""What the directory demands beyond each document's own checks: time, chain, and all members side by side."""

from datetime import datetime, timedelta

import pytest

from broker.directory.errors import (
    EnrolmentError,
    NotTheSignerError,
    UnknownMemberError,
    WrongExchangeError,
    WrongTimeError,
)
from broker.directory.members import Members
from broker.directory.rules import (
    MAX_REVOCATIONS,
    RECORD_TYPES,
    find_leaf_of,
    verify_enrolment,
    verify_next_revocation,
    verify_submission,
)
from keys.encryption_keys import VerifiedEncryptionKeys, VerifiedRevocation, verify_revocation
from keys.errors import EncryptionKeysError, KeyNotInForceError, KeyRevokedError, KeySetError, RevocationError
from keys.key_sets import VerifiedKeySet, sign_key_set, verify_key_set
from schemas.signed import DocumentType, KeyUse, SignedDocument
from tests.support.documents import (
    make_encryption_key,
    make_next_encryption_keys,
    make_revocation,
    sign_by,
    sign_next_key_set,
)
from tests.support.members import EXCHANGE, START, make_encryption_keys, make_member, succeed

GB, VN = make_member("GB-HO"), make_member("VN-IMM")
MEMBERS = Members().add(1, GB.verified).add(2, VN.verified)
NOON = START + timedelta(hours=12)


def submit(members: Members, document: object, kind: DocumentType, now: object = NOON) -> object:
    return verify_submission(members, document, kind, GB.agency, EXCHANGE, now)  # type: ignore[arg-type]


def test_each_kind_of_document_is_verified_as_what_it_is() -> None:
    key_set = submit(MEMBERS, sign_next_key_set(GB), DocumentType.KEY_SET)
    keys = submit(MEMBERS, GB.encryption.document, DocumentType.ENCRYPTION_KEYS)
    revocation = submit(
        MEMBERS,
        sign_by(GB, make_revocation(GB, NOON, KeyUse.MESSAGE), DocumentType.REVOCATION),
        DocumentType.REVOCATION,
    )

    assert isinstance(key_set, VerifiedKeySet)
    assert isinstance(keys, VerifiedEncryptionKeys)
    assert isinstance(revocation, VerifiedRevocation)


def test_a_member_speaks_for_itself_at_this_exchange_only() -> None:
    with pytest.raises(NotTheSignerError) as caught:
        verify_submission(MEMBERS, sign_next_key_set(VN), DocumentType.KEY_SET, GB.agency, EXCHANGE, NOON)
    assert caught.value.concerns == ("VN-IMM",)
    assert str(caught.value) == "agency: the document is of VN-IMM, the caller is GB-HO"
    with pytest.raises(
        WrongExchangeError, match=f"^exchange: the document is for {EXCHANGE}, this is another.example$"
    ):
        verify_submission(MEMBERS, sign_next_key_set(GB), DocumentType.KEY_SET, GB.agency, "another.example", NOON)
    with pytest.raises(UnknownMemberError):
        submit(Members(), sign_next_key_set(GB), DocumentType.KEY_SET)


def test_an_accepted_document_is_found_by_its_digest() -> None:
    revocation = verify_revocation(
        sign_by(GB, make_revocation(GB, NOON, KeyUse.MESSAGE), DocumentType.REVOCATION), GB.verified
    )
    members = MEMBERS.add(7, GB.encryption).add(8, revocation)

    assert find_leaf_of(members, GB.agency, DocumentType.KEY_SET, GB.verified.digest) == 1
    assert find_leaf_of(members, GB.agency, DocumentType.REVOCATION, revocation.digest) == 8
    assert find_leaf_of(members, GB.agency, DocumentType.ENCRYPTION_KEYS, GB.encryption.digest) == 7
    assert find_leaf_of(members, VN.agency, DocumentType.KEY_SET, GB.verified.digest) is None
    assert find_leaf_of(members, "ZZ-NOBODY", DocumentType.KEY_SET, GB.verified.digest) is None


AHEAD = NOON + timedelta(minutes=5)


@pytest.mark.parametrize("kind", list(RECORD_TYPES))
def test_nothing_is_made_more_than_five_minutes_ahead(kind: DocumentType) -> None:
    def make(issued_at: datetime) -> SignedDocument:
        if kind is DocumentType.KEY_SET:
            return sign_next_key_set(GB, issued_at=issued_at)
        if kind is DocumentType.REVOCATION:
            return sign_by(GB, make_revocation(GB, issued_at, KeyUse.MESSAGE), kind)
        return sign_by(GB, make_next_encryption_keys(GB, issued_at, seq=1, prev=None), kind)

    submit(MEMBERS, make(AHEAD), kind)
    with pytest.raises(WrongTimeError) as caught:
        submit(MEMBERS, make(AHEAD + timedelta(seconds=1)), kind)
    assert str(caught.value) == "issued_at: it lies more than 5 minutes ahead; compare the clocks"


def test_no_link_of_an_enrolment_is_made_ahead_either() -> None:
    chain = [GB.verified.document, sign_next_key_set(GB, issued_at=AHEAD + timedelta(seconds=1))]

    with pytest.raises(WrongTimeError, match="5 minutes ahead"):
        verify_enrolment(Members(), chain, EXCHANGE, NOON)


def test_a_key_set_is_taken_up_to_the_second_before_it_expires() -> None:
    short = sign_next_key_set(GB, expires_at=NOON)

    submit(MEMBERS, short, DocumentType.KEY_SET, NOON - timedelta(seconds=1))
    with pytest.raises(KeySetError, match=r"^expires_at: the key set has expired$"):
        submit(MEMBERS, short, DocumentType.KEY_SET)


def test_no_key_set_has_what_stands_in_another_members() -> None:
    with pytest.raises(KeySetError, match=r"^keys: a key stands in the key set of VN-IMM as well$"):
        submit(MEMBERS, sign_next_key_set(GB, tls_ca=VN.key_set.tls_ca), DocumentType.KEY_SET)


def test_a_member_revokes_its_own_keys_alone_and_is_told_which_one_is_not() -> None:
    mine, foreign = (member.signers[KeyUse.MESSAGE].kids[0] for member in (GB, VN))
    revocation = make_revocation(GB, NOON, kids=(mine, foreign))

    with pytest.raises(RevocationError, match=r"^kids\.1: no key set of GB-HO has this key$"):
        submit(MEMBERS, sign_by(GB, revocation, DocumentType.REVOCATION), DocumentType.REVOCATION)


def test_encryption_keys_need_a_key_set_in_force_and_a_revocation_does_not() -> None:
    """What only takes away must not fail because a key set ran out."""
    late = START + timedelta(days=366)
    keys = make_next_encryption_keys(GB, late, seq=1, prev=None)
    revocation = make_revocation(GB, late, KeyUse.MESSAGE)

    with pytest.raises(KeyNotInForceError, match="expired"):
        submit(MEMBERS, sign_by(GB, keys, DocumentType.ENCRYPTION_KEYS), DocumentType.ENCRYPTION_KEYS, late)
    submit(MEMBERS, sign_by(GB, revocation, DocumentType.REVOCATION), DocumentType.REVOCATION, late)


def test_encryption_keys_that_come_too_late_keep_their_chain_going_and_are_current_for_nobody() -> None:
    """Otherwise an agency that was away for 45 days could never publish a key again: its next document names this."""
    late = START + timedelta(days=46)
    (kid,) = (key.kid for key in GB.encryption.encryption_keys.keys)

    taken = submit(MEMBERS, GB.encryption.document, DocumentType.ENCRYPTION_KEYS, late)
    assert isinstance(taken, VerifiedEncryptionKeys)
    members = MEMBERS.add(3, taken)
    with pytest.raises(KeyNotInForceError):
        members.find(GB.agency).find_encryption_key(kid, 3, late)
    following = make_next_encryption_keys(GB, late, seq=2, prev=GB.encryption.digest)
    submit(members, sign_by(GB, following, DocumentType.ENCRYPTION_KEYS), DocumentType.ENCRYPTION_KEYS, late)


def test_a_key_that_had_ended_when_its_document_was_made_is_refused() -> None:
    late = START + timedelta(days=45)
    fresh, last = make_encryption_key(late, bytes(32)), GB.encryption.encryption_keys.keys[0]
    ended = make_next_encryption_keys(GB, late, seq=1, prev=None, keys=(fresh, last))

    with pytest.raises(EncryptionKeysError, match=r"^keys\.1: the key had ended before the document was made$"):
        submit(MEMBERS, sign_by(GB, ended, DocumentType.ENCRYPTION_KEYS), DocumentType.ENCRYPTION_KEYS, late)


def test_an_encryption_key_has_one_owner_for_ever() -> None:
    """Even one that VN has replaced since."""
    taken = make_encryption_keys(GB.verified, GB.signers[KeyUse.ROTATION], VN.opening_key)

    with pytest.raises(EncryptionKeysError, match=r"^keys\.0: the key is another member's$"):
        submit(MEMBERS.add(3, VN.encryption), taken.document, DocumentType.ENCRYPTION_KEYS)


def test_a_revoked_rotation_key_is_silent() -> None:
    own = sign_by(GB, make_revocation(GB, NOON, KeyUse.ROTATION), DocumentType.REVOCATION)
    members = MEMBERS.add(3, verify_revocation(own, GB.verified))

    more = sign_by(GB, make_revocation(GB, NOON, KeyUse.MESSAGE), DocumentType.REVOCATION)

    with pytest.raises(KeyRevokedError):
        submit(members, GB.encryption.document, DocumentType.ENCRYPTION_KEYS)
    with pytest.raises(KeyRevokedError):
        submit(members, more, DocumentType.REVOCATION)


def test_revocations_have_a_number_at_which_a_new_key_set_is_due() -> None:
    document = sign_by(GB, make_revocation(GB, NOON, KeyUse.MESSAGE), DocumentType.REVOCATION)
    members, verified = MEMBERS, verify_revocation(document, GB.verified)
    for index in range(MAX_REVOCATIONS):
        members = members.add(10 + index, verified)

    with pytest.raises(RevocationError, match=r"^256 revocations stand already: sign a new key set instead$"):
        verify_next_revocation(members, document)


def test_an_enrolment_is_the_chain_from_its_beginning() -> None:
    second = sign_next_key_set(GB)
    first = GB.verified.document

    assert len(verify_enrolment(Members(), [first], EXCHANGE, NOON)) == 1
    assert len(verify_enrolment(Members(), [first, second], EXCHANGE, NOON)) == 2
    assert [one.key_set.seq for one in verify_enrolment(MEMBERS, [first, second], EXCHANGE, NOON)] == [2]
    assert verify_enrolment(MEMBERS, [first], EXCHANGE, NOON) == ()
    with pytest.raises(KeySetError):
        verify_enrolment(Members(), [second], EXCHANGE, NOON)
    with pytest.raises(KeySetError):
        verify_enrolment(Members(), [first, VN.verified.document], EXCHANGE, NOON)
    with pytest.raises(EnrolmentError, match=r"^key_sets\.0: another key set 1 of GB-HO is enrolled already$"):
        verify_enrolment(MEMBERS, [second], EXCHANGE, NOON)


def test_of_an_enrolled_chain_only_the_newest_set_must_not_have_expired() -> None:
    """A node that was away for a year comes back with a set that it could never publish, and one after it."""
    key_set = succeed(GB, expires_at=NOON + timedelta(days=1))
    short = verify_key_set(sign_key_set(key_set, GB.roots[:2]), GB.verified, exchange=EXCHANGE, now=NOON)
    late = NOON + timedelta(days=2)
    fresh = key_set.model_copy(
        update={"seq": 3, "prev": short.digest, "issued_at": late, "expires_at": late + timedelta(days=1)}
    )
    chain = [GB.verified.document, short.document, sign_key_set(fresh, GB.roots[:2])]

    assert [one.key_set.seq for one in verify_enrolment(MEMBERS, chain, EXCHANGE, late)] == [2, 3]
    with pytest.raises(KeySetError, match="has expired"):
        verify_enrolment(MEMBERS, chain[:2], EXCHANGE, late)


def test_members_are_values() -> None:
    grown = MEMBERS.add(3, GB.encryption)

    assert MEMBERS.get("GB-HO") is not grown.get("GB-HO")
    assert MEMBERS.encryption_key_owners == {}
    assert grown.encryption_key_owners == {GB.opening_key.kid: "GB-HO"}
    assert (MEMBERS.last_index, grown.last_index) == (2, 3)
    assert grown.authorities is MEMBERS.authorities
    with pytest.raises(UnknownMemberError):
        MEMBERS.find("ZZ-NOBODY")
