"""A search finds across scripts, says why, is on record with its question, and never hits whom it must not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agency_client.errors import UsageError
from agency_client.local_store.access_log import list_entries
from agency_client.local_store.content import erase_content
from agency_client.local_store.corrected_index import find_before, list_changed_by
from agency_client.local_store.name_index import list_indexed_names, list_indexed_numbers
from agency_client.local_store.restored import RestoredNodeError, begin_restored_life
from agency_client.local_store.settings import clear_restored
from agency_client.matching.query import SearchQuery
from agency_client.matching.ranking import Level
from agency_client.matching.searching import Hit, find_digests, search
from agency_client.sending.draft import Draft
from agency_client.sending.flow import send_alert
from schemas.agreements.terms import Terms
from schemas.envelope import Reference
from schemas.log.records import Action
from schemas.markings import Purpose
from schemas.model import format_timestamp
from tests.support.aftercare import NOTICES
from tests.support.drafts import make_draft
from tests.support.lying_world import LyingWorld, make_alert

HOLDER = SearchQuery(names=("Эрикссон Анна Мария",))
PASSPORT = SearchQuery(documents=("UTO:L898902C3",))


def send_fraud(world: LyingWorld, terms: Terms, **members: Any) -> Reference:
    """Let GB tell VN of a false passport that names ERIKSSON; VN collects it."""
    draft = make_draft("VN", agreement=terms.id)
    leg = send_alert(world["GB"], replace(draft, alert={**draft.alert, **members})).legs[0]
    world.collect("VN")
    return Reference(id=leg.message_id, digest=leg.digest)


def say(world: LyingWorld, kind: str, about: Reference, **details: Any) -> Reference:
    """Let GB send a notice about its message; VN collects it."""
    due = format_timestamp(world.clock.now() + timedelta(days=3))
    alert = make_alert(kind, NOTICES[kind] | {"acknowledge_by": due} | details, in_reply_to=about.to_wire())
    alert.pop("thread")
    draft = Draft(alert, Purpose.DATA_QUALITY, necessity="It follows it.", reason="case 74/08")
    (leg,) = send_alert(world["GB"], draft).legs
    world.collect("VN")
    return Reference(id=leg.message_id, digest=leg.digest)


def find(world: LyingWorld, query: SearchQuery, message: Reference, agency: str = "VN") -> list[Hit]:
    """Return what a search says of one message."""
    hits = search(world[agency], query, reason="case 12/26", limit=400)
    return [hit for hit in hits if hit.message.digest == message.digest]


def test_a_person_is_found_across_scripts_at_both_sides_with_the_reasons(world: LyingWorld, terms: Terms) -> None:
    sent = send_fraud(world, terms)
    (received,) = find(world, HOLDER, sent)
    (own,) = find(world, HOLDER, sent, "GB")
    assert (received.message.is_own, received.message.partner) == (False, "GB")
    assert (own.message.is_own, own.message.partner) == (True, "VN")
    for hit in (received, own):
        assert (hit.level, hit.found_as, hit.marks) == (Level.LIKELY, "holder", ())
        assert "Эрикссон / ERIKSSON: a transliteration of it" in hit.reasons


def test_the_birth_date_decides(world: LyingWorld, terms: Terms) -> None:
    sent = send_fraud(world, terms)
    (hit,) = find(world, replace(HOLDER, birth_date="1974-08-12"), sent)
    assert (hit.level, hit.reasons[0]) == (Level.STRONG, "the same birth date")
    (hit,) = find(world, replace(HOLDER, birth_date="1950-01-01"), sent)
    assert hit.level is Level.CONTRADICTED


def test_a_number_is_found_whatever_is_typed_around_it(world: LyingWorld, terms: Terms) -> None:
    sent = send_fraud(world, terms)
    for query in (PASSPORT, SearchQuery(texts=("l 898902-c3",)), SearchQuery(numbers=("L898902C3",))):
        (hit,) = find(world, query, sent)
        assert (hit.level, hit.score) == (Level.SAME_NUMBER, 1.0)
        assert hit.reasons == ("Document number L898902C3: the same",)


def test_another_person_is_not_found(world: LyingWorld, terms: Terms) -> None:
    sent = send_fraud(world, terms)
    for query in (SearchQuery(names=("Boris Godunov",)), SearchQuery(documents=("L898902C4",))):
        assert find(world, query, sent) == [], query


def test_the_question_is_on_record_with_who_and_why_before_anything_is_found(world: LyingWorld) -> None:
    node = world["VN"]
    assert search(node, SearchQuery(names=("Нет Никого",), birth_date="1974"), reason="case 12/26", case="12/26") == []
    with node.store.read() as snapshot:
        entry = list_entries(snapshot)[0]
    assert (entry.verb, entry.action, entry.reason, entry.case) == (
        "search",
        Action.CONSULTATION,
        "case 12/26",
        "12/26",
    )
    assert entry.query == "name Нет Никого; born 1974"


@pytest.mark.parametrize("kind", ["restriction", "withdrawal"])
def test_what_is_restricted_or_taken_back_is_never_a_hit(world: LyingWorld, terms: Terms, kind: str) -> None:
    sent = send_fraud(world, terms)
    say(world, kind, sent)
    for agency in ("GB", "VN"):
        assert find(world, HOLDER, sent, agency) == find(world, PASSPORT, sent, agency) == []


def test_a_victim_of_a_misused_identity_is_never_a_hit_and_the_others_come_with_a_warning(
    world: LyingWorld, terms: Terms
) -> None:
    sent = send_fraud(world, terms)
    say(world, "misused-identity", sent, subjects=["persons.0"])
    assert find(world, SearchQuery(names=("Nguyễn Văn Specimen",)), sent) == []
    (hit,) = find(world, HOLDER, sent)
    assert hit.marks == ("VICTIM OF MISUSED IDENTITY",)
    say(world, "misused-identity", sent, subjects=["details.document.holder"])
    assert find(world, HOLDER, sent) == find(world, PASSPORT, sent) == []


def test_a_corrected_message_is_found_by_what_it_says_now(world: LyingWorld, terms: Terms) -> None:
    sent = send_fraud(world, terms)
    fields = {"surname": "BERG", "given_names": "Solveig"}
    changes = [
        {"field": f"details.document.holder.{field}", "was": was, "now": fields[field]}
        for field, was in (("surname", "ERIKSSON"), ("given_names", "ANNA MARIA"))
    ]
    say(world, "correction", sent, changes=changes)
    for agency in ("GB", "VN"):
        (hit,) = find(world, SearchQuery(names=("Solveig Berg",)), sent, agency)
        assert hit.marks == ("corrected",)
        with world[agency].store.read() as snapshot:
            holders = [
                entry.text for entry in list_indexed_names(snapshot, sent.digest) if entry.path.endswith("holder")
            ]
        assert holders == ["Solveig BERG"]


def test_a_correction_that_is_taken_back_or_restricted_changes_nothing_that_is_found(
    world: LyingWorld, terms: Terms
) -> None:
    sent = send_fraud(world, terms)
    first = correct_surname(world, sent, "ERIKSSON", "BERG")
    second = correct_surname(world, sent, "BERG", "BERGMAN")
    assert list_holders(world, sent) == {"GB": ["ANNA MARIA BERGMAN"], "VN": ["ANNA MARIA BERGMAN"]}
    say(world, "withdrawal", second)
    assert list_holders(world, sent) == {"GB": ["ANNA MARIA BERG"], "VN": ["ANNA MARIA BERG"]}
    say(world, "restriction", first)
    assert list_holders(world, sent) == {"GB": ["ANNA MARIA ERIKSSON"], "VN": ["ANNA MARIA ERIKSSON"]}
    assert find(world, HOLDER, sent)
    assert find(world, SearchQuery(names=("Anna Maria Berg",)), sent) == []


def correct_surname(world: LyingWorld, sent: Reference, was: str, now: str) -> Reference:
    """Let GB correct the holder's surname, a second after whatever it said last; return the correction."""
    world.clock.ahead += timedelta(seconds=1)
    change = {"field": "details.document.holder.surname", "was": was, "now": now}
    return say(world, "correction", sent, changes=[change])


