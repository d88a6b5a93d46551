"""Which key was good at which leaf and moment."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from keys.encryption_keys import VerifiedRevocation, sign_revocation, verify_revocation
from keys.errors import KeyNotInForceError, KeyRevokedError, KeySetError
from keys.key_sets import make_operational_key, sign_key_set, verify_key_set
from keys.timeline import RECEIPT_KEYS_LAST, REPLACED_KEYS_LAST, MemberTimeline
from schemas.key_documents import AgencyClass, Revocation
from schemas.signed import KeyUse
from tests.support.members import EXCHANGE, START, make_member, make_signer, succeed

GB = make_member("GB")
KIDS = GB.signers[KeyUse.MESSAGE].kids
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def revoke(*kids: str, effective_from: object = START) -> VerifiedRevocation:
    revocation = Revocation.model_validate(
        {
            "v": 1,
            "exchange": EXCHANGE,
            "agency": "GB",
            "kids": kids,
            "effective_from": effective_from,
            "issued_at": START + DAY,
            "reason": "laptop-lost",
        }
    )
    return verify_revocation(sign_revocation(revocation, GB.signers[KeyUse.ROTATION]), GB.verified)


def test_the_key_in_force_is_found() -> None:
    assert GB.timeline.find_signing_keys(KeyUse.MESSAGE, KIDS, 5, START + DAY) == GB.signers[KeyUse.MESSAGE].jwks
    assert (GB.timeline.agency, GB.timeline.agency_class) == ("GB", AgencyClass.AGENCY)
    assert GB.timeline.newest_key_set is GB.verified
    assert GB.timeline.newest_encryption_keys is GB.encryption


def test_before_its_leaf_there_is_no_key_set() -> None:
    later = MemberTimeline(((10, GB.verified),))
    assert later.newest_encryption_keys is None
    with pytest.raises(KeyNotInForceError, match="no key set yet"):
        later.find_signing_keys(KeyUse.MESSAGE, KIDS, 9, START + DAY)


def test_an_expired_key_set_signs_nothing() -> None:
    with pytest.raises(KeyNotInForceError, match="expired"):
        GB.timeline.find_signing_keys(KeyUse.MESSAGE, KIDS, 5, GB.key_set.expires_at)


def test_a_key_left_out_of_the_next_set_is_good_before_it_and_not_after() -> None:
    new = make_operational_key(EXCHANGE, "GB", KeyUse.MESSAGE, make_signer("GB", KeyUse.MESSAGE, 1))
    others = tuple(key for key in GB.key_set.keys if key.use is not KeyUse.MESSAGE)
    document = sign_key_set(succeed(GB, keys=(new, *others)), GB.roots[:2])
    second = verify_key_set(document, GB.verified, exchange=EXCHANGE, now=START + DAY)
    timeline = GB.timeline.add_key_set(20, second)
    timeline.find_signing_keys(KeyUse.MESSAGE, KIDS, 19, START + DAY)
    timeline.find_signing_keys(KeyUse.MESSAGE, new.kids, 20, START + DAY)
    with pytest.raises(KeySetError, match="no such"):
        timeline.find_signing_keys(KeyUse.MESSAGE, KIDS, 20, START + DAY)


def test_a_revocation_counts_from_its_leaf_on() -> None:
    timeline = GB.timeline.add_revocation(20, revoke(KIDS[0]))
    timeline.find_signing_keys(KeyUse.MESSAGE, KIDS, 19, START + DAY)
    with pytest.raises(KeyRevokedError, match="laptop-lost"):
        timeline.find_signing_keys(KeyUse.MESSAGE, KIDS, 20, START + DAY)
    timeline.find_signing_keys(KeyUse.RECEIPT, GB.signers[KeyUse.RECEIPT].kids, 20, START + DAY)


def test_a_key_is_good_for_what_it_signed_while_its_key_set_was_in_force() -> None:
    new = make_operational_key(EXCHANGE, "GB", KeyUse.MESSAGE, make_signer("GB", KeyUse.MESSAGE, 1))
    others = tuple(key for key in GB.key_set.keys if key.use is not KeyUse.MESSAGE)
    document = sign_key_set(succeed(GB, keys=(new, *others), issued_at=START + DAY), GB.roots[:2])
    timeline = GB.timeline.add_key_set(20, verify_key_set(document, GB.verified, exchange=EXCHANGE, now=START + DAY))
    jwks = GB.signers[KeyUse.MESSAGE].jwks
    last = START + DAY + REPLACED_KEYS_LAST - SECOND
    for signed_at in (START, START + 2 * DAY, last):
        assert timeline.find_keys_when_signed(KeyUse.MESSAGE, KIDS, 99, signed_at) == jwks
    timeline.find_keys_when_signed(KeyUse.MESSAGE, new.kids, 99, START + DAY)
    refused = (
        (KeyUse.MESSAGE, KIDS, START - SECOND),
        (KeyUse.MESSAGE, KIDS, last + SECOND),
        (KeyUse.MESSAGE, new.kids, START + DAY - SECOND),
        (KeyUse.MESSAGE, KIDS[::-1], START),
        (KeyUse.RECEIPT, KIDS, START),
    )
    for use, kids, signed_at in refused:
        with pytest.raises(KeyNotInForceError, match=f"^no key set of GB in force then has such a {use.value} key$"):
            timeline.find_keys_when_signed(use, kids, 99, signed_at)


def test_the_newest_set_and_a_replaced_one_end_with_their_days() -> None:
    assert GB.timeline.find_keys_when_signed(KeyUse.MESSAGE, KIDS, 99, GB.key_set.expires_at - SECOND)
    with pytest.raises(KeyNotInForceError):
        GB.timeline.find_keys_when_signed(KeyUse.MESSAGE, KIDS, 99, GB.key_set.expires_at)
    replaced = replace_receipt_key(at=GB.key_set.expires_at - DAY)
    kids = GB.signers[KeyUse.RECEIPT].kids
    assert replaced.find_keys_when_signed(KeyUse.RECEIPT, kids, 99, GB.key_set.expires_at - SECOND)
    with pytest.raises(KeyNotInForceError):
        replaced.find_keys_when_signed(KeyUse.RECEIPT, kids, 99, GB.key_set.expires_at)


def replace_receipt_key(*, at: datetime) -> MemberTimeline:
    """Return GB with a second key set at leaf 20, which has another receipt key."""
    new = make_operational_key(EXCHANGE, "GB", KeyUse.RECEIPT, make_signer("GB", KeyUse.RECEIPT, 1))
    others = tuple(key for key in GB.key_set.keys if key.use is not KeyUse.RECEIPT)
    key_set = succeed(GB, keys=(new, *others), issued_at=at, expires_at=at + 365 * DAY)
    return GB.timeline.add_key_set(
        20, verify_key_set(sign_key_set(key_set, GB.roots[:2]), GB.verified, exchange=EXCHANGE, now=at)
    )


def test_receipts_under_way_when_their_key_was_replaced_still_count() -> None:
    """The exchange sees no signature of a receipt, so it may log one just behind the key set that replaces its key."""
    at, kids = START + DAY, GB.signers[KeyUse.RECEIPT].kids
    timeline = replace_receipt_key(at=at)
    jwks = GB.signers[KeyUse.RECEIPT].jwks
    for index, time in ((19, at + 100 * DAY), (20, at), (99, at + RECEIPT_KEYS_LAST - SECOND)):
        assert timeline.find_receipt_keys(kids, index, time) == jwks
    assert timeline.find_receipt_keys(make_signer("GB", KeyUse.RECEIPT, 1).kids, 20, at)
    with pytest.raises(KeySetError, match="no such receipt key"):
        timeline.find_receipt_keys(kids, 20, at + RECEIPT_KEYS_LAST)
    with pytest.raises(KeySetError, match="no such receipt key"):
        timeline.find_receipt_keys(KIDS, 20, at)
    with pytest.raises(KeySetError, match="no such"):
        timeline.find_signing_keys(KeyUse.RECEIPT, kids, 20, at)


def test_a_receipt_key_of_a_first_set_of_an_ended_one_or_a_revoked_one_does_not_last() -> None:
    at, kids = GB.key_set.expires_at - SECOND, GB.signers[KeyUse.RECEIPT].kids
    with pytest.raises(KeySetError):
        GB.timeline.find_receipt_keys(make_signer("GB", KeyUse.RECEIPT, 1).kids, 5, START)
    timeline = replace_receipt_key(at=at)
    assert timeline.find_receipt_keys(kids, 20, at)
    with pytest.raises(KeySetError):
        timeline.find_receipt_keys(kids, 20, at + SECOND)
    revoked = timeline.add_revocation(20, revoke(kids[1], effective_from=START))
    with pytest.raises(KeyRevokedError):
        revoked.find_receipt_keys(kids, 20, at)


def test_a_revocation_from_then_on_refuses_what_was_signed_wherever_its_leaf_stands() -> None:
    timeline = GB.timeline.add_revocation(20, revoke(KIDS[1], effective_from=START + DAY))
    timeline.find_keys_when_signed(KeyUse.MESSAGE, KIDS, 19, START + DAY - SECOND)
    for signed_at in (START + DAY, START + 2 * DAY):
        with pytest.raises(KeyRevokedError, match=r"^a key of GB was revoked: laptop-lost$"):
            timeline.find_keys_when_signed(KeyUse.MESSAGE, KIDS, 19, signed_at)
    timeline.find_keys_when_signed(KeyUse.RECEIPT, GB.signers[KeyUse.RECEIPT].kids, 99, START + DAY)


def test_behind_its_revocation_a_key_is_believed_in_nothing_whatever_its_date() -> None:
    timeline = GB.timeline.add_revocation(20, revoke(KIDS[1], effective_from=START + DAY))
    with pytest.raises(KeyRevokedError, match=r"^a key of GB was revoked: laptop-lost$"):
        timeline.find_keys_when_signed(KeyUse.MESSAGE, KIDS, 20, START)


def test_every_revoked_kid_is_listed_wherever_its_leaf_stands() -> None:
    receipt = GB.signers[KeyUse.RECEIPT].kids
    timeline = GB.timeline.add_revocation(20, revoke(*KIDS)).add_revocation(10, revoke(receipt[0]))
    assert timeline.list_revoked_kids() == {*KIDS, receipt[0]}
    assert GB.timeline.list_revoked_kids() == frozenset()


def test_what_lies_between_the_moment_and_the_leaf_is_disputed() -> None:
    timeline = GB.timeline.add_revocation(20, revoke(KIDS[0], effective_from=START + DAY))
    assert timeline.is_disputed(KIDS, 19, START + DAY)
    assert not timeline.is_disputed(KIDS, 19, START)
    assert not timeline.is_disputed(KIDS, 20, START + DAY)
    assert not timeline.is_disputed(GB.signers[KeyUse.RECEIPT].kids, 19, START + DAY)


def test_an_encryption_key_is_current_within_its_days_and_after_its_leaf() -> None:
    kid = GB.opening_key.kid
    assert GB.timeline.find_encryption_key(kid, 1, START).kid == kid
    for asked, index, time in ((kid, 0, START), (kid, 1, START - DAY), (kid, 1, START + 45 * DAY), (KIDS[0], 1, START)):
        with pytest.raises(KeyNotInForceError, match="the encryption key named is no current key of GB"):
            GB.timeline.find_encryption_key(asked, index, time)


def test_only_the_newest_document_says_which_encryption_keys_are_current() -> None:
    be = make_member("BE")
    timeline = GB.timeline.add_encryption_keys(9, be.encryption)
    timeline.find_encryption_key(GB.opening_key.kid, 8, START)
    with pytest.raises(KeyNotInForceError):
        timeline.find_encryption_key(GB.opening_key.kid, 9, START)


def test_of_several_key_sets_the_newest_says_until_when_the_keys_of_the_one_before_it_last() -> None:
    timeline = replace_receipt_key(at=START + DAY)
    kids = make_signer("GB", KeyUse.RECEIPT, 1).kids
    third = timeline.add_key_set(30, replace(GB.verified, judged_at=START + 9 * DAY))
    assert third.find_receipt_keys(kids, 30, START + 9 * DAY + RECEIPT_KEYS_LAST - SECOND)
    with pytest.raises(KeySetError):
        third.find_receipt_keys(kids, 30, START + 9 * DAY + RECEIPT_KEYS_LAST)


def test_replaced_keys_last_ten_minutes_for_receipts_and_thirty_days_for_what_names_its_own_time() -> None:
    assert (timedelta(minutes=10), timedelta(days=30)) == (RECEIPT_KEYS_LAST, REPLACED_KEYS_LAST)


def test_the_state_of_a_member_is_that_of_its_first_key_set() -> None:
    of_utopia = replace(GB.verified, key_set=GB.key_set.model_copy(update={"state": "UTO"}))
    timeline = MemberTimeline(((0, of_utopia), (9, GB.verified)))
    assert (timeline.state, GB.timeline.state) == ("UTO", GB.key_set.state)
