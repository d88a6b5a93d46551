"""Attacks on the search: a message that crowds others out, words put into another's message, a search made to fail; and
an officer who looks for a victim, or for what may not be used.

Members with valid keys, past their own clients, against the node of an officer who looks for somebody.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agency_client.local_store.inbox import InboxState
from agency_client.local_store.name_index import find_numbers
from agency_client.local_store.sent import list_deliveries, load_message
from agency_client.matching.query import SearchQuery
from agency_client.matching.searching import Hit, search
from agency_client.onward.passing_on import PassOn, pass_on
from agency_client.sending.draft import Draft
from agency_client.sending.flow import send_alert
from schemas.agreements.terms import OnwardRule, Terms
from schemas.envelope import Reference
from schemas.markings import Purpose
from schemas.model import format_timestamp
from tests.support.aftercare import NOTICES
from tests.support.drafts import make_draft
from tests.support.lying_world import LyingWorld, make_alert
from tests.support.nodes import make_wide_clause

GB, VN, BE = "GB", "VN", "BE"
NAME = "SPECIMEN ANNELIESE QUILLA"
NAMED = SearchQuery(names=(NAME,))
OTHER_NAME = "ZACHARIAS PROBE"
PASSPORT = {"type": "passport", "issuing_state": "UTO", "number": "SP7421903"}


def make_person(ref: str, name: str = NAME) -> dict[str, Any]:
    return {"ref": ref, "role": "suspect", "names": [{"text": name}], "birth_dates": ["1974-08-12"]}


def tell(world: LyingWorld, terms: Terms, *persons: dict[str, Any], **members: Any) -> Reference:
    """Let GB tell VN of a false document, and of persons; VN collects it."""
    draft = make_draft(VN, agreement=terms.id)
    alert = {**draft.alert, "persons": list(persons), **members}
    (leg,) = send_alert(world[GB], replace(draft, alert=alert)).legs
    world.collect(VN)
    return Reference(id=leg.message_id, digest=leg.digest)


def find(world: LyingWorld, agency: str, query: SearchQuery, message: Reference) -> list[Hit]:
    hits = search(world[agency], query, reason="case 12/26", limit=400)
    return [hit for hit in hits if hit.message.digest == message.digest]


def force_correction(
    world: LyingWorld, way: tuple[str, str], agreement: str, about: Reference, **change: str
) -> InboxState:
    """Let one agency correct a message past its own client, at the other; return what became of that."""
    sender, to = way
    due = format_timestamp(world.clock.now() + timedelta(days=3))
    details = {"changes": [change], "reason": "typing-error", "required_action": "amend", "acknowledge_by": due}
    sealed = world.craft(
        sender,
        to,
        agreement,
        alert=make_alert("correction", details, in_reply_to=about.to_wire()),
        purpose=Purpose.DATA_QUALITY,
        refers_to=about,
    )
    world.deliver(sealed, to)
    return world.receive(to, sealed).state


def test_a_message_full_of_a_name_does_not_hide_the_others_that_have_it(world: LyingWorld, terms: Terms) -> None:
    message = tell(world, terms, make_person("p1"))
    crowd = tell(world, terms, *({**make_person(f"p{i}"), "names": [{"text": NAME}] * 20} for i in range(32)))
    assert len(find(world, VN, NAMED, message)) == 1
    assert len(find(world, VN, NAMED, crowd)) == 1


def test_a_message_full_of_a_number_does_not_hide_the_others_that_have_it(world: LyingWorld, terms: Terms) -> None:
    query = SearchQuery(documents=("UTO:SP7421903",))
    alone = tell(world, terms, {**make_person("p1"), "documents": [PASSPORT]})
    for place in range(7):
        persons = ({**make_person(f"p{i}", f"{OTHER_NAME} {place}"), "documents": [PASSPORT]} for i in range(100))
        tell(world, terms, *persons, own_reference=f"TEST-{place}")
    with world[VN].store.read() as snapshot:
        found = find_numbers(snapshot, query.list_numbers())
    assert len(found) == len({(number.message, number.entry.identifier) for number in found})
    assert len(find(world, VN, query, alone)) == 1


def test_a_correction_that_gives_no_date_does_not_break_the_search(world: LyingWorld, terms: Terms) -> None:
    message = tell(world, terms, make_person("p1"))
    change = {"field": "persons.0.birth_dates.0", "was": "1974-08-12", "now": "never born"}
    assert force_correction(world, (GB, VN), terms.digest(), message, **change) is InboxState.OPENED
    (hit,) = find(world, VN, replace(NAMED, birth_date="1974-08-12"), message)
    assert "corrected" in hit.marks


VICTIM = "NGUYEN VAN PROBE"
VICTIMS_PASSPORT = SearchQuery(documents=("UTO:SP1357902",))


def test_an_officer_finds_no_victim_of_a_misused_identity_and_nothing_that_is_restricted(
    world: LyingWorld, terms: Terms
) -> None:
    documents = [PASSPORT | {"number": "SP1357902"}]
    victim = {**make_person("p1", VICTIM), "documents": documents}
    # The same number stands with the offender, who used it: it leads to the victim all the same.
    message = tell(world, terms, victim, {**make_person("p2", OTHER_NAME), "documents": documents})
    asked = (SearchQuery(names=(VICTIM,)), VICTIMS_PASSPORT)
    assert [len(find(world, agency, query, message)) for agency in (GB, VN) for query in asked] == [1, 1, 1, 1]
    follow(world, "misused-identity", message, subjects=["persons.0"])
    assert [find(world, agency, query, message) for agency in (GB, VN) for query in asked] == [[], [], [], []]
    offender = SearchQuery(names=(OTHER_NAME,))
    (hit,) = find(world, VN, offender, message)
    assert hit.marks == ("VICTIM OF MISUSED IDENTITY",)
    follow(world, "restriction", message)
    assert [find(world, agency, offender, message) for agency in (GB, VN)] == [[], []]


def follow(world: LyingWorld, kind: str, about: Reference, **details: Any) -> None:
    """Let GB say something of its own message; VN collects it."""
    due = format_timestamp(world.clock.now() + timedelta(days=3))
    alert = make_alert(kind, NOTICES[kind] | {"acknowledge_by": due} | details, in_reply_to=about.to_wire())
    alert.pop("thread")
    send_alert(world[GB], Draft(alert, Purpose.DATA_QUALITY, necessity="It follows it.", reason="case 12/26"))
    world.collect(VN)


def agree_onward(world: LyingWorld, one: str, other: str, name: str) -> Terms:
    """Bring an agreement into force under which what its author allows goes on."""
    ways = ((one, other), (other, one))
    clauses = tuple(make_wide_clause(*way, onward=OnwardRule.WITH_CONSENT) for way in ways)
    return world.agree(one, other, f"{one} {other} {name}", clauses=clauses)


def test_who_passed_a_message_on_puts_no_name_into_its_authors_words(
    world: LyingWorld, request: pytest.FixtureRequest
) -> None:
    terms = agree_onward(world, GB, VN, request.node.name)
    agree_onward(world, VN, BE, request.node.name)
    message = tell(world, terms, make_person("p1"), onward=[BE], handling={"codes": ["h0"]})
    (copy,) = pass_on(world[VN], PassOn(message.id, (BE,), reason="they look for her"))
    world.collect(BE)
    held, agreement = find_copy(world, copy.item.message_id)
    change = {"field": "persons.0.names.0.text", "was": NAME, "now": OTHER_NAME}
    assert force_correction(world, (VN, BE), agreement, held, **change) is InboxState.OPENED
    assert len(find(world, BE, NAMED, held)) == 1
    assert find(world, BE, SearchQuery(names=(OTHER_NAME,)), held) == []


def find_copy(world: LyingWorld, message_id: str) -> tuple[Reference, str]:
    """Return how others refer to what VN sent, and the version of the agreement that it went under."""
    with world[VN].store.read() as snapshot:
        sent = load_message(snapshot, message_id)
        (delivery,) = list_deliveries(snapshot, message_id)
    return Reference(id=message_id, digest=sent.digest), delivery.agreement
