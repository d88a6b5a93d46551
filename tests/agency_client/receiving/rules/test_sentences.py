"""What a recipient says of a message: why it is refused, waited for or sound, in words that name the field or the step.

Which case is refused at all is tested beside the rules; here the sentence and the code, which a person and a program
act on.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agency_client.receiving.errors import NotCoveredError, UnprovenError, WaitingError, WithheldError
from agency_client.receiving.rules import (
    MessageFacts,
    check_encryption_key,
    check_header,
    check_moment,
    check_right,
    check_signatures,
    check_standing,
)
from keys.timeline import MemberTimeline
from schemas.agreements.steps import StepAction
from schemas.codec import b64u_encode
from schemas.key_documents import AgencyClass
from schemas.markings import Tlp
from tests.agency_client.receiving.test_rules import (
    ACCEPTED,
    LEAF,
    ORIGINAL,
    SIGNED,
    VN,
    Agreement,
    change_header,
    know_original,
    make_aftercare,
    make_facts,
    succeed,
)
from tests.strategies.agreements import make_clause
from tests.support.members import make_member
from tests.support.messages import make_id

Check = Callable[[MessageFacts], str]
Refusal = tuple[type[Exception], str, str]


def refuse(check: Check, facts: MessageFacts) -> Refusal:
    """Return how a check refuses: kind, code and sentence."""
    with pytest.raises((UnprovenError, WaitingError, NotCoveredError)) as caught:
        check(facts)
    return type(caught.value), caught.value.code, caught.value.sentence


def hold(*steps: tuple[str, StepAction], **changes: Any) -> MessageFacts:
    """Return a message whose agreement has had further steps since."""
    agreement = Agreement().bind()
    facts = make_facts(agreement, **changes)
    for agency, action in steps:
        agreement.take(agency, action, ACCEPTED)
    return replace(facts, chains_now=agreement.chains)


HEADERS: dict[str, tuple[dict[str, Any], Refusal]] = {
    "another exchange": (
        {"exchange": "staging.example"},
        (UnprovenError, "wrong-exchange", "exchange: it is for staging.example, not exchange.example"),
    ),
    "no commitment": (
        {"commitment": None},
        (UnprovenError, "body-mismatch", "commitment: the header commits to no content"),
    ),
    "issued after it was accepted": (
        {"issued_at": ACCEPTED + timedelta(minutes=5, seconds=1)},
        (UnprovenError, "wrong-time", "issued_at: it lies after the moment of its acceptance"),
    ),
    "over before it was accepted": (
        {"expires_at": ACCEPTED},
        (
            UnprovenError,
            "wrong-time",
            "expires_at: it must lie after the acceptance and at most 30 days after issued_at",
        ),
    ),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_is_refused_by_its_field(name: str) -> None:
    changes, refusal = HEADERS[name]
    assert refuse(check_header, change_header(make_facts(), **changes)) == refusal


def test_a_header_in_ones_own_name_or_with_an_addressee_twice_is_refused_by_its_field() -> None:
    facts = make_facts()
    header = facts.sealed.header
    ours = change_header(facts, sender=header.sender.model_copy(update={"agency": "VN"}))
    entries = [header.recipients[0].model_copy(update={"agency": agency}) for agency in ("VN", "BE", "BE")]
    twice = change_header(facts, recipients=tuple(entries))
    assert refuse(check_header, ours) == (
        UnprovenError,
        "sent-by-ourselves",
        "sender: it is in this agency's own name",
    )
    assert refuse(check_header, twice) == (UnprovenError, "wrong-recipient", "recipients: one stands there twice")


def test_what_follows_a_message_up_carries_no_attachments() -> None:
    facts = make_aftercare("correction", know_original())
    payload = facts.sealed.payload.model_copy(update={"attachments": ("one",)})
    assert refuse(check_header, replace(facts, sealed=replace(facts.sealed, payload=payload))) == (
        UnprovenError,
        "attachments-refused",
        "attachments: what follows a message up carries none",
    )


def test_the_latest_times_that_fit_are_sound() -> None:
    facts = make_facts()
    issued = ACCEPTED + timedelta(minutes=5)
    fitting = change_header(facts, issued_at=issued, expires_at=issued + timedelta(days=30))
    assert check_header(fitting) == f"addressed to VN on exchange.example, issued {issued:%Y-%m-%d %H:%M:%S} UTC"
    too_long = change_header(facts, issued_at=issued, expires_at=issued + timedelta(days=30, seconds=1))
    assert refuse(check_header, too_long)[1] == "wrong-time"
    at_once = change_header(facts, expires_at=ACCEPTED + timedelta(seconds=1))
    assert check_header(at_once)


def test_signatures_are_refused_by_what_is_wrong_with_them() -> None:
    oversight = make_facts(sender=make_member("OV", agency_class=AgencyClass.OVERSIGHT).timeline)
    facts = make_facts()
    unknown = replace(facts, sender=MemberTimeline(VN.timeline.key_sets))
    another = change_header(facts, sender=facts.sealed.header.sender.model_copy(update={"keyset": 2}))
    assert refuse(check_signatures, oversight) == (
        UnprovenError,
        "not-an-agency",
        "sender: GB-HO is no agency that may send",
    )
    assert refuse(check_signatures, unknown)[2].startswith("the sender's signatures: ")
    assert refuse(check_signatures, another) == (
        UnprovenError,
        "key-set-not-current",
        "sender.keyset: 2 is named, 1 was in force",
    )


def test_the_key_it_was_sealed_for_is_named_by_its_beginning_and_refused_by_its_field() -> None:
    facts = make_facts()
    routing = facts.sealed.header.routing.model_copy(update={"kind": "confidential"})
    late = MemberTimeline(VN.timeline.key_sets, ((LEAF + 1, VN.encryption),))
    kid = facts.sealed.header.recipients[0].kid
    assert check_encryption_key(facts) == f"sealed for this agency's encryption key {kid[:8]}"
    code = "encryption-key-not-current"
    assert refuse(check_encryption_key, change_header(facts, routing=routing)) == (
        UnprovenError,
        code,
        "recipients.kid: that key is for other messages",
    )
    assert refuse(check_encryption_key, replace(facts, mine=late))[2].startswith("recipients.kid: ")


def test_a_leaf_is_dated_no_further_ahead_than_two_clocks_may_differ() -> None:
    slack = timedelta(seconds=600)
    assert check_moment(make_facts(now=ACCEPTED - slack)) == (
        "the time of its acceptance fits what this node saw of the log"
    )
    assert refuse(check_moment, make_facts(now=ACCEPTED - slack - timedelta(seconds=1))) == (
        WaitingError,
        "leaf-ahead-of-now",
        "the exchange dates its acceptance ahead of now",
    )


def test_a_leaf_is_not_dated_back_behind_what_this_node_saw_of_the_log() -> None:
    seen = ACCEPTED + timedelta(seconds=600)
    assert check_moment(make_facts(leaf_not_before=seen))
    seen += timedelta(seconds=1)
    assert refuse(check_moment, make_facts(leaf_not_before=seen)) == (
        UnprovenError,
        "leaf-dated-back",
        f"the exchange dates its acceptance back: on {seen:%Y-%m-%d %H:%M} it was not in the log",
    )


def test_an_agreement_that_is_not_here_is_waited_for_in_words() -> None:
    whole, proposed = Agreement().bind(), Agreement()
    proposed.take("GB-HO", StepAction.PROPOSE, SIGNED)
    assert refuse(check_right, make_facts(whole, chains_then={})) == (
        WaitingError,
        "agreement-unknown",
        "the agreement cited is not known here yet",
    )
    assert refuse(check_right, make_facts(whole, chains_then=proposed.copy_chains())) == (
        WaitingError,
        "agreement-not-in-force",
        "the agreement was proposed then: GB-HO proposed it; the other party has not answered",
    )


def test_aftercare_under_terms_that_only_one_has_signed_is_waited_for_in_words() -> None:
    proposed = Agreement()
    proposed.take("GB-HO", StepAction.PROPOSE, SIGNED)
    facts = replace(make_aftercare("correction", know_original()), chains_then=proposed.copy_chains())
    assert refuse(check_right, facts) == (
        WaitingError,
        "agreement-not-in-force",
        "the agreement was proposed then: GB-HO proposed it; the other party has not answered",
    )


@pytest.mark.parametrize("is_answered", [True, False], ids=["lapsed", "countered"])
def test_what_a_step_that_is_not_here_could_have_changed_is_waited_for(is_answered: bool) -> None:
    agreement = Agreement()
    agreement.take("GB-HO", StepAction.PROPOSE, SIGNED)
    if is_answered:
        agreement.take("VN", StepAction.ACCEPT, SIGNED, confirm_by=SIGNED + timedelta(minutes=1))
    else:
        other = agreement.terms.model_copy(update={"title": "Another text"})
        agreement.take("VN", StepAction.PROPOSE, SIGNED, other, counters=agreement.terms.digest())
    kind, code, sentence = refuse(check_right, make_facts(agreement))
    assert (kind, code) == (WaitingError, "agreement-not-in-force")
    assert sentence.startswith(f"the agreement was {'lapsed' if is_answered else 'countered'} then: ")


def test_an_agreement_that_did_not_stand_at_the_leaf_is_refused_in_words() -> None:
    agreement = Agreement().bind()
    agreement.take("VN", StepAction.SUSPEND, SIGNED)
    assert refuse(check_right, make_facts(agreement)) == (
        UnprovenError,
        "agreement-not-in-force",
        "version 1 of the agreement was suspended when the message was accepted: suspended by VN",
    )


def test_an_agreement_of_others_or_under_another_anchor_is_refused_in_words() -> None:
    facts = make_facts()
    of_be = change_header(facts, sender=facts.sealed.header.sender.model_copy(update={"agency": "BE"}))
    other_anchor = replace(facts, anchors=facts.anchors | {"VN": b64u_encode(bytes(32))})
    assert refuse(check_right, of_be) == (
        UnprovenError,
        "agreement-of-others",
        "the agreement cited is between GB-HO and VN",
    )
    assert refuse(check_right, other_anchor) == (
        UnprovenError,
        "anchor-mismatch",
        "the agreement names another trust anchor for VN than the one pinned here",
    )


def test_everything_visible_that_no_clause_covers_stands_in_one_sentence() -> None:
    clause = make_clause("GB-HO", "VN", highest_marking=Tlp.GREEN, max_bytes=10)
    kind, code, sentence = refuse(check_right, make_facts(Agreement(clauses=(clause,)).bind()))
    assert (kind, code) == (UnprovenError, "marking-too-high")
    assert sentence.startswith("amber is above green, the highest marking agreed; ")


def test_a_sound_message_under_an_agreement_that_stands_is_so_in_words() -> None:
    facts = make_facts()
    assert check_standing(facts) == "nobody has suspended or revoked the agreement since"
    aftercare = make_aftercare("correction", know_original())
    assert check_standing(aftercare) == "aftercare passes in every state of the agreement"


def test_what_has_narrowed_since_is_said_by_who_did_it() -> None:
    by_both = hold(("VN", StepAction.SUSPEND), ("GB-HO", StepAction.SUSPEND))
    revoked = hold(("VN", StepAction.REVOKE))
    assert refuse(check_standing, by_both) == (
        WithheldError,
        "agreement-suspended",
        "the agreement is suspended by GB-HO and VN",
    )
    assert refuse(check_standing, revoked) == (
        NotCoveredError,
        "agreement-revoked",
        "the agreement has ended since: VN revoked the agreement",
    )


def test_what_its_sender_says_and_the_log_has_not_shown_is_waited_for() -> None:
    facts = make_facts()
    revoked = replace(facts, hidden_revocations=frozenset(facts.sealed.header.sender.kids))
    assert refuse(check_standing, revoked) == (
        WaitingError,
        "revocation-hidden",
        "its sender says that it has revoked this key, and the log has not shown it",
    )
    assert check_standing(replace(facts, hidden_revocations=frozenset({"another"})))
    assert refuse(check_standing, replace(facts, is_step_hidden=True)) == (
        WithheldError,
        "step-hidden",
        "its sender has signed a step of the agreement that the exchange has not shown",
    )


def test_a_version_that_took_its_place_is_named_with_what_it_does_not_cover() -> None:
    agreement = Agreement().bind()
    facts = make_facts(agreement)
    succeed(agreement, clauses=(make_clause("GB-HO", "VN", highest_marking=Tlp.GREEN, max_bytes=10),))
    kind, code, sentence = refuse(check_standing, replace(facts, chains_now=agreement.chains))
    assert (kind, code) == (NotCoveredError, "agreement-superseded")
    prefix = "version 2 has taken the agreement's place and does not cover it: amber is above green, "
    assert sentence.startswith(prefix)
    assert sentence.removeprefix(prefix).startswith("the highest marking agreed; ")


AFTERCARE: dict[str, tuple[dict[str, Any], str]] = {
    "of two messages": ({"message_id": make_id("another")}, "refers_to: id and digest are of two messages"),
    "of another's message": (
        {"sender": "BE"},
        "GB-HO sends a correction about a message of BE: only its sender can",
    ),
    "sent to somebody else": (
        {"recipients": frozenset({"BE"})},
        "the message it refers to did not pass between GB-HO and VN",
    ),
    "under another agreement": (
        {"agreement": make_id("another agreement")},
        "it cites another agreement than the message it refers to",
    ),
}


@pytest.mark.parametrize("name", AFTERCARE)
def test_aftercare_is_refused_by_what_is_wrong_with_its_reference(name: str) -> None:
    changes, sentence = AFTERCARE[name]
    facts = make_aftercare("correction", know_original(**changes))
    assert refuse(check_right, facts) == (UnprovenError, "reference-refused", sentence)


def test_a_third_agencys_message_is_nothing_that_two_others_tell_each_other_of() -> None:
    of_be = know_original(sender="BE", recipients=frozenset({"GB-HO", "VN"}))
    sentence = "the message it refers to did not pass between GB-HO and VN"
    assert refuse(check_right, make_aftercare("breach-notice", of_be)) == (
        UnprovenError,
        "reference-refused",
        sentence,
    )


def test_aftercare_without_its_message_is_refused_waited_for_or_noted_in_words() -> None:
    loose = make_facts(message={"kind": "correction"})
    assert refuse(check_right, loose) == (
        UnprovenError,
        "reference-refused",
        "refers_to: a correction says which message it is about",
    )
    assert refuse(check_right, make_aftercare("correction", None)) == (
        WaitingError,
        "reference-unknown",
        "the message it refers to is not here yet",
    )
    assert check_right(make_aftercare("withdrawal", None)) == (
        "it takes back a message that is not here; should that come, it is not opened"
    )
    assert check_right(make_aftercare("correction", know_original())) == (
        f"aftercare of message {ORIGINAL.id}, under the agreement of that message"
    )
