"""A hostile broker against a recipient: agreements, keys, numbers and withdrawals. See `test_recipient`."""

from typing import Any

import pytest

from agency_client.local_store.contradictions import ContradictionKind, list_contradictions
from agency_client.local_store.evidence_terms import end_evidence
from agency_client.local_store.inbound_streams import apply_announcement
from agency_client.local_store.inbox import InboxState
from schemas.agreements.steps import StepAction
from schemas.api import STEPS_PATH
from schemas.markings import Purpose
from schemas.signed import KeyUse
from tests.attacks.recipient import BE, GB, VN, demand_set_aside, strip_signed
from tests.support.lying_world import (
    LyingWorld,
    lying_world,
    make_aftercare,
    refer_to,
)
from tests.support.nodes import make_wide_clause, take_step


def test_a_message_accepted_while_the_agreement_was_suspended_is_set_aside(world: LyingWorld, terms: Any) -> None:
    take_step(world[VN], terms, StepAction.SUSPEND, world[VN], world[GB])
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    demand_set_aside(world, sealed, "agreement-not-in-force")


def test_a_message_handed_over_during_a_suspension_waits_until_it_ends(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    take_step(world[VN], terms, StepAction.SUSPEND, world[VN], world[GB])
    assert world.receive(VN, sealed).state is InboxState.NEW
    waiting = world.look_up(VN, sealed)
    assert waiting.problem is not None
    assert waiting.problem.code == "agreement-suspended"
    take_step(world[VN], terms, StepAction.RESUME, world[VN], world[GB])
    opened = world.receive(VN, sealed)
    assert (opened.state, opened.problem) == (InboxState.OPENED, None)


def test_a_message_under_an_agreement_revoked_since_is_refused(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    take_step(world[VN], terms, StepAction.REVOKE, world[VN], world[GB])
    demand_set_aside(world, sealed, "agreement-revoked", "refused")


def test_a_message_under_an_agreement_of_others_is_set_aside(world: LyingWorld, terms: Any) -> None:
    others = world.agree(BE, VN, "between others")
    sealed = world.craft(GB, VN, others)
    world.deliver(sealed, VN)
    demand_set_aside(world, sealed, "agreement-of-others")


def test_a_message_under_an_agreement_nobody_showed_waits_and_is_not_opened(world: LyingWorld, terms: Any) -> None:
    unknown = terms.model_copy(update={"title": "Never signed"})
    sealed = world.craft(GB, VN, unknown)
    world.deliver(sealed, VN)
    found = world.receive(VN, sealed)
    assert found.state is InboxState.NEW


def test_steps_withheld_by_the_exchange_keep_a_message_closed(world: LyingWorld) -> None:
    world.exchange.tamper[STEPS_PATH] = lambda answer: (
        answer.model_copy(update={"steps": ()}) if hasattr(answer, "steps") else answer
    )
    terms = world.agree(GB, BE, "withheld")  # stands in the stores of GB and BE
    with world[VN].store.read() as snapshot:
        assert terms.id not in {row[0] for row in snapshot.fetch_all("SELECT agreement FROM agreement_step")}
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    assert world.receive(VN, sealed).state is InboxState.NEW


def test_what_the_agreement_does_not_cover_to_the_brokers_eyes_is_set_aside(world: LyingWorld) -> None:
    narrow = world.agree(GB, VN, "narrow", clauses=(make_wide_clause(GB, VN, kinds=("facilitator",)),))
    sealed = world.craft(GB, VN, narrow)
    world.deliver(sealed, VN)
    demand_set_aside(world, sealed, "kind-not-covered")


@pytest.mark.parametrize(
    ("clause", "code"),
    [
        ({"purposes": (Purpose.BORDER_CONTROL,)}, "purpose-not-covered"),
        ({"handling": ("h2",)}, "handling-not-covered"),
    ],
)
def test_content_that_only_the_recipient_can_judge_is_refused(
    world: LyingWorld, clause: dict[str, Any], code: str
) -> None:
    from schemas.markings import HandlingCode

    if "handling" in clause:
        clause = {"handling": (HandlingCode.H2,)}
    narrow = world.agree(GB, VN, code, clauses=(make_wide_clause(GB, VN, **clause),))
    sealed = world.craft(GB, VN, narrow)
    world.deliver(sealed, VN)
    demand_set_aside(world, sealed, code, "refused")


def test_a_key_revoked_before_the_messages_leaf_signs_nothing_more(tmp_path: Any) -> None:
    from agency_client.own_keys.publishing import publish_queued
    from agency_client.own_keys.revoking import prepare_revocation

    with lying_world(tmp_path, GB, VN) as world:
        terms = world.agree(GB, VN, "revoked")
        signer = world[GB].signer(KeyUse.MESSAGE)
        before, after = (world.craft(GB, VN, terms, signer=signer) for _ in range(2))
        world.deliver(before, VN)
        digest = prepare_revocation(world[GB], [signer.kids[0]], "compromised")
        publish_queued(world[GB], digest)
        world.deliver(after, VN)
        demand_set_aside(world, after, "key-revoked")
        assert world.look_up(VN, before).state is InboxState.OPENED


def test_an_unpinned_sender_waits_until_somebody_pins_it(world: LyingWorld) -> None:
    terms = world.agree(BE, VN, "unpinned")
    sealed = world.craft(BE, VN, terms)
    world.deliver(sealed, VN)
    with world[VN].store.write() as transaction:
        transaction.execute("UPDATE agency_pin SET retired_at = 1 WHERE agency = 'BE'")
    try:
        assert world.receive(VN, sealed).state is InboxState.NEW
    finally:
        with world[VN].store.write() as transaction:
            transaction.execute("UPDATE agency_pin SET retired_at = NULL WHERE agency = 'BE'")
    assert world.receive(VN, sealed).state is InboxState.OPENED


def test_a_replay_changes_nothing(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    placed = world.deliver(sealed, VN)
    first = world.receive(VN, sealed)
    world.exchange.place(VN, placed)
    world.exchange.deliver(sealed.envelope, VN)
    report = world.collect(VN)
    assert (report.stored, report.repeated) == (0, 2)
    assert sealed.digest not in {finding.digest for finding in report.findings}
    assert world.look_up(VN, sealed) == first


def test_a_second_message_under_the_same_id_is_set_aside(world: LyingWorld, terms: Any) -> None:
    first = world.craft(GB, VN, terms)
    second = world.craft(GB, VN, terms, id=first.header.id)
    world.deliver(first, VN)
    assert world.receive(VN, first).state is InboxState.OPENED
    world.deliver(second, VN)
    demand_set_aside(world, second, "message-id-reused")


def test_a_second_message_under_the_same_number_is_a_proof_against_its_sender(world: LyingWorld, terms: Any) -> None:
    first = world.craft(GB, VN, terms)
    world.deliver(first, VN)
    assert world.receive(VN, first).state is InboxState.OPENED
    second = world.craft(GB, VN, terms, n=first.header.recipients[0].n)
    world.deliver(second, VN)
    demand_set_aside(world, second, "number-reused")
    with world[VN].store.read() as snapshot:
        proof = list_contradictions(snapshot, ContradictionKind.STREAM_NUMBER)[-1]
    assert proof.signer == GB
    assert {proof.first, proof.second} == {strip_signed(first), strip_signed(second)}


def test_a_number_whose_first_message_is_proven_no_more_is_refused_and_nobody_is_accused_by_half_a_proof(
    world: LyingWorld, terms: Any
) -> None:
    first = world.craft(GB, VN, terms)
    world.deliver(first, VN)
    assert world.receive(VN, first).state is InboxState.OPENED
    with world[VN].store.write() as transaction:
        end_evidence(transaction, first.digest, at=world.clock.now())
        before = list_contradictions(transaction, ContradictionKind.STREAM_NUMBER)
    second = world.craft(GB, VN, terms, n=first.header.recipients[0].n)
    world.deliver(second, VN)
    demand_set_aside(world, second, "number-reused")
    with world[VN].store.read() as snapshot:
        assert list_contradictions(snapshot, ContradictionKind.STREAM_NUMBER) == before


def test_a_number_its_sender_has_voided_is_refused(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    entry = sealed.header.recipients[0]
    with world[VN].store.write() as transaction:
        apply_announcement(transaction, GB, entry.stream, last=entry.n, voided=[entry.n], at=world.clock.now())
    world.deliver(sealed, VN)
    demand_set_aside(world, sealed, "number-voided", "refused")


def test_a_withdrawal_by_another_member_takes_nothing_back(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    others = world.agree(BE, VN, "of the meddler")
    alert = make_aftercare("withdrawal", sealed, world)
    meddling = world.craft(BE, VN, others, alert=alert, refers_to=refer_to(sealed))
    world.deliver(meddling, VN)
    world.collect(VN)
    assert world.look_up(VN, meddling).state is InboxState.UNVERIFIABLE
    found = world.look_up(VN, sealed)
    assert (found.state, found.withdrawn_at) == (InboxState.OPENED, None)


def test_a_message_withdrawn_before_it_was_opened_never_is(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    back = world.craft(GB, VN, terms, alert=make_aftercare("withdrawal", sealed, world), refers_to=refer_to(sealed))
    world.deliver(back, VN)
    found = world.receive(VN, sealed)
    assert found.state is InboxState.WITHDRAWN
    assert found.envelope is None
    assert world.look_up(VN, back).state is InboxState.OPENED


def test_a_message_that_comes_after_its_withdrawal_is_not_opened(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    placed = world.exchange.accept(sealed.envelope)
    back = world.craft(GB, VN, terms, alert=make_aftercare("withdrawal", sealed, world), refers_to=refer_to(sealed))
    world.deliver(back, VN)
    assert world.receive(VN, back).state is InboxState.OPENED
    world.exchange.place(VN, placed)
    assert world.receive(VN, sealed).state is InboxState.WITHDRAWN


def test_a_withdrawal_that_is_only_claimed_delays_and_takes_nothing_back(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    world.exchange.withdrawn[VN] = (refer_to(sealed),)
    assert world.receive(VN, sealed).state is InboxState.NEW
    world.exchange.withdrawn.clear()
    assert world.receive(VN, sealed).state is InboxState.OPENED


def test_aftercare_of_a_message_that_passed_between_others_is_set_aside(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    world.collect(VN)
    others = world.agree(BE, VN, "of a third")
    alert = make_aftercare("correction", sealed, world)
    meddling = world.craft(BE, VN, others, alert=alert, refers_to=refer_to(sealed))
    world.deliver(meddling, VN)
    demand_set_aside(world, meddling, "reference-refused")


def test_a_correction_is_opened_even_while_the_agreement_is_suspended(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    world.collect(VN)
    take_step(world[VN], terms, StepAction.SUSPEND, world[VN], world[GB])
    correction = world.craft(
        GB, VN, terms, alert=make_aftercare("correction", sealed, world), refers_to=refer_to(sealed)
    )
    world.deliver(correction, VN)
    assert world.receive(VN, correction).state is InboxState.OPENED
