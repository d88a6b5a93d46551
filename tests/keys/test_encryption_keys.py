"""Encryption keys and revocations: only the rotation key may say them, and only within their rules."""

from datetime import timedelta

import pytest

from keys.algorithms import OpeningKey
from keys.encryption_keys import (
    sign_encryption_keys,
    sign_revocation,
    verify_encryption_keys,
    verify_revocation,
)
from keys.errors import EncryptionKeysError, KeysError, KeySetError, RevocationError, SignatureError
from schemas.codec import b64u_encode
from schemas.jwk import AkpJwk
from schemas.key_documents import EncryptionKey, EncryptionKeys, Revocation
from schemas.model import DocumentError
from schemas.signed import EncryptionUse, KeyUse, SignedDocument
from tests.support.members import EXCHANGE, START, derive_seed, make_member, make_signer

GB = make_member("GB")
DAY = timedelta(days=1)
ROTATION = GB.signers[KeyUse.ROTATION]


def make_key(name: object = "next", *, days: int = 30, use: EncryptionUse = EncryptionUse.ENCRYPTION) -> EncryptionKey:
    opening = OpeningKey(derive_seed("GB", "opening", name))
    return EncryptionKey(use=use, jwk=opening.jwk, not_before=START, expires_at=START + days * DAY)


def make_second(*keys: EncryptionKey, **changes: object) -> EncryptionKeys:
    document = EncryptionKeys(
        v=1,
        exchange=EXCHANGE,
        agency="GB",
        seq=2,
        prev=GB.encryption.digest,
        issued_at=START + DAY,
        keys=keys or (make_key(),),
    )
    return document.model_copy(update=changes)


def test_a_second_document_continues_the_first() -> None:
    verified = verify_encryption_keys(sign_encryption_keys(make_second(), ROTATION), GB.verified, GB.encryption)
    assert verified.find_key(make_key().kid) == make_key()
    assert verified.find_key(GB.opening_key.kid) is None


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (make_second(seq=3), "number 2"),
        (make_second(seq=1, prev=None), "number 2"),
        (make_second(prev=b64u_encode(bytes(32))), "number 2"),
        (make_second(issued_at=START - DAY), "older"),
        (make_second(agency="BE"), "another agency"),
        (make_second(exchange="staging.example"), "another agency or exchange"),
        (make_second(make_key(days=46)), "at most 45 days"),
        (make_second(make_key(days=0)), "it must live"),
        (make_second(make_key(), make_key()), "stands twice"),
        (make_second(make_key(1), make_key(2), make_key(3)), "at most 2"),
    ],
)
def test_a_document_is_refused(document: EncryptionKeys, problem: str) -> None:
    with pytest.raises(EncryptionKeysError, match=problem):
        verify_encryption_keys(sign_encryption_keys(document, ROTATION), GB.verified, GB.encryption)


def test_two_of_each_use_are_allowed() -> None:
    keys = [make_key((use, n), use=use) for use in EncryptionUse for n in range(2)]
    verify_encryption_keys(sign_encryption_keys(make_second(*keys), ROTATION), GB.verified, GB.encryption)


def test_a_signing_key_is_no_encryption_key() -> None:
    ml = GB.signers[KeyUse.MESSAGE].jwks[1]
    assert isinstance(ml, AkpJwk)
    wrong = make_key().model_copy(update={"jwk": ml})
    with pytest.raises(EncryptionKeysError, match="HPKE-9-KE"):
        verify_encryption_keys(sign_encryption_keys(make_second(wrong), ROTATION), GB.verified, GB.encryption)


def test_a_broken_encryption_key_is_refused() -> None:
    short = make_key().model_copy(update={"jwk": AkpJwk(kty="AKP", alg="HPKE-9-KE", pub=b64u_encode(bytes(9)))})
    with pytest.raises(EncryptionKeysError, match="1216 bytes"):
        verify_encryption_keys(sign_encryption_keys(make_second(short), ROTATION), GB.verified, GB.encryption)


@pytest.mark.parametrize("signer", [GB.signers[KeyUse.MESSAGE], make_signer("BE", KeyUse.ROTATION)])
def test_only_the_agencys_rotation_key_signs(signer: object) -> None:
    document = sign_encryption_keys(make_second(), signer)  # type: ignore[arg-type]
    with pytest.raises((KeySetError, SignatureError)):
        verify_encryption_keys(document, GB.verified, GB.encryption)


def test_the_key_that_lives_longest_is_chosen_of_those_alive() -> None:
    keys = make_second(
        make_key("short", days=5), make_key("long", days=20), make_key(0, use=EncryptionUse.SAFEGUARDING)
    )
    verified = verify_encryption_keys(sign_encryption_keys(keys, ROTATION), GB.verified, GB.encryption)
    assert verified.choose_key(EncryptionUse.ENCRYPTION, START + DAY) == make_key("long", days=20)
    assert verified.choose_key(EncryptionUse.SAFEGUARDING, START + DAY) is not None
    assert verified.choose_key(EncryptionUse.ENCRYPTION, START + 20 * DAY) is None
    assert verified.choose_key(EncryptionUse.ENCRYPTION, START - DAY) is None


def make_revocation(**changes: object) -> Revocation:
    revocation = Revocation(
        v=1,
        exchange=EXCHANGE,
        agency="GB",
        kids=(GB.signers[KeyUse.MESSAGE].kids[0],),
        effective_from=START,
        issued_at=START + DAY,
        reason="laptop-lost",
    )
    return revocation.model_copy(update=changes)


def test_a_revocation_verifies() -> None:
    verify_revocation(sign_revocation(make_revocation(), ROTATION), GB.verified)


@pytest.mark.parametrize(
    "changes", [{"agency": "BE"}, {"exchange": "staging.example"}, {"effective_from": START + 3 * DAY}]
)
def test_a_revocation_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(RevocationError):
        verify_revocation(sign_revocation(make_revocation(**changes), ROTATION), GB.verified)


def test_a_revocation_by_another_key_is_refused() -> None:
    with pytest.raises(KeysError):
        verify_revocation(sign_revocation(make_revocation(), GB.signers[KeyUse.MESSAGE]), GB.verified)


def test_a_document_of_one_type_is_none_of_the_other() -> None:
    document: SignedDocument = sign_revocation(make_revocation(), ROTATION)
    with pytest.raises(DocumentError):
        verify_encryption_keys(document, GB.verified, GB.encryption)
