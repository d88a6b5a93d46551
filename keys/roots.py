"""Roots: the offline keys of an agency, m of n, and the rule by which their signatures count.

A root is an Ed25519 and an ML-DSA-87 key together: its signature counts when both halves verify, and each root counts
once.
"""

from collections.abc import Mapping, Sequence

from keys.algorithms import SigningKey, check_public_key
from keys.errors import KeySetError, SignatureError
from keys.signing import SeedSigner, verify_slot
from schemas.jwk import AkpJwk, Algorithm, OkpJwk
from schemas.key_documents import RootKey, Roots
from schemas.signed import ROOT_ALGORITHMS, DocumentType, SignatureSlot, SignedDocument, read_signatures


def load_root(seed_ed25519: bytes, seed_ml_dsa: bytes) -> SeedSigner:
    """Return the signer of one root from its two 32-byte seeds."""
    return SeedSigner((SigningKey(Algorithm.ED25519, seed_ed25519), SigningKey(Algorithm.ML_DSA_87, seed_ml_dsa)))


def make_roots(signers: Sequence[SeedSigner], threshold: int) -> Roots:
    """Return the public side of a ceremony's roots, in their one order."""
    keys = []
    for signer in sorted(signers, key=lambda item: item.kids[0]):
        ed25519, ml_dsa = signer.jwks
        assert isinstance(ed25519, OkpJwk)  # noqa: S101 - load_root makes the pair in this order
        assert isinstance(ml_dsa, AkpJwk)  # noqa: S101 - load_root makes the pair in this order
        keys.append(RootKey(ed25519=ed25519, ml_dsa=ml_dsa))
    return Roots(threshold=threshold, keys=tuple(keys))


def check_roots(roots: Roots) -> None:
    """Check that the roots are distinct, ordered, of the right algorithms and sound, and the threshold reachable.

    Raises:
        KeySetError: one of these does not hold.
    """
    first_kids = [root.kids[0] for root in roots.keys]
    if first_kids != sorted(set(first_kids)):
        raise KeySetError("roots: they must be distinct and ordered by the thumbprint of their Ed25519 key")
    if len({kid for root in roots.keys for kid in root.kids}) != 2 * len(roots.keys):
        raise KeySetError("roots: one key stands in two roots")
    if roots.threshold > len(roots.keys):
        raise KeySetError(f"roots: {roots.threshold} of {len(roots.keys)} can never sign")
    for root in roots.keys:
        if (root.ed25519.algorithm, root.ml_dsa.algorithm) != ROOT_ALGORITHMS:
            raise KeySetError("roots: a root is an Ed25519 and an ML-DSA-87 key")
        check_public_key(root.ed25519)
        check_public_key(root.ml_dsa)


def verify_root_signatures(document: SignedDocument, required: Sequence[Roots]) -> None:
    """Verify that of each of the `required` roots (at a change: the old and the new) enough have signed a key set.

    Raises:
        SignatureError: an unknown root, one root twice, one half without the other, a false signature, or too few.
        CodecError: a protected header of another form.
    """
    slots = read_signatures(document.payload, document.signatures, DocumentType.KEY_SET)
    known = {root.kids: root for roots in required for root in roots.keys}
    signed = _verify_pairs(slots, known)
    for roots in required:
        count = sum(1 for root in roots.keys if root.kids in signed)
        if count < roots.threshold:
            raise SignatureError(f"{count} of the roots signed, {roots.threshold} must")


def _verify_pairs(slots: Sequence[SignatureSlot], known: Mapping[tuple[str, str], RootKey]) -> set[tuple[str, str]]:
    # A root is both of its halves: one Ed25519 key beside another ML-DSA key is another root.
    if len(slots) % 2:
        raise SignatureError("a root signs with both of its keys; one half is missing")
    pairs = {
        (first.header.kid, second.header.kid): (first, second)
        for first, second in zip(slots[::2], slots[1::2], strict=True)
    }
    if 2 * len(pairs) != len(slots) or list(pairs) != sorted(pairs):
        raise SignatureError("each root signs once, in the order of the roots")
    for kids, (first, second) in pairs.items():
        if kids not in known:
            raise SignatureError("a signature is by a root that is not named, or by two halves of two roots")
        verify_slot(first, known[kids].ed25519)
        verify_slot(second, known[kids].ml_dsa)
    return set(pairs)
