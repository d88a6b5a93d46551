"""Which statuses and heads of access logs are accepted, one refusal at a time: by whom, when and after what."""

from datetime import timedelta
from typing import Any

import pytest

from broker.http.refusal import RefusedError
from broker.statuses.rules import (
    MAX_HEAD_BYTES,
    Signer,
    verify_head,
    verify_head_follows,
    verify_key_in_force,
    verify_partner,
    verify_status,
    verify_status_follows,
)
from keys.errors import KeysError
from keys.signing import sign_document
from schemas.api import AccessLogHead
from schemas.codec import CodecError, b64u_encode, hash_text
from schemas.envelope import SeenCheckpoint
from schemas.key_documents import AgencyClass
from schemas.signed import DocumentType, KeyUse, SignedDocument
from schemas.status import MAX_STATUS_BYTES, Status, digest_status
from tests.support.members import EXCHANGE, START, make_member

GB = make_member("GB-HO")
NOW = START + timedelta(days=3)
SECOND = timedelta(seconds=1)
SIGNER = Signer("GB-HO", "node-1", GB.timeline, EXCHANGE, NOW)
KIDS = GB.signers[KeyUse.RECEIPT].kids
HEAD, OTHER_HEAD = b64u_encode(bytes(32)), b64u_encode(bytes([1]) * 32)


def make_status(**changes: Any) -> Status:
    """Return a status of GB for VN."""
    whole: dict[str, Any] = {
        "v": 1,
        "exchange": EXCHANGE,
        "agency": "GB-HO",
        "partner": "VN",
        "seq": 1,
        "prev": None,
        "time": NOW,
        "keyset": 1,
        "revoked": (),
        "chains": (),
        "streams": (),
        "checkpoint": SeenCheckpoint(origin=f"{EXCHANGE}/1", size=1, root=HEAD),
    }
    return Status(**whole | changes)


def make_head(**changes: Any) -> AccessLogHead:
    """Return the head of the access log of GB's node."""
    whole: dict[str, Any] = {
        "v": 1,
        "exchange": EXCHANGE,
        "agency": "GB-HO",
        "node": "node-1",
        "count": 7,
        "head": HEAD,
        "time": NOW,
    }
    return AccessLogHead(**whole | changes)


def sign(document: Status | AccessLogHead, use: KeyUse = KeyUse.RECEIPT) -> SignedDocument:
    """Sign a document with a key of GB."""
    type_ = DocumentType.STATUS if isinstance(document, Status) else DocumentType.ACCESS_LOG_HEAD
    return sign_document(document.canonical(), type_, [GB.signers[use]])


def refuse(verify: Any, *arguments: Any) -> tuple[str, str | None, str]:
    """Return how something is refused: problem, field and sentence."""
    with pytest.raises(RefusedError) as caught:
        verify(*arguments)
    found = caught.value.refusal
    return found.slug, found.field, found.detail


def test_a_sound_status_is_named_by_its_digest_and_its_key() -> None:
    status = make_status()
    document = sign(status)
    found = verify_status(document, SIGNER)
    assert (found.document, found.status) == (document, status)
    assert (found.digest, found.kids) == (digest_status(status.canonical()), KIDS)


def test_a_sound_head_is_named_by_its_digest_and_its_key() -> None:
    head = make_head()
    found = verify_head(sign(head), SIGNER)
    assert (found.head, found.kids) == (head, KIDS)
    assert found.digest == hash_text("access-log-head", head.canonical())


@pytest.mark.parametrize("make", [make_status, make_head])
def test_a_document_of_another_agency_exchange_or_time_is_refused_by_its_field(make: Any) -> None:
    verify = verify_status if make is make_status else verify_head
    assert refuse(verify, sign(make(agency="BE")), SIGNER) == (
        "not-the-sender",
        "agency",
        "the document is of BE, the caller is GB-HO",
    )
    assert refuse(verify, sign(make(exchange="staging.example")), SIGNER) == (
        "wrong-exchange",
        "exchange",
        f"the document is for staging.example, this is {EXCHANGE}",
    )
    ahead = timedelta(seconds=300)
    verify(sign(make(time=NOW + ahead)), SIGNER)
    assert refuse(verify, sign(make(time=NOW + ahead + SECOND)), SIGNER) == (
        "wrong-time",
        "time",
        "it lies more than 300 seconds ahead of this exchange's clock",
    )


def test_a_status_is_for_a_partner_and_a_head_of_the_callers_own_node() -> None:
    assert refuse(verify_status, sign(make_status(partner="GB-HO")), SIGNER) == (
        "status-refused",
        "partner",
        "a status is for a partner, not for its own signer",
    )
    assert refuse(verify_head, sign(make_head(node="node-2")), SIGNER) == (
        "access-log-head-refused",
        "node",
        "the head is of the node node-2, the caller is node-1",
    )


