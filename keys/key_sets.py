"""Key sets: every check a verifier makes, broker or client alike, in numbered steps.

Left to the caller: whether the first set's roots are the pinned ones (`verify_anchor`), whether a key stands in another
agency's set (`verify_no_shared_keys`), and whether the set has expired by the time it is used (`keys.timeline`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from keys.algorithms import check_public_key, verify_signature
from keys.certificates import verify_tls_ca
from keys.errors import KeysError, KeySetError, SignatureError
from keys.roots import check_roots, verify_root_signatures
from keys.signing import SeedSigner, sign_document
from schemas.codec import b64u_decode, b64u_encode
from schemas.jwk import AkpJwk, OkpJwk, thumbprint
from schemas.key_documents import (
    MAX_KEY_DOCUMENT_BYTES,
    MAX_KEY_SET_DAYS,
    MAX_KEYS_PER_USE,
    KeySet,
    OperationalKey,
    PossessedKey,
    compute_trust_anchor,
    digest_key_document,
    make_possession_payload,
)
from schemas.signed import (
    USE_ALGORITHMS,
    DocumentType,
    KeyUse,
    SignedDocument,
    encode_protected,
    make_signing_input,
)


@dataclass(frozen=True, slots=True)
class VerifiedKeySet:
    """A key set all of whose checks passed, with its digest and the thumbprint of its CA key (32 bytes).

    `judged_at` is the moment it was verified for: for a reader of the log the time of its leaf.
    """

    key_set: KeySet
    document: SignedDocument
    digest: str
    ca_thumbprint: bytes
    keys_by_kids: Mapping[tuple[str, ...], OperationalKey]
    judged_at: datetime

    @property
    def agency(self) -> str:
        """Return whose it is."""
        return self.key_set.agency

    def find_keys(self, use: KeyUse, kids: tuple[str, ...]) -> tuple[OkpJwk | AkpJwk, ...]:
        """Return the public keys named by `kids`, if this set has them for exactly this use.

        Raises:
            KeySetError: it has not.
        """
        found = self.keys_by_kids.get(kids)
        if found is None or found.use is not use:
            raise KeySetError(f"key set {self.key_set.seq} of {self.agency} has no such {use.value} key")
        return tuple(key.jwk for key in found.keys)

    def list_kids(self) -> set[str]:
        """Return the thumbprints of all operational keys."""
        return {kid for kids in self.keys_by_kids for kid in kids}


def make_operational_key(exchange: str, agency: str, use: KeyUse, signer: SeedSigner) -> OperationalKey:
    """Return the public side of a signing key, each half signing exchange, agency, use and its own thumbprint."""
    keys = []
    for key in signer.keys:
        signing_input = _make_possession_input(exchange, agency, use, key.jwk)
        keys.append(PossessedKey(jwk=key.jwk, possession=b64u_encode(key.sign(signing_input))))
    return OperationalKey(use=use, keys=tuple(keys))


def sign_key_set(key_set: KeySet, roots: Sequence[SeedSigner]) -> SignedDocument:
    """Return the key set signed by these roots."""
    return sign_document(key_set.canonical(), DocumentType.KEY_SET, roots)


def read_key_set(document: SignedDocument) -> KeySet:
    """Return the key set a document claims to be. Nothing is verified.

    Raises:
        CodecError: it is of another form.
    """
    return KeySet.from_canonical(document.payload_bytes, max_bytes=MAX_KEY_DOCUMENT_BYTES)


def verify_key_set(
    document: SignedDocument, previous: VerifiedKeySet | None, *, exchange: str, now: datetime
) -> VerifiedKeySet:
    """Verify a key set against the one before it (or as a first one) and return it.

    1. The form is canonical; exchange is ours. 2. Number, predecessor, agency and class continue the chain. 3. The
    roots are sound. 4. Enough roots signed: of this set and of the one before. 5. The times are in order. 6. Every key
    is sound, of its use's algorithms, once in the set, and says itself whose it is and for what. 7. The TLS CA is of
    the accepted form.

    Raises:
        KeySetError, SignatureError, KeyNotSoundError, CertificateError, CodecError: naming the step that failed.
    """
    key_set = read_key_set(document)
    if key_set.exchange != exchange:
        raise KeySetError(f"exchange: the key set is for {key_set.exchange}, this is {exchange}")
    _check_continuation(key_set, previous)
    check_roots(key_set.roots)
    before = [] if previous is None else [previous.key_set.roots]
    verify_root_signatures(document, [key_set.roots, *before])
    _check_times(key_set, previous)
    keys_by_kids = _check_operational_keys(key_set)
    thumb = verify_tls_ca(b64u_decode(key_set.tls_ca), now)
    digest = digest_key_document(DocumentType.KEY_SET, document.payload_bytes)
    return VerifiedKeySet(key_set, document, digest, thumb, keys_by_kids, now)


def verify_anchor(first: VerifiedKeySet, anchor: str) -> None:
    """Verify that a first key set is by the roots that were pinned.

    Raises:
        KeySetError: it is not the first of its chain, or by other roots.
    """
    if first.key_set.seq != 1:
        raise KeySetError("an anchor names the roots of an agency's first key set")
    if compute_trust_anchor(first.agency, first.key_set.roots) != anchor:
        raise KeySetError(f"the roots of {first.agency} are not the ones that were pinned in person")


def verify_no_shared_keys(key_set: VerifiedKeySet, others: Iterable[VerifiedKeySet]) -> None:
    """Verify that no key, root or CA of this set stands in another agency's.

    Raises:
        KeySetError: one does, and which agency's.
    """
    mine = _list_all_names(key_set)
    for other in others:
        if other.agency != key_set.agency and mine & _list_all_names(other):
            raise KeySetError(f"keys: a key stands in the key set of {other.agency} as well")


def _check_continuation(key_set: KeySet, previous: VerifiedKeySet | None) -> None:
    if previous is None:
        if key_set.seq != 1 or key_set.prev is not None:
            raise KeySetError("seq: a first key set has number 1 and no predecessor")
        return
    last = previous.key_set
    if (key_set.agency, key_set.agency_class, key_set.state) != (last.agency, last.agency_class, last.state):
        raise KeySetError("agency: a key set continues the chain of one agency, of one class and one state")
    if key_set.seq != last.seq + 1 or key_set.prev != previous.digest:
        raise KeySetError(f"seq: key set {key_set.seq} does not follow key set {last.seq}")


def _check_times(key_set: KeySet, previous: VerifiedKeySet | None) -> None:
    if not key_set.issued_at < key_set.expires_at <= key_set.issued_at + timedelta(days=MAX_KEY_SET_DAYS):
        raise KeySetError(f"expires_at: it must follow issued_at within {MAX_KEY_SET_DAYS} days")
    if previous is not None and key_set.issued_at < previous.key_set.issued_at:
        raise KeySetError("issued_at: a key set cannot be older than the one before it")


def _check_operational_keys(key_set: KeySet) -> dict[tuple[str, ...], OperationalKey]:
    found: dict[tuple[str, ...], OperationalKey] = {}
    seen = {kid for root in key_set.roots.keys for kid in root.kids}
    for position, key in enumerate(key_set.keys):
        try:
            _check_operational_key(key_set, key)
        except (KeysError, ValueError) as error:
            raise KeySetError(f"keys.{position}: {error}") from error
        if not seen.isdisjoint(key.kids):
            raise KeySetError(f"keys.{position}: a key stands twice in the set; a key has one use")
        seen.update(key.kids)
        found[key.kids] = key
    _check_uses(key_set)
    return found


def _check_uses(key_set: KeySet) -> None:
    counts = {use: sum(1 for key in key_set.keys if key.use is use) for use in KeyUse}
    for use, count in counts.items():
        if not 1 <= count <= MAX_KEYS_PER_USE:
            raise KeySetError(f"keys: {count} keys of use {use.value}; from 1 to {MAX_KEYS_PER_USE} are expected")


def _check_operational_key(key_set: KeySet, key: OperationalKey) -> None:
    if tuple(item.jwk.algorithm for item in key.keys) != USE_ALGORITHMS[key.use]:
        raise KeySetError(f"a {key.use.value} key is {' and '.join(USE_ALGORITHMS[key.use])}")
    for item in key.keys:
        check_public_key(item.jwk)
        signing_input = _make_possession_input(key_set.exchange, key_set.agency, key.use, item.jwk)
        try:
            verify_signature(item.jwk, b64u_decode(item.possession), signing_input)
        except SignatureError as error:
            raise KeySetError("the key has not signed whose it is and for what (possession)") from error


def _make_possession_input(exchange: str, agency: str, use: KeyUse, jwk: OkpJwk | AkpJwk) -> bytes:
    kid = thumbprint(jwk)
    protected = encode_protected(jwk.algorithm, kid, DocumentType.KEY_POSSESSION)
    return make_signing_input(protected, b64u_encode(make_possession_payload(exchange, agency, use, kid)))


def _list_all_names(key_set: VerifiedKeySet) -> set[str]:
    roots = {kid for root in key_set.key_set.roots.keys for kid in root.kids}
    return key_set.list_kids() | roots | {key_set.ca_thumbprint.hex()}
