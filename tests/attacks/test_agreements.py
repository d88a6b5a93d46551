"""Attacks on agreements: steps by others, altered, out of order, too late; and crossings that must never widen."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest

from schemas.agreements.lifecycle import State
from schemas.agreements.steps import StepAction, digest_step
from schemas.agreements.terms import Party
from schemas.api import AUDIT_PATH, STEPS_PATH, AuditAnswer, AuditQuery, Evidence
from schemas.codec import b64u_encode
from schemas.log.records import RecordType, Role
from schemas.signed import DocumentType, KeyUse, SignedDocument
from tests.attacks.negotiating import (
    ACCEPT,
    BE,
    CONFIRM,
    GB,
    PROPOSE,
    RESUME,
    REVOKE,
    SUSPEND,
    VN,
    conclude,
    negotiate,
    now,
    numbers,
    read_steps,
    take,
    view_state,
)
from tests.support.agreements import Negotiation, make_terms_between, sign_step
from tests.support.caller import Caller, read_answer, read_problem, read_slug
from tests.support.exchange import RunningExchange, make_live_member, running_exchange


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    with running_exchange(tmp_path_factory.mktemp("agreements"), GB, VN, BE, oversight="OVERSEER") as running:
        yield running


@pytest.fixture
def gb(exchange: RunningExchange) -> Caller:
    return exchange.caller(GB)


@pytest.fixture
def vn(exchange: RunningExchange) -> Caller:
    return exchange.caller(VN)


@pytest.fixture
def negotiation(exchange: RunningExchange) -> Negotiation:
    """Terms between GB and VN over which nobody has said anything yet."""
    return negotiate(exchange)


def test_an_agreement_comes_into_force_by_three_steps_and_both_parties_read_them(
    gb: Caller, vn: Caller, negotiation: Negotiation
) -> None:
    conclude(gb, vn, negotiation)

    assert view_state(gb, negotiation) is State.IN_FORCE
    assert view_state(vn, negotiation) is State.IN_FORCE


def test_anothers_step_is_refused_and_its_signer_can_see_the_attempt(
    exchange: RunningExchange, gb: Caller, vn: Caller, negotiation: Negotiation
) -> None:
    """VN got hold of a step GB signed and never sent."""
    kept_back = negotiation.sign(GB, PROPOSE, now())

    assert read_slug(vn.post(STEPS_PATH, kept_back)) == "not-the-sender"

    query = AuditQuery(reason="who tried", problem="not-the-sender", limit=10, agreement=negotiation.terms.id)
    (found,) = read_answer(exchange.caller(GB, Role.AUDITOR).post(AUDIT_PATH, query), AuditAnswer).records
    assert (found.record.agency, found.record.concerns) == (VN, (GB, VN))


def test_a_party_cannot_sign_in_the_others_name(
    exchange: RunningExchange, vn: Caller, negotiation: Negotiation
) -> None:
    step = negotiation.make_step(GB, PROPOSE, now())

    assert read_slug(vn.post(STEPS_PATH, sign_step(exchange.members[VN], step))) == "not-the-sender"


@pytest.mark.parametrize("use", [KeyUse.MESSAGE, KeyUse.RECEIPT, KeyUse.ROTATION])
def test_a_key_of_another_use_signs_no_step(gb: Caller, negotiation: Negotiation, use: KeyUse) -> None:
    step = negotiation.make_step(GB, PROPOSE, now())

    assert read_slug(gb.post(STEPS_PATH, sign_step(gb.member, step, use))) == "key-set-refused"


def test_anothers_key_signs_no_step(exchange: RunningExchange, gb: Caller, negotiation: Negotiation) -> None:
    step = negotiation.make_step(GB, PROPOSE, now())

    assert read_slug(gb.post(STEPS_PATH, sign_step(exchange.members[VN], step))) == "key-set-refused"


@pytest.mark.parametrize("kind", [DocumentType.ENVELOPE, DocumentType.RECEIPT, DocumentType.KEY_SET])
def test_a_step_signed_as_another_type_of_document_is_refused(
    gb: Caller, negotiation: Negotiation, kind: DocumentType
) -> None:
    from keys.signing import sign_document

    payload = negotiation.make_step(GB, PROPOSE, now()).canonical()
    document = sign_document(payload, kind, [gb.member.signers[KeyUse.AGREEMENT]])

    assert read_slug(gb.post(STEPS_PATH, document)) == "wrong-shape"


@pytest.mark.parametrize("half", [0, 1], ids=["without Ed25519", "without ML-DSA"])
def test_one_half_of_the_signatures_is_not_enough(gb: Caller, negotiation: Negotiation, half: int) -> None:
    document = negotiation.sign(GB, PROPOSE, now())
    stripped = document.model_copy(update={"signatures": (document.signatures[half],)})

    assert read_slug(gb.post(STEPS_PATH, stripped)) == "key-set-refused"


def test_altered_terms_under_a_good_signature_are_refused(gb: Caller, negotiation: Negotiation) -> None:
    document = negotiation.sign(GB, PROPOSE, now())
    altered = document.payload_bytes.replace(b'"daily_quota":100', b'"daily_quota":999')

    refused = gb.post(STEPS_PATH, document.model_copy(update={"payload": b64u_encode(altered)}))

    assert read_slug(refused) == "wrong-shape"  # the digest the step names is not of these terms


def test_an_altered_step_under_a_good_signature_is_refused(gb: Caller, vn: Caller, negotiation: Negotiation) -> None:
    take(gb, negotiation, PROPOSE)
    document = negotiation.sign(VN, StepAction.REJECT, now())
    altered = document.payload_bytes.replace(b'"action":"reject"', b'"action":"revoke"')

    refused = vn.post(STEPS_PATH, document.model_copy(update={"payload": b64u_encode(altered)}))

    assert read_slug(refused) == "signature-refused"


def test_terms_with_another_anchor_than_the_members_are_refused(
    exchange: RunningExchange, gb: Caller, negotiation: Negotiation
) -> None:
    """The exchange cannot be used to slip other roots under a partner's name."""
    false = Party(agency=VN, anchor=b64u_encode(bytes(32)))
    negotiation.terms = negotiation.terms.model_copy(update={"parties": (negotiation.terms.parties[0], false)})

    refused = gb.post(STEPS_PATH, negotiation.sign(GB, PROPOSE, now()))

    assert read_slug(refused) == "step-refused"
    assert read_problem(refused).field == "terms.parties.1.anchor"