@pytest.mark.parametrize("make", [make_status, make_head])
def test_only_a_receipt_key_signs_and_only_its_own_type_of_document(make: Any) -> None:
    verify, other = (verify_status, verify_head) if make is make_status else (verify_head, verify_status)
    with pytest.raises(KeysError):
        verify(sign(make(), KeyUse.MESSAGE), SIGNER)
    with pytest.raises(CodecError):
        other(sign(make()), SIGNER)
    forged = SignedDocument(payload=sign(make(time=NOW - SECOND)).payload, signatures=sign(make()).signatures)
    with pytest.raises(KeysError):
        verify(forged, SIGNER)


@pytest.mark.parametrize(("make", "most"), [(make_status, MAX_STATUS_BYTES), (make_head, MAX_HEAD_BYTES)])
def test_a_document_longer_than_its_limit_is_not_even_read(make: Any, most: int) -> None:
    verify = verify_status if make is make_status else verify_head
    codes = []
    for size in (most, most + 1):
        padded = SignedDocument(payload=b64u_encode(b"x" * size), signatures=sign(make()).signatures)
        with pytest.raises(CodecError) as caught:
            verify(padded, SIGNER)
        codes.append(caught.value.code)
    assert codes[0] != codes[1]
    assert MAX_HEAD_BYTES == 4096


def test_a_key_that_ended_since_signs_nothing_more() -> None:
    verify_key_in_force(KIDS, GB.timeline, NOW)
    with pytest.raises(KeysError):
        verify_key_in_force(KIDS, GB.timeline, GB.key_set.expires_at)
    with pytest.raises(KeysError):
        verify_key_in_force(GB.signers[KeyUse.MESSAGE].kids, GB.timeline, NOW)


def test_statuses_go_to_agencies_of_the_exchange_alone() -> None:
    verify_partner(GB.timeline, "GB-HO")
    refusal = ("recipient-refused", "partner", "OV is no agency of this exchange")
    assert refuse(verify_partner, None, "OV") == refusal
    oversight = make_member("OV", agency_class=AgencyClass.OVERSIGHT)
    assert refuse(verify_partner, oversight.timeline, "OV") == refusal


@pytest.mark.parametrize(
    ("seq", "prev", "newest", "newest_digest"),
    [(1, None, 0, None), (2, HEAD, 1, HEAD), (4, OTHER_HEAD, 1, HEAD), (3, HEAD, 0, None)],
    ids=["the first", "the next", "one further on", "one whose predecessors went as a file"],
)
def test_a_status_continues_what_stands(seq: int, prev: str | None, newest: int, newest_digest: str | None) -> None:
    verify_status_follows(make_status(seq=seq, prev=prev), newest, newest_digest, None)


@pytest.mark.parametrize(
    ("seq", "prev", "newest", "newest_digest"),
    [(1, HEAD, 0, None), (2, OTHER_HEAD, 1, HEAD), (2, None, 1, HEAD), (3, None, 1, HEAD), (1, HEAD, 1, HEAD)],
    ids=["a first that follows another", "after another", "after none", "further on after none", "the same number"],
)
def test_a_status_that_continues_something_else_is_told_what_is_expected(
    seq: int, prev: str | None, newest: int, newest_digest: str | None
) -> None:
    predecessor = "without prev" if newest_digest is None else f"with prev {newest_digest}"
    assert refuse(verify_status_follows, make_status(seq=seq, prev=prev), newest, newest_digest, None) == (
        "chain-conflict",
        "seq",
        f"status {seq} does not follow status {newest}: expected is seq {newest + 1} {predecessor}, or more",
    )


def test_a_status_is_not_older_than_the_one_before_it() -> None:
    follows = make_status(seq=2, prev=HEAD)
    verify_status_follows(follows, 1, HEAD, NOW)
    assert refuse(verify_status_follows, follows, 1, HEAD, NOW + SECOND) == (
        "chain-conflict",
        "time",
        "a status cannot be older than the one before it",
    )


def test_an_access_log_only_grows_and_is_never_rewritten() -> None:
    verify_head_follows(make_head(), 7, HEAD)
    verify_head_follows(make_head(), 6, OTHER_HEAD)
    assert refuse(verify_head_follows, make_head(), 8, HEAD) == (
        "access-log-head-refused",
        "count",
        "the head covers 7 entries, the one before it 8: an access log never shrinks",
    )
    assert refuse(verify_head_follows, make_head(), 7, OTHER_HEAD) == (
        "access-log-head-refused",
        "head",
        "another head was handed in for the same 7 entries: an access log is never rewritten",
    )
