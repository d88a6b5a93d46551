"""The exchange accepts a step for what it proves, judged again on what stands when its turn comes."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from broker.agreements.book import Agreements
from broker.agreements.errors import (
    AgreementError,
    ChainConflictError,
    NotTheSignerError,
    UnknownAgreementError,
    WrongExchangeError,
    WrongTimeError,
)
from broker.agreements.rules import MAX_STEP_BYTES, read_step, verify_signed_step, verify_step_follows
from broker.directory.errors import UnknownMemberError
from broker.directory.members import Members
from keys.encryption_keys import verify_revocation
from keys.errors import KeyNotInForceError, KeyRevokedError
from schemas.agreements.lifecycle import State
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import MAX_TERMS_BYTES, Party, Terms
from schemas.codec import TooLargeError, b64u_encode
from schemas.key_documents import AgencyClass
from schemas.log.epoch import CARRIED_OVER_WITHIN
from schemas.log.leaf import SALT_BYTES
from schemas.model import DocumentError
from schemas.signed import DocumentType, KeyUse, SignedDocument
from tests.support.agreements import Negotiation, make_terms_between
from tests.support.documents import make_revocation, sign_by
from tests.support.members import EXCHANGE, START, make_member

GB, VN = make_member("GB-HO"), make_member("VN-IMM")
AUDITOR = make_member("UTO-AUD", agency_class=AgencyClass.OVERSIGHT)
MEMBERS = Members().add(1, GB.verified).add(2, VN.verified).add(3, AUDITOR.verified)
NOON = START + timedelta(hours=12)
DATED_BEFORE = "^it is dated before the step of the other party that it answers$"
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
    since = MEMBERS.add(4, verify_revocation(revocation, GB.verified))

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


def test_a_verified_step_comes_with_the_document_and_the_keys_that_signed_it() -> None:
    document = negotiate().sign(GB.agency, PROPOSE, NOON)

    signed = verify_signed_step(MEMBERS, document, GB.agency, EXCHANGE, NOON)

    assert (signed.document, signed.chained) == (document, read_step(document))
    assert signed.kids == GB.signers[KeyUse.AGREEMENT].kids


def refuse(document: SignedDocument, now: datetime = NOON, *, caller: str = GB.agency) -> AgreementError:
    """Return why a first step is refused."""
    with pytest.raises(AgreementError) as refusal:
        accept(Agreements(), document, caller, now)
    return refusal.value


REFUSED: dict[str, tuple[Callable[[], AgreementError], type[AgreementError], str, str]] = {
    "another party hands it in": (
        lambda: refuse(negotiate().sign(GB.agency, PROPOSE, NOON), caller=VN.agency),
        NotTheSignerError,
        "agency",
        "the step is of GB-HO, the caller is VN-IMM",
    ),
    "it is for another exchange": (
        lambda: refuse(Negotiation.between(GB, VN, NOON, exchange="staging.example").sign(GB.agency, PROPOSE, NOON)),
        WrongExchangeError,
        "exchange",
        "the step is for staging.example, this is exchange.example",
    ),
    "a party is not enrolled": (
        lambda: refuse(Negotiation.between(GB, make_member("UTO-BP"), NOON).sign(GB.agency, PROPOSE, NOON)),
        AgreementError,
        "terms.parties.1",
        "UTO-BP is not enrolled at this exchange",
    ),
    "a party is no agency": (
        lambda: refuse(Negotiation.between(GB, AUDITOR, NOON).sign(GB.agency, PROPOSE, NOON)),
        AgreementError,
        "terms.parties.1",
        "UTO-AUD is enrolled as oversight; only an agency can be a party",
    ),
    "a party has another anchor": (
        lambda: refuse(propose_with_anchors(GB.anchor, GB.anchor)),
        AgreementError,
        "terms.parties.1.anchor",
        "the anchor is not the one of VN-IMM's first key set",
    ),
    "the lifecycle does not allow it": (
        lambda: refuse(negotiate().sign(GB.agency, SUSPEND, NOON)),
        AgreementError,
        "action",
        "nobody has proposed terms with this digest",
    ),
    "a widening step is too old": (
        lambda: refuse(negotiate().sign(GB.agency, PROPOSE, NOON), NOON + timedelta(minutes=6)),
        WrongTimeError,
        "time",
        "the step's time is more than 5 minutes from the exchange's",
    ),
    "a narrowing step is too far ahead": (
        lambda: refuse(negotiate().sign(GB.agency, SUSPEND, NOON), NOON - timedelta(hours=25)),
        WrongTimeError,
        "time",
        "the step's time is more than 24 hours ahead of the exchange's",
    ),
    "it does not begin its chain": (
        lambda: refuse(negotiate().sign(GB.agency, SUSPEND, NOON, party_seq=2, party_prev="A" * 43)),
        ChainConflictError,
        "party_seq",
        "step 2 of GB-HO does not follow its step 0: expected is party_seq 1 without party_prev",
    ),
}


def propose_with_anchors(*anchors: str) -> SignedDocument:
    parties = tuple(
        Party(agency=member.agency, anchor=anchor) for member, anchor in zip((GB, VN), anchors, strict=True)
    )
    return Negotiation.between(GB, VN, NOON, parties=parties).sign(GB.agency, PROPOSE, NOON)


@pytest.mark.parametrize(("find_refusal", "error", "field", "sentence"), REFUSED.values(), ids=REFUSED)
def test_it_refuses_when(
    find_refusal: Callable[[], AgreementError], error: type[AgreementError], field: str, sentence: str
) -> None:
    found = find_refusal()

    assert (type(found), found.field, str(found)) == (error, field, sentence)


def test_a_narrowing_step_may_have_waited_for_the_exchange_as_long_as_it_took() -> None:
    negotiation = negotiate()
    agreements = accept(Agreements(), negotiation.sign(GB.agency, PROPOSE, NOON), GB.agency)
    document, late = negotiation.sign(GB.agency, SUSPEND, NOON), NOON + timedelta(days=30)

    signed = verify_signed_step(MEMBERS, document, GB.agency, EXCHANGE, late)
    verify_step_follows(agreements, MEMBERS, signed, late)


def test_a_step_from_before_a_new_log_was_opened_is_taken_late_and_no_other() -> None:
    document, late = negotiate().sign(GB.agency, PROPOSE, NOON), NOON + timedelta(days=3)
    signed = verify_signed_step(MEMBERS, document, GB.agency, EXCHANGE, late)

    verify_step_follows(Agreements(), MEMBERS, signed, late, NOON)
    for opening, now in (
        (None, late),
        (NOON - timedelta(seconds=1), late),
        (NOON, NOON + CARRIED_OVER_WITHIN + timedelta(seconds=1)),
    ):
        with pytest.raises(WrongTimeError):
            verify_step_follows(Agreements(), MEMBERS, signed, now, opening)


def test_the_key_of_a_lost_step_need_only_have_been_good_when_it_was_signed() -> None:
    document, late = negotiate().sign(GB.agency, PROPOSE, NOON), START + timedelta(days=366)
    opening = late - timedelta(days=1)

    signed = verify_signed_step(MEMBERS, document, GB.agency, EXCHANGE, late, opening)
    verify_step_follows(Agreements(), MEMBERS, signed, late, opening)

    with pytest.raises(KeyNotInForceError):
        verify_signed_step(MEMBERS, document, GB.agency, EXCHANGE, late)
    with pytest.raises(KeyNotInForceError):
        verify_step_follows(Agreements(), MEMBERS, signed, late)


def test_a_revoked_key_signs_no_lost_step() -> None:
    revocation = sign_by(GB, make_revocation(GB, NOON + timedelta(days=9), KeyUse.AGREEMENT), DocumentType.REVOCATION)
    since = MEMBERS.add(4, verify_revocation(revocation, GB.verified))
    document, late = negotiate().sign(GB.agency, PROPOSE, NOON), NOON + timedelta(days=20)

    verify_signed_step(MEMBERS, document, GB.agency, EXCHANGE, late, late)
    with pytest.raises(KeyRevokedError):
        verify_signed_step(since, document, GB.agency, EXCHANGE, late, late)


def test_a_lost_acceptance_is_judged_by_its_own_time_and_any_other_by_the_exchanges() -> None:
    negotiation = negotiate()
    agreements = accept(Agreements(), negotiation.sign(GB.agency, PROPOSE, NOON), GB.agency)
    soon = NOON + timedelta(minutes=2)
    document = negotiation.sign(VN.agency, ACCEPT, NOON, confirm_by=soon)
    late = NOON + timedelta(days=20)

    lost = verify_signed_step(MEMBERS, document, VN.agency, EXCHANGE, late, late)
    verify_step_follows(agreements, MEMBERS, lost, late, late)

    with pytest.raises(AgreementError, match="the time to confirm has passed"):
        accept(agreements, document, VN.agency, soon + timedelta(minutes=1))


def test_a_lost_step_answers_nothing_that_came_after_it() -> None:
    negotiation, late = negotiate(), NOON + timedelta(days=20)
    for after, is_taken in ((timedelta(minutes=10), True), (timedelta(minutes=10, seconds=1), False)):
        agreements = accept(Agreements(), negotiation.sign(GB.agency, PROPOSE, NOON + after), GB.agency, NOON + after)
        document = negotiate().sign(VN.agency, ACCEPT, NOON, confirm_by=late)
        lost = verify_signed_step(MEMBERS, document, VN.agency, EXCHANGE, late, late)
        if is_taken:
            verify_step_follows(agreements, MEMBERS, lost, late, late)
        else:
            with pytest.raises(AgreementError, match=DATED_BEFORE) as refusal:
                verify_step_follows(agreements, MEMBERS, lost, late, late)
            assert refusal.value.field == "time"
        negotiation = negotiate()


def test_a_step_of_more_bytes_than_allowed_is_not_read() -> None:
    assert MAX_STEP_BYTES == 81_920
    longest = b'"' + b"x" * (MAX_STEP_BYTES - 2) + b'"'
    signatures = negotiate().sign(GB.agency, PROPOSE, NOON).signatures

    for payload, error in ((longest, DocumentError), (longest + b" ", TooLargeError)):
        with pytest.raises(error):
            read_step(SignedDocument(payload=b64u_encode(payload), signatures=signatures))


def make_wide_terms(size_bytes: int) -> Terms:
    """Return terms of exactly this many canonical bytes."""
    kinds = tuple(f"kind-{number:059d}" for number in range(64))
    clause = negotiate().terms.clauses[0].model_copy(update={"kinds": kinds})
    clauses = (clause,) * (size_bytes // len(clause.canonical()) - 1)
    terms = make_terms_between(GB, VN, NOON, clauses=clauses, note="x")
    return terms.model_copy(update={"note": "x" * (1 + size_bytes - len(terms.canonical()))})


def test_terms_may_have_exactly_the_bytes_allowed() -> None:
    fitting, wider = negotiate(), negotiate()
    fitting.terms, wider.terms = make_wide_terms(MAX_TERMS_BYTES), make_wide_terms(MAX_TERMS_BYTES + 1)
    assert len(fitting.terms.canonical()) == MAX_TERMS_BYTES

    accept(Agreements(), fitting.sign(GB.agency, PROPOSE, NOON, reason="y" * 8000), GB.agency)
    found = refuse(wider.sign(GB.agency, PROPOSE, NOON))

    assert (found.field, str(found)) == ("terms", "terms have at most 65536 bytes")


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