def list_holders(world: LyingWorld, sent: Reference) -> dict[str, list[str]]:
    """Return under which name of the holder a message is found at each agency."""
    found = {}
    for agency in ("GB", "VN"):
        with world[agency].store.read() as snapshot:
            entries = list_indexed_names(snapshot, sent.digest)
        found[agency] = [entry.text for entry in entries if entry.path.endswith("holder")]
    return found


def test_what_is_erased_leaves_nothing_to_be_found(world: LyingWorld, terms: Terms) -> None:
    sent, node = send_fraud(world, terms), world["VN"]
    correction = correct_surname(world, sent, "ERIKSSON", "BERG")
    with node.store.write() as transaction:
        assert list_changed_by(transaction, correction.digest) == [sent.digest]
        erase_content(transaction, sent.digest, node.note_access(Action.ERASURE, "erase", "its term has ended"))
        assert list_indexed_names(transaction, sent.digest) == []
        assert list_indexed_numbers(transaction, sent.digest) == []
        assert list_changed_by(transaction, correction.digest) == []
        assert find_before(transaction, sent.digest) is None
    assert find(world, HOLDER, sent) == []


def test_a_list_is_narrowed_under_its_own_verb(world: LyingWorld, terms: Terms) -> None:
    sent, node = send_fraud(world, terms), world["VN"]
    assert sent.digest in find_digests(node, PASSPORT, "list-inbox")
    with node.store.read() as snapshot:
        assert (list_entries(snapshot)[0].verb, list_entries(snapshot)[0].query) == (
            "list-inbox",
            "document UTO:L898902C3",
        )


def test_a_question_that_finds_nobody_leaves_no_entry(world: LyingWorld) -> None:
    node = world["VN"]
    with node.store.read() as snapshot:
        before = list_entries(snapshot, limit=1)
    with pytest.raises(UsageError):
        search(node, SearchQuery(birth_date="1974-08-12"), reason="case 12/26")
    with node.store.read() as snapshot:
        assert list_entries(snapshot, limit=1) == before


def test_a_restored_node_searches_nothing_before_it_has_erased_again(world: LyingWorld) -> None:
    node = world["VN"]
    with node.store.write() as transaction:
        begin_restored_life(transaction, backup="vn.backup", at=world.clock.now())
    try:
        with pytest.raises(RestoredNodeError):
            search(node, HOLDER, reason="case 12/26")
    finally:
        with node.store.write() as transaction:
            clear_restored(transaction)