def test_terms_with_somebody_who_is_not_an_enrolled_agency_are_refused(exchange: RunningExchange, gb: Caller) -> None:
    stranger, overseer = make_live_member("ZZ-STRANGER"), exchange.members["OVERSEER"]

    for other, says in ((stranger, "not enrolled"), (overseer, "only an agency can be a party")):
        negotiation = Negotiation.between(gb.member, other, now(), next(numbers))
        refused = gb.post(STEPS_PATH, negotiation.sign(GB, PROPOSE, now()))
        assert read_slug(refused) == "step-refused"
        assert says in read_problem(refused).detail


def test_nobody_proposes_for_two_others(exchange: RunningExchange, gb: Caller) -> None:
    terms = make_terms_between(exchange.members[VN], exchange.members[BE], now(), next(numbers))
    forged = {"v": 1, "exchange": terms.exchange, "agreement": terms.id, "digest": terms.digest(), "agency": GB}
    wire = forged | {"party_seq": 1, "action": "propose", "time": "2026-11-21T00:00:00Z", "terms": terms.to_wire()}
    from keys.signing import sign_document
    from schemas.codec import encode_canonical

    signer = gb.member.signers[KeyUse.AGREEMENT]
    document = sign_document(encode_canonical(wire), DocumentType.AGREEMENT_STEP, [signer])

    assert read_slug(gb.post(STEPS_PATH, document)) == "wrong-shape"


def test_a_third_party_cannot_enter_an_agreement_by_its_id(
    exchange: RunningExchange, gb: Caller, vn: Caller, negotiation: Negotiation
) -> None:
    conclude(gb, vn, negotiation)
    be = exchange.caller(BE)
    intruder = negotiate(exchange, BE, VN)
    intruder.terms = intruder.terms.model_copy(update={"id": negotiation.terms.id})

    refused = be.post(STEPS_PATH, intruder.sign(BE, PROPOSE, now()))
    assert read_slug(refused) == "step-refused"
    assert "keeps its parties" in read_problem(refused).detail

    suspension = negotiation.make_step(GB, SUSPEND, now()).model_copy(
        update={"agency": BE, "party_seq": 1, "party_prev": None}
    )
    refused = be.post(STEPS_PATH, sign_step(be.member, suspension))
    assert read_slug(refused) == "step-refused"
    assert view_state(gb, negotiation) is State.IN_FORCE


