"""The exchange accepts a step for what it proves, judged again on what stands when its turn comes."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from broker.agreements.book import Agreements
from broker.agreements.errors import (
    AgreementError,
    ChainConflictError,
    UnknownAgreementError,
    WrongTimeError,
)
from broker.agreements.rules import MAX_STEP_BYTES, read_step, verify_signed_step, verify_step_follows
from broker.directory.errors import UnknownMemberError
from broker.directory.members import Members
from keys.encryption_keys import verify_revocation
from keys.errors import KeyNotInForceError, KeyRevokedError
from schemas.agreements.lifecycle import State
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import MAX_TERMS_BYTES
from schemas.codec import TooLargeError, b64u_encode
from schemas.log.leaf import SALT_BYTES
from schemas.signed import DocumentType, KeyUse, SignedDocument
from tests.support.agreements import Negotiation
from tests.support.documents import make_revocation, sign_by
from tests.support.members import EXCHANGE, START, make_member

GB, VN = make_member("GB-HO"), make_member("VN-IMM")
MEMBERS = Members().add(1, GB.verified).add(2, VN.verified)
NOON = START + timedelta(hours=12)
PROPOSE, ACCEPT, CONFIRM, SUSPEND = StepAction.PROPOSE, StepAction.ACCEPT, StepAction.CONFIRM, StepAction.SUSPEND


def accept(agreements: Agreements, document: SignedDocument, agency: str, now: datetime = NOON) -> Agreements:
    """Return the agreements after a step that must be acceptable."""
    signed = verify_signed_step(MEMBERS, document, agency, EXCHANGE, now)
    verify_step_follows(agreements, MEMBERS, signed, now)
    return agreements.add(agreements.last_index + 1, signed.chained)


def negotiate() -> Negotiation:
    return Negotiation.between(GB, VN, NOON)


def test_three_steps_bring_an_agreement_into_force() -> None:
    negotiation, agreements = negotiate(), Agreements()
    for agency, action in ((GB.agency, PROPOSE), (VN.agency, ACCEPT), (GB.agency, CONFIRM)):
        agreements = accept(agreements, negotiation.sign(agency, action, NOON), agency)

    found = agreements.find(negotiation.terms.digest())

    assert found.terms == negotiation.terms
    assert {agency: len(chain) for agency, chain in found.chains.items()} == {GB.agency: 2, VN.agency: 1}
    assert agreements.view(negotiation.terms.digest(), NOON).state is State.IN_FORCE
    assert agreements.last_index == 2


def test_an_agreement_nobody_proposed_is_unknown() -> None:
    for look in (Agreements().find, lambda digest: Agreements().view(digest, NOON)):
        with pytest.raises(UnknownAgreementError):
            look(b64u_encode(bytes(SALT_BYTES)))
    assert Agreements().chains_of("3f0f6d0a-7c57-4c2c-9d3a-0d2f9a4b1c77") == {}


def test_adding_a_step_leaves_the_value_before_it_as_it_was() -> None:
    negotiation, before = negotiate(), Agreements()

    after = accept(before, negotiation.sign(GB.agency, PROPOSE, NOON), GB.agency)

    assert before.terms_by_digest == {}
    assert list(after.leaf_by_step.values()) == [0]


def test_a_key_revoked_between_the_two_halves_of_the_judgement_counts_as_revoked() -> None:
    """The signature was verified; before its turn came, a revocation was committed."""
    signed = verify_signed_step(MEMBERS, negotiate().sign(GB.agency, PROPOSE, NOON), GB.agency, EXCHANGE, NOON)
    revocation = sign_by(GB, make_revocation(GB, NOON, KeyUse.AGREEMENT), DocumentType.REVOCATION)
    since = MEMBERS.add(3, verify_revocation(revocation, GB.verified))

    with pytest.raises(KeyRevokedError):
        verify_step_follows(Agreements(), since, signed, NOON)


def test_an_expired_key_set_signs_no_step() -> None:
    late = START + timedelta(days=366)

    with pytest.raises(KeyNotInForceError):
        verify_signed_step(MEMBERS, negotiate().sign(GB.agency, PROPOSE, late), GB.agency, EXCHANGE, late)


def test_who_is_not_enrolled_signs_no_step() -> None:
    with pytest.raises(UnknownMemberError):
        verify_signed_step(Members(), negotiate().sign(GB.agency, PROPOSE, NOON), GB.agency, EXCHANGE, NOON)


def test_a_step_of_the_wrong_agreement_finds_no_terms() -> None:
    """It names a digest that exists, under an id whose chains do not hold it."""
    negotiation, other = negotiate(), Negotiation.between(GB, VN, NOON, "another")
    agreements = accept(Agreements(), negotiation.sign(GB.agency, PROPOSE, NOON), GB.agency)
    other.terms, digest = other.terms, negotiation.terms.digest()
    mixed = other.sign(GB.agency, SUSPEND, NOON, digest=digest)

    with pytest.raises(AgreementError, match="nobody has proposed terms with this digest"):
        accept(agreements, mixed, GB.agency)


def test_what_a_chain_expects_is_said_exactly() -> None:
    negotiation = negotiate()
    agreements = accept(Agreements(), negotiation.sign(GB.agency, PROPOSE, NOON), GB.agency)
    seq, prev = negotiation.heads[GB.agency]
    negotiation.heads[GB.agency] = seq + 5, prev

    with pytest.raises(ChainConflictError, match=f"expected is party_seq 2 with party_prev {prev}") as caught:
        accept(agreements, negotiation.sign(GB.agency, SUSPEND, NOON), GB.agency)
    assert caught.value.field == "party_seq"


@pytest.mark.parametrize(
    ("action", "hours", "is_accepted"),
    [
        (PROPOSE, 0.08, True),
        (PROPOSE, 0.09, False),
        (PROPOSE, -0.09, False),
        (SUSPEND, 24, True),
        (SUSPEND, -24, False),  # older than the step before it
        (SUSPEND, 24.1, False),
    ],
)
def test_how_far_a_step_may_be_from_now(action: StepAction, hours: float, is_accepted: bool) -> None:
    negotiation, agreements = negotiate(), Agreements()
    if action is SUSPEND:
        agreements = accept(agreements, negotiation.sign(GB.agency, PROPOSE, NOON), GB.agency)
    document = negotiation.sign(GB.agency, action, NOON + timedelta(hours=hours))

    if is_accepted:
        accept(agreements, document, GB.agency)
    else:
        with pytest.raises((WrongTimeError, ChainConflictError)):
            accept(agreements, document, GB.agency)


def test_terms_and_steps_have_a_size() -> None:
    long = "x" * 8000
    negotiation = negotiate()
    negotiation.terms = negotiation.terms.model_copy(
        update={"clauses": negotiation.terms.clauses * 30, "legal_basis": ("y" * 300,) * 16, "note": long}
    )
    assert len(negotiation.terms.canonical()) > 16_000
    accept(Agreements(), negotiation.sign(GB.agency, PROPOSE, NOON, reason=long), GB.agency)

    wide = negotiate()
    kinds = tuple(f"kind-{number:059d}" for number in range(64))
    clauses = tuple(clause.model_copy(update={"kinds": kinds}) for clause in wide.terms.clauses) * 8
    wide.terms = wide.terms.model_copy(update={"clauses": clauses})
    document = wide.sign(GB.agency, PROPOSE, NOON)
    assert len(wide.terms.canonical()) > MAX_TERMS_BYTES
    with pytest.raises((AgreementError, TooLargeError)):
        accept(Agreements(), document, GB.agency)
    assert MAX_STEP_BYTES > MAX_TERMS_BYTES
    assert replace(read_step(negotiation.sign(VN.agency, ACCEPT, NOON))).step.agency == VN.agency
