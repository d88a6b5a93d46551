"""Key sets: one test a step of the verification, each by a set that is sound but for that step."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from keys.certificates import make_tls_ca, verify_tls_ca
from keys.errors import CertificateError, KeysError, KeySetError, SignatureError
from keys.key_sets import (
    make_operational_key,
    read_key_set,
    sign_key_set,
    verify_anchor,
    verify_key_set,
    verify_no_shared_keys,
)
from keys.roots import check_roots, load_root, make_roots
from schemas.codec import TooLargeError, b64u_decode, b64u_encode
from schemas.key_documents import (
    MAX_KEY_DOCUMENT_BYTES,
    MAX_KEY_SET_DAYS,
    AgencyClass,
    KeySet,
    PossessedKey,
    digest_key_document,
)
from schemas.model import DocumentError
from schemas.signed import DocumentType, KeyUse, SignedDocument
from tests.support.members import EXCHANGE, START, Member, derive_seed, make_member, make_signer, succeed

GB = make_member("GB")
NOW = START + timedelta(days=1)
OTHER_CHAIN = "agency: a key set continues the chain of one agency, of one class and one state"


def sign(key_set: KeySet, member: Member = GB, *, roots: slice = slice(0, 2)) -> SignedDocument:
    return sign_key_set(key_set, member.roots[roots])


def change(**members: object) -> KeySet:
    return GB.key_set.model_copy(update=members)


def test_a_first_key_set_verifies_and_gives_the_pinned_anchor() -> None:
    document = sign(GB.key_set)
    verified = verify_key_set(document, None, exchange=EXCHANGE, now=NOW)
    verify_anchor(verified, GB.anchor)
    assert (verified.key_set, verified.document) == (GB.key_set, document)
    assert verified.digest == digest_key_document(DocumentType.KEY_SET, document.payload_bytes)
    assert verified.ca_thumbprint == verify_tls_ca(b64u_decode(GB.key_set.tls_ca), NOW)


def test_a_key_set_of_more_bytes_than_allowed_is_not_read() -> None:
    longest = b'"' + b"x" * (MAX_KEY_DOCUMENT_BYTES - 2) + b'"'
    for payload, error in ((longest, DocumentError), (longest + b" ", TooLargeError)):
        with pytest.raises(error):
            read_key_set(SignedDocument(payload=b64u_encode(payload), signatures=sign(GB.key_set).signatures))


def test_an_anchor_is_of_the_first_key_set_only() -> None:
    second = verify_key_set(sign(succeed(GB)), GB.verified, exchange=EXCHANGE, now=NOW)
    with pytest.raises(KeySetError, match=r"^an anchor names the roots of an agency's first key set$"):
        verify_anchor(second, GB.anchor)


def test_any_two_of_three_roots_suffice() -> None:
    verify_key_set(sign(GB.key_set, roots=slice(1, 3)), None, exchange=EXCHANGE, now=NOW)


def test_all_three_roots_may_sign() -> None:
    verify_key_set(sign(GB.key_set, roots=slice(0, 3)), None, exchange=EXCHANGE, now=NOW)


def test_one_root_is_too_few() -> None:
    with pytest.raises(SignatureError, match="1 of the roots signed, 2 must"):
        verify_key_set(sign(GB.key_set, roots=slice(0, 1)), None, exchange=EXCHANGE, now=NOW)


def test_one_root_signing_twice_is_too_few() -> None:
    document = sign(GB.key_set, roots=slice(0, 1))
    doubled = SignedDocument(payload=document.payload, signatures=document.signatures * 2)
    with pytest.raises(SignatureError, match="each root signs once"):
        verify_key_set(doubled, None, exchange=EXCHANGE, now=NOW)


def test_two_halves_of_two_roots_are_no_root() -> None:
    document = sign(GB.key_set)
    mixed = (document.signatures[0], document.signatures[3])
    with pytest.raises(SignatureError, match="two halves of two roots"):
        verify_key_set(SignedDocument(payload=document.payload, signatures=mixed), None, exchange=EXCHANGE, now=NOW)


def test_a_root_with_another_second_half_is_another_root() -> None:
    """New roots that keep the Ed25519 halves: the old ML-DSA signatures do not count for them."""
    new = tuple(load_root(derive_seed("GB", "root", n, "ed"), derive_seed("GB", "other half", n)) for n in range(3))
    changed = succeed(GB, roots=make_roots(new, 2))
    with pytest.raises(SignatureError, match="0 of the roots signed"):
        verify_key_set(sign_key_set(changed, GB.roots[:2]), GB.verified, exchange=EXCHANGE, now=NOW)
    verify_key_set(sign_key_set(changed, (*GB.roots[:2], *new[:2])), GB.verified, exchange=EXCHANGE, now=NOW)


def test_three_halves_are_no_two_roots() -> None:
    document = sign(GB.key_set)
    halves = SignedDocument(payload=document.payload, signatures=document.signatures[:3])
    with pytest.raises(SignatureError, match="one half is missing"):
        verify_key_set(halves, None, exchange=EXCHANGE, now=NOW)


def test_a_root_of_other_algorithms_is_refused() -> None:
    first, second, third = GB.key_set.roots.keys
    witness = GB.signers[KeyUse.WITNESS].jwks[0]
    spoilt = first.model_copy(update={"ml_dsa": witness})
    with pytest.raises(KeySetError, match="ML-DSA-87"):
        check_roots(GB.key_set.roots.model_copy(update={"keys": (spoilt, second, third)}))


def test_a_root_of_another_agency_is_refused() -> None:
    document = sign_key_set(GB.key_set, (*GB.roots[:2], make_member("BE").roots[0]))
    with pytest.raises(SignatureError, match="not named"):
        verify_key_set(document, None, exchange=EXCHANGE, now=NOW)


def test_roots_other_than_the_pinned_ones_give_no_anchor() -> None:
    verified = verify_key_set(sign(GB.key_set), None, exchange=EXCHANGE, now=NOW)
    with pytest.raises(KeySetError, match="not the ones that were pinned"):
        verify_anchor(verified, make_member("BE").anchor)


def test_a_staging_key_set_is_refused_on_production() -> None:
    staging = make_member("GB", exchange="staging.example")
    with pytest.raises(KeySetError, match="exchange"):
        verify_key_set(sign(staging.key_set, staging), None, exchange=EXCHANGE, now=NOW)


def with_use_missing() -> KeySet:
    return change(keys=tuple(key for key in GB.key_set.keys if key.use is not KeyUse.WITNESS))


def with_key_twice() -> KeySet:
    return change(keys=(*GB.key_set.keys, GB.key_set.keys[0]))


def with_one_key_under_two_uses() -> KeySet:
    receipt = make_operational_key(EXCHANGE, "GB", KeyUse.RECEIPT, GB.signers[KeyUse.MESSAGE])
    return change(keys=(*(key for key in GB.key_set.keys if key.use is not KeyUse.RECEIPT), receipt))


def with_copied_key() -> KeySet:
    stolen = make_member("BE").key_set.keys[0]
    return change(keys=(stolen, *GB.key_set.keys[1:]))


def with_possession_of_another_use() -> KeySet:
    first = GB.key_set.keys[0]
    moved = tuple(
        PossessedKey(jwk=key.jwk, possession=other.possession)
        for key, other in zip(
            first.keys, make_operational_key(EXCHANGE, "GB", KeyUse.AGREEMENT, GB.signers[first.use]).keys, strict=True
        )
    )
    return change(keys=(first.model_copy(update={"keys": moved}), *GB.key_set.keys[1:]))


def with_wrong_algorithms() -> KeySet:
    request = GB.key_set.keys[[key.use for key in GB.key_set.keys].index(KeyUse.REQUEST)]
    as_witness = request.model_copy(update={"use": KeyUse.WITNESS})
    return change(keys=(*(key for key in GB.key_set.keys if key.use is not KeyUse.WITNESS), as_witness))


def with_one_half() -> KeySet:
    first = GB.key_set.keys[0]
    return change(keys=(first.model_copy(update={"keys": first.keys[:1]}), *GB.key_set.keys[1:]))


def with_unreachable_threshold() -> KeySet:
    return change(roots=GB.key_set.roots.model_copy(update={"threshold": 4}))


def with_roots_out_of_order() -> KeySet:
    return change(roots=GB.key_set.roots.model_copy(update={"keys": GB.key_set.roots.keys[::-1]}))


def with_one_root_twice() -> KeySet:
    return change(roots=GB.key_set.roots.model_copy(update={"keys": GB.key_set.roots.keys[:1] * 2}))


def with_a_shared_half_root() -> KeySet:
    first, second, third = GB.key_set.roots.keys
    shared = second.model_copy(update={"ml_dsa": first.ml_dsa})
    return change(roots=GB.key_set.roots.model_copy(update={"keys": (first, shared, third)}))


def with_a_lifetime_too_long() -> KeySet:
    return change(expires_at=START + timedelta(days=401))


def with_an_end_before_its_start() -> KeySet:
    return change(expires_at=START)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (with_use_missing, "keys: 0 keys of use witness; from 1 to 4 are expected"),
        (with_key_twice, "keys.6: a key stands twice in the set; a key has one use"),
        (with_one_key_under_two_uses, "keys.5: a key stands twice in the set; a key has one use"),
        (with_copied_key, "keys.0: the key has not signed whose it is and for what (possession)"),
        (with_possession_of_another_use, "keys.0: the key has not signed whose it is and for what (possession)"),
        (with_wrong_algorithms, "keys.5: a witness key is ML-DSA-44"),
        (with_one_half, "keys.0: a message key is Ed25519 and ML-DSA-65"),
        (with_unreachable_threshold, "roots: 4 of 3 can never sign"),
        (with_roots_out_of_order, "roots: they must be distinct and ordered by the thumbprint of their Ed25519 key"),
        (with_one_root_twice, "roots: they must be distinct and ordered by the thumbprint of their Ed25519 key"),
        (with_a_shared_half_root, "roots: one key stands in two roots"),
        (with_a_lifetime_too_long, "expires_at: it must follow issued_at within 400 days"),
        (with_an_end_before_its_start, "expires_at: it must follow issued_at within 400 days"),
        (lambda: change(seq=2), "seq: a first key set has number 1 and no predecessor"),
        (lambda: change(prev=GB.verified.digest), "seq: a first key set has number 1 and no predecessor"),
    ],
)
def test_a_first_key_set_is_refused(spoil: Callable[[], KeySet], problem: str) -> None:
    with pytest.raises(KeysError) as refusal:
        verify_key_set(sign(spoil()), None, exchange=EXCHANGE, now=NOW)
    assert str(refusal.value) == problem


def test_a_key_set_may_live_exactly_as_long_as_allowed() -> None:
    longest = change(expires_at=START + timedelta(days=MAX_KEY_SET_DAYS))
    assert verify_key_set(sign(longest), None, exchange=EXCHANGE, now=NOW).key_set == longest


def test_a_second_key_set_continues_the_chain() -> None:
    second = succeed(GB, issued_at=NOW, expires_at=NOW + timedelta(days=365))
    verified = verify_key_set(sign(second), GB.verified, exchange=EXCHANGE, now=NOW)
    assert verified.key_set.seq == 2


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"seq": 1, "prev": None}, "seq: key set 1 does not follow key set 1"),
        ({"seq": 3}, "seq: key set 3 does not follow key set 1"),
        ({"prev": b64u_encode(bytes(32))}, "seq: key set 2 does not follow key set 1"),
        ({"agency": "BE"}, OTHER_CHAIN),
        ({"agency_class": AgencyClass.OVERSIGHT}, OTHER_CHAIN),
        ({"state": "GBR"}, OTHER_CHAIN),
        (
            {"issued_at": START - timedelta(seconds=1)},
            "issued_at: a key set cannot be older than the one before it",
        ),
    ],
)
def test_a_second_key_set_is_refused(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(KeySetError) as refusal:
        verify_key_set(sign(succeed(GB, **changes)), GB.verified, exchange=EXCHANGE, now=NOW)
    assert str(refusal.value) == problem


def test_a_second_key_set_of_the_same_second_is_no_older() -> None:
    assert verify_key_set(sign(succeed(GB)), GB.verified, exchange=EXCHANGE, now=NOW).key_set.issued_at == START


def test_one_stolen_root_cannot_lower_the_threshold() -> None:
    lowered = succeed(GB, roots=GB.key_set.roots.model_copy(update={"threshold": 1}))
    with pytest.raises(SignatureError, match="1 of the roots signed, 2 must"):
        verify_key_set(sign(lowered, roots=slice(0, 1)), GB.verified, exchange=EXCHANGE, now=NOW)


def test_new_roots_need_the_old_and_the_new_threshold() -> None:
    new = tuple(load_root(derive_seed("GB", "new", n, 0), derive_seed("GB", "new", n, 1)) for n in range(3))
    changed = succeed(GB, roots=make_roots(new, 2))
    for signers in (new[:2], GB.roots[:2], (*new[:2], GB.roots[0]), (new[0], *GB.roots[:2])):
        with pytest.raises(SignatureError):
            verify_key_set(sign_key_set(changed, signers), GB.verified, exchange=EXCHANGE, now=NOW)
    verify_key_set(sign_key_set(changed, (*new[:2], *GB.roots[:2])), GB.verified, exchange=EXCHANGE, now=NOW)


def test_a_key_of_another_agency_is_found() -> None:
    be = make_member("BE")
    keys = tuple(key for key in GB.key_set.keys if key.use is not KeyUse.REQUEST)
    copied = make_operational_key(EXCHANGE, "GB", KeyUse.REQUEST, be.signers[KeyUse.REQUEST])
    verified = verify_key_set(sign(change(keys=(*keys, copied))), None, exchange=EXCHANGE, now=NOW)
    with pytest.raises(KeySetError, match="BE"):
        verify_no_shared_keys(verified, [be.verified])
    verify_no_shared_keys(GB.verified, [GB.verified, be.verified])


def test_a_tls_ca_of_another_agency_is_found() -> None:
    verified = verify_key_set(sign(change(tls_ca=make_member("BE").key_set.tls_ca)), None, exchange=EXCHANGE, now=NOW)
    with pytest.raises(KeySetError, match="BE"):
        verify_no_shared_keys(verified, [make_member("BE").verified])


def test_a_tls_ca_past_its_day_is_refused() -> None:
    old = make_tls_ca(derive_seed("old"), serial=1, not_before=START - timedelta(days=9), not_after=START)
    with pytest.raises(CertificateError, match="not valid now"):
        verify_key_set(sign(change(tls_ca=b64u_encode(old))), None, exchange=EXCHANGE, now=NOW)


def test_keys_are_found_by_use_and_kids_only() -> None:
    kids = GB.signers[KeyUse.MESSAGE].kids
    assert GB.verified.find_keys(KeyUse.MESSAGE, kids) == GB.signers[KeyUse.MESSAGE].jwks
    for use, asked in ((KeyUse.RECEIPT, kids), (KeyUse.MESSAGE, kids[:1]), (KeyUse.MESSAGE, kids[::-1])):
        with pytest.raises(KeySetError, match="has no such"):
            GB.verified.find_keys(use, asked)


def test_several_keys_of_one_use_are_allowed_up_to_four() -> None:
    more = [
        make_operational_key(EXCHANGE, "GB", KeyUse.REQUEST, make_signer("GB", KeyUse.REQUEST, n)) for n in range(1, 5)
    ]
    verify_key_set(sign(change(keys=(*GB.key_set.keys, *more[:3]))), None, exchange=EXCHANGE, now=NOW)
    with pytest.raises(KeySetError, match="5 keys of use request"):
        verify_key_set(sign(change(keys=(*GB.key_set.keys, *more))), None, exchange=EXCHANGE, now=NOW)