@pytest.mark.parametrize(
    ("agency", "action"),
    [(GB, ACCEPT), (VN, CONFIRM), (GB, CONFIRM)],
    ids=["the proposer accepts its own", "the other confirms", "confirmed before it was accepted"],
)
def test_steps_out_of_turn_are_refused(
    exchange: RunningExchange, gb: Caller, negotiation: Negotiation, agency: str, action: StepAction
) -> None:
    take(gb, negotiation, PROPOSE)

    refused = exchange.caller(agency).post(STEPS_PATH, negotiation.sign(agency, action, now()))

    assert read_slug(refused) == "step-refused"
    assert view_state(gb, negotiation) is State.PROPOSED


def test_who_has_not_suspended_cannot_resume(gb: Caller, vn: Caller, negotiation: Negotiation) -> None:
    conclude(gb, vn, negotiation)
    take(gb, negotiation, SUSPEND)

    refused = vn.post(STEPS_PATH, negotiation.sign(VN, RESUME, now()))

    assert read_slug(refused) == "step-refused"
    assert view_state(vn, negotiation) is State.SUSPENDED


def test_the_same_step_again_is_the_same_leaf(gb: Caller, negotiation: Negotiation) -> None:
    document = negotiation.sign(GB, PROPOSE, now())

    first, second = gb.post(STEPS_PATH, document), gb.post(STEPS_PATH, document)

    assert (first.status_code, second.status_code) == (201, 200)
    assert read_answer(first, Evidence, 201).leaf == read_answer(second, Evidence).leaf


def test_a_second_step_under_one_number_is_refused_and_the_answer_says_what_is_expected(
    gb: Caller, negotiation: Negotiation
) -> None:
    take(gb, negotiation, PROPOSE)
    head = negotiation.heads[GB][1]
    negotiation.heads.clear()

    refused = gb.post(STEPS_PATH, negotiation.sign(GB, PROPOSE, now(), reason="a fork of my own chain"))

    assert read_slug(refused) == "chain-conflict"
    assert f"expected is party_seq 2 with party_prev {head}" in read_problem(refused).detail


def test_a_step_after_one_that_the_exchange_never_saw_is_refused(gb: Caller, negotiation: Negotiation) -> None:
    negotiation.sign(GB, PROPOSE, now())

    refused = gb.post(STEPS_PATH, negotiation.sign(GB, SUSPEND, now()))

    assert read_slug(refused) == "chain-conflict"
    assert "expected is party_seq 1 without party_prev" in read_problem(refused).detail


def test_a_step_for_another_exchange_is_refused(gb: Caller, negotiation: Negotiation) -> None:
    negotiation.terms = negotiation.terms.model_copy(update={"exchange": "staging.example"})

    assert read_slug(gb.post(STEPS_PATH, negotiation.sign(GB, PROPOSE, now()))) == "wrong-exchange"


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_widening_step_of_another_time_is_refused(gb: Caller, negotiation: Negotiation, minutes: int) -> None:
    refused = gb.post(STEPS_PATH, negotiation.sign(GB, PROPOSE, now() + timedelta(minutes=minutes)))

    assert read_slug(refused) == "wrong-time"


def test_a_suspension_is_not_refused_over_a_clock(gb: Caller, vn: Caller, negotiation: Negotiation) -> None:
    """VN's clock is 23 hours ahead; its suspension counts at once all the same. Two days would be another document."""
    conclude(gb, vn, negotiation)

    far = negotiation.make_step(VN, SUSPEND, now() + timedelta(hours=25))
    assert read_slug(vn.post(STEPS_PATH, sign_step(vn.member, far))) == "wrong-time"
    vn.submit(STEPS_PATH, negotiation.sign(VN, SUSPEND, now() + timedelta(hours=23)))

    assert view_state(gb, negotiation) is State.SUSPENDED


