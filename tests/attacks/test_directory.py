"""Attacks on who holds which key: false key sets, stolen roots, copied and unsound keys, histories turned back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from keys.certificates import make_tls_ca
from keys.key_sets import make_operational_key
from keys.roots import make_roots
from keys.signing import sign_document
from schemas.api import (
    AUDIT_PATH,
    CHECKPOINT_PATH,
    ENCRYPTION_KEYS_PATH,
    KEY_SETS_PATH,
    LEAVES_PATH,
    MEMBERS_PATH,
    REVOCATIONS_PATH,
    AuditAnswer,
    AuditQuery,
    CheckpointAnswer,
    LeavesAnswer,
    MembersAnswer,
)
from schemas.codec import b64u_encode
from schemas.jwk import OkpJwk
from schemas.key_documents import AgencyClass, KeySet, OperationalKey, PossessedKey
from schemas.log.records import RecordType
from schemas.signed import DocumentType, KeyUse, SignedDocument
from tests.support.caller import Caller, read_answer, read_problem, read_slug
from tests.support.documents import (
    make_encryption_key,
    make_next_encryption_keys,
    make_revocation,
    sign_by,
    sign_next_key_set,
)
from tests.support.exchange import NOW, RunningExchange, make_live_member, running_exchange
from tests.support.members import derive_seed, succeed

IDENTITY_POINT = b64u_encode(b"\x01" + bytes(31))


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    """An exchange whose members' keys no test changes."""
    folder = tmp_path_factory.mktemp("directory")
    with running_exchange(folder, "GB-HO", "VN-IMM", oversight="OVERSEER") as running:
        yield running


@pytest.fixture
def gb(exchange: RunningExchange) -> Caller:
    return exchange.caller("GB-HO")


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def replace_key(key_set: KeySet, use: KeyUse, key: OperationalKey) -> tuple[OperationalKey, ...]:
    return tuple(key if old.use is use else old for old in key_set.keys)


def strip(document: SignedDocument, position: int) -> SignedDocument:
    kept = tuple(one for number, one in enumerate(document.signatures) if number != position)
    return document.model_copy(update={"signatures": kept})


def test_another_members_key_set_is_refused_and_both_members_can_see_the_attempt(
    exchange: RunningExchange, gb: Caller
) -> None:
    refused = gb.post(KEY_SETS_PATH, sign_next_key_set(exchange.members["VN-IMM"]))

    assert read_slug(refused) == "not-the-sender"
    query = AuditQuery(reason="attack", types=(RecordType.REFUSED,), problem="not-the-sender", limit=10)
    (found,) = read_answer(exchange.caller("OVERSEER").post(AUDIT_PATH, query), AuditAnswer).records
    assert found.record.concerns == ("GB-HO", "VN-IMM")
    assert found.record.agency == "GB-HO"


@pytest.mark.parametrize("path", [KEY_SETS_PATH, ENCRYPTION_KEYS_PATH, REVOCATIONS_PATH])
def test_a_document_of_another_kind_is_refused_wherever_it_is_handed_in(gb: Caller, path: str) -> None:
    documents = {
        KEY_SETS_PATH: sign_next_key_set(gb.member),
        ENCRYPTION_KEYS_PATH: sign_by(
            gb.member, make_next_encryption_keys(gb.member, now()), DocumentType.ENCRYPTION_KEYS
        ),
        REVOCATIONS_PATH: sign_by(
            gb.member, make_revocation(gb.member, now(), KeyUse.WITNESS), DocumentType.REVOCATION
        ),
    }
    for kind, document in documents.items():
        if kind != path:
            assert read_slug(gb.post(path, document)) == "wrong-shape"


def test_a_signature_made_for_another_type_of_document_is_refused(gb: Caller) -> None:
    revocation = make_revocation(gb.member, now(), KeyUse.WITNESS)

    for other in (DocumentType.ENCRYPTION_KEYS, DocumentType.RECEIPT, DocumentType.KEY_SET):
        refused = gb.post(REVOCATIONS_PATH, sign_by(gb.member, revocation, other))
        assert read_slug(refused) == "wrong-shape"
        assert "bilateral-revocation is expected" in read_problem(refused).detail


