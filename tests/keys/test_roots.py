"""Roots: any m of n from 1 of 1 to 9 of 9, and every change from one such set to another."""

from functools import cache
from itertools import pairwise

import pytest

from keys.errors import KeySetError, SignatureError
from keys.key_sets import VerifiedKeySet, sign_key_set, verify_anchor, verify_key_set
from keys.roots import check_roots, load_root, make_roots, verify_root_signatures
from keys.signing import SeedSigner
from schemas.key_documents import MAX_ROOTS, Roots, compute_trust_anchor
from schemas.signed import SignedDocument
from tests.support.members import EXCHANGE, START, derive_seed, make_member, succeed

GB = make_member("GB-HO")


@cache
def make_signers() -> tuple[SeedSigner, ...]:
    """Return eighteen roots: nine old ones, and nine that may follow them."""
    return tuple(load_root(derive_seed("root", n, "ed"), derive_seed("root", n, "ml")) for n in range(2 * MAX_ROOTS))


def sign(signers: tuple[SeedSigner, ...], roots: Roots, previous: VerifiedKeySet | None = None) -> SignedDocument:
    """Return a key set with these roots, signed by these signers."""
    if previous is None:
        return sign_key_set(GB.key_set.model_copy(update={"roots": roots}), signers)
    following = {"seq": previous.key_set.seq + 1, "prev": previous.digest, "roots": roots}
    return sign_key_set(succeed(GB, **following), signers)


@cache
def begin(count: int, threshold: int) -> VerifiedKeySet:
    """Return a first key set with the first `count` roots."""
    signers = make_signers()[:count]
    document = sign(signers[:threshold], make_roots(signers, threshold))
    return verify_key_set(document, None, exchange=EXCHANGE, now=START)


@pytest.mark.parametrize("count", range(1, MAX_ROOTS + 1))
def test_exactly_the_threshold_signs_whatever_it_is(count: int) -> None:
    signers = make_signers()[:count]
    document = sign(signers, make_roots(signers, count))
    for threshold in range(1, count + 1):
        roots = make_roots(signers, threshold)
        check_roots(roots)
        verify_root_signatures(document, [roots])
        enough = SignedDocument(payload=document.payload, signatures=document.signatures[: 2 * threshold])
        verify_root_signatures(enough, [roots])
        if threshold > 1:
            short = SignedDocument(payload=document.payload, signatures=document.signatures[: 2 * threshold - 2])
            with pytest.raises(SignatureError, match=f"{threshold - 1} of the roots signed, {threshold} must"):
                verify_root_signatures(short, [roots])


def test_a_threshold_above_the_number_of_roots_and_a_tenth_root_are_refused() -> None:
    signers = make_signers()
    with pytest.raises(KeySetError, match="2 of 1 can never sign"):
        check_roots(make_roots(signers[:1], 2))
    with pytest.raises(ValueError, match="at most 9"):
        make_roots(signers[: MAX_ROOTS + 1], 1)


@pytest.mark.parametrize(
    ("old", "new", "new_threshold"),
    [
        ((0, 1, 2), (0, 1, 2, 3), 2),
        ((0, 1, 2), (0, 1), 2),
        ((0, 1, 2), (0, 1, 3), 2),
        ((0, 1, 2), (0, 1, 2), 3),
        ((0, 1, 2), (0, 1, 2), 1),
        ((0, 1, 2), (3, 4, 5), 2),
        ((0, 1, 2), tuple(range(9, 18)), 9),
    ],
    ids=["add", "remove", "replace", "raise", "lower", "replace-all", "to-nine-of-nine"],
)
def test_a_change_of_roots_is_signed_by_the_old_and_by_the_new_threshold(
    old: tuple[int, ...], new: tuple[int, ...], new_threshold: int
) -> None:
    signers, first = make_signers(), begin(len(old), 2)
    roots = make_roots([signers[n] for n in new], new_threshold)
    enough = tuple(signers[n] for n in sorted({*old[:2], *new[:new_threshold]}))
    changed = verify_key_set(sign(enough, roots, first), first, exchange=EXCHANGE, now=START)

    assert changed.key_set.roots == roots
    verify_anchor(first, compute_trust_anchor("GB-HO", first.key_set.roots))
    one_old = tuple(signers[n] for n in sorted({old[0], *new} - {*old[1:]}))
    with pytest.raises(SignatureError, match=r"1 of the roots signed, \d must"):
        verify_key_set(sign(one_old, roots, first), first, exchange=EXCHANGE, now=START)
    if set(new).isdisjoint(old):
        with pytest.raises(SignatureError, match="must"):
            verify_key_set(sign(tuple(signers[n] for n in old[:2]), roots, first), first, exchange=EXCHANGE, now=START)


def test_one_stolen_root_lowers_no_threshold_and_brings_in_no_roots() -> None:
    signers, first = make_signers(), begin(3, 2)
    thief = signers[2]
    for roots in (
        make_roots([thief], 1),
        make_roots(signers[:3], 1),
        make_roots([thief, *signers[9:11]], 2),
    ):
        for also in ((), signers[9:11]):
            named = [signer for signer in also if signer.kids in {root.kids for root in roots.keys}]
            with pytest.raises(SignatureError):
                verify_key_set(sign((thief, *named), roots, first), first, exchange=EXCHANGE, now=START)


def test_roots_change_link_by_link_and_the_first_anchor_stays_the_pin() -> None:
    """Nobody pins again: three changes later the chain still begins with the roots on paper."""
    signers, chain = make_signers(), [begin(3, 2)]
    for start in (1, 2, 3):
        roots = make_roots(signers[start : start + 3], 2)
        both = signers[start : start + 2]
        document = sign(both, roots, chain[-1])
        chain.append(verify_key_set(document, chain[-1], exchange=EXCHANGE, now=START))

    verify_anchor(chain[0], compute_trust_anchor("GB-HO", chain[0].key_set.roots))
    assert {root.kids for root in chain[-1].key_set.roots.keys}.isdisjoint(
        root.kids for root in chain[0].key_set.roots.keys
    )
    for before, after in pairwise(chain):
        assert after.key_set.prev == before.digest
    with pytest.raises(KeySetError, match="first key set"):
        verify_anchor(chain[-1], compute_trust_anchor("GB-HO", chain[-1].key_set.roots))
    with pytest.raises((SignatureError, KeySetError)):
        verify_key_set(
            sign(signers[:2], make_roots(signers[:3], 2), chain[-1]), chain[-1], exchange=EXCHANGE, now=START
        )