def post_at_once(*posts: tuple[Caller, SignedDocument]) -> list[httpx.Response]:
    for caller, _ in posts:
        assert caller.token  # ask before the race
    with ThreadPoolExecutor(len(posts)) as threads:
        return [made.result() for made in [threads.submit(caller.post, STEPS_PATH, step) for caller, step in posts]]


def test_a_suspension_that_crosses_the_confirmation_holds_the_agreement(exchange: RunningExchange) -> None:
    """Whichever arrives first: each party has a chain of its own, so neither makes the other stale."""
    for _ in range(10):
        gb, vn, negotiation = exchange.caller(GB), exchange.caller(VN), negotiate(exchange)
        take(gb, negotiation, PROPOSE)
        take(vn, negotiation, ACCEPT)

        answers = post_at_once((gb, negotiation.sign(GB, CONFIRM, now())), (vn, negotiation.sign(VN, SUSPEND, now())))

        assert [answer.status_code for answer in answers] == [201, 201]
        assert view_state(gb, negotiation) is State.SUSPENDED


def test_a_withdrawal_that_crosses_the_acceptance_always_ends_it(exchange: RunningExchange) -> None:
    for _ in range(10):
        gb, vn, negotiation = exchange.caller(GB), exchange.caller(VN), negotiate(exchange)
        take(gb, negotiation, PROPOSE)

        withdrawal, _acceptance = post_at_once(
            (gb, negotiation.sign(GB, StepAction.WITHDRAW, now())), (vn, negotiation.sign(VN, ACCEPT, now()))
        )

        assert withdrawal.status_code == 201
        assert view_state(vn, negotiation) is State.WITHDRAWN


def test_of_two_steps_that_cross_under_one_number_one_is_refused(exchange: RunningExchange) -> None:
    """Two processes of one agency with the same key: the chain has one next step."""
    for _ in range(10):
        gb, other, negotiation = exchange.caller(GB), exchange.caller(GB), negotiate(exchange)
        conclude(gb, exchange.caller(VN), negotiation)
        steps = [negotiation.make_step(GB, action, now()) for action in (SUSPEND, REVOKE)]

        answers = post_at_once((gb, sign_step(gb.member, steps[0])), (other, sign_step(gb.member, steps[1])))

        assert sorted(answer.status_code for answer in answers) == [201, 409]
        assert {read_slug(answer) for answer in answers if answer.status_code == 409} == {"chain-conflict"}


def test_who_is_no_party_reads_nothing_of_an_agreement(
    exchange: RunningExchange, gb: Caller, vn: Caller, negotiation: Negotiation
) -> None:
    conclude(gb, vn, negotiation)

    for reader in (exchange.caller(BE), exchange.caller(BE, Role.AUDITOR, node="audit")):
        assert negotiation.terms.id not in {step.agreement for step in read_steps(reader)}
    assert negotiation.terms.id in {step.agreement for step in read_steps(exchange.caller(VN, Role.AUDITOR))}
    assert negotiation.terms.id in {step.agreement for step in read_steps(exchange.caller("OVERSEER"))}


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.OVERSIGHT])
def test_auditors_take_no_steps(exchange: RunningExchange, gb: Caller, role: Role, negotiation: Negotiation) -> None:
    reader = exchange.caller("OVERSEER") if role is Role.OVERSIGHT else exchange.caller(GB, role)

    refused = reader.post(STEPS_PATH, negotiation.sign(GB, PROPOSE, now()))

    assert read_slug(refused) == "role-not-allowed"


def test_every_refused_step_is_in_the_log(exchange: RunningExchange, gb: Caller, negotiation: Negotiation) -> None:
    document = negotiation.sign(GB, SUSPEND, now())
    gb.post(STEPS_PATH, document)

    query = AuditQuery(reason="refusals", types=(RecordType.REFUSED,), agreement=negotiation.terms.id, limit=10)
    (found,) = read_answer(exchange.caller("OVERSEER").post(AUDIT_PATH, query), AuditAnswer).records
    assert found.record.problem == "step-refused"
    assert found.record.step == "suspend"
    assert found.record.digest == digest_step(document.payload_bytes)


def test_a_key_document_is_no_step(gb: Caller) -> None:
    assert read_slug(gb.post(STEPS_PATH, gb.member.verified.document)) == "wrong-shape"