@pytest.mark.parametrize("use", [KeyUse.MESSAGE, KeyUse.AGREEMENT, KeyUse.RECEIPT])
def test_a_key_of_another_use_cannot_speak_for_the_rotation_key(gb: Caller, use: KeyUse) -> None:
    revocation = make_revocation(gb.member, now(), KeyUse.WITNESS)
    keys = make_next_encryption_keys(gb.member, now())

    for path, model, kind in (
        (REVOCATIONS_PATH, revocation, DocumentType.REVOCATION),
        (ENCRYPTION_KEYS_PATH, keys, DocumentType.ENCRYPTION_KEYS),
    ):
        assert read_slug(gb.post(path, sign_by(gb.member, model, kind, use))) == "key-set-refused"


def test_another_members_rotation_key_cannot_revoke(exchange: RunningExchange, gb: Caller) -> None:
    revocation = make_revocation(gb.member, now(), KeyUse.MESSAGE)

    refused = gb.post(REVOCATIONS_PATH, sign_by(exchange.members["VN-IMM"], revocation, DocumentType.REVOCATION))

    assert read_slug(refused) == "key-set-refused"


def test_a_revocation_of_keys_that_are_not_the_members_is_refused(exchange: RunningExchange, gb: Caller) -> None:
    foreign = exchange.members["VN-IMM"].signers[KeyUse.MESSAGE].kids
    revocation = make_revocation(gb.member, now(), kids=foreign)

    assert read_slug(gb.post(REVOCATIONS_PATH, sign_by(gb.member, revocation, DocumentType.REVOCATION))) == (
        "revocation-refused"
    )


@pytest.mark.parametrize("half", [0, 1])
def test_either_half_of_a_pair_of_signatures_alone_is_refused(gb: Caller, half: int) -> None:
    document = sign_by(gb.member, make_revocation(gb.member, now(), KeyUse.WITNESS), DocumentType.REVOCATION)

    assert read_slug(gb.post(REVOCATIONS_PATH, strip(document, half))) in ("key-set-refused", "signature-refused")
    assert read_slug(gb.post(KEY_SETS_PATH, strip(sign_next_key_set(gb.member), half))) == "signature-refused"


def test_one_stolen_root_cannot_lower_the_threshold(gb: Caller) -> None:
    lowered = make_roots(gb.member.roots, 1)

    refused = gb.post(KEY_SETS_PATH, sign_next_key_set(gb.member, gb.member.roots[0], roots=lowered))

    assert read_slug(refused) == "signature-refused"
    assert "1 of the roots signed, 2 must" in read_problem(refused).detail


def test_one_root_cannot_sign_twice(gb: Caller) -> None:
    document = sign_next_key_set(gb.member, gb.member.roots[0])
    doubled = document.model_copy(update={"signatures": document.signatures * 2})

    assert read_slug(gb.post(KEY_SETS_PATH, doubled)) == "signature-refused"


def test_new_roots_cannot_put_themselves_in_the_place_of_the_old_ones(gb: Caller) -> None:
    usurpers = make_live_member("XX-USURPER").roots

    refused = gb.post(KEY_SETS_PATH, sign_next_key_set(gb.member, *usurpers[:2], roots=make_roots(usurpers, 2)))

    assert read_slug(refused) == "signature-refused"


def test_a_point_of_small_order_is_no_key(gb: Caller) -> None:
    """Under the identity point one signature fits any message, and OpenSSL would take it."""
    small = OkpJwk(kty="OKP", crv="Ed25519", x=IDENTITY_POINT)
    forged = PossessedKey(jwk=small, possession=b64u_encode(b"\x01" + bytes(63)))
    keys = replace_key(gb.member.key_set, KeyUse.REQUEST, OperationalKey(use=KeyUse.REQUEST, keys=(forged,)))

    refused = gb.post(KEY_SETS_PATH, sign_next_key_set(gb.member, keys=keys))

    assert read_slug(refused) == "key-set-refused"
    assert "prime order" in read_problem(refused).detail


