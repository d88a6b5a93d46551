"""What follows a message up says no more than that one's clause allows, once here and as often as is taken."""

from dataclasses import replace
from typing import Any

import pytest

from agency_client.receiving.errors import NotCoveredError
from agency_client.receiving.following import verify_follow_up
from agency_client.receiving.rules import KnownMessage, MessageFacts
from schemas.agreements.following import MAX_FOLLOW_UPS
from schemas.alerts import parse_alert
from schemas.envelope import Message
from schemas.markings import HandlingCode, Tlp
from tests.agency_client.receiving.content_rules.test_reading import pass_on
from tests.agency_client.receiving.test_rules import GB, ORIGINAL, VN, Agreement, know_original, make_facts
from tests.strategies.agreements import make_clause
from tests.support.lying_world import make_alert, make_ping
from tests.support.messages import make_message

RESTRICTION = {"ground": "accuracy-contested", "required_action": "restrict", "acknowledge_by": "2026-11-05T12:00:00Z"}
CLAUSE = make_clause("GB-HO", "VN", highest_marking=Tlp.AMBER, handling=(HandlingCode.H0,))
WIDE = make_clause("VN", "GB-HO", highest_marking=Tlp.RED, handling=tuple(HandlingCode))


def follow(
    original: KnownMessage | None, *, codes: tuple[str, ...] = ("h0",), marking: Tlp = Tlp.AMBER
) -> tuple[MessageFacts, Message]:
    """Return a restriction of GB's and the message it comes in, under an agreement that is wider the other way."""
    alert = make_alert("restriction", RESTRICTION, in_reply_to=ORIGINAL.to_wire(), handling={"codes": list(codes)})
    members: dict[str, Any] = {"kind": "restriction", "alert": alert, "refers_to": ORIGINAL, "marking": marking}
    agreement = Agreement(clauses=(WIDE, CLAUSE)).bind()
    facts = make_facts(agreement, message=members, original=original)
    return facts, make_message(GB, VN, agreement=agreement.terms.digest(), **members)


def refuse(facts: MessageFacts, message: Message) -> tuple[str, str]:
    """Return code and sentence of a refusal."""
    with pytest.raises(NotCoveredError) as caught:
        verify_follow_up(facts, message, parse_alert(message.alert))
    return caught.value.code, caught.value.sentence


def pass_through(facts: MessageFacts, message: Message) -> None:
    """Expect that nothing is against it."""
    verify_follow_up(facts, message, parse_alert(message.alert))


KNOWN = know_original(marking=Tlp.AMBER, clauses=(CLAUSE,))


def test_what_follows_nothing_is_judged_by_its_own_clause_elsewhere() -> None:
    ping = make_ping(handling={"codes": ["h2"]})
    facts = make_facts(message={"kind": "ping", "alert": ping})
    pass_through(facts, make_message(GB, VN, kind="ping", alert=ping))


def test_what_its_message_could_have_said_passes() -> None:
    pass_through(*follow(KNOWN))


def test_every_reason_against_it_stands_in_the_sentence() -> None:
    known = replace(KNOWN, said_before=MAX_FOLLOW_UPS)
    code, sentence = refuse(*follow(known, codes=("h0", "h2")))
    assert code == "follow-ups-exhausted"
    assert sentence == (
        "it says more than the message it follows could: 64 messages of the kind restriction were sent about the same "
        "message: no more are taken; handling h2 is not among h0"
    )


def test_the_last_that_is_taken_is_taken() -> None:
    assert KNOWN.said_before == 0
    pass_through(*follow(replace(KNOWN, said_before=MAX_FOLLOW_UPS - 1)))


def test_a_notice_is_marked_no_higher_than_its_message() -> None:
    code, sentence = refuse(*follow(replace(KNOWN, marking=Tlp.GREEN)))
    assert code == "marking-too-high"
    assert sentence.endswith("it is marked no higher than that: amber is above green")


def test_where_its_message_is_not_here_the_clauses_of_its_senders_direction_count() -> None:
    pass_through(*follow(None))
    assert refuse(*follow(None, codes=("h2",)))[0] == "handling-not-covered"
    assert refuse(*follow(None, marking=Tlp.RED))[0] == "marking-too-high"


def test_where_nothing_at_all_is_known_of_the_agreement_nothing_is_held_against_it() -> None:
    facts, message = follow(None, codes=("h2",))
    pass_through(replace(facts, chains_now={}), message)


def test_what_is_passed_on_keeps_the_handling_its_author_gave_it_elsewhere() -> None:
    facts, message = follow(KNOWN, codes=("h0", "h2"))
    assert refuse(facts, message)[0] == "handling-not-covered"
    pass_through(facts, pass_on(message, refers_to=ORIGINAL))
