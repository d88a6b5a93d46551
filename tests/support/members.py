"""Members of an exchange made with real keys: roots, key set 1, operational signers, encryption keys, TLS CA.

Deterministic where a seed is given, so that a failing test can be run again with the same keys.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from keys.algorithms import OpeningKey, SigningKey
from keys.certificates import make_tls_ca
from keys.encryption_keys import VerifiedEncryptionKeys, sign_encryption_keys, verify_encryption_keys
from keys.key_sets import VerifiedKeySet, make_operational_key, sign_key_set, verify_key_set
from keys.roots import load_root, make_roots
from keys.signing import SeedSigner
from keys.timeline import MemberTimeline
from schemas.codec import b64u_encode
from schemas.key_documents import AgencyClass, EncryptionKey, EncryptionKeys, KeySet, compute_trust_anchor
from schemas.signed import USE_ALGORITHMS, EncryptionUse, KeyUse

EXCHANGE = "exchange.example"
START = datetime(2026, 11, 1, tzinfo=UTC)


def derive_seed(*names: object) -> bytes:
    """Return a 32-byte seed that depends on the names only."""
    return hashlib.sha256("/".join(str(name) for name in names).encode()).digest()


@dataclass(frozen=True)
class Member:
    """A member and everything secret about it."""

    agency: str
    roots: tuple[SeedSigner, ...]
    signers: dict[KeyUse, SeedSigner]
    opening_key: OpeningKey
    tls_ca_seed: bytes
    key_set: KeySet
    verified: VerifiedKeySet
    encryption: VerifiedEncryptionKeys
    timeline: MemberTimeline = field(repr=False)

    @property
    def anchor(self) -> str:
        """Return the trust anchor of its first roots."""
        return compute_trust_anchor(self.agency, self.key_set.roots)

    @property
    def request_seed(self) -> bytes:
        """Return the seed of its request key."""
        return derive_seed(self.agency, KeyUse.REQUEST, 0, 0)


@cache
def make_member(agency: str, *, agency_class: AgencyClass = AgencyClass.AGENCY, exchange: str = EXCHANGE) -> Member:
    """Return a member with two of three roots, one key of each use, and one encryption key."""
    roots = tuple(
        load_root(derive_seed(agency, "root", n, "ed"), derive_seed(agency, "root", n, "ml")) for n in range(3)
    )
    signers = {use: make_signer(agency, use) for use in KeyUse}
    key_set = make_key_set(agency, roots, signers, agency_class=agency_class, exchange=exchange)
    verified = verify_key_set(sign_key_set(key_set, roots[:2]), None, exchange=exchange, now=START)
    opening = OpeningKey(derive_seed(agency, "encryption"))
    encryption = make_encryption_keys(verified, signers[KeyUse.ROTATION], opening)
    timeline = MemberTimeline(((0, verified),), ((1, encryption),))
    ca_seed = derive_seed(agency, "tls-ca")
    return Member(agency, roots, signers, opening, ca_seed, key_set, verified, encryption, timeline)


def make_signer(agency: str, use: KeyUse, generation: int = 0) -> SeedSigner:
    """Return the signer of one use."""
    keys = (
        SigningKey(algorithm, derive_seed(agency, use, generation, position))
        for position, algorithm in enumerate(USE_ALGORITHMS[use])
    )
    return SeedSigner(tuple(keys))


def make_key_set(
    agency: str,
    roots: tuple[SeedSigner, ...],
    signers: dict[KeyUse, SeedSigner],
    *,
    agency_class: AgencyClass = AgencyClass.AGENCY,
    exchange: str = EXCHANGE,
) -> KeySet:
    """Return key set 1, unsigned, with threshold 2."""
    ca = make_tls_ca(
        derive_seed(agency, "tls-ca"),
        serial=1,
        not_before=START - timedelta(days=1),
        not_after=START + timedelta(days=400),
    )
    return KeySet(
        v=1,
        exchange=exchange,
        agency=agency,
        agency_class=agency_class,
        name=f"Agency {agency}",
        state="UTO" if agency_class is AgencyClass.AGENCY else None,
        seq=1,
        issued_at=START,
        expires_at=START + timedelta(days=365),
        roots=make_roots(roots, 2),
        keys=tuple(make_operational_key(exchange, agency, use, signer) for use, signer in signers.items()),
        tls_ca=b64u_encode(ca),
    )


def make_encryption_keys(
    key_set: VerifiedKeySet, rotation: SeedSigner, opening: OpeningKey, *, not_before: datetime = START
) -> VerifiedEncryptionKeys:
    """Return the first document of encryption keys, with one key that lives 45 days."""
    key = EncryptionKey(
        use=EncryptionUse.ENCRYPTION, jwk=opening.jwk, not_before=not_before, expires_at=not_before + timedelta(days=45)
    )
    document = EncryptionKeys(
        v=1, exchange=key_set.key_set.exchange, agency=key_set.agency, seq=1, issued_at=not_before, keys=(key,)
    )
    return verify_encryption_keys(sign_encryption_keys(document, rotation), key_set, None)


def succeed(member: Member, **changes: object) -> KeySet:
    """Return the next key set of a member, unsigned, with some members changed."""
    following = {"seq": member.key_set.seq + 1, "prev": member.verified.digest}
    return member.key_set.model_copy(update=following | changes)