def test_a_key_copied_from_another_member_is_refused(exchange: RunningExchange, gb: Caller) -> None:
    """With the other's own possession, and with none that could be made without its private key."""
    vn = exchange.members["VN-IMM"]
    copied = next(key for key in vn.key_set.keys if key.use is KeyUse.MESSAGE)
    keys = replace_key(gb.member.key_set, KeyUse.MESSAGE, copied)

    refused = gb.post(KEY_SETS_PATH, sign_next_key_set(gb.member, keys=keys))

    assert read_slug(refused) == "key-set-refused"
    assert "possession" in read_problem(refused).detail


def test_two_members_that_agree_to_share_a_key_are_refused(exchange: RunningExchange, gb: Caller) -> None:
    """The other member's private key signs the possession: everything is in order but that it stands twice."""
    vn = exchange.members["VN-IMM"]
    shared = make_operational_key(gb.sheet.name, gb.agency, KeyUse.MESSAGE, vn.signers[KeyUse.MESSAGE])
    keys = replace_key(gb.member.key_set, KeyUse.MESSAGE, shared)

    refused = gb.post(KEY_SETS_PATH, sign_next_key_set(gb.member, keys=keys))

    assert read_slug(refused) == "key-set-refused"
    assert "VN-IMM" in read_problem(refused).detail


def test_another_members_ca_cannot_be_taken_over(exchange: RunningExchange, gb: Caller) -> None:
    """It would let nobody in, but lock its owner out: two members for one CA."""
    stolen = exchange.members["VN-IMM"].key_set.tls_ca

    refused = gb.post(KEY_SETS_PATH, sign_next_key_set(gb.member, tls_ca=stolen))

    assert read_slug(refused) == "key-set-refused"
    assert exchange.caller("VN-IMM").get(MEMBERS_PATH).status_code == 200


def test_a_ca_that_calls_itself_by_another_keys_name_is_refused(exchange: RunningExchange, gb: Caller) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    from keys.certificates import load_tls_key

    victim = x509.load_der_x509_certificate(
        make_tls_ca(derive_seed("VN-IMM", "tls-ca"), serial=1, not_before=NOW, not_after=NOW + timedelta(days=9))
    )
    key = load_tls_key(derive_seed("attacker"))
    builder = (
        x509.CertificateBuilder()
        .subject_name(victim.subject)
        .issuer_name(victim.subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=9))
    )
    for extension in victim.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    forged = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    refused = gb.post(KEY_SETS_PATH, sign_next_key_set(gb.member, tls_ca=b64u_encode(forged)))

    assert read_problem(refused).detail.startswith("tls_ca: subject and issuer must be the thumbprint")


@pytest.mark.parametrize(
    ("changes", "slug"),
    [
        ({"seq": 3}, "key-set-refused"),
        ({"prev": b64u_encode(bytes(32))}, "key-set-refused"),
        ({"exchange": "staging.example"}, "wrong-exchange"),
        ({"issued_at": NOW + timedelta(hours=1), "expires_at": NOW + timedelta(days=9)}, "wrong-time"),
        ({"issued_at": NOW - timedelta(days=9)}, "key-set-refused"),
        ({"expires_at": NOW + timedelta(days=500)}, "key-set-refused"),
        ({"agency_class": AgencyClass.OVERSIGHT}, "key-set-refused"),
        ({"state": "GBR"}, "key-set-refused"),
    ],
    ids=[
        "a number left out",
        "another predecessor",
        "made for another exchange",
        "made in the future",
        "older than the one before",
        "living too long",
        "an agency that becomes its own oversight",
        "of another state",
    ],
)
def test_a_key_set_that_does_not_continue_its_chain_is_refused(
    gb: Caller, changes: dict[str, object], slug: str
) -> None:
    assert read_slug(gb.post(KEY_SETS_PATH, sign_next_key_set(gb.member, **changes))) == slug


