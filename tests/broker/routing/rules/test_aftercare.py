"""The decision over what follows a message up: it shares the way of its message, and its limits."""

from dataclasses import replace

import pytest

from broker.inbox.rules import Passage
from broker.routing.rules import Decision, EarlierMessage, Facts, Progress, Reason, decide
from schemas.agreements.following import MAX_FOLLOW_UPS
from schemas.agreements.lifecycle import State
from schemas.alerts import notice_kinds
from schemas.envelope import Routing
from schemas.markings import Tlp, Urgency
from tests.broker.routing.facts import (
    BE,
    GB,
    ORIGINAL,
    TERMS,
    VN,
    codes,
    make_aftercare,
    make_header,
    make_named,
    make_view,
)
from tests.strategies.agreements import make_clause, make_terms
from tests.support.messages import make_id


def test_what_follows_a_message_up_carries_no_attachments_since_no_agreement_limits_it() -> None:
    decision = decide(make_aftercare(attachments=(make_named(),)))
    assert [code for _, code, _ in codes(decision)] == ["attachments-with-aftercare"]


@pytest.mark.parametrize("state", [state for state in State if state is not State.DRAFT])
@pytest.mark.parametrize("kind", notice_kinds())
def test_aftercare_of_what_was_handed_over_passes_in_every_state_and_outside_quotas(kind: str, state: State) -> None:
    assert decide(make_aftercare(kind, state=state)) == Decision((), (Passage.AFTERCARE,))


@pytest.mark.parametrize("state", [State.IN_FORCE, State.SUSPENDED, State.REVOKED])
@pytest.mark.parametrize("kind", ["outcome", "acknowledgement", "breach-notice"])
def test_what_a_recipient_may_say_goes_back_to_the_sender_in_every_state(kind: str, state: State) -> None:
    facts = make_aftercare(kind, caller=VN, to=GB, state=state)
    assert decide(facts) == Decision((), (Passage.AFTERCARE,))


def test_a_correction_of_what_is_under_way_shares_its_fate() -> None:
    under_way = {VN: Progress.UNDER_WAY}
    assert decide(make_aftercare(progress=under_way)) == Decision((), (Passage.FOLLOWING,))
    sentence = "version 1 of the agreement is suspended: for a reason"
    suspended = Reason("agreement-not-in-force", "agreement-suspended", sentence, "refers_to")
    assert decide(make_aftercare(progress=under_way, state=State.SUSPENDED)) == Decision((suspended,), ())


@pytest.mark.parametrize("kind", ["correction", "withdrawal"])
def test_aftercare_cites_what_both_parties_have_signed(kind: str) -> None:
    facts = make_aftercare(kind)
    proposed = replace(make_view(State.PROPOSED), binding=False)
    decision = decide(replace(facts, recipients=(replace(facts.recipients[0], agreement=proposed),)))
    sentence = "version 1 of the agreement is proposed: for a reason"
    assert decision.reasons == (Reason("agreement-not-in-force", "agreement-proposed", sentence, "refers_to"),)


def test_a_withdrawal_of_what_is_under_way_passes_in_every_state() -> None:
    facts = make_aftercare("withdrawal", progress={VN: Progress.UNDER_WAY}, state=State.SUSPENDED)
    assert decide(facts) == Decision((), (Passage.AFTERCARE,))


def refuse_follow_up(code: str, sentence: str) -> Reason:
    return Reason("not-covered", code, sentence, "recipients.0.agreement")


@pytest.mark.parametrize(("kind", "caller", "to"), [("correction", GB, VN), ("outcome", VN, GB)])
def test_no_aftercare_is_marked_higher_than_the_clause_of_its_message_allows(kind: str, caller: str, to: str) -> None:
    """GB sent it under a clause up to AMBER; the version that is cited now would let either say RED."""
    clauses = (make_clause(GB, VN, highest_marking=Tlp.RED), make_clause(VN, GB, highest_marking=Tlp.RED))
    view = make_view(terms=make_terms(GB, VN, clauses=clauses))
    facts = make_aftercare(kind, caller=caller, to=to, marking=Tlp.RED)
    decision = decide(replace(facts, recipients=(replace(facts.recipients[0], agreement=view),)))
    assert refuse_follow_up("marking-too-high", "red is above amber, the highest marking agreed") in decision.reasons


def test_a_notice_is_marked_no_higher_than_its_message() -> None:
    earlier = EarlierMessage(ORIGINAL.digest, TERMS.id, GB, {VN: Progress.HANDED_OVER}, Tlp.GREEN)
    assert [reason.code for reason in decide(make_aftercare(earlier=earlier)).reasons] == ["marking-too-high"]
    assert decide(make_aftercare("release-decision", earlier=earlier)).is_accepted


def test_so_many_of_one_kind_follow_a_message_up_and_no_more() -> None:
    assert decide(make_aftercare(said_before=MAX_FOLLOW_UPS - 1)).is_accepted
    sentence = "64 messages of the kind correction were sent about the same message: no more are taken"
    assert decide(make_aftercare(said_before=MAX_FOLLOW_UPS)).reasons == (
        refuse_follow_up("follow-ups-exhausted", sentence),
    )


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        pytest.param(
            make_aftercare(earlier=None), "a correction refers to a message that was accepted here", id="unknown"
        ),
        pytest.param(
            make_aftercare(earlier=EarlierMessage("another", TERMS.id, GB, {VN: Progress.HANDED_OVER})),
            "a correction refers to a message that was accepted here",
            id="another-digest",
        ),
        pytest.param(
            make_aftercare(
                header=make_header(routing=Routing(kind="correction", marking=Tlp.RED, urgency=Urgency.ROUTINE))
            ),
            "a correction refers to a message that was accepted here",
            id="no-reference",
        ),
        pytest.param(
            make_aftercare(earlier=EarlierMessage(ORIGINAL.digest, make_id("else"), GB, {VN: Progress.HANDED_OVER})),
            "a correction cites the agreement of the message it refers to",
            id="another-agreement",
        ),
        pytest.param(
            make_aftercare(progress={VN: Progress.ENDED}),
            "the message it refers to never reached VN, so there is nothing to follow up there",
            id="never-reached-it",
        ),
        pytest.param(
            make_aftercare(progress={BE: Progress.HANDED_OVER}),
            "the message it refers to did not pass between GB-HO and VN",
            id="not-a-recipient",
        ),
        *(
            pytest.param(
                make_aftercare(kind, caller=VN, to=GB),
                f"a {kind} is for the agency alone that sent the message it refers to",
                id=f"{kind}-not-by-its-sender",
            )
            for kind in ("withdrawal", "correction", "misused-identity", "restriction")
        ),
        pytest.param(
            make_aftercare("outcome", caller=VN, to=GB, progress={VN: Progress.UNDER_WAY}),
            "the message it refers to did not pass between VN and GB-HO",
            id="outcome-of-what-nobody-handed-over",
        ),
        pytest.param(
            make_aftercare("outcome", caller=GB, to=VN, sender=BE, progress={GB: Progress.HANDED_OVER}),
            "the message it refers to did not pass between GB-HO and VN",
            id="to-a-third-agency",
        ),
    ],
)
def test_aftercare_goes_only_where_the_message_went(facts: Facts, sentence: str) -> None:
    decision = decide(facts)
    assert codes(decision) == [("reference-refused", "reference-refused", "refers_to")]
    assert decision.reasons[0].sentence == sentence