@pytest.mark.parametrize(
    ("changes", "slug"),
    [
        ({"seq": 3}, "encryption-keys-refused"),
        ({"seq": 1, "prev": None}, "encryption-keys-refused"),
        ({"exchange": "staging.example"}, "wrong-exchange"),
        ({"issued_at": NOW - timedelta(days=9)}, "encryption-keys-refused"),
        ({"issued_at": NOW + timedelta(hours=1)}, "wrong-time"),
        (
            {"keys": (make_encryption_key(NOW, bytes(32), expires_at=NOW + timedelta(days=46)),)},
            "encryption-keys-refused",
        ),
        (
            {"keys": (make_encryption_key(NOW - timedelta(days=50), bytes(32)),)},
            "encryption-keys-refused",
        ),
    ],
    ids=[
        "a number left out",
        "another first one",
        "for another exchange",
        "older than the one before",
        "made in the future",
        "a key that lives too long",
        "a key that is over",
    ],
)
def test_encryption_keys_that_do_not_continue_their_chain_are_refused(
    gb: Caller, changes: dict[str, object], slug: str
) -> None:
    keys = make_next_encryption_keys(gb.member, now(), **changes)

    assert read_slug(gb.post(ENCRYPTION_KEYS_PATH, sign_by(gb.member, keys, DocumentType.ENCRYPTION_KEYS))) == slug


def test_anothers_encryption_key_cannot_be_published_as_ones_own(exchange: RunningExchange, gb: Caller) -> None:
    """Or else what was sealed for one member could be said to have been sealed for another."""
    (copied,) = exchange.members["VN-IMM"].encryption.encryption_keys.keys
    keys = make_next_encryption_keys(gb.member, now(), keys=(copied,))

    refused = gb.post(ENCRYPTION_KEYS_PATH, sign_by(gb.member, keys, DocumentType.ENCRYPTION_KEYS))

    assert read_slug(refused) == "encryption-keys-refused"
    assert "another member" in read_problem(refused).detail


def test_a_changed_document_is_refused_whatever_was_changed(gb: Caller) -> None:
    document = sign_by(gb.member, make_revocation(gb.member, now(), KeyUse.WITNESS), DocumentType.REVOCATION)
    payload = document.payload_bytes.replace(b"lost-laptop", b"other-thing")

    forged = document.model_copy(update={"payload": b64u_encode(payload)})

    assert read_slug(gb.post(REVOCATIONS_PATH, forged)) == "signature-refused"


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"null", b'{"payload":"","signatures":[]}', b'{"payload":"","payload":"","signatures":[]}'],
)
def test_bodies_that_are_no_signed_document_are_refused(gb: Caller, body: bytes) -> None:
    assert gb.post(REVOCATIONS_PATH, body).status_code in (400, 422)


def test_every_key_document_is_a_public_leaf_that_every_member_reads(exchange: RunningExchange) -> None:
    reader = exchange.caller("VN-IMM")
    size = int(read_answer(reader.get(CHECKPOINT_PATH), CheckpointAnswer).checkpoint.split("\n")[1])
    answer = read_answer(reader.get(LEAVES_PATH, start=0, end=size), LeavesAnswer)
    shown = [leaf.record for leaf in answer.leaves if leaf.leaf_class == "public"]

    documents = [record.document for record in shown if record is not None and record.document is not None]

    for member in exchange.members.values():
        assert member.verified.document in documents
    assert exchange.members["GB-HO"].encryption.document in documents
    assert all(leaf.record is None and leaf.salt is None for leaf in answer.leaves if leaf.leaf_class == "private")


def test_what_a_member_lists_of_another_cannot_be_written_by_the_other(exchange: RunningExchange) -> None:
    """A second set that was refused leaves no trace in the directory."""
    caller = exchange.caller("GB-HO")
    caller.post(
        KEY_SETS_PATH, sign_document(succeed(caller.member).canonical(), DocumentType.KEY_SET, caller.member.roots[:1])
    )

    listed = {one.agency: one for one in read_answer(caller.get(MEMBERS_PATH), MembersAnswer).members}

    assert listed["GB-HO"].key_set == caller.member.verified.document
    assert listed["OVERSEER"].encryption_keys is None
